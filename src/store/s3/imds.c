/* The metadata service of a machine, version 2 with its session tokens and version 1 where that is all there is. Source: spec/s3.md 2.4. */
#include "store/s3/route.h"
#include "store/s3/search.h"

enum { TIMEOUT_MS = 1000, TIMEOUT_MAX_S = 60, ATTEMPTS = 1, ATTEMPTS_MAX = 100, PAUSE_MS = 200 };

static const char ipv4_endpoint[] = "http://169.254.169.254", ipv6_endpoint[] = "http://[fd00:ec2::254]";
static const char roles_path[] = "/latest/meta-data/iam/security-credentials/";

typedef struct Imds {
    S3Search *search;
    Str endpoint;
    unsigned timeout_ms, attempts_max;
    bool v1_disabled;
    Buffer token; /* "": version 1 */
} Imds;

static void imds_done(Imds *imds)
{
    secret_buffer_done(&imds->token);
}

bool s3_imds_is_disabled(const S3Search *search)
{
    return setting_is_true(setting_get(&search->profiles, "AWS_EC2_METADATA_DISABLED", "ec2_metadata_disabled"));
}

/* ---- settings ---- */

MUST_USE static Error *find_endpoint(Imds *imds)
{
    const S3Profiles *profiles = &imds->search->profiles;
    S3Endpoint endpoint;
    Str url = setting_get(profiles, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
    Str mode = setting_get(profiles, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode");
    bool ipv6 = str_equal_nocase(mode, STR("IPv6"));
    if (mode.len > 0 && !ipv6 && !str_equal_nocase(mode, STR("IPv4")))
        return FAIL(INVALID, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is IPv4 or IPv6, not '" STR_FMT "'",
                    STR_ARG(mode));
    imds->endpoint = url.len > 0 ? url : str_of(ipv6 ? ipv6_endpoint : ipv4_endpoint);
    while (str_ends_with(imds->endpoint, STR("/")))
        imds->endpoint = str_slice(imds->endpoint, 0, imds->endpoint.len - 1);
    TRY_CTX(s3_endpoint_parse(imds->endpoint, imds->search->arena, &endpoint), "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    return NULL;
}

MUST_USE static Error *find_settings(Imds *imds)
{
    const S3Profiles *profiles = &imds->search->profiles;
    Str timeout = setting_get(profiles, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout");
    Str attempts = setting_get(profiles, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts");
    double seconds;
    uint64_t number;

    TRY(find_endpoint(imds));
    imds->timeout_ms = TIMEOUT_MS;
    imds->attempts_max = ATTEMPTS;
    imds->v1_disabled =
        setting_is_true(setting_get(profiles, "AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled"));
    if (timeout.len > 0) {
        if (!str_to_double(timeout, &seconds) || !(seconds >= 0.001 && seconds <= TIMEOUT_MAX_S))
            return FAIL(INVALID, "AWS_METADATA_SERVICE_TIMEOUT is a number of seconds up to %d, not '" STR_FMT "'",
                        TIMEOUT_MAX_S, STR_ARG(timeout));
        imds->timeout_ms = (unsigned)(seconds * 1000);
    }
    if (attempts.len > 0) {
        if (!str_to_u64(attempts, &number) || number == 0 || number > ATTEMPTS_MAX)
            return FAIL(INVALID, "AWS_METADATA_SERVICE_NUM_ATTEMPTS is a number up to %d, not '" STR_FMT "'",
                        ATTEMPTS_MAX, STR_ARG(attempts));
        imds->attempts_max = (unsigned)number;
    }
    return NULL;
}

/* ---- calls ---- */

MUST_USE static Error *run(const Imds *imds, HttpMethod method, const char *path, Str name, const SignedHeader *header,
                           RemoteCall *call)
{
    const char *url =
        arena_format(imds->search->arena, STR_FMT "%s" STR_FMT, STR_ARG(imds->endpoint), path, STR_ARG(name));
    if (!url)
        return arena_error(imds->search->arena);
    *call = (RemoteCall){
        .method = method,
        .url = str_of(url),
        .headers = header,
        .header_count = header != NULL,
        .direct = true,
        .timeout_ms = imds->timeout_ms,
        .attempts_max = imds->attempts_max,
        .pause_ms = PAUSE_MS,
    };
    return remote_run(imds->search->remote, imds->search->cancel, call);
}

static Error *explain_silence(Error *take_error)
{
    if (error_code(take_error) != ERR_TIMEOUT)
        return take_error;
    return error_wrap(take_error, "no answer to the request for a token (inside a container a hop limit of 1 stops it: "
                                  "raise it to 2, or set AWS_EC2_METADATA_DISABLED=true if this is no EC2 machine)");
}

/* Leaves `token` empty where only version 1 is there and allowed. */
MUST_USE static Error *get_token(Imds *imds)
{
    const SignedHeader lifetime = {STR("x-aws-ec2-metadata-token-ttl-seconds"), STR("21600")};
    CLEANUP(remote_call_done) RemoteCall call = {0};
    Error *err = run(imds, HTTP_PUT, "/latest/api/token", STR_EMPTY, &lifetime, &call);
    if (err)
        return explain_silence(err);
    Str token = str_trim(buffer_str(&call.answer));
    if (call.status < 300 && token.len > 0)
        return buffer_append_str(&imds->token, token);
    bool is_v1 = call.status == 403 || call.status == 404 || call.status == 405;
    if (is_v1 && !imds->v1_disabled)
        return NULL;
    return FAIL(DENIED, "the request for a token was answered with %u%s", call.status,
                is_v1 ? ", and version 1 is disabled (AWS_EC2_METADATA_V1_DISABLED)" : "");
}

MUST_USE static Error *get(const Imds *imds, const char *path, Str name, RemoteCall *call)
{
    SignedHeader header = {STR("x-aws-ec2-metadata-token"), buffer_str(&imds->token)};
    return run(imds, HTTP_GET, path, name, imds->token.len > 0 ? &header : NULL, call);
}

/* A role's name becomes part of a path. */
static bool name_is_plain(Str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (c <= ' ' || c >= 0x7f || strchr("/?#%", c))
            return false;
    }
    return name.len > 0 && name.len <= 128;
}

MUST_USE static Error *get_role(const Imds *imds, Str *ret_role)
{
    CLEANUP(remote_call_done) RemoteCall call = {0};
    TRY(get(imds, roles_path, STR_EMPTY, &call));
    if (call.status == 404)
        return FAIL(NOT_FOUND, "the machine has no role: attach an instance profile");
    if (call.status >= 300)
        return FAIL(DENIED, "the name of the role was answered with %u", call.status);
    Str text = str_trim(buffer_str(&call.answer));
    Str name = str_trim(str_slice(text, 0, str_find_char(text, '\n')));
    if (!name_is_plain(name))
        return FAIL(CORRUPT, "the name of the role is none");
    *ret_role = arena_str(imds->search->arena, name);
    return ret_role->data ? NULL : arena_error(imds->search->arena);
}

/* "Code": "Success", or what is wrong with the role. */
MUST_USE static Error *check_code(const json_t *object)
{
    Str code = json_get_str(object, "Code", STR("Success"));
    if (str_equal(code, STR("Success")))
        return NULL;
    CLEANUP(buffer_done) Buffer words = {0};
    TRY(remote_append_excerpt(&words, code));
    return FAIL(DENIED, "the service says '" STR_FMT "': is the role still there?", STR_ARG(buffer_str(&words)));
}

/* Best effort: the default region does, too, since servers correct it. */
static void get_region(const Imds *imds, S3Credentials *credentials)
{
    CLEANUP(remote_call_done) RemoteCall call = {0};
    Error *err = get(imds, "/latest/meta-data/placement/region", STR_EMPTY, &call);
    Str region = str_trim(buffer_str(&call.answer));
    if (!err && call.status < 300 && s3_region_is_valid(region))
        credentials->region = strndup(region.data, region.len);
    error_free(err);
}

MUST_USE static Error *ask(S3Search *search, S3Credentials **ret_credentials)
{
    static const KeyNames names = {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"};
    CLEANUP(imds_done) Imds imds = {.search = search};
    CLEANUP(remote_call_done) RemoteCall call = {0};
    CLEANUP(cleanup_secret_json) json_t *answer = NULL;
    S3KeySet keys;
    Str role;

    TRY(find_settings(&imds));
    TRY(get_token(&imds));
    TRY(get_role(&imds, &role));
    TRY(get(&imds, roles_path, role, &call));
    if (call.status >= 300)
        return FAIL(DENIED, "the keys of the role '" STR_FMT "' were answered with %u", STR_ARG(role), call.status);
    (void)remote_hear_date(search->remote, call.date_us);
    TRY(s3_read_json(buffer_str(&call.answer), &answer));
    TRY(check_code(answer));
    TRY(s3_json_keys(answer, &names, &keys));
    if (keys.expires_us != S3_NEVER_EXPIRES)
        keys.expires_us = remote_local_time(search->remote, keys.expires_us);
    TRY(s3_credentials_new(&keys, STR("the machine's metadata service"), ret_credentials));
    (*ret_credentials)->lenient = true;
    if (search->region.len == 0)
        get_region(&imds, *ret_credentials);
    return NULL;
}

Error *s3_imds_get(S3Search *search, S3Credentials **ret_credentials)
{
    TRY_CTX(ask(search, ret_credentials), "ask the machine's metadata service");
    return NULL;
}
