/* content.h - what poppler says about a page, as plain data. Besides pdf.c the only place that knows poppler. */
#ifndef PDF_CONTENT_H
#define PDF_CONTENT_H

#include "document/pdf/page.h"

#include <poppler.h> /* last: it replaces MIN and MAX by its own */

#define CONTENT_CHARACTERS_MAX ((size_t)1000 * 1000) /* of one page */
#define CONTENT_AREAS_MAX ((size_t)2000)             /* links, and fields, of one page; more are left out */

/* Characters, links and filled fields of the page, copied into `arena`. A page without text has no characters. Errors: LIMIT
 * (characters, arena), NO_MEMORY. */
MUST_USE Error *content_read(PopplerPage *page, Arena *arena, PageContent *ret_content);

#endif
