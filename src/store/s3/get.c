#include "store/s3/get.h"

#include <stdlib.h>

#include "store/s3/head.h"
#include "store/s3/request.h"
#include "store/s3/s3_store.h"
#include "store/s3/uri.h"

#define DESCRIBE_ARENA_BYTES ((size_t)1 * MIB)

/* One read: the request, where its bytes go, and what they must add up to. */
typedef struct Get {
    S3Request request;
    StoreSink sink; /* when `begin` is set; else ... */
    HttpSink into;  /* ... this, over `buffer_sink` */
    HttpBufferSink buffer_sink;
    Checksum expected; /* by the attempt that began at the first byte; CHECKSUM_NONE: nothing to compare with */
    ChecksumState state;
    unsigned mismatches;
    Buffer query;
    StoreFetch *fetch; /* of a batch */
} Get;

static void get_done(Get *get)
{
    s3_request_done(&get->request);
    buffer_done(&get->query);
}

/* ---- what the content is proven by ---- */

/* What a whole object's bytes must add up to; CHECKSUM_NONE where the server gives nothing. */
static Checksum checksum_of_answer(const Get *get)
{
    Checksum checksum = s3_answer_checksum(get->request.client, &get->request.exchange.response);
    return checksum.parts == 0 ? checksum : (Checksum){0};
}

static Error *mismatch_error(const Get *get, const Checksum *got)
{
    const HttpResponse *response = &get->request.exchange.response;
    char wanted_text[CHECKSUM_TEXT_MAX_BYTES + 8], got_text[CHECKSUM_TEXT_MAX_BYTES + 8];
    checksum_text(&get->expected, wanted_text);
    checksum_text(got, got_text);
    return FAIL(CORRUPT,
                "the bytes that came are not those that the server promised: their %s is %s, not %s (request id "
                "'" STR_FMT "', '" STR_FMT "')",
                checksum_name(got->kind), got_text, wanted_text, STR_ARG(response->header[HTTP_REQUEST_ID]),
                STR_ARG(response->header[HTTP_REQUEST_ID_2]));
}

/* Bytes that are wrong are asked for once more, over another connection: what damages them may sit on the way. */
static HttpVerdict verify(void *user, Error **ret_error)
{
    Get *get = user;
    if (get->expected.kind == CHECKSUM_NONE)
        return HTTP_ACCEPT;
    Checksum got = checksum_end(&get->state);
    if (checksum_equal(&got, &get->expected))
        return HTTP_ACCEPT;
    *ret_error = mismatch_error(get, &got);
    get->request.exchange.fresh_connection = true;
    return get->mismatches++ == 0 ? HTTP_RETRY : HTTP_FAIL;
}

/* ---- where the bytes go ---- */

/* What the answer says of the object; borrowed from it. */
static ObjectInfo info_of_answer(const Get *get)
{
    const HttpResponse *response = &get->request.exchange.response;
    return (ObjectInfo){
        .key = get->request.key,
        .size_bytes = response->status == 206 ? response->range_total : response->content_length,
        .modified_us = response->last_modified_us == HTTP_TIME_UNKNOWN ? 0 : response->last_modified_us,
        .etag = s3_answer_etag(response),
        .version_id = http_response_amz(response, STR("x-amz-version-id")),
        .headers.content_type = response->header[HTTP_CONTENT_TYPE],
        .checksum = response->status == 206 ? (Checksum){0} : checksum_of_answer(get),
    };
}

static Error *get_begin(void *context, uint64_t offset_bytes, uint64_t length_bytes)
{
    Get *get = context;
    if (offset_bytes == 0) {
        bool whole = get->request.exchange.response.status != 206;
        get->expected = whole ? checksum_of_answer(get) : (Checksum){0};
        if (get->expected.kind != CHECKSUM_NONE)
            checksum_begin(&get->state, get->expected.kind);
    }
    if (!get->sink.begin)
        return get->into.calls->begin(get->into.context, offset_bytes, length_bytes);
    ObjectInfo info = info_of_answer(get);
    return get->sink.begin(get->sink.context, offset_bytes, &info);
}

static Error *get_write(void *context, Bytes data, size_t *taken_bytes)
{
    Get *get = context;
    if (get->expected.kind != CHECKSUM_NONE)
        checksum_add(&get->state, data);
    return get->sink.begin ? get->sink.write(get->sink.context, data)
                           : get->into.calls->write(get->into.context, data, taken_bytes);
}

static void get_forget(void *context)
{
    Get *get = context;
    if (!get->sink.begin)
        get->into.calls->forget(get->into.context);
}

static const HttpSinkCalls get_calls = {get_begin, get_write, get_forget};

/* ---- one read ---- */

static bool is_whole(ByteRange range)
{
    return range.offset_bytes == 0 && range.length_bytes == UINT64_MAX;
}

/* What is to be read; `body` when there is no sink. */
typedef struct Wish {
    Str key, if_etag, version_id;
    ByteRange range;
    StoreSink sink;
    Buffer *body;
    bool describe, fresh;
} Wish;

/* Errors: as s3_request_begin. */
MUST_USE static Error *get_begin_request(Get *get, const Cancel *cancel, const Wish *wish)
{
    S3Request *request = &get->request;

    buffer_clear(&get->query);
    TRY(s3_append_version(&get->query, wish->version_id));
    get->sink = wish->sink;
    get->into = http_buffer_sink(&get->buffer_sink, wish->body);
    get->expected = (Checksum){0};
    get->mismatches = 0;
    request->operation = wish->describe ? &s3_head_object : &s3_get_object;
    request->key = wish->key;
    request->query = buffer_str(&get->query);
    request->range = wish->describe ? BYTE_RANGE_ALL : wish->range;
    request->if_etag = wish->if_etag;
    request->headers = &s3_checksum_mode;
    request->header_count = is_whole(request->range) && s3_wants_checksum(request->client);
    request->sink = (HttpSink){&get_calls, get};
    request->verify = verify;
    request->user = get;
    request->exchange.fresh_connection = wish->fresh;
    return s3_request_begin(request, cancel);
}

Error *s3_get(Store *store, const Cancel *cancel, Str key, ByteRange range, Str if_etag, Buffer *body)
{
    CLEANUP(get_done) Get get = {.request.client = s3_client_of(store)};
    Wish wish = {.key = key, .if_etag = if_etag, .range = range, .body = body};
    TRY(get_begin_request(&get, cancel, &wish));
    S3Request *request = &get.request;
    return s3_request_end(request, http_run(request->client->http, cancel, &request->exchange));
}

/* ---- many reads at once ---- */

typedef struct S3Batch {
    StoreBatch base;
    HttpCompletions completions;
    Get **idle; /* to use again, with their memory */
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

/* NULL without memory. There is room in `idle` for every one that was made, so that giving one back cannot fail. */
static Get *make_get(S3Batch *batch)
{
    if (batch->made == batch->idle_max) {
        size_t grown_max = batch->idle_max ? batch->idle_max * 2 : 64;
        Get **grown = reallocarray(batch->idle, grown_max, sizeof(*grown));
        if (!grown)
            return NULL;
        batch->idle = grown;
        batch->idle_max = grown_max;
    }
    Get *get = calloc(1, sizeof(*get));
    if (!get)
        return NULL;
    get->request.client = s3_client_of(batch->base.store);
    batch->made++;
    return get;
}

static void give_back(S3Batch *batch, Get *get)
{
    ASSERT(batch->idle_count < batch->idle_max);
    batch->idle[batch->idle_count++] = get;
}

MUST_USE static Error *submit(S3Batch *batch, StoreFetch *fetch)
{
    Get *get = batch->idle_count > 0 ? batch->idle[--batch->idle_count] : make_get(batch);
    if (!get)
        return FAIL(NO_MEMORY, "read '" STR_FMT "': out of memory", STR_ARG(fetch->key));
    Wish wish = {
        .key = fetch->key,
        .if_etag = fetch->if_etag,
        .version_id = fetch->version_id,
        .range = fetch->range,
        .sink = fetch->sink,
        .body = &fetch->body,
        .describe = fetch->describe,
        .fresh = fetch->fresh,
    };
    get->fetch = fetch;
    Error *err = get_begin_request(get, batch->base.cancel, &wish);
    if (err) {
        give_back(batch, get);
        return err;
    }
    fetch->backend = get;
    http_submit(get->request.client->http, &batch->completions, &get->request.exchange);
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

static Error *describe(const Get *get)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(DESCRIBE_ARENA_BYTES);
    const S3Request *request = &get->request;
    ObjectInfo info;
    if (!arena)
        return FAIL(NO_MEMORY, "describe '" STR_FMT "': out of memory", STR_ARG(request->key));
    TRY(s3_answer_info(request->client, &request->exchange.response, request->key, arena, &info));
    return get->sink.begin(get->sink.context, 0, &info);
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
    Get *get = ((S3Request *)exchange->context)->user;
    Error *err = exchange->error;
    exchange->error = NULL;
    fetch = get->fetch;
    fetch->error = s3_request_end(&get->request, err);
    fetch->checksum = get->expected;
    fetch->backend = NULL;
    if (fetch->describe && !fetch->error)
        fetch->error = describe(get);
    give_back(batch, get);
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
        get_done(batch->idle[i]);
        free(batch->idle[i]);
    }
    free(batch->idle);
    http_completions_done(&batch->completions);
    free(batch);
}
