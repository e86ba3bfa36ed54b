/* http.h - HTTP/1.1 exchanges, many at once, over a few network threads.
 *
 * An exchange is one logical request: it is attempted until it is accepted, fails for good, or the retry policy ends it.
 * The caller embeds an HttpExchange, fills it, and gives it to http_run (waits for it), to http_submit (many at once,
 * collected with http_next_completed) or to http_stream_start (a body pulled piece by piece). While it is in flight it belongs to
 * a network thread, and so do the callbacks: they run there and must not block, lock for long, or call http_run.
 *
 * Redirects are never followed: a 3xx goes to `judge`, so no credential leaves for another host unless the caller says so.
 * Error messages name method, scheme, host and path, never a query, a header or user information.
 * Sources: RFC 9110, RFC 9112. libcurl 7.88.1 opens the connections. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <pthread.h>

#include "base/buffer.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/str.h"
#include "http/retry.h"

/* ---- client ---- */

typedef struct HttpClient HttpClient;

typedef struct HttpOptions {
    unsigned threads;            /* 0: 1 on machines of 1 or 2 CPUs, else 2 */
    unsigned connections_max;    /* 64; transfers at the same time, over all threads */
    bool fixed_connections;      /* use as many from the start; else as many as it pays (pace.h), at most those */
    double requests_per_second;  /* 0: as many as can be */
    double bytes_per_second;     /* of bodies, in and out together; 0: as many as can be */
    bool hedge;                  /* a second request where a small one is slow; at most 2 % of all (hedge.h) */
    const char *ca_file;         /* PEM bundle; NULL: the system's */
    bool verify_tls;             /* true */
    unsigned connect_timeout_ms; /* 3000, TLS handshake included */
    unsigned low_speed_bytes;    /* 10 bytes a second on average, for ... */
    unsigned low_speed_time_s;   /* ... 30 s: slower is a stall, and the attempt ends */
    unsigned idle_max_s;         /* 15: older idle connections are not used again */
    unsigned connection_max_s; /* 300: nor older ones, however busy, so that addresses which a name has lost are left */
    const char *user_agent;    /* "quern/VERSION" */
    const Clock *clock;        /* the machine's; used for waits and for Retry-After dates */
    uint64_t random_seed;      /* 0: from the kernel */
    RetryPolicy retry;
    Log *log; /* may be NULL; retries are told at LOG_DEBUG */
} HttpOptions;

HttpOptions http_options_default(void);

/* Starts the network threads. Strings of `options` are copied; clock and log are borrowed. Proxies come from the usual variables
 * (https_proxy, http_proxy, no_proxy, all_proxy). Errors: NO_MEMORY, UNAVAILABLE (threads), INVALID (the CA file cannot be read). */
MUST_USE Error *http_client_new(const HttpOptions *options, HttpClient **ret_client);
/* Nothing may be in flight. */
void http_client_free(HttpClient *client);
DEFINE_FREEP(HttpClient, http_client_free)

/* What keeps the number of transfers at the same time where it is. */
typedef enum HttpLimitCause {
    HTTP_LIMIT_NONE,      /* nothing so far: more were not needed, or it still grows */
    HTTP_LIMIT_CAP,       /* connections_max */
    HTTP_LIMIT_NETWORK,   /* more of them did not move more */
    HTTP_LIMIT_CPU,       /* the same, and the network thread was busy all the time */
    HTTP_LIMIT_THROTTLED, /* the server asks for less */
} HttpLimitCause;
const char *http_limit_cause_name(HttpLimitCause cause); /* "network" */

typedef struct HttpCounters {
    uint64_t requests;            /* attempts sent */
    uint64_t retries;             /* of them, not the first of their exchange */
    uint64_t bytes_in, bytes_out; /* bodies */
    uint64_t connects;            /* connections opened */
    uint64_t wait_us;             /* time exchanges spent waiting before a retry, summed */
    uint64_t hedges, hedges_won;  /* second requests, and those that were first */
    unsigned limit;               /* transfers allowed at the same time just now, and why not more */
    HttpLimitCause limit_cause;
} HttpCounters;
/* Any thread. */
HttpCounters http_client_counters(const HttpClient *client);

/* ---- request ---- */

typedef enum HttpMethod { HTTP_GET, HTTP_HEAD, HTTP_PUT, HTTP_POST, HTTP_DELETE } HttpMethod;
const char *http_method_name(HttpMethod method);

/* One attempt's request, filled by `prepare`. Everything in it is empty at the start; the memory is kept from attempt to attempt. */
typedef struct HttpRequest {
    HttpMethod method;    /* HTTP_GET */
    Buffer url;           /* append the absolute URL: http or https, percent-encoded, sent as it is */
    bool resuming;        /* the Range header asks only for what is missing from body_received_bytes on; ... */
    uint64_t range_first; /* ... a 206 must then begin at this byte of the object, and continues the sink */

    Buffer header_text; /* http's */
} HttpRequest;

/* Adds "name: value". Host, User-Agent, Accept, Content-Length and Expect are http's.
 * Errors: INVALID (a control character in either, so nobody smuggles in another header), LIMIT (more than 128 KiB). */
MUST_USE Error *http_request_header(HttpRequest *request, Str name, Str value);

/* The body of a PUT or POST: read at any offset and more than once, since an attempt may be repeated. A zeroed one is an empty body.
 * Always sent with its length, never chunked. */
typedef struct HttpUpload {
    uint64_t size_bytes;
    const uint8_t *data; /* the whole of it in memory; or NULL and ... */
    /* ... this: fills `out` completely or fails, and that ends the exchange. On the network thread: local files and memory only. */
    Error *(*read_at)(void *context, uint64_t offset_bytes, uint8_t *out, size_t len);
    void *context;
} HttpUpload;

/* ---- response ---- */

#define HTTP_LENGTH_UNKNOWN UINT64_MAX
#define HTTP_TIME_UNKNOWN INT64_MIN

typedef enum HttpKnownHeader {
    HTTP_CONTENT_TYPE,
    HTTP_CONTENT_ENCODING,
    HTTP_CONTENT_DISPOSITION,
    HTTP_CONTENT_LANGUAGE,
    HTTP_CACHE_CONTROL,
    HTTP_EXPIRES,
    HTTP_ETAG,
    HTTP_LAST_MODIFIED,
    HTTP_LOCATION,
    HTTP_REQUEST_ID,    /* x-amz-request-id */
    HTTP_REQUEST_ID_2,  /* x-amz-id-2 */
    HTTP_BUCKET_REGION, /* x-amz-bucket-region */
    HTTP_SERVER,
    HTTP_KNOWN_HEADERS
} HttpKnownHeader;

/* Valid until the exchange is submitted again or http_exchange_done. */
typedef struct HttpResponse {
    unsigned status;                               /* 0: no answer came */
    Str header[HTTP_KNOWN_HEADERS];                /* as sent (an ETag keeps its quotes); empty when absent */
    uint64_t content_length;                       /* HTTP_LENGTH_UNKNOWN when absent */
    bool has_range;                                /* Content-Range: bytes range_first-range_last/range_total */
    uint64_t range_first, range_last, range_total; /* total may be HTTP_LENGTH_UNKNOWN */
    int64_t date_us;                               /* HTTP_TIME_UNKNOWN when absent, as the next */
    int64_t last_modified_us;
    int64_t retry_after_us; /* from Retry-After or x-amz-retry-after, as a duration; -1: absent */
    Str error_body;         /* of a status >= 300, its first 64 KiB */

    Buffer fields; /* http's: the headers that are kept, then the error body */
} HttpResponse;

/* The headers whose names begin with "x-amz-" (metadata, checksums, ids), one after the other, in the order they came. Names are lower case.
 * Start with `*at` = 0; false at the end. */
bool http_response_next_amz(const HttpResponse *response, size_t *at, Str *ret_name, Str *ret_value);
/* The first of that name (lower case, "x-amz-..."); empty when there is none. */
Str http_response_amz(const HttpResponse *response, Str name);

/* Where a body goes. Only bodies of 2xx answers reach a sink. */
typedef struct HttpSinkCalls {
    /* A 2xx answer begins; its body is to be put at `offset_bytes` of what this exchange delivers: 0 for the first attempt and
     * after a restart (forget what you hold), what has been received so far when the attempt resumes. `length_bytes`: of this
     * answer's body, or HTTP_LENGTH_UNKNOWN. Any error ends the exchange. */
    Error *(*begin)(void *context, uint64_t offset_bytes, uint64_t length_bytes);
    /* Takes all of `data`, or as much as there is room for: then `*taken_bytes`, which is data.len before the call, says how much, and the transfer
     * pauses until http_stream_read or the like wakes it.
     * Any error ends the exchange. */
    Error *(*write)(void *context, Bytes data, size_t *taken_bytes);
    /* May be NULL. The exchange failed, so what came of the body is not wanted. */
    void (*forget)(void *context);
} HttpSinkCalls;

typedef struct HttpSink {
    const HttpSinkCalls *calls; /* NULL: the body is counted and dropped */
    void *context;
} HttpSink;

/* Appends to `buffer` within its limit (LIMIT, not retried); memory is reserved from Content-Length once it passes the limit's check. */
typedef struct HttpBufferSink {
    Buffer *buffer;
    size_t base_bytes; /* http's: what it held before */
} HttpBufferSink;
HttpSink http_buffer_sink(HttpBufferSink *sink, Buffer *buffer);

/* ---- exchange ---- */

typedef struct HttpExchange HttpExchange;
typedef struct HttpCompletions HttpCompletions;

typedef enum HttpVerdict {
    HTTP_ACCEPT,
    HTTP_FAIL,      /* with the error */
    HTTP_RETRY,     /* a transient failure; with or without an error for the case that this was the last attempt */
    HTTP_THROTTLED, /* the same, the server asks for less */
    HTTP_AGAIN      /* at once, at most HTTP_AGAIN_MAX times: the caller has changed region, clock offset, ... */
} HttpVerdict;
enum { HTTP_AGAIN_MAX = 3, HTTP_HELD_POLL_MS = 10 };

typedef struct HttpCalls {
    /* May be NULL. True: the next attempt has to wait for something that the caller fetches elsewhere (credentials); asked again every
     * HTTP_HELD_POLL_MS, no attempt is counted and no connection taken meanwhile. */
    bool (*held)(void *context);
    /* Before each attempt: method, URL, headers, with a fresh signature. Any error ends the exchange. */
    Error *(*prepare)(void *context, const HttpExchange *exchange, HttpRequest *request);
    /* May be NULL. A 2xx answer's headers are there, its body is not: the place to compare ETag and Content-Range. Any error ends the
     * exchange. http itself refuses a 206 that does not continue a resumed body and an ETag that changed in between (CHANGED). */
    Error *(*check)(void *context, const HttpExchange *exchange);
    /* May be NULL (http_judge). An answer of any status is complete. Sets `*ret_error` for HTTP_FAIL. When a complete 2xx answer is
     * not accepted, its body is forgotten. Not called for transport failures: http classifies those. */
    HttpVerdict (*judge)(void *context, const HttpExchange *exchange, Error **ret_error);
    /* May be NULL. The attempt failed with `error` and is repeated: what a person who waits may want to know. */
    void (*retrying)(void *context, const HttpExchange *exchange, const Error *error);
} HttpCalls;

/* By status alone: 2xx accepted; 429, 503, 509 throttled; 408, 499, 500, 502, 504, 520 retried; else failed with DENIED, NOT_FOUND,
 * INVALID or UNAVAILABLE. */
HttpVerdict http_judge(const HttpExchange *exchange, Error **ret_error);
/* The error for an answer that is not accepted: code by status, message "503 Service Unavailable". */
MUST_USE Error *http_status_error(const HttpResponse *response);

/* Zero it, then fill the first part. It may be used again once it is back; http_exchange_done at the end. */
struct HttpExchange {
    const HttpCalls *calls;
    void *context; /* of the calls */
    HttpUpload upload;
    HttpSink sink;
    const Cancel *cancel; /* at STOP the exchange ends with CANCELLED; http_run and http_stream_start set it */
    bool large;           /* bodies of MiB: larger transfer buffers */
    bool
        expect_continue; /* ask before an upload over 1 MiB, so that a redirect does not cost the body; cleared where the server will not be asked (417) */
    bool direct;         /* no proxy: link-local metadata services */
    bool may_hedge;      /* small, and asking twice does no harm */
    bool
        fresh_connection; /* a new one, by a name looked up anew, for every attempt that begins; also set by callbacks */
    unsigned connect_timeout_ms; /* 0: the client's, as the next two */
    unsigned low_speed_time_s;   /* longer for answers that take minutes, such as CompleteMultipartUpload */
    unsigned attempts_max;
    unsigned total_timeout_ms; /* of one attempt; 0: none */

    /* results, readable in the callbacks and after completion */
    HttpResponse response; /* the last answer */
    Error *error;          /* NULL: accepted. After http_submit it is the caller's; http_run returns it instead */
    unsigned attempts;     /* begun so far, the running one included */
    unsigned
        sendings; /* of them, on connections that were there: also the silent repetition where a kept one had ended. After the
                            * second one the request may have been carried out before */
    uint64_t body_received_bytes; /* what the sink holds of the body */

    /* http's */
    HttpExchange *next;
    HttpCompletions *completions;
    struct Network *network;
    unsigned tries, agains, lookups; /* attempts since the last progress */
    bool stalled;                    /* the last attempt ended in a time-out: the next goes by another connection */
    RetryKind retry_kind;
    unsigned retries_paid;
    int64_t waited_us, due_us;
    uint64_t progress_bytes;
    uint64_t etag_hash;
    bool etag_known;
};

/* Frees what it holds (not what it points to); copes with a zeroed one. */
void http_exchange_done(HttpExchange *exchange);

/* ---- one at a time ---- */

/* Performs the exchange and waits for it. Errors: whatever prepare, check, judge and sink gave; UNAVAILABLE (no connection, name not
 * resolved, attempts used up), TIMEOUT (the last attempt stalled), DENIED (certificate), CORRUPT (an answer that breaks
 * HTTP, or whose end cannot be known), LIMIT (headers over 256 KiB), CHANGED, CANCELLED. Any thread but network threads. */
MUST_USE Error *http_run(HttpClient *client, const Cancel *cancel, HttpExchange *exchange);

/* ---- many at once ---- */

/* Linked by their `next`: exchange_list.h, http's. */
typedef struct ExchangeList {
    HttpExchange *first, *last;
} ExchangeList;

/* Where exchanges come back. Fields are http's. One thread submits to it and collects from it. */
struct HttpCompletions {
    pthread_mutex_t lock;
    pthread_cond_t some;
    ExchangeList returned; /* under lock */
    bool waiting;          /* under lock */
    struct Fiber *parked;  /* under lock; who waits, in place of a thread */
    HttpExchange *mine;    /* the collecting thread's, as the next */
    size_t in_flight;      /* submitted and not yet returned */
};

void http_completions_init(HttpCompletions *completions);
/* Nothing may be in flight. */
void http_completions_done(HttpCompletions *completions);

/* Never blocks: beyond connections_max exchanges wait in a list. The caller bounds how many it submits. */
void http_submit(HttpClient *client, HttpCompletions *completions, HttpExchange *exchange);
/* Waits for the next that ended, in no particular order; NULL when none is in flight. Exchanges whose cancel is at STOP come
 * back soon, so this does not wait long after one. */
HttpExchange *http_next_completed(HttpCompletions *completions);
/* The same without waiting. */
HttpExchange *http_try_completed(HttpCompletions *completions);

/* ---- a body piece by piece ---- */

/* A response body pulled by a blocking reader, through a buffer of fixed size: a slow reader slows the sender down. */
typedef struct HttpStream HttpStream;

/* Starts `exchange`, whose sink it sets; both must stay until http_stream_free. `buffer_bytes` is at least 64 KiB. A body that is cut is
 * continued where it ended if `prepare` resumes, else repeated and the known part skipped. Errors: NO_MEMORY. */
MUST_USE Error *http_stream_start(HttpClient *client, const Cancel *cancel, HttpExchange *exchange, size_t buffer_bytes,
                                  HttpStream **ret_stream);
/* Up to `len` bytes, at least one; 0 at the end, and only then is the body proven complete. Errors: the exchange's. */
MUST_USE Error *http_stream_read(HttpStream *stream, uint8_t *out, size_t len, size_t *ret_read);
/* Ends the transfer if it still runs. */
void http_stream_free(HttpStream *stream);
DEFINE_FREEP(HttpStream, http_stream_free)

#endif
