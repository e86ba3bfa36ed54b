/* buckets.h - the buckets that the credentials own (ListBuckets). */
#ifndef STORE_S3_BUCKETS_H
#define STORE_S3_BUCKETS_H

#include "store/s3/client.h"
#include "store/store.h"

/* Calls `each` with "name/" as a prefix, and when it was made as its time, in the server's order. */
MUST_USE Error *s3_list_buckets(const StoreOptions *options, const Cancel *cancel, StoreListFn *each, void *context);

#endif
