/* credentials.h - one set of keys: made once, never changed, shared by reference, wiped with the last one. Any thread. */
#ifndef STORE_S3_CREDENTIALS_H
#define STORE_S3_CREDENTIALS_H

#include <stdatomic.h>

#include "base/error.h"
#include "base/str.h"

#define S3_NEVER_EXPIRES INT64_MAX

/* What a source says; views. */
typedef struct S3KeySet {
    Str access_key_id, secret_access_key;
    Str session_token;  /* "": none */
    int64_t expires_us; /* by this machine's clock; S3_NEVER_EXPIRES */
} S3KeySet;

typedef struct S3Credentials {
    /* fixed once made */
    char *access_key_id, *secret_access_key;
    char *session_token; /* NULL: none */
    char *source;        /* "the environment", "the role 'arn:...' (profile 'x')": for messages */
    char *region;        /* that the source knows; NULL: none */
    int64_t expires_us;
    bool renewable; /* asking the source again may give others */
    bool lenient;   /* a source that in times of trouble gives old ones on purpose: use them past their time */
    bool forced;    /* made because the server refused the ones before */

    atomic_bool proven; /* a server took them */
    atomic_uint references;
} S3Credentials;

/* With one reference. Errors: INVALID (half of a pair; names the source), NO_MEMORY. */
MUST_USE Error *s3_credentials_new(const S3KeySet *keys, Str source, S3Credentials **ret_credentials);
S3Credentials *s3_credentials_ref(S3Credentials *credentials);
void s3_credentials_free(S3Credentials *credentials); /* gives a reference back; NULL is allowed */
DEFINE_FREEP(S3Credentials, s3_credentials_free)

/* A server took them. */
static inline void s3_credentials_prove(S3Credentials *credentials)
{
    if (!atomic_load_explicit(&credentials->proven, memory_order_relaxed))
        atomic_store_explicit(&credentials->proven, true, memory_order_relaxed);
}

/* The same keys: asking again gave nothing new. */
bool s3_credentials_equal(const S3Credentials *a, const S3Credentials *b);

/* "" and a time of expiry such as 2026-11-21T09:39:54Z. Errors: CORRUPT. */
MUST_USE Error *s3_expiration_parse(Str text, int64_t *ret_expires_us);

#endif
