/* clean.h - lists of cleaners, and texts that go through them. Source: spec/unstructured.md 5.
 *
 * A cleaner is a name of cleaners_names or a name with an argument: `bullets`, `sentence-punctuation=-`, `prefix=SUMMARY:?`. */
#ifndef DOCUMENT_CLEAN_CLEAN_H
#define DOCUMENT_CLEAN_CLEAN_H

#include "base/buffer.h"
#include "document/element.h"

/* Constant once made: any number of threads may use one. */
typedef struct Cleaners Cleaners;

enum { CLEANERS_MAX = 64 };

/* To be gone through in this order; `list` is copied. Errors: INVALID (no cleaner has this name, an argument lacks or is too much, no regular
 * expression, too many), NO_MEMORY. */
MUST_USE Error *cleaners_new(StrList list, Cleaners **ret_cleaners);
void cleaners_free(Cleaners *cleaners);
DEFINE_FREEP(Cleaners, cleaners_free)

/* "bullets, ordered-bullets, ..., prefix=PATTERN": for messages and help. */
Error *cleaners_append_names(Buffer *out) MUST_USE;

/* Makes `out` hold what the cleaners make of `text`, which must not be in it. Errors: LIMIT (a pattern that tries too much), NO_MEMORY. */
MUST_USE Error *cleaners_apply(const Cleaners *cleaners, Str text, Buffer *out);

/* All elements' texts; everything else of them stays, their ids too. One whose text becomes empty stays. Errors: as above, and the arena's. */
MUST_USE Error *cleaners_apply_to_elements(const Cleaners *cleaners, Elements *elements);

#endif
