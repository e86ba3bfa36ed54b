/* zstd_frame.c - Zstandard frames (RFC 8878), one or several, skippable ones among them. */
#include "codec/codec_table.h"

enum { ZSTD_LEVEL = 3, ZSTD_LEVEL_MIN = 1, ZSTD_LEVEL_MAX = 22, WINDOW_LOG_MAX = 27 };

static size_t zstd_bound(CodecContext *context, size_t len)
{
    (void)context;
    return ZSTD_compressBound(len);
}

static Error *zstd_compress(CodecContext *context, int level, Bytes input, uint8_t *out, size_t out_bytes,
                            size_t *ret_written)
{
    if (!context->zstd_compress)
        context->zstd_compress = ZSTD_createCCtx();
    if (!context->zstd_compress)
        return FAIL(NO_MEMORY, "no memory for a zstd compressor");
    size_t written = ZSTD_compressCCtx(context->zstd_compress, out, out_bytes, input.data, input.len, level);
    if (ZSTD_isError(written)) /* the room suffices, so only memory can be short */
        return FAIL(NO_MEMORY, "zstd cannot compress %zu bytes: %s", input.len, ZSTD_getErrorName(written));
    *ret_written = written;
    return NULL;
}

static Error *use_decompressor(CodecContext *context)
{
    if (!context->zstd_decompress)
        context->zstd_decompress = ZSTD_createDCtx();
    return context->zstd_decompress ? NULL : FAIL(NO_MEMORY, "no memory for a zstd decompressor");
}

static Error *zstd_decompress_exact(CodecContext *context, Bytes input, uint8_t *out, size_t out_bytes)
{
    uint8_t nothing;

    TRY(use_decompressor(context));
    /* In one shot the window is the output itself, whatever the frame asks for. */
    size_t written =
        ZSTD_decompressDCtx(context->zstd_decompress, out_bytes > 0 ? out : &nothing, out_bytes, input.data, input.len);
    if (ZSTD_isError(written))
        return FAIL(CORRUPT, "zstd data of %zu bytes cannot fill %zu bytes: %s", input.len, out_bytes,
                    ZSTD_getErrorName(written));
    if (written != out_bytes)
        return FAIL(CORRUPT, "zstd data holds %zu bytes where %zu were announced", written, out_bytes);
    return NULL;
}

/* Streaming, because the size in a frame's header is optional and may lie. */
static Error *zstd_decompress(CodecContext *context, Bytes input, size_t bytes_max, Buffer *out)
{
    ZSTD_inBuffer in = {input.data, input.len, 0};
    size_t step = ZSTD_DStreamOutSize();
    size_t before = out->len;
    size_t wants = 1; /* 0 at the end of a frame */

    TRY(use_decompressor(context));
    ZSTD_DCtx_reset(context->zstd_decompress, ZSTD_reset_session_only);
    ZSTD_DCtx_setParameter(context->zstd_decompress, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    while (in.pos < in.size || wants != 0) {
        TRY(buffer_reserve(out, step));
        ZSTD_outBuffer o = {out->data + out->len, step, 0};
        size_t in_before = in.pos;
        wants = ZSTD_decompressStream(context->zstd_decompress, &o, &in);
        if (ZSTD_isError(wants))
            return FAIL(CORRUPT, "zstd data is corrupt: %s", ZSTD_getErrorName(wants));
        buffer_grown(out, o.pos);
        if (out->len - before > bytes_max)
            return FAIL(LIMIT, "zstd data holds more than the limit of %zu bytes", bytes_max);
        if (in.pos == in_before && o.pos == 0)
            return FAIL(CORRUPT, "zstd data is cut short after %zu bytes", input.len);
    }
    return NULL;
}

const Codec CODEC_ZSTD = {"zstd",         6,          ZSTD_LEVEL,    ZSTD_LEVEL_MIN,
                          ZSTD_LEVEL_MAX, zstd_bound, zstd_compress, zstd_decompress_exact,
                          zstd_decompress};
