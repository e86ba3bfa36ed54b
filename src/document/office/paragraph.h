/* paragraph.h - a paragraph of WordprocessingML: its text, and what its properties say. Sources: ECMA-376-1 17.3 (paragraphs, runs), 17.16.22
 * (hyperlinks); spec/unstructured.md 3.8. */
#ifndef DOCUMENT_OFFICE_PARAGRAPH_H
#define DOCUMENT_OFFICE_PARAGRAPH_H

#include "base/buffer.h"
#include "document/element.h"
#include "document/opc.h"
#include "document/xml_reader.h"

/* Pieces of text that are bold or italic: one that is both stands twice. Lists as an Element wants them, in the arena. */
typedef struct WordEmphasis {
    StrList contents, tags;
    size_t capacity;
} WordEmphasis;

typedef struct WordLinks {
    ElementLink *items;
    size_t count, capacity;
} WordLinks;

/* Used for one paragraph after the other; ends with word_paragraph_done. The first fields are the reader's, the rest is what was read: since
 * the paragraph's begin, or the last page break in it. */
typedef struct WordParagraph {
    Arena *arena;                  /* of emphasis and links */
    const OpcRelations *relations; /* of the part */
    Str namespace_uri;             /* of WordprocessingML: the file's own, of two */
    size_t text_max_bytes;
    Error *(*on_break)(
        void *word); /* at a page break: what was read so far stands on the page before. NULL: breaks do not matter */
    void *word;

    Buffer text; /* of runs and links: what the rules look at */
    Buffer full; /* with the text in drawings that stand in the line; only when has_shapes */
    bool has_shapes;
    WordEmphasis emphasis;
    WordLinks links;
    Buffer style;  /* its id; empty: none */
    bool numbered; /* has a numbering of its own */
    int32_t level; /* of the numbering; -1: none */
    bool ends_section;
    bool breaks_seen; /* by any paragraph so far */

    Buffer shapes;                       /* text in a run's drawings, until the run ends */
    bool inline_read;                    /* the first drawing in the line of this run */
    size_t counted_bytes, counted_chars; /* of `text`, for the places of links */
} WordParagraph;

/* One piece more, with its tag "b" or "i"; both live as long as the arena. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *word_emphasis_add(WordEmphasis *emphasis, Arena *arena, Str content, Str tag);

void word_paragraph_done(WordParagraph *p);

/* Reads the paragraph that has begun. Errors: CORRUPT, LIMIT, NO_MEMORY, and those of on_break. */
MUST_USE Error *word_paragraph_read(WordParagraph *p, XmlReader *xml);

/* All its text. Until the next read. */
Str word_paragraph_full_text(const WordParagraph *p);

/* Makes room for a new piece of the same paragraph: text, emphasis and links are forgotten, and live on in the arena. */
void word_paragraph_next_piece(WordParagraph *p);

#endif
