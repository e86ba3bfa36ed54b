#include "store/s3/s3_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/s3/metadata.h"
#include "store/s3/put.h"
#include "store/s3/request.h"
#include "store/s3/s3_list.h"

static Str etag_without_quotes(Str etag)
{
    if (str_starts_with(etag, STR("W/")))
        etag = str_slice(etag, 2, etag.len);
    bool quoted = etag.len >= 2 && etag.data[0] == '"' && etag.data[etag.len - 1] == '"';
    return quoted ? str_slice(etag, 1, etag.len - 1) : etag;
}

/* ---- reading ---- */

MUST_USE static Error *read_info(const HttpResponse *response, Str key, Arena *arena, ObjectInfo *ret_info)
{
    if (response->content_length == HTTP_LENGTH_UNKNOWN)
        return FAIL(CORRUPT, "'" STR_FMT "': the server does not say how long the object is", STR_ARG(key));
    ObjectInfo info = {
        .key = arena_str(arena, key),
        .size_bytes = response->content_length,
        .modified_us = response->last_modified_us == HTTP_TIME_UNKNOWN ? 0 : response->last_modified_us,
        .etag = arena_str(arena, etag_without_quotes(response->header[HTTP_ETAG])),
        .headers.content_type = arena_str(arena, response->header[HTTP_CONTENT_TYPE]),
    };
    if (!info.key.data || !info.etag.data || !info.headers.content_type.data)
        return arena_error(arena);
    TRY(metadata_from_response(response, arena, &info.metadata));
    *ret_info = info;
    return NULL;
}

MUST_USE static Error *s3_head(Store *store, const Cancel *cancel, Str key, Arena *arena, ObjectInfo *ret_info)
{
    CLEANUP(s3_request_done)
    S3Request request = {.client = s3_client_of(store), .operation = &s3_head_object, .key = key};
    TRY(s3_request_run(&request, cancel));
    return read_info(&request.exchange.response, key, arena, ret_info);
}

MUST_USE static Error *s3_get(Store *store, const Cancel *cancel, Str key, ByteRange range, Str if_etag, Buffer *body)
{
    CLEANUP(s3_request_done)
    S3Request request = {
        .client = s3_client_of(store),
        .operation = &s3_get_object,
        .key = key,
        .range = range,
        .if_etag = if_etag,
        .body = body,
    };
    return s3_request_run(&request, cancel);
}

/* ---- deleting, listing ---- */

MUST_USE static Error *s3_remove(Store *store, const Cancel *cancel, Str key)
{
    CLEANUP(s3_request_done)
    S3Request request = {.client = s3_client_of(store), .operation = &s3_delete_object, .key = key};
    return s3_request_run(&request, cancel);
}

MUST_USE static Error *s3_store_list(Store *store, const Cancel *cancel, const ListOptions *options, StoreListFn *each,
                                     void *context)
{
    return s3_list(s3_client_of(store), cancel, options->prefix, options->start_after, each, context);
}

/* ---- many reads at once ---- */

typedef struct S3Batch {
    StoreBatch base;
    HttpCompletions completions;
    S3Request **idle; /* requests to use again, with their memory */
    size_t idle_count, idle_max;
    size_t made;
    StoreFetch *refused; /* ended before they were submitted */
} S3Batch;

MUST_USE static Error *s3_batch_new(Store *store, const Cancel *cancel, StoreBatch **ret_batch)
{
    S3Batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        return FAIL(NO_MEMORY, "a batch of reads: out of memory");
    batch->base = (StoreBatch){store, cancel};
    http_completions_init(&batch->completions);
    *ret_batch = &batch->base;
    return NULL;
}

/* NULL without memory. There is room in `idle` for every request that was made, so that giving one back cannot fail. */
static S3Request *make_request(S3Batch *batch)
{
    if (batch->made == batch->idle_max) {
        size_t grown_max = batch->idle_max ? batch->idle_max * 2 : 64;
        S3Request **grown = reallocarray(batch->idle, grown_max, sizeof(*grown));
        if (!grown)
            return NULL;
        batch->idle = grown;
        batch->idle_max = grown_max;
    }
    S3Request *request = calloc(1, sizeof(*request));
    if (!request)
        return NULL;
    request->client = s3_client_of(batch->base.store);
    request->operation = &s3_get_object;
    batch->made++;
    return request;
}

static void give_back(S3Batch *batch, S3Request *request)
{
    ASSERT(batch->idle_count < batch->idle_max);
    batch->idle[batch->idle_count++] = request;
}

MUST_USE static Error *submit(S3Batch *batch, StoreFetch *fetch)
{
    S3Request *request = batch->idle_count > 0 ? batch->idle[--batch->idle_count] : make_request(batch);
    if (!request)
        return FAIL(NO_MEMORY, "read '" STR_FMT "': out of memory", STR_ARG(fetch->key));
    request->key = fetch->key;
    request->range = fetch->range;
    request->if_etag = fetch->if_etag;
    request->body = &fetch->body;
    request->user = fetch;
    Error *err = s3_request_begin(request);
    if (err) {
        give_back(batch, request);
        return err;
    }
    request->exchange.cancel = batch->base.cancel;
    fetch->backend = request;
    http_submit(request->client->http, &batch->completions, &request->exchange);
    return NULL;
}

static void s3_batch_get(StoreBatch *base, StoreFetch *fetch)
{
    S3Batch *batch = (S3Batch *)base;
    fetch->error = submit(batch, fetch);
    if (!fetch->error)
        return;
    fetch->next = batch->refused;
    batch->refused = fetch;
}

static StoreFetch *s3_batch_next(StoreBatch *base)
{
    S3Batch *batch = (S3Batch *)base;
    StoreFetch *fetch = batch->refused;
    if (fetch) {
        batch->refused = fetch->next;
        fetch->next = NULL;
        return fetch;
    }
    HttpExchange *exchange = http_next_completed(&batch->completions);
    if (!exchange)
        return NULL;
    S3Request *request = exchange->context;
    Error *err = exchange->error;
    exchange->error = NULL;
    fetch = request->user;
    fetch->error = s3_request_end(request, err);
    fetch->backend = NULL;
    give_back(batch, request);
    return fetch;
}

static void s3_batch_free(StoreBatch *base)
{
    S3Batch *batch = (S3Batch *)base;
    StoreFetch *fetch;
    while ((fetch = s3_batch_next(base)) != NULL) {
        error_free(fetch->error); /* nobody waits for these any more */
        fetch->error = NULL;
    }
    for (size_t i = 0; i < batch->idle_count; i++) {
        s3_request_done(batch->idle[i]);
        free(batch->idle[i]);
    }
    free(batch->idle);
    http_completions_done(&batch->completions);
    free(batch);
}

/* ---- the store ---- */

static StoreCounters s3_counters(const Store *store)
{
    const S3Client *client = &((const S3Store *)store)->client;
    return (StoreCounters){
        .requests = atomic_load(&client->requests),
        .retries = atomic_load(&client->retries),
        .bytes_in = atomic_load(&client->bytes_in),
        .bytes_out = atomic_load(&client->bytes_out),
    };
}

static void s3_free(Store *store)
{
    s3_client_done(s3_client_of(store));
    free(store);
}

static const StoreOps s3_ops = {
    .free = s3_free,
    .head = s3_head,
    .get = s3_get,
    .put = s3_put,
    .remove = s3_remove,
    .list = s3_store_list,
    .counters = s3_counters,
    .batch_new = s3_batch_new,
    .batch_free = s3_batch_free,
    .batch_get = s3_batch_get,
    .batch_next = s3_batch_next,
};

Error *s3_store_new(const StoreUrl *url, const StoreOptions *options, Store **ret_store)
{
    S3Store *store = calloc(1, sizeof(*store));
    char *text = NULL;
    if (!store || asprintf(&text, "s3://" STR_FMT "/" STR_FMT, STR_ARG(url->bucket), STR_ARG(url->rest)) < 0) {
        free(store);
        return FAIL(NO_MEMORY, "open 's3://" STR_FMT "': out of memory", STR_ARG(url->bucket));
    }
    Error *err = s3_client_init(&store->client, url->bucket, url->rest, options);
    if (err) {
        free(text);
        free(store);
        return err;
    }
    store->base = (Store){&s3_ops, text};
    *ret_store = &store->base;
    return NULL;
}
