#include "document/testing.h"
#include "document/text/charset.h"
#include "document/zip_testing.h"

#define RELATION(id, type, target)                                                                                     \
    "<Relationship Id='" id "' Type='http://x/relationships/" type "' Target='" target "'/>"
#define R "xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'"
#define RUN(text) "<a:r><a:rPr><a:t>no</a:t></a:rPr><a:t>" text "</a:t></a:r>"
#define P(text) "<a:p>" RUN(text) "<a:endParaRPr/></a:p>"
#define LEVEL(level, text) "<a:p><a:pPr lvl='" level "'/>" RUN(text) "</a:p>"
#define BULLET(level, text) "<a:p><a:pPr lvl='" level "'><a:buFont/><a:buChar char='x'/></a:pPr>" RUN(text) "</a:p>"
#define AT(x, y) "<p:spPr><a:xfrm><a:off x='" x "' y='" y "'/><a:ext cx='1' cy='1'/></a:xfrm></p:spPr>"
#define SP(place, paragraphs)                                                                                          \
    "<p:sp><p:nvSpPr><p:cNvPr id='2' name='n'/></p:nvSpPr>" place "<p:style><a:p/></p:style><p:txBody><a:bodyPr/>"     \
    "<a:lstStyle><a:lvl1pPr><a:buChar char='x'/></a:lvl1pPr></a:lstStyle>" paragraphs "</p:txBody></p:sp>"
#define PH(attributes, place, paragraphs)                                                                              \
    "<p:sp><p:nvSpPr><p:nvPr><p:ph " attributes "/></p:nvPr></p:nvSpPr>" place "<p:txBody>" paragraphs                 \
    "</p:txBody></p:sp>"
#define TC(paragraphs) "<a:tc><a:txBody><a:bodyPr/>" paragraphs "</a:txBody><a:tcPr/></a:tc>"
#define TABLE(x, y, rows)                                                                                              \
    "<p:graphicFrame><p:nvGraphicFramePr/><p:xfrm><a:off x='" x "' y='" y "'/></p:xfrm><a:graphic><a:graphicData>"     \
    "<a:tbl><a:tblPr/><a:tblGrid/>" rows "</a:tbl></a:graphicData></a:graphic></p:graphicFrame>"
#define TREE(shapes) "<p:cSld><p:spTree><p:nvGrpSpPr/><p:grpSpPr/>" shapes "</p:spTree></p:cSld>"

/* A presentation of this slide, one that is missing, one outside, and a last one that is hidden. */
static void make_pptx(ZipTesting *zip, const char *shapes)
{
    CLEANUP(buffer_done) Buffer slide = {0};
    assert_ok(
        buffer_append_format(&slide, "<p:sld>" TREE("%s") "<p:sp>" P("outside the tree") "</p:sp></p:sld>", shapes));
    assert_non_null(buffer_cstr(&slide));
    zip_testing_part(zip, "_rels/.rels",
                     "<Relationships>" RELATION("r1", "officeDocument", "ppt/presentation.xml") "</Relationships>");
    zip_testing_part(zip, "ppt/presentation.xml",
                     "<p:presentation " R
                     "><p:sldMasterIdLst><p:sldMasterId id='1' r:id='m'/></p:sldMasterIdLst><p:sldIdLst>"
                     "<p:sldId id='256' r:id='b'/><p:sldId id='257' r:id='gone'/><p:sldId id='258' r:id='out'/>"
                     "<p:sldId id='259'/><p:sldId id='260' r:id='a'/></p:sldIdLst></p:presentation>");
    zip_testing_part(
        zip, "ppt/_rels/presentation.xml.rels",
        "<Relationships>" RELATION("a", "slide", "slides/slide1.xml") RELATION("b", "slide", "slides/slide2.xml") RELATION(
            "gone", "slide",
            "slides/slide9.xml") "<Relationship Id='out' Type='http://x/slide' Target='file:///etc/passwd' TargetMode='External'/></Relationships>");
    zip_testing_part(zip, "ppt/slides/slide2.xml", buffer_cstr(&slide));
    zip_testing_part(zip, "ppt/slides/slide1.xml", "<p:sld show='0'>" TREE(SP("", P("Hidden"))) "</p:sld>");
    zip_testing_part(
        zip, "ppt/slides/_rels/slide2.xml.rels",
        "<Relationships>" RELATION("l", "slideLayout", "../slideLayouts/slideLayout1.xml") "</Relationships>");
    zip_testing_part(zip, "ppt/slideLayouts/slideLayout1.xml",
                     "<p:sldLayout>" TREE(PH("type='title'", "<p:spPr/>", "") PH("type='body' idx='1'", "<p:spPr/>", "")
                                              PH("type='ftr' idx='11'", AT("5", "9000"), "")
                                                  SP(AT("7", "7"), "")) "</p:sldLayout>");
    zip_testing_part(
        zip, "ppt/slideLayouts/_rels/slideLayout1.xml.rels",
        "<Relationships>" RELATION("m", "slideMaster", "../slideMasters/slideMaster1.xml") "</Relationships>");
    zip_testing_part(zip, "ppt/slideMasters/slideMaster1.xml",
                     "<p:sldMaster>" TREE(PH("type='title'", AT("5", "100"), P("Master"))
                                              PH("type='body' idx='1'", AT("5", "500"), "")) "</p:sldMaster>");
}

MUST_USE static Error *partition_shapes(const char *shapes, Elements *elements)
{
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    make_pptx(&zip, shapes);
    Bytes input = zip_testing_end(&zip);
    Expansion expansion = expansion_for(input);
    PartitionOptions options = {.expansion = &expansion};
    return partition_pptx(input, STR("pptx"), &options, NULL, elements);
}

#define LAST "PageBreak \nTitle:1 Hidden\n"

static void shapes_become_elements(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"nothing", "", LAST},
        {"types",
         SP("", BULLET("1", "An item") P("someone@example.org writes") P("This text tells what it is about.")
                    LEVEL("2", "A short line") P("  ") P("12,345,678") "<a:p/>"),
         "ListItem:1 An item\nEmailAddress:0 someone@example.org writes\nNarrativeText:0 This text tells what it is about.\n"
         "Title:3 A short line\nUncategorizedText:0 12,345,678\n" LAST},
        {"a title's paragraphs",
         PH("type='title'", "",
            P("First") BULLET("1", "Item") P("a@example.org") P("Second") LEVEL("3", "This text tells something.")),
         "Title:0 First\nListItem:1 Item\nEmailAddress:1 a@example.org\nTitle:1 Second\nTitle:2 This text tells something.\n" LAST},
        {"runs, fields, breaks",
         SP("", "<a:p>" RUN("One") RUN(
                    " two") "<a:br><a:rPr/></a:br><a:fld type='slidenum'><a:rPr/><a:pPr lvl='4'/><a:t>3</a:t></a:fld>"
                            "<m:oMath><a:t>x</a:t></m:oMath></a:p>"),
         "Title:1 One two\v3\n" LAST},
        {"from top to bottom, left to right",
         SP(AT("900", "100"), P("Two")) SP(AT("1", "200"), P("Three")) SP(AT("10", "100"), P("One"))
             SP(AT("1", "200"), P("Four")) SP("", P("Zero")),
         "Title:1 Zero\nTitle:1 One\nTitle:1 Two\nTitle:1 Three\nTitle:1 Four\n" LAST},
        {"places of the layout and the master",
         PH("type='ftr' idx='11'", "", P("Footer")) PH("idx='1'", "", P("Body")) SP(AT("1", "300"), P("Between"))
             PH("type='title'", "<p:spPr/>", P("Head")) PH("idx='77'", "", P("Unknown")),
         "Title:1 Unknown\nTitle:0 Head\nTitle:1 Between\nTitle:1 Body\nTitle:1 Footer\n" LAST},
        {"groups",
         SP(AT("1", "50"), P("Second")) "<p:grpSp><p:nvGrpSpPr/><p:grpSpPr><a:xfrm><a:off x='1' y='999'/></a:xfrm></p:grpSpPr>" SP(
             AT("1", "10"), P("First")) "<p:grpSp>" PH("type='title'", "", P("No title here")) "</p:grpSp></p:grpSp>",
         "Title:1 No title here\nTitle:1 First\nTitle:1 Second\n" LAST},
        {"off the slide", SP(AT("-5", "100"), P("Left")) SP(AT("5", "-100"), P("Above")) SP(AT("0", "-100"), P("Edge")),
         "Title:1 Edge\n" LAST},
        {"what is left out",
         "<p:pic><p:txBody>" P("a") "</p:txBody></p:pic><p:cxnSp/><mc:AlternateContent><mc:Choice>" SP(
             "", P("b")) "</mc:Choice></mc:AlternateContent>"
                         "<p:graphicFrame><a:graphic><a:graphicData><c:chart/><p:oleObj>" SP(
                             "", P("c")) "</p:oleObj></a:graphicData></a:graphic></p:graphicFrame>",
         LAST},
        {"a table",
         TABLE("1", "1",
               "<a:tr>" TC(P("a")) TC(P("b") P(" c  d ")) "</a:tr><a:tr>" TC("<a:p/>") TC(P("&lt;e&gt;")) "</a:tr>"),
         "Table a b c d <e>\n" LAST},
        {"an empty table", TABLE("1", "1", "<a:tr>" TC("<a:p/>") "</a:tr>"), LAST},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(16 * MIB);
        Elements elements = {.arena = arena};
        assert_ok(partition_shapes(cases[i].input, &elements));
        assert_elements(cases[i].name, &elements, cases[i].expected);
        assert_int_equal(elements.items[elements.count - 1].page_number, 4);
        assert_int_equal(elements.items[0].page_number, elements.count > 2 ? 1 : 3);
    }
}

static void a_table_has_html(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(16 * MIB);
    Elements elements = {.arena = arena};
    assert_ok(partition_shapes(TABLE("1", "1",
                                     "<a:tr>" TC(P("a")) TC(P("b") P(" c  d ")) "</a:tr><a:tr>" TC("<a:p/>")
                                         TC(P("&lt;e&gt;")) "</a:tr>"),
                               &elements));
    assert_str(elements.items[0].text_as_html,
               "<table><tr><td>a</td><td>b<br/> c d</td></tr><tr><td/><td>&lt;e&gt;</td></tr></table>");
}

static void a_page_break_is_of_the_page_before(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(16 * MIB);
    Elements elements = {.arena = arena};
    assert_ok(partition_shapes(SP("", P("One")), &elements));
    assert_elements("breaks", &elements, "Title:1 One\n" LAST);
    assert_int_equal(elements.items[1].page_number, 3);
}

static void bad_presentations_are_refused(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(16 * MIB);
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    Elements elements = {.arena = arena};
    assert_fails_saying(partition_shapes(SP("", P("Before")) "<p:sp><p:txBody><a:p></p:sp>", &elements), ERR_CORRUPT,
                        "slide 1: ");
    assert_elements("partial", &elements, "Title:1 Before\n");
    zip_testing_part(&zip, "ppt/other.xml", "<a/>");
    Bytes input = zip_testing_end(&zip);
    Expansion expansion = expansion_for(input);
    PartitionOptions options = {.expansion = &expansion};
    assert_fails_saying(partition_pptx(input, STR("pptx"), &options, NULL, &elements), ERR_CORRUPT,
                        "the presentation, 'ppt/presentation.xml', is missing");
    assert_fails(partition_pptx(str_bytes(STR("PK")), STR("pptx"), &options, NULL, &elements), ERR_CORRUPT);
}

static int warm_up(void **state)
{
    (void)state;
    assert_ok(charset_warm_up());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shapes_become_elements), cmocka_unit_test(a_table_has_html),
                                       cmocka_unit_test(a_page_break_is_of_the_page_before),
                                       cmocka_unit_test(bad_presentations_are_refused)};
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
