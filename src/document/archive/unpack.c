#include "document/archive/unpack.h"

#include <bzlib.h>
#include <zlib.h>
#include <zstd.h>

enum { STEP_BYTES = 64 * 1024, GZIP_WINDOW = 15 + 16 /* zlib's way to ask for gzip */, WINDOW_LOG_MAX = 27 };

/* Libraries take a pointer that is not const, though they do not write. */
static void *not_const(const uint8_t *data)
{
    union {
        const uint8_t *constant;
        void *plain;
    } pointer = {.constant = data};
    return pointer.plain;
}

static unsigned chunk(size_t left)
{
    return (unsigned)MIN(left, (size_t)INT32_MAX);
}

/* Room for the next step; LIMIT when the buffer is full. */
MUST_USE static Error *make_room(Buffer *out)
{
    size_t more = out->limit ? MIN((size_t)STEP_BYTES, out->limit - out->len) : STEP_BYTES;
    return buffer_reserve(out, MAX(more, (size_t)1));
}

static size_t room_of(const Buffer *out)
{
    size_t room = out->capacity - out->len;
    return out->limit ? MIN(room, out->limit - out->len) : room;
}

static void end_gzip(z_stream *stream)
{
    inflateEnd(stream);
}

Error *unpack_gzip(Bytes input, Buffer *out)
{
    CLEANUP(end_gzip) z_stream stream = {0};
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        return FAIL(NO_MEMORY, "gzip: no memory");
    int result = Z_OK;
    for (size_t at = 0; at < input.len || result == Z_OK;) {
        TRY(make_room(out));
        stream.next_in = not_const(input.data + at);
        stream.avail_in = chunk(input.len - at);
        stream.next_out = out->data + out->len;
        stream.avail_out = chunk(room_of(out));
        unsigned in_before = stream.avail_in, out_before = stream.avail_out;
        result = inflate(&stream, Z_NO_FLUSH);
        at += in_before - stream.avail_in;
        buffer_grown(out, out_before - stream.avail_out);
        if (result == Z_STREAM_END) {
            if (at + 2 > input.len || input.data[at] != 0x1F || input.data[at + 1] != 0x8B)
                return NULL; /* zeros and the like may follow */
            inflateReset(&stream);
            result = Z_OK;
        } else if (result == Z_MEM_ERROR) {
            return FAIL(NO_MEMORY, "gzip: no memory");
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            return error_at(FAIL(CORRUPT, "gzip: damaged at byte %zu", at), at);
        } else if (at == input.len && stream.avail_out > 0) {
            return error_at(FAIL(CORRUPT, "gzip: the file is cut off"), at);
        } else {
            result = Z_OK;
        }
    }
    return NULL;
}

static void end_bzip2(bz_stream *stream)
{
    if (stream->state)
        BZ2_bzDecompressEnd(stream);
}

/* One stream from `*at` on. */
MUST_USE static Error *unpack_bzip2_stream(Bytes input, size_t *at, Buffer *out)
{
    CLEANUP(end_bzip2) bz_stream stream = {0};
    if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK)
        return FAIL(NO_MEMORY, "bzip2: no memory");
    for (;;) {
        TRY(make_room(out));
        stream.next_in = not_const(input.data + *at);
        stream.avail_in = chunk(input.len - *at);
        stream.next_out = (char *)out->data + out->len;
        stream.avail_out = chunk(room_of(out));
        unsigned in_before = stream.avail_in, out_before = stream.avail_out;
        int result = BZ2_bzDecompress(&stream);
        *at += in_before - stream.avail_in;
        buffer_grown(out, out_before - stream.avail_out);
        if (result == BZ_STREAM_END)
            return NULL;
        if (result == BZ_MEM_ERROR)
            return FAIL(NO_MEMORY, "bzip2: no memory");
        if (result != BZ_OK)
            return error_at(FAIL(CORRUPT, "bzip2: damaged before byte %zu", *at), *at);
        if (*at == input.len && stream.avail_out > 0)
            return error_at(FAIL(CORRUPT, "bzip2: the file is cut off"), *at);
    }
}

Error *unpack_bzip2(Bytes input, Buffer *out)
{
    size_t at = 0;
    do {
        TRY(unpack_bzip2_stream(input, &at, out));
    } while (str_starts_with(str_slice(bytes_str(input), at, input.len), STR("BZh")));
    return NULL;
}

static void free_zstd(ZSTD_DCtx **context)
{
    ZSTD_freeDCtx(*context);
}

Error *unpack_zstd(Bytes input, Buffer *out)
{
    CLEANUP(free_zstd) ZSTD_DCtx *context = ZSTD_createDCtx();
    if (!context)
        return FAIL(NO_MEMORY, "zstd: no memory");
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    ZSTD_inBuffer in = {input.data, input.len, 0};
    for (;;) {
        TRY(make_room(out));
        ZSTD_outBuffer to = {out->data + out->len, room_of(out), 0};
        size_t wanted = ZSTD_decompressStream(context, &to, &in);
        buffer_grown(out, to.pos);
        if (ZSTD_isError(wanted))
            return error_at(FAIL(CORRUPT, "zstd: damaged at byte %zu: %s", in.pos, ZSTD_getErrorName(wanted)), in.pos);
        if (in.pos == in.size && wanted == 0)
            return NULL;
        if (in.pos == in.size && to.pos < to.size)
            return error_at(FAIL(CORRUPT, "zstd: the file is cut off"), in.pos);
    }
}
