#include "store/store.h"

#include <stdlib.h>

#include "store/file_store.h"
#include "store/s3/buckets.h"
#include "store/s3/s3_store.h"
#include "store/store_backend.h"
#include "store/store_url.h"

enum { SINK_WINDOW_BYTES = 1 << 20, INFO_ARENA_BYTES = 1 << 20 };

Error *store_open(Str url, const StoreOptions *options, Store **ret_store)
{
    static const StoreOptions defaults;
    StoreUrl where;

    TRY(store_url_parse(url, &where));
    if (!options)
        options = &defaults;
    if (where.scheme == STORE_SCHEME_S3)
        return s3_store_new(&where, options, ret_store);
    return file_store_new(where.rest, options, ret_store);
}

void store_free(Store *store)
{
    if (!store)
        return;
    char *url = store->url;
    store->ops->free(store);
    free(url);
}

Str store_url_view(const Store *store)
{
    return str_of(store->url);
}

Error *store_head(Store *store, const Cancel *cancel, Str key, Arena *arena, ObjectInfo *ret_info)
{
    TRY(cancel_check(cancel));
    return store->ops->head(store, cancel, key, arena, ret_info);
}

Error *store_get(Store *store, const Cancel *cancel, Str key, ByteRange range, Str if_etag, Buffer *body)
{
    ASSERT(range.length_bytes > 0);
    TRY(cancel_check(cancel));
    size_t before = body->len;
    Error *err = store->ops->get(store, cancel, key, range, if_etag, body);
    if (err)
        body->len = before;
    return err;
}

Error *store_put(Store *store, const Cancel *cancel, Str key, const PutBody *body, const PutOptions *options)
{
    static const PutOptions defaults;
    TRY(cancel_check(cancel));
    return store->ops->put(store, cancel, key, body, options ? options : &defaults);
}

static Error *read_from_memory(void *context, uint64_t offset_bytes, uint8_t *out, size_t len)
{
    const Bytes *all = context;
    ASSERT(offset_bytes <= all->len && len <= all->len - offset_bytes);
    memcpy(out, all->data + offset_bytes, len);
    return NULL;
}

Error *store_put_bytes(Store *store, const Cancel *cancel, Str key, Bytes body, const PutOptions *options)
{
    PutBody from_memory = {.size_bytes = body.len, .read_at = read_from_memory, .context = &body};
    return store_put(store, cancel, key, &from_memory, options);
}

Error *store_check_put(Store *store, Str key, const PutOptions *options)
{
    return store->ops->check_put ? store->ops->check_put(store, key, options) : NULL;
}

Error *store_delete(Store *store, const Cancel *cancel, Str key)
{
    TRY(cancel_check(cancel));
    return store->ops->remove(store, cancel, key);
}

Error *store_list_with(Store *store, const Cancel *cancel, const ListOptions *options, StoreListFn *each, void *context)
{
    ASSERT(!options->versions || (options->delimiter.len == 0 && options->parallel <= 1));
    TRY(cancel_check(cancel));
    return store->ops->list(store, cancel, options, each, context);
}

Error *store_list_buckets(const StoreOptions *options, const Cancel *cancel, StoreListFn *each, void *context)
{
    TRY(cancel_check(cancel));
    return s3_list_buckets(options, cancel, each, context);
}

Error *store_list(Store *store, const Cancel *cancel, Str prefix, Str start_after, StoreListFn *each, void *context)
{
    ListOptions options = {.prefix = prefix, .start_after = start_after};
    return store_list_with(store, cancel, &options, each, context);
}

MUST_USE static Error *unsupported(const Store *store, const char *what)
{
    return FAIL(UNSUPPORTED, "'%s': this kind of place has no %s", store->url, what);
}

const Str *metadata_find_view(Metadata metadata, Str name)
{
    for (size_t i = 0; i < metadata.count; i++)
        if (str_equal_nocase(metadata.entries[i].name, name))
            return &metadata.entries[i].value;
    return NULL;
}

Error *store_copy(Store *store, const Cancel *cancel, Str key, Store *from, Str from_key, const CopyOptions *options)
{
    static const CopyOptions defaults;
    TRY(cancel_check(cancel));
    if (!store->ops->copy)
        return unsupported(store, "copies of its own");
    return store->ops->copy(store, cancel, key, from, from_key, options ? options : &defaults);
}

Error *store_delete_many(Store *store, const Cancel *cancel, const Str *keys, size_t count, StoreDeletedFn *each,
                         void *context)
{
    if (store->ops->remove_many)
        return store->ops->remove_many(store, cancel, keys, count, each, context);
    for (size_t i = 0; i < count; i++)
        TRY(each(context, keys[i], store_delete(store, cancel, keys[i])));
    return NULL;
}

Error *store_get_tags(Store *store, const Cancel *cancel, Str key, Arena *arena, Str *ret_tags)
{
    TRY(cancel_check(cancel));
    return store->ops->get_tags ? store->ops->get_tags(store, cancel, key, arena, ret_tags)
                                : unsupported(store, "tags");
}

Error *store_put_tags(Store *store, const Cancel *cancel, Str key, Str tags)
{
    TRY(cancel_check(cancel));
    return store->ops->put_tags ? store->ops->put_tags(store, cancel, key, tags) : unsupported(store, "tags");
}

Error *store_bucket_has(Store *store, const Cancel *cancel, BucketFeature feature, bool *ret_has)
{
    TRY(cancel_check(cancel));
    return store->ops->bucket_has ? store->ops->bucket_has(store, cancel, feature, ret_has)
                                  : unsupported(store, "buckets");
}

Error *store_list_uploads(Store *store, const Cancel *cancel, Str prefix, StoreUploadFn *each, void *context)
{
    TRY(cancel_check(cancel));
    return store->ops->list_uploads ? store->ops->list_uploads(store, cancel, prefix, each, context) : NULL;
}

Error *store_abort_upload(Store *store, const Cancel *cancel, Str key, Str upload_id)
{
    TRY(cancel_check(cancel));
    return store->ops->abort_upload ? store->ops->abort_upload(store, cancel, key, upload_id)
                                    : unsupported(store, "uploads");
}

Error *store_upload_parts(Store *store, const Cancel *cancel, Str key, Str upload_id, UploadParts *ret_parts)
{
    TRY(cancel_check(cancel));
    return store->ops->upload_parts ? store->ops->upload_parts(store, cancel, key, upload_id, ret_parts)
                                    : unsupported(store, "uploads");
}

StoreCounters store_counters(const Store *store)
{
    return store->ops->counters(store);
}

Error *store_batch_new(Store *store, const Cancel *cancel, StoreBatch **ret_batch)
{
    return store->ops->batch_new(store, cancel, ret_batch);
}

void store_batch_free(StoreBatch *batch)
{
    if (batch)
        batch->store->ops->batch_free(batch);
}

void store_batch_get(StoreBatch *batch, StoreFetch *fetch)
{
    ASSERT(fetch->range.length_bytes > 0 && !fetch->error && !fetch->backend);
    batch->store->ops->batch_get(batch, fetch);
}

StoreFetch *store_batch_next(StoreBatch *batch)
{
    return batch->store->ops->batch_next(batch);
}

typedef struct SerialBatch {
    StoreBatch base;
    StoreFetch *first, *last;
} SerialBatch;

Error *serial_batch_new(Store *store, const Cancel *cancel, StoreBatch **ret_batch)
{
    SerialBatch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        return FAIL(NO_MEMORY, "a batch of reads: out of memory");
    batch->base = (StoreBatch){store, cancel};
    *ret_batch = &batch->base;
    return NULL;
}

void serial_batch_free(StoreBatch *batch)
{
    free(batch);
}

void serial_batch_get(StoreBatch *base, StoreFetch *fetch)
{
    SerialBatch *batch = (SerialBatch *)base;
    fetch->next = NULL;
    if (batch->last)
        batch->last->next = fetch;
    else
        batch->first = fetch;
    batch->last = fetch;
}

MUST_USE static Error *serial_get(StoreBatch *base, StoreFetch *fetch)
{
    if (fetch->version_id.len > 0)
        return unsupported(base->store, "versions");
    return store_get(base->store, base->cancel, fetch->key, fetch->range, fetch->if_etag, &fetch->body);
}

/* Through a window, so that memory does not grow with the object. */
MUST_USE static Error *serial_pump(StoreBatch *base, const StoreFetch *fetch, const ObjectInfo *info)
{
    CLEANUP(buffer_done) Buffer window = {0};
    Str etag = fetch->if_etag.len > 0 ? fetch->if_etag : info->etag;
    uint64_t at = fetch->range.offset_bytes, size = info->size_bytes;
    uint64_t end = fetch->range.length_bytes < size - MIN(at, size) ? at + fetch->range.length_bytes : size;
    bool first = true;

    for (; first || at < end; first = false) {
        ByteRange range = {at, MAX(MIN(end - MIN(at, end), (uint64_t)SINK_WINDOW_BYTES), 1)};
        buffer_clear(&window);
        TRY(store_get(base->store, base->cancel, fetch->key, range, etag, &window));
        if (first)
            TRY(fetch->sink.begin(fetch->sink.context, 0, info));
        TRY(fetch->sink.write(fetch->sink.context, buffer_bytes(&window)));
        at += range.length_bytes;
    }
    return NULL;
}

MUST_USE static Error *serial_get_to_sink(StoreBatch *base, StoreFetch *fetch)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(INFO_ARENA_BYTES);
    ObjectInfo info;
    if (!arena)
        return FAIL(NO_MEMORY, "read '" STR_FMT "': out of memory", STR_ARG(fetch->key));
    if (fetch->version_id.len > 0)
        return unsupported(base->store, "versions");
    TRY(store_head(base->store, base->cancel, fetch->key, arena, &info));
    return fetch->describe ? fetch->sink.begin(fetch->sink.context, 0, &info) : serial_pump(base, fetch, &info);
}

StoreFetch *serial_batch_next(StoreBatch *base)
{
    SerialBatch *batch = (SerialBatch *)base;
    StoreFetch *fetch = batch->first;
    if (!fetch)
        return NULL;
    batch->first = fetch->next;
    if (!batch->first)
        batch->last = NULL;
    fetch->next = NULL;
    fetch->error = fetch->sink.begin ? serial_get_to_sink(base, fetch) : serial_get(base, fetch);
    return fetch;
}
