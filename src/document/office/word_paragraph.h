/* word_paragraph.h - a paragraph of WordprocessingML: its text, and what its properties say. Sources: ECMA-376-1 17.3 (paragraphs, runs),
 * 17.16.22 (hyperlinks); spec/unstructured.md 3.8. */
#ifndef DOCUMENT_OFFICE_WORD_PARAGRAPH_H
#define DOCUMENT_OFFICE_WORD_PARAGRAPH_H

#include "document/office/paragraph.h"
#include "document/opc.h"
#include "document/xml_reader.h"

/* Used for one paragraph after the other; ends with word_paragraph_done. The first fields are the owner's to set, the others are what was read:
 * since the paragraph's begin, or the last page break in it. */
typedef struct WordParagraph {
    const OpcRelations *relations; /* of the part */
    Str namespace_uri;             /* of WordprocessingML: the file's own, of two */
    Error *(*on_break)(
        void *word); /* at a page break: what was read so far stands on the page before. NULL: breaks do not matter */
    void *word;

    Paragraph content;
    Buffer style; /* its id; empty: none */
    bool ends_section;
    bool breaks_seen; /* by any paragraph so far */

    Buffer shapes;    /* text in a run's drawings, until the run ends */
    bool inline_read; /* the first drawing in the line of this run */
} WordParagraph;

void word_paragraph_done(WordParagraph *p);

/* What an element says that switches something on, unless its `val` says otherwise. */
bool word_is_on(const XmlReader *xml);

/* Reads the paragraph that has begun. Errors: CORRUPT, LIMIT, NO_MEMORY, and those of on_break. */
MUST_USE Error *word_paragraph_read(WordParagraph *p, XmlReader *xml);

#endif
