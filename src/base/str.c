#include "base/str.h"

#include <math.h>
#include <stdlib.h>

int str_compare(Str a, Str b)
{
    size_t shared = MIN(a.len, b.len);
    int order = shared ? memcmp(a.data, b.data, shared) : 0;
    if (order == 0)
        return (a.len > b.len) - (a.len < b.len);
    return order < 0 ? -1 : 1;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_equal_nocase(Str a, Str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

bool str_starts_with(Str s, Str prefix)
{
    return s.len >= prefix.len && str_equal((Str){s.data, prefix.len}, prefix);
}

bool str_ends_with(Str s, Str suffix)
{
    return s.len >= suffix.len && str_equal((Str){s.data + (s.len - suffix.len), suffix.len}, suffix);
}

size_t str_find_char(Str s, char c)
{
    const char *found = s.len ? memchr(s.data, c, s.len) : NULL;
    return found ? (size_t)(found - s.data) : SIZE_MAX;
}

size_t str_find(Str s, Str needle)
{
    if (needle.len == 0)
        return 0;
    const char *found = s.len ? memmem(s.data, s.len, needle.data, needle.len) : NULL;
    return found ? (size_t)(found - s.data) : SIZE_MAX;
}

size_t str_rfind_char(Str s, char c)
{
    const char *found = s.len ? memrchr(s.data, c, s.len) : NULL;
    return found ? (size_t)(found - s.data) : SIZE_MAX;
}

Str str_slice(Str s, size_t from, size_t to)
{
    to = MIN(to, s.len);
    from = MIN(from, to);
    return (Str){s.data + from, to - from};
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

Str str_trim(Str s)
{
    while (s.len && is_space(s.data[s.len - 1]))
        s.len--;
    while (s.len && is_space(s.data[0]))
        s = (Str){s.data + 1, s.len - 1};
    return s;
}

bool str_next_piece(Str *rest, char separator, Str *ret_piece)
{
    if (!rest->data)
        return false;
    size_t at = str_find_char(*rest, separator);
    if (at == SIZE_MAX) {
        *ret_piece = *rest;
        *rest = (Str){NULL, 0};
    } else {
        *ret_piece = str_slice(*rest, 0, at);
        *rest = str_slice(*rest, at + 1, rest->len);
    }
    return true;
}

bool str_to_u64(Str s, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10u, &value)
            || __builtin_add_overflow(value, (uint64_t)(s.data[i] - '0'), &value))
            return false;
    }
    if (s.len == 0)
        return false;
    *ret_value = value;
    return true;
}

bool str_to_i64(Str s, int64_t *ret_value)
{
    bool negative = s.len && s.data[0] == '-';
    uint64_t magnitude;
    if (!str_to_u64(str_slice(s, negative, s.len), &magnitude))
        return false;
    if (magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    *ret_value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

bool str_to_double(Str s, double *ret_value)
{
    char text[64], *end;
    if (s.len == 0 || s.len >= sizeof text)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i]; /* strtod would take hexadecimal, "inf" and "nan" too */
        if ((c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E')
            return false;
        text[i] = c;
    }
    text[s.len] = 0;
    double value = strtod(text, &end);
    if (end != text + s.len || isinf(value))
        return false;
    *ret_value = value;
    return true;
}

/* Length of the valid sequence that starts at `p`, with `left` bytes there; 0 when it is none. RFC 3629, section 4. */
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
    uint8_t first = p[0];
    if (first < 0x80)
        return 1;
    size_t len = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || len > left)
        return 0;
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bool str_is_utf8(Str s)
{
    const uint8_t *p = (const uint8_t *)s.data;
    size_t at = 0;
    while (at < s.len) {
        uint64_t word;
        if (s.len - at >= sizeof word) { /* eight ASCII bytes at a time */
            memcpy(&word, p + at, sizeof word);
            if (!(word & 0x8080808080808080u)) {
                at += sizeof word;
                continue;
            }
        }
        size_t len = utf8_sequence(p + at, s.len - at);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

uint32_t str_next_code_point(Str s, size_t *at)
{
    const uint8_t *p = (const uint8_t *)s.data + *at;
    size_t len = utf8_sequence(p, s.len - *at);
    if (len == 0) {
        ++*at;
        return 0xfffd;
    }
    *at += len;
    if (len == 1)
        return p[0];
    uint32_t value = p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++)
        value = value << 6 | (p[i] & 0x3fu);
    return value;
}

size_t utf8_encode(uint32_t code_point, char out[4])
{
    ASSERT(code_point < 0x110000);
    uint8_t *o = (uint8_t *)out;
    if (code_point < 0x80) {
        o[0] = (uint8_t)code_point;
        return 1;
    }
    size_t len = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        o[i] = (uint8_t)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    o[0] = (uint8_t)((0xf00u >> len & 0xffu) | code_point);
    return len;
}
