#include "document/html/ontology.h"

#include "document/html/tree.h"
#include "document/testing.h"
#include "document/text/charset.h"

static const PartitionOptions ONTOLOGY = {.html_parser = HTML_PARSER_ONTOLOGY};

#define PAGE(html) "<div class='Page'>" html "</div>"
#define NOTHING "UncategorizedText:0 \n"

static void elements_by_class(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"a page and nothing", PAGE(""), NOTHING},
        {"a document is no element", "<body class='x Document'><h1>Hi</h1></body>", "Title:0 Hi\n"},
        {"pages in a document", "<body class=Document>a<div class=Page>b</div></body>",
         "NarrativeText:0 a\nUncategorizedText:0 \nNarrativeText:1 b\n"},
        {"classes before tags", PAGE("<p class=Title>a</p><h1 class=Footnote>b</h1><i class=PageNumber>1</i>"),
         NOTHING "Title:1 a\nUncategorizedText:1 b\nPageNumber:1 1\n"},
        {"only the first class counts", PAGE("<p class='foo Title'>a</p>"), NOTHING "NarrativeText:1 a\n"},
        {"tags", PAGE("<h3>a</h3><table><tr><td>b</td></tr></table><pre>c</pre><foo>d</foo>"),
         NOTHING "Title:1 a\nTable:1 b\nCodeSnippet:1 c\nUncategorizedText:1 d\n"},
        {"fields", PAGE("<label>a</label><input value=v><input type=radio value=w>"),
         NOTHING "UncategorizedText:1 a\nUncategorizedText:1 v\nUncategorizedText:1 \n"},
        {"layout in layout", PAGE("<section><h2>a</h2><aside>b</aside></section><h2>c</h2>"),
         NOTHING "UncategorizedText:1 \nTitle:2 a\nUncategorizedText:2 \nNarrativeText:3 b\nTitle:1 c\n"},
        {"inline ones join", PAGE("a <a href=x>b</a><br><p>c</p><h1>d</h1><mark>e</mark>f"),
         NOTHING "NarrativeText:1 a b  c\nTitle:1 d\nUncategorizedText:1 e f\n"},
        {"what has children does not", PAGE("<p>a</p><p>b <mark>c</mark></p><p>d</p>"),
         NOTHING "NarrativeText:1 a\nNarrativeText:1 b c\nNarrativeText:1 d\n"},
        {"lines of what is unknown", PAGE("<span> a <b> b </b><i>c</i></span>"),
         NOTHING "UncategorizedText:1 a\n b \nc\n"},
        {"images", PAGE("<img alt='a b' src=x><div id=1><img alt=c></div>"), NOTHING "Image:1 a b\nImage:1 c\n"},
        {"plain divs go", PAGE("<div>a<div>b</div></div><div>c</div>"), NOTHING "NarrativeText:1 abc\n"},
        {"empty ones go", PAGE("<p> </p><h1></h1><span></span><p id=x></p>"), NOTHING "NarrativeText:1 \n"},
        {"no comments, no scripts", PAGE("<!-- c --><script>s</script><style>t</style>a"),
         NOTHING "NarrativeText:1 a\n"},
    };
    assert_partitions(partition_html, "text/html", cases, ARRAY_COUNT(cases), ONTOLOGY);
}

/* The element behind the page of `html`, which is in a page. */
static const Element *second_element(Arena *arena, const char *html, Elements *elements)
{
    CLEANUP(buffer_done) Buffer page = {0};
    assert_ok(buffer_append_format(&page, PAGE("%s"), html));
    *elements = (Elements){.arena = arena};
    assert_ok(partition_html(buffer_bytes(&page), STR("text/html"), &ONTOLOGY, NULL, elements));
    assert_true(elements->count >= 2);
    return &elements->items[1];
}

static void html_is_written_again(void **state)
{
    (void)state;
    static const struct {
        const char *html, *expected;
    } cases[] = {
        {"<h1>a < \"b\" & 'c'</h1>", "<h1 class=\"Title\">a &lt; &quot;b&quot; &amp; &#x27;c&#x27;</h1>"},
        {"<i class=Title>a</i>", "<h1 class=\"Title\">a</h1>"},
        {"<p>a<br>b</p>", "<p class=\"Paragraph\"><p class=\"Paragraph\">a</p><br  /><p class=\"Paragraph\">b</p></p>"},
        {"<p>a</p>b", "<p class=\"Paragraph\">a</p><p class=\"Paragraph\">b</p>"},
        {"<input checked type=checkbox>", "<input class=\"Checkbox\" checked type=\"checkbox\" />"},
        {"<table class=Table id=t><tr class=TableRow><td colspan=2>a <img class=Logo alt=b>", /* in bytes' order */
         "<table class=\"Table\"><tr><td colspan=\"2\"><p>a</p><img alt=\"b\" class=\"Logo\"/></td></tr></table>"},
        {"<table><tr><td></td><td><input checked></td><td title='a\"b'>&amp;'</td></tr></table>",
         "<table class=\"Table\"><tr><td></td><td><input checked=\"\" class=\"FormFieldValue\"/></td>"
         "<td title='a\"b'>&amp;'</td></tr></table>"},
        {"<span>a <b x=1>c</b></span>",
         "<span class=\"UncategorizedText\">a\n&lt;b x=&quot;1&quot;&gt;c&lt;/b&gt;</span>"},
        {"<a href='java\tscript:alert(1)' onclick=x href2=y title=t>a</a>", "<a class=\"Hyperlink\" title=\"t\">a</a>"},
        {"<a href='http://x/?a&amp;b' target=_BLANK>a</a>",
         "<a class=\"Hyperlink\" href=\"http://x/?a&amp;b\" target=\"_BLANK\" rel=\"noopener noreferrer\">a</a>"},
        {"<a target=_blank rel=noreferrer>a</a>",
         "<a class=\"Hyperlink\" rel=\"noreferrer noopener\" target=\"_blank\">a</a>"},
        {"<img src='data:image/png;base64,AA'>", "<img class=\"Image\" src=\"data:image/png;base64,AA\" />"},
        {"<img src='data:image/svg+xml,AA'>", "<img class=\"Image\" />"},
        {"<img src='data:image/png'>", "<img class=\"Image\" />"},
        {"<video src='data:image/png;base64,AA' controls>", "<video class=\"Video\" controls />"},
        {"<h1 style='COLOR : red;position:fixed;color:url (x);border:1px/*;*/  solid;top'>a</h1>",
         "<h1 class=\"Title\" style=\"color: red; border: 1px solid\">a</h1>"},
        {"<h1 style='position:fixed'>a</h1>", "<h1 class=\"Title\">a</h1>"},
        {"<h1 style='color:red/*'>a</h1>", "<h1 class=\"Title\" style=\"color: red/*\">a</h1>"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements;
        assert_str(second_element(arena, cases[i].html, &elements)->text_as_html, cases[i].expected);
    }
}

static void parents_and_pages(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    static const char html[] =
        "<body class=Document><h1>t</h1><div class=Page data-page-number=4><section><p>a</p></section>b</div>"
        "<div class=Page data-page-number=x><p>c</p></div></body>";
    static const struct {
        uint32_t parent, page;
    } expected[] = {{0, 0}, {0, 4}, {2, 4}, {3, 4}, {2, 4}, {0, 0}, {6, 0}};
    assert_ok(partition_html(str_bytes(str_of(html)), STR("text/html"), &ONTOLOGY, NULL, &elements));
    assert_int_equal(elements.count, ARRAY_COUNT(expected));
    for (size_t i = 0; i < elements.count; i++) {
        assert_int_equal(elements.items[i].parent, expected[i].parent);
        assert_int_equal(elements.items[i].page_number, expected[i].page);
    }
}

static void other_html_is_refused(void **state)
{
    (void)state;
    static const char *const inputs[] = {"<p>a</p>", "<div class='Pages'>a</div>", "<p class=Page>a</p>", "a"};
    for (size_t i = 0; i < ARRAY_COUNT(inputs); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        assert_fails_saying(partition_html(str_bytes(str_of(inputs[i])), STR("text/html"), &ONTOLOGY, NULL, &elements),
                            ERR_UNSUPPORTED, "neither a body of class 'Document' nor a div of class 'Page'");
    }
}

/* `open` `count` times in a page, with a text at the bottom: its words are found, or the limit is named. */
static void assert_deep(const char *open, int count, bool too_deep)
{
    CLEANUP(buffer_done) Buffer html = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    Elements elements = {.arena = arena};
    assert_ok(buffer_append_str(&html, STR("<div class=Page><h1>top</h1>")));
    for (int n = 0; n < count; n++)
        assert_ok(buffer_append_str(&html, str_of(open)));
    assert_ok(buffer_append_str(&html, STR("bottom")));
    Error *error = partition_html(buffer_bytes(&html), STR("text/html"), &ONTOLOGY, NULL, &elements);
    assert_int_equal(error_code(error), too_deep ? ERR_LIMIT : ERR_OK);
    error_free(error);
    assert_str(elements.items[1].text, "top");
    if (!too_deep)
        assert_true(str_find(elements.items[elements.count - 1].text, STR("bottom")) != SIZE_MAX);
}

static void depth_has_limits(void **state)
{
    (void)state;
    static const char *const tags[] = {"<section>", "<ul><li>", "<b id=1>", "<table><tr><td>", "<div>", "<div id=1>"};
    for (size_t i = 0; i < ARRAY_COUNT(tags); i++) {
        assert_deep(tags[i], 60, false); /* deeper than items go */
        assert_deep(tags[i], 100000, true);
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
        cmocka_unit_test(elements_by_class), cmocka_unit_test(html_is_written_again),
        cmocka_unit_test(parents_and_pages), cmocka_unit_test(other_html_is_refused),
        cmocka_unit_test(depth_has_limits),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
