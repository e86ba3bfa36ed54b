/* vocab.h - the tokens of a model by their text, while a tokenizer.json is read. */
#ifndef TOKENIZER_VOCAB_H
#define TOKENIZER_VOCAB_H

#include "base/arena.h"

#define TOKEN_NONE UINT32_MAX

typedef struct VocabEntry {
    Str token; /* data NULL: an empty slot */
    uint32_t id;
} VocabEntry;

typedef struct Vocab {
    VocabEntry *slots;
    size_t mask;
} Vocab;

/* `json` is an object of tokens and ids; it and `arena` must outlive the vocabulary. Names may hold any character, U+0000 too, which is why the
 * object is scanned. Errors: CORRUPT, LIMIT, NO_MEMORY. */
MUST_USE Error *vocab_read(Str json, Arena *arena, Vocab *ret_vocab);

/* TOKEN_NONE when there is no such token. */
uint32_t vocab_find(const Vocab *vocab, Str token);

#endif
