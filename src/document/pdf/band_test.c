#include "base/testing.h"
#include "document/pdf/band.h"

static const LayoutRect rects[] = {
    {0, 50, 10, 60}, {0, 0, 10, 10}, {20, 52, 30, 58}, {0, 10.5, 10, 20}, {0, 0, 10, 100},
};

static void test_walk(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double top, bottom;
        const char *found; /* indices in the order of their tops */
    } cases[] = {
        {"one row", 53, 55, "402"}, {"first row", 2, 3, "14"},       {"touching", 10, 10, "14"},
        {"a gap", 22, 23, "4"},     {"everything", 0, 100, "14302"}, {"below all", 101, 102, ""},
        {"above all", -5, -1, ""},
    };
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Band band;
    assert_ok(band_init(rects, ARRAY_COUNT(rects), arena, &band));
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char found[ARRAY_COUNT(rects) + 1] = "";
        size_t count = 0;
        uint32_t index;
        for (BandWalk walk = band_walk(&band, cases[i].top, cases[i].bottom); band_next(&walk, &index);)
            found[count++] = (char)('0' + index);
        if (strcmp(found, cases[i].found) != 0)
            print_error("%s: '%s' is not '%s'\n", cases[i].name, found, cases[i].found);
        assert_string_equal(found, cases[i].found);
    }
    assert_ok(band_check(&band));
}

static void test_steps_end(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Band band;
    assert_ok(band_init(rects, ARRAY_COUNT(rects), arena, &band));
    band.steps_left = 3;
    uint32_t index;
    size_t count = 0;
    for (BandWalk walk = band_walk(&band, 0, 100); band_next(&walk, &index);)
        count++;
    assert_int_equal(count, 3);
    assert_fails_saying(band_check(&band), ERR_LIMIT, "5 stretches");
}

static void test_empty(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Band band;
    assert_ok(band_init(NULL, 0, arena, &band));
    BandWalk walk = band_walk(&band, 0, 100);
    uint32_t index;
    assert_false(band_next(&walk, &index));
    assert_ok(band_check(&band));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_steps_end),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
