/* sink.h - a database that rows go into and answers come from. One face; SQLite stands behind it.
 *
 * A Sink is one connection and belongs to one thread at a time. Every object (a Parquet file) goes in whole, in one transaction with its
 * row in the ledger, so that after a kill it is loaded and recorded, or neither. State lives in the database itself, in tables that
 * begin with "quern_". Any call can fail with UNAVAILABLE (busy), LOCKED, NO_SPACE, CORRUPT (the database), CANCELLED.
 * Source: spec/postgres.md 4.1-4.3, 6. */
#ifndef SINK_SINK_H
#define SINK_SINK_H

#include <quern/arrow.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/log.h"
#include "base/str.h"

typedef struct Sink Sink;

/* `url`: "sqlite:FILE". The file is made when it is not there, unless `must_exist`. Errors: UNSUPPORTED (another database), NOT_FOUND,
 * INVALID (no database in it), LOCKED (another program holds it: after 10 s, or 1 s when it `must_exist`, that is, is only asked). `cancel` ends long statements. */
MUST_USE Error *sink_open(Str url, bool must_exist, const Cancel *cancel, Log *log, Sink **ret_sink);
void sink_free(Sink *sink); /* what is not committed is undone */
DEFINE_FREEP(Sink, sink_free)
/* From now on `cancel` ends long statements and waits for another program's, instead of the one it was opened with. NULL: nothing does. */
void sink_set_cancel(Sink *sink, const Cancel *cancel);
/* "SQLite 3.40.1" */
const char *sink_version_view(const Sink *sink);

/* An object's identity: loaded again when any of it differs. */
typedef struct SinkObject {
    Str place; /* "s3://bucket", "file:///directory" */
    Str key, etag;
    uint64_t size_bytes;
} SinkObject;

typedef enum SinkMode {
    SINK_REPLACE, /* the table will hold exactly the objects of this load */
    SINK_APPEND,  /* objects not yet recorded are added */
    SINK_FAIL     /* the table must not exist */
} SinkMode;

/* Is there a ledger? There is one in every database opened for writing. */
MUST_USE Error *sink_has_ledger(Sink *sink, bool *ret_has);
/* What the ledger says before a load: how many objects `table` holds. */
MUST_USE Error *sink_object_count(Sink *sink, Str table, uint64_t *ret_count);
/* Is exactly this object in `table`? No object is in a table that is not there. */
MUST_USE Error *sink_has_object(Sink *sink, Str table, const SinkObject *object, bool *ret_has);
MUST_USE Error *sink_table_exists(Sink *sink, Str table, bool *ret_exists);

/* Takes the load's lock on `table` and prepares it: REPLACE loads into a staging table beside it, going on with one that a killed
 * run left when `resume`, dropping it otherwise. `*ret_target` is the table that objects go into, for sink_has_object; as long as the
 * load. Errors: CHECK (SINK_FAIL, and the table is there), EXISTS (a name is taken), LOCKED (another load of this table). */
MUST_USE Error *sink_load_begin(Sink *sink, Str table, SinkMode mode, bool resume, Str *ret_target);
/* One object: begin, any number of batches, commit. `schema` and `batch` are Arrow structs, a child a column; columns that the table lacks
 * are added, those that it has more are null. A failed batch undoes the object. */
MUST_USE Error *sink_object_begin(Sink *sink, const SinkObject *object, const struct ArrowSchema *schema);
MUST_USE Error *sink_object_rows(Sink *sink, const struct ArrowSchema *schema, const struct ArrowArray *batch);
MUST_USE Error *sink_object_commit(Sink *sink, uint64_t rows);
void sink_object_abort(Sink *sink); /* nothing is begun: nothing happens */
/* REPLACE: the staging table takes the table's place. Then, with `index_text`, brings the full-text index up to date. Gives the lock back. */
MUST_USE Error *sink_load_finish(Sink *sink, bool index_text);
/* Leaves what is loaded for a later run. */
void sink_load_abort(Sink *sink);

typedef struct SinkFilter {
    Str column, value;
} SinkFilter;

typedef struct SinkQuery {
    Str table, text;
    const SinkFilter *filters; /* all must hold; values are compared as text */
    size_t filter_count;
    uint64_t limit;
} SinkQuery;

/* Texts live in the arena of the query. */
typedef struct SinkHit {
    Str key;      /* element_id, id or key of the row, else its row number */
    Str snippet;  /* words that matched between "**" */
    double score; /* BM25, greater is better */
    Str row_json; /* its columns but long texts */
    Str document; /* url, filename or key of the row; "": it has none */
    int64_t page; /* page_number; 0: none */
} SinkHit;

/* Best first, ties by row number. Words must all occur; "quotes" make a phrase, OR alternatives, a leading - excludes. When no row has all words, those
 * that have any of them are found instead. Errors: NOT_FOUND
 * (no such table, or it has no index), INVALID (a query that only excludes, a filter on no column). */
MUST_USE Error *sink_search(Sink *sink, const SinkQuery *query, Arena *arena, SinkHit **ret_hits, size_t *ret_count);

#endif
