/* regions.h - where buckets were found to be, kept for all stores of a client: what one was told, no other has to be.
 *
 * Any thread. Nothing waits longer than a look at a short list. Source: spec/s3.md 1.10. */
#ifndef STORE_S3_REGIONS_H
#define STORE_S3_REGIONS_H

#include "base/error.h"
#include "base/str.h"

enum { S3_REGION_MAX_BYTES = 63 };

typedef struct S3Regions S3Regions;

/* Errors: NO_MEMORY. */
MUST_USE Error *s3_regions_new(S3Regions **ret_regions);
void s3_regions_free(S3Regions *regions); /* NULL is allowed */

/* `region` is a valid one; `endpoint` "" is AWS. The last word counts. Buckets beyond the first few hundred push out the oldest. */
void s3_regions_learn(S3Regions *regions, Str endpoint, Str bucket, Str region);
/* False: nobody was told. */
bool s3_regions_find(S3Regions *regions, Str endpoint, Str bucket, char ret_region[S3_REGION_MAX_BYTES + 1]);
/* Grows with whatever is learnt: so long as it stays, looking again is of no use. From 0. */
unsigned s3_regions_lessons(const S3Regions *regions);

#endif
