#include "jobs/provider/provider_key.h"

Str key_partition(Str path)
{
    while (str_ends_with(path, STR("/")))
        path = str_slice(path, 0, path.len - 1);
    return path;
}

static bool contains(Str text, Str part)
{
    return str_find(text, part) != SIZE_MAX;
}

KeyKind key_kind(Str key, Str partition)
{
    if (str_equal(key_partition(key), key_partition(partition)))
        return KEY_PARTITION;
    if (str_ends_with(key, STR("/")))
        return KEY_FOLDER;
    bool data = str_ends_with(key, STR(".jsonl.bz2")) || str_ends_with(key, STR(".txt"))
                || str_ends_with(key, STR(".jsonl.bz2.log.gz"));
    return data && !contains(key, STR("topic_description")) ? KEY_DATA : KEY_OTHER;
}

/* The key without any occurrence of "partition/", as the original has it. */
MUST_USE static Error *without_partition(Str key, Str partition, Buffer *out)
{
    CLEANUP(buffer_done) Buffer bounded = {0};
    size_t at;
    buffer_clear(out);
    if (partition.len > 0) {
        TRY(buffer_append_str(&bounded, partition));
        TRY(buffer_append_byte(&bounded, '/'));
        while ((at = str_find(key, buffer_str(&bounded))) != SIZE_MAX) {
            TRY(buffer_append_str(out, str_slice(key, 0, at)));
            key = str_slice(key, at + bounded.len, key.len);
        }
    }
    return buffer_append_str(out, key);
}

static Str first_part(Str *rest)
{
    size_t slash = str_find_char(*rest, '/');
    Str part = str_slice(*rest, 0, MIN(slash, rest->len));
    *rest = str_slice(*rest, slash == SIZE_MAX ? rest->len : slash + 1, rest->len);
    return part;
}

static bool is_alias(const ProviderMap *map, Str name)
{
    return provider_of_alias(map, name).len > 0;
}

MUST_USE static Error *no_alias(const ProviderMap *map, Str key, Str first)
{
    if (provider_alias_is_disabled(map, first))
        return FAIL(INVALID,
                    "the alias '" STR_FMT "' in '" STR_FMT "' is known, but disabled in the table of providers",
                    STR_ARG(first), STR_ARG(key));
    return FAIL(INVALID, "The source path " STR_FMT " does not contain the media alias at an expected place.",
                STR_ARG(key));
}

Error *key_media_title(const ProviderMap *map, Str key, Str partition, Buffer *scratch, MediaTitle *ret_title)
{
    TRY(without_partition(key, partition, scratch));
    Str rest = buffer_str(scratch);
    Str first = first_part(&rest);
    if (rest.len == 0)
        return no_alias(map, key, first);
    Str second = first_part(&rest);
    if (is_alias(map, first) && !is_alias(map, second)) {
        *ret_title = (MediaTitle){.alias = first, .provider = provider_of_alias(map, first)};
        return NULL;
    }
    if (!provider_is_known(map, first) || !str_equal(provider_of_alias(map, second), first))
        return no_alias(map, key, first);
    *ret_title = (MediaTitle){.alias = second, .provider = first, .in_path = true};
    return NULL;
}

Error *key_with_provider(Str key, Str partition, Str to_partition, const MediaTitle *title, Buffer *out)
{
    Str rest = partition.len > 0 ? str_slice(key, partition.len + 1, key.len) : key;
    ASSERT(partition.len == 0
           || (str_starts_with(key, partition) && key.len > partition.len && key.data[partition.len] == '/'));
    if (to_partition.len > 0) {
        TRY(buffer_append_str(out, to_partition));
        TRY(buffer_append_byte(out, '/'));
    }
    if (!title->in_path) {
        TRY(buffer_append_str(out, title->provider));
        TRY(buffer_append_byte(out, '/'));
    }
    return buffer_append_str(out, rest);
}
