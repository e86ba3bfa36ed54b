/* remote.h - small exchanges with the services that give credentials: STS, single sign-on, a container's, a machine's.
 *
 * They have an HTTP client of their own, made when it is first needed: a store that retries must not hold them up, nor they it. Bodies
 * hold secrets and are wiped. One thread at a time. */
#ifndef STORE_S3_REMOTE_H
#define STORE_S3_REMOTE_H

#include "http/http.h"
#include "store/s3/sigv4.h"

typedef struct S3Remote {
    /* set by the owner, borrowed */
    const char *ca_file; /* NULL: the system's */
    bool skip_tls_verify;
    const Clock *clock;
    Log *log;

    HttpClient *http;        /* its own; NULL until needed */
    int64_t clock_offset_us; /* the services' clock minus ours, when it is so far off that signatures fail */
} S3Remote;

void s3_remote_done(S3Remote *remote); /* copes with a zeroed one */

typedef struct RemoteCall {
    HttpMethod method;
    Str url;
    const SignedHeader *headers; /* names in lower case */
    size_t header_count;
    Str body;            /* of a POST or PUT */
    bool direct;         /* by no proxy */
    unsigned timeout_ms; /* of an attempt */
    unsigned attempts_max;
    unsigned pause_ms;      /* between attempts */
    bool content_needed;    /* a success without any is a fault of the service, worth another attempt */
    const char *retry_word; /* in the body of a 4xx: it is worth another attempt; NULL: none is */

    /* results */
    unsigned status;
    Buffer answer;   /* of a success or a refusal */
    int64_t date_us; /* by the service's clock; HTTP_TIME_UNKNOWN */
} RemoteCall;

void remote_call_done(RemoteCall *call); /* copes with a zeroed one */

/* Any answer below 500 is a success here: the caller judges `status`. Errors: UNAVAILABLE, TIMEOUT (attempts used up), DENIED (a certificate),
 * LIMIT (an answer over 256 KiB), CANCELLED. */
MUST_USE Error *remote_run(S3Remote *remote, const Cancel *cancel, RemoteCall *call);

/* The clock differs by minutes from that of the answer: true when it was not known yet. */
bool remote_hear_date(S3Remote *remote, int64_t date_us);
/* A time by the service's clock as one by ours, so that a wrong clock here neither uses keys past their end nor throws good ones away. */
int64_t remote_local_time(const S3Remote *remote, int64_t time_us);

/* Shows what a service said in its refusal, one line of at most 200 printable characters. Lives in `out`. */
MUST_USE Error *remote_append_excerpt(Buffer *out, Str body);

#endif
