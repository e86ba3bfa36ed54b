#include "sink/sink.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/testing.h"

/* ---- a directory for each test ---- */

typedef struct Fixture {
    char directory[64], path[96], url[112];
} Fixture;

static int set_up(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
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

static int tear_down(void **state)
{
    Fixture *f = *state;
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", f->directory);
    int failed = system(command); /* NOLINT(cert-env33-c): a path of ours */
    free(f);
    return failed;
}

static Sink *opened(const Fixture *f)
{
    Sink *sink = NULL;
    assert_ok(sink_open(str_of(f->url), false, NULL, NULL, &sink));
    return sink;
}

/* What another connection sees: the first value of the first row as text, "" for NULL or none, "!..." for an error. */
static const char *asked(const Fixture *f, const char *sql)
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

/* Another program's database. */
static void asked_new(const Fixture *f, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* ---- small tables: text columns, a page number ---- */

enum { COLUMNS_MOST = 8, ROWS_MOST = 64 };

/* A batch of text columns; a column called "page_number" holds numbers. */
typedef struct Table {
    struct ArrowSchema schema, child_schemas[COLUMNS_MOST], *schema_children[COLUMNS_MOST];
    struct ArrowArray batch, child_arrays[COLUMNS_MOST], *array_children[COLUMNS_MOST];
    const void *buffers[COLUMNS_MOST][3];
    int32_t offsets[COLUMNS_MOST][ROWS_MOST + 1];
    int64_t numbers[COLUMNS_MOST][ROWS_MOST];
    uint8_t validity[COLUMNS_MOST][ROWS_MOST / 8];
    Buffer data[COLUMNS_MOST];
    size_t columns, rows;
} Table;

static void table_init(Table *table, const char *const *names, size_t columns)
{
    *table = (Table){.columns = columns};
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

static void table_done(Table *table)
{
    for (size_t i = 0; i < table->columns; i++)
        buffer_done(&table->data[i]);
}

static void table_row(Table *table, const char *const *values)
{
    size_t row = table->rows++;
    assert_true(row < ROWS_MOST);
    for (size_t i = 0; i < table->columns; i++) {
        if (values[i])
            table->validity[i][row / 8] |= (uint8_t)(1u << row % 8);
        table->numbers[i][row] = values[i] ? strtol(values[i], NULL, 10) : 0;
        assert_ok(buffer_append_str(&table->data[i], str_of(values[i])));
        table->offsets[i][row + 1] = (int32_t)table->data[i].len;
    }
}

static struct ArrowArray *table_batch(Table *table)
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

static SinkObject object(const char *key, const char *etag)
{
    return (SinkObject){STR("s3://bucket"), str_of(key), str_of(etag), 100};
}

/* One object of rows "text" = "<word> <key> <n>". */
static Error *add_object(Sink *sink, const char *key, const char *etag, const char *word, size_t rows)
{
    static const char *const names[] = {"element_id", "text"};
    CLEANUP(table_done) Table table;
    SinkObject about = object(key, etag);
    table_init(&table, names, ARRAY_COUNT(names));
    for (size_t i = 0; i < rows; i++) {
        char id[64], text[128];
        snprintf(id, sizeof id, "%s-%zu", key, i);
        snprintf(text, sizeof text, "%s %s %zu", word, key, i);
        table_row(&table, (const char *const[]){id, text});
    }
    TRY(sink_object_begin(sink, &about, &table.schema));
    TRY(sink_object_rows(sink, &table.schema, table_batch(&table)));
    return sink_object_commit(sink, rows);
}

static bool has(Sink *sink, const char *table, const char *key, const char *etag)
{
    SinkObject about = object(key, etag);
    bool found = false;
    assert_ok(sink_has_object(sink, str_of(table), &about, &found));
    return found;
}

static uint64_t objects(Sink *sink, const char *table)
{
    uint64_t count = 0;
    assert_ok(sink_object_count(sink, str_of(table), &count));
    return count;
}

/* Loads `key` alone into `table`, from begin to finish. */
static void load_one(Sink *sink, const char *table, SinkMode mode, const char *key, const char *word, size_t rows)
{
    Str target;
    assert_ok(sink_load_begin(sink, str_of(table), mode, false, &target));
    assert_ok(add_object(sink, key, "1", word, rows));
    assert_ok(sink_load_finish(sink, true));
}

/* Keys of the hits with a bar between them; "!" and the code for an error. */
static const char *found(Sink *sink, const char *table, const char *text, const SinkFilter *filters,
                         size_t filter_count, uint64_t limit)
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

/* ---- opening ---- */

static void urls_that_are_no_database_are_refused(void **state)
{
    Fixture *f = *state;
    char text[128], directory[128], missing[128];
    snprintf(text, sizeof text, "sqlite:%s/text", f->directory);
    snprintf(directory, sizeof directory, "sqlite:%s", f->directory);
    snprintf(missing, sizeof missing, "sqlite:%s/no/such/a.db", f->directory);
    FILE *file = fopen(text + strlen("sqlite:"), "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fputs("this is a text and no database\n", file);
    fclose(file);
    const struct {
        const char *url;
        bool must_exist;
        ErrorCode code;
        const char *says;
    } rows[] = {
        {"postgres://host/db", false, ERR_UNSUPPORTED, "only sqlite:FILE"},
        {"", false, ERR_UNSUPPORTED, "only sqlite:FILE"},
        {"sqlite:", false, ERR_INVALID, "name is missing"},
        {"sqlite::memory:", false, ERR_INVALID, "a file to stay in"},
        {f->url, true, ERR_NOT_FOUND, "there is no database"},
        {text, false, ERR_INVALID, "no SQLite database"},
        {text, true, ERR_INVALID, "no SQLite database"},
        {directory, false, ERR_NOT_FOUND, "open"},
        {missing, false, ERR_NOT_FOUND, "directory"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Sink *sink = NULL;
        assert_fails_saying(sink_open(str_of(rows[i].url), rows[i].must_exist, NULL, NULL, &sink), rows[i].code,
                            rows[i].says);
        assert_null(sink);
    }
    assert_int_not_equal(access(f->path, F_OK), 0); /* asking made none */
}

static void a_new_database_is_made_and_opened_again(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *first = opened(f);
    assert_non_null(strstr(sink_version_view(first), "SQLite 3."));
    CLEANUP(sink_freep) Sink *second = NULL;
    assert_ok(sink_open(str_of(f->url), true, NULL, NULL, &second));
    assert_string_equal(asked(f, "PRAGMA journal_mode"), "wal");
    assert_string_equal(asked(f, "SELECT value FROM quern_meta WHERE name = 'version'"), "1");
    sink_free(NULL);
}

static void three_slashes_are_an_absolute_path(void **state)
{
    Fixture *f = *state;
    char url[128];
    snprintf(url, sizeof url, "sqlite://%s", f->path);
    Sink *sink = NULL;
    assert_ok(sink_open(str_of(url), false, NULL, NULL, &sink));
    sink_free(sink);
    assert_int_equal(access(f->path, F_OK), 0);
}

static void anothers_database_is_asked_and_not_changed(void **state)
{
    Fixture *f = *state;
    asked_new(f, "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x')");
    CLEANUP(sink_freep) Sink *sink = NULL;
    bool exists = false;
    assert_ok(sink_open(str_of(f->url), true, NULL, NULL, &sink));
    assert_ok(sink_table_exists(sink, STR("T"), &exists));
    assert_true(exists);
    assert_string_equal(found(sink, "t", "x", NULL, 0, 5), "!not_found");
    assert_string_equal(asked(f, "PRAGMA journal_mode"), "delete");
    assert_string_equal(asked(f, "SELECT count(*) FROM sqlite_master"), "1");
}

static void another_versions_state_is_left_alone(void **state)
{
    Fixture *f = *state;
    sink_free(opened(f));
    assert_string_equal(asked(f, "UPDATE quern_meta SET value = 7 WHERE name = 'version'"), "");
    for (int must_exist = 0; must_exist < 2; must_exist++) {
        Sink *sink = NULL;
        assert_fails_saying(sink_open(str_of(f->url), must_exist, NULL, NULL, &sink), ERR_STATE, "state 7");
    }
}

/* ---- modes ---- */

static void replace_append_and_fail(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    Str target;
    load_one(sink, "docs", SINK_FAIL, "a", "red", 3);
    assert_string_equal(asked(f, "SELECT count(*) FROM docs"), "3");
    assert_fails_saying(sink_load_begin(sink, STR("docs"), SINK_FAIL, false, &target), ERR_CHECK, "'docs' exists");
    assert_fails(sink_load_begin(sink, STR("DOCS"), SINK_FAIL, false, &target), ERR_CHECK); /* one name to SQLite */

    load_one(sink, "docs", SINK_APPEND, "b", "blue", 2);
    assert_string_equal(asked(f, "SELECT count(*) FROM docs"), "5");
    assert_int_equal(objects(sink, "docs"), 2);

    load_one(sink, "docs", SINK_REPLACE, "c", "green", 4);
    assert_string_equal(asked(f, "SELECT count(*) FROM docs"), "4");
    assert_int_equal(objects(sink, "docs"), 1);
    assert_int_equal(objects(sink, "docs__staging"), 0);
    assert_true(has(sink, "docs", "c", "1") && !has(sink, "docs", "a", "1"));
    assert_string_equal(found(sink, "docs", "red", NULL, 0, 9), "");
    assert_string_equal(found(sink, "docs", "green", NULL, 0, 2), "c-0|c-1");
    assert_string_equal(asked(f, "SELECT count(*) FROM sqlite_master WHERE name LIKE '%staging%'"), "0");
}

static void a_name_in_other_letters_is_the_same_table(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    load_one(sink, "Docs", SINK_REPLACE, "a", "red", 3);
    load_one(sink, "docs", SINK_REPLACE, "b", "blue", 2);
    assert_false(has(sink, "Docs", "a", "1")); /* or the next load of Docs would believe it is all there */
    assert_true(has(sink, "Docs", "b", "1"));
    assert_int_equal(objects(sink, "DOCS"), 1);
    assert_string_equal(found(sink, "DOCS", "blue", NULL, 0, 9), "b-0|b-1");
    assert_string_equal(asked(f, "SELECT count(*) FROM quern_tables"), "1");
}

static void the_ledger_knows_an_object_by_all_its_parts(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    load_one(sink, "docs", SINK_APPEND, "k\xff'\"", "red", 1);
    const struct {
        SinkObject object;
        bool known;
    } rows[] = {
        {{STR("s3://bucket"), STR("k\xff'\""), STR("1"), 100}, true},
        {{STR("s3://other"), STR("k\xff'\""), STR("1"), 100}, false},
        {{STR("s3://bucket"), STR("k\xff'"), STR("1"), 100}, false},
        {{STR("s3://bucket"), STR("k\xff'\""), STR("2"), 100}, false},
        {{STR("s3://bucket"), STR("k\xff'\""), STR("1"), 101}, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        bool known = !rows[i].known;
        assert_ok(sink_has_object(sink, STR("docs"), &rows[i].object, &known));
        assert_int_equal(known, rows[i].known);
    }
    assert_string_equal(asked(f, "SELECT rows_loaded FROM quern_objects"), "1");
    assert_string_equal(asked(f, "SELECT loaded_at LIKE '20__-__-__T%Z' FROM quern_objects"), "1");
}

static void a_table_that_was_dropped_is_loaded_again(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    load_one(sink, "docs", SINK_APPEND, "a", "red", 2);
    load_one(sink, "docs", SINK_APPEND, "b", "red", 2);
    assert_string_equal(asked(f, "DROP TABLE docs"), "");
    assert_false(has(sink, "docs", "a", "1"));
    assert_int_equal(objects(sink, "docs"), 0);
    load_one(sink, "docs", SINK_APPEND, "a", "blue", 1);
    assert_true(has(sink, "docs", "a", "1"));
    assert_false(has(sink, "docs", "b", "1")); /* not believed again now that the name is back */
    assert_string_equal(found(sink, "docs", "red", NULL, 0, 9), "");
    assert_string_equal(found(sink, "docs", "blue", NULL, 0, 9), "a-0");
}

static void a_ledger_is_in_what_was_opened_for_writing(void **state)
{
    Fixture *f = *state;
    bool has_one = true;
    asked_new(f, "CREATE TABLE t (a TEXT)");
    {
        CLEANUP(sink_freep) Sink *asking = NULL;
        assert_ok(sink_open(str_of(f->url), true, NULL, NULL, &asking));
        assert_ok(sink_has_ledger(asking, &has_one));
        assert_false(has_one);
    }
    CLEANUP(sink_freep) Sink *sink = opened(f);
    assert_ok(sink_has_ledger(sink, &has_one));
    assert_true(has_one);
}

static void names_that_are_taken_or_none_are_refused(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    char longest[202];
    memset(longest, 'x', sizeof longest);
    const Str rows[] = {
        STR_EMPTY,          STR("quern_meta"), STR("Quern_x"),       STR("sqlite_master"),   STR("SQLITE_x"),
        STR("docs_fts"),    STR("a_FTS"),      STR("docs__staging"), str_from(longest, 201), str_from("a\0b", 3),
        str_from("\xff", 1)};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Str target;
        assert_fails(sink_load_begin(sink, rows[i], SINK_REPLACE, false, &target), ERR_INVALID);
    }
    assert_string_equal(asked(f, "SELECT count(*) FROM quern_meta"), "1");
}

static void odd_names_work_from_end_to_end(void **state)
{
    Fixture *f = *state;
    char longest[201] = {0};
    memset(longest, 'x', 200);
    const char *const rows[] = {"a b",
                                "it's",
                                "say \"hi\"",
                                "100%",
                                "%w%Q%s",
                                "t;--",
                                "a]b[c",
                                "stra\xc3\x9f"
                                "e",
                                "select",
                                "a.b",
                                "'",
                                "\"",
                                "a`b",
                                "0",
                                "_fts_",
                                longest};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(sink_freep) Sink *sink = opened(f);
        load_one(sink, rows[i], SINK_REPLACE, "a", "red", 2);
        load_one(sink, rows[i], SINK_APPEND, "b", "red", 1);
        assert_int_equal(objects(sink, rows[i]), 2);
        assert_string_equal(found(sink, rows[i], "red b", NULL, 0, 9), "b-0");
        load_one(sink, rows[i], SINK_REPLACE, "c", "red", 1);
        assert_string_equal(found(sink, rows[i], "red", NULL, 0, 9), "c-0");
    }
}

static void tables_of_others_under_our_side_names_are_kept(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    Str target;
    asked(f, "CREATE TABLE a_fts (x)");
    asked(f, "CREATE TABLE b__staging (x)");
    assert_fails_saying(sink_load_begin(sink, STR("a"), SINK_REPLACE, false, &target), ERR_EXISTS, "'a_fts'");
    assert_fails_saying(sink_load_begin(sink, STR("b"), SINK_REPLACE, false, &target), ERR_EXISTS, "'b__staging'");
    assert_ok(sink_load_begin(sink, STR("b"), SINK_APPEND, false, &target)); /* which needs no such name */
    sink_load_abort(sink);
    assert_string_equal(asked(f, "SELECT count(*) FROM sqlite_master WHERE name IN ('a_fts', 'b__staging')"), "2");
}

/* ---- whole or not at all ---- */

static void an_aborted_load_is_gone_on_with(void **state)
{
    Fixture *f = *state;
    Str target;
    {
        CLEANUP(sink_freep) Sink *sink = opened(f);
        load_one(sink, "docs", SINK_REPLACE, "old", "old", 1);
        assert_ok(sink_load_begin(sink, STR("docs"), SINK_REPLACE, false, &target));
        assert_str(target, "docs__staging");
        assert_ok(add_object(sink, "a", "1", "new", 2));
        SinkObject cut_short = object("b", "1");
        Table table;
        table_init(&table, (const char *const[]){"text"}, 1);
        table_row(&table, (const char *const[]){"new b"});
        assert_ok(sink_object_begin(sink, &cut_short, &table.schema));
        assert_ok(sink_object_rows(sink, &table.schema, table_batch(&table)));
        table_done(&table);
        /* freed within an object: as after a kill */
    }
    assert_string_equal(asked(f, "SELECT count(*) FROM docs"), "1");
    assert_string_equal(asked(f, "SELECT count(*) FROM docs__staging"), "2");
    CLEANUP(sink_freep) Sink *sink = opened(f);
    assert_true(has(sink, "docs__staging", "a", "1"));
    assert_false(has(sink, "docs__staging", "b", "1"));
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_REPLACE, true, &target));
    assert_ok(add_object(sink, "b", "1", "new", 1));
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(asked(f, "SELECT group_concat(text, ',') FROM docs"), "new a 0,new a 1,new b 0");
    assert_string_equal(found(sink, "docs", "new", NULL, 0, 9), "a-0|a-1|b-0");

    assert_ok(sink_load_begin(sink, STR("docs"), SINK_REPLACE, false, &target));
    assert_ok(add_object(sink, "c", "1", "newer", 1));
    sink_load_abort(sink);
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_REPLACE, false, &target)); /* not gone on with: dropped */
    assert_int_equal(objects(sink, "docs__staging"), 0);
    sink_load_abort(sink);
    assert_string_equal(asked(f, "SELECT count(*) FROM docs"), "3");
}

static void a_reader_sees_the_old_table_or_the_new_one(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    load_one(sink, "docs", SINK_REPLACE, "old", "old", 5);
    sqlite3 *reader = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(f->path, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(reader, "SELECT text FROM docs ORDER BY rowid", -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW); /* within its snapshot from here on */

    load_one(sink, "docs", SINK_REPLACE, "new", "new", 2);
    assert_string_equal(asked(f, "SELECT count(*) FROM docs WHERE text LIKE 'new%'"), "2");
    int rows = 1;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        assert_int_equal(strncmp((const char *)sqlite3_column_text(statement, 0), "old", 3), 0);
        rows++;
    }
    assert_int_equal(rows, 5);
    sqlite3_finalize(statement);
    sqlite3_close(reader);
}

static void one_load_at_a_time(void **state)
{
    Fixture *f = *state;
    Str target;
    CLEANUP(sink_freep) Sink *first = opened(f);
    CLEANUP(sink_freep) Sink *second = opened(f);
    assert_ok(sink_load_begin(first, STR("docs"), SINK_APPEND, false, &target));
    assert_fails_saying(sink_load_begin(second, STR("docs"), SINK_APPEND, false, &target), ERR_LOCKED, "another load");
    assert_false(has(second, "docs", "a", "1")); /* asking is free */
    sink_load_abort(first);
    assert_ok(sink_load_begin(second, STR("docs"), SINK_APPEND, false, &target));
    sink_load_abort(second);
}

static void rows_of_a_failed_batch_are_undone(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    Str target;
    load_one(sink, "docs", SINK_APPEND, "a", "red", 1);
    asked(
        f,
        "CREATE TRIGGER no_more BEFORE INSERT ON docs WHEN NEW.text = 'blue b 1' BEGIN SELECT raise(ABORT, 'enough'); END");
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_APPEND, false, &target));
    assert_fails_saying(add_object(sink, "b", "1", "blue", 3), ERR_INVALID, "enough");
    assert_ok(add_object(sink, "c", "1", "green", 1)); /* the next object goes on */
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(asked(f, "SELECT group_concat(text, ',') FROM docs"), "red a 0,green c 0");
    assert_false(has(sink, "docs", "b", "1"));
}

static void a_stop_ends_a_wait_for_another_writer(void **state)
{
    Fixture *f = *state;
    Cancel cancel = {0};
    CLEANUP(sink_freep) Sink *sink = NULL;
    Str target;
    assert_ok(sink_open(str_of(f->url), false, &cancel, NULL, &sink));
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_APPEND, false, &target));
    sqlite3 *writer = NULL;
    assert_int_equal(sqlite3_open(f->path, &writer), SQLITE_OK);
    assert_int_equal(sqlite3_exec(writer, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    cancel_raise(&cancel, CANCEL_STOP);
    assert_fails(add_object(sink, "a", "1", "red", 1), ERR_CANCELLED);
    sqlite3_close(writer);
}

/* ---- what fills ---- */

static void a_full_database_says_so_and_keeps_what_it_has(void **state)
{
    Fixture *f = *state;
    pid_t child = fork(); /* the limit on file sizes is the process's own */
    if (child == 0) {
        Str target;
        Sink *sink = opened(f);
        signal(SIGXFSZ, SIG_IGN);
        load_one(sink, "docs", SINK_APPEND, "a", "red", 5);
        if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){300000, 300000}) != 0)
            _exit(2);
        Error *error = sink_load_begin(sink, STR("docs"), SINK_APPEND, false, &target);
        for (int i = 0; i < 100000 && !error; i++) {
            char key[32];
            snprintf(key, sizeof key, "more-%d", i);
            error = add_object(sink, key, "1", "a word or two that need some room", ROWS_MOST);
        }
        int code = (int)error_code(error);
        error_free(error);
        sink_free(sink);
        _exit(code == ERR_NO_SPACE ? 0 : 3);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_string_equal(asked(f, "PRAGMA integrity_check"), "ok");
    assert_string_equal(asked(f, "SELECT count(*) = (SELECT sum(rows_loaded) FROM quern_objects) FROM docs"), "1");
    assert_string_equal(asked(f, "SELECT count(*) > 5 FROM docs"), "1");
}

/* ---- columns ---- */

static Error *add_table(Sink *sink, const char *key, const char *const *names, size_t columns,
                        const char *const *values)
{
    CLEANUP(table_done) Table table;
    SinkObject about = object(key, "1");
    table_init(&table, names, columns);
    if (values)
        table_row(&table, values);
    TRY(sink_object_begin(sink, &about, &table.schema));
    TRY(sink_object_rows(sink, &table.schema, table_batch(&table)));
    return sink_object_commit(sink, table.rows);
}

static void columns_come_and_go(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    Str target;
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_APPEND, false, &target));
    assert_ok(add_table(sink, "a", (const char *const[]){"text", "old"}, 2, (const char *const[]){"one", "x"}));
    assert_ok(add_table(sink, "b", (const char *const[]){"page_number", "new \"col\"", "TEXT"}, 3,
                        (const char *const[]){"7", "y", "two"}));
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(asked(f, "SELECT group_concat(name || ' ' || type, ', ') FROM pragma_table_info('docs')"),
                        "text TEXT, old TEXT, page_number INTEGER, new \"col\" TEXT");
    assert_string_equal(asked(f, "SELECT text || old || (page_number IS NULL) FROM docs WHERE rowid = 1"), "onex1");
    assert_string_equal(
        asked(f, "SELECT text || page_number || \"new \"\"col\"\"\" || (old IS NULL) FROM docs WHERE rowid = 2"),
        "two7y1");
}

static void types_that_no_column_holds_fail_their_object_alone(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    Str target;
    struct ArrowSchema child = {.format = "+s", .name = "nested"}, *children[] = {&child},
                       schema = {.format = "+s", .n_children = 1, .children = children}, none = {.format = "+s"};
    SinkObject about = object("a", "1");
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_APPEND, false, &target));
    assert_fails_saying(sink_object_begin(sink, &about, &schema), ERR_UNSUPPORTED, "column 'nested'");
    assert_fails_saying(sink_object_begin(sink, &about, &none), ERR_LIMIT, "columns");
    assert_ok(add_object(sink, "b", "1", "red", 1));
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(asked(f, "SELECT count(*) FROM docs"), "1");
}

static void no_rows_are_a_table_too(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    load_one(sink, "docs", SINK_REPLACE, "a", "red", 0);
    assert_string_equal(asked(f, "SELECT count(*) FROM docs"), "0");
    assert_true(has(sink, "docs", "a", "1"));
    assert_string_equal(found(sink, "docs", "red", NULL, 0, 9), "");
    load_one(sink, "docs", SINK_APPEND, "b", "red", 1);
    assert_string_equal(found(sink, "docs", "red", NULL, 0, 9), "b-0");
}

static void nothing_loaded_leaves_the_table_as_it_is(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    Str target;
    load_one(sink, "docs", SINK_REPLACE, "a", "red", 1);
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_REPLACE, false, &target));
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(asked(f, "SELECT count(*) FROM docs"), "1");
    assert_ok(sink_load_begin(sink, STR("none"), SINK_APPEND, false, &target));
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(found(sink, "none", "red", NULL, 0, 1), "!not_found");
}

/* ---- the index and its answers ---- */

static void the_index_follows_the_columns(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    static const struct {
        const char *const names[4];
        size_t columns;
        const char *indexed;
    } rows[] = {
        {{"other", "Text", "title"}, 3, "Text,title"}, /* the names of the specification, wherever they stand */
        {{"a", "b", "c", "d"}, 4, "a,b,c"},            /* else the first three */
        {{"rank", "rowid", "a"}, 3, "a"},              /* which FTS5 keeps for itself */
        {{"page_number", "a"}, 2, "a"},                /* no text */
        {{"page_number"}, 1, ""},                      /* none */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char table[8], sql[128];
        Str target;
        snprintf(table, sizeof table, "t%zu", i);
        assert_ok(sink_load_begin(sink, str_of(table), SINK_REPLACE, false, &target));
        assert_ok(add_table(sink, "k", rows[i].names, rows[i].columns, (const char *const[]){"1", "2", "3", "4"}));
        assert_ok(sink_load_finish(sink, true));
        snprintf(sql, sizeof sql, "SELECT group_concat(name) FROM pragma_table_info('%s_fts')", table);
        assert_string_equal(asked(f, sql), rows[i].indexed);
    }
}

static void a_text_column_that_comes_later_is_found_too(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    Str target;
    load_one(sink, "docs", SINK_APPEND, "a", "red", 2);
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_APPEND, false, &target));
    assert_ok(
        add_table(sink, "b", (const char *const[]){"element_id", "title"}, 2, (const char *const[]){"b-0", "crimson"}));
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(found(sink, "docs", "crimson", NULL, 0, 9), "b-0");
    assert_string_equal(found(sink, "docs", "red", NULL, 0, 9), "a-0|a-1");
}

static void columns_may_have_the_names_of_row_numbers(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    Str target;
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_REPLACE, false, &target));
    assert_ok(add_table(sink, "a", (const char *const[]){"RowId", "_rowid_", "text"}, 3,
                        (const char *const[]){"x", "y", "red"}));
    assert_ok(add_table(sink, "b", (const char *const[]){"RowId", "_rowid_", "text"}, 3,
                        (const char *const[]){"x", "y", "blue"}));
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(found(sink, "docs", "blue", NULL, 0, 9), "2");
    assert_ok(sink_load_begin(sink, STR("all"), SINK_REPLACE, false, &target));
    assert_ok(add_table(sink, "a", (const char *const[]){"rowid", "_rowid_", "oid"}, 3,
                        (const char *const[]){"x", "y", "z"}));
    assert_fails_saying(sink_load_finish(sink, true), ERR_UNSUPPORTED, "row number");
}

static void an_index_can_come_later(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    Str target;
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_REPLACE, false, &target));
    assert_ok(add_object(sink, "a", "1", "red", 3));
    assert_ok(sink_load_finish(sink, false));
    assert_string_equal(found(sink, "docs", "red", NULL, 0, 9), "!not_found");
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_APPEND, false, &target));
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(found(sink, "docs", "red", NULL, 0, 9), "a-0|a-1|a-2");
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_APPEND, false, &target));
    assert_ok(sink_load_finish(sink, true)); /* once more: no row twice */
    assert_string_equal(found(sink, "docs", "red", NULL, 0, 9), "a-0|a-1|a-2");
    assert_string_equal(asked(f, "INSERT INTO docs_fts (docs_fts, rank) VALUES ('integrity-check', 1)"), "");
}

static void fill_library(Sink *sink)
{
    static const char *const names[] = {"id", "text", "page_number", "url", "lang"};
    static const char *const rows[][5] = {
        {"1", "the quick brown fox jumps over the lazy dog", "1", "s3://b/fox.pdf", "en"},
        {"2", "a fox is a fox and a fox again", "2", "s3://b/fox.pdf", "en"},
        {"3",
         "Stra\xc3\x9f"
         "e und Caf\xc3\xa9",
         NULL, "s3://b/de.txt", "de"},
        {"4", "brown bread", NULL, NULL, NULL},
        {"5", "\xe6\xbc\xa2\xe5\xad\x97 and letters", "5", "s3://b/cjk.txt", "ja"},
    };
    CLEANUP(table_done) Table table;
    SinkObject about = object("library", "1");
    Str target;
    table_init(&table, names, ARRAY_COUNT(names));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        table_row(&table, rows[i]);
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_REPLACE, false, &target));
    assert_ok(sink_object_begin(sink, &about, &table.schema));
    assert_ok(sink_object_rows(sink, &table.schema, table_batch(&table)));
    assert_ok(sink_object_commit(sink, table.rows));
    assert_ok(sink_load_finish(sink, true));
}

static void queries_find_what_they_should(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    fill_library(sink);
    static const struct {
        const char *text;
        uint64_t limit;
        const char *keys;
    } rows[] = {
        {"fox", 9, "2|1"}, /* three times in a short text ranks first */
        {"fox", 1, "2"},
        {"fox", 0, ""},
        {"FOX", 9, "2|1"},
        {"brown fox", 9, "1"},
        {"fox bread", 9, "4|2|1"}, /* none has both: those that have one */
        {"\"quick brown\"", 9, "1"},
        {"\"brown quick\"", 9, ""},
        {"bread OR lazy", 9, "4|1"},
        {"brown -dog", 9, "4"},
        {"-dog", 9, "!invalid"},
        {"strasse", 9, ""},
        {"cafe", 9, "3"},
        {"CAF\xc3\x89", 9, "3"},
        {"\xe6\xbc\xa2\xe5\xad\x97", 9, "5"},
        {"", 9, ""},
        {"\"", 9, ""},
        {"* ( ) : ^ NEAR", 9, ""},
        {"text:fox", 9, ""}, /* two words to the tokenizer, one phrase: no syntax */
        {"fox AND NOT dog", 9, "1|2|5"},
        {"fox\xff", 9, "2|1"},
        {"no such word", 9, ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *keys = found(sink, "docs", rows[i].text, NULL, 0, rows[i].limit);
        if (strcmp(keys, rows[i].keys) != 0)
            fail_msg("'%s': '%s' and not '%s'", rows[i].text, keys, rows[i].keys);
    }
}

static void filters_compare_as_text(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    fill_library(sink);
    const struct {
        SinkFilter filters[2];
        size_t count;
        const char *keys;
    } rows[] = {
        {{{STR("lang"), STR("en")}}, 1, "2|1"},
        {{{STR("LANG"), STR("en")}}, 1, "2|1"},
        {{{STR("page_number"), STR("2")}}, 1, "2"},
        {{{STR("page_number"), STR("02")}}, 1, ""},
        {{{STR("lang"), STR("en")}, {STR("page_number"), STR("1")}}, 2, "1"},
        {{{STR("lang"), STR("' OR 1 = 1 --")}}, 1, ""},
        {{{STR("nope"), STR("x")}}, 1, "!invalid"},
        {{{STR("lang\" = 1 --"), STR("x")}}, 1, "!invalid"},
        {{{STR(""), STR("x")}}, 1, "!invalid"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_string_equal(found(sink, "docs", "fox", rows[i].filters, rows[i].count, 9), rows[i].keys);
}

static void a_hit_says_where_it_is_from(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    SinkHit *hits;
    size_t count;
    fill_library(sink);
    SinkQuery query = {STR("docs"), STR("lazy OR bread"), NULL, 0, 9};
    assert_ok(sink_search(sink, &query, arena, &hits, &count));
    assert_int_equal(count, 2);
    assert_str(hits[0].key, "4");
    assert_str(hits[0].snippet, "brown **bread**");
    assert_str(hits[0].document, "");
    assert_int_equal(hits[0].page, 0);
    assert_str(hits[0].row_json, "{\"id\": \"4\", \"text\": \"brown bread\"}");
    assert_str(hits[1].snippet, "the quick brown fox jumps over the **lazy** dog");
    assert_str(hits[1].document, "s3://b/fox.pdf");
    assert_int_equal(hits[1].page, 1);
    assert_true(hits[0].score > hits[1].score);
}

static void answers_past_the_arenas_limit_are_an_error(void **state)
{
    Fixture *f = *state;
    CLEANUP(sink_freep) Sink *sink = opened(f);
    fill_library(sink);
    for (size_t limit = 0; limit < 1200; limit += 16) {
        CLEANUP(arena_freep) Arena *arena = arena_new(limit);
        SinkQuery query = {STR("docs"), STR("fox"), NULL, 0, 2};
        SinkHit *hits = NULL;
        size_t count = 0;
        Error *error = sink_search(sink, &query, arena, &hits, &count);
        assert_true(!error || error_code(error) == ERR_LIMIT);
        assert_true(error || count == 2);
        error_free(error);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(urls_that_are_no_database_are_refused),
        TEST(a_new_database_is_made_and_opened_again),
        TEST(three_slashes_are_an_absolute_path),
        TEST(anothers_database_is_asked_and_not_changed),
        TEST(another_versions_state_is_left_alone),
        TEST(replace_append_and_fail),
        TEST(a_name_in_other_letters_is_the_same_table),
        TEST(the_ledger_knows_an_object_by_all_its_parts),
        TEST(a_table_that_was_dropped_is_loaded_again),
        TEST(a_ledger_is_in_what_was_opened_for_writing),
        TEST(names_that_are_taken_or_none_are_refused),
        TEST(odd_names_work_from_end_to_end),
        TEST(tables_of_others_under_our_side_names_are_kept),
        TEST(an_aborted_load_is_gone_on_with),
        TEST(a_reader_sees_the_old_table_or_the_new_one),
        TEST(one_load_at_a_time),
        TEST(rows_of_a_failed_batch_are_undone),
        TEST(a_stop_ends_a_wait_for_another_writer),
        TEST(a_full_database_says_so_and_keeps_what_it_has),
        TEST(columns_come_and_go),
        TEST(types_that_no_column_holds_fail_their_object_alone),
        TEST(no_rows_are_a_table_too),
        TEST(nothing_loaded_leaves_the_table_as_it_is),
        TEST(the_index_follows_the_columns),
        TEST(a_text_column_that_comes_later_is_found_too),
        TEST(columns_may_have_the_names_of_row_numbers),
        TEST(an_index_can_come_later),
        TEST(queries_find_what_they_should),
        TEST(filters_compare_as_text),
        TEST(a_hit_says_where_it_is_from),
        TEST(answers_past_the_arenas_limit_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
