/* buffer.h - bytes that are owned and grow, up to a limit.
 *
 * A zeroed Buffer is empty and unlimited: `Buffer b = {.limit = 1 * MIB};`. Appends fail with LIMIT or NO_MEMORY and then
 * leave the contents alone. One thread. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/error.h"
#include "base/str.h"

typedef struct Buffer {
    uint8_t *data;
    size_t len;
    size_t capacity;
    size_t limit; /* bytes; 0: none */
} Buffer;

void buffer_done(Buffer *buffer);  /* copes with a zeroed one; empty again afterwards */
void buffer_clear(Buffer *buffer); /* keeps the memory */

/* Room for `more_bytes` behind the contents: write there, then buffer_grown. */
MUST_USE Error *buffer_reserve(Buffer *buffer, size_t more_bytes);
void buffer_grown(Buffer *buffer, size_t written_bytes);

MUST_USE Error *buffer_append(Buffer *buffer, const void *data, size_t len);
MUST_USE Error *buffer_append_str(Buffer *buffer, Str text);
MUST_USE Error *buffer_append_byte(Buffer *buffer, uint8_t byte);
MUST_USE Error *buffer_append_format(Buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
/* Little-endian. */
MUST_USE Error *buffer_append_u32le(Buffer *buffer, uint32_t value);
MUST_USE Error *buffer_append_u64le(Buffer *buffer, uint64_t value);

/* Removes the first `len` bytes. */
void buffer_consume(Buffer *buffer, size_t len);

/* Puts a NUL behind the contents, not counted, and returns them; NULL without memory. */
const char *buffer_cstr(Buffer *buffer);

/* The contents, until the next append. */
static inline Bytes buffer_bytes(const Buffer *buffer)
{
    return buffer->data ? (Bytes){buffer->data, buffer->len} : BYTES_EMPTY;
}

static inline Str buffer_str(const Buffer *buffer)
{
    return bytes_str(buffer_bytes(buffer));
}

#endif
