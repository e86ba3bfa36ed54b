/* sigv4.h - AWS Signature Version 4 for requests with their payload's hash in a header.
 *
 * The key changes only with day, region, service and secret, so it is derived once and kept as the two SHA-256 states that an
 * HMAC begins with: a signature then costs three hashes and no allocation. Pure computation, any thread.
 * Source: spec/s3.md 1.1-1.7. */
#ifndef STORE_S3_SIGV4_H
#define STORE_S3_SIGV4_H

#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_CTX: the EVP interface allocates for each digest and cannot copy a state cheaply */
#include <openssl/sha.h>

#include "base/buffer.h"
#include "base/hash.h"

enum { SIGV4_TIME_BYTES = 16, SIGV4_DATE_BYTES = 8, SIGV4_HEX_BYTES = 64, SIGV4_SCOPE_MAX_BYTES = 128 };

/* Lower-case hex of SHA-256 of nothing, and the word for "not hashed". */
#define SIGV4_EMPTY_PAYLOAD STR("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
#define SIGV4_UNSIGNED_PAYLOAD STR("UNSIGNED-PAYLOAD")

typedef struct SigningKey {
    SHA256_CTX inner, outer;
    char scope[SIGV4_SCOPE_MAX_BYTES]; /* "20130524/us-east-1/s3/aws4_request" */
    size_t scope_len;
} SigningKey;

/* `date` is YYYYMMDD. Errors: INVALID (region or service too long). */
MUST_USE Error *signing_key_init(SigningKey *key, Str secret, Str date, Str region, Str service);
/* HMAC-SHA-256 of `text` as hex, without a NUL. */
void signing_key_sign(const SigningKey *key, Str text, char ret_hex[SIGV4_HEX_BYTES]);

/* A header that is signed: the name in lower case; the value is trimmed and its runs of spaces squeezed in the computation. */
typedef struct SignedHeader {
    Str name, value;
} SignedHeader;

typedef struct SigningInput {
    Str method, path, query;     /* path and query as they are sent: encoded, the query sorted, "name=value" for each */
    const SignedHeader *headers; /* sorted by name, each name once */
    size_t header_count;
    Str payload; /* hex of the body's SHA-256, or SIGV4_UNSIGNED_PAYLOAD */
    Str time;    /* "20130524T000000Z"; its day is the key's */
} SigningInput;

void sigv4_signature(const SigningKey *key, const SigningInput *input, char ret_hex[SIGV4_HEX_BYTES]);

/* Appends the value of the Authorization header. */
MUST_USE Error *sigv4_append_authorization(Buffer *out, const SigningKey *key, Str access_key_id,
                                           const SigningInput *input);

#endif
