/* Word 97-2003 documents that the test writes, to elements. */
#include <stdlib.h>

#include "document/ole_testing.h"
#include "document/testing.h"

enum { TEXT_AT = 1024, PAGE = 512 };

/* A document to be written. */
typedef struct DocSpec {
    const char *text;       /* in Windows-1252, with Word's marks; headers behind the body */
    const char *properties; /* of each paragraph, `|` between: put_properties */
    size_t header_chars;    /* at the end of the text */
    bool is_wide;
    unsigned flags;              /* of the header */
    unsigned version;            /* 0: 193 */
    size_t bold_first, bold_end; /* characters that are bold and italic */
} DocSpec;

static const char *const style_names[] = {"Normal", "heading 1", "Titel", "List Bullet 2", "Mein Stil", "caption"};
static const unsigned style_numbers[] = {0, 1, 62, 54, 0xFFE, 34};

static void set_u32(Buffer *out, size_t at, size_t value)
{
    for (unsigned i = 0; i < 4; i++)
        out->data[at + i] = (uint8_t)(value >> 8 * i);
}

/* Ends table `number`, which began at `start`, in the header of `file`. */
static void name_table(Buffer *file, const Buffer *table, unsigned number, size_t start)
{
    set_u32(file, 154 + number * 8, start);
    set_u32(file, 154 + number * 8 + 4, table->len - start);
}

static void put_styles(Buffer *file, Buffer *table)
{
    size_t start = table->len;
    ole_put(table, 4, 2), ole_put(table, ARRAY_COUNT(style_names), 2), ole_put(table, 10, 2);
    for (size_t i = 0; i < ARRAY_COUNT(style_names); i++) {
        ole_put(table, 10 + 2 + strlen(style_names[i]) * 2, 2);
        ole_put(table, style_numbers[i], 2), ole_put(table, 0, 8);
        ole_put(table, strlen(style_names[i]), 2);
        for (const char *c = style_names[i]; *c; c++)
            ole_put(table, (uint8_t)*c, 2);
    }
    name_table(file, table, 1, start);
}

/* The definition of a row: two columns that begin at 0 and 1000, or, W, one over both; V: the first cell goes on with the one above. */
static void put_row(Buffer *list, char kind)
{
    unsigned cells = kind == 'W' ? 1 : 2;
    ole_put(list, 0xD608, 2), ole_put(list, 2 + (cells + 1) * 2 + cells * 20, 2), ole_put(list, cells, 1);
    ole_put(list, 0, 2);
    if (cells == 2)
        ole_put(list, 1003, 2); /* near enough */
    ole_put(list, 2000, 2);
    for (unsigned i = 0; i < cells; i++) {
        ole_put(list, kind == 'V' && i == 0 ? 1 << 5 : 0, 2);
        for (unsigned k = 0; k < 18; k++)
            ole_put(list, 0, 1);
    }
}

/* The properties that `spec` says, up to `|` or the end: a style's number, then L and a level, T in a table, R ends a row, whose kind put_row
 * knows. */
static const char *put_properties(const char *spec, Buffer *list)
{
    ole_put(list, strtoul(spec, NULL, 10), 2);
    for (; *spec && *spec != '|'; spec++) {
        if (*spec == 'L')
            ole_put(list, 0x260A, 2), ole_put(list, (uint8_t)(spec[1] - '0'), 1), ole_put(list, 0x460B, 2),
                ole_put(list, 1, 2);
        if (*spec == 'T')
            ole_put(list, 0x2416, 2), ole_put(list, 1, 1);
        if (*spec == 'R')
            ole_put(list, 0x2417, 2), ole_put(list, 1, 1);
        if (*spec == 'W' || *spec == 'V' || *spec == 'N')
            put_row(list, *spec);
    }
    return *spec ? spec + 1 : spec;
}

static bool ends_paragraph(char c)
{
    return c == '\r' || c == '\a' || c == '\f';
}

/* The page of properties behind the text: the ends of paragraphs, then where the properties of each stand in the page. */
static void put_page(Buffer *file, const DocSpec *spec, size_t text_len)
{
    uint8_t page[PAGE] = {0};
    size_t count = 0, end = PAGE - 2, width = spec->is_wide ? 2 : 1;
    const char *properties = spec->properties;
    for (size_t i = 0; i < text_len; i++)
        count += ends_paragraph(spec->text[i]);
    assert_true((count + 1) * 4 + count * 13 < PAGE);
    page[PAGE - 1] = (uint8_t)count;
    Buffer starts = {page, 0, PAGE, PAGE};
    ole_put(&starts, TEXT_AT, 4);
    for (size_t i = 0, at = 0; i < text_len; i++) {
        CLEANUP(buffer_done) Buffer list = {0};
        if (!ends_paragraph(spec->text[i]))
            continue;
        ole_put(&starts, TEXT_AT + (i + 1) * width, 4);
        properties = put_properties(properties, &list);
        ole_pad(&list, 2, 0);
        end = (end - list.len - 2) & ~(size_t)1;
        page[(count + 1) * 4 + at++ * 13] = (uint8_t)(end / 2);
        page[end + 1] = (uint8_t)(list.len / 2); /* a zero before it: the size is even */
        memcpy(page + end + 2, list.data, list.len);
    }
    ole_pad(file, PAGE, 0);
    assert_ok(buffer_append(file, page, PAGE));
}

/* A page of three runs: plain, bold and italic, plain. */
static void put_run_page(Buffer *file, const DocSpec *spec, size_t text_len)
{
    enum { RUN_AT = 100 };
    static const uint8_t run[] = {6, 0x35, 0x08, 1, 0x36, 0x08, 0x81};
    uint8_t page[PAGE] = {0};
    size_t width = spec->is_wide ? 2 : 1;
    Buffer starts = {page, 0, PAGE, PAGE};
    ole_put(&starts, TEXT_AT, 4), ole_put(&starts, TEXT_AT + spec->bold_first * width, 4);
    ole_put(&starts, TEXT_AT + spec->bold_end * width, 4), ole_put(&starts, TEXT_AT + text_len * width, 4);
    page[4 * 4 + 1] = RUN_AT / 2;
    memcpy(page + RUN_AT, run, sizeof run);
    page[PAGE - 1] = 3;
    assert_ok(buffer_append(file, page, PAGE));
}

static void make_doc(const DocSpec *spec, Buffer *out)
{
    CLEANUP(buffer_done) Buffer file = {0}, table = {0};
    size_t text_len = strlen(spec->text), body = text_len - spec->header_chars;
    ole_put(&file, 0xA5EC, 2), ole_put(&file, spec->version ? spec->version : 193, 2), ole_put(&file, 0, 6);
    ole_put(&file, 0x0200 | spec->flags, 2);
    ole_pad(&file, TEXT_AT, 0);
    set_u32(&file, 64 + 12, body);
    set_u32(&file, 64 + 20, spec->header_chars);
    for (size_t i = 0; i < text_len; i++)
        ole_put(&file, (uint8_t)spec->text[i], spec->is_wide ? 2 : 1);
    put_page(&file, spec, text_len);
    size_t page = file.len / PAGE - 1;
    if (spec->bold_end > 0) {
        put_run_page(&file, spec, text_len);
        ole_put(&table, TEXT_AT, 4), ole_put(&table, TEXT_AT + text_len, 4), ole_put(&table, page + 1, 4);
        name_table(&file, &table, 12, 0);
    }

    size_t start = table.len;
    ole_put(&table, 1, 1), ole_put(&table, 3, 2), ole_put(&table, 0, 3); /* a list of changes, passed over */
    ole_put(&table, 2, 1), ole_put(&table, 2 * 12 + 4, 4);               /* two pieces */
    ole_put(&table, 0, 4), ole_put(&table, body / 2, 4), ole_put(&table, text_len, 4);
    for (size_t from = 0, i = 0; i < 2; i++, from = body / 2)
        ole_put(&table, 0, 2), ole_put(&table, spec->is_wide ? TEXT_AT + from * 2 : (TEXT_AT + from) * 2 | 1 << 30, 4),
            ole_put(&table, 0, 2);
    name_table(&file, &table, 33, start);
    start = table.len;
    ole_put(&table, TEXT_AT, 4), ole_put(&table, file.len - PAGE, 4), ole_put(&table, page, 4);
    name_table(&file, &table, 13, start);
    put_styles(&file, &table);
    if (spec->header_chars > 0) {
        start = table.len;
        for (unsigned i = 0; i < 6 + 6 + 2; i++) /* all that there is, is the section's header */
            ole_put(&table, i <= 7 ? 0 : spec->header_chars, 4);
        name_table(&file, &table, 11, start);
        start = table.len;
        ole_put(&table, 0, 4), ole_put(&table, body, 4), ole_put(&table, 0, 2), ole_put(&table, 0xFFFFFFFF, 4),
            ole_put(&table, 0, 6);
        name_table(&file, &table, 6, start);
    }
    OleFile ole = {0};
    ole_file_add(&ole, 0, "WordDocument", buffer_bytes(&file));
    ole_file_add(&ole, 0, "1Table", buffer_bytes(&table));
    ole_file_finish(&ole, out);
}

static void documents(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        DocSpec spec;
        const char *expected;
    } cases[] = {
        {"paragraphs",
         {"The cat sat here.\rShort\r", "0|0"},
         "NarrativeText:0 The cat sat here.\nUncategorizedText:0 Short\n"},
        {"wide",
         {"The cat sat here.\rCaf\xE9\r", "0|0", .is_wide = true},
         "NarrativeText:0 The cat sat here.\nUncategorizedText:0 Caf\xC3\xA9\n"},
        {"Windows-1252",
         {"\x93Quoted\x94 \x96 5 \x80\r", "0"},
         "UncategorizedText:0 \xE2\x80\x9CQuoted\xE2\x80\x9D \xE2\x80\x93 5 \xE2\x82\xAC\n"},
        {"styles",
         {"One\rTwo\rThree\rFour\rFive\r", "1|2|3|4|5"},
         "Title:0 One\nTitle:0 Two\nListItem:1 Three\nUncategorizedText:0 Four\nUncategorizedText:0 Five\n"},
        {"a style that is not there", {"One\r", "99"}, "UncategorizedText:0 One\n"},
        {"lists",
         {"One\rTwo\r\x95 Three\r\x95\r", "0L0|0L2|0|0"},
         "ListItem:0 One\nListItem:2 Two\nListItem:0 Three\n"},
        {"a numbered heading", {"One\r", "1L1"}, "Title:0 One\n"},
        {"empty paragraphs", {"\r \rOne\r\r", "0|0|0|0"}, "UncategorizedText:0 One\n"},
        {"no mark at the end", {"One\rTwo", "0"}, "UncategorizedText:0 One\nUncategorizedText:0 Two\n"},
        {"marks",
         {"A\x0B"
          "b\x1E"
          "c\x1F"
          "d\x01\x02\x05\x08"
          "e\tf\r",
          "0"},
         "UncategorizedText:0 A\nb-cde\tf\n"},
        {"a page break in a paragraph", {"One\ftwo\r", "0|0"}, "UncategorizedText:0 Onetwo\n"},
        {"fields",
         {"See \x13 PAGEREF x \x14"
          "page 5\x15.\r\x13 TOC \x13 NESTED \x14"
          "a\x15 \x14"
          "Shown\x15\r",
          "0|0"},
         "NarrativeText:0 See page 5.\nUncategorizedText:0 Shown\n"},
        {"a field without a result",
         {"a\x13 XE index \x15"
          "b\r",
          "0"},
         "UncategorizedText:0 ab\n"},
        {"field marks alone",
         {"a\x15\x14"
          "b\x13"
          "c\r",
          "0"},
         "UncategorizedText:0 ab\n"},
        {"table",
         {"Before\rA\aB\rb\a\aC\aD\a\aBehind\r", "0|0T|0T|0T|0TRN|0T|0T|0TRN|0"},
         "UncategorizedText:0 Before\nTable A B b C D\nUncategorizedText:0 Behind\n"},
        {"table at the end", {"A\a\a", "0T|0TR"}, "Table A\n"},
        {"row without an end", {"A\aB\r", "0T|0T"}, "Table A B\n"},
        {"header",
         {"The cat sat here.\rPage\r\r", "0|0|0", .header_chars = 6},
         "Header:0 Page\nNarrativeText:0 The cat sat here.\n"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(buffer_done) Buffer file = {0};
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        Elements elements = {.arena = arena};
        PartitionOptions options = {0};
        make_doc(&cases[i].spec, &file);
        print_message("%s\n", cases[i].name);
        assert_ok(partition_doc(buffer_bytes(&file), STR("application/msword"), &options, NULL, &elements));
        assert_elements(cases[i].name, &elements, cases[i].expected);
    }
}

static void tables_as_html(void **state)
{
    (void)state;
    static const struct {
        const char *text, *properties, *html;
    } cases[] = {
        {"A\aB\a\aC\aD\a\a", "0T|0T|0TRN|0T|0T|0TRN",
         "<table><tr><td>A</td><td>B</td></tr><tr><td>C</td><td>D</td></tr></table>"},
        {"Wide\a\aC\aD\a\a", "0T|0TRW|0T|0T|0TRN",
         "<table><tr><td>Wide</td><td>Wide</td></tr><tr><td>C</td><td>D</td></tr></table>"},
        {"A\aB\a\a\aD\a\a", "0T|0T|0TRN|0T|0T|0TRV",
         "<table><tr><td>A</td><td>B</td></tr><tr><td>A</td><td>D</td></tr></table>"},
        {"A & <b>\r c\a\a\a", "0T|0T|0T|0TRN", "<table><tr><td>A &amp; &lt;b&gt; c</td><td/></tr></table>"},
        {"A\a\aB\aC\a\a", "0T|0TR|0T|0T|0TR", "<table><tr><td>A</td></tr><tr><td>B</td><td>C</td></tr></table>"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(buffer_done) Buffer file = {0};
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        Elements elements = {.arena = arena};
        PartitionOptions options = {0};
        make_doc(&(DocSpec){cases[i].text, cases[i].properties}, &file);
        assert_ok(partition_doc(buffer_bytes(&file), STR("application/msword"), &options, NULL, &elements));
        assert_int_equal(elements.count, 1);
        assert_str(elements.items[0].text_as_html, cases[i].html);
    }
}

static void links(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer file = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    Elements elements = {.arena = arena};
    PartitionOptions options = {0};
    make_doc(
        &(DocSpec){
            "Caf\xE9: \x13 HYPERLINK \"http://x.y/\" \\o \"tip\" \x14the x\x15, \x13HYPERLINK \\l \"here\"\x14here\x15\r",
            "0"},
        &file);
    assert_ok(partition_doc(buffer_bytes(&file), STR("application/msword"), &options, NULL, &elements));
    const Element *element = &elements.items[0];
    assert_str(element->text, "Caf\xC3\xA9: the x, here");
    assert_int_equal(element_rare(element)->link_count, 1);
    assert_str(element_rare(element)->links[0].text, "the x");
    assert_str(element_rare(element)->links[0].url, "http://x.y/");
    assert_int_equal(element_rare(element)->links[0].start_index, 6);
    assert_str(element_rare(element)->link_urls.items[0], "http://x.y/");
}

static void emphasis(void **state)
{
    (void)state;
    for (int is_wide = 0; is_wide < 2; is_wide++) {
        CLEANUP(buffer_done) Buffer file = {0};
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        Elements elements = {.arena = arena};
        PartitionOptions options = {0};
        make_doc(
            &(DocSpec){"The cat sat here.\rCell\a\a", "0|0T|0TR", .is_wide = is_wide, .bold_first = 4, .bold_end = 21},
            &file);
        assert_ok(partition_doc(buffer_bytes(&file), STR("application/msword"), &options, NULL, &elements));
        assert_int_equal(elements.count, 2);
        assert_int_equal(element_rare(&elements.items[0])->emphasized_contents.count, 2);
        assert_str(element_rare(&elements.items[0])->emphasized_contents.items[0], "cat sat here.");
        assert_str(element_rare(&elements.items[0])->emphasized_tags.items[0], "b");
        assert_str(element_rare(&elements.items[0])->emphasized_tags.items[1], "i");
        assert_str(element_rare(&elements.items[1])->emphasized_contents.items[0], "Cel");
    }
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        DocSpec spec;
        size_t at; /* of the WordDocument stream, which begins the first sector */
        uint32_t value;
        ErrorCode code;
        const char *says;
    } cases[] = {
        {{"A\r", "0", .flags = 0x0100}, 0, 0, ERR_UNSUPPORTED, "encrypted"},
        {{"A\r", "0", .version = 104}, 0, 0, ERR_UNSUPPORTED, "before 97"},
        {{"A\r", "0"}, 154 + 33 * 8, 5000, ERR_CORRUPT, "pieces"},
        {{"A\r", "0"}, 154 + 33 * 8 + 4, 3, ERR_CORRUPT, "pieces"},
        {{"A\r", "0"}, 154 + 13 * 8 + 4, 0x7FFFFFFF, ERR_CORRUPT, "paragraphs"},
        {{"A\r", "0"}, 154 + 1 * 8, 0xFFFFFFFF, ERR_CORRUPT, "styles"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(buffer_done) Buffer file = {0};
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        Elements elements = {.arena = arena};
        PartitionOptions options = {0};
        make_doc(&cases[i].spec, &file);
        Bytes mark = {(const uint8_t *)"\xEC\xA5", 2};
        size_t start = str_find(buffer_str(&file), bytes_str(mark));
        assert_int_not_equal(start, SIZE_MAX);
        if (cases[i].at > 0)
            set_u32(&file, start + cases[i].at, cases[i].value);
        assert_fails_saying(partition_doc(buffer_bytes(&file), STR_EMPTY, &options, NULL, &elements), cases[i].code,
                            cases[i].says);
    }
}

/* Any byte of the file changed, or the file cut there: an answer, or CORRUPT. */
static void damaged(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer file = {0};
    make_doc(&(DocSpec){"Before\rA\aB\a\aOne\rPage\r\r", "0|0T|0T|0TRN|1L1|0|0", .header_chars = 6, .bold_end = 4},
             &file);
    for (size_t i = 0; i < file.len; i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        Elements elements = {.arena = arena};
        PartitionOptions options = {0};
        uint8_t kept = file.data[i];
        file.data[i] = (uint8_t)(i % 2 ? 0xFF : kept + 1);
        Error *error = partition_doc(buffer_bytes(&file), STR_EMPTY, &options, NULL, &elements);
        assert_true(!error || error_code(error) == ERR_CORRUPT || error_code(error) == ERR_UNSUPPORTED
                    || error_code(error) == ERR_NOT_FOUND);
        error_free(error);
        file.data[i] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents), cmocka_unit_test(tables_as_html), cmocka_unit_test(links),
        cmocka_unit_test(emphasis),  cmocka_unit_test(refused),        cmocka_unit_test(damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
