/* Full text: the external-content FTS5 index and the search in it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "sink/match.h"
#include "sink/sqlite.h"

enum { TEXT_COLUMNS_MAX = 8, FALLBACK_COLUMNS = 3, SNIPPET_TOKENS = 24, ROW_TEXT_MAX = 300, ROWS_AT_ONCE = 20000 };

/* spec/postgres.md 1.9, and "text", which is where ingest puts it. */
static const char *const preferred[] = {"name", "description", "title", "summary", "content", "text"};

/* ---- which columns ---- */

typedef struct TextColumns {
    char *names[TEXT_COLUMNS_MAX]; /* owned */
    size_t count;
    bool only_preferred;
} TextColumns;

static void text_columns_done(TextColumns *columns)
{
    for (size_t i = 0; i < columns->count; i++)
        free(columns->names[i]);
    columns->count = 0;
}

static bool is_preferred(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(preferred); i++)
        if (str_equal_nocase(str_of(name), str_of(preferred[i])))
            return true;
    return false;
}

/* FTS5 keeps these for itself. */
static bool is_reserved(const char *name)
{
    return str_equal_nocase(str_of(name), STR("rank")) || str_equal_nocase(str_of(name), STR("rowid"));
}

static Error *take_text_column(void *context, const char *name, const char *type)
{
    TextColumns *columns = context;
    size_t most = columns->only_preferred ? TEXT_COLUMNS_MAX : FALLBACK_COLUMNS;
    if (strcmp(type, "TEXT") != 0 || columns->count == most || is_reserved(name)
        || (columns->only_preferred && !is_preferred(name)))
        return NULL;
    columns->names[columns->count] = strdup(name);
    if (!columns->names[columns->count])
        return FAIL(NO_MEMORY, "out of memory");
    columns->count++;
    return NULL;
}

/* Those of the preferred names, else the first three text columns. */
static Error *choose_columns(Sink *sink, const char *table, TextColumns *columns)
{
    columns->only_preferred = true;
    TRY(sqlite_columns(sink, table, take_text_column, columns));
    if (columns->count)
        return NULL;
    columns->only_preferred = false;
    return sqlite_columns(sink, table, take_text_column, columns);
}

/* ---- the index ---- */

static Error *join_columns(const TextColumns *columns, char **ret_list)
{
    char *list = sqlite3_mprintf("");
    for (size_t i = 0; list && i < columns->count; i++) {
        char *longer = sqlite3_mprintf("%s%s\"%w\"", list, i ? ", " : "", columns->names[i]);
        sqlite3_free(list);
        list = longer;
    }
    *ret_list = list;
    return list ? NULL : FAIL(NO_MEMORY, "out of memory");
}

static Error *one_int64(Sink *sink, const char *table, const char *format, int64_t *ret_value)
{
    CLEANUP(cleanup_sqlite_text) char *sql = sqlite3_mprintf(format, table);
    CLEANUP(cleanup_statement) sqlite3_stmt *statement = NULL;
    bool row;
    if (!sql)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(sqlite_prepare(sink, sql, &statement));
    TRY(sqlite_step(sink, statement, &row));
    *ret_value = row ? sqlite3_column_int64(statement, 0) : 0;
    return NULL;
}

/* SQLite's row number has three names, and columns may have taken some. */
typedef struct RowId {
    bool taken[3];
} RowId;

static const char *const rowid_names[] = {"rowid", "_rowid_", "oid"};

static Error *note_rowid(void *context, const char *name, const char *type)
{
    RowId *rowid = context;
    (void)type;
    for (size_t i = 0; i < ARRAY_COUNT(rowid_names); i++)
        rowid->taken[i] = rowid->taken[i] || str_equal_nocase(str_of(name), str_of(rowid_names[i]));
    return NULL;
}

static Error *choose_rowid(Sink *sink, const char *table, const char **ret_name)
{
    RowId rowid = {0};
    TRY(sqlite_columns(sink, table, note_rowid, &rowid));
    for (size_t i = 0; i < ARRAY_COUNT(rowid_names); i++) {
        if (!rowid.taken[i]) {
            *ret_name = rowid_names[i];
            return NULL;
        }
    }
    return FAIL(UNSUPPORTED, "table '%s' has columns rowid, _rowid_ and oid: none is left for its row number", table);
}

Error *sqlite_index_name_taken(Sink *sink, const char *table, bool *ret_taken)
{
    CLEANUP(cleanup_sqlite_text)
    char *sql = sqlite3_mprintf(
        "SELECT 1 FROM sqlite_master WHERE name = '%q_fts' COLLATE NOCASE AND sql NOT LIKE 'CREATE VIRTUAL TABLE%%USING fts5%%'",
        table);
    CLEANUP(cleanup_statement) sqlite3_stmt *statement = NULL;
    if (!sql)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(sqlite_prepare(sink, sql, &statement));
    return sqlite_step(sink, statement, ret_taken);
}

typedef struct IndexFit {
    const TextColumns *wanted;
    size_t count;
    bool fits;
} IndexFit;

static Error *compare_index_column(void *context, const char *name, const char *type)
{
    IndexFit *fit = context;
    (void)type;
    fit->fits = fit->fits && fit->count < fit->wanted->count && strcmp(fit->wanted->names[fit->count], name) == 0;
    fit->count++;
    return NULL;
}

/* An index over exactly these columns: one over others, from before the table had them all, is made anew. */
static Error *prepare_index(Sink *sink, const char *table, const TextColumns *columns, const char *list,
                            const char *rowid)
{
    CLEANUP(cleanup_sqlite_text) char *fts = sqlite3_mprintf("%s_fts", table);
    IndexFit fit = {columns, 0, true};
    if (!fts)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(sqlite_columns(sink, fts, compare_index_column, &fit));
    if (fit.fits && fit.count == columns->count)
        return NULL;
    return sqlite_transactf(sink,
                            "DROP TABLE IF EXISTS \"%w\"; DELETE FROM quern_tables WHERE name = %Q;"
                            "CREATE VIRTUAL TABLE \"%w\" USING fts5(%s, content=%Q, content_rowid='%s', "
                            "tokenize='unicode61 remove_diacritics 2');",
                            fts, table, fts, list, table, rowid);
}

/* Rows (from, to] into the index, with the new mark, in one transaction: a kill in between costs one such step. */
static Error *index_step(Sink *sink, const char *table, const char *columns, const char *rowid, int64_t from,
                         int64_t to)
{
    return sqlite_transactf(
        sink,
        "INSERT INTO \"%w_fts\" (rowid, %s) SELECT %s, %s FROM \"%w\" WHERE %s > %lld AND %s <= %lld;"
        "INSERT OR REPLACE INTO quern_tables VALUES (%Q, %lld);",
        table, columns, rowid, columns, table, rowid, (long long)from, rowid, (long long)to, table, (long long)to);
}

Error *sqlite_index_text(Sink *sink, const char *table)
{
    CLEANUP(text_columns_done) TextColumns columns = {0};
    CLEANUP(cleanup_sqlite_text) char *list = NULL, *last_row = NULL;
    const char *rowid = NULL;
    int64_t indexed, last;
    TRY(choose_columns(sink, table, &columns));
    if (columns.count == 0) {
        log_warning(sink->log, "table '%s' has no text column: no full-text index", table);
        return NULL;
    }
    TRY(choose_rowid(sink, table, &rowid));
    TRY(join_columns(&columns, &list));
    TRY(prepare_index(sink, table, &columns, list, rowid));
    last_row = sqlite3_mprintf("SELECT max(%s) FROM \"%%w\"", rowid);
    if (!last_row)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(one_int64(sink, table, "SELECT indexed_rowid FROM quern_tables WHERE name = %Q", &indexed));
    TRY(one_int64(sink, table, last_row, &last));
    for (; indexed < last; indexed = MIN(indexed + ROWS_AT_ONCE, last))
        TRY(index_step(sink, table, list, rowid, indexed, MIN(indexed + ROWS_AT_ONCE, last)));
    return NULL;
}

/* ---- search ---- */

static Error *take_any_column(void *context, const char *name, const char *type)
{
    (void)type;
    Buffer *sql = context;
    CLEANUP(cleanup_sqlite_text) char *quoted = sqlite3_mprintf(", t.\"%w\"", name);
    return quoted ? buffer_append_str(sql, str_of(quoted)) : FAIL(NO_MEMORY, "out of memory");
}

typedef struct FilterCheck {
    Str column;
    bool found;
} FilterCheck;

static Error *check_filter_column(void *context, const char *name, const char *type)
{
    FilterCheck *check = context;
    (void)type;
    check->found = check->found || str_equal_nocase(str_of(name), check->column);
    return NULL;
}

static Error *append_filters(Sink *sink, const SinkQuery *query, const char *table, Buffer *sql)
{
    for (size_t i = 0; i < query->filter_count; i++) {
        FilterCheck check = {query->filters[i].column, false};
        TRY(sqlite_columns(sink, table, check_filter_column, &check));
        if (!check.found)
            return FAIL(INVALID, "--filter: table '%s' has no column '" STR_FMT "'", table, STR_ARG(check.column));
        CLEANUP(cleanup_sqlite_text)
        char *quoted = sqlite3_mprintf(" AND CAST(t.\"%.*w\" AS TEXT) = ?%d", (int)check.column.len, check.column.data,
                                       (int)i + 3);
        if (!quoted)
            return FAIL(NO_MEMORY, "out of memory");
        TRY(buffer_append_str(sql, str_of(quoted)));
    }
    return NULL;
}

/* SELECT rowid, score, snippet, then every column of the table. ?1 is the match, ?2 the limit, the filters' values follow. */
static Error *search_sql(Sink *sink, const SinkQuery *query, const char *table, Buffer *sql)
{
    const char *rowid = NULL;
    TRY(choose_rowid(sink, table, &rowid));
    CLEANUP(cleanup_sqlite_text)
    char *head = sqlite3_mprintf("SELECT t.%s, -bm25(\"%w_fts\"), snippet(\"%w_fts\", -1, '**', '**', '...', %d)",
                                 rowid, table, table, (int)SNIPPET_TOKENS);
    CLEANUP(cleanup_sqlite_text)
    char *from = sqlite3_mprintf(" FROM \"%w_fts\" JOIN \"%w\" t ON t.%s = \"%w_fts\".rowid WHERE \"%w_fts\" MATCH ?1",
                                 table, table, rowid, table, table);
    if (!head || !from)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(buffer_append_str(sql, str_of(head)));
    TRY(sqlite_columns(sink, table, take_any_column, sql));
    TRY(buffer_append_str(sql, str_of(from)));
    TRY(append_filters(sink, query, table, sql));
    return buffer_append_str(sql, STR(" ORDER BY 2 DESC, 1 LIMIT ?2"));
}

static Str column_text(sqlite3_stmt *statement, int index)
{
    const unsigned char *text = sqlite3_column_text(statement, index);
    return (Str){text ? (const char *)text : "", (size_t)sqlite3_column_bytes(statement, index)};
}

/* The row's columns but long texts, which the snippet stands for. */
static Error *row_json(sqlite3_stmt *statement, Buffer *out)
{
    JsonWriter w;
    json_begin(&w, out, 0);
    json_open_object(&w);
    for (int i = 3; i < sqlite3_column_count(statement); i++) {
        Str name = str_of(sqlite3_column_name(statement, i));
        switch (sqlite3_column_type(statement, i)) {
        case SQLITE_INTEGER:
            json_put_key(&w, name);
            json_put_int(&w, sqlite3_column_int64(statement, i));
            break;
        case SQLITE_FLOAT:
            json_put_key(&w, name);
            json_put_double(&w, sqlite3_column_double(statement, i));
            break;
        case SQLITE_TEXT:
            if (sqlite3_column_bytes(statement, i) > ROW_TEXT_MAX)
                break;
            json_put_key(&w, name);
            json_put_str(&w, column_text(statement, i));
            break;
        default: break;
        }
    }
    json_close_object(&w);
    return json_finish(&w);
}

/* The first of these columns that has a value; "" when none has. */
static Error *first_value(sqlite3_stmt *statement, const char *const *names, size_t count, Arena *arena, Str *ret_value)
{
    *ret_value = STR_EMPTY;
    for (size_t k = 0; k < count; k++) {
        for (int i = 3; i < sqlite3_column_count(statement); i++) {
            if (strcmp(sqlite3_column_name(statement, i), names[k]) != 0
                || sqlite3_column_type(statement, i) == SQLITE_NULL)
                continue;
            *ret_value = arena_str(arena, column_text(statement, i));
            return ret_value->data ? NULL : arena_error(arena);
        }
    }
    return NULL;
}

static Error *name_hit(sqlite3_stmt *statement, Arena *arena, SinkHit *hit)
{
    static const char *const keys[] = {"element_id", "id", "key"}, *const documents[] = {"url", "filename", "key"},
                             *const pages[] = {"page_number"};
    Str page;
    TRY(first_value(statement, keys, ARRAY_COUNT(keys), arena, &hit->key));
    if (hit->key.len == 0)
        hit->key = arena_str(arena, column_text(statement, 0));
    TRY(first_value(statement, documents, ARRAY_COUNT(documents), arena, &hit->document));
    TRY(first_value(statement, pages, ARRAY_COUNT(pages), arena, &page));
    if (!str_to_i64(page, &hit->page))
        hit->page = 0;
    return hit->key.data ? NULL : arena_error(arena);
}

static Error *take_hit(sqlite3_stmt *statement, Arena *arena, SinkHit *ret_hit)
{
    CLEANUP(buffer_done) Buffer json = {0};
    ret_hit->score = sqlite3_column_double(statement, 1);
    ret_hit->snippet = arena_str(arena, column_text(statement, 2));
    TRY(row_json(statement, &json));
    ret_hit->row_json = arena_str(arena, buffer_str(&json));
    TRY(name_hit(statement, arena, ret_hit));
    return ret_hit->snippet.data && ret_hit->row_json.data ? NULL : arena_error(arena);
}

static Error *check_searchable(Sink *sink, const char *table)
{
    bool exists, indexed;
    char fts[256];
    snprintf(fts, sizeof fts, "%s_fts", table);
    TRY(sqlite_has_table(sink, str_of(table), &exists));
    if (!exists)
        return FAIL(NOT_FOUND, "'%s' has no table '%s': quern load --table %s makes it", sink->path, table, table);
    TRY(sqlite_has_table(sink, str_of(fts), &indexed));
    if (!indexed)
        return FAIL(NOT_FOUND, "table '%s' has no full-text index: load it without --skip-fts", table);
    return NULL;
}

static Error *run_search(Sink *sink, const SinkQuery *query, const char *sql, Str match, Arena *arena, SinkHit *hits,
                         size_t *ret_count)
{
    CLEANUP(cleanup_statement) sqlite3_stmt *statement = NULL;
    size_t count = 0;
    bool row;
    TRY(sqlite_prepare(sink, sql, &statement));
    TRY(sqlite_bind_str(sink, statement, 1, match));
    sqlite3_bind_int64(statement, 2, (int64_t)query->limit);
    for (size_t i = 0; i < query->filter_count; i++)
        TRY(sqlite_bind_str(sink, statement, (int)i + 3, query->filters[i].value));
    for (;;) {
        TRY(sqlite_step(sink, statement, &row));
        if (!row || count == query->limit)
            break;
        TRY(take_hit(statement, arena, &hits[count++]));
    }
    *ret_count = count;
    return NULL;
}

Error *sink_search(Sink *sink, const SinkQuery *query, Arena *arena, SinkHit **ret_hits, size_t *ret_count)
{
    static const MatchWords ways[] = {MATCH_ALL, MATCH_ANY};
    CLEANUP(buffer_done) Buffer match = {0}, sql = {0};
    const char *table = arena_cstr(arena, query->table);
    SinkHit *hits = ARENA_ARRAY(arena, SinkHit, (size_t)query->limit);
    if (!table || !hits)
        return arena_error(arena);
    TRY(check_searchable(sink, table));
    TRY(search_sql(sink, query, table, &sql));
    if (!buffer_cstr(&sql))
        return FAIL(NO_MEMORY, "out of memory");
    *ret_count = 0;
    *ret_hits = hits;
    for (size_t i = 0; i < ARRAY_COUNT(ways) && *ret_count == 0; i++) {
        buffer_clear(&match);
        TRY(match_from_text(query->text, ways[i], &match));
        if (match.len) /* no word: no hits */
            TRY(run_search(sink, query, (const char *)sql.data, buffer_str(&match), arena, hits, ret_count));
    }
    return NULL;
}
