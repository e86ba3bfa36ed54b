/* secrecy_test.c - whom the client trusts and who gets its headers: certificates, proxies, redirects. */
#include <stdio.h>
#include <stdlib.h>

#include "base/testing.h"
#include "http/http.h"
#include "http/test_server.h"

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

typedef struct Secret {
    HttpExchange exchange;
    HttpBufferSink sink;
    Buffer body;
    char url[128];
} Secret;

static Error *prepare(void *context, const HttpExchange *exchange, HttpRequest *request)
{
    const Secret *secret = context;

    (void)exchange;
    TRY(buffer_append_str(&request->url, str_of(secret->url)));
    return http_request_header(request, STR("Authorization"), STR("AWS4-HMAC-SHA256 s3cr3t"));
}

static const HttpCalls calls = {.prepare = prepare};

static void secret_init(Secret *secret, const char *scheme, const char *host, unsigned port)
{
    *secret = (Secret){.body.limit = KIB};
    snprintf(secret->url, sizeof secret->url, "%s://%s:%u/key", scheme, host, port);
    secret->exchange.calls = &calls;
    secret->exchange.context = secret;
    secret->exchange.sink = http_buffer_sink(&secret->sink, &secret->body);
}

static void secret_done(Secret *secret)
{
    http_exchange_done(&secret->exchange);
    buffer_done(&secret->body);
}

static HttpClient *client_with(const char *ca_file, bool verify_tls)
{
    HttpOptions options = http_options_default();
    HttpClient *client = NULL;

    options.ca_file = ca_file;
    options.verify_tls = verify_tls;
    options.connect_timeout_ms = 5000;
    options.retry.transient_base_us = 1000;
    assert_ok(http_client_new(&options, &client));
    return client;
}

static void test_certificates(void **state)
{
    (void)state;
    static const TestReply reply = {.text = OK_HELLO};
    static const struct {
        const char *name, *host;
        bool own_ca, verify;
        ErrorCode code;
        unsigned attempts;
        size_t requests;
    } rows[] = {
        {"its CA is given", "localhost", true, true, ERR_OK, 1, 1},
        {"unknown CA is final", "localhost", false, true, ERR_DENIED, 1, 0},
        {"not asked to verify", "localhost", false, false, ERR_OK, 1, 1},
        {"an address it is not for is final", "127.0.0.1", true, true, ERR_DENIED, 1, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char ca_file[TEST_CA_FILE_BYTES];
        CLEANUP(test_server_freep) TestServer *server = test_server_new_tls(&reply, 1, ca_file);
        CLEANUP(http_client_freep) HttpClient *client = client_with(rows[i].own_ca ? ca_file : NULL, rows[i].verify);
        CLEANUP(secret_done) Secret secret;
        secret_init(&secret, "https", rows[i].host, test_server_port(server));
        CLEANUP(error_freep) Error *error = http_run(client, NULL, &secret.exchange);
        if (error_code(error) != rows[i].code || secret.exchange.attempts != rows[i].attempts
            || test_server_requests(server) != rows[i].requests)
            fail_msg("%s: %s, %u attempts: %s", rows[i].name, error_code_name(error_code(error)),
                     secret.exchange.attempts, error_message_view(error));
    }
}

static void test_tls_connections_are_kept(void **state)
{
    (void)state;
    static const TestReply reply = {.text = OK_HELLO};
    char ca_file[TEST_CA_FILE_BYTES];
    CLEANUP(test_server_freep) TestServer *server = test_server_new_tls(&reply, 1, ca_file);
    CLEANUP(http_client_freep) HttpClient *client = client_with(ca_file, true);
    CLEANUP(secret_done) Secret secret;
    secret_init(&secret, "https", "localhost", test_server_port(server));
    for (int i = 0; i < 5; i++) {
        buffer_clear(&secret.body);
        assert_ok(http_run(client, NULL, &secret.exchange));
        assert_str(buffer_str(&secret.body), "hello");
    }
    assert_int_equal(test_server_accepts(server), 1);
}

static void test_stalled_handshake_times_out(void **state)
{
    (void)state;
    static const TestReply silence = {0};
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&silence, 1);
    CLEANUP(http_client_freep) HttpClient *client = client_with(NULL, true);
    CLEANUP(secret_done) Secret secret;
    secret_init(&secret, "https", "localhost", test_server_port(server));
    secret.exchange.attempts_max = 2;
    assert_fails_saying(http_run(client, NULL, &secret.exchange), ERR_TIMEOUT, "(attempt 2): timed out");
}

static HttpVerdict judge_redirect(void *context, const HttpExchange *exchange, Error **ret_error)
{
    (void)context;
    *ret_error = FAIL(INVALID, "location " STR_FMT, STR_ARG(exchange->response.header[HTTP_LOCATION]));
    return HTTP_FAIL;
}

static void test_redirect_gets_no_credential(void **state)
{
    (void)state;
    static const TestReply reply = {.text = OK_HELLO};
    CLEANUP(test_server_freep) TestServer *other = test_server_new(&reply, 1);
    char text[256], location[64];
    snprintf(location, sizeof location, "http://127.0.0.1:%u/steal", test_server_port(other));
    snprintf(text, sizeof text, "HTTP/1.1 301 M\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", location);
    const TestReply redirect = {.text = text};
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&redirect, 1);
    CLEANUP(http_client_freep) HttpClient *client = client_with(NULL, true);
    CLEANUP(secret_done) Secret secret;
    const HttpCalls judging = {.prepare = prepare, .judge = judge_redirect};
    secret_init(&secret, "http", "127.0.0.1", test_server_port(server));
    secret.exchange.calls = &judging;
    assert_fails_saying(http_run(client, NULL, &secret.exchange), ERR_INVALID, location);
    assert_int_equal(test_server_accepts(other), 0);
}

static void test_proxies(void **state)
{
    (void)state;
    static const TestReply replies[] = {{.text = OK_HELLO}, {.text = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"}};
    CLEANUP(test_server_freep) TestServer *proxy = test_server_new(replies, 2);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", test_server_port(proxy));
    setenv("http_proxy", url, 1);
    setenv("https_proxy", url, 1);
    CLEANUP(http_client_freep) HttpClient *client = client_with(NULL, true);
    CLEANUP(secret_done) Secret secret;

    /* Plain requests go to the proxy whole; there is no other way. */
    secret_init(&secret, "http", "s3.example.invalid", 80);
    assert_ok(http_run(client, NULL, &secret.exchange));
    assert_true(str_starts_with(str_of(test_server_request(proxy, 0)->head), STR("GET http://s3.example.invalid")));
    secret_done(&secret);

    /* A tunnel is asked for without our headers. */
    secret_init(&secret, "https", "s3.example.invalid", 443);
    secret.exchange.attempts_max = 1;
    assert_fails(http_run(client, NULL, &secret.exchange), ERR_UNAVAILABLE);
    const char *head = test_server_request(proxy, 1)->head;
    assert_true(str_starts_with(str_of(head), STR("CONNECT s3.example.invalid:443 HTTP/1.1\r\n")));
    assert_null(strstr(head, "Authorization"));
    assert_int_equal(secret.exchange.response.status, 0);
    secret_done(&secret);

    /* A metadata service is never asked through one. */
    static const TestReply reply = {.text = OK_HELLO};
    CLEANUP(test_server_freep) TestServer *service = test_server_new(&reply, 1);
    secret_init(&secret, "http", "127.0.0.1", test_server_port(service));
    secret.exchange.direct = true;
    assert_ok(http_run(client, NULL, &secret.exchange));
    assert_int_equal(test_server_requests(service), 1);
    assert_int_equal(test_server_requests(proxy), 2);
    unsetenv("http_proxy");
    unsetenv("https_proxy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_tls_connections_are_kept),
        cmocka_unit_test(test_stalled_handshake_times_out),
        cmocka_unit_test(test_redirect_gets_no_credential),
        cmocka_unit_test(test_proxies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
