#include "document/mail/transfer.h"

static int base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

Error *transfer_decode_base64(Bytes input, Arena *arena, Bytes *ret_bytes)
{
    uint8_t *out = arena_alloc(arena, input.len / 4 * 3 + 3);
    if (!out)
        return arena_error(arena);
    size_t len = 0;
    uint32_t bits = 0;
    unsigned digits = 0, padding = 0; /* of the group of four */
    for (size_t i = 0; i < input.len && digits + padding < 4; i++) {
        int value = base64_value(input.data[i]);
        if (input.data[i] == '=' && digits >= 2)
            padding++;
        if (value < 0)
            continue;
        bits = bits << 6 | (uint32_t)value;
        padding = 0;
        if (++digits < 4)
            continue;
        for (unsigned shift = 24; shift > 0; shift -= 8)
            out[len++] = (uint8_t)(bits >> (shift - 8));
        bits = digits = 0;
    }
    if (digits == 1) {
        *ret_bytes = input;
        return NULL;
    }
    if (digits >= 2)
        out[len++] = (uint8_t)(bits >> (digits == 2 ? 4 : 10));
    if (digits == 3)
        out[len++] = (uint8_t)(bits >> 2);
    *ret_bytes = (Bytes){out, len};
    return NULL;
}

int transfer_hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What an equals sign at `at` stands for: a byte at `out`, or nothing at the end of a line. Behind it. */
static size_t decode_escape(Bytes input, size_t at, uint8_t *out, size_t *len)
{
    size_t left = input.len - at - 1;
    const uint8_t *next = input.data + at + 1;
    if (left == 0)
        return at + 1;
    if (next[0] == '\n')
        return at + 2;
    if (next[0] == '\r')
        return at + 2 + (left > 1 && next[1] == '\n');
    if (left > 1 && transfer_hex_digit(next[0]) >= 0 && transfer_hex_digit(next[1]) >= 0) {
        out[(*len)++] = (uint8_t)(transfer_hex_digit(next[0]) << 4 | transfer_hex_digit(next[1]));
        return at + 3;
    }
    out[(*len)++] = '=';
    return at + (next[0] == '=' ? 2 : 1);
}

Error *transfer_decode_quoted_printable(Bytes input, TransferPlace place, Arena *arena, Bytes *ret_bytes)
{
    uint8_t *out = arena_alloc(arena, input.len);
    if (!out)
        return arena_error(arena);
    size_t len = 0;
    for (size_t at = 0; at < input.len;) {
        if (input.data[at] == '=') {
            at = decode_escape(input, at, out, &len);
            continue;
        }
        out[len++] = place == TRANSFER_HEADER && input.data[at] == '_' ? ' ' : input.data[at];
        at++;
    }
    *ret_bytes = (Bytes){out, len};
    return NULL;
}
