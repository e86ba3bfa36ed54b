/* request.h - what `prepare` fills, and how it is written. Inside http/ only. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/http.h"

void request_clear(HttpRequest *request); /* nothing asked, memory kept */
void request_done(HttpRequest *request);

/* The URL without user information, query and fragment: what may be shown. It points into the URL. */
typedef struct ShownUrl {
    Str scheme, host, path;
} ShownUrl;
ShownUrl request_shown_url(const HttpRequest *request);

/* Where a request goes: "https://host:port" as in the URL, and what its head begins with. They point into the URL. */
typedef struct RequestTarget {
    Str origin;    /* up to the path */
    Str authority; /* as the Host header has it: without the scheme's own port */
    Str path;      /* with the query; empty for "/" */
    bool tls;
} RequestTarget;
/* Errors: INVALID (not http or https, no host, user information, a byte that URLs have not). */
MUST_USE Error *request_target(const HttpRequest *request, RequestTarget *ret_target);

typedef struct RequestHead {
    const RequestTarget *target;
    const char *user_agent;
    bool has_upload, asks; /* asks: "Expect: 100-continue" */
    uint64_t upload_bytes;
    Str proxy_authorization; /* of a proxy that gets the request whole; empty: it needs none */
    bool to_proxy;
} RequestHead;
/* The request line and all header lines, behind what is in `out`. Errors: NO_MEMORY. */
MUST_USE Error *request_write_head(const HttpRequest *request, const RequestHead *head, Buffer *out);

#endif
