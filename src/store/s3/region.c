#include "store/s3/region.h"

#include "store/s3/request.h"
#include "store/s3/xml.h"

enum { ATTEMPTS = 3, TIMEOUT_MS = 10000 };
#define ANSWER_MAX_BYTES (64 * KIB)

/* ---- HeadBucket, unsigned: any answer does that has the header ---- */

static Error *prepare(void *context, const HttpExchange *exchange, HttpRequest *out)
{
    const S3Route *route = context;
    (void)exchange;
    out->method = HTTP_HEAD;
    TRY(buffer_append_str(&out->url, route->origin));
    return buffer_append_str(&out->url, route->bucket_path);
}

static HttpVerdict judge(void *context, const HttpExchange *exchange, Error **ret_error)
{
    (void)context;
    (void)ret_error;
    return exchange->response.status >= 500 ? HTTP_RETRY : HTTP_ACCEPT;
}

MUST_USE static Error *ask_head(const S3Client *client, const S3Route *route, const Cancel *cancel, Arena *arena,
                                Str *ret_region)
{
    static const HttpCalls calls = {.prepare = prepare, .judge = judge};
    union {
        const S3Route *route;
        void *context;
    } borrowed = {route};
    CLEANUP(http_exchange_done)
    HttpExchange exchange = {
        .calls = &calls, .context = borrowed.context, .attempts_max = ATTEMPTS, .total_timeout_ms = TIMEOUT_MS};
    TRY(http_run(client->http, cancel, &exchange));
    *ret_region = arena_str(arena, exchange.response.header[HTTP_BUCKET_REGION]);
    return ret_region->data ? NULL : arena_error(arena);
}

/* ---- GetBucketLocation: in path style, signed for us-east-1, which answers for all of AWS ---- */

static const S3Operation get_bucket_location = {
    .name = "GetBucketLocation", .method = HTTP_GET, .of_bucket = true, .answer = S3_ANSWER_XML};

MUST_USE static Error *parse_location(Str body, Arena *arena, Str *ret_region)
{
    Xml xml;
    Str name, text;
    xml_init(&xml, body);
    TRY(xml_root(&xml, &name));
    TRY(xml_text(&xml, arena, &text));
    text = str_trim(text);
    *ret_region = text.len == 0                ? STR("us-east-1")
                  : str_equal(text, STR("EU")) ? STR("eu-west-1")
                                               : arena_str(arena, text);
    return ret_region->data ? NULL : arena_error(arena);
}

MUST_USE static Error *ask_location(S3Client *client, const Cancel *cancel, Arena *arena, Str *ret_region)
{
    CLEANUP(buffer_done) Buffer answer = {.limit = ANSWER_MAX_BYTES};
    S3Client asking = {
        .http = client->http,
        .identity = client->identity,
        .clock = client->clock,
        .log = client->log,
        .attempts_max = ATTEMPTS,
        .bucket = client->bucket,
        .prefix = STR_EMPTY,
        .clock_offset_us = atomic_load(&client->clock_offset_us),
        .discovery = S3_DISCOVERY_DONE,
        .region_told = true,
        .route_count = 1,
        .common = client->common, /* borrowed */
    };
    TRY(s3_quirks_init(&asking.quirks, STR_EMPTY, client->endpoint.host, NULL));
    S3Endpoint endpoint = client->endpoint;
    endpoint.accelerate = false;
    TRY(s3_route_make(&endpoint, STORE_ADDRESSING_PATH, client->bucket, STR("us-east-1"), arena, &asking.routes[0]));
    asking.route = &asking.routes[0];
    pthread_mutex_init(&asking.lock, NULL);
    S3Request request = {
        .client = &asking, .operation = &get_bucket_location, .query = STR("location="), .body = &answer};
    Error *err = s3_request_run(&request, cancel);
    s3_request_done(&request);
    s3_credentials_free(asking.key_owner);
    explicit_bzero(&asking.key, sizeof(asking.key));
    pthread_mutex_destroy(&asking.lock);
    return err ? err : parse_location(buffer_str(&answer), arena, ret_region);
}

Error *s3_region_find(S3Client *client, const S3Route *route, const Cancel *cancel, Arena *arena, Str *ret_region)
{
    Str region = STR_EMPTY;
    TRY(ask_head(client, route, cancel, arena, &region));
    if (region.len == 0)
        TRY(ask_location(client, cancel, arena, &region));
    if (!s3_region_is_valid(region))
        return FAIL(NOT_FOUND, "the server does not say in which region the bucket '" STR_FMT "' is",
                    STR_ARG(client->bucket));
    *ret_region = region;
    return NULL;
}
