/* Listings: a thread of its own walks the store, because the store calls and the caller asks; between them a queue of one page. */
#include <stdlib.h>

#include "api/internal.h"
#include "base/queue.h"
#include "base/thread.h"

enum { AHEAD_OBJECTS = 1000 };

typedef struct Listed {
    QuernObject object;
    char text[]; /* key, NUL, ETag, NUL */
} Listed;

struct QuernCursor {
    Call call;
    Place place;
    KeyFilter *filter; /* NULL for a head */
    Cancel cancel;     /* raised when the caller stops asking */
    Queue *queue;      /* of Listed */
    Thread thread;
    Error *error;    /* the walk's; read once the queue has ended */
    Listed *current; /* what the caller looks at */
    char *metadata;  /* of a head; owned */
};

static Error *push_listed(void *context, const ObjectInfo *info)
{
    QuernCursor *cursor = context;
    if (cursor->place.whole_key && !str_equal(info->key, cursor->place.prefix))
        return NULL;
    if (cursor->filter && !key_filter_takes(cursor->filter, info->key, cursor->place.key_base))
        return NULL;
    Listed *listed = malloc(sizeof *listed + info->key.len + info->etag.len + 2);
    if (!listed)
        return FAIL(NO_MEMORY, "out of memory");
    char *etag = listed->text + info->key.len + 1;
    memcpy(listed->text, info->key.data, info->key.len);
    listed->text[info->key.len] = 0;
    if (info->etag.len)
        memcpy(etag, info->etag.data, info->etag.len);
    etag[info->etag.len] = 0;
    listed->object = (QuernObject){.struct_bytes = sizeof(QuernObject),
                                   .key = listed->text,
                                   .size_bytes = info->size_bytes,
                                   .modified_us = info->modified_us,
                                   .etag = etag};
    Error *error = queue_push(cursor->queue, &cursor->cancel, &listed, 0);
    free(listed);
    return error;
}

static void walk(void *context)
{
    QuernCursor *cursor = context;
    cursor->error = place_list(&cursor->place, &cursor->cancel, push_listed, cursor);
    queue_close(cursor->queue);
}

static Error *cursor_new(QuernClient *client, QuernControl *control, QuernCursor **ret_cursor)
{
    QuernCursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor)
        return FAIL(NO_MEMORY, "out of memory");
    *ret_cursor = cursor; /* the caller frees it on failure */
    TRY(call_begin(client, NULL, COMMAND_CLIENT, control, &cursor->call));
    cursor->cancel.parent = cursor->call.env.cancel;
    cursor->queue = queue_new(AHEAD_OBJECTS, 0);
    return cursor->queue ? NULL : FAIL(NO_MEMORY, "out of memory");
}

DEFINE_FREEP(QuernCursor, quern_cursor_free)

QuernError *quern_client_list(QuernClient *client, const char *url, QuernControl *control, QuernCursor **ret_cursor)
{
    CLEANUP(quern_cursor_freep) QuernCursor *cursor = NULL;
    TRY(cursor_new(client, control, &cursor));
    TRY(place_open(&cursor->call.env, str_of(url), &cursor->place));
    TRY(key_filter_new(cursor->call.config, (StrList){0}, &cursor->filter));
    TRY(thread_start(&cursor->thread, "quern-list", walk, cursor));
    *ret_cursor = cursor;
    cursor = NULL;
    return NULL;
}

static Error *write_metadata(const Metadata *metadata, char **ret_json)
{
    CLEANUP(buffer_done) Buffer json = {0};
    JsonWriter w;
    json_begin(&w, &json, 0);
    json_open_object(&w);
    for (size_t i = 0; i < metadata->count; i++) {
        json_put_key(&w, metadata->entries[i].name);
        json_put_str(&w, metadata->entries[i].value);
    }
    json_close_object(&w);
    TRY(json_finish(&w));
    return text_from_buffer(&json, ret_json);
}

QuernError *quern_client_head(QuernClient *client, const char *url, QuernControl *control, QuernCursor **ret_cursor)
{
    CLEANUP(quern_cursor_freep) QuernCursor *cursor = NULL;
    CLEANUP(store_freep) Store *store = NULL;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    ObjectInfo info;
    Str key;
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(cursor_new(client, control, &cursor));
    TRY(client_open_object(&cursor->call.env, url, &store, &key));
    TRY_CTX(store_head(store, cursor->call.env.cancel, key, arena, &info), "describe '%s'", url);
    TRY(write_metadata(&info.metadata, &cursor->metadata));
    TRY(push_listed(cursor, &info));
    queue_close(cursor->queue);
    *ret_cursor = cursor;
    cursor = NULL;
    return NULL;
}

QuernError *quern_cursor_next(QuernCursor *cursor, const QuernObject **ret_object)
{
    free(cursor->current);
    cursor->current = NULL;
    TRY(queue_pop(cursor->queue, cursor->call.env.cancel, (void **)&cursor->current));
    if (!cursor->current) {
        *ret_object = NULL;
        thread_join(&cursor->thread);
        Error *error = cursor->error;
        cursor->error = NULL;
        return error;
    }
    cursor->current->object.metadata_json = cursor->metadata;
    *ret_object = &cursor->current->object;
    return NULL;
}

void quern_cursor_free(QuernCursor *cursor)
{
    if (!cursor)
        return;
    cancel_raise(&cursor->cancel, CANCEL_STOP);
    thread_join(&cursor->thread);
    queue_free(cursor->queue, free);
    error_free(cursor->error);
    free(cursor->current);
    free(cursor->metadata);
    key_filter_free(cursor->filter);
    place_done(&cursor->place);
    call_done(&cursor->call);
    free(cursor);
}
