#include "http/http.h"

/* Without a limit of the caller's, a length that the server merely claims gets no more than this in advance. */
static const uint64_t RESERVE_UNLIMITED_BYTES = 16 * MIB;

static Error *buffer_sink_begin(void *context, uint64_t offset_bytes, uint64_t length_bytes)
{
    HttpBufferSink *sink = context;
    Buffer *buffer = sink->buffer;

    ASSERT(offset_bytes <= buffer->len - sink->base_bytes);
    buffer->len = sink->base_bytes + (size_t)offset_bytes;
    if (length_bytes == HTTP_LENGTH_UNKNOWN)
        return NULL;
    if (buffer->limit > 0 && length_bytes > buffer->limit - buffer->len)
        return FAIL(LIMIT, "body of %llu bytes passes the limit of %zu bytes",
                    (unsigned long long)(offset_bytes + length_bytes), buffer->limit - sink->base_bytes);
    if (buffer->limit == 0)
        length_bytes = MIN(length_bytes, RESERVE_UNLIMITED_BYTES);
    return length_bytes > 0 ? buffer_reserve(buffer, (size_t)length_bytes) : NULL;
}

static Error *buffer_sink_write(void *context, Bytes data, size_t *taken_bytes)
{
    const HttpBufferSink *sink = context;

    (void)taken_bytes;
    return buffer_append(sink->buffer, data.data, data.len);
}

static void buffer_sink_forget(void *context)
{
    const HttpBufferSink *sink = context;

    sink->buffer->len = sink->base_bytes;
}

HttpSink http_buffer_sink(HttpBufferSink *sink, Buffer *buffer)
{
    static const HttpSinkCalls calls = {buffer_sink_begin, buffer_sink_write, buffer_sink_forget};

    *sink = (HttpBufferSink){.buffer = buffer, .base_bytes = buffer->len};
    return (HttpSink){.calls = &calls, .context = sink};
}
