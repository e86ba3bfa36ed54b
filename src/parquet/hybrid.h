/* hybrid.h - the RLE / bit-packed hybrid: levels, dictionary indices and RLE booleans.
 *
 * A decoder walks untrusted bytes and gives exactly as many values as it is asked for, or fails; no run is believed
 * further than that. An encoder takes runs or single values and appends the stream to a Buffer.
 * Source: spec/parquet.md 6.2; the encoder closes literal runs at 504 values so that their header is one byte. */
#ifndef PARQUET_HYBRID_H
#define PARQUET_HYBRID_H

#include "base/buffer.h"
#include "base/reader.h"

typedef struct HybridDecoder {
    Reader in;      /* the next run's header */
    unsigned width; /* bits of a value, 0 to 32 */
    uint64_t repeat_left;
    uint32_t repeat_value;
    Bytes literal;                  /* the current literal run */
    size_t literal_at, literal_end; /* in values */
} HybridDecoder;

/* `width` at most 32; `stream` must outlive the decoder. */
void hybrid_decoder_begin(HybridDecoder *d, Bytes stream, unsigned width);

/* Each fills `count` values; false when the stream ends early or is malformed. */
bool hybrid_read_u32(HybridDecoder *d, size_t count, uint32_t *out) MUST_USE;
bool hybrid_read_u8(HybridDecoder *d, size_t count, uint8_t *out) MUST_USE;               /* width at most 8 */
bool hybrid_read_bits(HybridDecoder *d, size_t count, uint8_t *bits, size_t at) MUST_USE; /* width 1 */

/* Takes `count` values if all lie in one repeated run: then true and the value. Otherwise nothing is taken. */
bool hybrid_take_repeated(HybridDecoder *d, size_t count, uint32_t *ret_value);

enum { HYBRID_LITERAL_MAX = 504 };

typedef struct HybridEncoder {
    Buffer *out;
    unsigned width; /* 1 to 32 */
    uint32_t run_value;
    size_t run_count; /* values of the pending run, not yet in `literal` */
    size_t literal_count;
    uint32_t literal[HYBRID_LITERAL_MAX];
} HybridEncoder;

/* `out` must outlive the encoder. */
void hybrid_encoder_begin(HybridEncoder *e, Buffer *out, unsigned width);
/* `count` times `value`, which fits the width. */
MUST_USE Error *hybrid_put(HybridEncoder *e, uint32_t value, size_t count);
MUST_USE Error *hybrid_put_values(HybridEncoder *e, const uint32_t *values, size_t count);
/* Writes what is pending. */
MUST_USE Error *hybrid_encoder_finish(HybridEncoder *e);

/* Bits that hold every value up to `max`: 0 for 0. */
static inline unsigned bit_width(uint32_t max)
{
    return max == 0 ? 0 : 32 - (unsigned)__builtin_clz(max);
}

#endif
