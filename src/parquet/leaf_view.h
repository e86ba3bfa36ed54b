/* leaf_view.h - the values of an Arrow array as the writer walks them: widths and offset sizes made one.
 *
 * Slots are counted from the start of the buffers: the array's offset is for the caller to add, `first` says what it is. */
#ifndef PARQUET_LEAF_VIEW_H
#define PARQUET_LEAF_VIEW_H

#include <quern/arrow.h>

#include "base/str.h"
#include "parquet/schema.h"

typedef struct LeafView {
    size_t first;            /* the array's offset */
    const uint8_t *validity; /* NULL: none is null */
    const uint8_t *values;   /* fixed width, or bits */
    uint32_t stored_width;   /* of an Arrow value; Parquet widens 1 and 2 to 4 */
    bool sign_extends;
    bool wide; /* 64-bit offsets */
    const void *offsets;
    const uint8_t *blob;
} LeafView;

typedef struct ListView {
    const uint8_t *validity;
    const void *offsets;
    bool wide;
} ListView;

void leaf_view_init(LeafView *view, const struct ArrowArray *array, const char *format, const SchemaLeaf *leaf);
void list_view_init(ListView *view, const struct ArrowArray *array, const char *format);

/* Copies slots [from, to) to `out` in the width that Parquet stores. */
void leaf_view_widen(const LeafView *view, size_t from, size_t to, uint8_t *out);
/* Length of the run from `from` on, at most to `to`, whose slots are all valid or all null. */
size_t leaf_view_run(const LeafView *view, size_t from, size_t to, bool *ret_valid);
/* One number of Parquet width 4 or 8, its bits in the low bytes. */
uint64_t leaf_view_number(const LeafView *view, size_t at);

static inline int64_t leaf_view_offset(const void *offsets, bool wide, size_t at)
{
    return wide ? ((const int64_t *)offsets)[at] : ((const int32_t *)offsets)[at];
}

static inline Bytes leaf_view_bytes(const LeafView *view, size_t at)
{
    int64_t from = leaf_view_offset(view->offsets, view->wide, at);

    return bytes_from(view->blob + from, (size_t)(leaf_view_offset(view->offsets, view->wide, at + 1) - from));
}

/* Bytes of the blob that slots [from, to) cover. */
static inline size_t leaf_view_blob_bytes(const LeafView *view, size_t from, size_t to)
{
    return (size_t)(leaf_view_offset(view->offsets, view->wide, to)
                    - leaf_view_offset(view->offsets, view->wide, from));
}

static inline size_t list_view_start(const ListView *view, size_t row)
{
    return (size_t)leaf_view_offset(view->offsets, view->wide, row);
}

static inline size_t list_view_end(const ListView *view, size_t row)
{
    return (size_t)leaf_view_offset(view->offsets, view->wide, row + 1);
}

static inline bool list_view_valid(const ListView *view, size_t row)
{
    return !view->validity || (view->validity[row / 8] >> (row % 8) & 1);
}

#endif
