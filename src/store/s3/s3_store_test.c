/* The S3 store against a server that answers with a script. */
#include <stdio.h>

#include "base/testing.h"
#include "base/time_text.h"
#include "http/test_server.h"
#include "store/options.h"

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e1\"\r\n\r\nhello"
#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

/* A server and a store that asks it, with a clock that stands still. */
typedef struct Fixture {
    TestServer *server;
    Store *store;
    int64_t now_us;
    Clock clock;
} Fixture;

static int64_t fixed_wall_us(void *context)
{
    return ((const Fixture *)context)->now_us;
}

static int64_t real_monotonic_us(void *context)
{
    (void)context;
    return clock_monotonic_us(clock_system());
}

static void fixture_done(Fixture *f)
{
    store_free(f->store);
    test_server_free(f->server);
}

static void fixture_open(Fixture *f, const char *url, StoreOptions options, const TestReply *replies, size_t count)
{
    char endpoint[64];
    *f = (Fixture){.now_us = INT64_C(1795253994000000), .clock = {fixed_wall_us, real_monotonic_us, f}};
    f->server = test_server_new(replies, count);
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", test_server_port(f->server));
    options.endpoint_url = str_of(endpoint);
    options.clock = &f->clock;
    if (!options.anonymous && options.access_key_id.len == 0) {
        options.access_key_id = STR("AKID");
        options.secret_access_key = STR("SECRET");
    }
    assert_ok(store_open(str_of(url), &options, &f->store));
}

/* One reply for all requests, or a script. */
#define FIXTURE(f, ...)                                                                                                \
    CLEANUP(fixture_done) Fixture f = {0};                                                                             \
    static const TestReply f##_replies[] = {__VA_ARGS__};                                                              \
    fixture_open(&(f), "s3://bucket/pre/", (StoreOptions){0}, f##_replies, ARRAY_COUNT(f##_replies))

static const char *request_head(const Fixture *f, size_t i)
{
    assert_true(i < test_server_requests(f->server));
    return test_server_request(f->server, i)->head;
}

static void assert_sent(const Fixture *f, size_t i, const char *text)
{
    const char *head = request_head(f, i);
    if (!strstr(head, text))
        print_error("request %zu lacks '%s':\n%s\n", i, text, head);
    assert_non_null(strstr(head, text));
}

static void assert_not_sent(const Fixture *f, size_t i, const char *text)
{
    assert_null(strcasestr(request_head(f, i), text));
}

static Error *get(const Fixture *f, const char *key, ByteRange range, const char *if_etag, Buffer *body)
{
    return store_get(f->store, NULL, str_of(key), range, str_of(if_etag), body);
}

/* ---- reading ---- */

static void test_get(void **state)
{
    (void)state;
    FIXTURE(f, {.text = OK_HELLO});
    CLEANUP(buffer_done) Buffer body = {0};
    assert_ok(get(&f, "a b/../+%\xc3\xbc?#", BYTE_RANGE_ALL, "", &body));
    assert_str(buffer_str(&body), "hello");
    assert_sent(&f, 0, "GET /bucket/pre/a%20b/../%2B%25%C3%BC%3F%23 HTTP/1.1\r\n");
    assert_sent(&f, 0, "x-amz-date: 20261121T093954Z\r\n");
    assert_sent(&f, 0,
                "Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261121/us-east-1/s3/aws4_request, "
                "SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=");
    assert_not_sent(&f, 0, "accept-encoding:");
    assert_not_sent(&f, 0, "range:");
    assert_not_sent(&f, 0, "SECRET");
    StoreCounters counters = store_counters(f.store);
    assert_true(counters.requests == 1 && counters.retries == 0 && counters.bytes_in == 5);
}

static void test_session_token(void **state)
{
    (void)state;
    static const TestReply replies[] = {{.text = OK_HELLO}};
    CLEANUP(fixture_done) Fixture f = {0};
    CLEANUP(buffer_done) Buffer body = {0};
    StoreOptions options = {.access_key_id = STR("A"), .secret_access_key = STR("S"), .session_token = STR("TOKEN")};
    fixture_open(&f, "s3://bucket", options, replies, 1);
    assert_ok(get(&f, "x", BYTE_RANGE_ALL, "", &body));
    assert_sent(&f, 0, "x-amz-security-token: TOKEN\r\n");
    assert_sent(&f, 0, "SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date;x-amz-security-token,");
}

static void test_anonymous(void **state)
{
    (void)state;
    static const TestReply replies[] = {
        {.text = OK_HELLO},
        {.text = "HTTP/1.1 403 F\r\nContent-Length: 46\r\n\r\n<Error><Code>AccessDenied</Code><Message/></Error>"}};
    CLEANUP(fixture_done) Fixture f = {0};
    CLEANUP(buffer_done) Buffer body = {0};
    fixture_open(&f, "s3://bucket", (StoreOptions){.anonymous = true}, replies, 2);
    assert_ok(get(&f, "x", BYTE_RANGE_ALL, "", &body));
    assert_not_sent(&f, 0, "authorization");
    assert_not_sent(&f, 0, "x-amz-date");
    assert_fails_saying(get(&f, "x", BYTE_RANGE_ALL, "", &body), ERR_DENIED, "asked without credentials");
}

static const struct {
    const char *name, *reply;
    uint64_t offset, length;
    const char *if_etag;
    ErrorCode code;
    const char *says; /* of an error; the body of success */
} gets[] = {
    {"range", "HTTP/1.1 206 P\r\nContent-Length: 3\r\nContent-Range: bytes 2-4/10\r\n\r\nabc", 2, 3, "", ERR_OK, "abc"},
    {"range to the end", "HTTP/1.1 206 P\r\nContent-Length: 2\r\nContent-Range: bytes 8-9/10\r\n\r\nab", 8, 100, "",
     ERR_OK, "ab"},
    {"open range", "HTTP/1.1 206 P\r\nContent-Length: 2\r\nContent-Range: bytes 8-9/10\r\n\r\nab", 8, UINT64_MAX, "",
     ERR_OK, "ab"},
    {"range ignored", OK_HELLO, 2, 3, "", ERR_CORRUPT, "does not honour ranges"},
    {"other range", "HTTP/1.1 206 P\r\nContent-Length: 3\r\nContent-Range: bytes 3-5/10\r\n\r\nabc", 2, 3, "",
     ERR_CORRUPT, "the bytes 3-5 in answer to 2-4"},
    {"shorter range", "HTTP/1.1 206 P\r\nContent-Length: 2\r\nContent-Range: bytes 2-3/10\r\n\r\nab", 2, 3, "",
     ERR_CORRUPT, "2-3"},
    {"no range named", "HTTP/1.1 206 P\r\nContent-Length: 3\r\n\r\nabc", 2, 3, "", ERR_CORRUPT,
     "without a valid Content-Range"},
    {"behind the end", "HTTP/1.1 416 R\r\nContent-Length: 0\r\n\r\n", 20, 3, "", ERR_INVALID, "416"},
    {"same etag", OK_HELLO, 0, UINT64_MAX, "e1", ERR_OK, "hello"},
    {"other etag", "HTTP/1.1 412 P\r\nContent-Length: 0\r\n\r\n", 0, UINT64_MAX, "e0", ERR_CHANGED, "412"},
    {"condition ignored", OK_HELLO, 0, UINT64_MAX, "e0", ERR_CHANGED, "not the one that was listed"},
    {"missing", "HTTP/1.1 404 N\r\nContent-Length: 48\r\n\r\n<Error><Code>NoSuchKey</Code><Message/></Error>\n", 0,
     UINT64_MAX, "", ERR_NOT_FOUND, "'s3://bucket/pre/x': "},
    {"redirected elsewhere", "HTTP/1.1 302 M\r\nLocation: http://127.0.0.1:1/evil\r\nContent-Length: 0\r\n\r\n", 0,
     UINT64_MAX, "", ERR_INVALID, "302"},
    {"not implemented", "HTTP/1.1 501 N\r\nContent-Length: 0\r\n\r\n", 0, UINT64_MAX, "", ERR_UNSUPPORTED, "501"},
    {"id in the headers", "HTTP/1.1 403 F\r\nx-amz-request-id: RID7\r\nContent-Length: 0\r\n\r\n", 0, UINT64_MAX, "",
     ERR_DENIED, "(request RID7)"},
};

static void test_get_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(gets); i++) {
        const TestReply reply = {.text = gets[i].reply};
        CLEANUP(fixture_done) Fixture f = {0};
        CLEANUP(buffer_done) Buffer body = {0};
        fixture_open(&f, "s3://bucket/pre/", (StoreOptions){0}, &reply, 1);
        assert_ok(buffer_append_byte(&body, '>'));
        Error *err = get(&f, "x", (ByteRange){gets[i].offset, gets[i].length}, gets[i].if_etag, &body);
        bool says = strstr(err ? error_message_view(err) : (const char *)buffer_cstr(&body) + 1, gets[i].says) != NULL;
        if (error_code(err) != gets[i].code || !says)
            print_error("%s: %s: %s\n", gets[i].name, error_code_name(error_code(err)), error_message_view(err));
        assert_int_equal(error_code(err), gets[i].code);
        assert_true(says);
        assert_true(!err || body.len == 1);
        if (test_server_requests(f.server) != 1)
            print_error("%s: %zu requests\n", gets[i].name, test_server_requests(f.server));
        assert_int_equal(test_server_requests(f.server), 1);
        error_free(err);
    }
}

static void test_range_of_empty_object(void **state)
{
    (void)state;
    FIXTURE(f, {.text = "HTTP/1.1 416 R\r\nContent-Length: 0\r\n\r\n"}, {.text = OK_EMPTY});
    CLEANUP(buffer_done) Buffer body = {0};
    assert_ok(get(&f, "x", (ByteRange){0, 100}, "", &body));
    assert_sent(&f, 0, "Range: bytes=0-99\r\n");
    assert_not_sent(&f, 1, "range:");
}

/* A body that is cut goes on where it ended, and only if it is the same object. */
static void test_cut_body(void **state)
{
    (void)state;
    FIXTURE(f, {.text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"e1\"\r\n\r\n0123", .end = TEST_CLOSE},
            {.text = "HTTP/1.1 206 P\r\nContent-Length: 6\r\nContent-Range: bytes 4-9/10\r\nETag: \"e1\"\r\n\r\n45",
             .end = TEST_CLOSE},
            {.text = "HTTP/1.1 206 P\r\nContent-Length: 4\r\nContent-Range: bytes 6-9/10\r\nETag: \"e1\"\r\n\r\n6789"});
    CLEANUP(buffer_done) Buffer body = {0};
    assert_ok(get(&f, "x", BYTE_RANGE_ALL, "", &body));
    assert_str(buffer_str(&body), "0123456789");
    assert_sent(&f, 1, "Range: bytes=4-\r\n");
    assert_sent(&f, 1, "If-Match: \"e1\"\r\n");
    assert_sent(&f, 2, "Range: bytes=6-\r\n");
    assert_int_equal(store_counters(f.store).retries, 2);
}

static void test_cut_range(void **state)
{
    (void)state;
    FIXTURE(f,
            {.text = "HTTP/1.1 206 P\r\nContent-Length: 6\r\nContent-Range: bytes 2-7/10\r\nETag: \"e1\"\r\n\r\n23",
             .end = TEST_CLOSE},
            {.text = "HTTP/1.1 206 P\r\nContent-Length: 4\r\nContent-Range: bytes 4-7/10\r\nETag: \"e1\"\r\n\r\n4567"});
    CLEANUP(buffer_done) Buffer body = {0};
    assert_ok(get(&f, "x", (ByteRange){2, 6}, "", &body));
    assert_str(buffer_str(&body), "234567");
    assert_sent(&f, 1, "Range: bytes=4-7\r\n");
}

static void test_replaced_while_cut(void **state)
{
    (void)state;
    FIXTURE(f, {.text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"e1\"\r\n\r\n0123", .end = TEST_CLOSE},
            {.text = "HTTP/1.1 412 P\r\nContent-Length: 0\r\n\r\n"});
    CLEANUP(buffer_done) Buffer body = {0};
    assert_fails(get(&f, "x", BYTE_RANGE_ALL, "", &body), ERR_CHANGED);
    assert_int_equal(body.len, 0);
}

/* Without an ETag there is no proof: from the start. */
static void test_cut_without_etag(void **state)
{
    (void)state;
    FIXTURE(f, {.text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", .end = TEST_CLOSE},
            {.text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"});
    CLEANUP(buffer_done) Buffer body = {0};
    assert_ok(get(&f, "x", BYTE_RANGE_ALL, "", &body));
    assert_str(buffer_str(&body), "hello");
    assert_not_sent(&f, 1, "range:");
}

static void test_retries(void **state)
{
    (void)state;
    FIXTURE(f, {.text = "HTTP/1.1 500 E\r\nContent-Length: 0\r\n\r\n"}, {.end = TEST_RESET}, {.text = OK_HELLO});
    CLEANUP(buffer_done) Buffer body = {0};
    assert_ok(get(&f, "x", BYTE_RANGE_ALL, "", &body));
    assert_str(buffer_str(&body), "hello");
}

static void test_head(void **state)
{
    (void)state;
    FIXTURE(f,
            {.text = "HTTP/1.1 200 OK\r\nContent-Length: 1234567890123\r\nETag: \"abc-2\"\r\nContent-Type: text/x\r\n"
                     "Last-Modified: Sat, 21 Nov 2026 09:39:54 GMT\r\nX-Amz-Meta-Name: =?UTF-8?B?w7w=?=\r\n"
                     "x-amz-meta-raw: \xc3\xbc\r\nx-amz-version-id: v\r\n\r\n"},
            {.text = "HTTP/1.1 404 N\r\n\r\n"});
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    ObjectInfo info;
    assert_ok(store_head(f.store, NULL, STR("x"), arena, &info));
    assert_sent(&f, 0, "HEAD /bucket/pre/x HTTP/1.1\r\n");
    assert_str(info.key, "x");
    assert_int_equal(info.size_bytes, 1234567890123);
    assert_str(info.etag, "abc-2");
    assert_str(info.headers.content_type, "text/x");
    assert_int_equal(info.modified_us, INT64_C(1795253994000000));
    assert_int_equal(info.metadata.count, 2);
    assert_str(info.metadata.entries[0].name, "name");
    assert_str(info.metadata.entries[0].value, "\xc3\xbc");
    assert_str(info.metadata.entries[1].value, "\xc3\xbc");
    assert_fails(store_head(f.store, NULL, STR("x"), arena, &info), ERR_NOT_FOUND);
}

static void test_bad_keys(void **state)
{
    (void)state;
    static const TestReply reply = {.text = OK_HELLO};
    CLEANUP(fixture_done) Fixture f = {0};
    CLEANUP(buffer_done) Buffer body = {0};
    char key[1025];
    memset(key, 'k', sizeof(key));
    fixture_open(&f, "s3://bucket", (StoreOptions){0}, &reply, 1);
    assert_fails(get(&f, "", BYTE_RANGE_ALL, "", &body), ERR_INVALID);
    assert_fails(store_get(f.store, NULL, str_from(key, 1025), BYTE_RANGE_ALL, STR_EMPTY, &body), ERR_INVALID);
    assert_int_equal(test_server_requests(f.server), 0);
    assert_ok(store_get(f.store, NULL, str_from(key, 1024), BYTE_RANGE_ALL, STR_EMPTY, &body));
    assert_ok(store_get(f.store, NULL, str_from("a\0b\n", 4), BYTE_RANGE_ALL, STR_EMPTY, &body));
    assert_sent(&f, 1, "GET /bucket/a%00b%0A HTTP/1.1\r\n");
}

/* ---- regions and clocks ---- */

static void test_region_by_header(void **state)
{
    (void)state;
    FIXTURE(f, {.text = "HTTP/1.1 301 M\r\nx-amz-bucket-region: eu-west-1\r\nContent-Length: 0\r\n\r\n"},
            {.text = OK_HELLO});
    CLEANUP(buffer_done) Buffer body = {0};
    assert_ok(get(&f, "x", BYTE_RANGE_ALL, "", &body));
    assert_sent(&f, 0, "/20261121/us-east-1/s3/");
    assert_sent(&f, 1, "/20261121/eu-west-1/s3/");
    assert_ok(get(&f, "x", BYTE_RANGE_ALL, "", &body));
    assert_sent(&f, 2, "/20261121/eu-west-1/s3/"); /* it is remembered */
}

static void test_region_by_body(void **state)
{
    (void)state;
    FIXTURE(f,
            {.text = "HTTP/1.1 400 B\r\nContent-Length: 84\r\n\r\n"
                     "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-central-1</Region></Error>"},
            {.text = OK_HELLO});
    CLEANUP(buffer_done) Buffer body = {0};
    assert_ok(get(&f, "x", BYTE_RANGE_ALL, "", &body));
    assert_sent(&f, 1, "/20261121/eu-central-1/s3/");
}

/* Two servers that send us to one another, and one that would send us to another host. */
static void test_region_loop(void **state)
{
    (void)state;
    FIXTURE(f, {.text = "HTTP/1.1 301 M\r\nx-amz-bucket-region: eu-west-1\r\nContent-Length: 0\r\n\r\n"},
            {.text = "HTTP/1.1 301 M\r\nx-amz-bucket-region: us-east-1\r\nContent-Length: 0\r\n\r\n"});
    CLEANUP(buffer_done) Buffer body = {0};
    assert_fails(get(&f, "x", BYTE_RANGE_ALL, "", &body), ERR_INVALID);
    assert_int_equal(test_server_requests(f.server), 2);
    FIXTURE(g, {.text = "HTTP/1.1 301 M\r\nx-amz-bucket-region: evil.example.com/\r\nContent-Length: 0\r\n\r\n"});
    assert_fails(get(&g, "x", BYTE_RANGE_ALL, "", &body), ERR_INVALID);
    assert_int_equal(test_server_requests(g.server), 1);
}

static void test_clock_by_body(void **state)
{
    (void)state;
    FIXTURE(f,
            {.text = "HTTP/1.1 403 F\r\nDate: Sat, 21 Nov 2026 10:39:54 GMT\r\nContent-Length: 49\r\n\r\n"
                     "<Error><Code>RequestTimeTooSkewed</Code></Error>\n"},
            {.text = OK_HELLO}, {.text = OK_HELLO});
    CLEANUP(buffer_done) Buffer body = {0};
    assert_ok(get(&f, "x", BYTE_RANGE_ALL, "", &body));
    assert_sent(&f, 1, "x-amz-date: 20261121T103954Z\r\n");
    assert_ok(get(&f, "x", BYTE_RANGE_ALL, "", &body));
    assert_sent(&f, 2, "x-amz-date: 20261121T103954Z\r\n");
}

/* HEAD has no body to say why. A clock that is right is not to blame, and a 403 stays what it is. */
static void test_clock_of_head(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    ObjectInfo info;
    FIXTURE(f, {.text = "HTTP/1.1 403 F\r\nDate: Sat, 21 Nov 2026 08:00:00 GMT\r\n\r\n"},
            {.text = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"});
    assert_ok(store_head(f.store, NULL, STR("x"), arena, &info));
    assert_sent(&f, 1, "x-amz-date: 20261121T080000Z\r\n");
    FIXTURE(g, {.text = "HTTP/1.1 403 F\r\nDate: Sat, 21 Nov 2026 09:41:00 GMT\r\n\r\n"});
    assert_fails(store_head(g.store, NULL, STR("x"), arena, &info), ERR_DENIED);
    assert_int_equal(test_server_requests(g.server), 1);
}

/* ---- writing ---- */

static void test_put(void **state)
{
    (void)state;
    FIXTURE(f, {.text = OK_EMPTY});
    MetadataEntry entries[] = {{STR("b"), STR("2")}, {STR("a"), STR("\xc3\xbc")}};
    PutOptions options = {.headers.content_type = STR("text/plain"), .metadata = {entries, 2}};
    assert_ok(store_put_bytes(f.store, NULL, STR("x"), str_bytes(STR("Welcome to Amazon S3.")), &options));
    assert_sent(&f, 0, "PUT /bucket/pre/x HTTP/1.1\r\n");
    assert_sent(&f, 0, "Content-Length: 21\r\n");
    assert_sent(&f, 0, "x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072\r\n");
    assert_sent(&f, 0, "x-amz-meta-a: =?UTF-8?B?w7w=?=\r\n");
    assert_sent(&f, 0, "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-meta-b,");
    assert_not_sent(&f, 0, "if-none-match");
    const TestRequest *request = test_server_request(f.server, 0);
    assert_int_equal(request->body_bytes, 21);
    assert_memory_equal(request->body, "Welcome to Amazon S3.", 21);
}

static void test_put_smuggled_header(void **state)
{
    (void)state;
    FIXTURE(f, {.text = OK_EMPTY});
    PutOptions options = {.headers.content_type = STR("text/plain\r\nx-amz-acl: public-read")};
    assert_fails(store_put_bytes(f.store, NULL, STR("x"), BYTES_EMPTY, &options), ERR_INVALID);
    assert_int_equal(test_server_requests(f.server), 0);
}

static void test_put_error_in_body(void **state)
{
    (void)state;
    FIXTURE(f, {.text = "HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n<Error><Code>InternalError</Code></Error>\n"},
            {.text = OK_EMPTY});
    assert_ok(store_put_bytes(f.store, NULL, STR("x"), str_bytes(STR("body")), NULL));
    assert_int_equal(test_server_requests(f.server), 2);
    assert_int_equal(test_server_request(f.server, 1)->body_bytes, 4);
}

static const PutOptions if_absent = {.mode = PUT_IF_ABSENT};
#define PRECONDITION_FAILED "HTTP/1.1 412 P\r\nContent-Length: 46\r\n\r\n<Error><Code>PreconditionFailed</Code></Error>"

static void test_put_if_absent(void **state)
{
    (void)state;
    FIXTURE(f, {.text = PRECONDITION_FAILED});
    assert_fails(store_put_bytes(f.store, NULL, STR("x"), str_bytes(STR("hello")), &if_absent), ERR_EXISTS);
    assert_sent(&f, 0, "if-none-match: *\r\n");
}

/* The answer was lost, the object was written: it is ours by its MD5, or it is not. */
static void test_put_lost_answer(void **state)
{
    (void)state;
    FIXTURE(f, {.end = TEST_RESET}, {.text = PRECONDITION_FAILED},
            {.text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"5d41402abc4b2a76b9719d911017c592\"\r\n\r\n"});
    assert_ok(store_put_bytes(f.store, NULL, STR("x"), str_bytes(STR("hello")), &if_absent));
    FIXTURE(g, {.end = TEST_RESET}, {.text = PRECONDITION_FAILED},
            {.text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"00000000000000000000000000000000\"\r\n\r\n"});
    assert_fails(store_put_bytes(g.store, NULL, STR("x"), str_bytes(STR("hello")), &if_absent), ERR_EXISTS);
}

static Error *too_large(void *context, uint64_t offset, uint8_t *out, size_t len)
{
    (void)context;
    (void)offset;
    (void)out;
    (void)len;
    return FAIL(INTERNAL, "was read");
}

static void test_put_limits(void **state)
{
    (void)state;
    FIXTURE(f, {.text = OK_EMPTY});
    PutBody body = {.size_bytes = (uint64_t)6 << 40, .read_at = too_large};
    assert_fails(store_put(f.store, NULL, STR("x"), &body, NULL), ERR_LIMIT);
    MetadataEntry entry = {STR("a"), STR("\xff")};
    PutOptions options = {.metadata = {&entry, 1}};
    assert_fails(store_put_bytes(f.store, NULL, STR("x"), BYTES_EMPTY, &options), ERR_INVALID);
    assert_int_equal(test_server_requests(f.server), 0);
}

static void test_delete(void **state)
{
    (void)state;
    FIXTURE(f, {.text = "HTTP/1.1 204 N\r\n\r\n"}, {.text = "HTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n"},
            {.text = "HTTP/1.1 404 N\r\nContent-Length: 40\r\n\r\n<Error><Code>NoSuchBucket</Code></Error>"});
    assert_ok(store_delete(f.store, NULL, STR("x")));
    assert_sent(&f, 0, "DELETE /bucket/pre/x HTTP/1.1\r\n");
    assert_ok(store_delete(f.store, NULL, STR("x")));
    assert_fails(store_delete(f.store, NULL, STR("x")), ERR_NOT_FOUND);
}

/* ---- listing ---- */

#define OBJECT(key) "<Contents><Key>" key "</Key><Size>1</Size><ETag>\"e\"</ETag></Contents>"

static Error *append_key(void *context, const ObjectInfo *object)
{
    Buffer *keys = context;
    TRY(buffer_append_str(keys, object->key));
    return buffer_append_byte(keys, ';');
}

typedef struct ListRow {
    const char *name;
    const char *start_after;
    const char *pages[3]; /* XML; NULL: no more */
    ErrorCode code;
    const char *keys; /* seen until the end or the error */
} ListRow;

#define MORE(token) "<IsTruncated>true</IsTruncated><NextContinuationToken>" token "</NextContinuationToken>"
#define LIST(inside) "<ListBucketResult>" inside "</ListBucketResult>"

static const ListRow lists[] = {
    {"two pages", "", {LIST(OBJECT("pre/a") OBJECT("pre/b") MORE("t+/=")), LIST(OBJECT("pre/c"))}, ERR_OK, "a;b;c;"},
    {"none", "", {LIST("")}, ERR_OK, ""},
    {"an empty page", "", {LIST(MORE("1")), LIST(OBJECT("pre/c") MORE("2")), LIST("")}, ERR_OK, "c;"},
    {"start-after ignored", "b", {LIST(OBJECT("pre/a") OBJECT("pre/b") OBJECT("pre/c"))}, ERR_OK, "c;"},
    {"encoded", "", {LIST("<EncodingType>url</EncodingType>" OBJECT("pre%2Fa+%2B%0A"))}, ERR_OK, "a +\n;"},
    {"error, then well", "", {"<Error><Code>InternalError</Code></Error>", LIST(OBJECT("pre/a"))}, ERR_OK, "a;"},
    {"cut, then well", "", {"<ListBucketResult>" OBJECT("pre/a"), LIST(OBJECT("pre/a"))}, ERR_OK, "a;"},
    {"empty answer, then well", "", {"", LIST(OBJECT("pre/a"))}, ERR_OK, "a;"},
    {"same token again",
     "",
     {LIST(OBJECT("pre/a") MORE("1")), LIST(OBJECT("pre/b") MORE("1")), LIST("")},
     ERR_CORRUPT,
     "a;"},
    {"same page again",
     "",
     {LIST(OBJECT("pre/a") MORE("1")), LIST(OBJECT("pre/a") MORE("2")), LIST("")},
     ERR_CORRUPT,
     "a;"},
    {"key twice", "", {LIST(OBJECT("pre/a") OBJECT("pre/a"))}, ERR_CORRUPT, ""},
    {"unsorted", "", {LIST(OBJECT("pre/b") OBJECT("pre/a"))}, ERR_CORRUPT, ""},
    {"another prefix", "", {LIST(OBJECT("pre/a") OBJECT("q"))}, ERR_CORRUPT, ""},
    {"truncated without token", "", {LIST(OBJECT("pre/a") "<IsTruncated>true</IsTruncated>")}, ERR_CORRUPT, "a;"},
    {"another document", "", {"<html></html>"}, ERR_CORRUPT, ""},
    {"malformed inside", "", {LIST("<Contents></Content>")}, ERR_CORRUPT, ""},
};

static void check_list(const ListRow *row)
{
    char texts[3][1024];
    TestReply replies[3];
    size_t count = 0;
    for (; count < 3 && row->pages[count]; count++) {
        snprintf(texts[count], sizeof(texts[count]), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(row->pages[count]), row->pages[count]);
        replies[count] = (TestReply){.text = texts[count]};
    }
    CLEANUP(fixture_done) Fixture f = {0};
    CLEANUP(buffer_done) Buffer keys = {0};
    fixture_open(&f, "s3://bucket/pre/", (StoreOptions){0}, replies, count);
    Error *err = store_list(f.store, NULL, STR_EMPTY, str_of(row->start_after), append_key, &keys);
    if (error_code(err) != row->code)
        print_error("%s: %s: %s\n", row->name, error_code_name(error_code(err)), error_message_view(err));
    assert_int_equal(error_code(err), row->code);
    error_free(err);
    assert_str(buffer_str(&keys), row->keys);
    assert_int_equal(test_server_requests(f.server), row->code == ERR_OK ? count : test_server_requests(f.server));
}

static void test_lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++)
        check_list(&lists[i]);
}

static void test_list_requests(void **state)
{
    (void)state;
    FIXTURE(
        f,
        {.text =
             "HTTP/1.1 200 OK\r\nContent-Length: 130\r\n\r\n<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>"
             "a+/=</NextContinuationToken></ListBucketResult>           "},
        {.text = "HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n<ListBucketResult/>"});
    CLEANUP(buffer_done) Buffer keys = {0};
    assert_ok(store_list(f.store, NULL, STR("x /"), STR("x /a"), append_key, &keys));
    assert_sent(
        &f, 0,
        "GET /bucket?encoding-type=url&list-type=2&max-keys=1000&prefix=pre%2Fx%20%2F&start-after=pre%2Fx%20%2Fa HTTP/1.1\r\n");
    assert_sent(
        &f, 1,
        "GET /bucket?continuation-token=a%2B%2F%3D&encoding-type=url&list-type=2&max-keys=1000&prefix=pre%2Fx%20%2F HTTP/1.1\r\n");
}

static void test_list_denied(void **state)
{
    (void)state;
    FIXTURE(f, {.text = "HTTP/1.1 403 F\r\nContent-Length: 40\r\n\r\n<Error><Code>AccessDenied</Code></Error>"});
    CLEANUP(buffer_done) Buffer keys = {0};
    assert_fails_saying(store_list(f.store, NULL, STR_EMPTY, STR_EMPTY, append_key, &keys), ERR_DENIED,
                        "listing needs s3:ListBucket");
}

/* ---- batch, cancel ---- */

static void test_batch(void **state)
{
    (void)state;
    FIXTURE(f, {.text = OK_HELLO});
    CLEANUP(store_batch_freep) StoreBatch *batch = NULL;
    StoreFetch fetches[20] = {0};
    char keys[20][8];
    assert_ok(store_batch_new(f.store, NULL, &batch));
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 20; i++) {
            snprintf(keys[i], sizeof(keys[i]), "%zu", i);
            fetches[i].key = i == 7 ? STR_EMPTY : str_of(keys[i]);
            if (i == 7)
                fetches[i].if_etag = STR("other");
            fetches[i].range = BYTE_RANGE_ALL;
            store_batch_get(batch, &fetches[i]);
        }
        size_t back = 0, failed = 0;
        for (StoreFetch *fetch; (fetch = store_batch_next(batch)) != NULL; back++) {
            failed += fetch->error != NULL;
            assert_true(fetch->error || str_equal(buffer_str(&fetch->body), STR("hello")));
            assert_null(fetch->backend);
            error_free(fetch->error);
            fetch->error = NULL;
            buffer_clear(&fetch->body);
        }
        assert_int_equal(back, 20);
        assert_int_equal(failed, 1);
    }
    for (size_t i = 0; i < 20; i++)
        buffer_done(&fetches[i].body);
}

static void test_batch_abandoned(void **state)
{
    (void)state;
    FIXTURE(f, {.text = OK_HELLO});
    CLEANUP(store_batch_freep) StoreBatch *batch = NULL;
    StoreFetch fetches[5] = {0};
    assert_ok(store_batch_new(f.store, NULL, &batch));
    for (size_t i = 0; i < 5; i++) {
        fetches[i] = (StoreFetch){.key = i == 2 ? STR_EMPTY : STR("x"), .range = BYTE_RANGE_ALL};
        store_batch_get(batch, &fetches[i]);
    }
    store_batch_free(batch);
    batch = NULL;
    for (size_t i = 0; i < 5; i++) {
        assert_null(fetches[i].error);
        buffer_done(&fetches[i].body);
    }
}

static void test_cancelled(void **state)
{
    (void)state;
    FIXTURE(f, {.text = OK_HELLO});
    Cancel stopped = {.level = CANCEL_STOP};
    CLEANUP(buffer_done) Buffer body = {0};
    assert_fails(store_get(f.store, &stopped, STR("x"), BYTE_RANGE_ALL, STR_EMPTY, &body), ERR_CANCELLED);
    assert_int_equal(test_server_requests(f.server), 0);
}

static void test_open(void **state)
{
    (void)state;
    Store *store = NULL;
    StoreOptions options = {.endpoint_url = STR("nonsense"), .anonymous = true};
    assert_fails(store_open(STR("s3://bucket"), &options, &store), ERR_INVALID);
    options.endpoint_url = STR("http://localhost:1");
    options.region = STR("no region");
    assert_fails(store_open(STR("s3://bucket"), &options, &store), ERR_INVALID);
    options.region = STR("eu");
    options.ca_file = STR("/no/such/file");
    Error *err = store_open(STR("s3://bucket"), &options, &store);
    assert_non_null(strstr(error_message_view(err), "CA file '/no/such/file'"));
    error_free(err);
    assert_null(store);
    /* who asks is looked for when something is asked */
    const char *environment[] = {"AWS_EC2_METADATA_DISABLED=true", NULL};
    CLEANUP(buffer_done) Buffer body = {0};
    options.ca_file = STR_EMPTY;
    options.anonymous = false;
    options.environment = environment;
    assert_ok(store_open(STR("s3://bucket"), &options, &store));
    Error *denied = store_get(store, NULL, STR("x"), BYTE_RANGE_ALL, STR_EMPTY, &body);
    store_free(store);
    assert_fails_saying(denied, ERR_DENIED, "'s3://bucket/x': no credentials found");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_session_token),
        cmocka_unit_test(test_anonymous),
        cmocka_unit_test(test_get_answers),
        cmocka_unit_test(test_range_of_empty_object),
        cmocka_unit_test(test_cut_body),
        cmocka_unit_test(test_cut_range),
        cmocka_unit_test(test_replaced_while_cut),
        cmocka_unit_test(test_cut_without_etag),
        cmocka_unit_test(test_retries),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_bad_keys),
        cmocka_unit_test(test_region_by_header),
        cmocka_unit_test(test_region_by_body),
        cmocka_unit_test(test_region_loop),
        cmocka_unit_test(test_clock_by_body),
        cmocka_unit_test(test_clock_of_head),
        cmocka_unit_test(test_put),
        cmocka_unit_test(test_put_smuggled_header),
        cmocka_unit_test(test_put_error_in_body),
        cmocka_unit_test(test_put_if_absent),
        cmocka_unit_test(test_put_lost_answer),
        cmocka_unit_test(test_put_limits),
        cmocka_unit_test(test_delete),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_list_requests),
        cmocka_unit_test(test_list_denied),
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_batch_abandoned),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
