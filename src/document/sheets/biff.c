#include "document/sheets/biff.h"

bool biff_next(Biff *biff)
{
    Reader in = {biff->stream, MIN(biff->next, biff->stream.len)};
    uint16_t type, size;
    Bytes body;
    size_t at = reader_offset(&in);
    if (!reader_u16le(&in, &type) || !reader_u16le(&in, &size) || !reader_take(&in, size, &body))
        return false;
    biff->at = at;
    biff->next = reader_offset(&in);
    biff->type = type;
    biff->body = reader_of(body);
    return true;
}

bool biff_continue(Biff *biff)
{
    Biff following = *biff;
    if (reader_left(&biff->body) > 0)
        return true;
    while (biff_next(&following) && following.type == BIFF_CONTINUE) {
        *biff = following;
        if (reader_left(&biff->body) > 0)
            return true;
    }
    return false;
}

static bool is_high_surrogate(uint32_t unit)
{
    return unit >= 0xD800 && unit < 0xDC00;
}

static bool is_low_surrogate(uint32_t unit)
{
    return unit >= 0xDC00 && unit < 0xE000;
}

MUST_USE static Error *append_code_point(Buffer *out, uint32_t code_point)
{
    char utf8[4];
    return buffer_append(out, utf8, utf8_encode(code_point, utf8));
}

/* One unit; `*high` is a surrogate that waits for its other half, or 0. */
MUST_USE static Error *append_unit(Buffer *out, uint32_t unit, uint32_t *high)
{
    uint32_t waiting = *high;
    *high = 0;
    if (waiting && is_low_surrogate(unit))
        return append_code_point(out, 0x10000 + ((waiting - 0xD800) << 10) + (unit - 0xDC00));
    if (waiting)
        TRY(append_code_point(out, 0xFFFD));
    if (is_high_surrogate(unit)) {
        *high = unit;
        return NULL;
    }
    return append_code_point(out, is_low_surrogate(unit) ? 0xFFFD : unit);
}

MUST_USE static Error *append_units(Biff *biff, size_t *count, bool wide, Buffer *out, uint32_t *high)
{
    for (; *count > 0 && reader_left(&biff->body) > 0; --*count) {
        uint8_t narrow = 0;
        uint16_t unit;
        if (wide ? !reader_u16le(&biff->body, &unit) : !reader_u8(&biff->body, &narrow))
            return FAIL(CORRUPT, "record at byte %zu: half a character", biff->at);
        TRY(append_unit(out, wide ? unit : narrow, high));
    }
    return NULL;
}

Error *biff_append_characters(Biff *biff, size_t count, bool wide, Buffer *out)
{
    uint32_t high = 0;
    for (;;) {
        uint8_t flags;
        TRY(append_units(biff, &count, wide, out, &high));
        if (count == 0)
            break;
        if (!biff_continue(biff) || !reader_u8(&biff->body, &flags))
            return FAIL(CORRUPT, "record at byte %zu: a text ends %zu characters too early", biff->at, count);
        wide = flags & 1;
    }
    return high ? append_code_point(out, 0xFFFD) : NULL;
}

bool biff_skip(Biff *biff, uint64_t bytes)
{
    while (bytes > 0) {
        if (!biff_continue(biff))
            return false;
        size_t step = (size_t)MIN((uint64_t)reader_left(&biff->body), bytes);
        if (!reader_skip(&biff->body, step))
            return false;
        bytes -= step;
    }
    return true;
}

double biff_double(uint64_t bits)
{
    double real;
    memcpy(&real, &bits, sizeof real);
    return real;
}

double biff_rk(uint32_t rk)
{
    double real = rk & 2 ? (double)((int32_t)rk >> 2) : biff_double((uint64_t)(rk & ~UINT32_C(3)) << 32);
    return rk & 1 ? real / 100 : real;
}
