#include "document/clean/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "document/chars.h"

/* Steps back that one match may try: where it can begin at one place only, and at each of many. Tenths of a second on a bad day. */
enum { STEPS_AT_ONE_PLACE = 10000000, STEPS_AT_EACH_PLACE = 100000, HEAP_KIB = 64 << 10 };

struct Pattern {
    pcre2_code *code;
    pcre2_match_context *limits;
};

void pattern_free(Pattern *pattern)
{
    if (!pattern)
        return;
    pcre2_match_context_free(pattern->limits);
    pcre2_code_free(pattern->code);
    free(pattern);
}

static uint32_t place_option(PatternPlace place)
{
    return place == PATTERN_AT_START ? PCRE2_ANCHORED : place == PATTERN_AT_END ? PCRE2_ENDANCHORED : 0;
}

MUST_USE static Error *compile(Str expression, PatternPlace place, pcre2_code **ret_code)
{
    int number;
    PCRE2_SIZE offset;
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C | place_option(place);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context)
        return FAIL(NO_MEMORY, "out of memory");
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    *ret_code = pcre2_compile((PCRE2_SPTR)expression.data, expression.len, options, &number, &offset, context);
    pcre2_compile_context_free(context);
    if (*ret_code)
        return NULL;
    char message[160];
    pcre2_get_error_message(number, (PCRE2_UCHAR *)message, sizeof message);
    return FAIL(INVALID, "pattern '" STR_FMT "': %s, at byte %zu", STR_ARG(expression), message, (size_t)offset);
}

Error *pattern_new(Str expression, PatternPlace place, Pattern **ret_pattern)
{
    if (expression.len > PATTERN_BYTES_MAX)
        return FAIL(INVALID, "a pattern of %zu bytes is too long: %d are allowed", expression.len, PATTERN_BYTES_MAX);
    CLEANUP(pattern_freep) Pattern *pattern = calloc(1, sizeof *pattern);
    if (!pattern)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(compile(expression, place, &pattern->code));
    pattern->limits = pcre2_match_context_create(NULL);
    if (!pattern->limits)
        return FAIL(NO_MEMORY, "out of memory");
    pcre2_set_match_limit(pattern->limits, place == PATTERN_AT_START ? STEPS_AT_ONE_PLACE : STEPS_AT_EACH_PLACE);
    pcre2_set_heap_limit(pattern->limits, HEAP_KIB);
    *ret_pattern = pattern;
    pattern = NULL;
    return NULL;
}

static Error *match_error(int number)
{
    char message[160];
    if (number == PCRE2_ERROR_NOMEMORY)
        return FAIL(NO_MEMORY, "out of memory");
    pcre2_get_error_message(number, (PCRE2_UCHAR *)message, sizeof message);
    return FAIL(LIMIT, "the pattern cannot be matched: %s; write it so that it has fewer ways to match", message);
}

Error *pattern_find(const Pattern *pattern, Str text, size_t from, bool not_empty, PatternMatch *ret_match)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (!data)
        return FAIL(NO_MEMORY, "out of memory");
    int number = pcre2_match(pattern->code, (PCRE2_SPTR)text.data, text.len, from,
                             not_empty ? PCRE2_NOTEMPTY_ATSTART : 0, data, pattern->limits);
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(data);
    *ret_match = number >= 0 ? (PatternMatch){ends[0], ends[1], true} : (PatternMatch){0};
    pcre2_match_data_free(data);
    return number >= 0 || number == PCRE2_ERROR_NOMATCH ? NULL : match_error(number);
}

/* The match with `index`. As in Python's finditer, an empty one may stand right behind another, but not in its place. */
MUST_USE static Error *find_nth(const Pattern *pattern, Str text, size_t index, PatternMatch *ret_match)
{
    size_t from = 0;
    bool after_empty = false;
    for (size_t i = 0;; i++) {
        TRY(pattern_find(pattern, text, from, after_empty, ret_match));
        if (!ret_match->found || i == index)
            return NULL;
        from = ret_match->end;
        after_empty = ret_match->start == ret_match->end;
    }
}

Error *pattern_around(const Pattern *pattern, Str text, size_t index, PatternAround *ret_around)
{
    PatternMatch match;
    TRY(find_nth(pattern, text, index, &match));
    *ret_around = (PatternAround){.found = match.found};
    if (match.found) {
        ret_around->before = chars_trim_right(str_slice(text, 0, match.start));
        ret_around->after = chars_trim_left(str_slice(text, match.end, text.len));
    }
    return NULL;
}
