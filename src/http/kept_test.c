#include <stdio.h>

#include "http/test_call.h"

/* When is a connection used again, and what happens where the server has ended it meanwhile? */
static void test_which_are_kept(void **state)
{
    (void)state;
    static const struct {
        TestReply first;
        size_t accepts; /* by two requests */
    } rows[] = {
        {{.text = OK_HELLO}, 1},
        {{.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n"}, 1},
        {{.text = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK_HELLO}, 1},
        {{.text = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello"}, 1},
        {{.text = "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"}, 2},
        {{.text = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"}, 2},
        {{.text = OK_HELLO "HTTP/1.1 200 OK\r\n"}, 2}, /* it speaks unasked: the next answer would be in doubt */
        {{.text = OK_HELLO, .end = TEST_CLOSE}, 2},
        {{.text = OK_HELLO, .end = TEST_RESET}, 2},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const TestReply replies[] = {rows[i].first, {.text = OK_HELLO}};
        CLEANUP(http_client_freep) HttpClient *client = quick_client();
        CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, 2);
        CLEANUP(call_done) Call call;
        call_init(&call, server, "/k");
        for (unsigned n = 0; n < 2; n++) {
            buffer_clear(&call.body);
            assert_ok(http_run(client, NULL, &call.exchange));
            assert_str(buffer_str(&call.body), "hello");
            assert_int_equal(call.exchange.attempts, 1);
        }
        if (test_server_accepts(server) != rows[i].accepts)
            fail_msg("row %zu: %zu connections", i, test_server_accepts(server));
        assert_int_equal(http_client_counters(client).retries, 0);
    }
}

/* It ends a kept connection just when the next request comes: that one is sent again elsewhere, whole, and nobody hears of it. */
static void test_one_that_ends_meanwhile(void **state)
{
    (void)state;
    static const TestReply replies[] = {{.text = OK_HELLO},
                                        {.text = "", .end = TEST_RESET},
                                        {.text = OK_HELLO},
                                        {.text = "", .end = TEST_CLOSE},
                                        {.text = OK_HELLO}};
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, ARRAY_COUNT(replies));
    CLEANUP(call_done) Call call;
    CLEANUP(buffer_done) Buffer body = {0};
    for (uint64_t i = 0; i < 100000; i++)
        assert_ok(buffer_append_byte(&body, test_pattern(i)));

    call_init(&call, server, "/k");
    call.method = HTTP_PUT;
    call.exchange.upload = (HttpUpload){.size_bytes = body.len, .data = body.data};
    for (unsigned n = 0; n < 3; n++) {
        buffer_clear(&call.body);
        assert_ok(http_run(client, NULL, &call.exchange));
        assert_int_equal(call.exchange.attempts, 1);
    }
    assert_int_equal(test_server_accepts(server), 3);
    assert_int_equal(http_client_counters(client).retries, 0);
    for (size_t i = 2; i < 5; i += 2) {
        const TestRequest *request = test_server_request(server, i);
        assert_int_equal(request->body_bytes, body.len);
        assert_memory_equal(request->body, body.data, body.len);
    }
}

/* On a connection of its own the same is a failure like any other. */
static void test_a_new_one_that_ends(void **state)
{
    (void)state;
    static const TestReply replies[] = {{.text = "", .end = TEST_RESET}, {.text = OK_HELLO}};
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, 2);
    CLEANUP(call_done) Call call;

    call_init(&call, server, "/k");
    assert_ok(http_run(client, NULL, &call.exchange));
    assert_int_equal(call.exchange.attempts, 2);
}

/* What the kernel still takes of a body after the server has said no and gone must not hide why. */
static void test_a_body_nobody_reads(void **state)
{
    (void)state;
    static const TestReply reply = {.text = "HTTP/1.1 507 Full\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                                    .early = true,
                                    .end = TEST_CLOSE};
    CLEANUP(buffer_done) Buffer body = {0};
    assert_ok(buffer_reserve(&body, 8 * MIB));
    memset(body.data, 'x', 8 * MIB);

    for (unsigned n = 0; n < 5; n++) {
        CLEANUP(http_client_freep) HttpClient *client = quick_client();
        CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
        CLEANUP(call_done) Call call;
        call_init(&call, server, "/k");
        call.method = HTTP_PUT;
        call.exchange.upload = (HttpUpload){.size_bytes = 8 * MIB, .data = body.data};
        assert_fails_saying(http_run(client, NULL, &call.exchange), ERR_NO_SPACE, "507");
    }
}

/* Whoever thanks for what was not sent has not understood it. */
static void test_a_success_that_comes_too_early(void **state)
{
    (void)state;
    static const TestReply replies[] = {{.text = OK_HELLO, .early = true}, {.text = OK_HELLO}};
    CLEANUP(buffer_done) Buffer body = {0};
    assert_ok(buffer_reserve(&body, 32 * MIB));
    memset(body.data, 'x', 32 * MIB);
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, 2);
    CLEANUP(call_done) Call call;

    call_init(&call, server, "/k");
    call.method = HTTP_PUT;
    call.exchange.upload = (HttpUpload){.size_bytes = 32 * MIB, .data = body.data};
    assert_ok(http_run(client, NULL, &call.exchange));
    assert_int_equal(call.exchange.attempts, 2);
    assert_int_equal(test_server_request(server, 1)->body_bytes, 32 * MIB);
}

/* RFC 9110 10.1.1: who will not be asked gets the body unasked. */
static void test_who_will_not_be_asked(void **state)
{
    (void)state;
    static const TestReply replies[] = {
        {.text = "HTTP/1.1 417 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", .early = true, .end = TEST_CLOSE},
        {.text = OK_HELLO}};
    CLEANUP(buffer_done) Buffer body = {0};
    assert_ok(buffer_reserve(&body, 2 * MIB));
    memset(body.data, 'x', 2 * MIB);
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, 2);
    CLEANUP(call_done) Call call;

    call_init(&call, server, "/k");
    call.method = HTTP_PUT;
    call.exchange.expect_continue = true;
    call.exchange.upload = (HttpUpload){.size_bytes = 2 * MIB, .data = body.data};
    assert_ok(http_run(client, NULL, &call.exchange));
    assert_non_null(strstr(test_server_request(server, 0)->head, "Expect: 100-continue"));
    assert_null(strstr(test_server_request(server, 1)->head, "Expect"));
    assert_int_equal(test_server_request(server, 1)->body_bytes, 2 * MIB);
}

/* What lies behind an answer is no part of the next one, though it was not read with the first (64 KiB are, at once). */
static void test_what_lies_behind_an_answer(void **state)
{
    (void)state;
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 65494\r\n\r\n";
    char text[64 * 1024 + 64];
    memset(text, 'x', sizeof text);
    memcpy(text, head, strlen(head));
    snprintf(text + 64 * 1024, 64, "%s", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
    const TestReply replies[] = {{.text = text}, {.text = OK_HELLO}};
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, 2);
    CLEANUP(call_done) Call call;

    assert_int_equal(strlen(head) + 65494, 64 * 1024);
    call_init(&call, server, "/k");
    assert_ok(http_run(client, NULL, &call.exchange));
    buffer_clear(&call.body);
    assert_ok(http_run(client, NULL, &call.exchange));
    assert_str(buffer_str(&call.body), "hello");
}

/* How often it was sent, as the one must know who asked on a condition. */
static void test_sendings_are_counted(void **state)
{
    (void)state;
    static const TestReply replies[] = {
        {.text = OK_HELLO}, {.text = "", .end = TEST_RESET}, {.text = "HTTP/1.1 412 No\r\nContent-Length: 0\r\n\r\n"}};
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, 3);
    CLEANUP(call_done) Call call;

    call_init(&call, server, "/k");
    call.method = HTTP_PUT;
    assert_ok(http_run(client, NULL, &call.exchange));
    assert_int_equal(call.exchange.sendings, 1);
    assert_fails(http_run(client, NULL, &call.exchange), ERR_CHANGED);
    assert_int_equal(call.exchange.attempts, 1);
    assert_int_equal(call.exchange.sendings, 2);
}

/* In use and kept, together, whatever the number of hosts. */
static void test_connections_are_bounded(void **state)
{
    (void)state;
    static const TestReply reply = {.text = OK_HELLO};
    HttpOptions options = quick_options();
    options.connections_max = 1;
    CLEANUP(http_client_freep) HttpClient *client = NULL;
    assert_ok(http_client_new(&options, &client));
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
    CLEANUP(test_server_freep) TestServer *beside = test_server_new_beside(server, "127.0.0.2", &reply, 1);
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2", "127.0.0.1"};
    CLEANUP(call_done) Call call;

    call_init(&call, server, "/k");
    for (size_t i = 0; i < ARRAY_COUNT(hosts); i++) {
        call.host = hosts[i];
        buffer_clear(&call.body);
        assert_ok(http_run(client, NULL, &call.exchange));
    }
    assert_int_equal(test_server_accepts(server), 2);
    assert_int_equal(test_server_accepts(beside), 1);
}

/* Records of TLS that were read and not yet taken are not lost while a slow reader pauses. */
static void test_a_slow_reader_of_tls(void **state)
{
    (void)state;
    static const TestReply reply = {.text = "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n",
                                    .pattern_bytes = 3000000};
    char ca_file[TEST_CA_FILE_BYTES];
    CLEANUP(test_server_freep) TestServer *server = test_server_new_tls(&reply, 1, ca_file);
    HttpOptions options = quick_options();
    options.ca_file = ca_file;
    CLEANUP(http_client_freep) HttpClient *client = NULL;
    assert_ok(http_client_new(&options, &client));
    CLEANUP(call_done) Call call;
    call_init(&call, server, "/k");
    call.host = "localhost";
    call.tls = true;
    call.exchange.large = true; /* its pieces are larger than the ring */
    CLEANUP(http_stream_freep) HttpStream *stream = NULL;
    assert_ok(http_stream_start(client, NULL, &call.exchange, 64 * KIB, &stream));

    uint8_t piece[40000];
    uint64_t at = 0;
    size_t got = 0;
    for (;;) {
        assert_ok(http_stream_read(stream, piece, sizeof piece, &got));
        if (got == 0)
            break;
        for (size_t i = 0; i < got; i++, at++)
            if (piece[i] != test_pattern(at))
                fail_msg("byte %llu is wrong", (unsigned long long)at);
        if (at % 7 == 0)
            assert_ok(sleep_us(1000, NULL));
    }
    assert_int_equal(at, 3000000);
    assert_int_equal(call.exchange.attempts, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_are_kept),        cmocka_unit_test(test_one_that_ends_meanwhile),
        cmocka_unit_test(test_a_new_one_that_ends),   cmocka_unit_test(test_a_body_nobody_reads),
        cmocka_unit_test(test_a_slow_reader_of_tls),  cmocka_unit_test(test_a_success_that_comes_too_early),
        cmocka_unit_test(test_who_will_not_be_asked), cmocka_unit_test(test_what_lies_behind_an_answer),
        cmocka_unit_test(test_sendings_are_counted),  cmocka_unit_test(test_connections_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
