/* bucket_has.h - is a bucket set up for what its objects may carry and a copy loses, or for keeping what is replaced. Source: spec/s3.md 3.5, 3.6. */
#ifndef STORE_S3_BUCKET_HAS_H
#define STORE_S3_BUCKET_HAS_H

#include "store/store.h"

/* As store_bucket_has; one request. */
MUST_USE Error *s3_bucket_has(Store *store, const Cancel *cancel, BucketFeature feature, bool *ret_has);

#endif
