/* Listings: a thread of its own walks the store, because the store calls and the caller asks; between them a queue of small blocks. */
#include <stdlib.h>

#include "api/internal.h"
#include "base/queue.h"
#include "base/thread.h"
#include "store/list_fold.h"

enum { BLOCK_OBJECTS = 256, AHEAD_BLOCKS = 16, BLOCK_TEXT_BYTES = 64 * 1024, BLOCK_WAIT_US = 50000 };

/* Objects that travel together. While it is filled their texts are offsets, since `text` moves as it grows. */
typedef struct Block {
    size_t count;
    int64_t began_us;
    Buffer text;
    QuernObject objects[BLOCK_OBJECTS];
    size_t key_at[BLOCK_OBJECTS], etag_at[BLOCK_OBJECTS], class_at[BLOCK_OBJECTS], version_at[BLOCK_OBJECTS];
} Block;

struct QuernCursor {
    pid_t process;
    Call call;
    Place place;
    bool of_buckets;
    KeyFilter *filter; /* NULL for a head and for buckets */
    Cancel cancel;     /* raised when the caller stops asking */
    Queue *queue;      /* of Block */
    Thread thread;
    Error *error;   /* the walk's; read once the queue has ended */
    Block *filling; /* the walk's */
    Block *current; /* what the caller looks at, as the next */
    size_t next;
    char *metadata; /* of a head; owned */
};

/* Its arrays are filled as objects come: to clear them would cost a tenth of a listing's time. */
static Error *block_new(Block **ret_block)
{
    Block *block = malloc(sizeof *block);
    if (!block)
        return FAIL(NO_MEMORY, "out of memory");
    block->count = 0;
    block->text = (Buffer){0};
    *ret_block = block;
    return NULL;
}

static void block_free(void *item)
{
    Block *block = item;
    if (!block)
        return;
    buffer_done(&block->text);
    free(block);
}

static Error *add_text(Block *block, Str text, size_t *ret_at)
{
    *ret_at = block->text.len;
    TRY(buffer_append_str(&block->text, text));
    return buffer_append_byte(&block->text, 0);
}

static Error *push_block(QuernCursor *cursor)
{
    Block *block = cursor->filling;
    if (!block || block->count == 0)
        return NULL;
    const char *text = (const char *)block->text.data;
    for (size_t i = 0; i < block->count; i++) {
        QuernObject *object = &block->objects[i];
        object->key = text + block->key_at[i];
        object->etag = text + block->etag_at[i];
        object->storage_class = text + block->class_at[i];
        object->version_id = text + block->version_at[i];
    }
    return queue_push(cursor->queue, &cursor->cancel, &cursor->filling, 0);
}

static Error *add_to_block(Block *block, const ObjectInfo *info)
{
    size_t i = block->count;
    TRY(add_text(block, info->key, &block->key_at[i]));
    TRY(add_text(block, info->etag, &block->etag_at[i]));
    TRY(add_text(block, info->headers.storage_class, &block->class_at[i]));
    TRY(add_text(block, info->version_id, &block->version_at[i]));
    block->objects[i] = (QuernObject){
        .struct_bytes = sizeof(QuernObject),
        .size_bytes = info->size_bytes,
        .modified_us = info->modified_us,
        .is_prefix = info->is_prefix,
        .is_latest = info->is_latest,
        .is_delete_marker = info->is_delete_marker,
    };
    block->count++;
    return NULL;
}

/* A block goes when it is full or old. */
static Error *push_listed(void *context, const ObjectInfo *info)
{
    QuernCursor *cursor = context;
    if (!cursor->filling)
        TRY(block_new(&cursor->filling));
    Block *block = cursor->filling;
    int64_t now_us = block->count % 16 == 0 || block->count < 2 ? clock_monotonic_us(clock_system()) : block->began_us;
    if (block->count == 0)
        block->began_us = now_us;
    TRY(add_to_block(block, info));
    bool full = block->count == BLOCK_OBJECTS || block->text.len > BLOCK_TEXT_BYTES;
    return full || now_us - block->began_us > BLOCK_WAIT_US ? push_block(cursor) : NULL;
}

/* A listing on its way to the cursor. */
typedef struct Walk {
    QuernCursor *cursor;
    StoreListFn *next;
    void *next_context;
} Walk;

static Error *filter_listed(void *context, const ObjectInfo *info)
{
    const Walk *walk = context;
    const QuernCursor *cursor = walk->cursor;
    if (cursor->place.whole_key && !str_equal(info->key, cursor->place.prefix))
        return NULL;
    if (!info->is_prefix && !key_filter_takes(cursor->filter, info->key, cursor->place.key_base))
        return NULL;
    return walk->next(walk->next_context, info);
}

/* One level with a filter: a prefix is shown when a key in it passes, so all keys are looked at. */
static Error *list_filtered_level(QuernCursor *cursor, const ListOptions *how)
{
    ListOptions level = *how, all = *how;
    level.prefix = cursor->place.prefix;
    all.delimiter = STR_EMPTY;
    CLEANUP(list_fold_done) ListFold fold = {.options = &level, .each = push_listed, .context = cursor};
    Walk walk = {cursor, list_fold_key, &fold};
    return place_list_with(&cursor->place, &cursor->cancel, &all, filter_listed, &walk);
}

static Error *list_place(QuernCursor *cursor)
{
    const Config *config = cursor->call.config;
    Walk walk = {cursor, push_listed, cursor};
    ListOptions how = {.versions = config_bool(config, "versions"), .any_order = config_bool(config, "any-order")};
    if (!config_bool(config, "recursive") && !how.versions)
        how.delimiter = STR("/");
    if (!how.versions)
        how.parallel = (unsigned)config_int(config, "workers");
    if (how.delimiter.len > 0 && !key_filter_takes_all(cursor->filter)) {
        how.any_order = false;
        return list_filtered_level(cursor, &how);
    }
    return place_list_with(&cursor->place, &cursor->cancel, &how, filter_listed, &walk);
}

static void walk(void *context)
{
    QuernCursor *cursor = context;
    cursor->error = cursor->of_buckets ? client_list_buckets(&cursor->call, &cursor->cancel, push_listed, cursor)
                                       : list_place(cursor);
    Error *last = push_block(cursor);
    if (cursor->error)
        error_free(last); /* what came is shown before what went wrong, if anybody still looks */
    else
        cursor->error = last;
    queue_close(cursor->queue);
}

static Error *cursor_new(QuernClient *client, QuernControl *control, QuernCursor **ret_cursor)
{
    QuernCursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor)
        return FAIL(NO_MEMORY, "out of memory");
    cursor->process = getpid();
    *ret_cursor = cursor; /* the caller frees it on failure */
    TRY(call_begin(client, NULL, COMMAND_CLIENT, control, &cursor->call));
    cursor->cancel.parent = cursor->call.env.cancel;
    cursor->queue = queue_new(AHEAD_BLOCKS, 0);
    return cursor->queue ? NULL : FAIL(NO_MEMORY, "out of memory");
}

DEFINE_FREEP(QuernCursor, quern_cursor_free)

QuernError *quern_client_list(QuernClient *client, const char *url, QuernControl *control, QuernCursor **ret_cursor)
{
    CLEANUP(quern_cursor_freep) QuernCursor *cursor = NULL;
    TRY(cursor_new(client, control, &cursor));
    cursor->of_buckets = strcmp(url, "s3://") == 0;
    if (!cursor->of_buckets) {
        TRY(place_open(&cursor->call.env, str_of(url), &cursor->place));
        TRY(key_filter_new(cursor->call.config, (StrList){0}, &cursor->filter));
    }
    TRY(thread_start(&cursor->thread, "quern-list", walk, cursor));
    GIVE(ret_cursor, cursor);
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
    TRY(push_block(cursor));
    queue_close(cursor->queue);
    GIVE(ret_cursor, cursor);
    return NULL;
}

QuernError *quern_cursor_next(QuernCursor *cursor, const QuernObject **ret_object)
{
    if (cursor->current && cursor->next == cursor->current->count) {
        block_free(cursor->current);
        cursor->current = NULL;
    }
    if (!cursor->current) {
        TRY(process_check(cursor->process, "cursor")); /* what is here already, a child may have too */
        cursor->next = 0;
        TRY(queue_pop(cursor->queue, cursor->call.env.cancel, (void **)&cursor->current));
    }
    if (!cursor->current) {
        if (ret_object)
            *ret_object = NULL;
        thread_join(&cursor->thread);
        Error *error = cursor->error;
        cursor->error = NULL;
        return error;
    }
    QuernObject *object = &cursor->current->objects[cursor->next++];
    object->metadata_json = cursor->metadata;
    if (ret_object)
        *ret_object = object;
    return NULL;
}

void quern_cursor_free(QuernCursor *cursor)
{
    if (!cursor || cursor->process != getpid()) /* the parent's: its thread was in the middle of it */
        return;
    cancel_raise(&cursor->cancel, CANCEL_STOP);
    thread_join(&cursor->thread);
    queue_free(cursor->queue, block_free);
    error_free(cursor->error);
    block_free(cursor->filling);
    block_free(cursor->current);
    free(cursor->metadata);
    key_filter_free(cursor->filter);
    place_done(&cursor->place);
    call_done(&cursor->call);
    free(cursor);
}
