/* s3_error.h - what an S3 server's refusal means: what to do about it, and how to tell a person.
 * Source: spec/s3.md 3.10. */
#ifndef STORE_S3_S3_ERROR_H
#define STORE_S3_S3_ERROR_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

/* The <Error> body; fields are empty when absent. */
typedef struct S3Error {
    unsigned status;
    Str code, message, region, endpoint;
    Str request_id, host_id;        /* from the body or the headers */
    Str storage_class, access_tier; /* of an object that is archived */
} S3Error;

/* Fills what the body has and, where empty, the ids from `body`. A body that is no <Error> leaves them as they are. */
void s3_error_parse(Str body, Arena *arena, S3Error *error);

/* The document's element is <Error>: also with status 200. */
bool s3_answer_is_error(Str body);
/* The document ends as it began: "<x>...</x>". False for one that was cut. */
bool s3_answer_is_complete(Str body);

typedef enum S3Action {
    S3_FAIL,
    S3_RETRY,
    S3_RETRY_ONCE, /* perhaps it was the way */
    S3_DROP,       /* the server lacks a feature: once more without it, where it is optional */
    S3_THROTTLED,
    S3_REGION,  /* another region serves this bucket */
    S3_CLOCK,   /* the clocks differ */
    S3_EXPIRED, /* the credentials' time is over */
} S3Action;

typedef struct S3Class {
    S3Action action;
    ErrorCode code;
} S3Class;

/* By the server's code, or for one that is unknown or absent (HEAD) by the status. */
S3Class s3_classify(unsigned status, Str code);

/* "403 AccessDenied: Access Denied (request 4442587FB7D0A2F9); the credentials ...": the server's words and what to do. */
MUST_USE Error *s3_error_tell(const S3Error *error, ErrorCode code);

#endif
