/* cells.h - the cells of a CSV file as pandas prints them. Source: spec/unstructured.md 3.10. */
#ifndef DOCUMENT_CSV_CELLS_H
#define DOCUMENT_CSV_CELLS_H

#include "document/builder.h"

enum { CSV_CELLS_MAX = 1000 * 1000, CSV_NUMBER_BYTES = 400 }; /* the cells: spec/security.md 4.3 */

typedef struct CsvTable {
    Arena *arena;
    Str *cells; /* row after row */
    size_t cell_count, cell_capacity;
    size_t *row_starts; /* [row_count + 1]: index of the row's first cell */
    size_t row_count, row_capacity;
    size_t columns; /* of the widest row */
} CsvTable;

typedef enum CsvColumnKind { CSV_TEXT, CSV_WHOLE, CSV_REAL } CsvColumnKind;

/* A column of numbers alone is printed anew: with an empty cell, or a fraction in any, all of them are real numbers. */
typedef struct CsvColumn {
    CsvColumnKind kind;
    int decimals; /* of a real one: as many as its longest fraction needs, 1 to 6 */
} CsvColumn;

/* `*ret_columns` is in the table's arena. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *csv_judge_columns(const CsvTable *table, CsvColumn **ret_columns);

/* What is printed for `cell`: "" for the names of nothing (NA, null, ...). `*ret_text` points to `cell`, `formatted` or into the arena.
 * Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *csv_cell_text(const CsvTable *table, const CsvColumn *column, Str cell,
                              char formatted[CSV_NUMBER_BYTES], Str *ret_text);

#endif
