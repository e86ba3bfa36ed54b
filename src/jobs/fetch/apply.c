/* The end of a fetch: from "everything is there" to "the dataset is that". */
#include <stdlib.h>

#include "jobs/fetch/job.h"
#include "jobs/fetch/manifest_local.h"

enum { SYNC_ALL_FROM = 32 };

static int compare_changed(const void *a, const void *b)
{
    size_t one = ((const ChangedObject *)a)->index, other = ((const ChangedObject *)b)->index;
    return (one > other) - (one < other);
}

static const ChangedObject *changed_object(const Fetch *fetch, size_t index)
{
    ChangedObject wanted = {.index = index};
    return fetch->changed_count ? bsearch(&wanted, fetch->changed, fetch->changed_count, sizeof wanted, compare_changed)
                                : NULL;
}

/* What is now known of the objects that changed meanwhile, to be found by their index. */
static void note_changes(Fetch *fetch)
{
    if (fetch->changed_count)
        qsort(fetch->changed, fetch->changed_count, sizeof *fetch->changed, compare_changed);
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

/* Under which name an object that was fetched is now. */
static Error *present_name(const Fetch *fetch, size_t index, Buffer *out)
{
    const Selection *selection = &fetch->selection;
    const SelectedObject *object = &selection->objects[index];
    CLEANUP(buffer_done) Buffer key = {0};
    Str name = selection_name_view(selection, index);
    buffer_clear(out);
    if (!(object->flags & SELECTED_WAITS))
        return buffer_append_str(out, name);
    TRY(buffer_append_str(&key, fetch->prefix));
    TRY(buffer_append_str(&key, selection_key_view(selection, index)));
    return dataset_name_waiting(name, buffer_str(&key), etag_of(fetch, index), object->size_bytes, out);
}

/* What was fetched is on disk before anything takes its place: a few files by themselves, many with all that the file system holds. */
static Error *sync_files(Fetch *fetch)
{
    CLEANUP(buffer_done) Buffer name = {0};
    if (fetch->needed >= SYNC_ALL_FROM)
        return dataset_sync(&fetch->dataset);
    for (size_t i = 0; fetch->needed && i < fetch->selection.count; i++) {
        if (!(fetch->selection.objects[i].flags & SELECTED_NEEDED))
            continue;
        TRY(present_name(fetch, i, &name));
        TRY(dataset_sync_file(&fetch->dataset, buffer_str(&name)));
    }
    return NULL;
}

static Error *replace(Fetch *fetch)
{
    CLEANUP(buffer_done) Buffer waiting = {0};
    for (size_t i = 0; i < fetch->selection.count; i++) {
        if (!(fetch->selection.objects[i].flags & SELECTED_WAITS))
            continue;
        TRY(present_name(fetch, i, &waiting));
        TRY(dataset_publish(&fetch->dataset, buffer_str(&waiting), selection_name_view(&fetch->selection, i)));
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
    bool same = !fetch->strict && fetch->recorded && !fetch->needed && fetch->verify == VERIFY_SIZE;
    if (!fetch->strict && !same)
        TRY(manifest_local_is(path, &entries, &same));
    return same ? NULL : manifest_local_write(path, &entries);
}

/* ---- leftovers of runs that were cut short ---- */

/* Views of names, and how many there can be. */
typedef struct Directories {
    Str *list;
    size_t count, capacity;
} Directories;

/* The directory of a name; again and again the same is added once. */
static Error *add_directory(Directories *directories, Str name)
{
    size_t slash = str_rfind_char(name, '/');
    Str directory = slash == SIZE_MAX ? STR_EMPTY : str_slice(name, 0, slash);
    if (directories->count && str_equal(directories->list[directories->count - 1], directory))
        return NULL;
    if (directories->count == directories->capacity) {
        size_t capacity = MAX(directories->capacity * 2, (size_t)16);
        Str *list = reallocarray(directories->list, capacity, sizeof *list);
        if (!list)
            return FAIL(NO_MEMORY, "out of memory");
        directories->list = list;
        directories->capacity = capacity;
    }
    directories->list[directories->count++] = directory;
    return NULL;
}

static int compare_directories(const void *a, const void *b)
{
    return str_compare(*(const Str *)a, *(const Str *)b);
}

static Error *list_directories(const Fetch *fetch, Directories *directories)
{
    const char *at = (const char *)fetch->leftovers.data;
    TRY(add_directory(directories, STR_EMPTY));
    for (size_t i = 0; i < fetch->selection.count; i++)
        TRY(add_directory(directories, selection_name_view(&fetch->selection, i)));
    for (size_t i = 0; i < fetch->leftover_count; i++, at += strlen(at) + 1)
        TRY(add_directory(directories, str_of(at)));
    qsort(directories->list, directories->count, sizeof(Str), compare_directories);
    return NULL;
}

Error *fetch_each_directory(Fetch *fetch, FetchDirectoryFn *each, void *context)
{
    Directories directories = {0};
    Error *error = list_directories(fetch, &directories);
    for (size_t i = 0; !error && i < directories.count; i++)
        if (i == 0 || !str_equal(directories.list[i], directories.list[i - 1]))
            error = each(context, fetch, directories.list[i]);
    free(directories.list);
    return error;
}

/* The dataset is whole and locked: whatever is unfinished there belongs to nobody, however young it is. */
static Error *clean_directory(void *context, Fetch *fetch, Str directory)
{
    (void)context;
    bool parts;
    uint64_t removed;
    if (directory.len == 0 && fetch->clean && !fetch->needed)
        return NULL; /* it was looked through while the listing was awaited */
    TRY(dataset_drop_waiting(&fetch->dataset, directory, &parts));
    return parts ? downloads_clean_directory(fetch->downloads, directory, 0, &removed) : NULL;
}

Error *fetch_apply(Fetch *fetch)
{
    note_changes(fetch);
    TRY(sync_files(fetch));
    TRY(replace(fetch));
    TRY(delete_leftovers(fetch));
    TRY(set_hashes(fetch));
    TRY(write_manifest(fetch));
    fetch->applied = true;
    if (fetch->needed)
        log_info(fetch->env->log, "Finished downloading %zu files from S3.", fetch->needed);
    Error *error = fetch_each_directory(fetch, clean_directory, NULL);
    if (error)
        log_warning(fetch->env->log, "%s", error_message_view(error));
    error_free(error); /* the dataset is right; what is left over is a nuisance */
    return NULL;
}
