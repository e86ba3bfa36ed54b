#include "tokenizer/word.h"

#include <utf8proc.h>

typedef enum CharKind { KIND_OTHER, KIND_LETTER, KIND_NUMBER, KIND_SPACE } CharKind;

#define O KIND_OTHER
#define L KIND_LETTER
#define N KIND_NUMBER
#define S KIND_SPACE
/* clang-format off */
static const uint8_t ascii_kinds[128] = {
    O, O, O, O, O, O, O, O, O, S, S, S, S, S, O, O, /* tab, LF, VT, FF, CR */
    O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    S, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    N, N, N, N, N, N, N, N, N, N, O, O, O, O, O, O,
    O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L,
    L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O,
    O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L,
    L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O,
};
/* clang-format on */
#undef O
#undef L
#undef N
#undef S

/* \s, \p{L} and \p{N} of a code point above ASCII. U+0085 is the one control among the white space. */
static CharKind wide_kind(uint32_t code_point)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)code_point);
    if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO)
        return KIND_LETTER;
    if (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO)
        return KIND_NUMBER;
    if (code_point == 0x85 || (category >= UTF8PROC_CATEGORY_ZS && category <= UTF8PROC_CATEGORY_ZP))
        return KIND_SPACE;
    return KIND_OTHER;
}

static CharKind next_kind(Str text, size_t *at)
{
    uint8_t byte = (uint8_t)text.data[*at];
    if (LIKELY(byte < 128)) {
        ++*at;
        return ascii_kinds[byte];
    }
    return wide_kind(str_next_code_point(text, at));
}

/* Where the run of `kind` that goes on at `at` ends, and where its last character begins: `last` when it has no further one. */
static size_t run_end(Str text, size_t at, CharKind kind, size_t *last)
{
    for (size_t next = at; at < text.len; at = next) {
        if (next_kind(text, &next) != kind)
            break;
        *last = at;
    }
    return at;
}

/* The length of 's, 't, 're, 've, 'm, 'll or 'd at an apostrophe; 0 for none. */
static size_t contraction(Str text, size_t at)
{
    char first = at + 1 < text.len ? text.data[at + 1] : 0, second = at + 2 < text.len ? text.data[at + 2] : 0;
    if (first == 's' || first == 't' || first == 'm' || first == 'd')
        return 2;
    if ((second == 'e' && (first == 'r' || first == 'v')) || (second == 'l' && first == 'l'))
        return 3;
    return 0;
}

size_t word_end(Str text, size_t at)
{
    size_t next = at, last = at;
    if (text.data[at] == '\'' && contraction(text, at) > 0)
        return at + contraction(text, at);
    CharKind kind = next_kind(text, &next);
    if (kind != KIND_SPACE)
        return run_end(text, next, kind, &last);
    if (text.data[at] == ' ' && next < text.len) {
        size_t after = next;
        CharKind word = next_kind(text, &after);
        if (word != KIND_SPACE)
            return run_end(text, after, word, &last);
    }
    /* Of white space before a word the last character is left to the word. */
    size_t end = run_end(text, next, KIND_SPACE, &last);
    return end < text.len && last > at ? last : end;
}
