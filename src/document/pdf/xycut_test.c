#include "base/testing.h"
#include "document/pdf/xycut.h"

#define RECTS_MAX 8

static void test_order(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t count;
        LayoutRect rects[RECTS_MAX];
        const char *order;
    } cases[] = {
        {"nothing", 0, {{0}}, ""},
        {"one", 1, {{10, 10, 20, 20}}, "0"},
        {"rows out of order", 3, {{10, 50, 90, 60}, {10, 10, 90, 20}, {10, 30, 90, 40}}, "120"},
        {"two columns, left one first",
         4,
         {{10, 10, 40, 20}, {60, 10, 90, 20}, {10, 30, 40, 40}, {60, 30, 90, 40}},
         "0213"},
        {"a title over two columns",
         5,
         {{60, 20, 90, 40}, {10, 20, 40, 40}, {10, 0, 90, 10}, {10, 50, 40, 60}, {60, 50, 90, 60}},
         "21034"},
        {"touching columns come apart by the shrinking",
         4,
         {{10, 10, 50, 20}, {50, 10, 90, 20}, {10, 30, 50, 40}, {50, 30, 90, 40}},
         "0213"},
        {"boxes inside one another stay in order of their tops",
         3,
         {{0, 0, 100, 100}, {10, 50, 20, 60}, {10, 10, 20, 20}},
         "021"},
        {"a negative coordinate: by top, then left",
         4,
         {{10, 10, 40, 20}, {60, 10, 90, 20}, {-1, 30, 40, 40}, {60, 30, 90, 40}},
         "0123"},
        {"a box without size is kept", 2, {{10, 30, 10, 30}, {10, 10, 10, 10}}, "10"},
        {"equal boxes keep their order", 3, {{1, 1, 9, 9}, {1, 1, 9, 9}, {1, 1, 9, 9}}, "012"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        size_t order[RECTS_MAX];
        char text[RECTS_MAX + 1] = "";
        assert_ok(xycut_order(cases[i].rects, cases[i].count, arena, order));
        for (size_t k = 0; k < cases[i].count; k++)
            text[k] = (char)('0' + order[k]);
        if (strcmp(text, cases[i].order) != 0)
            print_error("%s: '%s' is not '%s'\n", cases[i].name, text, cases[i].order);
        assert_string_equal(text, cases[i].order);
    }
}

/* Each box a little to the right of and below the one before would cut one box off at each level of a recursion. */
static void test_deep(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    static LayoutRect rects[COUNT];
    static size_t order[COUNT];
    static bool seen[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        double at = (double)i;
        rects[i] = i % 2 ? (LayoutRect){at, at, at + 1, 2 * COUNT - at} : (LayoutRect){at, at, 2 * COUNT - at, at + 1};
    }
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    assert_ok(xycut_order(rects, COUNT, arena, order));
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(order[i] < COUNT && !seen[order[i]]);
        seen[order[i]] = true;
    }
}

static void test_wild_numbers(void **state)
{
    (void)state;
    const LayoutRect rects[] = {{1e300, 1e300, 1e308, 1e308}, {0, 0, 1e300, 1}, {0.0 / 1, 5, 3, 1}};
    size_t order[ARRAY_COUNT(rects)];
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    assert_ok(xycut_order(rects, ARRAY_COUNT(rects), arena, order));
    CLEANUP(arena_freep) Arena *small = arena_new(16);
    assert_fails(xycut_order(rects, ARRAY_COUNT(rects), small, order), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_deep),
        cmocka_unit_test(test_wild_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
