#include "store/s3/request.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/s3/s3_error.h"
#include "store/s3/uri.h"

enum { KEY_MAX_BYTES = 1024, RANGE_TEXT_BYTES = 64 };
#define ANSWER_MAX_BYTES (64 * KIB)
#define ERROR_ARENA_BYTES (256 * KIB)
#define LARGE_BYTES (1 * MIB)
#define USUAL_BYTES 1000 /* of the scratch text and of an answer; malloc keeps that size for each thread */
#define RETRY_TOLD_AFTER_US INT64_C(2000000)
#define RETRY_TOLD_EVERY_US INT64_C(15000000)

const S3Operation s3_get_object = {
    .name = "GetObject", .method = HTTP_GET, .answer = S3_ANSWER_CONTENT, .customer_key = true};
const S3Operation s3_head_object = {
    .name = "HeadObject", .method = HTTP_HEAD, .answer = S3_ANSWER_CONTENT, .customer_key = true};
const S3Operation s3_put_object = {.name = "PutObject", .method = HTTP_PUT, .customer_key = true};
const S3Operation s3_delete_object = {.name = "DeleteObject", .method = HTTP_DELETE, .missing_is_success = true};
const S3Operation s3_list_objects = {
    .name = "ListObjectsV2", .method = HTTP_GET, .of_bucket = true, .names_itself = true, .answer = S3_ANSWER_XML};

/* The one operation whose answer has parts. */
static bool gets_content(const S3Request *r)
{
    return r->operation->answer == S3_ANSWER_CONTENT && r->operation->method == HTTP_GET;
}

static bool is_ranged(const S3Request *r)
{
    return !r->whole && (r->range.offset_bytes > 0 || r->range.length_bytes != UINT64_MAX);
}

/* It ends where the object does. */
static bool range_is_open(ByteRange range)
{
    return range.length_bytes == UINT64_MAX || range.length_bytes > UINT64_MAX - range.offset_bytes;
}

/* ---- before an attempt ---- */

/* Where in the URL the path and the query stand. */
typedef struct UrlParts {
    size_t path_at, path_len, query_at;
} UrlParts;

MUST_USE static Error *build_url(const S3Request *r, Buffer *url, UrlParts *ret_parts)
{
    bool of_bucket = r->operation->of_bucket;
    TRY(buffer_append_str(url, r->route->origin));
    size_t path_at = url->len;
    TRY(buffer_append_str(url, of_bucket ? r->route->bucket_path : r->route->object_path));
    if (!of_bucket) {
        TRY(uri_append_path(url, r->client->prefix));
        TRY(uri_append_path(url, r->key));
    }
    *ret_parts = (UrlParts){path_at, url->len - path_at, url->len};
    if (r->query.len > 0) {
        TRY(buffer_append_byte(url, '?'));
        ret_parts->query_at = url->len;
        TRY(buffer_append_str(url, r->query));
    }
    return NULL;
}

static Str payload_hash(const S3Request *r)
{
    return r->payload_hash.len > 0 ? r->payload_hash : SIGV4_EMPTY_PAYLOAD;
}

static bool is_signed(Str name)
{
    return str_starts_with(name, STR("x-amz-")) || str_equal(name, STR("content-type"));
}

/* What is signed, in the order of the names; a handful, so each is put in its place. */
static void insert_header(S3Request *r, size_t *count, Str name, Str value)
{
    size_t at = (*count)++;
    ASSERT(at < r->signed_headers_max);
    for (; at > 0 && str_compare(r->signed_headers[at - 1].name, name) > 0; at--)
        r->signed_headers[at] = r->signed_headers[at - 1];
    r->signed_headers[at] = (SignedHeader){name, value};
}

/* Without what the server is known to refuse. */
static size_t own_header_count(const S3Request *r)
{
    bool drop = r->optional_count > 0 && s3_quirks_have(&r->client->quirks, r->optional_quirk);
    return r->header_count - (drop ? r->optional_count : 0);
}

static void insert_headers(S3Request *r, size_t *count, const SignedHeader *headers, size_t header_count)
{
    for (size_t i = 0; i < header_count; i++)
        insert_header(r, count, headers[i].name, headers[i].value);
}

/* What the store's options put on this kind of request. */
static void insert_common_headers(S3Request *r, size_t *count)
{
    const S3Common *common = &r->client->common;
    insert_headers(r, count, common->every, common->every_count);
    if (r->operation->customer_key && common->customer.set)
        insert_headers(r, count, common->customer.headers, S3_CUSTOMER_HEADERS);
    if (r->operation->copies && common->customer_source.set)
        insert_headers(r, count, common->customer_source.headers, S3_CUSTOMER_HEADERS);
}

static size_t gather_headers(S3Request *r, const S3Ticket *ticket)
{
    const S3Credentials *credentials = ticket->credentials;
    size_t count = 0;
    insert_header(r, &count, STR("host"), r->route->host);
    if (credentials) {
        insert_header(r, &count, STR("x-amz-content-sha256"), payload_hash(r));
        insert_header(r, &count, STR("x-amz-date"), str_from(ticket->time, SIGV4_TIME_BYTES));
    }
    if (credentials && credentials->session_token)
        insert_header(r, &count, STR("x-amz-security-token"), str_of(credentials->session_token));
    insert_common_headers(r, &count);
    for (size_t i = 0; i < own_header_count(r); i++)
        if (is_signed(r->headers[i].name))
            insert_header(r, &count, r->headers[i].name, r->headers[i].value);
    return count;
}

/* All but Host, which is libcurl's. */
MUST_USE static Error *send_headers(const S3Request *r, size_t count, HttpRequest *out)
{
    for (size_t i = 0; i < count; i++) {
        if (!str_equal(r->signed_headers[i].name, STR("host")))
            TRY(http_request_header(out, r->signed_headers[i].name, r->signed_headers[i].value));
    }
    for (size_t i = 0; i < own_header_count(r); i++) {
        if (!is_signed(r->headers[i].name))
            TRY(http_request_header(out, r->headers[i].name, r->headers[i].value));
    }
    return NULL;
}

MUST_USE static Error *sign(S3Request *r, const S3Ticket *ticket, size_t count, const UrlParts *parts, HttpRequest *out)
{
    SigningInput input = {
        .method = str_of(http_method_name(out->method)),
        .path = str_from(out->url.data + parts->path_at, parts->path_len),
        .query = str_from(out->url.data + parts->query_at, out->url.len - parts->query_at),
        .headers = r->signed_headers,
        .header_count = count,
        .payload = payload_hash(r),
        .time = str_from(ticket->time, SIGV4_TIME_BYTES),
    };
    buffer_clear(&r->text);
    TRY(sigv4_append_authorization(&r->text, &ticket->key, str_of(ticket->credentials->access_key_id), &input));
    return http_request_header(out, STR("Authorization"), buffer_str(&r->text));
}

MUST_USE static Error *quoted_header(S3Request *r, Str name, Str etag, HttpRequest *out)
{
    buffer_clear(&r->text);
    TRY(buffer_append_byte(&r->text, '"'));
    TRY(buffer_append_str(&r->text, etag));
    TRY(buffer_append_byte(&r->text, '"'));
    return http_request_header(out, name, buffer_str(&r->text));
}

/* Range and conditions; a body that was cut is continued behind what is there, if it can be proven to be the same object. */
MUST_USE static Error *add_conditions(S3Request *r, const HttpExchange *exchange, HttpRequest *out)
{
    uint64_t have = r->etag.len > 0 && !r->whole ? exchange->body_received_bytes : 0;
    uint64_t first = r->range.offset_bytes + have;

    if (r->if_etag.len > 0)
        TRY(quoted_header(r, STR("If-Match"), r->if_etag, out));
    else if (have > 0)
        TRY(http_request_header(out, STR("If-Match"), buffer_str(&r->etag)));
    if (!gets_content(r) || (!is_ranged(r) && have == 0))
        return NULL;

    char text[RANGE_TEXT_BYTES];
    uint64_t length = r->range.length_bytes;
    bool open_end = range_is_open(r->range);
    int len = open_end ? snprintf(text, sizeof(text), "bytes=%llu-", (unsigned long long)first)
                       : snprintf(text, sizeof(text), "bytes=%llu-%llu", (unsigned long long)first,
                                  (unsigned long long)(r->range.offset_bytes + length - 1));
    TRY(http_request_header(out, STR("Range"), str_from(text, (size_t)len)));
    out->resuming = have > 0;
    out->range_first = first;
    return NULL;
}

static void wipe_ticket(S3Ticket *ticket)
{
    explicit_bzero(&ticket->key, sizeof(ticket->key));
}

static Error *prepare(void *context, const HttpExchange *exchange, HttpRequest *out)
{
    S3Request *r = context;
    CLEANUP(wipe_ticket) S3Ticket ticket = {0};
    UrlParts parts;

    TRY(s3_client_ticket(r->client, &ticket));
    r->route = ticket.route;
    s3_credentials_free(r->credentials);
    r->credentials = ticket.credentials; /* kept, for what the answer says about them */
    out->method = r->operation->method;
    TRY(build_url(r, &out->url, &parts));
    size_t count = gather_headers(r, &ticket);
    TRY(send_headers(r, count, out));
    TRY(add_conditions(r, exchange, out));
    return ticket.credentials ? sign(r, &ticket, count, &parts, out) : NULL;
}

/* ---- an answer begins ---- */

/* A 206 must be what was asked for; a 200 to a range would be put in the wrong place. */
MUST_USE static Error *check_range(const S3Request *r, const HttpExchange *exchange)
{
    const HttpResponse *response = &exchange->response;
    uint64_t have = r->etag.len > 0 ? exchange->body_received_bytes : 0;
    uint64_t first = r->range.offset_bytes + have;

    if (response->status != 206 || !response->has_range)
        return FAIL(CORRUPT, "the server does not honour ranges: it answered %u to one", response->status);
    bool open_end = range_is_open(r->range);
    uint64_t last = open_end ? UINT64_MAX : r->range.offset_bytes + r->range.length_bytes - 1;
    if (response->range_total != HTTP_LENGTH_UNKNOWN && response->range_total > 0)
        last = MIN(last, response->range_total - 1);
    bool ends_right =
        response->range_last == last || (last == UINT64_MAX && response->range_total == HTTP_LENGTH_UNKNOWN);
    if (response->range_first != first || !ends_right)
        return FAIL(CORRUPT, "the server sent the bytes %llu-%llu in answer to %llu-%llu",
                    (unsigned long long)response->range_first, (unsigned long long)response->range_last,
                    (unsigned long long)first, (unsigned long long)last);
    return NULL;
}

Str s3_etag_without_quotes(Str etag)
{
    if (str_starts_with(etag, STR("W/")))
        etag = str_slice(etag, 2, etag.len);
    if (etag.len >= 2 && etag.data[0] == '"' && etag.data[etag.len - 1] == '"')
        return str_slice(etag, 1, etag.len - 1);
    return etag;
}

static Error *check(void *context, const HttpExchange *exchange)
{
    S3Request *r = context;
    Str etag = exchange->response.header[HTTP_ETAG];

    if (!gets_content(r))
        return NULL;
    if (r->if_etag.len > 0 && etag.len > 0 && !str_equal(s3_etag_without_quotes(etag), r->if_etag))
        return FAIL(CHANGED, "the object is not the one that was listed: its ETag is " STR_FMT ", not \"" STR_FMT "\"",
                    STR_ARG(etag), STR_ARG(r->if_etag));
    if (is_ranged(r))
        TRY(check_range(r, exchange));
    if (r->etag.len == 0 && !str_starts_with(etag, STR("W/")))
        TRY(buffer_append_str(&r->etag, etag));
    return NULL;
}

/* ---- an answer is complete ---- */

/* S3 redirects with a code of its own, and a HEAD with a bare 301; other redirects are somebody else's. */
static bool tells_elsewhere(const S3Error *error, S3Class class)
{
    return class.action == S3_REGION && (error->code.len > 0 || error->status == 301);
}

/* Another region serves the bucket: go there, once. `sure`: it is so even if the server does not say which. */
static bool follow_region(S3Request *r, Str region, bool sure)
{
    if (r->region_tried || (region.len == 0 && !sure))
        return false;
    r->region_tried = true;
    return region.len > 0 ? s3_client_change_region(r->client, r->route, region)
                          : s3_client_discover_region(r->client, r->route);
}

/* Keys that have expired. Without a body (HEAD) that is only a 400 or 403, and our own clock has to say it. */
static bool have_expired(const S3Request *r, const S3Error *error, S3Action action)
{
    if (action == S3_EXPIRED || error->code.len > 0 || (error->status != 400 && error->status != 403))
        return action == S3_EXPIRED;
    return r->credentials->expires_us < clock_wall_us(r->client->clock);
}

/* Asked for anew, once for everybody; who is refused again fails for good. */
static bool renew_credentials(S3Request *r, const S3Error *error, S3Class class)
{
    if (!r->credentials || r->renewal_tried || !have_expired(r, error, class.action))
        return false;
    CLEANUP(error_freep) Error *cause = s3_error_tell(error, ERR_DENIED);
    r->renewal_tried = r->credentials->forced;
    return s3_identity_refused(r->client->identity, r->credentials, cause);
}

/* Sign with the server's time, once. */
static bool follow_clock(S3Request *r, int64_t date_us)
{
    if (r->clock_tried || date_us == HTTP_TIME_UNKNOWN)
        return false;
    r->clock_tried = true;
    return s3_client_hear_date(r->client, date_us);
}

/* A range on an empty object is refused: it is asked for as a whole. */
static bool give_up_range(S3Request *r, unsigned status)
{
    if (status != 416 || r->whole || r->range.offset_bytes > 0)
        return false;
    r->whole = true;
    return true;
}

/* The server has no idea of an optional feature: never again with it. */
static bool give_up_feature(S3Request *r, S3Action action)
{
    return action == S3_DROP && r->optional_count > 0 && s3_quirks_learn(&r->client->quirks, r->optional_quirk);
}

/* Content that was spoilt on its way comes through the second time, or it was not the way. */
static bool once(S3Request *r, S3Action action)
{
    bool first = action == S3_RETRY_ONCE && !r->digest_tried;
    r->digest_tried = true;
    return first;
}

static void keep_refusal(S3Request *r, Str code)
{
    snprintf(r->refusal, sizeof(r->refusal), STR_FMT, (int)MIN(code.len, sizeof(r->refusal) - 1), code.data);
}

static HttpVerdict judge_failure(S3Request *r, const S3Error *error, const HttpResponse *response, Error **ret_error)
{
    S3Class class = s3_classify(error->status, error->code);
    keep_refusal(r, error->code);
    Str region = response->header[HTTP_BUCKET_REGION];
    bool misplaced = class.action == S3_REGION || (error->status == 400 && error->code.len == 0);

    if (misplaced && follow_region(r, region.len > 0 ? region : error->region, tells_elsewhere(error, class)))
        return HTTP_AGAIN;
    /* without a body (HEAD) a wrong time is only a 403 */
    bool perhaps_clock = class.action == S3_CLOCK || (error->status == 403 && error->code.len == 0);
    if (perhaps_clock && follow_clock(r, response->date_us))
        return HTTP_AGAIN;
    if (renew_credentials(r, error, class))
        return HTTP_AGAIN;
    if (give_up_range(r, error->status) || give_up_feature(r, class.action))
        return HTTP_AGAIN;
    if (r->operation->missing_is_success && error->status == 404 && !str_equal(error->code, STR("NoSuchBucket")))
        return HTTP_ACCEPT;
    *ret_error = s3_error_tell(error, error->status == 412 && r->refused_code ? r->refused_code : class.code);
    if (r->operation->conflict_is_final && str_equal(error->code, STR("ConditionalRequestConflict")))
        return HTTP_FAIL;
    if (class.action == S3_RETRY || once(r, class.action))
        return HTTP_RETRY;
    return class.action == S3_THROTTLED ? HTTP_THROTTLED : HTTP_FAIL;
}

/* Status 2xx: an error can still stand in the body, and a document can be cut where no length tells. */
static HttpVerdict judge_body(S3Request *r, S3Error *error, const HttpResponse *response, Arena *arena,
                              Error **ret_error)
{
    Str text = r->body ? str_slice(buffer_str(r->body), r->body_before, r->body->len) : buffer_str(&r->answer);
    if (s3_answer_is_error(text)) {
        s3_error_parse(text, arena, error);
        error->status = 500;
        return judge_failure(r, error, response, ret_error);
    }
    if (r->operation->answer == S3_ANSWER_XML && !s3_answer_is_complete(text)) {
        *ret_error =
            FAIL(UNAVAILABLE, "the answer to %s ends in the middle, after %zu bytes", r->operation->name, text.len);
        return HTTP_RETRY;
    }
    return HTTP_ACCEPT;
}

static HttpVerdict judge(void *context, const HttpExchange *exchange, Error **ret_error)
{
    S3Request *r = context;
    const HttpResponse *response = &exchange->response;
    bool success = response->status >= 200 && response->status < 300;

    s3_quirks_hear_server(&r->client->quirks, response->header[HTTP_SERVER]);
    if (success && r->credentials)
        s3_credentials_prove(r->credentials);
    if (success && r->operation->answer == S3_ANSWER_CONTENT)
        return r->verify ? r->verify(r->user, ret_error) : HTTP_ACCEPT;
    CLEANUP(arena_freep) Arena *arena = arena_new(ERROR_ARENA_BYTES);
    if (!arena) {
        *ret_error = FAIL(NO_MEMORY, "judge an answer: out of memory");
        return HTTP_FAIL;
    }
    S3Error error = {
        .status = response->status,
        .request_id = response->header[HTTP_REQUEST_ID],
        .host_id = response->header[HTTP_REQUEST_ID_2],
    };
    if (success)
        return judge_body(r, &error, response, arena, ret_error);
    s3_error_parse(response->error_body, arena, &error);
    return judge_failure(r, &error, response, ret_error);
}

/* ---- the whole ---- */

/* Credentials are being replaced, or the bucket looked for: what is sent now would be refused. */
static bool held(void *context)
{
    const S3Request *r = context;
    return s3_client_is_held(r->client);
}

/* Somebody may be waiting for nothing: that is said when it has taken a while, and then not too often, for all requests together. */
static void retrying(void *context, const HttpExchange *exchange, const Error *error)
{
    const S3Request *r = context;
    if (exchange->waited_us < RETRY_TOLD_AFTER_US || !log_wants(r->client->log, LOG_WARNING))
        return;
    int64_t now_us = clock_monotonic_us(r->client->clock), told_us = atomic_load(&r->client->retry_told_us);
    bool again = told_us == 0 || now_us - told_us >= RETRY_TOLD_EVERY_US;
    if (again && atomic_compare_exchange_strong(&r->client->retry_told_us, &told_us, now_us))
        log_warning(r->client->log, "%s: still trying", error_message_view(error));
}

static const HttpCalls calls = {.held = held, .prepare = prepare, .check = check, .judge = judge, .retrying = retrying};

Error *s3_check_key(const S3Client *client, Str key)
{
    size_t len = client->prefix.len + key.len;
    if (len > 0 && len <= KEY_MAX_BYTES)
        return NULL;
    if (len == 0)
        return FAIL(INVALID, "an empty key names no object");
    return FAIL(INVALID, "the key '" STR_FMT STR_FMT "' has %zu bytes, and S3 allows %d", STR_ARG(client->prefix),
                STR_ARG(key), len, KEY_MAX_BYTES);
}

MUST_USE static Error *reserve_headers(S3Request *r)
{
    size_t wanted = r->header_count + S3_COMMON_HEADERS_MAX;
    if (wanted <= r->signed_headers_max)
        return NULL;
    SignedHeader *grown = reallocarray(r->signed_headers, wanted, sizeof(*grown));
    if (!grown)
        return FAIL(NO_MEMORY, "prepare a request: out of memory");
    r->signed_headers = grown;
    r->signed_headers_max = wanted;
    return NULL;
}

/* Here, where they are freed as well: if the network thread made them grow, its allocations and our frees would meet at malloc's locks. */
MUST_USE static Error *reserve_buffers(S3Request *r)
{
    buffer_clear(&r->etag);
    buffer_clear(&r->text);
    buffer_clear(&r->answer);
    r->answer.limit = ANSWER_MAX_BYTES;
    TRY(buffer_reserve(&r->text, USUAL_BYTES));
    return r->body || r->sink.calls ? NULL : buffer_reserve(&r->answer, USUAL_BYTES);
}

/* "'s3://bucket/prefix/key': " in front; a listing has a place of its own, which it names. */
static Error *name_object(const S3Request *r, Error *take_error)
{
    Error *err = take_error;
    if (!r->operation->names_itself)
        err = error_wrap(err, "'s3://" STR_FMT "/" STR_FMT STR_FMT "'", STR_ARG(r->client->bucket),
                         STR_ARG(r->client->prefix), STR_ARG(r->operation->of_bucket ? STR_EMPTY : r->key));
    if (error_code(err) == ERR_DENIED && !r->client->identity && r->exchange.response.status != 0)
        err = error_wrap(err, "asked without credentials");
    return err;
}

Error *s3_request_begin(S3Request *r, const Cancel *cancel)
{
    if (!r->operation->of_bucket)
        TRY(s3_check_key(r->client, r->key));
    TRY(reserve_headers(r));
    TRY(reserve_buffers(r));
    Error *err = s3_client_ready(r->client, cancel);
    if (err)
        return name_object(r, err);
    r->region_tried = r->clock_tried = r->renewal_tried = r->digest_tried = r->whole = false;
    r->refusal[0] = '\0';
    r->body_before = r->body ? r->body->len : 0;

    HttpExchange *exchange = &r->exchange;
    exchange->calls = &calls;
    exchange->context = r;
    exchange->cancel = cancel;
    exchange->attempts_max = r->client->attempts_max;
    exchange->low_speed_time_s = r->operation->low_speed_time_s;
    exchange->large =
        exchange->upload.size_bytes > LARGE_BYTES
        || (gets_content(r) && r->range.length_bytes != UINT64_MAX && r->range.length_bytes > LARGE_BYTES);
    exchange->may_hedge = gets_content(r) && !exchange->large;
    exchange->sink = r->sink.calls ? r->sink : http_buffer_sink(&r->buffer_sink, r->body ? r->body : &r->answer);
    return NULL;
}

Error *s3_request_end(S3Request *r, Error *take_error)
{
    S3Client *client = r->client;
    const HttpExchange *exchange = &r->exchange;

    atomic_fetch_add(&client->requests, exchange->attempts);
    atomic_fetch_add(&client->retries, exchange->attempts > 0 ? exchange->attempts - 1 : 0);
    atomic_fetch_add(&client->bytes_in, exchange->body_received_bytes);
    if (!take_error) {
        atomic_fetch_add(&client->bytes_out, exchange->upload.size_bytes);
        return NULL;
    }
    if (r->body)
        r->body->len = r->body_before;
    return name_object(r, take_error);
}

Error *s3_request_run(S3Request *r, const Cancel *cancel)
{
    TRY(s3_request_begin(r, cancel));
    return s3_request_end(r, http_run(r->client->http, cancel, &r->exchange));
}

void s3_request_done(S3Request *r)
{
    http_exchange_done(&r->exchange);
    s3_credentials_free(r->credentials);
    r->credentials = NULL;
    buffer_done(&r->etag);
    buffer_done(&r->text);
    buffer_done(&r->answer);
    free(r->signed_headers);
    r->signed_headers = NULL;
    r->signed_headers_max = 0;
}
