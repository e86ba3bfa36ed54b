#include "base/testing.h"
#include "parquet/metadata.h"

static Error *read_page_header(Bytes bytes, Arena *arena, PageHeader *header)
{
    Reader in = reader_of(bytes);

    memset(header, 0, sizeof *header);
    return thrift_read(&in, &PAGE_HEADER_THRIFT, arena, header);
}

/* The dictionary page header of spec/parquet.md 19. */
static const uint8_t DICTIONARY_HEADER[] = {0x15, 0x04, 0x15, 0x12, 0x15, 0x12, 0x4c,
                                            0x15, 0x02, 0x15, 0x00, 0x12, 0x00, 0x00};

static void a_header_by_pyarrow_is_read(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    PageHeader h;

    assert_ok(read_page_header(bytes_from(DICTIONARY_HEADER, sizeof DICTIONARY_HEADER), arena, &h));
    assert_int_equal(h.type, 2);
    assert_int_equal(h.uncompressed_page_size, 9);
    assert_int_equal(h.compressed_page_size, 9);
    assert_true(THRIFT_HAS(&h, PAGE_HEADER_DICTIONARY));
    assert_false(THRIFT_HAS(&h, PAGE_HEADER_DATA));
    assert_int_equal(h.dictionary.num_values, 1);
    assert_true(THRIFT_HAS(&h.dictionary, DICTIONARY_PAGE_IS_SORTED));
    assert_false(h.dictionary.is_sorted);
}

static void a_header_cut_anywhere_is_corrupt(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    PageHeader h;

    for (size_t len = 0; len < sizeof DICTIONARY_HEADER; len++)
        assert_fails(read_page_header(bytes_from(DICTIONARY_HEADER, len), arena, &h), ERR_CORRUPT);
}

static void malformed_structures_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t bytes[16];
        size_t len;
        ErrorCode code;
    } rows[] = {
        {"required field missing", {0x15, 0x04, 0x00}, 3, ERR_CORRUPT},
        {"integer above 32 bits", {0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00}, 8, ERR_CORRUPT},
        {"varint without an end", {0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 11, ERR_CORRUPT},
        {"unknown wire type", {0x1e, 0x00}, 2, ERR_CORRUPT},
        {"unknown list claims more than there is", {0xf9, 0xf5, 0xff, 0xff, 0xff, 0x07}, 6, ERR_CORRUPT},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
        PageHeader h;
        Error *error = read_page_header(bytes_from(rows[i].bytes, rows[i].len), arena, &h);
        ErrorCode code = error_code(error);
        error_free(error);
        if (code != rows[i].code)
            fail_msg("%s: %s", rows[i].name, error_code_name(code));
    }
}

/* Field 15 of ColumnMetaData as a list, where the table knows nothing; field 2 of KeyValue as an integer, where it wants text. */
static void unknown_and_mistyped_fields_are_skipped(void **state)
{
    (void)state;
    static const uint8_t footer[] = {
        0x15, 0x02,                                     /* 1: version 1 */
        0x19, 0x1c, 0x48, 0x01, 'r',  0x15, 0x00, 0x00, /* 2: schema of one group, no children */
        0x16, 0x00,                                     /* 3: no rows */
        0x19, 0x0c,                                     /* 4: no row groups */
        0x19, 0x1c, 0x18, 0x01, 'k',  0x15, 0x08, 0x00, /* 5: a pair whose value is no text */
        0x59, 0x2b, 0x01, 0x88, 0x01, 'a',  0x01, 'b',  0x01, 0x88, 0x01, 'c', 0x01, 'd', /* 10: two maps */
        0x00,
    };
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    FileMetaData m = {0};
    Reader in = reader_of(bytes_from(footer, sizeof footer));

    assert_ok(thrift_read(&in, &FILE_METADATA_THRIFT, arena, &m));
    assert_int_equal(reader_left(&in), 0);
    assert_int_equal(m.schema.count, 1);
    assert_int_equal(m.key_values.count, 1);
    assert_str(m.key_values.items[0].key, "k");
    assert_false(THRIFT_HAS(&m.key_values.items[0], KEY_VALUE_VALUE));
}

static void deep_unknown_nesting_is_refused(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    uint8_t bytes[200];
    PageHeader h;

    memset(bytes, 0x1c, sizeof bytes); /* field 1, a struct, which holds field 1, a struct... */
    bytes[0] = 0x9c;                   /* in field 9, which no page header has */
    assert_fails(read_page_header(bytes_from(bytes, sizeof bytes), arena, &h), ERR_CORRUPT);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    CLEANUP(buffer_done) Buffer out = {0}, again = {0};
    SchemaElement elements[20];
    KeyValue pair = {.key = STR("key"), .value = STR("value")};
    FileMetaData m = {.version = 1, .num_rows = INT64_MIN, .schema = {elements, 20}, .key_values = {&pair, 1}},
                 back = {0};

    memset(elements, 0, sizeof elements);
    for (size_t i = 0; i < 20; i++) { /* more than a short list holds */
        elements[i].name = STR("name");
        elements[i].type_length = (int32_t)(i * 1000) - 7;
        THRIFT_SET(&elements[i], SCHEMA_ELEMENT_NAME);
        THRIFT_SET(&elements[i], SCHEMA_ELEMENT_TYPE_LENGTH);
    }
    elements[3].logical.integer = (IntegerType){.bit_width = -8, .is_signed = true, .present = 6};
    THRIFT_SET(&elements[3].logical, LOGICAL_INTEGER);
    THRIFT_SET(&elements[3], SCHEMA_ELEMENT_LOGICAL_TYPE);
    THRIFT_SET(&pair, KEY_VALUE_KEY);
    THRIFT_SET(&pair, KEY_VALUE_VALUE);
    for (int id = FILE_VERSION; id <= FILE_KEY_VALUES; id++)
        THRIFT_SET(&m, id);

    assert_ok(thrift_write(&FILE_METADATA_THRIFT, &m, &out));
    Reader in = reader_of(buffer_bytes(&out));
    assert_ok(thrift_read(&in, &FILE_METADATA_THRIFT, arena, &back));
    assert_true(back.num_rows == INT64_MIN);
    assert_int_equal(back.schema.count, 20);
    assert_int_equal(back.schema.items[19].type_length, 18993);
    assert_int_equal(back.schema.items[3].logical.integer.bit_width, -8);
    assert_str(back.key_values.items[0].value, "value");
    assert_ok(thrift_write(&FILE_METADATA_THRIFT, &back, &again));
    assert_true(str_equal(buffer_str(&out), buffer_str(&again)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_by_pyarrow_is_read),      cmocka_unit_test(a_header_cut_anywhere_is_corrupt),
        cmocka_unit_test(malformed_structures_are_refused), cmocka_unit_test(unknown_and_mistyped_fields_are_skipped),
        cmocka_unit_test(deep_unknown_nesting_is_refused),  cmocka_unit_test(what_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
