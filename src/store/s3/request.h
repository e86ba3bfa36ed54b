/* request.h - one S3 request through http: built and signed before each attempt, its answer judged after it.
 *
 * Fill the first part of a zeroed S3Request, then s3_request_run, or submit its `exchange` after s3_request_begin and call
 * s3_request_end when it is back. It may be used again; s3_request_done at the end. Source: spec/s3.md 1, 3. */
#ifndef STORE_S3_REQUEST_H
#define STORE_S3_REQUEST_H

#include "store/s3/client.h"

/* host, payload hash, date, token, payer, owner, two customer keys: what every request may have beside its own headers */
enum { S3_COMMON_HEADERS_MAX = 12, S3_REFUSAL_MAX_BYTES = 48 };

typedef enum S3Answer {
    S3_ANSWER_NONE,    /* nothing is wanted of it, but an <Error> may stand in it */
    S3_ANSWER_CONTENT, /* an object's bytes: not looked into */
    S3_ANSWER_XML,     /* a document, which must be whole and no <Error> */
} S3Answer;

/* What kind of request; one constant for each, beside the code that uses it. */
typedef struct S3Operation {
    const char *name; /* "GetObject" */
    HttpMethod method;
    bool of_bucket;    /* else of an object */
    bool names_itself; /* who asks says in its errors what for */
    S3Answer answer;
    bool missing_is_success;   /* 404: what was to go away is not there */
    bool customer_key;         /* SSE-C: the object's key goes with it ... */
    bool copies;               /* ... and that of the object it copies from */
    bool conflict_is_final;    /* 409 ConditionalRequestConflict: more than this request must be repeated */
    unsigned low_speed_time_s; /* longer, for answers that take minutes; 0: the client's */
} S3Operation;

extern const S3Operation s3_get_object, s3_head_object, s3_put_object, s3_delete_object, s3_list_objects;

typedef struct S3Request {
    HttpExchange exchange; /* its calls, context and counters are set here; upload by whoever puts */
    S3Client *client;
    const S3Operation *operation;
    Str key;         /* behind the client's prefix; unused for a bucket */
    Str query;       /* sorted and encoded, without '?' */
    ByteRange range; /* of content; BYTE_RANGE_ALL sends none */
    Str if_etag;     /* of content: what the object must still be; without quotes; "": anything */
    const SignedHeader
        *headers; /* further ones, names in lower case, in any order; x-amz-* and content-type are signed */
    size_t header_count;
    /* The last so many of `headers` are dropped for good when the server does not implement them. */
    size_t optional_count;
    S3Quirk optional_quirk;
    Str payload_hash;       /* hex of the upload's SHA-256, or SIGV4_UNSIGNED_PAYLOAD; "": there is none */
    ErrorCode refused_code; /* what a 412 means; 0: CHANGED */
    Buffer *body;           /* content and XML: appended to; NULL: the request's own `answer` */
    HttpSink sink;          /* content: where it goes in place of a Buffer, when its calls are set */
    /* May be NULL. All of a content has come: is it what it should be? HTTP_RETRY: once more from its beginning. On the network thread. */
    HttpVerdict (*verify)(void *user, Error **ret_error);

    /* the request's own */
    HttpBufferSink buffer_sink;
    size_t body_before;           /* length of `body` at the beginning */
    const S3Route *route;         /* of the running attempt */
    S3Credentials *credentials;   /* of it too; a reference; NULL: not signed */
    Buffer etag;                  /* of the first answer with content: what a resumed transfer must continue */
    Buffer text;                  /* scratch */
    Buffer answer;                /* what came where nobody gave a `body` */
    SignedHeader *signed_headers; /* room for `headers` and S3_COMMON_HEADERS_MAX more */
    size_t signed_headers_max;
    bool region_tried, clock_tried, renewal_tried, digest_tried;
    char refusal[S3_REFUSAL_MAX_BYTES]; /* the server's code of the last refusal, "NoSuchUpload"; "": none yet */
    bool whole;                         /* the object is empty and has no ranges */
    void *user;                         /* the caller's */
} S3Request;

/* Errors: INVALID (none, or more bytes than S3 allows, with the client's prefix). */
MUST_USE Error *s3_check_key(const S3Client *client, Str key);
/* Checks the key, waits until there are credentials, and makes the exchange, whose `cancel` it sets, ready for http_submit. Any
 * thread but network threads. Errors: INVALID (the key), NO_MEMORY, those of the credentials; then do not submit. */
MUST_USE Error *s3_request_begin(S3Request *request, const Cancel *cancel);
/* After the exchange: counts it, and gives its error, naming the object; then `body` holds what it held before. */
MUST_USE Error *s3_request_end(S3Request *request, Error *take_error);
/* Both, and waits between. */
MUST_USE Error *s3_request_run(S3Request *request, const Cancel *cancel);
/* Copes with a zeroed one. */
void s3_request_done(S3Request *request);

/* Without "..." and W/. */
Str s3_etag_without_quotes(Str etag);

#endif
