/* shape.h - what stands on a slide, in the order one reads it, as elements: shared by PPTX and PPT. Source: spec/unstructured.md 3.9.
 * Two things are as in the originals' later releases: an e-mail address has its page number, lines in a table's cell are words apart. */
#ifndef DOCUMENT_SLIDES_SHAPE_H
#define DOCUMENT_SLIDES_SHAPE_H

#include "base/buffer.h"
#include "document/builder.h"

typedef struct SlideParagraph {
    Str text; /* as it stands, lines in it ended by U+000B */
    uint32_t level;
    bool bulleted;
    struct SlideParagraph *next;
} SlideParagraph;

/* A text shape, or a table. */
typedef struct SlideShape {
    int64_t top, left; /* 0: not known */
    bool is_title;     /* the slide's title placeholder */
    SlideParagraph *first, *last;
    Str table_text, table_html; /* "": no table */
} SlideShape;

/* The shapes of one slide; all memory is `arena`'s. Zeroed but for the arena it is empty. */
typedef struct Slide {
    Arena *arena;
    SlideShape *shapes;
    size_t count, capacity;
} Slide;

/* The next shape; valid until the one after. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *slide_add_shape(Slide *slide, SlideShape **ret_shape);
/* The next paragraph of the shape; `text` is copied. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *slide_add_paragraph(const Slide *slide, SlideShape *shape, SlideParagraph paragraph);

/* A table as it is made, row by row; zeroed it is new. */
typedef struct SlideTable {
    Buffer text, html;
} SlideTable;

void slide_table_done(SlideTable *table);
MUST_USE Error *slide_table_begin_row(SlideTable *table);
/* `lines` is the cell's text, and is changed. */
MUST_USE Error *slide_table_add_cell(SlideTable *table, Buffer *lines);
MUST_USE Error *slide_table_end_row(SlideTable *table);
/* The rows since the last end become the shape's table, unless there is no text in them. Errors: LIMIT, NO_MEMORY, as above. */
MUST_USE Error *slide_table_end(SlideTable *table, const Slide *slide, SlideShape *shape);

/* Adds the elements of all shapes, from top to bottom and left to right, and forgets the shapes. `number`, from 1, is the slide's; a page break
 * goes before all but the first. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *slide_add_elements(Slide *slide, Builder *builder, uint32_t number);

#endif
