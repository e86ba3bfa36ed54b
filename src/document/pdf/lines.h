/* lines.h - characters to lines of text. Part of layout.c. */
#ifndef PDF_LINES_H
#define PDF_LINES_H

#include "document/pdf/layout.h"

/* A stretch of the glyphs that belongs to one line; white space may stand inside, not at the ends. */
typedef struct Fragment {
    uint32_t first, last;
} Fragment;

typedef struct Line {
    LayoutRect rect;
    uint32_t fragment, fragments; /* its part of Lines.fragments, from left to right */
    bool vertical;                /* runs down or up the page */
} Line;

typedef struct Lines {
    Line *items;
    size_t count;
    const Fragment *fragments;
} Lines;

/* True when the text says so or the gap does that there is a space between two characters of a line. */
bool lines_space_between(const LayoutGlyph *before, const LayoutGlyph *after, bool white_space);

/* In the order of their first characters; all in `arena`. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *lines_read(LayoutGlyphs glyphs, Arena *arena, Lines *ret_lines);

bool glyph_is_space(uint32_t code_point);

#endif
