/* metadata_limit.h - what a document may say about itself and its elements besides their text: 100 kB a value, 1 MB an element
 * (spec/security.md 4.3). Excerpts and other forms of the text (tables as HTML, emphasised and link texts, pictures) are bounded as text is. */
#ifndef PARSE_METADATA_LIMIT_H
#define PARSE_METADATA_LIMIT_H

#include "document/element.h"

/* Leaves out what is too large. Errors: LIMIT, naming the first and which limit; the elements are good all the same. */
MUST_USE Error *metadata_limit(Elements *elements);

#endif
