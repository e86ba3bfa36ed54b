#include "document/sheets/value.h"

#include <stdio.h>

#include "base/testing.h"

static Value text(const char *s)
{
    return (Value){.kind = VALUE_TEXT, .text = str_of(s)};
}

static Value whole(int64_t n)
{
    return (Value){.kind = VALUE_WHOLE, .whole = n};
}

static Value real(double n)
{
    return (Value){.kind = VALUE_REAL, .real = n};
}

static Value truth(bool b)
{
    return (Value){.kind = VALUE_TRUTH, .truth = b};
}

static Value timed(ValueKind kind, int64_t seconds, int64_t us)
{
    return (Value){.kind = kind, .time_us = seconds * 1000000 + us};
}

enum { CELLS = 4, NONE = 99, DAY = 86400, DAY_2020 = 18262 };

/* The column's cells, printed with bars between. `gap` is a cell that is empty, NONE: none is. */
static void print_column(const Value *values, size_t count, size_t gap, char out[512])
{
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    ColumnEvidence evidence = {0};
    char formatted[VALUE_TEXT_BYTES];
    for (size_t i = 0; i < count; i++) {
        if (i != gap)
            column_see(&evidence, &values[i]);
    }
    ColumnFormat format = column_format(column_kind(&evidence, evidence.values < count));
    for (size_t i = 0; i < count; i++) {
        if (i != gap)
            column_format_see(&format, &values[i]);
    }
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        Str cell;
        assert_ok(value_print(i == gap ? NULL : &values[i], &format, arena, formatted, &cell));
        size_t len = strlen(out);
        snprintf(out + len, 512 - len, "%s" STR_FMT, i > 0 ? "|" : "", STR_ARG(cell));
    }
}

/* What pandas 2.3 prints of the same columns. */
static void columns_are_printed_as_pandas_does(void **state)
{
    (void)state;
    const struct {
        const char *name;
        Value values[CELLS];
        size_t count, gap;
        const char *printed;
    } cases[] = {
        {"whole", {whole(1), whole(-20)}, 2, NONE, "1|-20"},
        {"whole with a gap", {whole(1), {0}, whole(3)}, 3, 1, "1.0||3.0"},
        {"real", {real(1.5), whole(2), real(2.125)}, 3, NONE, "1.500|2.000|2.125"},
        {"six decimals", {real(3.14159265358979), whole(0)}, 2, NONE, "3.141593|0.000000"},
        {"large", {real(1234567.125), real(1.5)}, 2, NONE, "1234567.125|1.500"},
        {"twelve wide", {real(12345678.9), real(0.001)}, 2, NONE, "12345678.900|0.001"},
        {"wider", {real(-12345678.9), real(0.001)}, 2, NONE, "-1.234568e+07|1.000000e-03"},
        {"wide but small", {real(999999.123456), whole(1)}, 2, NONE, "999999.123456|1.000000"},
        {"tiny", {real(1e-7), whole(1)}, 2, NONE, "1.000000e-07|1.000000e+00"},
        {"huge", {real(1e22), whole(5)}, 2, NONE, "1.000000e+22|5.000000e+00"},
        {"with a word", {text("a"), whole(5), real(0.30000000000000004), {0}}, 4, 3, "a|5|0.3|"},
        {"huge with a word", {text("a"), real(1e22), real(1e-7)}, 3, NONE, "a|10000000000000000000000|0.0"},
        {"numbers as text", {text("007"), text(" 8 ")}, 2, NONE, "7|8"},
        {"numbers and numbers as text", {text("1e5"), whole(3), {0}}, 3, 2, "100000.0|3.0|"},
        {"text that is no number", {text("1,000"), text("2")}, 2, NONE, "1,000|2"},
        {"truth", {truth(true), truth(false)}, 2, NONE, "True|False"},
        {"truth with a gap", {truth(true), {0}, truth(false)}, 3, 1, "1.0||0.0"},
        {"truth and numbers", {truth(true), whole(7)}, 2, NONE, "1|7"},
        {"truth as text", {text("TRUE"), {0}, text("false"), truth(true)}, 4, 1, "True||False|True"},
        {"truth and words", {truth(true), text("x")}, 2, NONE, "True|x"},
        {"days",
         {timed(VALUE_DATE, DAY_2020 * DAY, 0), {0}, timed(VALUE_DATE, 0, 0)},
         3,
         1,
         "2020-01-01|NaT|1970-01-01"},
        {"days and times",
         {timed(VALUE_DATE, DAY_2020 * DAY + 3661, 0), timed(VALUE_DATE, 0, 0)},
         2,
         NONE,
         "2020-01-01 01:01:01|1970-01-01 00:00:00"},
        {"fractions of seconds",
         {timed(VALUE_DATE, DAY_2020 * DAY, 500000), timed(VALUE_DATE, 0, 0)},
         2,
         NONE,
         "2020-01-01 00:00:00.500|1970-01-01 00:00:00.000"},
        {"days with a word",
         {timed(VALUE_DATE, DAY_2020 * DAY, 500000), text("a"), {0}},
         3,
         2,
         "2020-01-01 00:00:00.500000|a|"},
        {"before the epoch", {timed(VALUE_DATE, -1, 0), text("a")}, 2, NONE, "1969-12-31 23:59:59|a"},
        {"durations",
         {timed(VALUE_DURATION, DAY + 7200, 0), {0}, timed(VALUE_DURATION, 10800, 0)},
         3,
         1,
         "1 days 02:00:00|NaT|0 days 03:00:00"},
        {"durations with a word",
         {timed(VALUE_DURATION, DAY + 7200, 0), timed(VALUE_DURATION, 2 * DAY, 0), text("x")},
         3,
         NONE,
         "1 day, 2:00:00|2 days, 0:00:00|x"},
        {"times",
         {timed(VALUE_TIME, 3723, 0), {0}, timed(VALUE_TIME, 14700, 250000)},
         3,
         1,
         "01:02:03||04:05:00.250000"},
        {"times, dates, numbers",
         {timed(VALUE_TIME, 3723, 0), timed(VALUE_DATE, 0, 0), whole(5)},
         3,
         NONE,
         "01:02:03|1970-01-01 00:00:00|5"},
        {"white space", {text(" a  b "), text("t\tb\r\nc"), text("\xC2\xA0x")}, 3, NONE, "a b|t\\tb\\r\\nc|x"},
        {"nothing", {{0}, {0}}, 1, 0, ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char printed[512];
        print_column(cases[i].values, cases[i].count, cases[i].gap, printed);
        if (strcmp(printed, cases[i].printed) != 0)
            print_error("%s\n", cases[i].name);
        assert_string_equal(printed, cases[i].printed);
    }
}

static void values_alone_are_printed_as_python_does(void **state)
{
    (void)state;
    const struct {
        Value value;
        ColumnKind kind;
        const char *printed;
    } cases[] = {
        {text(" as it\nis "), COLUMN_MIXED, " as it\nis "},
        {whole(5), COLUMN_WHOLE, "5"},
        {whole(5), COLUMN_REAL, "5.0"},
        {truth(true), COLUMN_REAL, "1.0"},
        {truth(true), COLUMN_WHOLE, "1"},
        {truth(false), COLUMN_MIXED, "False"},
        {text("007"), COLUMN_WHOLE, "7"},
        {text("TRUE"), COLUMN_TRUTH, "True"},
        {real(0.30000000000000004), COLUMN_REAL, "0.30000000000000004"},
        {real(0.1), COLUMN_MIXED, "0.1"},
        {real(1234567.125), COLUMN_REAL, "1234567.125"},
        {real(1e16), COLUMN_REAL, "1e+16"},
        {real(1e-7), COLUMN_MIXED, "1e-07"},
        {real(0.0001), COLUMN_REAL, "0.0001"},
        {real(1e22), COLUMN_MIXED, "10000000000000000000000"},
        {timed(VALUE_DATE, DAY_2020 * DAY, 0), COLUMN_DATE, "2020-01-01 00:00:00"},
        {timed(VALUE_DURATION, 10800, 0), COLUMN_DURATION, "0 days 03:00:00"},
        {timed(VALUE_DURATION, -3600, 0), COLUMN_MIXED, "-1 day, 23:00:00"},
        {timed(VALUE_TIME, 61, 0), COLUMN_MIXED, "00:01:01"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char formatted[VALUE_TEXT_BYTES];
        assert_str(value_print_alone(&cases[i].value, cases[i].kind, formatted), cases[i].printed);
    }
}

static void missing_texts(void **state)
{
    (void)state;
    static const char *const missing[] = {"", "NA", "N/A", "#N/A", "null", "NULL", "None", "NaN", "nan", "<NA>"};
    static const char *const there[] = {" ", "na", "none", "Null", "-", "0"};
    for (size_t i = 0; i < ARRAY_COUNT(missing); i++)
        assert_true(value_is_missing_text(str_of(missing[i])));
    for (size_t i = 0; i < ARRAY_COUNT(there); i++)
        assert_false(value_is_missing_text(str_of(there[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(columns_are_printed_as_pandas_does),
                                       cmocka_unit_test(values_alone_are_printed_as_python_does),
                                       cmocka_unit_test(missing_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
