#include "tokenizer/normalize.h"

#include <stdlib.h>
#include <utf8proc.h>

static utf8proc_option_t options_of(NormalForm form)
{
    static const int options[] = {
        [FORM_NFC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE,
        [FORM_NFD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE,
        [FORM_NFKC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT,
        [FORM_NFKD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT,
    };
    return (utf8proc_option_t)options[form];
}

/* The blocks in which no character without a combining class is composed with the one before it: up to the combining marks, and from
 * General Punctuation to Miscellaneous Symbols and Arrows. */
static bool is_plain_block(uint32_t code_point)
{
    return code_point < 0x300 || (code_point >= 0x2000 && code_point < 0x2C00);
}

static bool is_settled(uint32_t code_point, NormalForm form)
{
    utf8proc_int32_t parts[32];
    int boundary = 0;
    const utf8proc_property_t *property = utf8proc_get_property((utf8proc_int32_t)code_point);
    if (!is_plain_block(code_point) || property->combining_class != 0)
        return false;
    utf8proc_ssize_t count =
        utf8proc_decompose_char((utf8proc_int32_t)code_point, parts, ARRAY_COUNT(parts), options_of(form), &boundary);
    if (count < 1 || count > (utf8proc_ssize_t)ARRAY_COUNT(parts))
        return false;
    count = utf8proc_normalize_utf32(parts, count, options_of(form));
    return count == 1 && parts[0] == (utf8proc_int32_t)code_point;
}

void normalizer_init(Normalizer *ret_normalizer, NormalForm form)
{
    *ret_normalizer = (Normalizer){.form = form};
    if (form == FORM_NONE)
        return;
    for (uint32_t i = 0; i < NORMALIZER_TABLE_BITS; i++) {
        if (is_settled(i, form))
            ret_normalizer->settled[i / 64] |= UINT64_C(1) << i % 64;
    }
}

static size_t ascii_end(Str text, size_t at)
{
    const uint64_t high_bits = UINT64_C(0x8080808080808080);
    for (uint64_t eight; at + sizeof eight <= text.len; at += sizeof eight) {
        memcpy(&eight, text.data + at, sizeof eight);
        if (eight & high_bits)
            break;
    }
    while (at < text.len && (uint8_t)text.data[at] < 128)
        at++;
    return at;
}

/* Past the characters above ASCII; whether all of them are settled. */
static size_t wide_end(const Normalizer *normalizer, Str text, size_t at, bool *ret_settled)
{
    *ret_settled = true;
    while (at < text.len && (uint8_t)text.data[at] >= 128) {
        uint32_t code_point = str_next_code_point(text, &at);
        *ret_settled &=
            code_point < NORMALIZER_TABLE_BITS && (normalizer->settled[code_point / 64] >> code_point % 64 & 1);
    }
    return at;
}

MUST_USE static Error *append_normal(NormalForm form, Str text, Buffer *out)
{
    utf8proc_uint8_t *normal = NULL;
    utf8proc_ssize_t length =
        utf8proc_map((const utf8proc_uint8_t *)text.data, (utf8proc_ssize_t)text.len, &normal, options_of(form));
    if (length < 0)
        return length == UTF8PROC_ERROR_NOMEM
                   ? FAIL(NO_MEMORY, "out of memory")
                   : FAIL(LIMIT, "cannot normalize %zu bytes: %s", text.len, utf8proc_errmsg(length));
    Error *error = buffer_append(out, normal, (size_t)length);
    free(normal);
    return error;
}

/* Characters above ASCII act on one another and on the one character of ASCII before them; nothing acts on what follows them. */
Error *normalizer_apply(const Normalizer *normalizer, Str text, Buffer *out, Str *ret_text)
{
    size_t copied = 0;
    *ret_text = text;
    if (normalizer->form == FORM_NONE)
        return NULL;
    buffer_clear(out);
    for (size_t at = ascii_end(text, 0); at < text.len; at = ascii_end(text, at)) {
        bool settled;
        size_t start = at > 0 ? at - 1 : 0;
        at = wide_end(normalizer, text, at, &settled);
        if (settled)
            continue;
        TRY(buffer_append_str(out, str_slice(text, copied, start)));
        TRY(append_normal(normalizer->form, str_slice(text, start, at), out));
        copied = at;
    }
    if (copied == 0)
        return NULL;
    TRY(buffer_append_str(out, str_slice(text, copied, text.len)));
    *ret_text = buffer_str(out);
    return NULL;
}
