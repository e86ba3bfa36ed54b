#include "store/s3/chain.h"

enum { PROFILES_MAX = 16 };
#define ARENA_LIMIT_BYTES (8 * MIB)

/* A source that is not there leaves `*ret` NULL; one that is there gives keys or an error. */

/* ---- what needs no request ---- */

MUST_USE static Error *from_options(const StoreOptions *options, S3Credentials **ret)
{
    if (options->access_key_id.len == 0 && options->secret_access_key.len == 0)
        return NULL;
    S3KeySet keys = {options->access_key_id, options->secret_access_key, options->session_token, S3_NEVER_EXPIRES};
    TRY(s3_credentials_new(&keys, STR("the options"), ret));
    (*ret)->renewable = false;
    return NULL;
}

MUST_USE static Error *from_environment(const S3Search *search, S3Credentials **ret)
{
    const S3Profiles *profiles = &search->profiles;
    S3KeySet keys = {
        .access_key_id = profiles_environment(profiles, "AWS_ACCESS_KEY_ID"),
        .secret_access_key = profiles_environment(profiles, "AWS_SECRET_ACCESS_KEY"),
        .session_token = first_of(profiles_environment(profiles, "AWS_SESSION_TOKEN"),
                                  profiles_environment(profiles, "AWS_SECURITY_TOKEN")),
    };
    if (keys.access_key_id.len == 0 && keys.secret_access_key.len == 0)
        return NULL;
    Str expiration = profiles_environment(profiles, "AWS_CREDENTIAL_EXPIRATION");
    Error *err = s3_expiration_parse(expiration, &keys.expires_us);
    if (err) {
        error_free(err);
        return FAIL(INVALID, "AWS_CREDENTIAL_EXPIRATION is a time such as 2026-11-21T09:39:54Z, not '" STR_FMT "'",
                    STR_ARG(expiration));
    }
    TRY(s3_credentials_new(&keys, STR("the environment"), ret));
    (*ret)->renewable = false;
    return NULL;
}

MUST_USE static Error *from_file(const SharedFile *file, const S3KeySet *keys, const char *source, S3Credentials **ret)
{
    if (keys->access_key_id.len == 0 && keys->secret_access_key.len == 0)
        return NULL;
    TRY_CTX(s3_credentials_new(keys, str_of(source), ret), "'" STR_FMT "'", STR_ARG(file->path));
    return NULL;
}

MUST_USE static Error *from_credentials_file(const S3Search *search, Str profile, S3Credentials **ret)
{
    const S3Profiles *profiles = &search->profiles;
    S3KeySet keys = {
        .access_key_id = profile_secret(profiles, profile, "aws_access_key_id"),
        .secret_access_key = profile_secret(profiles, profile, "aws_secret_access_key"),
        .session_token = profile_secret(profiles, profile, "aws_session_token"),
        .expires_us = S3_NEVER_EXPIRES,
    };
    return from_file(&profiles->credentials, &keys, "the shared credentials file", ret);
}

MUST_USE static Error *from_config_file(const S3Search *search, Str profile, S3Credentials **ret)
{
    const S3Profiles *profiles = &search->profiles;
    S3KeySet keys = {
        .access_key_id = profile_config(profiles, profile, STR_EMPTY, "aws_access_key_id"),
        .secret_access_key = profile_config(profiles, profile, STR_EMPTY, "aws_secret_access_key"),
        .session_token = profile_config(profiles, profile, STR_EMPTY, "aws_session_token"),
        .expires_us = S3_NEVER_EXPIRES,
    };
    return from_file(&profiles->config, &keys, "the shared config file", ret);
}

/* ---- roles ---- */

/* The profiles on the way through source_profile, so that a loop is seen. */
typedef struct Way {
    Str profiles[PROFILES_MAX];
    size_t count;
} Way;

MUST_USE static Error *from_profile(S3Search *search, Str profile, Way *way, S3Credentials **ret);

MUST_USE static Error *name_role(S3Search *search, Str profile, RoleRequest *role)
{
    const S3Profiles *profiles = &search->profiles;
    role->arn = profile_get(profiles, profile, "role_arn");
    role->session_name = profile_get(profiles, profile, "role_session_name");
    role->external_id = profile_get(profiles, profile, "external_id");
    role->duration_seconds = profile_get(profiles, profile, "duration_seconds");
    uint64_t seconds;
    if (role->duration_seconds.len > 0 && !str_to_u64(role->duration_seconds, &seconds))
        return FAIL(INVALID, "the profile '" STR_FMT "': duration_seconds is a number, not '" STR_FMT "'",
                    STR_ARG(profile), STR_ARG(role->duration_seconds));
    const char *text = arena_format(search->arena, "the role '" STR_FMT "' (profile '" STR_FMT "')", STR_ARG(role->arn),
                                    STR_ARG(profile));
    role->source = str_of(text);
    return text ? NULL : arena_error(search->arena);
}

/* A profile may name itself, once, for the static keys that it holds. */
MUST_USE static Error *from_source_profile(S3Search *search, Str profile, Str source, Way *way, S3Credentials **ret)
{
    if (!profiles_have(&search->profiles, source))
        return FAIL(INVALID, "source_profile of the profile '" STR_FMT "' names '" STR_FMT "', which there is not",
                    STR_ARG(profile), STR_ARG(source));
    TRY(from_credentials_file(search, source, ret));
    if (!*ret)
        TRY(from_config_file(search, source, ret));
    if (*ret)
        return NULL;
    for (size_t i = 0; i < way->count; i++) {
        if (str_equal(way->profiles[i], source))
            return FAIL(INVALID, "source_profile goes in a circle: from '" STR_FMT "' back to '" STR_FMT "'",
                        STR_ARG(profile), STR_ARG(source));
    }
    TRY(from_profile(search, source, way, ret));
    if (*ret)
        return NULL;
    return FAIL(INVALID, "the profile '" STR_FMT "', source_profile of '" STR_FMT "', has no credentials",
                STR_ARG(source), STR_ARG(profile));
}

MUST_USE static Error *from_credential_source(S3Search *search, Str profile, Str source, S3Credentials **ret)
{
    if (str_equal(source, STR("Environment"))) {
        TRY(from_environment(search, ret));
        if (*ret)
            return NULL;
        return FAIL(INVALID,
                    "credential_source of the profile '" STR_FMT "' is Environment, and AWS_ACCESS_KEY_ID is not set",
                    STR_ARG(profile));
    }
    if (str_equal(source, STR("EcsContainer"))) {
        if (s3_container_is_configured(search))
            return s3_container_get(search, ret);
        return FAIL(INVALID,
                    "credential_source of the profile '" STR_FMT
                    "' is EcsContainer, and AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set",
                    STR_ARG(profile));
    }
    if (str_equal(source, STR("Ec2InstanceMetadata")))
        return s3_imds_get(search, ret);
    return FAIL(INVALID,
                "credential_source of the profile '" STR_FMT
                "' is Environment, EcsContainer or Ec2InstanceMetadata, not '" STR_FMT "'",
                STR_ARG(profile), STR_ARG(source));
}

MUST_USE static Error *from_role(S3Search *search, Str profile, Way *way, S3Credentials **ret)
{
    const S3Profiles *profiles = &search->profiles;
    CLEANUP(s3_credentials_freep) S3Credentials *base = NULL;
    Str source_profile = profile_get(profiles, profile, "source_profile");
    Str credential_source = profile_get(profiles, profile, "credential_source");
    RoleRequest role;

    TRY(name_role(search, profile, &role));
    if ((source_profile.len > 0) == (credential_source.len > 0))
        return FAIL(INVALID, "the profile '" STR_FMT "' has role_arn with %s source_profile %s credential_source",
                    STR_ARG(profile), source_profile.len > 0 ? "both" : "neither",
                    source_profile.len > 0 ? "and" : "nor");
    if (profile_get(profiles, profile, "mfa_serial").len > 0)
        return FAIL(UNSUPPORTED,
                    "the profile '" STR_FMT
                    "' wants a code for its role (mfa_serial), and nobody is asked here: sign in "
                    "with another tool and give its keys by credential_process or the environment",
                    STR_ARG(profile));
    if (source_profile.len > 0)
        TRY(from_source_profile(search, profile, source_profile, way, &base));
    else
        TRY(from_credential_source(search, profile, credential_source, &base));
    return s3_role_assume(search, &role, base, ret);
}

MUST_USE static Error *from_web_identity(S3Search *search, Str profile, Str token_file, S3Credentials **ret)
{
    RoleRequest role;
    TRY(name_role(search, profile, &role));
    if (role.arn.len == 0)
        return FAIL(INVALID, "the profile '" STR_FMT "' has web_identity_token_file without role_arn",
                    STR_ARG(profile));
    return s3_web_identity_assume(search, &role, token_file, ret);
}

MUST_USE static Error *from_environment_web_identity(S3Search *search, S3Credentials **ret)
{
    const S3Profiles *profiles = &search->profiles;
    Str file = profiles_environment(profiles, "AWS_WEB_IDENTITY_TOKEN_FILE");
    RoleRequest role = {
        .arn = profiles_environment(profiles, "AWS_ROLE_ARN"),
        .session_name = profiles_environment(profiles, "AWS_ROLE_SESSION_NAME"),
    };
    if (file.len == 0)
        return NULL;
    if (role.arn.len == 0)
        return FAIL(INVALID, "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not: a token alone is no role");
    const char *text = arena_format(search->arena, "the role '" STR_FMT "' (AWS_ROLE_ARN)", STR_ARG(role.arn));
    if (!text)
        return arena_error(search->arena);
    role.source = str_of(text);
    return s3_web_identity_assume(search, &role, file, ret);
}

/* ---- one profile ---- */

static bool has(const S3Search *search, Str profile, const char *key)
{
    return profile_get(&search->profiles, profile, key).len > 0;
}

MUST_USE static Error *from_dynamic(S3Search *search, Str profile, Way *way, bool is_chosen, S3Credentials **ret)
{
    Str token_file = profile_get(&search->profiles, profile, "web_identity_token_file");
    bool needs_source = has(search, profile, "source_profile") || has(search, profile, "credential_source");
    if (has(search, profile, "role_arn") && (token_file.len == 0 || needs_source))
        return from_role(search, profile, way, ret);
    if (is_chosen)
        TRY(from_environment_web_identity(search, ret));
    if (!*ret && token_file.len > 0)
        TRY(from_web_identity(search, profile, token_file, ret));
    bool has_sso = has(search, profile, "sso_session") || has(search, profile, "sso_start_url")
                   || has(search, profile, "sso_account_id");
    if (!*ret && has_sso)
        TRY(s3_sso_get(search, profile, ret));
    return NULL;
}

MUST_USE static Error *from_profile(S3Search *search, Str profile, Way *way, S3Credentials **ret)
{
    bool is_chosen = way->count == 0;
    if (way->count == PROFILES_MAX)
        return FAIL(LIMIT, "source_profile leads through more than %d profiles", PROFILES_MAX);
    way->profiles[way->count++] = profile;
    TRY(from_dynamic(search, profile, way, is_chosen, ret));
    if (!*ret)
        TRY(from_credentials_file(search, profile, ret));
    if (*ret)
        return NULL;
    if (has(search, profile, "login_session"))
        return FAIL(UNSUPPORTED,
                    "the profile '" STR_FMT "' uses 'aws login' (login_session), which is not supported: set "
                    "credential_process = aws configure export-credentials --format process for it",
                    STR_ARG(profile));
    Str command = profile_get(&search->profiles, profile, "credential_process");
    if (command.len > 0)
        return s3_process_get(search, profile, command, ret);
    return from_config_file(search, profile, ret);
}

/* ---- all ---- */

/* The last source, which nobody configures: its silence is only the end of the list. */
MUST_USE static Error *nothing_found(const S3Search *search, const Error *metadata_error)
{
    const S3Profiles *profiles = &search->profiles;
    return FAIL(DENIED,
                "no credentials found for S3: not in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, not for the profile "
                "'" STR_FMT "' in '" STR_FMT "' or '" STR_FMT
                "', no web identity (AWS_WEB_IDENTITY_TOKEN_FILE), no container service "
                "(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI), and %s; for a public bucket ask without them (--anonymous)",
                STR_ARG(profiles->name), STR_ARG(profiles->credentials.path), STR_ARG(profiles->config.path),
                metadata_error ? error_message_view(metadata_error)
                               : "the machine's metadata service is disabled (AWS_EC2_METADATA_DISABLED)");
}

MUST_USE static Error *from_services(S3Search *search, S3Credentials **ret)
{
    if (s3_container_is_configured(search))
        return s3_container_get(search, ret);
    if (s3_imds_is_disabled(search))
        return nothing_found(search, NULL);
    Error *err = s3_imds_get(search, ret);
    if (!err || error_code(err) == ERR_CANCELLED || error_code(err) == ERR_INVALID)
        return err;
    Error *nothing = nothing_found(search, err);
    error_free(err);
    return nothing;
}

/* Environment variables give way to a profile that was named as an option, not to AWS_PROFILE (as botocore does). */
MUST_USE static Error *find(S3Search *search, S3Credentials **ret)
{
    Way way = {.count = 0};
    if (search->options->profile.len == 0)
        TRY(from_environment(search, ret));
    if (!*ret)
        TRY(from_profile(search, search->profiles.name, &way, ret));
    return *ret ? NULL : from_services(search, ret);
}

static Str find_region(const S3Search *search)
{
    Str region = first_of(profiles_environment(&search->profiles, "AWS_REGION"),
                          profiles_environment(&search->profiles, "AWS_DEFAULT_REGION"));
    return first_of(first_of(search->options->region, region),
                    profile_config(&search->profiles, search->profiles.name, STR_EMPTY, "region"));
}

static void search_done(S3Search *search)
{
    s3_profiles_done(&search->profiles);
    arena_free(search->arena);
}

Error *s3_chain_find(const StoreOptions *options, S3Remote *remote, const Cancel *cancel,
                     S3Credentials **ret_credentials)
{
    CLEANUP(s3_credentials_freep) S3Credentials *found = NULL;
    CLEANUP(search_done)
    S3Search search = {
        .options = options,
        .remote = remote,
        .cancel = cancel,
        .clock = remote->clock,
        .log = remote->log,
        .arena = arena_new(ARENA_LIMIT_BYTES),
    };
    if (!search.arena)
        return FAIL(NO_MEMORY, "look for credentials: out of memory");
    TRY(from_options(options, &found));
    if (!found) {
        TRY(s3_profiles_load(options, search.arena, &search.profiles));
        search.region = find_region(&search);
        TRY(find(&search, &found));
    }
    *ret_credentials = found;
    found = NULL;
    return NULL;
}
