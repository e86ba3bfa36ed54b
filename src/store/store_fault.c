#include "store/store_fault.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "store/store_backend.h"

typedef struct FaultStore {
    Store base;
    Store *inner; /* fixed, as the next */
    StoreFaults faults;
    pthread_mutex_t lock;
    Random random; /* under lock, as the next */
    uint64_t calls;
} FaultStore;

static FaultStore *fault_store_of(Store *store)
{
    return (FaultStore *)store;
}

/* What happens to one call, drawn all at once so that a rate of one kind does not shift the others. */
typedef struct Fate {
    bool error, delay, shorten, flip, lose;
    uint64_t dice;
    uint64_t call; /* its number */
} Fate;

static Fate draw(FaultStore *store)
{
    const StoreFaults *faults = &store->faults;
    pthread_mutex_lock(&store->lock);
    Random *random = &store->random;
    Fate fate = {.call = ++store->calls};
    fate.error = random_unit(random) < faults->error_rate || fate.call == faults->fail_call;
    fate.delay = random_unit(random) < faults->delay_rate;
    fate.shorten = random_unit(random) < faults->short_rate;
    fate.flip = random_unit(random) < faults->flip_rate;
    fate.lose = random_unit(random) < faults->lost_write_rate;
    fate.dice = random_u64(random);
    pthread_mutex_unlock(&store->lock);
    return fate;
}

MUST_USE static Error *injected(const FaultStore *store, const Fate *fate, Str key)
{
    ErrorCode code = store->faults.error_code == ERR_OK ? ERR_UNAVAILABLE : store->faults.error_code;
    return error_new(code, __FILE__, __LINE__, "'" STR_FMT "': injected failure of call %llu, seed %llu", STR_ARG(key),
                     (unsigned long long)fate->call, (unsigned long long)store->faults.seed);
}

/* Delay, then perhaps an error. */
MUST_USE static Error *suffer(FaultStore *store, const Cancel *cancel, Str key, Fate *ret_fate)
{
    *ret_fate = draw(store);
    if (ret_fate->delay && store->faults.delay_max_us > 0)
        TRY(sleep_us((int64_t)(ret_fate->dice % (uint64_t)store->faults.delay_max_us), cancel));
    return ret_fate->error ? injected(store, ret_fate, key) : NULL;
}

static void damage(const Fate *fate, size_t before, Buffer *body)
{
    size_t got = body->len - before;
    if (fate->flip && got > 0)
        body->data[before + fate->dice % got] ^= (uint8_t)(1U << (fate->dice >> 61));
    if (fate->shorten && got > 0)
        body->len = before + fate->dice % got;
}

MUST_USE static Error *fault_head(Store *base, const Cancel *cancel, Str key, Arena *arena, ObjectInfo *ret_info)
{
    FaultStore *store = fault_store_of(base);
    Fate fate;
    TRY(suffer(store, cancel, key, &fate));
    return store_head(store->inner, cancel, key, arena, ret_info);
}

MUST_USE static Error *fault_get(Store *base, const Cancel *cancel, Str key, ByteRange range, Str if_etag, Buffer *body)
{
    FaultStore *store = fault_store_of(base);
    size_t before = body->len;
    Fate fate;
    TRY(suffer(store, cancel, key, &fate));
    TRY(store_get(store->inner, cancel, key, range, if_etag, body));
    damage(&fate, before, body);
    return NULL;
}

MUST_USE static Error *fault_put(Store *base, const Cancel *cancel, Str key, const PutBody *body,
                                 const PutOptions *options)
{
    FaultStore *store = fault_store_of(base);
    Fate fate;
    TRY(suffer(store, cancel, key, &fate));
    return fate.lose ? NULL : store_put(store->inner, cancel, key, body, options);
}

MUST_USE static Error *fault_check_put(Store *base, Str key, const PutOptions *options)
{
    return store_check_put(fault_store_of(base)->inner, key, options);
}

MUST_USE static Error *fault_remove(Store *base, const Cancel *cancel, Str key)
{
    FaultStore *store = fault_store_of(base);
    Fate fate;
    TRY(suffer(store, cancel, key, &fate));
    return fate.lose ? NULL : store_delete(store->inner, cancel, key);
}

static Error *fault_copy(Store *base, const Cancel *cancel, Str key, Store *from, Str from_key,
                         const CopyOptions *options);

/* Below the wrapper of the same kind, if there is one: a copy is made between what is wrapped. */
static Store *source_of(Store *from)
{
    return from->ops->copy == fault_copy ? fault_store_of(from)->inner : from;
}

MUST_USE static Error *fault_copy(Store *base, const Cancel *cancel, Str key, Store *from, Str from_key,
                                  const CopyOptions *options)
{
    FaultStore *store = fault_store_of(base);
    Fate fate;
    TRY(suffer(store, cancel, key, &fate));
    return fate.lose ? NULL : store_copy(store->inner, cancel, key, source_of(from), from_key, options);
}

MUST_USE static Error *fault_bucket_has(Store *base, const Cancel *cancel, BucketFeature feature, bool *ret_has)
{
    FaultStore *store = fault_store_of(base);
    Fate fate;
    TRY(suffer(store, cancel, STR_EMPTY, &fate));
    return store_bucket_has(store->inner, cancel, feature, ret_has);
}

/* Each key has a fate of its own; those that meet none are left to the inner store together. */
MUST_USE static Error *fault_remove_many(Store *base, const Cancel *cancel, const Str *keys, size_t count,
                                         StoreDeletedFn *each, void *context)
{
    FaultStore *store = fault_store_of(base);
    CLEANUP(cleanup_free) Str *spared = calloc(count > 0 ? count : 1, sizeof(*spared));
    size_t spared_count = 0;
    if (!spared)
        return FAIL(NO_MEMORY, "delete %zu objects: out of memory", count);
    for (size_t i = 0; i < count; i++) {
        Fate fate;
        Error *err = suffer(store, cancel, keys[i], &fate);
        if (err || fate.lose)
            TRY(each(context, keys[i], err));
        else
            spared[spared_count++] = keys[i];
    }
    return store_delete_many(store->inner, cancel, spared, spared_count, each, context);
}

MUST_USE static Error *fault_get_tags(Store *base, const Cancel *cancel, Str key, Arena *arena, Str *ret_tags)
{
    FaultStore *store = fault_store_of(base);
    Fate fate;
    TRY(suffer(store, cancel, key, &fate));
    return store_get_tags(store->inner, cancel, key, arena, ret_tags);
}

MUST_USE static Error *fault_put_tags(Store *base, const Cancel *cancel, Str key, Str tags)
{
    FaultStore *store = fault_store_of(base);
    Fate fate;
    TRY(suffer(store, cancel, key, &fate));
    return fate.lose ? NULL : store_put_tags(store->inner, cancel, key, tags);
}

MUST_USE static Error *fault_list_uploads(Store *base, const Cancel *cancel, Str prefix, StoreUploadFn *each,
                                          void *context)
{
    FaultStore *store = fault_store_of(base);
    Fate fate;
    TRY(suffer(store, cancel, prefix, &fate));
    return store_list_uploads(store->inner, cancel, prefix, each, context);
}

MUST_USE static Error *fault_upload_parts(Store *base, const Cancel *cancel, Str key, Str upload_id,
                                          UploadParts *ret_parts)
{
    FaultStore *store = fault_store_of(base);
    Fate fate;
    TRY(suffer(store, cancel, key, &fate));
    return store_upload_parts(store->inner, cancel, key, upload_id, ret_parts);
}

MUST_USE static Error *fault_abort_upload(Store *base, const Cancel *cancel, Str key, Str upload_id)
{
    FaultStore *store = fault_store_of(base);
    Fate fate;
    TRY(suffer(store, cancel, key, &fate));
    return fate.lose ? NULL : store_abort_upload(store->inner, cancel, key, upload_id);
}

/* A listing that is to fail does so at one of its first 1,000 objects, or at its end. */
typedef struct FaultListing {
    const FaultStore *store;
    const Fate *fate;
    uint64_t objects_left;
    StoreListFn *each;
    void *context;
} FaultListing;

static Error *show_or_fail(void *context, const ObjectInfo *object)
{
    FaultListing *listing = context;
    if (listing->fate->error && listing->objects_left-- == 0)
        return injected(listing->store, listing->fate, object->key);
    return listing->each(listing->context, object);
}

MUST_USE static Error *fault_list(Store *base, const Cancel *cancel, const ListOptions *options, StoreListFn *each,
                                  void *context)
{
    FaultStore *store = fault_store_of(base);
    Fate fate;
    Error *err = suffer(store, cancel, options->prefix, &fate);
    if (error_code(err) == ERR_CANCELLED)
        return err;
    FaultListing listing = {store, &fate, fate.dice % 1000, each, context};
    Error *list_err = store_list_with(store->inner, cancel, options, show_or_fail, &listing);
    if (!list_err)
        return err; /* too short for its failure, which comes now */
    error_free(err);
    return list_err;
}

static StoreCounters fault_counters(const Store *base)
{
    return store_counters(((const FaultStore *)base)->inner);
}

/* ---- batch: faults strike when a fetch comes back ---- */

typedef struct FaultBatch {
    StoreBatch base;
    StoreBatch *inner;
} FaultBatch;

MUST_USE static Error *fault_batch_new(Store *base, const Cancel *cancel, StoreBatch **ret_batch)
{
    FaultBatch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        return FAIL(NO_MEMORY, "a batch of reads: out of memory");
    batch->base = (StoreBatch){base, cancel};
    Error *err = store_batch_new(fault_store_of(base)->inner, cancel, &batch->inner);
    if (err) {
        free(batch);
        return err;
    }
    *ret_batch = &batch->base;
    return NULL;
}

static void fault_batch_free(StoreBatch *base)
{
    FaultBatch *batch = (FaultBatch *)base;
    store_batch_free(batch->inner);
    free(batch);
}

static void fault_batch_get(StoreBatch *base, StoreFetch *fetch)
{
    store_batch_get(((FaultBatch *)base)->inner, fetch);
}

static StoreFetch *fault_batch_next(StoreBatch *base)
{
    FaultStore *store = fault_store_of(base->store);
    StoreFetch *fetch = store_batch_next(((FaultBatch *)base)->inner);
    Fate fate;
    if (!fetch || fetch->error)
        return fetch;
    fetch->error = suffer(store, base->cancel, fetch->key, &fate);
    if (fetch->error)
        buffer_clear(&fetch->body);
    else
        damage(&fate, 0, &fetch->body);
    return fetch;
}

/* ---- the store ---- */

static void fault_free(Store *base)
{
    FaultStore *store = fault_store_of(base);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

static const StoreOps fault_ops = {
    .free = fault_free,
    .head = fault_head,
    .get = fault_get,
    .put = fault_put,
    .check_put = fault_check_put,
    .remove = fault_remove,
    .copy = fault_copy,
    .bucket_has = fault_bucket_has,
    .remove_many = fault_remove_many,
    .get_tags = fault_get_tags,
    .put_tags = fault_put_tags,
    .list_uploads = fault_list_uploads,
    .upload_parts = fault_upload_parts,
    .abort_upload = fault_abort_upload,
    .list = fault_list,
    .counters = fault_counters,
    .batch_new = fault_batch_new,
    .batch_free = fault_batch_free,
    .batch_get = fault_batch_get,
    .batch_next = fault_batch_next,
};

Error *store_fault_new(Store *inner, const StoreFaults *faults, Store **ret_store)
{
    FaultStore *store = calloc(1, sizeof(*store));
    char *url = strdup(inner->url);
    if (!store || !url) {
        free(store);
        free(url);
        return FAIL(NO_MEMORY, "wrap '%s': out of memory", inner->url);
    }
    store->base = (Store){&fault_ops, url};
    store->inner = inner;
    store->faults = *faults;
    pthread_mutex_init(&store->lock, NULL);
    random_init_seed(&store->random, faults->seed);
    *ret_store = &store->base;
    return NULL;
}

uint64_t store_fault_calls(Store *base)
{
    ASSERT(base->ops == &fault_ops);
    FaultStore *store = fault_store_of(base);
    pthread_mutex_lock(&store->lock);
    uint64_t calls = store->calls;
    pthread_mutex_unlock(&store->lock);
    return calls;
}
