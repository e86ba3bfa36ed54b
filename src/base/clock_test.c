#include "base/clock.h"

#include <time.h>

#include "base/testing.h"
#include "base/thread.h"

static void the_machines_clock_tells_the_time(void **state)
{
    (void)state;
    const Clock *clock = clock_system();
    int64_t before = time(NULL), wall = clock_wall_us(clock), after = time(NULL);
    assert_true(wall / 1000000 >= before - 1 && wall / 1000000 <= after + 1);
    int64_t last = clock_monotonic_us(clock);
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_monotonic_us(clock);
        assert_true(now >= last);
        last = now;
    }
}

static int64_t ten_times_the_context(void *context)
{
    return *(int64_t *)context * 10;
}

static void a_test_brings_its_own_clock(void **state)
{
    (void)state;
    int64_t now = 5;
    Clock clock = {ten_times_the_context, ten_times_the_context, &now};
    assert_int_equal(clock_wall_us(&clock), 50);
    now = 6;
    assert_int_equal(clock_monotonic_us(&clock), 60);
}

static void sleeps_at_least_as_long_as_asked(void **state)
{
    (void)state;
    static const int64_t durations[] = {INT64_MIN, -1, 0, 1, 20000, 70000};
    for (size_t i = 0; i < ARRAY_COUNT(durations); i++) {
        int64_t began = clock_monotonic_us(clock_system());
        assert_ok(sleep_us(durations[i], NULL));
        assert_true(clock_monotonic_us(clock_system()) - began >= durations[i]);
    }
}

static void stop_after_a_while(void *context)
{
    error_free(sleep_us(20000, NULL)); /* without a Cancel it does not fail */
    cancel_raise(context, CANCEL_STOP);
}

static void a_stop_ends_the_longest_sleep(void **state)
{
    (void)state;
    static const int64_t durations[] = {0, 3600000000, INT64_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(durations); i++) {
        Cancel cancel = {0};
        Thread thread = {0};
        cancel_raise(&cancel, i == 0 ? CANCEL_STOP : CANCEL_DRAIN); /* DRAIN lets waits go on */
        if (i > 0)
            assert_ok(thread_start(&thread, "stop", stop_after_a_while, &cancel));
        assert_fails(sleep_us(durations[i], &cancel), ERR_CANCELLED);
        thread_join(&thread);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_machines_clock_tells_the_time),
        cmocka_unit_test(a_test_brings_its_own_clock),
        cmocka_unit_test(sleeps_at_least_as_long_as_asked),
        cmocka_unit_test(a_stop_ends_the_longest_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
