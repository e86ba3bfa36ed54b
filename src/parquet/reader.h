/* reader.h - a Parquet file as batches of Arrow columns.
 *
 * The file is reached through a ParquetSource, so this folder knows no store. A reader has one owner thread; several
 * readers may share a source that allows concurrent reads. Every count, size and offset in the file is checked before
 * use; a batch and all that is held to make it stay within `memory_max_bytes`.
 * Errors of every call that reads: what the source returned, CORRUPT (with row group, column, byte offset),
 * LIMIT, UNSUPPORTED (naming the feature and the column), NO_MEMORY. After an error the reader can only be freed.
 * Source: the Parquet format, as spec/parquet.md sets it out; columns as in the Arrow C data interface. */
#ifndef PARQUET_READER_H
#define PARQUET_READER_H

#include <quern/arrow.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/str.h"

typedef struct ParquetReader ParquetReader;

/* Where the bytes come from. `context` must outlive the reader. */
typedef struct ParquetSource {
    void *context;
    uint64_t size_bytes;
    /* Fills `len` bytes at `out` from `offset`, or fails; the range lies within the file. */
    Error *(*read_at)(void *context, uint64_t offset, uint8_t *out, size_t len);
} ParquetSource;

#define PARQUET_WHOLE_ROW_GROUP SIZE_MAX

/* A zeroed struct means the defaults; it is copied, what it points to is used during parquet_reader_open only. */
typedef struct ParquetReadOptions {
    const Str *columns; /* names of top-level columns wanted, in this order; NULL: all, in the file's order */
    size_t columns_count;
    size_t row_group_first;  /* read from this row group on... */
    size_t row_groups_max;   /* ...at most so many; 0: to the end */
    size_t batch_rows;       /* most rows of a batch (default 8192); a batch ends with its row group at the latest */
    size_t batch_bytes;      /* a batch ends early when its columns hold about this much (default 16 MiB) */
    size_t memory_max_bytes; /* pages, dictionaries and a batch together: else LIMIT (default 512 MiB) */
    size_t read_bytes;       /* how much of the source is asked for at once, all columns together (default 16 MiB) */
    bool ignore_checksums;   /* page CRCs are verified unless this is set */
} ParquetReadOptions;

/* A top-level column. Strings live as long as the reader. */
typedef struct ParquetColumn {
    Str name;
    const char *format;         /* Arrow format string, "+l" for a list; "" when `unsupported` is set */
    const char *element_format; /* of a list's elements; "" otherwise */
    Str logical;                /* "STRING", "TIMESTAMP(MICROS,UTC)", "LIST"...; "" without one */
    bool nullable;
    bool list;
    const char *unsupported; /* why this column cannot be read ("MAP", "DECIMAL on BYTE_ARRAY"); NULL when it can */
} ParquetColumn;

typedef struct ParquetRowGroup {
    uint64_t rows;
    uint64_t bytes; /* of all columns, decompressed, as the file says */
    uint64_t compressed_bytes;
} ParquetRowGroup;

/* Reads the footer: one read for files up to 1 MiB, else one of 64 KiB and at most one more.
 * Errors: CORRUPT (no Parquet file, or a malformed footer), UNSUPPORTED (encrypted), NOT_FOUND (a column of `options`
 * that the file does not have; the message lists those it has), INVALID (row groups outside the file). */
MUST_USE Error *parquet_reader_open(const ParquetSource *source, const ParquetReadOptions *options,
                                    ParquetReader **ret_reader);
void parquet_reader_free(ParquetReader *reader); /* NULL is allowed; batches handed out stay valid */
DEFINE_FREEP(ParquetReader, parquet_reader_free)

/* The file: all its columns, whatever was selected. Indexes below the counts only. */
uint64_t parquet_reader_rows(const ParquetReader *reader);
size_t parquet_reader_columns(const ParquetReader *reader);
const ParquetColumn *parquet_reader_column_view(const ParquetReader *reader, size_t column);
size_t parquet_reader_row_groups(const ParquetReader *reader);
ParquetRowGroup parquet_reader_row_group(const ParquetReader *reader, size_t row_group);
Str parquet_reader_created_by_view(const ParquetReader *reader);
/* The value of the first key-value pair with this key; false when there is none or it has no value. */
bool parquet_reader_key_value(const ParquetReader *reader, Str key, Str *ret_value);

/* Appends the schema, rows, row groups (sizes, codecs, encodings and statistics by column) and key-values as one JSON
 * object, for `quern parquet schema|meta`. `indent` as in json_begin. */
MUST_USE Error *parquet_reader_json(const ParquetReader *reader, int indent, Buffer *out);

/* The Arrow schema of the selected columns: a struct "+s" with a child a column. The caller releases it.
 * Errors: UNSUPPORTED (a selected column cannot be read). */
MUST_USE Error *parquet_reader_schema(const ParquetReader *reader, struct ArrowSchema *ret_schema);

/* The next batch: a struct array with a child for each selected column; the caller releases it. At the end `ret_batch` is a
 * released array (release == NULL). Buffers of a batch are its own: it may outlive the reader and change threads. */
MUST_USE Error *parquet_reader_next(ParquetReader *reader, struct ArrowArray *ret_batch);

#endif
