/* assemble.h - Arrow columns out of leaf vectors and levels: the inverse of shredding.
 *
 * Source: spec/parquet.md 8.3. */
#ifndef PARQUET_ASSEMBLE_H
#define PARQUET_ASSEMBLE_H

#include "parquet/column_reader.h"

/* Makes the array of `field` from what its leaves have read: their vectors are moved away. `readers` is indexed by leaf, the
 * field's leaves must be there; `slots` is the length that the array must have. Errors: CORRUPT (leaves of one column disagree),
 * INVALID (a value outside its Arrow type), LIMIT, NO_MEMORY. */
MUST_USE Error *assemble_column(const SchemaField *field, ColumnReader *const *readers, size_t slots,
                                struct ArrowArray *ret_array);

/* Gives a leaf's values the form of its Arrow type: convert.c. */
MUST_USE Error *convert_leaf(const SchemaField *field, ArrowVector *vector);

#endif
