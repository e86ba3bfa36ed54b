#include "store/s3/get.h"

#include <stdlib.h>

#include "store/s3/request.h"
#include "store/s3/s3_store.h"

Error *s3_get(Store *store, const Cancel *cancel, Str key, ByteRange range, Str if_etag, Buffer *body)
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

/* ---- many reads at once ---- */

typedef struct S3Batch {
    StoreBatch base;
    HttpCompletions completions;
    S3Request **idle; /* requests to use again, with their memory */
    size_t idle_count, idle_max;
    size_t made;
    StoreFetch *refused; /* ended before they were submitted */
} S3Batch;

Error *s3_batch_new(Store *store, const Cancel *cancel, StoreBatch **ret_batch)
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

void s3_batch_get(StoreBatch *base, StoreFetch *fetch)
{
    S3Batch *batch = (S3Batch *)base;
    fetch->error = submit(batch, fetch);
    if (!fetch->error)
        return;
    fetch->next = batch->refused;
    batch->refused = fetch;
}

StoreFetch *s3_batch_next(StoreBatch *base)
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

void s3_batch_free(StoreBatch *base)
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
