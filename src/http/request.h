/* request.h - what `prepare` fills, and how libcurl gets it. Inside http/ only. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <curl/curl.h>

#include "http/http.h"

void request_clear(HttpRequest *request); /* nothing asked, memory kept */
void request_done(HttpRequest *request);
/* Has libcurl not ask and wait a second whether a large body is welcome. */
MUST_USE Error *request_without_expect(HttpRequest *request);
/* The headers as libcurl's list, NULL when there are none; until the next call on `request`. */
struct curl_slist *request_header_list(HttpRequest *request);
/* The URL without user information, query and fragment: what may be shown. It points into the URL. */
typedef struct ShownUrl {
    Str scheme, host, path;
} ShownUrl;
ShownUrl request_shown_url(const HttpRequest *request);

#endif
