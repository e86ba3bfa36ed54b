#include "base/random.h"

#include "base/macros.h"
#include "base/testing.h"

/* The reference implementation's first outputs for the state {1, 2, 3, 4} (Blackman, Vigna). */
static void the_generator_is_xoshiro256_star_star(void **state)
{
    (void)state;
    static const uint64_t expected[] = {11520u,
                                        0u,
                                        1509978240u,
                                        1215971899390074240u,
                                        1216172134540287360u,
                                        607988272756665600u,
                                        16172922978634559625u,
                                        8476171486693032832u,
                                        10595114339597558777u,
                                        2904607092377533576u};
    Random random = {{1, 2, 3, 4}};
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++)
        assert_true(random_u64(&random) == expected[i]);
}

/* splitmix64's first outputs for seed 0 and 1234567. */
static void a_seed_is_spread_by_splitmix64(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed, state[3];
    } rows[] = {{0, {0xe220a8397b1dcdafu, 0x6e789e6aa1b965f4u, 0x06c45d188009454fu}},
                {1234567, {6457827717110365317u, 3203168211198807973u, 9817491932198370423u}}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Random random;
        random_init_seed(&random, rows[i].seed);
        for (size_t k = 0; k < ARRAY_COUNT(rows[i].state); k++)
            assert_true(random.state[k] == rows[i].state[k]);
    }
}

static void below_stays_below_and_favours_nobody(void **state)
{
    (void)state;
    static const uint64_t bounds[] = {1, 2, 3, 7, 10, 1000};
    Random random;
    random_init_seed(&random, 6);
    for (size_t i = 0; i < ARRAY_COUNT(bounds); i++) {
        static unsigned counts[1000];
        const unsigned each = 2000;
        memset(counts, 0, sizeof counts);
        for (uint64_t n = 0; n < bounds[i] * each; n++) {
            uint64_t x = random_below(&random, bounds[i]);
            assert_true(x < bounds[i]);
            counts[x]++;
        }
        for (uint64_t x = 0; x < bounds[i]; x++) /* six standard deviations of about sqrt(2000) */
            assert_in_range(counts[x], each - 270, each + 270);
    }
}

/* Past 2^63 a plain remainder would give the lower third twice as often: here it must come a third of the time. */
static void below_is_fair_for_huge_bounds(void **state)
{
    (void)state;
    const uint64_t bound = UINT64_MAX / 4 * 3;
    unsigned low = 0;
    Random random;
    random_init_seed(&random, 7);
    for (int i = 0; i < 30000; i++) {
        uint64_t x = random_below(&random, bound);
        assert_true(x < bound);
        low += x < bound / 3;
    }
    assert_in_range(low, 10000 - 600, 10000 + 600);
}

static void the_unit_interval_is_half_open_and_filled(void **state)
{
    (void)state;
    Random random;
    double sum = 0;
    random_init_seed(&random, 8);
    for (int i = 0; i < 10000; i++) {
        double x = random_unit(&random);
        assert_true(x >= 0 && x < 1);
        sum += x;
    }
    assert_true(sum > 4800 && sum < 5200);
    Random greatest = {{0, 0, 0, 0}};
    assert_true(random_unit(&greatest) >= 0);
}

static void hex_names_have_their_length(void **state)
{
    (void)state;
    Random random;
    random_init_seed(&random, 9);
    for (size_t count = 0; count < 40; count++) {
        char text[41];
        random_hex(&random, text, count);
        assert_int_equal(strlen(text), count);
        assert_int_equal(strspn(text, "0123456789abcdef"), count);
    }
}

static void the_kernel_gives_other_seeds(void **state)
{
    (void)state;
    Random a, b;
    random_init_system(&a);
    random_init_system(&b);
    assert_memory_not_equal(&a, &b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generator_is_xoshiro256_star_star),
        cmocka_unit_test(a_seed_is_spread_by_splitmix64),
        cmocka_unit_test(below_stays_below_and_favours_nobody),
        cmocka_unit_test(below_is_fair_for_huge_bounds),
        cmocka_unit_test(the_unit_interval_is_half_open_and_filled),
        cmocka_unit_test(hex_names_have_their_length),
        cmocka_unit_test(the_kernel_gives_other_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
