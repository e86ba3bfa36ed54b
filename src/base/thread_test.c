#include "base/thread.h"

#include <signal.h>
#include <stdatomic.h>

#include "base/testing.h"

typedef struct Seen {
    char name[16];
    bool signals_blocked;
} Seen;

static void look(void *context)
{
    Seen *seen = context;
    sigset_t mask;
    pthread_getname_np(pthread_self(), seen->name, sizeof seen->name);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    seen->signals_blocked = sigismember(&mask, SIGINT) && sigismember(&mask, SIGTERM) && sigismember(&mask, SIGPIPE);
}

static void a_thread_has_its_name_and_hears_no_signal(void **state)
{
    (void)state;
    static const struct {
        const char *name, *shown;
    } rows[] = {{"work-0", "work-0"}, {"", ""}, {"a-name-of-more-than-fifteen", "a-name-of-more-"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Seen seen = {{0}, false};
        Thread thread = {0};
        assert_ok(thread_start(&thread, rows[i].name, look, &seen));
        assert_true(thread.running);
        thread_join(&thread);
        assert_false(thread.running);
        assert_string_equal(seen.name, rows[i].shown);
        assert_true(seen.signals_blocked);
    }
}

static void the_callers_mask_is_left_alone(void **state)
{
    (void)state;
    sigset_t before, after;
    Seen seen;
    Thread thread = {0};
    sigemptyset(&before);
    sigaddset(&before, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_ok(thread_start(&thread, "mask", look, &seen));
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    thread_join(&thread);
    assert_true(sigismember(&after, SIGUSR2));
    assert_false(sigismember(&after, SIGINT));
}

static void joining_copes_with_what_never_ran(void **state)
{
    (void)state;
    Thread thread = {0};
    thread_join(&thread);
    thread_join(&thread);
}

static void add_one(void *context)
{
    atomic_fetch_add((_Atomic int *)context, 1);
}

static void every_body_runs_once(void **state)
{
    (void)state;
    _Atomic int count = 0;
    Thread threads[20] = {0};
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        assert_ok(thread_start(&threads[i], "count", add_one, &count));
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        thread_join(&threads[i]);
    assert_int_equal(count, ARRAY_COUNT(threads));
}

static void counts_the_cpus_it_may_use(void **state)
{
    (void)state;
    cpu_set_t before, one;
    unsigned all = thread_cpu_count();
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_in_range(all, 1, (unsigned)CPU_COUNT(&before));
    CPU_ZERO(&one);
    for (unsigned i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &before))
            CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(thread_cpu_count(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(thread_cpu_count(), all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_has_its_name_and_hears_no_signal),
        cmocka_unit_test(the_callers_mask_is_left_alone),
        cmocka_unit_test(joining_copes_with_what_never_ran),
        cmocka_unit_test(every_body_runs_once),
        cmocka_unit_test(counts_the_cpus_it_may_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
