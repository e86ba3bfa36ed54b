/* table_builder.h - rows into an Arrow batch, value by value.
 *
 * A job names its columns once, appends one value to each column for each row and takes the batch when
 * table_builder_rows or table_builder_bytes says so. The first failure sticks: later appends do nothing and
 * table_builder_end_row returns it, so that appends stand in a row unchecked. One thread. */
#ifndef PARQUET_TABLE_BUILDER_H
#define PARQUET_TABLE_BUILDER_H

#include <quern/arrow.h>

#include "base/error.h"
#include "base/str.h"

typedef enum ColumnType {
    COLUMN_BOOL,
    COLUMN_INT32,
    COLUMN_INT64,
    COLUMN_FLOAT,
    COLUMN_DOUBLE,
    COLUMN_STRING, /* UTF-8: anything else is refused with INVALID */
    COLUMN_BINARY,
    COLUMN_DATE,         /* append_i64: days since 1970-01-01 */
    COLUMN_TIMESTAMP_MS, /* append_i64: since the Unix epoch, UTC */
    COLUMN_TIMESTAMP_US
} ColumnType;

typedef struct TableColumn {
    Str name;
    ColumnType type; /* of the value, or of a list's elements */
    bool list;
    bool required; /* no nulls: neither the value nor a list's elements */
} TableColumn;

typedef struct TableBuilder TableBuilder;

/* `columns` and their names are copied. `limit_bytes` bounds the memory of a batch (0: 1 GiB). NULL without memory. */
TableBuilder *table_builder_new(const TableColumn *columns, size_t columns_count, size_t limit_bytes) MUST_USE;
void table_builder_free(TableBuilder *builder); /* NULL is allowed; abandons the rows not taken */
DEFINE_FREEP(TableBuilder, table_builder_free)

/* Each appends one value to `column`, or one element while its list is open. The kind must suit the column's type (an
 * i64 suits INT32, INT64, DATE and TIMESTAMPs): else it is our mistake and trips an ASSERT. */
void table_append_null(TableBuilder *builder, size_t column);
void table_append_bool(TableBuilder *builder, size_t column, bool value);
void table_append_i64(TableBuilder *builder, size_t column, int64_t value); /* INT32, DATE: INVALID outside 32 bits */
void table_append_double(TableBuilder *builder, size_t column, double value);
void table_append_str(TableBuilder *builder, size_t column, Str value);
void table_append_bytes(TableBuilder *builder, size_t column, Bytes value);
void table_list_begin(TableBuilder *builder, size_t column);
void table_list_end(TableBuilder *builder, size_t column);

/* Ends the row; a column that got no value gets null. Errors: the first failure of the row's appends: LIMIT,
 * INVALID (a string that is not UTF-8, a number that does not fit, null in a required column), NO_MEMORY; the row is then dropped
 * and the builder goes on as if it had not been begun. */
MUST_USE Error *table_builder_end_row(TableBuilder *builder);

size_t table_builder_rows(const TableBuilder *builder);
size_t table_builder_bytes(const TableBuilder *builder);

/* Moves the rows into `ret_batch`, a struct array that the caller releases, and starts anew. */
MUST_USE Error *table_builder_take_batch(TableBuilder *builder, struct ArrowArray *ret_batch);
/* The batches' schema; the caller releases it. */
MUST_USE Error *table_builder_schema(const TableBuilder *builder, struct ArrowSchema *ret_schema);

#endif
