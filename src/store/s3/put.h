/* put.h - an object written by one request or, when it is large, as a multipart upload. Source: spec/s3.md 3.3, 3.4, 3.7, 5.1. */
#ifndef STORE_S3_PUT_H
#define STORE_S3_PUT_H

#include "store/store.h"

/* As store_put. */
MUST_USE Error *s3_put(Store *store, const Cancel *cancel, Str key, const PutBody *body, const PutOptions *options);

/* As store_check_put. */
MUST_USE Error *s3_check_put(Store *store, Str key, const PutOptions *options);

/* A conditional write was refused or left without an answer although it may have been carried out: looks at what is there now. True when it is
 * the content of `checksum` and size, or has `etag` ("": not known). */
MUST_USE Error *s3_put_was_ours(Store *store, const Cancel *cancel, Str key, uint64_t size_bytes,
                                const Checksum *checksum, Str etag, bool *ret_ours);

#endif
