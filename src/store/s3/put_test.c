/* Objects written by one request: what is sent, what proves it, and odd answers. */
#include "store/s3/put.h"

#include "store/s3/test_s3.h"

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define REFUSED "HTTP/1.1 412 P\r\nContent-Length: 46\r\n\r\n<Error><Code>PreconditionFailed</Code></Error>"
#define CONFLICT "HTTP/1.1 409 C\r\nContent-Length: 54\r\n\r\n<Error><Code>ConditionalRequestConflict</Code></Error>"
#define HELLO_IS_THERE "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"5d41402abc4b2a76b9719d911017c592\"\r\n\r\n"
#define OTHER_IS_THERE "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"00000000000000000000000000000000\"\r\n\r\n"
#define KEY_32 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" /* "0123456789abcdef" twice */

static Error *put_hello(const S3Test *f, const PutOptions *options)
{
    return store_put_bytes(f->store, NULL, STR("x"), str_bytes(STR("hello")), options);
}

static void test_all_headers(void **state)
{
    (void)state;
    S3_TEST(f, {.text = OK_EMPTY});
    PutOptions options = {
        .headers = {.content_type = STR("text/plain"),
                    .cache_control = STR("no-store"),
                    .content_disposition = STR("attachment; filename=\"a\""),
                    .content_encoding = STR("gzip"),
                    .content_language = STR("de"),
                    .expires = STR("Sat, 21 Nov 2026 10:00:00 GMT"),
                    .website_redirect = STR("/y"),
                    .storage_class = STR("STANDARD_IA"),
                    .encryption = STR("aws:kms"),
                    .encryption_key_id = STR("k1"),
                    .bucket_key = STR("true"),
                    .lock_mode = STR("GOVERNANCE"),
                    .lock_until = STR("2027-01-01T00:00:00Z"),
                    .lock_legal_hold = STR("ON")},
        .tags = STR("a=1&b=%20"),
    };
    static const char *const lines[] = {
        "content-type: text/plain\r\n",
        "cache-control: no-store\r\n",
        "content-disposition: attachment; filename=\"a\"\r\n",
        "content-encoding: gzip\r\n",
        "content-language: de\r\n",
        "expires: Sat, 21 Nov 2026 10:00:00 GMT\r\n",
        "x-amz-website-redirect-location: /y\r\n",
        "x-amz-storage-class: STANDARD_IA\r\n",
        "x-amz-server-side-encryption: aws:kms\r\n",
        "x-amz-server-side-encryption-aws-kms-key-id: k1\r\n",
        "x-amz-server-side-encryption-bucket-key-enabled: true\r\n",
        "x-amz-object-lock-mode: GOVERNANCE\r\n",
        "x-amz-object-lock-retain-until-date: 2027-01-01T00:00:00Z\r\n",
        "x-amz-object-lock-legal-hold: ON\r\n",
        "x-amz-tagging: a=1&b=%20\r\n",
    };
    assert_ok(put_hello(&f, &options));
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++)
        s3_test_sent(&f, 0, lines[i]);
    s3_test_not_sent(&f, 0, "if-");
}

/* What the store's options say goes with every request, or with new objects; a customer's key is in no message. */
static void test_options_of_the_store(void **state)
{
    (void)state;
    static const TestReply replies[] = {{.text = OK_EMPTY}};
    CLEANUP(s3_test_done) S3Test f = {0};
    StoreOptions options = {.storage_class = STR("GLACIER_IR"),
                            .encryption = STR("aws:kms"),
                            .encryption_key_id = STR("k2"),
                            .encryption_context = STR("{\"a\":\"b\"}"),
                            .bucket_key = true,
                            .requester_pays = true,
                            .expected_bucket_owner = STR("123456789012")};
    s3_test_open(&f, "s3://bucket", options, replies, 1);
    assert_ok(put_hello(&f, NULL));
    s3_test_sent(&f, 0, "x-amz-storage-class: GLACIER_IR\r\n");
    s3_test_sent(&f, 0, "x-amz-server-side-encryption: aws:kms\r\n");
    s3_test_sent(&f, 0, "x-amz-server-side-encryption-context: eyJhIjoiYiJ9\r\n");
    s3_test_sent(&f, 0, "x-amz-request-payer: requester\r\n");
    s3_test_sent(&f, 0, "x-amz-expected-bucket-owner: 123456789012\r\n");
    s3_test_sent(&f, 0, "x-amz-expected-bucket-owner;x-amz-request-payer;");
    PutOptions own = {.headers = {.storage_class = STR("STANDARD"), .encryption = STR("AES256")}};
    assert_ok(put_hello(&f, &own));
    s3_test_sent(&f, 1, "x-amz-storage-class: STANDARD\r\n");
    s3_test_sent(&f, 1, "x-amz-server-side-encryption: AES256\r\n");
    s3_test_not_sent(&f, 1, "kms");
    assert_ok(store_delete(f.store, NULL, STR("x")));
    s3_test_sent(&f, 2, "x-amz-request-payer: requester\r\n");
    s3_test_not_sent(&f, 2, "x-amz-storage-class");
}

static void count_plain_http(void *context, LogLevel level, const char *message)
{
    unsigned *count = context;
    *count += level == LOG_WARNING && strstr(message, "plain HTTP") != NULL;
}

static void test_customer_key(void **state)
{
    (void)state;
    static const TestReply replies[] = {
        {.text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"}, {.text = OK_EMPTY}, {.text = OK_EMPTY}};
    CLEANUP(s3_test_done) S3Test f = {0};
    CLEANUP(buffer_done) Buffer body = {0};
    unsigned warnings = 0;
    CLEANUP(log_freep) Log *log = log_new(LOG_INFO, count_plain_http, &warnings);
    s3_test_open(&f, "s3://bucket", (StoreOptions){.customer_key = STR(KEY_32), .log = log}, replies, 3);
    assert_int_equal(warnings, 1);
    assert_ok(store_get(f.store, NULL, STR("x"), BYTE_RANGE_ALL, STR_EMPTY, &body));
    assert_ok(put_hello(&f, NULL));
    for (size_t i = 0; i < 2; i++) {
        s3_test_sent(&f, i, "x-amz-server-side-encryption-customer-algorithm: AES256\r\n");
        s3_test_sent(&f, i, "x-amz-server-side-encryption-customer-key: " KEY_32 "\r\n");
        s3_test_sent(&f, i, "x-amz-server-side-encryption-customer-key-md5: ");
    }
    assert_ok(store_delete(f.store, NULL, STR("x")));
    s3_test_not_sent(&f, 2, "customer");
    store_free(f.store); /* before its log */
    f.store = NULL;
}

static void test_bad_options(void **state)
{
    (void)state;
    static const struct {
        StoreOptions options;
        const char *says;
    } rows[] = {
        {{.customer_key = {"c2VjcmV0", 8}}, "32 bytes in base64"},
        {{.encryption = {"rot13", 5}}, "'rot13'"},
        {{.encryption = {"AES256", 6}, .encryption_key_id = {"k", 1}}, "aws:kms alone"},
        {{.encryption = {"AES256", 6}, .customer_key = {KEY_32, 44}}, "exclude each other"},
        {{.provider = {"minnio", 6}}, "one of aws, minio"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        StoreOptions options = rows[i].options;
        Store *store = NULL;
        options.anonymous = true;
        Error *err = store_open(STR("s3://bucket"), &options, &store);
        assert_int_equal(error_code(err), ERR_INVALID);
        assert_non_null(strstr(error_message_view(err), rows[i].says));
        assert_null(strstr(error_message_view(err), "c2VjcmV0"));
        error_free(err);
    }
}

/* Too much is refused before anything is sent, and the object is named. */
static void test_too_much(void **state)
{
    (void)state;
    S3_TEST(f, {.text = OK_EMPTY});
    static char text[9000];
    memset(text, 'v', sizeof(text) - 1);
    MetadataEntry entry = {STR("a"), str_from(text, 2048)};
    const PutOptions rows[] = {
        {.metadata = {&entry, 1}},
        {.headers.cache_control = str_of(text)},
        {.tags = STR("a=&b=&c=&d=&e=&f=&g=&h=&i=&j=&k=")},
        {.tags = STR("=1")},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_fails_saying(put_hello(&f, &rows[i]), ERR_INVALID, "'x'");
        assert_fails_saying(store_check_put(f.store, STR("x"), &rows[i]), ERR_INVALID, "'x'");
    }
    assert_fails_saying(store_check_put(f.store, str_from(text, 1025), &(PutOptions){0}), ERR_INVALID,
                        "S3 allows 1024");
    entry.value.len = 2047;
    assert_ok(store_check_put(f.store, STR("x"), &rows[0]));
    assert_int_equal(s3_test_count(&f), 0);
    assert_ok(put_hello(&f, &rows[0]));
}

typedef struct ConditionRow {
    const char *name;
    PutMode mode;
    const char *replies[4];
    ErrorCode code;
} ConditionRow;

static const ConditionRow conditions[] = {
    {"absent", PUT_IF_ABSENT, {OK_EMPTY}, ERR_OK},
    {"there", PUT_IF_ABSENT, {REFUSED}, ERR_EXISTS},
    {"conflict, then ours", PUT_IF_ABSENT, {CONFLICT, OK_EMPTY}, ERR_OK},
    {"conflict, then theirs", PUT_IF_ABSENT, {CONFLICT, REFUSED, OTHER_IS_THERE}, ERR_EXISTS},
    {"answer lost, ours by MD5", PUT_IF_ABSENT, {NULL, REFUSED, HELLO_IS_THERE}, ERR_OK},
    {"answer lost, theirs", PUT_IF_ABSENT, {NULL, REFUSED, OTHER_IS_THERE}, ERR_EXISTS},
    {"answer lost, ours by CRC",
     PUT_IF_ABSENT,
     {NULL, REFUSED,
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"0\"\r\nx-amz-checksum-crc64nvme: M3eFcAZSQlc=\r\n"
      "x-amz-checksum-type: FULL_OBJECT\r\n\r\n"},
     ERR_OK},
    {"answer lost, cannot look", PUT_IF_ABSENT, {NULL, REFUSED, "HTTP/1.1 403 F\r\n\r\n"}, ERR_EXISTS},
    {"unchanged", PUT_IF_UNCHANGED, {OK_EMPTY}, ERR_OK},
    {"changed", PUT_IF_UNCHANGED, {REFUSED}, ERR_CHANGED},
    {"gone",
     PUT_IF_UNCHANGED,
     {"HTTP/1.1 404 N\r\nContent-Length: 37\r\n\r\n<Error><Code>NoSuchKey</Code></Error>"},
     ERR_CHANGED},
    {"no bucket",
     PUT_IF_UNCHANGED,
     {"HTTP/1.1 404 N\r\nContent-Length: 40\r\n\r\n<Error><Code>NoSuchBucket</Code></Error>"},
     ERR_NOT_FOUND},
};

static void test_conditions(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(conditions); i++) {
        const ConditionRow *row = &conditions[i];
        TestReply replies[4];
        size_t count = 0;
        for (; count < 4 && (row->replies[count] || count == 0); count++) {
            replies[count] =
                row->replies[count] ? (TestReply){.text = row->replies[count]} : (TestReply){.end = TEST_RESET};
        }
        CLEANUP(s3_test_done) S3Test f = {0};
        PutOptions options = {.mode = row->mode, .if_etag = STR("e0")};
        s3_test_open(&f, "s3://bucket", (StoreOptions){0}, replies, count);
        Error *err = put_hello(&f, &options);
        if (error_code(err) != row->code)
            print_error("%s: %s: %s\n", row->name, error_code_name(error_code(err)), error_message_view(err));
        assert_int_equal(error_code(err), row->code);
        error_free(err);
        s3_test_sent(&f, 0, row->mode == PUT_IF_ABSENT ? "if-none-match: *\r\n" : "If-Match: \"e0\"\r\n");
        assert_int_equal(s3_test_count(&f), count);
    }
}

/* Without a server that looks: what is sent is compared with what was announced. */
static void test_body_changes(void **state)
{
    (void)state;
    S3_TEST(f, {.text = OK_EMPTY});
    PatternBody pattern = {.changes_at = 400000};
    PutBody body = pattern_body(&pattern, 1000000);
    assert_fails_saying(store_put(f.store, NULL, STR("x"), &body, NULL), ERR_CHANGED, "changed while it was sent");
}

/* A server that looks finds it first: not repeated without end, and told for what it is. */
static void test_body_changes_and_server_looks(void **state)
{
    (void)state;
    S3_TEST(
        f,
        {.text = "HTTP/1.1 400 B\r\nContent-Length: 53\r\n\r\n<Error><Code>XAmzContentSHA256Mismatch</Code></Error>"});
    PatternBody pattern = {.changes_at = 400000};
    PutBody body = pattern_body(&pattern, 1000000);
    assert_fails_saying(store_put(f.store, NULL, STR("x"), &body, NULL), ERR_CHANGED, "changed while it was sent");
    assert_int_equal(s3_test_count(&f), 2);
}

static void test_bad_digest_once(void **state)
{
    (void)state;
    S3_TEST(f, {.text = "HTTP/1.1 400 B\r\nContent-Length: 37\r\n\r\n<Error><Code>BadDigest</Code></Error>"},
            {.text = OK_EMPTY});
    assert_ok(put_hello(&f, NULL));
    S3_TEST(g, {.text = "HTTP/1.1 400 B\r\nContent-Length: 37\r\n\r\n<Error><Code>BadDigest</Code></Error>"});
    assert_fails(put_hello(&g, NULL), ERR_CORRUPT);
    assert_int_equal(s3_test_count(&g), 2);
}

static void test_returned_checksum(void **state)
{
    (void)state;
    S3_TEST(
        f, {.text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nx-amz-checksum-crc64nvme: M3eFcAZSQlc=\r\n\r\n"},
        {.text =
             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nx-amz-request-id: R9\r\nx-amz-checksum-crc64nvme: AAAAAAAAAAA=\r\n\r\n"});
    assert_ok(put_hello(&f, NULL));
    assert_fails_saying(put_hello(&f, NULL), ERR_CORRUPT, "request R9");
}

/* A checksum that the user chose is not dropped for a server that refuses it; one that the server computed otherwise is found. */
static void test_chosen_checksum(void **state)
{
    (void)state;
    static const TestReply refused[] = {
        {.text = "HTTP/1.1 501 N\r\nContent-Length: 42\r\n\r\n<Error><Code>NotImplemented</Code></Error>"}};
    static const TestReply other[] = {
        {.text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nx-amz-checksum-crc32c: mnG7TA==\r\n\r\n"},
        {.text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nx-amz-checksum-crc32c: AAAAAA==\r\n\r\n"}};
    CLEANUP(s3_test_done) S3Test f = {0};
    CLEANUP(s3_test_done) S3Test g = {0};
    s3_test_open(&f, "s3://bucket", (StoreOptions){.checksum_algorithm = STR("crc32")}, refused, 1);
    assert_fails(put_hello(&f, NULL), ERR_UNSUPPORTED);
    s3_test_sent(&f, 0, "x-amz-checksum-crc32: NhCmhg==\r\n");
    assert_int_equal(s3_test_count(&f), 1);
    s3_test_open(&g, "s3://bucket", (StoreOptions){.checksum_algorithm = STR("CRC32C")}, other, 2);
    assert_ok(put_hello(&g, NULL));
    assert_fails_saying(put_hello(&g, NULL), ERR_CORRUPT, "its CRC32C is AAAAAA==, not mnG7TA==");
}

/* A server that is known to check CRC64NVME gets it; one that turns out not to is asked without, from then on. */
static void test_feature_dropped_once(void **state)
{
    (void)state;
    static const TestReply replies[] = {
        {.text = "HTTP/1.1 501 N\r\nContent-Length: 42\r\n\r\n<Error><Code>NotImplemented</Code></Error>"},
        {.text = OK_EMPTY}};
    CLEANUP(s3_test_done) S3Test f = {0};
    s3_test_open(&f, "s3://bucket", (StoreOptions){.provider = STR("versitygw")}, replies, 2);
    assert_ok(put_hello(&f, NULL));
    s3_test_sent(&f, 0, "x-amz-checksum-crc64nvme: M3eFcAZSQlc=\r\n");
    s3_test_not_sent(&f, 1, "crc64");
    assert_ok(put_hello(&f, NULL));
    s3_test_not_sent(&f, 2, "crc64");
    assert_int_equal(s3_test_count(&f), 3);
    S3_TEST(g, {.text = "HTTP/1.1 501 N\r\nContent-Length: 42\r\n\r\n<Error><Code>NotImplemented</Code></Error>"});
    assert_fails(put_hello(&g, &(PutOptions){.mode = PUT_IF_ABSENT}), ERR_UNSUPPORTED);
    assert_int_equal(s3_test_count(&g), 1);
}

/* 200 and an error, 200 and half an error page, many times over: never taken for success. */
static void test_errors_in_200(void **state)
{
    (void)state;
    enum { TIMES = 200 };
    static TestReply replies[2 * TIMES];
    static const char *const odd[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n<Error><Code>InternalError</Code></Error>",
        "HTTP/1.1 200 OK\r\nContent-Length: 46\r\n\r\n     <Error><Code>InternalError</Code></Error>",
    };
    for (size_t i = 0; i < TIMES; i++) {
        replies[2 * i] = (TestReply){.text = odd[i % 2]};
        replies[2 * i + 1] = (TestReply){.text = OK_EMPTY};
    }
    CLEANUP(s3_test_done) S3Test f = {0};
    s3_test_open(&f, "s3://bucket", (StoreOptions){0}, replies, ARRAY_COUNT(replies));
    for (size_t i = 0; i < TIMES; i++)
        assert_ok(put_hello(&f, NULL));
    assert_int_equal(s3_test_count(&f), 2 * TIMES);
    S3_TEST(g, {.text = "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n<Error><Code>AccessDenied</Code></Error>"});
    assert_fails(put_hello(&g, NULL), ERR_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_headers),     cmocka_unit_test(test_options_of_the_store),
        cmocka_unit_test(test_customer_key),    cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_too_much),        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_body_changes),    cmocka_unit_test(test_body_changes_and_server_looks),
        cmocka_unit_test(test_bad_digest_once), cmocka_unit_test(test_returned_checksum),
        cmocka_unit_test(test_chosen_checksum), cmocka_unit_test(test_feature_dropped_once),
        cmocka_unit_test(test_errors_in_200),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
