/* request.h - one S3 request through http: built and signed before each attempt, its answer judged after it.
 *
 * Fill the first part of a zeroed S3Request, then s3_request_run, or submit its `exchange` after s3_request_begin and call
 * s3_request_end when it is back. It may be used again; s3_request_done at the end. Source: spec/s3.md 1, 3. */
#ifndef STORE_S3_REQUEST_H
#define STORE_S3_REQUEST_H

#include "store/s3/client.h"

/* host, content-type, checksum and its algorithm, payload hash, date, token */
enum { S3_SIGNED_HEADERS_MAX = 7 };

typedef enum S3Kind {
    S3_GET_OBJECT,
    S3_HEAD_OBJECT,
    S3_PUT_OBJECT,
    S3_DELETE_OBJECT,
    S3_LIST_OBJECTS,
} S3Kind;

typedef struct S3Request {
    HttpExchange exchange; /* its calls, context and counters are set here; upload by whoever puts */
    S3Client *client;
    S3Kind kind;
    Str key;                      /* behind the client's prefix; unused by a listing */
    Str query;                    /* sorted and encoded, without '?' */
    ByteRange range;              /* get; BYTE_RANGE_ALL sends none */
    Str if_etag;                  /* get: what the object must still be; without quotes; "": anything */
    bool if_absent;               /* put */
    Str content_type;             /* put */
    Str payload_hash;             /* put: hex, or SIGV4_UNSIGNED_PAYLOAD with `checksum` */
    Str checksum;                 /* put: base64 of the CRC-32; "" for none */
    const SignedHeader *metadata; /* put: sorted */
    size_t metadata_count;
    Buffer *body; /* get, list: appended to */

    /* the request's own */
    HttpBufferSink sink;
    size_t body_before;           /* length of `body` at the beginning */
    const S3Route *route;         /* of the running attempt */
    Buffer etag;                  /* of the first answer with content: what a resumed transfer must continue */
    Buffer text;                  /* scratch */
    Buffer answer;                /* of a put or delete */
    SignedHeader *signed_headers; /* room for the metadata and S3_SIGNED_HEADERS_MAX more */
    size_t signed_headers_max;
    bool region_tried, clock_tried;
    bool whole; /* the object is empty and has no ranges */
    void *user; /* the caller's */
} S3Request;

/* Checks the key and makes the exchange ready for http_submit. Errors: INVALID (the key), NO_MEMORY; then do not submit. */
MUST_USE Error *s3_request_begin(S3Request *request);
/* After the exchange: counts it, and gives its error, naming the object; then `body` holds what it held before. */
MUST_USE Error *s3_request_end(S3Request *request, Error *take_error);
/* Both, and waits between. */
MUST_USE Error *s3_request_run(S3Request *request, const Cancel *cancel);
/* Copes with a zeroed one. */
void s3_request_done(S3Request *request);

#endif
