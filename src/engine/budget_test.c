#include <stdatomic.h>

#include "base/clock.h"
#include "base/testing.h"
#include "base/thread.h"
#include "engine/budget.h"

enum { SOON_US = 20000, LATE_US = 5000000 };

/* Takes once, and says when it has. */
typedef struct Taker {
    Budget *budget;
    const Cancel *cancel;
    uint64_t bytes;
    atomic_bool ended;
    ErrorCode code;
} Taker;

static void take_once(void *context)
{
    Taker *taker = context;
    Error *error = budget_take(taker->budget, taker->cancel, CANCEL_DRAIN, taker->bytes);
    taker->code = error_code(error);
    error_free(error);
    atomic_store(&taker->ended, true);
}

static bool ends_within(Taker *taker, int64_t time_us)
{
    for (int64_t waited = 0; waited < time_us && !atomic_load(&taker->ended); waited += 1000)
        assert_ok(sleep_us(1000, NULL));
    return atomic_load(&taker->ended);
}

static void take_many(Budget *budget, unsigned count, uint64_t bytes)
{
    for (unsigned i = 0; i < count; i++)
        assert_ok(budget_take(budget, NULL, CANCEL_STOP, bytes));
}

static void test_waits_for_a_unit(void **state)
{
    Budget budget;
    Thread thread = {0};
    Taker taker = {.budget = &budget};
    (void)state;
    budget_init(&budget, 2, 0);
    take_many(&budget, 2, 0);
    assert_ok(thread_start(&thread, "taker", take_once, &taker));
    assert_false(ends_within(&taker, SOON_US));
    budget_give(&budget, 0);
    assert_true(ends_within(&taker, LATE_US));
    thread_join(&thread);
    assert_int_equal(taker.code, ERR_OK);
    assert_int_equal(budget.units, 2);
    budget_done(&budget);
}

static void test_waits_for_bytes(void **state)
{
    Budget budget;
    Thread thread = {0};
    Taker taker = {.budget = &budget, .bytes = 60};
    (void)state;
    budget_init(&budget, 100, 100);
    take_many(&budget, 5, 10);
    assert_ok(thread_start(&thread, "taker", take_once, &taker));
    assert_false(ends_within(&taker, SOON_US));
    budget_give(&budget, 10);
    assert_true(ends_within(&taker, LATE_US));
    thread_join(&thread);
    assert_int_equal(budget.bytes, 100);
    budget_done(&budget);
}

static void test_larger_than_all_passes_alone(void **state)
{
    Budget budget;
    Thread thread = {0};
    Taker taker = {.budget = &budget, .bytes = 1000};
    (void)state;
    budget_init(&budget, 8, 100);
    take_many(&budget, 1, 1);
    assert_ok(thread_start(&thread, "taker", take_once, &taker));
    assert_false(ends_within(&taker, SOON_US));
    budget_give(&budget, 1);
    assert_true(ends_within(&taker, LATE_US));
    thread_join(&thread);
    assert_int_equal(budget.units, 1);
    budget_done(&budget);
}

static void test_cancel_ends_the_wait(void **state)
{
    Cancel cancel = {0};
    Budget budget;
    Thread thread = {0};
    Taker taker = {.budget = &budget, .cancel = &cancel};
    (void)state;
    budget_init(&budget, 1, 0);
    take_many(&budget, 1, 0);
    assert_ok(thread_start(&thread, "taker", take_once, &taker));
    assert_false(ends_within(&taker, SOON_US));
    cancel_raise(&cancel, CANCEL_DRAIN);
    assert_true(ends_within(&taker, LATE_US));
    thread_join(&thread);
    assert_int_equal(taker.code, ERR_CANCELLED);
    assert_int_equal(budget.units, 1);
    budget_done(&budget);
}

/* Many threads, each unit given back at once: what is taken never passes the bounds, and everyone comes to an end. */
typedef struct Crowd {
    Budget budget;
    atomic_uint inside, most;
} Crowd;

static void come_and_go(void *context)
{
    Crowd *crowd = context;
    for (int i = 0; i < 2000; i++) {
        Error *error = budget_take(&crowd->budget, NULL, CANCEL_STOP, 1);
        ASSERT(!error);
        unsigned inside = atomic_fetch_add(&crowd->inside, 1) + 1, most = atomic_load(&crowd->most);
        while (inside > most && !atomic_compare_exchange_weak(&crowd->most, &most, inside))
            ;
        atomic_fetch_sub(&crowd->inside, 1);
        budget_give(&crowd->budget, 1);
    }
}

static void test_crowd(void **state)
{
    Crowd crowd = {0};
    Thread threads[8] = {0};
    (void)state;
    budget_init(&crowd.budget, 3, 2);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        assert_ok(thread_start(&threads[i], "crowd", come_and_go, &crowd));
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        thread_join(&threads[i]);
    assert_true(atomic_load(&crowd.most) <= 2);
    assert_int_equal(crowd.budget.units, 0);
    assert_int_equal(crowd.budget.bytes, 0);
    budget_done(&crowd.budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_for_a_unit),
        cmocka_unit_test(test_waits_for_bytes),
        cmocka_unit_test(test_larger_than_all_passes_alone),
        cmocka_unit_test(test_cancel_ends_the_wait),
        cmocka_unit_test(test_crowd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
