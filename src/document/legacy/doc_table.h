/* doc_table.h - a table of a Word 97-2003 document, row by row: its text and its compact HTML. Sources: [MS-DOC] 2.4.3; spec/unstructured.md 3.8. */
#ifndef DOCUMENT_LEGACY_DOC_TABLE_H
#define DOCUMENT_LEGACY_DOC_TABLE_H

#include "base/buffer.h"
#include "document/legacy/doc_file.h"

typedef struct DocRow DocRow;

/* Used for one table after the other. */
typedef struct DocTable {
    Arena *rows_arena; /* of the table that is being read */
    DocRow *first, *last;
    Str *cells; /* of the row that is being read */
    size_t cell_count, cell_capacity;
    Buffer cell; /* the cell that is being read */
    Buffer text, html;
    size_t cells_left; /* of all tables: a cell counts for each column that it takes */
} DocTable;

MUST_USE Error *doc_table_init(DocTable *table, size_t text_max_bytes); /* Errors: NO_MEMORY */
void doc_table_done(DocTable *table);
void doc_table_clear(DocTable *table); /* for the next table */
bool doc_table_is_empty(const DocTable *table);

/* Errors of these: LIMIT (1,000,000 cells, text), NO_MEMORY. */
MUST_USE Error *doc_table_add_paragraph(DocTable *table, Str text);
MUST_USE Error *doc_table_end_cell(DocTable *table);
/* `definition` is what doc_row_layout reads; without one the cells are one column wide each. */
MUST_USE Error *doc_table_end_row(DocTable *table, Bytes definition);

/* The whole table. Until it is cleared. */
MUST_USE Error *doc_table_finish(DocTable *table, Str *ret_text, Str *ret_html);

#endif
