#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BYTES = 64, SMALL_BYTES = 1024 };

void buffer_done(Buffer *buffer)
{
    free(buffer->data);
    buffer->data = NULL;
    buffer->len = buffer->capacity = 0;
}

void buffer_clear(Buffer *buffer)
{
    buffer->len = 0;
}

/* A small piece is moved by hand: malloc and free have some of each small size ready for each thread, without a lock, and realloc takes that of
 * the thread whose piece it was. */
static uint8_t *move_small(const Buffer *buffer, size_t capacity)
{
    uint8_t *data = malloc(capacity);
    if (data && buffer->len)
        memcpy(data, buffer->data, buffer->len);
    if (data)
        free(buffer->data);
    return data;
}

static bool grow(Buffer *buffer, size_t wanted)
{
    size_t capacity = buffer->capacity ? buffer->capacity : FIRST_BYTES;
    while (capacity < wanted)
        capacity = capacity > SIZE_MAX / 2 ? wanted : capacity * 2;
    uint8_t *data = capacity <= SMALL_BYTES ? move_small(buffer, capacity) : realloc(buffer->data, capacity);
    if (!data)
        return false;
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

Error *buffer_reserve(Buffer *buffer, size_t more_bytes)
{
    size_t limit = buffer->limit ? buffer->limit : SIZE_MAX - 1;
    if (more_bytes > limit || buffer->len > limit - more_bytes)
        return FAIL(LIMIT, "more than the %zu bytes that are allowed", limit);
    if (buffer->len + more_bytes > buffer->capacity && !grow(buffer, buffer->len + more_bytes))
        return FAIL(NO_MEMORY, "no memory for %zu bytes", buffer->len + more_bytes);
    return NULL;
}

void buffer_grown(Buffer *buffer, size_t written_bytes)
{
    ASSERT(written_bytes <= buffer->capacity - buffer->len);
    buffer->len += written_bytes;
}

Error *buffer_append(Buffer *buffer, const void *data, size_t len)
{
    TRY(buffer_reserve(buffer, len));
    if (len)
        memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
    return NULL;
}

Error *buffer_append_str(Buffer *buffer, Str text)
{
    return buffer_append(buffer, text.data, text.len);
}

Error *buffer_append_byte(Buffer *buffer, uint8_t byte)
{
    return buffer_append(buffer, &byte, 1);
}

Error *buffer_append_format(Buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (len < 0)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(buffer_reserve(buffer, (size_t)len));
    /* vsnprintf wants room for its NUL, which is not content and not counted by the limit. */
    if (buffer->capacity - buffer->len < (size_t)len + 1 && !grow(buffer, buffer->len + (size_t)len + 1))
        return FAIL(NO_MEMORY, "out of memory");
    va_start(arguments, format);
    vsnprintf((char *)buffer->data + buffer->len, (size_t)len + 1, format, arguments);
    va_end(arguments);
    buffer->len += (size_t)len;
    return NULL;
}

Error *buffer_append_u32le(Buffer *buffer, uint32_t value)
{
    uint8_t bytes[4];
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    return buffer_append(buffer, bytes, sizeof bytes);
}

Error *buffer_append_u64le(Buffer *buffer, uint64_t value)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    return buffer_append(buffer, bytes, sizeof bytes);
}

void buffer_consume(Buffer *buffer, size_t len)
{
    ASSERT(len <= buffer->len);
    if (len == 0)
        return;
    memmove(buffer->data, buffer->data + len, buffer->len - len);
    buffer->len -= len;
}

const char *buffer_cstr(Buffer *buffer)
{
    if (buffer->len == buffer->capacity && !grow(buffer, buffer->len + 1))
        return NULL;
    buffer->data[buffer->len] = 0;
    return (const char *)buffer->data;
}
