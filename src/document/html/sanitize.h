/* sanitize.h - attributes of foreign HTML that may stand in HTML of ours: nothing that runs, loads or covers. Source: unstructured 0.27.32,
 * documents/html_sanitization.py. */
#ifndef DOCUMENT_HTML_SANITIZE_H
#define DOCUMENT_HTML_SANITIZE_H

#include "base/buffer.h"
#include "document/html/tree.h"

/* Whether an attribute may stay on `tag`, by its name and, for addresses, by their scheme. */
bool sanitize_keeps(Str tag, const HtmlAttribute *attribute);

/* Appends the declarations of a style attribute that only colour, border and align. Errors: LIMIT, NO_MEMORY (of `out`). */
MUST_USE Error *sanitize_style(Str style, Buffer *out);

#endif
