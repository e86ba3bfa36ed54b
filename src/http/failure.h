/* failure.h - what went wrong, as an Error and as a verdict. Inside http/ only. */
#ifndef HTTP_FAILURE_H
#define HTTP_FAILURE_H

#include <curl/curl.h>

#include "http/http.h"

typedef enum FailureClass {
    FAILURE_RETRY,
    FAILURE_LOOKUP, /* the name was not resolved: few retries where nobody ever answered */
    FAILURE_FINAL
} FailureClass;

/* `detail` is libcurl's own text, which may be empty; `host` is shown when its name was not resolved. */
Error *failure_of_transfer(CURLcode code, const char *detail, Str host, FailureClass *ret_class);

#endif
