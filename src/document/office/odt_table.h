/* odt_table.h - a table of rows and cells with spans, as it is read, and the element that it becomes. Source: ODF 1.2 part 1, 9.1. */
#ifndef DOCUMENT_OFFICE_ODT_TABLE_H
#define DOCUMENT_OFFICE_ODT_TABLE_H

#include "document/office/paragraph.h"

typedef struct OdtCell {
    Str text; /* in scratch */
    size_t columns, rows;
    struct OdtCell *next; /* in the row */
} OdtCell;

typedef struct OdtRow {
    OdtCell *first, *last;
    struct OdtRow *next;
} OdtRow;

/* Used for one table after the other; begins with odt_table_init, ends with odt_table_done. */
typedef struct OdtTable {
    const Paragraph *paragraph; /* whose arena and limit it shares */
    Arena *scratch;             /* rows and cells of the table that is read */
    OdtRow *first, *last;
    size_t row_count, column_count; /* column_count: the longest row, spans counted */
    size_t row_columns;             /* of the row at hand */
    size_t places_left;             /* of all tables */
    Buffer text, html, cell;
    Emphasis emphasis;
} OdtTable;

/* Errors of these: LIMIT (cells, text), NO_MEMORY. */
MUST_USE Error *odt_table_init(OdtTable *table, const Paragraph *paragraph);
void odt_table_done(OdtTable *table);

void odt_table_begin(OdtTable *table);
MUST_USE Error *odt_table_begin_row(OdtTable *table);
MUST_USE Error *odt_table_begin_cell(OdtTable *table, size_t columns, size_t rows);
/* The paragraph's text belongs to the cell that has begun. */
MUST_USE Error *odt_table_add_text(OdtTable *table, const Paragraph *paragraph);
MUST_USE Error *odt_table_end_cell(OdtTable *table);
/* A cell's text stands at each place that it spans, and short rows are filled up with empty cells. */
MUST_USE Error *odt_table_add_element(OdtTable *table, Builder *builder);

#endif
