/* Loading: ledger, staging, rows. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/time_text.h"
#include "sink/cell.h"
#include "sink/sqlite.h"

enum { COLUMNS_MAX = 2000 }; /* SQLite's own default bound */

/* ---- the ledger ---- */

/* What the ledger says of a table that somebody has dropped is not believed. */
#define TABLE_EXISTS "EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1 COLLATE NOCASE)"

Error *sink_has_ledger(Sink *sink, bool *ret_has)
{
    return sqlite_has_table(sink, STR("quern_objects"), ret_has);
}

Error *sink_object_count(Sink *sink, Str table, uint64_t *ret_count)
{
    CLEANUP(cleanup_statement) sqlite3_stmt *statement = NULL;
    bool row;
    TRY(sqlite_prepare(sink, "SELECT count(*) FROM quern_objects WHERE target_table = ?1 AND " TABLE_EXISTS,
                       &statement));
    TRY(sqlite_bind_str(sink, statement, 1, table));
    TRY(sqlite_step(sink, statement, &row));
    *ret_count = (uint64_t)sqlite3_column_int64(statement, 0);
    return NULL;
}

Error *sink_has_object(Sink *sink, Str table, const SinkObject *object, bool *ret_has)
{
    CLEANUP(cleanup_statement) sqlite3_stmt *statement = NULL;
    TRY(sqlite_prepare(
        sink,
        "SELECT 1 FROM quern_objects WHERE target_table = ?1 AND place = ?2 AND key = ?3 AND etag = ?4 AND size = ?5 AND " TABLE_EXISTS,
        &statement));
    TRY(sqlite_bind_str(sink, statement, 1, table));
    TRY(sqlite_bind_str(sink, statement, 2, object->place));
    TRY(sqlite_bind_blob(sink, statement, 3, object->key));
    TRY(sqlite_bind_str(sink, statement, 4, object->etag));
    sqlite3_bind_int64(statement, 5, (int64_t)object->size_bytes);
    return sqlite_step(sink, statement, ret_has);
}

Error *sink_table_exists(Sink *sink, Str table, bool *ret_exists)
{
    return sqlite_has_table(sink, table, ret_exists);
}

static Error *record_object(Sink *sink, uint64_t rows)
{
    CLEANUP(cleanup_statement) sqlite3_stmt *statement = NULL;
    char now[TIME_TEXT_BYTES];
    bool row;
    TRY(sqlite_prepare(sink, "INSERT OR REPLACE INTO quern_objects VALUES (?, ?, ?, ?, ?, ?, ?)", &statement));
    TRY(sqlite_bind_str(sink, statement, 1, str_of(sink->target)));
    TRY(sqlite_bind_str(sink, statement, 2, sink->object.place));
    TRY(sqlite_bind_blob(sink, statement, 3, sink->object.key));
    TRY(sqlite_bind_str(sink, statement, 4, sink->object.etag));
    sqlite3_bind_int64(statement, 5, (int64_t)sink->object.size_bytes);
    sqlite3_bind_int64(statement, 6, (int64_t)rows);
    TRY(sqlite_bind_str(sink, statement, 7, time_iso8601(clock_wall_us(clock_system()), now)));
    return sqlite_step(sink, statement, &row);
}

/* ---- begin ---- */

/* A lock beside the database, not in it: a kill gives it back, and it holds over many transactions. */
static Error *take_lock(Sink *sink)
{
    CLEANUP(cleanup_free) char *path = NULL;
    if (asprintf(&path, "%s-load.lock", sink->path) < 0) {
        path = NULL;
        return FAIL(NO_MEMORY, "out of memory");
    }
    sink->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (sink->lock_fd < 0)
        return FAIL_ERRNO("open the lock '%s'", path);
    if (flock(sink->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return NULL;
    if (errno == EWOULDBLOCK)
        return FAIL(LOCKED, "another load into '%s' is under way: wait for it to end", sink->path);
    return FAIL_ERRNO("lock '%s'", path);
}

/* What is left of a table that somebody has dropped. */
static Error *forget_table(Sink *sink)
{
    return sqlite_transactf(sink,
                            "DROP TABLE IF EXISTS \"%w_fts\"; DELETE FROM quern_objects WHERE target_table = %Q;"
                            "DELETE FROM quern_tables WHERE name = %Q;",
                            sink->table, sink->table, sink->table);
}

static Error *drop_target(Sink *sink, const char *table)
{
    return sqlite_transactf(sink, "DROP TABLE IF EXISTS \"%w\"; DELETE FROM quern_objects WHERE target_table = %Q;",
                            table, table);
}

/* Does `table` begin (or end) so, as SQLite compares names? */
static bool begins_with(Str table, Str start)
{
    return str_equal_nocase(str_slice(table, 0, start.len), start);
}

static bool ends_with(Str table, Str end)
{
    return table.len >= end.len && str_equal_nocase(str_slice(table, table.len - end.len, table.len), end);
}

static Error *check_name(Str table)
{
    if (table.len == 0 || table.len > 200 || memchr(table.data, 0, table.len) || !str_is_utf8(table))
        return FAIL(INVALID, "a table's name has 1 to 200 bytes of UTF-8");
    if (begins_with(table, STR("quern_")) || begins_with(table, STR("sqlite_")))
        return FAIL(INVALID, "table '" STR_FMT "': names that begin with quern_ or sqlite_ are taken", STR_ARG(table));
    if (ends_with(table, STR("_fts")) || ends_with(table, STR("__staging")))
        return FAIL(INVALID,
                    "table '" STR_FMT
                    "': names that end in _fts or __staging are those of indexes and of loads under way",
                    STR_ARG(table));
    return NULL;
}

/* What stands under the names that this load drops must be ours: an index, and a staging table with its objects in the ledger. */
static Error *check_side_names(Sink *sink)
{
    bool taken, staging;
    uint64_t staged;
    TRY(sqlite_index_name_taken(sink, sink->table, &taken));
    if (taken)
        return FAIL(EXISTS, "'%s_fts', the name of the index, is another table: choose another --table", sink->table);
    if (sink->mode != SINK_REPLACE)
        return NULL;
    TRY(sqlite_has_table(sink, str_of(sink->target), &staging));
    TRY(sink_object_count(sink, str_of(sink->target), &staged));
    if (staging && staged == 0)
        return FAIL(EXISTS, "'%s', the name of the load under way, is another table: choose another --table",
                    sink->target);
    return NULL;
}

static Error *load_begin(Sink *sink, Str table, SinkMode mode, bool resume)
{
    bool exists;
    TRY(check_name(table));
    TRY(take_lock(sink));
    sink->mode = mode;
    sink->table = strndup(table.data, table.len);
    if (!sink->table || asprintf(&sink->target, mode == SINK_REPLACE ? "%s__staging" : "%s", sink->table) < 0) {
        sink->target = NULL;
        return FAIL(NO_MEMORY, "out of memory");
    }
    TRY(sqlite_has_table(sink, table, &exists));
    if (mode == SINK_FAIL && exists)
        return FAIL(CHECK, "table '%s' exists already: choose --mode replace or append, or another --table",
                    sink->table);
    TRY(check_side_names(sink));
    if (!exists)
        TRY(forget_table(sink));
    if (mode == SINK_REPLACE && !resume)
        return drop_target(sink, sink->target);
    return NULL;
}

Error *sink_load_begin(Sink *sink, Str table, SinkMode mode, bool resume, Str *ret_target)
{
    ASSERT(sink->lock_fd < 0);
    Error *error = load_begin(sink, table, mode, resume);
    if (error)
        sink_load_abort(sink);
    else
        *ret_target = str_of(sink->target);
    return error;
}

void sink_load_abort(Sink *sink)
{
    sink_object_abort(sink);
    free(sink->table);
    free(sink->target);
    sink->table = sink->target = NULL;
    if (sink->lock_fd >= 0)
        close(sink->lock_fd); /* and with it the lock; the file stays, since removing it would race with the next */
    sink->lock_fd = -1;
}

/* ---- an object ---- */

static Error *create_table(Sink *sink, const struct ArrowSchema *schema)
{
    CLEANUP(cleanup_sqlite_text) char *sql = sqlite3_mprintf("CREATE TABLE \"%w\" (", sink->target);
    for (int64_t i = 0; sql && i < schema->n_children; i++) {
        const char *type;
        Error *error = cell_column_type(schema->children[i], &type);
        if (error)
            return error;
        char *longer = sqlite3_mprintf("%s%s\"%w\" %s", sql, i ? ", " : "", schema->children[i]->name, type);
        sqlite3_free(sql);
        sql = longer;
    }
    char *closed = sql ? sqlite3_mprintf("%s)", sql) : NULL;
    sqlite3_free(sql);
    sql = closed;
    return sql ? sqlite_run(sink, sql) : FAIL(NO_MEMORY, "out of memory");
}

typedef struct ColumnSearch {
    const char *wanted;
    bool found;
} ColumnSearch;

static Error *compare_column(void *context, const char *name, const char *type)
{
    ColumnSearch *search = context;
    (void)type;
    search->found = search->found || str_equal_nocase(str_of(name), str_of(search->wanted));
    return NULL;
}

/* Columns that earlier objects did not have: null in their rows. */
static Error *add_columns(Sink *sink, const struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        const char *type;
        ColumnSearch search = {schema->children[i]->name, false};
        TRY(cell_column_type(schema->children[i], &type));
        TRY(sqlite_columns(sink, sink->target, compare_column, &search));
        if (!search.found)
            TRY(sqlite_runf(sink, "ALTER TABLE \"%w\" ADD COLUMN \"%w\" %s", sink->target, search.wanted, type));
    }
    return NULL;
}

static Error *prepare_insert(Sink *sink, const struct ArrowSchema *schema)
{
    CLEANUP(cleanup_sqlite_text) char *names = NULL, *marks = NULL, *sql = NULL;
    for (int64_t i = 0; i < schema->n_children; i++) {
        char *more_names = sqlite3_mprintf("%s%s\"%w\"", i ? names : "", i ? ", " : "", schema->children[i]->name);
        char *more_marks = sqlite3_mprintf("%s%s?", i ? marks : "", i ? ", " : "");
        sqlite3_free(names);
        sqlite3_free(marks);
        names = more_names;
        marks = more_marks;
        if (!names || !marks)
            return FAIL(NO_MEMORY, "out of memory");
    }
    sql = sqlite3_mprintf("INSERT INTO \"%w\" (%s) VALUES (%s)", sink->target, names, marks);
    return sql ? sqlite_prepare(sink, sql, &sink->insert) : FAIL(NO_MEMORY, "out of memory");
}

static Error *object_begin(Sink *sink, const struct ArrowSchema *schema)
{
    bool exists;
    if (schema->n_children < 1 || schema->n_children > COLUMNS_MAX)
        return FAIL(LIMIT, "%lld columns: SQLite takes 1 to %d", (long long)schema->n_children, COLUMNS_MAX);
    TRY(sqlite_has_table(sink, str_of(sink->target), &exists));
    TRY(exists ? add_columns(sink, schema) : create_table(sink, schema));
    return prepare_insert(sink, schema);
}

Error *sink_object_begin(Sink *sink, const SinkObject *object, const struct ArrowSchema *schema)
{
    ASSERT(sink->lock_fd >= 0 && !sink->in_object);
    TRY(sqlite_run(sink, "BEGIN IMMEDIATE"));
    sink->in_object = true;
    sink->object = *object;
    Error *error = object_begin(sink, schema);
    if (error)
        sink_object_abort(sink);
    return error;
}

static int bind_cell(sqlite3_stmt *insert, int index, const Cell *cell)
{
    switch (cell->kind) {
    case CELL_NULL: return sqlite3_bind_null(insert, index);
    case CELL_INT: return sqlite3_bind_int64(insert, index, cell->integer);
    case CELL_REAL: return sqlite3_bind_double(insert, index, cell->real);
    case CELL_TEXT:
        return sqlite3_bind_text64(insert, index, (const char *)cell->bytes.data, cell->bytes.len, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case CELL_BLOB: return sqlite3_bind_blob64(insert, index, cell->bytes.data, cell->bytes.len, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

/* What cell_read puts into the scratch buffer lives until the next cell, so it is copied; the array's own bytes are not. */
static Error *insert_row(Sink *sink, const struct ArrowSchema *schema, const struct ArrowArray *batch, size_t row)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        Cell cell;
        TRY_CTX(cell_read(schema->children[i], batch->children[i], row, &sink->scratch, &cell), "column '%s'",
                schema->children[i]->name);
        bool scratch = cell.kind == CELL_TEXT && cell.bytes.data == sink->scratch.data;
        int code = scratch ? sqlite3_bind_text64(sink->insert, (int)i + 1, (const char *)cell.bytes.data,
                                                 cell.bytes.len, SQLITE_TRANSIENT, SQLITE_UTF8)
                           : bind_cell(sink->insert, (int)i + 1, &cell);
        if (code != SQLITE_OK)
            return sqlite_error(sink, code, "write to");
    }
    int code = sqlite3_step(sink->insert);
    if (code != SQLITE_DONE)
        return sqlite_error(sink, code, "write to");
    sqlite3_reset(sink->insert);
    return NULL;
}

Error *sink_object_rows(Sink *sink, const struct ArrowSchema *schema, const struct ArrowArray *batch)
{
    ASSERT(sink->in_object);
    size_t first = (size_t)batch->offset;
    for (size_t row = 0; row < (size_t)batch->length; row++) {
        Error *error = insert_row(sink, schema, batch, first + row);
        if (error) {
            sink_object_abort(sink);
            return error;
        }
    }
    return NULL;
}

Error *sink_object_commit(Sink *sink, uint64_t rows)
{
    ASSERT(sink->in_object);
    Error *error = record_object(sink, rows);
    sqlite3_finalize(sink->insert);
    sink->insert = NULL;
    if (!error)
        error = sqlite_run(sink, "COMMIT");
    if (error)
        sink_object_abort(sink);
    sink->in_object = false;
    return error;
}

void sink_object_abort(Sink *sink)
{
    sqlite3_finalize(sink->insert);
    sink->insert = NULL;
    if (sink->in_object)
        sqlite_rollback(sink);
    sink->in_object = false;
}

/* ---- finish ---- */

/* In one transaction: readers see the old table or the new one. */
static Error *swap(Sink *sink)
{
    bool staged;
    TRY(sqlite_has_table(sink, str_of(sink->target), &staged));
    if (!staged)
        return NULL; /* every object failed: the old table stays */
    return sqlite_transactf(sink,
                            "DROP TABLE IF EXISTS \"%w\"; DROP TABLE IF EXISTS \"%w_fts\";"
                            "ALTER TABLE \"%w\" RENAME TO \"%w\"; DELETE FROM quern_objects WHERE target_table = %Q;"
                            "UPDATE quern_objects SET target_table = %Q WHERE target_table = %Q;"
                            "DELETE FROM quern_tables WHERE name = %Q;",
                            sink->table, sink->table, sink->target, sink->table, sink->table, sink->table, sink->target,
                            sink->table);
}

Error *sink_load_finish(Sink *sink, bool index_text)
{
    ASSERT(sink->lock_fd >= 0 && !sink->in_object);
    Error *error = NULL;
    bool exists = false;
    if (sink->mode == SINK_REPLACE)
        error = swap(sink);
    if (!error)
        error = sqlite_has_table(sink, str_of(sink->table), &exists);
    if (!error && exists && index_text)
        error = sqlite_index_text(sink, sink->table);
    sink_load_abort(sink);
    return error;
}
