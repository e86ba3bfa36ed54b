/* content.h - a large object's content in its order, some windows of it fetched ahead. One thread. */
#ifndef JOBS_COPY_CONTENT_H
#define JOBS_COPY_CONTENT_H

#include "store/store.h"

#define CONTENT_WINDOW_BYTES ((uint64_t)8 * MIB) /* four of them are in memory */

typedef struct Content Content;

/* Of the object `key` as `info` describes it; all three must stay. Errors: NO_MEMORY. */
MUST_USE Error *content_new(Store *store, const Cancel *cancel, Str key, const ObjectInfo *info, Content **ret_content);
void content_free(Content *content);
DEFINE_FREEP(Content, content_free)

/* The next piece, valid until the next call; empty at the end, where all has come. Errors: those of store_get; the same again for who asks again. */
MUST_USE Error *content_next(Content *content, Bytes *ret_piece);

#endif
