/* deflate.c - gzip members (RFC 1952) and zlib streams (RFC 1950) with libdeflate, which works on whole blocks. */
#include "codec/codec_table.h"

/* DEFLATE cannot expand further than this (two bits for 258 bytes), so memory for unknown sizes is bounded by the input. */
enum { DEFLATE_RATIO_MAX = 1032, DEFLATE_LEVEL = 6, GUESS_RATIO = 4 };

typedef enum DeflateForm { FORM_GZIP, FORM_ZLIB } DeflateForm;

static const char *form_name(DeflateForm form)
{
    return form == FORM_GZIP ? "gzip" : "zlib";
}

static Error *use_compressor(CodecContext *context, int level)
{
    if (context->deflate_compress && context->deflate_level == level)
        return NULL;
    libdeflate_free_compressor(context->deflate_compress);
    context->deflate_compress = libdeflate_alloc_compressor(level);
    context->deflate_level = level;
    return context->deflate_compress ? NULL : FAIL(NO_MEMORY, "no memory for a deflate compressor");
}

static Error *use_decompressor(CodecContext *context)
{
    if (!context->deflate_decompress)
        context->deflate_decompress = libdeflate_alloc_decompressor();
    return context->deflate_decompress ? NULL : FAIL(NO_MEMORY, "no memory for a deflate decompressor");
}

static size_t gzip_bound(CodecContext *context, size_t len)
{
    (void)context;
    return libdeflate_gzip_compress_bound(NULL, len);
}

static size_t zlib_bound(CodecContext *context, size_t len)
{
    (void)context;
    return libdeflate_zlib_compress_bound(NULL, len);
}

static Error *gzip_compress(CodecContext *context, int level, Bytes input, uint8_t *out, size_t out_bytes,
                            size_t *ret_written)
{
    TRY(use_compressor(context, level));
    *ret_written = libdeflate_gzip_compress(context->deflate_compress, input.data, input.len, out, out_bytes);
    ASSERT(*ret_written > 0);
    return NULL;
}

static Error *zlib_compress(CodecContext *context, int level, Bytes input, uint8_t *out, size_t out_bytes,
                            size_t *ret_written)
{
    TRY(use_compressor(context, level));
    *ret_written = libdeflate_zlib_compress(context->deflate_compress, input.data, input.len, out, out_bytes);
    ASSERT(*ret_written > 0);
    return NULL;
}

/* One member or stream from the front of `input` into at most `room` bytes. */
static enum libdeflate_result decompress_one(CodecContext *context, DeflateForm form, Bytes input, uint8_t *out,
                                             size_t room, size_t *ret_consumed, size_t *ret_written)
{
    struct libdeflate_decompressor *d = context->deflate_decompress;

    return form == FORM_GZIP
               ? libdeflate_gzip_decompress_ex(d, input.data, input.len, out, room, ret_consumed, ret_written)
               : libdeflate_zlib_decompress_ex(d, input.data, input.len, out, room, ret_consumed, ret_written);
}

/* Some Parquet writers put a zlib header where gzip is due; its first byte tells them apart. */
static DeflateForm form_of(Bytes input, DeflateForm wanted)
{
    return wanted == FORM_GZIP && input.len >= 2 && input.data[0] != 0x1f ? FORM_ZLIB : wanted;
}

static Error *decompress_exact(CodecContext *context, DeflateForm wanted, Bytes input, uint8_t *out, size_t out_bytes)
{
    DeflateForm form = form_of(input, wanted);
    size_t done = 0;

    TRY(use_decompressor(context));
    do { /* a file may hold several members, one behind the other */
        size_t consumed = 0, written = 0;
        if (decompress_one(context, form, input, out + done, out_bytes - done, &consumed, &written)
            != LIBDEFLATE_SUCCESS)
            return FAIL(CORRUPT, "%s data is corrupt or holds more than the %zu bytes announced", form_name(form),
                        out_bytes);
        ASSERT(consumed > 0 && consumed <= input.len);
        done += written;
        input = bytes_from(input.data + consumed, input.len - consumed);
    } while (input.len > 0);
    if (done != out_bytes)
        return FAIL(CORRUPT, "%s data holds %zu bytes where %zu were announced", form_name(form), done, out_bytes);
    return NULL;
}

/* Appends one member; the room is doubled until it fits, so time stays linear in the output. */
static Error *append_one(CodecContext *context, DeflateForm form, Bytes input, size_t bytes_max, Buffer *out,
                         size_t *ret_consumed)
{
    size_t ceiling =
        input.len > bytes_max / DEFLATE_RATIO_MAX ? bytes_max : MIN(bytes_max, input.len * DEFLATE_RATIO_MAX);
    size_t room = MIN(ceiling, MAX(64 * KIB, input.len > SIZE_MAX / GUESS_RATIO ? SIZE_MAX : input.len * GUESS_RATIO));

    for (;;) {
        size_t written = 0;
        TRY(buffer_reserve(out, room + 1)); /* never an empty buffer, which could be NULL */
        enum libdeflate_result result =
            decompress_one(context, form, input, out->data + out->len, room, ret_consumed, &written);
        if (result == LIBDEFLATE_SUCCESS) {
            buffer_grown(out, written);
            return NULL;
        }
        if (result != LIBDEFLATE_INSUFFICIENT_SPACE)
            return FAIL(CORRUPT, "%s data is corrupt", form_name(form));
        if (room >= ceiling)
            return FAIL(LIMIT, "%s data holds more than the limit of %zu bytes", form_name(form), bytes_max);
        room = room > ceiling / 2 ? ceiling : room * 2;
    }
}

static Error *decompress_all(CodecContext *context, DeflateForm wanted, Bytes input, size_t bytes_max, Buffer *out)
{
    DeflateForm form = form_of(input, wanted);
    size_t before = out->len;

    TRY(use_decompressor(context));
    do {
        size_t consumed = 0;
        TRY(append_one(context, form, input, bytes_max - (out->len - before), out, &consumed));
        input = bytes_from(input.data + consumed, input.len - consumed);
    } while (input.len > 0);
    return NULL;
}

static Error *gzip_decompress_exact(CodecContext *context, Bytes input, uint8_t *out, size_t out_bytes)
{
    return decompress_exact(context, FORM_GZIP, input, out, out_bytes);
}

static Error *zlib_decompress_exact(CodecContext *context, Bytes input, uint8_t *out, size_t out_bytes)
{
    return decompress_exact(context, FORM_ZLIB, input, out, out_bytes);
}

static Error *gzip_decompress(CodecContext *context, Bytes input, size_t bytes_max, Buffer *out)
{
    return decompress_all(context, FORM_GZIP, input, bytes_max, out);
}

static Error *zlib_decompress(CodecContext *context, Bytes input, size_t bytes_max, Buffer *out)
{
    return decompress_all(context, FORM_ZLIB, input, bytes_max, out);
}

const Codec CODEC_GZIP = {"gzip",         2, DEFLATE_LEVEL, 1, 12, gzip_bound, gzip_compress, gzip_decompress_exact,
                          gzip_decompress};
const Codec CODEC_ZLIB = {"zlib",         -1, DEFLATE_LEVEL, 1, 12, zlib_bound, zlib_compress, zlib_decompress_exact,
                          zlib_decompress};
