/* thrift.h - the Thrift compact protocol, driven by one table a structure.
 *
 * A table says for every field id what it is and where it lies in the C struct; the same table reads and writes. A struct
 * described by a table begins with `uint64_t present`, bit n for field id n. What is read lies in the caller's arena, text
 * points into the input. Unknown fields are skipped; a field of another wire type than the table's counts as unknown.
 * Source: the Thrift compact protocol specification, as spec/parquet.md 2 sets it out. */
#ifndef PARQUET_THRIFT_H
#define PARQUET_THRIFT_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/reader.h"

typedef enum ThriftKind {
    THRIFT_UNKNOWN,  /* no such field */
    THRIFT_BOOL,     /* bool */
    THRIFT_I8,       /* int8_t */
    THRIFT_I16,      /* int32_t, i16 on the wire */
    THRIFT_I32,      /* int32_t: also enums */
    THRIFT_I64,      /* int64_t */
    THRIFT_BINARY,   /* Str */
    THRIFT_EMPTY,    /* a struct without fields: its presence is all; nothing in the C struct */
    THRIFT_STRUCT,   /* embedded, of type `of` */
    THRIFT_I32_LIST, /* THRIFT_LIST(int32_t) */
    THRIFT_I64_LIST,
    THRIFT_BINARY_LIST, /* THRIFT_LIST(Str) */
    THRIFT_STRUCT_LIST  /* THRIFT_LIST(the C struct of `of`) */
} ThriftKind;

#define THRIFT_LIST(type)                                                                                              \
    struct {                                                                                                           \
        type *items;                                                                                                   \
        size_t count;                                                                                                  \
    }

typedef struct ThriftStruct ThriftStruct;

typedef struct ThriftField {
    ThriftKind kind;
    bool required;
    uint16_t offset; /* in the C struct */
    const ThriftStruct *of;
} ThriftField;

struct ThriftStruct {
    const char *name;
    size_t size; /* of the C struct */
    size_t fields_count;
    const ThriftField *fields; /* indexed by field id */
};

#define THRIFT_HAS(object, id) ((((object)->present) >> (id)) & 1u)
#define THRIFT_SET(object, id) ((object)->present |= UINT64_C(1) << (id))

/* Reads one struct of `type` into `object`, which must be zeroed. Nesting is bounded by the tables, that of unknown fields
 * by 64. Errors: CORRUPT with the offset (malformed, cut short, a required field missing), LIMIT and NO_MEMORY of `arena`. */
MUST_USE Error *thrift_read(Reader *in, const ThriftStruct *type, Arena *arena, void *object);

/* Appends the fields that are present, in id order. */
MUST_USE Error *thrift_write(const ThriftStruct *type, const void *object, Buffer *out);

#endif
