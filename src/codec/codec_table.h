/* codec_table.h - what each library's wrapper offers codec.c; only codec.c and the wrappers include it. */
#ifndef CODEC_CODEC_TABLE_H
#define CODEC_CODEC_TABLE_H

#include <libdeflate.h>
#include <zstd.h>

#include "codec/codec.h"

/* Made at first use, kept for the next block. */
struct CodecContext {
    ZSTD_CCtx *zstd_compress;
    ZSTD_DCtx *zstd_decompress;
    struct libdeflate_compressor *deflate_compress;
    int deflate_level; /* of deflate_compress */
    struct libdeflate_decompressor *deflate_decompress;
};

struct Codec {
    const char *name;
    int32_t parquet_id; /* -1: none */
    int level_default, level_min, level_max;
    /* Room that the compressed form of `len` bytes may need. */
    size_t (*bound)(CodecContext *context, size_t len);
    /* Writes at most bound(len) bytes to `out`; `level` is one the codec has. */
    Error *(*compress)(CodecContext *context, int level, Bytes input, uint8_t *out, size_t out_bytes,
                       size_t *ret_written);
    Error *(*decompress_exact)(CodecContext *context, Bytes input, uint8_t *out, size_t out_bytes);
    Error *(*decompress)(CodecContext *context, Bytes input, size_t bytes_max, Buffer *out);
};

extern const Codec CODEC_NONE, CODEC_SNAPPY, CODEC_GZIP, CODEC_ZLIB, CODEC_ZSTD;

#endif
