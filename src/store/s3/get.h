/* get.h - objects of S3 read: one, or many at once. The places `get` and `batch_` of a store's table. */
#ifndef STORE_S3_GET_H
#define STORE_S3_GET_H

#include "store/store.h"

MUST_USE Error *s3_get(Store *store, const Cancel *cancel, Str key, ByteRange range, Str if_etag, Buffer *body);

MUST_USE Error *s3_batch_new(Store *store, const Cancel *cancel, StoreBatch **ret_batch);
void s3_batch_free(StoreBatch *batch);
void s3_batch_get(StoreBatch *batch, StoreFetch *fetch);
StoreFetch *s3_batch_next(StoreBatch *batch);

#endif
