/* engine.h - runs a Job within its budgets and says how every item ended.
 *
 * Threads of a run: one that plans, N that work (or one that keeps N requests in flight), one that commits, and the caller's, which
 * waits and reports progress. Everything is joined when engine_run returns. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/clock.h"
#include "base/log.h"
#include "engine/job.h"
#include "engine/journal.h"
#include "engine/report.h"

typedef struct Progress {
    uint64_t items_total; /* 0: not known until the plan has ended, or foresaw it */
    uint64_t items_ended, items_failed, items_skipped;
    /* Of those that have ended, and what has come of others where the job knows that; the last progress is of the former alone, exactly. */
    uint64_t bytes;
    uint64_t bytes_total; /* what `bytes` will be, as far as the plan knows sizes; 0: not known */
} Progress;

/* What a run is about to do: the plan has ended. */
typedef struct PlanTotal {
    Str source, target;
    uint64_t items, bytes; /* bytes: as far as the plan knew them */
} PlanTotal;

/* Calls come from the run's threads, no lock held that a call into the engine would need; two may come at once. NULL: not wanted. */
typedef struct EngineWatch {
    void (*progress)(void *context, const Progress *progress); /* at most ten times a second */
    /* Each once, when it has ended; `line` is its object of --json and of the report file, "" unless one of them is wanted. */
    void (*item)(void *context, const Item *item, Str line);
    void (*planned)(void *context, const PlanTotal *total); /* once; never when the plan is cut short */
    void *context;
    bool lines; /* `item` wants its line */
} EngineWatch;

typedef struct EngineOptions {
    unsigned workers;          /* items worked on at once; at least 1 */
    unsigned cpu_tokens;       /* at least 1 */
    uint64_t memory_bytes;     /* byte budget; an item larger than all of it passes alone */
    bool redact_keys;          /* in the journal */
    uint64_t items_limit;      /* items started, those that turn out to be done already apart; 0: no limit */
    uint64_t errors_max;       /* items that may fail; UINT64_MAX: any number */
    double errors_max_percent; /* of those ended, once 20 have; 0: off */
    Journal *journal;          /* NULL: none */
    Log *log;                  /* NULL: none */
    const Cancel *cancel;      /* NULL: cannot be stopped. DRAIN: nothing new; STOP: now */
    const Clock *clock;
    Str run;            /* the run's name, in every line about it; "": none */
    Str source, target; /* for the plan's total; "": not said */
    EngineWatch watch;
} EngineOptions;

/* Runs `job` to its end. `report` is filled in every case. Errors: what ended the run early - of plan or finish; NO_SPACE and the
 * like of an item; UNAVAILABLE, DENIED or NOT_FOUND of many items in a row, or of all there were; CHECK (errors_max); CANCELLED. Items that failed are no Error. */
MUST_USE Error *engine_run(const Job *job, void *context, const EngineOptions *options, Report *report);

#endif
