#include "document/csv/sniff.h"
#include "document/testing.h"
#include "document/text/charset.h"

static void tables(void **state)
{
    (void)state;
    static const struct {
        const char *name, *csv, *text, *html;
    } cases[] = {
        {"plain", "a,b\n1,2\n", "a b 1 2", "<table><tr><td>a</td><td>b</td></tr><tr><td>1</td><td>2</td></tr></table>"},
        {"quotes", "\"a,\"\"b\"\"\",c\r\n\"x\ny\",\"\"\r\n", "a,\"b\" c x\\ny",
         "<table><tr><td>a,\"b\"</td><td>c</td></tr><tr><td>x\\ny</td><td/></tr></table>"},
        {"semicolons", "a;b\nc;d,e\n", "a b c d,e",
         "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d,e</td></tr></table>"},
        {"bars", "a|b\nc|d", "a b c d", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>"},
        {"one column", "Lorem, ipsum\ndolor sit\nut, a, b\n", "Lorem, ipsum dolor sit ut, a, b",
         "<table><tr><td>Lorem, ipsum</td></tr><tr><td>dolor sit</td></tr><tr><td>ut, a, b</td></tr></table>"},
        {"ragged", "\"a\",b,c\nd\ne,f,g,h\n\ni,j,k\n", "a b c d e f g h i j k",
         "<table><tr><td>a</td><td>b</td><td>c</td><td/></tr><tr><td>d</td><td/><td/><td/></tr>"
         "<tr><td>e</td><td>f</td><td>g</td><td>h</td></tr><tr><td>i</td><td>j</td><td>k</td><td/></tr></table>"},
        {"missing values", "a,NA\nnull,x\nb,None\n", "a x b",
         "<table><tr><td>a</td><td/></tr><tr><td/><td>x</td></tr><tr><td>b</td><td/></tr></table>"},
        {"numbers", "007,1.50,3\n12,2.25,\n", "7 1.50 3.0 12 2.25",
         "<table><tr><td>7</td><td>1.50</td><td>3.0</td></tr><tr><td>12</td><td>2.25</td><td/></tr></table>"},
        {"escaping", "<b>,it's\n&,\"say \"\"x\"\"\"\n", "<b> it's & say \"x\"",
         "<table><tr><td>&lt;b&gt;</td><td>it's</td></tr><tr><td>&amp;</td><td>say \"x\"</td></tr></table>"},
        {"white space", " a  b ,c\nd,e\n", "a b c d e",
         "<table><tr><td>a b</td><td>c</td></tr><tr><td>d</td><td>e</td></tr></table>"},
        {"an open quote", "a,\"b\nc,d\n", "a b\\nc,d\\n", "<table><tr><td>a</td><td>b\\nc,d\\n</td></tr></table>"},
    };
    PartitionOptions options = {0};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        print_message("%s\n", cases[i].name);
        assert_ok(partition_csv(str_bytes(str_of(cases[i].csv)), STR("text/csv"), &options, NULL, &elements));
        assert_int_equal(elements.count, 1);
        assert_int_equal(elements.items[0].type, ELEMENT_TABLE);
        assert_str(elements.items[0].text, cases[i].text);
        assert_str(elements.items[0].text_as_html, cases[i].html);
    }
}

static void nothing_from_nothing(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {{"empty", "", ""},
                                          {"line ends", "\n\r\n\n", ""},
                                          {"empty cells", ",,\n,,\n", ""},
                                          {"missing", "NA,null\n", ""}};
    assert_partitions(partition_csv, "text/csv", cases, ARRAY_COUNT(cases), (PartitionOptions){0});
    static const PartitionCase tabs[] = {{"tabs", "a,b\tc\n", "Table a,b c\n"}};
    assert_partitions(partition_csv, "text/tsv", tabs, 1, (PartitionOptions){0});
}

/* With no delimiter that '\0' could be taken for. */
static void a_zero_byte_ends_no_field(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    PartitionOptions options = {.encoding = STR("utf-8")};
    assert_ok(partition_csv(str_bytes(STR("a\0b\nc\n")), STR("text/csv"), &options, NULL, &elements));
    assert_int_equal(elements.count, 1);
    assert_true(str_ends_with(elements.items[0].text, STR("b c")));
}

static void large_fields_and_many_cells(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer csv = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(256 * MIB);
    PartitionOptions options = {0};
    Elements elements = {.arena = arena};
    assert_ok(buffer_append_str(&csv, STR("a,\"")));
    while (csv.len < 10 * MIB)
        assert_ok(buffer_append_str(&csv, STR("word after word, ")));
    assert_ok(buffer_append_str(&csv, STR("\"\n")));
    assert_ok(partition_csv(buffer_bytes(&csv), STR("text/csv"), &options, NULL, &elements));
    assert_true(elements.items[0].text.len > 9 * MIB);
    buffer_clear(&csv);
    while (csv.len < 1100 * 1000)
        assert_ok(buffer_append_str(&csv, STR(",,,,,,,,,,,,,,,,,,,,\n")));
    assert_fails_saying(partition_csv(buffer_bytes(&csv), STR("text/csv"), &options, NULL, &elements), ERR_LIMIT,
                        "1000000 cells");
    buffer_clear(&csv);
    assert_ok(buffer_append_str(&csv, STR("\"a\"")));
    for (int i = 0; i < 2000; i++) /* one wide row, then many short ones */
        assert_ok(buffer_append_byte(&csv, ','));
    for (int i = 0; i < 2000; i++)
        assert_ok(buffer_append_str(&csv, STR("\nx")));
    assert_fails_saying(partition_csv(buffer_bytes(&csv), STR("text/csv"), &options, NULL, &elements), ERR_LIMIT,
                        "2001 rows of 2001 columns");
}

static void likely_files(void **state)
{
    (void)state;
    assert_true(csv_is_likely(STR("a,b\n1,2\n")));
    assert_true(csv_is_likely(STR("a,b\n\"1,2\",3")));
    assert_false(csv_is_likely(STR("a,b\n")));
    assert_false(csv_is_likely(STR("a,b\n1,2,3\n")));
    assert_false(csv_is_likely(STR("a\nb\n")));
    assert_false(csv_is_likely(STR_EMPTY));
}

static int warm_up(void **state)
{
    (void)state;
    assert_ok(charset_warm_up());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tables), cmocka_unit_test(nothing_from_nothing),
                                       cmocka_unit_test(large_fields_and_many_cells), cmocka_unit_test(likely_files),
                                       cmocka_unit_test(a_zero_byte_ends_no_field)};
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
