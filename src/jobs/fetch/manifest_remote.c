#include "jobs/fetch/manifest_remote.h"

#include "jobs/fetch/json_walk.h"

/* A million entries take half of it. */
#define MANIFEST_MAX_BYTES (256 * MIB)

typedef struct TextInput {
    Str rest;
} TextInput;

static Error *read_piece(void *context, uint8_t *out, size_t room, size_t *ret_len)
{
    TextInput *input = context;
    *ret_len = MIN(room, input->rest.len);
    if (*ret_len)
        memcpy(out, input->rest.data, *ret_len);
    input->rest = str_slice(input->rest, *ret_len, input->rest.len);
    return NULL;
}

/* All of it at once: only a whole object is proven by its checksum, and this one decides what is deleted. */
static Error *get_whole(Store *store, const Cancel *cancel, const ObjectInfo *object, Buffer *text)
{
    if (object->size_bytes > MANIFEST_MAX_BYTES)
        return FAIL(LIMIT, "it has %llu bytes, more than the %llu that a manifest may have",
                    (unsigned long long)object->size_bytes, (unsigned long long)MANIFEST_MAX_BYTES);
    text->limit = MANIFEST_MAX_BYTES;
    return store_get(store, cancel, object->key, BYTE_RANGE_ALL, object->etag, text);
}

static Error *read_meta(JsonWalk *walk, JsonToken begun, RemoteEntry *entry)
{
    JsonToken token;
    if (begun != TOKEN_OBJECT)
        return json_walk_skip(walk, begun);
    for (;;) {
        TRY(json_walk_next(walk, &token));
        if (token == TOKEN_OBJECT_END)
            return NULL;
        bool length = str_equal(json_walk_text(walk), STR("content_length"));
        TRY(json_walk_next(walk, &token));
        if (length)
            entry->has_length = token == TOKEN_NUMBER && str_to_u64(json_walk_text(walk), &entry->content_length);
        TRY(json_walk_skip(walk, token));
    }
}

static Error *read_entry(JsonWalk *walk, Buffer *url, RemoteEntryFn *each, void *context)
{
    RemoteEntry entry = {0};
    bool has_url = false;
    JsonToken token;
    for (;;) {
        TRY(json_walk_next(walk, &token));
        if (token == TOKEN_OBJECT_END)
            break;
        bool is_url = str_equal(json_walk_text(walk), STR("url")),
             is_meta = str_equal(json_walk_text(walk), STR("meta"));
        TRY(json_walk_next(walk, &token));
        if (is_url && token != TOKEN_STRING)
            return FAIL(CORRUPT, "the url of an entry is no text");
        if (is_url) {
            buffer_clear(url);
            TRY(buffer_append_str(url, json_walk_text(walk)));
            has_url = true;
        }
        TRY(is_meta ? read_meta(walk, token, &entry) : json_walk_skip(walk, token));
    }
    entry.url = buffer_str(url);
    return has_url ? each(context, &entry) : NULL;
}

static Error *read_entries(JsonWalk *walk, Buffer *url, RemoteEntryFn *each, void *context)
{
    JsonToken token;
    TRY(json_walk_next(walk, &token));
    if (token != TOKEN_ARRAY)
        return FAIL(CORRUPT, "'entries' is no list");
    for (;;) {
        TRY(json_walk_next(walk, &token));
        if (token == TOKEN_ARRAY_END)
            return NULL;
        if (token != TOKEN_OBJECT)
            return FAIL(CORRUPT, "an entry is no object");
        TRY(read_entry(walk, url, each, context));
    }
}

static Error *read_manifest(JsonWalk *walk, Buffer *url, RemoteEntryFn *each, void *context)
{
    JsonToken token;
    TRY(json_walk_next(walk, &token));
    if (token != TOKEN_OBJECT)
        return FAIL(CORRUPT, "it is no object");
    for (;;) {
        TRY(json_walk_next(walk, &token));
        if (token == TOKEN_OBJECT_END)
            return json_walk_next(walk, &token); /* nothing may follow */
        if (str_equal(json_walk_text(walk), STR("entries"))) {
            TRY(read_entries(walk, url, each, context));
            continue;
        }
        TRY(json_walk_next(walk, &token));
        TRY(json_walk_skip(walk, token));
    }
}

Error *manifest_remote_read(Store *store, const Cancel *cancel, const ObjectInfo *object, RemoteEntryFn *each,
                            void *context)
{
    CLEANUP(buffer_done) Buffer text = {0}, url = {0};
    TextInput input;
    CLEANUP(json_walk_freep) JsonWalk *walk = json_walk_new(read_piece, &input);
    if (!walk)
        return FAIL(NO_MEMORY, "out of memory");
    Error *error = get_whole(store, cancel, object, &text);
    input.rest = buffer_str(&text);
    if (!error)
        error = read_manifest(walk, &url, each, context);
    return error ? error_wrap(error, "read the manifest '" STR_FMT "'", STR_ARG(object->key)) : NULL;
}
