/* Known answers: Amazon S3 documentation, "Authenticating Requests"; spec/s3.md 1.13. */
#include "store/s3/sigv4.h"

#include "base/testing.h"

#define ACCESS_KEY_ID "AKIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define TIME "20130524T000000Z"
#define HOST "examplebucket.s3.amazonaws.com"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define S(literal)                                                                                                     \
    {                                                                                                                  \
        "" literal, sizeof(literal) - 1                                                                                \
    }
enum { HEADERS_MAX = 5 };

typedef struct Row {
    const char *name;
    Str method, path, query, payload;
    size_t header_count;
    SignedHeader headers[HEADERS_MAX];
    const char *signature;
} Row;

static const Row rows[] = {
    {"get a range",
     S("GET"),
     S("/test.txt"),
     S(""),
     S(EMPTY),
     4,
     {{S("host"), S(HOST)},
      {S("range"), S("bytes=0-9")},
      {S("x-amz-content-sha256"), S(EMPTY)},
      {S("x-amz-date"), S(TIME)}},
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"put",
     S("PUT"),
     S("/test%24file.text"),
     S(""),
     S("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
     5,
     {{S("date"), S("Fri, 24 May 2013 00:00:00 GMT")},
      {S("host"), S(HOST)},
      {S("x-amz-content-sha256"), S("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072")},
      {S("x-amz-date"), S(TIME)},
      {S("x-amz-storage-class"), S("REDUCED_REDUNDANCY")}},
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"a parameter without value",
     S("GET"),
     S("/"),
     S("lifecycle="),
     S(EMPTY),
     3,
     {{S("host"), S(HOST)}, {S("x-amz-content-sha256"), S(EMPTY)}, {S("x-amz-date"), S(TIME)}},
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"list",
     S("GET"),
     S("/"),
     S("max-keys=2&prefix=J"),
     S(EMPTY),
     3,
     {{S("host"), S(HOST)}, {S("x-amz-content-sha256"), S(EMPTY)}, {S("x-amz-date"), S(TIME)}},
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    {"a URL signed in its query",
     S("GET"),
     S("/test.txt"),
     S("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" ACCESS_KEY_ID "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
       "&X-Amz-Date=" TIME "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"),
     S("UNSIGNED-PAYLOAD"),
     1,
     {{S("host"), S(HOST)}},
     "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"},
};

static void key_init(SigningKey *key)
{
    assert_ok(signing_key_init(key, STR(SECRET), STR("20130524"), STR("us-east-1"), STR("s3")));
}

/* The signing key itself is not kept; an HMAC with it is the same as one with the documented bytes. */
static void test_signing_key(void **state)
{
    (void)state;
    static const uint8_t documented[SHA256_BYTES] = {
        0xdb, 0xb8, 0x93, 0xac, 0xc0, 0x10, 0x96, 0x49, 0x18, 0xf1, 0xfd, 0x43, 0x3a, 0xdd, 0x87, 0xc7,
        0x0e, 0x8b, 0x0d, 0xb6, 0xbe, 0x30, 0xc1, 0xfb, 0xea, 0xfe, 0xfa, 0x5e, 0xc6, 0xba, 0x83, 0x78,
    };
    SigningKey key;
    uint8_t digest[SHA256_BYTES];
    char wanted[SHA256_HEX_BYTES + 1], actual[SIGV4_HEX_BYTES];

    key_init(&key);
    signing_key_sign(&key, STR("any text"), actual);
    hmac_sha256(bytes_from(documented, sizeof(documented)), str_bytes(STR("any text")), digest);
    hex_encode(digest, sizeof(digest), wanted);
    assert_memory_equal(actual, wanted, SIGV4_HEX_BYTES);
    assert_str(str_from(key.scope, key.scope_len), "20130524/us-east-1/s3/aws4_request");
}

static void test_known_answers(void **state)
{
    (void)state;
    SigningKey key;
    key_init(&key);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const Row *row = &rows[i];
        SigningInput input = {row->method,       row->path,    row->query, row->headers,
                              row->header_count, row->payload, STR(TIME)};
        char signature[SIGV4_HEX_BYTES];
        sigv4_signature(&key, &input, signature);
        if (memcmp(signature, row->signature, sizeof(signature)) != 0)
            print_error("%s: %.64s\n", row->name, signature);
        assert_memory_equal(signature, row->signature, sizeof(signature));
    }
}

static const SignedHeader chunked_headers[] = {
    {S("content-encoding"), S("aws-chunked")},
    {S("content-length"), S("66824")},
    {S("host"), S("s3.amazonaws.com")},
    {S("x-amz-content-sha256"), S("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")},
    {S("x-amz-date"), S(TIME)},
    {S("x-amz-decoded-content-length"), S("66560")},
    {S("x-amz-storage-class"), S("REDUCED_REDUNDANCY")},
};

/* The chunk's string to sign with the signature before it. */
static void sign_chunk(const SigningKey *key, size_t len, char signature[SIGV4_HEX_BYTES])
{
    static uint8_t data[65536];
    CLEANUP(buffer_done) Buffer text = {0};
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX_BYTES + 1];

    memset(data, 'a', len);
    sha256(bytes_from(data, len), digest);
    hex_encode(digest, sizeof(digest), hex);
    assert_ok(buffer_append_format(&text, "AWS4-HMAC-SHA256-PAYLOAD\n%s\n%.*s\n%.64s\n%s\n%s", TIME,
                                   (int)key->scope_len, key->scope, signature, EMPTY, hex));
    signing_key_sign(key, buffer_str(&text), signature);
}

static void test_chunks(void **state)
{
    (void)state;
    SigningKey key;
    char signature[SIGV4_HEX_BYTES];
    SigningInput input = {
        STR("PUT"),      STR("/examplebucket/chunkObject.txt"), STR(""),
        chunked_headers, ARRAY_COUNT(chunked_headers),          STR("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        STR(TIME)};
    key_init(&key);
    sigv4_signature(&key, &input, signature);
    assert_memory_equal(signature, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9", 64);
    sign_chunk(&key, 65536, signature);
    assert_memory_equal(signature, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", 64);
    sign_chunk(&key, 1024, signature);
    assert_memory_equal(signature, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", 64);
    sign_chunk(&key, 0, signature);
    assert_memory_equal(signature, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9", 64);
}

static void test_authorization(void **state)
{
    (void)state;
    SigningKey key;
    CLEANUP(buffer_done) Buffer out = {0};
    const Row *row = &rows[0];
    SigningInput input = {row->method, row->path, row->query, row->headers, row->header_count, row->payload, STR(TIME)};
    key_init(&key);
    assert_ok(sigv4_append_authorization(&out, &key, STR(ACCESS_KEY_ID), &input));
    assert_str(buffer_str(&out), "AWS4-HMAC-SHA256 Credential=" ACCESS_KEY_ID "/20130524/us-east-1/s3/aws4_request, "
                                 "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
                                 "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

/* Values are trimmed and their runs of spaces squeezed; long ones go round the gathering buffer. */
static void test_header_values(void **state)
{
    (void)state;
    static char longer[3000];
    SigningKey key;
    char a[SIGV4_HEX_BYTES], b[SIGV4_HEX_BYTES];
    key_init(&key);
    memset(longer, 'x', sizeof(longer));
    SignedHeader loose[] = {{STR("host"), STR("h")},
                            {STR("x-amz-meta-a"), STR("  one   two  three ")},
                            {STR("x-amz-meta-b"), {longer, sizeof(longer)}}};
    SignedHeader tight[] = {{STR("host"), STR("h")},
                            {STR("x-amz-meta-a"), STR("one two three")},
                            {STR("x-amz-meta-b"), {longer, sizeof(longer)}}};
    SigningInput input = {STR("GET"), STR("/"), STR(""), loose, 3, STR(EMPTY), STR(TIME)};
    sigv4_signature(&key, &input, a);
    input.headers = tight;
    sigv4_signature(&key, &input, b);
    assert_memory_equal(a, b, sizeof(a));
    longer[2999] = 'y';
    sigv4_signature(&key, &input, b);
    assert_memory_not_equal(a, b, sizeof(a));
}

static void test_long_secret_and_region(void **state)
{
    (void)state;
    static const char with_prefix[] = "AWS40123456789012345678901234567890123456789012345678901234567890123456789";
    SigningKey key;
    uint8_t first[SHA256_BYTES], link[SHA256_BYTES];
    char actual[SIGV4_HEX_BYTES], wanted[SHA256_HEX_BYTES + 1], region[200] = {0};

    assert_ok(signing_key_init(&key, str_of(with_prefix + 4), STR("20130524"), STR("eu"), STR("s3")));
    hmac_sha256(str_bytes(str_of(with_prefix)), str_bytes(STR("20130524")), first);
    static const char *const chain[] = {"eu", "s3", "aws4_request", "t"};
    for (size_t i = 0; i < ARRAY_COUNT(chain); i++) {
        hmac_sha256(bytes_from(first, sizeof(first)), str_bytes(str_of(chain[i])), link);
        memcpy(first, link, sizeof(first));
    }
    hex_encode(first, sizeof(first), wanted);
    signing_key_sign(&key, STR("t"), actual);
    assert_memory_equal(actual, wanted, SIGV4_HEX_BYTES);

    memset(region, 'r', sizeof(region) - 1);
    assert_fails(signing_key_init(&key, STR(SECRET), STR("20130524"), str_of(region), STR("s3")), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signing_key),   cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_chunks),        cmocka_unit_test(test_authorization),
        cmocka_unit_test(test_header_values), cmocka_unit_test(test_long_secret_and_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
