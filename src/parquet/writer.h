/* writer.h - Arrow batches into a Parquet file.
 *
 * Bytes go to a ParquetSink in order, never rewritten, so a sink may be a multipart upload. The pages of one row group wait
 * in memory, compressed, until it is complete: memory is about the compressed row group plus one page and one dictionary a
 * column. The same batches and options give the same bytes. A writer has one owner thread.
 * Arrow types taken: b, c C s S i I l L, f g, u U, z Z, w:N, tdD, ts[mun]:zone, and lists (+l, +L) of these; others are
 * UNSUPPORTED. Source: the Parquet format, as spec/parquet.md sets it out (16: what a writer chooses). */
#ifndef PARQUET_WRITER_H
#define PARQUET_WRITER_H

#include <quern/arrow.h>

#include "base/error.h"
#include "base/str.h"
#include "codec/codec.h"

typedef struct ParquetWriter ParquetWriter;

/* Where the bytes go. `context` must outlive the writer. */
typedef struct ParquetSink {
    void *context;
    Error *(*write)(void *context, Bytes piece); /* takes all of it, or fails */
} ParquetSink;

/* A zeroed struct means the defaults; it is copied. */
typedef struct ParquetWriteOptions {
    const Codec *codec;         /* NULL: zstd */
    int level;                  /* 0 or CODEC_LEVEL_DEFAULT: the codec's own choice here (zstd 3) */
    size_t row_group_bytes_max; /* column data of a row group before compression (default 64 MiB) */
    size_t row_group_rows_max;  /* default 1 Mi */
    size_t page_bytes;          /* data of a page before compression (default 1 MiB) */
    size_t page_rows;           /* default 20,000 */
    bool no_dictionary; /* all PLAIN; else a dictionary is tried for each chunk, and left where it does not pay */
    Str created_by;     /* default "quern version <x.y.z>" */
} ParquetWriteOptions;

/* Begins a file with the columns of `schema`, a struct "+s"; it is borrowed for the call.
 * Errors: UNSUPPORTED (a type, naming the column), INVALID (no struct), NO_MEMORY; what the sink returned. */
MUST_USE Error *parquet_writer_new(const ParquetSink *sink, const struct ArrowSchema *schema,
                                   const ParquetWriteOptions *options, ParquetWriter **ret_writer);
/* Without parquet_writer_finish the file is abandoned: what the sink has is no Parquet file. NULL is allowed. */
void parquet_writer_free(ParquetWriter *writer);
DEFINE_FREEP(ParquetWriter, parquet_writer_free)

/* Appends the rows of `batch`, a struct array of the schema's shape; borrowed for the call.
 * Errors: INVALID (another shape; null in a column declared without nulls), LIMIT (one value over 1 GiB), NO_MEMORY; what
 * the sink returned. After an error the writer can only be freed. */
MUST_USE Error *parquet_writer_write(ParquetWriter *writer, const struct ArrowArray *batch);

/* About how large the file is so far: bytes given to the sink and those waiting. For callers that cut shards. */
uint64_t parquet_writer_bytes(const ParquetWriter *writer);
uint64_t parquet_writer_rows(const ParquetWriter *writer);

/* Adds to the footer's key-value metadata; allowed until parquet_writer_finish. Both are copied. */
MUST_USE Error *parquet_writer_add_key_value(ParquetWriter *writer, Str key, Str value);

/* Writes the last row group and the footer; the writer can then only be freed. A file without rows is a valid file. */
MUST_USE Error *parquet_writer_finish(ParquetWriter *writer);

#endif
