/* strings.h - the shared strings of a workbook, which its cells name by number. */
#ifndef DOCUMENT_SHEETS_STRINGS_H
#define DOCUMENT_SHEETS_STRINGS_H

#include "base/arena.h"

/* Start with the arena alone, in which everything lives. */
typedef struct SharedStrings {
    Arena *arena;
    Str *items;
    size_t count, capacity;
} SharedStrings;

/* A copy of `text` is the next one. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *shared_strings_add(SharedStrings *strings, Str text);
/* Errors: CORRUPT (there is no such string). */
MUST_USE Error *shared_strings_find(const SharedStrings *strings, uint64_t index, Str *ret_text);

#endif
