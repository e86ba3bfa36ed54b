/* store_url.h - where a store is, taken from the URL a person writes. */
#ifndef STORE_STORE_URL_H
#define STORE_STORE_URL_H

#include "base/error.h"
#include "base/str.h"

typedef enum StoreScheme { STORE_SCHEME_FILE, STORE_SCHEME_S3 } StoreScheme;

/* Views into the text that was parsed. */
typedef struct StoreUrl {
    StoreScheme scheme;
    Str bucket; /* S3: one that can stand in a path and, if it is a DNS label, in a host name */
    Str rest;   /* S3: the prefix, literally, may be empty; file: the path, never empty */
} StoreUrl;

/* "s3://bucket/prefix", "file:///path", "file:path" or a bare path. Nothing is decoded: '%', '?' and '#' are themselves.
 * Errors: INVALID (malformed), UNSUPPORTED (another scheme, an access point's ARN). */
MUST_USE Error *store_url_parse(Str text, StoreUrl *ret_url);

#endif
