#include "base/buffer.h"
#include "base/testing.h"
#include "document/pdf/list.h"

#define ITEMS_MAX 8
#define L ELEMENT_LIST_ITEM
#define T ELEMENT_NARRATIVE_TEXT

static const struct {
    const char *name;
    struct {
        ElementType type;
        LayoutRect rect;
        const char *text;
    } items[ITEMS_MAX];
    const char *joined; /* texts, each behind a '|' */
} cases[] = {
    {"nothing", {{0}}, ""},
    {"no list", {{T, {10, 10, 90, 20}, "a"}, {T, {10, 21, 90, 30}, "b"}}, "|a|b"},
    {"one continuation", {{L, {10, 10, 90, 20}, "a"}, {T, {20, 21, 90, 31}, "b"}}, "|a b"},
    {"two continuations keep all text",
     {{L, {10, 10, 90, 20}, "a"}, {T, {20, 21, 90, 31}, "b"}, {T, {20, 22, 90, 32}, "c"}},
     "|a b c"},
    {"further left", {{L, {10, 10, 90, 20}, "a"}, {T, {9, 21, 90, 31}, "b"}}, "|a|b"},
    {"too wide", {{L, {10, 10, 90, 20}, "a"}, {T, {20, 21, 106, 31}, "b"}}, "|a|b"},
    {"just not too wide", {{L, {10, 10, 90, 20}, "a"}, {T, {20, 21, 105.9, 31}, "b"}}, "|a b"},
    {"too low", {{L, {10, 10, 90, 20}, "a"}, {T, {20, 23, 90, 33}, "b"}}, "|a|b"},
    {"too high", {{L, {10, 10, 90, 20}, "a"}, {T, {20, 7, 90, 17}, "b"}}, "|a|b"},
    {"before its item", {{T, {20, 21, 90, 31}, "b"}, {L, {10, 10, 90, 20}, "a"}}, "|b|a"},
    {"the item of another column between",
     {{L, {10, 10, 90, 20}, "a"},
      {L, {110, 10, 190, 20}, "x"},
      {T, {20, 21, 90, 31}, "b"},
      {T, {120, 21, 190, 31}, "y"}},
     "|a b|x y"},
    {"list items do not join", {{L, {10, 10, 90, 20}, "a"}, {L, {10, 21, 90, 31}, "b"}}, "|a|b"},
};

static PageItems items_of(size_t which, PageItem *items)
{
    size_t count = 0;
    for (; count < ITEMS_MAX && cases[which].items[count].text; count++)
        items[count] = (PageItem){.type = cases[which].items[count].type,
                                  .rect = cases[which].items[count].rect,
                                  .text = str_of(cases[which].items[count].text)};
    return (PageItems){items, count};
}

static void test_join(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        CLEANUP(buffer_done) Buffer text = {0};
        PageItem storage[ITEMS_MAX];
        PageItems items = items_of(i, storage);
        assert_ok(list_join(&items, arena));
        for (size_t k = 0; k < items.count; k++)
            assert_ok(buffer_append_format(&text, "|" STR_FMT, STR_ARG(items.items[k].text)));
        if (!str_equal(buffer_str(&text), str_of(cases[i].joined)))
            print_error("%s\n", cases[i].name);
        assert_str(buffer_str(&text), cases[i].joined);
    }
}

static void test_links_and_boxes(void **state)
{
    (void)state;
    ElementLink first = {STR("b"), STR("u"), 2}, second = {STR("d"), STR("v"), 1};
    PageItem storage[] = {
        {L, {10, 10, 90, 20}, STR("\xC3\xA4 b"), &first, 1},
        {T, {20, 21, 95, 31}, STR("cd"), &second, 1},
    };
    PageItems items = {storage, ARRAY_COUNT(storage)};
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    assert_ok(list_join(&items, arena));
    assert_int_equal(items.count, 1);
    const PageItem *item = &items.items[0];
    assert_str(item->text, "\xC3\xA4 b cd");
    assert_true(item->rect.left == 10 && item->rect.top == 10 && item->rect.right == 95 && item->rect.bottom == 31);
    assert_int_equal(item->link_count, 2);
    assert_int_equal(item->links[0].start_index, 2);
    assert_int_equal(item->links[1].start_index, 5);
    assert_str(item->links[1].url, "v");
}

static void test_memory_ends(void **state)
{
    (void)state;
    PageItem storage[ITEMS_MAX];
    PageItems items = items_of(2, storage);
    CLEANUP(arena_freep) Arena *arena = arena_new(8);
    assert_fails(list_join(&items, arena), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_links_and_boxes),
        cmocka_unit_test(test_memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
