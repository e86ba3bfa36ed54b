#include "parquet/statistics.h"

#include <math.h>

enum {
    BOUND_BYTES_MAX = 64,
    UTF8_BYTES_MAX = 4,
    CODE_POINT_MAX = 0x10ffff,
    SURROGATE_FIRST = 0xd800,
    SURROGATE_LAST = 0xdfff
};

static ValueOrder order_of(const SchemaLeaf *leaf, const char *format)
{
    bool is_unsigned = strchr("CSIL", format[0]) != NULL;

    switch (leaf->type) {
    case TYPE_BOOLEAN: return ORDER_BOOLEAN;
    case TYPE_INT32: return is_unsigned ? ORDER_U32 : ORDER_I32;
    case TYPE_INT64: return is_unsigned ? ORDER_U64 : ORDER_I64;
    case TYPE_FLOAT: return ORDER_FLOAT;
    case TYPE_DOUBLE: return ORDER_DOUBLE;
    case TYPE_INT96:
    case TYPE_BYTE_ARRAY:
    case TYPE_FIXED_LEN_BYTE_ARRAY: break;
    }
    return ORDER_BYTES;
}

void statistics_init(ChunkStatistics *s, const SchemaLeaf *leaf, const char *format)
{
    *s = (ChunkStatistics){
        .order = order_of(leaf, format),
        .text = format[0] == 'u' || format[0] == 'U',
        .may_truncate = leaf->type == TYPE_BYTE_ARRAY,
    };
}

void statistics_clear(ChunkStatistics *s)
{
    s->any = false;
    s->nulls = s->nans = s->byte_array_bytes = 0;
    memset(s->def_histogram, 0, sizeof s->def_histogram);
    memset(s->rep_histogram, 0, sizeof s->rep_histogram);
}

void statistics_done(ChunkStatistics *s)
{
    buffer_done(&s->min_bytes);
    buffer_done(&s->max_bytes);
}

/* Bounds of a run in registers, so that the compiler can work on several values at a time. */
#define DEFINE_ADD(type, member)                                                                                       \
    static void add_##member(ChunkStatistics *s, const uint8_t *values, size_t count)                                  \
    {                                                                                                                  \
        type value, min, max;                                                                                          \
        memcpy(&value, values, sizeof value);                                                                          \
        min = s->any ? s->min.member : value;                                                                          \
        max = s->any ? s->max.member : value;                                                                          \
        for (size_t i = 0; i < count; i++) {                                                                           \
            memcpy(&value, values + i * sizeof value, sizeof value);                                                   \
            min = value < min ? value : min;                                                                           \
            max = value > max ? value : max;                                                                           \
        }                                                                                                              \
        s->min.member = min;                                                                                           \
        s->max.member = max;                                                                                           \
        s->any = true;                                                                                                 \
    }
DEFINE_ADD(int32_t, i32)
DEFINE_ADD(uint32_t, u32)
DEFINE_ADD(int64_t, i64)
DEFINE_ADD(uint64_t, u64)

/* NaNs are counted and left out of the bounds. */
#define DEFINE_ADD_FLOATING(type, member)                                                                              \
    static void add_##member(ChunkStatistics *s, const uint8_t *values, size_t count)                                  \
    {                                                                                                                  \
        type min = s->any ? s->min.member : (type)INFINITY, max = s->any ? s->max.member : -(type)INFINITY;            \
        size_t nans = 0;                                                                                               \
        for (size_t i = 0; i < count; i++) {                                                                           \
            type value;                                                                                                \
            memcpy(&value, values + i * sizeof value, sizeof value);                                                   \
            nans += value != value;                                                                                    \
            min = value < min ? value : min;                                                                           \
            max = value > max ? value : max;                                                                           \
        }                                                                                                              \
        s->min.member = min;                                                                                           \
        s->max.member = max;                                                                                           \
        s->nans += (int64_t)nans;                                                                                      \
        s->any = s->any || nans < count;                                                                               \
    }
DEFINE_ADD_FLOATING(float, f32)
DEFINE_ADD_FLOATING(double, f64)

static uint64_t prefix_of(Bytes value)
{
    uint8_t bytes[8] = {0};
    uint64_t prefix;

    memcpy(bytes, value.data, MIN(value.len, sizeof bytes));
    memcpy(&prefix, bytes, sizeof prefix);
    return __builtin_bswap64(prefix);
}

static Error *set_bound(Buffer *bound, Bytes value)
{
    buffer_clear(bound);
    return buffer_append(bound, value.data, value.len);
}

static bool less(Bytes value, uint64_t prefix, const Buffer *bound, uint64_t bound_prefix)
{
    return prefix != bound_prefix ? prefix < bound_prefix : str_compare(bytes_str(value), buffer_str(bound)) < 0;
}

static bool greater(Bytes value, uint64_t prefix, const Buffer *bound, uint64_t bound_prefix)
{
    return prefix != bound_prefix ? prefix > bound_prefix : str_compare(bytes_str(value), buffer_str(bound)) > 0;
}

Error *statistics_add_bytes(ChunkStatistics *s, Bytes value)
{
    uint64_t prefix = prefix_of(value);

    if (!s->any || less(value, prefix, &s->min_bytes, s->min_prefix)) {
        TRY(set_bound(&s->min_bytes, value));
        s->min_prefix = prefix;
    }
    if (!s->any || greater(value, prefix, &s->max_bytes, s->max_prefix)) {
        TRY(set_bound(&s->max_bytes, value));
        s->max_prefix = prefix;
    }
    s->any = true;
    return NULL;
}

void statistics_add_boolean(ChunkStatistics *s, bool value)
{
    s->min.boolean = s->any ? MIN(s->min.boolean, value) : value;
    s->max.boolean = s->any ? MAX(s->max.boolean, value) : value;
    s->any = true;
}

Error *statistics_add_fixed(ChunkStatistics *s, const uint8_t *values, size_t count, size_t width)
{
    if (count == 0)
        return NULL;
    switch (s->order) {
    case ORDER_I32: add_i32(s, values, count); break;
    case ORDER_U32: add_u32(s, values, count); break;
    case ORDER_I64: add_i64(s, values, count); break;
    case ORDER_U64: add_u64(s, values, count); break;
    case ORDER_FLOAT: add_f32(s, values, count); break;
    case ORDER_DOUBLE: add_f64(s, values, count); break;
    case ORDER_BYTES:
        for (size_t i = 0; i < count; i++)
            TRY(statistics_add_bytes(s, bytes_from(values + i * width, width)));
        break;
    case ORDER_BOOLEAN: ASSERT(false && "a fixed width");
    }
    return NULL;
}

/* -- what is written -- */

static size_t order_bytes(ValueOrder order)
{
    switch (order) {
    case ORDER_BOOLEAN: return 1;
    case ORDER_I32:
    case ORDER_U32:
    case ORDER_FLOAT: return 4;
    case ORDER_I64:
    case ORDER_U64:
    case ORDER_DOUBLE: return 8;
    case ORDER_BYTES: break;
    }
    return 0;
}

/* A zero bound covers both zeros. */
static void widen_zeros(ValueOrder order, ValueBound *min, ValueBound *max)
{
    if (order == ORDER_FLOAT) {
        min->f32 = min->f32 == 0 ? -0.0f : min->f32;
        max->f32 = max->f32 == 0 ? 0.0f : max->f32;
    } else if (order == ORDER_DOUBLE) {
        min->f64 = min->f64 == 0 ? -0.0 : min->f64;
        max->f64 = max->f64 == 0 ? 0.0 : max->f64;
    }
}

/* Where the text may be cut at or before `len`. */
static size_t character_start(Bytes text, size_t len)
{
    for (size_t back = 0; back < UTF8_BYTES_MAX && len > back; back++)
        if ((text.data[len - back] & 0xc0) != 0x80)
            return len - back;
    return len; /* no UTF-8 after all */
}

static Bytes cut(const ChunkStatistics *s, Bytes value)
{
    size_t len = value.len;

    if (s->may_truncate && len > BOUND_BYTES_MAX)
        len = s->text ? character_start(value, BOUND_BYTES_MAX) : BOUND_BYTES_MAX;
    return bytes_from(value.data, len);
}

/* Makes `bytes` the next larger value of at most its length: true if there is one. */
static bool increment_bytes(uint8_t *bytes, size_t *len)
{
    for (size_t i = *len; i-- > 0;) {
        if (bytes[i] == 0xff)
            continue;
        bytes[i]++;
        *len = i + 1;
        return true;
    }
    return false;
}

static bool increment_text(uint8_t *bytes, size_t *len)
{
    size_t starts[BOUND_BYTES_MAX], count = 0;
    Str text = str_from(bytes, *len);

    for (size_t at = 0; at < *len; str_next_code_point(text, &at))
        starts[count++] = at;
    while (count-- > 0) {
        size_t at = starts[count], end = at;
        char next[UTF8_BYTES_MAX];
        uint32_t code_point = str_next_code_point(text, &end) + 1;
        if (code_point >= SURROGATE_FIRST && code_point <= SURROGATE_LAST)
            code_point = SURROGATE_LAST + 1;
        if (code_point > CODE_POINT_MAX || utf8_encode(code_point, next) > end - at)
            continue;
        memcpy(bytes + at, next, end - at);
        *len = end;
        return true;
    }
    return false;
}

static Error *keep(Arena *arena, Bytes value, Str *ret)
{
    *ret = arena_str(arena, bytes_str(value));
    return ret->data ? NULL : arena_error(arena);
}

static Error *byte_bounds(const ChunkStatistics *s, Arena *arena, Statistics *ret)
{
    Bytes min = buffer_bytes(&s->min_bytes), max = buffer_bytes(&s->max_bytes);
    Bytes min_cut = cut(s, min), max_cut = cut(s, max);
    uint8_t next[BOUND_BYTES_MAX];
    size_t len = max_cut.len;

    ret->is_min_exact = min_cut.len == min.len;
    ret->is_max_exact = max_cut.len == max.len;
    TRY(keep(arena, min_cut, &ret->min_value));
    if (ret->is_max_exact)
        return keep(arena, max, &ret->max_value);
    memcpy(next, max_cut.data, len);
    if (s->text && str_is_utf8(bytes_str(max_cut)) ? increment_text(next, &len) : increment_bytes(next, &len))
        return keep(arena, bytes_from(next, len), &ret->max_value);
    ret->is_max_exact = true; /* nothing above its beginning: the whole value */
    return keep(arena, max, &ret->max_value);
}

static Error *fixed_bounds(const ChunkStatistics *s, Arena *arena, Statistics *ret)
{
    ValueBound min = s->min, max = s->max;
    size_t len = order_bytes(s->order);

    widen_zeros(s->order, &min, &max);
    ret->is_min_exact = ret->is_max_exact = true;
    TRY(keep(arena, bytes_from(&min, len), &ret->min_value));
    return keep(arena, bytes_from(&max, len), &ret->max_value);
}

Error *statistics_make(const ChunkStatistics *s, Arena *arena, Statistics *ret_statistics)
{
    Statistics ret = {.null_count = s->nulls};

    THRIFT_SET(&ret, STATISTICS_NULL_COUNT);
    if (s->order == ORDER_FLOAT || s->order == ORDER_DOUBLE) {
        ret.nan_count = s->nans;
        THRIFT_SET(&ret, STATISTICS_NAN_COUNT);
    }
    if (s->any) {
        TRY(s->order == ORDER_BYTES ? byte_bounds(s, arena, &ret) : fixed_bounds(s, arena, &ret));
        THRIFT_SET(&ret, STATISTICS_MIN_VALUE);
        THRIFT_SET(&ret, STATISTICS_MAX_VALUE);
        THRIFT_SET(&ret, STATISTICS_IS_MIN_EXACT);
        THRIFT_SET(&ret, STATISTICS_IS_MAX_EXACT);
    }
    *ret_statistics = ret;
    return NULL;
}

static Error *histogram(const int64_t *counts, size_t levels, Arena *arena, int64_t **ret_items, size_t *ret_count)
{
    *ret_items = ARENA_ARRAY(arena, int64_t, levels);
    if (!*ret_items)
        return arena_error(arena);
    memcpy(*ret_items, counts, levels * sizeof counts[0]);
    *ret_count = levels;
    return NULL;
}

Error *statistics_make_sizes(const ChunkStatistics *s, const SchemaLeaf *leaf, Arena *arena, SizeStatistics *ret_sizes)
{
    SizeStatistics ret = {0};

    if (leaf->type == TYPE_BYTE_ARRAY) {
        ret.unencoded_byte_array_data_bytes = s->byte_array_bytes;
        THRIFT_SET(&ret, SIZE_STATISTICS_BYTES);
    }
    if (leaf->max_rep > 0) {
        TRY(histogram(s->rep_histogram, leaf->max_rep + 1u, arena, &ret.repetition_level_histogram.items,
                      &ret.repetition_level_histogram.count));
        THRIFT_SET(&ret, SIZE_STATISTICS_REPETITION);
    }
    if (leaf->max_def > 0) {
        TRY(histogram(s->def_histogram, leaf->max_def + 1u, arena, &ret.definition_level_histogram.items,
                      &ret.definition_level_histogram.count));
        THRIFT_SET(&ret, SIZE_STATISTICS_DEFINITION);
    }
    *ret_sizes = ret;
    return NULL;
}
