#include "store/s3/s3_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/s3/metadata.h"
#include "store/s3/request.h"
#include "store/s3/s3_list.h"
#include "store/store_backend.h"

#define PUT_MAX_BYTES ((uint64_t)5 * GIB)
#define PUT_ARENA_BYTES (1 * MIB)
#define PROVE_MAX_BYTES (64 * MIB)
enum { HASH_CHUNK_BYTES = 256 * 1024, CRC32_BASE64_BYTES = 8, PUT_HEADERS_MAX = 4 };

typedef struct S3Store {
    Store base;
    S3Client client;
} S3Store;

static S3Client *client_of(Store *store)
{
    return &((S3Store *)store)->client;
}

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
    CLEANUP(s3_request_done) S3Request request = {.client = client_of(store), .operation = &s3_head_object, .key = key};
    TRY(s3_request_run(&request, cancel));
    return read_info(&request.exchange.response, key, arena, ret_info);
}

MUST_USE static Error *s3_get(Store *store, const Cancel *cancel, Str key, ByteRange range, Str if_etag, Buffer *body)
{
    CLEANUP(s3_request_done)
    S3Request request = {
        .client = client_of(store),
        .operation = &s3_get_object,
        .key = key,
        .range = range,
        .if_etag = if_etag,
        .body = body,
    };
    return s3_request_run(&request, cancel);
}

/* ---- writing ---- */

/* What proves the body: its SHA-256 in the signature, or over TLS to AWS a CRC-32 in a header. */
typedef struct BodyProof {
    char sha256_hex[SHA256_HEX_BYTES + 1];
    char crc32_base64[CRC32_BASE64_BYTES + 1];
} BodyProof;

/* Calls `take` for all of the body, in order. */
typedef void TakeChunk(void *context, Bytes chunk);

MUST_USE static Error *read_body(const PutBody *body, const Cancel *cancel, TakeChunk *take, void *context)
{
    size_t chunk_bytes = (size_t)MIN(body->size_bytes, (uint64_t)HASH_CHUNK_BYTES);
    CLEANUP(cleanup_free) uint8_t *chunk = malloc(chunk_bytes ? chunk_bytes : 1);
    if (!chunk)
        return FAIL(NO_MEMORY, "out of memory");
    for (uint64_t at = 0; at < body->size_bytes; at += chunk_bytes) {
        size_t len = (size_t)MIN(body->size_bytes - at, (uint64_t)chunk_bytes);
        TRY(cancel_check(cancel));
        TRY(body->read_at(body->context, at, chunk, len));
        take(context, bytes_from(chunk, len));
    }
    return NULL;
}

static void take_sha256(void *context, Bytes chunk)
{
    SHA256_CTX *hash = context;
    SHA256_Update(hash, chunk.data, chunk.len);
}

static void take_crc32(void *context, Bytes chunk)
{
    uint32_t *crc = context;
    *crc = crc32_ieee(*crc, chunk);
}

MUST_USE static Error *prove_body(const PutBody *body, const Cancel *cancel, bool unsigned_payload, BodyProof *proof)
{
    if (unsigned_payload) {
        uint32_t crc = 0;
        TRY(read_body(body, cancel, take_crc32, &crc));
        const uint8_t big_endian[] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc};
        base64_encode(big_endian, sizeof(big_endian), proof->crc32_base64);
        return NULL;
    }
    SHA256_CTX hash;
    uint8_t digest[SHA256_BYTES];
    SHA256_Init(&hash);
    TRY(read_body(body, cancel, take_sha256, &hash));
    SHA256_Final(digest, &hash);
    hex_encode(digest, sizeof(digest), proof->sha256_hex);
    return NULL;
}

/* A conditional put whose answer was lost finds, when it is repeated, the object that it wrote. True when that is so: an
 * ETag that is our body's MD5 proves it. */
MUST_USE static Error *was_written_by_us(Store *store, const Cancel *cancel, Str key, const PutBody *body,
                                         bool *ret_ours)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(PUT_ARENA_BYTES);
    CLEANUP(buffer_done) Buffer content = {0};
    ObjectInfo info;
    uint8_t digest[MD5_BYTES];
    char hex[2 * MD5_BYTES + 1];

    *ret_ours = false;
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(s3_head(store, cancel, key, arena, &info));
    if (info.size_bytes != body->size_bytes || info.size_bytes > PROVE_MAX_BYTES || info.etag.len != 2 * MD5_BYTES)
        return NULL;
    TRY(buffer_reserve(&content, (size_t)body->size_bytes));
    TRY(body->read_at(body->context, 0, content.data, (size_t)body->size_bytes));
    md5(bytes_from(content.data, (size_t)body->size_bytes), digest);
    hex_encode(digest, sizeof(digest), hex);
    *ret_ours = str_equal_nocase(info.etag, str_of(hex));
    return NULL;
}

MUST_USE static Error *settle_lost_answer(Store *store, const Cancel *cancel, Str key, const PutBody *body,
                                          Error *take_error)
{
    bool ours = false;
    Error *err = was_written_by_us(store, cancel, key, body, &ours);
    if (!err && !ours)
        return take_error;
    error_free(take_error);
    return err;
}

MUST_USE static Error *describe_put(S3Request *request, const Cancel *cancel, const PutBody *body,
                                    const PutOptions *options, Arena *arena, BodyProof *proof)
{
    SignedHeader *metadata, *headers = ARENA_ARRAY(arena, SignedHeader, options->metadata.count + PUT_HEADERS_MAX);
    size_t count = options->metadata.count;
    bool unsigned_payload = request->client->routes[0].unsigned_payload;
    if (body->size_bytes > PUT_MAX_BYTES)
        return FAIL(LIMIT, "%llu bytes are more than one put may have (5 GiB)", (unsigned long long)body->size_bytes);
    if (!headers)
        return arena_error(arena);
    TRY(metadata_to_headers(options->metadata, arena, &metadata));
    TRY(prove_body(body, cancel, unsigned_payload, proof));
    if (count > 0)
        memcpy(headers, metadata, count * sizeof(*headers));
    Str type = options->headers.content_type;
    headers[count++] = (SignedHeader){STR("content-type"), type.len > 0 ? type : STR("application/octet-stream")};
    if (options->mode == PUT_IF_ABSENT) {
        headers[count++] = (SignedHeader){STR("if-none-match"), STR("*")};
        request->refused_code = ERR_EXISTS;
    }
    if (unsigned_payload) {
        headers[count++] = (SignedHeader){STR("x-amz-checksum-crc32"), str_of(proof->crc32_base64)};
        headers[count++] = (SignedHeader){STR("x-amz-sdk-checksum-algorithm"), STR("CRC32")};
    }
    request->headers = headers;
    request->header_count = count;
    request->payload_hash = unsigned_payload ? SIGV4_UNSIGNED_PAYLOAD : str_of(proof->sha256_hex);
    request->exchange.upload =
        (HttpUpload){.size_bytes = body->size_bytes, .read_at = body->read_at, .context = body->context};
    return NULL;
}

MUST_USE static Error *s3_put(Store *store, const Cancel *cancel, Str key, const PutBody *body,
                              const PutOptions *options)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(PUT_ARENA_BYTES);
    CLEANUP(s3_request_done) S3Request request = {.client = client_of(store), .operation = &s3_put_object, .key = key};
    BodyProof proof = {0};

    if (!arena)
        return FAIL(NO_MEMORY, "write '" STR_FMT "': out of memory", STR_ARG(key));
    TRY_CTX(describe_put(&request, cancel, body, options, arena, &proof), "write '" STR_FMT "'", STR_ARG(key));
    Error *err = s3_request_run(&request, cancel);
    if (error_code(err) == ERR_EXISTS && request.exchange.attempts > 1)
        return settle_lost_answer(store, cancel, key, body, err);
    return err;
}

MUST_USE static Error *s3_remove(Store *store, const Cancel *cancel, Str key)
{
    CLEANUP(s3_request_done)
    S3Request request = {.client = client_of(store), .operation = &s3_delete_object, .key = key};
    return s3_request_run(&request, cancel);
}

MUST_USE static Error *s3_store_list(Store *store, const Cancel *cancel, const ListOptions *options, StoreListFn *each,
                                     void *context)
{
    return s3_list(client_of(store), cancel, options->prefix, options->start_after, each, context);
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
    request->client = client_of(batch->base.store);
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
    s3_client_done(client_of(store));
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
