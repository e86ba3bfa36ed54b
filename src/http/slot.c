#include "http/slot.h"

#include <stdlib.h>

#include "base/hash.h"
#include "http/failure.h"
#include "http/lane.h"
#include "http/request.h"
#include "http/response.h"

/* A body up to the first goes with the head in one piece; one over the second asks whether it is welcome, where the exchange wants that. */
enum { BODY_WITH_HEAD_MAX = 16 * 1024, ASK_BYTES = 1024 * 1024 };
/* An error's body is read for its words and to keep the connection; beyond this neither is worth it. */
enum { ERROR_BODY_MAX = 1024 * 1024 };

struct Slot {
    const SlotShared *shared;
    SlotPlace place;
    HttpRequest request;
    Lane lane;
    Buffer upload; /* a piece of a body that has to be read */

    /* of the attempt */
    HttpExchange *exchange;
    RequestTarget target;
    bool by_proxy;  /* handed to it whole */
    Error *failure; /* from a callback: why the lane was told to stop */
    const char *detail;
    char detail_text[CURL_ERROR_SIZE];
    size_t header_bytes, error_bytes;
    bool to_sink;
    bool enough; /* of an error's body */
    bool connecting;
    int64_t connecting_us; /* since when */
    bool paused;           /* its sink is full */
    bool starved;          /* the bandwidth is used up */
    Slot *twin;            /* asks the same; until one of them is answered */
    bool lost, second;
};

/* ---- what the lane calls ---- */

/* The attempt is to end. */
static void stop_with(Slot *slot, Error *take_error)
{
    error_free(slot->failure);
    slot->failure = take_error;
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
    const Answer *answer = &slot->lane.answer;
    bool has_body = slot->request.method == HTTP_GET || slot->request.method == HTTP_POST;

    if (has_body && answer->status != 204 && !answer->sized && !answer->chunked)
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

/* Heads must end. */
static bool count_header(Slot *slot, Str line)
{
    slot->header_bytes += line.len + 1;
    if (slot->header_bytes <= RESPONSE_HEADERS_MAX)
        return true;
    stop_with(slot, FAIL(LIMIT, "the answer's headers pass the limit of %d bytes", RESPONSE_HEADERS_MAX));
    return false;
}

static bool on_status(void *context, Str line)
{
    Slot *slot = context;

    if (slot->lost)
        return false;
    if (slot->twin)
        overtake(slot);
    response_clear(&slot->exchange->response);
    slot->exchange->response.status = slot->lane.answer.status;
    return count_header(slot, line);
}

static bool on_field(void *context, Str line)
{
    Slot *slot = context;
    bool folded = line.data[0] == ' ' || line.data[0] == '\t'; /* more of a value that does not matter */

    if (!count_header(slot, line))
        return false;
    if (folded)
        return true;
    Error *error = response_line(&slot->exchange->response, str_trim(line), slot->shared->options->clock);
    if (error)
        stop_with(slot, error);
    return !error;
}

static bool on_head_end(void *context)
{
    Slot *slot = context;
    const Answer *answer = &slot->lane.answer;
    HttpResponse *response = &slot->exchange->response;

    response->content_length = answer->sized ? answer->left : HTTP_LENGTH_UNKNOWN;
    Error *error = headers_end(slot);
    if (error)
        stop_with(slot, error);
    return !error;
}

static Error *sink_body(Slot *slot, Bytes data, size_t *ret_taken)
{
    HttpExchange *exchange = slot->exchange;

    *ret_taken = data.len;
    if (exchange->sink.calls)
        TRY(exchange->sink.calls->write(exchange->sink.context, data, ret_taken));
    slot->paused = *ret_taken < data.len;
    exchange->body_received_bytes += *ret_taken;
    return NULL;
}

static Error *error_body(Slot *slot, Bytes data)
{
    slot->error_bytes += data.len;
    slot->enough = slot->error_bytes > ERROR_BODY_MAX;
    return response_error_body(&slot->exchange->response, data);
}

static bool is_starved(Slot *slot)
{
    bool spent = bandwidth_is_spent(slot->shared->bandwidth);
    slot->starved |= spent;
    return spent;
}

static size_t on_body(void *context, Bytes data)
{
    Slot *slot = context;
    size_t taken = data.len;

    if (is_starved(slot))
        return 0;
    Error *error = slot->to_sink ? sink_body(slot, data, &taken) : error_body(slot, data);
    if (error)
        stop_with(slot, error);
    if (error || slot->enough)
        return ANSWER_NEVER;
    live_add(&slot->shared->counters->bytes_in, taken);
    bandwidth_take(slot->shared->bandwidth, taken);
    return taken;
}

static Error *read_upload(Slot *slot, uint64_t offset_bytes, size_t len, Bytes *ret_piece)
{
    const HttpUpload *upload = &slot->exchange->upload;

    if (upload->data) {
        *ret_piece = bytes_from(upload->data + offset_bytes, len);
        return NULL;
    }
    buffer_clear(&slot->upload);
    TRY(buffer_reserve(&slot->upload, len));
    TRY(upload->read_at(upload->context, offset_bytes, slot->upload.data, len));
    *ret_piece = bytes_from(slot->upload.data, len);
    return NULL;
}

/* As much as passes through at once. */
static bool on_upload(void *context, uint64_t offset_bytes, Bytes *ret_piece)
{
    Slot *slot = context;
    size_t piece_bytes = slot->place.large ? SLOT_LARGE_PIECE_BYTES : SLOT_PIECE_BYTES;
    size_t len = (size_t)MIN((uint64_t)piece_bytes, slot->exchange->upload.size_bytes - offset_bytes);

    *ret_piece = BYTES_EMPTY;
    if (is_starved(slot))
        return true;
    Error *error = read_upload(slot, offset_bytes, len, ret_piece);
    if (error) {
        stop_with(slot, error);
        return false;
    }
    live_add(&slot->shared->counters->bytes_out, len);
    bandwidth_take(slot->shared->bandwidth, len);
    return true;
}

static const LaneUser lane_user = {.answer = {on_status, on_field, on_head_end, on_body}, .upload = on_upload};

/* ---- a slot ---- */

Error *slot_new(const SlotShared *shared, bool large, Slot **ret_slot)
{
    Slot *slot = calloc(1, sizeof *slot);
    if (!slot)
        return FAIL(NO_MEMORY, "no memory for a connection");

    slot->shared = shared;
    slot->place.large = large;
    slot->lane.user = &lane_user;
    slot->lane.context = slot;
    *ret_slot = slot;
    return NULL;
}

void slot_free(Slot *slot)
{
    if (!slot)
        return;
    ASSERT(!slot->exchange);
    lane_done(&slot->lane);
    request_done(&slot->request);
    buffer_done(&slot->upload);
    error_free(slot->failure);
    free(slot);
}

HttpExchange *slot_exchange(const Slot *slot)
{
    return slot->exchange;
}

SlotPlace *slot_place(Slot *slot)
{
    return &slot->place;
}

static bool has_upload(HttpMethod method)
{
    return method == HTTP_PUT || method == HTTP_POST;
}

static bool goes_with_head(const HttpUpload *upload)
{
    return upload->size_bytes <= BODY_WITH_HEAD_MAX;
}

static Error *append_body(Slot *slot)
{
    const HttpUpload *upload = &slot->exchange->upload;
    Buffer *out = &slot->lane.head;
    size_t len = (size_t)upload->size_bytes;

    if (len == 0)
        return NULL;
    TRY(buffer_reserve(out, len));
    if (upload->data)
        memcpy(out->data + out->len, upload->data, len);
    else
        TRY(upload->read_at(upload->context, 0, out->data + out->len, len));
    buffer_grown(out, len);
    live_add(&slot->shared->counters->bytes_out, len);
    bandwidth_take(slot->shared->bandwidth, len);
    return NULL;
}

/* The head of the request, and a small body behind it. */
static Error *write_request(Slot *slot, bool asks)
{
    const HttpUpload *upload = &slot->exchange->upload;
    const char *authorization = slot->by_proxy ? slot->shared->proxy->authorization : NULL;
    RequestHead head = {
        .target = &slot->target,
        .user_agent = slot->shared->options->user_agent,
        .has_upload = has_upload(slot->request.method),
        .upload_bytes = upload->size_bytes,
        .asks = asks,
        .to_proxy = slot->by_proxy,
        .proxy_authorization = authorization ? str_of(authorization) : STR_EMPTY,
    };

    buffer_clear(&slot->lane.head);
    TRY(request_write_head(&slot->request, &head, &slot->lane.head));
    return head.has_upload && goes_with_head(upload) ? append_body(slot) : NULL;
}

static bool asks_first(const Slot *slot)
{
    const HttpExchange *exchange = slot->exchange;
    return has_upload(slot->request.method) && exchange->expect_continue && exchange->upload.size_bytes > ASK_BYTES;
}

Error *slot_begin(Slot *slot, HttpExchange *exchange)
{
    request_clear(&slot->request);
    response_clear(&exchange->response);
    TRY(exchange->calls->prepare(exchange->context, exchange, &slot->request));
    TRY(request_target(&slot->request, &slot->target));
    slot->by_proxy =
        !slot->target.tls && !exchange->direct && proxy_serves(slot->shared->proxy, slot->target.authority);
    if (slot->by_proxy && slot->shared->proxy->problem)
        return FAIL(INVALID, "the proxy's address in http_proxy or all_proxy is no URL: %s",
                    slot->shared->proxy->problem);

    slot->exchange = exchange;
    slot->detail = "";
    slot->header_bytes = slot->error_bytes = 0;
    slot->to_sink = slot->enough = slot->connecting = false;
    slot->twin = NULL;
    slot->lost = slot->second = false;
    Error *error = write_request(slot, asks_first(slot));
    if (error)
        slot->exchange = NULL;
    return error;
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

bool slot_is_connecting(const Slot *slot)
{
    return slot->connecting;
}

int64_t slot_connecting_us(const Slot *slot, int64_t now_us)
{
    return slot->connecting ? now_us - slot->connecting_us : 0;
}

bool slot_has_more(const Slot *slot)
{
    return lane_has_more(&slot->lane);
}

bool slot_is_silent(const Slot *slot)
{
    return slot->header_bytes == 0;
}

/* ---- an attempt on its way ---- */

static LaneRequest lane_request(const Slot *slot)
{
    const HttpExchange *exchange = slot->exchange;
    const HttpOptions *options = slot->shared->options;
    bool separate = has_upload(slot->request.method) && !goes_with_head(&exchange->upload);

    return (LaneRequest){
        .upload_bytes = separate ? exchange->upload.size_bytes : 0,
        .asks = asks_first(slot),
        .to_head = slot->request.method == HTTP_HEAD,
        .low_speed_bytes = options->low_speed_bytes,
        .low_speed_time_s = exchange->low_speed_time_s ? exchange->low_speed_time_s : options->low_speed_time_s,
    };
}

static Origin origin_of(const Slot *slot)
{
    if (slot->by_proxy)
        return (Origin){str_of(slot->shared->proxy->origin), slot->shared->proxy->tls, .is_proxy = true};
    return (Origin){slot->target.origin, slot->target.tls, .is_proxy = false};
}

/* Whether libcurl is to look for none: what may be handed to one has been decided by then. */
static bool is_proxy_free(const Slot *slot)
{
    return slot->exchange->direct || (!slot->target.tls && slot->shared->proxy->origin);
}

static Buffer *piece_of(const Slot *slot)
{
    return &slot->shared->pieces[slot->place.large];
}

static void begin_lane(Slot *slot, Connection *connection, bool kept, int64_t now_us)
{
    LaneRequest request = lane_request(slot);
    slot->paused = slot->starved = false;
    lane_begin(&slot->lane, connection, kept, &request, now_us);
}

/* A connection of its own; slot_opened says when it is there. */
static CURLcode open_connection(Slot *slot, int64_t now_us)
{
    const HttpExchange *exchange = slot->exchange;
    unsigned usual_ms = slot->shared->options->connect_timeout_ms;
    ConnectLimits limits = {
        .proxy_free = is_proxy_free(slot),
        .fresh = exchange->fresh_connection || exchange->stalled,
        .connect_timeout_ms = exchange->connect_timeout_ms ? exchange->connect_timeout_ms : usual_ms,
    };
    Connection *connection;
    Error *error = connections_open(slot->shared->connections, origin_of(slot), &limits, now_us, slot, &connection);

    if (error) {
        error_free(error);
        return CURLE_OUT_OF_MEMORY;
    }
    slot->connecting = true;
    slot->connecting_us = now_us;
    begin_lane(slot, connection, false, now_us);
    return CURLE_AGAIN;
}

static void drop_connection(Slot *slot)
{
    Connection *connection;

    lane_end(&slot->lane, CURLE_AGAIN, &connection);
    if (connection)
        connections_close(slot->shared->connections, connection);
    slot->connecting = false;
}

/* Another connection for a request that met one which the server had already ended. */
static CURLcode unless_stale(Slot *slot, CURLcode code, int64_t now_us)
{
    if (LIKELY(code == CURLE_AGAIN || code == CURLE_OK || !lane_was_stale(&slot->lane, code)))
        return code;
    drop_connection(slot);
    return open_connection(slot, now_us);
}

CURLcode slot_start(Slot *slot, int64_t now_us)
{
    bool fresh = slot->exchange->fresh_connection || slot->exchange->stalled;
    Connection *connection =
        fresh ? NULL : connections_take(slot->shared->connections, origin_of(slot), is_proxy_free(slot), now_us, slot);
    if (!connection)
        return open_connection(slot, now_us);
    begin_lane(slot, connection, true, now_us);
    slot->exchange->sendings++;
    return slot_go_on(slot, false, true, now_us);
}

CURLcode slot_opened(Slot *slot, CURLcode code, int64_t now_us)
{
    ASSERT(slot->connecting);
    live_add(&slot->shared->counters->connects, connection_attempts(slot->lane.connection));
    if (code == CURLE_OK)
        code = connection_opened(slot->lane.connection);
    if (code != CURLE_OK)
        return code;
    slot->connecting = false;
    slot->exchange->sendings++;
    return slot_go_on(slot, false, true, now_us);
}

CURLcode slot_go_on(Slot *slot, bool readable, bool writable, int64_t now_us)
{
    return unless_stale(slot, lane_go_on(&slot->lane, piece_of(slot), readable, writable, now_us), now_us);
}

CURLcode slot_check(Slot *slot, int64_t now_us)
{
    unsigned limit_ms = slot->exchange->total_timeout_ms;

    if (limit_ms > 0 && now_us - slot->place.begun_us > (int64_t)limit_ms * 1000)
        return CURLE_OPERATION_TIMEDOUT;
    return slot->connecting ? CURLE_AGAIN : lane_check(&slot->lane, piece_of(slot), now_us);
}

static CURLcode resume(Slot *slot, bool *why, int64_t now_us)
{
    if (!*why)
        return CURLE_AGAIN;
    *why = false;
    return lane_resume(&slot->lane, piece_of(slot), now_us);
}

CURLcode slot_resume_if_paused(Slot *slot, int64_t now_us)
{
    return resume(slot, &slot->paused, now_us);
}

CURLcode slot_resume_if_starved(Slot *slot, int64_t now_us)
{
    return resume(slot, &slot->starved, now_us);
}

bool slot_is_starved(const Slot *slot)
{
    return slot->starved;
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

/* The connection goes back, or is closed; what it said of a failure is kept. */
static void leave_connection(Slot *slot, CURLcode code, int64_t now_us)
{
    Connection *connection;

    if (!slot->lane.connection)
        return;
    snprintf(slot->detail_text, sizeof slot->detail_text, "%s", code == CURLE_OK ? "" : lane_detail(&slot->lane));
    slot->detail = slot->detail_text;
    if (lane_end(&slot->lane, code, &connection) && !slot->exchange->fresh_connection)
        connections_give_back(slot->shared->connections, connection, now_us);
    else
        connections_close(slot->shared->connections, connection);
}

/* The server will not be asked first: then it gets the body unasked. Source: RFC 9110 10.1.1. */
static bool refuses_to_be_asked(const Slot *slot)
{
    return slot->exchange->response.status == 417 && asks_first(slot);
}

static Outcome unasked(Slot *slot)
{
    slot->exchange->expect_continue = false;
    return (Outcome){.verdict = HTTP_AGAIN, .error = http_status_error(&slot->exchange->response)};
}

Outcome slot_end(Slot *slot, CURLcode code, int64_t now_us)
{
    Outcome outcome;

    leave_connection(slot, code, now_us);
    if (slot->enough && !slot->failure)
        code = CURLE_OK;
    if (slot->failure)
        outcome = (Outcome){.verdict = HTTP_FAIL, .error = slot->failure};
    else if (code != CURLE_OK)
        outcome = transport_outcome(slot, code);
    else if (refuses_to_be_asked(slot))
        outcome = unasked(slot);
    else
        outcome = judged_outcome(slot->exchange);
    slot->failure = NULL;
    outcome.error = describe(slot, outcome.error);
    slot->exchange = NULL;
    return outcome;
}

void slot_drop(Slot *slot)
{
    drop_connection(slot);
    error_free(slot->failure);
    slot->failure = NULL;
    slot->exchange = NULL;
    if (slot->twin)
        slot->twin->twin = NULL;
    slot->twin = NULL;
}
