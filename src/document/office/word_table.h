/* word_table.h - a table of WordprocessingML: its text and its compact HTML. Sources: ECMA-376-1 17.4; spec/unstructured.md 3.8. */
#ifndef DOCUMENT_OFFICE_WORD_TABLE_H
#define DOCUMENT_OFFICE_WORD_TABLE_H

#include "document/office/word_paragraph.h"

/* Used for one table after the other; begins with word_table_init, ends with word_table_done. */
typedef struct WordTable {
    WordParagraph *paragraph; /* what its paragraphs are read with; emphasis in the table is in its arena */
    Buffer text, html;        /* of the last table; at most the paragraph's text_max_bytes */
    Emphasis emphasis;
    Buffer cell;       /* texts of the cells that are open, one behind the other */
    Arena *scratch;    /* cells while the table is read */
    size_t cells_left; /* of all tables: a cell counts for each place that it takes */
} WordTable;

/* `paragraph` must outlive the table. Errors: NO_MEMORY. */
MUST_USE Error *word_table_init(WordTable *table, WordParagraph *paragraph);
void word_table_done(WordTable *table);

/* Reads the table that has begun. Errors: CORRUPT, LIMIT (cells, text), NO_MEMORY. */
MUST_USE Error *word_table_read(WordTable *table, XmlReader *xml);

#endif
