#include "document/clean/cleaner.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Behind the `=` before `at`: a line end, or what ends with one, is left out; "==" is "=", two digits are a byte, anything else is an `=`.
 * Gives where it goes on. */
static size_t take_escape(Str text, size_t at, uint8_t *out, size_t *len)
{
    if (at >= text.len)
        return at;
    char c = text.data[at];
    if (c == '\n' || c == '\r') {
        size_t line_end = str_find_char(str_slice(text, at, text.len), '\n');
        return line_end == SIZE_MAX ? text.len : at + line_end + 1;
    }
    int high = hex_value(c), low = at + 1 < text.len ? hex_value(text.data[at + 1]) : -1;
    if (high >= 0 && low >= 0) {
        out[(*len)++] = (uint8_t)(high << 4 | low);
        return at + 2;
    }
    out[(*len)++] = '=';
    return c == '=' ? at + 1 : at;
}

/* `len` bytes stand behind the contents of `out`: they stay if they are text, else `text` takes their place. */
static Error *keep_text(Str text, Buffer *out, size_t len)
{
    if (!str_is_utf8(str_from(out->data + out->len, len)))
        return buffer_append_str(out, text);
    buffer_grown(out, len);
    return NULL;
}

Error *clean_mime_encodings(Str text, Buffer *out)
{
    TRY(buffer_reserve(out, text.len + 1));
    uint8_t *bytes = out->data + out->len;
    size_t len = 0;
    for (size_t at = 0; at < text.len;) {
        if (text.data[at] == '=')
            at = take_escape(text, at + 1, bytes, &len);
        else
            bytes[len++] = (uint8_t)text.data[at++];
    }
    return keep_text(text, out, len);
}

Error *clean_bytes_string(Str text, Buffer *out)
{
    TRY(buffer_reserve(out, text.len + 1));
    uint8_t *bytes = out->data + out->len;
    size_t len = 0;
    for (size_t at = 0; at < text.len;) {
        uint32_t c = str_next_code_point(text, &at);
        if (c > 0xFF)
            return buffer_append_str(out, text);
        bytes[len++] = (uint8_t)c;
    }
    return keep_text(text, out, len);
}
