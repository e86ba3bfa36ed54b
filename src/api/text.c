#include <stdlib.h>

#include "api/internal.h"
#include "document/clean/clean.h"
#include "document/clean/extract.h"
#include "document/clean/pattern.h"

enum { TEXT_ARENA_BYTES = 1 << 30 };

/* A text as a caller gave it; NULL of no bytes is the empty one. */
static Error *read_text(QuernBytes bytes, Str *ret_text)
{
    *ret_text = bytes.size_bytes > 0 ? str_from(bytes.data, bytes.size_bytes) : STR_EMPTY;
    return str_is_utf8(*ret_text) ? NULL : FAIL(INVALID, "the text is not UTF-8");
}

/* Pieces between commas; empty ones are nothing. The list is in `arena`. */
static Error *split_list(Str list, Arena *arena, StrList *ret_items)
{
    Str piece;
    size_t commas = 0, count = 0;
    for (size_t i = 0; i < list.len; i++)
        commas += list.data[i] == ',';
    Str *items = ARENA_ARRAY(arena, Str, commas + 1);
    if (!items)
        return arena_error(arena);
    while (str_next_piece(&list, ',', &piece)) {
        piece = str_trim(piece);
        if (piece.len > 0)
            items[count++] = piece;
    }
    *ret_items = (StrList){items, count};
    return NULL;
}

QuernError *quern_text_clean(QuernBytes text, const char *cleaners, char **ret_text, size_t *ret_text_bytes)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(TEXT_ARENA_BYTES);
    CLEANUP(cleaners_freep) Cleaners *list = NULL;
    CLEANUP(buffer_done) Buffer out = {0};
    StrList items;
    Str input;
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(read_text(text, &input));
    TRY(split_list(str_of(cleaners), arena, &items));
    TRY(cleaners_new(items, &list));
    TRY(cleaners_apply(list, input, &out));
    size_t bytes = out.len;
    TRY(text_from_buffer(&out, ret_text));
    if (ret_text_bytes)
        *ret_text_bytes = bytes;
    return NULL;
}

/* Pointers, a NULL, and behind it their texts. */
static Error *give_list(StrList list, char ***ret_list)
{
    size_t bytes = (list.count + 1) * sizeof(char *), at = bytes;
    for (size_t i = 0; i < list.count; i++)
        bytes += list.items[i].len + 1;
    char **given = calloc(1, bytes);
    if (!given)
        return FAIL(NO_MEMORY, "out of memory");
    for (size_t i = 0; i < list.count; at += list.items[i].len + 1, i++) {
        given[i] = (char *)given + at;
        memcpy(given[i], list.items[i].data, list.items[i].len);
    }
    *ret_list = given;
    return NULL;
}

QuernError *quern_text_extract(QuernBytes text, const char *what, char ***ret_found)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(TEXT_ARENA_BYTES);
    StrList found;
    Str input;
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(read_text(text, &input));
    TRY(extract(str_of(what), input, arena, &found));
    return ret_found ? give_list(found, ret_found) : NULL;
}

QuernError *quern_text_around(QuernBytes text, const char *pattern, size_t index, char **ret_before, char **ret_after)
{
    CLEANUP(pattern_freep) Pattern *compiled = NULL;
    CLEANUP(buffer_done) Buffer before = {0}, after = {0};
    PatternAround around;
    Str input;
    TRY(read_text(text, &input));
    TRY(pattern_new(str_of(pattern), PATTERN_ANYWHERE, &compiled));
    TRY(pattern_around(compiled, input, index, &around));
    if (!around.found)
        return FAIL(NOT_FOUND, "pattern '%s': there is no match %zu in the text", pattern ? pattern : "", index);
    TRY(buffer_append_str(&before, around.before));
    TRY(buffer_append_str(&after, around.after));
    if (!buffer_cstr(&after)) /* what can fail comes before what is given out */
        return FAIL(NO_MEMORY, "out of memory");
    TRY(text_from_buffer(&before, ret_before));
    return text_from_buffer(&after, ret_after);
}
