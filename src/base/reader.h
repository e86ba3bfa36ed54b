/* reader.h - walks untrusted bytes: each step succeeds and advances, or returns false and stays. */
#ifndef BASE_READER_H
#define BASE_READER_H

#include "base/str.h"

typedef struct Reader {
    Bytes input;
    size_t at;
} Reader;

static inline Reader reader_of(Bytes input)
{
    return (Reader){input, 0};
}

static inline size_t reader_offset(const Reader *in)
{
    return in->at;
}

static inline size_t reader_left(const Reader *in)
{
    return in->input.len - in->at;
}

bool reader_skip(Reader *in, size_t count);
bool reader_take(Reader *in, size_t count, Bytes *ret_bytes); /* points into the input */
bool reader_u8(Reader *in, uint8_t *ret_value);
bool reader_u16le(Reader *in, uint16_t *ret_value);
bool reader_u32le(Reader *in, uint32_t *ret_value);
bool reader_u64le(Reader *in, uint64_t *ret_value);
bool reader_u16be(Reader *in, uint16_t *ret_value);
bool reader_u32be(Reader *in, uint32_t *ret_value);
/* Unsigned LEB128, at most 10 bytes; false past 64 bits. */
bool reader_varint(Reader *in, uint64_t *ret_value);
bool reader_zigzag(Reader *in, int64_t *ret_value);

#endif
