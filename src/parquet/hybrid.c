#include "parquet/hybrid.h"

#include "parquet/bit_unpack.h"
#include "parquet/bitmap.h"

enum { GROUP = 8, RUN_MIN = 8 }; /* values packed together; from how many equal ones on a run pays */

/* -- decoding -- */

void hybrid_decoder_begin(HybridDecoder *d, Bytes stream, unsigned width)
{
    ASSERT(width <= 32);
    *d = (HybridDecoder){.in = reader_of(stream), .width = width};
}

static bool begin_repeated(HybridDecoder *d, uint64_t count)
{
    Bytes value;

    if (!reader_take(&d->in, (d->width + 7) / 8, &value))
        return false;
    d->repeat_value = 0;
    for (size_t i = 0; i < value.len; i++)
        d->repeat_value |= (uint32_t)value.data[i] << (8 * i);
    d->repeat_left = count;
    return d->width == 32 || d->repeat_value >> d->width == 0;
}

/* A last run may be cut short by writers that do not pad it: it then has as many values as its bytes hold. */
static bool begin_literal(HybridDecoder *d, uint64_t groups)
{
    if (d->width == 0) {
        d->repeat_value = 0;
        d->repeat_left = groups * GROUP;
        return true;
    }
    uint64_t wanted = groups * d->width;
    size_t bytes = (size_t)MIN(wanted, reader_left(&d->in));
    d->literal_at = 0;
    d->literal_end = (size_t)MIN(groups * GROUP, (uint64_t)bytes * 8 / d->width);
    return reader_take(&d->in, bytes, &d->literal) && d->literal_end > 0;
}

/* False at the end of the stream, which a zero header marks too: some writers pad with zeros. */
static bool next_run(HybridDecoder *d)
{
    uint64_t header;

    if (!reader_varint(&d->in, &header) || header > UINT32_MAX || header >> 1 == 0)
        return false;
    return header & 1 ? begin_literal(d, header >> 1) : begin_repeated(d, header >> 1);
}

/* How many of `count` values the current run gives; 0 at the end. */
static size_t run_length(HybridDecoder *d, size_t count)
{
    if (d->repeat_left == 0 && d->literal_at == d->literal_end && !next_run(d))
        return 0;
    return d->repeat_left > 0 ? (size_t)MIN(d->repeat_left, count) : MIN(d->literal_end - d->literal_at, count);
}

bool hybrid_read_u32(HybridDecoder *d, size_t count, uint32_t *out)
{
    while (count > 0) {
        size_t n = run_length(d, count);
        if (n == 0)
            return false;
        if (d->repeat_left > 0) {
            for (size_t i = 0; i < n; i++)
                out[i] = d->repeat_value;
            d->repeat_left -= n;
        } else {
            bits_unpack_u32(d->literal, d->width, d->literal_at, n, out);
            d->literal_at += n;
        }
        out += n;
        count -= n;
    }
    return true;
}

bool hybrid_read_u8(HybridDecoder *d, size_t count, uint8_t *out)
{
    ASSERT(d->width <= 8);
    while (count > 0) {
        size_t n = run_length(d, count);
        if (n == 0)
            return false;
        if (d->repeat_left > 0) {
            memset(out, (int)d->repeat_value, n);
            d->repeat_left -= n;
        } else {
            bits_unpack_u8(d->literal, d->width, d->literal_at, n, out);
            d->literal_at += n;
        }
        out += n;
        count -= n;
    }
    return true;
}

bool hybrid_read_bits(HybridDecoder *d, size_t count, uint8_t *bits, size_t at)
{
    ASSERT(d->width == 1);
    while (count > 0) {
        size_t n = run_length(d, count);
        if (n == 0)
            return false;
        if (d->repeat_left > 0) {
            bitmap_fill(bits, at, n, d->repeat_value != 0);
            d->repeat_left -= n;
        } else {
            bitmap_copy(bits, at, d->literal.data, d->literal_at, n);
            d->literal_at += n;
        }
        at += n;
        count -= n;
    }
    return true;
}

bool hybrid_take_repeated(HybridDecoder *d, size_t count, uint32_t *ret_value)
{
    if (run_length(d, count) < count || d->repeat_left < count)
        return false;
    d->repeat_left -= count;
    *ret_value = d->repeat_value;
    return true;
}

/* -- encoding -- */

void hybrid_encoder_begin(HybridEncoder *e, Buffer *out, unsigned width)
{
    ASSERT(width >= 1 && width <= 32);
    e->out = out;
    e->width = width;
    e->run_value = 0;
    e->run_count = 0;
    e->literal_count = 0;
}

static Error *put_varint(Buffer *out, uint64_t value)
{
    uint8_t bytes[10];
    size_t len = 0;

    for (; value >= 0x80; value >>= 7)
        bytes[len++] = (uint8_t)(value | 0x80);
    bytes[len++] = (uint8_t)value;
    return buffer_append(out, bytes, len);
}

/* Writes the literal run, zeros behind its last values. */
static Error *flush_literal(HybridEncoder *e)
{
    size_t groups = (e->literal_count + GROUP - 1) / GROUP;
    size_t bytes = groups * e->width;

    if (groups == 0)
        return NULL;
    memset(e->literal + e->literal_count, 0, (groups * GROUP - e->literal_count) * sizeof e->literal[0]);
    TRY(put_varint(e->out, groups << 1 | 1));
    TRY(buffer_reserve(e->out, bytes));
    bits_pack_u32(e->literal, groups * GROUP, e->width, e->out->data + e->out->len);
    buffer_grown(e->out, bytes);
    e->literal_count = 0;
    return NULL;
}

static Error *put_literal(HybridEncoder *e, uint32_t value, size_t count)
{
    for (; count > 0; count--) {
        if (e->literal_count == HYBRID_LITERAL_MAX)
            TRY(flush_literal(e));
        e->literal[e->literal_count++] = value;
    }
    return NULL;
}

static Error *put_run(HybridEncoder *e, uint32_t value, size_t count)
{
    uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)};

    TRY(put_varint(e->out, (uint64_t)count << 1));
    return buffer_append(e->out, bytes, (e->width + 7) / 8);
}

/* Moves the pending run out: as a run where it is long enough beside what its neighbours' group needs. */
static Error *flush_run(HybridEncoder *e)
{
    size_t fill = (GROUP - e->literal_count % GROUP) % GROUP;
    size_t count = e->run_count;

    e->run_count = 0;
    if (count < fill + RUN_MIN)
        return put_literal(e, e->run_value, count);
    TRY(put_literal(e, e->run_value, fill));
    TRY(flush_literal(e));
    return put_run(e, e->run_value, count - fill);
}

Error *hybrid_put(HybridEncoder *e, uint32_t value, size_t count)
{
    if (e->run_count > 0 && value != e->run_value)
        TRY(flush_run(e));
    e->run_value = value;
    e->run_count += count;
    return NULL;
}

static bool group_is_uniform(const uint32_t *v)
{
    uint32_t differs = 0;

    for (size_t i = 1; i < GROUP; i++)
        differs |= v[i] ^ v[0];
    return differs == 0;
}

Error *hybrid_put_values(HybridEncoder *e, const uint32_t *values, size_t count)
{
    size_t i = 0;

    while (i < count) {
        if (e->run_count > 0 && values[i] != e->run_value)
            TRY(flush_run(e));
        bool at_group = e->run_count == 0 && e->literal_count % GROUP == 0 && count - i >= GROUP;
        if (!at_group || group_is_uniform(values + i)) {
            TRY(hybrid_put(e, values[i], 1));
            i++;
            continue;
        }
        if (e->literal_count == HYBRID_LITERAL_MAX)
            TRY(flush_literal(e));
        memcpy(e->literal + e->literal_count, values + i, GROUP * sizeof values[0]);
        e->literal_count += GROUP;
        i += GROUP;
    }
    return NULL;
}

Error *hybrid_encoder_finish(HybridEncoder *e)
{
    TRY(flush_run(e));
    return flush_literal(e);
}
