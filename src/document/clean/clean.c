#include "document/clean/clean.h"

#include <stdlib.h>

#include "document/chars.h"
#include "document/clean/cleaner.h"
#include "document/clean/pattern.h"

typedef enum CleanArgument { ARGUMENT_NONE, ARGUMENT_CHARACTERS, ARGUMENT_PREFIX, ARGUMENT_POSTFIX } CleanArgument;

/* A name that can be given. */
typedef struct CleanerKind {
    const char *name;
    CleanArgument argument;
    CleanFn *clean; /* NULL: it takes an argument */
    const char *argument_name;
} CleanerKind;

static const CleanerKind kinds[] = {
    {"auto-paragraphs", ARGUMENT_NONE, clean_auto_paragraphs, NULL},
    {"blank-lines", ARGUMENT_NONE, clean_broken_paragraphs, NULL},
    {"broken-paragraphs", ARGUMENT_NONE, clean_broken_paragraphs, NULL},
    {"bullet-paragraph", ARGUMENT_NONE, clean_bullet_paragraph, NULL},
    {"bullets", ARGUMENT_NONE, clean_bullets, NULL},
    {"bytes-string", ARGUMENT_NONE, clean_bytes_string, NULL},
    {"dashes", ARGUMENT_NONE, clean_dashes, NULL},
    {"extra-whitespace", ARGUMENT_NONE, clean_extra_whitespace, NULL},
    {"ligatures", ARGUMENT_NONE, clean_ligatures, NULL},
    {"lowercase", ARGUMENT_NONE, clean_lowercase, NULL},
    {"mime-encodings", ARGUMENT_NONE, clean_mime_encodings, NULL},
    {"new-lines", ARGUMENT_NONE, clean_new_lines, NULL},
    {"non-ascii-chars", ARGUMENT_NONE, clean_non_ascii_chars, NULL},
    {"ordered-bullets", ARGUMENT_NONE, clean_ordered_bullets, NULL},
    {"punctuation", ARGUMENT_NONE, clean_punctuation, NULL},
    {"trailing-punctuation", ARGUMENT_NONE, clean_trailing_punctuation, NULL},
    {"unicode-quotes", ARGUMENT_NONE, clean_unicode_quotes, NULL},
    {"sentence-punctuation", ARGUMENT_CHARACTERS, NULL, "KEEP"},
    {"prefix", ARGUMENT_PREFIX, NULL, "PATTERN"},
    {"postfix", ARGUMENT_POSTFIX, NULL, "PATTERN"},
};

typedef struct Cleaner {
    const CleanerKind *kind;
    Buffer keep;      /* characters that are no punctuation */
    Pattern *pattern; /* owned; NULL: none */
} Cleaner;

struct Cleaners {
    size_t count;
    Cleaner items[CLEANERS_MAX];
};

void cleaners_free(Cleaners *cleaners)
{
    if (!cleaners)
        return;
    for (size_t i = 0; i < cleaners->count; i++) {
        buffer_done(&cleaners->items[i].keep);
        pattern_free(cleaners->items[i].pattern);
    }
    free(cleaners);
}

Error *cleaners_append_names(Buffer *out)
{
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        const CleanerKind *kind = &kinds[i];
        TRY(buffer_append_format(out, "%s%s", i > 0 ? ", " : "", kind->name));
        if (kind->argument != ARGUMENT_NONE)
            TRY(buffer_append_format(out, "=%s", kind->argument_name));
    }
    return NULL;
}

static Error *unknown_cleaner(Str name)
{
    CLEANUP(buffer_done) Buffer names = {0};
    TRY(cleaners_append_names(&names));
    return FAIL(INVALID, "'" STR_FMT "': no cleaner has this name; there are " STR_FMT, STR_ARG(name),
                STR_ARG(buffer_str(&names)));
}

MUST_USE static Error *find_kind(Str name, const CleanerKind **ret_kind)
{
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (str_equal(name, str_of(kinds[i].name))) {
            *ret_kind = &kinds[i];
            return NULL;
        }
    }
    return unknown_cleaner(name);
}

/* As in a pattern, \x2c is a comma, which separates the items of a list. */
MUST_USE static Error *read_characters(Str text, Buffer *out)
{
    static const Str comma = {"\\x2c", 4};
    for (size_t found; (found = str_find(text, comma)) != SIZE_MAX;
         text = str_slice(text, found + comma.len, text.len)) {
        TRY(buffer_append_str(out, str_slice(text, 0, found)));
        TRY(buffer_append_byte(out, ','));
    }
    return buffer_append_str(out, text);
}

MUST_USE static Error *read_argument(Str argument, Cleaner *cleaner)
{
    switch (cleaner->kind->argument) {
    case ARGUMENT_CHARACTERS: return read_characters(argument, &cleaner->keep);
    case ARGUMENT_PREFIX: return pattern_new(argument, PATTERN_AT_START, &cleaner->pattern);
    case ARGUMENT_POSTFIX: return pattern_new(argument, PATTERN_AT_END, &cleaner->pattern);
    case ARGUMENT_NONE: break;
    }
    return NULL;
}

MUST_USE static Error *read_cleaner(Str text, Cleaner *cleaner)
{
    size_t equals = str_find_char(text, '=');
    TRY(find_kind(str_slice(text, 0, equals), &cleaner->kind));
    bool has = equals != SIZE_MAX, wants = cleaner->kind->argument != ARGUMENT_NONE;
    if (has && !wants)
        return FAIL(INVALID, "'" STR_FMT "': %s takes no argument", STR_ARG(text), cleaner->kind->name);
    if (wants && !has)
        return FAIL(INVALID, "'%s' needs an argument: %s=%s", cleaner->kind->name, cleaner->kind->name,
                    cleaner->kind->argument_name);
    return has ? read_argument(str_slice(text, equals + 1, text.len), cleaner) : NULL;
}

Error *cleaners_new(StrList list, Cleaners **ret_cleaners)
{
    if (list.count > CLEANERS_MAX)
        return FAIL(INVALID, "%zu cleaners are too many: %d are allowed", list.count, CLEANERS_MAX);
    CLEANUP(cleaners_freep) Cleaners *cleaners = calloc(1, sizeof *cleaners);
    if (!cleaners)
        return FAIL(NO_MEMORY, "out of memory");
    for (size_t i = 0; i < list.count; i++)
        TRY(read_cleaner(list.items[i], &cleaners->items[cleaners->count++]));
    *ret_cleaners = cleaners;
    cleaners = NULL;
    return NULL;
}

/* ---- texts ---- */

/* clean_prefix of the original, whose `^` binds the first alternative only: here all of the pattern stands at the start. */
MUST_USE static Error *clean_prefix(Str text, const Pattern *pattern, Buffer *out)
{
    PatternMatch match;
    TRY(pattern_find(pattern, text, 0, false, &match));
    if (match.found)
        text = str_slice(text, match.end, text.len);
    return buffer_append_str(out, chars_trim_left(text));
}

/* clean_postfix. As in the original, a line end behind the match may stand there: it is trimmed. */
MUST_USE static Error *clean_postfix(Str text, const Pattern *pattern, Buffer *out)
{
    PatternMatch match, before_line_end = {0};
    TRY(pattern_find(pattern, text, 0, false, &match));
    if (text.len > 0 && text.data[text.len - 1] == '\n')
        TRY(pattern_find(pattern, str_slice(text, 0, text.len - 1), 0, false, &before_line_end));
    if (before_line_end.found && (!match.found || before_line_end.start < match.start))
        match = before_line_end;
    if (match.found)
        text = str_slice(text, 0, match.start);
    return buffer_append_str(out, chars_trim_right(text));
}

MUST_USE static Error *clean_once(const Cleaner *cleaner, Str text, Buffer *out)
{
    switch (cleaner->kind->argument) {
    case ARGUMENT_NONE: return cleaner->kind->clean(text, out);
    case ARGUMENT_CHARACTERS: return clean_sentence_punctuation(text, buffer_str(&cleaner->keep), out);
    case ARGUMENT_PREFIX: TRY_CTX(clean_prefix(text, cleaner->pattern, out), "prefix"); break;
    case ARGUMENT_POSTFIX: TRY_CTX(clean_postfix(text, cleaner->pattern, out), "postfix"); break;
    }
    return NULL;
}

/* `other` is what the cleaners before the last one write to in turn. The result is in `out`. */
MUST_USE static Error *clean_all(const Cleaners *cleaners, Str text, Buffer *other, Buffer *out)
{
    Buffer *to = cleaners->count % 2 ? out : other; /* so that the last one writes to `out` */
    buffer_clear(out);
    if (cleaners->count == 0)
        return buffer_append_str(out, text);
    for (size_t i = 0; i < cleaners->count; i++) {
        buffer_clear(to);
        TRY(clean_once(&cleaners->items[i], text, to));
        text = buffer_str(to);
        to = to == out ? other : out;
    }
    return NULL;
}

Error *cleaners_apply(const Cleaners *cleaners, Str text, Buffer *out)
{
    CLEANUP(buffer_done) Buffer other = {0};
    return clean_all(cleaners, text, &other, out);
}

Error *cleaners_apply_to_elements(const Cleaners *cleaners, Elements *elements)
{
    CLEANUP(buffer_done) Buffer other = {0}, cleaned = {0};
    for (size_t i = 0; i < elements->count; i++) {
        Element *element = &elements->items[i];
        TRY(clean_all(cleaners, element->text, &other, &cleaned));
        if (str_equal(element->text, buffer_str(&cleaned)))
            continue;
        Str text = arena_str(elements->arena, buffer_str(&cleaned));
        if (!text.data)
            return arena_error(elements->arena);
        element->text = text;
    }
    return NULL;
}
