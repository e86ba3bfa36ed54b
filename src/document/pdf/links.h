/* links.h - which words of a box lie under a link. Source: spec/unstructured.md 3.12, "Links". */
#ifndef PDF_LINKS_H
#define PDF_LINKS_H

#include "document/pdf/page.h"

/* The links over the box in the order of their words; `start_index` counts from code point `skipped` of the box's text, what lies
 * before it is left out. A link that covers several stretches of the box gives the first. Texts point into the box, URLs into
 * `links`. Errors: LIMIT, NO_MEMORY (arena). */
MUST_USE Error *links_of_box(LayoutGlyphs glyphs, const LayoutBox *box, PageAreas links, size_t skipped, Arena *arena,
                             ElementLink **ret_links, size_t *ret_count);

#endif
