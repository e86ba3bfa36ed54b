/* upload.h - what every multipart upload does, whatever its parts are made of: begin, parts in flight together, complete, give up.
 *
 * An upload that was begun is completed or given up; one that cannot be aborted is told and counted (S3Client.stray_uploads). Complete is
 * the one call whose lost answer matters: it is settled by looking at the object. Source: spec/s3.md 3.7, 5.1. */
#ifndef STORE_S3_UPLOAD_H
#define STORE_S3_UPLOAD_H

#include "store/s3/request.h"
#include "store/store.h"

typedef struct S3Upload {
    /* the caller's, borrowed */
    Store *store;
    S3Client *client;
    const Cancel *cancel;
    Str key;
    const PutOptions *options; /* what the object is to have, and the condition it is made under */
    Arena *arena;
    uint64_t size_bytes, part_bytes;
    unsigned part_count;
    /* What the parts and the whole go by; CHECKSUM_NONE: none. Becomes that when the server refuses it; what is learnt of the server later
     * changes nothing, since all calls of an upload must agree. */
    ChecksumKind checksum_kind;
    bool checksum_is_optional; /* or the user's choice, and a server that refuses it fails the upload */

    /* the upload's */
    Str id;              /* "": there is none */
    Str *etags;          /* of the parts that are done, without quotes */
    Checksum *checksums; /* the same; CHECKSUM_NONE: not known */
} S3Upload;

/* Errors: those of s3_put_headers, CORRUPT (no id). */
MUST_USE Error *s3_upload_begin(S3Upload *upload);

/* A request for a part, used again for the next one. */
typedef struct S3PartSlot {
    S3Request request;
    unsigned part; /* from 0 */
    void *own;     /* the caller's `own_bytes`, zeroed when the slot is made */
    Buffer query;
} S3PartSlot;

typedef struct S3PartCalls {
    const S3Operation *operation;
    size_t own_bytes;
    /* Fills headers and body of the request; `stop` is raised when another part has failed. */
    Error *(*prepare)(void *context, S3PartSlot *slot, const Cancel *stop);
    /* The request has ended, as `take_error` says. If well: sets the part's ETag and checksum in the upload. */
    Error *(*finish)(void *context, S3PartSlot *slot, Error *take_error);
    void *context;
} S3PartCalls;

/* All parts, up to `in_flight` at once. The first failure ends the others, and is the one that is told. */
MUST_USE Error *s3_upload_send(S3Upload *upload, const S3PartCalls *calls, unsigned in_flight);

/* `whole`: what the content is known to add up to; CHECKSUM_NONE: not known. `*ret_again`: somebody else wrote at the same moment, and S3 wants
 * the upload from the start. `ret_etag`: of the new object, in the arena; "" where the answer was lost. Errors: EXISTS, CHANGED (the
 * condition), CORRUPT (the server made something else of the parts). */
MUST_USE Error *s3_upload_complete(S3Upload *upload, const Checksum *whole, bool *ret_again, Str *ret_etag);

/* Aborts it, if there is one. */
void s3_upload_give_up(const S3Upload *upload);

/* The size of part `part`. */
static inline uint64_t s3_upload_part_bytes(const S3Upload *upload, unsigned part)
{
    uint64_t from = (uint64_t)part * upload->part_bytes;
    return MIN(upload->part_bytes, upload->size_bytes - from);
}

#endif
