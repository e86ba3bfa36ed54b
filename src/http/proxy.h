/* proxy.h - the proxy that plain HTTP requests are handed to whole (RFC 9112 3.2.2), as the environment names it. Inside http/ only.
 *
 * Tunnels for HTTPS, and SOCKS, are libcurl's affair, which reads the same variables: http_proxy (not HTTP_PROXY: in a CGI program a request could set it),
 * all_proxy, ALL_PROXY; no_proxy, NO_PROXY. */
#ifndef HTTP_PROXY_H
#define HTTP_PROXY_H

#include "base/error.h"
#include "base/str.h"

/* Zeroed: there is none. Constant once it has been read; any thread. */
typedef struct Proxy {
    char *origin;        /* "http://host:port"; NULL: there is none */
    const char *problem; /* why what the variable holds is no address; NULL: it is one */
    bool tls;
    char *authorization; /* "Basic ..."; NULL: it needs none */
    char *exceptions;    /* as no_proxy has them; NULL: none */
} Proxy;

/* Errors: NO_MEMORY. */
MUST_USE Error *proxy_from_environment(Proxy *ret_proxy);
void proxy_done(Proxy *proxy);

/* Whether requests to `authority` ("host", "host:port", "[::1]:port") are handed to it, or would be but for its problem. */
bool proxy_serves(const Proxy *proxy, Str authority);

#endif
