/* delete_many.h - many objects deleted, a thousand by one request. Source: spec/s3.md 3.8. */
#ifndef STORE_S3_DELETE_MANY_H
#define STORE_S3_DELETE_MANY_H

#include "store/store.h"

/* As store_delete_many. Keys that no XML can hold, those that the server failed at and could manage the next time, and all of them where a
 * provider has no such call, go by a DELETE of their own, several in flight. */
MUST_USE Error *s3_delete_many(Store *store, const Cancel *cancel, const Str *keys, size_t count, StoreDeletedFn *each,
                               void *context);

#endif
