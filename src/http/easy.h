/* easy.h - what all of a network thread's libcurl handles have in common. Inside http/ only. */
#ifndef HTTP_EASY_H
#define HTTP_EASY_H

#include <curl/curl.h>

#include "http/http.h"

/* Fixed. */
typedef struct EasyShared {
    const HttpOptions *options;
    CURLSH *share;
    bool environment_proxies; /* the usual variables name one; if not, libcurl need not look for each transfer */
} EasyShared;

/* How it connects; differs from exchange to exchange. */
typedef struct EasyLimits {
    bool proxy_free;
    bool fresh; /* by a name looked up anew */
    unsigned connect_timeout_ms;
} EasyLimits;

/* The first failure, which is one of memory. libcurl copies strings. */
CURLcode easy_set_fixed(CURL *easy, const EasyShared *shared, char *detail);
CURLcode easy_set_limits(CURL *easy, const EasyLimits *limits);

#endif
