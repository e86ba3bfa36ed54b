/* doc_text.h - the characters of a Word 97-2003 paragraph become text: fields give their result, marks vanish. Source: [MS-DOC] 2.4.1, 2.8.25. */
#ifndef DOCUMENT_LEGACY_DOC_TEXT_H
#define DOCUMENT_LEGACY_DOC_TEXT_H

#include "base/buffer.h"
#include "document/legacy/doc_file.h"
#include "document/office/paragraph.h"

enum { DOC_PARAGRAPH_MARK = 0x0D, DOC_CELL_MARK = 0x07, DOC_PAGE_MARK = 0x0C };

enum { DOC_FIELDS_MAX = 64 };

/* Used for one paragraph after the other; fields go on from one to the next. */
typedef struct DocText {
    Paragraph paragraph;
    DocRun run; /* what the last character was in */
    size_t run_start;
    uint16_t high_surrogate; /* 0: none waits */
    unsigned fields;         /* open ones; above DOC_FIELDS_MAX they are counted, not looked at */
    uint64_t instructions;   /* a bit for each open field: its instruction, not its result, is being read */
    Buffer instruction;      /* of the outermost field; at most 4 KiB */
    Str link_url;            /* of the outermost field; "": no link */
    size_t link_start;
} DocText;

void doc_text_init(DocText *text, Arena *arena, size_t text_max_bytes);
void doc_text_done(DocText *text);

/* What was read of the paragraph so far. */
static inline Str doc_text_view(const DocText *text)
{
    return buffer_str(&text->paragraph.text);
}

/* A page mark does so only at the end of a section; it may stand in a paragraph. */
static inline bool doc_ends_paragraph(uint16_t unit)
{
    return unit == DOC_PARAGRAPH_MARK || unit == DOC_CELL_MARK;
}

/* The next character stands at `byte`: another run may begin. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *doc_text_move(DocText *text, const DocFile *file, uint32_t byte);
/* The paragraph is complete: the emphasis of its last run too. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *doc_text_finish(DocText *text);

/* Takes one character that ends no paragraph. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *doc_text_add(DocText *text, uint16_t unit);

/* For the next paragraph. */
void doc_text_clear(DocText *text);

#endif
