#include "http/test_call.h"

#include <stdio.h>

static Error *prepare(void *context, const HttpExchange *exchange, HttpRequest *request)
{
    Call *call = context;

    call->prepared++;
    request->method = call->method;
    TRY(buffer_append_format(&request->url, "%s://%s:%u%s", call->tls ? "https" : "http",
                             call->host ? call->host : "127.0.0.1", call->port, call->path));
    TRY(http_request_header(request, STR("Authorization"), STR("AWS4-HMAC-SHA256 secret")));
    if (call->resumes && exchange->body_received_bytes > 0) {
        char range[64];
        snprintf(range, sizeof range, "bytes=%llu-", (unsigned long long)exchange->body_received_bytes);
        request->resuming = true;
        request->range_first = exchange->body_received_bytes;
        TRY(http_request_header(request, STR("Range"), str_of(range)));
    }
    return NULL;
}

static Error *check(void *context, const HttpExchange *exchange)
{
    const Call *call = context;

    if (call->etag && !str_equal(exchange->response.header[HTTP_ETAG], str_of(call->etag)))
        return FAIL(CHANGED, "another ETag");
    return NULL;
}

static HttpVerdict judge(void *context, const HttpExchange *exchange, Error **ret_error)
{
    Call *call = context;

    if (call->agains > 0) {
        call->agains--;
        return HTTP_AGAIN;
    }
    return http_judge(exchange, ret_error);
}

const HttpCalls call_functions = {.prepare = prepare, .check = check, .judge = judge};

void call_init(Call *call, const TestServer *server, const char *path)
{
    *call = (Call){.method = HTTP_GET, .port = server ? test_server_port(server) : 0, .path = path};
    call->body.limit = 64 * MIB;
    call->exchange.calls = &call_functions;
    call->exchange.context = call;
    call->exchange.sink = http_buffer_sink(&call->sink, &call->body);
}

void call_done(Call *call)
{
    http_exchange_done(&call->exchange);
    buffer_done(&call->body);
}

HttpOptions quick_options(void)
{
    HttpOptions options = http_options_default();

    options.threads = 1;
    options.random_seed = 7;
    options.retry.transient_base_us = options.retry.throttle_base_us = 1000;
    options.retry.delay_max_us = 4000;
    options.retry.retry_after_slack_us = 50000;
    return options;
}

HttpClient *quick_client(void)
{
    HttpOptions options = quick_options();
    HttpClient *client = NULL;
    assert_ok(http_client_new(&options, &client));
    return client;
}

void assert_pattern(const Buffer *body, size_t len)
{
    assert_int_equal(body->len, len);
    for (size_t i = 0; i < len; i++)
        if (body->data[i] != test_pattern(i))
            fail_msg("byte %zu is wrong", i);
}

int64_t monotonic_ms(void)
{
    return clock_monotonic_us(clock_system()) / 1000;
}
