#include "http/retry.h"

#include "base/testing.h"

static void test_delay_grows_to_its_cap(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        RetryKind kind;
        unsigned retry;
        int64_t retry_after_us, least_us, most_us;
    } rows[] = {
        {"first transient", RETRY_TRANSIENT, 0, -1, 0, 50000},
        {"third transient", RETRY_TRANSIENT, 2, -1, 0, 200000},
        {"capped transient", RETRY_TRANSIENT, 60, -1, 0, 20000000},
        {"first throttle", RETRY_THROTTLE, 0, -1, 0, 1000000},
        {"capped throttle", RETRY_THROTTLE, 4000000000u, -1, 0, 20000000},
        {"server asks for 2 s", RETRY_TRANSIENT, 0, 2000000, 2000000, 2000000},
        {"server asks for an hour", RETRY_TRANSIENT, 0, INT64_C(3600000000), 5000000, 5050000},
        {"server asks for nothing", RETRY_TRANSIENT, 0, 0, 0, 50000},
    };
    const RetryPolicy policy = retry_policy_default();
    Random random;
    random_init_seed(&random, 1);

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t highest = 0;
        for (int n = 0; n < 1000; n++) {
            int64_t delay = retry_delay_us(&policy, &random, rows[i].kind, rows[i].retry, rows[i].retry_after_us);
            if (delay < rows[i].least_us || delay > rows[i].most_us)
                fail_msg("%s: %lld us", rows[i].name, (long long)delay);
            highest = MAX(highest, delay);
        }
        if (highest < rows[i].most_us / 10 * 9)
            fail_msg("%s: never above %lld us", rows[i].name, (long long)highest);
    }
}

static void test_budget_opens_probes_and_closes(void **state)
{
    (void)state;
    RetryPolicy policy = retry_policy_default();
    policy.tokens_max = 28;
    RetryBudget budget;
    retry_budget_init(&budget, &policy, 1);

    retry_budget_failed(&budget, RETRY_TRANSIENT, 0);
    retry_budget_failed(&budget, RETRY_TRANSIENT, 0);
    assert_int_equal(retry_budget_wait_us(&budget, 0), 0);
    retry_budget_failed(&budget, RETRY_TRANSIENT, 5); /* cannot pay: opens */
    assert_int_equal(retry_budget_wait_us(&budget, 5), 1000000);
    retry_budget_failed(&budget, RETRY_TRANSIENT, 500000); /* does not put the probe off */
    assert_int_equal(retry_budget_wait_us(&budget, 1000005), 0);
    assert_int_equal(retry_budget_wait_us(&budget, 1000006), 999999); /* one probe a second */

    retry_budget_succeeded(&budget, RETRY_TRANSIENT, 1);
    assert_int_equal(retry_budget_wait_us(&budget, 1000007), 0);
    assert_int_equal(atomic_load(&budget.tokens), 14 + 7);
    for (int i = 0; i < 100; i++)
        retry_budget_succeeded(&budget, RETRY_TRANSIENT, 0);
    assert_int_equal(atomic_load(&budget.tokens), 28);
}

static void test_budget_grows_with_connections(void **state)
{
    (void)state;
    const RetryPolicy policy = retry_policy_default();
    RetryBudget budget;
    retry_budget_init(&budget, &policy, 1);
    assert_int_equal(budget.tokens_max, 500);
    retry_budget_init(&budget, &policy, 256);
    assert_int_equal(budget.tokens_max, 2048);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delay_grows_to_its_cap),
        cmocka_unit_test(test_budget_opens_probes_and_closes),
        cmocka_unit_test(test_budget_grows_with_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
