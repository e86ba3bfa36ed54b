/* layout.h - characters with their places to lines, lines to boxes of text: the paragraphs of a page.
 *
 * Pure functions of one page. The rules and their constants are pdfminer's, which the originals build on; source:
 * spec/unstructured.md 3.12. Coordinates are points, y grows downwards from the top of the page. */
#ifndef PDF_LAYOUT_H
#define PDF_LAYOUT_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

typedef struct LayoutRect {
    double left, top, right, bottom;
} LayoutRect;

LayoutRect layout_rect_union(LayoutRect a, LayoutRect b);
/* x and y exchanged: vertical text as if it ran along the page. */
LayoutRect layout_rect_turned(LayoutRect rect);

/* One character. White space carries no place that matters: it only says that its neighbours are two words, and '\n' also
 * that the source began a new run. */
typedef struct LayoutGlyph {
    LayoutRect rect;
    double size; /* of the font; 0: the height of `rect` */
    uint32_t code_point;
} LayoutGlyph;

typedef struct LayoutGlyphs {
    const LayoutGlyph *items;
    size_t count;
} LayoutGlyphs;

#define LAYOUT_NO_GLYPH UINT32_MAX

typedef struct LayoutBox {
    LayoutRect rect;
    Str text;               /* UTF-8, single spaces, trimmed, never empty */
    const uint32_t *glyphs; /* for each code point of `text` its glyph, or LAYOUT_NO_GLYPH for a space */
    size_t code_points;
    bool vertical; /* runs down or up the page */
} LayoutBox;

typedef struct LayoutBoxes {
    LayoutBox *items;
    size_t count;
} LayoutBoxes;

/* Everything in `ret_boxes` lives in `arena`; the boxes stand in the order of their first lines. Text that runs down or up the page
 * makes lines of its own. Errors: LIMIT (arena, or a page so crowded that comparing its lines would not end), NO_MEMORY. */
MUST_USE Error *layout_page(LayoutGlyphs glyphs, Arena *arena, LayoutBoxes *ret_boxes);

#endif
