#include "document/rtf/scan.h"

enum { NUMBER_MAX = INT32_MAX / 16 };

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_special(uint8_t c)
{
    return c == '\\' || c == '{' || c == '}' || c == '\r' || c == '\n' || c == '\0';
}

static int hex_digit(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool peek(const Reader *in, size_t ahead, uint8_t *ret_byte)
{
    if (ahead >= reader_left(in))
        return false;
    *ret_byte = in->input.data[in->at + ahead];
    return true;
}

/* How many bytes from here on satisfy `test`. */
static size_t run_length(const Reader *in, size_t from, bool (*test)(uint8_t byte))
{
    uint8_t c;
    size_t len = from;
    while (peek(in, len, &c) && test(c))
        len++;
    return len - from;
}

static Str take(Reader *in, size_t len)
{
    Bytes bytes = BYTES_EMPTY;
    bool there = reader_take(in, len, &bytes);
    ASSERT(there);
    return bytes_str(bytes);
}

/* The number behind a word, and the one space that ends it. Larger ones than any use are cut to a bound. */
static void scan_number(Reader *in, RtfToken *token)
{
    uint8_t c;
    bool negative = peek(in, 0, &c) && c == '-' && peek(in, 1, &c) && is_digit(c);
    size_t digits = run_length(in, negative, is_digit);
    if (digits > 0) {
        Str text = str_slice(take(in, digits + negative), negative, digits + negative);
        for (size_t i = 0; i < text.len; i++)
            token->number = MIN(token->number * 10 + (text.data[i] - '0'), NUMBER_MAX);
        token->number = negative ? -token->number : token->number;
        token->has_number = true;
    }
    if (peek(in, 0, &c) && c == ' ')
        reader_skip(in, 1);
}

/* Behind the backslash. */
static RtfToken scan_control(Reader *in)
{
    RtfToken token = {.kind = RTF_SYMBOL, .text = STR_EMPTY};
    size_t letters = run_length(in, 0, is_letter);
    if (letters > 0) {
        token.kind = RTF_WORD;
        token.text = take(in, letters);
        scan_number(in, &token);
        if (str_equal(token.text, STR("bin")) && token.number > 0)
            reader_skip(in, MIN((size_t)token.number, reader_left(in)));
        return token;
    }
    if (reader_left(in) == 0)
        return token;
    token.text = take(in, 1);
    uint8_t high, low;
    char c = token.text.data[0];
    if (c == '\'' && peek(in, 0, &high) && peek(in, 1, &low) && hex_digit(high) >= 0 && hex_digit(low) >= 0) {
        token.kind = RTF_BYTE;
        token.number = hex_digit(high) * 16 + hex_digit(low);
        reader_skip(in, 2);
    } else if (c == '\\' || c == '{' || c == '}') {
        token.kind = RTF_TEXT;
    }
    return token;
}

static bool is_plain(uint8_t c)
{
    return !is_special(c);
}

static bool is_ignored(uint8_t c)
{
    return c == '\r' || c == '\n' || c == '\0';
}

RtfToken rtf_scan(Reader *in)
{
    uint8_t c;
    reader_skip(in, run_length(in, 0, is_ignored));
    if (!peek(in, 0, &c))
        return (RtfToken){.kind = RTF_END, .text = STR_EMPTY};
    if (!is_special(c))
        return (RtfToken){.kind = RTF_TEXT, .text = take(in, run_length(in, 0, is_plain))};
    reader_skip(in, 1);
    if (c == '\\')
        return scan_control(in);
    return (RtfToken){.kind = c == '{' ? RTF_OPEN : RTF_CLOSE, .text = STR_EMPTY};
}
