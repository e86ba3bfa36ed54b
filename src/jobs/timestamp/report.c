/* report.c - which objects, or which directories, lack the time. Source: spec/impresso.md 3.5. */
#include <inttypes.h>
#include <stdlib.h>

#include "jobs/timestamp/job.h"

#define HEAD_ARENA_BYTES ((size_t)1 * MIB)

/* As the original counts it, what cannot be looked at is missing; a server that is gone is no answer. */
static bool ends_report(ErrorCode code)
{
    return code == ERR_CANCELLED || code == ERR_UNAVAILABLE || code == ERR_TIMEOUT || code == ERR_NO_MEMORY;
}

Error *report_work(void *context, Worker *worker, Item *item)
{
    const Timestamp *job = context;
    TimestampItem *state = item->data;
    CLEANUP(arena_freep) Arena *arena = arena_new(HEAD_ARENA_BYTES);
    ObjectInfo object;
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    Error *error = store_head(job->source.store, worker_cancel(worker), item->key, arena, &object);
    if (ends_report(error_code(error)))
        return error;
    state->missing = error || !metadata_find_view(object.metadata, job->name);
    if (error) {
        CLEANUP(buffer_done) Buffer url = {0}, reason = {0};
        Error *no_url = timestamp_append_url(job, item->key, &url);
        log_warning(job->env->log, "Error checking metadata for " STR_FMT ": %s", STR_ARG(buffer_str(&url)),
                    timestamp_reason(job, item->key, error, &reason));
        error_free(no_url); /* a line of the log with less */
        error_free(error);  /* it is in the list of those that lack it */
    }
    return NULL;
}

MUST_USE static Error *add_directory(Timestamp *job, Str directory, Str **list, size_t *count, size_t *capacity)
{
    if (*count && str_equal((*list)[*count - 1], directory))
        return NULL;
    if (*count == *capacity) {
        size_t grown = *capacity ? 2 * *capacity : 64;
        Str *bigger = arena_grow(job->arena, *list, *capacity * sizeof **list, grown * sizeof **list);
        if (!bigger)
            return arena_error(job->arena);
        *list = bigger;
        *capacity = grown;
    }
    (*list)[*count] = arena_str(job->arena, directory);
    return (*list)[(*count)++].data ? NULL : arena_error(job->arena);
}

Error *report_commit(void *context, Item *item)
{
    Timestamp *job = context;
    const TimestampItem *state = item->data;
    if (job->mode == MODE_REPORT_DIRS) {
        size_t slash = str_rfind_char(item->key, '/');
        if (slash == SIZE_MAX)
            return NULL;
        Str directory = str_slice(item->key, 0, slash);
        TRY(add_directory(job, directory, &job->directories, &job->directory_count, &job->directory_capacity));
        if (!state->missing)
            return NULL;
        return add_directory(job, directory, &job->missing_directories, &job->missing_count, &job->missing_capacity);
    }
    if (!state->missing)
        return NULL;
    size_t before = job->lines.len;
    TRY(timestamp_append_url(job, item->key, &job->lines));
    Str url = str_slice(buffer_str(&job->lines), before, job->lines.len);
    log_info(job->env->log, "MISSING: " STR_FMT, STR_ARG(url));
    job->lines_count++;
    return buffer_append_byte(&job->lines, '\n');
}

static int compare(const void *a, const void *b)
{
    return str_compare(*(const Str *)a, *(const Str *)b);
}

/* Sorts, and drops what is there twice. */
static size_t sort_unique(Str *list, size_t count)
{
    size_t kept = 0;
    if (count)
        qsort(list, count, sizeof *list, compare);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || !str_equal(list[kept - 1], list[i]))
            list[kept++] = list[i];
    return kept;
}

MUST_USE static Error *end_directories(Timestamp *job)
{
    Log *log = job->env->log;
    size_t all = sort_unique(job->directories, job->directory_count);
    size_t missing = sort_unique(job->missing_directories, job->missing_count);
    log_info(log, "Directory Report Summary:");
    log_info(log, "Total .jsonl.bz2 files found: %" PRIu64, job->matched);
    log_info(log, "Total directories: %zu", all);
    log_info(log, "Directories with files missing metadata key '" STR_FMT "': %zu", STR_ARG(job->name), missing);
    if (missing)
        log_info(log, "Directories with missing metadata:");
    for (size_t i = 0; i < missing; i++) {
        TRY(timestamp_append_url(job, job->missing_directories[i], &job->lines));
        TRY(buffer_append_str(&job->lines, STR("/\n")));
    }
    return NULL;
}

Error *report_end(Timestamp *job)
{
    Log *log = job->env->log;
    if (job->mode == MODE_REPORT_DIRS)
        return end_directories(job);
    log_info(log, "Report Summary:");
    log_info(log, "Total .jsonl.bz2 files found: %" PRIu64, job->matched);
    log_info(log, "Files missing metadata key '" STR_FMT "': %" PRIu64, STR_ARG(job->name), job->lines_count);
    if (job->lines_count)
        log_info(log, "Files missing metadata:");
    return NULL;
}
