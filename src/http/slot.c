#include "http/slot.h"

#include <stdlib.h>

#include "base/hash.h"
#include "http/failure.h"
#include "http/request.h"
#include "http/response.h"

enum { BUFFER_BYTES = 64 * 1024, LARGE_BUFFER_BYTES = 256 * 1024, KEEPALIVE_S = 60 };
/* Short, since each lookup shuffles the addresses: connections made at different times go to different ones. Not 0, for servers that close
 * after each answer. */
enum { DNS_CACHE_S = 1 };

/* What differs from exchange to exchange and costs a call to change. */
typedef struct Settings {
    HttpMethod method;
    bool proxy_free, fresh;
    unsigned connect_timeout_ms, low_speed_time_s, total_timeout_ms;
} Settings;

struct Slot {
    CURL *easy;
    const SlotShared *shared;
    SlotPlace place;
    Settings settings; /* what the handle is set to, once it is known */
    bool settings_known;
    HttpRequest request;
    char detail[CURL_ERROR_SIZE];

    /* of the attempt */
    HttpExchange *exchange;
    Error *failure; /* from a callback: why libcurl was told to stop */
    size_t header_bytes;
    uint64_t upload_at;
    bool headers_done; /* of the last answer, 1xx not counted */
    bool to_sink;
    bool paused;  /* its sink is full */
    bool starved; /* the bandwidth is used up */
    Slot *twin;   /* asks the same; until one of them is answered */
    bool lost, second;
};

/* ---- libcurl's callbacks ---- */

/* Ends the transfer: libcurl sees a short count. */
static size_t stop_with(Slot *slot, Error *take_error)
{
    error_free(slot->failure);
    slot->failure = take_error;
    return 0;
}

static bool is_success(unsigned status)
{
    return status >= 200 && status < 300;
}

/* Does the answer to an attempt that resumes begin where the last one ended? Source: RFC 9110 14.4, 15.3.7. */
static Error *check_partial(const Slot *slot)
{
    const HttpResponse *response = &slot->exchange->response;

    if (!response->has_range)
        return FAIL(CORRUPT, "206 without a valid Content-Range");
    if (response->content_length != HTTP_LENGTH_UNKNOWN
        && response->content_length - 1 != response->range_last - response->range_first)
        return FAIL(CORRUPT, "Content-Length %llu does not fit Content-Range %llu-%llu",
                    (unsigned long long)response->content_length, (unsigned long long)response->range_first,
                    (unsigned long long)response->range_last);
    if (slot->request.resuming && response->range_first != slot->request.range_first)
        return FAIL(CORRUPT, "asked for bytes from %llu on and got those from %llu on",
                    (unsigned long long)slot->request.range_first, (unsigned long long)response->range_first);
    return NULL;
}

/* A body must not be put together from two versions of an object, nor a stream skip into another one. */
static Error *check_same_etag(HttpExchange *exchange)
{
    Str etag = exchange->response.header[HTTP_ETAG];
    uint64_t hash = etag.len > 0 ? xxh64(str_bytes(etag)) : 0;

    if (exchange->body_received_bytes > 0 && exchange->etag_known && etag.len > 0 && hash != exchange->etag_hash)
        return FAIL(CHANGED, "the object was replaced while it was read");
    exchange->etag_known = etag.len > 0;
    exchange->etag_hash = hash;
    return NULL;
}

/* Without a length and without chunks, an end cannot be told from a cut (RFC 9112 6.3, point 8). */
static Error *check_framed(const Slot *slot)
{
    const HttpResponse *response = &slot->exchange->response;
    bool has_body = slot->request.method == HTTP_GET || slot->request.method == HTTP_POST;

    if (has_body && response->status != 204 && response->content_length == HTTP_LENGTH_UNKNOWN && !response->chunked)
        return FAIL(CORRUPT, "the answer has neither Content-Length nor chunks, so its end cannot be proven");
    return NULL;
}

static Error *sink_begin(HttpExchange *exchange, uint64_t offset_bytes)
{
    exchange->body_received_bytes = offset_bytes;
    if (!exchange->sink.calls)
        return NULL;
    return exchange->sink.calls->begin(exchange->sink.context, offset_bytes, exchange->response.content_length);
}

static Error *headers_end(Slot *slot)
{
    HttpExchange *exchange = slot->exchange;
    const HttpResponse *response = &exchange->response;

    if (response->status < 200) /* an interim answer; the real one follows */
        return NULL;
    slot->headers_done = true;
    if (!is_success(response->status))
        return NULL;

    TRY(check_framed(slot));
    if (response->status == 206)
        TRY(check_partial(slot));
    TRY(check_same_etag(exchange));
    if (exchange->calls->check)
        TRY(exchange->calls->check(exchange->context, exchange));
    if (slot->request.method == HTTP_HEAD)
        return NULL;
    slot->to_sink = true;
    bool continues = response->status == 206 && slot->request.resuming;
    return sink_begin(exchange, continues ? exchange->body_received_bytes : 0);
}

/* This one's answer begins first. */
static void overtake(Slot *slot)
{
    slot->twin->lost = true;
    slot->twin->twin = NULL;
    slot->twin = NULL;
    (*slot->shared->lost)++;
    if (slot->second)
        live_add(&slot->shared->counters->hedges_won, 1);
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    Slot *slot = context;
    size_t len = size * count;
    Error *error = NULL;

    if (slot->headers_done) /* trailers */
        return len;
    if (slot->lost)
        return 0;
    if (slot->twin)
        overtake(slot);
    slot->header_bytes += len;
    if (slot->header_bytes > RESPONSE_HEADERS_MAX)
        return stop_with(slot, FAIL(LIMIT, "the answer's headers pass the limit of %d bytes", RESPONSE_HEADERS_MAX));

    Str line = str_trim(str_from(data, len));
    if (line.len > 0)
        error = response_line(&slot->exchange->response, line, slot->shared->options->clock);
    else
        error = headers_end(slot);
    return error ? stop_with(slot, error) : len;
}

static size_t sink_body(Slot *slot, Bytes data)
{
    HttpExchange *exchange = slot->exchange;
    bool full = false;

    if (exchange->sink.calls) {
        Error *error = exchange->sink.calls->write(exchange->sink.context, data, &full);
        if (error)
            return stop_with(slot, error);
    }
    if (full) {
        slot->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    exchange->body_received_bytes += data.len;
    return data.len;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    Slot *slot = context;
    Bytes bytes = bytes_from(data, size * count);
    size_t taken = bytes.len;

    if (bandwidth_is_spent(slot->shared->bandwidth)) {
        slot->starved = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (slot->to_sink)
        taken = sink_body(slot, bytes);
    else {
        Error *error = response_error_body(&slot->exchange->response, bytes);
        if (error)
            return stop_with(slot, error);
    }
    if (taken == bytes.len) {
        live_add(&slot->shared->counters->bytes_in, bytes.len);
        bandwidth_take(slot->shared->bandwidth, bytes.len);
    }
    return taken;
}

static size_t on_upload(char *out, size_t size, size_t count, void *context)
{
    Slot *slot = context;
    const HttpUpload *upload = &slot->exchange->upload;
    size_t len = (size_t)MIN((uint64_t)size * count, upload->size_bytes - slot->upload_at);

    if (len == 0)
        return 0;
    if (bandwidth_is_spent(slot->shared->bandwidth)) {
        slot->starved = true;
        return CURL_READFUNC_PAUSE;
    }
    if (upload->data)
        memcpy(out, upload->data + slot->upload_at, len);
    else {
        Error *error = upload->read_at(upload->context, slot->upload_at, (uint8_t *)out, len);
        if (error) {
            stop_with(slot, error);
            return CURL_READFUNC_ABORT;
        }
    }
    slot->upload_at += len;
    live_add(&slot->shared->counters->bytes_out, len);
    bandwidth_take(slot->shared->bandwidth, len);
    return len;
}

/* libcurl sends the body again when a kept connection turns out to be dead. */
static int on_seek(void *context, curl_off_t offset, int origin)
{
    Slot *slot = context;

    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > slot->exchange->upload.size_bytes)
        return CURL_SEEKFUNC_FAIL;
    slot->upload_at = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* ---- setting a handle up ---- */

/* What never changes. libcurl copies strings. The options cannot fail but for memory, which the first failure tells. */
static CURLcode set_fixed(Slot *slot, bool large)
{
    const HttpOptions *options = slot->shared->options;
    CURL *easy = slot->easy;
    CURLcode first = CURLE_OK;
#define SET(option, value)                                                                                             \
    do {                                                                                                               \
        CURLcode set_code = curl_easy_setopt(easy, option, value);                                                     \
        if (first == CURLE_OK)                                                                                         \
            first = set_code;                                                                                          \
    } while (0)

    SET(CURLOPT_PRIVATE, slot);
    SET(CURLOPT_ERRORBUFFER, slot->detail);
    SET(CURLOPT_SHARE, slot->shared->share);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* giving up on a slow name server must not stop this thread's other transfers */
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* a proxy's CONNECT gets none of our headers */
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_USERAGENT, options->user_agent);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
    SET(CURLOPT_MAXAGE_CONN, (long)options->idle_max_s);
    SET(CURLOPT_MAXLIFETIME_CONN, (long)options->connection_max_s);
    SET(CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
    SET(CURLOPT_BUFFERSIZE, large ? (long)LARGE_BUFFER_BYTES : (long)BUFFER_BYTES);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, large ? (long)LARGE_BUFFER_BYTES : (long)BUFFER_BYTES);
    SET(CURLOPT_LOW_SPEED_LIMIT, (long)options->low_speed_bytes);
    SET(CURLOPT_SSL_VERIFYPEER, options->verify_tls ? 1L : 0L);
    SET(CURLOPT_SSL_VERIFYHOST, options->verify_tls ? 2L : 0L);
    if (options->ca_file)
        SET(CURLOPT_CAINFO, options->ca_file);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, slot);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, slot);
    SET(CURLOPT_READFUNCTION, on_upload);
    SET(CURLOPT_READDATA, slot);
    SET(CURLOPT_SEEKFUNCTION, on_seek);
    SET(CURLOPT_SEEKDATA, slot);
#undef SET
    return first;
}

static bool has_upload(HttpMethod method)
{
    return method == HTTP_PUT || method == HTTP_POST;
}

/* PUT and POST go as uploads, since that streams and always tells its length; the others have no body. */
static CURLcode set_method(CURL *easy, HttpMethod method)
{
    CURLcode code = curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L); /* also takes NOBODY and UPLOAD back */

    if (code == CURLE_OK && method == HTTP_HEAD)
        code = curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (code == CURLE_OK && has_upload(method))
        code = curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    bool named = method == HTTP_POST || method == HTTP_DELETE;
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, named ? http_method_name(method) : NULL);
    return code;
}

static CURLcode set_limits(CURL *easy, const Settings *settings)
{
    CURLcode code = curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->connect_timeout_ms);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)settings->low_speed_time_s);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)settings->total_timeout_ms);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, settings->fresh ? 1L : 0L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, settings->fresh ? 0L : (long)DNS_CACHE_S);
    if (code == CURLE_OK) /* NULL: what the environment says */
        code = curl_easy_setopt(easy, CURLOPT_PROXY, settings->proxy_free ? "" : NULL);
    return code;
}

static Settings settings_of(const Slot *slot, const HttpExchange *exchange)
{
    const HttpOptions *options = slot->shared->options;

    return (Settings){
        .method = slot->request.method,
        .proxy_free = exchange->direct || !slot->shared->environment_proxies,
        .fresh = exchange->fresh_connection || exchange->stalled,
        .connect_timeout_ms = exchange->connect_timeout_ms ? exchange->connect_timeout_ms : options->connect_timeout_ms,
        .low_speed_time_s = exchange->low_speed_time_s ? exchange->low_speed_time_s : options->low_speed_time_s,
        .total_timeout_ms = exchange->total_timeout_ms,
    };
}

static bool same_limits(const Settings *a, const Settings *b)
{
    return a->proxy_free == b->proxy_free && a->fresh == b->fresh && a->connect_timeout_ms == b->connect_timeout_ms
           && a->low_speed_time_s == b->low_speed_time_s && a->total_timeout_ms == b->total_timeout_ms;
}

static CURLcode set_up(Slot *slot, const HttpExchange *exchange, const char *url)
{
    Settings wanted = settings_of(slot, exchange);
    CURLcode code = CURLE_OK;

    if (!slot->settings_known || wanted.method != slot->settings.method)
        code = set_method(slot->easy, wanted.method);
    if (code == CURLE_OK && (!slot->settings_known || !same_limits(&wanted, &slot->settings)))
        code = set_limits(slot->easy, &wanted);
    if (code == CURLE_OK && has_upload(wanted.method))
        code = curl_easy_setopt(slot->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)exchange->upload.size_bytes);
    if (code == CURLE_OK)
        code = curl_easy_setopt(slot->easy, CURLOPT_URL, url);
    if (code == CURLE_OK)
        code = curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, request_header_list(&slot->request));
    slot->settings = wanted;
    slot->settings_known = code == CURLE_OK;
    return code;
}

Error *slot_new(const SlotShared *shared, bool large, Slot **ret_slot)
{
    Slot *slot = calloc(1, sizeof *slot);
    if (!slot)
        return FAIL(NO_MEMORY, "no memory for a connection");

    slot->shared = shared;
    slot->place.large = large;
    slot->easy = curl_easy_init();
    if (!slot->easy || set_fixed(slot, large) != CURLE_OK) {
        slot_free(slot);
        return FAIL(NO_MEMORY, "no memory for a connection");
    }
    *ret_slot = slot;
    return NULL;
}

void slot_free(Slot *slot)
{
    if (!slot)
        return;
    ASSERT(!slot->exchange);
    curl_easy_cleanup(slot->easy);
    request_done(&slot->request);
    error_free(slot->failure);
    free(slot);
}

CURL *slot_easy(const Slot *slot)
{
    return slot->easy;
}

Slot *slot_of_easy(CURL *easy)
{
    char *slot = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &slot);
    return (Slot *)(void *)slot;
}

HttpExchange *slot_exchange(const Slot *slot)
{
    return slot->exchange;
}

SlotPlace *slot_place(Slot *slot)
{
    return &slot->place;
}

/* libcurl says the same of a URL that is not HTTP and of an answer that is not, so the URL is looked at here. */
static Error *check_scheme(const HttpRequest *request)
{
    ShownUrl url = request_shown_url(request);

    if ((str_equal_nocase(url.scheme, STR("http")) || str_equal_nocase(url.scheme, STR("https"))) && url.host.len > 0)
        return NULL;
    return FAIL(INVALID, "the URL of a request is not of the form http://host/path or https://host/path");
}

Error *slot_begin(Slot *slot, HttpExchange *exchange)
{
    request_clear(&slot->request);
    response_clear(&exchange->response);
    TRY(exchange->calls->prepare(exchange->context, exchange, &slot->request));
    if (has_upload(slot->request.method) && !exchange->expect_continue)
        TRY(request_without_expect(&slot->request));

    TRY(check_scheme(&slot->request));
    const char *url = buffer_cstr(&slot->request.url);
    if (!url || set_up(slot, exchange, url) != CURLE_OK)
        return FAIL(NO_MEMORY, "no memory for a request");

    slot->exchange = exchange;
    slot->detail[0] = '\0';
    slot->header_bytes = 0;
    slot->upload_at = 0;
    slot->headers_done = slot->to_sink = slot->paused = slot->starved = false;
    slot->twin = NULL;
    slot->lost = slot->second = false;
    return NULL;
}

Error *slot_hedge(Slot *slot, Slot *first)
{
    TRY(slot_begin(slot, first->exchange));
    slot->second = true;
    slot->twin = first;
    first->twin = slot;
    return NULL;
}

Slot *slot_twin(const Slot *slot)
{
    return slot->twin;
}

bool slot_is_lost(const Slot *slot)
{
    return slot->lost;
}

bool slot_is_silent(const Slot *slot)
{
    return slot->header_bytes == 0;
}

/* ---- the end of an attempt ---- */

static Error *describe(const Slot *slot, Error *take_error)
{
    if (!take_error)
        return NULL;
    ShownUrl url = request_shown_url(&slot->request);
    const char *method = http_method_name(slot->request.method);
    if (slot->exchange->attempts > 1)
        return error_wrap(take_error, "%s '" STR_FMT "://" STR_FMT STR_FMT "' (attempt %u)", method,
                          STR_ARG(url.scheme), STR_ARG(url.host), STR_ARG(url.path), slot->exchange->attempts);
    return error_wrap(take_error, "%s '" STR_FMT "://" STR_FMT STR_FMT "'", method, STR_ARG(url.scheme),
                      STR_ARG(url.host), STR_ARG(url.path));
}

static Outcome transport_outcome(Slot *slot, CURLcode code)
{
    FailureClass class;
    Error *error = failure_of_transfer(code, slot->detail, request_shown_url(&slot->request).host, &class);

    return (Outcome){
        .verdict = class == FAILURE_FINAL ? HTTP_FAIL : HTTP_RETRY,
        .lookup = class == FAILURE_LOOKUP,
        .no_connection = code == CURLE_COULDNT_CONNECT,
        .transport = true,
        .error = error,
    };
}

static Outcome judged_outcome(HttpExchange *exchange)
{
    Outcome outcome = {.verdict = HTTP_ACCEPT};

    if (exchange->calls->judge)
        outcome.verdict = exchange->calls->judge(exchange->context, exchange, &outcome.error);
    else
        outcome.verdict = http_judge(exchange, &outcome.error);

    if (outcome.verdict == HTTP_ACCEPT) {
        ASSERT(!outcome.error);
        return outcome;
    }
    if (!outcome.error)
        outcome.error = http_status_error(&exchange->response);
    if (is_success(exchange->response.status))
        exchange->body_received_bytes = 0;
    return outcome;
}

static void count_attempt(const Slot *slot)
{
    long connects = 0;

    if (curl_easy_getinfo(slot->easy, CURLINFO_NUM_CONNECTS, &connects) == CURLE_OK && connects > 0)
        live_add(&slot->shared->counters->connects, (uint64_t)connects);
}

Outcome slot_end(Slot *slot, CURLcode code)
{
    Outcome outcome;

    count_attempt(slot);
    if (slot->failure)
        outcome = (Outcome){.verdict = HTTP_FAIL, .error = slot->failure};
    else if (code == CURLE_OK && !slot->headers_done) /* libcurl calls an answer whole that breaks off in its head */
        outcome = transport_outcome(slot, CURLE_GOT_NOTHING);
    else if (code != CURLE_OK)
        outcome = transport_outcome(slot, code);
    else
        outcome = judged_outcome(slot->exchange);
    slot->failure = NULL;
    outcome.error = describe(slot, outcome.error);
    slot->exchange = NULL;
    return outcome;
}

void slot_drop(Slot *slot)
{
    count_attempt(slot);
    error_free(slot->failure);
    slot->failure = NULL;
    slot->exchange = NULL;
    if (slot->twin)
        slot->twin->twin = NULL;
    slot->twin = NULL;
}

/* What goes wrong in here comes back as the end of the transfer. */
static void resume(Slot *slot, bool *why)
{
    if (!*why)
        return;
    *why = false;
    curl_easy_pause(slot->easy, CURLPAUSE_CONT);
}

void slot_resume_if_paused(Slot *slot)
{
    resume(slot, &slot->paused);
}

void slot_resume_if_starved(Slot *slot)
{
    resume(slot, &slot->starved);
}

bool slot_is_starved(const Slot *slot)
{
    return slot->starved;
}
