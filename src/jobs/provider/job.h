/* job.h - inside the add-provider job: what its files share. */
#ifndef JOBS_PROVIDER_JOB_H
#define JOBS_PROVIDER_JOB_H

#include "jobs/provider/provider.h"
#include "jobs/provider/provider_key.h"

/* A key as it was before the run changed anything. */
typedef struct Entry {
    Str key;       /* in AddProvider.arena */
    bool is_taken; /* by the filters */
} Entry;

typedef struct AddProvider {
    /* Fixed before the run. */
    const JobEnv *env;
    ProviderMap *map;
    KeyFilter *filter;
    Place source, target; /* target.store NULL: the source's bucket */
    Str partition, to_partition;
    bool dry_run, removes, skip_unknown, redact;
    bool skips_complete; /* a key that has its provider is not copied to another bucket (--strict-compat) */

    /* Planner; constant once the first item is pushed. */
    Arena *arena;
    Entry *entries; /* [entry_count], ascending */
    size_t entry_count, entry_capacity;

    /* Commit thread; the caller's when the run is over. */
    size_t next_line;             /* entries before it have been told */
    Buffer alias, line, shown[2]; /* alias: the one that was told last */
    Error *line_error;            /* the first of a line that could not be made; owned */
} AddProvider;

/* How an item ended; set by its worker. */
typedef struct ProviderItem {
    bool copied, existed, removed;
} ProviderItem;

Store *target_store(const AddProvider *job);
/* Where a key of the snapshot belongs, appended to `out`; `*ret_stays`: that is where it is. Errors: INVALID as key_media_title. */
MUST_USE Error *find_destination(const AddProvider *job, Str key, Buffer *scratch, MediaTitle *ret_title, Buffer *out,
                                 bool *ret_stays);

/* plan.c: the snapshot, everything resolved, then the items. */
Error *provider_plan(void *context, Plan *plan);
/* move.c: one object to its new place. */
Error *provider_work(void *context, Worker *worker, Item *item);

/* lines.c: what the original says, in the order of the listing. */
MUST_USE Error *lines_begin(AddProvider *job);
/* Of everything up to this item. Items come in the order of the plan. */
void lines_of_item(AddProvider *job, const Item *item);
/* Of what is left when every item has ended. Errors: the first of any line. */
MUST_USE Error *lines_end(AddProvider *job);

#endif
