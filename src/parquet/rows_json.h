/* rows_json.h - an Arrow batch as JSON lines: one object a row, for `quern parquet cat` and tests. */
#ifndef PARQUET_ROWS_JSON_H
#define PARQUET_ROWS_JSON_H

#include <quern/arrow.h>

#include "base/buffer.h"
#include "base/error.h"

/* Appends `rows` rows of `batch`, a struct array of `schema`'s shape, beginning with row `first`; both are borrowed.
 * Members stand in column order and nulls are written. Timestamps and dates become ISO 8601 text (with Z when they have
 * a time zone), binary base64, lists arrays, structs and maps objects; NaN and infinities become null; text that is not
 * UTF-8 gets U+FFFD.
 * Errors: INVALID (shapes differ, rows outside the batch), UNSUPPORTED (a type, naming the column), LIMIT (of `out`). */
MUST_USE Error *rows_json_append(const struct ArrowSchema *schema, const struct ArrowArray *batch, size_t first,
                                 size_t rows, Buffer *out);

#endif
