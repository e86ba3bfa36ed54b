#include "document/sheets/value.h"

#include <math.h>
#include <stdio.h>

#include "base/time_text.h"
#include "document/builder.h"

enum {
    SEEN_WORD = 1,  /* text that is no number */
    SEEN_WHOLE = 2, /* also as text */
    SEEN_REAL = 4,  /* also as text */
    SEEN_TRUTH = 8,
    SEEN_YES_NO = 16, /* text that is a truth value; always with SEEN_WORD */
    SEEN_OTHER_WORD = 32,
    SEEN_DATE = 64,
    SEEN_TIME = 128,
    SEEN_DURATION = 256
};

#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)

bool value_is_missing_text(Str text)
{
    static const char *const names[] = {"",     "#N/A",   "#N/A N/A", "#NA",  "-1.#IND", "-1.#QNAN", "-NaN",
                                        "-nan", "1.#IND", "1.#QNAN",  "<NA>", "N/A",     "NA",       "NULL",
                                        "NaN",  "None",   "n/a",      "nan",  "null"};
    if (text.len > 8)
        return false;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_equal(text, str_of(names[i])))
            return true;
    }
    return false;
}

static bool looks_like_number(Str text)
{
    enum { NUMBER_MAX_BYTES = 63 };
    if (text.len == 0 || text.len > NUMBER_MAX_BYTES) /* asked of every cell, however long */
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if ((c < '0' || c > '9') && !strchr("+-.eE ", c))
            return false;
    }
    return true;
}

static bool text_is_whole(Str text, int64_t *ret_value)
{
    Str digits = str_trim(text);
    if (digits.len > 1 && digits.data[0] == '+' && digits.data[1] != '-')
        digits = str_slice(digits, 1, digits.len);
    return looks_like_number(text) && str_to_i64(digits, ret_value);
}

static bool text_is_real(Str text, double *ret_value)
{
    return looks_like_number(text) && str_to_double(str_trim(text), ret_value) && isfinite(*ret_value);
}

static bool text_is_truth(Str text, bool *ret_value)
{
    *ret_value = str_equal(text, STR("True")) || str_equal(text, STR("TRUE")) || str_equal(text, STR("true"));
    return *ret_value || str_equal(text, STR("False")) || str_equal(text, STR("FALSE"))
           || str_equal(text, STR("false"));
}

static bool value_is_whole(const Value *value, int64_t *ret_whole)
{
    if (value->kind == VALUE_TEXT)
        return text_is_whole(value->text, ret_whole);
    if (value->kind != VALUE_WHOLE && value->kind != VALUE_TRUTH)
        return false;
    *ret_whole = value->kind == VALUE_WHOLE ? value->whole : value->truth;
    return true;
}

static bool value_is_real(const Value *value, double *ret_real)
{
    int64_t whole;
    if (value->kind == VALUE_TEXT)
        return text_is_real(value->text, ret_real);
    if (value->kind == VALUE_REAL)
        *ret_real = value->real;
    else if (value_is_whole(value, &whole))
        *ret_real = (double)whole;
    else
        return false;
    return true;
}

static uint32_t text_evidence(Str text)
{
    int64_t whole;
    double real;
    bool truth;
    if (!looks_like_number(text))
        return SEEN_WORD | (text_is_truth(text, &truth) ? SEEN_YES_NO : SEEN_OTHER_WORD);
    if (text_is_whole(text, &whole))
        return SEEN_WHOLE;
    return text_is_real(text, &real) ? SEEN_REAL : SEEN_WORD | SEEN_OTHER_WORD;
}

void column_see(ColumnEvidence *evidence, const Value *value)
{
    evidence->values++;
    switch (value->kind) {
    case VALUE_TEXT:
        if (!(evidence->seen & SEEN_OTHER_WORD)) /* which settles it */
            evidence->seen |= text_evidence(value->text);
        break;
    case VALUE_WHOLE: evidence->seen |= SEEN_WHOLE; break;
    case VALUE_REAL: evidence->seen |= SEEN_REAL; break;
    case VALUE_TRUTH: evidence->seen |= SEEN_TRUTH; break;
    case VALUE_DATE: evidence->seen |= SEEN_DATE; break;
    case VALUE_TIME: evidence->seen |= SEEN_TIME; break;
    case VALUE_DURATION: evidence->seen |= SEEN_DURATION; break;
    }
}

ColumnKind column_kind(const ColumnEvidence *evidence, bool has_gaps)
{
    uint32_t seen = evidence->seen;
    if (seen == SEEN_DATE)
        return COLUMN_DATE;
    if (seen == SEEN_DURATION)
        return COLUMN_DURATION;
    if (seen == 0 || (seen & (SEEN_OTHER_WORD | SEEN_DATE | SEEN_TIME | SEEN_DURATION)))
        return COLUMN_MIXED;
    if (seen & SEEN_WORD)
        return seen & (SEEN_WHOLE | SEEN_REAL) ? COLUMN_MIXED : COLUMN_TRUTH;
    if ((seen & SEEN_REAL) || has_gaps)
        return COLUMN_REAL;
    return seen == SEEN_TRUTH ? COLUMN_TRUTH : COLUMN_WHOLE;
}

ColumnFormat column_format(ColumnKind kind)
{
    return (ColumnFormat){.kind = kind, .decimals = 1};
}

/* Characters before the point, and the digits behind it that `real` needs: at least one, up to six. */
static int decimals_needed(double real, int *ret_digits)
{
    char text[VALUE_TEXT_BYTES];
    if (fabs(real) < 1e9 && real == (double)(int64_t)real) { /* most are */
        int digits = real < 0 ? 2 : 1;
        for (int64_t rest = (int64_t)fabs(real); rest > 9; rest /= 10)
            digits++;
        *ret_digits = digits;
        return 1;
    }
    int len = snprintf(text, sizeof text, "%.6f", real), decimals = 6;
    *ret_digits = len - 7;
    while (decimals > 1 && text[--len] == '0')
        decimals--;
    return decimals;
}

void column_format_see(ColumnFormat *format, const Value *value)
{
    double real;
    if (format->kind == COLUMN_REAL && value_is_real(value, &real)) {
        int digits;
        format->decimals = MAX(format->decimals, decimals_needed(real, &digits));
        format->digits_max = MAX(format->digits_max, digits);
        format->has_large |= fabs(real) > 1e6;
        format->has_small |= real != 0 && fabs(real) < 1e-6;
    } else if (format->kind == COLUMN_DATE) {
        format->has_times |= value->time_us % DAY_US != 0;
        format->has_fractions |= value->time_us % SECOND_US != 0;
    } else if (format->kind == COLUMN_DURATION)
        format->has_fractions |= value->time_us % SECOND_US != 0;
}

/* Wider than 12 with numbers above a million, or too small to be seen. */
static bool is_scientific(const ColumnFormat *format)
{
    return format->has_small || (format->has_large && format->digits_max + 1 + format->decimals > 12);
}

static Str print_real_alone(double real, char formatted[VALUE_TEXT_BYTES])
{
    int len = snprintf(formatted, VALUE_TEXT_BYTES, "%.6f", real);
    if (real == floor(real)) /* beyond 64 bits: Python's integers have no end */
        return str_slice(str_of(formatted), 0, (size_t)len - 7);
    while (formatted[len - 1] == '0' && formatted[len - 2] != '.')
        len--;
    return (Str){formatted, (size_t)len};
}

/* The shortest digits that are this number, as Python's repr has them. */
static Str print_real_shortest(double real, char formatted[VALUE_TEXT_BYTES])
{
    char trial[32];
    int precision = 14;
    double again;
    do
        snprintf(trial, sizeof trial, "%.*e", precision++, real);
    while (precision < 17 && !(str_to_double(str_of(trial), &again) && again == real));
    int64_t exponent = 0;
    const char *sign = strchr(trial, 'e') + 1;
    (void)str_to_i64(str_of(*sign == '+' ? sign + 1 : sign), &exponent);
    if (exponent < -4 || exponent >= 16) {
        snprintf(formatted, VALUE_TEXT_BYTES, "%.*g", precision, real);
        return str_of(formatted);
    }
    int len = snprintf(formatted, VALUE_TEXT_BYTES, "%.*f", (int)MAX(precision - 1 - exponent, 1), real);
    while (formatted[len - 1] == '0' && formatted[len - 2] != '.')
        len--;
    return (Str){formatted, (size_t)len};
}

/* `decimals` of the seconds' fraction: 0, 3 or 6. */
static size_t print_clock(int64_t us, int decimals, int hour_digits, char *out, size_t size)
{
    int64_t seconds = us / SECOND_US;
    int len = snprintf(out, size, "%0*d", hour_digits, (int)(seconds / 3600));
    len += snprintf(out + len, size - (size_t)len, ":%02d:%02d", (int)(seconds / 60 % 60), (int)(seconds % 60));
    if (decimals == 3)
        len += snprintf(out + len, size - (size_t)len, ".%03d", (int)(us % SECOND_US / 1000));
    else if (decimals > 0)
        len += snprintf(out + len, size - (size_t)len, ".%06d", (int)(us % SECOND_US));
    return (size_t)len;
}

static int64_t day_of(int64_t us)
{
    return us / DAY_US - (us % DAY_US < 0);
}

static Str print_date(int64_t us, bool with_time, int decimals, char formatted[VALUE_TEXT_BYTES])
{
    enum { DATE_BYTES = 10 };
    int64_t day = day_of(us);
    time_iso8601(day * DAY_US, formatted);
    size_t len = DATE_BYTES;
    if (with_time) {
        formatted[len++] = ' ';
        len += print_clock(us - day * DAY_US, decimals, 2, formatted + len, VALUE_TEXT_BYTES - len);
    }
    return (Str){formatted, len};
}

/* "1 days 02:00:00", as pandas has it in a column of its own. */
static Str print_duration(int64_t us, bool with_fractions, char formatted[VALUE_TEXT_BYTES])
{
    int64_t day = day_of(us);
    size_t len = (size_t)snprintf(formatted, VALUE_TEXT_BYTES, day < 0 ? "%lld days +" : "%lld days ", (long long)day);
    len += print_clock(us - day * DAY_US, with_fractions ? 6 : 0, 2, formatted + len, VALUE_TEXT_BYTES - len);
    return (Str){formatted, len};
}

/* "1 day, 2:00:00", as Python has it. */
static Str print_duration_alone(int64_t us, char formatted[VALUE_TEXT_BYTES])
{
    int64_t day = day_of(us);
    size_t len = 0;
    if (day != 0)
        len = (size_t)snprintf(formatted, VALUE_TEXT_BYTES, "%lld day%s, ", (long long)day,
                               day == 1 || day == -1 ? "" : "s");
    len += print_clock(us - day * DAY_US, us % SECOND_US != 0 ? 6 : 0, 1, formatted + len, VALUE_TEXT_BYTES - len);
    return (Str){formatted, len};
}

static Str print_whole(int64_t whole, char formatted[VALUE_TEXT_BYTES])
{
    snprintf(formatted, VALUE_TEXT_BYTES, "%lld", (long long)whole);
    return str_of(formatted);
}

/* A value that no column rules: text as it stands. */
static Str print_mixed(const Value *value, char formatted[VALUE_TEXT_BYTES])
{
    int decimals = value->kind >= VALUE_DATE && value->time_us % SECOND_US != 0 ? 6 : 0;
    switch (value->kind) {
    case VALUE_TEXT: return value->text;
    case VALUE_WHOLE: return print_whole(value->whole, formatted);
    case VALUE_REAL: return print_real_alone(value->real, formatted);
    case VALUE_TRUTH: return value->truth ? STR("True") : STR("False");
    case VALUE_DATE: return print_date(value->time_us, true, decimals, formatted);
    case VALUE_DURATION: return print_duration_alone(value->time_us, formatted);
    case VALUE_TIME: break;
    }
    return (Str){formatted, print_clock(value->time_us, decimals, 2, formatted, VALUE_TEXT_BYTES)};
}

/* White space runs as one space; tabs and line ends, which pandas shows by name, first. */
MUST_USE static Error *clean_text(Arena *arena, Str text, Str *ret_text)
{
    char *out = arena_alloc_array(arena, text.len, 2);
    if (!out)
        return arena_error(arena);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *at = strchr("\tt\rr\nn", text.data[i]);
        bool named = text.data[i] == '\t' || text.data[i] == '\r' || text.data[i] == '\n';
        if (named)
            out[len++] = '\\';
        out[len++] = named ? at[1] : text.data[i];
    }
    return arena_collapse_space(arena, (Str){out, len}, ret_text);
}

static bool has_space_to_clean(Str text)
{
    bool before = true;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool space = c == ' ';
        if ((space && before) || (c < ' ') || c >= 0xC2)
            return true;
        before = space;
    }
    return before;
}

/* A number or time of a column that has only such. False for what is printed as if alone. */
static bool print_in_column(const Value *value, const ColumnFormat *format, char formatted[VALUE_TEXT_BYTES],
                            Str *ret_text)
{
    int64_t whole;
    double real;
    bool truth;
    if (format->kind == COLUMN_WHOLE && value_is_whole(value, &whole))
        *ret_text = print_whole(whole, formatted);
    else if (format->kind == COLUMN_REAL && value_is_real(value, &real)) {
        bool scientific = is_scientific(format);
        snprintf(formatted, VALUE_TEXT_BYTES, scientific ? "%.*e" : "%.*f", scientific ? 6 : format->decimals, real);
        *ret_text = str_of(formatted);
    } else if (format->kind == COLUMN_TRUTH && value->kind == VALUE_TEXT && text_is_truth(value->text, &truth))
        *ret_text = truth ? STR("True") : STR("False");
    else if (format->kind == COLUMN_DATE)
        *ret_text = print_date(value->time_us, format->has_times, format->has_fractions ? 3 : 0, formatted);
    else if (format->kind == COLUMN_DURATION)
        *ret_text = print_duration(value->time_us, format->has_fractions, formatted);
    else
        return false;
    return true;
}

Error *value_print(const Value *value, const ColumnFormat *format, Arena *arena, char formatted[VALUE_TEXT_BYTES],
                   Str *ret_text)
{
    if (!value) {
        bool named = format->kind == COLUMN_DATE || format->kind == COLUMN_DURATION;
        *ret_text = named ? STR("NaT") : STR_EMPTY; /* "not a time" */
        return NULL;
    }
    if (print_in_column(value, format, formatted, ret_text))
        return NULL;
    *ret_text = print_mixed(value, formatted);
    if (value->kind == VALUE_TEXT && has_space_to_clean(value->text))
        return clean_text(arena, value->text, ret_text);
    return NULL;
}

Str value_print_alone(const Value *value, ColumnKind kind, char formatted[VALUE_TEXT_BYTES])
{
    ColumnFormat format = column_format(kind);
    double real;
    Str text;
    if (kind == COLUMN_REAL && value_is_real(value, &real))
        return print_real_shortest(real, formatted);
    if (kind == COLUMN_DURATION)
        format.has_fractions = value->time_us % SECOND_US != 0;
    if (kind != COLUMN_DATE && print_in_column(value, &format, formatted, &text))
        return text;
    if (value->kind == VALUE_REAL && value->real != floor(value->real))
        return print_real_shortest(value->real, formatted);
    return print_mixed(value, formatted);
}
