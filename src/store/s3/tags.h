/* tags.h - the tags of an object: GetObjectTagging, PutObjectTagging. Source: spec/s3.md 3.6. */
#ifndef STORE_S3_TAGS_H
#define STORE_S3_TAGS_H

#include "store/s3/client.h"
#include "store/store.h"

enum { S3_TAGS_MAX = 10, S3_TAG_NAME_MAX_BYTES = 128 * 4, S3_TAG_VALUE_MAX_BYTES = 256 * 4 };

/* As store_get_tags, store_put_tags. */
MUST_USE Error *s3_get_tags(Store *store, const Cancel *cancel, Str key, Arena *arena, Str *ret_tags);
MUST_USE Error *s3_put_tags(Store *store, const Cancel *cancel, Str key, Str tags);

/* The same of one version; "": the latest. */
MUST_USE Error *s3_get_tags_of(S3Client *client, const Cancel *cancel, Str key, Str version_id, Arena *arena,
                               Str *ret_tags);

/* What GetObjectTagging answers, as s3_tags_normalise would have it. Errors: as there; CORRUPT. */
MUST_USE Error *s3_tags_read(Str document, Arena *arena, Str *ret_tags);

/* "a=1&b=2" in the order of names and in one spelling, so that equal sets are equal texts; in `arena`. Errors: INVALID (more than S3_TAGS_MAX, a name
 * that is empty, too long or there twice, a value that is too long, text that is not UTF-8). */
MUST_USE Error *s3_tags_normalise(Str tags, Arena *arena, Str *ret_tags);

#endif
