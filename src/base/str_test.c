#include "base/str.h"

#include <float.h>

#include "base/buffer.h"
#include "base/random.h"
#include "base/testing.h"

static void compares_in_byte_order(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int order;
    } rows[] = {{"", "", 0}, {"a", "", 1}, {"a", "b", -1}, {"a.b", "a/b", -1}, {"ab", "a", 1}, {"\xc3", "z", 1}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Str a = str_of(rows[i].a), b = str_of(rows[i].b);
        assert_int_equal(str_compare(a, b), rows[i].order);
        assert_int_equal(str_compare(b, a), -rows[i].order);
        assert_int_equal(str_equal(a, b), rows[i].order == 0);
    }
    assert_int_equal(str_compare(str_from("a\0b", 3), str_from("a\0c", 3)), -1);
    assert_int_equal(str_compare((Str){NULL, 0}, STR("")), 0);
    assert_true(str_equal(str_of(NULL), STR_EMPTY));
}

static void ignores_case_of_ascii_alone(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"", "", true},     {"ETag", "etAG", true},         {"a", "ab", false}, {"@", "`", false}, {"[", "{", false},
        {"az", "AZ", true}, {"\xc3\x84", "\xc3\xa4", false}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(str_equal_nocase(str_of(rows[i].a), str_of(rows[i].b)), rows[i].equal);
}

static void finds(void **state)
{
    (void)state;
    static const struct {
        const char *text, *needle;
        size_t first, last; /* of its first character alone, the last */
        bool starts, ends;
    } rows[] = {
        {"a/b/c", "/", 1, 3, false, false},
        {"a/b/c", "a/b", 0, 0, true, false},
        {"a/b/c", "b/c", 2, 2, false, true},
        {"a/b/c", "a/b/c", 0, 0, true, true},
        {"a/b/c", "a/b/c/", SIZE_MAX, 0, false, false},
        {"aab", "ab", 1, 1, false, true},
        {"", "x", SIZE_MAX, SIZE_MAX, false, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Str text = str_of(rows[i].text), needle = str_of(rows[i].needle);
        assert_true(str_find(text, needle) == rows[i].first);
        assert_true(str_rfind_char(text, rows[i].needle[0]) == rows[i].last);
        assert_int_equal(str_starts_with(text, needle), rows[i].starts);
        assert_int_equal(str_ends_with(text, needle), rows[i].ends);
    }
    assert_int_equal(str_find_char(STR("a/b/c"), '/'), 1);
    assert_true(str_find_char(STR("abc"), '/') == SIZE_MAX);
    assert_true(str_find_char((Str){NULL, 0}, 'a') == SIZE_MAX);
    assert_true(str_rfind_char((Str){NULL, 0}, 'a') == SIZE_MAX);
    assert_int_equal(str_find((Str){NULL, 0}, STR("")), 0);
    assert_int_equal(str_find(STR("abc"), STR("")), 0);
    assert_true(str_starts_with((Str){NULL, 0}, STR("")) && str_ends_with((Str){NULL, 0}, STR("")));
    assert_int_equal(str_find(str_from("a\0b\0c", 5), str_from("\0c", 2)), 3);
}

static void slices_are_clamped(void **state)
{
    (void)state;
    static const struct {
        size_t from, to;
        const char *slice;
    } rows[] = {{0, 5, "hello"}, {1, 3, "el"}, {5, 5, ""},        {0, SIZE_MAX, "hello"},
                {9, 12, ""},     {3, 1, ""},   {4, SIZE_MAX, "o"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_str(str_slice(STR("hello"), rows[i].from, rows[i].to), rows[i].slice);
    assert_int_equal(str_slice((Str){NULL, 0}, 0, 3).len, 0);
}

static void trims_ascii_space(void **state)
{
    (void)state;
    static const struct {
        const char *text, *trimmed;
    } rows[] = {{"", ""}, {" \t\r\n\v\f ", ""}, {" a b ", "a b"}, {"a", "a"}, {"\xc2\xa0x", "\xc2\xa0x"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_str(str_trim(str_of(rows[i].text)), rows[i].trimmed);
}

static void cuts_into_pieces(void **state)
{
    (void)state;
    static const struct {
        const char *text, *joined; /* pieces, each with a bar behind it */
    } rows[] = {{"", "|"}, {"a", "a|"}, {"a,b", "a|b|"}, {",", "||"}, {"a,,b,", "a||b||"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(buffer_done) Buffer joined = {0};
        Str rest = str_of(rows[i].text), piece;
        while (str_next_piece(&rest, ',', &piece))
            assert_ok(buffer_append_format(&joined, STR_FMT "|", STR_ARG(piece)));
        assert_str(buffer_str(&joined), rows[i].joined);
        assert_false(str_next_piece(&rest, ',', &piece));
    }
}

static void unsigned_numbers_at_their_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } rows[] = {{"0", true, 0},
                {"007", true, 7},
                {"18446744073709551615", true, UINT64_MAX},
                {"18446744073709551616", false, 0},
                {"99999999999999999999", false, 0},
                {"", false, 0},
                {"+1", false, 0},
                {"-0", false, 0},
                {" 1", false, 0},
                {"1 ", false, 0},
                {"1a", false, 0},
                {"0x1", false, 0}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint64_t value = 77;
        assert_int_equal(str_to_u64(str_of(rows[i].text), &value), rows[i].ok);
        assert_true(value == (rows[i].ok ? rows[i].value : 77));
    }
}

static void signed_numbers_at_their_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } rows[] = {{"9223372036854775807", true, INT64_MAX},
                {"9223372036854775808", false, 0},
                {"-9223372036854775808", true, INT64_MIN},
                {"-9223372036854775809", false, 0},
                {"-0", true, 0},
                {"-", false, 0},
                {"--1", false, 0},
                {"", false, 0},
                {"+1", false, 0}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t value = 77;
        assert_int_equal(str_to_i64(str_of(rows[i].text), &value), rows[i].ok);
        assert_true(value == (rows[i].ok ? rows[i].value : 77));
    }
    int64_t value;
    assert_false(str_to_i64((Str){NULL, 0}, &value));
}

static void real_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        double value;
    } rows[] = {
        {"1", true, 1},
        {"-1.5e3", true, -1500},
        {"+.5", true, 0.5},
        {"5.", true, 5},
        {"1.7976931348623157e308", true, DBL_MAX},
        {"1e309", false, 0},
        {"-1e309", false, 0},
        {"5e-324", true, 5e-324}, /* smaller than normal numbers, and a number all the same */
        {"1e-400", true, 0},
        {"", false, 0},
        {".", false, 0},
        {"e5", false, 0},
        {"1e", false, 0},
        {"1,5", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"inf", false, 0}, /* strtod takes these */
        {"nan", false, 0},
        {"nan(1)", false, 0},
        {"0x10", false, 0},
        {"0x1p3", false, 0},
        {"1--2", false, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        double value = 77;
        if (str_to_double(str_of(rows[i].text), &value) != rows[i].ok)
            fail_msg("'%s'", rows[i].text);
        assert_true(value == (rows[i].ok ? rows[i].value : 77));
    }
    double value;
    char digits[64];
    memset(digits, '1', sizeof digits);
    assert_false(str_to_double(str_from("1\0", 2), &value));
    assert_true(str_to_double(str_from(digits, 63), &value));
    assert_false(str_to_double(str_from(digits, 64), &value));               /* longer than it looks at */
    assert_true(str_to_double(str_from(digits, 3), &value) && value == 111); /* reads no byte past its end */
}

/* ---- UTF-8 against the definition in RFC 3629, section 3, worked out the slow way ---- */

/* Length of the sequence at `p`, 0 when it is none; `*ret_value` is what it encodes. */
static size_t naive_decode(const uint8_t *p, size_t left, uint32_t *ret_value)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
    if (len == 0 || len > left)
        return 0;
    uint32_t value = len == 1 ? p[0] : p[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if (p[i] >> 6 != 2)
            return 0;
        value = value << 6 | (p[i] & 63u);
    }
    if (value < least[len] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 0;
    *ret_value = value;
    return len;
}

static void check_utf8(const uint8_t *text, size_t len)
{
    Str s = str_from(text, len);
    bool valid = true;
    for (size_t at = 0, expected_at = 0; at < len;) {
        uint32_t expected = 0xfffd;
        size_t step = naive_decode(text + at, len - at, &expected);
        uint32_t found = str_next_code_point(s, &at);
        valid = valid && step > 0;
        expected_at += step ? step : 1;
        if (found != expected || at != expected_at)
            fail_msg("%02x %02x %02x %02x of %zu: U+%04X, at %zu", text[0], text[1], text[2], text[3], len, found, at);
    }
    if (str_is_utf8(s) != valid)
        fail_msg("%02x %02x %02x %02x of %zu", text[0], text[1], text[2], text[3], len);
}

/* Each class of bytes that a rule tells apart, by its ends; all fours of them, cut at every length, alone and behind enough ASCII for the
 * fast path. */
static void utf8_is_what_the_rfc_says(void **state)
{
    (void)state;
    static const uint8_t classes[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                      0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
                                      0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff};
    enum { N = ARRAY_COUNT(classes) };
    for (size_t n = 0; n < (size_t)N * N * N * N; n++) {
        uint8_t text[4] = {classes[n % N], classes[n / N % N], classes[n / N / N % N], classes[n / N / N / N]};
        check_utf8(text, 4);
        if (n < (size_t)N * N * N)
            check_utf8(text, 3);
        if (n < (size_t)N * N)
            check_utf8(text, 2);
        if (n < N)
            check_utf8(text, 1);
    }
    assert_true(str_is_utf8((Str){NULL, 0}));
}

static void utf8_of_random_bytes_in_ascii(void **state)
{
    (void)state;
    Random random;
    random_init_seed(&random, 10);
    for (int i = 0; i < 50000; i++) {
        uint8_t text[24];
        size_t len = 4 + random_below(&random, 21), at = random_below(&random, len);
        memset(text, 'a', sizeof text);
        for (size_t k = at; k < MIN(at + 4, len); k++)
            text[k] = (uint8_t)(0x80 | random_u64(&random));
        check_utf8(text, len);
    }
}

static void every_code_point_comes_back(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        char text[4];
        size_t at = 0, len = utf8_encode(c, text);
        bool surrogate = c >= 0xd800 && c < 0xe000;
        uint32_t back = str_next_code_point(str_from(text, len), &at);
        if (back != (surrogate ? 0xfffd : c) || at != (surrogate ? 1 : len))
            fail_msg("U+%04X: U+%04X after %zu of %zu", c, back, at, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_in_byte_order),
        cmocka_unit_test(ignores_case_of_ascii_alone),
        cmocka_unit_test(finds),
        cmocka_unit_test(slices_are_clamped),
        cmocka_unit_test(trims_ascii_space),
        cmocka_unit_test(cuts_into_pieces),
        cmocka_unit_test(unsigned_numbers_at_their_bounds),
        cmocka_unit_test(signed_numbers_at_their_bounds),
        cmocka_unit_test(real_numbers),
        cmocka_unit_test(utf8_is_what_the_rfc_says),
        cmocka_unit_test(utf8_of_random_bytes_in_ascii),
        cmocka_unit_test(every_code_point_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
