/* common.h - what a store's options put on its requests, prepared and checked once. Source: spec/s3.md 3.2, 3.3. */
#ifndef STORE_S3_COMMON_H
#define STORE_S3_COMMON_H

#include "base/hash.h"
#include "store/options.h"
#include "store/s3/sigv4.h"

enum { S3_CUSTOMER_KEY_BYTES = 32, S3_CUSTOMER_KEY_TEXT = 45, S3_CUSTOMER_MD5_TEXT = 25, S3_CUSTOMER_HEADERS = 3 };

/* A key of the customer's (SSE-C) as the three headers that go with it. */
typedef struct S3CustomerKey {
    bool set;
    char key[S3_CUSTOMER_KEY_TEXT], md5[S3_CUSTOMER_MD5_TEXT]; /* base64; wiped by s3_common_done */
    SignedHeader headers[S3_CUSTOMER_HEADERS];
} S3CustomerKey;

/* Points into itself: not to be moved. */
typedef struct S3Common {
    SignedHeader every[2]; /* on every request */
    size_t every_count;
    S3CustomerKey customer, customer_source; /* operations with `customer_key`; those that copy */
    ObjectHeaders created;                   /* what new objects have where the caller says nothing */
    Str encryption_context;                  /* base64 */
} S3Common;

/* Text lives in `arena`. Errors: INVALID (a value that cannot be; never shows a key). */
MUST_USE Error *s3_common_init(S3Common *common, const StoreOptions *options, Arena *arena);
void s3_common_done(S3Common *common);

#endif
