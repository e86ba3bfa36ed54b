#include "base/reader.h"

bool reader_take(Reader *in, size_t count, Bytes *ret_bytes)
{
    if (count > reader_left(in))
        return false;
    *ret_bytes = (Bytes){in->input.data + in->at, count};
    in->at += count;
    return true;
}

bool reader_skip(Reader *in, size_t count)
{
    Bytes skipped;
    return reader_take(in, count, &skipped);
}

bool reader_u8(Reader *in, uint8_t *ret_value)
{
    Bytes b;
    if (!reader_take(in, 1, &b))
        return false;
    *ret_value = b.data[0];
    return true;
}

bool reader_u16le(Reader *in, uint16_t *ret_value)
{
    Bytes b;
    if (!reader_take(in, 2, &b))
        return false;
    *ret_value = (uint16_t)(b.data[0] | b.data[1] << 8);
    return true;
}

bool reader_u32le(Reader *in, uint32_t *ret_value)
{
    Bytes b;
    if (!reader_take(in, 4, &b))
        return false;
    *ret_value = (uint32_t)b.data[0] | (uint32_t)b.data[1] << 8 | (uint32_t)b.data[2] << 16 | (uint32_t)b.data[3] << 24;
    return true;
}

bool reader_u64le(Reader *in, uint64_t *ret_value)
{
    Bytes b;
    if (!reader_take(in, 8, &b))
        return false;
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)b.data[i] << (8 * i);
    *ret_value = value;
    return true;
}

bool reader_u16be(Reader *in, uint16_t *ret_value)
{
    Bytes b;
    if (!reader_take(in, 2, &b))
        return false;
    *ret_value = (uint16_t)(b.data[0] << 8 | b.data[1]);
    return true;
}

bool reader_u32be(Reader *in, uint32_t *ret_value)
{
    Bytes b;
    if (!reader_take(in, 4, &b))
        return false;
    *ret_value = (uint32_t)b.data[0] << 24 | (uint32_t)b.data[1] << 16 | (uint32_t)b.data[2] << 8 | (uint32_t)b.data[3];
    return true;
}

bool reader_varint(Reader *in, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t left = reader_left(in);
    const uint8_t *data = in->input.data + in->at;
    for (unsigned i = 0; i < 10 && i < left; i++) {
        uint64_t bits = data[i] & 0x7f;
        if (i == 9 && bits > 1)
            return false;
        value |= bits << (7 * i);
        if (!(data[i] & 0x80)) {
            in->at += i + 1;
            *ret_value = value;
            return true;
        }
    }
    return false;
}

bool reader_zigzag(Reader *in, int64_t *ret_value)
{
    uint64_t value;
    if (!reader_varint(in, &value))
        return false;
    *ret_value = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
    return true;
}
