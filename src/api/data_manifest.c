#include <stdlib.h>

#include "api/internal.h"
#include "jobs/manifest/data_manifest.h"

#define MANIFEST_ARENA_BYTES ((size_t)64 * MIB)

/* Constant once made. */
struct QuernDataManifest {
    pid_t process;
    Arena *arena; /* of all below */
    DataManifest manifest;
    QuernManifestTitle *titles; /* [manifest.title_count] */
    const char *url;
    char version[MANIFEST_VERSION_BYTES];
};

DEFINE_FREEP(QuernDataManifest, quern_data_manifest_free)

static QuernManifestTitle shown_title(const ManifestTitle *title)
{
    return (QuernManifestTitle){
        .media_title = title->media_title.data, /* data_manifest_parse puts a NUL behind its texts */
        .data_provider = title->data_provider.data,
        .update_type = title->update_type.data,
        .update_level = title->update_level.data,
        .modified_us = title->modified_us,
    };
}

QuernError *quern_data_manifest_new(QuernClient *client, const char *url, const char *stage,
                                    const QuernOptions *options, QuernControl *control,
                                    QuernDataManifest **ret_manifest)
{
    CLEANUP(call_done) Call call = {0};
    CLEANUP(quern_data_manifest_freep) QuernDataManifest *opened = calloc(1, sizeof *opened);
    Str where;
    if (!opened || !(opened->arena = arena_new(MANIFEST_ARENA_BYTES)))
        return FAIL(NO_MEMORY, "out of memory");
    opened->process = getpid();
    TRY(call_begin(client, options, COMMAND_CLIENT, control, &call));
    TRY(data_manifest_open(&call.env, str_of(url), str_of(stage), opened->arena, &opened->manifest, &where));
    opened->url = where.data;
    manifest_version_text(&opened->manifest.version, opened->version);
    opened->titles = ARENA_ARRAY(opened->arena, QuernManifestTitle, opened->manifest.title_count);
    if (!opened->titles)
        return arena_error(opened->arena);
    for (size_t i = 0; i < opened->manifest.title_count; i++)
        opened->titles[i] = shown_title(&opened->manifest.titles[i]);
    GIVE(ret_manifest, opened);
    return NULL;
}

void quern_data_manifest_free(QuernDataManifest *manifest)
{
    if (!manifest)
        return;
    arena_free(manifest->arena);
    free(manifest);
}

const char *quern_data_manifest_url_view(const QuernDataManifest *manifest)
{
    return manifest->url;
}

const char *quern_data_manifest_version_view(const QuernDataManifest *manifest)
{
    return manifest->version;
}

int64_t quern_data_manifest_generated_us(const QuernDataManifest *manifest)
{
    return manifest->manifest.generated_us;
}

const QuernManifestTitle *quern_data_manifest_title_at(const QuernDataManifest *manifest, size_t index)
{
    return index < manifest->manifest.title_count ? &manifest->titles[index] : NULL;
}

QuernError *quern_data_manifest_changes(const QuernDataManifest *manifest, const QuernDataManifest *previous,
                                        const QuernManifestTitle ***ret_titles)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(MANIFEST_ARENA_BYTES);
    const ManifestTitle **changed;
    size_t count;
    TRY(process_check(manifest->process, "data manifest"));
    TRY(process_check(previous->process, "data manifest"));
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(data_manifest_changes(&manifest->manifest, &previous->manifest, arena, &changed, &count));
    const QuernManifestTitle **titles = calloc(count + 1, sizeof *titles);
    if (!titles)
        return FAIL(NO_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        titles[i] = &manifest->titles[changed[i] - manifest->manifest.titles];
    if (ret_titles)
        *ret_titles = titles;
    else
        free(titles);
    return NULL;
}
