/* paragraph.h - a paragraph of an Office document while it is read, and the element that it becomes. Source: spec/unstructured.md 3.8. */
#ifndef DOCUMENT_OFFICE_PARAGRAPH_H
#define DOCUMENT_OFFICE_PARAGRAPH_H

#include "base/buffer.h"
#include "document/builder.h"
#include "document/office/styles.h"

/* How a piece of text looks. */
typedef struct Look {
    bool bold, italic;
} Look;

/* Pieces of text that are bold or italic: one that is both stands twice. Lists as an Element wants them, in an arena. */
typedef struct Emphasis {
    StrList contents, tags;
    size_t capacity;
} Emphasis;

typedef struct Links {
    ElementLink *items;
    size_t count, capacity;
} Links;

/* Used for one paragraph after the other; `arena` and `text_max_bytes` are the owner's to set. Ends with paragraph_done. */
typedef struct Paragraph {
    Arena *arena; /* of emphasis and links */
    size_t text_max_bytes;

    Buffer text; /* what the rules look at */
    Buffer full; /* with the text in drawings that stand in the line; only when has_shapes */
    bool has_shapes;
    Emphasis emphasis;
    Links links;
    bool numbered; /* an item of a list */
    int32_t level; /* of the numbering; -1: none */

    size_t counted_bytes, counted_chars; /* of `text`, for the places of links */
} Paragraph;

void paragraph_done(Paragraph *p);

/* Ready for another paragraph; emphasis and links of the last live on in the arena. */
void paragraph_clear(Paragraph *p);
/* For another piece of the same: its numbering stays. */
void paragraph_clear_piece(Paragraph *p);

/* Errors of these: LIMIT, NO_MEMORY. */
MUST_USE Error *paragraph_append(Paragraph *p, Str text);
/* Text that the element has and the rules do not look at. */
MUST_USE Error *paragraph_append_shape(Paragraph *p, Str text);
/* What stands in `text` from byte `start` on looks so. */
MUST_USE Error *paragraph_emphasize(Paragraph *p, size_t start, Look look);
/* What stands in `text` from byte `start` on is a link to `url`, which lives as long as the arena; nothing when either is empty. */
MUST_USE Error *paragraph_add_link(Paragraph *p, Str url, size_t start);

/* Appends the pieces of `from`. */
/* Gives it to an element of the same arena; an empty one takes no memory. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *emphasis_give(const Emphasis *emphasis, Arena *arena, Element *element);
MUST_USE Error *emphasis_append(Emphasis *emphasis, Arena *arena, const Emphasis *from);

/* Adds the paragraph as an element with the type that its numbering, its style or its words give it; nothing when it is blank. */
MUST_USE Error *paragraph_add_element(const Paragraph *p, WordStyleMeaning style, bool titles_from_text,
                                      uint32_t page_number, Builder *builder);

#endif
