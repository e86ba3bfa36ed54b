/* sqlite.h - inside the SQLite sink: the connection and how statements are run. */
#ifndef SINK_SQLITE_H
#define SINK_SQLITE_H

#include <sqlite3.h>

#include "base/buffer.h"
#include "sink/sink.h"

struct Sink {
    sqlite3 *db;
    char *path, version[32];
    const Cancel *cancel;
    Log *log;
    int busy_tries; /* before another's lock is an error */

    /* The load under way. */
    int lock_fd; /* -1: no load */
    SinkMode mode;
    char *table, *target; /* owned; target is table, or its staging table */
    bool in_object;
    SinkObject object;    /* texts are the caller's until commit or abort */
    sqlite3_stmt *insert; /* of the object's schema */
    Buffer scratch;
};

/* From sqlite3's result code, with the database's own message. */
Error *sqlite_error(const Sink *sink, int code, const char *doing) MUST_USE;
/* Runs statements that give no rows. */
MUST_USE Error *sqlite_run(Sink *sink, const char *sql);
/* The same as one transaction, formatted by sqlite3_mprintf: %w and %Q quote. On failure nothing is changed. */
MUST_USE Error *sqlite_transactf(Sink *sink, const char *format, ...);
/* Formatted, within a transaction that is open. */
MUST_USE Error *sqlite_runf(Sink *sink, const char *format, ...);
/* Undoes the open transaction, if SQLite has not done so by itself. */
void sqlite_rollback(Sink *sink);
MUST_USE Error *sqlite_prepare(Sink *sink, const char *sql, sqlite3_stmt **ret_statement);
/* One step; `*ret_row` false at the end. */
MUST_USE Error *sqlite_step(Sink *sink, sqlite3_stmt *statement, bool *ret_row);
void cleanup_statement(sqlite3_stmt **statement);
void cleanup_sqlite_text(char **text);

MUST_USE Error *sqlite_bind_str(Sink *sink, sqlite3_stmt *statement, int index, Str text);
MUST_USE Error *sqlite_bind_blob(Sink *sink, sqlite3_stmt *statement, int index, Str bytes);

/* Calls `each` with name and type of every column of `table`; none when there is no such table. */
typedef Error *SqliteColumnFn(void *context, const char *name, const char *type);
MUST_USE Error *sqlite_columns(Sink *sink, const char *table, SqliteColumnFn *each, void *context);
MUST_USE Error *sqlite_has_table(Sink *sink, Str table, bool *ret_has);

/* sqlite_text.c: is "<table>_fts" there and something else than a full-text index? */
MUST_USE Error *sqlite_index_name_taken(Sink *sink, const char *table, bool *ret_taken);
/* sqlite_text.c: brings `<table>_fts` up to date with the rows of `table`. */
MUST_USE Error *sqlite_index_text(Sink *sink, const char *table);

#endif
