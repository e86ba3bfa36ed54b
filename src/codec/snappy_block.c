/* snappy_block.c - raw snappy blocks, not the framing format. */
#include <snappy-c.h>

#include "codec/codec_table.h"

static size_t snappy_bound(CodecContext *context, size_t len)
{
    (void)context;
    return snappy_max_compressed_length(len);
}

static Error *snappy_compress_block(CodecContext *context, int level, Bytes input, uint8_t *out, size_t out_bytes,
                                    size_t *ret_written)
{
    (void)context;
    (void)level;
    size_t written = out_bytes;
    snappy_status status = snappy_compress((const char *)input.data, input.len, (char *)out, &written);

    ASSERT(status == SNAPPY_OK); /* the only failure is a small buffer, and it has the bound's size */
    *ret_written = written;
    return NULL;
}

static Error *snappy_decompress_exact(CodecContext *context, Bytes input, uint8_t *out, size_t out_bytes)
{
    (void)context;
    size_t announced = 0;

    /* The library trusts the length at the block's front: compare it before anything is written. */
    if (snappy_uncompressed_length((const char *)input.data, input.len, &announced) != SNAPPY_OK)
        return FAIL(CORRUPT, "snappy block has no valid length");
    if (announced != out_bytes)
        return FAIL(CORRUPT, "snappy block holds %zu bytes where %zu were announced", announced, out_bytes);
    if (snappy_uncompress((const char *)input.data, input.len, (char *)out, &announced) != SNAPPY_OK)
        return FAIL(CORRUPT, "snappy block is corrupt");
    return NULL;
}

static Error *snappy_decompress(CodecContext *context, Bytes input, size_t bytes_max, Buffer *out)
{
    size_t announced = 0;

    if (snappy_uncompressed_length((const char *)input.data, input.len, &announced) != SNAPPY_OK)
        return FAIL(CORRUPT, "snappy block has no valid length");
    if (announced > bytes_max)
        return FAIL(LIMIT, "snappy block holds %zu bytes, more than the limit of %zu", announced, bytes_max);
    /* No element of 3 bytes gives more than 64, so a larger claim is a lie and not worth the memory. */
    if (announced / 22 > input.len)
        return FAIL(CORRUPT, "snappy block of %zu bytes claims to hold %zu", input.len, announced);
    TRY(buffer_reserve(out, announced));
    TRY(snappy_decompress_exact(context, input, out->data + out->len, announced));
    buffer_grown(out, announced);
    return NULL;
}

const Codec CODEC_SNAPPY = {"snappy",         1, 0, 0, 0, snappy_bound, snappy_compress_block, snappy_decompress_exact,
                            snappy_decompress};
