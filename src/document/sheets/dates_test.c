#include "document/sheets/dates.h"

#include <math.h>

#include "base/testing.h"
#include "base/time_text.h"

static void format_codes(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        FormatKind kind;
    } cases[] = {
        {"", FORMAT_NUMBER},
        {"General", FORMAT_NUMBER},
        {"0.00", FORMAT_NUMBER},
        {"#,##0.00\\ \"days\"", FORMAT_NUMBER},
        {"#,##0_d", FORMAT_NUMBER},
        {"0\\d", FORMAT_NUMBER},
        {"[Red]0.00;[Yellow]-0.00", FORMAT_NUMBER},
        {"0;d", FORMAT_NUMBER},
        {"\"unclosed d", FORMAT_NUMBER},
        {"[$-409", FORMAT_NUMBER},
        {"@", FORMAT_NUMBER},
        {"yyyy-mm-dd", FORMAT_DATE},
        {"D/M/Y", FORMAT_DATE},
        {"[$-409]d-mmm;@", FORMAT_DATE},
        {"mm:ss.0", FORMAT_DATE},
        {"h AM/PM", FORMAT_DATE},
        {"[hhh]:mm", FORMAT_DATE},
        {"[h]:mm:ss", FORMAT_DURATION},
        {"[MM]:SS", FORMAT_DURATION},
        {"[ss].00", FORMAT_DURATION},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        print_message("%s\n", cases[i].code);
        assert_int_equal(format_kind(str_of(cases[i].code)), cases[i].kind);
    }
}

static void styles_have_formats(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    NumberStyles styles;
    static const uint64_t ids[] = {0, 14, 46, 57, 164, 65535, 65536, UINT64_MAX};
    static const FormatKind kinds[] = {FORMAT_NUMBER, FORMAT_DATE, FORMAT_DURATION, FORMAT_DATE,
                                       FORMAT_DATE,   FORMAT_DATE, FORMAT_NUMBER,   FORMAT_NUMBER};
    assert_ok(number_styles_init(&styles, arena));
    number_styles_define(&styles, 164, STR("yyyy"));
    number_styles_define(&styles, 65535, STR("yyyy"));
    number_styles_define(&styles, 65536, STR("yyyy"));
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++)
        assert_ok(number_styles_add(&styles, ids[i]));
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++)
        assert_int_equal(number_styles_kind(&styles, i), kinds[i]);
    assert_int_equal(number_styles_kind(&styles, ARRAY_COUNT(ids)), FORMAT_NUMBER);
    for (size_t i = 0; i < 1000; i++)
        assert_ok(number_styles_add(&styles, 14));
    assert_int_equal(number_styles_kind(&styles, 1007), FORMAT_DATE);
}

static void serial_numbers(void **state)
{
    (void)state;
    static const struct {
        double serial;
        bool epoch_1904;
        const char *date; /* NULL: none */
    } cases[] = {
        {1, false, "1900-01-01T00:00:00Z"},
        {59, false, "1900-02-28T00:00:00Z"},
        {60, false, "1900-02-28T00:00:00Z"}, /* the day that never was */
        {61, false, "1900-03-01T00:00:00Z"},
        {43831.5, false, "2020-01-01T12:00:00Z"},
        {43831 + 3661.5 / 86400, false, "2020-01-01T01:01:01.500000Z"},
        {43831.999999999, false, "2020-01-02T00:00:00Z"},
        {2958465, false, "9999-12-31T00:00:00Z"},
        {2958466, false, NULL},
        {2958465.9999999999, false, NULL},
        {-1, false, "1899-12-29T00:00:00Z"},
        {-693593, false, "0001-01-01T00:00:00Z"},
        {-693594, false, NULL},
        {1, true, "1904-01-02T00:00:00Z"},
        {42369, true, "2020-01-01T00:00:00Z"},
        {1e300, false, NULL},
        {-1e300, false, NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        Value value;
        char out[TIME_TEXT_BYTES];
        bool is_date = value_of_number(cases[i].serial, FORMAT_DATE, cases[i].epoch_1904, &value);
        assert_int_equal(is_date, cases[i].date != NULL);
        if (is_date) {
            assert_int_equal(value.kind, VALUE_DATE);
            assert_str(time_iso8601(value.time_us, out), cases[i].date);
        }
    }
}

static void other_numbers(void **state)
{
    (void)state;
    Value value;
    assert_true(value_of_number(0.25, FORMAT_DATE, false, &value));
    assert_int_equal(value.kind, VALUE_TIME);
    assert_int_equal(value.time_us, INT64_C(21600000000));
    assert_true(value_of_number(1.5, FORMAT_DURATION, false, &value));
    assert_int_equal(value.kind, VALUE_DURATION);
    assert_int_equal(value.time_us, INT64_C(129600000000));
    assert_false(value_of_number(1e9, FORMAT_DURATION, false, &value));
    assert_true(value_of_number(-3, FORMAT_NUMBER, false, &value));
    assert_int_equal(value.kind, VALUE_WHOLE);
    assert_int_equal(value.whole, -3);
    assert_true(value_of_number(0.5, FORMAT_NUMBER, false, &value));
    assert_int_equal(value.kind, VALUE_REAL);
    assert_true(value_of_number(0x1p63, FORMAT_NUMBER, false, &value));
    assert_int_equal(value.kind, VALUE_REAL);
    assert_false(value_of_number((double)NAN, FORMAT_NUMBER, false, &value));
    assert_false(value_of_number((double)INFINITY, FORMAT_DATE, false, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(format_codes), cmocka_unit_test(styles_have_formats),
                                       cmocka_unit_test(serial_numbers), cmocka_unit_test(other_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
