/* cell.h - one value of an Arrow column in the terms of a database. Source: the Arrow columnar format and its C data interface. */
#ifndef SINK_CELL_H
#define SINK_CELL_H

#include <quern/arrow.h>

#include "base/buffer.h"
#include "base/error.h"

typedef enum CellKind { CELL_NULL, CELL_INT, CELL_REAL, CELL_TEXT, CELL_BLOB } CellKind;

typedef struct Cell {
    CellKind kind;
    int64_t integer;
    double real;
    Bytes bytes; /* TEXT, BLOB: in the array, or in `scratch` until the next call */
} Cell;

/* "INTEGER", "REAL", "TEXT" or "BLOB" for a column. Errors: UNSUPPORTED, naming the column and its type. */
MUST_USE Error *cell_column_type(const struct ArrowSchema *column, const char **ret_type);
/* Value `row` of `array`. Booleans are 0 and 1, dates and times ISO 8601 text, lists JSON text. The type must have passed
 * cell_column_type. Errors: LIMIT, NO_MEMORY (of `scratch`). */
MUST_USE Error *cell_read(const struct ArrowSchema *column, const struct ArrowArray *array, size_t row, Buffer *scratch,
                          Cell *ret_cell);

#endif
