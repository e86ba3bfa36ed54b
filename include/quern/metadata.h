/* quern/metadata.h - maintenance of a release: objects and their metadata, the content as it is. */
#ifndef QUERN_METADATA_H
#define QUERN_METADATA_H

#include <quern/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The time of an object's newest record into its metadata, or lists of what lacks it. Options of `set-timestamp`. With options report,
 * report_dirs and remove_backups quern_report_lines_view says what was found; remove_backups removes it only with option yes. Errors:
 * NOT_FOUND (no such place), LOCKED, CHECK; `*ret_report` is then still written if the run had begun. */
QUERN_API QuernError *quern_set_timestamp(QuernClient *client, const QuernOptions *options, QuernControl *control,
                                          QuernReport **ret_report) QUERN_MUST_USE;

/* The provider level into the keys of a partition: quern_control_on_line hears the original's lines in the order of the listing. Options of
 * `add-provider`; they also go to the file log_file, here as with the others; remove_src_keys is the consent to what it says. Errors: NOT_FOUND (no such
 * place), CHECK (keys without a provider: nothing was changed), LOCKED; `*ret_report` is then still written if the run had begun. */
QUERN_API QuernError *quern_add_provider(QuernClient *client, const QuernOptions *options, QuernControl *control,
                                         QuernReport **ret_report) QUERN_MUST_USE;

/* Objects with their metadata from option from to option to; nothing is ever deleted. Options of `copy`. Errors: INVALID (one place), NOT_FOUND (no
 * such place, nothing below it), LOCKED, CHECK (require_metadata); `*ret_report` is then still written if the run had begun. */
QUERN_API QuernError *quern_copy(QuernClient *client, const QuernOptions *options, QuernControl *control,
                                 QuernReport **ret_report) QUERN_MUST_USE;

/* A data manifest: which titles a partition holds, and since when (impresso.md 7). The jobs above never write one; a copy carries it along unless
 * it is excluded. */
typedef struct QuernDataManifest QuernDataManifest;

typedef struct QuernManifestTitle {
    const char *media_title, *data_provider; /* no provider in older manifests: "" */
    const char *update_type, *update_level; /* of the last change: "addition", "modification", "title", "year"; or "" */
    int64_t modified_us;                    /* microseconds since the Unix epoch, UTC */
} QuernManifestTitle;

/* The manifest object at `url` when it ends in ".json", else the latest directly in that partition, of `stage` ("langident"; NULL: of the one that is
 * there). Options of the sections s3 and run. Errors: NOT_FOUND, INVALID (no stage of impresso's; several, and none was named), CORRUPT, LIMIT. */
QUERN_API QuernError *quern_data_manifest_new(QuernClient *client, const char *url, const char *stage,
                                              const QuernOptions *options, QuernControl *control,
                                              QuernDataManifest **ret_manifest) QUERN_MUST_USE;
QUERN_API void quern_data_manifest_free(QuernDataManifest *manifest);
/* As long as the manifest: where it is, and "v0.0.1". */
QUERN_API const char *quern_data_manifest_url_view(const QuernDataManifest *manifest);
QUERN_API const char *quern_data_manifest_version_view(const QuernDataManifest *manifest);
/* When it was computed; microseconds since the Unix epoch, UTC. */
QUERN_API int64_t quern_data_manifest_generated_us(const QuernDataManifest *manifest);
/* In the manifest's order; NULL past the end. As long as the manifest. */
QUERN_API const QuernManifestTitle *quern_data_manifest_title_at(const QuernDataManifest *manifest, size_t index);
/* The titles that `previous` lacks or has from an earlier date, in order, then NULL: what has to be done again. They live as long as `manifest`,
 * the array is the caller's. */
QUERN_API QuernError *quern_data_manifest_changes(const QuernDataManifest *manifest, const QuernDataManifest *previous,
                                                  const QuernManifestTitle ***ret_titles) QUERN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
