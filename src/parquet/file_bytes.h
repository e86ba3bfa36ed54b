/* file_bytes.h - ranges of a ParquetSource, read in few large pieces.
 *
 * What several columns need at once is read once into a span that all share: the tail with the footer, then the row group
 * when it is small enough. A ChunkWindow serves one column chunk: from a span without a copy, else through a buffer of its
 * own. PAGE_SLACK readable bytes follow every view. */
#ifndef PARQUET_FILE_BYTES_H
#define PARQUET_FILE_BYTES_H

#include "base/buffer.h"
#include "parquet/reader.h"

/* What page buffers, windows and dictionaries of one reader may hold in all. */
typedef struct MemoryBudget {
    size_t max_bytes, used_bytes;
} MemoryBudget;

/* Makes `buffer` hold at least `bytes` (contents are lost), charging what it grows by. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *budget_room(MemoryBudget *budget, Buffer *buffer, size_t bytes);

typedef struct FileSpan {
    uint64_t start;
    Buffer bytes;
} FileSpan;

typedef struct FileBytes {
    ParquetSource source;
    MemoryBudget budget;
    FileSpan tail, group;
} FileBytes;

void file_bytes_done(FileBytes *file);

/* Makes `span` (one of the file's) hold [start, start + len), which lies in the file. */
MUST_USE Error *file_read_span(FileBytes *file, FileSpan *span, uint64_t start, size_t len);

typedef struct ChunkWindow {
    FileBytes *file;
    uint64_t start, end; /* of the chunk */
    size_t read_bytes;   /* how much to read ahead */
    FileSpan own;
} ChunkWindow;

void chunk_window_begin(ChunkWindow *w, FileBytes *file, uint64_t start, uint64_t end, size_t read_bytes);
void chunk_window_done(ChunkWindow *w);

/* `len` bytes at `offset`, inside the chunk; valid until the next call and until the spans change. */
MUST_USE Error *chunk_window_view(ChunkWindow *w, uint64_t offset, size_t len, Bytes *ret_bytes);

#endif
