#include "jobs/old_versions.h"

#include <inttypes.h>

#include "base/time_text.h"

void old_versions_note(OldVersions *old, const ObjectInfo *object)
{
    if (object->version_id.len == 0)
        return; /* of a bucket that has never kept any */
    bool named = !str_equal(object->version_id, STR("null"));
    atomic_fetch_add(named ? &old->kept.objects : &old->unnamed.objects, 1);
    atomic_fetch_add(named ? &old->kept.bytes : &old->unnamed.bytes, object->size_bytes);
}

/* A version without a name is replaced where the bucket has ceased to keep versions. */
static bool keeps_unnamed(const OldVersions *old, Store *store, const Cancel *cancel)
{
    bool keeps = false;
    if (old->unnamed.objects > 0)
        error_free(store_bucket_has(store, cancel, BUCKET_VERSIONS, &keeps)); /* who may not ask is not warned */
    return keeps;
}

void old_versions_say(const OldVersions *old, Store *store, const Cancel *cancel, Log *log, bool dry_run)
{
    char size[TIME_TEXT_BYTES];
    uint64_t objects = old->kept.objects, bytes = old->kept.bytes;
    if (keeps_unnamed(old, store, cancel)) {
        objects += old->unnamed.objects;
        bytes += old->unnamed.bytes;
    }
    if (objects == 0)
        return;
    size_text(bytes, size);
    log_warning(log,
                "'" STR_FMT "' keeps versions: %" PRIu64
                " objects %s rewritten, whose old versions stay until they are "
                "deleted, %s in all",
                STR_ARG(store_url_view(store)), objects, dry_run ? "would be" : "were", size);
}
