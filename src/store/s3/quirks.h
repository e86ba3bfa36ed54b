/* quirks.h - what the servers that speak S3 cannot do, or do their own way: one row for each kind.
 *
 * The row is chosen by option (s3.provider), else by the endpoint's host, else by the Server header of the first answer; an unknown server
 * gets the careful row. What a failure teaches (501 NotImplemented) is added to the row for the life of the client. Any thread.
 * Source: spec/s3.md 3.13. */
#ifndef STORE_S3_QUIRKS_H
#define STORE_S3_QUIRKS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/log.h"
#include "base/str.h"

typedef enum S3Quirk {
    S3_LIST_V1 = 1 << 0,            /* ListObjectsV2 is missing or wrong */
    S3_LIST_PLAIN = 1 << 1,         /* encoding-type=url is not to be trusted: not sent */
    S3_NO_CRC64 = 1 << 2,           /* x-amz-checksum-crc64nvme is not understood, or nobody knows yet */
    S3_NO_DELETE_MANY = 1 << 3,     /* no DeleteObjects: one DELETE for each key */
    S3_NO_MULTIPART = 1 << 4,       /* uploads go in one piece */
    S3_NO_COPY_PARTS = 1 << 5,      /* no UploadPartCopy */
    S3_COPY_ANY_SIZE = 1 << 6,      /* one CopyObject may exceed 5 GiB */
    S3_NO_TAGS = 1 << 7,            /* no object tags */
    S3_MULTIPART_ETAG = 1 << 8,     /* the ETag of a multipart object is not the MD5 of its parts' MD5s */
    S3_NO_OBJECT_SIZE = 1 << 9,     /* x-amz-mp-object-size is refused */
    S3_PART_COPY_CHECKSUM = 1 << 10 /* UploadPartCopy gives a part the checksum of its whole source */
} S3Quirk;

/* One kind of server. */
typedef struct S3Provider {
    const char *name;   /* what the option says; "unknown" is the row of nobody in particular */
    const char *hosts;  /* pieces of host names that give it away, a space between; NULL: none do */
    const char *server; /* what its Server header begins with, in any case; NULL: nothing known */
    unsigned quirks;    /* S3Quirk */
    uint64_t part_min_bytes, object_max_bytes;
    unsigned parts_max;
} S3Provider;

typedef struct S3Quirks {
    _Atomic(const S3Provider *) provider;
    atomic_uint learnt; /* S3Quirk */
    bool fixed;         /* by option: no Server header changes it */
    Log *log;           /* may be NULL */
} S3Quirks;

/* `name` is the option's, "": find out. `host`: of the endpoint with its port, "" for AWS itself. Errors: INVALID (no such provider; lists them). */
MUST_USE Error *s3_quirks_init(S3Quirks *quirks, Str name, Str host, Log *log);
/* An answer came with this Server header ("": none). */
void s3_quirks_hear_server(S3Quirks *quirks, Str server);
/* True when this is news: the request is worth another try without the feature. */
bool s3_quirks_learn(S3Quirks *quirks, S3Quirk quirk);

bool s3_quirks_have(const S3Quirks *quirks, S3Quirk quirk);
const S3Provider *s3_quirks_provider(const S3Quirks *quirks);

#endif
