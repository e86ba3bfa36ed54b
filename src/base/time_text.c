#include "base/time_text.h"

#include <stdio.h>
#include <time.h>

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static struct tm broken_down(int64_t time_us, int64_t *ret_fraction_us)
{
    int64_t seconds = time_us / 1000000, fraction = time_us % 1000000;
    if (fraction < 0) {
        fraction += 1000000;
        seconds--;
    }
    struct tm parts = {0};
    gmtime_r(&(time_t){seconds}, &parts);
    *ret_fraction_us = fraction;
    return parts;
}

static Str finished(const char *out, int len)
{
    return (Str){out, (size_t)MIN(MAX(len, 0), TIME_TEXT_BYTES - 1)};
}

Str time_iso8601(int64_t time_us, char out[TIME_TEXT_BYTES])
{
    int64_t fraction;
    struct tm t = broken_down(time_us, &fraction);
    char digits[24] = "";
    if (fraction)
        snprintf(digits, sizeof digits, ".%06lld", (long long)fraction);
    return finished(out, snprintf(out, TIME_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", t.tm_year + 1900,
                                  t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, digits));
}

Str time_basic(int64_t time_us, char out[TIME_TEXT_BYTES])
{
    int64_t fraction;
    struct tm t = broken_down(time_us, &fraction);
    return finished(out, snprintf(out, TIME_TEXT_BYTES, "%04d%02d%02dT%02d%02d%02dZ", t.tm_year + 1900, t.tm_mon + 1,
                                  t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec));
}

Str time_http(int64_t time_us, char out[TIME_TEXT_BYTES])
{
    int64_t fraction;
    struct tm t = broken_down(time_us, &fraction);
    return finished(out, snprintf(out, TIME_TEXT_BYTES, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + t.tm_wday * 3,
                                  t.tm_mday, months + t.tm_mon * 3, t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec));
}

Str time_duration(int64_t duration_us, char out[TIME_TEXT_BYTES])
{
    long long seconds = (MIN(duration_us, INT64_MAX - 50000) + 50000) / 1000000; /* 59.96 s is "1 min 00 s" */
    int len;
    if (seconds < 60)
        len = snprintf(out, TIME_TEXT_BYTES, "%.1f s", (double)duration_us / 1e6);
    else if (seconds < 3600)
        len = snprintf(out, TIME_TEXT_BYTES, "%lld min %02lld s", seconds / 60, seconds % 60);
    else
        len = snprintf(out, TIME_TEXT_BYTES, "%lld h %02lld min", seconds / 3600, seconds / 60 % 60);
    return finished(out, len);
}

/* Takes exactly `digits` digits from the front. */
static bool take_number(Str *text, unsigned digits, int *ret_value)
{
    int value = 0;
    if (text->len < digits)
        return false;
    for (unsigned i = 0; i < digits; i++) {
        if (text->data[i] < '0' || text->data[i] > '9')
            return false;
        value = value * 10 + (text->data[i] - '0');
    }
    *text = str_slice(*text, digits, text->len);
    *ret_value = value;
    return true;
}

static bool take_char(Str *text, char c)
{
    if (text->len == 0 || text->data[0] != c)
        return false;
    *text = str_slice(*text, 1, text->len);
    return true;
}

static int days_in_month(int year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return lengths[month - 1] + (month == 2 && leap);
}

/* Seconds since the epoch; false outside the calendar. A leap second counts as the next one. */
static bool to_seconds(int year, int month, int day, int hour, int minute, int second, int64_t *ret_seconds)
{
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 || minute > 59
        || second > 60)
        return false;
    struct tm t = {.tm_year = year - 1900,
                   .tm_mon = month - 1,
                   .tm_mday = day,
                   .tm_hour = hour,
                   .tm_min = minute,
                   .tm_sec = second};
    *ret_seconds = timegm(&t);
    return true;
}

/* Microseconds from the digits after a decimal point; more than six are cut. */
static bool take_fraction(Str *text, int *ret_us)
{
    int us = 0, scale = 100000, taken = 0;
    while (text->len && text->data[0] >= '0' && text->data[0] <= '9') {
        us += (text->data[0] - '0') * scale;
        scale /= 10;
        taken++;
        *text = str_slice(*text, 1, text->len);
    }
    *ret_us = us;
    return taken > 0;
}

/* What follows the time: nothing, Z, or an offset. `*ret_seconds` is to be subtracted. */
static bool take_zone(Str *text, int64_t *ret_seconds)
{
    int hours, minutes = 0;
    *ret_seconds = 0;
    if (text->len == 0 || take_char(text, 'Z') || take_char(text, 'z'))
        return true;
    bool negative = text->data[0] == '-';
    if (!take_char(text, negative ? '-' : '+') || !take_number(text, 2, &hours))
        return false;
    bool colon = take_char(text, ':');
    if ((text->len || colon) && !take_number(text, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *ret_seconds = (negative ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

bool time_parse_iso8601(Str text, int64_t *ret_time_us)
{
    int year, month, day, hour = 0, minute = 0, second = 0, us = 0;
    int64_t seconds, zone = 0;
    if (!take_number(&text, 4, &year) || !take_char(&text, '-') || !take_number(&text, 2, &month)
        || !take_char(&text, '-') || !take_number(&text, 2, &day))
        return false;
    if (text.len) {
        if (!take_char(&text, 'T') && !take_char(&text, 't') && !take_char(&text, ' '))
            return false;
        if (!take_number(&text, 2, &hour) || !take_char(&text, ':') || !take_number(&text, 2, &minute))
            return false;
        if (take_char(&text, ':')) {
            if (!take_number(&text, 2, &second) || (take_char(&text, '.') && !take_fraction(&text, &us)))
                return false;
        }
        if (!take_zone(&text, &zone))
            return false;
    }
    if (text.len || !to_seconds(year, month, day, hour, minute, second, &seconds))
        return false;
    *ret_time_us = (seconds - zone) * 1000000 + us;
    return true;
}

bool time_parse_http(Str text, int64_t *ret_time_us)
{
    int day, month = 0, year, hour, minute, second;
    int64_t seconds;
    if (text.len != 29 || !str_equal(str_slice(text, 3, 5), STR(", ")))
        return false;
    text = str_slice(text, 5, text.len); /* the day of the week is redundant */
    if (!take_number(&text, 2, &day) || !take_char(&text, ' '))
        return false;
    for (int i = 0; i < 12; i++)
        if (str_starts_with(text, (Str){months + (size_t)i * 3, 3}))
            month = i + 1;
    text = str_slice(text, 3, text.len);
    if (!take_char(&text, ' ') || !take_number(&text, 4, &year) || !take_char(&text, ' ')
        || !take_number(&text, 2, &hour) || !take_char(&text, ':') || !take_number(&text, 2, &minute)
        || !take_char(&text, ':') || !take_number(&text, 2, &second))
        return false;
    if (!str_equal(text, STR(" GMT")) || !to_seconds(year, month, day, hour, minute, second, &seconds))
        return false;
    *ret_time_us = seconds * 1000000;
    return true;
}

Str size_text(uint64_t size_bytes, char out[TIME_TEXT_BYTES])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (size_bytes < 1024)
        return finished(out, snprintf(out, TIME_TEXT_BYTES, "%llu B", (unsigned long long)size_bytes));
    double value = (double)size_bytes / 1024;
    size_t unit = 0;
    while (value >= 1023.95 && unit + 1 < ARRAY_COUNT(units)) {
        value /= 1024;
        unit++;
    }
    return finished(out, snprintf(out, TIME_TEXT_BYTES, "%.1f %s", value, units[unit]));
}
