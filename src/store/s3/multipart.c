#include "store/s3/multipart.h"

#include <stdio.h>

#include "base/hash.h"
#include "store/s3/proof.h"
#include "store/s3/put_headers.h"
#include "store/s3/s3_store.h"
#include "store/s3/upload.h"

#define PART_BYTES ((uint64_t)8 * MIB)
#define PART_MAX_BYTES ((uint64_t)5 * GIB)
#define ARENA_BYTES (16 * MIB)
enum { PARTS_IN_FLIGHT = 4, PARTS_IN_FLIGHT_MAX = 256, RESTARTS_MAX = 3 };

static const S3Operation upload_part = {.name = "UploadPart", .method = HTTP_PUT, .customer_key = true};

/* ---- sizes ---- */

Error *s3_part_bytes(const S3Provider *provider, uint64_t size_bytes, uint64_t wanted_bytes, uint64_t *ret_part_bytes)
{
    uint64_t part = wanted_bytes > 0 ? wanted_bytes : PART_BYTES;
    uint64_t needed = size_bytes / provider->parts_max + (size_bytes % provider->parts_max > 0);

    if (size_bytes > provider->object_max_bytes)
        return FAIL(LIMIT, "%llu bytes are more than an object may have (%llu)", (unsigned long long)size_bytes,
                    (unsigned long long)provider->object_max_bytes);
    part = MIN(MAX(MAX(part, needed), provider->part_min_bytes), PART_MAX_BYTES);
    *ret_part_bytes = part;
    return NULL;
}

static bool is_md5_etag(Str etag)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    for (size_t i = 0; i < etag.len; i++) {
        if (!strchr(digits, etag.data[i]) || etag.data[i] == '\0')
            return false;
    }
    return etag.len == 2 * MD5_BYTES;
}

static uint8_t hex_value(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

bool s3_multipart_etag(const Str *part_etags, unsigned count, char out[S3_MULTIPART_ETAG_MAX])
{
    uint8_t digest[MD5_BYTES];
    char hex[2 * MD5_BYTES + 1];
    MD5_CTX state;

    MD5_Init(&state);
    for (unsigned i = 0; i < count; i++) {
        if (!is_md5_etag(part_etags[i]))
            return false;
        for (size_t k = 0; k < MD5_BYTES; k++)
            digest[k] = (uint8_t)(hex_value(part_etags[i].data[2 * k]) << 4 | hex_value(part_etags[i].data[2 * k + 1]));
        MD5_Update(&state, digest, sizeof(digest));
    }
    MD5_Final(digest, &state);
    hex_encode(digest, sizeof(digest), hex);
    snprintf(out, S3_MULTIPART_ETAG_MAX, "%s-%u", hex, count);
    return true;
}

/* ---- an upload of a body ---- */

typedef struct BodyUpload {
    S3Upload upload;
    const PutBody *body;
} BodyUpload;

static Error *prepare_part(void *context, S3PartSlot *slot, const Cancel *stop)
{
    const BodyUpload *b = context;
    const S3Upload *u = &b->upload;
    S3Proof *proof = slot->own;
    S3Request *request = &slot->request;

    TRY(s3_proof_make(proof, u->client, stop, b->body, (uint64_t)slot->part * u->part_bytes,
                      s3_upload_part_bytes(u, slot->part), s3_put_is_locked(u->options)));
    bool with_crc = u->checksum_kind != CHECKSUM_NONE;
    request->headers = proof->headers;
    request->header_count = proof->header_count - (with_crc ? 0 : proof->optional_count);
    request->optional_count = with_crc ? proof->optional_count : 0;
    request->optional_quirk = S3_NO_CRC64;
    s3_proof_apply(proof, request);
    return NULL;
}

static Error *finish_part(void *context, S3PartSlot *slot, Error *take_error)
{
    S3Upload *u = &((BodyUpload *)context)->upload;
    const S3Proof *proof = slot->own;
    const HttpResponse *response = &slot->request.exchange.response;

    TRY(s3_proof_judge(proof, &slot->request, take_error));
    Str etag = s3_etag_without_quotes(response->header[HTTP_ETAG]);
    if (etag.len == 0)
        return FAIL(CORRUPT, "'" STR_FMT "': part %u has no ETag (request " STR_FMT ")", STR_ARG(u->key),
                    slot->part + 1, STR_ARG(response->header[HTTP_REQUEST_ID]));
    u->etags[slot->part] = arena_str(u->arena, etag);
    u->checksums[slot->part] = proof->checksum;
    return u->etags[slot->part].data ? NULL : arena_error(u->arena);
}

/* CRCs of parts make up the CRC of the whole; of other checksums S3 takes that of all of them, one after the other. */
static Checksum whole_checksum(const S3Upload *u)
{
    Checksum whole = u->checksums[0];
    ChecksumState state;

    if (checksum_is_crc(whole.kind)) {
        for (unsigned i = 1; i < u->part_count; i++)
            whole = checksum_combine(&whole, &u->checksums[i], s3_upload_part_bytes(u, i));
        return whole;
    }
    checksum_begin(&state, whole.kind);
    for (unsigned i = 0; i < u->part_count; i++)
        checksum_add(&state, bytes_from(u->checksums[i].value, checksum_bytes(whole.kind)));
    whole = checksum_end(&state);
    whole.parts = u->part_count;
    return whole;
}

MUST_USE static Error *run(BodyUpload *b, bool *ret_again)
{
    S3Upload *u = &b->upload;
    unsigned wanted = u->options->parts_max > 0 ? u->options->parts_max : PARTS_IN_FLIGHT;
    S3PartCalls calls = {&upload_part, sizeof(S3Proof), prepare_part, finish_part, b};
    Str etag;

    if (!u->arena)
        return FAIL(NO_MEMORY, "write '" STR_FMT "': out of memory", STR_ARG(u->key));
    uint64_t hint = u->client->config.multipart_part_bytes;
    uint64_t chosen = u->options->part_bytes > 0 ? u->options->part_bytes : hint;
    TRY(s3_part_bytes(s3_quirks_provider(&u->client->quirks), u->size_bytes, chosen, &u->part_bytes));
    u->part_count = (unsigned)((u->size_bytes - 1) / u->part_bytes + 1);
    TRY(s3_upload_begin(u));
    TRY(s3_upload_send(u, &calls, MIN(wanted, (unsigned)PARTS_IN_FLIGHT_MAX)));
    TRY(cancel_check(u->cancel));
    Checksum whole = whole_checksum(u);
    return s3_upload_complete(u, &whole, ret_again, &etag);
}

Error *s3_put_multipart(Store *store, const Cancel *cancel, Str key, const PutBody *body, const PutOptions *options)
{
    for (unsigned restart = 0;; restart++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(ARENA_BYTES);
        S3Client *client = s3_client_of(store);
        BodyUpload b = {
            .upload = {.store = store,
                       .client = client,
                       .cancel = cancel,
                       .key = key,
                       .options = options,
                       .arena = arena,
                       .size_bytes = body->size_bytes,
                       .checksum_kind = s3_proof_kind(client),
                       .checksum_is_optional = s3_proof_is_optional(client)},
            .body = body,
        };
        bool again = false;
        Error *err = run(&b, &again);
        if (!err)
            return NULL;
        s3_upload_give_up(&b.upload);
        if (!again || restart == RESTARTS_MAX)
            return err;
        error_free(err); /* the next round ends better or says it again */
    }
}
