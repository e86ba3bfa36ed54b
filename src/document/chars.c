#include "document/chars.h"

#include <utf8proc.h>

#define S CHAR_SPACE
#define P CHAR_PUNCTUATION
#define D (CHAR_DIGIT | CHAR_NUMERIC)
#define U (CHAR_LETTER | CHAR_UPPER)
#define L (CHAR_LETTER | CHAR_LOWER)
extern const uint8_t char_ascii_classes[128];
const uint8_t char_ascii_classes[128] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, S, S, S, S, S, 0, 0, /* 00 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, S, S, S, S, /* 10: the separators FS GS RS US are white space to Python */
    S, P, P, P, 0, P, P, P, P, P, P, 0, P, P, P, P, /* 20: all but $ + */
    D, D, D, D, D, D, D, D, D, D, P, P, 0, 0, 0, P, /* 30: all but < = > */
    P, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, /* 40 */
    U, U, U, U, U, U, U, U, U, U, U, P, P, P, 0, P, /* 50: all but ^ */
    0, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, /* 60: ` is a symbol */
    L, L, L, L, L, L, L, L, L, L, L, P, 0, P, 0, 0, /* 70 */
};
#undef S
#undef P
#undef D
#undef U
#undef L

/* Ideographs that count as numbers though their category is letter. */
static bool is_numeral_ideograph(uint32_t c)
{
    static const uint32_t numerals[] = {0x4E00, 0x4E03, 0x4E07, 0x4E09, 0x4E24, 0x4E5D, 0x4E8C, 0x4E94, 0x4EBF,
                                        0x5104, 0x5146, 0x516B, 0x516D, 0x5341, 0x5343, 0x56DB, 0x767E, 0x842C};
    for (size_t i = 0; i < ARRAY_COUNT(numerals); i++) {
        if (numerals[i] == c)
            return true;
    }
    return false;
}

static unsigned letter_classes(uint32_t c)
{
    return CHAR_LETTER | (c >= 0x4E00 && c <= 0x9FFF && is_numeral_ideograph(c) ? CHAR_NUMERIC : 0U);
}

unsigned char_classes(uint32_t c)
{
    if (c < 128)
        return char_ascii_classes[c];
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU: return CHAR_LETTER | CHAR_UPPER;
    case UTF8PROC_CATEGORY_LL: return CHAR_LETTER | CHAR_LOWER;
    case UTF8PROC_CATEGORY_LT: return CHAR_LETTER | CHAR_TITLE;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return letter_classes(c);
    case UTF8PROC_CATEGORY_ND: return CHAR_DIGIT | CHAR_NUMERIC;
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return CHAR_NUMERIC;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO: return CHAR_PUNCTUATION;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return CHAR_SPACE;
    case UTF8PROC_CATEGORY_CC: return c == 0x85 ? CHAR_SPACE : 0U;
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO: return 0;
    }
    return 0;
}

uint32_t char_lower(uint32_t c)
{
    if (c < 128)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
}

uint32_t chars_before(Str s, size_t at, size_t *ret_start)
{
    size_t start = at - 1;
    for (int i = 0; i < 3 && start > 0 && ((uint8_t)s.data[start] & 0xC0) == 0x80; i++)
        start--;
    size_t end = start;
    uint32_t code_point = str_next_code_point(s, &end);
    if (end != at) { /* not UTF-8: one byte at a time */
        *ret_start = at - 1;
        return 0xFFFD;
    }
    *ret_start = start;
    return code_point;
}

Str chars_trim_left(Str s)
{
    size_t from = 0;
    unsigned classes;
    for (size_t at = 0; at < s.len; from = at) {
        chars_next(s, &at, &classes);
        if (!(classes & CHAR_SPACE))
            break;
    }
    return str_slice(s, from, s.len);
}

Str chars_trim_right(Str s)
{
    size_t start;
    while (s.len > 0 && (char_classes(chars_before(s, s.len, &start)) & CHAR_SPACE))
        s.len = start;
    return s;
}

Str chars_trim(Str s)
{
    return chars_trim_right(chars_trim_left(s));
}

bool chars_are_upper(Str s)
{
    bool upper = false;
    unsigned classes;
    for (size_t at = 0; at < s.len;) {
        chars_next(s, &at, &classes);
        if (classes & (CHAR_LOWER | CHAR_TITLE))
            return false;
        upper |= (classes & CHAR_UPPER) != 0;
    }
    return upper;
}

bool chars_are_title(Str s)
{
    bool after_cased = false, title = false;
    unsigned classes;
    for (size_t at = 0; at < s.len;) {
        chars_next(s, &at, &classes);
        bool begins = (classes & (CHAR_UPPER | CHAR_TITLE)) != 0;
        if ((begins && after_cased) || ((classes & CHAR_LOWER) && !after_cased))
            return false;
        after_cased = begins || (classes & CHAR_LOWER);
        title |= after_cased;
    }
    return title;
}

static bool all_of_class(Str s, unsigned class)
{
    unsigned classes;
    for (size_t at = 0; at < s.len;) {
        chars_next(s, &at, &classes);
        if (!(classes & class))
            return false;
    }
    return s.len > 0;
}

bool chars_are_numeric(Str s)
{
    return all_of_class(s, CHAR_NUMERIC);
}

bool chars_are_letters(Str s)
{
    return all_of_class(s, CHAR_LETTER);
}
