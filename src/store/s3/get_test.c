/* Reads: what proves them, and every place at which an answer can break off. */
#include <stdio.h>

#include "base/testing.h"
#include "http/http.h"
#include "http/test_server.h"
#include "store/options.h"

/* What the text "hello" adds up to. */
#define HELLO_CRC32 "NhCmhg=="
#define HELLO_CRC32C "mnG7TA=="
#define HELLO_CRC64 "M3eFcAZSQlc="
#define HELLO_SHA1 "qvTGHdzF6KLavt4PO0gs2a6pQ00="
#define HELLO_SHA256 "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
#define HELLO_MD5 "5d41402abc4b2a76b9719d911017c592"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx-amz-request-id: RID1\r\n"

typedef struct Fixture {
    TestServer *server;
    HttpClient *http;
    Store *store;
} Fixture;

static void fixture_done(Fixture *f)
{
    store_free(f->store);
    http_client_free(f->http);
    test_server_free(f->server);
}

/* Retries follow at once. */
static void fixture_open(Fixture *f, const TestReply *replies, size_t count, unsigned attempts)
{
    char endpoint[64];
    HttpOptions http = http_options_default();
    http.retry.transient_base_us = http.retry.throttle_base_us = 1;
    f->server = test_server_new(replies, count);
    assert_ok(http_client_new(&http, &f->http));
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", test_server_port(f->server));
    StoreOptions options = {.endpoint_url = str_of(endpoint),
                            .addressing = STORE_ADDRESSING_PATH,
                            .anonymous = true,
                            .http = f->http,
                            .attempts_max = attempts};
    assert_ok(store_open(STR("s3://bucket"), &options, &f->store));
}

/* A sink that remembers. */
typedef struct Seen {
    Buffer body;
    uint64_t size_bytes;
    unsigned begins;
    ChecksumKind kind;
} Seen;

static Error *seen_begin(void *context, uint64_t offset_bytes, const ObjectInfo *info)
{
    Seen *seen = context;
    assert_true(offset_bytes <= seen->body.len);
    seen->body.len = (size_t)offset_bytes;
    seen->size_bytes = info->size_bytes;
    seen->kind = info->checksum.kind;
    seen->begins++;
    return NULL;
}

static Error *seen_write(void *context, Bytes piece)
{
    return buffer_append(&((Seen *)context)->body, piece.data, piece.len);
}

/* One read by a batch; the fetch is as it came back. */
static StoreFetch fetch_one(const Fixture *f, StoreFetch fetch)
{
    CLEANUP(store_batch_freep) StoreBatch *batch = NULL;
    assert_ok(store_batch_new(f->store, NULL, &batch));
    store_batch_get(batch, &fetch);
    assert_ptr_equal(store_batch_next(batch), &fetch);
    assert_null(store_batch_next(batch));
    return fetch;
}

static const struct {
    const char *name, *first, *second; /* answers; the second NULL: like the first */
    ErrorCode code;
    ChecksumKind kind;
    size_t requests;
} proofs[] = {
    {"nothing given", OK_HEAD "\r\nhello", NULL, ERR_OK, CHECKSUM_NONE, 1},
    {"CRC-32", OK_HEAD "x-amz-checksum-crc32: " HELLO_CRC32 "\r\n\r\nhello", NULL, ERR_OK, CHECKSUM_CRC32, 1},
    {"CRC-32C", OK_HEAD "x-amz-checksum-crc32c: " HELLO_CRC32C "\r\n\r\nhello", NULL, ERR_OK, CHECKSUM_CRC32C, 1},
    {"CRC-64", OK_HEAD "x-amz-checksum-crc64nvme: " HELLO_CRC64 "\r\nx-amz-checksum-type: FULL_OBJECT\r\n\r\nhello",
     NULL, ERR_OK, CHECKSUM_CRC64NVME, 1},
    {"SHA-1", OK_HEAD "x-amz-checksum-sha1: " HELLO_SHA1 "\r\n\r\nhello", NULL, ERR_OK, CHECKSUM_SHA1, 1},
    {"the strongest counts",
     OK_HEAD "x-amz-checksum-sha256: " HELLO_SHA256 "\r\nx-amz-checksum-crc32: AAAAAA==\r\n\r\nhello", NULL, ERR_OK,
     CHECKSUM_SHA256, 1},
    {"MD5 as ETag", OK_HEAD "ETag: \"" HELLO_MD5 "\"\r\n\r\nhello", NULL, ERR_OK, CHECKSUM_MD5, 1},
    {"an ETag in capitals", OK_HEAD "ETag: \"5D41402ABC4B2A76B9719D911017C592\"\r\n\r\nhello", NULL, ERR_OK,
     CHECKSUM_MD5, 1},
    {"an ETag of parts", OK_HEAD "ETag: \"00000000000000000000000000000000-2\"\r\n\r\nhello", NULL, ERR_OK,
     CHECKSUM_NONE, 1},
    {"an ETag of nginx", OK_HEAD "ETag: \"5d41402a-5\"\r\n\r\nhello", NULL, ERR_OK, CHECKSUM_NONE, 1},
    {"no hexadecimal", OK_HEAD "ETag: \"0000000000000000000000000000000g\"\r\n\r\nhello", NULL, ERR_OK, CHECKSUM_NONE,
     1},
    {"a weak ETag", OK_HEAD "ETag: W/\"00000000000000000000000000000000\"\r\n\r\nhello", NULL, ERR_OK, CHECKSUM_NONE,
     1},
    {"encrypted by KMS",
     OK_HEAD "ETag: \"00000000000000000000000000000000\"\r\nx-amz-server-side-encryption: aws:kms\r\n\r\nhello", NULL,
     ERR_OK, CHECKSUM_NONE, 1},
    {"encrypted by a customer's key",
     OK_HEAD "ETag: \"00000000000000000000000000000000\"\r\n"
             "x-amz-server-side-encryption-customer-algorithm: AES256\r\n\r\nhello",
     NULL, ERR_OK, CHECKSUM_NONE, 1},
    {"a sum of parts", OK_HEAD "x-amz-checksum-crc32: AAAAAA==-2\r\n\r\nhello", NULL, ERR_OK, CHECKSUM_NONE, 1},
    {"a sum of parts by type", OK_HEAD "x-amz-checksum-crc32: AAAAAA==\r\nx-amz-checksum-type: COMPOSITE\r\n\r\nhello",
     NULL, ERR_OK, CHECKSUM_NONE, 1},
    {"no checksum at all", OK_HEAD "x-amz-checksum-crc32: nonsense\r\n\r\nhello", NULL, ERR_OK, CHECKSUM_NONE, 1},
    {"wrong once", OK_HEAD "x-amz-checksum-crc32: " HELLO_CRC32 "\r\n\r\nhellO",
     OK_HEAD "x-amz-checksum-crc32: " HELLO_CRC32 "\r\n\r\nhello", ERR_OK, CHECKSUM_CRC32, 2},
    {"wrong twice", OK_HEAD "x-amz-checksum-crc32: " HELLO_CRC32 "\r\n\r\nhellO", NULL, ERR_CORRUPT, CHECKSUM_CRC32, 2},
    {"wrong MD5", OK_HEAD "ETag: \"00000000000000000000000000000000\"\r\n\r\nhello", NULL, ERR_CORRUPT, CHECKSUM_MD5,
     2},
};

static void test_proofs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(proofs); i++) {
        for (unsigned with_sink = 0; with_sink < 2; with_sink++) {
            const TestReply replies[] = {{.text = proofs[i].first},
                                         {.text = proofs[i].second ? proofs[i].second : proofs[i].first}};
            CLEANUP(fixture_done) Fixture f = {0};
            fixture_open(&f, replies, 2, 0);
            Seen seen = {0};
            StoreFetch fetch = {.key = STR("x"), .range = BYTE_RANGE_ALL};
            if (with_sink)
                fetch.sink = (StoreSink){seen_begin, seen_write, &seen};
            fetch = fetch_one(&f, fetch);
            if (error_code(fetch.error) != proofs[i].code || fetch.checksum.kind != proofs[i].kind)
                print_error("%s: %s\n", proofs[i].name, error_message_view(fetch.error));
            assert_int_equal(error_code(fetch.error), proofs[i].code);
            assert_int_equal(fetch.checksum.kind, proofs[i].kind);
            assert_int_equal(test_server_requests(f.server), proofs[i].requests);
            assert_int_equal(test_server_accepts(f.server), proofs[i].requests); /* a new connection for the second */
            if (!fetch.error)
                assert_str(buffer_str(with_sink ? &seen.body : &fetch.body), "hello");
            else
                assert_non_null(strstr(error_message_view(fetch.error), "RID1"));
            assert_true(!fetch.error || fetch.body.len == 0);
            error_free(fetch.error);
            buffer_done(&seen.body);
            buffer_done(&fetch.body);
        }
    }
}

/* ---- cuts ---- */

enum { CUT_BODY = 200 };

typedef struct Whole {
    char head[256];
    char body[CUT_BODY + 1];
} Whole;

static Whole make_whole(const char *framing)
{
    Whole whole;
    for (size_t i = 0; i < CUT_BODY; i++)
        whole.body[i] = (char)('a' + test_pattern(i) % 26);
    whole.body[CUT_BODY] = '\0';
    snprintf(whole.head, sizeof(whole.head), "HTTP/1.1 200 OK\r\nETag: \"e\"\r\n%s\r\n\r\n", framing);
    return whole;
}

/* The first answer breaks off after `cut` bytes; the second continues it. */
static void try_cut(const char *first, size_t cut, const char *second, const char *wanted, ErrorCode code)
{
    char text[1024];
    memcpy(text, first, cut);
    text[cut] = '\0';
    const TestReply replies[] = {{.text = text, .end = TEST_CLOSE}, {.text = second, .end = TEST_CLOSE}};
    CLEANUP(fixture_done) Fixture f = {0};
    fixture_open(&f, replies, 2, 2);
    Seen seen = {0};
    StoreFetch fetch = fetch_one(&f, (StoreFetch){
                                         .key = STR("x"),
                                         .range = BYTE_RANGE_ALL,
                                         .sink = {seen_begin, seen_write, &seen},
                                     });
    if (error_code(fetch.error) != code)
        print_error("cut at %zu: %s\n", cut, error_message_view(fetch.error));
    assert_int_equal(error_code(fetch.error), code);
    if (!fetch.error)
        assert_str(buffer_str(&seen.body), wanted);
    error_free(fetch.error);
    buffer_done(&seen.body);
}

/* At every byte of an answer with a length: the rest is asked for, and never is a part taken for the whole. */
static void test_cuts_with_length(void **state)
{
    (void)state;
    Whole whole = make_whole("Content-Length: 200");
    char first[1024], second[1024];
    int len = snprintf(first, sizeof(first), "%s%s", whole.head, whole.body);
    size_t head = strlen(whole.head);
    for (size_t cut = 0; cut < (size_t)len; cut++) {
        size_t have = cut > head ? cut - head : 0;
        if (have == 0)
            snprintf(second, sizeof(second), "%s", first);
        else
            snprintf(
                second, sizeof(second),
                "HTTP/1.1 206 P\r\nETag: \"e\"\r\nContent-Length: %zu\r\nContent-Range: bytes %zu-199/200\r\n\r\n%s",
                CUT_BODY - have, have, whole.body + have);
        try_cut(first, cut, second, whole.body, ERR_OK);
    }
}

/* A second answer that breaks off as well ends it, whatever the framing; chunks have an end that must come. */
static void test_cuts_that_stay(void **state)
{
    (void)state;
    static const char *const framings[] = {"Content-Length: 200", "Transfer-Encoding: chunked"};
    for (size_t i = 0; i < ARRAY_COUNT(framings); i++) {
        Whole whole = make_whole(framings[i]);
        char first[1024];
        int len = i == 0 ? snprintf(first, sizeof(first), "%s%s", whole.head, whole.body)
                         : snprintf(first, sizeof(first), "%sC8\r\n%s\r\n0\r\n\r\n", whole.head, whole.body);
        for (size_t cut = 0; cut + 1 < (size_t)len; cut += 3) {
            char text[1024];
            memcpy(text, first, cut);
            text[cut] = '\0';
            const TestReply reply = {.text = text, .end = TEST_CLOSE};
            CLEANUP(fixture_done) Fixture f = {0};
            CLEANUP(buffer_done) Buffer body = {0};
            fixture_open(&f, &reply, 1, 2);
            Error *err = store_get(f.store, NULL, STR("x"), BYTE_RANGE_ALL, STR_EMPTY, &body);
            if (!err)
                print_error("%s: cut at %zu\n", framings[i], cut);
            assert_non_null(err);
            assert_int_equal(body.len, 0);
            error_free(err);
        }
    }
}

/* ---- what the answer says ---- */

static void test_describe_and_version(void **state)
{
    (void)state;
    static const TestReply reply = {.text = "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nETag: \"e1\"\r\n"
                                            "x-amz-checksum-crc32c: " HELLO_CRC32C "\r\n\r\n"};
    CLEANUP(fixture_done) Fixture f = {0};
    fixture_open(&f, &reply, 1, 0);
    Seen seen = {0};
    StoreFetch fetch = fetch_one(&f, (StoreFetch){
                                         .key = STR("x"),
                                         .version_id = STR("v/1+"),
                                         .range = BYTE_RANGE_ALL,
                                         .describe = true,
                                         .sink = {seen_begin, NULL, &seen},
                                     });
    assert_null(fetch.error);
    assert_int_equal(seen.size_bytes, 12345);
    assert_int_equal(seen.kind, CHECKSUM_CRC32C);
    assert_non_null(strstr(test_server_request(f.server, 0)->head, "HEAD /bucket/x?versionId=v%2F1%2B HTTP/1.1\r\n"));
    assert_non_null(strstr(test_server_request(f.server, 0)->head, "x-amz-checksum-mode: ENABLED\r\n"));
}

static Error *refuse(void *context, Bytes piece)
{
    (void)context;
    (void)piece;
    return FAIL(NO_SPACE, "no room");
}

static void test_sink_that_fails(void **state)
{
    (void)state;
    static const TestReply reply = {.text = OK_HEAD "\r\nhello"};
    CLEANUP(fixture_done) Fixture f = {0};
    fixture_open(&f, &reply, 1, 0);
    Seen seen = {0};
    StoreFetch fetch =
        fetch_one(&f, (StoreFetch){.key = STR("x"), .range = BYTE_RANGE_ALL, .sink = {seen_begin, refuse, &seen}});
    assert_fails(fetch.error, ERR_NO_SPACE);
    assert_int_equal(test_server_requests(f.server), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proofs),          cmocka_unit_test(test_cuts_with_length),
        cmocka_unit_test(test_cuts_that_stay),  cmocka_unit_test(test_describe_and_version),
        cmocka_unit_test(test_sink_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
