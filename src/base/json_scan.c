#include "base/json_scan.h"

#include <stdint.h>
#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { NUMBER_TEXT_MAX = 400 }; /* longer ones that are zero are nobody's */

static bool fail_at(JsonMembers *m, size_t at, const char *problem)
{
    m->at = at;
    m->problem = problem;
    return false;
}

static void skip_space(JsonMembers *m)
{
    while (m->at < m->text.len) {
        char c = m->text.data[m->at];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
        m->at++;
    }
}

static bool next_is(const JsonMembers *m, char c)
{
    return m->at < m->text.len && m->text.data[m->at] == c;
}

/* ---- strings ---- */

/* How many bytes from `at` on are plain: printable ASCII without '"' and '\'. At least all that come in whole steps. */
static size_t skip_plain(Str text, size_t at)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(' ');
    for (; at + 16 <= text.len; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text.data + at));
        /* signed: control characters and bytes from 0x80 on are both below a space */
        __m128i other = _mm_or_si128(_mm_cmplt_epi8(bytes, space),
                                     _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
        int mask = _mm_movemask_epi8(other);
        if (mask)
            return at + (size_t)__builtin_ctz((unsigned)mask);
    }
#endif
    while (at < text.len) {
        unsigned char c = (unsigned char)text.data[at];
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
            break;
        at++;
    }
    return at;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits behind "\u"; -1 when they are none. */
static int hex4(Str text, size_t at)
{
    int value = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = at + i < text.len ? hex_digit(text.data[at + i]) : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* Length of the escape at `at`; 0: there is no such escape. */
static size_t escape_len(Str text, size_t at)
{
    if (at + 1 >= text.len)
        return 0;
    if (text.data[at + 1] == 'u')
        return hex4(text, at + 2) >= 0 ? 6 : 0;
    return text.data[at + 1] != 0 && strchr("\"\\/bfnrt", text.data[at + 1]) ? 2 : 0;
}

/* Length of the UTF-8 sequence at `at`, whose first byte is not ASCII; 0: it is none. */
static size_t sequence_len(Str text, size_t at)
{
    const unsigned char *p = (const unsigned char *)text.data + at;
    size_t len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    return len <= text.len - at && str_is_utf8(str_slice(text, at, at + len)) ? len : 0;
}

/* At the opening quote. */
static bool scan_string(JsonMembers *m, JsonRaw *ret)
{
    Str text = m->text;
    size_t from = m->at + 1, at = from;
    *ret = (JsonRaw){.kind = JSON_KIND_STRING};
    for (;;) {
        at = skip_plain(text, at);
        if (at == text.len)
            return fail_at(m, from - 1, "a string does not end");
        unsigned char c = (unsigned char)text.data[at];
        if (c == '"')
            break;
        size_t len = c == '\\' ? escape_len(text, at) : c >= 0x80 ? sequence_len(text, at) : 0;
        if (len == 0)
            return fail_at(m, at,
                           c == '\\'   ? "no such escape"
                           : c >= 0x80 ? "no UTF-8"
                                       : "a control character in a string");
        ret->escaped |= c == '\\';
        at += len;
    }
    ret->text = str_slice(text, from, at);
    m->at = at + 1;
    return true;
}

/* ---- numbers and words ---- */

static size_t skip_digits(Str text, size_t at)
{
    while (at < text.len && text.data[at] >= '0' && text.data[at] <= '9')
        at++;
    return at;
}

static bool scan_word(JsonMembers *m, const char *word, JsonKind kind, JsonRaw *ret)
{
    Str wanted = str_of(word);
    if (!str_starts_with(str_slice(m->text, m->at, m->text.len), wanted))
        return fail_at(m, m->at, "a value was expected");
    *ret = (JsonRaw){.kind = kind, .text = str_slice(m->text, m->at, m->at + wanted.len)};
    m->at += wanted.len;
    return true;
}

static bool scan_number(JsonMembers *m, JsonRaw *ret)
{
    Str text = m->text;
    size_t from = m->at, at = from + (text.data[from] == '-');
    size_t digits = at;
    if (at < text.len && text.data[at] == 'I')
        return scan_word(m, at > from ? "-Infinity" : "Infinity", JSON_KIND_NUMBER, ret);
    at = skip_digits(text, at);
    if (at == digits || (text.data[digits] == '0' && at > digits + 1))
        return fail_at(m, from, "a value was expected");
    if (at + 1 < text.len && text.data[at] == '.' && skip_digits(text, at + 1) > at + 1)
        at = skip_digits(text, at + 1);
    if (at < text.len && (text.data[at] | 0x20) == 'e') {
        size_t sign = at + 1 < text.len && (text.data[at + 1] == '+' || text.data[at + 1] == '-');
        size_t exponent = skip_digits(text, at + 1 + sign);
        if (exponent > at + 1 + sign)
            at = exponent;
    }
    *ret = (JsonRaw){.kind = JSON_KIND_NUMBER, .text = str_slice(text, from, at)};
    m->at = at;
    return true;
}

static bool scan_scalar(JsonMembers *m, JsonRaw *ret)
{
    switch (m->at < m->text.len ? m->text.data[m->at] : 0) {
    case '"': return scan_string(m, ret);
    case 't': return scan_word(m, "true", JSON_KIND_TRUE, ret);
    case 'f': return scan_word(m, "false", JSON_KIND_FALSE, ret);
    case 'n': return scan_word(m, "null", JSON_KIND_NULL, ret);
    case 'N': return scan_word(m, "NaN", JSON_KIND_NUMBER, ret);
    case 0: return fail_at(m, m->at, "a value was expected");
    default: return scan_number(m, ret);
    }
}

/* ---- values ---- */

/* Which of the levels that are open are objects. */
typedef struct Nesting {
    uint64_t is_object[JSON_SCAN_DEPTH_MAX / 64];
    unsigned depth;
} Nesting;

static bool in_object(const Nesting *n)
{
    return n->is_object[(n->depth - 1) / 64] >> (n->depth - 1) % 64 & 1;
}

static bool nest(JsonMembers *m, Nesting *n)
{
    uint64_t bit = UINT64_C(1) << n->depth % 64;
    if (n->depth == JSON_SCAN_DEPTH_MAX)
        return fail_at(m, m->at, "nested too deep");
    if (m->text.data[m->at++] == '{')
        n->is_object[n->depth / 64] |= bit;
    else
        n->is_object[n->depth / 64] &= ~bit;
    n->depth++;
    return true;
}

/* A name and its colon. */
static bool scan_name(JsonMembers *m, JsonRaw *ret_name)
{
    skip_space(m);
    if (!next_is(m, '"'))
        return fail_at(m, m->at, "a name in double quotes was expected");
    if (!scan_string(m, ret_name))
        return false;
    skip_space(m);
    if (!next_is(m, ':'))
        return fail_at(m, m->at, "a ':' was expected");
    m->at++;
    skip_space(m);
    return true;
}

/* Behind a value: closes what closes there. True in front of another value or name; false where all is closed, or at a problem. */
static bool leave_values(JsonMembers *m, Nesting *n)
{
    while (n->depth > 0) {
        skip_space(m);
        if (next_is(m, ',')) {
            m->at++;
            skip_space(m);
            return true;
        }
        if (!next_is(m, in_object(n) ? '}' : ']'))
            return fail_at(m, m->at, in_object(n) ? "a ',' or '}' was expected" : "a ',' or ']' was expected");
        m->at++;
        n->depth--;
    }
    return false;
}

/* At '[' or '{': everything up to where it closes. */
static bool scan_nested(JsonMembers *m, JsonRaw *ret)
{
    Nesting n;
    JsonRaw ignored;
    size_t from = m->at;
    n.depth = 0;
    *ret = (JsonRaw){.kind = m->text.data[from] == '{' ? JSON_KIND_OBJECT : JSON_KIND_ARRAY};
    do {
        if (next_is(m, '[') || next_is(m, '{')) {
            if (!nest(m, &n))
                return false;
            skip_space(m);
            if (!next_is(m, in_object(&n) ? '}' : ']')) {
                if (in_object(&n) && !scan_name(m, &ignored))
                    return false;
                continue;
            }
        } else if (!scan_scalar(m, &ignored)) {
            return false;
        }
        if (leave_values(m, &n) && in_object(&n) && !scan_name(m, &ignored))
            return false;
    } while (n.depth > 0 && !m->problem);
    ret->text = str_slice(m->text, from, m->at);
    return !m->problem;
}

static bool scan_value(JsonMembers *m, JsonRaw *ret)
{
    return next_is(m, '[') || next_is(m, '{') ? scan_nested(m, ret) : scan_scalar(m, ret);
}

/* ---- members ---- */

static bool end_of_object(JsonMembers *m)
{
    m->at++;
    skip_space(m);
    m->ended = true;
    return m->at < m->text.len ? fail_at(m, m->at, "something stands behind the value") : false;
}

bool json_members_next(JsonMembers *m, JsonRaw *ret_name, JsonRaw *ret_value)
{
    if (m->problem || m->ended)
        return false;
    skip_space(m);
    if (!m->begun) {
        if (!next_is(m, '{'))
            return fail_at(m, m->at, "an object was expected");
        m->begun = true;
        m->at++;
        skip_space(m);
        if (next_is(m, '}'))
            return end_of_object(m);
    } else if (next_is(m, '}')) {
        return end_of_object(m);
    } else if (!next_is(m, ',')) {
        return fail_at(m, m->at, "a ',' or '}' was expected");
    } else {
        m->at++;
    }
    return scan_name(m, ret_name) && scan_value(m, ret_value);
}

/* ---- what a value means ---- */

/* The code point of the "\u" escape at `at`, with its second half where it has one; `*ret_len` bytes long. */
static bool escaped_code_point(Str text, size_t at, uint32_t *ret_code_point, size_t *ret_len)
{
    int high = hex4(text, at + 2);
    *ret_len = 6;
    *ret_code_point = (uint32_t)high;
    if (high < 0xd800 || high > 0xdfff)
        return true;
    bool pair = at + 7 < text.len && text.data[at + 6] == '\\' && text.data[at + 7] == 'u';
    int low = pair ? hex4(text, at + 8) : -1;
    if (high > 0xdbff || low < 0xdc00 || low > 0xdfff)
        return false;
    *ret_code_point = 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
    *ret_len = 12;
    return true;
}

static bool unescape(Str text, size_t at, char out[4], size_t *ret_len, size_t *ret_read)
{
    static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
    uint32_t code_point;
    char c = text.data[at + 1];
    *ret_read = 2;
    *ret_len = 1;
    if (c == 'u') {
        if (!escaped_code_point(text, at, &code_point, ret_read))
            return false;
        *ret_len = utf8_encode(code_point, out);
        return true;
    }
    const char *name = strchr(names, c);
    out[0] = name ? values[name - names] : c;
    return true;
}

bool json_raw_string(const JsonRaw *raw, char *out, size_t out_bytes, Str *ret_text)
{
    size_t len = 0;
    *ret_text = raw->text;
    if (!raw->escaped)
        return true;
    for (size_t at = 0; at < raw->text.len;) {
        char bytes[4] = {raw->text.data[at]};
        size_t count = 1, read = 1;
        if (bytes[0] == '\\' && !unescape(raw->text, at, bytes, &count, &read))
            return false;
        if (count > out_bytes - len)
            return false;
        memcpy(out + len, bytes, count);
        len += count;
        at += read;
    }
    *ret_text = str_from(out, len);
    return true;
}

/* "0", "-0.0", "0e9", and what is too small for a double. */
static bool is_zero(Str number)
{
    char text[NUMBER_TEXT_MAX];
    if (number.len >= sizeof text)
        return false;
    memcpy(text, number.data, number.len);
    text[number.len] = 0;
    return strtod(text, NULL) == 0;
}

bool json_raw_is_falsy(const JsonRaw *raw)
{
    switch (raw->kind) {
    case JSON_KIND_NULL:
    case JSON_KIND_FALSE: return true;
    case JSON_KIND_TRUE: return false;
    case JSON_KIND_NUMBER: return is_zero(raw->text);
    case JSON_KIND_STRING: return raw->text.len == 0;
    case JSON_KIND_ARRAY:
    case JSON_KIND_OBJECT: break;
    }
    return str_trim(str_slice(raw->text, 1, raw->text.len - 1)).len == 0;
}
