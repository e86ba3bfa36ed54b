/* http_test.c - what comes out for which answers, and when. */
#include <stdio.h>
#include <stdlib.h>

#include "base/time_text.h"
#include "http/test_call.h"

/* ---- scripts: what comes out for which replies ---- */

typedef struct Script {
    const char *name;
    TestReply replies[4];
    size_t reply_count;
    ErrorCode code;
    const char *says;  /* part of the message, when it fails */
    const char *body;  /* when it succeeds */
    unsigned requests; /* that the server saw */
    unsigned attempts_max;
    size_t limit_bytes;
} Script;

static const Script scripts[] = {
    {"plain", {{.text = OK_HELLO}}, 1, ERR_OK, NULL, "hello", 1},
    {"empty body", {{.text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}}, 1, ERR_OK, NULL, "", 1},
    {"no content", {{.text = "HTTP/1.1 204 No Content\r\n\r\n"}}, 1, ERR_OK, NULL, "", 1},
    {"chunked",
     {{.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"}},
     1,
     ERR_OK,
     NULL,
     "hello",
     1},
    {"chunked with trailers",
     {{.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nETag: \"x\"\r\n\r\n"}},
     1,
     ERR_OK,
     NULL,
     "hello",
     1},
    {"interim answer first",
     {{.text = "HTTP/1.1 103 Early Hints\r\nETag: \"no\"\r\n\r\n" OK_HELLO}},
     1,
     ERR_OK,
     NULL,
     "hello",
     1},
    {"503 then 200", {{.text = EMPTY_503}, {.text = OK_HELLO}}, 2, ERR_OK, NULL, "hello", 2},
    {"500 with body, then 200",
     {{.text = "HTTP/1.1 500 X\r\nContent-Length: 4\r\n\r\noops"}, {.text = OK_HELLO}},
     2,
     ERR_OK,
     NULL,
     "hello",
     2},
    {"503 for ever", {{.text = EMPTY_503}}, 1, ERR_UNAVAILABLE, "(attempt 10): 503 Service Unavailable", NULL, 10},
    {"503 for ever, fewer attempts", {{.text = EMPTY_503}}, 1, ERR_UNAVAILABLE, "(attempt 3)", NULL, 3, 3},
    {"404 is final",
     {{.text = "HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nno!"}},
     1,
     ERR_NOT_FOUND,
     "404 Not Found",
     NULL,
     1},
    {"403 is final",
     {{.text = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"}},
     1,
     ERR_DENIED,
     "GET 'http://127.0.0.1:",
     NULL,
     1},
    {"redirect is not followed",
     {{.text =
           "HTTP/1.1 307 T\r\nLocation: http://127.0.0.1:1/other?X-Amz-Signature=s3cr3t\r\nContent-Length: 0\r\n\r\n"}},
     1,
     ERR_INVALID,
     "307 redirects to 'http://127.0.0.1:1/other', and redirects are not followed",
     NULL,
     1},
    {"reset before the answer, then 200", {{.end = TEST_RESET}, {.text = OK_HELLO}}, 2, ERR_OK, NULL, "hello", 2},
    {"closed before the answer, for ever",
     {{.end = TEST_CLOSE}},
     1,
     ERR_UNAVAILABLE,
     "closed without a whole answer",
     NULL,
     3,
     3},
    {"head cut, then 200",
     {{.text = "HTTP/1.1 200 OK\r\nContent-Len", .end = TEST_CLOSE}, {.text = OK_HELLO}},
     2,
     ERR_OK,
     NULL,
     "hello",
     2},
    {"body cut, then 200",
     {{.text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", .end = TEST_CLOSE}, {.text = OK_HELLO}},
     2,
     ERR_OK,
     NULL,
     "hello",
     2},
    {"body shorter than its length, for ever",
     {{.text = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", .end = TEST_CLOSE}},
     1,
     ERR_UNAVAILABLE,
     "cut short",
     NULL,
     2,
     2},
    {"body longer than its length is cut there",
     {{.text = OK_HELLO " and more", .end = TEST_CLOSE}},
     1,
     ERR_OK,
     NULL,
     "hello",
     1},
    {"two lengths that differ",
     {{.text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"}},
     1,
     ERR_CORRUPT,
     "two Content-Lengths, which differ",
     NULL,
     2,
     2},
    {"a length that is none",
     {{.text = "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", .end = TEST_CLOSE}},
     1,
     ERR_CORRUPT,
     "",
     NULL,
     2,
     2},
    {"a header line without end",
     {{.text = "HTTP/1.1 200 OK\r\nX-Long: ", .pattern_bytes = 1000000, .end = TEST_CLOSE}},
     1,
     ERR_CORRUPT,
     "",
     NULL,
     2,
     2},
    {"chunks without an end",
     {{.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", .end = TEST_CLOSE}},
     1,
     ERR_UNAVAILABLE,
     "",
     NULL,
     2,
     2},
    {"neither length nor chunks",
     {{.text = "HTTP/1.1 200 OK\r\n\r\nhello", .end = TEST_CLOSE}},
     1,
     ERR_CORRUPT,
     "cannot be proven",
     NULL,
     1},
    {"not HTTP", {{.text = "SSH-2.0-OpenSSH\r\n", .end = TEST_CLOSE}}, 1, ERR_UNAVAILABLE, "", NULL, 2, 2},
    {"headers without end",
     {{.text = "HTTP/1.1 200 OK\r\n",
       .endless = "X-Filler: 0123456789012345678901234567890123456789\r\n",
       .end = TEST_CLOSE}},
     1,
     ERR_LIMIT,
     "headers pass the limit of 262144 bytes",
     NULL,
     1},
    {"a header without end",
     {{.text = "HTTP/1.1 200 OK\r\nA: b\r\n",
       .endless = " 0123456789012345678901234567890123456789\r\n",
       .end = TEST_CLOSE}},
     1,
     ERR_LIMIT,
     "headers pass the limit of 262144 bytes",
     NULL,
     1},
    {"interim answers without end",
     {{.text = "", .endless = "HTTP/1.1 102 Processing\r\n\r\n", .end = TEST_CLOSE}},
     1,
     ERR_LIMIT,
     "headers pass the limit of 262144 bytes",
     NULL,
     1},
    {"an error's body without end",
     {{.text = "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n",
       .endless = "10\r\n0123456789012345\r\n",
       .end = TEST_CLOSE}},
     1,
     ERR_DENIED,
     "403 Forbidden",
     NULL,
     1},
    {"an answer that breaks HTTP",
     {{.text = "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello", .end = TEST_CLOSE}},
     1,
     ERR_CORRUPT,
     "breaks HTTP (a line of its head is no header)",
     NULL,
     2,
     2},
    {"body over the limit",
     {{.text = OK_HELLO}},
     1,
     ERR_LIMIT,
     "body of 5 bytes passes the limit of 4 bytes",
     NULL,
     1,
     0,
     4},
    {"chunked body over the limit",
     {{.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"}},
     1,
     ERR_LIMIT,
     "",
     NULL,
     1,
     0,
     4},
    {"206 of another range",
     {{.text = "HTTP/1.1 206 P\r\nContent-Length: 5\r\nContent-Range: bytes 0-9/10\r\n\r\nhello"}},
     1,
     ERR_CORRUPT,
     "does not fit Content-Range",
     NULL,
     1},
    {"206 without range",
     {{.text = "HTTP/1.1 206 P\r\nContent-Length: 5\r\n\r\nhello"}},
     1,
     ERR_CORRUPT,
     "without a valid Content-Range",
     NULL,
     1},
};

static void run_script(HttpClient *client, const Script *script)
{
    CLEANUP(test_server_freep) TestServer *server = test_server_new(script->replies, script->reply_count);
    CLEANUP(call_done) Call call;

    call_init(&call, server, "/bucket/key?X-Amz-Signature=s3cr3t");
    assert_ok(buffer_append_str(&call.body, STR("before ")));
    if (script->limit_bytes > 0)
        call.body.limit = call.body.len + script->limit_bytes;
    call.exchange.sink = http_buffer_sink(&call.sink, &call.body);
    call.exchange.attempts_max = script->attempts_max;

    CLEANUP(error_freep) Error *error = http_run(client, NULL, &call.exchange);
    const char *message = error_message_view(error);
    if (error_code(error) != script->code || (script->says && !strstr(message, script->says))
        || strstr(message, "s3cr3t"))
        fail_msg("%s: %s: %s", script->name, error_code_name(error_code(error)), message);
    if (test_server_requests(server) != script->requests || call.exchange.attempts != script->requests)
        fail_msg("%s: %zu requests, %u attempts", script->name, test_server_requests(server), call.exchange.attempts);
    Str body = str_slice(buffer_str(&call.body), 7, call.body.len);
    if (!str_starts_with(buffer_str(&call.body), STR("before ")) || !str_equal(body, str_of(script->body)))
        fail_msg("%s: body '" STR_FMT "'", script->name, STR_ARG(buffer_str(&call.body)));
}

static void test_scripts(void **state)
{
    (void)state;
    CLEANUP(http_client_freep) HttpClient *client = quick_client();

    for (size_t i = 0; i < ARRAY_COUNT(scripts); i++)
        run_script(client, &scripts[i]);
}

/* ---- answers and requests in detail ---- */

static void test_response_is_told(void **state)
{
    (void)state;
    static const TestReply reply = {
        .text =
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETAG: \"abc\"\r\ncontent-type: text/plain\r\nDate: Sat, 21 Nov 2026 09:39:54 GMT\r\n"
            "X-Amz-Meta-Ts:  2026 \r\nx-amz-request-id: R1\r\nx-amz-meta-empty:\r\nx-amz-checksum-crc32c: AAAA\r\nServer: x\r\n\r\n"};
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/k");
    assert_ok(http_run(client, NULL, &call.exchange));

    const HttpResponse *response = &call.exchange.response;
    char date[TIME_TEXT_BYTES];
    assert_int_equal(response->status, 200);
    assert_str(response->header[HTTP_ETAG], "\"abc\"");
    assert_str(response->header[HTTP_CONTENT_TYPE], "text/plain");
    assert_str(response->header[HTTP_REQUEST_ID], "R1");
    assert_str(time_iso8601(response->date_us, date), "2026-11-21T09:39:54Z");
    assert_str(http_response_amz(response, STR("x-amz-meta-ts")), "2026");
    assert_str(http_response_amz(response, STR("x-amz-checksum-crc32c")), "AAAA");
    assert_str(http_response_amz(response, STR("server")), "");
    Str name, value;
    size_t count = 0;
    for (size_t at = 0; http_response_next_amz(response, &at, &name, &value); count++)
        assert_true(str_starts_with(name, STR("x-amz-")));
    assert_int_equal(count, 4);
}

static HttpVerdict judge_error_body(void *context, const HttpExchange *exchange, Error **ret_error)
{
    (void)context;
    *ret_error = FAIL(DENIED, "says " STR_FMT, STR_ARG(exchange->response.error_body));
    return HTTP_FAIL;
}

static void test_error_body_goes_to_judge_alone(void **state)
{
    (void)state;
    static const TestReply replies[] = {
        {.text = "HTTP/1.1 400 B\r\nContent-Length: 18\r\n\r\n<Error>no</Error>\n"},
        {.text = "HTTP/1.1 400 B\r\nContent-Length: 300000\r\n\r\n", .pattern_bytes = 300000},
    };
    const HttpCalls calls = {.prepare = call_functions.prepare, .judge = judge_error_body};
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, 2);
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/k");
    call.exchange.calls = &calls;

    assert_fails_saying(http_run(client, NULL, &call.exchange), ERR_DENIED, "says <Error>no</Error>");
    assert_fails(http_run(client, NULL, &call.exchange), ERR_DENIED);
    assert_int_equal(call.exchange.response.error_body.len, 64 * 1024);
    assert_int_equal(call.body.len, 0);
}

static void test_methods(void **state)
{
    (void)state;
    static const TestReply reply = {.text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
    static const struct {
        HttpMethod method;
        const char *line, *length;
    } rows[] = {
        {HTTP_PUT, "PUT /a%20b/../c HTTP/1.1\r\n", "Content-Length: 3\r\n"},
        {HTTP_DELETE, "DELETE /a%20b/../c HTTP/1.1\r\n", NULL},
        {HTTP_POST, "POST /a%20b/../c HTTP/1.1\r\n", "Content-Length: 3\r\n"},
        {HTTP_GET, "GET /a%20b/../c HTTP/1.1\r\n", NULL},
        {HTTP_PUT, "PUT /a%20b/../c HTTP/1.1\r\n", "Content-Length: 3\r\n"},
        {HTTP_HEAD, "HEAD /a%20b/../c HTTP/1.1\r\n", NULL},
        {HTTP_GET, "GET /a%20b/../c HTTP/1.1\r\n", NULL},
    };
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/a%20b/../c");
    call.exchange.upload = (HttpUpload){.size_bytes = 3, .data = (const uint8_t *)"xyz"};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        call.method = rows[i].method;
        assert_ok(http_run(client, NULL, &call.exchange));
        const TestRequest *request = test_server_request(server, i);
        if (!str_starts_with(str_of(request->head), str_of(rows[i].line))
            || (strstr(request->head, "Content-Length") != NULL) != (rows[i].length != NULL)
            || (rows[i].length && !strstr(request->head, rows[i].length)) || strstr(request->head, "Expect"))
            fail_msg("row %zu: %s", i, request->head);
        assert_int_equal(request->body_bytes, rows[i].length ? 3 : 0);
    }
    assert_int_equal(test_server_accepts(server), 1);
}

static void test_hostile_headers_are_refused(void **state)
{
    (void)state;
    const struct {
        Str name, value;
        ErrorCode code;
    } rows[] = {
        {STR("x-amz-meta-a"), STR("tab\there"), ERR_OK},
        {STR("x-amz-meta-a"), STR(""), ERR_OK},
        {STR("x-amz-meta-a"), STR("v\r\nHost: evil"), ERR_INVALID},
        {STR("x-amz-meta-a"), STR("v\0w"), ERR_INVALID},
        {STR("x-amz-meta-a\r\nb"), STR("v"), ERR_INVALID},
        {STR("a b"), STR("v"), ERR_INVALID},
        {STR(""), STR("v"), ERR_INVALID},
        {STR("a:"), STR("v"), ERR_INVALID},
    };
    HttpRequest request = {0};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(error_freep) Error *error = http_request_header(&request, rows[i].name, rows[i].value);
        if (error_code(error) != rows[i].code)
            fail_msg("row %zu: %s", i, error_message_view(error));
    }
    buffer_done(&request.header_text);
}

/* ---- connections ---- */

static void test_connection_is_kept(void **state)
{
    (void)state;
    static const TestReply reply = {.text = OK_HELLO};
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/k");

    for (int i = 0; i < 20; i++) {
        buffer_clear(&call.body);
        assert_ok(http_run(client, NULL, &call.exchange));
        assert_str(buffer_str(&call.body), "hello");
    }
    assert_int_equal(test_server_accepts(server), 1);
    HttpCounters counters = http_client_counters(client);
    assert_int_equal(counters.requests, 20);
    assert_int_equal(counters.retries, 0);
    assert_int_equal(counters.bytes_in, 100);
    assert_int_equal(counters.connects, 1);
}

static void test_no_server(void **state)
{
    (void)state;
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(call_done) Call call;
    call_init(&call, NULL, "/k");
    call.port = 1;
    call.exchange.attempts_max = 3;
    assert_fails_saying(http_run(client, NULL, &call.exchange), ERR_UNAVAILABLE, "(attempt 3): no connection");

    call.host = "no-such-host.invalid";
    call.exchange.attempts_max = 0;
    assert_fails_saying(http_run(client, NULL, &call.exchange), ERR_UNAVAILABLE,
                        "host 'no-such-host.invalid:1' was not resolved");
    assert_int_equal(call.exchange.attempts, 3);
}

static Error *prepare_url(void *context, const HttpExchange *exchange, HttpRequest *request)
{
    (void)exchange;
    return buffer_append_str(&request->url, str_of(context));
}

static void test_bad_urls_are_final(void **state)
{
    (void)state;
    static const HttpCalls calls = {.prepare = prepare_url};
    static const char *urls[] = {"ftp://127.0.0.1/x", "file:///etc/passwd", "http://user:s3cr3t@127.0.0.1:1/",
                                 "http://", ""};
    CLEANUP(http_client_freep) HttpClient *client = quick_client();

    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        char url[64];
        snprintf(url, sizeof url, "%s", urls[i]);
        CLEANUP(http_exchange_done) HttpExchange exchange = {.calls = &calls, .context = url};
        CLEANUP(error_freep) Error *error = http_run(client, NULL, &exchange);
        if (error_code(error) != ERR_INVALID || exchange.attempts != 1 || strstr(error_message_view(error), "s3cr3t"))
            fail_msg("'%s': %s: %s", url, error_code_name(error_code(error)), error_message_view(error));
    }
}

static void test_ca_file_must_be_there(void **state)
{
    (void)state;
    HttpOptions options = quick_options();
    options.ca_file = "/no/such/ca.pem";
    HttpClient *client = NULL;
    assert_fails_saying(http_client_new(&options, &client), ERR_NOT_FOUND, "CA file '/no/such/ca.pem'");
    assert_null(client);
}

/* ---- time ---- */

static void test_retry_after_is_honoured_within_bounds(void **state)
{
    (void)state;
    static const TestReply replies[] = {
        {.text = "HTTP/1.1 503 S\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n"},
        {.text = "HTTP/1.1 503 S\r\nx-amz-retry-after: 30\r\nContent-Length: 0\r\n\r\n"},
        {.text = OK_HELLO},
    };
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, 3);
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/k");
    int64_t start_ms = monotonic_ms();
    assert_ok(http_run(client, NULL, &call.exchange));
    int64_t took_ms = monotonic_ms() - start_ms;
    assert_in_range(took_ms, 80, 5000); /* 50 (its bound) + 30 */
    assert_in_range(http_client_counters(client).wait_us, 80000, 90000);
}

static void test_stall_ends_by_low_speed(void **state)
{
    (void)state;
    static const TestReply replies[] = {
        {.text = NULL},
        {.text = "HTTP/1.1 200 OK\r\nConte"},
        {.text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"},
        {.text = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n....................................", .drip_ms = 300},
    };
    HttpOptions options = quick_options();
    options.low_speed_time_s = 1;
    options.low_speed_bytes = 10;
    CLEANUP(http_client_freep) HttpClient *client = NULL;
    assert_ok(http_client_new(&options, &client));

    for (size_t i = 0; i < ARRAY_COUNT(replies); i++) {
        TestServer *server = test_server_new(&replies[i], 1);
        CLEANUP(call_done) Call call;
        call_init(&call, server, "/k");
        call.exchange.attempts_max = 1;
        int64_t start_ms = monotonic_ms();
        assert_fails_saying(http_run(client, NULL, &call.exchange), ERR_TIMEOUT, "timed out");
        assert_in_range(monotonic_ms() - start_ms, 500, 10000);
        test_server_free(server);
    }
}

static void test_total_timeout_of_an_exchange(void **state)
{
    (void)state;
    static const TestReply reply = {0};
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/k");
    call.exchange.attempts_max = 2;
    call.exchange.total_timeout_ms = 50;
    assert_fails_saying(http_run(client, NULL, &call.exchange), ERR_TIMEOUT, "(attempt 2): timed out");
}

/* Time that passes only when the test says so. */
typedef struct FakeTime {
    _Atomic int64_t now_us;
} FakeTime;

static int64_t fake_now_us(void *context)
{
    return atomic_load(&((FakeTime *)context)->now_us);
}

static void test_waits_are_on_the_given_clock(void **state)
{
    (void)state;
    static const TestReply replies[] = {{.text = EMPTY_503}, {.text = OK_HELLO}};
    FakeTime time = {0};
    Clock clock = {fake_now_us, fake_now_us, &time};
    HttpOptions options = quick_options();
    options.clock = &clock;
    options.retry = retry_policy_default();
    options.retry.throttle_base_us = options.retry.delay_max_us = INT64_C(100000000);
    CLEANUP(http_client_freep) HttpClient *client = NULL;
    assert_ok(http_client_new(&options, &client));
    CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, 2);
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/k");
    HttpCompletions completions;
    http_completions_init(&completions);
    http_submit(client, &completions, &call.exchange);

    while (http_client_counters(client).wait_us == 0)
        assert_ok(sleep_us(1000, NULL));
    assert_ok(sleep_us(100000, NULL));
    assert_null(http_try_completed(&completions));
    assert_int_equal(test_server_requests(server), 1);
    atomic_fetch_add(&time.now_us, INT64_C(100000000));
    assert_ptr_equal(http_next_completed(&completions), &call.exchange);
    assert_ok(call.exchange.error);
    assert_null(http_next_completed(&completions));
    http_completions_done(&completions);
}

static void test_total_wait_is_bounded(void **state)
{
    (void)state;
    static const TestReply reply = {.text = "HTTP/1.1 503 S\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"};
    HttpOptions options = quick_options();
    options.retry.wait_max_us = 120000; /* two waits of 50 ms and a bit, not three */
    CLEANUP(http_client_freep) HttpClient *client = NULL;
    assert_ok(http_client_new(&options, &client));
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/k");
    assert_fails_saying(http_run(client, NULL, &call.exchange), ERR_UNAVAILABLE, "(attempt 3): 503");
}

static void test_open_circuit_probes(void **state)
{
    (void)state;
    static const TestReply replies[] = {
        {.text = EMPTY_503}, {.text = EMPTY_503}, {.text = EMPTY_503}, {.text = OK_HELLO}};
    HttpOptions options = quick_options();
    options.retry.tokens_max = 10; /* two throttles */
    options.retry.probe_interval_us = 60000;
    CLEANUP(http_client_freep) HttpClient *client = NULL;
    assert_ok(http_client_new(&options, &client));
    CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, 4);
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/k");
    int64_t start_ms = monotonic_ms();
    assert_ok(http_run(client, NULL, &call.exchange));
    assert_in_range(monotonic_ms() - start_ms, 55, 5000);

    /* A circuit that stays open ends those who wait for it. */
    options.retry.wait_max_us = 100000;
    options.retry.attempts_max = 1000;
    static const TestReply down = {.text = EMPTY_503};
    CLEANUP(test_server_freep) TestServer *dead = test_server_new(&down, 1);
    CLEANUP(http_client_freep) HttpClient *second = NULL;
    assert_ok(http_client_new(&options, &second));
    CLEANUP(call_done) Call other;
    call_init(&other, dead, "/k");
    assert_fails_saying(http_run(second, NULL, &other.exchange), ERR_UNAVAILABLE, "503 Service Unavailable");
    assert_in_range(test_server_requests(dead), 3, 8);
}

/* Who has been asked to finish does not wait for a server that is gone. */
static void test_open_circuit_ends_with_a_drain(void **state)
{
    (void)state;
    static const TestReply down = {.text = EMPTY_503};
    HttpOptions options = quick_options();
    options.retry.tokens_max = 10;
    options.retry.attempts_max = 1000;
    CLEANUP(http_client_freep) HttpClient *client = NULL;
    assert_ok(http_client_new(&options, &client));
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&down, 1);
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/k");
    Cancel cancel = {0};
    cancel_raise(&cancel, CANCEL_DRAIN);
    int64_t start_ms = monotonic_ms();
    assert_fails_saying(http_run(client, &cancel, &call.exchange), ERR_UNAVAILABLE, "of nothing but failures");
    assert_in_range(monotonic_ms() - start_ms, 0, 5000);
}

static void test_again_is_at_once_and_bounded(void **state)
{
    (void)state;
    static const TestReply reply = {.text = OK_HELLO};
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/k");
    call.agains = 2;
    assert_ok(http_run(client, NULL, &call.exchange));
    assert_str(buffer_str(&call.body), "hello");
    assert_int_equal(call.prepared, 3);
    call.agains = 100;
    buffer_clear(&call.body);
    assert_fails(http_run(client, NULL, &call.exchange), ERR_INVALID);
    assert_int_equal(call.exchange.attempts, 1 + HTTP_AGAIN_MAX);
    assert_int_equal(call.body.len, 0);
}

/* ---- hedges, rates ---- */

enum { HEDGED_CALLS = 160, HEDGED_SLOW = 130 };

/* One answer of many drips: it is asked for again, and the caller sees the quick one. */
static void test_hedge(void **state)
{
    (void)state;
    static TestReply replies[HEDGED_CALLS + 8];
    for (size_t i = 0; i < ARRAY_COUNT(replies); i++)
        replies[i] = (TestReply){.text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                                 .drip_ms = i == HEDGED_SLOW ? 100 : 0};
    CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, ARRAY_COUNT(replies));
    HttpOptions options = http_options_default();
    options.hedge = true;
    CLEANUP(http_client_freep) HttpClient *client = NULL;
    assert_ok(http_client_new(&options, &client));
    for (size_t i = 0; i < HEDGED_CALLS; i++) {
        Call call;
        call_init(&call, server, "/x");
        call.exchange.may_hedge = true;
        assert_ok(http_run(client, NULL, &call.exchange));
        assert_string_equal(buffer_cstr(&call.body), "hello");
        call_done(&call);
    }
    HttpCounters counters = http_client_counters(client);
    assert_true(counters.hedges >= 1 && counters.hedges <= HEDGED_CALLS / 50);
    assert_true(counters.hedges_won >= 1);
    assert_int_equal(counters.requests, HEDGED_CALLS + counters.hedges);
}

static void test_requests_per_second(void **state)
{
    (void)state;
    static const TestReply reply = {.text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
    HttpOptions options = http_options_default();
    options.requests_per_second = 50;
    CLEANUP(http_client_freep) HttpClient *client = NULL;
    assert_ok(http_client_new(&options, &client));
    int64_t begin_us = clock_monotonic_us(clock_system());
    for (size_t i = 0; i < 20; i++) {
        Call call;
        call_init(&call, server, "/x");
        assert_ok(http_run(client, NULL, &call.exchange));
        call_done(&call);
    }
    int64_t took_us = clock_monotonic_us(clock_system()) - begin_us;
    assert_true(took_us > 250000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_response_is_told),
        cmocka_unit_test(test_error_body_goes_to_judge_alone),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_hostile_headers_are_refused),
        cmocka_unit_test(test_connection_is_kept),
        cmocka_unit_test(test_no_server),
        cmocka_unit_test(test_bad_urls_are_final),
        cmocka_unit_test(test_ca_file_must_be_there),
        cmocka_unit_test(test_retry_after_is_honoured_within_bounds),
        cmocka_unit_test(test_stall_ends_by_low_speed),
        cmocka_unit_test(test_total_timeout_of_an_exchange),
        cmocka_unit_test(test_waits_are_on_the_given_clock),
        cmocka_unit_test(test_total_wait_is_bounded),
        cmocka_unit_test(test_open_circuit_probes),
        cmocka_unit_test(test_open_circuit_ends_with_a_drain),
        cmocka_unit_test(test_again_is_at_once_and_bounded),
        cmocka_unit_test(test_hedge),
        cmocka_unit_test(test_requests_per_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
