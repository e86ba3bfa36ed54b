#include "http/pace.h"

#include "base/testing.h"

/* A made-up server: `capacity` requests at once take `latency_us`, more of them wait for one another. */
typedef struct Model {
    double capacity;
    int64_t latency_us;
} Model;

/* Runs it for so long with always something ready; returns when. */
static int64_t run(Pace *pace, const Model *model, int64_t now_us, int64_t for_us, double busy)
{
    const int64_t step_us = 1000;
    double done = 0;
    for (int64_t end_us = now_us + for_us; now_us < end_us; now_us += step_us) {
        double limit = pace_limit(pace), slower = MAX(limit / model->capacity, 1);
        int64_t latency_us = (int64_t)((double)model->latency_us * slower);
        for (done += limit / (double)latency_us * (double)step_us; done >= 1; done -= 1) {
            if (pace_wait_us(pace, now_us) == 0)
                pace_answered(pace, latency_us, 4096);
        }
        pace_held_back(pace);
        if (pace_window_over(pace, now_us))
            pace_window_end(pace, now_us, busy);
    }
    return now_us;
}

static void test_grows_to_what_pays(void **state)
{
    (void)state;
    static const struct {
        Model model;
        unsigned cap;
        double busy;
        unsigned least, most;
        HttpLimitCause cause;
    } cases[] = {
        {{1e9, 20000}, 512, 0.1, 512, 512, HTTP_LIMIT_CAP}, {{100, 20000}, 512, 0.1, 60, 300, HTTP_LIMIT_NETWORK},
        {{100, 20000}, 512, 0.99, 60, 400, HTTP_LIMIT_CPU}, {{4, 20000}, 512, 0.1, 4, 40, HTTP_LIMIT_NETWORK},
        {{1e9, 20000}, 8, 0.1, 8, 8, HTTP_LIMIT_CAP},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        Pace pace;
        pace_init(&pace, &(PaceSettings){.connections_max = cases[i].cap}, 1000000);
        run(&pace, &cases[i].model, 1000000, 5000000, cases[i].busy);
        assert_in_range(pace_limit(&pace), cases[i].least, cases[i].most);
        assert_int_equal(pace.cause, cases[i].cause);
    }
}

static void test_no_growth_without_need(void **state)
{
    (void)state;
    Pace pace;
    pace_init(&pace, &(PaceSettings){.connections_max = 512}, 0);
    for (int64_t now_us = 0; now_us < 3000000; now_us += 1000) {
        assert_int_equal(pace_wait_us(&pace, now_us), 0);
        pace_answered(&pace, 500, 100);
        if (pace_window_over(&pace, now_us))
            pace_window_end(&pace, now_us, 0);
    }
    assert_int_equal(pace_limit(&pace), 16);
    assert_int_equal(pace.cause, HTTP_LIMIT_NONE);
}

static void test_refusals(void **state)
{
    (void)state;
    Pace pace;
    Model model = {1e9, 20000};
    pace_init(&pace, &(PaceSettings){.connections_max = 256}, 0);
    int64_t now_us = run(&pace, &model, 0, 2000000, 0);
    assert_int_equal(pace_limit(&pace), 256);

    for (int i = 0; i < 3; i++)
        pace_refused(&pace, now_us); /* single cases */
    assert_int_equal(pace_limit(&pace), 256);
    for (int i = 0; i < 1000; i++)
        pace_refused(&pace, now_us);
    assert_int_equal(pace_limit(&pace), 128); /* once for all that were on the way */
    assert_int_equal(pace.cause, HTTP_LIMIT_THROTTLED);
    assert_true(pace_is_throttled(&pace, now_us));

    /* 12,800 a second were sent; 0.7 of that may be now */
    uint64_t begun = 0;
    for (int64_t at_us = now_us; at_us < now_us + 1000000; at_us += 100)
        begun += pace_wait_us(&pace, at_us) == 0;
    assert_in_range(begun, 7500, 10000);
    assert_false(pace_is_throttled(&pace, now_us + 20000000));
}

/* All was refused when next to nothing had been sent: the rate grows from one a second to hundreds in seconds, not in minutes. */
static void test_recovery(void **state)
{
    (void)state;
    Pace pace;
    pace_init(&pace, &(PaceSettings){.connections_max = 256}, 0);
    int64_t now_us = 1000000;
    for (int i = 0; i < 100; i++)
        pace_refused(&pace, now_us);
    uint64_t begun = 0;
    for (int64_t end_us = now_us + 20000000; now_us < end_us; now_us += 1000) {
        if (pace_wait_us(&pace, now_us) == 0) {
            begun++;
            pace_answered(&pace, 1000, 1000);
        }
        if (pace_window_over(&pace, now_us))
            pace_window_end(&pace, now_us, 0);
    }
    assert_true(begun > 2000);
}

static void test_rate(void **state)
{
    (void)state;
    static const double rates[] = {0.5, 1, 10, 250};
    for (size_t i = 0; i < ARRAY_COUNT(rates); i++) {
        Pace pace;
        pace_init(&pace, &(PaceSettings){.connections_max = 64, .rate_max = rates[i]}, 0);
        int64_t now_us = 0;
        uint64_t begun = 0;
        while (now_us < 20000000) {
            int64_t wait_us = pace_wait_us(&pace, now_us);
            begun += wait_us == 0;
            now_us += wait_us;
        }
        assert_in_range(begun, (uint64_t)(rates[i] * 20 * 0.99), (uint64_t)(rates[i] * 20 * 1.01) + 2);
    }
}

static void test_fixed(void **state)
{
    (void)state;
    Pace pace;
    Model model = {4, 20000};
    pace_init(&pace, &(PaceSettings){.connections_max = 100, .fixed = true}, 0);
    run(&pace, &model, 0, 3000000, 0);
    for (int i = 0; i < 100; i++)
        pace_refused(&pace, 3000000);
    assert_int_equal(pace_limit(&pace), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_to_what_pays),
        cmocka_unit_test(test_no_growth_without_need),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_fixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
