#include "document/testing.h"
#include "document/text/charset.h"
#include "document/zip_testing.h"

#define NAMESPACES                                                                                                     \
    "xmlns:office='o' xmlns:text='t' xmlns:table='b' xmlns:style='s' xmlns:fo='f' xmlns:xlink='x' xmlns:draw='d'"
#define P(text) "<text:p>" text "</text:p>"
#define SPAN(style, text) "<text:span text:style-name='" style "'>" text "</text:span>"
#define STYLE(name, properties)                                                                                        \
    "<style:style style:name='" name "' style:family='text'><style:text-properties " properties "/></style:style>"

static void make_odt(ZipTesting *zip, const char *text)
{
    CLEANUP(buffer_done) Buffer content = {0};
    assert_ok(buffer_append_format(
        &content,
        "<office:document-content " NAMESPACES
        "><office:automatic-styles>" STYLE("B", "fo:font-weight='bold'") STYLE("I", "fo:font-style='italic'") STYLE(
            "Both", "fo:font-weight='700' fo:font-style='oblique'") STYLE("Over", "fo:font-weight='normal'")
            STYLE("U", "style:text-underline-style='solid'") "<style:style style:name='P' style:family='paragraph'>"
                                                             "<style:text-properties fo:font-weight='bold'/>"
                                                             "</style:style></office:automatic-styles>"
                                                             "<office:body><office:text>%s</office:text></office:body>"
                                                             "</office:document-content>",
        text));
    assert_non_null(buffer_cstr(&content));
    zip_testing_add(
        zip, (ZipTestingMember){.name = STR("mimetype"), .content = STR("application/vnd.oasis.opendocument.text")});
    zip_testing_part(zip, "content.xml", buffer_cstr(&content));
    zip_testing_part(zip, "styles.xml",
                     "<office:document-styles " NAMESPACES "><office:styles>" STYLE("Strong", "fo:font-weight='bold'")
                         STYLE("Over", "fo:font-weight='bold'") "</office:styles><office:master-styles><text:p>header"
                                                                "</text:p></office:master-styles>"
                                                                "</office:document-styles>");
}

MUST_USE static Error *partition_bytes(Bytes input, size_t text_max_bytes, Elements *elements)
{
    Expansion expansion = expansion_for(input);
    PartitionOptions options = {.text_max_bytes = text_max_bytes, .expansion = &expansion};
    return partition_odt(input, STR("odt"), &options, NULL, elements);
}

MUST_USE static Error *partition_body(const char *text, size_t text_max_bytes, Elements *elements)
{
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    make_odt(&zip, text);
    return partition_bytes(zip_testing_end(&zip), text_max_bytes, elements);
}

static void blocks_become_elements(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"heading", "<text:h text:outline-level='2'>A <text:bookmark/>head</text:h>", "Title:1 A head\n"},
        {"without a level", "<text:h>Head</text:h>", "Title:0 Head\n"},
        {"too deep a heading", "<text:h text:outline-level='10'>Head</text:h>", "UncategorizedText:0 Head\n"},
        {"narrative", P("The dog barked at the man."), "NarrativeText:0 The dog barked at the man.\n"},
        {"blank", P(" ") "<text:p/>", ""},
        {"white space", P("a  b\n<text:tab/>c<text:s/>d<text:s text:c='3'/>e <text:s/>f<text:line-break/>g"),
         "UncategorizedText:0 a b c d   e f\ng\n"},
        {"bullet", P("\xE2\x80\xA2 Item") P("\xE2\x80\xA2"), "ListItem:0 Item\n"},
        {"lists",
         "<text:list><text:list-header>" P("h") "</text:list-header><text:list-item>" P(
             "a") "<text:list>"
                  "<text:list-item>" P(
                      "b") "</text:list-item></text:list></text:list-item><text:list-item><text:h>c</text:h>"
                           "</text:list-item></text:list>",
         "ListItem:0 h\nListItem:0 a\nListItem:1 b\nListItem:0 c\n"},
        {"section", "<text:section>" P("Inside") "</text:section>", "UncategorizedText:0 Inside\n"},
        {"what is left out",
         "<text:tracked-changes>" P("x") "</text:tracked-changes><text:table-of-content><text:index-body>" P("y") "</text:index-body></text:table-of-content><draw:frame>" P(
             "z") "</draw:frame>" P("a<text:note>" P("n") "</text:note><office:annotation>" P("c") "</office:annotation>"
                                                                                                   "<text:date>2020</text:date><draw:frame>" P(
                                                                                                       "f") "</draw:frame>b"),
         "UncategorizedText:0 ab\n"},
        {"references", P("see <text:bookmark-ref>this</text:bookmark-ref> <text:sequence>7</text:sequence>"),
         "NarrativeText:0 see this 7\n"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        Elements elements = {.arena = arena};
        assert_ok(partition_body(cases[i].input, 0, &elements));
        assert_elements(cases[i].name, &elements, cases[i].expected);
    }
}

/* Emphasis as "b:text|i:text|", links as "url:text:start". */
static void emphasis_and_links(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"a " SPAN("B", " bold ") SPAN("I", "it"), "b:bold|i:it|"},
        {SPAN("B", "x") SPAN("Strong", "y"), "b:xy|"},
        {SPAN("I", "i " SPAN("B", "both") " i"), "i:i|b:both|i:both|i:i|"},
        {SPAN("Both", "x") " " SPAN("U", "y") SPAN("none", "z") SPAN("Over", "w"), "b:x|i:x|i:y|"},
        {SPAN("B", "a<text:line-break/>b"), "b:a|b:b|"},
        {SPAN("B", "a <text:a xlink:href='http://h'>l" SPAN("I", "k") "</text:a> b"), "b:a|b:b|http://h:lk:2|"},
        {"\xC3\xA4 <text:a xlink:href='../f.odt'>f</text:a><text:a xlink:href='#x'>x</text:a><text:a>y</text:a>",
         "f.odt:f:2|"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        CLEANUP(buffer_done) Buffer body = {0}, got = {0};
        Elements elements = {.arena = arena};
        assert_ok(buffer_append_format(&body, "<text:p text:style-name='P'>%s</text:p>", cases[i].text));
        assert_non_null(buffer_cstr(&body));
        assert_ok(partition_body(buffer_cstr(&body), 0, &elements));
        assert_int_equal(elements.count, 1);
        const Element *e = &elements.items[0];
        for (size_t k = 0; k < element_rare(e)->emphasized_contents.count; k++)
            assert_ok(buffer_append_format(&got, STR_FMT ":" STR_FMT "|",
                                           STR_ARG(element_rare(e)->emphasized_tags.items[k]),
                                           STR_ARG(element_rare(e)->emphasized_contents.items[k])));
        for (size_t k = 0; k < element_rare(e)->link_count; k++)
            assert_ok(buffer_append_format(&got, STR_FMT ":" STR_FMT ":%d|", STR_ARG(element_rare(e)->links[k].url),
                                           STR_ARG(element_rare(e)->links[k].text),
                                           (int)element_rare(e)->links[k].start_index));
        assert_str(buffer_str(&got), cases[i].expected);
    }
}

#define CELL(attributes, content) "<table:table-cell " attributes ">" content "</table:table-cell>"
#define ROW(content) "<table:table-row>" content "</table:table-row>"
#define TABLE(content) "<table:table>" content "</table:table>"

static void tables_have_text_and_html(void **state)
{
    (void)state;
    static const struct {
        const char *table, *text, *html;
    } cases[] = {
        {TABLE("<table:table-header-rows>" ROW(CELL("", P("a") P("b")) CELL(
             "", P("&lt;"))) "</table:table-header-rows>"
                             "<table:table-row-group>" ROW(CELL("", "")) "</table:table-row-group>"),
         "a b <", "<table><tr><td>a b</td><td>&lt;</td></tr><tr><td/><td/></tr></table>"},
        {TABLE(ROW(CELL("table:number-columns-spanned='2'", P("a")) "<table:covered-table-cell/>" CELL(
             "table:number-rows-spanned='9'", P("b"))) ROW(CELL("", P("c")) CELL("", P("d")))),
         "a b c d", "<table><tr><td>a</td><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td><td>b</td></tr></table>"},
        {TABLE(ROW(CELL("table:number-columns-repeated='1000000000'", P("a")))), "a",
         "<table><tr><td>a</td></tr></table>"},
        {TABLE(ROW(CELL("", "<text:list><text:list-item>" P("l") "</text:list-item></text:list>" TABLE(
                                ROW(CELL("", P("n")) CELL("", P("m"))))))),
         "l n m", "<table><tr><td>l n m</td></tr></table>"},
        {TABLE(""), "", "<table></table>"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        Elements elements = {.arena = arena};
        assert_ok(partition_body(cases[i].table, 0, &elements));
        assert_int_equal(elements.count, 1);
        assert_str(elements.items[0].text, cases[i].text);
        assert_str(elements.items[0].text_as_html, cases[i].html);
    }
}

static void bombs_meet_limits(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
        size_t text_max_bytes;
    } cases[] = {
        {P("before") TABLE(ROW(CELL("table:number-columns-spanned='1000000000'", P("a"))) ROW("") ROW("") ROW("")),
         "1000000 cells", 0},
        {P("before") P("a<text:s text:c='1000000000'/>b"), "bytes", 100},
        {P("before") P("0123456789012345678901234567890123456789"), "text_max_bytes", 42},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        Elements elements = {.arena = arena};
        assert_fails_saying(partition_body(cases[i].text, cases[i].text_max_bytes, &elements), ERR_LIMIT,
                            cases[i].says);
        assert_str(elements.items[0].text, "before");
    }
}

static void what_is_no_odt(void **state)
{
    (void)state;
    static const struct {
        const char *part, *content;
        ErrorCode code;
        const char *says;
    } cases[] = {
        {"content.xml", "<a><body><text><p>", ERR_CORRUPT, "line 1"},
        {"content.xml", "<a/>", ERR_CORRUPT, "no text in the body"},
        {"other.xml", "<a/>", ERR_NOT_FOUND, "content.xml"},
        {"META-INF/manifest.xml", "<m><manifest:encryption-data/></m>", ERR_UNSUPPORTED, "encrypted"},
    };
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(zip_testing_done) ZipTesting zip = {0};
        zip_testing_part(&zip, cases[i].part, cases[i].content);
        assert_fails_saying(partition_bytes(zip_testing_end(&zip), 0, &elements), cases[i].code, cases[i].says);
    }
    assert_fails_saying(partition_bytes(str_bytes(STR("PK\3\4")), 0, &elements), ERR_CORRUPT, "cut off");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_become_elements),
        cmocka_unit_test(emphasis_and_links),
        cmocka_unit_test(tables_have_text_and_html),
        cmocka_unit_test(bombs_meet_limits),
        cmocka_unit_test(what_is_no_odt),
    };
    Error *error = charset_warm_up();
    if (error) {
        error_free(error);
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
