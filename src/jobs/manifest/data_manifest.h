/* data_manifest.h - impresso's data manifest: which titles a partition holds, and since when. Only what carries a time is read; dates have
 * either form, "2024-04-05 18:53:20" or "2026-04-23T10:00:00Z". They are of the clock when a manifest was computed, not of the objects'
 * impresso-last-ts. Source: spec/impresso.md 7. */
#ifndef JOBS_MANIFEST_DATA_MANIFEST_H
#define JOBS_MANIFEST_DATA_MANIFEST_H

#include "base/arena.h"
#include "jobs/env.h"
#include "jobs/manifest/manifest_name.h"

typedef struct ManifestTitle {
    Str media_title;
    Str data_provider;             /* "" in manifests that are older than that level of keys */
    Str update_type, update_level; /* "addition", "modification"; "title", "year"; "": null */
    int64_t modified_us;           /* microseconds since the Unix epoch, UTC */
} ManifestTitle;

typedef struct DataManifest {
    ManifestVersion version;
    int64_t generated_us;
    Str s3_path, previous_s3_path; /* "": null, or no such member */
    ManifestTitle *titles;         /* [title_count], as they stand there; a title may stand there twice */
    size_t title_count;
} DataManifest;

/* From its JSON; all texts are copied to `arena`, with a NUL behind them. Errors: CORRUPT (no JSON, no data manifest, a date of no known form), LIMIT. */
MUST_USE Error *data_manifest_parse(Str json, Arena *arena, DataManifest *ret_manifest);

/* The titles that `previous` lacks or has from an earlier date, in the order of `manifest`; an array in `arena`. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *data_manifest_changes(const DataManifest *manifest, const DataManifest *previous, Arena *arena,
                                      const ManifestTitle ***ret_changed, size_t *ret_count);

/* Reads the manifest at `url`: an object when it ends in ".json", else a partition, of which the latest manifest of `stage` is meant, the last of
 * equal versions. `stage` "": of the one that is there; it is of no meaning for an object. `*ret_url` says which it was. All in `arena`.
 * Errors: NOT_FOUND, INVALID (a stage that impresso does not have; several in the partition, and none was named), CORRUPT, LIMIT (128 MiB). */
MUST_USE Error *data_manifest_open(const JobEnv *env, Str url, Str stage, Arena *arena, DataManifest *ret_manifest,
                                   Str *ret_url);

#endif
