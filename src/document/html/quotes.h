/* quotes.h - quotation marks and dashes that were Windows-1252 and were taken for something else, put right as releases up to 0.14 did. */
#ifndef DOCUMENT_HTML_QUOTES_H
#define DOCUMENT_HTML_QUOTES_H

#include "base/buffer.h"

/* Of `text`, UTF-8, in place. Errors: LIMIT, NO_MEMORY (of `text`). */
MUST_USE Error *quotes_repair(Buffer *text);

#endif
