/* job.h - what a job gives the engine: a struct of functions, and the items they pass on.
 *
 *     plan ──queue──▶ workers (N threads, or one that keeps many requests or fibers in flight) ──queue──▶ commit
 *
 * The engine runs each function on the thread that is named at it, ends every item in exactly one outcome, and frees it. */
#ifndef ENGINE_JOB_H
#define ENGINE_JOB_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/str.h"

typedef enum Outcome { OUTCOME_DONE, OUTCOME_SKIPPED, OUTCOME_FAILED, OUTCOME_CANCELLED, OUTCOMES } Outcome;
const char *outcome_name(Outcome outcome); /* "done", "skipped", "failed", "cancelled" */

/* One unit of work. It belongs to one thread at a time: planner, then a worker, then the commit thread. */
typedef struct Item {
    Str key;             /* the item's own copy, with a NUL behind it */
    uint64_t size_bytes; /* what it takes from the byte budget */
    uint64_t serial;     /* its place in the plan, from 0 */
    void *data;          /* the job's own part: `item_bytes` zeroed bytes */
    /* How it ended: set by the engine from what work and commit return, and by item_skip and item_partial. */
    Outcome outcome;
    bool partial;      /* done, but not all of it */
    bool needless;     /* set by work: it was known how it ends, so that it takes nothing from a limit on items */
    Error *error;      /* why it failed, was skipped or is partial; owned */
    char *etag_before; /* of the object that is rewritten in place: item_rewrites; owned; NULL: none is */
    char *details;     /* what else there is to say of this one alone: item_set_details; owned; NULL: nothing */
    const char
        *status;  /* a word of the job's for how it ended, beside the error's code: "oom"; constant text; NULL: none */
    bool held;    /* set by commit: done, but its result is not safe yet; see Job.settle */
    bool started; /* the engine's: it counts for the limit */
    struct Item *next;      /* the engine's: among those that are held */
    uint64_t bytes_planned; /* for the plan's total: set by the plan, 0 where it does not know */
    uint64_t bytes_done;    /* for progress: set by work */
} Item;

/* Ends the item as skipped for `format`, which people read; the caller returns NULL afterwards. Equal reasons are counted
 * together, so leave out of them the key and all that is this item's alone (item_set_details). */
void item_skip(Item *item, const char *format, ...) PRINTF_LIKE(2, 3);
/* The same with the error that is the reason. */
void item_skip_error(Item *item, Error *take_error);
/* Said of this item beside its reason, which is counted and so the same for many: what differs, for one. Errors: NO_MEMORY. */
MUST_USE Error *item_set_details(Item *item, Str text);
/* Before `work` writes to the object that it reads, whose ETag this is: the journal gets a line of it, however the item ends. Errors: NO_MEMORY. */
MUST_USE Error *item_rewrites(Item *item, Str etag);
/* Done as far as it went. */
void item_partial(Item *item, Error *take_error);

/* Of the items that have not ended: bytes that have come, and bytes that need not, since an earlier run fetched them. */
typedef struct UnderWay {
    uint64_t bytes, spared_bytes;
} UnderWay;

typedef struct Plan Plan;
typedef struct Worker Worker;

typedef struct Job {
    const char *name; /* "ingest" */
    size_t item_bytes;
    bool ordered; /* commit sees items in the order of the plan */

    /* Planner thread: calls plan_item and plan_push for each. Its Error ends the run. Returns NULL early when a push says the
     * run is ending. */
    Error *(*plan)(void *context, Plan *plan);
    /* Worker threads, many at once; blocking calls, CPU-heavy parts between worker_cpu_take and worker_cpu_give. */
    Error *(*work)(void *context, Worker *worker, Item *item);
    /* `work` does nothing that takes long but wait for answers: its workers are fibers (base/fiber.h) of one thread, which commits too, because
     * two thread switches would cost more than the item. It takes no CPU token. */
    bool waits_only;
    /* Commit thread, for each item that is done; NULL: nothing to do. An Error fails the item. */
    Error *(*commit)(void *context, Item *item);
    /* Commit thread, for jobs whose commit holds items, after every commit and after finish: are all that are held safe now
     * (`*ret_safe`), lost (an Error, which each of them gets), or neither yet? An item that is held ends only then; its data is cleared at once,
     * and its budgets are given back. */
    Error *(*settle)(void *context, bool *ret_safe);
    /* Commit thread: this item has ended as done, and for good. NULL: nothing. */
    void (*settled)(void *context, Str key);
    /* Commit thread, after the last item, also when the run is cut short: publishes what is gathered. NULL: nothing. */
    Error *(*finish)(void *context);
    /* The thread that called engine_run, while the others are at work. NULL: an item's bytes count when it has ended. */
    UnderWay (*under_way)(const void *context);
    /* Any of these threads: releases what `data` holds. NULL: nothing. */
    void (*clear)(void *context, Item *item);

    /* In place of `work`, for items that only move bytes: one thread keeps up to `items_max` of them in flight, and commits them
     * itself, because a thread switch would cost more than the item. `complete` waits until one has ended, on a fiber: while it waits for
     * answers, items are submitted. */
    void (*submit)(void *context, Item *item);
    Error *(*complete)(void *context, Item **ret_item);
    /* One that has ended without an answer, after every submit: `complete` may be waiting for one that takes long. `*ret_item` NULL: none has.
     * NULL: there are no such items. */
    Error *(*ended)(void *context, Item **ret_item);
} Job;

/* A new item, yours until it is pushed; NULL without memory. */
Item *plan_item(Plan *plan, Str key, uint64_t size_bytes) MUST_USE;
/* Hands it to the workers; blocks while the budgets are used up. False when the run is ending: stop planning. */
bool plan_push(Plan *plan, Item **take_item);
/* For progress, from a planner that knows before it pushes: how many items it will pass on, and their bytes. */
void plan_foresee(Plan *plan, uint64_t items, uint64_t bytes);
/* Frees an item that is not to be pushed after all. */
void plan_drop(Plan *plan, Item *item);
/* An item that is decided already: it goes past the workers to the report. */
bool plan_skip(Plan *plan, Str key, const char *format, ...) PRINTF_LIKE(3, 4);
bool plan_fail(Plan *plan, Str key, Error *take_error);
const Cancel *plan_cancel(const Plan *plan);

const Cancel *worker_cancel(const Worker *worker);
unsigned worker_index(const Worker *worker); /* from 0, below `workers` */
/* Waits for one of the CPU tokens; hold one around CPU-heavy work only, never across a wait for the network. */
Error *worker_cpu_take(Worker *worker) MUST_USE;
void worker_cpu_give(Worker *worker);

#endif
