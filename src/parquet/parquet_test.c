/* parquet_test.c - whole files: what is written is read, in every shape and size; damaged ones are refused. */
#include <stdio.h>
#include <stdlib.h>

#include "base/testing.h"
#include "parquet/arrow_vector.h"
#include "parquet/memory_file.h"
#include "parquet/rows_json.h"
#include "parquet/table_builder.h"

/* A Str in a static initializer, where STR is no constant. */
#define NAME(literal)                                                                                                  \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }

static const TableColumn COLUMNS[] = {
    {NAME("id"), COLUMN_INT64, .required = true},
    {NAME("small"), COLUMN_INT32},
    {NAME("score"), COLUMN_DOUBLE},
    {NAME("single"), COLUMN_FLOAT},
    {NAME("flag"), COLUMN_BOOL},
    {NAME("text"), COLUMN_STRING},
    {NAME("kind"), COLUMN_STRING},
    {NAME("raw"), COLUMN_BINARY},
    {NAME("at"), COLUMN_TIMESTAMP_US},
    {NAME("day"), COLUMN_DATE},
    {NAME("numbers"), COLUMN_INT64, .list = true},
    {NAME("words"), COLUMN_STRING, .list = true},
};
enum { COLUMN_COUNT = ARRAY_COUNT(COLUMNS) };

/* Which slots are null: none, all, every second, runs of some. */
typedef enum Nulls { NULLS_NONE, NULLS_ALL, NULLS_ALTERNATING, NULLS_RUNS, NULLS_PATTERNS } Nulls;

static bool is_null(Nulls nulls, size_t row)
{
    switch (nulls) {
    case NULLS_ALL: return true;
    case NULLS_ALTERNATING: return row % 2 == 1;
    case NULLS_RUNS: return row / 37 % 3 == 1;
    case NULLS_NONE:
    case NULLS_PATTERNS: break;
    }
    return false;
}

static void append_lists(TableBuilder *b, size_t row, Nulls nulls)
{
    char word[32];

    if (is_null(nulls, row / 2)) {
        table_append_null(b, 10);
        table_append_null(b, 11);
        return;
    }
    table_list_begin(b, 10);
    table_list_begin(b, 11);
    for (size_t i = 0; i < row % 5; i++) {
        if (is_null(nulls, row + i)) {
            table_append_null(b, 10);
            table_append_null(b, 11);
            continue;
        }
        snprintf(word, sizeof word, "word %zu", row * i % 50);
        table_append_i64(b, 10, (int64_t)(row * i));
        table_append_str(b, 11, str_of(word));
    }
    table_list_end(b, 10);
    table_list_end(b, 11);
}

static void append_row(TableBuilder *b, size_t row, Nulls nulls)
{
    char text[64];

    table_append_i64(b, 0, (int64_t)row - 5);
    if (!is_null(nulls, row)) { /* else: columns without a value get null */
        snprintf(text, sizeof text, "text number %zu", row * 7919 % 100003);
        table_append_i64(b, 1, (int32_t)(row % 100));
        table_append_double(b, 2, (double)row / 3);
        table_append_double(b, 3, (double)(row % 8) / 4);
        table_append_bool(b, 4, row % 3 == 0);
        table_append_str(b, 5, str_of(text));
        table_append_str(b, 6, row % 4 ? STR("common") : STR("r\xc3\xa4re"));
        table_append_bytes(b, 7, bytes_from(text, row % 40));
        table_append_i64(b, 8, (int64_t)row * 1000003);
        table_append_i64(b, 9, (int64_t)(row % 20000));
    }
    append_lists(b, row, nulls);
    assert_ok(table_builder_end_row(b));
}

/* Writes `rows` rows in batches, and the same rows as JSON lines to `json`. */
static void write_file(size_t rows, Nulls nulls, const ParquetWriteOptions *options, Buffer *file, Buffer *json)
{
    CLEANUP(table_builder_freep) TableBuilder *b = table_builder_new(COLUMNS, COLUMN_COUNT, 0);
    CLEANUP(arrow_schema_done) struct ArrowSchema schema = {0};
    CLEANUP(parquet_writer_freep) ParquetWriter *w = NULL;
    ParquetSink sink = memory_file_sink(file);

    assert_ok(table_builder_schema(b, &schema));
    assert_ok(parquet_writer_new(&sink, &schema, options, &w));
    for (size_t row = 0; row < rows;) {
        CLEANUP(arrow_array_done) struct ArrowArray batch = {0};
        for (size_t end = MIN(row + 3001, rows); row < end; row++)
            append_row(b, row, nulls);
        assert_ok(table_builder_take_batch(b, &batch));
        assert_int_equal(table_builder_rows(b), 0);
        assert_ok(rows_json_append(&schema, &batch, 0, (size_t)batch.length, json));
        assert_ok(parquet_writer_write(w, &batch));
    }
    assert_int_equal(parquet_writer_rows(w), rows);
    assert_ok(parquet_writer_add_key_value(w, STR("origin"), STR("test")));
    assert_ok(parquet_writer_finish(w));
    assert_int_equal(parquet_writer_bytes(w), file->len);
}

static Error *read_rows(ParquetReader *r, Buffer *json, uint64_t *rows)
{
    CLEANUP(arrow_schema_done) struct ArrowSchema schema = {0};

    TRY(parquet_reader_schema(r, &schema));
    for (;;) {
        CLEANUP(arrow_array_done) struct ArrowArray batch = {0};
        TRY(parquet_reader_next(r, &batch));
        if (!batch.release)
            return NULL;
        *rows += (uint64_t)batch.length;
        TRY(rows_json_append(&schema, &batch, 0, (size_t)batch.length, json));
    }
}

static Error *read_file(Bytes file, const ParquetReadOptions *options, Buffer *json, uint64_t *rows)
{
    CLEANUP(parquet_reader_freep) ParquetReader *r = NULL;
    ParquetSource source = memory_file_source(&file);

    TRY(parquet_reader_open(&source, options, &r));
    return read_rows(r, json, rows);
}

static void assert_same_rows(const Buffer *file, const ParquetReadOptions *options, const Buffer *json, size_t rows)
{
    CLEANUP(buffer_done) Buffer back = {0};
    uint64_t rows_read = 0;

    assert_ok(read_file(buffer_bytes(file), options, &back, &rows_read));
    assert_int_equal(rows_read, rows);
    assert_true(str_equal(buffer_str(&back), buffer_str(json)));
}

static void rows_come_back(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 7, 8, 9, 503, 504, 505, 20001};
    static const char *const codecs[] = {"none", "snappy", "gzip", "zstd"};
    static const ParquetReadOptions reads[] = {{.batch_rows = 0},
                                               {.batch_rows = 1000, .read_bytes = 1000},
                                               {.batch_bytes = 5000},
                                               {.batch_rows = PARQUET_WHOLE_ROW_GROUP}};

    for (size_t c = 0; c < ARRAY_COUNT(counts); c++)
        for (Nulls nulls = NULLS_NONE; nulls < NULLS_PATTERNS; nulls++) {
            size_t turn = c + (size_t)nulls;
            ParquetWriteOptions options = {
                .codec = codec_by_name(str_of(codecs[turn % ARRAY_COUNT(codecs)])),
                .no_dictionary = turn % 3 == 0,
                .page_bytes = turn % 2 ? 3000 : 0,
                .row_group_bytes_max = turn % 4 == 1 ? 300000 : 0,
            };
            CLEANUP(buffer_done) Buffer file = {0}, json = {0};
            write_file(counts[c], nulls, &options, &file, &json);
            for (size_t i = 0; i < (counts[c] > 1000 ? 1 + turn % 2 : ARRAY_COUNT(reads)); i++)
                assert_same_rows(&file, &reads[i], &json, counts[c]);
        }
}

static void row_groups_are_bounded_and_chosen(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer file = {0}, json = {0}, back = {0};
    ParquetWriteOptions options = {.row_group_rows_max = 100};
    uint64_t rows = 0;

    write_file(1050, NULLS_RUNS, &options, &file, &json);
    Bytes bytes = buffer_bytes(&file);
    ParquetSource source = memory_file_source(&bytes);
    CLEANUP(parquet_reader_freep) ParquetReader *r = NULL;
    assert_ok(parquet_reader_open(&source, &(ParquetReadOptions){.row_group_first = 9}, &r));
    assert_int_equal(parquet_reader_row_groups(r), 11);
    assert_int_equal(parquet_reader_row_group(r, 0).rows, 100);
    assert_int_equal(parquet_reader_row_group(r, 10).rows, 50);
    assert_int_equal(parquet_reader_rows(r), 1050);
    assert_ok(read_rows(r, &back, &rows));
    assert_int_equal(rows, 150);
    assert_true(str_ends_with(buffer_str(&json), buffer_str(&back)));
    rows = 0;
    assert_ok(read_file(bytes, &(ParquetReadOptions){.row_group_first = 2, .row_groups_max = 3}, &back, &rows));
    assert_int_equal(rows, 300);
    assert_fails(read_file(bytes, &(ParquetReadOptions){.row_group_first = 12}, &back, &rows), ERR_INVALID);
}

static void columns_are_chosen_by_name(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer file = {0}, json = {0}, back = {0};
    const Str wanted[] = {STR("kind"), STR("id")}, missing[] = {STR("nothing")}, twice[] = {STR("id"), STR("id")};
    uint64_t rows = 0;

    write_file(2, NULLS_NONE, NULL, &file, &json);
    Bytes bytes = buffer_bytes(&file);
    assert_ok(read_file(bytes, &(ParquetReadOptions){.columns = wanted, .columns_count = 2}, &back, &rows));
    assert_str(buffer_str(&back), "{\"kind\": \"r\xc3\xa4re\", \"id\": -5}\n{\"kind\": \"common\", \"id\": -4}\n");
    assert_fails_saying(read_file(bytes, &(ParquetReadOptions){.columns = missing, .columns_count = 1}, &back, &rows),
                        ERR_NOT_FOUND, "there is no column 'nothing'; the file has 'id', 'small'");
    assert_fails(read_file(bytes, &(ParquetReadOptions){.columns = twice, .columns_count = 2}, &back, &rows),
                 ERR_INVALID);
}

static void the_footer_tells(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer file = {0}, json = {0}, text = {0};
    CLEANUP(parquet_reader_freep) ParquetReader *r = NULL;
    Str value;

    write_file(100, NULLS_ALTERNATING, NULL, &file, &json);
    Bytes bytes = buffer_bytes(&file);
    ParquetSource source = memory_file_source(&bytes);
    assert_ok(parquet_reader_open(&source, NULL, &r));
    assert_true(parquet_reader_key_value(r, STR("origin"), &value));
    assert_str(value, "test");
    assert_false(parquet_reader_key_value(r, STR("missing"), &value));
    assert_str(str_slice(parquet_reader_created_by_view(r), 0, 14), "quern version ");
    assert_int_equal(parquet_reader_columns(r), COLUMN_COUNT);
    assert_string_equal(parquet_reader_column_view(r, 8)->format, "tsu:UTC");
    assert_str(parquet_reader_column_view(r, 8)->logical, "TIMESTAMP(MICROS,UTC)");
    assert_true(parquet_reader_column_view(r, 11)->list);
    assert_string_equal(parquet_reader_column_view(r, 11)->element_format, "u");
    assert_false(parquet_reader_column_view(r, 0)->nullable);
    assert_ok(parquet_reader_json(r, -1, &text));
    assert_true(str_find(buffer_str(&text), STR("\"statistics\":{\"null_count\":0,\"min\":-5,\"max\":94}"))
                != SIZE_MAX);
    assert_true(str_find(buffer_str(&text), STR("\"key_values\":[{\"key\":\"origin\",\"value\":\"test\"}]"))
                != SIZE_MAX);
}

/* Every prefix of a file, and the file with any one byte changed: an error, or rows; never a sanitizer's report. */
static void damaged_files_are_refused(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer file = {0}, json = {0}, back = {0};
    uint64_t rows = 0;

    write_file(40, NULLS_RUNS, &(ParquetWriteOptions){.codec = codec_by_name(STR("snappy"))}, &file, &json);
    for (size_t len = 0; len < file.len; len++) {
        CLEANUP(cleanup_free) uint8_t *cut = malloc(len + 1); /* its own memory, so that a byte too far is seen */
        memcpy(cut, file.data, len);
        buffer_clear(&back);
        Error *error = read_file(bytes_from(cut, len), NULL, &back, &rows);
        ErrorCode code = error_code(error);
        error_free(error);
        if (code != ERR_CORRUPT && code != ERR_LIMIT && code != ERR_UNSUPPORTED)
            fail_msg("cut to %zu bytes: %s", len, error_code_name(code));
    }
    for (size_t at = 0; at < file.len; at++)
        for (unsigned change = 0; change < 3; change++) {
            uint8_t before = file.data[at];
            file.data[at] = (uint8_t)(change == 0 ? before ^ 1 : change == 1 ? before ^ 0x80 : ~before);
            buffer_clear(&back);
            ParquetReadOptions options = {.ignore_checksums = change != 2, .memory_max_bytes = 64 * MIB};
            error_free(read_file(buffer_bytes(&file), &options, &back, &rows)); /* any outcome */
            file.data[at] = before;
        }
}

static void a_changed_page_fails_its_checksum(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer file = {0}, json = {0}, back = {0};
    ParquetWriteOptions options = {.codec = codec_by_name(STR("none")), .no_dictionary = true};
    uint64_t rows = 0;

    write_file(100, NULLS_NONE, &options, &file, &json);
    size_t at = str_find(buffer_str(&file), STR("text number 0"));
    file.data[at] = 'T';
    assert_fails_saying(read_file(buffer_bytes(&file), NULL, &back, &rows), ERR_CORRUPT,
                        "column 'text': page 0 at byte");
    buffer_clear(&back);
    assert_ok(read_file(buffer_bytes(&file), &(ParquetReadOptions){.ignore_checksums = true}, &back, &rows));
}

static void memory_is_bounded(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer file = {0}, json = {0}, back = {0};
    uint64_t rows = 0;

    write_file(20000, NULLS_NONE, NULL, &file, &json);
    ParquetReadOptions options = {.memory_max_bytes = 100 * KIB, .batch_rows = PARQUET_WHOLE_ROW_GROUP};
    assert_fails(read_file(buffer_bytes(&file), &options, &back, &rows), ERR_LIMIT);
}

/* -- the table builder -- */

static void a_refused_row_leaves_no_trace(void **state)
{
    (void)state;
    static const TableColumn columns[] = {{NAME("name"), COLUMN_STRING, .required = true},
                                          {NAME("n"), COLUMN_INT32},
                                          {NAME("tags"), COLUMN_STRING, .list = true}};
    CLEANUP(table_builder_freep) TableBuilder *b = table_builder_new(columns, 3, 0);
    CLEANUP(arrow_array_done) struct ArrowArray batch = {0};
    CLEANUP(arrow_schema_done) struct ArrowSchema schema = {0};
    CLEANUP(buffer_done) Buffer json = {0};

    table_append_str(b, 0, STR("first"));
    assert_ok(table_builder_end_row(b));
    table_append_str(b, 0, STR("bad \xff"));
    table_append_i64(b, 1, 7);
    table_list_begin(b, 2);
    table_append_str(b, 2, STR("dropped"));
    table_list_end(b, 2);
    assert_fails_saying(table_builder_end_row(b), ERR_INVALID, "column 'name': a text of 5 bytes is not UTF-8");
    assert_fails_saying(table_builder_end_row(b), ERR_INVALID, "required");
    table_append_str(b, 0, STR("second"));
    table_append_i64(b, 1, INT64_C(1) << 40);
    assert_fails_saying(table_builder_end_row(b), ERR_INVALID, "does not fit 32 bits");
    table_append_str(b, 0, STR("third"));
    table_append_i64(b, 1, -3);
    table_list_begin(b, 2);
    table_list_end(b, 2);
    assert_ok(table_builder_end_row(b));
    assert_int_equal(table_builder_rows(b), 2);

    assert_ok(table_builder_schema(b, &schema));
    assert_ok(table_builder_take_batch(b, &batch));
    assert_ok(rows_json_append(&schema, &batch, 0, 2, &json));
    assert_str(buffer_str(&json),
               "{\"name\": \"first\", \"n\": null, \"tags\": null}\n{\"name\": \"third\", \"n\": -3, \"tags\": []}\n");
    assert_fails(rows_json_append(&schema, &batch, 1, 2, &json), ERR_INVALID);
}

static void a_full_builder_says_so(void **state)
{
    (void)state;
    static const TableColumn columns[] = {{NAME("text"), COLUMN_STRING}};
    CLEANUP(table_builder_freep) TableBuilder *b = table_builder_new(columns, 1, 1000);
    char text[2000] = {0};

    memset(text, 'x', sizeof text);
    table_append_str(b, 0, str_from(text, sizeof text));
    assert_fails_saying(table_builder_end_row(b), ERR_LIMIT, "column 'text'");
    table_append_str(b, 0, STR("short"));
    assert_ok(table_builder_end_row(b));
    assert_int_equal(table_builder_rows(b), 1);
}

/* -- types that only Arrow batches have -- */

static void types_that_cannot_be_written_are_named(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer file = {0};
    CLEANUP(arrow_schema_done) struct ArrowSchema table = {0};
    CLEANUP(parquet_writer_freep) ParquetWriter *w = NULL;
    struct ArrowSchema column = {0};
    ParquetSink sink = memory_file_sink(&file);

    assert_ok(arrow_schema_make(STR("tiD"), STR("interval"), 0, NULL, 0, &column));
    assert_ok(arrow_schema_make(STR("+s"), STR(""), 0, &column, 1, &table));
    assert_fails_saying(parquet_writer_new(&sink, &table, NULL, &w), ERR_UNSUPPORTED,
                        "column 'interval' has the Arrow type 'tiD'");
}

static void a_sliced_batch_is_written_from_its_offset(void **state)
{
    (void)state;
    static const TableColumn columns[] = {
        {NAME("n"), COLUMN_INT64}, {NAME("s"), COLUMN_STRING}, {NAME("l"), COLUMN_INT64, .list = true}};
    CLEANUP(table_builder_freep) TableBuilder *b = table_builder_new(columns, 3, 0);
    CLEANUP(arrow_schema_done) struct ArrowSchema schema = {0};
    CLEANUP(arrow_array_done) struct ArrowArray batch = {0};
    CLEANUP(buffer_done) Buffer file = {0}, wanted = {0}, back = {0};
    CLEANUP(parquet_writer_freep) ParquetWriter *w = NULL;
    ParquetSink sink = memory_file_sink(&file);
    uint64_t rows = 0;

    for (int64_t i = 0; i < 100; i++) {
        char text[20];
        snprintf(text, sizeof text, "%lld", (long long)i);
        if (i % 3)
            table_append_i64(b, 0, i);
        table_append_str(b, 1, str_of(text));
        table_list_begin(b, 2);
        for (int64_t k = 0; k < i % 4; k++)
            table_append_i64(b, 2, k);
        table_list_end(b, 2);
        assert_ok(table_builder_end_row(b));
    }
    assert_ok(table_builder_schema(b, &schema));
    assert_ok(table_builder_take_batch(b, &batch));
    assert_ok(rows_json_append(&schema, &batch, 33, 40, &wanted));
    batch.offset = 33;
    batch.length = 40;
    assert_ok(parquet_writer_new(&sink, &schema, NULL, &w));
    assert_ok(parquet_writer_write(w, &batch));
    assert_ok(parquet_writer_finish(w));
    assert_fails(parquet_writer_write(w, &batch), ERR_INVALID);
    assert_ok(read_file(buffer_bytes(&file), NULL, &back, &rows));
    assert_true(str_equal(buffer_str(&back), buffer_str(&wanted)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back),
        cmocka_unit_test(row_groups_are_bounded_and_chosen),
        cmocka_unit_test(columns_are_chosen_by_name),
        cmocka_unit_test(the_footer_tells),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(a_changed_page_fails_its_checksum),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(a_refused_row_leaves_no_trace),
        cmocka_unit_test(a_full_builder_says_so),
        cmocka_unit_test(types_that_cannot_be_written_are_named),
        cmocka_unit_test(a_sliced_batch_is_written_from_its_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
