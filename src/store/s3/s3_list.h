/* s3_list.h - the keys with a prefix, page after page: ListObjectsV2, ListObjects where a server has no other, ListObjectVersions; several parts
 * of the key space at once. Source: spec/s3.md 3.1, 4.6. */
#ifndef STORE_S3_S3_LIST_H
#define STORE_S3_S3_LIST_H

#include "store/s3/client.h"
#include "store/store.h"

/* As store_list_with. A server whose pages repeat, loop, are out of order or hold keys that were not asked for ends in CORRUPT. */
MUST_USE Error *s3_list(S3Client *client, const Cancel *cancel, const ListOptions *options, StoreListFn *each,
                        void *context);

#endif
