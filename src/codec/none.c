/* none.c - bytes as they are. */
#include "codec/codec_table.h"

static size_t none_bound(CodecContext *context, size_t len)
{
    (void)context;
    return len;
}

static Error *none_compress(CodecContext *context, int level, Bytes input, uint8_t *out, size_t out_bytes,
                            size_t *ret_written)
{
    (void)context;
    (void)level;
    ASSERT(input.len <= out_bytes);
    if (input.len > 0)
        memcpy(out, input.data, input.len);
    *ret_written = input.len;
    return NULL;
}

static Error *none_decompress_exact(CodecContext *context, Bytes input, uint8_t *out, size_t out_bytes)
{
    (void)context;
    if (input.len != out_bytes)
        return FAIL(CORRUPT, "uncompressed data has %zu bytes where %zu were announced", input.len, out_bytes);
    if (out_bytes > 0)
        memcpy(out, input.data, out_bytes);
    return NULL;
}

static Error *none_decompress(CodecContext *context, Bytes input, size_t bytes_max, Buffer *out)
{
    (void)context;
    if (input.len > bytes_max)
        return FAIL(LIMIT, "uncompressed data has %zu bytes, more than the limit of %zu", input.len, bytes_max);
    return buffer_append(out, input.data, input.len);
}

const Codec CODEC_NONE = {"none", 0, 0, 0, 0, none_bound, none_compress, none_decompress_exact, none_decompress};
