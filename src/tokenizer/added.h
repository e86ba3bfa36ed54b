/* added.h - the tokens that are found in a text before it is cut into words: leftmost, and of those that begin at one place the longest. */
#ifndef TOKENIZER_ADDED_H
#define TOKENIZER_ADDED_H

#include "base/str.h"

typedef struct AddedToken {
    Str text; /* never empty */
    uint32_t id;
    uint32_t order; /* in the file: of two with one text the first counts */
} AddedToken;

typedef struct AddedTokens {
    AddedToken *items; /* sorted, no two alike */
    size_t count;
    uint32_t first[257];        /* of those that begin with a byte: where they are in `items` */
    uint64_t pairs[65536 / 64]; /* a bit for each two bytes that a token may begin with */
} AddedTokens;

typedef struct AddedMatch {
    size_t start, end;
    uint32_t id;
} AddedMatch;

/* `items` are sorted in place and must live as long as `ret_tokens`. */
void added_tokens_init(AddedTokens *ret_tokens, AddedToken *items, size_t count);

/* The first at or after `from`; false when there is none. */
bool added_tokens_find(const AddedTokens *tokens, Str text, size_t from, AddedMatch *ret_match);

#endif
