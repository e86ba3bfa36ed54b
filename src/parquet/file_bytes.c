#include "parquet/file_bytes.h"

#include "parquet/value_decoder.h"

Error *budget_room(MemoryBudget *budget, Buffer *buffer, size_t bytes)
{
    size_t before = buffer->capacity;

    buffer_clear(buffer);
    if (bytes <= before)
        return NULL;
    if (bytes - before > budget->max_bytes - MIN(budget->used_bytes, budget->max_bytes))
        return FAIL(LIMIT, "%zu bytes more than the %zu in use pass the reader's memory limit of %zu", bytes - before,
                    budget->used_bytes, budget->max_bytes);
    buffer_done(buffer); /* no copy of what is not wanted any more */
    budget->used_bytes -= before;
    TRY(buffer_reserve(buffer, bytes));
    budget->used_bytes += buffer->capacity;
    return NULL;
}

void file_bytes_done(FileBytes *file)
{
    buffer_done(&file->tail.bytes);
    buffer_done(&file->group.bytes);
}

Error *file_read_span(FileBytes *file, FileSpan *span, uint64_t start, size_t len)
{
    ASSERT(start <= file->source.size_bytes && len <= file->source.size_bytes - start);
    TRY(budget_room(&file->budget, &span->bytes, len + PAGE_SLACK));
    span->start = start;
    if (len > 0)
        TRY(file->source.read_at(file->source.context, start, span->bytes.data, len));
    memset(span->bytes.data + len, 0, PAGE_SLACK);
    buffer_grown(&span->bytes, len);
    return NULL;
}

static bool span_view(const FileSpan *span, uint64_t offset, size_t len, Bytes *ret_bytes)
{
    if (offset < span->start || offset - span->start > span->bytes.len
        || len > span->bytes.len - (offset - span->start))
        return false;
    *ret_bytes = bytes_from(span->bytes.data + (offset - span->start), len);
    return true;
}

void chunk_window_begin(ChunkWindow *w, FileBytes *file, uint64_t start, uint64_t end, size_t read_bytes)
{
    w->file = file;
    w->start = start;
    w->end = end;
    w->read_bytes = read_bytes;
    w->own.start = start;
    buffer_clear(&w->own.bytes);
}

void chunk_window_done(ChunkWindow *w)
{
    buffer_done(&w->own.bytes);
}

/* Moves the window on to [offset, offset + len): what it has of that range already is not read again. */
static Error *slide(ChunkWindow *w, uint64_t offset, size_t len)
{
    FileBytes *file = w->file;
    Bytes kept = BYTES_EMPTY;
    uint64_t own_end = w->own.start + w->own.bytes.len;

    if (offset < w->own.start || offset >= own_end || len + PAGE_SLACK > w->own.bytes.capacity)
        return file_read_span(file, &w->own, offset, len);
    kept = bytes_from(w->own.bytes.data + (offset - w->own.start), (size_t)(own_end - offset));
    memmove(w->own.bytes.data, kept.data, kept.len);
    w->own.start = offset;
    w->own.bytes.len = kept.len; /* true also when the read fails */
    TRY(file->source.read_at(file->source.context, own_end, w->own.bytes.data + kept.len, len - kept.len));
    memset(w->own.bytes.data + len, 0, PAGE_SLACK);
    w->own.bytes.len = len;
    return NULL;
}

Error *chunk_window_view(ChunkWindow *w, uint64_t offset, size_t len, Bytes *ret_bytes)
{
    ASSERT(offset >= w->start && offset <= w->end && len <= w->end - offset);
    if (span_view(&w->own, offset, len, ret_bytes) || span_view(&w->file->tail, offset, len, ret_bytes)
        || span_view(&w->file->group, offset, len, ret_bytes))
        return NULL;
    size_t ahead = (size_t)MIN(w->end - offset, (uint64_t)w->read_bytes);
    TRY(slide(w, offset, MAX(len, ahead)));
    *ret_bytes = bytes_from(w->own.bytes.data, len);
    return NULL;
}
