#include "store/s3/test_s3.h"

#include <stdio.h>

static int64_t fixed_wall_us(void *context)
{
    return ((const S3Test *)context)->now_us;
}

static int64_t real_monotonic_us(void *context)
{
    (void)context;
    return clock_monotonic_us(clock_system());
}

void s3_test_open(S3Test *test, const char *url, StoreOptions options, const TestReply *replies, size_t count)
{
    char endpoint[64];
    *test = (S3Test){.now_us = INT64_C(1795253994000000), .clock = {fixed_wall_us, real_monotonic_us, test}};
    test->server = test_server_new(replies, count);
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", test_server_port(test->server));
    options.endpoint_url = str_of(endpoint);
    options.clock = &test->clock;
    if (!options.anonymous && options.access_key_id.len == 0) {
        options.access_key_id = STR("AKID");
        options.secret_access_key = STR("SECRET");
    }
    assert_ok(store_open(str_of(url), &options, &test->store));
}

void s3_test_done(S3Test *test)
{
    store_free(test->store);
    test_server_free(test->server);
}

size_t s3_test_count(const S3Test *test)
{
    return test_server_requests(test->server);
}

const char *s3_test_head(const S3Test *test, size_t i)
{
    assert_true(i < s3_test_count(test));
    return test_server_request(test->server, i)->head;
}

void s3_test_sent(const S3Test *test, size_t i, const char *text)
{
    const char *head = s3_test_head(test, i);
    if (!strstr(head, text))
        print_error("request %zu lacks '%s':\n%s\n", i, text, head);
    assert_non_null(strstr(head, text));
}

void s3_test_not_sent(const S3Test *test, size_t i, const char *text)
{
    assert_null(strcasestr(s3_test_head(test, i), text));
}

void s3_test_body_has(const S3Test *test, size_t i, const char *text)
{
    assert_true(i < s3_test_count(test));
    const TestRequest *request = test_server_request(test->server, i);
    bool has = str_find(str_from(request->body, request->body_bytes), str_of(text)) != SIZE_MAX;
    if (!has)
        print_error("request %zu lacks '%s':\n%.*s\n", i, text, (int)request->body_bytes, (const char *)request->body);
    assert_true(has);
}

const char *s3_test_reply(char *out, size_t out_bytes, const char *status, const char *body)
{
    int len = snprintf(out, out_bytes, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body), body);
    assert_true(len > 0 && (size_t)len < out_bytes);
    return out;
}

static Error *read_pattern(void *context, uint64_t offset_bytes, uint8_t *out, size_t len)
{
    PatternBody *pattern = context;
    for (size_t i = 0; i < len; i++)
        out[i] = test_pattern(offset_bytes + i);
    if (pattern->changes_at >= offset_bytes && pattern->changes_at - offset_bytes < len)
        out[pattern->changes_at - offset_bytes] = (uint8_t)pattern->reads++;
    return NULL;
}

PutBody pattern_body(PatternBody *pattern, uint64_t size_bytes)
{
    return (PutBody){.size_bytes = size_bytes, .read_at = read_pattern, .context = pattern};
}
