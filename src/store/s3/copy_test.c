/* Copies, tags and what answers say of an object, against a server that answers with a script. */
#include <stdio.h>

#include "base/testing.h"
#include "http/test_server.h"
#include "store/options.h"

#define HEAD_OF(bytes, more) "HTTP/1.1 200 OK\r\nContent-Length: " bytes "\r\nETag: \"e1\"\r\n" more "\r\n"
#define XML(bytes, text) "HTTP/1.1 200 OK\r\nContent-Length: " bytes "\r\n\r\n" text
#define COPIED                                                                                                         \
    XML("58", "<CopyObjectResult><ETag>&quot;e2&quot;</ETag></CopyObjectResult>") /* the length is replaced */
#define MISSING "HTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n"
#define REFUSED "HTTP/1.1 412 P\r\nContent-Length: 0\r\n\r\n"

enum { REPLIES_MAX = 12, TEXT_MAX = 2048 };

/* A server and a store that asks it. */
typedef struct Fixture {
    TestServer *server;
    Store *store;
    TestReply replies[REPLIES_MAX];
    char texts[REPLIES_MAX][TEXT_MAX];
    Arena *arena;
} Fixture;

static void fixture_done(Fixture *f)
{
    store_free(f->store);
    test_server_free(f->server);
    arena_free(f->arena);
}

/* An answer whose length is that of its body, whatever it says. */
static const char *with_length(const char *answer, char out[TEXT_MAX])
{
    const char *body = strstr(answer, "\r\n\r\n"), *length = strstr(answer, "Content-Length: ");
    assert_non_null(body);
    if (!length || body[4] == '\0')
        return answer;
    const char *rest = strstr(length, "\r\n");
    snprintf(out, TEXT_MAX, "%.*sContent-Length: %zu%s", (int)(length - answer), answer, strlen(body + 4), rest);
    return out;
}

static void fixture_open(Fixture *f, StoreOptions options, const char *const *answers, size_t count)
{
    char endpoint[64];
    assert_true(count <= REPLIES_MAX);
    for (size_t i = 0; i < count; i++) {
        f->replies[i].text = with_length(answers[i], f->texts[i]);
        f->replies[i].end = strstr(answers[i], "Content-Length") ? TEST_KEEP : TEST_CLOSE;
    }
    f->arena = arena_new(1 * MIB);
    f->server = test_server_new(f->replies, count);
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", test_server_port(f->server));
    options.endpoint_url = str_of(endpoint);
    options.access_key_id = STR("AKID");
    options.secret_access_key = STR("SECRET");
    options.attempts_max = 3;
    assert_ok(store_open(STR("s3://bucket/pre/"), &options, &f->store));
}

/* A provider whose conditions hold and whose checksums are right. */
#define FIXTURE(f, ...)                                                                                                \
    CLEANUP(fixture_done) Fixture f = {0};                                                                             \
    static const char *const f##_answers[] = {__VA_ARGS__};                                                            \
    fixture_open(&(f), (StoreOptions){.provider = STR("aws")}, f##_answers, ARRAY_COUNT(f##_answers))

static const char *request_head(const Fixture *f, size_t i)
{
    assert_true(i < test_server_requests(f->server));
    return test_server_request(f->server, i)->head;
}

static void assert_sent(const Fixture *f, size_t i, const char *text)
{
    const char *head = request_head(f, i);
    if (!strcasestr(head, text))
        print_error("request %zu lacks '%s':\n%s\n", i, text, head);
    assert_non_null(strcasestr(head, text));
}

static void assert_not_sent(const Fixture *f, size_t i, const char *text)
{
    if (strcasestr(request_head(f, i), text))
        print_error("request %zu has '%s':\n%s\n", i, text, request_head(f, i));
    assert_null(strcasestr(request_head(f, i), text));
}

static void assert_body(const Fixture *f, size_t i, const char *text)
{
    const TestRequest *request = test_server_request(f->server, i);
    assert_str(str_from(request->body, request->body_bytes), text);
}

static Error *copy(const Fixture *f, const char *key, const char *from, const CopyOptions *options)
{
    return store_copy(f->store, NULL, str_of(key), f->store, str_of(from), options);
}

/* ---- what an answer says ---- */

static void test_head_says_everything(void **state)
{
    (void)state;
    FIXTURE(
        f,
        HEAD_OF("7",
                "Content-Type: text/x\r\nCache-Control: no-cache\r\nContent-Disposition: inline\r\n"
                "Content-Encoding: gzip\r\nContent-Language: de\r\nExpires: 0\r\n"
                "x-amz-version-id: v1\r\nx-amz-storage-class: GLACIER\r\nx-amz-website-redirect-location: /y\r\n"
                "x-amz-server-side-encryption: aws:kms\r\nx-amz-server-side-encryption-aws-kms-key-id: arn:k\r\n"
                "x-amz-server-side-encryption-bucket-key-enabled: true\r\nx-amz-object-lock-mode: COMPLIANCE\r\n"
                "x-amz-object-lock-retain-until-date: 2126-01-02T03:04:05Z\r\nx-amz-object-lock-legal-hold: ON\r\n"
                "x-amz-missing-meta: 2\r\nx-amz-tagging-count: 3\r\nx-amz-mp-parts-count: 4\r\n"
                "x-amz-restore: ongoing-request=\"true\"\r\nx-amz-archive-status: ARCHIVE_ACCESS\r\n"
                "x-amz-checksum-crc64nvme: rosUhgp5mIg=\r\nx-amz-checksum-type: FULL_OBJECT\r\nx-amz-meta-a: 1\r\n"));
    ObjectInfo info;
    assert_ok(store_head(f.store, NULL, STR("x"), f.arena, &info));
    assert_sent(&f, 0, "x-amz-checksum-mode: ENABLED\r\n");
    assert_int_equal(info.size_bytes, 7);
    assert_str(info.etag, "e1");
    assert_str(info.headers.content_type, "text/x");
    assert_str(info.headers.cache_control, "no-cache");
    assert_str(info.headers.content_disposition, "inline");
    assert_str(info.headers.content_encoding, "gzip");
    assert_str(info.headers.content_language, "de");
    assert_str(info.headers.expires, "0");
    assert_str(info.version_id, "v1");
    assert_str(info.headers.storage_class, "GLACIER");
    assert_str(info.headers.website_redirect, "/y");
    assert_str(info.headers.encryption, "aws:kms");
    assert_str(info.headers.encryption_key_id, "arn:k");
    assert_str(info.headers.bucket_key, "true");
    assert_str(info.headers.lock_mode, "COMPLIANCE");
    assert_str(info.headers.lock_until, "2126-01-02T03:04:05Z");
    assert_str(info.headers.lock_legal_hold, "ON");
    assert_true(info.metadata_missing == 2 && info.tag_count == 3 && info.part_count == 4);
    assert_str(info.restore, "ongoing-request=\"true\"");
    assert_str(info.archive_status, "ARCHIVE_ACCESS");
    assert_int_equal(info.checksum.kind, CHECKSUM_CRC64NVME);
    assert_int_equal(info.metadata.count, 1);
}

#define MD5_OF_HELLO "5d41402abc4b2a76b9719d911017c592"

static void test_checksums(void **state)
{
    (void)state;
    static const struct {
        const char *name, *headers;
        ChecksumKind kind;
        unsigned parts;
    } rows[] = {
        {"none", "ETag: \"x\"\r\n", CHECKSUM_NONE, 0},
        {"an MD5", "ETag: \"" MD5_OF_HELLO "\"\r\n", CHECKSUM_MD5, 0},
        {"a weak ETag", "ETag: W/\"" MD5_OF_HELLO "\"\r\n", CHECKSUM_NONE, 0},
        {"of parts", "ETag: \"" MD5_OF_HELLO "-2\"\r\n", CHECKSUM_NONE, 0},
        {"by key of one's own", "ETag: \"" MD5_OF_HELLO "\"\r\nx-amz-server-side-encryption: aws:kms:dsse\r\n",
         CHECKSUM_NONE, 0},
        {"by S3's key", "ETag: \"" MD5_OF_HELLO "\"\r\nx-amz-server-side-encryption: AES256\r\n", CHECKSUM_MD5, 0},
        {"by the customer's",
         "ETag: \"" MD5_OF_HELLO "\"\r\nx-amz-server-side-encryption-customer-algorithm: AES256\r\n", CHECKSUM_NONE, 0},
        {"two",
         "x-amz-checksum-crc32: NhCmhg==\r\nx-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\r\n",
         CHECKSUM_SHA256, 0},
        {"composite", "x-amz-checksum-crc32c: mnG7TA==-3\r\nx-amz-checksum-type: COMPOSITE\r\n", CHECKSUM_CRC32C, 3},
        {"composite without a number", "x-amz-checksum-crc32c: mnG7TA==\r\nx-amz-checksum-type: COMPOSITE\r\n",
         CHECKSUM_NONE, 0},
        {"whole with a number", "x-amz-checksum-crc32c: mnG7TA==-3\r\nx-amz-checksum-type: FULL_OBJECT\r\n",
         CHECKSUM_NONE, 0},
        {"no type, a number", "x-amz-checksum-crc32c: mnG7TA==-3\r\n", CHECKSUM_CRC32C, 3},
        {"whole before composite",
         "x-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=-2\r\nx-amz-checksum-crc32: NhCmhg==\r\n",
         CHECKSUM_CRC32, 0},
        {"nonsense", "x-amz-checksum-crc32: !!!!\r\nx-amz-checksum-crc64nvme: NhCmhg==\r\n", CHECKSUM_NONE, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(fixture_done) Fixture f = {0};
        char text[TEXT_MAX];
        const char *answers[] = {text};
        ObjectInfo info;
        snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n%s\r\n", rows[i].headers);
        fixture_open(&f, (StoreOptions){0}, answers, 1);
        assert_ok(store_head(f.store, NULL, STR("x"), f.arena, &info));
        if (info.checksum.kind != rows[i].kind || info.checksum.parts != rows[i].parts)
            fail_msg("%s: %s of %u parts", rows[i].name, checksum_name(info.checksum.kind), info.checksum.parts);
    }
}

/* ---- one call ---- */

static void test_copy(void **state)
{
    (void)state;
    FIXTURE(
        f,
        HEAD_OF(
            "5",
            "Content-Type: text/x\r\nx-amz-meta-a: 1\r\nx-amz-version-id: v/1\r\nx-amz-storage-class: GLACIER_IR\r\n"
            "x-amz-website-redirect-location: /y\r\nx-amz-server-side-encryption: aws:kms\r\n"
            "x-amz-server-side-encryption-aws-kms-key-id: arn:k\r\nx-amz-tagging-count: 1\r\n"
            "x-amz-object-lock-mode: GOVERNANCE\r\nx-amz-object-lock-retain-until-date: 2126-01-02T03:04:05Z\r\n"),
        COPIED);
    assert_ok(copy(&f, "y", "a b?/\xc3\xbc+", NULL));
    assert_int_equal(test_server_requests(f.server), 2);
    assert_sent(&f, 0, "HEAD /bucket/pre/a%20b%3F/%C3%BC%2B HTTP/1.1\r\n");
    assert_sent(&f, 1, "PUT /bucket/pre/y HTTP/1.1\r\n");
    assert_sent(&f, 1, "x-amz-copy-source: /bucket/pre/a%20b%3F/%C3%BC%2B?versionId=v%2F1\r\n");
    assert_sent(&f, 1, "x-amz-copy-source-if-match: \"e1\"\r\n");
    assert_sent(&f, 1, "x-amz-metadata-directive: COPY\r\n");
    assert_sent(&f, 1, "x-amz-storage-class: GLACIER_IR\r\n");
    assert_sent(&f, 1, "x-amz-website-redirect-location: /y\r\n");
    assert_sent(&f, 1, "x-amz-server-side-encryption: aws:kms\r\n");
    assert_sent(&f, 1, "x-amz-server-side-encryption-aws-kms-key-id: arn:k\r\n");
    assert_sent(&f, 1, "x-amz-object-lock-mode: GOVERNANCE\r\n");
    assert_sent(&f, 1, "x-amz-object-lock-retain-until-date: 2126-01-02T03:04:05Z\r\n");
    assert_not_sent(&f, 1, "x-amz-meta-");
    assert_not_sent(&f, 1, "content-type");
    assert_not_sent(&f, 1, "x-amz-tagging");
    assert_not_sent(&f, 1, "if-none-match");
}

/* What other programs wrote is theirs, although we would write it in another way. */
static void test_copy_replaced_keeps_what_was_written(void **state)
{
    (void)state;
    FIXTURE(f,
            HEAD_OF("5", "x-amz-meta-a: a  b\r\nx-amz-meta-b: =?weird?=\r\nx-amz-meta-c: =?UTF-8?Q?=C3=84M?=\r\n"
                         "x-amz-meta-d: \xc3\x84\r\nx-amz-meta-e: \xc4\r\nx-amz-meta-f:\r\n"),
            COPIED);
    ObjectInfo info;
    assert_ok(store_head(f.store, NULL, STR("x"), f.arena, &info));
    assert_str(*metadata_find_view(info.metadata, STR("c")), "\xc3\x84M");
    CopyOptions options = {
        .replace = true, .from_info = &info, .headers.content_type = STR("text/y"), .metadata = info.metadata};
    assert_ok(copy(&f, "x", "x", &options));
    assert_sent(&f, 1, "x-amz-meta-a: a  b\r\n");
    assert_sent(&f, 1, "x-amz-meta-b: =?weird?=\r\n");
    assert_sent(&f, 1, "x-amz-meta-c: =?UTF-8?Q?=C3=84M?=\r\n");
    /* bytes that S3 would read as ISO-8859-1 are no header's text */
    assert_sent(&f, 1, "x-amz-meta-d: =?UTF-8?B?w4Q=?=\r\n");
    assert_sent(&f, 1, "x-amz-meta-e: =?UTF-8?B?w4Q=?=\r\n");
}

static void test_copy_replaced(void **state)
{
    (void)state;
    FIXTURE(f, HEAD_OF("5", "x-amz-storage-class: GLACIER_IR\r\nx-amz-meta-a: 1\r\n"), COPIED);
    const MetadataEntry entry = {STR("b"), STR("\xc3\xbc")};
    CopyOptions options = {.replace = true,
                           .headers = {.content_type = STR("text/y"), .cache_control = STR("no-cache")},
                           .metadata = {&entry, 1},
                           .replace_tags = true,
                           .tags = STR("z=1&a=\xc3\xbc b"),
                           .mode = PUT_IF_ABSENT,
                           .from_version = STR("v0")};
    assert_ok(copy(&f, "y", "x", &options));
    assert_sent(&f, 0, "HEAD /bucket/pre/x?versionId=v0 HTTP/1.1\r\n");
    assert_sent(&f, 1, "x-amz-copy-source: /bucket/pre/x?versionId=v0\r\n");
    assert_sent(&f, 1, "x-amz-metadata-directive: REPLACE\r\n");
    assert_sent(&f, 1, "x-amz-tagging-directive: REPLACE\r\n");
    assert_sent(&f, 1, "x-amz-tagging: a=%C3%BC%20b&z=1\r\n");
    assert_sent(&f, 1, "x-amz-meta-b: =?UTF-8?B?w7w=?=\r\n");
    assert_sent(&f, 1, "content-type: text/y\r\n");
    assert_sent(&f, 1, "cache-control: no-cache\r\n");
    assert_sent(&f, 1, "if-none-match: *\r\n");
    assert_not_sent(&f, 1, "x-amz-storage-class");
    assert_not_sent(&f, 1, "x-amz-meta-a");
}

/* A lock that has ended cannot be set again. */
static void test_expired_lock(void **state)
{
    (void)state;
    FIXTURE(
        f,
        HEAD_OF("5",
                "x-amz-object-lock-mode: GOVERNANCE\r\nx-amz-object-lock-retain-until-date: 2006-01-02T03:04:05Z\r\n"
                "x-amz-object-lock-legal-hold: ON\r\n"),
        COPIED);
    assert_ok(copy(&f, "y", "x", NULL));
    assert_not_sent(&f, 1, "x-amz-object-lock-mode");
    assert_not_sent(&f, 1, "x-amz-object-lock-retain-until-date");
    assert_sent(&f, 1, "x-amz-object-lock-legal-hold: ON\r\n");
}

#define ERROR_200 XML("0", "  \n<?xml version=\"1.0\"?><Error><Code>InternalError</Code><Message>m</Message></Error>")
#define DENIED_200 XML("0", "<Error><Code>AccessDenied</Code><Message>m</Message></Error>")
#define SPACES XML("0", "   \n\n  <?xml version=\"1.0\"?>\n<CopyObjectResult><ETag>\"e2\"</ETag></CopyObjectResult>\n")
#define CUT XML("0", "<CopyObjectResult><ETag>\"e2\"</ETa")
#define EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define OTHER XML("0", "<Surprise/>")
#define NO_ETAG XML("0", "<CopyObjectResult><LastModified/></CopyObjectResult>")
#define WRONG_CRC                                                                                                      \
    XML("0", "<CopyObjectResult><ETag>e2</ETag><ChecksumCRC32C>AAAAAA==</ChecksumCRC32C></CopyObjectResult>")
#define RIGHT_CRC                                                                                                      \
    XML("0", "<CopyObjectResult><ETag>e2</ETag><ChecksumCRC32C>mnG7TA==</ChecksumCRC32C></CopyObjectResult>")
#define CRC_HEAD HEAD_OF("5", "x-amz-checksum-crc32c: mnG7TA==\r\n")

static void test_copy_answers(void **state)
{
    (void)state;
    static const struct {
        const char *name, *answers[4];
        ErrorCode code;
        const char *says;
        size_t requests;
    } rows[] = {
        {"spaces first", {HEAD_OF("5", ""), SPACES}, ERR_OK, "", 2},
        {"an error inside, then done", {HEAD_OF("5", ""), ERROR_200, COPIED}, ERR_OK, "", 3},
        {"empty, then done", {HEAD_OF("5", ""), EMPTY, COPIED}, ERR_OK, "", 3},
        {"cut, then done", {HEAD_OF("5", ""), CUT, COPIED}, ERR_OK, "", 3},
        {"cut for ever", {HEAD_OF("5", ""), CUT}, ERR_UNAVAILABLE, "ends in the middle", 4},
        {"empty for ever", {HEAD_OF("5", ""), EMPTY}, ERR_UNAVAILABLE, "ends in the middle", 4},
        {"denied inside", {HEAD_OF("5", ""), DENIED_200}, ERR_DENIED, "copy 'x' to 'y'", 2},
        {"another document", {HEAD_OF("5", ""), OTHER}, ERR_CORRUPT, "<Surprise>", 2},
        {"no ETag", {HEAD_OF("5", ""), NO_ETAG}, ERR_CORRUPT, "ETag", 2},
        {"the same checksum", {CRC_HEAD, RIGHT_CRC}, ERR_OK, "", 2},
        {"another checksum", {CRC_HEAD, WRONG_CRC}, ERR_CORRUPT, "its CRC32C is AAAAAA==, not mnG7TA==", 2},
        {"a checksum of nothing known", {HEAD_OF("5", ""), WRONG_CRC}, ERR_OK, "", 2},
        {"no source", {MISSING}, ERR_NOT_FOUND, "copy 'x' to 'y'", 1},
        {"the source changed", {HEAD_OF("5", ""), REFUSED}, ERR_CHANGED, "412", 2},
        {"archived",
         {HEAD_OF("5", ""),
          "HTTP/1.1 403 F\r\nContent-Length: 0\r\n\r\n<Error><Code>InvalidObjectState</Code></Error>"},
         ERR_ARCHIVED,
         "archived: restore it first",
         2},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(fixture_done) Fixture f = {0};
        size_t count = 0;
        while (count < 4 && rows[i].answers[count])
            count++;
        fixture_open(&f, (StoreOptions){.provider = STR("aws")}, rows[i].answers, count);
        Error *err = copy(&f, "y", "x", NULL);
        bool says = strstr(error_message_view(err), rows[i].says) != NULL;
        size_t requests = test_server_requests(f.server);
        if (error_code(err) != rows[i].code || !says || requests != rows[i].requests)
            print_error("%s: %s: %s (%zu requests)\n", rows[i].name, error_code_name(error_code(err)),
                        error_message_view(err), requests);
        assert_int_equal(error_code(err), rows[i].code);
        assert_true(says && requests == rows[i].requests);
        error_free(err);
    }
}

static void test_copy_conditions(void **state)
{
    (void)state;
#define FAILS "HTTP/1.1 500 E\r\nContent-Length: 0\r\n\r\n"
    static const struct {
        const char *name, *provider, *answers[4];
        CopyOptions options;
        ErrorCode code;
        size_t requests;
    } rows[] = {
        {"another source", "aws", {HEAD_OF("5", "")}, {.if_from_etag = {"e0", 2}}, ERR_CHANGED, 1},
        {"the source that was expected", "aws", {HEAD_OF("5", ""), COPIED}, {.if_from_etag = {"e1", 2}}, ERR_OK, 2},
        {"a target is there",
         "aws",
         {HEAD_OF("5", ""), REFUSED, HEAD_OF("9", "")},
         {.mode = PUT_IF_ABSENT},
         ERR_EXISTS,
         3},
        {"no target, so it was the source",
         "aws",
         {HEAD_OF("5", ""), REFUSED, MISSING},
         {.mode = PUT_IF_ABSENT},
         ERR_CHANGED,
         3},
        {"the first answer was lost",
         "aws",
         {HEAD_OF("5", "Content-Type: application/octet-stream\r\n"), FAILS, REFUSED,
          HEAD_OF("5", "Content-Type: application/octet-stream\r\n")},
         {.mode = PUT_IF_ABSENT},
         ERR_OK,
         4},
        {"a target looked at first",
         "unknown",
         {HEAD_OF("5", ""), HEAD_OF("9", "")},
         {.mode = PUT_IF_ABSENT},
         ERR_EXISTS,
         2},
        {"none is there", "unknown", {HEAD_OF("5", ""), MISSING, COPIED}, {.mode = PUT_IF_ABSENT}, ERR_OK, 3},
        {"not to be looked at",
         "unknown",
         {HEAD_OF("5", ""), "HTTP/1.1 403 F\r\nContent-Length: 0\r\n\r\n"},
         {.mode = PUT_IF_ABSENT},
         ERR_DENIED,
         2},
        {"the target is gone",
         "unknown",
         {HEAD_OF("5", ""), MISSING},
         {.mode = PUT_IF_UNCHANGED, .if_etag = {"e1", 2}},
         ERR_CHANGED,
         2},
        {"the target is another",
         "unknown",
         {HEAD_OF("5", ""), HEAD_OF("9", "")},
         {.mode = PUT_IF_UNCHANGED, .if_etag = {"e9", 2}},
         ERR_CHANGED,
         2},
        {"the target is the same",
         "unknown",
         {HEAD_OF("5", ""), HEAD_OF("9", ""), COPIED},
         {.mode = PUT_IF_UNCHANGED, .if_etag = {"e1", 2}},
         ERR_OK,
         3},
        {"R2's own header", "r2", {HEAD_OF("5", ""), MISSING, COPIED}, {.mode = PUT_IF_ABSENT}, ERR_OK, 3},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(fixture_done) Fixture f = {0};
        size_t count = 0;
        while (count < 4 && rows[i].answers[count])
            count++;
        fixture_open(&f, (StoreOptions){.provider = str_of(rows[i].provider)}, rows[i].answers, count);
        Error *err = copy(&f, "y", "x", &rows[i].options);
        size_t requests = test_server_requests(f.server);
        if (error_code(err) != rows[i].code || requests != rows[i].requests)
            print_error("%s: %s: %s (%zu requests)\n", rows[i].name, error_code_name(error_code(err)),
                        error_message_view(err), requests);
        assert_int_equal(error_code(err), rows[i].code);
        assert_int_equal(requests, rows[i].requests);
        if (strcmp(rows[i].provider, "r2") == 0)
            assert_sent(&f, 2, "\r\ncf-copy-destination-if-none-match: *\r\n");
        error_free(err);
    }
}

/* ---- in place ---- */

static void test_in_place(void **state)
{
    (void)state;
    FIXTURE(
        f,
        HEAD_OF(
            "5",
            "Content-Type: text/x\r\nx-amz-meta-a: 1\r\nx-amz-storage-class: GLACIER_IR\r\nx-amz-version-id: v7\r\n"),
        HEAD_OF(
            "5",
            "Content-Type: text/x\r\nx-amz-meta-a: 1\r\nx-amz-storage-class: GLACIER_IR\r\nx-amz-version-id: v7\r\n"),
        COPIED);
    const MetadataEntry same = {STR("a"), STR("1")}, other = {STR("a"), STR("2")};
    CopyOptions options = {.replace = true,
                           .headers = {.content_type = STR("text/x"), .storage_class = STR("GLACIER_IR")},
                           .metadata = {&same, 1}};
    assert_ok(copy(&f, "x", "x", &options)); /* it is like that already */
    assert_int_equal(test_server_requests(f.server), 1);
    options.metadata.entries = &other;
    assert_ok(copy(&f, "x", "x", &options));
    assert_int_equal(test_server_requests(f.server), 3);
    assert_sent(&f, 2, "x-amz-copy-source: /bucket/pre/x?versionId=v7\r\n");
    assert_sent(&f, 2, "x-amz-copy-source-if-match: \"e1\"\r\n");
    assert_sent(&f, 2, "x-amz-meta-a: 2\r\n");
    assert_sent(&f, 2, "x-amz-storage-class: GLACIER_IR\r\n");
}

static void test_in_place_refused(void **state)
{
    (void)state;
    FIXTURE(f, HEAD_OF("5", "x-amz-missing-meta: 1\r\n"));
    assert_fails_saying(copy(&f, "x", "x", NULL), ERR_INVALID, "changes nothing");
    assert_fails_saying(copy(&f, "x", "x", &(CopyOptions){.replace = true}), ERR_INVALID, "x-amz-missing-meta");
    assert_fails_saying(copy(&f, "y", "x", &(CopyOptions){.multipart_from_bytes = 1}), ERR_INVALID,
                        "x-amz-missing-meta");
    assert_int_equal(test_server_requests(f.server), 3);
}

/* ---- in parts ---- */

#define LARGE_HEAD                                                                                                     \
    HEAD_OF("12582912",                                                                                                \
            "Content-Type: text/x\r\nx-amz-meta-a: 1\r\nx-amz-tagging-count: 1\r\nx-amz-checksum-crc32c: mnG7TA==\r\n" \
            "x-amz-storage-class: GLACIER_IR\r\n")
#define TAGS XML("0", "<Tagging><TagSet><Tag><Key>t</Key><Value>1 &amp; 2</Value></Tag></TagSet></Tagging>")
#define CREATED XML("0", "<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>")
#define PART(n)                                                                                                        \
    XML("0", "<CopyPartResult><ETag>&quot;p" n "&quot;</ETag><ChecksumCRC32C>AAAA" n                                   \
             "A==</ChecksumCRC32C></CopyPartResult>")
#define COMPLETED XML("0", "<CompleteMultipartUploadResult><ETag>\"e3-3\"</ETag></CompleteMultipartUploadResult>")
#define ABORTED "HTTP/1.1 204 N\r\nContent-Length: 0\r\n\r\n"

static const CopyOptions in_parts = {.multipart_from_bytes = 1, .part_bytes = 5 * MIB, .parts_max = 1};

static void test_parts(void **state)
{
    (void)state;
    FIXTURE(f, LARGE_HEAD, TAGS, CREATED, PART("1"), PART("2"), PART("3"), COMPLETED);
    CopyOptions options = in_parts;
    options.mode = PUT_IF_ABSENT;
    assert_ok(copy(&f, "y", "x", &options));
    assert_int_equal(test_server_requests(f.server), 7);
    assert_sent(&f, 1, "GET /bucket/pre/x?tagging= HTTP/1.1\r\n");
    assert_sent(&f, 2, "POST /bucket/pre/y?uploads= HTTP/1.1\r\n");
    assert_sent(&f, 2, "content-type: text/x\r\n");
    assert_sent(&f, 2, "x-amz-meta-a: 1\r\n");
    assert_sent(&f, 2, "x-amz-tagging: t=1%20%26%202\r\n");
    assert_sent(&f, 2, "x-amz-storage-class: GLACIER_IR\r\n");
    assert_sent(&f, 2, "x-amz-checksum-algorithm: CRC32C\r\n");
    assert_sent(&f, 2, "x-amz-checksum-type: FULL_OBJECT\r\n");
    static const char *const ranges[] = {"bytes=0-5242879", "bytes=5242880-10485759", "bytes=10485760-12582911"};
    for (size_t i = 0; i < 3; i++) {
        char line[128];
        snprintf(line, sizeof(line), "PUT /bucket/pre/y?partNumber=%zu&uploadId=u%%2F1 HTTP/1.1\r\n", i + 1);
        assert_sent(&f, 3 + i, line);
        snprintf(line, sizeof(line), "x-amz-copy-source-range: %s\r\n", ranges[i]);
        assert_sent(&f, 3 + i, line);
        assert_sent(&f, 3 + i, "x-amz-copy-source-if-match: \"e1\"\r\n");
    }
    assert_sent(&f, 6, "POST /bucket/pre/y?uploadId=u%2F1 HTTP/1.1\r\n");
    assert_sent(&f, 6, "if-none-match: *\r\n");
    assert_sent(&f, 6, "x-amz-checksum-crc32c: mnG7TA==\r\n");
    assert_sent(&f, 6, "x-amz-mp-object-size: 12582912\r\n");
    assert_body(
        &f, 6,
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        "<Part><PartNumber>1</PartNumber><ETag>&quot;p1&quot;</ETag><ChecksumCRC32C>AAAA1A==</ChecksumCRC32C></Part>"
        "<Part><PartNumber>2</PartNumber><ETag>&quot;p2&quot;</ETag><ChecksumCRC32C>AAAA2A==</ChecksumCRC32C></Part>"
        "<Part><PartNumber>3</PartNumber><ETag>&quot;p3&quot;</ETag><ChecksumCRC32C>AAAA3A==</ChecksumCRC32C></Part>"
        "</CompleteMultipartUpload>");
}

#define PLAIN_HEAD HEAD_OF("6291456", "")
#define MADE(bytes) "HTTP/1.1 200 OK\r\nContent-Length: " bytes "\r\nETag: \"e3-3\"\r\n\r\n"

/* Every way out but success aborts, and the error is the first one's. */
static void test_parts_that_fail(void **state)
{
    (void)state;
    static const struct {
        const char *name, *provider, *answers[8];
        ErrorCode code;
        const char *says;
        size_t requests;
        bool aborts;
    } rows[] = {
        {"not begun", "aws", {PLAIN_HEAD, DENIED_200}, ERR_DENIED, "AccessDenied", 2, false},
        {"no id",
         "aws",
         {PLAIN_HEAD, XML("0", "<InitiateMultipartUploadResult/>")},
         ERR_CORRUPT,
         "without an id",
         2,
         false},
        {"the source changed between parts",
         "aws",
         {PLAIN_HEAD, CREATED, PART("1"), REFUSED, ABORTED},
         ERR_CHANGED,
         "part 2 of 2",
         5,
         true},
        {"a part fails inside", "aws", {PLAIN_HEAD, CREATED, DENIED_200, ABORTED}, ERR_DENIED, "part 1 of 2", 4, true},
        {"a part is repeated",
         "aws",
         {PLAIN_HEAD, CREATED, ERROR_200, PART("1"), PART("2"), COMPLETED, MADE("6291456")},
         ERR_OK,
         "",
         7,
         false},
        {"not completed",
         "aws",
         {PLAIN_HEAD, CREATED, PART("1"), PART("2"), DENIED_200, ABORTED},
         ERR_DENIED,
         "AccessDenied",
         6,
         true},
        {"made of another size",
         "aws",
         {PLAIN_HEAD, CREATED, PART("1"), PART("2"), COMPLETED, MADE("6291455")},
         ERR_CORRUPT,
         "another object",
         6,
         false},
        {"replaced at once",
         "aws",
         {PLAIN_HEAD, CREATED, PART("1"), PART("2"), COMPLETED, HEAD_OF("9", "")},
         ERR_OK,
         "",
         6,
         false},
        {"no parts there", "gcs", {PLAIN_HEAD, COPIED}, ERR_OK, "", 2, false},
        {"no parts, too large", "storj", {HEAD_OF("5368709121", "")}, ERR_UNSUPPORTED, "5 GiB", 1, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(fixture_done) Fixture f = {0};
        size_t count = 0;
        while (count < 8 && rows[i].answers[count])
            count++;
        fixture_open(&f, (StoreOptions){.provider = str_of(rows[i].provider)}, rows[i].answers, count);
        Error *err = copy(&f, "y", "x", &in_parts);
        bool says = strstr(error_message_view(err), rows[i].says) != NULL;
        size_t requests = test_server_requests(f.server);
        if (error_code(err) != rows[i].code || !says || requests != rows[i].requests)
            print_error("%s: %s: %s (%zu requests)\n", rows[i].name, error_code_name(error_code(err)),
                        error_message_view(err), requests);
        assert_int_equal(error_code(err), rows[i].code);
        assert_true(says && requests == rows[i].requests);
        if (rows[i].aborts)
            assert_sent(&f, requests - 1, "DELETE /bucket/pre/y?uploadId=u%2F1 HTTP/1.1\r\n");
        error_free(err);
    }
}

/* The answer was lost, the upload is gone, and the object is there. */
static void test_parts_completed_twice(void **state)
{
    (void)state;
#define NO_UPLOAD "HTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n<Error><Code>NoSuchUpload</Code></Error>"
    FIXTURE(f, HEAD_OF("6291456", "x-amz-checksum-crc32c: mnG7TA==\r\n"), CREATED, PART("1"), PART("2"), FAILS,
            NO_UPLOAD, HEAD_OF("6291456", "x-amz-checksum-crc32c: mnG7TA==\r\n"));
    assert_ok(copy(&f, "y", "x", &in_parts));
    assert_int_equal(test_server_requests(f.server), 7);
    FIXTURE(g, HEAD_OF("6291456", "x-amz-checksum-crc32c: mnG7TA==\r\n"), CREATED, PART("1"), PART("2"), FAILS,
            NO_UPLOAD, HEAD_OF("6291456", "x-amz-checksum-crc32c: AAAAAA==\r\n"), ABORTED);
    assert_fails_saying(copy(&g, "y", "x", &in_parts), ERR_NOT_FOUND, "NoSuchUpload");
    assert_int_equal(test_server_requests(g.server), 8);
}

/* Somebody wrote at the same moment: S3 wants the parts once more. */
static void test_parts_after_a_conflict(void **state)
{
    (void)state;
#define CONFLICT "HTTP/1.1 409 C\r\nContent-Length: 0\r\n\r\n<Error><Code>ConditionalRequestConflict</Code></Error>"
    FIXTURE(f, PLAIN_HEAD, CREATED, PART("1"), PART("2"), CONFLICT, ABORTED, CREATED, PART("1"), PART("2"), COMPLETED,
            MADE("6291456"));
    assert_ok(copy(&f, "y", "x", &in_parts));
    assert_int_equal(test_server_requests(f.server), 11);
    assert_sent(&f, 5, "DELETE /bucket/pre/y?uploadId=u%2F1 HTTP/1.1\r\n");
}

/* The source's store knows the key that its objects are encrypted with. */
static void test_source_key(void **state)
{
    (void)state;
    FIXTURE(f, HEAD_OF("5", ""), COPIED, PLAIN_HEAD, CREATED, PART("1"), PART("2"), COMPLETED, MADE("6291456"));
    CLEANUP(store_freep) Store *from = NULL;
    char endpoint[64];
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", test_server_port(f.server));
    StoreOptions options = {.endpoint_url = str_of(endpoint),
                            .access_key_id = STR("AKID"),
                            .secret_access_key = STR("SECRET"),
                            .customer_key = STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")};
    assert_ok(store_open(STR("s3://other"), &options, &from));
    assert_ok(store_copy(f.store, NULL, STR("y"), from, STR("x"), NULL));
    assert_sent(&f, 0, "x-amz-server-side-encryption-customer-key: AAAA");
    assert_sent(&f, 1, "x-amz-copy-source: /other/x\r\n");
    assert_sent(&f, 1, "x-amz-copy-source-server-side-encryption-customer-key: AAAA");
    assert_not_sent(&f, 1, "\r\nx-amz-server-side-encryption-customer-key");
    assert_ok(store_copy(f.store, NULL, STR("y"), from, STR("x"), &in_parts));
    assert_sent(&f, 4, "x-amz-copy-source-server-side-encryption-customer-key: AAAA");
}

/* ---- tags ---- */

static void test_get_tags(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        ErrorCode code;
        const char *tags;
    } rows[] = {
        {XML("0",
             "<Tagging xmlns=\"x\"><TagSet><Tag><Key>b</Key><Value>2</Value></Tag><Tag><Key>a</Key><Value/></Tag></TagSet></Tagging>"),
         ERR_OK, "a=&b=2"},
        {XML("0", "<Tagging><TagSet/></Tagging>"), ERR_OK, ""},
        {"HTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n<Error><Code>NoSuchTagSet</Code></Error>", ERR_OK, ""},
        {"HTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n<Error><Code>NoSuchKey</Code></Error>", ERR_NOT_FOUND, ""},
        {"HTTP/1.1 501 N\r\nContent-Length: 0\r\n\r\n<Error><Code>NotImplemented</Code></Error>", ERR_UNSUPPORTED, ""},
        {XML("0", "<Other/>"), ERR_CORRUPT, ""},
        {XML("0", "<Tagging><TagSet><Tag><Value>2</Value></Tag></TagSet></Tagging>"), ERR_INVALID, ""},
        {XML("0", "<Tagging><TagSet><Tag><Key>a</Key></Tag><Tag><Key>a</Key></Tag></TagSet></Tagging>"), ERR_INVALID,
         ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(fixture_done) Fixture f = {0};
        Str tags = STR_EMPTY;
        fixture_open(&f, (StoreOptions){0}, &rows[i].answer, 1);
        Error *err = store_get_tags(f.store, NULL, STR("x"), f.arena, &tags);
        if (error_code(err) != rows[i].code)
            print_error("row %zu: %s\n", i, error_message_view(err));
        assert_int_equal(error_code(err), rows[i].code);
        assert_str(tags, rows[i].tags);
        error_free(err);
    }
}

static void test_put_tags(void **state)
{
    (void)state;
    FIXTURE(f, EMPTY);
    assert_ok(store_put_tags(f.store, NULL, STR("x"), STR("b=%3C%26&a+c=1")));
    assert_sent(&f, 0, "PUT /bucket/pre/x?tagging= HTTP/1.1\r\n");
    assert_sent(&f, 0, "content-md5: ");
    assert_body(
        &f, 0,
        "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet><Tag><Key>a c</Key><Value>1</Value></Tag>"
        "<Tag><Key>b</Key><Value>&lt;&amp;</Value></Tag></TagSet></Tagging>");
    static const char *const bad[] = {"=1", "a=1&a=2", "a=%FF", "a=%01", "1&2&3&4&5&6&7&8&9&10&11"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_fails_saying(store_put_tags(f.store, NULL, STR("x"), str_of(bad[i])), ERR_INVALID, "tag 'x': ");
    assert_int_equal(test_server_requests(f.server), 1);
}

static void test_no_tags_there(void **state)
{
    (void)state;
    CLEANUP(fixture_done) Fixture f = {0};
    const char *const answers[] = {EMPTY};
    Str tags;
    fixture_open(&f, (StoreOptions){.provider = STR("r2")}, answers, 1);
    assert_fails_saying(store_get_tags(f.store, NULL, STR("x"), f.arena, &tags), ERR_UNSUPPORTED, "'r2' has no tags");
    assert_fails(store_put_tags(f.store, NULL, STR("x"), STR("a=1")), ERR_UNSUPPORTED);
    assert_int_equal(test_server_requests(f.server), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head_says_everything),
        cmocka_unit_test(test_checksums),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_copy_replaced),
        cmocka_unit_test(test_copy_replaced_keeps_what_was_written),
        cmocka_unit_test(test_expired_lock),
        cmocka_unit_test(test_copy_answers),
        cmocka_unit_test(test_copy_conditions),
        cmocka_unit_test(test_in_place),
        cmocka_unit_test(test_in_place_refused),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_parts_that_fail),
        cmocka_unit_test(test_parts_completed_twice),
        cmocka_unit_test(test_parts_after_a_conflict),
        cmocka_unit_test(test_source_key),
        cmocka_unit_test(test_get_tags),
        cmocka_unit_test(test_put_tags),
        cmocka_unit_test(test_no_tags_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
