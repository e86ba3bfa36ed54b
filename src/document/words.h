/* words.h - a text cut into sentences and a sentence into words, as the tagger was taught them. Source: spec/unstructured.md 3.2.
 * Both are walks without memory of their own, linear in the text. */
#ifndef DOCUMENT_WORDS_H
#define DOCUMENT_WORDS_H

#include "base/str.h"

/* Cuts the next sentence off `*rest`, white space around it removed; false at the end. */
bool words_next_sentence(Str *rest, Str *ret_sentence);

/* A walk over the words of one sentence. */
typedef struct WordWalk {
    Str sentence;
    size_t at;
    Str waiting; /* the second half of a word that was split; NULL: none */
} WordWalk;

static inline WordWalk word_walk(Str sentence)
{
    return (WordWalk){.sentence = sentence};
}

/* The next word, in the sentence or, for double quotes, "``" and "''"; false at the end. */
bool word_walk_next(WordWalk *walk, Str *ret_word);

/* Where "cannot", "gonna" and their like come apart into two words; 0: nowhere. Any case. */
size_t word_contraction(Str word);

#endif
