#include "store/s3/proof.h"

#include <stdlib.h>

enum { CHUNK_BYTES = 256 * 1024 };

/* ---- before ---- */

const char *s3_checksum_header(ChecksumKind kind)
{
    static const char *const names[] = {
        [CHECKSUM_CRC32] = "x-amz-checksum-crc32",         [CHECKSUM_CRC32C] = "x-amz-checksum-crc32c",
        [CHECKSUM_CRC64NVME] = "x-amz-checksum-crc64nvme", [CHECKSUM_SHA1] = "x-amz-checksum-sha1",
        [CHECKSUM_SHA256] = "x-amz-checksum-sha256",
    };
    ASSERT(kind > CHECKSUM_MD5 && kind < ARRAY_COUNT(names));
    return names[kind];
}

/* Over TLS to AWS, unless the settings want no checksum that nobody must have. */
static bool sends_unsigned(const S3Client *client)
{
    const S3Config *config = &client->config;
    bool has_checksum = config->checksum_chosen != CHECKSUM_NONE || config->request_checksum == CHECKSUM_WHEN_SUPPORTED;
    return client->routes[0].unsigned_payload && has_checksum;
}

typedef struct Digests {
    ChecksumState crc;
    bool wants_sha256, wants_md5;
    SHA256_CTX sha256;
    MD5_CTX md5;
} Digests;

MUST_USE static Error *digest_piece(const S3Proof *proof, const Cancel *cancel, Digests *digests)
{
    size_t chunk_bytes = (size_t)MIN(proof->size_bytes, (uint64_t)CHUNK_BYTES);
    CLEANUP(cleanup_free) uint8_t *chunk = malloc(chunk_bytes ? chunk_bytes : 1);
    if (!chunk)
        return FAIL(NO_MEMORY, "out of memory");
    for (uint64_t at = 0; at < proof->size_bytes; at += chunk_bytes) {
        size_t len = (size_t)MIN(proof->size_bytes - at, (uint64_t)chunk_bytes);
        TRY(cancel_check(cancel));
        TRY(proof->body->read_at(proof->body->context, proof->offset_bytes + at, chunk, len));
        checksum_add(&digests->crc, bytes_from(chunk, len));
        if (digests->wants_sha256)
            SHA256_Update(&digests->sha256, chunk, len);
        if (digests->wants_md5)
            MD5_Update(&digests->md5, chunk, len);
    }
    return NULL;
}

ChecksumKind s3_proof_kind(const S3Client *client)
{
    if (client->config.checksum_chosen != CHECKSUM_NONE)
        return client->config.checksum_chosen;
    bool wanted = client->config.request_checksum == CHECKSUM_WHEN_SUPPORTED;
    bool understood = client->routes[0].unsigned_payload || !s3_quirks_have(&client->quirks, S3_NO_CRC64);
    return wanted && understood ? CHECKSUM_CRC64NVME : CHECKSUM_NONE;
}

bool s3_proof_is_optional(const S3Client *client)
{
    return client->config.checksum_chosen == CHECKSUM_NONE;
}

static void set_headers(S3Proof *proof, const S3Client *client, Digests *digests)
{
    uint8_t digest[MD5_BYTES];
    if (digests->wants_md5) {
        MD5_Final(digest, &digests->md5);
        base64_encode(digest, sizeof(digest), proof->md5_text);
        proof->headers[proof->header_count++] = (SignedHeader){STR("content-md5"), str_of(proof->md5_text)};
    }
    ChecksumKind kind = s3_proof_kind(client);
    if (kind == CHECKSUM_NONE)
        return;
    proof->optional_count = proof->unsigned_payload || !s3_proof_is_optional(client) ? 0 : 2;
    proof->headers[proof->header_count++] =
        (SignedHeader){str_of(s3_checksum_header(kind)), str_of(proof->checksum_text)};
    proof->headers[proof->header_count++] =
        (SignedHeader){STR("x-amz-sdk-checksum-algorithm"), str_of(checksum_name(kind))};
}

static void set_checksums(S3Proof *proof, ChecksumKind kind, Digests *digests)
{
    uint8_t sha256_value[SHA256_BYTES];

    SHA256_Final(sha256_value, &digests->sha256);
    hex_encode(sha256_value, sizeof(sha256_value), proof->sha256_hex);
    proof->checksum = proof->crc = checksum_end(&digests->crc);
    if (kind == CHECKSUM_SHA256) {
        proof->checksum = (Checksum){.kind = kind};
        memcpy(proof->checksum.value, sha256_value, sizeof(sha256_value));
    }
    checksum_text(&proof->checksum, proof->checksum_text);
}

Error *s3_proof_make(S3Proof *proof, const S3Client *client, const Cancel *cancel, const PutBody *body,
                     uint64_t offset_bytes, uint64_t size_bytes, bool locked)
{
    bool is_signed = !sends_unsigned(client);
    ChecksumKind kind = s3_proof_kind(client);
    Digests digests = {
        .wants_sha256 = is_signed || kind == CHECKSUM_SHA256,
        .wants_md5 = locked && is_signed,
    };

    *proof = (S3Proof){
        .body = body,
        .offset_bytes = offset_bytes,
        .size_bytes = size_bytes,
        .unsigned_payload = !is_signed,
    };
    checksum_begin(&digests.crc, checksum_is_crc(kind) ? kind : CHECKSUM_CRC64NVME);
    SHA256_Init(&digests.sha256);
    MD5_Init(&digests.md5);
    TRY(digest_piece(proof, cancel, &digests));
    set_checksums(proof, kind, &digests);
    set_headers(proof, client, &digests);
    return NULL;
}

/* ---- while it is sent ---- */

static Error *send(void *context, uint64_t offset_bytes, uint8_t *out, size_t len)
{
    S3Proof *proof = context;
    TRY(proof->body->read_at(proof->body->context, proof->offset_bytes + offset_bytes, out, len));
    if (offset_bytes == 0) {
        checksum_begin(&proof->sent, proof->crc.kind);
        proof->sent_bytes = 0;
    }
    if (offset_bytes != proof->sent_bytes) {
        proof->sent_bytes = UINT64_MAX;
        return NULL;
    }
    checksum_add(&proof->sent, bytes_from(out, len));
    proof->sent_bytes += len;
    return NULL;
}

void s3_proof_apply(S3Proof *proof, S3Request *request)
{
    request->payload_hash = proof->unsigned_payload ? SIGV4_UNSIGNED_PAYLOAD : str_of(proof->sha256_hex);
    request->exchange.upload = (HttpUpload){.size_bytes = proof->size_bytes, .read_at = send, .context = proof};
}

/* ---- after ---- */

static bool sent_something_else(const S3Proof *proof)
{
    if (proof->size_bytes == 0 || proof->sent_bytes != proof->size_bytes)
        return false;
    ChecksumState state = proof->sent;
    Checksum sent = checksum_end(&state);
    return !checksum_equal(&sent, &proof->crc);
}

/* Absent is fine: few servers say it. One with "-N" behind it is of parts, not of bytes. */
static bool stored_something_else(const S3Proof *proof, Str text)
{
    Checksum stored;
    return text.len > 0 && checksum_parse(proof->checksum.kind, text, &stored) && stored.parts == 0
           && !checksum_equal(&stored, &proof->checksum);
}

Error *s3_proof_judge(const S3Proof *proof, const S3Request *request, Error *take_error)
{
    ErrorCode code = error_code(take_error);
    if ((!take_error || code == ERR_CORRUPT) && sent_something_else(proof)) {
        error_free(take_error); /* it says that the content is not what was announced; this says why */
        return FAIL(CHANGED, "'" STR_FMT "': the content changed while it was sent", STR_ARG(request->key));
    }
    Str stored = http_response_amz(&request->exchange.response, str_of(s3_checksum_header(proof->checksum.kind)));
    if (!take_error && stored_something_else(proof, stored))
        return FAIL(CORRUPT,
                    "'" STR_FMT "': the server stored other bytes than were sent: its %s is " STR_FMT
                    ", not %s (request " STR_FMT ")",
                    STR_ARG(request->key), checksum_name(proof->checksum.kind), STR_ARG(stored), proof->checksum_text,
                    STR_ARG(request->exchange.response.header[HTTP_REQUEST_ID]));
    return take_error;
}
