/* head.h - what an answer to HEAD or GET says of an object. Source: spec/s3.md 3.2, 3.4, 3.11, 3.12. */
#ifndef STORE_S3_HEAD_H
#define STORE_S3_HEAD_H

#include "store/s3/client.h"
#include "store/store.h"

/* As store_head. */
MUST_USE Error *s3_head(Store *store, const Cancel *cancel, Str key, Arena *arena, ObjectInfo *ret_info);
/* The same of one version; "": the latest. */
MUST_USE Error *s3_head_version(S3Client *client, const Cancel *cancel, Str key, Str version_id, Arena *arena,
                                ObjectInfo *ret_info);

/* Everything an answer with status 200 tells; text in `arena`. Errors: CORRUPT (no length). */
MUST_USE Error *s3_answer_info(const S3Client *client, const HttpResponse *response, Str key, Arena *arena,
                               ObjectInfo *ret_info);
/* Without quotes; a view into the answer. */
Str s3_answer_etag(const HttpResponse *response);
/* What the whole content adds up to: the strongest of the headers, or the ETag where it is an MD5. Where the server has only a checksum of
 * the parts' checksums, that one, with its `parts`. CHECKSUM_NONE: nothing. */
Checksum s3_answer_checksum(const S3Client *client, const HttpResponse *response);

/* Asks for the checksums, of the whole object alone. */
extern const SignedHeader s3_checksum_mode;
bool s3_wants_checksum(const S3Client *client); /* what the settings say */

/* "versionId=..." appended; nothing for "". */
MUST_USE Error *s3_append_version(Buffer *query, Str version_id);

#endif
