/* region.h - asks where a bucket is. Source: spec/s3.md 1.10, 3. */
#ifndef STORE_S3_REGION_H
#define STORE_S3_REGION_H

#include "store/s3/client.h"

/* By HeadBucket, which says it even to strangers, then by GetBucketLocation. Not on network threads. Text lives in `arena`. Errors: NOT_FOUND
 * (neither says), UNAVAILABLE, CANCELLED. */
MUST_USE Error *s3_region_find(S3Client *client, const S3Route *route, const Cancel *cancel, Arena *arena,
                               Str *ret_region);

#endif
