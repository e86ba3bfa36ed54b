#include "store/s3/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/s3/ini.h"

#define FILE_MAX_BYTES (1 * MIB)

static const char default_region[] = "us-east-1";

/* A shared file: its text holds secrets. */
typedef struct SharedFile {
    Str path; /* "" when there is no home directory to look in */
    Buffer text;
    Ini ini;
} SharedFile;

typedef struct Loader {
    const StoreOptions *options;
    Arena *arena;
    Str profile;
    bool profile_named; /* in options or environment; then it must exist */
    SharedFile config, credentials;
    Str config_section; /* "default" or "profile NAME" as the file writes it */
} Loader;

static void wipe_buffer(Buffer *buffer)
{
    if (buffer->data)
        explicit_bzero(buffer->data, buffer->capacity);
    buffer_done(buffer);
}

static void loader_done(Loader *loader)
{
    wipe_buffer(&loader->config.text);
    wipe_buffer(&loader->credentials.text);
}

static void wipe_string(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

void s3_credentials_done(S3Credentials *credentials)
{
    wipe_string(&credentials->access_key_id);
    wipe_string(&credentials->secret_access_key);
    wipe_string(&credentials->session_token);
}

void s3_config_done(S3Config *config)
{
    s3_credentials_done(&config->credentials);
}

/* ---- environment ---- */

/* "" when unset. */
static Str environment(const Loader *loader, const char *name)
{
    size_t len = strlen(name);
    for (const char *const *entry = loader->options->environment; entry && *entry; entry++) {
        if (strncmp(*entry, name, len) == 0 && (*entry)[len] == '=')
            return str_of(*entry + len + 1);
    }
    return STR_EMPTY;
}

static Str first_of(Str a, Str b)
{
    return a.len > 0 ? a : b;
}

static bool is_true(Str text)
{
    return str_equal_nocase(text, STR("true")) || str_equal(text, STR("1"));
}

/* ---- the shared files ---- */

/* "~/x", "$NAME/x" and "${NAME}/x" as a shell would; only for the two paths. */
MUST_USE static Error *expand_path(const Loader *loader, Str path, Str *ret_path)
{
    CLEANUP(buffer_done) Buffer out = {0};
    for (size_t i = 0; i < path.len; i++) {
        char c = path.data[i];
        if (c == '~' && i == 0 && (path.len == 1 || path.data[1] == '/')) {
            TRY(buffer_append_str(&out, environment(loader, "HOME")));
        } else if (c == '$' && i + 1 < path.len) {
            bool braces = path.data[i + 1] == '{';
            size_t from = i + 1 + braces, to = from;
            while (to < path.len && path.data[to] != '}' && path.data[to] != '/')
                to++;
            char *name = arena_cstr(loader->arena, str_slice(path, from, to));
            if (!name)
                return arena_error(loader->arena);
            TRY(buffer_append_str(&out, environment(loader, name)));
            i = braces && to < path.len && path.data[to] == '}' ? to : to - 1;
        } else {
            TRY(buffer_append_byte(&out, (uint8_t)c));
        }
    }
    *ret_path = arena_str(loader->arena, buffer_str(&out));
    return ret_path->data ? NULL : arena_error(loader->arena);
}

/* Empty when there is no such file. */
MUST_USE static Error *read_text(Str path, Buffer *text)
{
    CLEANUP(cleanup_close) int fd = open(path.data, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return NULL;
    if (fd < 0)
        return FAIL_ERRNO("read '" STR_FMT "'", STR_ARG(path));
    text->limit = FILE_MAX_BYTES;
    for (;;) {
        TRY_CTX(buffer_reserve(text, 4096), "read '" STR_FMT "'", STR_ARG(path));
        ssize_t got = read(fd, text->data + text->len, text->capacity - text->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return FAIL_ERRNO("read '" STR_FMT "'", STR_ARG(path));
        if (got == 0)
            return NULL;
        buffer_grown(text, (size_t)got);
    }
}

MUST_USE static Error *load_file(const Loader *loader, const char *variable, const char *standard, SharedFile *file)
{
    Str path = environment(loader, variable);
    if (path.len == 0 && environment(loader, "HOME").len == 0) {
        file->path = STR_EMPTY;
        return NULL;
    }
    TRY(expand_path(loader, path.len > 0 ? path : str_of(standard), &file->path));
    TRY(read_text(file->path, &file->text));
    TRY_CTX(ini_parse(buffer_str(&file->text), loader->arena, &file->ini), "'" STR_FMT "'", STR_ARG(file->path));
    return NULL;
}

/* The section `[KIND NAME]`, where NAME may be quoted; "" when there is none. */
static Str find_section(const Ini *ini, Str kind, Str name)
{
    for (size_t i = 0; i < ini->count; i++) {
        Str section = ini->entries[i].section;
        if (!str_starts_with(section, kind))
            continue;
        Str rest = str_slice(section, kind.len, section.len), found = str_trim(rest);
        if (found.len == rest.len)
            continue; /* no space between: another word */
        if (found.len >= 2 && found.data[0] == '"' && found.data[found.len - 1] == '"')
            found = str_slice(found, 1, found.len - 1);
        if (str_equal(found, name))
            return section;
    }
    return STR_EMPTY;
}

static Str profile_section(const Loader *loader)
{
    Str section = find_section(&loader->config.ini, STR("profile"), loader->profile);
    if (section.len == 0 && str_equal(loader->profile, STR("default")))
        return STR("default");
    return section;
}

/* A key of the profile in ~/.aws/config; "" when there is none. */
static Str profile_value(const Loader *loader, Str block, const char *key)
{
    Str value = ini_get(&loader->config.ini, loader->config_section, block, str_of(key));
    return value.data ? value : STR_EMPTY;
}

static Str credentials_value(const Loader *loader, const char *key)
{
    Str value = ini_get(&loader->credentials.ini, loader->profile, STR_EMPTY, str_of(key));
    return value.data ? value : STR_EMPTY;
}

MUST_USE static Error *load_files(Loader *loader)
{
    const StoreOptions *options = loader->options;
    Str from_environment = first_of(environment(loader, "AWS_PROFILE"), environment(loader, "AWS_DEFAULT_PROFILE"));
    loader->profile = first_of(options->profile, from_environment);
    loader->profile_named = loader->profile.len > 0;
    if (!loader->profile_named)
        loader->profile = STR("default");

    TRY(load_file(loader, "AWS_CONFIG_FILE", "~/.aws/config", &loader->config));
    TRY(load_file(loader, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", &loader->credentials));
    loader->config_section = profile_section(loader);
    bool known = ini_has_section(&loader->config.ini, loader->config_section)
                 || ini_has_section(&loader->credentials.ini, loader->profile);
    if (loader->profile_named && !known)
        return FAIL(INVALID, "the profile '" STR_FMT "' is neither in '" STR_FMT "' nor in '" STR_FMT "'",
                    STR_ARG(loader->profile), STR_ARG(loader->config.path), STR_ARG(loader->credentials.path));
    return NULL;
}

/* ---- settings ---- */

/* The endpoint of the profile: its services section first. */
static Str profile_endpoint(const Loader *loader)
{
    Str services = profile_value(loader, STR_EMPTY, "services");
    if (services.len > 0) {
        Str section = find_section(&loader->config.ini, STR("services"), services);
        Str url = ini_get(&loader->config.ini, section, STR("s3"), STR("endpoint_url"));
        if (url.len > 0)
            return url;
    }
    return profile_value(loader, STR_EMPTY, "endpoint_url");
}

static Str find_endpoint(const Loader *loader)
{
    if (loader->options->endpoint_url.len > 0)
        return loader->options->endpoint_url;
    if (is_true(environment(loader, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))
        || is_true(profile_value(loader, STR_EMPTY, "ignore_configured_endpoint_urls")))
        return STR_EMPTY;
    Str url = first_of(environment(loader, "AWS_ENDPOINT_URL_S3"), environment(loader, "AWS_ENDPOINT_URL"));
    return first_of(url, profile_endpoint(loader));
}

static Str find_region(const Loader *loader)
{
    Str region = first_of(environment(loader, "AWS_REGION"), environment(loader, "AWS_DEFAULT_REGION"));
    region = first_of(loader->options->region, region);
    return first_of(region, profile_value(loader, STR_EMPTY, "region"));
}

static Str find_ca_file(const Loader *loader)
{
    Str file = first_of(loader->options->ca_file, environment(loader, "AWS_CA_BUNDLE"));
    file = first_of(file, profile_value(loader, STR_EMPTY, "ca_bundle"));
    return first_of(file, first_of(environment(loader, "CURL_CA_BUNDLE"), environment(loader, "SSL_CERT_FILE")));
}

MUST_USE static Error *find_addressing(const Loader *loader, StoreAddressing *ret_addressing)
{
    Str text = profile_value(loader, STR("s3"), "addressing_style");
    *ret_addressing = loader->options->addressing;
    if (*ret_addressing != STORE_ADDRESSING_AUTO || text.len == 0 || str_equal(text, STR("auto")))
        return NULL;
    if (str_equal(text, STR("path")))
        *ret_addressing = STORE_ADDRESSING_PATH;
    else if (str_equal(text, STR("virtual")))
        *ret_addressing = STORE_ADDRESSING_VIRTUAL;
    else
        return FAIL(INVALID, "'" STR_FMT "': addressing_style is 'auto', 'path' or 'virtual', not '" STR_FMT "'",
                    STR_ARG(loader->config.path), STR_ARG(text));
    return NULL;
}

MUST_USE static Error *find_attempts(const Loader *loader, unsigned *ret_attempts)
{
    Str text = first_of(environment(loader, "AWS_MAX_ATTEMPTS"), profile_value(loader, STR_EMPTY, "max_attempts"));
    uint64_t number = 0;
    *ret_attempts = loader->options->attempts_max;
    if (*ret_attempts > 0 || text.len == 0)
        return NULL;
    if (!str_to_u64(text, &number) || number == 0 || number > 1000)
        return FAIL(INVALID,
                    "AWS_MAX_ATTEMPTS (or max_attempts of the profile) is a number from 1 to 1000, not '" STR_FMT "'",
                    STR_ARG(text));
    *ret_attempts = (unsigned)number;
    return NULL;
}

/* ---- credentials ---- */

MUST_USE static Error *set_credentials(Str id, Str secret, Str token, const char *source, S3Credentials *out)
{
    if (id.len == 0 || secret.len == 0)
        return FAIL(INVALID, "%s %s without %s: give both or neither", source,
                    id.len > 0 ? "has an access key id" : "has a secret key",
                    id.len > 0 ? "a secret key" : "an access key id");
    out->access_key_id = strndup(id.data, id.len);
    out->secret_access_key = strndup(secret.data, secret.len);
    out->session_token = token.len > 0 ? strndup(token.data, token.len) : NULL;
    out->source = source;
    if (!out->access_key_id || !out->secret_access_key || (token.len > 0 && !out->session_token)) {
        s3_credentials_done(out);
        return FAIL(NO_MEMORY, "keep the credentials: out of memory");
    }
    return NULL;
}

MUST_USE static Error *from_environment(const Loader *loader, S3Credentials *out)
{
    Str id = environment(loader, "AWS_ACCESS_KEY_ID"), secret = environment(loader, "AWS_SECRET_ACCESS_KEY");
    Str token = first_of(environment(loader, "AWS_SESSION_TOKEN"), environment(loader, "AWS_SECURITY_TOKEN"));
    if (id.len == 0 && secret.len == 0)
        return NULL;
    return set_credentials(id, secret, token, "the environment", out);
}

MUST_USE static Error *from_shared_file(const SharedFile *file, Str section, const char *source, S3Credentials *out)
{
    Str id = ini_get(&file->ini, section, STR_EMPTY, STR("aws_access_key_id"));
    Str secret = ini_get(&file->ini, section, STR_EMPTY, STR("aws_secret_access_key"));
    Str token = ini_get(&file->ini, section, STR_EMPTY, STR("aws_session_token"));
    if (id.len == 0 && secret.len == 0)
        return NULL;
    TRY_CTX(set_credentials(id, secret, token, source, out), "'" STR_FMT "'", STR_ARG(file->path));
    return NULL;
}

MUST_USE static Error *unsupported_source(const Loader *loader, const char *what)
{
    return FAIL(UNSUPPORTED,
                "the profile '" STR_FMT
                "' gets its credentials from %s, which is not supported yet: put static keys into the "
                "environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN)",
                STR_ARG(loader->profile), what);
}

static bool profile_has(const Loader *loader, const char *key)
{
    return profile_value(loader, STR_EMPTY, key).len > 0 || credentials_value(loader, key).len > 0;
}

/* Sources that come before the static keys of the credentials file. */
MUST_USE static Error *refuse_early_sources(const Loader *loader)
{
    if (profile_has(loader, "role_arn"))
        return unsupported_source(loader, "a role (role_arn)");
    if (environment(loader, "AWS_WEB_IDENTITY_TOKEN_FILE").len > 0)
        return unsupported_source(loader, "a web identity (AWS_WEB_IDENTITY_TOKEN_FILE)");
    if (profile_has(loader, "web_identity_token_file"))
        return unsupported_source(loader, "a web identity (web_identity_token_file)");
    if (profile_has(loader, "sso_session") || profile_has(loader, "sso_start_url"))
        return unsupported_source(loader, "single sign-on (sso_session)");
    return NULL;
}

MUST_USE static Error *refuse_late_sources(const Loader *loader)
{
    if (environment(loader, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").len > 0
        || environment(loader, "AWS_CONTAINER_CREDENTIALS_FULL_URI").len > 0)
        return unsupported_source(loader, "the container's credential service (AWS_CONTAINER_CREDENTIALS_...)");
    return NULL;
}

MUST_USE static Error *from_profile(const Loader *loader, S3Credentials *out)
{
    TRY(refuse_early_sources(loader));
    TRY(from_shared_file(&loader->credentials, loader->profile, "the shared credentials file", out));
    if (out->access_key_id)
        return NULL;
    if (profile_has(loader, "login_session"))
        return unsupported_source(loader, "'aws login' (login_session; credential_process is a way out of it)");
    if (profile_has(loader, "credential_process"))
        return unsupported_source(loader, "a program (credential_process)");
    TRY(from_shared_file(&loader->config, loader->config_section, "the shared config file", out));
    return out->access_key_id ? NULL : refuse_late_sources(loader);
}

/* Environment variables give way to a profile that was named as an option, not to AWS_PROFILE (as botocore does). */
MUST_USE static Error *find_credentials(const Loader *loader, S3Credentials *out)
{
    const StoreOptions *options = loader->options;
    if (options->anonymous)
        return NULL;
    if (options->access_key_id.len > 0 || options->secret_access_key.len > 0)
        return set_credentials(options->access_key_id, options->secret_access_key, options->session_token,
                               "the options", out);
    if (options->profile.len == 0)
        TRY(from_environment(loader, out));
    if (!out->access_key_id)
        TRY(from_profile(loader, out));
    if (out->access_key_id)
        return NULL;
    return FAIL(
        DENIED,
        "no credentials found for S3: not in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, not for the profile '" STR_FMT
        "' in '" STR_FMT "' or '" STR_FMT "'; for a public bucket ask without them (--anonymous)",
        STR_ARG(loader->profile), STR_ARG(loader->credentials.path), STR_ARG(loader->config.path));
}

MUST_USE static Error *keep(const Loader *loader, Str text, Str *ret_text)
{
    *ret_text = arena_str(loader->arena, text);
    return ret_text->data ? NULL : arena_error(loader->arena);
}

Error *s3_config_load(const StoreOptions *options, Arena *arena, S3Config *ret_config)
{
    CLEANUP(loader_done) Loader loader = {.options = options, .arena = arena};
    S3Config config = {0};

    TRY(load_files(&loader));
    Str region = find_region(&loader);
    config.region_chosen = region.len > 0;
    TRY(keep(&loader, config.region_chosen ? region : str_of(default_region), &config.region));
    TRY(keep(&loader, find_endpoint(&loader), &config.endpoint_url));
    TRY(keep(&loader, find_ca_file(&loader), &config.ca_file));
    TRY(find_addressing(&loader, &config.addressing));
    TRY(find_attempts(&loader, &config.attempts_max));
    TRY(find_credentials(&loader, &config.credentials));
    *ret_config = config;
    return NULL;
}
