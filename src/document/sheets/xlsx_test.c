#include "document/testing.h"
#include "document/text/charset.h"
#include "document/zip_testing.h"

#define RELATION(id, type, target)                                                                                     \
    "<Relationship Id='" id "' Type='http://x/relationships/" type "' Target='" target "'/>"
#define SHEET(name, id) "<sheet name='" name "' sheetId='1' r:id='" id "'/>"

/* What a case puts into a workbook of two sheets and a chart. */
typedef struct Book {
    const char *cells, *strings, *styles, *properties; /* NULL: none */
} Book;

static void make_xlsx(ZipTesting *zip, const Book *book)
{
    CLEANUP(buffer_done) Buffer part = {0};
    zip_testing_part(zip, "_rels/.rels",
                     "<Relationships>" RELATION("r1", "officeDocument", "xl/workbook.xml") "</Relationships>");
    zip_testing_part(
        zip, "xl/_rels/workbook.xml.rels",
        "<Relationships>" RELATION("a", "worksheet", "/xl/worksheets/sheet1.xml") RELATION(
            "b", "chartsheet", "chartsheets/sheet1.xml") RELATION("c", "worksheet", "./x/../worksheets/sheet2.xml")
            RELATION("m", "worksheet", "worksheets/missing.xml") RELATION("s", "sharedStrings", "sharedStrings.xml")
                RELATION("t", "styles",
                         "styles.xml") "<Relationship Id='x' Type='http://x/worksheet' Target='http://127.0.0.1/s.xml' "
                                       "TargetMode='External'/></Relationships>");
    assert_ok(buffer_append_format(&part,
                                   "<workbook xmlns:r='http://x'>%s<sheets>" SHEET("First", "a") SHEET("Chart", "b")
                                       SHEET("Gone", "m") SHEET("Outside", "x") SHEET("No relation", "z")
                                           SHEET("Second", "c") "</sheets></workbook>",
                                   book->properties ? book->properties : ""));
    assert_non_null(buffer_cstr(&part));
    zip_testing_part(zip, "xl/workbook.xml", buffer_cstr(&part));
    buffer_clear(&part);
    assert_ok(buffer_append_format(
        &part, "<worksheet><dimension ref='A1:Z99'/><sheetData>%s</sheetData><c r='A9'><v>9</v></c></worksheet>",
        book->cells));
    assert_non_null(buffer_cstr(&part));
    zip_testing_part(zip, "xl/worksheets/sheet1.xml", buffer_cstr(&part));
    zip_testing_part(
        zip, "xl/worksheets/sheet2.xml",
        "<worksheet><sheetData><row r='5'><c r='C5' t='str'><v>last</v></c></row></sheetData></worksheet>");
    zip_testing_part(zip, "xl/chartsheets/sheet1.xml", "<chartsheet/>");
    if (book->strings)
        zip_testing_part(zip, "xl/sharedStrings.xml", book->strings);
    if (book->styles)
        zip_testing_part(zip, "xl/styles.xml", book->styles);
}

MUST_USE static Error *partition_bytes(Bytes input, Elements *elements)
{
    Expansion expansion = expansion_for(input);
    PartitionOptions options = {.expansion = &expansion};
    return partition_xlsx(input, STR("xlsx"), &options, NULL, elements);
}

MUST_USE static Error *partition_book(const Book *book, Elements *elements)
{
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    make_xlsx(&zip, book);
    return partition_bytes(zip_testing_end(&zip), elements);
}

#define LAST "Title last\n"

static void cells_have_values(void **state)
{
    (void)state;
    static const char strings[] =
        "<sst count='9'><si><t>plain</t></si><si><r><rPr><b/></rPr><t>rich </t></r><r><t xml:space='preserve'> text</t></r>"
        "<rPh><t>said</t></rPh></si><si/><si><t>a_x005F_x000D_b &amp; c</t></si></sst>";
    static const char styles[] =
        "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='yyyy\\-mm'/><numFmt numFmtId='165' formatCode='[h]:mm'/></numFmts>"
        "<cellStyleXfs><xf numFmtId='14'/><xf numFmtId='14'/></cellStyleXfs>"
        "<cellXfs><xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='164'/><xf numFmtId='165'/></cellXfs><dxfs><xf/></dxfs></styleSheet>";
    static const struct {
        const char *name;
        Book book;
        const char *expected;
    } cases[] = {
        {"empty", {"", NULL, NULL, NULL}, LAST},
        {"shared strings",
         {"<row><c t='s'><v>0</v></c><c t='s'><v> 1 </v></c><c t='s'><v>2</v></c><c t='s'><v>3</v></c></row>", strings,
          NULL, NULL},
         "Table plain rich text a_x000D_b & c\n" LAST},
        {"inline strings",
         {"<row r='1'><c r='A1' t='inlineStr'><is><t>in</t></is></c><c r='B1' t='inlineStr'><is><r><t>li</t></r><r><t>ne</t></r></is></c></row>",
          NULL, NULL, NULL},
         "Table in line\n" LAST},
        {"numbers, truth, errors",
         {"<row r='1'><c r='A1'><v>1</v></c><c r='B1'><v>2.50</v></c><c r='C1' t='b'><v>1</v></c><c r='D1' t='e'><v>#N/A</v></c><c r='E1' t='n'><v>1E3</v></c></row>",
          NULL, NULL, NULL},
         "Table 1 2.5 True 1000\n" LAST},
        {"values of formulas",
         {"<row r='1'><c r='A1'><f>1+1</f><v>2</v></c><c r='B1' t='str'><f>A1&amp;\"x\"</f><v>2x</v></c><c r='C1'><f>NOW()</f></c></row>",
          NULL, NULL, NULL},
         "Table 2 2x\n" LAST},
        {"dates by style",
         {"<row r='1'><c r='A1' s='1'><v>43831</v></c><c r='B1' s='2'><v>43831.5</v></c><c r='C1' s='3'><v>1.25</v></c><c r='D1' s='0'><v>43831</v></c><c r='E1' s='99'><v>7</v></c></row>",
          NULL, styles, NULL},
         "Table 2020-01-01 2020-01-01 12:00:00 1 days 06:00:00 43831 7\n" LAST},
        {"dates of 1904",
         {"<row r='1'><c r='A1' s='1'><v>42369</v></c><c r='B1'><v>1</v></c></row>", NULL, styles,
          "<workbookPr date1904='1'/>"},
         "Table 2020-01-01 1\n" LAST},
        {"dates that are none",
         {"<row r='1'><c r='A1' s='1'><v>1e9</v></c><c r='B1'><v>1</v></c></row>", NULL, styles, NULL},
         "UncategorizedText 1\n" LAST},
        {"dates in ISO 8601",
         {"<row r='1'><c r='A1' t='d'><v>2020-01-02T03:04:05Z</v></c><c r='B1' t='d'><v>soon</v></c></row>", NULL, NULL,
          NULL},
         "Table 2020-01-02 03:04:05 soon\n" LAST},
        {"cells without names",
         {"<row><c><v>1</v></c><c r='C1'><v>3</v></c><c><v>4</v></c></row><row><c><v>5</v></c><c><v>6</v></c></row>",
          NULL, NULL, NULL},
         "Table 1 3.0 4.0 5 6.0\n" LAST},
        {"rows that stand the wrong way",
         {"<row r='2'><c r='A2'><v>3</v></c><c r='B2'><v>4</v></c></row><row r='1'><c r='B1'><v>2</v></c><c r='A1'><v>1</v></c></row>",
          NULL, NULL, NULL},
         "Table 1 2 3 4\n" LAST},
        {"many empty cells",
         {"<row r='1'><c r='A1' s='1'/><c r='B1'><v/></c><c r='XFD1'/></row>", NULL, NULL, NULL},
         LAST},
        {"the last corner",
         {"<row r='1'><c r='A1' t='str'><v>One</v></c></row><row r='1048576'><c r='XFD1048576' t='str'><v>Corner</v></c></row>",
          NULL, NULL, NULL},
         "Title One\nTitle Corner\n" LAST},
        {"numbers that are none",
         {"<row r='1'><c r='A1'><v>abc</v></c><c r='B1' t='new'><v>x</v></c></row>", NULL, NULL, NULL},
         "Table abc x\n" LAST},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(16 * MIB);
        Elements elements = {.arena = arena};
        Error *error = partition_book(&cases[i].book, &elements);
        if (error)
            print_error("%s\n", cases[i].name);
        assert_ok(error);
        assert_elements(cases[i].name, &elements, cases[i].expected);
        assert_int_equal(elements.items[elements.count - 1].page_number,
                         2); /* charts and what is missing do not count */
        assert_str(element_rare(&elements.items[elements.count - 1])->page_name, "Second");
    }
}

static void a_table_has_html(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(16 * MIB);
    Elements elements = {.arena = arena};
    Book book = {.cells = "<row r='1'><c r='B1' t='str'><v>a &lt; b</v></c><c r='C1' t='str'><v>l1\nl2</v></c></row>"
                          "<row r='2'><c r='C2'><v>7</v></c><c r='D2'><v>8</v></c></row>"};
    assert_ok(partition_book(&book, &elements));
    assert_str(elements.items[0].text_as_html,
               "<table><tr><td>a &lt; b</td><td>l1\\nl2</td><td/></tr><tr><td/><td>7</td><td>8.0</td></tr></table>");
    assert_str(element_rare(&elements.items[0])->page_name, "First");
    assert_int_equal(elements.items[0].page_number, 1);
}

static void bad_workbooks_are_refused(void **state)
{
    (void)state;
    static const struct {
        Book book;
        ErrorCode code;
        const char *saying;
    } cases[] = {
        {{"<row r='1'><c t='s'><v>7</v></c></row>", NULL, NULL, NULL},
         ERR_CORRUPT,
         "sheet 'First': row 1: there is no shared string 7, only 0"},
        {{"<row r='1'><c t='s'><v>x</v></c></row>", NULL, NULL, NULL},
         ERR_CORRUPT,
         "'x' is no number of a shared string"},
        {{"<row r='0'/>", NULL, NULL, NULL}, ERR_CORRUPT, "row 0 is not in a sheet"},
        {{"<row r='1048577'/>", NULL, NULL, NULL}, ERR_CORRUPT, "row 1048577"},
        {{"<row r='x'/>", NULL, NULL, NULL}, ERR_CORRUPT, "'x' is no row"},
        {{"<row r='1'><c r='XFE1'><v>1</v></c></row>", NULL, NULL, NULL}, ERR_CORRUPT, "'XFE1' is no cell"},
        {{"<row r='1'><c r='11'><v>1</v></c></row>", NULL, NULL, NULL}, ERR_CORRUPT, "'11' is no cell"},
        {{"<row r='1'><c r='XFD1'><v>1</v></c><c><v>1</v></c></row>", NULL, NULL, NULL},
         ERR_CORRUPT,
         "more than 16384 columns"},
        {{"<row><c><v>1</row>", NULL, NULL, NULL}, ERR_CORRUPT, "sheet 'First'"},
        {{"", "<sst><si><t>a</si></sst>", NULL, NULL}, ERR_CORRUPT, "'xl/sharedStrings.xml'"},
        {{"", NULL, "<styleSheet>", NULL}, ERR_CORRUPT, "'xl/styles.xml'"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(16 * MIB);
        Elements elements = {.arena = arena};
        assert_fails_saying(partition_book(&cases[i].book, &elements), cases[i].code, cases[i].saying);
    }
}

static void what_was_read_before_stays(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(16 * MIB);
    Elements elements = {.arena = arena};
    Book book = {
        .cells = "<row r='1'><c r='A1' t='str'><v>Heading</v></c></row><row r='2'><c r='A2' t='s'><v>7</v></c></row>"};
    assert_fails(partition_book(&book, &elements), ERR_CORRUPT);
    assert_elements("partial", &elements, "Title Heading\n");
}

static void no_workbook(void **state)
{
    (void)state;
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(16 * MIB);
    Elements elements = {.arena = arena};
    assert_fails(partition_bytes(str_bytes(STR("PK\3\4 and no more")), &elements), ERR_CORRUPT);
    zip_testing_part(&zip, "other.xml", "<a/>");
    assert_fails_saying(partition_bytes(zip_testing_end(&zip), &elements), ERR_CORRUPT,
                        "the workbook, 'xl/workbook.xml', is missing");
    assert_int_equal(elements.count, 0);
}

/* One of the parts unpacks to more than the document may. */
static void a_bomb_meets_its_limit(void **state)
{
    (void)state;
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    CLEANUP(buffer_done) Buffer strings = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    Elements elements = {.arena = arena};
    assert_ok(buffer_append_str(&strings, STR("<sst><si><t>")));
    while (strings.len < 9 * MIB)
        assert_ok(buffer_append_str(&strings, STR("                                                                ")));
    assert_ok(buffer_append_str(&strings, STR("</t></si></sst>")));
    assert_non_null(buffer_cstr(&strings));
    make_xlsx(&zip, &(Book){.cells = "", .strings = buffer_cstr(&strings)});
    assert_fails_saying(partition_bytes(zip_testing_end(&zip), &elements), ERR_LIMIT, "xl/sharedStrings.xml");
}

static int warm_up(void **state)
{
    (void)state;
    assert_ok(charset_warm_up());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cells_have_values),
                                       cmocka_unit_test(a_table_has_html),
                                       cmocka_unit_test(bad_workbooks_are_refused),
                                       cmocka_unit_test(what_was_read_before_stays),
                                       cmocka_unit_test(no_workbook),
                                       cmocka_unit_test(a_bomb_meets_its_limit)};
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
