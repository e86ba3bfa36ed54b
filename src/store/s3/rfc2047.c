#include "store/s3/rfc2047.h"

#include <assert.h>

#include "base/hash.h"

static const char word_start[] = "=?UTF-8?B?";
enum { WORD_START_BYTES = sizeof(word_start) - 1, WORD_END_BYTES = 2, WORD_TEXT_BYTES = 45, WORD_BASE64_BYTES = 60 };
static_assert(WORD_START_BYTES + WORD_BASE64_BYTES + WORD_END_BYTES <= 75, "RFC 2047 section 2");

static bool is_plain(Str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < 0x20 || value.data[i] > 0x7e)
            return false;
    }
    bool spaced = value.len > 0 && (value.data[0] == ' ' || value.data[value.len - 1] == ' ');
    return !spaced && str_find(value, STR("=?")) == SIZE_MAX && str_find(value, STR("  ")) == SIZE_MAX;
}

/* How much of `text` goes into one word: whole code points. */
static size_t word_bytes(Str text)
{
    size_t len = MIN(text.len, (size_t)WORD_TEXT_BYTES);
    while (len < text.len && ((uint8_t)text.data[len] & 0xc0) == 0x80)
        len--;
    return len;
}

Error *rfc2047_encode(Str value, Arena *arena, Str *ret_text)
{
    if (is_plain(value)) {
        *ret_text = value;
        return NULL;
    }
    if (!str_is_utf8(value))
        return FAIL(INVALID, "the value is not valid UTF-8");

    size_t words_max = value.len / (WORD_TEXT_BYTES - 3) + 1;
    size_t room = WORD_START_BYTES + WORD_BASE64_BYTES + WORD_END_BYTES + 2;
    char *out = arena_alloc_array(arena, words_max, room);
    size_t len = 0;
    if (!out)
        return arena_error(arena);
    while (value.len > 0) {
        size_t take = word_bytes(value);
        if (len > 0)
            out[len++] = ' ';
        memcpy(out + len, word_start, WORD_START_BYTES);
        len += WORD_START_BYTES;
        base64_encode((const uint8_t *)value.data, take, out + len);
        len += (take + 2) / 3 * 4;
        memcpy(out + len, "?=", WORD_END_BYTES);
        len += WORD_END_BYTES;
        value = str_slice(value, take, value.len);
    }
    *ret_text = str_from(out, len);
    return NULL;
}

/* ---- decoding ---- */

typedef struct Word {
    Str charset, text;
    char encoding; /* 'b' or 'q' */
    size_t len;    /* of the whole word */
} Word;

/* A word at the start of `text`: "=?charset?B?text?=", no spaces inside. */
static bool parse_word(Str text, Word *ret_word)
{
    if (!str_starts_with(text, STR("=?")))
        return false;
    Str rest = str_slice(text, 2, text.len);
    size_t first = str_find_char(rest, '?');
    if (first == SIZE_MAX || rest.len - first < 4 || rest.data[first + 2] != '?')
        return false;
    Str body = str_slice(rest, first + 3, rest.len);
    size_t end = str_find(body, STR("?="));
    if (end == SIZE_MAX || str_find_char(str_slice(body, 0, end), ' ') != SIZE_MAX)
        return false;
    Str charset = str_slice(rest, 0, first);
    size_t star = str_find_char(charset, '*'); /* RFC 2231: "utf-8*en" */
    *ret_word = (Word){str_slice(charset, 0, star), str_slice(body, 0, end), (char)(rest.data[first + 1] | 0x20),
                       2 + first + 3 + end + 2};
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode_q(Str text, uint8_t *out, size_t *ret_len)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '=') {
            if (text.len - i < 3)
                return false;
            int high = hex_value(text.data[i + 1]), low = hex_value(text.data[i + 2]);
            if (high < 0 || low < 0)
                return false;
            out[len++] = (uint8_t)(high << 4 | low);
            i += 2;
        } else {
            out[len++] = (uint8_t)(c == '_' ? ' ' : c);
        }
    }
    *ret_len = len;
    return true;
}

/* ISO-8859-1 in place as UTF-8, from `from`; twice the room is there. */
static size_t widen_latin1(uint8_t *data, size_t len)
{
    size_t high = 0;
    for (size_t i = 0; i < len; i++)
        high += data[i] >= 0x80;
    for (size_t from = len, to = len + high; from > 0 && to > from;) {
        uint8_t byte = data[--from];
        if (byte >= 0x80) {
            data[--to] = (uint8_t)(0x80 | (byte & 0x3f));
            data[--to] = (uint8_t)(0xc0 | byte >> 6);
        } else {
            data[--to] = byte;
        }
    }
    return len + high;
}

/* False: the word stays as it is written. `out` has room for twice the word. */
static bool decode_word(const Word *word, uint8_t *out, size_t *ret_len)
{
    bool latin1 = str_equal_nocase(word->charset, STR("iso-8859-1"));
    if (!latin1 && !str_equal_nocase(word->charset, STR("utf-8")) && !str_equal_nocase(word->charset, STR("us-ascii")))
        return false;
    if (word->encoding != 'b' && word->encoding != 'q')
        return false;
    if (!(word->encoding == 'b' ? base64_decode(word->text, out, ret_len) : decode_q(word->text, out, ret_len)))
        return false;
    if (latin1)
        *ret_len = widen_latin1(out, *ret_len);
    return true;
}

/* Between two words white space is not part of the text. */
static size_t space_before_word(Str text)
{
    size_t len = 0;
    Word word;
    while (len < text.len && (text.data[len] == ' ' || text.data[len] == '\t'))
        len++;
    return len > 0 && parse_word(str_slice(text, len, text.len), &word) ? len : 0;
}

/* Appends the text with its words decoded. Raw bytes are widened when `latin1`. `out` has twice the room. */
static size_t decode_words(Str text, bool latin1, uint8_t *out)
{
    size_t len = 0;
    while (text.len > 0) {
        Word word;
        size_t decoded, taken = 1;
        if (parse_word(text, &word) && decode_word(&word, out + len, &decoded)) {
            len += decoded;
            taken = word.len + space_before_word(str_slice(text, word.len, text.len));
        } else {
            out[len] = (uint8_t)text.data[0];
            len += latin1 ? widen_latin1(out + len, 1) : 1;
        }
        text = str_slice(text, taken, text.len);
    }
    return len;
}

Error *rfc2047_decode(Str text, Arena *arena, Str *ret_value)
{
    bool latin1 = !str_is_utf8(text);
    if (!latin1 && str_find(text, STR("=?")) == SIZE_MAX) {
        *ret_value = text;
        return NULL;
    }
    uint8_t *out = arena_alloc_array(arena, text.len + 1, 2);
    if (!out)
        return arena_error(arena);
    Str value = str_from(out, decode_words(text, latin1, out));
    if (!str_is_utf8(value) && latin1) { /* words that decode to no text stay as they are written, too */
        memcpy(out, text.data, text.len);
        value = str_from(out, widen_latin1(out, text.len));
    }
    *ret_value = str_is_utf8(value) ? value : text;
    return NULL;
}
