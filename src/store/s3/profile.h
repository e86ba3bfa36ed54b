/* profile.h - the environment and the shared files ~/.aws/config and ~/.aws/credentials, as one profile sees them.
 *
 * Source: spec/s3.md 2.1, 2.2. Texts are views into the files, which hold secrets and are wiped by s3_profiles_done. */
#ifndef STORE_S3_PROFILE_H
#define STORE_S3_PROFILE_H

#include "store/options.h"
#include "store/s3/ini.h"

typedef struct SharedFile {
    Str path; /* "" when there is no home directory to look in */
    Buffer text;
    Ini ini;
} SharedFile;

typedef struct S3Profiles {
    const char *const *environment; /* borrowed */
    Arena *arena;                   /* borrowed */
    Str name;                       /* of the chosen profile */
    SharedFile config, credentials;
} S3Profiles;

/* The value of a variable; "" when it is unset or there is no environment. */
Str environment_get(const char *const *environment, const char *name);
/* "true" in any case, or "1". */
bool setting_is_true(Str text);
static inline Str first_of(Str a, Str b)
{
    return a.len > 0 ? a : b;
}

/* Reads both files; one that does not exist is empty. Of `options` environment and profile count. On failure there is nothing to release.
 * Errors: INVALID (a malformed file with its line; a profile that was named and is in neither), DENIED (a file that may not be read), LIMIT. */
MUST_USE Error *s3_profiles_load(const StoreOptions *options, Arena *arena, S3Profiles *ret_profiles);
void s3_profiles_done(S3Profiles *profiles); /* copes with a zeroed one */

static inline Str profiles_environment(const S3Profiles *profiles, const char *name)
{
    return environment_get(profiles->environment, name);
}

bool profiles_have(const S3Profiles *profiles, Str profile);
/* A key of a profile in ~/.aws/config, outside of blocks or in one; "" when there is none. */
Str profile_config(const S3Profiles *profiles, Str profile, Str block, const char *key);
/* A key of a profile in ~/.aws/credentials. */
Str profile_secret(const S3Profiles *profiles, Str profile, const char *key);
/* A key of a profile in either file, config first. */
Str profile_get(const S3Profiles *profiles, Str profile, const char *key);
/* A key of `[sso-session NAME]`; "" when there is none. */
Str sso_session_get(const S3Profiles *profiles, Str session, const char *key);
bool sso_session_known(const S3Profiles *profiles, Str session);

/* Variable, then the chosen profile. */
Str setting_get(const S3Profiles *profiles, const char *variable, const char *key);

/* The endpoint that is configured for a service, in the order of the SDKs: AWS_ENDPOINT_URL_`variable_suffix`, AWS_ENDPOINT_URL, the profile's
 * services section, the profile. "" when there is none or AWS_IGNORE_CONFIGURED_ENDPOINT_URLS says so. */
Str service_endpoint(const S3Profiles *profiles, const char *variable_suffix, const char *service);

/* "~/x", "$NAME/x" and "${NAME}/x" as a shell would; with a NUL behind it, in the arena. */
MUST_USE Error *expand_path(const S3Profiles *profiles, Str path, Str *ret_path);

/* A whole file of at most `limit_bytes`. Errors: NOT_FOUND, DENIED, LIMIT. The caller wipes `text` with secret_buffer_done. */
MUST_USE Error *read_small_file(Str path, size_t limit_bytes, Buffer *text);
/* Zeroes, then frees. */
void secret_buffer_done(Buffer *buffer);

#endif
