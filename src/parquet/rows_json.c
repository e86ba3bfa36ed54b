#include "parquet/rows_json.h"

#include <math.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/time_text.h"
#include "parquet/bitmap.h"

enum { NESTING_MAX = 30, DECIMAL_BYTES = 16, DECIMAL_DIGITS_MAX = 39, DECIMAL_TEXT_BYTES = 2 * DECIMAL_DIGITS_MAX + 4 };
static const int64_t SECOND_US = 1000000, SECOND_NS = 1000000000, DAY_SECONDS = 86400;
/* Years 0 to 9999; a time outside is written as its number. */
static const int64_t SECONDS_MIN = INT64_C(-62167219200), SECONDS_MAX = INT64_C(253402300799);

__extension__ typedef unsigned __int128 UInt128; /* both compilers have it; ISO C does not */
__extension__ typedef __int128 Int128;

typedef struct Value {
    const struct ArrowSchema *schema;
    const struct ArrowArray *array;
    size_t at; /* physical index: the array's offset is in it */
} Value;

static void write_value(JsonWriter *w, Value v);

/* -- reading a slot -- */

static bool is_null(Value v)
{
    const uint8_t *bits = v.array->n_buffers > 0 ? v.array->buffers[0] : NULL;

    return bits && !bitmap_get(bits, v.at);
}

#define LOAD(v, type) (((const type *)(v).array->buffers[1])[(v).at])

static Bytes load_bytes(Value v, bool wide)
{
    int64_t from = wide ? ((const int64_t *)v.array->buffers[1])[v.at] : ((const int32_t *)v.array->buffers[1])[v.at];
    int64_t to =
        wide ? ((const int64_t *)v.array->buffers[1])[v.at + 1] : ((const int32_t *)v.array->buffers[1])[v.at + 1];

    return bytes_from((const uint8_t *)v.array->buffers[2] + from, (size_t)(to - from));
}

static int64_t load_integer(Value v)
{
    switch (v.schema->format[0]) {
    case 'c': return LOAD(v, int8_t);
    case 'C': return LOAD(v, uint8_t);
    case 's': return LOAD(v, int16_t);
    case 'S': return LOAD(v, uint16_t);
    case 'i': return LOAD(v, int32_t);
    case 'I': return LOAD(v, uint32_t);
    default: return LOAD(v, int64_t);
    }
}

static double load_half(Value v)
{
    uint16_t bits = LOAD(v, uint16_t);
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double magnitude = exponent == 31  ? (fraction ? (double)NAN : (double)INFINITY)
                       : exponent == 0 ? ldexp(fraction, -24)
                                       : ldexp(fraction + 1024, exponent - 25);

    return bits >> 15 ? -magnitude : magnitude;
}

/* -- writing one -- */

static void write_base64(JsonWriter *w, Bytes bytes)
{
    CLEANUP(buffer_done) Buffer text = {0};

    if (w->error)
        return;
    w->error = buffer_reserve(&text, bytes.len / 3 * 4 + 5);
    if (w->error)
        return;
    base64_encode(bytes.data, bytes.len, (char *)text.data);
    json_put_str(w, str_of((char *)text.data));
}

/* The unscaled 128-bit integer as digits with a point: a number that JSON can carry exactly. */
static void write_decimal(JsonWriter *w, Value v)
{
    const uint8_t *at = (const uint8_t *)v.array->buffers[1] + v.at * DECIMAL_BYTES;
    UInt128 unscaled;
    int64_t scale;
    char text[DECIMAL_TEXT_BYTES];
    size_t len = sizeof text;

    memcpy(&unscaled, at, sizeof unscaled);
    Str format = str_of(v.schema->format); /* "d:PRECISION,SCALE" */
    size_t comma = str_find_char(format, ',');
    if (!str_to_i64(str_slice(format, comma == SIZE_MAX ? comma : comma + 1, format.len), &scale) || scale < 0
        || scale > DECIMAL_DIGITS_MAX) {
        json_put_null(w);
        return;
    }
    bool negative = (Int128)unscaled < 0;
    if (negative)
        unscaled = -unscaled;
    for (int digit = 0; digit <= scale || unscaled > 0; digit++) {
        if (digit == scale && scale > 0)
            text[--len] = '.';
        text[--len] = (char)('0' + (int)(unscaled % 10));
        unscaled /= 10;
    }
    if (negative)
        text[--len] = '-';
    json_put_raw(w, str_from(text + len, sizeof text - len));
}

typedef struct Instant {
    int64_t seconds;
    int32_t nanos;
} Instant;

static Instant instant_of(int64_t value, int64_t per_second)
{
    int64_t seconds = value / per_second, rest = value % per_second;

    if (rest < 0) {
        rest += per_second;
        seconds--;
    }
    return (Instant){seconds, (int32_t)(rest * (SECOND_NS / per_second))};
}

/* ISO 8601 with as many digits behind the second as are not zero in groups of three; `zone`: a Z at the end. */
static void write_instant(JsonWriter *w, Instant t, bool zone)
{
    char text[TIME_TEXT_BYTES], whole[2 * TIME_TEXT_BYTES];
    Str iso = time_iso8601(t.seconds * SECOND_US, text);
    int seconds_end = (int)iso.len - 1; /* before the Z */
    const char *z = zone ? "Z" : "";
    int len;

    if (t.nanos == 0)
        len = snprintf(whole, sizeof whole, "%.*s%s", seconds_end, iso.data, z);
    else if (t.nanos % 1000000 == 0)
        len = snprintf(whole, sizeof whole, "%.*s.%03d%s", seconds_end, iso.data, t.nanos / 1000000, z);
    else if (t.nanos % 1000 == 0)
        len = snprintf(whole, sizeof whole, "%.*s.%06d%s", seconds_end, iso.data, t.nanos / 1000, z);
    else
        len = snprintf(whole, sizeof whole, "%.*s.%09d%s", seconds_end, iso.data, t.nanos, z);
    json_put_str(w, str_from(whole, (size_t)len));
}

static int64_t units_per_second(char unit)
{
    return unit == 's' ? 1 : unit == 'm' ? 1000 : unit == 'u' ? SECOND_US : SECOND_NS;
}

static void write_timestamp(JsonWriter *w, Value v)
{
    int64_t value = LOAD(v, int64_t);
    Instant t = instant_of(value, units_per_second(v.schema->format[2]));

    if (t.seconds < SECONDS_MIN || t.seconds > SECONDS_MAX)
        json_put_int(w, value);
    else
        write_instant(w, t, v.schema->format[4] != 0);
}

static void write_date(JsonWriter *w, Value v)
{
    int64_t days = v.schema->format[2] == 'D' ? LOAD(v, int32_t) : LOAD(v, int64_t) / (DAY_SECONDS * 1000);
    char text[TIME_TEXT_BYTES];

    if (days < SECONDS_MIN / DAY_SECONDS || days > SECONDS_MAX / DAY_SECONDS) {
        json_put_int(w, days);
        return;
    }
    json_put_str(w, str_slice(time_iso8601(days * DAY_SECONDS * SECOND_US, text), 0, strlen("2026-11-21")));
}

static void write_time(JsonWriter *w, Value v)
{
    char unit = v.schema->format[2];
    int64_t value = unit == 's' || unit == 'm' ? LOAD(v, int32_t) : LOAD(v, int64_t);
    Instant t = instant_of(value, units_per_second(unit));
    char text[TIME_TEXT_BYTES];

    if (t.seconds < 0 || t.seconds >= DAY_SECONDS) {
        json_put_int(w, value);
        return;
    }
    int len = snprintf(text, sizeof text, "%02d:%02d:%02d", (int)(t.seconds / 3600), (int)(t.seconds / 60 % 60),
                       (int)(t.seconds % 60));
    if (t.nanos > 0)
        len += snprintf(text + len, sizeof text - (size_t)len, t.nanos % 1000 ? ".%09d" : ".%06d",
                        t.nanos % 1000 ? t.nanos : t.nanos / 1000);
    json_put_str(w, str_from(text, (size_t)len));
}

static void write_temporal(JsonWriter *w, Value v)
{
    switch (v.schema->format[1]) {
    case 's': write_timestamp(w, v); break;
    case 'd': write_date(w, v); break;
    default: write_time(w, v);
    }
}

static Value child_of(Value v, size_t child, size_t at)
{
    const struct ArrowArray *array = v.array->children[child];

    return (Value){v.schema->children[child], array, at + (size_t)array->offset};
}

static void list_bounds(Value v, size_t *from, size_t *to)
{
    if (v.schema->format[1] == 'L') {
        *from = (size_t)((const int64_t *)v.array->buffers[1])[v.at];
        *to = (size_t)((const int64_t *)v.array->buffers[1])[v.at + 1];
    } else {
        *from = (size_t)((const int32_t *)v.array->buffers[1])[v.at];
        *to = (size_t)((const int32_t *)v.array->buffers[1])[v.at + 1];
    }
}

static void write_list(JsonWriter *w, Value v)
{
    size_t from, to;

    list_bounds(v, &from, &to);
    json_open_array(w);
    for (size_t i = from; i < to; i++)
        write_value(w, child_of(v, 0, i));
    json_close_array(w);
}

/* Keys that are no text are written as the text of their JSON. */
static void write_key(JsonWriter *w, Value key)
{
    CLEANUP(buffer_done) Buffer text = {0};
    JsonWriter k;

    if (key.schema->format[0] == 'u' && !is_null(key)) {
        json_put_key(w, bytes_str(load_bytes(key, false)));
        return;
    }
    json_begin(&k, &text, -1);
    write_value(&k, key);
    Error *error = json_finish(&k);
    if (error && !w->error)
        w->error = error;
    else
        error_free(error); /* the writer has one already */
    json_put_key(w, buffer_str(&text));
}

static void write_map(JsonWriter *w, Value v)
{
    size_t from, to;

    list_bounds(v, &from, &to);
    json_open_object(w);
    for (size_t i = from; i < to; i++) {
        Value entry = child_of(v, 0, i);
        write_key(w, child_of(entry, 0, entry.at));
        write_value(w, child_of(entry, 1, entry.at));
    }
    json_close_object(w);
}

static void write_struct(JsonWriter *w, Value v)
{
    json_open_object(w);
    for (size_t i = 0; i < (size_t)v.schema->n_children; i++) {
        json_put_key(w, str_of(v.schema->children[i]->name));
        write_value(w, child_of(v, i, v.at));
    }
    json_close_object(w);
}

static void write_fixed(JsonWriter *w, Value v)
{
    uint64_t width;

    if (str_to_u64(str_slice(str_of(v.schema->format), 2, SIZE_MAX), &width)) /* "w:WIDTH" */
        write_base64(w, bytes_from((const uint8_t *)v.array->buffers[1] + v.at * width, width));
}

static void write_value(JsonWriter *w, Value v)
{
    const char *format = v.schema->format;

    if (is_null(v)) {
        json_put_null(w);
        return;
    }
    switch (format[0]) {
    case 'n': json_put_null(w); break;
    case 'b': json_put_bool(w, bitmap_get(v.array->buffers[1], v.at)); break;
    case 'L': json_put_uint(w, LOAD(v, uint64_t)); break;
    case 'e': json_put_double(w, load_half(v)); break;
    case 'f': json_put_double(w, (double)LOAD(v, float)); break;
    case 'g': json_put_double(w, LOAD(v, double)); break;
    case 'u':
    case 'U': json_put_str(w, bytes_str(load_bytes(v, format[0] == 'U'))); break;
    case 'z':
    case 'Z': write_base64(w, load_bytes(v, format[0] == 'Z')); break;
    case 'w': write_fixed(w, v); break;
    case 'd': write_decimal(w, v); break;
    case 't': write_temporal(w, v); break;
    case '+':
        if (format[1] == 's')
            write_struct(w, v);
        else if (format[1] == 'm')
            write_map(w, v);
        else
            write_list(w, v);
        break;
    default: json_put_int(w, load_integer(v));
    }
}

/* -- checks, once a batch -- */

static bool format_known(const char *format)
{
    if (format[0] == '+')
        return format[1] == 's' || format[1] == 'l' || format[1] == 'L' || format[1] == 'm';
    if (format[0] == 't')
        return strncmp(format, "ts", 2) == 0 || strncmp(format, "td", 2) == 0 || strncmp(format, "tt", 2) == 0;
    if (format[0] == 'd') /* 128 bits: no third number */
        return strchr(format, ',') && strchr(format, ',') == strrchr(format, ',');
    return format[0] && strchr("nbcCsSiIlLefguUzZw", format[0]);
}

static Error *check_shape(const struct ArrowSchema *schema, const struct ArrowArray *array, unsigned depth)
{
    if (!format_known(schema->format) || schema->dictionary)
        return FAIL(UNSUPPORTED, "column '%s' has the Arrow type '%s', which cannot be written as JSON", schema->name,
                    schema->format);
    if (depth > NESTING_MAX)
        return FAIL(UNSUPPORTED, "column '%s' is nested deeper than %d levels", schema->name, NESTING_MAX);
    if (schema->n_children != array->n_children)
        return FAIL(INVALID, "column '%s' has %lld children in the schema and %lld in the batch", schema->name,
                    (long long)schema->n_children, (long long)array->n_children);
    for (int64_t i = 0; i < schema->n_children; i++)
        TRY(check_shape(schema->children[i], array->children[i], depth + 1));
    return NULL;
}

Error *rows_json_append(const struct ArrowSchema *schema, const struct ArrowArray *batch, size_t first, size_t rows,
                        Buffer *out)
{
    size_t length = (size_t)batch->length;

    if (strcmp(schema->format, "+s") != 0)
        return FAIL(INVALID, "a batch of rows is a struct, not the Arrow type '%s'", schema->format);
    if (first > length || rows > length - first)
        return FAIL(INVALID, "rows %zu to %zu are outside a batch of %zu", first, first + rows, length);
    TRY(check_shape(schema, batch, 0));
    for (size_t i = first; i < first + rows; i++) {
        JsonWriter w;
        json_begin(&w, out, 0);
        write_struct(&w, (Value){schema, batch, i + (size_t)batch->offset});
        TRY(json_finish(&w));
        TRY(buffer_append_byte(out, '\n'));
    }
    return NULL;
}
