/* doc_text.h - the characters of a Word 97-2003 paragraph become text: fields give their result, marks vanish. Source: [MS-DOC] 2.4.1, 2.8.25. */
#ifndef DOCUMENT_LEGACY_DOC_TEXT_H
#define DOCUMENT_LEGACY_DOC_TEXT_H

#include "base/buffer.h"
#include "document/element.h"

enum { DOC_PARAGRAPH_MARK = 0x0D, DOC_CELL_MARK = 0x07, DOC_PAGE_MARK = 0x0C };

enum { DOC_FIELDS_MAX = 64, DOC_LINKS_MAX = 256 };

/* Used for one paragraph after the other; fields go on from one to the next. */
typedef struct DocText {
    Arena *arena; /* of the links */
    Buffer text;  /* UTF-8 */
    size_t code_points;
    uint16_t high_surrogate; /* 0: none waits */
    unsigned fields;         /* open ones; above DOC_FIELDS_MAX they are counted, not looked at */
    uint64_t instructions;   /* a bit for each open field: its instruction, not its result, is being read */
    Buffer instruction;      /* of the outermost field; at most 4 KiB */
    Str link_url;            /* of the outermost field; "": no link */
    size_t link_start, link_start_index;
    ElementLink links[DOC_LINKS_MAX]; /* further ones are only text */
    size_t link_count;
} DocText;

void doc_text_init(DocText *text, Arena *arena, size_t text_max_bytes);
void doc_text_done(DocText *text);

/* A page mark does so only at the end of a section; it may stand in a paragraph. */
static inline bool doc_ends_paragraph(uint16_t unit)
{
    return unit == DOC_PARAGRAPH_MARK || unit == DOC_CELL_MARK;
}

/* Takes one character that ends no paragraph. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *doc_text_add(DocText *text, uint16_t unit);

/* For the next paragraph. */
void doc_text_clear(DocText *text);

#endif
