#include "store/s3/uri.h"

static bool is_unreserved(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '-'
           || byte == '.' || byte == '_' || byte == '~';
}

/* `kept` stays as well. */
MUST_USE static Error *append_encoded(Buffer *out, Str text, char kept)
{
    static const char hex[] = "0123456789ABCDEF";
    if (text.len > SIZE_MAX / 3)
        return FAIL(LIMIT, "a text of %zu bytes cannot be percent-encoded", text.len);
    TRY(buffer_reserve(out, text.len * 3));
    uint8_t *to = out->data + out->len;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = (uint8_t)text.data[i];
        if (is_unreserved(byte) || byte == (uint8_t)kept) {
            *to++ = byte;
        } else {
            *to++ = '%';
            *to++ = (uint8_t)hex[byte >> 4];
            *to++ = (uint8_t)hex[byte & 15];
        }
    }
    buffer_grown(out, (size_t)(to - (out->data + out->len)));
    return NULL;
}

Error *uri_append_path(Buffer *out, Str key)
{
    return append_encoded(out, key, '/');
}

Error *uri_append_query(Buffer *out, Str text)
{
    return append_encoded(out, text, '-');
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

Str uri_decode(Str text, Arena *arena)
{
    if (text.len == 0 || (!memchr(text.data, '%', text.len) && !memchr(text.data, '+', text.len)))
        return text;
    char *out = arena_alloc(arena, text.len);
    if (!out)
        return (Str){0};

    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%' && text.len - i >= 3) {
            int high = hex_value(text.data[i + 1]), low = hex_value(text.data[i + 2]);
            if (high >= 0 && low >= 0) {
                c = (char)(high << 4 | low);
                i += 2;
            }
        } else if (c == '+') {
            c = ' ';
        }
        out[len++] = c;
    }
    return str_from(out, len);
}
