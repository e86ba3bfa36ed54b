/* Objects that the listing shows in an archive: whether one was restored only its GET tells, but hours may pass before that. */
#include "jobs/fetch/job.h"

Error *fetch_note_archived(Fetch *fetch, const ObjectInfo *object)
{
    Str class = object->headers.storage_class;
    bool archived = str_equal(class, STR("GLACIER")) || str_equal(class, STR("DEEP_ARCHIVE"));
    return archived ? name_set_add(&fetch->archived, object->key) : NULL;
}

static Error *count_needed(const Fetch *fetch, size_t *ret_count)
{
    CLEANUP(buffer_done) Buffer key = {0};
    *ret_count = 0;
    for (size_t i = 0; i < fetch->selection.count; i++) {
        if (!(fetch->selection.objects[i].flags & SELECTED_NEEDED))
            continue;
        buffer_clear(&key);
        TRY(buffer_append_str(&key, fetch->prefix));
        TRY(buffer_append_str(&key, selection_key_view(&fetch->selection, i)));
        *ret_count += name_set_has(&fetch->archived, buffer_str(&key));
    }
    return NULL;
}

Error *fetch_warn_of_archived(Fetch *fetch)
{
    size_t count;
    if (fetch->archived.hashes.len == 0)
        return NULL;
    name_set_close(&fetch->archived);
    TRY(count_needed(fetch, &count));
    if (count)
        log_warning(fetch->env->log,
                    "%zu of the %zu files to download lie in an archive (GLACIER or DEEP_ARCHIVE): those that were not "
                    "restored will fail, and the dataset with them; restore them first, or leave them out by --exclude",
                    count, fetch->needed);
    return NULL;
}
