#include "codec/unpack.h"

#include <limits.h>

enum { ZLIB_GZIP_WINDOW = 15 + 16 };

static Error *cut_short(void)
{
    return FAIL(CORRUPT, "Compressed file ended before the end-of-stream marker was reached");
}

static Error *no_memory(void)
{
    return FAIL(NO_MEMORY, "decompress: out of memory");
}

void unpack_init(Unpack *unpack, TextFormat format)
{
    *unpack = (Unpack){.format = format};
}

void unpack_done(Unpack *unpack)
{
    if (unpack->format == TEXT_ZSTD)
        ZSTD_freeDStream(unpack->zstd);
    else if (unpack->open && unpack->format == TEXT_GZIP)
        inflateEnd(&unpack->zlib);
    else if (unpack->open)
        BZ2_bzDecompressEnd(&unpack->bzip2);
    unpack->open = false;
}

/* Of one step of a library: where it reads, where it writes, and how far it came. */
typedef struct Step {
    Bytes in;
    uint8_t *out;
    size_t out_bytes;
    size_t read, written;
    bool ended; /* the member, frame or stream */
} Step;

/* ---- gzip ---- */

MUST_USE static Error *gzip_open(Unpack *unpack)
{
    unpack->zlib = (z_stream){0};
    return inflateInit2(&unpack->zlib, ZLIB_GZIP_WINDOW) == Z_OK ? NULL : no_memory();
}

MUST_USE static Error *gzip_step(Unpack *unpack, Step *step)
{
    z_stream *z = &unpack->zlib;
    z->next_in = (Bytef *)(uintptr_t)step->in.data;
    z->avail_in = (uInt)MIN(step->in.len, (size_t)UINT_MAX);
    z->next_out = step->out;
    z->avail_out = (uInt)MIN(step->out_bytes, (size_t)UINT_MAX);
    uInt in = z->avail_in, out = z->avail_out;
    int code = inflate(z, Z_NO_FLUSH);
    step->read = in - z->avail_in;
    step->written = out - z->avail_out;
    step->ended = code == Z_STREAM_END;
    if (step->ended)
        inflateEnd(z);
    if (code == Z_MEM_ERROR)
        return no_memory();
    return code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR
               ? NULL
               : FAIL(CORRUPT, "damaged gzip data: %s", z->msg ? z->msg : "not a gzip file");
}

/* ---- bzip2 ---- */

MUST_USE static Error *bzip2_open(bz_stream *b)
{
    *b = (bz_stream){0};
    return BZ2_bzDecompressInit(b, 0, 0) == BZ_OK ? NULL : no_memory();
}

MUST_USE static Error *bzip2_step(bz_stream *b, Step *step)
{
    b->next_in = (char *)(uintptr_t)step->in.data;
    b->avail_in = (unsigned)MIN(step->in.len, (size_t)UINT_MAX);
    b->next_out = (char *)step->out;
    b->avail_out = (unsigned)MIN(step->out_bytes, (size_t)UINT_MAX);
    unsigned in = b->avail_in, out = b->avail_out;
    int code = BZ2_bzDecompress(b);
    step->read = in - b->avail_in;
    step->written = out - b->avail_out;
    step->ended = code == BZ_STREAM_END;
    if (code == BZ_MEM_ERROR)
        return no_memory();
    return code == BZ_OK || code == BZ_STREAM_END ? NULL : FAIL(CORRUPT, "Invalid data stream");
}

/* ---- Zstandard ---- */

MUST_USE static Error *zstd_step(Unpack *unpack, Step *step)
{
    ZSTD_inBuffer in = {step->in.data, step->in.len, 0};
    ZSTD_outBuffer out = {step->out, step->out_bytes, 0};
    size_t left = ZSTD_decompressStream(unpack->zstd, &out, &in);
    step->read = in.pos;
    step->written = out.pos;
    step->ended = left == 0;
    return ZSTD_isError(left) ? FAIL(CORRUPT, "damaged Zstandard data: %s", ZSTD_getErrorName(left)) : NULL;
}

/* ---- all ---- */

MUST_USE static Error *open_next(Unpack *unpack)
{
    unpack->open = true;
    if (unpack->format == TEXT_GZIP)
        return gzip_open(unpack);
    if (unpack->format == TEXT_BZIP2_SERIAL)
        return bzip2_open(&unpack->bzip2);
    if (!unpack->zstd)
        unpack->zstd = ZSTD_createDStream();
    return unpack->zstd ? NULL : no_memory();
}

MUST_USE static Error *step_of(Unpack *unpack, Step *step)
{
    if (unpack->format == TEXT_GZIP)
        return gzip_step(unpack, step);
    if (unpack->format == TEXT_ZSTD)
        return zstd_step(unpack, step);
    Error *error = bzip2_step(&unpack->bzip2, step);
    if (step->ended)
        BZ2_bzDecompressEnd(&unpack->bzip2);
    return error;
}

/* Behind the last stream there may be anything; what cannot be the beginning of another is the end. */
static bool is_padding(const Unpack *unpack, Bytes input)
{
    static const char *const begins[] = {[TEXT_GZIP] = "\x1f\x8b", [TEXT_BZIP2_SERIAL] = "BZh"};
    if (!unpack->begun || unpack->format == TEXT_ZSTD)
        return false;
    Str begin = str_of(begins[unpack->format]);
    return memcmp(input.data, begin.data, MIN(input.len, begin.len)) != 0;
}

/* What began like another bzip2 stream is none after all. */
static bool is_no_stream(const Unpack *unpack, const Error *error)
{
    return unpack->format == TEXT_BZIP2_SERIAL && unpack->doubtful && error_code(error) == ERR_CORRUPT;
}

Error *unpack_step(Unpack *unpack, Bytes *input, bool no_more, Buffer *out)
{
    while (!unpack->ended && (input->len > 0 || unpack->open) && out->len < out->capacity) {
        if (!unpack->open) {
            unpack->ended = is_padding(unpack, *input);
            if (unpack->ended)
                break;
            TRY(open_next(unpack));
            unpack->doubtful = unpack->begun;
        }
        Step step = {.in = *input, .out = out->data + out->len, .out_bytes = out->capacity - out->len};
        Error *error = step_of(unpack, &step);
        if (is_no_stream(unpack, error)) {
            error_free(error);
            unpack_done(unpack);
            unpack->ended = true;
            break;
        }
        TRY(error);
        unpack->doubtful = false;
        *input = bytes_from(input->data + step.read, input->len - step.read);
        buffer_grown(out, step.written);
        unpack->open = !step.ended;
        unpack->begun |= step.ended;
        if (unpack->open && step.read == 0 && step.written == 0)
            return no_more && input->len == 0 ? cut_short() : NULL;
    }
    if (unpack->ended)
        *input = BYTES_EMPTY;
    return no_more && !unpack->begun && !unpack->open && input->len == 0 ? cut_short() : NULL;
}
