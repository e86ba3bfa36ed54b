/* route.h - where the requests for a bucket go: host, style, region. Source: spec/s3.md 1.10, 1.11. */
#ifndef STORE_S3_ROUTE_H
#define STORE_S3_ROUTE_H

#include "base/arena.h"
#include "base/error.h"
#include "store/options.h"

/* A server that the user named; an empty `host` means AWS, and which of its hosts the last three say. */
typedef struct S3Endpoint {
    bool tls;
    Str host; /* with ":port" unless it is the scheme's own; an IPv6 address keeps its brackets */
    Str path; /* in front of everything, "" or "/prefix" without a slash at the end; as written */
    bool dualstack, fips, accelerate;
} S3Endpoint;

/* "http[s]://host[:port][/path]". Errors: INVALID. Views into `url`, or in `arena`. */
MUST_USE Error *s3_endpoint_parse(Str url, Arena *arena, S3Endpoint *ret_endpoint);

typedef struct S3Route {
    Str region;
    Str origin;            /* "https://host[:port]" */
    Str host;              /* as the Host header has it */
    Str bucket_path;       /* encoded: "/bucket" or "/"; what a request for the bucket itself has as its path */
    Str object_path;       /* encoded: "/bucket/" or "/"; keys follow */
    bool unsigned_payload; /* TLS to AWS: bodies go with a checksum and without their SHA-256 */
} S3Route;

/* Virtual-host style where `addressing` and the bucket's name allow it. Text lives in `arena`. Errors: INVALID (region; a bucket
 * that cannot be accelerated). */
MUST_USE Error *s3_route_make(const S3Endpoint *endpoint, StoreAddressing addressing, Str bucket, Str region,
                              Arena *arena, S3Route *ret_route);

/* Letters, digits and hyphens, 1-63, not all digits, no hyphen at the ends: what may become part of a host name. */
bool s3_region_is_valid(Str region);
/* What AWS's host names end in there: "amazonaws.com", "amazonaws.com.cn", ... */
const char *s3_partition_suffix(Str region);

#endif
