/* data_manifest URL [STAGE [PREVIOUS]] - what a data manifest says, or, with PREVIOUS, the URL of another, which titles changed since. STAGE "-": the
 * one that is there. */
#include <inttypes.h>
#include <quern/quern.h>
#include <stdio.h>
#include <string.h>

static void print_title(const QuernManifestTitle *title)
{
    printf("%s|%s|%s|%s|%" PRId64 "\n", title->media_title, title->data_provider, title->update_type,
           title->update_level, title->modified_us);
}

static QuernError *print_whole(const QuernDataManifest *manifest)
{
    printf("%s %s %" PRId64 "\n", quern_data_manifest_url_view(manifest), quern_data_manifest_version_view(manifest),
           quern_data_manifest_generated_us(manifest));
    for (size_t i = 0; quern_data_manifest_title_at(manifest, i); i++)
        print_title(quern_data_manifest_title_at(manifest, i));
    return NULL;
}

static QuernError *print_changes(const QuernDataManifest *manifest, const char *previous_url, const char *stage)
{
    QuernDataManifest *previous = NULL;
    const QuernManifestTitle **titles = NULL;
    QuernError *error = quern_data_manifest_new(NULL, previous_url, stage, NULL, NULL, &previous);
    if (!error)
        error = quern_data_manifest_changes(manifest, previous, &titles);
    for (size_t i = 0; titles && titles[i]; i++)
        print_title(titles[i]);
    quern_free(titles);
    quern_data_manifest_free(previous);
    return error;
}

int main(int argc, char **argv)
{
    QuernDataManifest *manifest = NULL;
    const char *stage = argc > 2 && strcmp(argv[2], "-") != 0 ? argv[2] : NULL;
    QuernError *error = quern_data_manifest_new(NULL, argv[argc > 1], stage, NULL, NULL, &manifest);
    if (!error)
        error = argc > 3 ? print_changes(manifest, argv[3], stage) : print_whole(manifest);
    quern_data_manifest_free(manifest);
    fputs(quern_error_message(error), stderr);
    int status = quern_exit_status(error, NULL);
    quern_error_free(error);
    return status;
}
