#include "document/clean/extract.h"

#include "document/chars.h"
#include "document/clean/cleaner.h"

/* What has been found; grows in the arena. */
typedef struct Found {
    Arena *arena;
    StrList list;
    size_t capacity;
} Found;

MUST_USE static Error *add_found(Found *found, Str item)
{
    if (found->list.count == found->capacity) {
        size_t capacity = found->capacity ? 2 * found->capacity : 8;
        Str *items =
            arena_grow(found->arena, found->list.items, found->capacity * sizeof *items, capacity * sizeof *items);
        if (!items)
            return arena_error(found->arena);
        found->list.items = items;
        found->capacity = capacity;
    }
    found->list.items[found->list.count++] = item;
    return NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_letter(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

/* Where a run of bytes of one class ends. */
static size_t skip_while(Str text, size_t at, bool (*is_member)(char c))
{
    while (at < text.len && is_member(text.data[at]))
        at++;
    return at;
}

static bool byte_at(Str text, size_t at, char c)
{
    return at < text.len && text.data[at] == c;
}

/* ---- e-mail addresses: [a-z0-9.\-+_]+@[a-z0-9.\-+_]+\.[a-z]+ ---- */

static bool is_mail_char(char c)
{
    return is_lower(c) || is_digit(c) || c == '.' || c == '-' || c == '+' || c == '_';
}

/* Where the host that begins at `at` ends: behind the letters of its last dot that has some; 0: it has no such dot. */
static size_t host_end(Str text, size_t at)
{
    size_t end = skip_while(text, at, is_mail_char);
    for (size_t dot = end; dot-- > at + 1;) {
        if (text.data[dot] == '.' && dot + 1 < end && is_lower(text.data[dot + 1]))
            return skip_while(text, dot + 1, is_lower);
    }
    return 0;
}

MUST_USE static Error *find_email_addresses(Str text, Found *found)
{
    CLEANUP(buffer_done) Buffer lower = {0};
    TRY(clean_lowercase(text, &lower));
    text = arena_str(found->arena, buffer_str(&lower));
    if (!text.data)
        return arena_error(found->arena);
    for (size_t at = 0; at < text.len;) {
        size_t name = at;
        at = skip_while(text, at, is_mail_char);
        size_t end = at > name && byte_at(text, at, '@') ? host_end(text, at + 1) : 0;
        if (end > 0)
            TRY(add_found(found, str_slice(text, name, end)));
        at = end > 0 ? end : at + 1;
    }
    return NULL;
}

/* ---- IP addresses ---- */

/* `\d`: a digit of any script. */
static bool take_digit(Str text, size_t *at)
{
    unsigned classes;
    size_t next = *at;
    if (next >= text.len)
        return false;
    chars_next(text, &next, &classes);
    if (!(classes & CHAR_DIGIT))
        return false;
    *at = next;
    return true;
}

static bool take_byte(Str text, size_t *at, char first, char last)
{
    if (*at >= text.len || text.data[*at] < first || text.data[*at] > last)
        return false;
    ++*at;
    return true;
}

/* The ways to read a part of 0 to 255, in the order in which they are tried. */
enum { OCTET_FORMS = 5 };
static bool take_octet(Str text, int form, size_t *at)
{
    switch (form) {
    case 0: return take_byte(text, at, '2', '2') && take_byte(text, at, '5', '5') && take_byte(text, at, '0', '5');
    case 1: return take_byte(text, at, '2', '2') && take_byte(text, at, '0', '4') && take_digit(text, at);
    case 2: return take_byte(text, at, '1', '1') && take_digit(text, at) && take_digit(text, at);
    case 3: return take_byte(text, at, '1', '9') && take_digit(text, at);
    default: return take_digit(text, at);
    }
}

/* A part at `*at`, with a dot behind it if one is wanted. */
static bool take_part(Str text, bool dot, size_t *at)
{
    for (int form = 0; form < OCTET_FORMS; form++) {
        size_t next = *at;
        if (take_octet(text, form, &next) && (!dot || take_byte(text, &next, '.', '.'))) {
            *at = next;
            return true;
        }
    }
    return false;
}

static bool take_ipv4(Str text, size_t *at)
{
    for (int part = 0; part < 4; part++) {
        if (!take_part(text, part < 3, at))
            return false;
    }
    return true;
}

static bool take_ipv6(Str text, size_t *at)
{
    for (int part = 0; part < 5; part++) {
        for (int i = 0; i < 4; i++) {
            if (!take_byte(text, at, 'a', 'z') && !take_byte(text, at, '0', '9'))
                return false;
        }
        bool colons = part == 4 || (take_byte(text, at, ':', ':') && (part > 0 || take_byte(text, at, ':', ':')));
        if (!colons)
            return false;
    }
    take_byte(text, at, '%', '%');
    *at = skip_while(text, *at, is_digit);
    return true;
}

MUST_USE static Error *find_ip_addresses(Str text, Found *found)
{
    for (size_t at = 0; at < text.len;) {
        size_t v4 = at, v6 = at;
        size_t end = take_ipv4(text, &v4) ? v4 : take_ipv6(text, &v6) ? v6 : 0;
        if (end > 0)
            TRY(add_found(found, str_slice(text, at, end)));
        at = end > 0 ? end : at + 1;
    }
    return NULL;
}

static bool is_name_char(char c)
{
    return is_letter(c) || is_digit(c) || c == '-';
}

/* [a-zA-Z0-9-]*\.[a-zA-Z]*\.[a-zA-Z]* */
MUST_USE static Error *find_ip_address_names(Str text, Found *found)
{
    for (size_t at = 0; at < text.len;) {
        size_t name = at, first = skip_while(text, at, is_name_char);
        size_t second = byte_at(text, first, '.') ? skip_while(text, first + 1, is_letter) : first;
        bool whole = second > first && byte_at(text, second, '.');
        at = whole ? skip_while(text, second + 1, is_letter) : first + 1;
        if (whole)
            TRY(add_found(found, str_slice(text, name, at)));
    }
    return NULL;
}

/* [0-9]*\.[0-9]*\.[0-9]*\.[0-9]*; */
MUST_USE static Error *find_mapi_ids(Str text, Found *found)
{
    for (size_t at = 0; at < text.len;) {
        size_t begin = at, first = skip_while(text, at, is_digit), end = first, dots = 0;
        for (; dots < 3 && byte_at(text, end, '.'); dots++)
            end = skip_while(text, end + 1, is_digit);
        bool whole = dots == 3 && byte_at(text, end, ';');
        if (whole)
            TRY(add_found(found, str_slice(text, begin, end)));
        at = whole ? end + 1 : first + 1;
    }
    return NULL;
}

/* ---- times ---- */

static bool take_space(Str text, size_t *at)
{
    unsigned classes;
    size_t next = *at;
    if (next >= text.len)
        return false;
    chars_next(text, &next, &classes);
    if (!(classes & CHAR_SPACE))
        return false;
    *at = next;
    return true;
}

/* Up to `digits` digits of ASCII, at least `digits_min`. */
static bool take_number(Str text, size_t digits_min, size_t digits, size_t *at, int *ret_value)
{
    size_t count = 0;
    *ret_value = 0;
    for (; count < digits && *at < text.len && is_digit(text.data[*at]); count++)
        *ret_value = 10 * *ret_value + (text.data[(*at)++] - '0');
    return count >= digits_min;
}

static bool take_letters(Str text, size_t *at, Str *ret_letters)
{
    size_t from = *at;
    while (*at - from < 3 && *at < text.len && is_letter(text.data[*at]))
        ++*at;
    *ret_letters = str_slice(text, from, *at);
    return ret_letters->len == 3;
}

typedef struct MailTime {
    Str weekday, month;
    int day, year, hour, minute, second, zone_hours, zone_minutes;
    char zone_sign;
} MailTime;

/* [A-Za-z]{3},\s\d{1,2}\s[A-Za-z]{3}\s\d{4}\s\d{2}:\d{2}:\d{2}\s[+-]\d{4} */
static bool take_mail_time(Str text, size_t at, MailTime *t)
{
    bool date = take_letters(text, &at, &t->weekday) && take_byte(text, &at, ',', ',') && take_space(text, &at)
                && take_number(text, 1, 2, &at, &t->day) && take_space(text, &at) && take_letters(text, &at, &t->month)
                && take_space(text, &at) && take_number(text, 4, 4, &at, &t->year) && take_space(text, &at);
    if (!date || !take_number(text, 2, 2, &at, &t->hour) || !take_byte(text, &at, ':', ':')
        || !take_number(text, 2, 2, &at, &t->minute) || !take_byte(text, &at, ':', ':')
        || !take_number(text, 2, 2, &at, &t->second) || !take_space(text, &at))
        return false;
    t->zone_sign = at < text.len ? text.data[at++] : 0;
    return (t->zone_sign == '+' || t->zone_sign == '-') && take_number(text, 2, 2, &at, &t->zone_hours)
           && take_number(text, 2, 2, &at, &t->zone_minutes);
}

/* Its place in `names`, three letters each, from 1; 0: it is none of them. */
static int name_number(Str name, const char *names)
{
    for (int i = 0; names[3 * i]; i++) {
        if (str_equal_nocase(name, (Str){names + 3 * i, 3}))
            return i + 1;
    }
    return 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

/* The day of the week may be another one than the date's. */
static bool is_time(const MailTime *t, int *ret_month)
{
    *ret_month = name_number(t->month, "JanFebMarAprMayJunJulAugSepOctNovDec");
    return *ret_month > 0 && name_number(t->weekday, "MonTueWedThuFriSatSun") > 0 && t->year > 0 && t->day > 0
           && t->day <= days_in_month(t->year, *ret_month) && t->hour < 24 && t->minute < 60 && t->second < 60
           && t->zone_hours < 24 && t->zone_minutes < 60;
}

MUST_USE static Error *find_datetimetz(Str text, Found *found)
{
    MailTime t = {0};
    int month;
    size_t at = 0;
    while (at < text.len && !take_mail_time(text, at, &t))
        at++;
    if (at >= text.len || !is_time(&t, &month))
        return NULL;
    bool utc = t.zone_hours == 0 && t.zone_minutes == 0;
    const char *iso = arena_format(found->arena, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", t.year, month, t.day,
                                   t.hour, t.minute, t.second, utc ? '+' : t.zone_sign, t.zone_hours, t.zone_minutes);
    return iso ? add_found(found, str_of(iso)) : arena_error(found->arena);
}

/* ---- telephone numbers, read backwards:
 *      (?:\+?(\d{1,3}))?[-. (]*(\d{3})?[-. )]*(\d{3})[-. ]*(\d{4})(?: *x(\d+))?\s*$ ---- */

/* Moves `*at` back over up to `digits` digits; gives how many. */
static size_t back_digits(Str text, size_t *at, size_t digits)
{
    size_t count = 0, start;
    while (count<digits && * at> 0 && (char_classes(chars_before(text, *at, &start)) & CHAR_DIGIT)) {
        *at = start;
        count++;
    }
    return count;
}

static size_t back_over(Str text, size_t at, const char *characters)
{
    while (at > 0 && text.data[at - 1] && strchr(characters, text.data[at - 1]))
        at--;
    return at;
}

/* The leftmost start of what may stand in front of the last two groups: a country, when its digits end at `at`. */
static size_t country_start(Str text, size_t at)
{
    bool country = back_digits(text, &at, 3) > 0;
    return country && at > 0 && text.data[at - 1] == '+' ? at - 1 : at;
}

/* The leftmost start of a number whose last four digits end at `end`; SIZE_MAX: there is none. */
static size_t number_start(Str text, size_t end)
{
    if (back_digits(text, &end, 4) < 4)
        return SIZE_MAX;
    end = back_over(text, end, "-. ");
    if (back_digits(text, &end, 3) < 3)
        return SIZE_MAX;
    size_t area = back_over(text, end, "-. )");
    size_t without = country_start(text, back_over(text, area, "-. ("));
    size_t with = area;
    if (back_digits(text, &with, 3) < 3)
        return without;
    with = country_start(text, back_over(text, with, "-. ("));
    return with < without ? with : without;
}

MUST_USE static Error *find_us_phone_number(Str text, Found *found)
{
    text = chars_trim(text);
    size_t start = number_start(text, text.len), before_x = text.len;
    if (back_digits(text, &before_x, SIZE_MAX) > 0 && before_x > 0 && text.data[before_x - 1] == 'x') {
        size_t extended = number_start(text, back_over(text, before_x - 1, " "));
        start = extended < start ? extended : start;
    }
    return start == SIZE_MAX ? NULL : add_found(found, chars_trim(str_slice(text, start, text.len)));
}

MUST_USE static Error *find_ordered_bullets(Str text, Found *found)
{
    Str parts[ORDERED_PARTS], rest;
    size_t count = ordered_bullet(text, parts, &rest);
    for (size_t i = 0; i < count; i++)
        TRY(add_found(found, parts[i]));
    return NULL;
}

/* ---- URLs of images, in any case: https?://[CLASS]+(/[CLASS]*)*\.(jpg|jpeg|png|gif|bmp|heic) ---- */

/* Upper case and the four characters of other blocks whose lower case is one of these letters. */
static char take_folded(Str text, size_t *at)
{
    uint32_t c = str_next_code_point(text, at);
    switch (c) {
    case 0x0130:
    case 0x0131: return 'i';
    case 0x017F: return 's';
    case 0x212A: return 'k';
    default: return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c > 0 && c < 128 ? (char)c : '\0';
    }
}

/* `lower` stands at `at`, in any case; `*ret_end` is behind it. */
static bool folded_at(Str text, size_t at, const char *lower, size_t *ret_end)
{
    for (; *lower; lower++) {
        if (at >= text.len || take_folded(text, &at) != *lower)
            return false;
    }
    *ret_end = at;
    return true;
}

static bool is_url_char(char c)
{
    return is_lower(c) || is_digit(c) || (c && strchr("$_@.&+!*\\(),%-", c));
}

/* The end of the last `.jpg` or the like in the URL whose host begins at `host`; 0: there is none. */
static size_t image_end(Str text, size_t host)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".heic"};
    size_t found = 0, at = host;
    for (size_t next = at; at < text.len; at = next) {
        char c = take_folded(text, &next);
        if (!is_url_char(c) && (c != '/' || at == host))
            break;
        for (size_t i = 0; c == '.' && at > host && i < ARRAY_COUNT(endings); i++)
            folded_at(text, at, endings[i], &found);
    }
    return found;
}

MUST_USE static Error *find_image_urls(Str text, Found *found)
{
    for (size_t at = 0; at < text.len;) {
        size_t host, image = 0;
        if (folded_at(text, at, "http://", &host) || folded_at(text, at, "https://", &host))
            image = image_end(text, host);
        if (image > 0)
            TRY(add_found(found, str_slice(text, at, image)));
        at = image > 0 ? image : at + 1;
    }
    return NULL;
}

typedef struct Extractor {
    const char *name;
    Error *(*find)(Str text, Found *found);
} Extractor;

static const Extractor extractors[] = {
    {"email-address", find_email_addresses},
    {"ip-address", find_ip_addresses},
    {"ip-address-name", find_ip_address_names},
    {"mapi-id", find_mapi_ids},
    {"datetimetz", find_datetimetz},
    {"us-phone-number", find_us_phone_number},
    {"ordered-bullets", find_ordered_bullets},
    {"image-urls-from-html", find_image_urls},
};

static Error *unknown_extractor(Str what)
{
    CLEANUP(buffer_done) Buffer names = {0};
    for (size_t i = 0; i < ARRAY_COUNT(extractors); i++)
        TRY(buffer_append_format(&names, "%s%s", i > 0 ? ", " : "", extractors[i].name));
    return FAIL(INVALID, "'" STR_FMT "': nothing of this name can be found in a text; there are " STR_FMT,
                STR_ARG(what), STR_ARG(buffer_str(&names)));
}

Error *extract(Str what, Str text, Arena *arena, StrList *ret_found)
{
    Found found = {.arena = arena};
    for (size_t i = 0; i < ARRAY_COUNT(extractors); i++) {
        if (!str_equal(what, str_of(extractors[i].name)))
            continue;
        TRY(extractors[i].find(text, &found));
        *ret_found = found.list;
        return NULL;
    }
    return unknown_extractor(what);
}
