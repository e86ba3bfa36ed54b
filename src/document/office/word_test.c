#include "document/rules.h"
#include "document/testing.h"
#include "document/text/charset.h"
#include "document/zip_testing.h"

#define W "xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'"
#define R "xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'"
#define WP "xmlns:wp='http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing'"
#define RELATION(id, type, target) "<Relationship Id='" id "' Type='http://x/" type "' Target='" target "'/>"
#define OUTSIDE(id, type, target)                                                                                      \
    "<Relationship Id='" id "' Type='http://x/" type "' Target='" target "' TargetMode='External'/>"
#define P(text) "<w:p><w:r><w:t>" text "</w:t></w:r></w:p>"
#define STYLED(style, text) "<w:p><w:pPr><w:pStyle w:val='" style "'/></w:pPr><w:r><w:t>" text "</w:t></w:r></w:p>"
#define BREAK "<w:lastRenderedPageBreak/>"

static const char styles[] =
    "<w:styles " W "><w:style w:type='paragraph' w:default='1' w:styleId='N'><w:name w:val='Normal'/></w:style>"
    "<w:style w:type='character' w:styleId='H2'><w:name w:val='Quote'/></w:style>"
    "<w:style w:type='paragraph' w:styleId='H2'><w:name w:val='heading 2'/></w:style>"
    "<w:style w:type='paragraph' w:styleId='H2'><w:name w:val='Title'/></w:style>"
    "<w:style w:type='paragraph' w:styleId='T'><w:name w:val='Title'/></w:style>"
    "<w:style w:type='paragraph' w:styleId='S'><w:name w:val='Subtitle'/></w:style>"
    "<w:style w:type='paragraph' w:styleId='L3'><w:name w:val='List Bullet 3'/></w:style>"
    "<w:style w:type='paragraph' w:styleId='C'><w:name w:val='caption'/></w:style>"
    "<w:style w:type='paragraph' w:styleId='X'><w:name w:val='Heading Large'/></w:style></w:styles>";

static const char relations[] = "<Relationships>" RELATION("s", "styles", "styles.xml")
    RELATION("e", "settings", "settings.xml") RELATION("h1", "header", "header1.xml")
        RELATION("h2", "header", "header2.xml") RELATION("f1", "footer", "footer1.xml")
            RELATION("none", "header", "missing.xml") OUTSIDE("hx", "header", "http://127.0.0.1/header.xml")
                OUTSIDE("u", "hyperlink", "https://example.org/a") "</Relationships>";

/* A document with this body, and the parts that the relations name. */
static void make_docx(ZipTesting *zip, const char *body)
{
    CLEANUP(buffer_done) Buffer document = {0};
    assert_ok(buffer_append_format(&document, "<w:document " W " " R " " WP "><w:body>%s</w:body></w:document>", body));
    assert_non_null(buffer_cstr(&document));
    zip_testing_part(zip, "_rels/.rels",
                     "<Relationships>" RELATION("r1", "officeDocument", "/word/document.xml") "</Relationships>");
    zip_testing_part(zip, "word/document.xml", buffer_cstr(&document));
    zip_testing_part(zip, "word/_rels/document.xml.rels", relations);
    zip_testing_part(zip, "word/styles.xml", styles);
    zip_testing_part(zip, "word/settings.xml",
                     "<w:settings " W "><w:attachedTemplate/><w:evenAndOddHeaders/></w:settings>");
    zip_testing_part(zip, "word/_rels/settings.xml.rels",
                     "<Relationships>" OUTSIDE("t", "attachedTemplate", "http://127.0.0.1/t.dotm") "</Relationships>");
    zip_testing_part(zip, "word/header1.xml", "<w:hdr " W ">" P(" One ") "<w:p/>" P("Two") "</w:hdr>");
    zip_testing_part(zip, "word/header2.xml",
                     "<w:hdr " W "><w:tbl><w:tr><w:tc>" P("a") "</w:tc><w:tc>" P("b") "</w:tc></w:tr></w:tbl></w:hdr>");
    zip_testing_part(zip, "word/footer1.xml", "<w:ftr " W ">" P("Foot") "</w:ftr>");
}

MUST_USE static Error *partition_bytes(Bytes input, const PartitionOptions *wanted, Elements *elements)
{
    PartitionOptions options = *wanted;
    Expansion expansion = expansion_for(input);
    options.expansion = &expansion;
    return partition_docx(input, STR("docx"), &options, NULL, elements);
}

MUST_USE static Error *partition_body(const char *body, PartitionOptions options, Elements *elements)
{
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    make_docx(&zip, body);
    return partition_bytes(zip_testing_end(&zip), &options, elements);
}

static void assert_bodies(const PartitionCase *cases, size_t count, PartitionOptions options)
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        Elements elements = {.arena = arena};
        assert_ok(partition_body(cases[i].input, options, &elements));
        assert_elements(cases[i].name, &elements, cases[i].expected);
    }
}

static void paragraphs_have_types(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"text", P("The dog barked at the man."), "NarrativeText:0 The dog barked at the man.\n"},
        {"not trimmed", P(" Short  "), "UncategorizedText:0  Short  \n"},
        {"blank", P(" ") "<w:p/>" P("&#160;"), ""},
        {"one character", P("I"), "UncategorizedText:0 I\n"},
        {"address", P("Doylestown, PA 18901"), "Address:0 Doylestown, PA 18901\n"},
        {"mail", P("me@example.org"), "EmailAddress:0 me@example.org\n"},
        {"bullet", P("\xE2\x80\xA2 An item") P("\xE2\x80\xA2"), "ListItem:0 An item\n"},
        {"title", STYLED("T", "A Title"), "Title:0 A Title\n"},
        {"heading", STYLED("H2", "Second"), "Title:1 Second\n"},
        {"unknown heading", STYLED("X", "Third"), "UncategorizedText:0 Third\n"},
        {"subtitle", STYLED("S", "Sub"), "Title:1 Sub\n"},
        {"list style", STYLED("L3", "Item"), "ListItem:2 Item\n"},
        {"caption", STYLED("C", "The dog barked at the man."), "UncategorizedText:0 The dog barked at the man.\n"},
        {"no such style", STYLED("none", "Item"), "UncategorizedText:0 Item\n"},
        {"numbered",
         "<w:p><w:pPr><w:numPr><w:ilvl w:val='2'/><w:numId w:val='1'/></w:numPr></w:pPr>"
         "<w:r><w:t> - x</w:t></w:r></w:p>",
         "ListItem:2 x\n"},
        {"numbering taken away", "<w:p><w:pPr><w:pStyle w:val='T'/><w:numPr/></w:pPr><w:r><w:t>x</w:t></w:r></w:p>",
         "Title:0 x\n"},
        {"run content",
         "<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:br w:type='page'/><w:cr/><w:t>d</w:t>"
         "<w:noBreakHyphen/><w:ptab/><w:t>e</w:t><w:sym w:char='41'/><w:instrText>x</w:instrText></w:r></w:p>",
         "UncategorizedText:0 a\tb\nc\nd-\te\n"},
        {"what is left out",
         "<w:p><w:ins><w:r><w:t>x</w:t></w:r></w:ins><w:sdt><w:sdtContent><w:r><w:t>y</w:t></w:r></w:sdtContent>"
         "</w:sdt><w:r><w:t>z</w:t></w:r></w:p><w:sdt><w:sdtContent>" P("q") "</w:sdtContent></w:sdt>",
         "UncategorizedText:0 z\n"},
        {"a drawing in the line",
         "<w:p><w:r><w:t>a</w:t><w:drawing><wp:inline><w:txbxContent>" P("b")
             P("c") "</w:txbxContent></wp:inline>"
                    "<wp:inline><w:r><w:t>no</w:t></w:r></wp:inline></w:drawing></w:r><w:r><w:t>d</w:t></w:r></w:p>",
         "UncategorizedText:0 abcd\n"},
        {"a floating drawing",
         "<w:p><w:r><w:t>a</w:t><w:drawing><wp:anchor><w:r><w:t>b</w:t></w:r></wp:anchor></w:drawing></w:r></w:p>",
         "UncategorizedText:0 a\n"},
    };
    assert_bodies(cases, ARRAY_COUNT(cases), (PartitionOptions){0});
}

static void older_rules_find_titles_in_text(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {{"title", P("Short Words"), "Title:0 Short Words\n"}};
    assert_bodies(cases, ARRAY_COUNT(cases), (PartitionOptions){.titles_from_text = true});
}

static void sections_have_headers_and_footers(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"of the body",
         P("x") "<w:sectPr><w:headerReference r:id='h1'/><w:footerReference w:type='default' r:id='f1'/></w:sectPr>",
         "Header:0 One\nTwo\nUncategorizedText:0 x\nFooter:0 Foot\n"},
        {"first page", P("x") "<w:sectPr><w:headerReference w:type='first' r:id='h2'/><w:titlePg/></w:sectPr>",
         "Header:0 a b\nUncategorizedText:0 x\n"},
        {"first page, not used",
         P("x") "<w:sectPr><w:headerReference w:type='first' r:id='h2'/><w:titlePg w:val='0'/></w:sectPr>",
         "UncategorizedText:0 x\n"},
        {"two sections",
         "<w:p><w:pPr><w:sectPr><w:headerReference r:id='h1'/></w:sectPr></w:pPr><w:r><w:t>x</w:t></w:r></w:p>" P(
             "y") "<w:sectPr><w:headerReference w:type='even' r:id='h2'/><w:footerReference r:id='f1'/></w:sectPr>" P("z"),
         "Header:0 One\nTwo\nUncategorizedText:0 x\nHeader:0 a b\nUncategorizedText:0 y\nUncategorizedText:0 z\n"
         "Footer:0 Foot\n"},
        {"outside, missing, unknown",
         P("x") "<w:sectPr><w:headerReference r:id='hx'/><w:headerReference w:type='first' r:id='none'/>"
                "<w:headerReference w:type='even' r:id='nothing'/><w:titlePg/></w:sectPr>",
         "UncategorizedText:0 x\n"},
    };
    assert_bodies(cases, ARRAY_COUNT(cases), (PartitionOptions){0});
}

/* The page of each element as a digit, "-" for none, "|" for a PageBreak. */
static void assert_pages(const char *body, const char *expected)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    CLEANUP(buffer_done) Buffer pages = {0};
    Elements elements = {.arena = arena};
    assert_ok(partition_body(body, (PartitionOptions){0}, &elements));
    for (size_t i = 0; i < elements.count; i++) {
        const Element *e = &elements.items[i];
        char page = e->page_number ? (char)('0' + e->page_number) : '-';
        assert_ok(buffer_append_byte(&pages, (uint8_t)(e->type == ELEMENT_PAGE_BREAK ? '|' : page)));
    }
    assert_str(buffer_str(&pages), expected);
}

static void page_breaks_cut_paragraphs(void **state)
{
    (void)state;
    static const struct {
        const char *body, *expected;
    } cases[] = {
        {P("a") P("b"), "--"},
        {P("a") "<w:p><w:r>" BREAK "<w:t>b</w:t></w:r></w:p>", "1|2"},
        {"<w:p><w:r><w:t>a</w:t>" BREAK "<w:t>b</w:t>" BREAK "</w:r><w:r><w:t>c</w:t></w:r></w:p>", "1|2|3"},
        {"<w:p><w:hyperlink><w:r><w:t>a</w:t>" BREAK "<w:t>b</w:t></w:r></w:hyperlink><w:r><w:t>c</w:t></w:r></w:p>",
         "1|2"},
        /* in a table it says that there are pages, and begins none */
        {P("a") "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>x</w:t>" BREAK "</w:r></w:p></w:tc></w:tr></w:tbl>" P("b"), "111"},
        {P("a") "<w:tbl><w:tr><w:tc><w:tbl><w:tr><w:tc><w:p><w:r>" BREAK "</w:r></w:p></w:tc></w:tr></w:tbl></w:tc>"
                "</w:tr></w:tbl>",
         "--"},
        {"<w:p><w:pPr><w:sectPr/></w:pPr><w:r><w:t>a</w:t></w:r></w:p><w:p><w:r>" BREAK "<w:t>b</w:t></w:r></w:p>"
         "<w:sectPr><w:type w:val='oddPage'/></w:sectPr>",
         "1||3"},
        {"<w:p><w:r>" BREAK "<w:t>b</w:t></w:r></w:p><w:sectPr><w:type w:val='oddPage'/></w:sectPr>", "|2"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_pages(cases[i].body, cases[i].expected);
}

static void emphasis_and_links(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    Elements elements = {.arena = arena};
    assert_ok(
        partition_body("<w:p><w:r><w:rPr><w:b/></w:rPr><w:t> bold </w:t></w:r><w:r><w:rPr><w:b w:val='1'/><w:i/>"
                       "</w:rPr><w:t>b\xC3\xB6th</w:t></w:r><w:r><w:rPr><w:b w:val='false'/></w:rPr><w:t> not </w:t>"
                       "</w:r><w:hyperlink r:id='u' w:anchor='x'><w:r><w:rPr><w:b/></w:rPr><w:t>here</w:t></w:r>"
                       "</w:hyperlink><w:hyperlink w:anchor='y'><w:r><w:t>inside</w:t></w:r></w:hyperlink>"
                       "<w:hyperlink r:id='none2'><w:r><w:t>nowhere</w:t></w:r></w:hyperlink></w:p>",
                       (PartitionOptions){0}, &elements));
    assert_int_equal(elements.count, 1);
    const Element *e = &elements.items[0];
    assert_int_equal(element_rare(e)->emphasized_contents.count, 3);
    assert_str(element_rare(e)->emphasized_contents.items[0], "bold");
    assert_str(element_rare(e)->emphasized_contents.items[2], "b\xC3\xB6th");
    assert_str(element_rare(e)->emphasized_tags.items[1], "b");
    assert_str(element_rare(e)->emphasized_tags.items[2], "i");
    assert_int_equal(element_rare(e)->link_count, 1);
    assert_str(element_rare(e)->links[0].text, "here");
    assert_str(element_rare(e)->links[0].url, "https://example.org/a#x");
    assert_int_equal(element_rare(e)->links[0].start_index, 15);
    assert_str(element_rare(e)->link_urls.items[0], "https://example.org/a#x");
}

#define TC(properties, content) "<w:tc><w:tcPr>" properties "</w:tcPr>" content "</w:tc>"
#define TR(content) "<w:tr>" content "</w:tr>"
#define TBL(content) "<w:tbl>" content "</w:tbl>"

static void tables_have_text_and_html(void **state)
{
    (void)state;
    static const struct {
        const char *table, *text, *html;
    } cases[] = {
        {TBL(TR(TC("", P(" a ") P("b")) TC("", P("<![CDATA[<c>]]>"))) TR(TC("", "<w:p/>") TC("", P("d\n e")))),
         "a b <c> d\n e", "<table><tr><td>a b</td><td>&lt;c&gt;</td></tr><tr><td/><td>d e</td></tr></table>"},
        {TBL(TR(TC("<w:gridSpan w:val='2'/>", P("a"))) TR(TC("<w:gridSpan w:val='x'/>", P("b")))), "a b",
         "<table><tr><td>a</td><td>a</td></tr><tr><td>b</td></tr></table>"},
        {TBL(TR(TC("<w:vMerge w:val='restart'/><w:gridSpan w:val='2'/>", P("a")) TC("", P("b")))
                 TR(TC("<w:vMerge/><w:gridSpan w:val='2'/>", P("hidden")) TC("", P("c")))
                     TR(TC("<w:vMerge w:val='continue'/>", "<w:p/>"))),
         "a b c",
         "<table><tr><td>a</td><td>a</td><td>b</td></tr><tr><td>a</td><td>a</td><td>c</td></tr>"
         "<tr><td>a</td><td>a</td></tr></table>"},
        {TBL(TR(TC("<w:vMerge/>", P("alone")))), "", "<table><tr><td/></tr></table>"},
        {TBL(TR("<w:trPr><w:gridBefore w:val='1'/><w:gridAfter w:val='2'/></w:trPr>" TC("", P("a")))), "a",
         "<table><tr><td/><td>a</td><td/><td/></tr></table>"},
        {TBL(TR(TC("", P("a") TBL(TR(TC("<w:gridSpan w:val='2'/>", P("b")) TC("", P("c")))) P("d")) TC("", P("e")))),
         "a b c d e", "<table><tr><td>a b b c d</td><td>e</td></tr></table>"},
        {"<w:tbl/>", "", "<table></table>"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        Elements elements = {.arena = arena};
        print_message("%zu\n", i);
        assert_ok(partition_body(cases[i].table, (PartitionOptions){0}, &elements));
        assert_int_equal(elements.count, 1);
        assert_int_equal(elements.items[0].type, ELEMENT_TABLE);
        assert_str(elements.items[0].text, cases[i].text);
        assert_str(elements.items[0].text_as_html, cases[i].html);
    }
}

/* Spans of 10^9, text without end, depth: each ends at its limit, what came before stays. */
static void bombs_meet_limits(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer deep = {0}, sections = {0};
    assert_ok(buffer_append_str(&deep, STR(P("before"))));
    for (int i = 0; i < 400; i++)
        assert_ok(buffer_append_str(&deep, STR("<w:tbl><w:tr><w:tc>")));
    const struct {
        const char *body, *says;
        size_t text_max_bytes;
    } cases[] = {
        {P("before") TBL(TR(TC("<w:gridSpan w:val='1000000000'/>", P("a")))), "1000000 cells", 0},
        {P("before") TBL(TR("<w:trPr><w:gridBefore w:val='1000000000'/></w:trPr>")), "1000000 cells", 0},
        /* nested spans multiply */
        {P("before") TBL(TR(TC(
             "", TBL(TR(TC("<w:gridSpan w:val='900'/>", TBL(TR(TC("<w:gridSpan w:val='900'/>", P("aaaaaaaa")))))))))),
         "table: more than the 1048576 bytes", MIB},
        {P("before") P("0123456789012345678901234567890123456789") P("0123456789012345678901234567890123456789"),
         "text_max_bytes", 60},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        Elements elements = {.arena = arena};
        PartitionOptions options = {.text_max_bytes = cases[i].text_max_bytes};
        assert_fails_saying(partition_body(cases[i].body, options, &elements), ERR_LIMIT, cases[i].says);
        assert_str(elements.items[0].text, "before");
    }
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    Elements elements = {.arena = arena};
    assert_non_null(buffer_cstr(&deep));
    assert_fails_saying(partition_body(buffer_cstr(&deep), (PartitionOptions){0}, &elements), ERR_LIMIT,
                        "256 elements in one another");
    assert_int_equal(elements.count, 1);
    for (int i = 0; i < 100 * 1000 + 1; i++)
        assert_ok(buffer_append_str(&sections, STR("<w:p><w:pPr><w:sectPr/></w:pPr></w:p>")));
    assert_non_null(buffer_cstr(&sections));
    assert_fails_saying(partition_body(buffer_cstr(&sections), (PartitionOptions){0}, &elements), ERR_LIMIT,
                        "100000 sections");
}

static void what_is_no_docx(void **state)
{
    (void)state;
    static const struct {
        const char *part, *content;
        ErrorCode code;
        const char *says;
    } cases[] = {
        {"word/document.xml", "<w:document " W "><w:body><w:p></w:body>", ERR_CORRUPT, "line 1"},
        {"word/document.xml", "<w:document " W "/>", ERR_CORRUPT, "no body"},
        {"word/document.xml", "", ERR_CORRUPT, "no element"},
        {"other.xml", "", ERR_NOT_FOUND, "word/document.xml"},
    };
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(zip_testing_done) ZipTesting zip = {0};
        zip_testing_part(&zip, cases[i].part, cases[i].content);
        assert_fails_saying(partition_bytes(zip_testing_end(&zip), &(PartitionOptions){0}, &elements), cases[i].code,
                            cases[i].says);
    }
    assert_fails_saying(partition_bytes(str_bytes(STR("PK\3\4...")), &(PartitionOptions){0}, &elements), ERR_CORRUPT,
                        "cut off");
    assert_fails_saying(partition_encrypted(BYTES_EMPTY, STR_EMPTY, &(PartitionOptions){0}, NULL, &elements),
                        ERR_UNSUPPORTED, "encrypted");
}

/* A file without relations and styles is read all the same, and one that is cut off gives what stands before. */
static void damaged_files_give_what_they_have(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(zip_testing_done) ZipTesting bare = {0}, strict = {0};
    Elements elements = {.arena = arena};
    zip_testing_part(&bare, "word/document.xml", "<w:document " W "><w:body>" P("x") "</w:body></w:document>");
    assert_ok(partition_bytes(zip_testing_end(&bare), &(PartitionOptions){0}, &elements));
    zip_testing_part(&strict, "word/document.xml",
                     "<d:document xmlns:d='http://purl.oclc.org/ooxml/wordprocessingml/main'><d:body><d:p><d:r><d:t>y"
                     "</d:t></d:r></d:p></d:body></d:document>");
    assert_ok(partition_bytes(zip_testing_end(&strict), &(PartitionOptions){0}, &elements));
    assert_elements("bare, strict", &elements, "UncategorizedText:0 x\nUncategorizedText:0 y\n");

    Elements cut = {.arena = arena};
    assert_fails(partition_body(P("x") "<w:p>", (PartitionOptions){0}, &cut), ERR_CORRUPT);
    assert_elements("cut off", &cut, "UncategorizedText:0 x\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paragraphs_have_types),
        cmocka_unit_test(older_rules_find_titles_in_text),
        cmocka_unit_test(sections_have_headers_and_footers),
        cmocka_unit_test(page_breaks_cut_paragraphs),
        cmocka_unit_test(emphasis_and_links),
        cmocka_unit_test(tables_have_text_and_html),
        cmocka_unit_test(bombs_meet_limits),
        cmocka_unit_test(what_is_no_docx),
        cmocka_unit_test(damaged_files_give_what_they_have),
    };
    Error *error = charset_warm_up();
    if (error) {
        error_free(error);
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
