/* tokenizer.h - text as the token ids of a model: byte-level BPE, read from a tokenizer.json of Hugging Face tokenizers.
 *
 * A Tokenizer is constant once read; any number of threads may encode with one at once. Special tokens are never put around a text, and
 * truncation and padding, which a file may ask for, are not applied: the ids are those of all of the text and of nothing else.
 * Sources: spec/kl3m.md C.5; the file format as `tokenizers` 0.23 writes it. */
#ifndef TOKENIZER_TOKENIZER_H
#define TOKENIZER_TOKENIZER_H

#include "base/error.h"
#include "base/str.h"

typedef struct Tokenizer Tokenizer;

/* Longest tokenizer.json that is read, and longest word: run of a text that merges go over. */
enum { TOKENIZER_FILE_BYTES_MAX = 64 << 20, TOKENIZER_WORD_BYTES_MAX = 8 << 20 };

/* From the text of a tokenizer.json, which is needed no longer. Errors: CORRUPT (no JSON, members that contradict one another), UNSUPPORTED naming
 * what is not known (another model, normalizer, pre-tokenizer ...), LIMIT, NO_MEMORY. */
MUST_USE Error *tokenizer_read(Bytes json, Tokenizer **ret_tokenizer);

/* NULL is allowed. No call on it may be in progress. */
void tokenizer_free(Tokenizer *tokenizer);
DEFINE_FREEP(Tokenizer, tokenizer_free)

/* Ids that grow. A zeroed one is empty. */
typedef struct TokenIds {
    uint32_t *items;
    size_t count, capacity;
} TokenIds;

void token_ids_done(TokenIds *ids); /* copes with a zeroed one; empty again afterwards */

/* Appends the ids of `text`. Errors: INVALID (no UTF-8), LIMIT (a word of more than TOKENIZER_WORD_BYTES_MAX), NO_MEMORY; `ids` then holds
 * part of them. */
MUST_USE Error *tokenizer_encode(Tokenizer *tokenizer, Str text, TokenIds *ids);

/* How many ids `text` has. Errors: those of tokenizer_encode. */
MUST_USE Error *tokenizer_count(Tokenizer *tokenizer, Str text, size_t *ret_count);

#endif
