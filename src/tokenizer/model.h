/* model.h - what a tokenizer.json says, made ready to encode with. Constant once read. */
#ifndef TOKENIZER_MODEL_H
#define TOKENIZER_MODEL_H

#include "base/arena.h"
#include "tokenizer/added.h"
#include "tokenizer/merge.h"
#include "tokenizer/normalize.h"
#include "tokenizer/vocab.h"

typedef struct Model {
    Arena *arena; /* owns what the members point to */
    Normalizer normalizer;
    AddedTokens raw_tokens;        /* found in the text as it is */
    AddedTokens normalized_tokens; /* found in what the normalizer makes of it */
    bool prefix_space;             /* a space goes before a text that has none there */
    bool split_words;              /* by word_end; else what is between added tokens is one word */
    uint32_t byte_ids[256];        /* TOKEN_NONE: the vocabulary does not have the byte, which is left out */
    MergeTable merges;
} Model;

/* Errors: those of tokenizer_read. `model` is zeroed before, and must be given to model_done after failure too. */
MUST_USE Error *model_read(Bytes json, Model *model);
void model_done(Model *model);

#endif
