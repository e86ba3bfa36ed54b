#include "jobs/options/value.h"

#include <math.h>

typedef struct Unit {
    const char *name;
    double factor;
} Unit;

static const Unit SIZE_UNITS[] = {
    {"b", 1},
    {"kb", 1e3},
    {"mb", 1e6},
    {"gb", 1e9},
    {"tb", 1e12},
    {"pb", 1e15},
    {"kib", 1024.0},
    {"mib", 1024.0 * 1024},
    {"gib", 1024.0 * 1024 * 1024},
    {"tib", 1024.0 * 1024 * 1024 * 1024},
    {"pib", 1024.0 * 1024 * 1024 * 1024 * 1024},
};

static const Unit DURATION_UNITS[] = {
    {"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"m", 60e6}, {"h", 3600e6}, {"d", 86400e6},
};

/* Values up to here are whole numbers in a double too. */
static const double EXACT_MAX = 9007199254740992.0;

static bool find_unit(const Unit *units, size_t count, Str name, double *ret_factor)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal_nocase(str_of(units[i].name), name)) {
            *ret_factor = units[i].factor;
            return true;
        }
    }
    return false;
}

/* Cuts digits with at most one point off the front of `*rest`. No sign, no exponent. */
static bool take_number(Str *rest, double *ret_number)
{
    size_t len = 0;
    while (len < rest->len && ((rest->data[len] >= '0' && rest->data[len] <= '9') || rest->data[len] == '.'))
        len++;
    Str digits = str_slice(*rest, 0, len);
    if (len == 0 || digits.data[0] == '.' || digits.data[len - 1] == '.' || !str_to_double(digits, ret_number))
        return false;
    *rest = str_slice(*rest, len, rest->len);
    return true;
}

static Str take_letters(Str *rest)
{
    size_t len = 0;
    while (len < rest->len && ((rest->data[len] | 0x20) >= 'a' && (rest->data[len] | 0x20) <= 'z'))
        len++;
    Str letters = str_slice(*rest, 0, len);
    *rest = str_slice(*rest, len, rest->len);
    return letters;
}

bool value_parse_bool(Str text, bool *ret_value)
{
    static const char *const WORDS[][2] = {{"false", "true"}, {"no", "yes"}, {"off", "on"}, {"0", "1"}};
    for (size_t i = 0; i < ARRAY_COUNT(WORDS); i++) {
        for (size_t truth = 0; truth < 2; truth++) {
            if (str_equal_nocase(str_of(WORDS[i][truth]), text)) {
                *ret_value = truth == 1;
                return true;
            }
        }
    }
    return false;
}

bool value_parse_size(Str text, uint64_t *ret_bytes)
{
    if (str_to_u64(text, ret_bytes))
        return true;
    double number, factor;
    Str rest = text;
    if (!take_number(&rest, &number) || !find_unit(SIZE_UNITS, ARRAY_COUNT(SIZE_UNITS), str_trim(rest), &factor))
        return false;
    double bytes = number * factor;
    if (bytes > EXACT_MAX)
        return false;
    *ret_bytes = (uint64_t)(bytes + 0.5);
    return true;
}

bool value_parse_duration(Str text, int64_t *ret_us)
{
    Str rest = text;
    double sum_us = 0, number, factor;
    if (text.len == 0)
        return false;
    while (rest.len > 0) {
        if (!take_number(&rest, &number))
            return false;
        Str unit = take_letters(&rest);
        bool bare = unit.len == 0 && rest.len == 0 && sum_us <= 0;
        if (bare)
            factor = 1e6;
        else if (!find_unit(DURATION_UNITS, ARRAY_COUNT(DURATION_UNITS), unit, &factor))
            return false;
        sum_us += number * factor;
        if (sum_us > EXACT_MAX)
            return false;
    }
    *ret_us = (int64_t)(sum_us + 0.5);
    return true;
}

static bool in_bounds(const OptionDef *row, double value)
{
    bool bounded = row->minimum < row->maximum;
    return !bounded || (value >= row->minimum && value <= row->maximum);
}

static Error *parse_integer(const OptionDef *row, Str text, OptionValue *ret_value)
{
    int64_t integer;
    bool ok = str_to_i64(text, &integer);
    if (ok && in_bounds(row, (double)integer)) {
        ret_value->integer = integer;
        return NULL;
    }
    if (row->minimum < row->maximum)
        return FAIL(INVALID, "'" STR_FMT "' is not a whole number from %.0f to %.0f", STR_ARG(text), row->minimum,
                    row->maximum);
    return FAIL(INVALID, "'" STR_FMT "' is not a whole number", STR_ARG(text));
}

static Error *parse_real(const OptionDef *row, Str text, OptionValue *ret_value)
{
    double real;
    if (str_to_double(text, &real) && isfinite(real) && in_bounds(row, real)) {
        ret_value->real = real;
        return NULL;
    }
    if (row->minimum < row->maximum)
        return FAIL(INVALID, "'" STR_FMT "' is not a number from %g to %g", STR_ARG(text), row->minimum, row->maximum);
    return FAIL(INVALID, "'" STR_FMT "' is not a number", STR_ARG(text));
}

static Error *parse_size(const OptionDef *row, Str text, OptionValue *ret_value)
{
    uint64_t bytes;
    if (!value_parse_size(text, &bytes))
        return FAIL(INVALID, "'" STR_FMT "' is not a size such as 8MiB, 500MB or 1048576", STR_ARG(text));
    if (!in_bounds(row, (double)bytes))
        return FAIL(INVALID, "'" STR_FMT "' is not a size from %.0f to %.0f bytes", STR_ARG(text), row->minimum,
                    row->maximum);
    ret_value->size_bytes = bytes;
    return NULL;
}

static Error *parse_duration(const OptionDef *row, Str text, OptionValue *ret_value)
{
    int64_t duration_us;
    if (!value_parse_duration(text, &duration_us))
        return FAIL(INVALID, "'" STR_FMT "' is not a time such as 30s, 5m or 1h30m", STR_ARG(text));
    if (!in_bounds(row, (double)duration_us))
        return FAIL(INVALID, "'" STR_FMT "' is not a time from %g to %g seconds", STR_ARG(text), row->minimum / 1e6,
                    row->maximum / 1e6);
    ret_value->duration_us = duration_us;
    return NULL;
}

static Error *parse_choice(const OptionDef *row, Str text, OptionValue *ret_value)
{
    Str rest = str_of(row->choices), choice;
    for (size_t i = 0; str_next_piece(&rest, '|', &choice); i++) {
        if (str_equal_nocase(choice, text)) {
            ret_value->choice = i;
            return NULL;
        }
    }
    return FAIL(INVALID, "'" STR_FMT "' is not one of %s", STR_ARG(text), row->choices);
}

static Error *parse_amount(Str text, OptionValue *ret_value)
{
    uint64_t count;
    double percent;
    Str number = text;
    if (str_to_u64(text, &count)) {
        ret_value->amount = (OptionAmount){.value = (double)count};
        return NULL;
    }
    if (!take_number(&number, &percent) || !str_equal(number, STR("%")) || percent > 100)
        return FAIL(INVALID, "'" STR_FMT "' is neither a number nor a share such as 5%%", STR_ARG(text));
    ret_value->amount = (OptionAmount){.value = percent, .percent = true};
    return NULL;
}

static Error *parse_shard(Str text, OptionValue *ret_value)
{
    uint64_t index, count;
    size_t slash = str_find_char(text, '/');
    bool ok = slash != SIZE_MAX && str_to_u64(str_slice(text, 0, slash), &index)
              && str_to_u64(str_slice(text, slash + 1, text.len), &count) && count <= UINT32_MAX;
    if (!ok)
        return FAIL(INVALID, "'" STR_FMT "' is not a part such as 0/4", STR_ARG(text));
    if (index >= count)
        return FAIL(INVALID,
                    "'" STR_FMT "': parts are counted from 0, so the first number must be less than the second",
                    STR_ARG(text));
    ret_value->shard = (OptionShard){(uint32_t)index, (uint32_t)count};
    return NULL;
}

Error *value_parse(const OptionDef *row, Str text, OptionValue *ret_value)
{
    switch (row->type) {
    case OPTION_BOOL:
        if (value_parse_bool(text, &ret_value->flag))
            return NULL;
        return FAIL(INVALID, "'" STR_FMT "' is neither true nor false", STR_ARG(text));
    case OPTION_INT: return parse_integer(row, text, ret_value);
    case OPTION_REAL: return parse_real(row, text, ret_value);
    case OPTION_SIZE: return parse_size(row, text, ret_value);
    case OPTION_DURATION: return parse_duration(row, text, ret_value);
    case OPTION_CHOICE: return parse_choice(row, text, ret_value);
    case OPTION_AMOUNT: return parse_amount(text, ret_value);
    case OPTION_SHARD: return parse_shard(text, ret_value);
    case OPTION_STRING: return NULL;
    case OPTION_PATH:
    case OPTION_PLACE:
    case OPTION_URL: return text.len > 0 ? NULL : FAIL(INVALID, "the value is empty");
    }
    ASSERT(false);
    return NULL;
}
