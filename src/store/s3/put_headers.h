/* put_headers.h - what a put says of its object, as headers: for PutObject and CreateMultipartUpload. Source: spec/s3.md 3.3, 3.4. */
#ifndef STORE_S3_PUT_HEADERS_H
#define STORE_S3_PUT_HEADERS_H

#include "store/s3/client.h"

/* Room for `more` headers is left behind them; where the options say nothing, those of the store hold. All in `arena`. Errors: INVALID (metadata, tags
 * or headers that cannot be, or too many: 2 KiB of metadata, 8 KiB in all); LIMIT, NO_MEMORY. */
MUST_USE Error *s3_put_headers(const S3Client *client, const PutOptions *options, size_t more, Arena *arena,
                               SignedHeader **ret_headers, size_t *ret_count);

/* The object will be under object lock. */
bool s3_put_is_locked(const PutOptions *options);

/* The condition, without If-Match (S3Request.if_etag): at most one header, appended. */
void s3_put_condition(const PutOptions *options, SignedHeader *headers, size_t *count);

#endif
