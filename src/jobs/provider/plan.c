/* plan.c - the snapshot of the partition, and nothing pushed before every key of it has its provider. */
#include <inttypes.h>

#include "jobs/provider/job.h"

enum { ENTRIES_FIRST = 4096, PROBLEMS_TOLD_MAX = 1000 };

/* ---- the snapshot ---- */

static Error *take_key(void *context, const ObjectInfo *object)
{
    AddProvider *job = context;
    if (job->entry_count == job->entry_capacity) {
        size_t capacity = job->entry_capacity ? 2 * job->entry_capacity : ENTRIES_FIRST;
        Entry *grown =
            arena_grow(job->arena, job->entries, job->entry_capacity * sizeof(Entry), capacity * sizeof(Entry));
        if (!grown)
            return arena_error(job->arena);
        job->entries = grown;
        job->entry_capacity = capacity;
    }
    Entry entry = {arena_str(job->arena, object->key),
                   key_filter_takes(job->filter, object->key, job->source.key_base)};
    if (!entry.key.data)
        return arena_error(job->arena);
    job->entries[job->entry_count++] = entry;
    return NULL;
}

/* The keys ascend, so a key is there when it is found by halves. */
static bool snapshot_has(const AddProvider *job, Str key)
{
    size_t low = 0, high = job->entry_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(job->entries[middle].key, key);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* ---- where keys belong ---- */

Store *target_store(const AddProvider *job)
{
    return job->target.store ? job->target.store : job->source.store;
}

Error *find_destination(const AddProvider *job, Str key, Buffer *scratch, MediaTitle *ret_title, Buffer *out,
                        bool *ret_stays)
{
    buffer_clear(out);
    TRY(key_media_title(job->map, key, job->partition, scratch, ret_title));
    TRY(key_with_provider(key, job->partition, job->to_partition, ret_title, out));
    bool same_key = str_equal(buffer_str(out), key);
    *ret_stays = same_key && (!job->target.store || job->skips_complete);
    return NULL;
}

typedef struct Counts {
    uint64_t objects, complete, others, folders, left_out, unknown, doubles;
} Counts;

/* One key; `problem` is set for one that cannot be resolved. */
MUST_USE static Error *resolve(const AddProvider *job, const Entry *entry, Counts *counts, Error **ret_problem)
{
    CLEANUP(buffer_done) Buffer scratch = {0}, destination = {0}, twin = {0};
    MediaTitle title;
    bool stays;
    *ret_problem = NULL;
    Error *error = find_destination(job, entry->key, &scratch, &title, &destination, &stays);
    if (error_code(error) == ERR_INVALID) {
        *ret_problem = error;
        counts->unknown++;
        return NULL;
    }
    TRY(error);
    counts->complete += stays;
    counts->objects += !stays;
    bool in_place = !job->target.store && str_equal(job->partition, job->to_partition);
    if (in_place || stays || title.in_path)
        return NULL; /* within its partition a key that is there already is compared when its turn comes */
    TRY(key_with_provider(entry->key, job->partition, job->partition, &title, &twin));
    if (snapshot_has(job, buffer_str(&twin))) {
        counts->doubles++;
        *ret_problem = FAIL(EXISTS,
                            "'" STR_FMT "' and '" STR_FMT "' would both become '" STR_FMT
                            "': put the first in its place within the bucket",
                            STR_ARG(entry->key), STR_ARG(buffer_str(&twin)), STR_ARG(buffer_str(&destination)));
    }
    return NULL;
}

static void tell_problem(const AddProvider *job, const Entry *entry, const Error *problem)
{
    CLEANUP(buffer_done) Buffer text = {0};
    Error *error = report_append_reason(&text, entry->key, problem, job->redact);
    const char *shown = error ? NULL : buffer_cstr(&text);
    error_free(error); /* a line of the log less */
    if (!shown)
        return;
    if (job->skip_unknown && error_code(problem) == ERR_INVALID)
        log_warning(job->env->log, "%s It is left alone.", shown);
    else
        log_error(job->env->log, "%s", shown);
}

MUST_USE static Error *count_entry(const AddProvider *job, const Entry *entry, Counts *counts)
{
    Error *problem = NULL;
    switch (key_kind(entry->key, job->partition)) {
    case KEY_PARTITION:
    case KEY_FOLDER: counts->folders++; return NULL;
    case KEY_OTHER: counts->others++; return NULL;
    case KEY_DATA: break;
    }
    if (!entry->is_taken) {
        counts->left_out++;
        return NULL;
    }
    TRY(resolve(job, entry, counts, &problem));
    if (problem && counts->unknown + counts->doubles <= PROBLEMS_TOLD_MAX)
        tell_problem(job, entry, problem);
    error_free(problem); /* told and counted */
    return NULL;
}

/* Everything that stands in the way, at once; and what is about to happen. */
MUST_USE static Error *resolve_all(const AddProvider *job)
{
    Counts counts = {0};
    for (size_t i = 0; i < job->entry_count; i++)
        TRY(count_entry(job, &job->entries[i], &counts));
    log_info(job->env->log,
             "plan: %" PRIu64 " objects to copy%s, %" PRIu64 " have their provider already, %" PRIu64
             " other files and %" PRIu64 " folder markers stay, %" PRIu64 " left out by filters, %" PRIu64
             " without a provider",
             counts.objects, job->removes ? " and then remove" : "", counts.complete, counts.others, counts.folders,
             counts.left_out, counts.unknown);
    if (counts.doubles)
        return FAIL(CHECK, "%" PRIu64 " destinations have two sources: nothing was changed", counts.doubles);
    if (counts.unknown && !job->skip_unknown && counts.objects + counts.complete == 0)
        return FAIL(CHECK,
                    "none of the %" PRIu64
                    " keys has a provider: nothing was changed; is '%s' the level directly above "
                    "the aliases?",
                    counts.unknown, job->source.text);
    if (counts.unknown && !job->skip_unknown)
        return FAIL(CHECK, "%" PRIu64 " keys have no provider: nothing was changed; --skip-unknown leaves them alone",
                    counts.unknown);
    return NULL;
}

/* ---- the items ---- */

/* Its part of the byte budget: two ranges, of source and destination, should their content have to be compared. */
#define HELD_BYTES ((uint64_t)2 * MIB)

MUST_USE static Error *push(AddProvider *job, Plan *plan, const Entry *entry)
{
    CLEANUP(buffer_done) Buffer scratch = {0}, destination = {0};
    MediaTitle title;
    bool stays, goes_on;
    if (!entry->is_taken || key_kind(entry->key, job->partition) != KEY_DATA)
        return NULL;
    Error *error = find_destination(job, entry->key, &scratch, &title, &destination, &stays);
    if (error_code(error) == ERR_INVALID) { /* with --skip-unknown; a dry run goes on as well */
        goes_on = plan_skip(plan, entry->key, "no provider is known for it");
        error_free(error); /* told by resolve_all */
    } else if (error) {
        return error;
    } else if (stays) {
        goes_on = plan_skip(plan, entry->key, "it has its provider already");
    } else if (job->dry_run) {
        goes_on = plan_skip(plan, entry->key, "would be copied (dry run)");
    } else {
        Item *item = plan_item(plan, entry->key, HELD_BYTES);
        if (!item)
            return FAIL(NO_MEMORY, "out of memory");
        goes_on = plan_push(plan, &item);
    }
    return goes_on ? NULL : FAIL(CANCELLED, "the run is ending");
}

static Error *stop_at_first(void *context, const ObjectInfo *object)
{
    (void)object;
    *(bool *)context = true;
    return FAIL(EXISTS, "one is enough");
}

/* Has an earlier run moved everything? */
MUST_USE static Error *find_moved(const AddProvider *job, const Plan *plan, bool *ret_moved)
{
    CLEANUP(buffer_done) Buffer prefix = {0};
    bool found = false;
    *ret_moved = false;
    if (!job->removes || (!job->target.store && str_equal(job->partition, job->to_partition)))
        return NULL;
    TRY(buffer_append_format(&prefix, STR_FMT "%s", STR_ARG(job->to_partition), job->to_partition.len ? "/" : ""));
    Error *error =
        store_list(target_store(job), plan_cancel(plan), buffer_str(&prefix), STR_EMPTY, stop_at_first, &found);
    *ret_moved = found;
    if (!found)
        return error;
    error_free(error); /* our own */
    return NULL;
}

/* A mistyped partition is no success. */
MUST_USE static Error *explain_nothing(const AddProvider *job, const Plan *plan)
{
    bool moved;
    TRY(find_moved(job, plan, &moved));
    if (!moved)
        return FAIL(NOT_FOUND, "there is nothing below '%s'; is the partition right?", job->source.text);
    log_info(job->env->log, "nothing is left below '%s': it has been moved", job->source.text);
    return NULL;
}

Error *provider_plan(void *context, Plan *plan)
{
    AddProvider *job = context;
    TRY(place_list(&job->source, plan_cancel(plan), take_key, job));
    if (job->entry_count == 0 && !job->skips_complete) /* which is how the original ends, too */
        return explain_nothing(job, plan);
    Error *problems = resolve_all(job);
    if (problems && !(job->dry_run && error_code(problems) == ERR_CHECK))
        return problems;
    for (size_t i = 0; i < job->entry_count; i++) {
        Error *error = push(job, plan, &job->entries[i]);
        if (!error)
            continue;
        error_free(problems); /* the run ends for another reason */
        return error;         /* CANCELLED: the run knows why */
    }
    return problems;
}
