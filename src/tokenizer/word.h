/* word.h - where the words of a text end, by the expression of GPT-2 that the pre-tokenizer ByteLevel splits with:
 *
 *     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 */
#ifndef TOKENIZER_WORD_H
#define TOKENIZER_WORD_H

#include "base/str.h"

/* The end of the word that begins at byte `at`, which is inside `text`. Every byte of a text is in one word. */
size_t word_end(Str text, size_t at);

#endif
