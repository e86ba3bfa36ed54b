/* manifest_find.c - which manifest is meant: an object, or the latest of a partition, one level of whose keys is listed whatever lies below. */
#include "jobs/manifest/data_manifest.h"

#define JSON_BYTES_MAX ((size_t)128 * MIB) /* 661 titles of 200 years have 51 MB */

typedef struct Latest {
    Str wanted; /* stage; "": any */
    Arena *arena;
    Str key, stage; /* so far; `key` in `arena`, "": none; `stage` in it */
    ManifestVersion version;
} Latest;

static Error *look_at_key(void *context, const ObjectInfo *object)
{
    Latest *latest = context;
    ManifestName name;
    if (object->is_prefix || !manifest_name_parse(object->key, &name))
        return NULL;
    if (latest->wanted.len > 0 && !str_equal(name.stage, latest->wanted))
        return NULL;
    if (latest->key.len > 0 && !str_equal(name.stage, latest->stage))
        return FAIL(INVALID, "there are manifests of the stages '" STR_FMT "' and '" STR_FMT "': say which is meant",
                    STR_ARG(latest->stage), STR_ARG(name.stage));
    if (latest->key.len > 0 && manifest_version_compare(&name.version, &latest->version) < 0)
        return NULL;
    size_t stage_at = (size_t)(name.stage.data - object->key.data);
    latest->key = arena_str(latest->arena, object->key);
    if (!latest->key.data)
        return arena_error(latest->arena);
    latest->stage = str_slice(latest->key, stage_at, stage_at + name.stage.len);
    latest->version = name.version;
    return NULL;
}

MUST_USE static Error *find_latest(const Place *place, const Cancel *cancel, Str stage, Arena *arena, Str *ret_key)
{
    CLEANUP(buffer_done) Buffer prefix = {0};
    Latest latest = {.wanted = stage, .arena = arena};
    ListOptions one_level = {.delimiter = STR("/")};
    Place folder = *place;
    TRY(buffer_append_str(&prefix, place->prefix));
    if (prefix.len > 0 && !str_ends_with(place->prefix, STR("/")))
        TRY(buffer_append_byte(&prefix, '/'));
    folder.prefix = buffer_str(&prefix);
    TRY(place_list_with(&folder, cancel, &one_level, look_at_key, &latest));
    if (latest.key.len == 0)
        return FAIL(NOT_FOUND, "there is none; it would be called '" STR_FMT "_v1-2-3.json'",
                    STR_ARG(stage.len > 0 ? stage : STR("STAGE")));
    *ret_key = latest.key;
    return NULL;
}

MUST_USE static Error *find_key(const Place *place, const Cancel *cancel, Str stage, Arena *arena, Str *ret_key)
{
    if (str_ends_with(str_of(place->text), STR(".json"))) {
        *ret_key = place->prefix;
        return place->prefix.len > 0 ? NULL : FAIL(NOT_FOUND, "there is no such file");
    }
    if (stage.len > 0 && !manifest_stage_is_known(stage))
        return FAIL(INVALID, "'" STR_FMT "' is none of impresso's stages, such as 'canonical', 'rebuilt', 'langident'",
                    STR_ARG(stage));
    return find_latest(place, cancel, stage, arena, ret_key);
}

Error *data_manifest_open(const JobEnv *env, Str url, Str stage, Arena *arena, DataManifest *ret_manifest, Str *ret_url)
{
    CLEANUP(place_done) Place place = {0};
    CLEANUP(buffer_done) Buffer json = {.limit = JSON_BYTES_MAX}, whole = {0};
    Str key;
    TRY(place_open(env, url, &place));
    TRY_CTX(find_key(&place, env->cancel, stage, arena, &key), "find the data manifest of '%s'", place.text);
    Str root = store_url_view(place.store);
    TRY(buffer_append_format(&whole, STR_FMT "%s" STR_FMT, STR_ARG(root), str_ends_with(root, STR("/")) ? "" : "/",
                             STR_ARG(key)));
    TRY_CTX(store_get(place.store, env->cancel, key, BYTE_RANGE_ALL, STR_EMPTY, &json), "read '" STR_FMT "'",
            STR_ARG(buffer_str(&whole)));
    *ret_url = arena_str(arena, buffer_str(&whole));
    if (!ret_url->data)
        return arena_error(arena);
    TRY_CTX(data_manifest_parse(buffer_str(&json), arena, ret_manifest), "'" STR_FMT "'", STR_ARG(*ret_url));
    return NULL;
}
