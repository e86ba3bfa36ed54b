/* The end of a fetch: from "everything is there" to "the dataset is that". */
#include "jobs/fetch/job.h"
#include "jobs/fetch/manifest_local.h"

static const int64_t PARTS_MAX_AGE_US = INT64_C(24) * 3600 * 1000000;

static const ChangedObject *changed_object(const Fetch *fetch, size_t index)
{
    for (size_t i = 0; i < fetch->changed_count; i++)
        if (fetch->changed[i].index == index)
            return &fetch->changed[i];
    return NULL;
}

/* What is now known of the objects that changed meanwhile. */
static void note_changes(Fetch *fetch)
{
    for (size_t i = 0; i < fetch->changed_count; i++)
        fetch->selection.objects[fetch->changed[i].index].size_bytes = fetch->changed[i].size_bytes;
}

static Str etag_of(const Fetch *fetch, size_t index)
{
    const ChangedObject *changed = changed_object(fetch, index);
    return changed ? buffer_str(&changed->etag) : selection_etag_view(&fetch->selection, index);
}

/* The stricter checks leave the ETag in the manifest, for what was fetched as for what was found right. */
static Error *set_hashes(Fetch *fetch)
{
    Selection *selection = &fetch->selection;
    for (size_t i = 0; i < selection->count; i++) {
        bool fetched = selection->objects[i].flags & SELECTED_NEEDED;
        if (fetch->verify != VERIFY_SIZE)
            TRY(selection_set_hash(selection, i, etag_of(fetch, i)));
        else if (fetched)
            selection_clear_hash(selection, i);
    }
    return NULL;
}

static Error *replace(Fetch *fetch)
{
    Selection *selection = &fetch->selection;
    CLEANUP(buffer_done) Buffer waiting = {0}, key = {0};
    for (size_t i = 0; i < selection->count; i++) {
        SelectedObject *object = &selection->objects[i];
        if (!(object->flags & SELECTED_WAITS))
            continue;
        buffer_clear(&waiting);
        buffer_clear(&key);
        TRY(buffer_append_str(&key, fetch->prefix));
        TRY(buffer_append_str(&key, selection_key_view(selection, i)));
        TRY(dataset_name_waiting(selection_name_view(selection, i), buffer_str(&key), etag_of(fetch, i),
                                 object->size_bytes, &waiting));
        TRY(dataset_publish(&fetch->dataset, buffer_str(&waiting), selection_name_view(selection, i)));
    }
    return NULL;
}

static Error *delete_leftovers(Fetch *fetch)
{
    const char *at = (const char *)fetch->leftovers.data;
    for (size_t i = 0; i < fetch->leftover_count; i++, at += strlen(at) + 1)
        TRY(dataset_delete(&fetch->dataset, str_of(at)));
    return NULL;
}

static bool next_entry(void *context, size_t index, LocalEntry *ret_entry)
{
    const Selection *selection = &((const Fetch *)context)->selection;
    if (index == selection->count)
        return false;
    *ret_entry =
        (LocalEntry){.name = selection_name_view(selection, index), .size_bytes = selection->objects[index].size_bytes};
    ret_entry->has_hash = selection_hash_view(selection, index, &ret_entry->hash);
    return true;
}

static Error *write_manifest(Fetch *fetch)
{
    const char *path = (const char *)fetch->dataset.manifest.data;
    LocalEntries entries = {next_entry, fetch};
    bool same = false;
    if (!fetch->strict)
        TRY(manifest_local_is(path, &entries, &same));
    return same ? NULL : manifest_local_write(path, &entries);
}

/* Nothing of it is needed by this dataset any more. */
static Error *clean(Fetch *fetch)
{
    uint64_t removed;
    if (!fetch->needed)
        return NULL;
    TRY(dataset_drop_waiting(&fetch->dataset));
    return downloads_clean(fetch->downloads, PARTS_MAX_AGE_US, &removed);
}

Error *fetch_apply(Fetch *fetch)
{
    note_changes(fetch);
    if (fetch->needed)
        TRY(dataset_sync(&fetch->dataset));
    TRY(replace(fetch));
    TRY(delete_leftovers(fetch));
    TRY(set_hashes(fetch));
    TRY(write_manifest(fetch));
    fetch->applied = true;
    if (fetch->needed)
        log_info(fetch->env->log, "Finished downloading %zu files from S3.", fetch->needed);
    Error *error = clean(fetch);
    if (error)
        log_warning(fetch->env->log, "%s", error_message_view(error));
    error_free(error); /* the dataset is right; what is left over is a nuisance */
    return NULL;
}
