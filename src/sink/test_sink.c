#include "sink/test_sink.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- a directory for each test ---- */

int test_sink_set_up(void **state)
{
    TestSink *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    snprintf(f->directory, sizeof f->directory, "/tmp/quern-sink-XXXXXX");
    if (!mkdtemp(f->directory))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/a.db", f->directory);
    snprintf(f->url, sizeof f->url, "sqlite:%s", f->path);
    *state = f;
    return 0;
}

int test_sink_tear_down(void **state)
{
    TestSink *f = *state;
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", f->directory);
    int failed = system(command); /* NOLINT(cert-env33-c): a path of ours */
    free(f);
    return failed;
}

Sink *test_sink_open(const TestSink *f)
{
    Sink *sink = NULL;
    assert_ok(sink_open(str_of(f->url), false, NULL, NULL, &sink));
    return sink;
}

const char *test_sink_asked(const TestSink *f, const char *sql)
{
    static char answer[512];
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    answer[0] = 0;
    assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW && sqlite3_column_text(statement, 0))
        snprintf(answer, sizeof answer, "%s", (const char *)sqlite3_column_text(statement, 0));
    else if (code != SQLITE_ROW && code != SQLITE_DONE)
        snprintf(answer, sizeof answer, "!%s", sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return answer;
}

void test_sink_make(const TestSink *f, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* ---- small tables: text columns, a page number ---- */

void test_table_init(TestTable *table, const char *const *names, size_t columns)
{
    *table = (TestTable){.columns = columns};
    for (size_t i = 0; i < columns; i++) {
        bool number = strcmp(names[i], "page_number") == 0;
        table->child_schemas[i] = (struct ArrowSchema){.format = number ? "l" : "u", .name = names[i]};
        table->schema_children[i] = &table->child_schemas[i];
        table->array_children[i] = &table->child_arrays[i];
        assert_ok(buffer_append_byte(&table->data[i], 0)); /* never empty, so never NULL */
        table->offsets[i][0] = 1;
    }
    table->schema =
        (struct ArrowSchema){.format = "+s", .n_children = (int64_t)columns, .children = table->schema_children};
}

void test_table_done(TestTable *table)
{
    for (size_t i = 0; i < table->columns; i++)
        buffer_done(&table->data[i]);
}

void test_table_row(TestTable *table, const char *const *values)
{
    size_t row = table->rows++;
    assert_true(row < TEST_ROWS_MOST);
    for (size_t i = 0; i < table->columns; i++) {
        if (values[i])
            table->validity[i][row / 8] |= (uint8_t)(1u << row % 8);
        table->numbers[i][row] = values[i] ? strtol(values[i], NULL, 10) : 0;
        assert_ok(buffer_append_str(&table->data[i], str_of(values[i])));
        table->offsets[i][row + 1] = (int32_t)table->data[i].len;
    }
}

struct ArrowArray *test_table_batch(TestTable *table)
{
    for (size_t i = 0; i < table->columns; i++) {
        bool number = table->child_schemas[i].format[0] == 'l';
        table->buffers[i][0] = table->validity[i];
        table->buffers[i][1] = number ? (const void *)table->numbers[i] : table->offsets[i];
        table->buffers[i][2] = table->data[i].data;
        table->child_arrays[i] = (struct ArrowArray){.length = (int64_t)table->rows,
                                                     .null_count = -1,
                                                     .n_buffers = number ? 2 : 3,
                                                     .buffers = table->buffers[i]};
    }
    table->batch = (struct ArrowArray){
        .length = (int64_t)table->rows, .n_children = (int64_t)table->columns, .children = table->array_children};
    return &table->batch;
}

SinkObject test_object(const char *key, const char *etag)
{
    return (SinkObject){STR("s3://bucket"), str_of(key), str_of(etag), 100};
}

Error *test_add_object(Sink *sink, const char *key, const char *etag, const char *word, size_t rows)
{
    static const char *const names[] = {"element_id", "text"};
    CLEANUP(test_table_done) TestTable table;
    SinkObject about = test_object(key, etag);
    test_table_init(&table, names, ARRAY_COUNT(names));
    for (size_t i = 0; i < rows; i++) {
        char id[64], text[128];
        snprintf(id, sizeof id, "%s-%zu", key, i);
        snprintf(text, sizeof text, "%s %s %zu", word, key, i);
        test_table_row(&table, (const char *const[]){id, text});
    }
    TRY(sink_object_begin(sink, &about, &table.schema));
    TRY(sink_object_rows(sink, &table.schema, test_table_batch(&table)));
    return sink_object_commit(sink, rows);
}

bool test_has_object(Sink *sink, const char *table, const char *key, const char *etag)
{
    SinkObject about = test_object(key, etag);
    bool found = false;
    assert_ok(sink_has_object(sink, str_of(table), &about, &found));
    return found;
}

uint64_t test_object_count(Sink *sink, const char *table)
{
    uint64_t count = 0;
    assert_ok(sink_object_count(sink, str_of(table), &count));
    return count;
}

void test_load_one(Sink *sink, const char *table, SinkMode mode, const char *key, const char *word, size_t rows)
{
    Str target;
    assert_ok(sink_load_begin(sink, str_of(table), mode, false, &target));
    assert_ok(test_add_object(sink, key, "1", word, rows));
    assert_ok(sink_load_finish(sink, true));
}

const char *test_found(Sink *sink, const char *table, const char *text, const SinkFilter *filters, size_t filter_count,
                       uint64_t limit)
{
    static char keys[1024];
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    SinkQuery query = {str_of(table), str_of(text), filters, filter_count, limit};
    SinkHit *hits;
    size_t count;
    keys[0] = 0;
    Error *error = sink_search(sink, &query, arena, &hits, &count);
    if (error) {
        snprintf(keys, sizeof keys, "!%s", error_code_name(error_code(error)));
        error_free(error);
        return keys;
    }
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || hits[i].score <= hits[i - 1].score);
        strncat(keys, i ? "|" : "", 2);
        strncat(keys, hits[i].key.data, hits[i].key.len);
    }
    return keys;
}

Error *test_add_table(Sink *sink, const char *key, const char *const *names, size_t columns, const char *const *values)
{
    CLEANUP(test_table_done) TestTable table;
    SinkObject about = test_object(key, "1");
    test_table_init(&table, names, columns);
    if (values)
        test_table_row(&table, values);
    TRY(sink_object_begin(sink, &about, &table.schema));
    TRY(sink_object_rows(sink, &table.schema, test_table_batch(&table)));
    return sink_object_commit(sink, table.rows);
}
