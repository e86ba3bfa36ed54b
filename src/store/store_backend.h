/* store_backend.h - what stands behind store.h: a table of functions for each kind of store.
 *
 * A backend's struct begins with a Store and is made by its own `x_store_new`. store.c checks that a call is well formed
 * and goes through the table; what a key may be is the backend's to say. Contracts are those of store.h. A wrapper
 * (store_fault.h, store_trace.h) implements the same table over another Store. */
#ifndef STORE_STORE_BACKEND_H
#define STORE_STORE_BACKEND_H

#include "store/options.h"
#include "store/store.h"

typedef struct StoreOps {
    void (*free)(Store *store);
    MUST_USE Error *(*head)(Store *store, const Cancel *cancel, Str key, Arena *arena, ObjectInfo *ret_info);
    MUST_USE Error *(*get)(Store *store, const Cancel *cancel, Str key, ByteRange range, Str if_etag, Buffer *body);
    /* `options` is never NULL here. */
    MUST_USE Error *(*put)(Store *store, const Cancel *cancel, Str key, const PutBody *body, const PutOptions *options);
    MUST_USE Error *(*remove)(Store *store, const Cancel *cancel, Str key);
    /* A backend lists all keys in order; delimiter and versions are its own to honour or refuse, `parallel` is a wish. */
    MUST_USE Error *(*list)(Store *store, const Cancel *cancel, const ListOptions *options, StoreListFn *each,
                            void *context);
    /* Any of these may be NULL: UNSUPPORTED; for uploads none, for check_put no objection. Without remove_many the keys go one by one. */
    MUST_USE Error *(*check_put)(Store *store, Str key, const PutOptions *options);
    MUST_USE Error *(*copy)(Store *store, const Cancel *cancel, Str key, Store *from, Str from_key,
                            const CopyOptions *options);
    MUST_USE Error *(*remove_many)(Store *store, const Cancel *cancel, const Str *keys, size_t count,
                                   StoreDeletedFn *each, void *context);
    MUST_USE Error *(*get_tags)(Store *store, const Cancel *cancel, Str key, Arena *arena, Str *ret_tags);
    MUST_USE Error *(*put_tags)(Store *store, const Cancel *cancel, Str key, Str tags);
    MUST_USE Error *(*bucket_has)(Store *store, const Cancel *cancel, BucketFeature feature, bool *ret_has);
    MUST_USE Error *(*list_uploads)(Store *store, const Cancel *cancel, Str prefix, StoreUploadFn *each, void *context);
    MUST_USE Error *(*upload_parts)(Store *store, const Cancel *cancel, Str key, Str upload_id, UploadParts *ret_parts);
    MUST_USE Error *(*abort_upload)(Store *store, const Cancel *cancel, Str key, Str upload_id);
    StoreCounters (*counters)(const Store *store);
    MUST_USE Error *(*batch_new)(Store *store, const Cancel *cancel, StoreBatch **ret_batch);
    void (*batch_free)(StoreBatch *batch);
    void (*batch_get)(StoreBatch *batch, StoreFetch *fetch);
    StoreFetch *(*batch_next)(StoreBatch *batch);
} StoreOps;

struct Store {
    const StoreOps *ops;
    char *url; /* what store_url_view shows; malloc'ed, freed by store_free after `ops->free` */
};

struct StoreBatch {
    Store *store;
    const Cancel *cancel;
};

/* A batch that gets one object after the other when asked for the next: for stores where waiting costs nothing. Fills the four
 * `batch_` places of a table. */
MUST_USE Error *serial_batch_new(Store *store, const Cancel *cancel, StoreBatch **ret_batch);
void serial_batch_free(StoreBatch *batch);
void serial_batch_get(StoreBatch *batch, StoreFetch *fetch);
StoreFetch *serial_batch_next(StoreBatch *batch);

#endif
