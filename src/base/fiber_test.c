#include "base/fiber.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/queue.h"
#include "base/random.h"
#include "base/testing.h"
#include "base/thread.h"

enum { FIBERS = 8 };

typedef struct Task {
    char *trace; /* of all tasks */
    char name;
    unsigned parks;
    Fiber *fiber; /* while it is parked */
} Task;

static void note(Task *task, char what)
{
    size_t len = strlen(task->trace);
    task->trace[len] = task->name;
    task->trace[len + 1] = what;
    task->trace[len + 2] = '\0';
}

static void run_task(void *context)
{
    Task *task = context;
    for (unsigned i = 0; i < task->parks; i++) {
        task->fiber = fiber_current();
        note(task, 'p');
        fiber_park();
    }
    note(task, 'e');
}

static void they_take_turns(void **state)
{
    (void)state;
    char trace[64] = "";
    Task a = {trace, 'a', 2, NULL}, b = {trace, 'b', 1, NULL}, c = {trace, 'c', 0, NULL};
    Fibers *fibers;
    assert_ok(fibers_new(3, &fibers));
    assert_null(fibers_next_ended(fibers));
    assert_null(fiber_current());
    fibers_start(fibers, run_task, &a);
    fibers_start(fibers, run_task, &b);
    fibers_start(fibers, run_task, &c); /* ends at once */
    assert_string_equal(trace, "apbpce");
    assert_ptr_equal(fibers_next_ended(fibers), &c);
    fiber_wake(a.fiber);
    fiber_wake(b.fiber);
    assert_ptr_equal(fibers_next_ended(fibers), &b);
    assert_string_equal(trace, "apbpceapbe");
    fibers_start(fibers, run_task, &c); /* where b was */
    assert_ptr_equal(fibers_next_ended(fibers), &c);
    fiber_wake(a.fiber);
    assert_ptr_equal(fibers_next_ended(fibers), &a);
    assert_string_equal(trace, "apbpceapbeceae");
    assert_null(fibers_next_ended(fibers));
    fibers_free(fibers);
    fibers_free(NULL);
}

static void wake_first(void *context)
{
    fiber_wake(fiber_current()); /* before it parks */
    fiber_park();
    *(bool *)context = true;
}

static void a_wake_before_the_park_counts(void **state)
{
    (void)state;
    bool done = false;
    Fibers *fibers;
    assert_ok(fibers_new(1, &fibers));
    fibers_start(fibers, wake_first, &done);
    assert_false(done);
    assert_ptr_equal(fibers_next_ended(fibers), &done);
    assert_true(done);
    fibers_free(fibers);
}

static void hold_twice(void *context)
{
    bool *is_fiber = context;
    fiber_hold();
    fiber_hold();
    is_fiber[0] = fiber_current() != NULL;
    fiber_release();
    is_fiber[1] = fiber_current() != NULL;
    fiber_release();
    is_fiber[2] = fiber_current() != NULL;
}

static void what_is_held_is_no_fiber(void **state)
{
    (void)state;
    bool is_fiber[3];
    Fibers *fibers;
    fiber_hold(); /* nothing, on a thread */
    fiber_release();
    assert_ok(fibers_new(1, &fibers));
    fibers_start(fibers, hold_twice, is_fiber);
    assert_false(is_fiber[0] || is_fiber[1]);
    assert_true(is_fiber[2]);
    assert_ptr_equal(fibers_next_ended(fibers), is_fiber);
    fibers_free(fibers);
}

static void a_call_ends_the_wait_of_those_who_heed_it(void **state)
{
    (void)state;
    char trace[64] = "";
    Task a = {trace, 'a', 1, NULL};
    Fibers *fibers;
    assert_ok(fibers_new(1, &fibers));
    fibers_call(fibers);
    fibers_call(fibers);
    fibers_start(fibers, run_task, &a);
    assert_null(fibers_next_ended_or_call(fibers)); /* once for both */
    fibers_call(fibers);
    fiber_wake(a.fiber);
    assert_ptr_equal(fibers_next_ended(fibers), &a); /* does not heed it */
    fibers_start(fibers, run_task, &a);
    fiber_wake(a.fiber);
    assert_null(fibers_next_ended_or_call(fibers));
    assert_ptr_equal(fibers_next_ended_or_call(fibers), &a);
    fibers_free(fibers);
}

/* ---- woken by another thread ---- */

typedef struct Sum {
    Queue *asked;
    uint64_t seed, sum, rounds;
} Sum;

/* Uses a good part of its stack, and what lies on it must be there after every turn. */
static void add_up(void *context)
{
    Sum *sum = context;
    Random random;
    uint64_t values[FIBER_STACK_BYTES / 16 / sizeof(uint64_t)], wanted = 0;
    random_init_seed(&random, sum->seed);
    for (size_t i = 0; i < ARRAY_COUNT(values); i++)
        wanted += values[i] = random_u64(&random);
    for (uint64_t round = 0; round < sum->rounds; round++) {
        void *self = fiber_current();
        assert_ok(queue_push(sum->asked, NULL, &self, 1));
        fiber_park();
    }
    for (size_t i = 0; i < ARRAY_COUNT(values); i++)
        sum->sum += values[i];
    sum->sum -= wanted;
}

static void wake_all(void *context)
{
    void *fiber;
    for (;;) {
        assert_ok(queue_pop(context, NULL, &fiber));
        if (!fiber)
            return;
        fiber_wake(fiber);
    }
}

static void call_later(void *context)
{
    assert_ok(sleep_us(20000, NULL));
    fibers_call(context);
}

static void a_call_wakes_a_thread_that_sleeps(void **state)
{
    (void)state;
    char trace[64] = "";
    Task a = {trace, 'a', 1, NULL};
    Fibers *fibers;
    Thread thread = {0};
    assert_ok(fibers_new(1, &fibers));
    fibers_start(fibers, run_task, &a);
    assert_ok(thread_start(&thread, "caller", call_later, fibers));
    assert_null(fibers_next_ended_or_call(fibers));
    thread_join(&thread);
    fiber_wake(a.fiber);
    assert_ptr_equal(fibers_next_ended(fibers), &a);
    fibers_free(fibers);
}

static void stacks_are_kept_apart(void **state)
{
    (void)state;
    Sum sums[FIBERS];
    Fibers *fibers;
    Thread thread = {0};
    Queue *asked = queue_new(FIBERS, 0);
    unsigned started = 0, ended = 0;
    assert_non_null(asked);
    assert_ok(fibers_new(FIBERS, &fibers));
    assert_ok(thread_start(&thread, "waker", wake_all, asked));
    for (; started < FIBERS; started++) {
        sums[started] = (Sum){.asked = asked, .seed = started, .rounds = 50};
        fibers_start(fibers, add_up, &sums[started]);
    }
    for (Sum *sum; (sum = fibers_next_ended(fibers)); ended++) {
        assert_int_equal(sum->sum, 0);
        if (started++ < 10 * FIBERS)
            fibers_start(fibers, add_up, sum);
    }
    assert_int_equal(ended, 10 * FIBERS);
    queue_close(asked);
    thread_join(&thread);
    queue_free(asked, NULL);
    fibers_free(fibers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_take_turns),
        cmocka_unit_test(a_wake_before_the_park_counts),
        cmocka_unit_test(what_is_held_is_no_fiber),
        cmocka_unit_test(a_call_ends_the_wait_of_those_who_heed_it),
        cmocka_unit_test(a_call_wakes_a_thread_that_sleeps),
        cmocka_unit_test(stacks_are_kept_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
