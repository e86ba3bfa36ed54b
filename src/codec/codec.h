/* codec.h - whole blocks compressed and decompressed, one face over the libraries.
 *
 * A Codec is a constant entry of one table, found by its name or by its Parquet number. What a library wants to keep
 * between calls lies in a CodecContext: one per thread, used for any codec. Output never passes the bound that the caller
 * gives, whatever the input claims.
 * Sources: RFC 1950, 1951, 1952 (libdeflate), RFC 8878 (libzstd), snappy's format_description.txt (libsnappy). */
#ifndef CODEC_CODEC_H
#define CODEC_CODEC_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/str.h"

typedef struct Codec Codec;
typedef struct CodecContext CodecContext;

enum { CODEC_LEVEL_DEFAULT = -1 }; /* snappy and none have no levels and ignore them */

/* "none" (also "uncompressed"), "snappy", "gzip", "zlib", "zstd"; NULL for another name. */
const Codec *codec_by_name(Str name);
/* By CompressionCodec of parquet.thrift; NULL when we cannot decode it, see codec_parquet_name. */
const Codec *codec_by_parquet_id(int32_t id);
/* The format's name for the number, "LZO" or "unknown", for messages; it need not be one we can decode. */
const char *codec_parquet_name(int32_t id);

Str codec_name(const Codec *codec);
/* -1: Parquet has no number for it (zlib). */
int32_t codec_parquet_id(const Codec *codec);
bool codec_is_none(const Codec *codec);

/* NULL without memory. */
CodecContext *codec_context_new(void) MUST_USE;
void codec_context_free(CodecContext *context); /* NULL is allowed */
DEFINE_FREEP(CodecContext, codec_context_free)

/* Appends `input` compressed to `out`. Errors: LIMIT (of `out`), NO_MEMORY, INVALID (a level the codec does not have). */
MUST_USE Error *codec_compress(CodecContext *context, const Codec *codec, int level, Bytes input, Buffer *out);

/* Fills exactly `out_bytes` bytes at `out`. Errors: CORRUPT (malformed, or another size), NO_MEMORY. */
MUST_USE Error *codec_decompress_exact(CodecContext *context, const Codec *codec, Bytes input, uint8_t *out,
                                       size_t out_bytes);

/* Appends what `input` holds to `out`, for input whose size nobody knows. On failure `out` is as before.
 * Errors: LIMIT (more than `bytes_max`, or than the limit of `out`), CORRUPT, NO_MEMORY. */
MUST_USE Error *codec_decompress(CodecContext *context, const Codec *codec, Bytes input, size_t bytes_max, Buffer *out);

/* CRC-32 of gzip and of Parquet pages, with the processor's own instructions. */
uint32_t codec_crc32(Bytes data);

#endif
