#include "engine/engine.h"

#include <stdio.h>
#include <unistd.h>

#include "base/fiber.h"
#include "base/testing.h"

/* A job of numbered items whose behaviour is a table's row. */
typedef struct Numbers {
    uint64_t count;
    uint64_t size_bytes;
    int fail_every; /* 0: never */
    ErrorCode fail_code;
    bool shuffle;       /* work takes longer for every other item */
    Cancel *step_at_10; /* raised once when item 10 is worked on */
    _Atomic int in_work, most_in_work, in_cpu, most_in_cpu;
    uint64_t committed, out_of_order, finished, watched, pushed_bytes, planned, planned_bytes;
    _Atomic uint64_t cleared;
    uint64_t next;
    Item *queue[512]; /* bulk: in flight */
    size_t queued;
} Numbers;

typedef struct Number {
    uint64_t value;
} Number;

static Error *plan_numbers(void *context, Plan *plan)
{
    Numbers *job = context;
    for (uint64_t i = 0; i < job->count; i++) {
        char key[32];
        snprintf(key, sizeof key, "item-%llu", (unsigned long long)i);
        Item *item = plan_item(plan, str_of(key), job->size_bytes);
        assert_non_null(item);
        ((Number *)item->data)->value = i;
        item->bytes_planned = i + 1;
        job->pushed_bytes += i + 1;
        if (!plan_push(plan, &item))
            break;
    }
    return NULL;
}

static void note_most(_Atomic int *now, _Atomic int *most)
{
    int value = ++*now, seen = *most;
    while (value > seen && !atomic_compare_exchange_weak(most, &seen, value))
        ;
}

static Error *outcome_of(Numbers *job, Item *item)
{
    uint64_t value = ((Number *)item->data)->value;
    item->bytes_done = 10;
    if (job->fail_every && (value + 1) % (uint64_t)job->fail_every == 0)
        return error_new(job->fail_code, __FILE__, __LINE__, "item %s is bad", item->key.data);
    if (value % 5 == 3)
        item_skip(item, "multiple of five plus three");
    return NULL;
}

/* Longer than its neighbours, which on one thread is: behind them. */
static void take_long(void)
{
    if (!fiber_current())
        usleep(2000);
    for (int turn = 0; turn < 2 && fiber_current(); turn++) {
        fiber_wake(fiber_current());
        fiber_park();
    }
}

static Error *work_number(void *context, Worker *worker, Item *item)
{
    Numbers *job = context;
    uint64_t value = ((Number *)item->data)->value;
    note_most(&job->in_work, &job->most_in_work);
    if (job->step_at_10 && value == 10)
        cancel_step(job->step_at_10);
    if (job->shuffle && value % 2)
        take_long();
    Error *error = worker_cpu_take(worker);
    if (!error) {
        note_most(&job->in_cpu, &job->most_in_cpu);
        job->in_cpu--;
        worker_cpu_give(worker);
        error = outcome_of(job, item);
    }
    job->in_work--;
    return error;
}

static Error *commit_number(void *context, Item *item)
{
    Numbers *job = context;
    uint64_t value = ((Number *)item->data)->value;
    job->out_of_order += value < job->next;
    job->next = value;
    job->committed++;
    return NULL;
}

static Error *finish_numbers(void *context)
{
    ((Numbers *)context)->finished++;
    return NULL;
}

static void clear_number(void *context, Item *item)
{
    (void)item;
    ((Numbers *)context)->cleared++;
}

static void submit_number(void *context, Item *item)
{
    Numbers *job = context;
    assert_true(job->queued < ARRAY_COUNT(job->queue));
    job->queue[job->queued++] = item;
}

static Error *complete_number(void *context, Item **ret_item)
{
    Numbers *job = context;
    *ret_item = job->queue[--job->queued]; /* last in, first out: not in the order of the plan */
    return outcome_of(job, *ret_item);
}

static void watch_item(void *context, const Item *item, Str line)
{
    CLEANUP(cleanup_json) json_t *object = NULL;
    assert_ok(json_read(str_bytes(line), &object));
    assert_str(json_get_str(object, "key", STR_EMPTY), item->key.data);
    assert_str(json_get_str(object, "run", STR_EMPTY), "a-run");
    ((Numbers *)context)->watched++;
}

static void watch_plan(void *context, const PlanTotal *total)
{
    Numbers *job = context;
    assert_str(total->source, "numbers://");
    job->planned += total->items;
    job->planned_bytes += total->bytes;
}

static const Job numbers_job = {
    .name = "numbers",
    .item_bytes = sizeof(Number),
    .plan = plan_numbers,
    .work = work_number,
    .commit = commit_number,
    .finish = finish_numbers,
    .clear = clear_number,
};

static const Job bulk_job = {
    .name = "bulk",
    .item_bytes = sizeof(Number),
    .plan = plan_numbers,
    .submit = submit_number,
    .complete = complete_number,
    .commit = commit_number,
    .finish = finish_numbers,
    .clear = clear_number,
};

typedef enum Way { THREADS, BULK, FIBERS, WAYS } Way;

static Job job_by(Way way)
{
    Job job = way == BULK ? bulk_job : numbers_job;
    job.waits_only = way == FIBERS;
    return job;
}

static EngineOptions options_of(Numbers *job)
{
    return (EngineOptions){.workers = 4,
                           .cpu_tokens = 2,
                           .memory_bytes = 1000,
                           .errors_max = UINT64_MAX,
                           .clock = clock_system(),
                           .run = STR("a-run"),
                           .source = STR("numbers://"),
                           .target = STR_EMPTY,
                           .watch = {.item = watch_item, .planned = watch_plan, .context = job, .lines = true}};
}

static void every_item_ends_once(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool ordered;
        Way way;
        bool shuffle;
        uint64_t count, size_bytes;
        int fail_every;
        uint64_t done, skipped, failed;
    } rows[] = {
        {"nothing to do", false, THREADS, false, 0, 0, 0, 0, 0, 0},
        {"one", false, THREADS, false, 1, 0, 0, 1, 0, 0},
        {"many", false, THREADS, true, 500, 1, 0, 400, 100, 0},
        {"many in order", true, THREADS, true, 500, 1, 0, 400, 100, 0},
        {"larger than the budget", true, THREADS, true, 20, 5000, 0, 16, 4, 0},
        {"some fail", false, THREADS, false, 500, 1, 10, 350, 100, 50},
        {"some fail, in order", true, THREADS, true, 500, 1, 10, 350, 100, 50},
        {"bulk", false, BULK, false, 500, 1, 10, 350, 100, 50},
        {"bulk in order", true, BULK, false, 500, 1, 10, 350, 100, 50},
        {"fibers, nothing to do", false, FIBERS, false, 0, 0, 0, 0, 0, 0},
        {"fibers", false, FIBERS, true, 500, 1, 10, 350, 100, 50},
        {"fibers in order", true, FIBERS, true, 500, 1, 10, 350, 100, 50},
        {"fibers, larger than the budget", true, FIBERS, true, 20, 5000, 0, 16, 4, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Numbers numbers = {.count = rows[i].count,
                           .size_bytes = rows[i].size_bytes,
                           .fail_every = rows[i].fail_every,
                           .fail_code = ERR_CORRUPT,
                           .shuffle = rows[i].shuffle};
        Job job = job_by(rows[i].way);
        job.ordered = rows[i].ordered;
        EngineOptions options = options_of(&numbers);
        CLEANUP(report_freep) Report *report = NULL;
        assert_ok(report_new(NULL, false, &report));
        assert_ok(engine_run(&job, &numbers, &options, report));
        print_message("%s\n", rows[i].name);
        assert_int_equal(report_count(report, OUTCOME_DONE), rows[i].done);
        assert_int_equal(report_count(report, OUTCOME_SKIPPED), rows[i].skipped);
        assert_int_equal(report_count(report, OUTCOME_FAILED), rows[i].failed);
        assert_int_equal(numbers.committed, rows[i].done);
        assert_int_equal(numbers.cleared, rows[i].count);
        assert_int_equal(numbers.watched, rows[i].count);
        assert_int_equal(numbers.planned, rows[i].count);
        assert_int_equal(numbers.planned_bytes, numbers.pushed_bytes);
        assert_int_equal(numbers.finished, 1);
        assert_int_equal(report_bytes(report), 10 * rows[i].count);
        assert_true(numbers.most_in_work <= 4 && numbers.most_in_cpu <= 2);
        if (rows[i].ordered)
            assert_int_equal(numbers.out_of_order, 0);
    }
}

static void stops_when_told(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int fail_every;
        ErrorCode fail_code;
        uint64_t errors_max;
        double percent;
        uint64_t limit;
        bool cancel;
        ErrorCode ends_with; /* ERR_OK: none */
    } rows[] = {
        {"max-errors 0", 10, ERR_CORRUPT, 0, 0, 0, false, ERR_CHECK},
        {"max-errors 5%", 10, ERR_CORRUPT, UINT64_MAX, 5, 0, false, ERR_CHECK},
        {"max-errors 50% is not reached", 10, ERR_CORRUPT, UINT64_MAX, 50, 0, false, ERR_OK},
        {"disk full", 10, ERR_NO_SPACE, UINT64_MAX, 0, 0, false, ERR_NO_SPACE},
        {"server gone", 1, ERR_UNAVAILABLE, UINT64_MAX, 0, 0, false, ERR_UNAVAILABLE},
        {"server hiccups", 10, ERR_UNAVAILABLE, UINT64_MAX, 0, 0, false, ERR_OK},
        {"not allowed", 1, ERR_DENIED, UINT64_MAX, 0, 0, false, ERR_DENIED},
        {"limit", 0, ERR_CORRUPT, UINT64_MAX, 0, 7, false, ERR_OK},
        {"interrupted", 0, ERR_CORRUPT, UINT64_MAX, 0, 0, true, ERR_CANCELLED},
    };
    for (size_t each = 0; each < 2 * ARRAY_COUNT(rows); each++) {
        size_t i = each / 2;
        Job job = job_by(each % 2 ? FIBERS : THREADS);
        print_message("%s, %s\n", rows[i].name, job.waits_only ? "fibers" : "threads");
        Cancel cancel = {0};
        Numbers numbers = {.count = 2000,
                           .fail_every = rows[i].fail_every,
                           .fail_code = rows[i].fail_code,
                           .step_at_10 = rows[i].cancel ? &cancel : NULL};
        EngineOptions options = options_of(&numbers);
        options.errors_max = rows[i].errors_max;
        options.errors_max_percent = rows[i].percent;
        options.items_limit = rows[i].limit;
        options.cancel = &cancel;
        CLEANUP(report_freep) Report *report = NULL;
        assert_ok(report_new(NULL, false, &report));
        Error *error = engine_run(&job, &numbers, &options, report);
        assert_int_equal(error_code(error), rows[i].ends_with);
        error_free(error);
        uint64_t ended = 0;
        for (Outcome outcome = 0; outcome < OUTCOMES; outcome++)
            ended += report_count(report, outcome);
        assert_int_equal(ended, numbers.watched);
        if (rows[i].ends_with != ERR_OK)
            assert_true(ended < 2000);
        if (rows[i].limit)
            assert_int_equal(ended - report_count(report, OUTCOME_SKIPPED), rows[i].limit);
        assert_int_equal(numbers.finished, 1);
    }
}

/* A job whose results are safe in groups of ten, until one is lost. */
typedef struct Groups {
    Numbers numbers; /* first: the callbacks above take it */
    uint64_t held, settled, lose_at;
    bool lost;
} Groups;

static Error *commit_held(void *context, Item *item)
{
    Groups *groups = context;
    item->held = true;
    groups->held++;
    groups->lost = groups->lose_at && groups->held == groups->lose_at;
    return NULL;
}

static Error *settle_groups(void *context, bool *ret_safe)
{
    Groups *groups = context;
    *ret_safe = groups->held % 10 == 0 || groups->numbers.finished;
    return groups->lost ? FAIL(NO_SPACE, "the shard is lost") : NULL;
}

static void count_settled(void *context, Str key)
{
    assert_true(str_starts_with(key, STR("item-")));
    ((Groups *)context)->settled++;
}

static void held_items_end_when_they_are_safe_or_lost(void **state)
{
    (void)state;
    static const struct {
        uint64_t lose_at, done, failed;
    } rows[] = {{0, 20, 0}, {15, 10, 5}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Groups groups = {.numbers = {.count = 25}, .lose_at = rows[i].lose_at};
        Job job = numbers_job;
        job.ordered = true;
        job.commit = commit_held;
        job.settle = settle_groups;
        job.settled = count_settled;
        EngineOptions options = options_of(&groups.numbers);
        CLEANUP(report_freep) Report *report = NULL;
        assert_ok(report_new(NULL, false, &report));
        Error *error = engine_run(&job, &groups, &options, report);
        assert_int_equal(error_code(error), rows[i].lose_at ? ERR_NO_SPACE : ERR_OK);
        error_free(error);
        assert_true(report_count(report, OUTCOME_DONE) >= rows[i].done);
        assert_int_equal(report_count(report, OUTCOME_DONE), groups.settled);
        assert_true(report_count(report, OUTCOME_FAILED) >= rows[i].failed);
        if (!rows[i].lose_at)
            assert_int_equal(groups.settled, 20); /* five of the 25 are skipped */
    }
}

static Error *plan_that_fails(void *context, Plan *plan)
{
    Error *error = plan_numbers(context, plan);
    return error ? error : FAIL(NOT_FOUND, "no bucket 'b'");
}

static void a_failed_plan_ends_the_run_after_what_was_planned(void **state)
{
    (void)state;
    Numbers numbers = {.count = 3};
    Job job = numbers_job;
    job.plan = plan_that_fails;
    EngineOptions options = options_of(&numbers);
    CLEANUP(report_freep) Report *report = NULL;
    assert_ok(report_new(NULL, false, &report));
    assert_fails_saying(engine_run(&job, &numbers, &options, report), ERR_NOT_FOUND, "no bucket 'b'");
    assert_int_equal(numbers.watched, 3);
}

static Error *plan_decided(void *context, Plan *plan)
{
    (void)context;
    assert_true(plan_skip(plan, STR("a"), "unsupported type"));
    assert_true(plan_fail(plan, STR("b"), FAIL(INVALID, "a key with '..'")));
    return NULL;
}

static void items_that_the_plan_decides_are_reported(void **state)
{
    (void)state;
    for (Way way = THREADS; way < WAYS; way++) {
        Numbers numbers = {0};
        Job job = job_by(way);
        job.plan = plan_decided;
        EngineOptions options = options_of(&numbers);
        CLEANUP(report_freep) Report *report = NULL;
        assert_ok(report_new(NULL, false, &report));
        assert_ok(engine_run(&job, &numbers, &options, report));
        assert_int_equal(report_count(report, OUTCOME_SKIPPED), 1);
        assert_int_equal(report_count(report, OUTCOME_FAILED), 1);
        assert_string_equal(report_failure_at(report, 0)->key, "b");
        assert_null(report_failure_at(report, 1));
    }
}

/* ---- one slow item does not keep back what is planned after it ---- */

enum { LATE_ITEMS = 3, STALL_US = 5000000 };

/* Item 0 waits until all others have ended, which are planned while it waits. */
typedef struct Late {
    _Atomic(Fiber *) slow; /* where it waits; bulk: where complete does */
    _Atomic unsigned waits, late_ended;
    bool stalled, by_itself; /* the late ones end without complete */
    Item *slow_item, *ended[LATE_ITEMS];
    unsigned ended_count;
} Late;

static void push_key(Plan *plan, const char *key)
{
    Item *item = plan_item(plan, str_of(key), 0);
    assert_non_null(item);
    assert_true(plan_push(plan, &item));
}

static bool wait_for(const _Atomic unsigned *count, unsigned wanted)
{
    for (unsigned waited_us = 0; *count < wanted && waited_us < STALL_US; waited_us += 1000)
        usleep(1000);
    return *count >= wanted;
}

static Error *plan_late(void *context, Plan *plan)
{
    Late *late = context;
    push_key(plan, "slow");
    wait_for(&late->waits, 1);
    usleep(20000); /* its thread sleeps by now */
    for (unsigned i = 1; i <= LATE_ITEMS; i++) {
        push_key(plan, "late");
        late->stalled = !wait_for(&late->late_ended, i) || late->stalled;
    }
    fiber_wake(late->slow);
    return NULL;
}

static void wait_for_wake(Late *late)
{
    late->slow = fiber_current();
    assert_non_null(late->slow);
    late->waits++;
    fiber_park();
}

static Error *work_late(void *context, Worker *worker, Item *item)
{
    (void)worker;
    Late *late = context;
    if (str_equal(item->key, STR("slow")))
        wait_for_wake(late);
    else
        late->late_ended++;
    return NULL;
}

static void submit_late(void *context, Item *item)
{
    Late *late = context;
    if (str_equal(item->key, STR("slow"))) {
        late->slow_item = item;
        return;
    }
    late->ended[late->ended_count++] = item;
    if (!late->by_itself)
        fiber_wake(late->slow);
}

static Error *ended_late(void *context, Item **ret_item)
{
    Late *late = context;
    *ret_item = late->ended_count ? late->ended[--late->ended_count] : NULL;
    late->late_ended += *ret_item != NULL;
    return NULL;
}

static Error *complete_late(void *context, Item **ret_item)
{
    Late *late = context;
    if (late->ended_count == 0)
        wait_for_wake(late);
    if (late->ended_count == 0) {
        *ret_item = late->slow_item;
    } else {
        *ret_item = late->ended[--late->ended_count];
        late->late_ended++;
    }
    return NULL;
}

static void a_slow_item_keeps_nobody_back(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool by_itself;
        Job job;
    } rows[] = {
        {"bulk", false, {.name = "late", .submit = submit_late, .complete = complete_late}},
        {"ended by submit",
         true,
         {.name = "late", .submit = submit_late, .complete = complete_late, .ended = ended_late}},
        {"fibers", false, {.name = "late", .work = work_late, .waits_only = true}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        print_message("%s\n", rows[i].name);
        Late late = {.by_itself = rows[i].by_itself};
        Job job = rows[i].job;
        job.item_bytes = 1;
        job.plan = plan_late;
        EngineOptions options = options_of(NULL);
        options.watch = (EngineWatch){0};
        CLEANUP(report_freep) Report *report = NULL;
        assert_ok(report_new(NULL, false, &report));
        assert_ok(engine_run(&job, &late, &options, report));
        assert_false(late.stalled);
        assert_int_equal(report_count(report, OUTCOME_DONE), 1 + LATE_ITEMS);
    }
}

/* ---- progress ---- */

typedef struct Watched {
    _Atomic uint64_t come, spared;
    uint64_t bytes[64], total;
    unsigned count;
} Watched;

static Error *plan_large(void *context, Plan *plan)
{
    (void)context;
    plan_foresee(plan, 1, 1000);
    Item *item = plan_item(plan, STR("large"), 0);
    assert_non_null(item);
    item->bytes_planned = 1000;
    assert_true(plan_push(plan, &item));
    return NULL;
}

static Error *work_large(void *context, Worker *worker, Item *item)
{
    (void)worker;
    Watched *watched = context;
    static const uint64_t steps[] = {300, 600, 500, 900}; /* a piece came again */
    watched->spared = 100;
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        watched->come = steps[i];
        usleep(250000); /* of which two are seen */
    }
    watched->come = watched->spared = 0;
    item->bytes_done = 900;
    return NULL;
}

static UnderWay under_way(const void *context)
{
    const Watched *watched = context;
    return (UnderWay){watched->come, watched->spared};
}

static void watch_bytes(void *context, const Progress *progress)
{
    Watched *watched = context;
    if (watched->count < ARRAY_COUNT(watched->bytes))
        watched->bytes[watched->count++] = progress->bytes;
    watched->total = progress->bytes_total;
    assert_true(progress->items_total <= 1); /* 0: not planned yet */
}

static void progress_counts_what_is_under_way(void **state)
{
    (void)state;
    Watched watched = {.count = 0};
    Job job = {.name = "large", .item_bytes = 1, .plan = plan_large, .work = work_large, .under_way = under_way};
    EngineOptions options = options_of(NULL);
    options.watch = (EngineWatch){.progress = watch_bytes, .context = &watched};
    CLEANUP(report_freep) Report *report = NULL;
    assert_ok(report_new(NULL, false, &report));
    assert_ok(engine_run(&job, &watched, &options, report));
    assert_true(watched.count >= 4);
    unsigned between = 0;
    for (unsigned i = 1; i < watched.count; i++) {
        assert_true(watched.bytes[i] >= watched.bytes[i - 1]);
        between += watched.bytes[i] > 0 && watched.bytes[i] < 900;
    }
    assert_true(between >= 2);
    assert_int_equal(watched.bytes[watched.count - 1], 900);
    assert_int_equal(watched.total, 900); /* without what was spared */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_ends_once),
        cmocka_unit_test(stops_when_told),
        cmocka_unit_test(held_items_end_when_they_are_safe_or_lost),
        cmocka_unit_test(a_failed_plan_ends_the_run_after_what_was_planned),
        cmocka_unit_test(items_that_the_plan_decides_are_reported),
        cmocka_unit_test(a_slow_item_keeps_nobody_back),
        cmocka_unit_test(progress_counts_what_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
