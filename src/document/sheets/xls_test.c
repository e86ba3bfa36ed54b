#include "document/ole_testing.h"
#include "document/sheets/biff.h"
#include "document/testing.h"
#include "document/text/charset.h"

enum { MAX_SHEETS = 4 };

/* A workbook stream as it is made: the globals end with the sheets' places, which are filled in when these begin. */
typedef struct Book {
    Buffer stream;
    size_t record;             /* where its size stands */
    size_t places[MAX_SHEETS]; /* where a sheet's offset is to be written */
    size_t placed, begun;
} Book;

static void book_done(Book *book)
{
    buffer_done(&book->stream);
}

static void put(Book *book, uint64_t value, unsigned bytes)
{
    ole_put(&book->stream, value, bytes);
    size_t size = book->stream.len - book->record - 2;
    book->stream.data[book->record] = (uint8_t)size;
    book->stream.data[book->record + 1] = (uint8_t)(size >> 8);
}

static void begin(Book *book, unsigned type)
{
    ole_put(&book->stream, type, 2);
    book->record = book->stream.len;
    ole_put(&book->stream, 0, 2);
}

static void put_zeros(Book *book, unsigned count)
{
    while (count-- > 0)
        put(book, 0, 1);
}

static void put_bytes(Book *book, const char *text)
{
    for (; *text; text++)
        put(book, (uint8_t)*text, 1);
}

/* Of BIFF8, a byte a character. */
static void put_text(Book *book, const char *text, unsigned count_bytes)
{
    put(book, strlen(text), count_bytes);
    put(book, 0, 1);
    put_bytes(book, text);
}

static void put_double(Book *book, double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    put(book, bits, 8);
}

static void begin_part(Book *book, unsigned version, unsigned kind)
{
    begin(book, BIFF_BOF);
    put(book, version, 2);
    put(book, kind, 2);
    put(book, 0, 4);
}

static void begin_globals(Book *book)
{
    begin_part(book, 0x0600, 5);
}

static void add_sheet(Book *book, const char *name, unsigned kind)
{
    begin(book, BIFF_BOUND_SHEET);
    book->places[book->placed++] = book->stream.len;
    put(book, 0, 4);
    put(book, 1, 1); /* hidden, which does not matter */
    put(book, kind, 1);
    put_text(book, name, 1);
}

static void end_part(Book *book)
{
    begin(book, BIFF_EOF);
}

static void begin_sheet(Book *book)
{
    size_t place = book->places[book->begun++], offset = book->stream.len;
    for (unsigned i = 0; i < 4; i++)
        book->stream.data[place + i] = (uint8_t)(offset >> 8 * i);
    begin_part(book, 0x0600, 0x10);
}

static void begin_cell(Book *book, unsigned type, unsigned row, unsigned column, unsigned style)
{
    begin(book, type);
    put(book, row, 2);
    put(book, column, 2);
    put(book, style, 2);
}

MUST_USE static Error *partition_stream(Bytes stream, const char *name, Elements *elements)
{
    static OleFile file;
    CLEANUP(buffer_done) Buffer bytes = {0};
    PartitionOptions options = {0};
    file = (OleFile){0};
    ole_file_add(&file, 0, name, stream);
    ole_file_finish(&file, &bytes);
    return partition_xls(buffer_bytes(&bytes), STR("xls"), &options, NULL, elements);
}

/* The workbook's elements, or its error. */
#define PARTITION(book, arena)                                                                                         \
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);                                                           \
    Elements elements = {.arena = arena};                                                                              \
    Error *error = partition_stream(buffer_bytes(&(book)->stream), "Workbook", &elements)

static void cells_have_values(void **state)
{
    (void)state;
    CLEANUP(book_done) Book book = {0};
    begin_globals(&book);
    begin(&book, BIFF_FORMAT), put(&book, 164, 2), put_text(&book, "yyyy", 2);
    static const unsigned formats[] = {0, 14, 164, 46};
    for (size_t i = 0; i < ARRAY_COUNT(formats); i++)
        begin(&book, BIFF_XF), put(&book, 0, 2), put(&book, formats[i], 2), put_zeros(&book, 16);
    add_sheet(&book, "One", 0);
    add_sheet(&book, "Chart", 2);
    begin(&book, BIFF_SST), put(&book, 2, 4), put(&book, 2, 4), put_text(&book, "Word", 2), put_text(&book, "Next", 2);
    end_part(&book);
    begin_sheet(&book);
    begin_cell(&book, BIFF_LABEL_SST, 0, 0, 0), put(&book, 0, 4);
    begin_cell(&book, BIFF_NUMBER, 0, 1, 0), put_double(&book, 2.5);
    begin_cell(&book, BIFF_RK, 0, 2, 0), put(&book, 7U << 2 | 2, 4);    /* 7 */
    begin_cell(&book, BIFF_RK, 0, 3, 0), put(&book, 1234U << 2 | 3, 4); /* 12.34 */
    begin_cell(&book, BIFF_RK, 0, 4, 0), put(&book, 0x3FF80000, 4);     /* 1.5 */
    begin_cell(&book, BIFF_NUMBER, 1, 0, 1), put_double(&book, 43831);  /* a date */
    begin_cell(&book, BIFF_NUMBER, 1, 1, 0), put_double(&book, 1);
    begin(&book, BIFF_MUL_RK), put(&book, 1, 2), put(&book, 2, 2); /* row, first column */
    put(&book, 0, 2), put(&book, 8U << 2 | 2, 4), put(&book, 0, 2), put(&book, 9U << 2 | 2, 4);
    put(&book, 3, 2); /* last column */
    begin_cell(&book, BIFF_BOOL_ERR, 1, 4, 0), put(&book, 1, 1), put(&book, 0, 1);
    begin_cell(&book, BIFF_FORMULA, 2, 0, 0), put(&book, UINT64_C(0xFFFF000000000000), 8), put(&book, 0, 6);
    begin(&book, 0x04BC), put(&book, 0, 8); /* what stands between a formula and its text */
    begin(&book, BIFF_STRING), put_text(&book, "from a formula", 2);
    begin_cell(&book, BIFF_FORMULA, 2, 1, 0), put_double(&book, 4), put(&book, 0, 6);
    begin_cell(&book, BIFF_FORMULA, 2, 2, 0), put(&book, UINT64_C(0xFFFF000000010001), 8), put(&book, 0, 6);
    begin_cell(&book, BIFF_FORMULA, 2, 3, 0), put(&book, UINT64_C(0xFFFF000000000003), 8), put(&book, 0, 6);
    begin_cell(&book, BIFF_LABEL, 2, 4, 0), put_text(&book, "label", 2);
    begin_part(&book, 0x0600, 0x20); /* a chart in the sheet */
    begin_cell(&book, BIFF_NUMBER, 9, 9, 0), put_double(&book, 99);
    end_part(&book);
    begin_cell(&book, BIFF_BOOL_ERR, 3, 0, 0), put(&book, 42, 1), put(&book, 1, 1); /* #N/A */
    begin_cell(&book, BIFF_LABEL_SST, 3, 1, 0), put(&book, 1, 4);
    end_part(&book);
    PARTITION(&book, arena);
    assert_ok(error);
    assert_elements(
        "cells", &elements,
        "Table Word 2.5 7.0 12.34 1.5 2020-01-01 00:00:00 1 8.0 9.00 True from a formula 4 1.0 label\nTitle Next\n");
    assert_str(element_rare(&elements.items[0])->page_name, "One");
    assert_int_equal(elements.items[0].page_number, 1);
}

/* Every place where a CONTINUE may cut a string, with the width of characters changing there. */
static void shared_strings_run_on(void **state)
{
    (void)state;
    CLEANUP(book_done) Book book = {0};
    begin_globals(&book);
    add_sheet(&book, "S", 0);
    begin(&book, BIFF_SST), put(&book, 3, 4), put(&book, 4, 4);
    put(&book, 6, 2), put(&book, 0, 1), put_bytes(&book, "abc");
    begin(&book, BIFF_CONTINUE), put(&book, 1, 1), put(&book, 0x20AC, 2), put(&book, 0xD83D, 2);
    begin(&book, BIFF_CONTINUE), put(&book, 1, 1), put(&book, 0xDE00, 2);
    put(&book, 2, 2), put(&book, 0xC, 1), put(&book, 2, 2), put(&book, 5, 4); /* rich and extended */
    put_bytes(&book, "xy"), put(&book, 0, 3);
    begin(&book, BIFF_CONTINUE), put_zeros(&book, 10);
    put(&book, 1, 2), put(&book, 1, 1), put(&book, 0xDC00, 2); /* half a pair */
    begin(&book, BIFF_CONTINUE), put_text(&book, "\xE9", 2);
    end_part(&book);
    begin_sheet(&book);
    for (unsigned i = 0; i < 4; i++)
        begin_cell(&book, BIFF_LABEL_SST, 0, i, 0), put(&book, i, 4);
    end_part(&book);
    PARTITION(&book, arena);
    assert_ok(error);
    assert_elements("strings", &elements, "Table abc\xE2\x82\xAC\xF0\x9F\x98\x80 xy \xEF\xBF\xBD \xC3\xA9\n");
}

static void older_workbooks(void **state)
{
    (void)state;
    CLEANUP(book_done) Book book = {0};
    begin_part(&book, 0x0500, 5);
    begin(&book, BIFF_CODE_PAGE), put(&book, 1251, 2);
    begin(&book, BIFF_DATE_MODE), put(&book, 1, 2);
    begin(&book, BIFF_XF), put(&book, 0, 2), put(&book, 15, 2), put_zeros(&book, 12);
    begin(&book, BIFF_BOUND_SHEET), book.places[book.placed++] = book.stream.len, put(&book, 0, 6);
    put(&book, 3, 1), put_bytes(&book, "Old");
    end_part(&book);
    begin_sheet(&book);
    begin_cell(&book, BIFF_LABEL, 0, 0, 9), put(&book, 3, 2), put_bytes(&book, "\xC4\xE0!"); /* Cyrillic */
    begin_cell(&book, BIFF_RSTRING, 0, 1, 9), put(&book, 2, 2), put_bytes(&book, "ab"), put(&book, 0, 3);
    begin_cell(&book, BIFF_NUMBER, 0, 2, 0), put_double(&book, 42369.25);
    end_part(&book);
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    Elements elements = {.arena = arena};
    assert_ok(partition_stream(buffer_bytes(&book.stream), "Book", &elements));
    assert_elements("old", &elements, "Table \xD0\x94\xD0\xB0! ab 2020-01-01 06:00:00\n");
    assert_str(element_rare(&elements.items[0])->page_name, "Old");
}

static void bad_workbooks_are_refused(void **state)
{
    (void)state;
    enum {
        ENCRYPTED,
        EXCEL_4,
        NOT_GLOBALS,
        STRANGE_VERSION,
        NO_BOF,
        SHEET_NOWHERE,
        CUT_OFF,
        NO_STRING,
        CUT_CELL,
        OVERLAP,
        CASES
    };
    static const struct {
        ErrorCode code;
        const char *saying;
    } expected[CASES] = {
        [ENCRYPTED] = {ERR_UNSUPPORTED, "encrypted: "},
        [EXCEL_4] = {ERR_UNSUPPORTED, "Excel 4 or older"},
        [NOT_GLOBALS] = {ERR_CORRUPT, "kind 0x0010"},
        [STRANGE_VERSION] = {ERR_UNSUPPORTED, "version 0x0700"},
        [NO_BOF] = {ERR_CORRUPT, "no records of a workbook"},
        [SHEET_NOWHERE] = {ERR_CORRUPT, "sheet 'S': there are no records"},
        [CUT_OFF] = {ERR_CORRUPT, "the records are cut off"},
        [NO_STRING] = {ERR_CORRUPT, "there is no shared string 5, only 0"},
        [CUT_CELL] = {ERR_CORRUPT, "a cell at byte"},
        [OVERLAP] = {ERR_CORRUPT, "overlap"},
    };
    for (int i = 0; i < CASES; i++) {
        CLEANUP(book_done) Book book = {0};
        if (i == EXCEL_4)
            begin(&book, 0x0409), put(&book, 0, 4);
        else if (i == NO_BOF)
            begin(&book, BIFF_EOF);
        else
            begin_part(&book, i == STRANGE_VERSION ? 0x0700 : 0x0600, i == NOT_GLOBALS ? 0x10 : 5);
        if (i == ENCRYPTED)
            begin(&book, BIFF_FILE_PASS), put(&book, 0, 6);
        for (int sheets = i == OVERLAP ? MAX_SHEETS : 1; sheets > 0; sheets--)
            add_sheet(&book, "S", 0);
        end_part(&book);
        begin_sheet(&book);
        for (; i == OVERLAP && book.begun < MAX_SHEETS; book.begun++)
            memcpy(book.stream.data + book.places[book.begun], book.stream.data + book.places[0], 4);
        if (i == OVERLAP)
            begin(&book, 0x1234), put_zeros(&book, 200);
        if (i == SHEET_NOWHERE)
            book.stream.data[book.places[0] + 2] = 0xFF;
        if (i == NO_STRING)
            begin_cell(&book, BIFF_LABEL_SST, 0, 0, 0), put(&book, 5, 4);
        if (i == CUT_CELL)
            begin_cell(&book, BIFF_NUMBER, 0, 0, 0), put(&book, 5, 4);
        if (i != CUT_OFF)
            end_part(&book);
        PARTITION(&book, arena);
        assert_fails_saying(error, expected[i].code, expected[i].saying);
    }
}

static void no_workbook(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    assert_fails_saying(partition_stream(str_bytes(STR("x")), "Other", &elements), ERR_CORRUPT, "no workbook");
    PartitionOptions options = {0};
    assert_fails(partition_xls(str_bytes(STR("no compound file")), STR("xls"), &options, NULL, &elements), ERR_CORRUPT);
}

static int warm_up(void **state)
{
    (void)state;
    assert_ok(charset_warm_up());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cells_have_values), cmocka_unit_test(shared_strings_run_on),
                                       cmocka_unit_test(older_workbooks), cmocka_unit_test(bad_workbooks_are_refused),
                                       cmocka_unit_test(no_workbook)};
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
