/* schema.h - the schema of a file: its leaves with their levels, and its columns as Arrow sees them.
 *
 * Two views of one list of SchemaElements. A SchemaLeaf is a physical column, in the file's order, with the levels that its
 * pages use. A SchemaField is a node of the Arrow type tree, in which the groups that only mark a list are gone. All lies
 * in the arena and points into the metadata. Sources: spec/parquet.md 4, 8.1, 9; the Arrow C data interface's formats. */
#ifndef PARQUET_SCHEMA_H
#define PARQUET_SCHEMA_H

#include "parquet/format.h"
#include "parquet/metadata.h"

enum { SCHEMA_DEPTH_MAX = 64, SCHEMA_LEAVES_MAX = 65536, TYPE_LENGTH_MAX = 16 << 20 };

/* How the values of a leaf lie in memory once decoded. */
typedef enum LeafStorage {
    LEAF_BITS,  /* a bit each */
    LEAF_FIXED, /* `width` bytes each */
    LEAF_BYTES  /* 32-bit offsets into one blob */
} LeafStorage;

/* What is left to do to decoded values to make them the Arrow type. */
typedef enum LeafConversion {
    CONVERT_NONE,
    CONVERT_I32_TO_I8, /* signed or unsigned: the low bits */
    CONVERT_I32_TO_I16,
    CONVERT_INT96_TO_MICROS,
    CONVERT_I32_TO_DECIMAL, /* to 16 bytes */
    CONVERT_I64_TO_DECIMAL,
    CONVERT_FIXED_TO_DECIMAL, /* big-endian, sign-extended */
    CONVERT_BYTES_TO_DECIMAL
} LeafConversion;

typedef struct SchemaLeaf {
    const SchemaElement *element;
    PhysicalType type;
    LeafStorage storage;
    uint32_t width; /* bytes of a value in a PLAIN page; 0 for LEAF_BITS and LEAF_BYTES */
    uint8_t max_def, max_rep;
    uint8_t
        ancestor_def; /* definition level at which there is a slot for a value: that of the innermost repeated node */
    uint8_t rep_def[SCHEMA_DEPTH_MAX
                    + 1]; /* by repetition level: definition level that an entry before it must have reached */
    Str *path;            /* names from the root down */
    size_t path_count;
} SchemaLeaf;

typedef enum FieldKind { FIELD_LEAF, FIELD_STRUCT, FIELD_LIST, FIELD_MAP } FieldKind;

typedef struct SchemaField SchemaField;
struct SchemaField {
    Str name;
    FieldKind kind;
    bool nullable;
    uint8_t def;             /* definition level at which this field is not null */
    uint8_t ancestor_def;    /* definition level at which it has a slot at all */
    uint8_t rep;             /* repetition level of its elements (LIST, MAP), else of the nearest list above */
    uint8_t element_def;     /* LIST, MAP: definition level at which there is an element */
    const char *format;      /* Arrow; "" when `unsupported` is set */
    const char *logical;     /* "STRING"; "" without an annotation */
    const char *unsupported; /* why this field, or one below it, cannot be read; NULL when it can */
    LeafConversion conversion;
    int32_t precision;     /* of a decimal */
    SchemaField *children; /* STRUCT: its fields; LIST: the element; MAP: the entries, a STRUCT */
    size_t children_count;
    size_t leaf_first, leaf_count; /* the leaves below it; for a FIELD_LEAF its own index, 1 */
};

typedef struct Schema {
    SchemaLeaf *leaves;
    size_t leaves_count;
    SchemaField *fields; /* the top-level columns */
    size_t fields_count;
} Schema;

/* Errors: CORRUPT (the list is no tree, a leaf without type), LIMIT (depth, leaves, arena). What cannot be read but is
 * well-formed is no error: the field says so. */
MUST_USE Error *schema_build(const FileMetaData *file, Arena *arena, Schema *ret_schema);

/* Fills `field` (format, logical, conversion, unsupported) from the annotations of a leaf: arrow_type.c. */
MUST_USE Error *schema_leaf_type(const SchemaElement *element, Arena *arena, SchemaField *field);

/* "a.b.c" for messages. */
const char *schema_leaf_name(const SchemaLeaf *leaf, Arena *arena);

#endif
