#include "http/hedge.h"

#include "base/testing.h"

static void test_threshold(void **state)
{
    (void)state;
    Hedge hedge = {0};
    for (int i = 0; i < 99; i++)
        hedge_saw(&hedge, 10000);
    assert_int_equal(hedge_after_us(&hedge, false), 0); /* too few */
    for (int i = 0; i < 901; i++)
        hedge_saw(&hedge, 10000);
    assert_in_range(hedge_after_us(&hedge, false), 30000, 40000); /* three times the middle */
    for (int i = 0; i < 60; i++)
        hedge_saw(&hedge, 1000000);
    assert_in_range(hedge_after_us(&hedge, false), 1000000, 1300000); /* over 1 % take that long */
    assert_in_range(hedge_after_us(&hedge, true), 30000, 40000);
}

static void test_times_of_any_size(void **state)
{
    (void)state;
    static const int64_t times[] = {INT64_MIN, -1, 0, 1, 3, 4, 5, 7, 8, 1000, 123456789, INT64_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        Hedge hedge = {0};
        for (int k = 0; k < 100; k++)
            hedge_saw(&hedge, times[i]);
        assert_true(hedge_after_us(&hedge, false) > 0);
    }
}

static void test_old_answers_fade(void **state)
{
    (void)state;
    Hedge hedge = {0};
    for (int i = 0; i < 100000; i++)
        hedge_saw(&hedge, 100);
    for (int i = 0; i < 400000; i++)
        hedge_saw(&hedge, 50000);
    assert_true(hedge_after_us(&hedge, false) > 100000);
}

static void test_budget(void **state)
{
    (void)state;
    Hedge hedge = {0};
    unsigned spent = 0;
    for (int i = 0; i < 10000; i++) {
        hedge_request(&hedge);
        spent += hedge_spend(&hedge);
    }
    assert_int_equal(spent, 200); /* 2 % */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threshold),
        cmocka_unit_test(test_times_of_any_size),
        cmocka_unit_test(test_old_answers_fade),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
