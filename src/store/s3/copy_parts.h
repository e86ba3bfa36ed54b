/* copy_parts.h - a large object copied as a multipart upload whose parts are ranges of the source.
 *
 * Every way out but success aborts the upload. Source: spec/s3.md 3.5, 3.7, 4.9. */
#ifndef STORE_S3_COPY_PARTS_H
#define STORE_S3_COPY_PARTS_H

#include "store/s3/common.h"
#include "store/store.h"

/* Everything is borrowed. */
typedef struct S3PartsCopy {
    Store *store;
    Str key;
    Str source;                      /* the value of x-amz-copy-source */
    Str source_etag;                 /* the same with quotes, for x-amz-copy-source-if-match; "": it has none */
    const S3CustomerKey *source_key; /* SSE-C of the source, where the store's options say nothing of it; NULL: none */
    uint64_t size_bytes;             /* at least one */
    Checksum checksum;               /* of the source; used where it is a CRC of the whole */
    const PutOptions *target;        /* everything the new object is to have, and the condition it is made under */
    uint64_t part_bytes;             /* 0: 512 MiB */
    unsigned parts_max;              /* in flight at once; 0: 16 */
} S3PartsCopy;

/* Errors: CHANGED (the source, or a condition of the target that is not met), EXISTS, CORRUPT (the server says that the new object has another
 * checksum), those of s3_put_headers. */
MUST_USE Error *s3_copy_parts(const S3PartsCopy *copy, const Cancel *cancel);

/* What the server says of a copy. */
typedef struct S3CopyAnswer {
    Str etag;
    Checksum checksum; /* CHECKSUM_NONE: the server does not say */
} S3CopyAnswer;
/* Reads <CopyObjectResult> or <CopyPartResult>, whose name is `root`; text in `arena`. */
MUST_USE Error *s3_copy_answer(Str document, Str root, Arena *arena, S3CopyAnswer *ret_answer);

#endif
