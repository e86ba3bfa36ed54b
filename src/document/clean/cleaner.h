/* cleaner.h - each cleaner by itself. Sources: spec/unstructured.md 5; unstructured 0.27.32, cleaners/core.py, whose function a comment names
 * where the name here does not.
 *
 * Every one appends what it makes of `text` to `out`, at most three times as long, and keeps bytes that are not UTF-8. Pure functions, linear.
 * Errors: LIMIT (of `out`), NO_MEMORY. */
#ifndef DOCUMENT_CLEAN_CLEANER_H
#define DOCUMENT_CLEAN_CLEANER_H

#include "base/buffer.h"

typedef Error *CleanFn(Str text, Buffer *out) MUST_USE;

/* characters.c */
CleanFn clean_dashes;               /* - and en dash become spaces; trimmed */
CleanFn clean_extra_whitespace;     /* runs of spaces, no-break spaces and line ends become one space; trimmed */
CleanFn clean_ligatures;            /* in letters of their own */
CleanFn clean_lowercase;            /* clean(lowercase=True): trimmed too */
CleanFn clean_non_ascii_chars;      /* without them */
CleanFn clean_punctuation;          /* without it: remove_punctuation */
CleanFn clean_trailing_punctuation; /* trimmed, then without . , : ; at the end */
CleanFn clean_unicode_quotes;       /* of Windows-1252, and what wrong decoding made of them: replace_unicode_quotes */
/* Without punctuation but the characters of `keep`: remove_sentence_punctuation. */
MUST_USE Error *clean_sentence_punctuation(Str text, Str keep, Buffer *out);

/* encodings.c: a text that does not give UTF-8, at which the original fails, stays as it is. */
CleanFn clean_mime_encodings; /* quoted-printable decoded: replace_mime_encodings */
CleanFn clean_bytes_string;   /* its characters are bytes of UTF-8: bytes_string_to_string */

/* lists.c */
CleanFn clean_bullets; /* without the bullet it begins with, then trimmed */
CleanFn
    clean_ordered_bullets; /* without a first word such as 1. or 1.1 or a.b., the others with a space between them */
CleanFn clean_bullet_paragraph; /* items of a list on lines of their own, blank lines between: group_bullet_paragraph */
CleanFn
    clean_broken_paragraphs; /* lines joined, blank lines between paragraphs: group_broken_paragraphs, blank_line_grouper */
CleanFn clean_new_lines;     /* every line a paragraph: new_line_grouper */
CleanFn clean_auto_paragraphs; /* the one or the other, by the share of blank lines: auto_paragraph_grouper */

/* The parts of a first word such as 1.1, in `text`; 0: it begins with no such word. `*ret_rest` is behind it. */
enum { ORDERED_PARTS = 3 };
size_t ordered_bullet(Str text, Str parts[ORDERED_PARTS], Str *ret_rest);

#endif
