/* A data manifest from a bucket that others write to; and its key. What is read is compared with itself, and must not have changed. */
#include <stddef.h>

#include "jobs/manifest/data_manifest.h"

#define ARENA_BYTES ((size_t)4 * MIB)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(ARENA_BYTES);
    Str text = str_from(data, len);
    DataManifest manifest;
    ManifestName name;
    const ManifestTitle **changed;
    size_t count;
    if (manifest_name_parse(text, &name))
        ASSERT(manifest_stage_is_known(name.stage) && manifest_version_compare(&name.version, &name.version) == 0);
    Error *error = arena ? data_manifest_parse(text, arena, &manifest) : NULL;
    if (arena && !error) {
        for (size_t i = 0; i < manifest.title_count; i++)
            ASSERT(manifest.titles[i].media_title.len > 0 && str_is_utf8(manifest.titles[i].media_title));
        error = data_manifest_changes(&manifest, &manifest, arena, &changed, &count);
        if (!error)
            for (size_t i = 0; i < count; i++) /* only a title that is there twice, with two dates */
                ASSERT(manifest.title_count > 1);
    }
    error_free(error);
    return 0;
}
