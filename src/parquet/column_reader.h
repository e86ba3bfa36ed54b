/* column_reader.h - the rows of one leaf: pages in, an Arrow vector and the levels that shape it out.
 *
 * A flat leaf (one whose levels only say null or not) needs no levels above it: its validity goes straight into the vector.
 * For the others each entry's levels are kept for the batch, and assemble.c makes lists and structs of them.
 * Sources: spec/parquet.md 8.3, 8.4, 17.5. */
#ifndef PARQUET_COLUMN_READER_H
#define PARQUET_COLUMN_READER_H

#include "parquet/page_reader.h"

enum { LEVEL_BLOCK = 1024 };

/* The levels of the entries of a batch; `rep` is empty for a leaf that is in no list. */
typedef struct Levels {
    Buffer def, rep; /* a byte an entry */
} Levels;

typedef struct ColumnReader {
    /* fixed */
    const SchemaLeaf *leaf;
    bool flat;         /* top-level, outside lists and structs */
    bool keeps_levels; /* an optional or repeated node lies above the leaf itself */

    /* the chunk */
    PageReader pages;
    Dictionary dictionary;
    uint64_t rows_left; /* rows of the row group not yet read */
    uint8_t last_def;   /* of the entry before */

    /* the page */
    size_t page_left; /* entries whose levels are not yet decoded */
    HybridDecoder def, rep;
    ValueDecoder values;
    size_t block_at, block_count; /* entries decoded ahead, for nested leaves */
    uint8_t def_block[LEVEL_BLOCK], rep_block[LEVEL_BLOCK];

    /* the batch */
    VectorPool *pool;
    ArrowVector vector;
    Levels levels;
    size_t limit_bytes; /* of each buffer of the batch */
} ColumnReader;

/* `nested`: the leaf is not itself the top-level column. Errors: NO_MEMORY. */
MUST_USE Error *column_reader_init(ColumnReader *c, const SchemaLeaf *leaf, bool nested, size_t limit_bytes);
void column_reader_done(ColumnReader *c); /* copes with a zeroed one */

/* Begins the chunk of a row group of `rows` rows. Errors: CORRUPT, UNSUPPORTED, NO_MEMORY. */
MUST_USE Error *column_reader_begin(ColumnReader *c, const ColumnMetaData *chunk, uint64_t rows, FileBytes *file,
                                    ChunkRange range, size_t read_bytes);

/* Empties vector and levels for a new batch. */
void column_reader_begin_batch(ColumnReader *c);

/* Appends exactly `rows` rows to vector and levels; no more than the row group has left.
 * Errors: CORRUPT (also: the chunk has fewer rows), LIMIT, UNSUPPORTED, NO_MEMORY, the source's. */
MUST_USE Error *column_reader_read(ColumnReader *c, size_t rows);

/* After the last row: the chunk must have no more. Errors: CORRUPT. */
MUST_USE Error *column_reader_end(const ColumnReader *c);

/* Contents of the batch so far, and the memory that it holds. */
size_t column_reader_batch_bytes(const ColumnReader *c);
size_t column_reader_batch_memory(const ColumnReader *c);

#endif
