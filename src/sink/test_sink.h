/* test_sink.h - what the tests of a sink share: a database file of their own, small tables to load, and what another connection sees. */
#ifndef SINK_TEST_SINK_H
#define SINK_TEST_SINK_H

#include "base/buffer.h"
#include "base/testing.h"
#include "sink/sink.h"

/* ---- a directory for each test ---- */

typedef struct TestSink {
    char directory[64], path[96], url[112];
} TestSink;

/* Set-up and tear-down of cmocka; the state is a TestSink. */
int test_sink_set_up(void **state);
int test_sink_tear_down(void **state);
#define TEST_SINK(name) cmocka_unit_test_setup_teardown(name, test_sink_set_up, test_sink_tear_down)

Sink *test_sink_open(const TestSink *f);
/* What another connection sees: the first value of the first row as text, "" for NULL or none, "!..." for an error. Until the next call. */
const char *test_sink_asked(const TestSink *f, const char *sql);
/* Another program's database. */
void test_sink_make(const TestSink *f, const char *sql);

/* ---- small tables: text columns, a page number ---- */

enum { TEST_COLUMNS_MOST = 8, TEST_ROWS_MOST = 64 };

/* A batch of text columns; a column called "page_number" holds numbers. */
typedef struct TestTable {
    struct ArrowSchema schema, child_schemas[TEST_COLUMNS_MOST], *schema_children[TEST_COLUMNS_MOST];
    struct ArrowArray batch, child_arrays[TEST_COLUMNS_MOST], *array_children[TEST_COLUMNS_MOST];
    const void *buffers[TEST_COLUMNS_MOST][3];
    int32_t offsets[TEST_COLUMNS_MOST][TEST_ROWS_MOST + 1];
    int64_t numbers[TEST_COLUMNS_MOST][TEST_ROWS_MOST];
    uint8_t validity[TEST_COLUMNS_MOST][TEST_ROWS_MOST / 8];
    Buffer data[TEST_COLUMNS_MOST];
    size_t columns, rows;
} TestTable;

void test_table_init(TestTable *table, const char *const *names, size_t columns);
void test_table_done(TestTable *table);
void test_table_row(TestTable *table, const char *const *values);
/* As it stands; as long as `table`. */
struct ArrowArray *test_table_batch(TestTable *table);

SinkObject test_object(const char *key, const char *etag);
/* One object of rows "text" = "<word> <key> <n>"; of one row, or none. */
MUST_USE Error *test_add_object(Sink *sink, const char *key, const char *etag, const char *word, size_t rows);
MUST_USE Error *test_add_table(Sink *sink, const char *key, const char *const *names, size_t columns,
                               const char *const *values);
bool test_has_object(Sink *sink, const char *table, const char *key, const char *etag);
uint64_t test_object_count(Sink *sink, const char *table);
/* Loads `key` alone into `table`, from begin to finish. */
void test_load_one(Sink *sink, const char *table, SinkMode mode, const char *key, const char *word, size_t rows);
/* Keys of the hits with a bar between them; "!" and the code for an error. Until the next call. */
const char *test_found(Sink *sink, const char *table, const char *text, const SinkFilter *filters, size_t filter_count,
                       uint64_t limit);

#endif
