#include "jobs/provider/provider_map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/json.h"

#define MAP_MAX_BYTES (64 * MIB)

typedef struct Alias {
    Str name, provider;
    bool disabled;
} Alias;

struct ProviderMap {
    Arena *arena;
    Alias *aliases; /* sorted by name */
    size_t alias_count;
    Str *providers; /* in the order of the table */
    size_t provider_count;
};

extern const uint8_t provider_table_json[]; /* providers.json, by scripts/embed-file */
extern const size_t provider_table_json_bytes;

static int compare_aliases(const void *a, const void *b)
{
    return str_compare(((const Alias *)a)->name, ((const Alias *)b)->name);
}

/* How many aliases there are in all; the form is checked when they are read. */
static size_t count_aliases(const json_t *providers)
{
    size_t count = 0, index;
    json_t *row;
    json_array_foreach(providers, index, row)
    {
        count += json_array_size(json_object_get(row, "aliases"));
        count += json_array_size(json_object_get(row, "disabled_aliases"));
    }
    return count;
}

MUST_USE static Error *keep_text(ProviderMap *map, const json_t *value, const char *what, Str *ret_text)
{
    if (!json_is_string(value) || json_string_length(value) == 0)
        return FAIL(INVALID, "%s is not a name", what);
    *ret_text = arena_str(map->arena, str_from(json_string_value(value), json_string_length(value)));
    return ret_text->data ? NULL : arena_error(map->arena);
}

MUST_USE static Error *read_aliases(ProviderMap *map, const json_t *list, Str provider, bool disabled)
{
    size_t index;
    json_t *value;
    if (list && !json_is_array(list))
        return FAIL(INVALID, "the aliases of '" STR_FMT "' are not a list", STR_ARG(provider));
    json_array_foreach(list, index, value)
    {
        Alias *alias = &map->aliases[map->alias_count];
        TRY_CTX(keep_text(map, value, "an alias", &alias->name), "provider '" STR_FMT "'", STR_ARG(provider));
        alias->provider = provider;
        alias->disabled = disabled;
        map->alias_count++;
    }
    return NULL;
}

MUST_USE static Error *refuse_doubles(const ProviderMap *map)
{
    for (size_t i = 1; i < map->alias_count; i++) {
        const Alias *a = &map->aliases[i - 1], *b = &map->aliases[i];
        if (str_equal(a->name, b->name) && !a->disabled && !b->disabled)
            return FAIL(INVALID, "the alias '" STR_FMT "' belongs to '" STR_FMT "' and to '" STR_FMT "'",
                        STR_ARG(a->name), STR_ARG(a->provider), STR_ARG(b->provider));
    }
    return NULL;
}

MUST_USE static Error *read_map(ProviderMap *map, Bytes json)
{
    CLEANUP(cleanup_json) json_t *root = NULL;
    size_t index;
    json_t *row;
    TRY(json_read(json, &root));
    const json_t *providers = json_object_get(root, "providers");
    if (!json_is_array(providers))
        return FAIL(INVALID, "there is no list \"providers\"");
    map->aliases = ARENA_ARRAY(map->arena, Alias, count_aliases(providers));
    map->providers = ARENA_ARRAY(map->arena, Str, json_array_size(providers));
    if (!map->aliases || !map->providers)
        return arena_error(map->arena);
    json_array_foreach(providers, index, row)
    {
        Str *name = &map->providers[map->provider_count];
        TRY(keep_text(map, json_object_get(row, "provider"), "a \"provider\"", name));
        map->provider_count++;
        TRY(read_aliases(map, json_object_get(row, "aliases"), *name, false));
        TRY(read_aliases(map, json_object_get(row, "disabled_aliases"), *name, true));
    }
    if (map->alias_count > 0)
        qsort(map->aliases, map->alias_count, sizeof *map->aliases, compare_aliases);
    return refuse_doubles(map);
}

Error *provider_map_new(Bytes json, ProviderMap **ret_map)
{
    CLEANUP(provider_map_freep) ProviderMap *map = calloc(1, sizeof *map);
    if (!map || !(map->arena = arena_new(MAP_MAX_BYTES)))
        return FAIL(NO_MEMORY, "out of memory");
    TRY(read_map(map, json));
    *ret_map = map;
    map = NULL;
    return NULL;
}

Error *provider_map_new_default(ProviderMap **ret_map)
{
    return provider_map_new(bytes_from(provider_table_json, provider_table_json_bytes), ret_map);
}

void provider_map_free(ProviderMap *map)
{
    if (!map)
        return;
    arena_free(map->arena);
    free(map);
}

/* The first of its name; NULL when there is none. An alias that is in use and disabled elsewhere is in use. */
static const Alias *find_alias(const ProviderMap *map, Str name, bool disabled)
{
    size_t low = 0, high = map->alias_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_compare(map->aliases[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < map->alias_count && str_equal(map->aliases[low].name, name); low++)
        if (map->aliases[low].disabled == disabled)
            return &map->aliases[low];
    return NULL;
}

Str provider_of_alias(const ProviderMap *map, Str alias)
{
    const Alias *found = find_alias(map, alias, false);
    return found ? found->provider : STR_EMPTY;
}

bool provider_is_known(const ProviderMap *map, Str provider)
{
    for (size_t i = 0; i < map->provider_count; i++)
        if (str_equal(map->providers[i], provider))
            return true;
    return false;
}

bool provider_alias_is_disabled(const ProviderMap *map, Str alias)
{
    return !find_alias(map, alias, false) && find_alias(map, alias, true);
}

static Error *read_table(const char *path, Buffer *out)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return FAIL_ERRNO("open '%s'", path);
    Error *error = NULL;
    for (size_t got = 1; got && !error;) {
        error = buffer_reserve(out, 64 * KIB);
        got = error ? 0 : fread(out->data + out->len, 1, 64 * KIB, file);
        buffer_grown(out, got);
    }
    if (!error && ferror(file))
        error = FAIL_ERRNO("read '%s'", path);
    fclose(file);
    return error;
}

Error *provider_map_open(const char *path, ProviderMap **ret_map)
{
    CLEANUP(buffer_done) Buffer json = {.limit = MAP_MAX_BYTES};
    if (!path || !*path)
        return provider_map_new_default(ret_map);
    Error *error = read_table(path, &json);
    if (error_code(error) == ERR_NOT_FOUND) { /* a mistake of usage, not a source that is missing */
        Error *invalid = FAIL(INVALID, "%s", error_message_view(error));
        error_free(error);
        error = invalid;
    }
    TRY_CTX(error, "the table of providers");
    TRY_CTX(provider_map_new(buffer_bytes(&json), ret_map), "the table of providers '%s'", path);
    return NULL;
}
