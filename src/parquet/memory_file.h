/* memory_file.h - a Parquet file in memory as source and sink, for tests, fuzzers and benches. */
#ifndef PARQUET_MEMORY_FILE_H
#define PARQUET_MEMORY_FILE_H

#include "base/buffer.h"
#include "parquet/reader.h"
#include "parquet/writer.h"

static inline Error *memory_file_write(void *context, Bytes piece)
{
    return buffer_append(context, piece.data, piece.len);
}

static inline ParquetSink memory_file_sink(Buffer *file)
{
    return (ParquetSink){file, memory_file_write};
}

/* `context` is a Bytes; the reader asks only for what lies in the file. */
static inline Error *memory_file_read(void *context, uint64_t offset, uint8_t *out, size_t len)
{
    const Bytes *file = context;

    ASSERT(offset <= file->len && len <= file->len - offset);
    memcpy(out, file->data + offset, len);
    return NULL;
}

/* `*file` must outlive the source. */
static inline ParquetSource memory_file_source(Bytes *file)
{
    return (ParquetSource){file, file->len, memory_file_read};
}

#endif
