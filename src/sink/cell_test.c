#include "sink/cell.h"

#include "base/testing.h"

/* One column by its parts; `children` is for lists. */
typedef struct Column {
    struct ArrowSchema schema, *schema_children[1];
    struct ArrowArray array, *array_children[1];
    const void *buffers[3];
} Column;

static void column_init(Column *column, const char *format, const void *validity, const void *values, const void *data)
{
    *column = (Column){.buffers = {validity, values, data}};
    column->schema = (struct ArrowSchema){.format = format, .name = "c"};
    column->array = (struct ArrowArray){
        .length = 1, .null_count = validity ? -1 : 0, .n_buffers = data ? 3 : 2, .buffers = column->buffers};
}

static void column_adopt(Column *list, Column *elements)
{
    list->schema_children[0] = &elements->schema;
    list->schema.children = list->schema_children;
    list->schema.n_children = 1;
    list->array_children[0] = &elements->array;
    list->array.children = list->array_children;
    list->array.n_children = 1;
}

static void types_become_sqlites(void **state)
{
    (void)state;
    static const struct {
        const char *format, *type; /* NULL: refused */
    } rows[] = {
        {"b", "INTEGER"}, {"c", "INTEGER"}, {"C", "INTEGER"}, {"s", "INTEGER"},    {"S", "INTEGER"}, {"i", "INTEGER"},
        {"I", "INTEGER"}, {"l", "INTEGER"}, {"L", "INTEGER"}, {"f", "REAL"},       {"g", "REAL"},    {"u", "TEXT"},
        {"U", "TEXT"},    {"z", "BLOB"},    {"Z", "BLOB"},    {"tsu:UTC", "TEXT"}, {"tsm:", "TEXT"}, {"tss:", "TEXT"},
        {"tsn:", "TEXT"}, {"tdD", "TEXT"},  {"", NULL},       {"n", NULL},         {"e", NULL},      {"tdm", NULL},
        {"ttm", NULL},    {"d:10,2", NULL}, {"w:16", NULL},   {"+s", NULL},        {"+m", NULL},     {"+l", NULL},
        {"uu", NULL},     {"tiM", NULL},    {"vu", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Column column;
        const char *type = NULL;
        column_init(&column, rows[i].format, NULL, NULL, NULL);
        if (!rows[i].type) {
            assert_fails_saying(cell_column_type(&column.schema, &type), ERR_UNSUPPORTED, "column 'c'");
            continue;
        }
        assert_ok(cell_column_type(&column.schema, &type));
        assert_string_equal(type, rows[i].type);
    }
}

static void lists_are_text_unless_they_nest(void **state)
{
    (void)state;
    static const struct {
        const char *list, *element;
        bool text;
    } rows[] = {{"+l", "u", true},   {"+L", "l", true},      {"+l", "tsu:", true}, {"+l", "+l", false},
                {"+l", "+s", false}, {"+l", "d:1,1", false}, {"+w:3", "u", false}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Column list, elements;
        const char *type = NULL;
        column_init(&list, rows[i].list, NULL, NULL, NULL);
        column_init(&elements, rows[i].element, NULL, NULL, NULL);
        column_adopt(&list, &elements);
        Error *error = cell_column_type(&list.schema, &type);
        assert_int_equal(error_code(error), rows[i].text ? ERR_OK : ERR_UNSUPPORTED);
        error_free(error);
        if (rows[i].text)
            assert_string_equal(type, "TEXT");
    }
}

static void dictionaries_are_refused(void **state)
{
    (void)state;
    Column column, values;
    const char *type;
    column_init(&column, "i", NULL, NULL, NULL);
    column_init(&values, "u", NULL, NULL, NULL);
    column.schema.dictionary = &values.schema;
    assert_fails(cell_column_type(&column.schema, &type), ERR_UNSUPPORTED);
}

static void numbers_of_every_width(void **state)
{
    (void)state;
    static const int8_t i8[] = {0, -128};
    static const uint8_t u8[] = {0, 255};
    static const int16_t i16[] = {0, -32768};
    static const uint16_t u16[] = {0, 65535};
    static const int32_t i32[] = {0, INT32_MIN};
    static const uint32_t u32[] = {0, UINT32_MAX};
    static const int64_t i64[] = {0, INT64_MIN};
    static const uint64_t u64[] = {0, INT64_MAX}, huge[] = {0, UINT64_MAX};
    static const float f32[] = {0, 1.5f};
    static const double f64[] = {0, -0.1};
    static const uint8_t bits[] = {0x02};
    static const struct {
        const char *format;
        const void *values;
        CellKind kind;
        int64_t integer;
        double real;
    } rows[] = {
        {"c", i8, CELL_INT, -128, 0},
        {"C", u8, CELL_INT, 255, 0},
        {"s", i16, CELL_INT, -32768, 0},
        {"S", u16, CELL_INT, 65535, 0},
        {"i", i32, CELL_INT, INT32_MIN, 0},
        {"I", u32, CELL_INT, UINT32_MAX, 0},
        {"l", i64, CELL_INT, INT64_MIN, 0},
        {"L", u64, CELL_INT, INT64_MAX, 0},
        {"L", huge, CELL_REAL, 0, 18446744073709551616.0}, /* more than the database's integers hold */
        {"f", f32, CELL_REAL, 0, 1.5},
        {"g", f64, CELL_REAL, 0, -0.1},
        {"b", bits, CELL_INT, 1, 0},
    };
    CLEANUP(buffer_done) Buffer scratch = {0};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Column column;
        Cell cell;
        column_init(&column, rows[i].format, NULL, rows[i].values, NULL);
        for (int by_offset = 0; by_offset < 2; by_offset++) { /* the second value, by row or by the array's offset */
            column.array.offset = by_offset;
            assert_ok(cell_read(&column.schema, &column.array, by_offset ? 0 : 1, &scratch, &cell));
            assert_int_equal(cell.kind, rows[i].kind);
            assert_true(cell.integer == rows[i].integer && cell.real == rows[i].real);
        }
    }
}

static void texts_and_blobs_by_their_offsets(void **state)
{
    (void)state;
    static const int32_t narrow[] = {0, 3, 3, 7};
    static const int64_t wide[] = {0, 3, 3, 7};
    static const char data[] = "abcdefg";
    static const struct {
        const char *format;
        const void *offsets;
        CellKind kind;
    } rows[] = {{"u", narrow, CELL_TEXT}, {"U", wide, CELL_TEXT}, {"z", narrow, CELL_BLOB}, {"Z", wide, CELL_BLOB}};
    static const char *const values[] = {"abc", "", "defg"};
    CLEANUP(buffer_done) Buffer scratch = {0};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Column column;
        column_init(&column, rows[i].format, NULL, rows[i].offsets, data);
        for (size_t row = 0; row < 3; row++) {
            for (size_t offset = 0; offset <= row; offset++) {
                Cell cell;
                column.array.offset = (int64_t)offset;
                assert_ok(cell_read(&column.schema, &column.array, row - offset, &scratch, &cell));
                assert_int_equal(cell.kind, rows[i].kind);
                assert_str(bytes_str(cell.bytes), values[row]);
            }
        }
    }
    Column none; /* of empty texts alone: Arrow allows the data to be missing */
    Cell cell;
    static const int32_t zeros[] = {0, 0};
    column_init(&none, "u", NULL, zeros, NULL);
    assert_ok(cell_read(&none.schema, &none.array, 0, &scratch, &cell));
    assert_int_equal(cell.kind, CELL_TEXT);
    assert_non_null(cell.bytes.data);
    assert_int_equal(cell.bytes.len, 0);
}

static void nulls_are_where_the_bitmap_says(void **state)
{
    (void)state;
    static const int64_t values[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    static const uint8_t validity[] = {0x35, 0x0a}; /* 0 2 4 5 9 11 */
    CLEANUP(buffer_done) Buffer scratch = {0};
    Column column;
    column_init(&column, "l", validity, values, NULL);
    for (size_t offset = 0; offset < 12; offset++) {
        column.array.offset = (int64_t)offset;
        for (size_t row = 0; row + offset < 12; row++) {
            Cell cell;
            size_t at = row + offset;
            bool valid = validity[at / 8] >> at % 8 & 1;
            assert_ok(cell_read(&column.schema, &column.array, row, &scratch, &cell));
            assert_int_equal(cell.kind, valid ? CELL_INT : CELL_NULL);
            if (valid)
                assert_int_equal(cell.integer, at);
        }
    }
    Cell cell;
    column.array.offset = 0;
    column.array.null_count = 0; /* then the bitmap need not be looked at */
    assert_ok(cell_read(&column.schema, &column.array, 1, &scratch, &cell));
    assert_int_equal(cell.kind, CELL_INT);
}

static void times_become_text(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        int64_t value;
        const char *text;
    } rows[] = {
        {"tss:UTC", 1795253994, "2026-11-21T09:39:54Z"},
        {"tsm:", 1795253994123, "2026-11-21T09:39:54.123000Z"},
        {"tsu:", 1795253994123456, "2026-11-21T09:39:54.123456Z"},
        {"tsn:", 1795253994123456789, "2026-11-21T09:39:54.123456Z"},
        {"tsn:", -1, "1969-12-31T23:59:59.999999Z"},
        {"tsu:", -1, "1969-12-31T23:59:59.999999Z"},
        {"tsm:", INT64_MAX, "294247-01-10T04:00:54.775807Z"}, /* no such time: the last there is */
        {"tss:", INT64_MIN, "-290308-12-21T19:59:05.224192Z"},
    };
    CLEANUP(buffer_done) Buffer scratch = {0};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Column column;
        Cell cell;
        column_init(&column, rows[i].format, NULL, &rows[i].value, NULL);
        assert_ok(cell_read(&column.schema, &column.array, 0, &scratch, &cell));
        assert_int_equal(cell.kind, CELL_TEXT);
        assert_str(bytes_str(cell.bytes), rows[i].text);
    }
    static const int32_t days[] = {0, 19782, -1, INT32_MAX};
    static const char *const dates[] = {"1970-01-01", "2024-02-29", "1969-12-31", "294247-01-10"};
    Column column;
    column_init(&column, "tdD", NULL, days, NULL);
    for (size_t i = 0; i < ARRAY_COUNT(days); i++) {
        Cell cell;
        assert_ok(cell_read(&column.schema, &column.array, i, &scratch, &cell));
        assert_str(bytes_str(cell.bytes), dates[i]);
    }
}

static void lists_become_json(void **state)
{
    (void)state;
    static const int32_t text_offsets[] = {0, 1, 1, 3}, list_offsets[] = {0, 0, 2, 3};
    static const int64_t wide_offsets[] = {0, 0, 2, 3}, numbers[] = {7, -8, 9};
    static const double reals[] = {0.5, 1, 2};
    static const uint8_t second_null[] = {0x05};
    CLEANUP(buffer_done) Buffer scratch = {0};
    Column texts, integers, doubles;
    column_init(&texts, "u", second_null, text_offsets, "a\"b");
    column_init(&integers, "l", NULL, numbers, NULL);
    column_init(&doubles, "g", NULL, reals, NULL);
    static const char *const expected[][3] = {
        {"[]", "[\"a\",null]", "[\"\\\"b\"]"}, {"[]", "[7,-8]", "[9]"}, {"[]", "[0.5,1.0]", "[2.0]"}};
    Column *elements[] = {&texts, &integers, &doubles};
    for (size_t i = 0; i < ARRAY_COUNT(elements); i++) {
        for (int wide = 0; wide < 2; wide++) {
            Column list;
            column_init(&list, wide ? "+L" : "+l", NULL, wide ? (const void *)wide_offsets : list_offsets, NULL);
            column_adopt(&list, elements[i]);
            for (size_t row = 0; row < 3; row++) {
                Cell cell;
                assert_ok(cell_read(&list.schema, &list.array, row, &scratch, &cell));
                assert_int_equal(cell.kind, CELL_TEXT);
                assert_str(bytes_str(cell.bytes), expected[i][row]);
            }
        }
    }
}

static void elements_are_counted_from_their_own_offset(void **state)
{
    (void)state;
    static const int64_t numbers[] = {99, 1, 2};
    static const int32_t offsets[] = {77, 0, 2};
    CLEANUP(buffer_done) Buffer scratch = {0};
    Column list, integers;
    Cell cell;
    column_init(&list, "+l", NULL, offsets, NULL);
    column_init(&integers, "l", NULL, numbers, NULL);
    column_adopt(&list, &integers);
    list.array.offset = integers.array.offset = 1;
    assert_ok(cell_read(&list.schema, &list.array, 0, &scratch, &cell));
    assert_str(bytes_str(cell.bytes), "[1,2]");
}

static void a_list_past_the_limit_is_an_error(void **state)
{
    (void)state;
    static const int64_t numbers[] = {1000000, 2000000};
    static const int32_t offsets[] = {0, 2};
    CLEANUP(buffer_done) Buffer scratch = {.limit = 10};
    Column list, integers;
    Cell cell;
    column_init(&list, "+l", NULL, offsets, NULL);
    column_init(&integers, "l", NULL, numbers, NULL);
    column_adopt(&list, &integers);
    assert_fails(cell_read(&list.schema, &list.array, 0, &scratch, &cell), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_become_sqlites),
        cmocka_unit_test(lists_are_text_unless_they_nest),
        cmocka_unit_test(dictionaries_are_refused),
        cmocka_unit_test(numbers_of_every_width),
        cmocka_unit_test(texts_and_blobs_by_their_offsets),
        cmocka_unit_test(nulls_are_where_the_bitmap_says),
        cmocka_unit_test(times_become_text),
        cmocka_unit_test(lists_become_json),
        cmocka_unit_test(elements_are_counted_from_their_own_offset),
        cmocka_unit_test(a_list_past_the_limit_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
