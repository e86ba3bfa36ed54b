#include "document/html/older.h"

#include "document/html/tree.h"
#include "document/testing.h"
#include "document/text/charset.h"

static const PartitionOptions TREE = {.html_parser = HTML_PARSER_TREE}, SEED = {.html_parser = HTML_PARSER_SEED};

static void elements_by_tree(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"nothing", "", ""},
        {"a tag with the text behind it", "<div><p>one two</p> tail</div>", "Title:0 one two tail\n"},
        {"headings", "<h2>It is said that dogs bark.</h2>", "Title:1 It is said that dogs bark.\n"},
        {"lists", "<ul><li>a <b>b</b><ul><li>c</li></ul></li><li></li></ul>", "ListItem:1 a bc\nListItem:1 \n"},
        {"a container keeps its space", "<div> Hi there\n<p>one two</p></div>",
         "Title:0  Hi there\n\nTitle:0 one two\n"},
        {"a container with text behind it", "<body><div>ab <b>cd</b></div> tail text</body>",
         "Title:0 ab cd\nTitle:0  tail text\n"},
        {"a container's bullet behind space", "<div>\n• ab<p>cd</p></div>", "ListItem:0 \n• ab\nTitle:0 cd\n"},
        {"breaks", "<p>one two<br>three four<br><i>five six</i> seven</p>",
         "Title:0 one two\nTitle:0 three four\nTitle:0 five six seven\n"},
        {"breaks inside are read twice, as they were", "<p><b>one two<br>three four</b></p>",
         "Title:0 one two\nTitle:0 one two\nTitle:0 three four\n"},
        {"tables", "<table><tr><td>a<td>b<tr><td>c</table>", "Table a b c\n"},
        {"a table of bullets", "<table><tr><td>•<td>a<tr><td>• b<tr></table>", "ListItem a\nListItem b\n"},
        {"a section with a bullet announces an item", "<div><div><i>-</i></div><p>one two</p></div>",
         "ListItem one two\nTitle:0 one two\n"},
        {"spans with bullets", "<div><span>- ab</span><span>- cd</span></div>", "ListItem:0 ab- cd\n"},
        {"many children are no text",
         "<p>no<i>a</i><i>b</i><i>c</i><i>d</i><i>e</i><i>f</i><i>g</i><i>h</i><i>i</i><i>j</i>"
         "<i>k</i><i>l</i><i>m</i><i>n</i><i>o</i><span>yes yes</span></p>",
         "Title:0 yes yes\n"},
        {"mail", "<p>a@b.co</p>", "EmailAddress a@b.co\n"},
        {"scripts", "<p>one</p><script>two</script><style>three</style>", "Title:0 one\n"},
        {"main", "<p>no no</p><main><p>yes yes</p></main>", "Title:0 yes yes\n"},
        {"quotes", "<p>one \xc2\x93two\xc2\x94 \u00e2\xc2\x80\xc2\x99s</p>", "Title:0 one “two” 's\n"},
    };
    assert_partitions(partition_html, "text/html", cases, ARRAY_COUNT(cases), TREE);
}

static void elements_of_the_seed(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"headings are titles by their words",
         "<h2>one two</h2><h2>It is said, that dogs bark and cats do not do so, ever.</h2>",
         "Title one two\nUncategorizedText It is said, that dogs bark and cats do not do so, ever.\n"},
        {"cells", "<table><tr><td>one two<td>three four</table>", "Title one two\nTitle three four\n"},
        {"breaks are nothing", "<p>one two<br>three</p>", "Title one twothree\n"},
        {"six children", "<p>no<i>a</i><i>b</i><i>c</i><i>d</i><i>e</i><span>yes yes</span></p>", "Title yes yes\n"},
        {"mail", "<p>a@b.co</p>", "Title a@b.co\n"},
        {"preformatted is nothing", "<pre>one two</pre>", ""},
    };
    assert_partitions(partition_html, "text/html", cases, ARRAY_COUNT(cases), SEED);
}

/* Elements by their pages: "1 text|2 text|". */
static void pages_of_the_seed(void **state)
{
    (void)state;
    static const struct {
        const char *html, *expected;
    } cases[] = {
        {"<p>one two</p><hr><hr><p>three four</p>", "1 one two|2 three four|"},
        {"<hr><p>one two</p>", "1 one two|"},
        {"<p>no no</p><article><p>one two</p><hr></article><article></article><article><p>three four</p></article>",
         "1 one two|2 three four|"},
        {"<article><p>one two</p><article><p>three four</p></article></article>", "1 one two|1 three four|"},
        {"<p>no no</p><div itemprop=articleBody><p>one two</p></div>", "1 one two|"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        CLEANUP(buffer_done) Buffer got = {0};
        Elements elements = {.arena = arena};
        assert_ok(partition_html(str_bytes(str_of(cases[i].html)), STR("text/html"), &SEED, NULL, &elements));
        for (size_t k = 0; k < elements.count; k++)
            assert_ok(buffer_append_format(&got, "%u " STR_FMT "|", elements.items[k].page_number,
                                           STR_ARG(elements.items[k].text)));
        assert_str(buffer_str(&got), cases[i].expected);
    }
}

static void emphasis_and_links(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    static const char html[] = "<p>a <b>b <em>c</em></b> <a href=u>d <i>e</i></a></p><a href=v>f <i>g</i></a>";
    assert_ok(partition_html(str_bytes(str_of(html)), STR("text/html"), &TREE, NULL, &elements));
    assert_int_equal(elements.count, 2);
    const Element *e = &elements.items[0];
    assert_int_equal(element_rare(e)->emphasized_contents.count, 3);
    assert_str(element_rare(e)->emphasized_contents.items[0], "b c");
    assert_str(element_rare(e)->emphasized_tags.items[1], "em");
    assert_str(element_rare(e)->emphasized_contents.items[2], "e");
    assert_str(element_rare(e)->link_texts.items[0], "d ");
    assert_str(element_rare(e)->link_urls.items[0], "u");
    e = &elements.items[1];
    assert_int_equal(element_rare(e)->link_texts.count, 1);
    assert_str(element_rare(e)->link_texts.items[0], "f g");
    assert_str(element_rare(e)->link_urls.items[0], "v");
}

static void tables_as_html(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    static const char html[] = "<table><tr><td> a  <td></td><td>b\n  c <b> d </b></table>";
    assert_ok(partition_html(str_bytes(str_of(html)), STR("text/html"), &TREE, NULL, &elements));
    assert_int_equal(elements.count, 1);
    assert_str(elements.items[0].text_as_html, "<table><tr><td>a</td><td></td><td>b<br/>  c d</td></tr></table>");
}

static void depth_has_a_limit(void **state)
{
    (void)state;
    static const char *const tags[] = {"<div>",           "<div>- ",  "<b>",      "<p>a<br>",
                                       "<table><tr><td>", "<ul><li>", "<article>"};
    for (size_t i = 0; i < 2 * ARRAY_COUNT(tags); i++) {
        CLEANUP(buffer_done) Buffer html = {0};
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        Elements elements = {.arena = arena};
        for (int n = 0; n < 100000; n++)
            assert_ok(buffer_append_str(&html, str_of(tags[i / 2])));
        Error *error = partition_html(buffer_bytes(&html), STR("text/html"), i % 2 ? &TREE : &SEED, NULL, &elements);
        /* paragraphs end one another and are not deep */
        assert_int_equal(error_code(error), str_starts_with(str_of(tags[i / 2]), STR("<p>")) ? ERR_OK : ERR_LIMIT);
        error_free(error);
    }
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
        cmocka_unit_test(elements_by_tree),  cmocka_unit_test(elements_of_the_seed),
        cmocka_unit_test(pages_of_the_seed), cmocka_unit_test(emphasis_and_links),
        cmocka_unit_test(tables_as_html),    cmocka_unit_test(depth_has_a_limit),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
