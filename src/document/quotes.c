#include "document/quotes.h"

typedef struct Repair {
    const char *wrong, *right;
} Repair;

#define WRONG_HEAD "\u00E2\xC2\x80" /* the first two bytes of U+20xx, each taken for a character */

/* One after the other, as each is looked for in what those before it have left. None makes the text longer. */
static const Repair repairs[] = {
    {"&apos;", "'"},
    {WRONG_HEAD "\xC2\x99", "'"},
    {WRONG_HEAD "\u201C", "\u2014"},
    {WRONG_HEAD "\u201D", "\u2013"},
    {WRONG_HEAD "\u02DC", "\u2018"},
    {WRONG_HEAD "\u00A6", "\u2026"},
    {WRONG_HEAD "\u2122", "\u2019"},
    {WRONG_HEAD "\u0153", "\u201C"},
    {WRONG_HEAD "?", "\u201D"},
    {WRONG_HEAD "\u0165", "\u201D"},
    {WRONG_HEAD "\u015B", "\u201C"},
    {WRONG_HEAD "\u00A8", "\u2014"},
    {WRONG_HEAD "\u0142", "\u2033"},
    {WRONG_HEAD "\u017D", ""},
    {WRONG_HEAD "\u201A", ""},
    {WRONG_HEAD "\u2030", ""},
    {WRONG_HEAD "\u2039", ""},
    {WRONG_HEAD, ""},
};

/* In the bytes of `out` from `begin`, in place. */
static void replace_from(Buffer *out, size_t begin, Str wrong, Str right)
{
    ASSERT(right.len <= wrong.len);
    Str rest = str_slice(buffer_str(out), begin, out->len);
    uint8_t *to = out->data + begin;
    for (size_t found; (found = str_find(rest, wrong)) != SIZE_MAX;) {
        memmove(to, rest.data, found);
        memcpy(to + found, right.data, right.len);
        to += found + right.len;
        rest = str_slice(rest, found + wrong.len, rest.len);
    }
    memmove(to, rest.data, rest.len);
    out->len = (size_t)(to - out->data) + rest.len;
}

/* Appends `text` with U+0091 to U+0094, the quotes of Windows-1252, as they should be. */
MUST_USE static Error *append_with_quotes(Str text, Buffer *out)
{
    static const char *const quotes[] = {"\u2018", "\u2019", "\u201C", "\u201D"};
    size_t kept = 0;
    for (size_t at = 0; at + 1 < text.len; at++) {
        uint8_t second = (uint8_t)text.data[at + 1];
        if (text.data[at] != '\xC2' || second < 0x91 || second > 0x94)
            continue;
        TRY(buffer_append_str(out, str_slice(text, kept, at)));
        TRY(buffer_append_str(out, str_of(quotes[second - 0x91])));
        kept = at + 2;
    }
    return buffer_append_str(out, str_slice(text, kept, text.len));
}

Error *quotes_repair(Str text, Buffer *out)
{
    size_t begin = out->len;
    TRY(append_with_quotes(text, out));
    for (size_t i = 0; i < ARRAY_COUNT(repairs) && out->len > begin; i++)
        replace_from(out, begin, str_of(repairs[i].wrong), str_of(repairs[i].right));
    return NULL;
}
