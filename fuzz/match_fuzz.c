/* Whatever is typed into a search box becomes a query that FTS5 parses, or the one error that is allowed. */
#include <sqlite3.h>

#include "sink/match.h"

static sqlite3_stmt *ask;

/* An index with a row; kept, as making it costs more than asking it. */
static void open_index(void)
{
    sqlite3 *db;
    ASSERT(sqlite3_open(":memory:", &db) == SQLITE_OK);
    ASSERT(sqlite3_exec(db, "CREATE VIRTUAL TABLE t USING fts5(text); INSERT INTO t VALUES ('red shoes')", NULL, NULL,
                        NULL)
           == SQLITE_OK);
    ASSERT(sqlite3_prepare_v2(db, "SELECT rowid FROM t WHERE t MATCH ?1", -1, &ask, NULL) == SQLITE_OK);
}

static void check(Str text, MatchWords words)
{
    CLEANUP(buffer_done) Buffer query = {0};
    Error *error = match_from_text(text, words, &query);
    ASSERT(!error || error_code(error) == ERR_INVALID);
    if (!error && query.len) {
        ASSERT(sqlite3_bind_text64(ask, 1, (const char *)query.data, query.len, SQLITE_STATIC, SQLITE_UTF8)
               == SQLITE_OK);
        int code = sqlite3_step(ask);
        ASSERT(code == SQLITE_ROW || code == SQLITE_DONE);
        sqlite3_reset(ask);
    }
    error_free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 300) /* FTS5 has a bound of its own on the depth of a query: 256 */
        return 0;
    if (!ask)
        open_index();
    check(str_from(data, size), MATCH_ALL);
    check(str_from(data, size), MATCH_ANY);
    return 0;
}
