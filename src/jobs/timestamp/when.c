#include "jobs/timestamp/when.h"

#include <stdint.h>

enum { DAY_SECONDS = 86400, YEAR_MAX = 9999 };

typedef struct Cursor {
    Str text;
    size_t at;
} Cursor;

static char peek(const Cursor *c)
{
    return c->at < c->text.len ? c->text.data[c->at] : 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take(Cursor *c, char wanted)
{
    bool there = c->at < c->text.len && peek(c) == wanted;
    c->at += there;
    return there;
}

/* Between `least` and `most` digits, as many as there are. */
static bool take_number(Cursor *c, unsigned least, unsigned most, int *ret)
{
    unsigned digits = 0;
    for (*ret = 0; digits < most && is_digit(peek(c)); digits++)
        *ret = *ret * 10 + (c->text.data[c->at++] - '0');
    return digits >= least;
}

/* Two digits or one; of a day also a blank and one. */
static bool take_day(Cursor *c, int *ret)
{
    bool blank = take(c, ' ');
    return take_number(c, 1, blank ? 1 : 2, ret);
}

/* 'T', or the run of white space of the fourth form. */
static bool take_separator(Cursor *c, bool *ret_blank)
{
    size_t before = c->at;
    *ret_blank = false;
    if (take(c, 'T') || take(c, 't'))
        return true;
    while (peek(c) == ' ' || (peek(c) >= '\t' && peek(c) <= '\r'))
        c->at++;
    *ret_blank = c->at > before;
    return *ret_blank;
}

typedef struct Date {
    int year, month, day, hour, minute, second;
} Date;

static bool take_date(Cursor *c, Date *d, bool *ret_blank)
{
    return take_number(c, 4, 4, &d->year) && take(c, '-') && take_number(c, 1, 2, &d->month) && take(c, '-')
           && take_day(c, &d->day) && take_separator(c, ret_blank) && take_number(c, 1, 2, &d->hour) && take(c, ':')
           && take_number(c, 1, 2, &d->minute) && take(c, ':') && take_number(c, 1, 2, &d->second);
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool exists(const Date *d)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (d->year < 1 || d->month < 1 || d->month > 12 || d->day < 1 || d->hour > 23 || d->minute > 59 || d->second > 59)
        return false;
    return d->day <= days[d->month - 1] + (d->month == 2 && is_leap(d->year));
}

/* Of the proleptic Gregorian calendar: days from civil, Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms". */
static int64_t seconds_of(const Date *d)
{
    int64_t year = d->year - (d->month <= 2);
    int64_t era = year / 400, year_of_era = year % 400;
    int64_t day_of_year = (153 * (d->month + (d->month > 2 ? -3 : 9)) + 2) / 5 + d->day - 1;
    int64_t days = era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
    return days * DAY_SECONDS + d->hour * 3600 + d->minute * 60 + d->second;
}

/* "+HH:MM", "+HHMM", either with ":SS" or "SS" and a fraction; the colons all or none. The fraction of a second that it makes of
 * the time is cut off, so an eastern one counts as a whole second. */
static bool take_offset(Cursor *c, int *ret_seconds)
{
    int hours, minutes, seconds = 0, fraction = 0;
    bool west = peek(c) == '-';
    if (!take(c, '+') && !take(c, '-'))
        return false;
    if (!take_number(c, 2, 2, &hours))
        return false;
    bool colon = take(c, ':');
    if (!take_number(c, 2, 2, &minutes) || minutes > 59)
        return false;
    if (c->at < c->text.len) {
        if (take(c, ':') != colon || !take_number(c, 2, 2, &seconds) || seconds > 59)
            return false;
        if (take(c, '.') && !take_number(c, 1, 6, &fraction))
            return false;
    }
    int offset = hours * 3600 + minutes * 60 + seconds;
    *ret_seconds = west ? -offset : offset + (fraction > 0);
    return hours < 24;
}

bool when_parse(Str text, int64_t *ret_seconds)
{
    static const Date first = {.year = 1, .month = 1, .day = 1}, last = {YEAR_MAX, 12, 31, 23, 59, 59};
    Cursor c = {.text = text};
    Date date;
    bool blank;
    int offset = 0;
    if (!take_date(&c, &date, &blank) || !exists(&date))
        return false;
    if (!blank && !take(&c, 'Z') && !take(&c, 'z') && c.at < text.len && !take_offset(&c, &offset))
        return false;
    *ret_seconds = seconds_of(&date) - offset;
    return c.at == text.len && *ret_seconds >= seconds_of(&first) && *ret_seconds <= seconds_of(&last);
}
