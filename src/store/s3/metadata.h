/* metadata.h - user metadata as "x-amz-meta-" headers and back. Source: spec/s3.md 3.4. */
#ifndef STORE_S3_METADATA_H
#define STORE_S3_METADATA_H

#include "http/http.h"
#include "store/s3/sigv4.h"
#include "store/store.h"

enum { METADATA_MAX_BYTES = 2048 };

/* The headers for `metadata`, sorted by name, in `arena`: values as a service wrote them, ours encoded. Errors: INVALID (a name that no header can have, twice the
 * same name, a value that is not UTF-8, over 2 KiB in all). */
MUST_USE Error *metadata_to_headers(Metadata metadata, Arena *arena, SignedHeader **ret_headers);

/* What an answer says, decoded and as it is written, in `arena`. */
MUST_USE Error *metadata_from_response(const HttpResponse *response, Arena *arena, Metadata *ret_metadata);

#endif
