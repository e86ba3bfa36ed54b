#include "base/testing.h"
#include "parquet/statistics.h"

#include <math.h>

static const SchemaElement ELEMENT;

static Statistics made(const ChunkStatistics *s, Arena *arena)
{
    Statistics out;

    assert_ok(statistics_make(s, arena, &out));
    return out;
}

#define REPEAT_8(x) x x x x x x x x

/* Bounds longer than 64 bytes are cut; the upper one is then raised, if anything in it can be. */
static void long_bounds_are_cut(void **state)
{
    (void)state;
    static const struct {
        const char *name, *format, *value, *max;
        size_t min_len;
        bool max_exact;
    } rows[] = {
        {"short", "u", "abc", "abc", 3, true},
        {"64 bytes", "u", REPEAT_8("abcdefgh"), REPEAT_8("abcdefgh"), 64, true},
        {"65 bytes", "u", REPEAT_8("abcdefgh") "i", REPEAT_8("abcdefg") "h", 64, false},
        {"two-byte character across the cut", "u",
         REPEAT_8("abcdefg") "abcdefg\xc3\xa4"
                             "more",
         NULL, 63, false},
        {"nothing can be raised", "z", REPEAT_8("\xff\xff\xff\xff\xff\xff\xff\xff") "x", NULL, 64, true},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
        SchemaLeaf leaf = {.element = &ELEMENT, .type = TYPE_BYTE_ARRAY, .storage = LEAF_BYTES};
        ChunkStatistics s;
        Str value = str_of(rows[i].value);
        statistics_init(&s, &leaf, rows[i].format);
        assert_ok(statistics_add_bytes(&s, str_bytes(value)));
        Statistics out = made(&s, arena);
        bool cut = value.len > rows[i].min_len;
        assert_int_equal(out.min_value.len, rows[i].min_len);
        assert_int_equal(out.is_min_exact, !cut);
        assert_true(str_compare(out.min_value, value) <= 0);
        assert_true(str_compare(out.max_value, value) >= 0);
        assert_int_equal(out.is_max_exact, rows[i].max_exact);
        assert_int_equal(str_equal(out.max_value, value), rows[i].max_exact);
        if (rows[i].format[0] == 'u')
            assert_true(str_is_utf8(out.min_value) && str_is_utf8(out.max_value));
        statistics_done(&s);
    }
}

/* The last character that has a successor of its own length is raised; the surrogates are stepped over. */
static void text_bounds_step_over_what_is_no_character(void **state)
{
    (void)state;
    static const struct {
        const char *last, *raised; /* the character that ends at byte 64, and what it becomes */
    } rows[] = {{"abcd", "abce"}, {"a\xed\x9f\xbf", "a\xee\x80\x80"}, {"abc\x7f", "abd"}, {"\xf4\x8f\xbf\xbf", NULL}};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
        CLEANUP(buffer_done) Buffer value = {0}, wanted = {0};
        SchemaLeaf leaf = {.element = &ELEMENT, .type = TYPE_BYTE_ARRAY, .storage = LEAF_BYTES};
        ChunkStatistics s;
        for (size_t k = 0; k < 60; k++)
            assert_ok(buffer_append_byte(&value, 'x'));
        assert_ok(buffer_append(&wanted, value.data, rows[i].raised ? 60 : 59));
        assert_ok(buffer_append_str(&wanted, str_of(rows[i].raised ? rows[i].raised : "y")));
        assert_ok(buffer_append_str(&value, str_of(rows[i].last)));
        assert_ok(buffer_append_str(&value, STR("tail")));
        statistics_init(&s, &leaf, "u");
        assert_ok(statistics_add_bytes(&s, buffer_bytes(&value)));
        Statistics out = made(&s, arena);
        assert_false(out.is_max_exact);
        assert_true(str_equal(out.max_value, buffer_str(&wanted)));
        statistics_done(&s);
    }
}

static void nans_are_counted_and_zeros_have_both_signs(void **state)
{
    (void)state;
    static const double values[] = {(double)NAN, 0.0, (double)NAN, -0.0};
    static const double only_nan[] = {(double)NAN};
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    SchemaLeaf leaf = {.element = &ELEMENT, .type = TYPE_DOUBLE, .storage = LEAF_FIXED, .width = 8};
    ChunkStatistics s;
    double min, max;

    statistics_init(&s, &leaf, "g");
    assert_ok(statistics_add_fixed(&s, (const uint8_t *)only_nan, 1, 8));
    Statistics out = made(&s, arena);
    assert_false(THRIFT_HAS(&out, STATISTICS_MIN_VALUE));
    assert_int_equal(out.nan_count, 1);
    assert_ok(statistics_add_fixed(&s, (const uint8_t *)values, 4, 8));
    out = made(&s, arena);
    memcpy(&min, out.min_value.data, sizeof min);
    memcpy(&max, out.max_value.data, sizeof max);
    assert_true(min == 0 && signbit(min) && max == 0 && !signbit(max));
    assert_int_equal(out.nan_count, 3);
    statistics_done(&s);
}

static void integers_follow_their_sign(void **state)
{
    (void)state;
    static const int32_t values[] = {5, -1, 7};
    static const struct {
        const char *format;
        int32_t min, max;
    } rows[] = {{"i", -1, 7}, {"I", 5, -1}};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
        SchemaLeaf leaf = {.element = &ELEMENT, .type = TYPE_INT32, .storage = LEAF_FIXED, .width = 4};
        ChunkStatistics s;
        int32_t min, max;
        statistics_init(&s, &leaf, rows[i].format);
        assert_ok(statistics_add_fixed(&s, (const uint8_t *)values, 3, 4));
        Statistics out = made(&s, arena);
        memcpy(&min, out.min_value.data, sizeof min);
        memcpy(&max, out.max_value.data, sizeof max);
        assert_int_equal(min, rows[i].min);
        assert_int_equal(max, rows[i].max);
        assert_true(out.is_min_exact && out.is_max_exact);
        statistics_done(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_bounds_are_cut),
        cmocka_unit_test(text_bounds_step_over_what_is_no_character),
        cmocka_unit_test(nans_are_counted_and_zeros_have_both_signs),
        cmocka_unit_test(integers_follow_their_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
