/* list_rows.h - keys of a listing kept until their turn comes, in about 40 bytes each: keys front-coded, ETags in binary. */
#ifndef STORE_S3_LIST_ROWS_H
#define STORE_S3_LIST_ROWS_H

#include "base/buffer.h"
#include "store/s3/list_page.h"

typedef struct ListRowBlock ListRowBlock;

typedef struct ListRows {
    ListRowBlock *first, *last;
} ListRows;

/* Copes with a zeroed one. */
void list_rows_done(ListRows *rows);
/* Adds keys of one page as one block, and what it takes to `*bytes`. `scratch` is any Buffer. */
MUST_USE Error *list_rows_append(ListRows *rows, const ListEntry *entries, size_t count, Buffer *scratch,
                                 uint64_t *bytes);
/* Takes the first block off, takes it from `*bytes`, and gives its keys to `show`; the strings are valid during that call. The first Error ends it. */
typedef Error *ListShowFn(void *context, const ListEntry *entry);
MUST_USE Error *list_rows_show_block(ListRows *rows, ListShowFn *show, void *context, uint64_t *bytes);

static inline bool list_rows_empty(const ListRows *rows)
{
    return !rows->first;
}

#endif
