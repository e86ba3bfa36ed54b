/* multipart.h - a large object as a multipart upload: parts in flight together, read straight from the body into the transfer.
 *
 * Every way out but success aborts the upload; one that cannot be aborted is told and counted (S3Client.stray_uploads). Complete is
 * the one call whose lost answer matters: it is settled by looking at the object. Source: spec/s3.md 3.7, 3.13, 5.1. */
#ifndef STORE_S3_MULTIPART_H
#define STORE_S3_MULTIPART_H

#include "store/s3/quirks.h"
#include "store/store.h"

/* As store_put; the body has at least one byte. */
MUST_USE Error *s3_put_multipart(Store *store, const Cancel *cancel, Str key, const PutBody *body,
                                 const PutOptions *options);

/* The size of all parts but the last: `wanted_bytes` (0: 8 MiB) or what the provider's limits make of it. Errors: LIMIT (the object). */
MUST_USE Error *s3_part_bytes(const S3Provider *provider, uint64_t size_bytes, uint64_t wanted_bytes,
                              uint64_t *ret_part_bytes);

/* The ETag of an object of parts: the MD5 of the parts' MD5s, "-N" behind it. False when the ETags (without quotes) are no MD5s. */
enum { S3_MULTIPART_ETAG_MAX = 48 };
bool s3_multipart_etag(const Str *part_etags, unsigned count, char out[S3_MULTIPART_ETAG_MAX]);

#endif
