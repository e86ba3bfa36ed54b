#include "document/html/cells.h"

#include "document/testing.h"
#include "document/text/charset.h"

/* The only element's metadata beyond its fields, by whichever way cells are made. */
static void assert_cells(HtmlParser parser, bool from_html, const char *html, const char *expected)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    PartitionOptions options = {.html_parser = parser, .table_cells = !from_html};
    assert_ok(partition_html(str_bytes(str_of(html)), STR("text/html"), &options, NULL, &elements));
    if (from_html || parser == HTML_PARSER_ONTOLOGY)
        assert_ok(cells_set_all(&elements, 0));
    const Element *table = &elements.items[elements.count - 1];
    assert_int_equal(element_rare(table)->extra_keys.count, 1);
    assert_str(element_rare(table)->extra_keys.items[0], "table_as_cells");
    assert_str(element_rare(table)->extra_values.items[0], expected);
}

#define CELL(x, y, w, h, text) "{\"x\": " #x ", \"y\": " #y ", \"w\": " #w ", \"h\": " #h ", \"content\": \"" text "\"}"

static void cells_have_places(void **state)
{
    (void)state;
    static const struct {
        const char *html, *expected;
    } cases[] = {
        {"<table><tr><td>a", "[" CELL(0, 0, 1, 1, "a") "]"},
        {"<table><tr><td> a <b> b</b><td></table>", "[" CELL(0, 0, 1, 1, "a b") ", " CELL(1, 0, 1, 1, "") "]"},
        {"<table><tr></tr><tr><td colspan=2>a<td>b</table>", "[" CELL(0, 0, 2, 1, "a") ", " CELL(2, 0, 1, 1, "b") "]"},
        {"<table><tr><td rowspan=2>a<td>b<tr><td>c<tr><td>d</table>",
         "[" CELL(0, 0, 1, 2, "a") ", " CELL(1, 0, 1, 1, "b") ", " CELL(1, 1, 1, 1, "c") ", " CELL(0, 2, 1, 1,
                                                                                                   "d") "]"},
        {"<table><tr><td>a<td rowspan=9 colspan=2>b<td>c<tr><td>d<td>e</table>",
         "[" CELL(0, 0, 1, 1, "a") ", " CELL(1, 0, 2, 2, "b") ", " CELL(3, 0, 1, 1, "c") ", " CELL(
             0, 1, 1, 1, "d") ", " CELL(3, 1, 1, 1, "e") "]"},
        {"<table><tr><td colspan=99999999999 rowspan=0>a<td colspan=5000>b<td colspan=-1>c</table>",
         "[" CELL(0, 0, 1, 1, "a") ", " CELL(1, 0, 1000, 1, "b") ", " CELL(1001, 0, 1, 1, "c") "]"},
        {"<table><thead><tr><th>a</thead><tbody><tr><td>b<table><tr><td>c</table></tbody></table>",
         "[" CELL(0, 0, 1, 1, "a") ", " CELL(0, 1, 1, 1, "b c") "]"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_cells(HTML_PARSER_MODERN, false, cases[i].html, cases[i].expected);
        assert_cells(HTML_PARSER_TREE, false, cases[i].html, cases[i].expected);
    }
}

static void cells_from_html(void **state)
{
    (void)state;
    assert_cells(HTML_PARSER_MODERN, true, "<table><tr><td colspan=2>a &lt; b<td>c</table>",
                 "[" CELL(0, 0, 1, 1, "a < b") ", " CELL(1, 0, 1, 1, "c") "]");
    assert_cells(HTML_PARSER_ONTOLOGY, false, "<div class=Page><table><tr><td colspan=2>a<td>\"c\"</table></div>",
                 "[" CELL(0, 0, 2, 1, "a") ", " CELL(2, 0, 1, 1, "\\\"c\\\"") "]");
}

/* Rows that all reach down further than there are places to note it. */
static void many_that_hang(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer html = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    Elements elements = {.arena = arena};
    PartitionOptions options = {.table_cells = true};
    assert_ok(buffer_append_str(&html, STR("<table>")));
    for (int row = 0; row < 3000; row++)
        assert_ok(buffer_append_str(&html, STR("<tr><td rowspan=65534 colspan=1000>a<td rowspan=3>b</tr>")));
    assert_ok(partition_html(buffer_bytes(&html), STR("text/html"), &options, NULL, &elements));
    assert_int_equal(elements.count, 1);
    assert_int_equal(element_rare(&elements.items[0])->extra_keys.count, 1);
}

static int warm_up(void **state)
{
    (void)state;
    assert_ok(charset_warm_up());
    html_warm_up();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_have_places),
        cmocka_unit_test(cells_from_html),
        cmocka_unit_test(many_that_hang),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
