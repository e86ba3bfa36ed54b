/* quotes.h - quotation marks and dashes that were Windows-1252 and were taken for something else, put right: replace_unicode_quotes of
 * unstructured 0.27.32, cleaners/core.py. */
#ifndef DOCUMENT_QUOTES_H
#define DOCUMENT_QUOTES_H

#include "base/buffer.h"

/* Appends the repaired text to `out`: at most half as long again. Linear. Errors: LIMIT (of `out`), NO_MEMORY. */
MUST_USE Error *quotes_repair(Str text, Buffer *out);

#endif
