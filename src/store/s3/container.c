/* The credential service of a container: ECS, EKS Pod Identity. Source: spec/s3.md 2.4. */
#include "store/s3/route.h"
#include "store/s3/search.h"

enum { TIMEOUT_MS = 2000, ATTEMPTS = 3, PAUSE_MS = 1000 };
#define TOKEN_MAX_BYTES (64 * KIB)

static const char relative_variable[] = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
static const char full_variable[] = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
static const char ecs_host[] = "http://169.254.170.2";

bool s3_container_is_configured(const S3Search *search)
{
    return profiles_environment(&search->profiles, relative_variable).len > 0
           || profiles_environment(&search->profiles, full_variable).len > 0;
}

/* Hosts that stand on this machine: only to them may a token and keys go in clear text. */
static bool host_is_near(Str host)
{
    static const char *const near[] = {"localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
    size_t colon = str_ends_with(host, STR("]")) ? SIZE_MAX : str_rfind_char(host, ':');
    Str name = str_slice(host, 0, colon);
    for (size_t i = 0; i < ARRAY_COUNT(near); i++) {
        if (str_equal_nocase(name, str_of(near[i])))
            return true;
    }
    /* 127.0.0.0/8, and no name that begins so */
    if (!str_starts_with(name, STR("127.")))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] != '.' && (name.data[i] < '0' || name.data[i] > '9'))
            return false;
    }
    return true;
}

MUST_USE static Error *check_url(Str url, Arena *arena, bool *ret_near)
{
    S3Endpoint endpoint;
    /* a query is fine here, and not in an endpoint */
    TRY_CTX(s3_endpoint_parse(str_slice(url, 0, str_find_char(url, '?')), arena, &endpoint), "%s", full_variable);
    *ret_near = host_is_near(endpoint.host);
    if (endpoint.tls || *ret_near)
        return NULL;
    return FAIL(INVALID,
                "%s: '" STR_FMT "' is neither https nor on this machine (localhost, 169.254.170.2, 169.254.170.23, "
                "[fd00:ec2::23]): keys are not sent in clear text over a network",
                full_variable, STR_ARG(url));
}

MUST_USE static Error *find_url(S3Search *search, Str *ret_url, bool *ret_near)
{
    Str relative = profiles_environment(&search->profiles, relative_variable);
    Str full = profiles_environment(&search->profiles, full_variable);
    *ret_near = true;
    *ret_url = full;
    if (relative.len == 0)
        return check_url(full, search->arena, ret_near);
    if (relative.data[0] != '/')
        return FAIL(INVALID, "%s does not begin with '/': '" STR_FMT "'", relative_variable, STR_ARG(relative));
    const char *text = arena_format(search->arena, "%s" STR_FMT, ecs_host, STR_ARG(relative));
    *ret_url = str_of(text);
    return text ? NULL : arena_error(search->arena);
}

/* "" when there is none; a view into the environment or into `text`. */
MUST_USE static Error *find_authorization(const S3Search *search, Buffer *text, Str *ret_value)
{
    Str file = profiles_environment(&search->profiles, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    *ret_value = profiles_environment(&search->profiles, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (file.len > 0) {
        TRY_CTX(read_small_file(file, TOKEN_MAX_BYTES, text), "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        *ret_value = buffer_str(text);
    }
    if (str_find_char(*ret_value, '\r') == SIZE_MAX && str_find_char(*ret_value, '\n') == SIZE_MAX)
        return NULL;
    return FAIL(INVALID, "the authorization token of the container's credential service has line breaks (%s)",
                file.len > 0 ? "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" : "AWS_CONTAINER_AUTHORIZATION_TOKEN");
}

MUST_USE static Error *ask(S3Search *search, S3Credentials **ret_credentials)
{
    static const KeyNames names = {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"};
    CLEANUP(secret_buffer_done) Buffer token = {0};
    CLEANUP(buffer_done) Buffer words = {0};
    CLEANUP(remote_call_done)
    RemoteCall call = {.method = HTTP_GET, .timeout_ms = TIMEOUT_MS, .attempts_max = ATTEMPTS, .pause_ms = PAUSE_MS};
    CLEANUP(cleanup_secret_json) json_t *answer = NULL;
    S3KeySet keys;
    Str authorization;

    TRY(find_url(search, &call.url, &call.direct));
    TRY(find_authorization(search, &token, &authorization));
    SignedHeader header = {STR("authorization"), authorization};
    call.headers = &header;
    call.header_count = authorization.len > 0;
    TRY(remote_run(search->remote, search->cancel, &call));
    if (call.status >= 300) {
        TRY(remote_append_excerpt(&words, buffer_str(&call.answer)));
        return FAIL(DENIED, "the service refused: %u " STR_FMT, call.status, STR_ARG(buffer_str(&words)));
    }
    (void)remote_hear_date(search->remote, call.date_us);
    TRY(s3_read_json(buffer_str(&call.answer), &answer));
    TRY(s3_json_keys(answer, &names, &keys));
    if (keys.expires_us != S3_NEVER_EXPIRES)
        keys.expires_us = remote_local_time(search->remote, keys.expires_us);
    return s3_credentials_new(&keys, STR("the container's credential service"), ret_credentials);
}

Error *s3_container_get(S3Search *search, S3Credentials **ret_credentials)
{
    TRY_CTX(ask(search, ret_credentials), "ask the container's credential service (%s)",
            profiles_environment(&search->profiles, relative_variable).len > 0 ? relative_variable : full_variable);
    return NULL;
}
