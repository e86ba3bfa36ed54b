/* response.h - an answer's header lines into an HttpResponse. Inside http/ only. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "http/http.h"

enum { RESPONSE_HEADERS_MAX = 256 * 1024, RESPONSE_ERROR_BODY_MAX = 64 * 1024 };

/* Nothing known, memory kept. */
void response_clear(HttpResponse *response);
void response_done(HttpResponse *response);

/* One "name: value" without its line end. What frames the body is answer.h's, and other names that nobody asks for are passed over. Errors:
 * NO_MEMORY, LIMIT. */
MUST_USE Error *response_line(HttpResponse *response, Str line, const Clock *clock);
/* Keeps what fits of an error's body. */
MUST_USE Error *response_error_body(HttpResponse *response, Bytes data);

#endif
