/* schema_write.h - the SchemaElements of a file for an Arrow schema.
 *
 * Names of the groups that a list needs are `list` and `element`, as spec/parquet.md 16.7 wants; both annotations are written
 * where both exist. The elements and all strings are copied to the arena. */
#ifndef PARQUET_SCHEMA_WRITE_H
#define PARQUET_SCHEMA_WRITE_H

#include <quern/arrow.h>

#include "parquet/metadata.h"

/* Errors: UNSUPPORTED (a type we do not write, naming the column), INVALID (no struct, malformed), NO_MEMORY. */
MUST_USE Error *schema_elements_from_arrow(const struct ArrowSchema *schema, Arena *arena, FileMetaData *file);

#endif
