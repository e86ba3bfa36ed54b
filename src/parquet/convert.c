/* convert.c - decoded values into the form of their Arrow type, where the two differ. */
#include "parquet/assemble.h"

enum { INT96_BYTES = 12, DECIMAL_BYTES = 16, EPOCH_JULIAN_DAY = 2440588 };
static const int64_t DAY_US = INT64_C(86400000000);

/* Unsigned and signed alike: a value outside the annotated width is undefined, and is cut. */
static void narrow(ArrowVector *v, uint32_t width)
{
    for (size_t i = 0; i < v->length; i++)
        memmove(v->data.data + i * width, v->data.data + i * v->width, width);
    v->width = width;
    v->data.len = v->length * width;
}

/* Nanoseconds of the day, then the Julian day: the day's range is beyond int64 microseconds. */
static Error *int96_to_micros(ArrowVector *v)
{
    for (size_t i = 0; i < v->length; i++) {
        const uint8_t *at = v->data.data + i * INT96_BYTES;
        int64_t nanos, micros;
        int32_t day;
        memcpy(&nanos, at, sizeof nanos);
        memcpy(&day, at + sizeof nanos, sizeof day);
        int64_t floor_us = nanos / 1000 - (nanos % 1000 < 0);
        if (day == 0 && nanos == 0)
            micros = 0; /* a null's slot */
        else if (__builtin_mul_overflow((int64_t)day - EPOCH_JULIAN_DAY, DAY_US, &micros)
                 || __builtin_add_overflow(micros, floor_us, &micros))
            return FAIL(INVALID, "INT96 timestamp of Julian day %d is outside the range of microseconds", day);
        memcpy(v->data.data + i * sizeof micros, &micros, sizeof micros);
    }
    v->width = sizeof(int64_t);
    v->data.len = v->length * v->width;
    return NULL;
}

/* Big-endian two's complement of up to 16 bytes, sign-extended; false when it is longer and does not fit. */
static bool decimal_from_bytes(const uint8_t *at, size_t len, uint8_t out[DECIMAL_BYTES])
{
    uint8_t sign = len > 0 && at[0] & 0x80 ? 0xff : 0;
    uint8_t wide[DECIMAL_BYTES];

    for (; len > DECIMAL_BYTES; at++, len--)
        if (*at != sign)
            return false;
    if (len == DECIMAL_BYTES && (at[0] & 0x80) != (sign & 0x80))
        return false;
    memset(wide, sign, sizeof wide);
    memcpy(wide + sizeof wide - len, at, len);
    for (size_t i = 0; i < DECIMAL_BYTES; i++)
        out[i] = wide[DECIMAL_BYTES - 1 - i];
    return true;
}

static void decimal_from_i64(int64_t value, uint8_t out[DECIMAL_BYTES])
{
    memcpy(out, &value, sizeof value);
    memset(out + sizeof value, value < 0 ? 0xff : 0, DECIMAL_BYTES - sizeof value);
}

static bool decimal_at(const ArrowVector *v, LeafConversion conversion, size_t i, uint8_t out[DECIMAL_BYTES])
{
    const uint8_t *at = v->data.data + i * v->width;
    int32_t narrow_value;
    int64_t wide_value;

    if (conversion == CONVERT_I32_TO_DECIMAL) {
        memcpy(&narrow_value, at, sizeof narrow_value);
        decimal_from_i64(narrow_value, out);
    } else if (conversion == CONVERT_I64_TO_DECIMAL) {
        memcpy(&wide_value, at, sizeof wide_value);
        decimal_from_i64(wide_value, out);
    } else if (conversion == CONVERT_FIXED_TO_DECIMAL) {
        return decimal_from_bytes(at, v->width, out);
    } else {
        const int32_t *ends = (const int32_t *)(const void *)v->offsets.data;
        return decimal_from_bytes(v->data.data + ends[i], (size_t)(ends[i + 1] - ends[i]), out);
    }
    return true;
}

static Error *to_decimal(ArrowVector *v, LeafConversion conversion)
{
    CLEANUP(buffer_done) Buffer wide = {.limit = v->data.limit};

    TRY(buffer_reserve(&wide, v->length * DECIMAL_BYTES));
    for (size_t i = 0; i < v->length; i++)
        if (!decimal_at(v, conversion, i, wide.data + i * DECIMAL_BYTES))
            return FAIL(INVALID, "a decimal does not fit 128 bits");
    buffer_grown(&wide, v->length * DECIMAL_BYTES);
    buffer_done(&v->data);
    buffer_done(&v->offsets);
    v->data = wide;
    wide = (Buffer){0};
    v->kind = VECTOR_FIXED;
    v->width = DECIMAL_BYTES;
    return NULL;
}

Error *convert_leaf(const SchemaField *field, ArrowVector *vector)
{
    switch (field->conversion) {
    case CONVERT_NONE: return NULL;
    case CONVERT_I32_TO_I8: narrow(vector, 1); return NULL;
    case CONVERT_I32_TO_I16: narrow(vector, 2); return NULL;
    case CONVERT_INT96_TO_MICROS: return int96_to_micros(vector);
    case CONVERT_I32_TO_DECIMAL:
    case CONVERT_I64_TO_DECIMAL:
    case CONVERT_FIXED_TO_DECIMAL:
    case CONVERT_BYTES_TO_DECIMAL: return to_decimal(vector, field->conversion);
    }
    return NULL;
}
