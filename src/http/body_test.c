/* body_test.c - bodies that break off, uploads, streams; cancel; many at once. */
#include "base/thread.h"
#include "http/test_call.h"

/* ---- bodies that break off ---- */

enum { BIG_BYTES = 3000000 };

#define BIG_HEAD "Content-Length: 3000000\r\nETag: \"v1\"\r\n\r\n"
#define REST_HEAD(length, first)                                                                                       \
    "HTTP/1.1 206 P\r\nContent-Length: " #length "\r\nETag: \"v1\"\r\nContent-Range: bytes " #first                    \
    "-2999999/3000000\r\n\r\n"

static void test_cut_body_resumes(void **state)
{
    (void)state;
    static const TestReply replies[] = {
        {.text = "HTTP/1.1 200 OK\r\n" BIG_HEAD, .pattern_bytes = 1000000, .end = TEST_CLOSE},
        {.text = EMPTY_503},
        {.text = REST_HEAD(2000000, 1000000), .pattern_from = 1000000, .pattern_bytes = 500000, .end = TEST_CLOSE},
        {.text = REST_HEAD(1500000, 1500000), .pattern_from = 1500000, .pattern_bytes = 1500000},
    };
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, 4);
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/k");
    call.resumes = true;
    call.etag = "\"v1\"";
    assert_ok(http_run(client, NULL, &call.exchange));
    assert_pattern(&call.body, BIG_BYTES);
    assert_int_equal(http_client_counters(client).bytes_in, BIG_BYTES);
    assert_non_null(strstr(test_server_request(server, 2)->head, "Range: bytes=1000000-\r\n"));
    assert_non_null(strstr(test_server_request(server, 3)->head, "Range: bytes=1500000-\r\n"));
}

static void test_resume_answered_with_the_whole(void **state)
{
    (void)state;
    static const TestReply replies[] = {
        {.text = "HTTP/1.1 200 OK\r\n" BIG_HEAD, .pattern_bytes = 1000000, .end = TEST_CLOSE},
        {.text = "HTTP/1.1 200 OK\r\n" BIG_HEAD, .pattern_bytes = BIG_BYTES},
    };
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, 2);
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/k");
    call.resumes = true;
    assert_ok(http_run(client, NULL, &call.exchange));
    assert_pattern(&call.body, BIG_BYTES);
}

static void test_resume_is_never_a_mixture(void **state)
{
    (void)state;
    static const struct {
        TestReply second;
        ErrorCode code;
    } rows[] = {
        {{.text =
              "HTTP/1.1 206 P\r\nContent-Length: 1000000\r\nETag: \"v2\"\r\nContent-Range: bytes 1000000-1999999/3000000\r\n\r\n"},
         ERR_CHANGED},
        {{.text =
              "HTTP/1.1 206 P\r\nContent-Length: 1000000\r\nETag: \"v1\"\r\nContent-Range: bytes 1-1000000/3000000\r\n\r\n"},
         ERR_CORRUPT},
        {{.text = "HTTP/1.1 412 P\r\nContent-Length: 0\r\n\r\n"}, ERR_CHANGED},
    };
    CLEANUP(http_client_freep) HttpClient *client = quick_client();

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const TestReply replies[] = {
            {.text = "HTTP/1.1 200 OK\r\n" BIG_HEAD, .pattern_bytes = 1000000, .end = TEST_CLOSE},
            rows[i].second,
        };
        CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, 2);
        CLEANUP(call_done) Call call;
        call_init(&call, server, "/k");
        call.resumes = true;
        assert_fails(http_run(client, NULL, &call.exchange), rows[i].code);
        assert_int_equal(call.body.len, 0);
    }
}

/* A body that comes forward by a mebibyte each time may break off more often than attempts_max. */
static void test_progress_earns_attempts(void **state)
{
    (void)state;
    static const TestReply replies[] = {
        {.text = "HTTP/1.1 200 OK\r\nContent-Length: 6291456\r\n\r\n", .pattern_bytes = 2097152, .end = TEST_CLOSE},
        {.text = "HTTP/1.1 206 P\r\nContent-Length: 4194304\r\nContent-Range: bytes 2097152-6291455/6291456\r\n\r\n",
         .pattern_from = 2097152,
         .pattern_bytes = 2097152,
         .end = TEST_CLOSE},
        {.text = "HTTP/1.1 206 P\r\nContent-Length: 2097152\r\nContent-Range: bytes 4194304-6291455/6291456\r\n\r\n",
         .pattern_from = 4194304,
         .pattern_bytes = 2097152},
    };
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, 3);
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/k");
    call.resumes = true;
    call.exchange.large = true;
    call.exchange.attempts_max = 2;
    assert_ok(http_run(client, NULL, &call.exchange));
    assert_pattern(&call.body, 6291456);
}

/* ---- uploads ---- */

static Error *read_pattern_at(void *context, uint64_t offset_bytes, uint8_t *out, size_t len)
{
    const uint64_t *fails_from = context;

    if (offset_bytes + len > *fails_from)
        return FAIL(NOT_FOUND, "the file is gone");
    for (size_t i = 0; i < len; i++)
        out[i] = test_pattern(offset_bytes + i);
    return NULL;
}

static void test_upload_is_repeated_after_a_reset(void **state)
{
    (void)state;
    static const TestReply replies[] = {
        {.reset_after_body_bytes = 100000},
        {.text = EMPTY_503},
        {.text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
    };
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, 3);
    CLEANUP(call_done) Call call;
    uint64_t fails_from = UINT64_MAX;
    call_init(&call, server, "/k");
    call.method = HTTP_PUT;
    call.exchange.upload = (HttpUpload){.size_bytes = BIG_BYTES, .read_at = read_pattern_at, .context = &fails_from};
    assert_ok(http_run(client, NULL, &call.exchange));

    for (size_t i = 1; i <= 2; i++) {
        const TestRequest *request = test_server_request(server, i);
        Buffer body = {.data = request->body, .len = request->body_bytes};
        assert_pattern(&body, BIG_BYTES);
        assert_null(strstr(request->head, "chunked"));
    }
    assert_true(http_client_counters(client).bytes_out >= 2 * BIG_BYTES);
}

/* A server that refuses early is heard before the body is through. */
static void test_upload_is_refused_early(void **state)
{
    (void)state;
    static const TestReply reply = {
        .text = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", .early = true, .end = TEST_CLOSE};
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
    CLEANUP(call_done) Call call;
    uint64_t fails_from = UINT64_MAX;
    call_init(&call, server, "/k");
    call.method = HTTP_PUT;
    call.exchange.upload =
        (HttpUpload){.size_bytes = 100 * BIG_BYTES, .read_at = read_pattern_at, .context = &fails_from};
    assert_fails_saying(http_run(client, NULL, &call.exchange), ERR_DENIED, "403 Forbidden");
    assert_in_range(http_client_counters(client).bytes_out, 0, 50 * BIG_BYTES);

    call.exchange.expect_continue = true;
    uint64_t sent_bytes = http_client_counters(client).bytes_out;
    assert_fails_saying(http_run(client, NULL, &call.exchange), ERR_DENIED, "403 Forbidden");
    assert_int_equal(http_client_counters(client).bytes_out, sent_bytes);
    assert_non_null(strstr(test_server_request(server, 1)->head, "Expect: 100-continue"));
}

static void test_upload_source_fails(void **state)
{
    (void)state;
    static const TestReply reply = {.text = OK_HELLO};
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
    CLEANUP(call_done) Call call;
    uint64_t fails_from = 1000000;
    call_init(&call, server, "/k");
    call.method = HTTP_PUT;
    call.exchange.upload = (HttpUpload){.size_bytes = BIG_BYTES, .read_at = read_pattern_at, .context = &fails_from};
    assert_fails_saying(http_run(client, NULL, &call.exchange), ERR_NOT_FOUND, "the file is gone");
    assert_int_equal(call.exchange.attempts, 1);
}

/* ---- streams ---- */

static void test_stream_with_a_slow_reader(void **state)
{
    (void)state;
    static const TestReply replies[] = {
        {.text = "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 6291456\r\n\r\n",
         .pattern_bytes = 3000000,
         .end = TEST_CLOSE},
        {.text = "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 6291456\r\n\r\n", .pattern_bytes = 6291456},
    };
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, 2);
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/k");
    CLEANUP(http_stream_freep) HttpStream *stream = NULL;
    assert_ok(http_stream_start(client, NULL, &call.exchange, 64 * KIB, &stream));

    /* A reader that does not read holds the sender back: only the ring and what was read last fill. */
    while (http_client_counters(client).bytes_in == 0)
        assert_ok(sleep_us(1000, NULL));
    assert_ok(sleep_us(200000, NULL));
    assert_in_range(http_client_counters(client).bytes_in, 1, 512 * KIB);
    uint8_t piece[10007];
    uint64_t at = 0;
    size_t got;
    for (;;) {
        assert_ok(http_stream_read(stream, piece, sizeof piece, &got));
        if (got == 0)
            break;
        for (size_t i = 0; i < got; i++, at++)
            if (piece[i] != test_pattern(at))
                fail_msg("byte %llu is wrong", (unsigned long long)at);
    }
    assert_int_equal(at, 6291456);
    assert_int_equal(call.exchange.attempts, 2);
    assert_ok(http_stream_read(stream, piece, sizeof piece, &got));
    assert_int_equal(got, 0);
}

static void test_stream_fails_after_what_came(void **state)
{
    (void)state;
    static const TestReply reply = {.text = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", .end = TEST_CLOSE};
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/k");
    call.exchange.attempts_max = 2;
    CLEANUP(http_stream_freep) HttpStream *stream = NULL;
    assert_ok(http_stream_start(client, NULL, &call.exchange, 0, &stream));
    char text[16];
    size_t len = 0, got;
    while (len < 5) {
        assert_ok(http_stream_read(stream, (uint8_t *)text + len, sizeof text - len, &got));
        assert_true(got > 0);
        len += got;
    }
    assert_memory_equal(text, "hello", 5);
    assert_fails_saying(http_stream_read(stream, (uint8_t *)text, sizeof text, &got), ERR_UNAVAILABLE, "cut short");
    assert_fails(http_stream_read(stream, (uint8_t *)text, sizeof text, &got), ERR_UNAVAILABLE);
}

static void test_stream_left_early(void **state)
{
    (void)state;
    static const TestReply reply = {.text = "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n",
                                    .pattern_bytes = 100000000};
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/k");
    HttpStream *stream = NULL;
    uint8_t byte;
    size_t got;
    assert_ok(http_stream_start(client, NULL, &call.exchange, 0, &stream));
    assert_ok(http_stream_read(stream, &byte, 1, &got));
    int64_t start_ms = monotonic_ms();
    http_stream_free(stream);
    assert_in_range(monotonic_ms() - start_ms, 0, 2000);
}

/* ---- so many bytes a second ---- */

enum { LIMITED = 6, LIMITED_BYTES = 250000, LIMIT_BYTES_PER_S = 1000000 };

static HttpClient *limited_client(unsigned threads)
{
    HttpOptions options = quick_options();
    HttpClient *client = NULL;
    options.threads = threads;
    options.bytes_per_second = LIMIT_BYTES_PER_S;
    assert_ok(http_client_new(&options, &client));
    return client;
}

/* 1.5 MB at 1 MB/s: a tenth of a second's worth is there at the start, and what a transfer has in its buffer passes whole. */
static void assert_limited(int64_t start_ms)
{
    assert_in_range(monotonic_ms() - start_ms, 1000, 6000);
}

static void run_limited(HttpClient *client, Call calls[LIMITED])
{
    HttpCompletions completions;
    HttpExchange *exchange;
    int64_t start_ms = monotonic_ms();

    http_completions_init(&completions);
    for (size_t i = 0; i < LIMITED; i++)
        http_submit(client, &completions, &calls[i].exchange);
    while ((exchange = http_next_completed(&completions))) {
        assert_ok(exchange->error);
        assert_int_equal(exchange->attempts, 1);
    }
    http_completions_done(&completions);
    assert_limited(start_ms);
}

static void test_bandwidth_of_downloads(void **state)
{
    (void)state;
    static const TestReply reply = {.text = "HTTP/1.1 200 OK\r\nContent-Length: 250000\r\n\r\n",
                                    .pattern_bytes = LIMITED_BYTES};
    for (unsigned threads = 1; threads <= 2; threads++) {
        CLEANUP(http_client_freep) HttpClient *client = limited_client(threads);
        CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
        static Call calls[LIMITED];
        for (size_t i = 0; i < LIMITED; i++)
            call_init(&calls[i], server, "/k");
        run_limited(client, calls);
        for (size_t i = 0; i < LIMITED; i++) {
            assert_pattern(&calls[i].body, LIMITED_BYTES);
            call_done(&calls[i]);
        }
    }
}

static void test_bandwidth_of_uploads(void **state)
{
    (void)state;
    static const TestReply reply = {.text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
    CLEANUP(http_client_freep) HttpClient *client = limited_client(1);
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
    static Call calls[LIMITED];
    uint64_t end = UINT64_MAX;
    for (size_t i = 0; i < LIMITED; i++) {
        call_init(&calls[i], server, "/k");
        calls[i].method = HTTP_PUT;
        calls[i].exchange.upload =
            (HttpUpload){.size_bytes = LIMITED_BYTES, .read_at = read_pattern_at, .context = &end};
    }
    run_limited(client, calls);
    for (size_t i = 0; i < LIMITED; i++) {
        const TestRequest *request = test_server_request(server, i);
        assert_int_equal(request->body_bytes, LIMITED_BYTES);
        for (size_t at = 0; at < LIMITED_BYTES; at++)
            if (request->body[at] != test_pattern(at))
                fail_msg("byte %zu of %zu is wrong", at, i);
        call_done(&calls[i]);
    }
}

/* A reader that is slower than the limit for a while, and then waits for it. */
static void test_bandwidth_of_a_stream(void **state)
{
    (void)state;
    static const TestReply reply = {.text = "HTTP/1.1 200 OK\r\nContent-Length: 1500000\r\n\r\n",
                                    .pattern_bytes = 1500000};
    CLEANUP(http_client_freep) HttpClient *client = limited_client(1);
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
    CLEANUP(call_done) Call call;
    CLEANUP(http_stream_freep) HttpStream *stream = NULL;
    uint8_t piece[10007];
    uint64_t at = 0;
    size_t got;
    call_init(&call, server, "/k");
    int64_t start_ms = monotonic_ms();
    assert_ok(http_stream_start(client, NULL, &call.exchange, 64 * KIB, &stream));
    assert_ok(sleep_us(300000, NULL));
    do {
        assert_ok(http_stream_read(stream, piece, sizeof piece, &got));
        for (size_t i = 0; i < got; i++, at++)
            if (piece[i] != test_pattern(at))
                fail_msg("byte %llu is wrong", (unsigned long long)at);
    } while (got > 0);
    assert_int_equal(at, 1500000);
    assert_limited(start_ms);
}

/* ---- cancel ---- */

typedef struct Raiser {
    Cancel *cancel;
    Thread thread;
} Raiser;

static void raise_soon(void *context)
{
    Raiser *raiser = context;
    error_free(sleep_us(30000, NULL)); /* nothing can cancel it */
    cancel_raise(raiser->cancel, CANCEL_STOP);
}

static void test_cancel_ends_transfers_and_waits(void **state)
{
    (void)state;
    static const TestReply replies[] = {{.text = NULL},
                                        {.text = "HTTP/1.1 503 S\r\nRetry-After: 100\r\nContent-Length: 0\r\n\r\n"}};
    HttpOptions options = quick_options();
    options.retry.retry_after_slack_us = INT64_C(100000000);
    CLEANUP(http_client_freep) HttpClient *client = NULL;
    assert_ok(http_client_new(&options, &client));

    for (size_t i = 0; i < ARRAY_COUNT(replies); i++) {
        CLEANUP(test_server_freep) TestServer *server = test_server_new(&replies[i], 1);
        CLEANUP(call_done) Call call;
        Cancel cancel = {0};
        Raiser raiser = {.cancel = &cancel};
        call_init(&call, server, "/k");
        int64_t start_ms = monotonic_ms();
        assert_ok(thread_start(&raiser.thread, "raiser", raise_soon, &raiser));
        assert_fails(http_run(client, &cancel, &call.exchange), ERR_CANCELLED);
        assert_in_range(monotonic_ms() - start_ms, 25, 2000);
        thread_join(&raiser.thread);
        assert_fails(http_run(client, &cancel, &call.exchange), ERR_CANCELLED);
    }
}

/* ---- many ---- */

enum { MANY = 2000, MANY_IN_FLIGHT = 100 };

static void test_many_through_few_connections(void **state)
{
    (void)state;
    static const TestReply replies[] = {{.text = EMPTY_503}, {.end = TEST_CLOSE}, {.text = OK_HELLO}};
    HttpOptions options = quick_options();
    options.threads = 2;
    options.connections_max = 8;
    CLEANUP(http_client_freep) HttpClient *client = NULL;
    assert_ok(http_client_new(&options, &client));
    CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, 3);
    static Call calls[MANY_IN_FLIGHT];
    HttpCompletions completions;
    http_completions_init(&completions);

    size_t submitted = 0, returned = 0;
    for (; submitted < MANY_IN_FLIGHT; submitted++) {
        call_init(&calls[submitted], server, "/k");
        http_submit(client, &completions, &calls[submitted].exchange);
    }
    HttpExchange *exchange;
    while ((exchange = http_next_completed(&completions))) {
        Call *call = exchange->context;
        returned++;
        assert_ok(exchange->error);
        assert_str(buffer_str(&call->body), "hello");
        buffer_clear(&call->body);
        if (submitted < MANY) {
            submitted++;
            http_submit(client, &completions, exchange);
        }
    }
    assert_int_equal(returned, MANY);
    assert_in_range(test_server_accepts(server), 1, 16);
    http_completions_done(&completions);
    for (size_t i = 0; i < MANY_IN_FLIGHT; i++)
        call_done(&calls[i]);
}

typedef struct Blocking {
    HttpClient *client;
    const TestServer *server;
    Thread thread;
    size_t done;
} Blocking;

static void run_blocking(void *context)
{
    Blocking *blocking = context;
    CLEANUP(call_done) Call call;

    call_init(&call, blocking->server, "/k");
    for (int i = 0; i < 50; i++) {
        buffer_clear(&call.body);
        Error *error = http_run(blocking->client, NULL, &call.exchange);
        if (!error && str_equal(buffer_str(&call.body), STR("hello")))
            blocking->done++;
        error_free(error);
    }
}

static void test_many_threads_block(void **state)
{
    (void)state;
    static const TestReply reply = {.text = OK_HELLO};
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
    Blocking blocking[16];

    for (size_t i = 0; i < ARRAY_COUNT(blocking); i++) {
        blocking[i] = (Blocking){.client = client, .server = server};
        assert_ok(thread_start(&blocking[i].thread, "blocking", run_blocking, &blocking[i]));
    }
    for (size_t i = 0; i < ARRAY_COUNT(blocking); i++) {
        thread_join(&blocking[i].thread);
        assert_int_equal(blocking[i].done, 50);
    }
    assert_in_range(test_server_accepts(server), 1, 16);
}

static void test_client_without_work(void **state)
{
    (void)state;
    http_client_free(NULL);
    http_client_free(quick_client());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_body_resumes),
        cmocka_unit_test(test_resume_answered_with_the_whole),
        cmocka_unit_test(test_resume_is_never_a_mixture),
        cmocka_unit_test(test_progress_earns_attempts),
        cmocka_unit_test(test_upload_is_repeated_after_a_reset),
        cmocka_unit_test(test_upload_is_refused_early),
        cmocka_unit_test(test_upload_source_fails),
        cmocka_unit_test(test_stream_with_a_slow_reader),
        cmocka_unit_test(test_stream_fails_after_what_came),
        cmocka_unit_test(test_stream_left_early),
        cmocka_unit_test(test_bandwidth_of_downloads),
        cmocka_unit_test(test_bandwidth_of_uploads),
        cmocka_unit_test(test_bandwidth_of_a_stream),
        cmocka_unit_test(test_cancel_ends_transfers_and_waits),
        cmocka_unit_test(test_many_through_few_connections),
        cmocka_unit_test(test_many_threads_block),
        cmocka_unit_test(test_client_without_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
