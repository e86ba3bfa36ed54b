#include "base/fiber.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* What a compiler keeps in registers while a function is called must be there afterwards. */
static void count_in_registers(void *context)
{
    uint64_t *sum = context, seed = *sum;
    uint64_t a = seed, b = a * 3, c = b * 3, d = c * 3, e = d * 3, f = e * 3, g = f * 3, h = g * 3, i = h * 3,
             j = i * 3;
    double k = (double)seed, l = k * 3, m = l * 3, n = m * 3, o = n * 3, p = o * 3, q = p * 3, r = q * 3;
    for (unsigned round = 0; round < 3; round++) {
        fiber_wake(fiber_current());
        fiber_park();
        a++, b++, c++, d++, e++, f++, g++, h++, i++, j++;
        k++, l++, m++, n++, o++, p++, q++, r++;
    }
    *sum = a + b + c + d + e + f + g + h + i + j + (uint64_t)(k + l + m + n + o + p + q + r);
}

static void registers_are_kept_apart(void **state)
{
    (void)state;
    uint64_t sums[FIBERS];
    Fibers *fibers;
    assert_ok(fibers_new(FIBERS, &fibers));
    for (uint64_t i = 0; i < FIBERS; i++) {
        sums[i] = 1000 * i;
        fibers_start(fibers, count_in_registers, &sums[i]);
    }
    for (unsigned i = 0; i < FIBERS; i++)
        assert_non_null(fibers_next_ended(fibers));
    for (uint64_t i = 0; i < FIBERS; i++)
        assert_int_equal(sums[i], 1000 * i * ((59049 - 1) / 2 + (6561 - 1) / 2) + 3 * 18); /* sums of powers of 3 */
    fibers_free(fibers);
}

/* ---- the end of a stack ---- */

enum { FRAME_BYTES = 120 * 1024 };
static_assert(2 * FRAME_BYTES < FIBER_STACK_BYTES && 3 * FRAME_BYTES > FIBER_STACK_BYTES + 96 * 1024,
              "the third leaps over the guard");

static __attribute__((noinline)) void take_frames(void *context)
{
    uint8_t frame[FRAME_BYTES];                     /* of which it touches one byte */
    __asm__ volatile("" : : "r"(frame) : "memory"); /* and the compiler may not leave out the others */
    frame[0] = 1;
    if (--*(unsigned *)context >= frame[0])
        take_frames(context);
    __asm__ volatile("" : : "r"(frame) : "memory");
}

/* On the second of two stacks, in a process of its own. Gives the signal that ended it; 0: none. */
static int signal_of_frames(unsigned frames)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        Fibers *fibers;
        setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        signal(SIGSEGV, SIG_DFL); /* the sanitizers and cmocka make an exit of it */
        if (fibers_new(2, &fibers))
            _exit(1);
        fibers_start(fibers, take_frames, &(unsigned){1});
        fibers_start(fibers, take_frames, &frames);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* Below it lies the first stack: without -fstack-clash-protection a large frame leaps over the guard between them and writes there unseen. */
static void an_overflow_ends_the_process(void **state)
{
    (void)state;
    assert_int_equal(signal_of_frames(2), 0);
    assert_int_equal(signal_of_frames(3), SIGSEGV);
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

static void ask_once(void *context)
{
    void *self = fiber_current();
    assert_ok(queue_push(context, NULL, &self, 1));
    fiber_park();
}

/* Who woke the last one may still be on its way out of fiber_wake. */
static void they_are_freed_as_soon_as_the_last_has_ended(void **state)
{
    (void)state;
    Thread thread = {0};
    Queue *asked = queue_new(1, 0);
    assert_non_null(asked);
    assert_ok(thread_start(&thread, "waker", wake_all, asked));
    for (unsigned i = 0; i < 500; i++) {
        Fibers *fibers;
        assert_ok(fibers_new(1, &fibers));
        fibers_start(fibers, ask_once, asked);
        assert_ptr_equal(fibers_next_ended(fibers), asked);
        fibers_free(fibers);
    }
    queue_close(asked);
    thread_join(&thread);
    queue_free(asked, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_take_turns),
        cmocka_unit_test(a_wake_before_the_park_counts),
        cmocka_unit_test(what_is_held_is_no_fiber),
        cmocka_unit_test(a_call_ends_the_wait_of_those_who_heed_it),
        cmocka_unit_test(registers_are_kept_apart),
        cmocka_unit_test(an_overflow_ends_the_process),
        cmocka_unit_test(a_call_wakes_a_thread_that_sleeps),
        cmocka_unit_test(stacks_are_kept_apart),
        cmocka_unit_test(they_are_freed_as_soon_as_the_last_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
