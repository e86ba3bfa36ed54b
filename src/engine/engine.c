#include "engine/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fiber.h"
#include "base/queue.h"
#include "base/thread.h"
#include "engine/budget.h"
#include "engine/item.h"

enum {
    PROGRESS_EVERY_US = 100000,
    PERCENT_AFTER_ITEMS = 20, /* errors_max_percent says nothing about fewer */
    ITEMS_A_WORKER = 4,       /* planned ahead of each worker */
    ITEMS_A_REQUEST = 2,      /* the same for jobs that keep requests in flight from one thread */
    STREAK_MIN = 16,          /* failures in a row that mean "the server is gone" */
};

typedef struct Run {
    /* Fixed before the threads start. */
    const Job *job;
    void *context;
    const EngineOptions *options;
    Report *report;
    Queue *planned, *worked; /* of Item */
    Budget in_flight, cpu;
    uint64_t streak_max;
    Cancel cancel; /* child of options->cancel; raised by the run's own first error */

    /* Planner only. */
    uint64_t next_serial, planned_bytes;

    /* Commit thread (or the bulk thread) only. */
    Item **waiting; /* ordered jobs: [items_max] ring by serial */
    size_t items_max;
    Item *held, **held_end; /* done, not safe yet: key and outcome alone */
    uint64_t next_commit, failures, server_failures, streak;
    Fibers *fibers;  /* of jobs that only wait: one for each worker; of those that submit: one, which asks `complete` */
    Worker *idle;    /* those without a fiber */
    bool completing; /* it is asking */

    /* Under lock. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    Error *first_error;
    Progress progress;       /* `bytes_total`: as planned */
    uint64_t needless_bytes; /* planned for items that have ended, and not moved */
    uint64_t started, started_ended,
        unneeded; /* of plan_push; of these ended; of these already done, which the limit does not count */
    unsigned workers_left;
    bool committed; /* the commit thread has ended */

    /* The caller's thread only. */
    uint64_t shown_bytes;
} Run;

struct Plan {
    Run *run;
};

struct Worker {
    Run *run;
    Thread thread;
    unsigned index;
    /* On a fiber: what it works on, and how that ended. */
    Item *item;
    Error *error;
    Worker *next_idle;
};

/* One thread has everything in flight, and commits it. */
static bool is_bulk(const Job *job)
{
    return job->submit || job->waits_only;
}

/* Keeps the first error of the run and lets what is in flight finish, or, with STOP, end at once. */
static void run_fail(Run *run, Error *take_error, CancelLevel level)
{
    pthread_mutex_lock(&run->lock);
    if (run->first_error)
        error_free(take_error); /* only the first is the cause; the others follow from it */
    else
        run->first_error = take_error;
    pthread_mutex_unlock(&run->lock);
    cancel_raise(&run->cancel, level);
}

static void release_item(Run *run, Item *item)
{
    if (run->job->clear)
        run->job->clear(run->context, item);
    item_free(item);
}

/* ---- planning ---- */

Item *plan_item(Plan *plan, Str key, uint64_t size_bytes)
{
    return item_new(plan->run->job->item_bytes, key, size_bytes);
}

void plan_drop(Plan *plan, Item *item)
{
    release_item(plan->run, item);
}

static void note_total(Run *run, uint64_t items, uint64_t bytes)
{
    pthread_mutex_lock(&run->lock);
    run->progress.items_total = items;
    run->progress.bytes_total = bytes;
    pthread_mutex_unlock(&run->lock);
}

void plan_foresee(Plan *plan, uint64_t items, uint64_t bytes)
{
    note_total(plan->run, items, bytes);
}

const Cancel *plan_cancel(const Plan *plan)
{
    return &plan->run->cancel;
}

/* Takes the budgets, which is where a fast planner waits, and passes the item on. */
static bool hand_on(Run *run, Queue *queue, Item **take_item)
{
    Error *error = budget_take(&run->in_flight, &run->cancel, CANCEL_DRAIN, (*take_item)->size_bytes);
    if (!error) {
        (*take_item)->serial = run->next_serial++;
        run->planned_bytes += (*take_item)->bytes_planned;
        uint64_t bytes = (*take_item)->size_bytes;
        error = queue_push(queue, &run->cancel, take_item, 0);
        if (error)
            budget_give(&run->in_flight, bytes);
        else if (run->fibers) /* its thread may be waiting for what is in flight */
            fibers_call(run->fibers);
    }
    if (!error)
        return true;
    error_free(error); /* cancelled: the run knows why already */
    release_item(run, *take_item);
    *take_item = NULL;
    return false;
}

/* At the limit it waits for what is in flight: an item that turns out to be done already makes room for another. */
static bool may_start(Run *run)
{
    uint64_t limit = run->options->items_limit;
    pthread_mutex_lock(&run->lock);
    while (limit && run->started - run->unneeded >= limit && run->started_ended < run->started
           && !cancel_draining(&run->cancel))
        thread_wait(&run->changed, &run->lock);
    bool may = !limit || run->started - run->unneeded < limit;
    run->started += may;
    pthread_mutex_unlock(&run->lock);
    return may;
}

bool plan_push(Plan *plan, Item **take_item)
{
    Run *run = plan->run;
    if (!may_start(run)) {
        release_item(run, *take_item);
        *take_item = NULL;
        return false;
    }
    (*take_item)->started = true;
    return hand_on(run, run->planned, take_item);
}

/* An item that no worker sees: in a bulk run the one thread commits, so it goes by way of its queue, marked as ended. */
static bool push_ended(Plan *plan, Str key, Outcome outcome, Error *take_error)
{
    Run *run = plan->run;
    Item *item = plan_item(plan, key, 0);
    if (!item) {
        error_free(take_error);
        run_fail(run, FAIL(NO_MEMORY, "out of memory"), CANCEL_STOP);
        return false;
    }
    item_end(item, outcome, take_error);
    return hand_on(run, is_bulk(run->job) ? run->planned : run->worked, &item);
}

bool plan_skip(Plan *plan, Str key, const char *format, ...)
{
    char *reason = NULL;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&reason, format, arguments);
    va_end(arguments);
    Error *error = FAIL(EXISTS, "%s", len < 0 ? format : reason);
    free(reason);
    return push_ended(plan, key, OUTCOME_SKIPPED, error);
}

bool plan_fail(Plan *plan, Str key, Error *take_error)
{
    return push_ended(plan, key, OUTCOME_FAILED, take_error);
}

static void say_planned(Run *run)
{
    const EngineOptions *options = run->options;
    PlanTotal total = {options->source, options->target, run->next_serial, run->planned_bytes};
    options->watch.planned(options->watch.context, &total);
}

static void plan_thread(void *context)
{
    Run *run = context;
    Plan plan = {run};
    Error *error = run->job->plan(run->context, &plan);
    if (!error && run->options->watch.planned && !cancel_draining(&run->cancel))
        say_planned(run);
    if (error && error_code(error) == ERR_CANCELLED)
        error_free(error); /* the run knows why already */
    else if (error)
        run_fail(run, error, CANCEL_DRAIN);
    note_total(run, run->next_serial, run->planned_bytes); /* the listing has ended: now it is known */
    queue_close(run->planned);
}

/* ---- working ---- */

const Cancel *worker_cancel(const Worker *worker)
{
    return &worker->run->cancel;
}

unsigned worker_index(const Worker *worker)
{
    return worker->index;
}

Error *worker_cpu_take(Worker *worker)
{
    return budget_take(&worker->run->cpu, &worker->run->cancel, CANCEL_STOP, 0);
}

void worker_cpu_give(Worker *worker)
{
    budget_give(&worker->run->cpu, 0);
}

static void end_failed(Item *item, Error *take_error)
{
    item_end(item, error_code(take_error) == ERR_CANCELLED ? OUTCOME_CANCELLED : OUTCOME_FAILED, take_error);
}

/* Its work was done, and came to nothing: what the job said of it no longer holds. */
static void end_lost(Item *item, Error *take_error)
{
    item->partial = false;
    item->status = NULL;
    end_failed(item, take_error);
}

/* Turns what work returned into the item's outcome, unless the job has decided that itself. */
static void end_worked(Item *item, Error *take_error)
{
    if (!take_error) {
        if (!item->error)
            item->outcome = OUTCOME_DONE;
        return;
    }
    end_failed(item, take_error);
}

/* Of those that are counted already; whoever is the last closes what nobody fills any more. */
static void end_workers(Run *run, unsigned count)
{
    pthread_mutex_lock(&run->lock);
    bool last = (run->workers_left -= count) == 0;
    pthread_mutex_unlock(&run->lock);
    if (last)
        queue_close(run->worked);
}

static void work_thread(void *context)
{
    Worker *worker = context;
    Run *run = worker->run;
    Item *item = NULL;
    for (;;) {
        /* Not cancelled here: after STOP what was planned is still popped, to be ended as cancelled. */
        Error *error = queue_pop(run->planned, NULL, (void **)&item);
        ASSERT(!error);
        if (!item)
            break;
        if (cancel_draining(&run->cancel))
            item_end(item, OUTCOME_CANCELLED, FAIL(CANCELLED, "the run ended before its turn"));
        else
            end_worked(item, run->job->work(run->context, worker, item));
        error = queue_push(run->worked, NULL, &item, 0);
        ASSERT(!error);
    }
    end_workers(run, 1);
}

/* ---- committing ---- */

/* Errors that no other item can escape. */
static bool ends_run(ErrorCode code)
{
    return code == ERR_NO_SPACE || code == ERR_NO_MEMORY || code == ERR_STATE || code == ERR_LOCKED
           || code == ERR_INTERNAL;
}

/* The bounds that the user set, and the two that everyone has: a full disk, and a server that refuses one item after the other. */
static void judge_failure(Run *run, const Item *item)
{
    const EngineOptions *options = run->options;
    ErrorCode code = error_code(item->error);
    run->failures++;
    bool server = code == ERR_UNAVAILABLE || code == ERR_TIMEOUT || code == ERR_DENIED || code == ERR_NOT_FOUND;
    run->streak = server ? run->streak + 1 : 0;
    run->server_failures += server;
    uint64_t ended = run->progress.items_ended;
    if (ends_run(code))
        run_fail(run, error_copy(item->error), CANCEL_DRAIN);
    else if (run->streak >= run->streak_max)
        run_fail(run,
                 error_wrap(error_copy(item->error), "%llu items in a row failed, the last one",
                            (unsigned long long)run->streak),
                 CANCEL_DRAIN);
    else if (run->failures > options->errors_max)
        run_fail(run,
                 FAIL(CHECK, "%llu items failed, more than --max-errors allows", (unsigned long long)run->failures),
                 CANCEL_DRAIN);
    else if (options->errors_max_percent > 0 && ended >= PERCENT_AFTER_ITEMS
             && (double)run->failures * 100 > options->errors_max_percent * (double)ended)
        run_fail(run,
                 FAIL(CHECK, "%llu of %llu items failed, more than the %g%% that --max-errors allows",
                      (unsigned long long)run->failures, (unsigned long long)ended, options->errors_max_percent),
                 CANCEL_DRAIN);
}

/* For the planner, which may be waiting at the limit. */
static void note_ended(Run *run, const Item *item)
{
    if (!item->started)
        return;
    pthread_mutex_lock(&run->lock);
    run->started_ended++;
    run->unneeded +=
        item->needless || (item->outcome == OUTCOME_SKIPPED && error_code(item->error) == ERR_EXISTS); /* item_skip's */
    if (run->options->items_limit)
        pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
}

static void count_item(Run *run, const Item *item)
{
    pthread_mutex_lock(&run->lock);
    run->progress.items_ended++;
    run->progress.items_failed += item->outcome == OUTCOME_FAILED;
    run->progress.items_skipped += item->outcome == OUTCOME_SKIPPED;
    run->progress.bytes += item->bytes_done;
    run->needless_bytes += item->bytes_planned - MIN(item->bytes_done, item->bytes_planned);
    pthread_mutex_unlock(&run->lock);
}

/* What is done in part is no success to the journal: somebody may want all of it. */
static void note_in_journal(Run *run, const Item *item)
{
    Journal *journal = run->options->journal;
    bool redact = run->options->redact_keys, lacking = item->outcome == OUTCOME_FAILED || item->partial;
    Error *error = NULL;
    if (!journal)
        return;
    if (item->etag_before)
        error = journal_rewrite(journal, item, redact);
    if (!error && item->outcome != OUTCOME_CANCELLED)
        error = (lacking ? journal_failure : journal_no_failure)(journal, item, redact);
    if (error)
        run_fail(run, error_wrap(error, "write the journal"), CANCEL_DRAIN);
}

/* The one place where an item has ended: journal, report, watch. */
static void conclude(Run *run, Item *item)
{
    count_item(run, item);
    note_in_journal(run, item);
    if (item->outcome == OUTCOME_FAILED)
        judge_failure(run, item);
    if (item->outcome == OUTCOME_DONE) {
        run->streak = 0;
        if (run->job->settled)
            run->job->settled(run->context, item->key);
    }
    Str line = report_item(run->report, item);
    if (run->options->watch.item)
        run->options->watch.item(run->options->watch.context, item, line);
}

/* Keeps what the report will want of an item whose result is not safe yet; memory is the key's and little more. */
static void hold(Run *run, Item *item)
{
    Item *record = item_new(0, item->key, 0);
    if (!record) {
        end_failed(item, FAIL(NO_MEMORY, "out of memory"));
        conclude(run, item);
        return;
    }
    record->outcome = item->outcome;
    record->partial = item->partial;
    record->status = item->status;
    record->error = item->error;
    record->details = item->details;
    record->etag_before = item->etag_before;
    record->bytes_planned = item->bytes_planned;
    record->bytes_done = item->bytes_done;
    item->error = NULL;
    item->details = item->etag_before = NULL;
    *run->held_end = record;
    run->held_end = &record->next;
}

/* What is held ends when it is safe, or lost. */
static void settle(Run *run)
{
    bool safe = false;
    if (!run->held)
        return;
    Error *lost = run->job->settle(run->context, &safe);
    while (run->held && (safe || lost)) {
        Item *item = run->held;
        run->held = item->next;
        if (lost)
            end_lost(item, error_copy(lost));
        conclude(run, item);
        item_free(item);
    }
    if (!run->held)
        run->held_end = &run->held;
    error_free(lost); /* each has its copy */
}

/* Commit, outcome, budgets, memory. */
static void end_item(Run *run, Item *item)
{
    if (item->outcome == OUTCOME_DONE && run->job->commit) {
        Error *error = run->job->commit(run->context, item);
        if (error)
            end_lost(item, error);
    }
    note_ended(run, item);
    if (item->held && item->outcome == OUTCOME_DONE)
        hold(run, item);
    else
        conclude(run, item);
    uint64_t bytes = item->size_bytes;
    release_item(run, item);
    budget_give(&run->in_flight, bytes);
    settle(run);
}

/* Ordered jobs: an item waits in the ring until all before it have come. Every planned item comes, whatever its outcome, and no more
 * than `items_max` are in flight, so the ring never overflows. */
static void end_in_order(Run *run, Item *item)
{
    size_t slot = item->serial % run->items_max;
    ASSERT(!run->waiting[slot]);
    run->waiting[slot] = item;
    while ((item = run->waiting[run->next_commit % run->items_max])) {
        run->waiting[run->next_commit++ % run->items_max] = NULL;
        end_item(run, item);
    }
}

static void end_or_wait(Run *run, Item *item)
{
    if (run->job->ordered)
        end_in_order(run, item);
    else
        end_item(run, item);
}

static void finish_job(Run *run)
{
    if (run->job->finish) {
        Error *error = run->job->finish(run->context);
        if (error)
            run_fail(run, error, CANCEL_STOP);
    }
    settle(run);
    ASSERT(!run->held); /* after finish they are safe or lost */
    pthread_mutex_lock(&run->lock);
    run->committed = true;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
}

static void commit_thread(void *context)
{
    Run *run = context;
    for (;;) {
        Item *item = NULL;
        Error *error = queue_pop(run->worked, NULL, (void **)&item);
        ASSERT(!error);
        if (!item)
            break;
        end_or_wait(run, item);
    }
    finish_job(run);
}

/* ---- many in flight from one thread ---- */

static void work_fiber(void *context)
{
    Worker *worker = context;
    worker->error = worker->run->job->work(worker->run->context, worker, worker->item);
}

static void complete_fiber(void *context)
{
    Worker *worker = context;
    worker->error = worker->run->job->complete(worker->run->context, &worker->item);
}

static void start_fiber(Run *run, void (*body)(void *context), Item *item)
{
    Worker *worker = run->idle;
    run->idle = worker->next_idle;
    worker->item = item;
    fibers_start(run->fibers, body, worker);
}

static void submit(Run *run, Item *item)
{
    if (run->job->submit)
        run->job->submit(run->context, item);
    else
        start_fiber(run, work_fiber, item);
}

static void end_submitted(Run *run, size_t *in_flight, Item *item, Error *take_error)
{
    end_worked(item, take_error);
    --*in_flight;
    end_or_wait(run, item);
}

/* Those that needed no answer. */
static void end_at_once(Run *run, size_t *in_flight)
{
    while (run->job->ended) {
        Item *item = NULL;
        Error *error = run->job->ended(run->context, &item);
        if (!item)
            break;
        end_submitted(run, in_flight, item, error);
    }
}

/* Waits for one that has ended, or, where there is room for another, for a push. */
static void complete_one(Run *run, size_t *in_flight)
{
    if (run->job->complete && !run->completing)
        start_fiber(run, complete_fiber, NULL);
    run->completing = true;
    bool has_room = *in_flight < run->options->workers;
    Worker *worker = (has_room ? fibers_next_ended_or_call : fibers_next_ended)(run->fibers);
    if (!worker)
        return; /* planned */
    run->completing = false;
    worker->next_idle = run->idle;
    run->idle = worker;
    ASSERT(worker->item);
    end_submitted(run, in_flight, worker->item, worker->error);
}

static void bulk_thread(void *context)
{
    Run *run = context;
    size_t in_flight = 0;
    for (;;) {
        Item *item = NULL;
        if (in_flight == 0) {
            Error *error = queue_pop(run->planned, NULL, (void **)&item);
            ASSERT(!error);
            if (!item)
                break;
        } else if (in_flight < run->options->workers) {
            item = queue_try_pop(run->planned);
        }
        if (!item) {
            complete_one(run, &in_flight);
        } else if (item->error) { /* decided by the plan */
            end_or_wait(run, item);
        } else if (cancel_draining(&run->cancel)) {
            item_end(item, OUTCOME_CANCELLED, FAIL(CANCELLED, "the run ended before its turn"));
            end_or_wait(run, item);
        } else {
            in_flight++;
            submit(run, item);
            end_at_once(run, &in_flight);
        }
    }
    finish_job(run);
}

/* ---- the run as a whole ---- */

/* With what is under way, which is asked for after what has ended: an item may be seen in neither. The sum does not fall for that, nor when a piece
 * has to come again; at the end it is exact. */
static void add_under_way(Run *run, Progress *progress)
{
    UnderWay now = run->job->under_way(run->context);
    run->shown_bytes = MAX(run->shown_bytes, progress->bytes + now.bytes);
    progress->bytes = run->shown_bytes;
    if (progress->bytes_total)
        progress->bytes_total =
            MAX(progress->bytes_total - MIN(now.spared_bytes, progress->bytes_total), progress->bytes);
}

static void show_progress(Run *run, bool at_end)
{
    pthread_mutex_lock(&run->lock);
    Progress progress = run->progress;
    progress.bytes_total -= MIN(run->needless_bytes, progress.bytes_total);
    pthread_mutex_unlock(&run->lock);
    if (run->job->under_way && !at_end)
        add_under_way(run, &progress);
    run->options->watch.progress(run->options->watch.context, &progress);
}

/* The caller's thread: sleeps until the commit thread has ended, showing progress meanwhile. */
static void wait_for_end(Run *run)
{
    bool wanted = run->options->watch.progress != NULL;
    pthread_mutex_lock(&run->lock);
    while (!run->committed) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += PROGRESS_EVERY_US * 1000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_clockwait(&run->changed, &run->lock, CLOCK_MONOTONIC, &until);
        if (wanted && !run->committed) {
            pthread_mutex_unlock(&run->lock);
            show_progress(run, false);
            pthread_mutex_lock(&run->lock);
        }
    }
    pthread_mutex_unlock(&run->lock);
    if (wanted)
        show_progress(run, true);
}

static void make_workers(Run *run, Worker *workers)
{
    for (unsigned i = run->options->workers; i-- > 0;) {
        workers[i] = (Worker){.run = run, .index = i, .next_idle = run->idle};
        run->idle = &workers[i];
    }
}

MUST_USE static Error *start_worker(Worker *worker)
{
    char name[24];
    snprintf(name, sizeof name, "work-%u", worker->index);
    return thread_start(&worker->thread, name, work_thread, worker);
}

/* Planning begins as soon as there is somebody to work, and before the others, of whom there may be hundreds. */
static Error *start_threads(Run *run, Thread *planner, Thread *committer, Worker *workers)
{
    bool bulk = is_bulk(run->job);
    unsigned count = bulk ? 0 : run->options->workers;
    make_workers(run, workers);
    run->workers_left = count;
    TRY(thread_start(committer, bulk ? "quern-bulk" : "quern-commit", bulk ? bulk_thread : commit_thread, run));
    if (count > 0)
        TRY(start_worker(&workers[0]));
    TRY(thread_start(planner, "quern-plan", plan_thread, run));
    for (unsigned i = 1; i < count; i++) {
        Error *error = start_worker(&workers[i]);
        if (!error)
            continue;
        log_warning(run->options->log, "%s: going on with %u workers", error_message_view(error), i);
        error_free(error); /* fewer will do */
        end_workers(run, count - i);
        break;
    }
    return NULL;
}

static Error *run_threads(Run *run)
{
    Thread planner = {0}, committer = {0};
    unsigned count = run->options->workers;
    CLEANUP(cleanup_free) Worker *workers = calloc(count, sizeof *workers);
    if (!workers)
        return FAIL(NO_MEMORY, "out of memory");
    Error *error = start_threads(run, &planner, &committer, workers);
    if (error) { /* nothing is planned: closing both ends whoever has started */
        queue_close(run->planned);
        queue_close(run->worked);
    } else {
        wait_for_end(run);
    }
    thread_join(&planner);
    for (unsigned i = 0; i < count; i++)
        thread_join(&workers[i].thread);
    thread_join(&committer);
    return error;
}

static Error *run_init(Run *run)
{
    const EngineOptions *options = run->options;
    run->items_max = (size_t)options->workers * (is_bulk(run->job) ? ITEMS_A_REQUEST : ITEMS_A_WORKER);
    run->streak_max = MAX(2 * (uint64_t)options->workers, STREAK_MIN);
    run->held_end = &run->held;
    run->cancel.parent = options->cancel;
    pthread_mutex_init(&run->lock, NULL);
    pthread_cond_init(&run->changed, NULL);
    budget_init(&run->in_flight, run->items_max, options->memory_bytes);
    budget_init(&run->cpu, options->cpu_tokens, 0);
    run->planned = queue_new(run->items_max, 0);
    run->worked = queue_new(run->items_max, 0);
    run->waiting = run->job->ordered ? calloc(run->items_max, sizeof(Item *)) : NULL;
    if (!run->planned || !run->worked || (run->job->ordered && !run->waiting))
        return FAIL(NO_MEMORY, "out of memory");
    return is_bulk(run->job) ? fibers_new(run->job->complete ? 1 : options->workers, &run->fibers) : NULL;
}

static void run_done(Run *run)
{
    fibers_free(run->fibers);
    queue_free(run->planned, NULL);
    queue_free(run->worked, NULL);
    free(run->waiting);
    budget_done(&run->cpu);
    budget_done(&run->in_flight);
    pthread_cond_destroy(&run->changed);
    pthread_mutex_destroy(&run->lock);
}

MUST_USE static Error *told_without_item(const ReportFailure *failure, bool redact_keys)
{
    Error *error = error_copy(failure->error);
    return redact_keys ? report_hide_key(error, str_from(failure->key, failure->key_len)) : error;
}

Error *engine_run(const Job *job, void *context, const EngineOptions *options, Report *report)
{
    ASSERT(options->workers > 0 && options->cpu_tokens > 0);
    ASSERT((job->work != NULL) != (job->submit != NULL) && (job->submit != NULL) == (job->complete != NULL));
    ASSERT(!job->waits_only || job->work);
    Run run = {.job = job, .context = context, .options = options, .report = report};
    report_begin(report, options->run, options->clock, options->watch.lines);
    Error *error = run_init(&run);
    if (!error)
        error = run_threads(&run);
    if (!error)
        error = run.first_error;
    else
        error_free(run.first_error);
    /* Nothing worked and the server is why: that is the run's news, not a list of equal failures. */
    const ReportFailure *first = report_failure_at(report, 0);
    if (!error && first && run.failures == run.server_failures && report_count(report, OUTCOME_DONE) == 0)
        error = error_wrap(told_without_item(first, options->redact_keys), "nothing could be done");
    run_done(&run);
    if (!error && cancel_draining(options->cancel))
        error = FAIL(CANCELLED, "interrupted; run the same command again to go on");
    return error;
}
