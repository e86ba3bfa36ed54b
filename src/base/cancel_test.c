#include "base/cancel.h"

#include <signal.h>

#include "base/clock.h"
#include "base/testing.h"
#include "base/thread.h"

static void levels_only_rise(void **state)
{
    (void)state;
    static const struct {
        CancelLevel first, second, after;
    } rows[] = {{CANCEL_NONE, CANCEL_NONE, CANCEL_NONE},
                {CANCEL_NONE, CANCEL_DRAIN, CANCEL_DRAIN},
                {CANCEL_DRAIN, CANCEL_NONE, CANCEL_DRAIN},
                {CANCEL_STOP, CANCEL_DRAIN, CANCEL_STOP},
                {CANCEL_DRAIN, CANCEL_STOP, CANCEL_STOP}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Cancel cancel = {0};
        cancel_raise(&cancel, rows[i].first);
        cancel_raise(&cancel, rows[i].second);
        assert_int_equal(cancel_level(&cancel), rows[i].after);
        assert_int_equal(cancel_draining(&cancel), rows[i].after >= CANCEL_DRAIN);
        assert_int_equal(cancel_stopped(&cancel), rows[i].after == CANCEL_STOP);
        Error *error = cancel_check(&cancel);
        assert_int_equal(error_code(error), rows[i].after == CANCEL_STOP ? ERR_CANCELLED : ERR_OK);
        error_free(error);
    }
}

static void steps_go_one_further_and_stop_at_stop(void **state)
{
    (void)state;
    Cancel cancel = {0};
    static const CancelLevel levels[] = {CANCEL_DRAIN, CANCEL_STOP, CANCEL_STOP};
    for (size_t i = 0; i < ARRAY_COUNT(levels); i++) {
        cancel_step(&cancel);
        assert_int_equal(cancel_level(&cancel), levels[i]);
    }
}

static void what_is_asked_of_a_parent_is_asked_of_all_below(void **state)
{
    (void)state;
    Cancel top = {0}, middle = {.parent = &top}, bottom = {.parent = &middle};
    cancel_raise(&bottom, CANCEL_DRAIN);
    assert_int_equal(cancel_level(&middle), CANCEL_NONE);
    cancel_raise(&top, CANCEL_STOP);
    assert_int_equal(cancel_level(&middle), CANCEL_STOP);
    assert_int_equal(cancel_level(&bottom), CANCEL_STOP);
    assert_int_equal(cancel_level(NULL), CANCEL_NONE);
    assert_ok(cancel_check(NULL));
}

static Cancel of_the_handler;

static void on_signal(int number)
{
    (void)number;
    cancel_step(&of_the_handler);
}

static void a_signal_handler_may_raise(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_signal}, old;
    sigaction(SIGUSR1, &action, &old);
    raise(SIGUSR1);
    assert_int_equal(cancel_level(&of_the_handler), CANCEL_DRAIN);
    raise(SIGUSR1);
    assert_int_equal(cancel_level(&of_the_handler), CANCEL_STOP);
    sigaction(SIGUSR1, &old, NULL);
}

static void step_once(void *context)
{
    cancel_step(context);
}

static void two_steps_at_once_are_two_steps(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        Cancel cancel = {0};
        Thread threads[2] = {0};
        for (int i = 0; i < 2; i++)
            assert_ok(thread_start(&threads[i], "step", step_once, &cancel));
        for (int i = 0; i < 2; i++)
            thread_join(&threads[i]);
        assert_int_equal(cancel_level(&cancel), CANCEL_STOP);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_only_rise),
        cmocka_unit_test(steps_go_one_further_and_stop_at_stop),
        cmocka_unit_test(what_is_asked_of_a_parent_is_asked_of_all_below),
        cmocka_unit_test(a_signal_handler_may_raise),
        cmocka_unit_test(two_steps_at_once_are_two_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
