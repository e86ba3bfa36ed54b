#include "store/s3/remote.h"

#define ANSWER_MAX_BYTES (256 * KIB)
/* As client.c: AWS refuses from 15 minutes on. */
#define CLOCK_TOLERANCE_US ((int64_t)4 * 60 * 1000000)
enum { EXCERPT_MAX_BYTES = 200, CONNECTIONS_MAX = 2, MS_US = 1000 };

void s3_remote_done(S3Remote *remote)
{
    http_client_free(remote->http);
    remote->http = NULL;
}

static void wipe(Buffer *buffer)
{
    if (buffer->data)
        explicit_bzero(buffer->data, buffer->capacity);
    buffer->len = 0;
}

void remote_call_done(RemoteCall *call)
{
    wipe(&call->answer);
    buffer_done(&call->answer);
}

MUST_USE static Error *need_http(S3Remote *remote)
{
    if (remote->http)
        return NULL;
    HttpOptions options = http_options_default();
    options.threads = 1;
    options.connections_max = CONNECTIONS_MAX;
    options.ca_file = remote->ca_file;
    options.verify_tls = !remote->skip_tls_verify;
    options.log = remote->log;
    return http_client_new(&options, &remote->http);
}

/* ---- one attempt ---- */

static Error *prepare(void *context, const HttpExchange *exchange, HttpRequest *out)
{
    const RemoteCall *call = context;
    (void)exchange;
    out->method = call->method;
    TRY(buffer_append_str(&out->url, call->url));
    for (size_t i = 0; i < call->header_count; i++) {
        if (!str_equal(call->headers[i].name, STR("host")))
            TRY(http_request_header(out, call->headers[i].name, call->headers[i].value));
    }
    return NULL;
}

static HttpVerdict judge(void *context, const HttpExchange *exchange, Error **ret_error)
{
    RemoteCall *call = context;
    const HttpResponse *response = &exchange->response;

    call->status = response->status;
    call->date_us = response->date_us;
    if (response->status < 300)
        return HTTP_ACCEPT;
    bool retry = response->status >= 500 || response->status == 429
                 || (call->retry_word && str_find(response->error_body, str_of(call->retry_word)) != SIZE_MAX);
    if (retry) {
        *ret_error = FAIL(UNAVAILABLE, "the service answers %u", response->status);
        return HTTP_FAIL; /* it is remote_run that repeats */
    }
    wipe(&call->answer);
    *ret_error = buffer_append_str(&call->answer, response->error_body);
    return *ret_error ? HTTP_FAIL : HTTP_ACCEPT;
}

static const HttpCalls calls = {.prepare = prepare, .judge = judge};

MUST_USE static Error *attempt(S3Remote *remote, const Cancel *cancel, RemoteCall *call)
{
    HttpBufferSink sink;
    HttpExchange exchange = {
        .calls = &calls,
        .context = call,
        .upload = {.size_bytes = call->body.len, .data = (const uint8_t *)call->body.data},
        .direct = call->direct,
        .total_timeout_ms = call->timeout_ms,
        .connect_timeout_ms = call->timeout_ms,
        .attempts_max = 1,
    };
    wipe(&call->answer);
    call->answer.limit = ANSWER_MAX_BYTES;
    call->status = 0;
    exchange.sink = http_buffer_sink(&sink, &call->answer);
    Error *err = http_run(remote->http, cancel, &exchange);
    http_exchange_done(&exchange);
    if (!err && call->content_needed && call->status < 300 && str_trim(buffer_str(&call->answer)).len == 0)
        err = FAIL(UNAVAILABLE, "the service answers %u without content", call->status);
    return err;
}

Error *remote_run(S3Remote *remote, const Cancel *cancel, RemoteCall *call)
{
    TRY(need_http(remote));
    for (unsigned tried = 1;; tried++) {
        Error *err = attempt(remote, cancel, call);
        if (!err || tried >= call->attempts_max || !error_code_retryable(error_code(err)))
            return err;
        error_free(err); /* the last one tells */
        TRY(sleep_us((int64_t)call->pause_ms * MS_US, cancel));
    }
}

/* ---- its clock and its words ---- */

bool remote_hear_date(S3Remote *remote, int64_t date_us)
{
    if (date_us == HTTP_TIME_UNKNOWN)
        return false;
    int64_t offset_us = date_us - clock_wall_us(remote->clock);
    int64_t error_us = offset_us - remote->clock_offset_us;
    if (error_us > -CLOCK_TOLERANCE_US && error_us < CLOCK_TOLERANCE_US)
        return false;
    remote->clock_offset_us = offset_us;
    return true;
}

int64_t remote_local_time(const S3Remote *remote, int64_t time_us)
{
    return time_us - remote->clock_offset_us;
}

Error *remote_append_excerpt(Buffer *out, Str body)
{
    body = str_trim(body);
    size_t len = MIN(body.len, (size_t)EXCERPT_MAX_BYTES);
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)body.data[i];
        TRY(buffer_append_byte(out, c < ' ' || c >= 0x7f ? ' ' : c));
    }
    return NULL;
}
