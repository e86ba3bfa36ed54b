/* language.h - the languages of a document's elements, as ISO 639-3. Source: spec/unstructured.md 2.6. */
#ifndef DOCUMENT_LANGUAGE_H
#define DOCUMENT_LANGUAGE_H

#include "document/element.h"

/* Sets `languages` of every element from `first` on that has none yet (documents in the document have theirs): as `wanted` says, a comma
 * list of ISO 639-1 or -3 codes; or, for "" and "auto", one found for those elements together when it is the only one, else each element's own.
 * Errors: LIMIT, NO_MEMORY (arena). */
MUST_USE Error *languages_set(Elements *elements, size_t first, Str wanted);

enum { LANGUAGES_FOUND_MAX = 3 };

/* The languages of one text, most of it first: static three-letter codes. Text in ASCII is English when it has fewer than five
 * words, or nothing else can be told. 0: none found. */
size_t languages_find(Str text, Str found[LANGUAGES_FOUND_MAX]);

#endif
