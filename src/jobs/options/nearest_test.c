#include "jobs/options/nearest.h"

#include "base/testing.h"

static void distances(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        unsigned distance;
    } ROWS[] = {
        {"", "", 0},       {"", "abc", 3},   {"abc", "", 3},           {"abc", "abc", 0}, {"abc", "abd", 1},
        {"abc", "acb", 1}, {"abc", "ab", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3},  {"wrokers", "workers", 1},
        {"a", "aaaa", 3},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        assert_int_equal(edit_distance(str_of(ROWS[i].a), str_of(ROWS[i].b)), ROWS[i].distance);
        assert_int_equal(edit_distance(str_of(ROWS[i].b), str_of(ROWS[i].a)), ROWS[i].distance);
    }
    char lengthy[100];
    memset(lengthy, 'a', sizeof lengthy);
    assert_int_equal(edit_distance(str_from(lengthy, sizeof lengthy), STR("a")), 100);
}

static void suggestions(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"workers",       "num-processes", "structured-output-dir",
                                        "output-format", "output-naming", "to"};
    static const struct {
        const char *wanted, *best;
    } ROWS[] = {
        {"wrokers", "workers"},      {"structured", "structured-output-dir"}, {"num-proceses", "num-processes"},
        {"output", "output-format"}, {"outputformat", "output-format"},       {"elephant", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        Nearest nearest = nearest_to(str_of(ROWS[i].wanted));
        for (size_t n = 0; n < ARRAY_COUNT(NAMES); n++)
            nearest_offer(&nearest, str_of(NAMES[n]));
        assert_str(nearest.best, ROWS[i].best);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(distances), cmocka_unit_test(suggestions)};
    return cmocka_run_group_tests_name("options nearest", tests, NULL, NULL);
}
