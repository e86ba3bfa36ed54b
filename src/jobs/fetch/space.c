/* Is there room for what a fetch is to bring? Better asked before the first byte than told after hours, with a full disk. */
#include "base/time_text.h"
#include "jobs/fetch/job.h"

static Error *add_directory(void *context, Fetch *fetch, Str directory)
{
    return dataset_add_unfinished(&fetch->dataset, directory, context);
}

static Error *no_room(const Fetch *fetch, uint64_t needed_bytes, uint64_t free_bytes)
{
    char needed[TIME_TEXT_BYTES], left[TIME_TEXT_BYTES];
    size_text(needed_bytes, needed);
    size_text(free_bytes, left);
    bool replaces = fetch->selection.count > fetch->needed || fetch->leftover_count;
    return FAIL(NO_SPACE,
                "%s in %zu file%s do not fit on the disk of '%s', which has %s left%s: make room, choose another "
                "--destination-directory, or a part by --file-pattern; --no-check-space tries it all the same",
                needed, fetch->needed, fetch->needed == 1 ? "" : "s", (const char *)fetch->dataset.directory.data, left,
                replaces ? " (what is there stays until all is there)" : "");
}

Error *fetch_check_space(Fetch *fetch)
{
    uint64_t free_bytes, there_bytes = 0;
    if (!config_bool(fetch->env->config, "check-space") || !dataset_free_bytes(&fetch->dataset, &free_bytes)
        || fetch->needed_bytes <= free_bytes)
        return NULL;
    /* What unfinished runs left counts as there, whosever it is: what is refused cannot fit for sure. */
    TRY(fetch_each_directory(fetch, add_directory, &there_bytes));
    uint64_t more_bytes = fetch->needed_bytes - MIN(there_bytes, fetch->needed_bytes);
    if (more_bytes <= free_bytes)
        return NULL;
    Error *error = no_room(fetch, more_bytes, free_bytes);
    if (!fetch->dry_run)
        return error;
    log_warning(fetch->env->log, "%s", error_message_view(error));
    error_free(error); /* said; a rehearsal fails of nothing */
    return NULL;
}
