/* pattern.h - regular expressions of users, in the syntax of Perl (PCRE2 10), whose classes know Unicode: \w, \d, \s, \b. In most ways
 * what Python's `re` takes. A Pattern may be used by several threads. */
#ifndef DOCUMENT_CLEAN_PATTERN_H
#define DOCUMENT_CLEAN_PATTERN_H

#include "base/error.h"
#include "base/str.h"

typedef struct Pattern Pattern;

typedef enum PatternPlace {
    PATTERN_ANYWHERE,
    PATTERN_AT_START,
    PATTERN_AT_END /* of the text; pattern_find says nothing of a line end there */
} PatternPlace;

enum { PATTERN_BYTES_MAX = 4096 };

/* Errors: INVALID (no regular expression, with the place of the mistake; too long), NO_MEMORY. */
MUST_USE Error *pattern_new(Str expression, PatternPlace place, Pattern **ret_pattern);
void pattern_free(Pattern *pattern);
DEFINE_FREEP(Pattern, pattern_free)

/* The first match that begins at byte `from` or later; one at `from` itself only when it is not empty, if `not_empty`. Errors: LIMIT (the
 * pattern tries too much), NO_MEMORY. */
typedef struct PatternMatch {
    size_t start, end;
    bool found;
} PatternMatch;
MUST_USE Error *pattern_find(const Pattern *pattern, Str text, size_t from, bool not_empty, PatternMatch *ret_match);

/* The text before and behind a match, without the white space next to it: extract_text_before and extract_text_after. */
typedef struct PatternAround {
    Str before, after;
    bool found;
} PatternAround;

/* Around the match with `index`, from 0, of those that do not overlap; the parts point into `text`. Errors: as above. */
MUST_USE Error *pattern_around(const Pattern *pattern, Str text, size_t index, PatternAround *ret_around);

#endif
