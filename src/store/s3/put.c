#include "store/s3/put.h"

#include <stdlib.h>

#include "store/s3/multipart.h"
#include "store/s3/proof.h"
#include "store/s3/put_headers.h"
#include "store/s3/s3_store.h"

#define PUT_MAX_BYTES ((uint64_t)5 * GIB)
#define PUT_ARENA_BYTES (1 * MIB)
#define MULTIPART_FROM_BYTES ((uint64_t)16 * MIB)
#define MD5_MAX_BYTES (64 * MIB)

/* ---- whose is it? ---- */

Error *s3_put_was_ours(Store *store, const Cancel *cancel, Str key, uint64_t size_bytes, const Checksum *checksum,
                       Str etag, bool *ret_ours)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(PUT_ARENA_BYTES);
    ObjectInfo info;

    *ret_ours = false;
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(store_head(store, cancel, key, arena, &info));
    bool same_checksum = checksum->kind != CHECKSUM_NONE && checksum_equal(checksum, &info.checksum);
    bool same_etag = etag.len > 0 && str_equal_nocase(etag, info.etag);
    *ret_ours = info.size_bytes == size_bytes && (same_checksum || same_etag);
    return NULL;
}

/* What the ETag of this body is where it is an MD5, in `hex`; "" for one that is too large to be worth it. */
MUST_USE static Error *md5_etag(const PutBody *body, char hex[2 * MD5_BYTES + 1])
{
    CLEANUP(buffer_done) Buffer content = {0};
    uint8_t digest[MD5_BYTES];

    hex[0] = '\0';
    if (body->size_bytes > MD5_MAX_BYTES)
        return NULL;
    TRY(buffer_reserve(&content, (size_t)body->size_bytes));
    TRY(body->read_at(body->context, 0, content.data, (size_t)body->size_bytes));
    md5(bytes_from(content.data, (size_t)body->size_bytes), digest);
    hex_encode(digest, sizeof(digest), hex);
    return NULL;
}

/* The request was sent more than once: an earlier one, whose answer was lost, may have written what now stands in the way. */
MUST_USE static Error *settle(Store *store, const Cancel *cancel, Str key, const S3Proof *proof, Error *take_error)
{
    char hex[2 * MD5_BYTES + 1];
    bool ours = false;
    Error *err = md5_etag(proof->body, hex);
    if (!err)
        err = s3_put_was_ours(store, cancel, key, proof->size_bytes, &proof->checksum, str_of(hex), &ours);
    error_free(err); /* whoever cannot look leaves the refusal as it is */
    if (err || !ours)
        return take_error;
    error_free(take_error); /* it was about our own object */
    return NULL;
}

/* ---- one request ---- */

MUST_USE static Error *describe(S3Request *request, const Cancel *cancel, const PutBody *body,
                                const PutOptions *options, Arena *arena, S3Proof *proof)
{
    SignedHeader *headers;
    size_t count;
    if (body->size_bytes > PUT_MAX_BYTES)
        return FAIL(LIMIT, "%llu bytes are more than one put may have (5 GiB)", (unsigned long long)body->size_bytes);
    TRY(s3_put_headers(request->client, options, S3_PROOF_HEADERS_MAX + 1, arena, &headers, &count));
    TRY(s3_proof_make(proof, request->client, cancel, body, 0, body->size_bytes, s3_put_is_locked(options)));
    s3_put_condition(options, headers, &count);
    for (size_t i = 0; i < proof->header_count; i++)
        headers[count++] = proof->headers[i];
    request->headers = headers;
    request->header_count = count;
    request->optional_count = proof->optional_count;
    request->optional_quirk = S3_NO_CRC64;
    request->if_etag = options->mode == PUT_IF_UNCHANGED ? options->if_etag : STR_EMPTY;
    request->refused_code = options->mode == PUT_IF_ABSENT ? ERR_EXISTS : ERR_CHANGED;
    s3_proof_apply(proof, request);
    return NULL;
}

/* If-Match on an object that is gone is answered by 404. */
static bool is_gone(const S3Request *request, const PutOptions *options, const Error *err)
{
    return options->mode == PUT_IF_UNCHANGED && error_code(err) == ERR_NOT_FOUND
           && strcmp(request->refusal, "NoSuchBucket") != 0;
}

MUST_USE static Error *put_whole(Store *store, const Cancel *cancel, Str key, const PutBody *body,
                                 const PutOptions *options)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(PUT_ARENA_BYTES);
    CLEANUP(s3_request_done)
    S3Request request = {.client = s3_client_of(store), .operation = &s3_put_object, .key = key};
    S3Proof proof = {0};

    if (!arena)
        return FAIL(NO_MEMORY, "write '" STR_FMT "': out of memory", STR_ARG(key));
    TRY_CTX(describe(&request, cancel, body, options, arena, &proof), "write '" STR_FMT "'", STR_ARG(key));
    Error *err = s3_request_run(&request, cancel);
    if (is_gone(&request, options, err)) {
        error_free(err);
        return FAIL(CHANGED, "'" STR_FMT "': the object that was to be replaced is gone", STR_ARG(key));
    }
    bool refused = err && request.exchange.response.status == 412 && options->mode != PUT_REPLACE;
    if (refused && request.exchange.sendings > 1)
        err = settle(store, cancel, key, &proof, err);
    return s3_proof_judge(&proof, &request, err);
}

Error *s3_check_put(Store *store, Str key, const PutOptions *options)
{
    const S3Client *client = s3_client_of(store);
    CLEANUP(arena_freep) Arena *arena = arena_new(PUT_ARENA_BYTES);
    SignedHeader *headers;
    size_t count;
    if (!arena)
        return FAIL(NO_MEMORY, "write '" STR_FMT "': out of memory", STR_ARG(key));
    TRY(s3_check_key(client, key));
    TRY_CTX(s3_put_headers(client, options, 0, arena, &headers, &count), "write '" STR_FMT "'", STR_ARG(key));
    return NULL;
}

/* The caller's word, that of the profile, ours; more than one request can carry nobody gets. */
static uint64_t multipart_from(const S3Client *client, const PutOptions *options)
{
    if (options->multipart_from_bytes > 0)
        return options->multipart_from_bytes;
    uint64_t hint = client->config.multipart_threshold_bytes;
    return hint > 0 ? MIN(hint, PUT_MAX_BYTES) : MULTIPART_FROM_BYTES;
}

Error *s3_put(Store *store, const Cancel *cancel, Str key, const PutBody *body, const PutOptions *options)
{
    const S3Client *client = s3_client_of(store);
    bool large = body->size_bytes > 0 && body->size_bytes >= multipart_from(client, options);
    if (large && !s3_quirks_have(&client->quirks, S3_NO_MULTIPART))
        return s3_put_multipart(store, cancel, key, body, options);
    return put_whole(store, cancel, key, body, options);
}
