#include "store/s3/credentials.h"

#include <stdlib.h>

#include "base/time_text.h"

static void wipe_string(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

static char *copy(Str text)
{
    return strndup(text.data, text.len);
}

Error *s3_credentials_new(const S3KeySet *keys, Str source, S3Credentials **ret_credentials)
{
    if (keys->access_key_id.len == 0 || keys->secret_access_key.len == 0)
        return FAIL(INVALID, STR_FMT " has %s key without %s key: give both or neither", STR_ARG(source),
                    keys->access_key_id.len > 0 ? "an access" : "a secret",
                    keys->access_key_id.len > 0 ? "a secret" : "an access");
    CLEANUP(s3_credentials_freep) S3Credentials *made = calloc(1, sizeof(*made));
    if (made) {
        atomic_init(&made->references, 1);
        made->access_key_id = copy(keys->access_key_id);
        made->secret_access_key = copy(keys->secret_access_key);
        made->session_token = keys->session_token.len > 0 ? copy(keys->session_token) : NULL;
        made->source = copy(source);
        made->expires_us = keys->expires_us;
        made->renewable = true;
    }
    if (!made || !made->access_key_id || !made->secret_access_key || !made->source
        || (keys->session_token.len > 0 && !made->session_token))
        return FAIL(NO_MEMORY, "keep the credentials: out of memory");
    *ret_credentials = made;
    made = NULL;
    return NULL;
}

S3Credentials *s3_credentials_ref(S3Credentials *credentials)
{
    if (credentials)
        atomic_fetch_add_explicit(&credentials->references, 1, memory_order_relaxed);
    return credentials;
}

void s3_credentials_free(S3Credentials *credentials)
{
    if (!credentials || atomic_fetch_sub_explicit(&credentials->references, 1, memory_order_acq_rel) > 1)
        return;
    wipe_string(&credentials->access_key_id);
    wipe_string(&credentials->secret_access_key);
    wipe_string(&credentials->session_token);
    free(credentials->source);
    free(credentials->region);
    free(credentials);
}

bool s3_credentials_equal(const S3Credentials *a, const S3Credentials *b)
{
    return str_equal(str_of(a->access_key_id), str_of(b->access_key_id))
           && str_equal(str_of(a->secret_access_key), str_of(b->secret_access_key))
           && str_equal(str_of(a->session_token), str_of(b->session_token));
}

Error *s3_expiration_parse(Str text, int64_t *ret_expires_us)
{
    *ret_expires_us = S3_NEVER_EXPIRES;
    if (text.len == 0 || time_parse_iso8601(text, ret_expires_us))
        return NULL;
    return FAIL(CORRUPT, "'" STR_FMT "' is no time of expiry", (int)MIN(text.len, (size_t)40), text.data);
}
