/* config.h - the settings of an S3 store and who it speaks as, found once when it is opened.
 *
 * Order: options, environment, profile, default (spec/s3.md 2.1); credentials by the chain of 2.3, of which this holds what needs
 * no request: options, environment, static keys in the shared files. A source that is configured but needs more (a role, single
 * sign-on, a process, a container's or machine's service) is an error that names it. Nothing falls back to anonymous. */
#ifndef STORE_S3_CONFIG_H
#define STORE_S3_CONFIG_H

#include "store/options.h"

/* Owned strings, wiped when they are freed. `access_key_id` NULL: requests are not signed. */
typedef struct S3Credentials {
    char *access_key_id, *secret_access_key, *session_token;
    const char *source; /* "the environment"; for messages; static text */
} S3Credentials;

void s3_credentials_done(S3Credentials *credentials);

typedef struct S3Config {
    Str endpoint_url; /* "": AWS */
    Str region;
    bool region_chosen; /* by the user; else the default */
    Str ca_file;        /* "": the system's */
    StoreAddressing addressing;
    unsigned attempts_max;     /* 0: nothing said */
    S3Credentials credentials; /* s3_config_done */
} S3Config;

/* Text lives in `arena`. Errors: INVALID (a malformed file with its line, half of a key pair, an unknown profile, a value that cannot be),
 * DENIED (no credentials; says what was looked at), UNSUPPORTED (a source that is not there yet). */
MUST_USE Error *s3_config_load(const StoreOptions *options, Arena *arena, S3Config *ret_config);
void s3_config_done(S3Config *config);

#endif
