/* Any bytes as a text: every cleaner and every extractor. The first line is a pattern, the rest the text. What is UTF-8 stays UTF-8, and is not
 * more than three times as long; what was found stands in the text or, in lower case or as a time, is made of it. */
#include <stdio.h>

#include "document/clean/clean.h"
#include "document/clean/extract.h"
#include "document/clean/pattern.h"

static void clean_with(Str item, Str text)
{
    CLEANUP(cleaners_freep) Cleaners *cleaners = NULL;
    CLEANUP(buffer_done) Buffer out = {0};
    Error *error = cleaners_new((StrList){&item, 1}, &cleaners);
    if (!error)
        error = cleaners_apply(cleaners, text, &out);
    ASSERT(!error || error_code(error) == ERR_INVALID || error_code(error) == ERR_LIMIT);
    ASSERT(error || !str_is_utf8(text) || str_is_utf8(buffer_str(&out)));
    ASSERT(error || out.len <= 3 * text.len);
    error_free(error);
}

static void clean_with_all(Str text)
{
    static const char *const items[] = {
        "auto-paragraphs",
        "blank-lines",
        "bullet-paragraph",
        "bullets",
        "bytes-string",
        "dashes",
        "extra-whitespace",
        "ligatures",
        "lowercase",
        "mime-encodings",
        "new-lines",
        "non-ascii-chars",
        "ordered-bullets",
        "punctuation",
        "sentence-punctuation=-.",
        "trailing-punctuation",
        "unicode-quotes",
    };
    for (size_t i = 0; i < ARRAY_COUNT(items); i++)
        clean_with(str_of(items[i]), text);
}

static void extract_all(Str text)
{
    static const char *const names[] = {"email-address", "ip-address",      "ip-address-name", "mapi-id",
                                        "datetimetz",    "us-phone-number", "ordered-bullets", "image-urls-from-html"};
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        StrList found;
        Error *error = extract(str_of(names[i]), text, arena, &found);
        ASSERT(!error);
        size_t bytes = 0;
        for (size_t k = 0; k < found.count; k++)
            bytes += found.items[k].len;
        ASSERT(bytes <= 2 * text.len);
    }
}

/* Patterns are the user's own, and may be slow: short ones on short texts. */
static void match(Str pattern, Str text)
{
    char item[64];
    CLEANUP(pattern_freep) Pattern *compiled = NULL;
    PatternAround around = {0};
    if (pattern.len > 24 || text.len > 256)
        return;
    int len = snprintf(item, sizeof item, "prefix=" STR_FMT, STR_ARG(pattern));
    clean_with(str_from(item, (size_t)len), text);
    len = snprintf(item, sizeof item, "postfix=" STR_FMT, STR_ARG(pattern));
    clean_with(str_from(item, (size_t)len), text);
    Error *error = pattern_new(pattern, PATTERN_ANYWHERE, &compiled);
    if (!error)
        error = pattern_around(compiled, text, 1, &around);
    ASSERT(!around.found || around.before.len + around.after.len <= text.len);
    error_free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Str text = str_from(size ? (const char *)data : "", size), pattern;
    if (size > 64 * KIB)
        return 0;
    str_next_piece(&text, '\n', &pattern);
    text = text.data ? text : STR_EMPTY;
    clean_with_all(text);
    extract_all(text);
    match(pattern, text);
    return 0;
}
