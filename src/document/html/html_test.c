#include "document/html/html.h"

#include "document/html/tree.h"
#include "document/testing.h"
#include "document/text/charset.h"

static void elements_by_tag(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"nothing", "", ""},
        {"bare text", "It is said that dogs bark.", "NarrativeText It is said that dogs bark.\n"},
        {"headings", "<h1>One</h1><h3> Three\n <b>x</b></h3>", "Title:0 One\nTitle:2 Three x\n"},
        {"lists", "<ul><li>a b<ol><li>deep er</li></ol>tail of it</li></ul>",
         "ListItem:1 a b\nListItem:2 deep er\nUncategorizedText tail of it\n"},
        {"paragraphs and tails", "<div>before <span>inside</span><p>para</p>after <i>more</i></div>",
         "UncategorizedText before inside\nUncategorizedText para\nUncategorizedText after more\n"},
        {"a block in an inline element", "<b>one<div>two</div>three</b>",
         "UncategorizedText one\nUncategorizedText two\nUncategorizedText three\n"},
        {"dropped with their content",
         "<p>a1 <button>no</button><foo>no</foo>b2</p><script>no</script><nav>no</nav><style>no</style>",
         "UncategorizedText a1 b2\n"},
        {"comments", "<p>a<!-- no -->b</p>", "UncategorizedText ab\n"},
        {"code", "<pre>\n a\n  <b>b</b>\n\n</pre>", "CodeSnippet  a\n  b\n\n"},
        {"line breaks", "<p>a1<br>b2<br/>c3</p>", "UncategorizedText a1 b2 c3\n"},
        {"main first", "<body><p>outside</p><main><p>inside it</p></main></body>", "UncategorizedText inside it\n"},
        {"bullets", "<p>• item</p><p>-</p>", "ListItem:0 item\n"},
        {"addresses", "<p>Doylestown, PA 18901</p><p>a@b.co</p>",
         "Address Doylestown, PA 18901\nEmailAddress a@b.co\n"},
        {"one letter is nothing", "<p>x</p><p>ä</p>", ""},
        {"entities", "<p>a&lt;b &amp; c&nbsp;d &eacute;</p>", "UncategorizedText a<b & c d é\n"},
        {"images", "<img src='a.png' alt=' An  image'><img alt='no source'><p>te<img src=x>xt</p>",
         "Image An image\nUncategorizedText te\nImage \nUncategorizedText xt\n"},
        {"unclosed", "<div><p>one two<p>three four<table><tr><td>c",
         "UncategorizedText one two\nUncategorizedText three four\nTable c\n"},
        {"titles only from headings", "<p>Table of Contents</p>", "UncategorizedText Table of Contents\n"},
    };
    assert_partitions(partition_html, "text/html", cases, ARRAY_COUNT(cases), (PartitionOptions){0});
    static const PartitionCase older[] = {
        {"titles from text", "<p>Table of Contents</p>", "Title:0 Table of Contents\n"}};
    assert_partitions(partition_html, "text/html", older, 1, (PartitionOptions){.titles_from_text = true});
}

/* The only element of `html`. */
static const Element *only_element(Arena *arena, const char *html, Elements *elements)
{
    PartitionOptions options = {0};
    *elements = (Elements){.arena = arena};
    assert_ok(partition_html(str_bytes(str_of(html)), STR("text/html"), &options, NULL, elements));
    assert_int_equal(elements->count, 1);
    return &elements->items[0];
}

static void tables(void **state)
{
    (void)state;
    static const struct {
        const char *html, *text, *as_html;
    } cases[] = {
        {"<table><thead><tr><th>A</th></tr></thead><tr><td> 1 &lt; 2 </td><td></td></tr></table>", "A 1 < 2",
         "<table><tr><td>A</td></tr><tr><td>1 &lt; 2</td><td/></tr></table>"},
        {"<table><tr><td>a\n  b  c</td><td>it's \"x\"</td></tr></table>", "a\n  b  c it's \"x\"",
         "<table><tr><td>a<br/>b c</td><td>it&#x27;s &quot;x&quot;</td></tr></table>"},
        {"<table><tr><td><p>x</p><table><tr><td>y</td></tr></table></td></tr></table>", "x y",
         "<table><tr><td>x y</td></tr></table>"},
        {"<table><tr><td>1</td></tr><tr><td></td></tr><tr></tr><tr><td>2</td></tr></table>", "1  2",
         "<table><tr><td>1</td></tr><tr><td/></tr><tr><td>2</td></tr></table>"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements;
        const Element *e = only_element(arena, cases[i].html, &elements);
        assert_int_equal(e->type, ELEMENT_TABLE);
        assert_str(e->text, cases[i].text);
        assert_str(e->text_as_html, cases[i].as_html);
    }
}

static void emphasis_links_and_pages(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements;
    const Element *e = only_element(
        arena, "<div data-page-number='7'><p>a <b>bold <i> both </i></b> <a href='u'> li <em>nk</em></a></p></div>",
        &elements);
    assert_int_equal(e->page_number, 7);
    assert_int_equal(element_rare(e)->emphasized_contents.count, 3);
    assert_str(element_rare(e)->emphasized_contents.items[1], "both");
    assert_str(element_rare(e)->emphasized_tags.items[0], "b");
    assert_str(element_rare(e)->emphasized_tags.items[1], "bi");
    assert_str(element_rare(e)->emphasized_tags.items[2], "i");
    assert_int_equal(element_rare(e)->link_texts.count, 1);
    assert_str(element_rare(e)->link_texts.items[0], "li nk");
    assert_str(element_rare(e)->link_urls.items[0], "u");
    e = only_element(arena, "<a href='v'><div>block</div></a>", &elements);
    assert_int_equal(element_rare(e)->link_urls.count, 1);
    assert_str(element_rare(e)->link_urls.items[0], "v");
    e = only_element(arena, "<img data-src='d' src='s' alt='x'>", &elements);
    assert_str(element_rare(e)->image_url, "d");
    e = only_element(arena, "<img src='data:image/png;base64,AA' alt='x'>", &elements);
    assert_str(element_rare(e)->image_url, "");
}

static void encodings_by_meta(void **state)
{
    (void)state;
    static const struct {
        const char *html, *expected;
    } cases[] = {
        {"<meta charset=\"iso-8859-15\"><p>10 \xA4", "10 €"},
        {"<meta http-equiv=content-type content='text/html; CHARSET=windows-1252'><p>\x93x\x94", "“x”"},
        {"<meta charset=latin1><p>gr\xC3\xBC\xC3\x9F", "grüß"},
        {"<meta charset=klingon><p>10 \xC3\xA4", "10 ä"},
        {"<meta charset=\"utf-8\"><p>Die B\xFCrger von M\xFCnchen gr\xFC\xDF"
         "en sch\xF6n",
         "Die Bürger von München grüßen schön"},
        {"<p>Zur\xC3\xBC"
         "ck nach Gen\xE8ve",
         "Zurück nach Genève"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements;
        assert_str(only_element(arena, cases[i].html, &elements)->text, cases[i].expected);
    }
}

static void depth_has_a_limit_and_a_partial_result(void **state)
{
    (void)state;
    static const char *const tags[] = {"<div>", "<b>", "<table><tr><td>", "<ul><li>", "<x>"};
    PartitionOptions options = {0};
    for (size_t i = 0; i < ARRAY_COUNT(tags); i++) {
        CLEANUP(buffer_done) Buffer html = {0};
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        Elements elements = {.arena = arena};
        assert_ok(buffer_append_str(&html, STR("<p>This stays here.</p>")));
        for (int n = 0; n < 100000; n++)
            assert_ok(buffer_append_str(&html, str_of(tags[i])));
        assert_fails_saying(partition_html(buffer_bytes(&html), STR("text/html"), &options, NULL, &elements), ERR_LIMIT,
                            "depth_max");
        assert_true(elements.count >= 1);
        assert_str(elements.items[0].text, "This stays here.");
    }
}

/* `before`, 257 attributes, `after`. */
static Error *partition_with_attributes(const char *before, const char *after, Elements *elements)
{
    CLEANUP(buffer_done) Buffer html = {0};
    PartitionOptions options = {0};
    assert_ok(buffer_append_format(&html, "<p>This stays here.</p>%s", before));
    for (int n = 0; n < 257; n++)
        assert_ok(buffer_append_format(&html, " a%d='>'", n));
    assert_ok(buffer_append_str(&html, str_of(after)));
    return partition_html(buffer_bytes(&html), STR("text/html"), &options, NULL, elements);
}

static void attributes_have_a_limit(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        bool crowded;
    } cases[] = {
        {"<p", ">More.", true},
        {"<P", "", true},
        {"<script></script><b", ">", true},
        {"<script></scriptx><b", "</script>", false},
        {"<style></p><b", "></STYLE >", false},
        {"<!-- x -> <p", "> -->", false},
        {"<!-- x --><p", ">", true},
        {"<!---><p", ">-->", false},
        {"<p x=\"", "\">", false},
        {"<!doctype html", ">", false},
        {"<p x=a/b>text", "<b>", false},
        {"< p", ">", false},
        {"<p \"x", ">", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        Error *error = partition_with_attributes(cases[i].before, cases[i].after, &elements);
        assert_int_equal(error_code(error), cases[i].crowded ? ERR_LIMIT : ERR_OK);
        assert_true(!error || strstr(error_message_view(error), "more than 256 attributes"));
        error_free(error);
        assert_true(elements.count >= 1);
        assert_str(elements.items[0].text, "This stays here.");
    }
}

static void memory_has_a_limit(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(2000);
    Elements elements = {.arena = arena};
    PartitionOptions options = {0};
    assert_fails(partition_html(str_bytes(STR("<p>a<p>b<p>c<p>d<p>e<p>f<p>g<p>h<p>i<p>j<p>k<p>l<p>m<p>n<p>o")),
                                STR("text/html"), &options, NULL, &elements),
                 ERR_LIMIT);
}

static void strange_bytes(void **state)
{
    (void)state;
    const Str inputs[] = {
        STR("<p>a\0b</p>"),    STR("<"),       STR("</"),     STR("<p"), STR("<!--"), STR("<![CDATA[x]]>"),
        STR("&#x110000;&#0;"), STR("<a href"), STR("\0\0\0"),
    };
    PartitionOptions options = {0};
    for (size_t i = 0; i < ARRAY_COUNT(inputs); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        assert_ok(partition_html(str_bytes(inputs[i]), STR("text/html"), &options, NULL, &elements));
        for (size_t k = 0; k < elements.count; k++)
            assert_true(str_is_utf8(elements.items[k].text));
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
        cmocka_unit_test(elements_by_tag),
        cmocka_unit_test(tables),
        cmocka_unit_test(emphasis_links_and_pages),
        cmocka_unit_test(encodings_by_meta),
        cmocka_unit_test(depth_has_a_limit_and_a_partial_result),
        cmocka_unit_test(attributes_have_a_limit),
        cmocka_unit_test(memory_has_a_limit),
        cmocka_unit_test(strange_bytes),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
