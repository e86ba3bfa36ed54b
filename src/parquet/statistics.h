/* statistics.h - what a chunk's values have in common: bounds, nulls, NaNs, sizes, levels.
 *
 * Bounds follow the order of the leaf's type (spec/parquet.md 10.2); what is written follows 10.3. */
#ifndef PARQUET_STATISTICS_H
#define PARQUET_STATISTICS_H

#include "parquet/schema.h"

typedef enum ValueOrder {
    ORDER_BOOLEAN,
    ORDER_I32,
    ORDER_U32,
    ORDER_I64,
    ORDER_U64,
    ORDER_FLOAT,
    ORDER_DOUBLE,
    ORDER_BYTES /* unsigned, a prefix first: strings, binary, fixed */
} ValueOrder;

typedef union ValueBound {
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    float f32;
    double f64;
    uint8_t boolean;
} ValueBound;

typedef struct ChunkStatistics {
    ValueOrder order;
    bool text; /* UTF-8: bounds are cut between characters */
    bool may_truncate;
    bool any; /* `min` and `max` are set */
    ValueBound min, max;
    Buffer min_bytes, max_bytes; /* ORDER_BYTES */
    uint64_t min_prefix,
        max_prefix; /* their first 8 bytes as a big-endian number, to compare most values without a call */
    int64_t nulls, nans;
    int64_t byte_array_bytes;
    int64_t def_histogram[SCHEMA_DEPTH_MAX * 2 + 1], rep_histogram[SCHEMA_DEPTH_MAX + 1];
} ChunkStatistics;

void statistics_init(ChunkStatistics *s, const SchemaLeaf *leaf, const char *format);
void statistics_clear(ChunkStatistics *s); /* for the next chunk; keeps the memory */
void statistics_done(ChunkStatistics *s);

/* Takes `count` fixed-width values in PLAIN form. */
MUST_USE Error *statistics_add_fixed(ChunkStatistics *s, const uint8_t *values, size_t count, size_t width);
MUST_USE Error *statistics_add_bytes(ChunkStatistics *s, Bytes value);
void statistics_add_boolean(ChunkStatistics *s, bool value);

/* The two structures of ColumnMetaData; bounds and histograms are copied to the arena. */
MUST_USE Error *statistics_make(const ChunkStatistics *s, Arena *arena, Statistics *ret_statistics);
MUST_USE Error *statistics_make_sizes(const ChunkStatistics *s, const SchemaLeaf *leaf, Arena *arena,
                                      SizeStatistics *ret_sizes);

#endif
