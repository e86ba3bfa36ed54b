#include "store/s3/s3_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/s3/bucket_has.h"
#include "store/s3/copy.h"
#include "store/s3/delete_many.h"
#include "store/s3/get.h"
#include "store/s3/head.h"
#include "store/s3/put.h"
#include "store/s3/request.h"
#include "store/s3/s3_list.h"
#include "store/s3/tags.h"
#include "store/s3/uploads.h"

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
    return s3_list(s3_client_of(store), cancel, options, each, context);
}

/* ---- the store ---- */

static StoreCounters s3_counters(const Store *store)
{
    const S3Client *client = &((const S3Store *)store)->client;
    HttpCounters http = http_client_counters(client->http);
    return (StoreCounters){
        .requests = atomic_load(&client->requests),
        .retries = atomic_load(&client->retries),
        .bytes_in = atomic_load(&client->bytes_in),
        .bytes_out = atomic_load(&client->bytes_out),
        .stray_uploads = atomic_load(&client->stray_uploads),
        .limit = http.limit,
        .limit_cause = http_limit_cause_name(http.limit_cause),
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
    .check_put = s3_check_put,
    .remove = s3_remove,
    .remove_many = s3_delete_many,
    .list_uploads = s3_list_uploads,
    .upload_parts = s3_upload_parts,
    .abort_upload = s3_abort_upload,
    .copy = s3_copy,
    .bucket_has = s3_bucket_has,
    .get_tags = s3_get_tags,
    .put_tags = s3_put_tags,
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
