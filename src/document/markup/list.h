/* list.h - items of lists, as pandoc writes them: a paragraph of an item is set off (`<p>`) when a paragraph of the list is, and that is known
 * only when the list ends. Until then marks stand in its place, control characters that text does not have. */
#ifndef DOCUMENT_MARKUP_LIST_H
#define DOCUMENT_MARKUP_LIST_H

#include "base/buffer.h"

typedef enum Setting {
    SET_OFF,        /* no item's: a `<p>` */
    SET_ITEM_PLAIN, /* of an item, with no blank line behind it */
    SET_ITEM_OFF    /* of an item, with one */
} Setting;

/* Around the HTML of a paragraph. Errors: LIMIT, NO_MEMORY (of `out`), here and below. */
MUST_USE Error *list_begin_paragraph(Buffer *out, Setting setting);
MUST_USE Error *list_end_paragraph(Buffer *out, Setting setting);

/* Ends the list whose tag stands at `from` in `out`, items and all: they are set off, or none of them. `tag` is its name. */
MUST_USE Error *list_end(Buffer *out, size_t from, const char *tag);

#endif
