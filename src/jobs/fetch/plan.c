/* The plan of a fetch: what is meant, what of it is there, what is to be done; said in the original's words. */
#include <inttypes.h>
#include <stdlib.h>

#include "jobs/fetch/job.h"
#include "jobs/fetch/look_ahead.h"
#include "jobs/fetch/manifest_local.h"
#include "jobs/fetch/manifest_remote.h"

/* An unchanged dataset costs its listing: more of it at once than other jobs ask for, which have work beside it. */
enum { LIST_PARTS = 64 };
#define LIST_MEMORY_BYTES (32 * MIB)

/* ---- the listing ---- */

typedef struct Listing {
    Fetch *fetch;
    const Cancel *cancel;
    LookAhead *look;
} Listing;

static bool matches(const Fetch *fetch, Str relative)
{
    for (size_t i = 0; i < fetch->pattern_count; i++)
        if (fnmatch_matches(fetch->patterns[i], relative))
            return true;
    return false;
}

static bool is_own_lock(const Fetch *fetch, Str key)
{
    Str lock = buffer_str(&fetch->own_lock_text);
    return lock.len == key.len + 1 && str_starts_with(lock, key);
}

static Error *note_manifest(Fetch *fetch, const ObjectInfo *object)
{
    fetch->manifest = (ObjectInfo){.key = arena_str(fetch->arena, object->key),
                                   .etag = arena_str(fetch->arena, object->etag),
                                   .size_bytes = object->size_bytes};
    return fetch->manifest.key.data && fetch->manifest.etag.data ? NULL : arena_error(fetch->arena);
}

/* What is known of a file goes with its object. The ETag is kept only if somebody will ask for it. */
static Error *add_looked(void *context, const SelectionItem *item, const SelectionName *name, FileState state)
{
    Fetch *fetch = context;
    size_t index;
    SelectionItem kept = *item;
    bool asked = fetch->verify != VERIFY_SIZE || fetch->force || fetch->strict;
    if (state == FILE_CURRENT && !asked)
        kept.etag = STR_EMPTY;
    TRY(selection_add(&fetch->selection, &kept, name, &index));
    SelectedObject *object = &fetch->selection.objects[index];
    if (state == FILE_CURRENT)
        object->flags |= SELECTED_CURRENT;
    else if (state == FILE_DIFFERS)
        object->flags |= SELECTED_DIFFERS;
    else if (state == FILE_IMPOSSIBLE)
        object->flags |= SELECTED_IMPOSSIBLE | SELECTED_DIFFERS;
    return NULL;
}

static Error *note_other(Fetch *fetch, Str relative, KeyVerdict verdict)
{
    fetch->other_part += verdict == KEY_OF_ANOTHER_SHARD;
    return fetch->manifest_suffix.data ? name_set_add(&fetch->others, relative) : NULL;
}

static Error *select_object(void *context, const ObjectInfo *object)
{
    Listing *listing = context;
    Fetch *fetch = listing->fetch;
    Str own = buffer_str(&fetch->own_prefix_text);
    if (cancel_draining(listing->cancel))
        return FAIL(CANCELLED, "the run is ending");
    if (fetch->source.whole_key && !str_equal(object->key, fetch->source.prefix))
        return NULL;
    if ((own.len && str_starts_with(object->key, own)) || is_own_lock(fetch, object->key))
        return NULL; /* the dataset itself lies in the source */
    if (fetch->manifest_suffix.data && !fetch->manifest.key.data && str_ends_with(object->key, fetch->manifest_suffix))
        TRY(note_manifest(fetch, object));
    if (object->size_bytes == 0 && str_ends_with(object->key, STR("/")))
        return NULL; /* a folder's marker */
    Str relative = relative_name(object->key, fetch->prefix);
    if (!matches(fetch, relative))
        return NULL;
    KeyVerdict verdict = key_filter_judge(fetch->filter, object->key, fetch->source.key_base);
    if (verdict != KEY_TAKEN)
        return note_other(fetch, relative, verdict);
    TRY(fetch_note_archived(fetch, object));
    SelectionItem item = {object->key, relative, object->etag, object->size_bytes, object->modified_us};
    return look_ahead_add(listing->look, &item);
}

/* ---- the manifest object ---- */

typedef struct ManifestCheck {
    Fetch *fetch;
    uint64_t missing, wrong;
    Buffer example;
} ManifestCheck;

static Error *note_trouble(ManifestCheck *check, uint64_t *count, Str url, const char *what)
{
    if ((*count)++ > 0 || check->example.len > 0)
        return NULL;
    TRY(buffer_append_byte(&check->example, '\''));
    TRY(report_append_key(&check->example, str_slice(url, 0, 1024), check->fetch->selection.redact));
    return buffer_append_format(&check->example, "' %s", what);
}

static Error *mark_listed(void *context, const RemoteEntry *entry)
{
    ManifestCheck *check = context;
    Fetch *fetch = check->fetch;
    Str relative = relative_name_of_url(entry->url, fetch->prefix);
    size_t cursor = 0, index;
    bool found = false;
    while ((index = selection_find(&fetch->selection, relative, &cursor)) != SIZE_MAX) {
        SelectedObject *object = &fetch->selection.objects[index];
        object->flags |= SELECTED_LISTED;
        found = true;
        if (entry->has_length && entry->content_length != object->size_bytes)
            TRY(note_trouble(check, &check->wrong, entry->url, "has another length"));
    }
    if (!found && matches(fetch, relative) && !name_set_has(&fetch->others, relative))
        TRY(note_trouble(check, &check->missing, entry->url, "is not there"));
    return NULL;
}

static Error *judge_manifest(const Fetch *fetch, ManifestCheck *check)
{
    if (!check->missing && !check->wrong)
        return NULL;
    if (config_bool(fetch->env->config, "require-manifest"))
        return FAIL(CHECK,
                    "the manifest '" STR_FMT "' does not fit: %" PRIu64 " entries are missing, %" PRIu64
                    " have another length; " STR_FMT,
                    STR_ARG(fetch->manifest.key), check->missing, check->wrong, STR_ARG(buffer_str(&check->example)));
    if (!fetch->strict)
        log_warning(fetch->env->log,
                    "the manifest '" STR_FMT "' does not fit: %" PRIu64 " entries are missing, %" PRIu64
                    " have another length; " STR_FMT,
                    STR_ARG(fetch->manifest.key), check->missing, check->wrong, STR_ARG(buffer_str(&check->example)));
    return NULL;
}

/* It tells what is meant, as the listing does: one that cannot be read is as bad, and what the user required is not there. */
static Error *unreadable(const Fetch *fetch, Error *take_error)
{
    CLEANUP(error_freep) Error *error = take_error;
    ErrorCode code = error_code(error);
    const char *message = error_message_view(error);
    if (code != ERR_CORRUPT && code != ERR_LIMIT) {
        error = NULL;
        return take_error;
    }
    return config_bool(fetch->env->config, "require-manifest") ? FAIL(CHECK, "%s", message)
                                                               : FAIL(NOT_FOUND, "%s", message);
}

static Error *keep_what_the_manifest_names(Fetch *fetch, const Cancel *cancel)
{
    ManifestCheck check = {.fetch = fetch};
    if (!fetch->manifest.key.data && config_bool(fetch->env->config, "require-manifest"))
        return FAIL(CHECK, "no key below '%s' ends with '" STR_FMT "': there is no manifest", fetch->source.text,
                    STR_ARG(fetch->manifest_suffix));
    if (!fetch->manifest.key.data)
        return NULL;
    TRY(selection_index_relative(&fetch->selection));
    name_set_close(&fetch->others);
    Error *error =
        unreadable(fetch, manifest_remote_read(fetch->source.store, cancel, &fetch->manifest, mark_listed, &check));
    if (!error)
        error = judge_manifest(fetch, &check);
    buffer_done(&check.example);
    TRY(error);
    for (size_t i = 0; i < fetch->selection.count; i++) {
        SelectedObject *object = &fetch->selection.objects[i];
        if (!(object->flags & SELECTED_LISTED))
            object->flags |= SELECTED_DROPPED;
    }
    selection_compact(&fetch->selection);
    return NULL;
}

/* ---- checks before anything changes ---- */

/* What the original logs as an error besides raising it. */
static Error *refuse(const Fetch *fetch, Error *take_error)
{
    if (fetch->strict)
        log_error(fetch->env->log, "%s", error_message_view(take_error));
    return take_error;
}

/* What lies where the object's file should be is no file: a mistake of the place, not of the key. */
static Error *in_the_way(const Fetch *fetch, size_t index)
{
    const Selection *selection = &fetch->selection;
    Str name = selection_name_view(selection, index), key = selection_key_view(selection, index);
    return FAIL(INVALID,
                "'" STR_FMT STR_FMT "' cannot become the file '%s/" STR_FMT
                "': a directory has that name, or a file the name of its directory; move it away, or leave the "
                "object out by --exclude or --file-pattern",
                STR_ARG(fetch->prefix), STR_ARG(key), (const char *)fetch->dataset.directory.data, STR_ARG(name));
}

/* Why no file can have this object's name, and the ways out; of some the store has said one already. */
static Error *impossible(const Fetch *fetch, size_t index)
{
    const Selection *selection = &fetch->selection;
    CLEANUP(error_freep) Error *why = selection_name_error(selection, index);
    const char *also = "; ";
    if (strstr(error_message_view(why), "--escape-names"))
        also = ", or ";
    else if (selection_escaping_helps(selection, index))
        also = "; give --escape-names, or ";
    return FAIL(INVALID, "'" STR_FMT STR_FMT "' cannot be a file: %s%sleave it out by --exclude or --file-pattern",
                STR_ARG(fetch->prefix), STR_ARG(selection_key_view(selection, index)), error_message_view(why), also);
}

static bool is_impossible(const SelectedObject *object)
{
    return (object->flags & (SELECTED_IMPOSSIBLE | SELECTED_DIFFERS)) == SELECTED_IMPOSSIBLE;
}

static Error *check_names(const Fetch *fetch)
{
    CLEANUP(buffer_done) Buffer manifest = {0};
    Str directory = buffer_str(&fetch->dataset.directory), path = buffer_str(&fetch->dataset.manifest);
    for (size_t i = 0; i < fetch->selection.count; i++)
        if (fetch->selection.objects[i].flags & SELECTED_IMPOSSIBLE && !is_impossible(&fetch->selection.objects[i]))
            return selection_hide(&fetch->selection, i, in_the_way(fetch, i));
    if (str_equal(directory, STR(".")))
        TRY(buffer_append_str(&manifest, path));
    else if (str_starts_with(path, directory) && path.len > directory.len)
        TRY(buffer_append_str(&manifest, str_slice(path, directory.len + 1, path.len)));
    size_t cursor = 0, index = selection_find(&fetch->selection, buffer_str(&manifest), &cursor);
    if (manifest.len && index != SIZE_MAX)
        return selection_hide(
            &fetch->selection, index,
            FAIL(
                CHECK,
                "'" STR_FMT STR_FMT
                "' has the name of the dataset's own manifest: choose another --dataset-id, or leave it out by --exclude",
                STR_ARG(fetch->prefix), STR_ARG(selection_key_view(&fetch->selection, index))));
    return NULL;
}

static Error *check_times(const Fetch *fetch)
{
    const Selection *selection = &fetch->selection;
    int64_t oldest = INT64_MAX, newest = INT64_MIN;
    if (fetch->tolerance_hours < 0)
        return NULL;
    for (size_t i = 0; i < selection->count; i++) {
        oldest = MIN(oldest, selection_time(selection, i));
        newest = MAX(newest, selection_time(selection, i));
    }
    if (((double)newest - (double)oldest) / 1e6 <= fetch->tolerance_hours * 3600)
        return NULL;
    CLEANUP(buffer_done) Buffer hours = {0};
    bool has;
    TRY(config_write_value(fetch->env->config, STR("s3-timestamp-tolerance"), &hours, &has));
    return refuse(fetch,
                  FAIL(CHECK,
                       "Files in S3 bucket " STR_FMT " have last modified timestamps differing by more than " STR_FMT
                       " hours. Potential corruption or duplication detected.",
                       STR_ARG(buffer_str(&fetch->shown_place)), STR_ARG(buffer_str(&hours))));
}

static Error *nothing_matched(const Fetch *fetch)
{
    if (fetch->other_part) { /* few keys for so many parts: then this one is an empty dataset */
        log_info(fetch->env->log, "All %zu files that match belong to other parts (--shard).", fetch->other_part);
        return NULL;
    }
    Str root = fetch_bucket(fetch);
    return refuse(fetch, FAIL(NOT_FOUND, "No files matching " STR_FMT " found in S3 bucket " STR_FMT "/" STR_FMT ".",
                              STR_ARG(buffer_str(&fetch->patterns_text)), STR_ARG(root), STR_ARG(fetch->prefix)));
}

static Error *list_objects(Fetch *fetch, const Cancel *cancel)
{
    CLEANUP(look_ahead_freep) LookAhead *look = NULL;
    TRY(look_ahead_new(&fetch->selection, &fetch->dataset, add_looked, fetch, &look));
    Listing listing = {fetch, cancel, look};
    ListOptions several = {.parallel = LIST_PARTS, .memory_bytes = LIST_MEMORY_BYTES};
    TRY(place_list_with(&fetch->source, cancel, &several, select_object, &listing));
    TRY(look_ahead_finish(look));
    fetch->clean = look_ahead_is_clean(look);
    fetch->recorded = look_ahead_is_recorded(look);
    return NULL;
}

static Error *select_objects(Fetch *fetch, const Cancel *cancel)
{
    TRY(list_objects(fetch, cancel));
    size_t listed = fetch->selection.count;
    TRY(keep_what_the_manifest_names(fetch, cancel));
    if (fetch->selection.count == 0)
        TRY(nothing_matched(fetch));
    log_info(fetch->env->log, "Found %zu file(s) matching any of " STR_FMT " in S3 bucket.", fetch->selection.count,
             STR_ARG(buffer_str(&fetch->patterns_text)));
    TRY(check_times(fetch));
    TRY(selection_settle_collisions(&fetch->selection, fetch->collision,
                                    (CaseRule)config_choice(fetch->env->config, "case-conflict"), fetch->env->log));
    fetch->recorded = fetch->recorded && fetch->selection.count == listed;
    return check_names(fetch);
}

/* ---- what the last run left ---- */

static bool next_kept(void *context, size_t index, LocalEntry *ret_entry)
{
    const Selection *selection = &((const Fetch *)context)->selection;
    if (index == selection->count)
        return false;
    *ret_entry =
        (LocalEntry){.name = selection_name_view(selection, index), .size_bytes = selection->objects[index].size_bytes};
    return true;
}

static Error *take_entry(void *context, const LocalEntry *entry)
{
    Fetch *fetch = context;
    size_t cursor = 0, index = selection_find(&fetch->selection, entry->name, &cursor);
    if (index != SIZE_MAX)
        return entry->has_hash ? selection_set_hash(&fetch->selection, index, entry->hash) : NULL;
    if (!manifest_local_name_is_safe(entry->name,
                                     fetch->selection.nested || str_find_char(entry->name, '/') != SIZE_MAX)) {
        CLEANUP(buffer_done) Buffer shown = {0};
        TRY(report_append_key(&shown, entry->name, fetch->selection.redact));
        log_warning(fetch->env->log,
                    "the manifest '%s' names '" STR_FMT "', which no fetch can have written: left alone",
                    (const char *)fetch->dataset.manifest.data, STR_ARG(buffer_str(&shown)));
        return NULL;
    }
    TRY(buffer_append_str(&fetch->leftovers, entry->name));
    fetch->leftover_count++;
    return buffer_append_byte(&fetch->leftovers, 0);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each name once, in byte order. */
static Error *sort_leftovers(Fetch *fetch)
{
    CLEANUP(cleanup_free) const char **names = calloc(fetch->leftover_count + 1, sizeof *names);
    CLEANUP(buffer_done) Buffer sorted = {0};
    const char *at = (const char *)fetch->leftovers.data;
    size_t count = 0;
    if (!names)
        return FAIL(NO_MEMORY, "out of memory");
    for (size_t i = 0; i < fetch->leftover_count; i++, at += strlen(at) + 1)
        names[i] = at;
    qsort(names, fetch->leftover_count, sizeof *names, compare_names);
    for (size_t i = 0; i < fetch->leftover_count; i++) {
        if (i > 0 && strcmp(names[i], names[i - 1]) == 0)
            continue;
        TRY(buffer_append(&sorted, names[i], strlen(names[i]) + 1));
        count++;
    }
    buffer_done(&fetch->leftovers);
    fetch->leftovers = sorted;
    fetch->leftover_count = count;
    sorted = (Buffer){0};
    return NULL;
}

/* One look tells whether the manifest says just what is there: then it says nothing else. */
static Error *read_last_run(Fetch *fetch)
{
    const char *path = (const char *)fetch->dataset.manifest.data;
    LocalEntries entries = {next_kept, fetch};
    if (!fetch->recorded)
        TRY(manifest_local_is(path, &entries, &fetch->recorded));
    if (fetch->recorded)
        return NULL;
    Error *error = manifest_local_read(path, take_entry, fetch);
    ErrorCode code = error_code(error);
    if (code == ERR_CORRUPT || code == ERR_LIMIT) {
        log_error(fetch->env->log, "Error decoding manifest file %s: %s", path, error_message_view(error));
        error_free(error); /* said; as good as none */
        return NULL;
    }
    TRY(error);
    return fetch->leftover_count ? sort_leftovers(fetch) : NULL;
}

/* ---- decisions ---- */

/* Marks what is needed, and counts it. */
static Error *decide(Fetch *fetch, const Cancel *cancel)
{
    Selection *selection = &fetch->selection;
    if (fetch->verify != VERIFY_SIZE && !fetch->force)
        TRY(fetch_verify(fetch, cancel));
    for (size_t i = 0; i < selection->count; i++) {
        SelectedObject *object = &selection->objects[i];
        bool current = object->flags & SELECTED_CURRENT && !fetch->force;
        if (!current)
            object->flags |= SELECTED_NEEDED;
        fetch->needed += !current;
    }
    for (size_t i = 0; fetch->strict && fetch->needed && i < selection->count;
         i++) /* the original's miss is of everything */
        selection->objects[i].flags |= SELECTED_NEEDED;
    if (fetch->strict && fetch->needed)
        fetch->needed = selection->count;
    fetch->kept = selection->count - fetch->needed;
    for (size_t i = 0; i < selection->count; i++)
        if (selection->objects[i].flags & SELECTED_NEEDED && !is_impossible(&selection->objects[i]))
            fetch->needed_bytes += selection->objects[i].size_bytes;
    return NULL;
}

static void say_decision(const Fetch *fetch)
{
    const char *patterns = (const char *)fetch->patterns_text.data, *place = (const char *)fetch->shown_place.data;
    const char *directory = (const char *)fetch->dataset.directory.data;
    if (fetch->needed == 0) {
        log_info(fetch->env->log, "Cache Hit: Local dataset is up to date with S3 bucket contents, skipping download.");
        if (fetch->leftover_count)
            log_info(fetch->env->log, "Deleting %zu files from %s that are no longer present in S3 or filtered out.",
                     fetch->leftover_count, directory);
        return;
    }
    log_info(fetch->env->log, "%s: Downloading files matching %s from %s to %s.",
             fetch->force ? "Force Cache Refresh" : "Cache Miss", patterns, place, directory);
}

static Error *check_deletions(const Fetch *fetch)
{
    const Config *config = fetch->env->config;
    if (!config_has(config, "max-delete") || fetch->leftover_count <= (uint64_t)config_int(config, "max-delete"))
        return NULL;
    return FAIL(CHECK, "%zu files would be deleted from '%s', more than --max-delete allows", fetch->leftover_count,
                (const char *)fetch->dataset.directory.data);
}

/* ---- passing on ---- */

static Error *end_of_plan(void)
{
    return FAIL(CANCELLED, "the run is ending");
}

static Error *whole_key(const Fetch *fetch, size_t index, Buffer *out)
{
    buffer_clear(out);
    TRY(buffer_append_str(out, fetch->prefix));
    return buffer_append_str(out, selection_key_view(&fetch->selection, index));
}

static Error *push_needed(Fetch *fetch, Plan *plan, size_t index, Str key)
{
    Item *item = plan_item(plan, key, 0);
    if (!item)
        return FAIL(NO_MEMORY, "out of memory");
    FetchItem *own = item->data;
    own->index = index;
    own->item = item;
    item->bytes_planned = fetch->selection.objects[index].size_bytes;
    return plan_push(plan, &item) ? NULL : end_of_plan();
}

/* It fails by itself; the others are fetched all the same, and kept for the run that leaves it out. */
static Error *push_impossible(Fetch *fetch, Plan *plan, size_t index, Str key)
{
    Error *error = selection_hide(&fetch->selection, index, impossible(fetch, index));
    fetch->impossible++;
    if (!fetch->first_impossible)
        fetch->first_impossible = error_copy(error);
    return plan_fail(plan, key, error) ? NULL : end_of_plan();
}

static Error *push_all(Fetch *fetch, Plan *plan)
{
    CLEANUP(buffer_done) Buffer key = {0};
    plan_foresee(plan, fetch->needed + (fetch->lines ? fetch->kept : 0), fetch->needed_bytes);
    for (size_t i = 0; i < fetch->selection.count; i++) {
        bool needed = fetch->selection.objects[i].flags & SELECTED_NEEDED;
        if (!needed && !fetch->lines)
            continue;
        TRY(whole_key(fetch, i, &key));
        if (is_impossible(&fetch->selection.objects[i]))
            TRY(push_impossible(fetch, plan, i, buffer_str(&key)));
        else if (needed)
            TRY(push_needed(fetch, plan, i, buffer_str(&key)));
        else if (!plan_skip(plan, buffer_str(&key), "up to date"))
            return end_of_plan();
    }
    return NULL;
}

static void say_rehearsal(const Fetch *fetch)
{
    const Selection *selection = &fetch->selection;
    bool redact = config_bool(fetch->env->config, "redact-keys");
    for (size_t i = 0; i < selection->count; i++) {
        CLEANUP(buffer_done) Buffer name = {0};
        error_free(report_append_key(&name, selection_name_view(selection, i),
                                     redact)); /* without memory: a line without a name */
        log_info(fetch->env->log, "%s " STR_FMT " (%" PRIu64 " bytes)",
                 selection->objects[i].flags & SELECTED_NEEDED ? "download" : "keep", STR_ARG(buffer_str(&name)),
                 selection->objects[i].size_bytes);
    }
    const char *at = (const char *)fetch->leftovers.data;
    for (size_t i = 0; i < fetch->leftover_count; i++, at += strlen(at) + 1) {
        CLEANUP(buffer_done) Buffer name = {0};
        error_free(report_append_key(&name, str_of(at), redact)); /* as above */
        log_info(fetch->env->log, "delete " STR_FMT, STR_ARG(buffer_str(&name)));
    }
    log_info(fetch->env->log, "%zu to download (%" PRIu64 " bytes), %zu to keep, %zu to delete", fetch->needed,
             fetch->needed_bytes, fetch->kept, fetch->leftover_count);
}

Error *fetch_plan(void *context, Plan *plan)
{
    Fetch *fetch = context;
    TRY(select_objects(fetch, plan_cancel(plan)));
    TRY(read_last_run(fetch));
    TRY(decide(fetch, plan_cancel(plan)));
    TRY(check_deletions(fetch));
    TRY(fetch_check_space(fetch));
    TRY(fetch_warn_of_archived(fetch));
    if (fetch->dry_run)
        say_rehearsal(fetch);
    else
        say_decision(fetch);
    TRY(push_all(fetch, plan));
    fetch->planned = true;
    return NULL;
}
