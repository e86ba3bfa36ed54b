/* xycut.h - the reading order of boxes on a page by recursive XY-cut: columns first, then rows in each column.
 * Source: spec/unstructured.md 3.12, "Order". */
#ifndef PDF_XYCUT_H
#define PDF_XYCUT_H

#include "document/pdf/layout.h"

/* Fills `ret_order` with the indices 0..count-1 of `rects` in reading order. It has room for `count`; `arena` is scratch.
 * Errors: LIMIT, NO_MEMORY (arena). */
MUST_USE Error *xycut_order(const LayoutRect *rects, size_t count, Arena *arena, size_t *ret_order);

#endif
