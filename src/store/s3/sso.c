/* Single sign-on: the token that `aws sso login` keeps in ~/.aws/sso/cache, renewed without a browser where it can be, buys the keys of a
 * role. Source: spec/s3.md 2.4; AWS SSO OIDC CreateToken, SSO GetRoleCredentials. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "base/time_text.h"
#include "store/s3/search.h"

enum { TIMEOUT_MS = 10000, ATTEMPTS = 3, PAUSE_MS = 500, RANDOM_DIGITS = 8 };
#define CACHE_MAX_BYTES (256 * KIB)
#define RENEW_BEFORE_US ((int64_t)15 * 60 * 1000000)
#define SECOND_US 1000000

typedef struct Sso {
    S3Search *search;
    Str profile, account_id, role_name, region;
    Str start_url, session; /* `session` "": the older form, without one */
    Str cache_path;
    json_t *cache; /* as the file has it */
} Sso;

static void sso_done(Sso *sso)
{
    cleanup_secret_json(&sso->cache);
}

/* ---- settings ---- */

MUST_USE static Error *need(const Sso *sso, Str value, const char *key)
{
    if (value.len > 0)
        return NULL;
    return FAIL(INVALID, "the profile '" STR_FMT "' uses single sign-on and lacks %s", STR_ARG(sso->profile), key);
}

MUST_USE static Error *find_settings(Sso *sso)
{
    const S3Profiles *profiles = &sso->search->profiles;
    sso->account_id = profile_get(profiles, sso->profile, "sso_account_id");
    sso->role_name = profile_get(profiles, sso->profile, "sso_role_name");
    sso->session = profile_get(profiles, sso->profile, "sso_session");
    sso->region = profile_get(profiles, sso->profile, "sso_region");
    sso->start_url = profile_get(profiles, sso->profile, "sso_start_url");
    if (sso->session.len > 0) {
        if (!sso_session_known(profiles, sso->session))
            return FAIL(INVALID,
                        "the profile '" STR_FMT "' names the sso-session '" STR_FMT "', which '" STR_FMT
                        "' does not have",
                        STR_ARG(sso->profile), STR_ARG(sso->session), STR_ARG(profiles->config.path));
        sso->region = sso_session_get(profiles, sso->session, "sso_region");
        sso->start_url = sso_session_get(profiles, sso->session, "sso_start_url");
    }
    TRY(need(sso, sso->account_id, "sso_account_id"));
    TRY(need(sso, sso->role_name, "sso_role_name"));
    TRY(need(sso, sso->region, "sso_region"));
    return need(sso, sso->start_url, "sso_start_url");
}

/* ---- the cache ---- */

MUST_USE static Error *find_cache(Sso *sso)
{
    Str name = first_of(sso->session, sso->start_url);
    uint8_t digest[SHA_DIGEST_LENGTH];
    char hex[2 * SHA_DIGEST_LENGTH + 1];
    SHA1((const uint8_t *)name.data, name.len, digest);
    hex_encode(digest, sizeof(digest), hex);
    const char *text = arena_format(sso->search->arena, "~/.aws/sso/cache/%s.json", hex);
    if (!text)
        return arena_error(sso->search->arena);
    return expand_path(&sso->search->profiles, str_of(text), &sso->cache_path);
}

/* What to do when there is no token, or none that is any good. */
MUST_USE static Error *ask_to_sign_in(const Sso *sso, const char *why)
{
    return FAIL(DENIED, "%s: run 'aws sso login --profile " STR_FMT "'", why, STR_ARG(sso->profile));
}

MUST_USE static Error *read_cache(Sso *sso)
{
    CLEANUP(secret_buffer_done) Buffer text = {0};
    Error *err = read_small_file(sso->cache_path, CACHE_MAX_BYTES, &text);
    if (error_code(err) == ERR_NOT_FOUND) {
        error_free(err);
        return ask_to_sign_in(sso, "nobody is signed in");
    }
    TRY(err);
    TRY_CTX(s3_read_json(buffer_str(&text), &sso->cache), "the token cache '" STR_FMT "'", STR_ARG(sso->cache_path));
    return NULL;
}

/* "2026-11-21T09:39:54Z"; older tools wrote "2026-11-21T09:39:54UTC". Without one: long ago. */
static int64_t cached_time(const Sso *sso, const char *key)
{
    Str text = json_get_str(sso->cache, key, STR_EMPTY);
    int64_t time_us;
    if (str_ends_with(text, STR("UTC")))
        text = str_slice(text, 0, text.len - 3);
    return time_parse_iso8601(text, &time_us) ? time_us : 0;
}

/* Whole or not at all, and for nobody else's eyes. */
MUST_USE static Error *write_file(const Sso *sso, Str text)
{
    char digits[RANDOM_DIGITS + 1];
    Random random;
    random_init_system(&random);
    random_hex(&random, digits, RANDOM_DIGITS);
    const char *part = arena_format(sso->search->arena, STR_FMT ".%s.part", STR_ARG(sso->cache_path), digits);
    if (!part)
        return arena_error(sso->search->arena);
    mode_t mode = S_IRUSR | S_IWUSR;
    FILE *out = NULL;
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd >= 0 && !(out = fdopen(fd, "w")))
        (void)close(fd);
    bool ok = out && fwrite(text.data, 1, text.len, out) == text.len;
    ok = out && fclose(out) == 0 && ok && rename(part, sso->cache_path.data) == 0;
    if (ok)
        return NULL;
    Error *err = FAIL_ERRNO("write '" STR_FMT "'", STR_ARG(sso->cache_path));
    (void)unlink(part);
    return err;
}

MUST_USE static Error *write_cache(const Sso *sso)
{
    char *text = json_dumps(sso->cache, JSON_COMPACT);
    if (!text)
        return FAIL(NO_MEMORY, "write '" STR_FMT "': out of memory", STR_ARG(sso->cache_path));
    Error *err = write_file(sso, str_of(text));
    explicit_bzero(text, strlen(text));
    free(text);
    return err;
}

/* ---- renewing the token ---- */

static bool can_renew(const Sso *sso, int64_t now_us)
{
    static const char *const needed[] = {"refreshToken", "clientId", "clientSecret"};
    for (size_t i = 0; i < ARRAY_COUNT(needed); i++) {
        if (json_get_str(sso->cache, needed[i], STR_EMPTY).len == 0)
            return false;
    }
    int64_t registered_us = cached_time(sso, "registrationExpiresAt");
    return sso->session.len > 0 && (registered_us == 0 || registered_us > now_us);
}

MUST_USE static Error *renewal_form(const Sso *sso, Buffer *out)
{
    JsonWriter w;
    json_begin(&w, out, -1);
    json_open_object(&w);
    json_member(&w, "clientId", str, json_get_str(sso->cache, "clientId", STR_EMPTY));
    json_member(&w, "clientSecret", str, json_get_str(sso->cache, "clientSecret", STR_EMPTY));
    json_member(&w, "grantType", str, STR("refresh_token"));
    json_member(&w, "refreshToken", str, json_get_str(sso->cache, "refreshToken", STR_EMPTY));
    json_close_object(&w);
    return json_finish(&w);
}

static bool set_text(json_t *object, const char *key, Str text)
{
    return text.len == 0 || json_object_set_new(object, key, json_stringn(text.data, text.len)) == 0;
}

MUST_USE static Error *take_renewal(Sso *sso, Str answer, int64_t now_us)
{
    CLEANUP(cleanup_secret_json) json_t *object = NULL;
    char time[TIME_TEXT_BYTES];
    TRY(s3_read_json(answer, &object));
    Str token = json_get_str(object, "accessToken", STR_EMPTY);
    int64_t seconds = json_get_int(object, "expiresIn", 0);
    if (token.len == 0 || seconds <= 0 || seconds > INT32_MAX)
        return FAIL(CORRUPT, "the answer holds no token");
    int64_t expires_us = now_us - now_us % SECOND_US + seconds * SECOND_US;
    if (!set_text(sso->cache, "accessToken", token)
        || !set_text(sso->cache, "refreshToken", json_get_str(object, "refreshToken", STR_EMPTY))
        || !set_text(sso->cache, "expiresAt", time_iso8601(expires_us, time)))
        return FAIL(NO_MEMORY, "out of memory");
    return NULL;
}

MUST_USE static Error *renew(Sso *sso, int64_t now_us)
{
    CLEANUP(secret_buffer_done) Buffer form = {0};
    CLEANUP(remote_call_done)
    RemoteCall call = {.method = HTTP_POST, .timeout_ms = TIMEOUT_MS, .attempts_max = ATTEMPTS, .pause_ms = PAUSE_MS};
    const SignedHeader header = {STR("content-type"), STR("application/json")};
    Str url;

    TRY(renewal_form(sso, &form));
    TRY(s3_service_url(sso->search, "SSO_OIDC", "sso_oidc", "oidc", sso->region, &url));
    const char *whole = arena_format(sso->search->arena, STR_FMT "/token", STR_ARG(url));
    if (!whole)
        return arena_error(sso->search->arena);
    call.url = str_of(whole);
    call.body = buffer_str(&form);
    call.headers = &header;
    call.header_count = 1;
    TRY(remote_run(sso->search->remote, sso->search->cancel, &call));
    if (call.status >= 300)
        return FAIL(DENIED, "the sign-on service refused to renew the token: %u", call.status);
    TRY(take_renewal(sso, buffer_str(&call.answer), now_us));
    return write_cache(sso);
}

/* A token that is good for a while, renewed when it soon is not. */
MUST_USE static Error *freshen(Sso *sso)
{
    int64_t now_us = clock_wall_us(sso->search->clock), expires_us = cached_time(sso, "expiresAt");
    if (expires_us > now_us + RENEW_BEFORE_US)
        return NULL;
    Error *err = can_renew(sso, now_us) ? renew(sso, now_us) : NULL;
    if (err && error_code(err) == ERR_CANCELLED)
        return err;
    if (err) {
        log_warning(sso->search->log, "the single sign-on token of '" STR_FMT "' could not be renewed: %s",
                    STR_ARG(sso->profile), error_message_view(err));
        error_free(err);
    }
    if (cached_time(sso, "expiresAt") > now_us)
        return NULL;
    return ask_to_sign_in(sso, "the sign-in has expired");
}

/* ---- the keys of the role ---- */

MUST_USE static Error *role_url(const Sso *sso, Str *ret_url)
{
    CLEANUP(buffer_done) Buffer query = {0};
    Str url;
    TRY(s3_service_url(sso->search, "SSO", "sso", "portal.sso", sso->region, &url));
    TRY(append_parameter(&query, STR("role_name"), sso->role_name));
    TRY(append_parameter(&query, STR("account_id"), sso->account_id));
    const char *text = arena_format(sso->search->arena, STR_FMT "/federation/credentials?" STR_FMT, STR_ARG(url),
                                    STR_ARG(buffer_str(&query)));
    *ret_url = str_of(text);
    return text ? NULL : arena_error(sso->search->arena);
}

MUST_USE static Error *read_keys(const Sso *sso, const json_t *answer, S3Credentials **ret_credentials)
{
    static const KeyNames names = {"accessKeyId", "secretAccessKey", "sessionToken", NULL};
    const json_t *role = json_object_get(answer, "roleCredentials");
    int64_t expires_ms = json_get_int(role, "expiration", 0);
    S3KeySet keys;
    TRY_CTX(s3_json_keys(role, &names, &keys), "the sign-on portal");
    if (expires_ms > 0 && expires_ms < INT64_MAX / 1000)
        keys.expires_us = remote_local_time(sso->search->remote, expires_ms * 1000);
    const char *source =
        arena_format(sso->search->arena, "single sign-on (profile '" STR_FMT "')", STR_ARG(sso->profile));
    return source ? s3_credentials_new(&keys, str_of(source), ret_credentials) : arena_error(sso->search->arena);
}

MUST_USE static Error *get_keys(const Sso *sso, S3Credentials **ret_credentials)
{
    CLEANUP(remote_call_done)
    RemoteCall call = {.method = HTTP_GET, .timeout_ms = TIMEOUT_MS, .attempts_max = ATTEMPTS, .pause_ms = PAUSE_MS};
    CLEANUP(cleanup_secret_json) json_t *answer = NULL;
    const SignedHeader header = {STR("x-amz-sso_bearer_token"), json_get_str(sso->cache, "accessToken", STR_EMPTY)};

    TRY(role_url(sso, &call.url));
    call.headers = &header;
    call.header_count = 1;
    TRY(remote_run(sso->search->remote, sso->search->cancel, &call));
    if (call.status == 401)
        return ask_to_sign_in(sso, "the sign-on portal does not take the token (401)");
    if (call.status >= 300)
        return FAIL(DENIED, "the sign-on portal refused the role '" STR_FMT "' of the account '" STR_FMT "': %u",
                    STR_ARG(sso->role_name), STR_ARG(sso->account_id), call.status);
    (void)remote_hear_date(sso->search->remote, call.date_us);
    TRY_CTX(s3_read_json(buffer_str(&call.answer), &answer), "the sign-on portal");
    return read_keys(sso, answer, ret_credentials);
}

MUST_USE static Error *run(Sso *sso, S3Credentials **ret_credentials)
{
    TRY(find_settings(sso));
    TRY(find_cache(sso));
    TRY(read_cache(sso));
    if (json_get_str(sso->cache, "accessToken", STR_EMPTY).len == 0)
        return ask_to_sign_in(sso, "nobody is signed in");
    TRY(freshen(sso));
    return get_keys(sso, ret_credentials);
}

Error *s3_sso_get(S3Search *search, Str profile, S3Credentials **ret_credentials)
{
    CLEANUP(sso_done) Sso sso = {.search = search, .profile = profile};
    TRY_CTX(run(&sso, ret_credentials), "single sign-on of the profile '" STR_FMT "'", STR_ARG(profile));
    return NULL;
}
