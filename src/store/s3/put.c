#include "store/s3/put.h"

#include <stdlib.h>

#include "store/s3/metadata.h"
#include "store/s3/request.h"
#include "store/s3/s3_store.h"

#define PUT_MAX_BYTES ((uint64_t)5 * GIB)
#define PUT_ARENA_BYTES (1 * MIB)
#define PROVE_MAX_BYTES (64 * MIB)
enum { HASH_CHUNK_BYTES = 256 * 1024, CRC32_BASE64_BYTES = 8, PUT_HEADERS_MAX = 4 };

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
    TRY(store_head(store, cancel, key, arena, &info));
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

Error *s3_put(Store *store, const Cancel *cancel, Str key, const PutBody *body, const PutOptions *options)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(PUT_ARENA_BYTES);
    CLEANUP(s3_request_done)
    S3Request request = {.client = s3_client_of(store), .operation = &s3_put_object, .key = key};
    BodyProof proof = {0};

    if (!arena)
        return FAIL(NO_MEMORY, "write '" STR_FMT "': out of memory", STR_ARG(key));
    TRY_CTX(describe_put(&request, cancel, body, options, arena, &proof), "write '" STR_FMT "'", STR_ARG(key));
    Error *err = s3_request_run(&request, cancel);
    if (error_code(err) == ERR_EXISTS && request.exchange.attempts > 1)
        return settle_lost_answer(store, cancel, key, body, err);
    return err;
}
