/* arrow_vector.h - a column in the making, and its way into an ArrowArray that owns it.
 *
 * A vector's memory is three Buffers that arrow_array_take moves, without a copy, into an array whose release frees them. The
 * validity bitmap exists from the first null on. One thread. */
#ifndef PARQUET_ARROW_VECTOR_H
#define PARQUET_ARROW_VECTOR_H

#include <quern/arrow.h>

#include "base/buffer.h"
#include "base/error.h"

typedef enum VectorKind {
    VECTOR_BITS,  /* data: a bit a slot */
    VECTOR_FIXED, /* data: `width` bytes a slot */
    VECTOR_BYTES, /* offsets: int32, one more than slots; data: the blob */
    VECTOR_LIST,  /* offsets */
    VECTOR_STRUCT /* no buffer but validity */
} VectorKind;

/* Readable and writable bytes behind the contents of `data` after vector_reserve_data: copies may overshoot. */
enum { VECTOR_SLACK = 64 };

/* The buffers of a released array wait here for the next batch of the same column: memory that was just used costs a
 * quarter of what fresh pages of the kernel do (spec/parquet.md 17.5). Arrays keep the pool alive and may be released in any
 * thread. */
typedef struct VectorPool VectorPool;

VectorPool *vector_pool_new(void) MUST_USE; /* NULL without memory */
void vector_pool_free(VectorPool *pool);    /* NULL is allowed; memory goes with the last array */

typedef struct ArrowVector {
    VectorKind kind;
    uint32_t width;
    size_t length; /* slots */
    size_t nulls;
    Buffer validity; /* empty while nulls == 0 */
    Buffer offsets;
    Buffer data;
    VectorPool *pool; /* borrowed; NULL: none */
} ArrowVector;

/* Empties the vector and makes it one of `kind`; each of its buffers is limited to `limit_bytes`. */
void vector_init(ArrowVector *v, VectorKind kind, uint32_t width, size_t limit_bytes);
/* The same for a leaf, with the buffers that `pool` has; arrays made of the vector return theirs to it. */
void vector_init_pooled(ArrowVector *v, VectorKind kind, uint32_t width, size_t limit_bytes, VectorPool *pool);
void vector_done(ArrowVector *v);           /* copes with a zeroed one */
size_t vector_bytes(const ArrowVector *v);  /* of the contents */
size_t vector_memory(const ArrowVector *v); /* held, also for what is to come */

/* Room for `slots` more slots in offsets, or in fixed-width data; the first offset, 0, is written. */
MUST_USE Error *vector_reserve(ArrowVector *v, size_t slots);
/* Room for `bytes` more bytes of blob, and VECTOR_SLACK. */
MUST_USE Error *vector_reserve_data(ArrowVector *v, size_t bytes);

/* The validity bits of slots [length, length + slots), to be filled by the caller; slots before are marked valid when the
 * bitmap comes into being. Does not change `length`. */
MUST_USE Error *vector_validity(ArrowVector *v, size_t slots, uint8_t **ret_bits);
/* Marks slots [length, length + slots) valid, if there is a bitmap to mark them in. */
MUST_USE Error *vector_mark_valid(ArrowVector *v, size_t slots);

/* Adds `slots` slots whose contents and validity have been written. */
void vector_advance(ArrowVector *v, size_t slots);

static inline int32_t *vector_offsets(ArrowVector *v)
{
    return (int32_t *)(void *)v->offsets.data;
}

/* The last `valid` values lie dense from slot `length` on; moves each to the slot that its validity bit names, up to `slots`. */
void vector_spread(ArrowVector *v, size_t slots, size_t valid);

/* Makes `ret_array` of the vector's slots and the `children_count` arrays, which it takes (they are marked released). On
 * failure everything stays with the caller. Errors: NO_MEMORY. */
MUST_USE Error *arrow_array_take(ArrowVector *take_vector, struct ArrowArray *take_children, size_t children_count,
                                 struct ArrowArray *ret_array);

/* A schema node with copies of the strings; takes the children. `flags`: ARROW_FLAG_NULLABLE or 0. Errors: NO_MEMORY. */
MUST_USE Error *arrow_schema_make(Str format, Str name, int64_t flags, struct ArrowSchema *take_children,
                                  size_t children_count, struct ArrowSchema *ret_schema);

/* Release what is not released yet; for CLEANUP and for arrays of children. */
void arrow_array_done(struct ArrowArray *array);
void arrow_schema_done(struct ArrowSchema *schema);

#endif
