/* What proves a body, by where it goes. */
#include "store/s3/proof.h"

#include "base/testing.h"

static const char hello[] = "hello, and more";

static Error *read_hello(void *context, uint64_t offset_bytes, uint8_t *out, size_t len)
{
    unsigned *reads = context;
    (*reads)++;
    memcpy(out, hello + offset_bytes, len);
    return NULL;
}

typedef struct ProofRow {
    const char *name;
    bool tls_to_aws;
    ChecksumWish wish;
    const char *provider;
    const char *payload_hash;
    bool has_crc;
} ProofRow;

static const ProofRow rows[] = {
    {"AWS over TLS", true, CHECKSUM_WHEN_SUPPORTED, "aws", "UNSIGNED-PAYLOAD", true},
    {"AWS over TLS, no checksums wanted", true, CHECKSUM_WHEN_REQUIRED, "aws",
     "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", false},
    {"unknown", false, CHECKSUM_WHEN_SUPPORTED, "unknown",
     "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", false},
    {"known to check", false, CHECKSUM_WHEN_SUPPORTED, "versitygw",
     "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", true},
    {"known to check, no checksums wanted", false, CHECKSUM_WHEN_REQUIRED, "versitygw",
     "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", false},
};

static void test_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        unsigned reads = 0;
        S3Client client = {.config.request_checksum = rows[i].wish};
        S3Request request = {.client = &client};
        S3Proof proof;
        PutBody body = {.size_bytes = sizeof(hello), .read_at = read_hello, .context = &reads};
        client.routes[0].unsigned_payload = rows[i].tls_to_aws;
        assert_ok(s3_quirks_init(&client.quirks, str_of(rows[i].provider), STR_EMPTY, NULL));
        assert_ok(s3_proof_make(&proof, &client, NULL, &body, 0, 5, false));
        s3_proof_apply(&proof, &request);
        assert_str(request.payload_hash, rows[i].payload_hash);
        assert_int_equal(request.exchange.upload.size_bytes, 5);
        assert_int_equal(proof.header_count, rows[i].has_crc ? 2 : 0);
        assert_string_equal(proof.checksum_text, "M3eFcAZSQlc="); /* spec/s3.md 1.13 */
        if (rows[i].has_crc) {
            assert_str(proof.headers[0].name, "x-amz-checksum-crc64nvme");
            assert_str(proof.headers[0].value, "M3eFcAZSQlc=");
        }
        assert_int_equal(proof.optional_count, rows[i].has_crc && !rows[i].tls_to_aws ? 2 : 0);
        assert_int_equal(reads, 1);
        assert_ok(
            s3_proof_make(&proof, &client, NULL, &body, 0, 5, true)); /* object lock wants a checksum in a header */
        bool md5_is_needed = strcmp(rows[i].payload_hash, "UNSIGNED-PAYLOAD") != 0;
        assert_int_equal(proof.header_count, (rows[i].has_crc ? 2 : 0) + md5_is_needed);
        if (md5_is_needed)
            assert_str(proof.headers[0].value, "XUFAKrxLKna5cZ2REBfFkg==");
        s3_request_done(&request);
    }
}

/* "hello" by spec/s3.md 1.13, and by sha256sum(1). What the user chose goes with everything, whatever the server and the settings say. */
static void test_chosen(void **state)
{
    (void)state;
    static const struct {
        ChecksumKind kind;
        const char *header, *value, *algorithm;
    } kinds[] = {
        {CHECKSUM_CRC32, "x-amz-checksum-crc32", "NhCmhg==", "CRC32"},
        {CHECKSUM_CRC32C, "x-amz-checksum-crc32c", "mnG7TA==", "CRC32C"},
        {CHECKSUM_CRC64NVME, "x-amz-checksum-crc64nvme", "M3eFcAZSQlc=", "CRC64NVME"},
        {CHECKSUM_SHA256, "x-amz-checksum-sha256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "SHA256"},
    };
    for (size_t i = 0; i < 2 * ARRAY_COUNT(kinds); i++) {
        size_t row = i / 2;
        bool tls_to_aws = i % 2;
        unsigned reads = 0;
        S3Client client = {.config = {.request_checksum = CHECKSUM_WHEN_REQUIRED, .checksum_chosen = kinds[row].kind}};
        S3Request request = {.client = &client};
        S3Proof proof;
        PutBody body = {.size_bytes = sizeof(hello), .read_at = read_hello, .context = &reads};
        uint8_t out[5];
        client.routes[0].unsigned_payload = tls_to_aws;
        assert_ok(s3_quirks_init(&client.quirks, STR("unknown"), STR_EMPTY, NULL));
        assert_ok(s3_proof_make(&proof, &client, NULL, &body, 0, 5, false));
        s3_proof_apply(&proof, &request);
        assert_int_equal(str_equal(request.payload_hash, STR("UNSIGNED-PAYLOAD")), tls_to_aws);
        assert_int_equal(proof.header_count, 2);
        assert_int_equal(proof.optional_count, 0);
        assert_str(proof.headers[0].name, kinds[row].header);
        assert_str(proof.headers[0].value, kinds[row].value);
        assert_str(proof.headers[1].value, kinds[row].algorithm);
        assert_ok(request.exchange.upload.read_at(&proof, 0, out, 5));
        assert_ok(s3_proof_judge(&proof, &request, NULL));
        proof.crc.value[0] ^= 1;
        assert_fails(s3_proof_judge(&proof, &request, NULL), ERR_CHANGED);
        s3_request_done(&request);
    }
}

/* A part of the body, sent in pieces, a second time from the start, and out of order. */
static void test_sending(void **state)
{
    (void)state;
    unsigned reads = 0;
    S3Client client = {0};
    S3Request request = {.client = &client};
    S3Proof proof;
    PutBody body = {.size_bytes = sizeof(hello), .read_at = read_hello, .context = &reads};
    uint8_t out[8];
    assert_ok(s3_quirks_init(&client.quirks, STR("unknown"), STR_EMPTY, NULL));
    assert_ok(s3_proof_make(&proof, &client, NULL, &body, 7, 8, false));
    s3_proof_apply(&proof, &request);
    HttpUpload *upload = &request.exchange.upload;
    for (unsigned sending = 1; sending <= 2; sending++) {
        assert_ok(upload->read_at(upload->context, 0, out, 3));
        assert_ok(upload->read_at(upload->context, 3, out + 3, 5));
        assert_memory_equal(out, "and more", 8);
        assert_ok(s3_proof_judge(&proof, &request, NULL));
    }
    proof.crc.value[0] ^= 1; /* as if the first reading had been of other bytes */
    assert_fails(s3_proof_judge(&proof, &request, NULL), ERR_CHANGED);
    assert_fails(s3_proof_judge(&proof, &request, FAIL(CORRUPT, "BadDigest")), ERR_CHANGED);
    assert_fails(s3_proof_judge(&proof, &request, FAIL(DENIED, "no")), ERR_DENIED);
    assert_ok(upload->read_at(upload->context, 5, out, 3));
    assert_ok(s3_proof_judge(&proof, &request, NULL)); /* nothing is known of what was sent */
    s3_request_done(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kinds), cmocka_unit_test(test_chosen),
                                       cmocka_unit_test(test_sending)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
