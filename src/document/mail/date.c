/* Dates of mail as people's programs write them, RFC 5322 3.3 first. */
#include <stdio.h>
#include <string.h>

#include "base/time_text.h"
#include "document/mail/header.h"

/* What is known of a date so far; -1: nothing. */
typedef struct DateParts {
    int year, month, day;
    int hour, minute, second;
    int zone_minutes;
    bool has_time, has_zone;
} DateParts;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A name of three letters or one that begins so: 0 is the first of `names`. -1: none. */
static int find_name(Str word, const char *names)
{
    for (int i = 0; names[i * 3]; i++) {
        if (word.len >= 3 && str_equal_nocase(str_slice(word, 0, 3), str_from(names + i * 3, 3)))
            return i;
    }
    return -1;
}

static bool take_word(DateParts *date, Str word)
{
    static const struct {
        const char *name;
        int hours;
    } zones[] = {{"GMT", 0},  {"UT", 0},   {"UTC", 0},  {"Z", 0},    {"EST", -5}, {"EDT", -4},
                 {"CST", -6}, {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};
    for (size_t i = 0; i < ARRAY_COUNT(zones); i++) {
        if (str_equal_nocase(word, str_of(zones[i].name))) {
            date->zone_minutes = zones[i].hours * 60;
            date->has_zone = true;
            return true;
        }
    }
    bool pm = str_equal_nocase(word, STR("PM"));
    if (pm || str_equal_nocase(word, STR("AM"))) {
        date->hour = date->hour % 12 + (pm ? 12 : 0);
        return date->has_time;
    }
    int month = find_name(word, "JanFebMarAprMayJunJulAugSepOctNovDec");
    if (month >= 0 && date->month < 0) {
        date->month = month + 1;
        return true;
    }
    return find_name(word, "MonTueWedThuFriSatSun") >= 0;
}

/* hh:mm or hh:mm:ss, a fraction behind it left out. */
static bool take_time(DateParts *date, Str text)
{
    int *const fields[] = {&date->hour, &date->minute, &date->second};
    Str piece;
    text = str_slice(text, 0, MIN(str_find_char(text, '.'), text.len));
    for (unsigned i = 0; str_next_piece(&text, ':', &piece); i++) {
        uint64_t value;
        if (i == ARRAY_COUNT(fields) || !str_to_u64(piece, &value) || value > 60)
            return false;
        *fields[i] = (int)value;
    }
    return date->has_time = true;
}

/* +hhmm, +hh:mm, without the sign. */
static bool take_zone(DateParts *date, Str digits, bool west)
{
    char plain[8] = "";
    size_t len = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] != ':' && len < 4)
            plain[len++] = digits.data[i];
    }
    uint64_t value;
    if (len != 4 || digits.len > 5 || !str_to_u64(str_from(plain, 4), &value))
        return false;
    date->zone_minutes = (int)(value / 100 * 60 + value % 100) * (west ? -1 : 1);
    return date->has_zone = true;
}

static bool take_number(DateParts *date, Str digits)
{
    uint64_t value;
    if (digits.len > 4 || !str_to_u64(digits, &value))
        return false;
    if (date->day < 0 && digits.len <= 2) {
        date->day = (int)value;
        return true;
    }
    if (date->year >= 0)
        return false;
    date->year = (int)(digits.len > 2 ? value : value < 69 ? value + 2000 : value + 1900);
    return true;
}

/* A date in numbers: the year first, or last; then the month comes before the day unless it cannot. */
static bool take_numeric_date(DateParts *date, const uint64_t numbers[3])
{
    bool year_first = numbers[0] > 31, day_first = numbers[0] > 12;
    uint64_t year = numbers[year_first ? 0 : 2], month = numbers[year_first || day_first ? 1 : 0];
    uint64_t day = year_first ? numbers[2] : numbers[day_first ? 0 : 1];
    date->year = (int)(year > 99 ? year : year < 69 ? year + 2000 : year + 1900);
    date->month = (int)month;
    date->day = (int)day;
    return true;
}

/* Three numbers with the same mark between them, a date or, behind one, hours with full stops; `*at` is then behind them. */
static bool take_triplet(DateParts *date, Str text, size_t *at)
{
    uint64_t numbers[3];
    size_t end = *at;
    char mark = '\0';
    for (unsigned i = 0; i < 3; i++) {
        size_t start = end;
        while (end < text.len && is_digit(text.data[end]))
            end++;
        if (end - start > 4 || !str_to_u64(str_slice(text, start, end), &numbers[i]))
            return false;
        if (i == 2)
            break;
        if (end == text.len || !strchr("/-.", text.data[end]) || (i == 1 && text.data[end] != mark))
            return false;
        mark = text.data[end++];
    }
    if (end < text.len && (is_letter(text.data[end]) || text.data[end] == ':'))
        return false;
    bool dated = date->year >= 0 || date->month >= 0 || date->day >= 0;
    if (dated && (mark != '.' || date->has_time || numbers[0] > 24 || numbers[1] > 60 || numbers[2] > 60))
        return false;
    *at = end;
    if (!dated)
        return take_numeric_date(date, numbers);
    date->hour = (int)numbers[0];
    date->minute = (int)numbers[1];
    date->second = (int)numbers[2];
    return date->has_time = true;
}

/* Behind the characters of a kind at `at`. */
static size_t run_end(Str text, size_t at, bool letters)
{
    while (at < text.len
           && (letters ? is_letter(text.data[at])
                       : is_digit(text.data[at]) || text.data[at] == ':' || text.data[at] == '.'))
        at++;
    return at;
}

/* Takes what stands at `*at`; false on what no date has. */
static bool take_part(DateParts *date, Str text, size_t *at)
{
    char c = text.data[*at];
    size_t start = *at;
    if (c == '(') { /* a comment: the name of the zone */
        *at = MIN(str_find_char(str_slice(text, start, text.len), ')'), text.len - start - 1) + start + 1;
        return true;
    }
    if (is_digit(c) && take_triplet(date, text, at))
        return true;
    bool sign = (c == '+' || c == '-') && date->has_time && start + 1 < text.len && is_digit(text.data[start + 1]);
    if (sign || is_digit(c)) {
        *at = run_end(text, start + sign, false);
        Str digits = str_slice(text, start + sign, *at);
        if (sign)
            return date->has_zone || take_zone(date, digits, c == '-');
        return str_find_char(digits, ':') != SIZE_MAX ? take_time(date, digits) : take_number(date, digits);
    }
    if (is_letter(c)) {
        *at = run_end(text, start, true);
        return take_word(date, str_slice(text, start, *at));
    }
    ++*at;
    return c == ' ' || c == '\t' || c == ',' || c == '-' || c == '.';
}

static bool parse_date(Str text, int64_t *ret_time_us)
{
    DateParts date = {.year = -1, .month = -1, .day = -1};
    for (size_t at = 0; at < text.len;) {
        if (!take_part(&date, text, &at))
            return false;
    }
    if (date.year < 0 || date.month < 0 || date.day < 0)
        return false;
    char iso[64];
    int zone = date.zone_minutes, size = zone < 0 ? -zone : zone;
    int len = snprintf(iso, sizeof iso, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", date.year, date.month, date.day,
                       date.hour, date.minute, MIN(date.second, 59), zone < 0 ? '-' : '+', size / 60, size % 60);
    return len > 0 && time_parse_iso8601(str_from(iso, (size_t)len), ret_time_us);
}

Error *mail_header_date(Str value, Arena *arena, Str *ret_text)
{
    Str text;
    int64_t time_us;
    char iso[TIME_TEXT_BYTES];
    *ret_text = STR_EMPTY;
    TRY(mail_header_text(value, arena, &text));
    text = str_trim(text);
    if (!time_parse_iso8601(text, &time_us) && !parse_date(text, &time_us))
        return NULL;
    Str utc = str_slice(time_iso8601(time_us, iso), 0, sizeof "YYYY-MM-DDThh:mm:ss" - 1);
    ret_text->data = arena_format(arena, STR_FMT "+00:00", STR_ARG(utc));
    ret_text->len = utc.len + 6;
    return ret_text->data ? NULL : arena_error(arena);
}
