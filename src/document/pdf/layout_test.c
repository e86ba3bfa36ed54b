#include "base/buffer.h"
#include "base/testing.h"
#include "document/pdf/layout.h"
#include "document/pdf/links.h"

#define GLYPHS_MAX 4000
#define RUNS_MAX 12

/* Text that stands at one place: each character half as wide as the font is high. `text` is UTF-8. */
typedef struct Run {
    const char *text;
    double left, bottom, size;
    double step; /* from one character to the next, in widths; 0: 1 */
    bool down;   /* characters below one another */
} Run;

typedef struct Page {
    LayoutGlyph glyphs[GLYPHS_MAX];
    size_t count;
} Page;

static void put_run(Page *page, const Run *run)
{
    Str text = str_of(run->text);
    double width = run->size / 2, step = width * (run->step > 0 ? run->step : 1), at = 0;
    for (size_t i = 0; i < text.len; at += step) {
        uint32_t code_point = str_next_code_point(text, &i);
        double left = run->left + (run->down ? 0 : at), bottom = run->bottom + (run->down ? at : 0);
        LayoutRect rect = run->down ? (LayoutRect){left, bottom - width, left + run->size, bottom}
                                    : (LayoutRect){left, bottom - 0.9 * run->size, left + width, bottom};
        assert_true(page->count < GLYPHS_MAX);
        page->glyphs[page->count++] = (LayoutGlyph){rect, run->size, code_point};
    }
    page->glyphs[page->count++] = (LayoutGlyph){{0}, 0, '\n'};
}

static LayoutGlyphs put_runs(Page *page, const Run *runs)
{
    page->count = 0;
    for (size_t i = 0; i < RUNS_MAX && runs[i].text; i++)
        put_run(page, &runs[i]);
    return (LayoutGlyphs){page->glyphs, page->count};
}

static const struct {
    const char *name;
    Run runs[RUNS_MAX];
    const char *boxes; /* their texts, each behind a '|' */
} layouts[] = {
    {"nothing", {{0}}, ""},
    {"white space only", {{"  \xC2\xA0 ", 10, 20, 10}}, ""},
    {"one line", {{"one line", 10, 20, 10}}, "|one line"},
    {"spaces become one, none at the ends", {{"  a \xC2\xA0 b  ", 10, 20, 10, 0.6}}, "|a b"},
    {"a gap without a space character", {{"ab", 10, 20, 10}, {"cd", 23, 20, 10}}, "|ab cd"},
    {"a space character without a gap", {{"1", 10, 16, 6}, {" Abc", 8, 20, 10}}, "|1Abc"},
    {"letters drawn apart", {{"a b c", 10, 20, 10, 0.6}}, "|abc"},
    {"a wide gap ends the line", {{"left side", 10, 20, 10}, {"right side", 80, 20, 10}}, "|left side|right side"},
    {"two lines, one paragraph", {{"first line", 10, 20, 10}, {"second line", 10, 32, 10}}, "|first line second line"},
    {"lines far apart", {{"first line", 10, 20, 10}, {"second line", 10, 40, 10}}, "|first line|second line"},
    {"lines of other heights", {{"Heading", 10, 20, 24}, {"body", 10, 32, 10}}, "|Heading|body"},
    {"ragged on the left, flush on the right", {{"abcdef", 10, 20, 10}, {"cdef", 20, 32, 10}}, "|abcdef cdef"},
    {"centred", {{"abcdefghij", 10, 20, 10}, {"def", 27, 32, 10}}, "|abcdefghij def"},
    {"no edge in common", {{"abcdefghij", 10, 20, 10}, {"x", 45, 32, 10}}, "|abcdefghij|x"},
    {"from the bottom up", {{"second", 10, 32, 10}, {"first", 10, 20, 10}}, "|first second"},
    {"two columns run by run",
     {{"left one", 10, 20, 10}, {"left two", 10, 32, 10}, {"right one", 90, 20, 10}, {"right two", 90, 32, 10}},
     "|left one left two|right one right two"},
    {"bullets drawn before all texts",
     {{"\xE2\x80\xA2", 10, 20, 10}, {"\xE2\x80\xA2", 10, 32, 10}, {"first", 22, 20, 10}, {"second", 22, 32, 10}},
     "|\xE2\x80\xA2 first \xE2\x80\xA2 second"},
    {"a superscript in front", {{"text", 13.2, 20, 10}, {"2", 10, 16, 6}}, "|2text"},
    {"superscript behind", {{"text", 10, 20, 10}, {"2", 30.1, 16, 6}}, "|text2"},
    {"one character over another", {{"x", 10, 20, 10}, {"y", 10, 20, 10}}, "|x y"},
    {"a column's gutter stays",
     {{"the left column", 10, 20, 10}, {"the right one", 96, 20, 10}},
     "|the left column|the right one"},
    {"text that runs down", {{"down here", 10, 20, 10, 1, true}}, "|down here"},
    {"text that runs down beside text that does not",
     {{"stamp", 10, 20, 10, 1, true}, {"body text", 30, 20, 10}, {"more of it", 30, 32, 10}},
     "|stamp|body text more of it"},
    {"two lines that run down", {{"abcd", 10, 20, 10, 1, true}, {"efgh", 22, 20, 10, 1, true}}, "|abcd efgh"},
    {"ideographs with wide gaps",
     {{"\xE6\x9D\x8E", 10, 20, 10}, {"\xE8\x89\xBA", 16, 20, 10}},
     "|\xE6\x9D\x8E\xE8\x89\xBA"},
};

static Page shared_page;

static void test_layout(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(layouts); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(4 * MIB);
        CLEANUP(buffer_done) Buffer text = {0};
        LayoutBoxes boxes;
        assert_ok(layout_page(put_runs(&shared_page, layouts[i].runs), arena, &boxes));
        for (size_t k = 0; k < boxes.count; k++)
            assert_ok(buffer_append_format(&text, "|" STR_FMT, STR_ARG(boxes.items[k].text)));
        if (!str_equal(buffer_str(&text), str_of(layouts[i].boxes)))
            print_error("%s\n", layouts[i].name);
        assert_str(buffer_str(&text), layouts[i].boxes);
    }
}

/* A font that lies about its size does not pull the lines into one another. */
static void test_size_not_trusted(void **state)
{
    (void)state;
    LayoutGlyph glyphs[] = {{{10, 10, 15, 20}, 500, 'a'}, {{0}, 0, '\n'}, {{10, 60, 15, 70}, 0.001, 'b'}};
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    LayoutBoxes boxes;
    assert_ok(layout_page((LayoutGlyphs){glyphs, ARRAY_COUNT(glyphs)}, arena, &boxes));
    assert_int_equal(boxes.count, 2);
    assert_true(boxes.items[0].rect.top == 10 && boxes.items[1].rect.top == 60);
}

static void test_place_and_sources(void **state)
{
    (void)state;
    const Run runs[RUNS_MAX] = {{"ab c", 10, 20, 10},
                                {"\xC3\xA9"
                                 "f",
                                 10, 32, 10}};
    CLEANUP(arena_freep) Arena *arena = arena_new(4 * MIB);
    LayoutBoxes boxes;
    assert_ok(layout_page(put_runs(&shared_page, runs), arena, &boxes));
    assert_int_equal(boxes.count, 1);
    const LayoutBox *box = &boxes.items[0];
    assert_str(box->text, "ab c \xC3\xA9"
                          "f");
    assert_true(box->rect.left == 10 && box->rect.top == 10 && box->rect.right == 30 && box->rect.bottom == 32);
    static const uint32_t sources[] = {0, 1, LAYOUT_NO_GLYPH, 3, LAYOUT_NO_GLYPH, 5, 6};
    assert_int_equal(box->code_points, ARRAY_COUNT(sources));
    assert_memory_equal(box->glyphs, sources, sizeof(sources));
}

/* The same characters in one run or one run each give the same lines, so that nothing hangs on how poppler groups them. */
static void test_runs_do_not_matter(void **state)
{
    (void)state;
    static Page whole, single;
    const Run run = {"the quick brown fox jumps over the lazy dog", 10, 20, 10};
    whole.count = single.count = 0;
    put_run(&whole, &run);
    for (size_t i = 0; i < whole.count; i++) {
        single.glyphs[single.count++] = whole.glyphs[i];
        single.glyphs[single.count++] = (LayoutGlyph){{0}, 0, '\n'};
    }
    CLEANUP(arena_freep) Arena *arena = arena_new(4 * MIB);
    LayoutBoxes boxes_whole, boxes_single;
    assert_ok(layout_page((LayoutGlyphs){whole.glyphs, whole.count}, arena, &boxes_whole));
    assert_ok(layout_page((LayoutGlyphs){single.glyphs, single.count}, arena, &boxes_single));
    assert_int_equal(boxes_whole.count, 1);
    assert_int_equal(boxes_single.count, 1);
    assert_true(str_equal(boxes_whole.items[0].text, boxes_single.items[0].text));
}

static void test_memory_ends(void **state)
{
    (void)state;
    const Run runs[RUNS_MAX] = {{"some text to lay out", 10, 20, 10}};
    LayoutGlyphs glyphs = put_runs(&shared_page, runs);
    CLEANUP(arena_freep) Arena *whole = arena_new(MIB);
    LayoutBoxes boxes;
    assert_ok(layout_page(glyphs, whole, &boxes));
    for (size_t limit = 0; limit < arena_used(whole); limit += 64) {
        CLEANUP(arena_freep) Arena *arena = arena_new(limit);
        assert_fails(layout_page(glyphs, arena, &boxes), ERR_LIMIT);
    }
}

static void test_links(void **state)
{
    (void)state;
    const Run runs[RUNS_MAX] = {{"* see the page", 10, 20, 10}, {"of this site", 10, 32, 10}};
    static PageArea areas[] = {
        {{10, 22, 29, 33}, {"http://of", 9}},   /* "of t": middles count */
        {{20, 11, 34, 19}, {"http://see", 10}}, /* a little low and narrow */
        {{200, 10, 300, 20}, {"http://elsewhere", 16}},
        {{39, 10, 81, 33}, {"http://two-lines", 16}}, /* the first stretch */
        {{10, 10, 14, 20}, {"http://bullet", 13}},
    };
    static const struct {
        const char *text, *url;
        int64_t start;
    } expected[] = {{"see", "http://see", 0}, {"the page", "http://two-lines", 4}, {"of t", "http://of", 13}};
    LayoutGlyphs glyphs = put_runs(&shared_page, runs);
    CLEANUP(arena_freep) Arena *arena = arena_new(4 * MIB);
    LayoutBoxes boxes;
    assert_ok(layout_page(glyphs, arena, &boxes));
    assert_int_equal(boxes.count, 1);
    ElementLink *links;
    size_t count;
    assert_ok(links_of_box(glyphs, &boxes.items[0], (PageAreas){areas, ARRAY_COUNT(areas)}, 2, arena, &links, &count));
    assert_int_equal(count, ARRAY_COUNT(expected));
    for (size_t i = 0; i < count; i++) {
        assert_str(links[i].text, expected[i].text);
        assert_str(links[i].url, expected[i].url);
        assert_int_equal(links[i].start_index, expected[i].start);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_size_not_trusted),
        cmocka_unit_test(test_place_and_sources),
        cmocka_unit_test(test_runs_do_not_matter),
        cmocka_unit_test(test_memory_ends),
        cmocka_unit_test(test_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
