#include "store/s3/s3_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/s3/get.h"
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
