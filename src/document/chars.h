/* chars.h - what Python says of a character, for the rules that were written in it: classes of code points and walks over
 * UTF-8 text. ASCII is answered by a table, the rest by utf8proc. Bytes that are not UTF-8 count as U+FFFD. */
#ifndef DOCUMENT_CHARS_H
#define DOCUMENT_CHARS_H

#include "base/str.h"

enum {
    CHAR_SPACE = 1,  /* str.isspace, and \s */
    CHAR_LETTER = 2, /* str.isalpha: categories L* */
    CHAR_UPPER = 4,
    CHAR_LOWER = 8,
    CHAR_TITLE = 16,       /* the few digraphs that are both */
    CHAR_DIGIT = 32,       /* \d: category Nd */
    CHAR_NUMERIC = 64,     /* str.isnumeric: categories N* and the ideographs for numbers */
    CHAR_PUNCTUATION = 128 /* categories P* */
};

/* The classes of `code_point`, above, or-ed. */
unsigned char_classes(uint32_t code_point);

/* Decodes one code point at `s.data[*at]`, moves past it, and says its classes. */
static inline uint32_t chars_next(Str s, size_t *at, unsigned *ret_classes)
{
    extern const uint8_t char_ascii_classes[128];
    uint8_t byte = (uint8_t)s.data[*at];
    if (byte < 128) {
        ++*at;
        *ret_classes = char_ascii_classes[byte];
        return byte;
    }
    uint32_t code_point = str_next_code_point(s, at);
    *ret_classes = char_classes(code_point);
    return code_point;
}

/* Without white space of any script at both ends: Python's strip(). */
Str chars_trim(Str s);
Str chars_trim_left(Str s);
Str chars_trim_right(Str s);
/* The code point that ends just before byte `at` (> 0), and where it begins. */
uint32_t chars_before(Str s, size_t at, size_t *ret_start);

/* Every cased character is upper case, and there is one: str.isupper. */
bool chars_are_upper(Str s);
/* str.istitle: upper case begins each run of cased characters and is nowhere else. */
bool chars_are_title(Str s);
bool chars_are_numeric(Str s); /* str.isnumeric */
bool chars_are_letters(Str s); /* str.isalpha */

/* Lower case of one code point. */
uint32_t char_lower(uint32_t code_point);

#endif
