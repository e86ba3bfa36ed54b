#include "sink/sqlite.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    BUSY_TRIES = 1000,
    BUSY_TRIES_OF_A_QUESTION = 100,
    BUSY_STEP_US = 10000,
    STEPS_BETWEEN_CANCEL_CHECKS = 1000,
    SCHEMA_VERSION = 1
};

static const char state_schema[] =
    "CREATE TABLE IF NOT EXISTS quern_meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "INSERT OR IGNORE INTO quern_meta VALUES ('version', 1);"
    "CREATE TABLE IF NOT EXISTS quern_objects (target_table TEXT NOT NULL COLLATE NOCASE, place TEXT NOT NULL, key BLOB NOT NULL, etag TEXT NOT NULL,"
    " size INTEGER NOT NULL, rows_loaded INTEGER NOT NULL, loaded_at TEXT NOT NULL,"
    " PRIMARY KEY (target_table, place, key)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS quern_tables (name TEXT PRIMARY KEY COLLATE NOCASE, indexed_rowid INTEGER NOT NULL) WITHOUT ROWID;";

/* ---- statements ---- */

Error *sqlite_error(const Sink *sink, int code, const char *doing)
{
    const char *message = sqlite3_errmsg(sink->db);
    switch (code & 0xff) {
    case SQLITE_INTERRUPT: return FAIL(CANCELLED, "cancelled");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        if (cancel_stopped(sink->cancel))
            return FAIL(CANCELLED, "cancelled");
        return FAIL(LOCKED, "%s '%s': another program is writing to it: %s", doing, sink->path, message);
    case SQLITE_FULL: return FAIL(NO_SPACE, "%s '%s': the disk is full", doing, sink->path);
    case SQLITE_NOMEM: return FAIL(NO_MEMORY, "%s '%s': out of memory", doing, sink->path);
    case SQLITE_NOTADB: return FAIL(INVALID, "%s '%s': this file is no SQLite database", doing, sink->path);
    case SQLITE_CORRUPT: return FAIL(CORRUPT, "%s '%s': the database is damaged: %s", doing, sink->path, message);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return FAIL(DENIED, "%s '%s': %s", doing, sink->path, message);
    case SQLITE_CANTOPEN: return FAIL(NOT_FOUND, "%s '%s': %s; does its directory exist?", doing, sink->path, message);
    case SQLITE_IOERR: return FAIL(NO_SPACE, "%s '%s': %s (the disk may be full)", doing, sink->path, message);
    case SQLITE_TOOBIG: return FAIL(LIMIT, "%s '%s': %s", doing, sink->path, message);
    default: return FAIL(INVALID, "%s '%s': %s", doing, sink->path, message);
    }
}

void cleanup_statement(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}

void cleanup_sqlite_text(char **text)
{
    sqlite3_free(*text);
}

Error *sqlite_run(Sink *sink, const char *sql)
{
    int code = sqlite3_exec(sink->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? NULL : sqlite_error(sink, code, "write to");
}

Error *sqlite_runf(Sink *sink, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    CLEANUP(cleanup_sqlite_text) char *sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    return sql ? sqlite_run(sink, sql) : FAIL(NO_MEMORY, "out of memory");
}

void sqlite_rollback(Sink *sink)
{
    if (!sqlite3_get_autocommit(sink->db))
        error_free(sqlite_run(sink, "ROLLBACK")); /* the failure that led here is the one to tell */
}

static Error *transact(Sink *sink, const char *sql)
{
    TRY(sqlite_run(sink, "BEGIN IMMEDIATE"));
    Error *error = sqlite_run(sink, sql);
    if (!error)
        error = sqlite_run(sink, "COMMIT");
    if (error)
        sqlite_rollback(sink);
    return error;
}

Error *sqlite_transactf(Sink *sink, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    CLEANUP(cleanup_sqlite_text) char *sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    return sql ? transact(sink, sql) : FAIL(NO_MEMORY, "out of memory");
}

Error *sqlite_prepare(Sink *sink, const char *sql, sqlite3_stmt **ret_statement)
{
    int code = sqlite3_prepare_v2(sink->db, sql, -1, ret_statement, NULL);
    return code == SQLITE_OK ? NULL : sqlite_error(sink, code, "ask");
}

Error *sqlite_step(Sink *sink, sqlite3_stmt *statement, bool *ret_row)
{
    int code = sqlite3_step(statement);
    *ret_row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? NULL : sqlite_error(sink, code, "use");
}

Error *sqlite_bind_str(Sink *sink, sqlite3_stmt *statement, int index, Str text)
{
    int code = sqlite3_bind_text64(statement, index, text.data ? text.data : "", text.len, SQLITE_STATIC, SQLITE_UTF8);
    return code == SQLITE_OK ? NULL : sqlite_error(sink, code, "write to");
}

Error *sqlite_bind_blob(Sink *sink, sqlite3_stmt *statement, int index, Str bytes)
{
    int code = sqlite3_bind_blob64(statement, index, bytes.data ? bytes.data : "", bytes.len, SQLITE_STATIC);
    return code == SQLITE_OK ? NULL : sqlite_error(sink, code, "write to");
}

Error *sqlite_columns(Sink *sink, const char *table, SqliteColumnFn *each, void *context)
{
    CLEANUP(cleanup_statement) sqlite3_stmt *statement = NULL;
    bool row;
    TRY(sqlite_prepare(sink, "SELECT name, type FROM pragma_table_info(?) ORDER BY cid", &statement));
    TRY(sqlite_bind_str(sink, statement, 1, str_of(table)));
    for (;;) {
        TRY(sqlite_step(sink, statement, &row));
        if (!row)
            return NULL;
        TRY(each(context, (const char *)sqlite3_column_text(statement, 0),
                 (const char *)sqlite3_column_text(statement, 1)));
    }
}

Error *sqlite_has_table(Sink *sink, Str table, bool *ret_has)
{
    CLEANUP(cleanup_statement) sqlite3_stmt *statement = NULL;
    TRY(sqlite_prepare(sink, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE",
                       &statement));
    TRY(sqlite_bind_str(sink, statement, 1, table));
    return sqlite_step(sink, statement, ret_has);
}

/* ---- life ---- */

static int check_cancel(void *context)
{
    return cancel_stopped(((Sink *)context)->cancel);
}

/* In place of sqlite3_busy_timeout, which no cancel ends. */
static int wait_while_busy(void *context, int tries)
{
    const Sink *sink = context;
    Error *error = tries < sink->busy_tries ? sleep_us(BUSY_STEP_US, sink->cancel) : FAIL(LOCKED, "busy");
    bool again = !error;
    error_free(error); /* sqlite_error says it */
    return again;
}

static Error *open_database(Sink *sink, bool must_exist)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (must_exist ? 0 : SQLITE_OPEN_CREATE);
    int code = sqlite3_open_v2(sink->path, &sink->db, flags, NULL);
    if (code != SQLITE_OK)
        return sqlite_error(sink, code, "open");
    snprintf(sink->version, sizeof sink->version, "SQLite %s", sqlite3_libversion());
    sqlite3_busy_handler(sink->db, wait_while_busy, sink);
    sqlite3_progress_handler(sink->db, STEPS_BETWEEN_CANCEL_CHECKS, check_cancel, sink);
    return NULL;
}

/* How a database that is written to is set up. One that is only asked is left as its owner made it. */
static Error *prepare_database(Sink *sink)
{
    TRY(sqlite_run(sink, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;"));
    return transact(sink, state_schema);
}

static Error *check_version(Sink *sink)
{
    CLEANUP(cleanup_statement) sqlite3_stmt *statement = NULL;
    bool has, row;
    TRY(sqlite_has_table(sink, STR("quern_meta"), &has));
    if (!has)
        return NULL; /* another program's database, which may be searched all the same */
    TRY(sqlite_prepare(sink, "SELECT value FROM quern_meta WHERE name = 'version'", &statement));
    TRY(sqlite_step(sink, statement, &row));
    int version = row ? sqlite3_column_int(statement, 0) : 0;
    if (version != SCHEMA_VERSION)
        return FAIL(STATE, "'%s' was written by another version of quern (state %d, this program knows %d)", sink->path,
                    version, SCHEMA_VERSION);
    return NULL;
}

Error *sink_open(Str url, bool must_exist, const Cancel *cancel, Log *log, Sink **ret_sink)
{
    if (!str_starts_with(url, STR("sqlite:")))
        return FAIL(UNSUPPORTED, "database '" STR_FMT "': only sqlite:FILE is known so far", STR_ARG(url));
    Str path = str_slice(url, STR("sqlite:").len, url.len);
    if (str_starts_with(path, STR("///")))
        path = str_slice(path, 2, path.len);
    if (path.len == 0)
        return FAIL(INVALID, "database '" STR_FMT "': the file's name is missing, sqlite:FILE", STR_ARG(url));
    if (str_equal(path, STR(":memory:"))) /* each connection would have one of its own, and all would be lost */
        return FAIL(INVALID, "database '" STR_FMT "': rows need a file to stay in, sqlite:FILE", STR_ARG(url));
    CLEANUP(sink_freep) Sink *sink = calloc(1, sizeof *sink);
    if (!sink)
        return FAIL(NO_MEMORY, "out of memory");
    sink->lock_fd = -1;
    sink->busy_tries = must_exist ? BUSY_TRIES_OF_A_QUESTION : BUSY_TRIES;
    sink->cancel = cancel;
    sink->log = log;
    sink->path = strndup(path.data, path.len);
    if (!sink->path)
        return FAIL(NO_MEMORY, "out of memory");
    if (must_exist && access(sink->path, F_OK) != 0)
        return FAIL(NOT_FOUND, "there is no database '%s': quern load --to sqlite:%s makes it", sink->path, sink->path);
    TRY(open_database(sink, must_exist));
    TRY(check_version(sink));
    if (!must_exist)
        TRY(prepare_database(sink));
    *ret_sink = sink;
    sink = NULL;
    return NULL;
}

void sink_free(Sink *sink)
{
    if (!sink)
        return;
    sink_load_abort(sink);
    buffer_done(&sink->scratch);
    sqlite3_close(sink->db);
    free(sink->path);
    free(sink);
}

void sink_set_cancel(Sink *sink, const Cancel *cancel)
{
    sink->cancel = cancel;
}

const char *sink_version_view(const Sink *sink)
{
    return sink->version;
}
