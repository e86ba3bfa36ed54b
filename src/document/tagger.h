/* tagger.h - whether a text has a verb, by a part-of-speech tagger of our own. Source: spec/unstructured.md 3.2.
 *
 * An averaged perceptron, greedy from left to right; its weights (tagger_model.bin, built in) come from scripts/train-tagger, which says how
 * they are laid out. Takes no memory; any number of threads. */
#ifndef DOCUMENT_TAGGER_H
#define DOCUMENT_TAGGER_H

#include "base/str.h"

/* Text all in capitals is tagged as if it were in lower case. */
typedef enum TaggerCase { TAGGER_AS_IT_STANDS, TAGGER_LOWER_CASE } TaggerCase;

/* Gives each word of `text` a tag, in order: `each` gets the word and its Penn Treebank label, and returns false to stop. Its sentences are tagged
 * in one walk, as scripts/train-tagger read them. */
typedef bool TaggerEach(void *context, Str word, Str label);
void tagger_tag(Str text, TaggerCase letters, TaggerEach *each, void *context);

/* A token of `text` is tagged as a verb (VB, VBD, VBG, VBN, VBP, VBZ). */
bool tagger_finds_verb(Str text, TaggerCase letters);

#endif
