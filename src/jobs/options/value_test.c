#include "jobs/options/value.h"

#include "base/testing.h"

static void sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        uint64_t bytes;
    } ROWS[] = {
        {"0", true, 0},
        {"1048576", true, 1048576},
        {"8MiB", true, 8388608},
        {"8 MiB", true, 8388608},
        {"500MB", true, 500000000},
        {"1.5GiB", true, 1610612736},
        {"64kB", true, 64000},
        {"2KiB", true, 2048},
        {"7B", true, 7},
        {"1pib", true, 1125899906842624},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"8M", false, 0}, /* binary or decimal? nobody can tell */
        {"MiB", false, 0},
        {"1e3", false, 0},
        {".5MiB", false, 0},
        {"1.MiB", false, 0},
        {"8MiBs", false, 0},
        {"100000PiB", false, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        uint64_t bytes = 0;
        bool ok = value_parse_size(str_of(ROWS[i].text), &bytes);
        if (ok != ROWS[i].ok || (ok && bytes != ROWS[i].bytes))
            fail_msg("'%s': %d %llu", ROWS[i].text, ok, (unsigned long long)bytes);
    }
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t us;
    } ROWS[] = {
        {"30s", true, 30000000},
        {"5m", true, 300000000},
        {"1h30m", true, 5400000000},
        {"250ms", true, 250000},
        {"90", true, 90000000},
        {"0.5", true, 500000},
        {"7d", true, 604800000000},
        {"", false, 0},
        {"s", false, 0},
        {"-3s", false, 0},
        {"3x", false, 0},
        {"1h30", false, 0}, /* 30 of what? */
        {"1 h", false, 0},
        {"999999999999d", false, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        int64_t us = 0;
        bool ok = value_parse_duration(str_of(ROWS[i].text), &us);
        if (ok != ROWS[i].ok || (ok && us != ROWS[i].us))
            fail_msg("'%s': %d %lld", ROWS[i].text, ok, (long long)us);
    }
}

static void switches(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok, value;
    } ROWS[] = {
        {"true", true, true}, {"Yes", true, true}, {"1", true, true},  {"ON", true, true},  {"false", true, false},
        {"no", true, false},  {"0", true, false},  {"", false, false}, {"2", false, false}, {"truee", false, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        bool value = false;
        assert_int_equal(value_parse_bool(str_of(ROWS[i].text), &value), ROWS[i].ok);
        assert_int_equal(value, ROWS[i].value);
    }
}

/* Bad values of each type: the message names the value and says what would be right. */
static void messages(void **state)
{
    (void)state;
    static const OptionDef INTEGER = {.name = "workers", .type = OPTION_INT, .minimum = 1, .maximum = 64};
    static const OptionDef FREE = {.name = "n", .type = OPTION_INT};
    static const OptionDef REAL = {.name = "r", .type = OPTION_REAL};
    static const OptionDef SIZE = {.name = "size", .type = OPTION_SIZE, .minimum = 10, .maximum = 100};
    static const OptionDef DURATION = {.name = "time", .type = OPTION_DURATION, .minimum = 1e6, .maximum = 10e6};
    static const OptionDef CHOICE = {.name = "color", .type = OPTION_CHOICE, .choices = "auto|always|never"};
    static const OptionDef AMOUNT = {.name = "max-errors", .type = OPTION_AMOUNT};
    static const OptionDef SHARD = {.name = "shard", .type = OPTION_SHARD};
    static const OptionDef PLACE = {.name = "to", .type = OPTION_PLACE};
    static const OptionDef FLAG = {.name = "json", .type = OPTION_BOOL};
    static const struct {
        const OptionDef *row;
        const char *text, *says; /* NULL: good */
    } ROWS[] = {
        {&INTEGER, "1", NULL},
        {&INTEGER, "64", NULL},
        {&INTEGER, "0", "'0' is not a whole number from 1 to 64"},
        {&INTEGER, "65", "from 1 to 64"},
        {&INTEGER, "x", "'x' is not a whole number"},
        {&INTEGER, "1.5", "whole number"},
        {&INTEGER, "99999999999999999999", "whole number"},
        {&FREE, "-9223372036854775808", NULL},
        {&REAL, "-1.5", NULL},
        {&REAL, "nan", "'nan' is not a number"},
        {&SIZE, "9", "from 10 to 100 bytes"},
        {&SIZE, "1kB", "from 10 to 100 bytes"},
        {&SIZE, "ten", "'ten' is not a size such as 8MiB"},
        {&DURATION, "11s", "from 1 to 10 seconds"},
        {&DURATION, "soon", "is not a time such as 30s"},
        {&CHOICE, "NEVER", NULL},
        {&CHOICE, "sometimes", "'sometimes' is not one of auto|always|never"},
        {&CHOICE, "", "is not one of"},
        {&AMOUNT, "0", NULL},
        {&AMOUNT, "2.5%", NULL},
        {&AMOUNT, "101%", "neither a number nor a share"},
        {&AMOUNT, "-1", "neither a number"},
        {&SHARD, "3/4", NULL},
        {&SHARD, "4/4", "counted from 0"},
        {&SHARD, "0/0", "counted from 0"},
        {&SHARD, "1", "not a part such as 0/4"},
        {&SHARD, "1/99999999999", "not a part"},
        {&PLACE, "", "the value is empty"},
        {&FLAG, "maybe", "'maybe' is neither true nor false"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        OptionValue value;
        if (ROWS[i].says)
            assert_fails_saying(value_parse(ROWS[i].row, str_of(ROWS[i].text), &value), ERR_INVALID, ROWS[i].says);
        else
            assert_ok(value_parse(ROWS[i].row, str_of(ROWS[i].text), &value));
    }
}

static void meanings(void **state)
{
    (void)state;
    static const OptionDef CHOICE = {.name = "color", .type = OPTION_CHOICE, .choices = "auto|always|never"};
    static const OptionDef AMOUNT = {.name = "max-errors", .type = OPTION_AMOUNT};
    static const OptionDef SHARD = {.name = "shard", .type = OPTION_SHARD};
    OptionValue value;
    assert_ok(value_parse(&CHOICE, STR("never"), &value));
    assert_int_equal(value.choice, 2);
    assert_ok(value_parse(&AMOUNT, STR("5%"), &value));
    assert_true(value.amount.percent && value.amount.value > 4.99 && value.amount.value < 5.01);
    assert_ok(value_parse(&AMOUNT, STR("5"), &value));
    assert_false(value.amount.percent);
    assert_ok(value_parse(&SHARD, STR("3/8"), &value));
    assert_int_equal(value.shard.index, 3);
    assert_int_equal(value.shard.count, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),    cmocka_unit_test(durations), cmocka_unit_test(switches),
        cmocka_unit_test(messages), cmocka_unit_test(meanings),
    };
    return cmocka_run_group_tests_name("options value", tests, NULL, NULL);
}
