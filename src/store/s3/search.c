#include "store/s3/search.h"

#include "store/s3/route.h"
#include "store/s3/uri.h"

/* ---- JSON ---- */

static void wipe_texts(json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_string(value)) {
        union {
            const char *text;
            char *wipable;
        } string = {json_string_value(value)}; /* it is ours: about to be freed */
        explicit_bzero(string.wipable, json_string_length(value));
    }
    json_object_foreach(value, key, member) wipe_texts(member);
    json_array_foreach(value, i, member) wipe_texts(member);
}

void cleanup_secret_json(json_t **value)
{
    wipe_texts(*value);
    cleanup_json(value);
}

Error *s3_read_json(Str json, json_t **ret_object)
{
    CLEANUP(cleanup_secret_json) json_t *object = NULL;
    Error *err = json_read(str_bytes(json), &object);
    if (err || !json_is_object(object)) {
        error_free(err); /* it may quote what is secret */
        return FAIL(CORRUPT, "the answer is no JSON object");
    }
    *ret_object = object;
    object = NULL;
    return NULL;
}

Error *s3_json_keys(const json_t *object, const KeyNames *names, S3KeySet *ret_keys)
{
    S3KeySet keys = {
        .access_key_id = json_get_str(object, names->id, STR_EMPTY),
        .secret_access_key = json_get_str(object, names->secret, STR_EMPTY),
        .session_token = json_get_str(object, names->token, STR_EMPTY),
    };
    if (keys.access_key_id.len == 0 || keys.secret_access_key.len == 0)
        return FAIL(CORRUPT, "the answer lacks %s or %s", names->id, names->secret);
    TRY(s3_expiration_parse(names->expiration ? json_get_str(object, names->expiration, STR_EMPTY) : STR_EMPTY,
                            &keys.expires_us));
    *ret_keys = keys;
    return NULL;
}

/* ---- URLs ---- */

Error *s3_service_url(const S3Search *search, const char *variable_suffix, const char *service, const char *host_prefix,
                      Str region, Str *ret_url)
{
    const S3Profiles *profiles = &search->profiles;
    Str url = service_endpoint(profiles, variable_suffix, service);
    if (url.len > 0) {
        S3Endpoint endpoint;
        TRY_CTX(s3_endpoint_parse(url, search->arena, &endpoint), "the configured endpoint of %s", service);
        while (str_ends_with(url, STR("/")))
            url = str_slice(url, 0, url.len - 1);
        *ret_url = url;
        return NULL;
    }
    if (!s3_region_is_valid(region))
        return FAIL(INVALID, "'" STR_FMT "' is no region (lower-case letters, digits and hyphens, such as eu-west-1)",
                    STR_ARG(region));
    bool fips = setting_is_true(setting_get(profiles, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"));
    const char *text = arena_format(search->arena, "https://%s%s." STR_FMT ".%s", host_prefix, fips ? "-fips" : "",
                                    STR_ARG(region), s3_partition_suffix(region));
    if (!text)
        return arena_error(search->arena);
    *ret_url = str_of(text);
    return NULL;
}

Error *append_parameter(Buffer *out, Str name, Str value)
{
    if (out->len > 0)
        TRY(buffer_append_byte(out, '&'));
    TRY(uri_append_query(out, name));
    TRY(buffer_append_byte(out, '='));
    return uri_append_query(out, value);
}
