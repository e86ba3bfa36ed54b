#include "document/sheets/dates.h"

#include <math.h>

#define DAY_MS 86400000.0
#define DAY_US INT64_C(86400000000)

/* The format's "[h]", "[mm]", ...; `at` is behind the bracket. */
static bool is_elapsed_time(Str code, size_t at)
{
    size_t end = at;
    char first = (char)(at < code.len ? code.data[at] | 0x20 : 0);
    while (end < code.len && (code.data[end] | 0x20) == first)
        end++;
    return (first == 'h' || first == 'm' || first == 's') && end - at <= 2 && end < code.len && code.data[end] == ']';
}

FormatKind format_kind(Str code)
{
    FormatKind kind = FORMAT_NUMBER;
    for (size_t i = 0; i < code.len && code.data[i] != ';'; i++) {
        char c = code.data[i];
        if (c == '"' || (c == '[' && !is_elapsed_time(code, i + 1))) { /* a literal; a colour, condition or language */
            size_t end = str_find_char(str_slice(code, i + 1, code.len), c == '"' ? '"' : ']');
            if (end == SIZE_MAX)
                break;
            i += end + 1;
        } else if (c == '[')
            return FORMAT_DURATION;
        else if (c == '\\' || c == '_')
            i++;
        else if (c != '\0' && strchr("dmhysDMHYS", c))
            kind = FORMAT_DATE;
    }
    return kind;
}

Error *number_styles_init(NumberStyles *styles, Arena *arena)
{
    static const struct {
        uint8_t first, last, kind;
    } built_in[] = {{14, 22, FORMAT_DATE},     {27, 36, FORMAT_DATE}, {45, 45, FORMAT_DATE},
                    {46, 46, FORMAT_DURATION}, {47, 47, FORMAT_DATE}, {50, 58, FORMAT_DATE}};
    *styles = (NumberStyles){.arena = arena, .formats = arena_alloc(arena, FORMAT_IDS)};
    if (!styles->formats)
        return arena_error(arena);
    for (size_t i = 0; i < ARRAY_COUNT(built_in); i++)
        memset(styles->formats + built_in[i].first, built_in[i].kind,
               (size_t)(built_in[i].last - built_in[i].first + 1));
    return NULL;
}

void number_styles_define(NumberStyles *styles, uint64_t id, Str code)
{
    if (id < FORMAT_IDS)
        styles->formats[id] = (uint8_t)format_kind(code);
}

Error *number_styles_add(NumberStyles *styles, uint64_t id)
{
    if (styles->style_count == styles->style_capacity) {
        size_t capacity = MAX(2 * styles->style_capacity, (size_t)64);
        uint8_t *grown = arena_grow(styles->arena, styles->styles, styles->style_capacity, capacity);
        if (!grown)
            return arena_error(styles->arena);
        styles->styles = grown;
        styles->style_capacity = capacity;
    }
    styles->styles[styles->style_count++] = id < FORMAT_IDS ? styles->formats[id] : FORMAT_NUMBER;
    return NULL;
}

FormatKind number_styles_kind(const NumberStyles *styles, uint64_t style)
{
    return style < styles->style_count ? (FormatKind)styles->styles[style] : FORMAT_NUMBER;
}

/* Days since the epoch, whose day 0 is the last of 1899, and whose day 60 never was; what is left of a day is a time. */
static bool date_of_serial(double serial, bool epoch_1904, Value *ret_value)
{
    enum { DAYS_1900 = -25569, DAYS_1904 = -24107, DAYS_YEAR_1 = -719162, DAYS_YEAR_10000 = 2932897 };
    double day = floor(serial), milliseconds = rint((serial - day) * DAY_MS);
    if (serial >= 0 && serial < 1 && milliseconds < DAY_MS) {
        *ret_value = (Value){.kind = VALUE_TIME, .time_us = (int64_t)milliseconds * 1000};
        return true;
    }
    if (serial > 0 && serial < 60 && !epoch_1904)
        day++;
    day += epoch_1904 ? DAYS_1904 : DAYS_1900;
    if (day < DAYS_YEAR_1 || day >= DAYS_YEAR_10000 - (milliseconds >= DAY_MS))
        return false;
    *ret_value = (Value){.kind = VALUE_DATE, .time_us = (int64_t)day * DAY_US + (int64_t)milliseconds * 1000};
    return true;
}

bool value_of_number(double real, FormatKind kind, bool epoch_1904, Value *ret_value)
{
    if (!isfinite(real))
        return false;
    if (kind == FORMAT_DATE)
        return date_of_serial(real, epoch_1904, ret_value);
    if (kind == FORMAT_DURATION) {
        if (fabs(real) >= 1e6) /* some 2700 years */
            return false;
        *ret_value = (Value){.kind = VALUE_DURATION, .time_us = (int64_t)rint(real * DAY_MS) * 1000};
        return true;
    }
    if (real == floor(real) && fabs(real) < 0x1p63)
        *ret_value = (Value){.kind = VALUE_WHOLE, .whole = (int64_t)real};
    else
        *ret_value = (Value){.kind = VALUE_REAL, .real = real};
    return true;
}
