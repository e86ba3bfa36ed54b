/* s3_list.h - all keys with a prefix, page after page (ListObjectsV2). Source: spec/s3.md 3.1. */
#ifndef STORE_S3_S3_LIST_H
#define STORE_S3_S3_LIST_H

#include "store/s3/client.h"

/* As store_list. A server whose pages repeat, loop, are out of order or hold keys that were not asked for ends in CORRUPT. */
MUST_USE Error *s3_list(S3Client *client, const Cancel *cancel, Str prefix, Str start_after, StoreListFn *each,
                        void *context);

#endif
