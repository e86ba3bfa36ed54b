#include "store/s3/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define FILE_MAX_BYTES (1 * MIB)
enum { VARIABLE_BYTES = 64 };

static const char no_home[] = "";

void secret_buffer_done(Buffer *buffer)
{
    if (buffer->data)
        explicit_bzero(buffer->data, buffer->capacity);
    buffer_done(buffer);
}

void s3_profiles_done(S3Profiles *profiles)
{
    secret_buffer_done(&profiles->config.text);
    secret_buffer_done(&profiles->credentials.text);
}

/* ---- environment ---- */

Str environment_get(const char *const *environment, const char *name)
{
    size_t len = strlen(name);
    for (const char *const *entry = environment; entry && *entry; entry++) {
        if (strncmp(*entry, name, len) == 0 && (*entry)[len] == '=')
            return str_of(*entry + len + 1);
    }
    return STR_EMPTY;
}

bool setting_is_true(Str text)
{
    return str_equal_nocase(text, STR("true")) || str_equal(text, STR("1"));
}

/* Appends the value of the variable at path[*at], which is '$', and moves `*at` to its last character. */
MUST_USE static Error *expand_variable(const S3Profiles *profiles, Str path, size_t *at, Buffer *out)
{
    bool braces = *at + 1 < path.len && path.data[*at + 1] == '{';
    size_t from = *at + 1 + braces, to = from;
    while (to < path.len && path.data[to] != '}' && path.data[to] != '/')
        to++;
    char *name = arena_cstr(profiles->arena, str_slice(path, from, to));
    if (!name)
        return arena_error(profiles->arena);
    *at = braces && to < path.len && path.data[to] == '}' ? to : to - 1;
    return buffer_append_str(out, profiles_environment(profiles, name));
}

Error *expand_path(const S3Profiles *profiles, Str path, Str *ret_path)
{
    CLEANUP(buffer_done) Buffer out = {0};
    for (size_t i = 0; i < path.len; i++) {
        char c = path.data[i];
        if (c == '~' && i == 0 && (path.len == 1 || path.data[1] == '/'))
            TRY(buffer_append_str(&out, profiles_environment(profiles, "HOME")));
        else if (c == '$' && i + 1 < path.len)
            TRY(expand_variable(profiles, path, &i, &out));
        else
            TRY(buffer_append_byte(&out, (uint8_t)c));
    }
    *ret_path = arena_str(profiles->arena, buffer_str(&out));
    return ret_path->data ? NULL : arena_error(profiles->arena);
}

/* ---- the shared files ---- */

Error *read_small_file(Str path, size_t limit_bytes, Buffer *text)
{
    CLEANUP(buffer_done) Buffer name = {0};
    TRY(buffer_append_str(&name, path));
    const char *c_path = buffer_cstr(&name);
    if (!c_path)
        return FAIL(NO_MEMORY, "read '" STR_FMT "': out of memory", STR_ARG(path));
    CLEANUP(cleanup_close) int fd = open(c_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return FAIL_ERRNO("read '" STR_FMT "'", STR_ARG(path));
    text->limit = limit_bytes;
    for (;;) {
        TRY_CTX(buffer_reserve(text, MIN((size_t)4096, limit_bytes - text->len + 1)), "read '" STR_FMT "'",
                STR_ARG(path));
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

MUST_USE static Error *load_file(S3Profiles *profiles, const char *variable, const char *standard, SharedFile *file)
{
    Str path = profiles_environment(profiles, variable);
    file->path = str_of(no_home);
    if (path.len == 0 && profiles_environment(profiles, "HOME").len == 0)
        return NULL;
    TRY(expand_path(profiles, path.len > 0 ? path : str_of(standard), &file->path));
    Error *err = read_small_file(file->path, FILE_MAX_BYTES, &file->text);
    if (error_code(err) == ERR_NOT_FOUND) {
        error_free(err); /* most machines have none */
        return NULL;
    }
    TRY(err);
    TRY_CTX(ini_parse(buffer_str(&file->text), profiles->arena, &file->ini), "'" STR_FMT "'", STR_ARG(file->path));
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

static Str config_section(const S3Profiles *profiles, Str profile)
{
    Str section = find_section(&profiles->config.ini, STR("profile"), profile);
    if (section.len == 0 && str_equal(profile, STR("default")))
        return STR("default");
    return section;
}

static Str value_of(const SharedFile *file, Str section, Str block, const char *key)
{
    Str value = ini_get(&file->ini, section, block, str_of(key));
    return value.data ? value : STR_EMPTY;
}

bool profiles_have(const S3Profiles *profiles, Str profile)
{
    return ini_has_section(&profiles->config.ini, config_section(profiles, profile))
           || ini_has_section(&profiles->credentials.ini, profile);
}

Str profile_config(const S3Profiles *profiles, Str profile, Str block, const char *key)
{
    return value_of(&profiles->config, config_section(profiles, profile), block, key);
}

Str profile_secret(const S3Profiles *profiles, Str profile, const char *key)
{
    return value_of(&profiles->credentials, profile, STR_EMPTY, key);
}

Str profile_get(const S3Profiles *profiles, Str profile, const char *key)
{
    return first_of(profile_config(profiles, profile, STR_EMPTY, key), profile_secret(profiles, profile, key));
}

bool sso_session_known(const S3Profiles *profiles, Str session)
{
    return find_section(&profiles->config.ini, STR("sso-session"), session).len > 0;
}

Str sso_session_get(const S3Profiles *profiles, Str session, const char *key)
{
    return value_of(&profiles->config, find_section(&profiles->config.ini, STR("sso-session"), session), STR_EMPTY,
                    key);
}

Str setting_get(const S3Profiles *profiles, const char *variable, const char *key)
{
    return first_of(profiles_environment(profiles, variable), profile_config(profiles, profiles->name, STR_EMPTY, key));
}

Str service_endpoint(const S3Profiles *profiles, const char *variable_suffix, const char *service)
{
    char variable[VARIABLE_BYTES];
    Str ignore = setting_get(profiles, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls");
    if (setting_is_true(ignore))
        return STR_EMPTY;
    (void)snprintf(variable, sizeof(variable), "AWS_ENDPOINT_URL_%s", variable_suffix);
    Str url = first_of(profiles_environment(profiles, variable), profiles_environment(profiles, "AWS_ENDPOINT_URL"));
    Str services = profile_config(profiles, profiles->name, STR_EMPTY, "services");
    if (url.len == 0 && services.len > 0)
        url = value_of(&profiles->config, find_section(&profiles->config.ini, STR("services"), services),
                       str_of(service), "endpoint_url");
    return first_of(url, profile_config(profiles, profiles->name, STR_EMPTY, "endpoint_url"));
}

/* ---- both ---- */

MUST_USE static Error *load(const StoreOptions *options, S3Profiles *profiles)
{
    Str variable =
        first_of(profiles_environment(profiles, "AWS_PROFILE"), profiles_environment(profiles, "AWS_DEFAULT_PROFILE"));
    Str named = first_of(options->profile, variable);
    profiles->name = named.len > 0 ? named : STR("default");
    TRY(load_file(profiles, "AWS_CONFIG_FILE", "~/.aws/config", &profiles->config));
    TRY(load_file(profiles, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", &profiles->credentials));
    if (named.len > 0 && !profiles_have(profiles, named))
        return FAIL(INVALID, "the profile '" STR_FMT "' is neither in '" STR_FMT "' nor in '" STR_FMT "'",
                    STR_ARG(named), STR_ARG(profiles->config.path), STR_ARG(profiles->credentials.path));
    return NULL;
}

Error *s3_profiles_load(const StoreOptions *options, Arena *arena, S3Profiles *ret_profiles)
{
    S3Profiles profiles = {.environment = options->environment, .arena = arena};
    Error *err = load(options, &profiles);
    if (err)
        s3_profiles_done(&profiles);
    else
        *ret_profiles = profiles;
    return err;
}
