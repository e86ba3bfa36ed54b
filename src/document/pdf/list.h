/* list.h - list items whose text goes on in another box. Source: spec/unstructured.md 3.12, "List continuation". */
#ifndef PDF_LIST_H
#define PDF_LIST_H

#include "document/pdf/page.h"

/* Joins to each list item, with a space, what continues it, and removes that from `items`, which stand in reading order: boxes are
 * united, links moved. A continuation is compared with the nearest list items before it as they first stood. (The originals lose
 * text when an item goes on twice or another stands between; we do not.) Texts live in `arena`. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *list_join(PageItems *items, Arena *arena);

#endif
