/* doc_file.h - a Word 97-2003 document taken apart: where its characters stand, what its paragraphs' properties are. Nothing here knows of
 * elements. One thread; all memory is the arena's. Source: [MS-DOC] 2.4-2.9. */
#ifndef DOCUMENT_LEGACY_DOC_FILE_H
#define DOCUMENT_LEGACY_DOC_FILE_H

#include "document/office/paragraph.h"
#include "document/ole_reader.h"

/* Characters that stand together in the stream: 8 bits in Windows-1252, or 16. */
typedef struct DocPiece {
    uint32_t first, end; /* character positions */
    uint32_t offset;     /* of the first, in bytes */
    bool is_wide;
} DocPiece;

/* What a paragraph's properties say of it. */
typedef struct DocParagraph {
    uint16_t style;
    bool numbered; /* of a list */
    uint8_t level; /* in the list */
    bool in_table, ends_row;
    Bytes row; /* the definition of the row, when it ends one; may be empty */
} DocParagraph;

/* The properties that hold for the bytes of a range of the stream. */
typedef struct DocRange {
    uint32_t first_byte, end_byte;
    DocParagraph paragraph;
} DocRange;

/* How the characters in a range of the stream are drawn, where that is not as their style says. */
typedef struct DocRun {
    uint32_t first_byte, end_byte;
    Look look;
} DocRun;

typedef struct DocFile {
    Arena *arena;
    Bytes main, table; /* the two streams */
    DocPiece *pieces;  /* ascending */
    size_t piece_count;
    DocRange *ranges; /* ascending */
    size_t range_count;
    DocRun *runs; /* ascending; only those that are bold or italic */
    size_t run_count;
    WordStyleMeaning *styles; /* by number */
    size_t style_count;
    uint32_t body_chars;                 /* positions below are the body's */
    uint32_t header_first, header_chars; /* headers and footers, one story after the other */
    Bytes header_stories;                /* their ends, 32 bits each */
    Bytes sections;                      /* ends of sections, 32 bits each, then 12 bytes for each section */
    bool even_pages_differ;
} DocFile;

/* `ole` must outlive the file. Errors: CORRUPT naming the table and where; UNSUPPORTED (encrypted; older than Word 97); LIMIT; NO_MEMORY. */
MUST_USE Error *doc_file_open(OleReader *ole, Arena *arena, DocFile *ret_file);

/* A walk over characters from one position to another. */
typedef struct DocCursor {
    const DocFile *file;
    size_t piece;
    uint32_t at, end;
} DocCursor;

DocCursor doc_cursor(const DocFile *file, uint32_t first, uint32_t end);
/* The next character as UTF-16, and where it stands in the stream; false at the end. */
bool doc_next(DocCursor *cursor, uint16_t *ret_unit, uint32_t *ret_byte);

/* The properties of the paragraph whose end stands at `byte`. */
DocParagraph doc_paragraph_at(const DocFile *file, uint32_t byte);

/* How the character at `byte` is drawn; `end_byte` tells up to where that holds. */
DocRun doc_run_at(const DocFile *file, uint32_t byte);

/* A section's first page has headers of its own. */
bool doc_section_first_page_differs(const DocFile *file, size_t section);
size_t doc_section_count(const DocFile *file);
/* Behind the section's last character. */
uint32_t doc_section_end(const DocFile *file, size_t section);

/* Cells of a row: how far from the left each begins and ends, and whether it goes on with the one above. */
typedef struct DocRowLayout {
    size_t count;
    int16_t edges[65]; /* count + 1 */
    bool continued[64];
} DocRowLayout;
/* False when the definition is none. */
bool doc_row_layout(Bytes row, DocRowLayout *ret_layout);

#endif
