#include "store/store_trace.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "store/store_backend.h"

typedef struct TraceStore {
    Store base;
    Store *inner; /* fixed, as the next two */
    Log *log;
    const Clock *clock;
    atomic_uint_fast64_t heads, gets, puts, copies, deletes, lists, others, objects_listed, failed;
} TraceStore;

static TraceStore *trace_store_of(Store *store)
{
    return (TraceStore *)store;
}

/* A call that is under way. */
typedef struct Span {
    TraceStore *store;
    const char *verb;
    Str key;
    int64_t begin_us;
} Span;

static Span span_begin(TraceStore *store, const char *verb, atomic_uint_fast64_t *counter, Str key)
{
    atomic_fetch_add(counter, 1);
    return (Span){store, verb, key, clock_monotonic_us(store->clock)};
}

/* Passes the error through. */
MUST_USE static Error *span_end(const Span *span, uint64_t size_bytes, Error *err)
{
    TraceStore *store = span->store;
    if (err)
        atomic_fetch_add(&store->failed, 1);
    if (!log_wants(store->log, LOG_DEBUG))
        return err;
    log_write(store->log, LOG_DEBUG, "%s '" STR_FMT "' of '%s': %llu bytes, %lld us%s%s", span->verb,
              STR_ARG(span->key), store->inner->url, (unsigned long long)size_bytes,
              (long long)(clock_monotonic_us(store->clock) - span->begin_us), err ? ": " : "", error_message_view(err));
    return err;
}

MUST_USE static Error *trace_head(Store *base, const Cancel *cancel, Str key, Arena *arena, ObjectInfo *ret_info)
{
    TraceStore *store = trace_store_of(base);
    Span span = span_begin(store, "head", &store->heads, key);
    return span_end(&span, 0, store_head(store->inner, cancel, key, arena, ret_info));
}

MUST_USE static Error *trace_get(Store *base, const Cancel *cancel, Str key, ByteRange range, Str if_etag, Buffer *body)
{
    TraceStore *store = trace_store_of(base);
    Span span = span_begin(store, "get", &store->gets, key);
    size_t before = body->len;
    Error *err = store_get(store->inner, cancel, key, range, if_etag, body);
    return span_end(&span, body->len - before, err);
}

MUST_USE static Error *trace_put(Store *base, const Cancel *cancel, Str key, const PutBody *body,
                                 const PutOptions *options)
{
    TraceStore *store = trace_store_of(base);
    Span span = span_begin(store, "put", &store->puts, key);
    return span_end(&span, body->size_bytes, store_put(store->inner, cancel, key, body, options));
}

MUST_USE static Error *trace_check_put(Store *base, Str key, const PutOptions *options)
{
    return store_check_put(trace_store_of(base)->inner, key, options);
}

MUST_USE static Error *trace_remove(Store *base, const Cancel *cancel, Str key)
{
    TraceStore *store = trace_store_of(base);
    Span span = span_begin(store, "delete", &store->deletes, key);
    return span_end(&span, 0, store_delete(store->inner, cancel, key));
}

static Error *trace_copy(Store *base, const Cancel *cancel, Str key, Store *from, Str from_key,
                         const CopyOptions *options);

/* Below the wrapper of the same kind, if there is one: a copy is made between what is wrapped. */
static Store *source_of(Store *from)
{
    return from->ops->copy == trace_copy ? trace_store_of(from)->inner : from;
}

MUST_USE static Error *trace_copy(Store *base, const Cancel *cancel, Str key, Store *from, Str from_key,
                                  const CopyOptions *options)
{
    TraceStore *store = trace_store_of(base);
    Span span = span_begin(store, "copy to", &store->copies, key);
    return span_end(&span, 0, store_copy(store->inner, cancel, key, source_of(from), from_key, options));
}

typedef struct TraceDeletion {
    TraceStore *store;
    StoreDeletedFn *each;
    void *context;
} TraceDeletion;

static Error *count_and_tell(void *context, Str key, Error *take_error)
{
    TraceDeletion *deletion = context;
    if (take_error)
        atomic_fetch_add(&deletion->store->failed, 1);
    return deletion->each(deletion->context, key, take_error);
}

MUST_USE static Error *trace_remove_many(Store *base, const Cancel *cancel, const Str *keys, size_t count,
                                         StoreDeletedFn *each, void *context)
{
    TraceStore *store = trace_store_of(base);
    TraceDeletion deletion = {store, each, context};
    Span span = span_begin(store, "delete many of", &store->deletes, count > 0 ? keys[0] : STR_EMPTY);
    atomic_fetch_add(&store->deletes, count - 1); /* span_begin counted one */
    return span_end(&span, 0, store_delete_many(store->inner, cancel, keys, count, count_and_tell, &deletion));
}

MUST_USE static Error *trace_get_tags(Store *base, const Cancel *cancel, Str key, Arena *arena, Str *ret_tags)
{
    TraceStore *store = trace_store_of(base);
    Span span = span_begin(store, "get tags of", &store->others, key);
    return span_end(&span, 0, store_get_tags(store->inner, cancel, key, arena, ret_tags));
}

MUST_USE static Error *trace_bucket_has(Store *base, const Cancel *cancel, BucketFeature feature, bool *ret_has)
{
    TraceStore *store = trace_store_of(base);
    Span span = span_begin(store, "ask the bucket of", &store->others, STR_EMPTY);
    return span_end(&span, 0, store_bucket_has(store->inner, cancel, feature, ret_has));
}

MUST_USE static Error *trace_put_tags(Store *base, const Cancel *cancel, Str key, Str tags)
{
    TraceStore *store = trace_store_of(base);
    Span span = span_begin(store, "put tags of", &store->others, key);
    return span_end(&span, 0, store_put_tags(store->inner, cancel, key, tags));
}

MUST_USE static Error *trace_list_uploads(Store *base, const Cancel *cancel, Str prefix, StoreUploadFn *each,
                                          void *context)
{
    TraceStore *store = trace_store_of(base);
    Span span = span_begin(store, "list uploads", &store->others, prefix);
    return span_end(&span, 0, store_list_uploads(store->inner, cancel, prefix, each, context));
}

MUST_USE static Error *trace_upload_parts(Store *base, const Cancel *cancel, Str key, Str upload_id,
                                          UploadParts *ret_parts)
{
    TraceStore *store = trace_store_of(base);
    Span span = span_begin(store, "list parts of", &store->others, key);
    return span_end(&span, 0, store_upload_parts(store->inner, cancel, key, upload_id, ret_parts));
}

MUST_USE static Error *trace_abort_upload(Store *base, const Cancel *cancel, Str key, Str upload_id)
{
    TraceStore *store = trace_store_of(base);
    Span span = span_begin(store, "abort upload of", &store->others, key);
    return span_end(&span, 0, store_abort_upload(store->inner, cancel, key, upload_id));
}

typedef struct TraceListing {
    TraceStore *store;
    StoreListFn *each;
    void *context;
} TraceListing;

static Error *count_and_show(void *context, const ObjectInfo *object)
{
    TraceListing *listing = context;
    atomic_fetch_add(&listing->store->objects_listed, 1);
    return listing->each(listing->context, object);
}

MUST_USE static Error *trace_list(Store *base, const Cancel *cancel, const ListOptions *options, StoreListFn *each,
                                  void *context)
{
    TraceStore *store = trace_store_of(base);
    TraceListing listing = {store, each, context};
    Span span = span_begin(store, "list", &store->lists, options->prefix);
    return span_end(&span, 0, store_list_with(store->inner, cancel, options, count_and_show, &listing));
}

static StoreCounters trace_counters(const Store *base)
{
    return store_counters(((const TraceStore *)base)->inner);
}

/* ---- batch: a call is told when it comes back, without its time ---- */

typedef struct TraceBatch {
    StoreBatch base;
    StoreBatch *inner;
} TraceBatch;

MUST_USE static Error *trace_batch_new(Store *base, const Cancel *cancel, StoreBatch **ret_batch)
{
    TraceBatch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        return FAIL(NO_MEMORY, "a batch of reads: out of memory");
    batch->base = (StoreBatch){base, cancel};
    Error *err = store_batch_new(trace_store_of(base)->inner, cancel, &batch->inner);
    if (err) {
        free(batch);
        return err;
    }
    *ret_batch = &batch->base;
    return NULL;
}

static void trace_batch_free(StoreBatch *base)
{
    TraceBatch *batch = (TraceBatch *)base;
    store_batch_free(batch->inner);
    free(batch);
}

static void trace_batch_get(StoreBatch *base, StoreFetch *fetch)
{
    store_batch_get(((TraceBatch *)base)->inner, fetch);
}

static StoreFetch *trace_batch_next(StoreBatch *base)
{
    TraceStore *store = trace_store_of(base->store);
    StoreFetch *fetch = store_batch_next(((TraceBatch *)base)->inner);
    if (!fetch)
        return NULL;
    atomic_fetch_add(&store->gets, 1);
    if (fetch->error)
        atomic_fetch_add(&store->failed, 1);
    log_debug(store->log, "get '" STR_FMT "' of '%s', in a batch: %zu bytes%s%s", STR_ARG(fetch->key),
              store->inner->url, fetch->body.len, fetch->error ? ": " : "", error_message_view(fetch->error));
    return fetch;
}

/* ---- the store ---- */

static void trace_free(Store *base)
{
    free(trace_store_of(base));
}

static const StoreOps trace_ops = {
    .free = trace_free,
    .head = trace_head,
    .get = trace_get,
    .put = trace_put,
    .check_put = trace_check_put,
    .remove = trace_remove,
    .copy = trace_copy,
    .bucket_has = trace_bucket_has,
    .remove_many = trace_remove_many,
    .get_tags = trace_get_tags,
    .put_tags = trace_put_tags,
    .list_uploads = trace_list_uploads,
    .upload_parts = trace_upload_parts,
    .abort_upload = trace_abort_upload,
    .list = trace_list,
    .counters = trace_counters,
    .batch_new = trace_batch_new,
    .batch_free = trace_batch_free,
    .batch_get = trace_batch_get,
    .batch_next = trace_batch_next,
};

Error *store_trace_new(Store *inner, Log *log, const Clock *clock, Store **ret_store)
{
    TraceStore *store = calloc(1, sizeof(*store));
    char *url = strdup(inner->url);
    if (!store || !url) {
        free(store);
        free(url);
        return FAIL(NO_MEMORY, "wrap '%s': out of memory", inner->url);
    }
    store->base = (Store){&trace_ops, url};
    store->inner = inner;
    store->log = log;
    store->clock = clock ? clock : clock_system();
    *ret_store = &store->base;
    return NULL;
}

StoreCalls store_trace_calls(const Store *base)
{
    ASSERT(base->ops == &trace_ops);
    const TraceStore *store = (const TraceStore *)base;
    return (StoreCalls){
        .heads = atomic_load(&store->heads),
        .gets = atomic_load(&store->gets),
        .puts = atomic_load(&store->puts),
        .copies = atomic_load(&store->copies),
        .deletes = atomic_load(&store->deletes),
        .lists = atomic_load(&store->lists),
        .others = atomic_load(&store->others),
        .objects_listed = atomic_load(&store->objects_listed),
        .failed = atomic_load(&store->failed),
    };
}
