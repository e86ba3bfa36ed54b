/* grid.h - the filled cells of one sheet, and the titles and tables they make. Source: spec/unstructured.md 3.10.
 *
 * Memory goes by filled cells, never by the rectangle they span: a cell in the last corner of a sheet costs no more than one in the first.
 * A grid serves the sheets of a document one after the other. One thread. */
#ifndef DOCUMENT_SHEETS_GRID_H
#define DOCUMENT_SHEETS_GRID_H

#include "document/builder.h"
#include "document/sheets/value.h"

enum {
    GRID_ROWS_MAX = 1048576,
    GRID_COLUMNS_MAX = 16384,
    GRID_CELLS_MAX = 1000 * 1000 /* filled ones of a sheet, and all of one table: spec/security.md 4.3 */
};

typedef struct GridCell {
    uint32_t row, column; /* from 0 */
    Value value;
} GridCell;

typedef struct GridColumn {
    ColumnEvidence evidence; /* of the whole sheet */
    ColumnKind kind;
    ColumnFormat format; /* in the table at hand */
} GridColumn;

/* Start with the arena alone: `Grid grid = {.arena = arena};`. */
typedef struct Grid {
    Arena *arena;
    GridCell *cells;
    size_t count, capacity;
    GridColumn *columns;
    uint32_t column_capacity;
    bool unordered;                   /* a cell came after one that it stands before */
    uint32_t row_count, column_count; /* of the sheet, up to the last with anything in it */
} Grid;

/* Forgets the cells, for the next sheet; keeps the memory. */
void grid_clear(Grid *grid);

/* The cell gets a value, which a later one of the same cell replaces; a text is borrowed for as long as the grid's cells are. `row` and `column`
 * must be in the sheet. A text that means nothing (value_is_missing_text), or NULL, an error value, leaves the cell empty, but the sheet reaches
 * that far. Errors: LIMIT (cells), NO_MEMORY. */
MUST_USE Error *grid_set(Grid *grid, uint32_t row, uint32_t column, const Value *value);

/* Adds the elements of the sheet: rows whose cells touch those of the row above are one block; in it the rows of one cell at the top and at
 * the bottom are paragraphs, what is between is a table. Errors: LIMIT (a table's cells, text, arena), NO_MEMORY. */
MUST_USE Error *grid_add_elements(Grid *grid, Builder *builder, Str sheet_name, uint32_t sheet_number);

#endif
