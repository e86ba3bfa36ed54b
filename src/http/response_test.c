#include "http/response.h"

#include <stdio.h>

#include "base/testing.h"

static int64_t now_us(void *context)
{
    (void)context;
    return INT64_C(1795254000) * 1000000; /* 2026-11-21T09:40:00Z */
}

static const Clock fixed_clock = {now_us, now_us, NULL};

static void feed(HttpResponse *response, const char *line)
{
    assert_ok(response_line(response, str_of(line), &fixed_clock));
}

static void test_content_range(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool valid;
        uint64_t first, last, total;
    } rows[] = {
        {"bytes 0-99/200", true, 0, 99, 200},
        {"bytes 5-5/*", true, 5, 5, HTTP_LENGTH_UNKNOWN},
        {"bytes 0-18446744073709551613/18446744073709551614", true, 0, UINT64_MAX - 2, UINT64_MAX - 1},
        {"bytes */200", false, 0, 0, 0},
        {"bytes 9-5/20", false, 0, 0, 0},
        {"bytes 0-20/20", false, 0, 0, 0},
        {"bytes 0-18446744073709551616/*", false, 0, 0, 0},
        {"bytes 0/5-9", false, 0, 0, 0},
        {"items 0-9/20", false, 0, 0, 0},
        {"bytes -9/20", false, 0, 0, 0},
        {"", false, 0, 0, 0},
    };
    HttpResponse response = {0};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char line[128];
        snprintf(line, sizeof line, "Content-Range: %s", rows[i].value);
        response_clear(&response);
        feed(&response, line);
        if (response.has_range != rows[i].valid)
            fail_msg("'%s'", rows[i].value);
        if (rows[i].valid
            && (response.range_first != rows[i].first || response.range_last != rows[i].last
                || response.range_total != rows[i].total))
            fail_msg("'%s': %llu-%llu/%llu", rows[i].value, (unsigned long long)response.range_first,
                     (unsigned long long)response.range_last, (unsigned long long)response.range_total);
    }
    response_done(&response);
}

static void test_retry_after(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int64_t wanted_us;
    } rows[] = {
        {"Retry-After: 2", 2000000},
        {"retry-after: 0", 0},
        {"Retry-After: Sat, 21 Nov 2026 09:40:10 GMT", 10000000},
        {"Retry-After: Sat, 21 Nov 2026 09:39:10 GMT", 0},
        {"Retry-After: Sat, 21 Nov 2099 09:39:10 GMT", INT64_C(86400000000)},
        {"Retry-After: 18446744073709551615", INT64_C(86400000000)},
        {"X-Amz-Retry-After: 1500", 1500000},
        {"x-amz-retry-after: 18446744073709551615", INT64_C(86400000000)},
        {"Retry-After: soon", -1},
        {"Retry-After: -1", -1},
        {"Retry-After:", -1},
    };
    HttpResponse response = {0};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        response_clear(&response);
        feed(&response, rows[i].line);
        if (response.retry_after_us != rows[i].wanted_us)
            fail_msg("'%s': %lld", rows[i].line, (long long)response.retry_after_us);
    }
    response_done(&response);
}

static void test_known_headers(void **state)
{
    (void)state;
    static const struct {
        const char *line, *value;
        HttpKnownHeader header;
    } rows[] = {
        {"Content-Type: text/x", "text/x", HTTP_CONTENT_TYPE},
        {"content-encoding:gzip", "gzip", HTTP_CONTENT_ENCODING},
        {"Content-Disposition: attachment; filename=\"a\"", "attachment; filename=\"a\"", HTTP_CONTENT_DISPOSITION},
        {"CONTENT-LANGUAGE: de, fr ", "de, fr", HTTP_CONTENT_LANGUAGE},
        {"Cache-Control: no-cache", "no-cache", HTTP_CACHE_CONTROL},
        {"Expires: Thu, 01 Dec 1994 16:00:00 GMT", "Thu, 01 Dec 1994 16:00:00 GMT", HTTP_EXPIRES},
        {"Location: /x", "/x", HTTP_LOCATION},
        {"Server: s", "s", HTTP_SERVER},
    };
    HttpResponse response = {0};
    response_clear(&response);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        feed(&response, rows[i].line);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_str(response.header[rows[i].header], rows[i].value);
    response_done(&response);
}

static void test_what_is_said_survives_growth(void **state)
{
    (void)state;
    HttpResponse response = {0};
    response_clear(&response);
    feed(&response, "ETag: \"first\"");
    feed(&response, "x-amz-meta-a: 1");
    for (int i = 0; i < 2000; i++) {
        char line[128];
        snprintf(line, sizeof line, "X-AMZ-Meta-Number-%d: value %d", i, i);
        feed(&response, line);
    }
    static const char text[4096] = "<Error>";
    for (int i = 0; i < 20; i++)
        assert_ok(response_error_body(&response, bytes_from(text, sizeof text)));

    assert_str(response.header[HTTP_ETAG], "\"first\"");
    assert_str(http_response_amz(&response, STR("x-amz-meta-number-1999")), "value 1999");
    assert_str(http_response_amz(&response, STR("x-amz-meta-number-2000")), "");
    assert_int_equal(response.error_body.len, RESPONSE_ERROR_BODY_MAX);
    assert_memory_equal(response.error_body.data, "<Error>", 7);
    Str name, value;
    size_t count = 0;
    for (size_t at = 0; http_response_next_amz(&response, &at, &name, &value);)
        count++;
    assert_int_equal(count, 2001);

    response_clear(&response);
    assert_int_equal(response.header[HTTP_ETAG].len, 0);
    assert_int_equal(response.error_body.len, 0);
    size_t at = 0;
    assert_false(http_response_next_amz(&response, &at, &name, &value));
    response_done(&response);
}

static void test_lines_that_say_nothing(void **state)
{
    (void)state;
    static const char *lines[] = {"no colon here",   ":",
                                  ": value",         "x-amz-",
                                  "x-amz-:",         "Content-Length: 5",
                                  "Date: yesterday", "Transfer-Encoding: chunked",
                                  "X-Filler: y"};
    HttpResponse response = {0};
    response_clear(&response);
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++)
        feed(&response, lines[i]);
    assert_int_equal(response.content_length, HTTP_LENGTH_UNKNOWN);
    assert_int_equal(response.date_us, HTTP_TIME_UNKNOWN);
    assert_int_equal(response.fields.len, 0);
    response_done(&response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_range),          cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_known_headers),          cmocka_unit_test(test_what_is_said_survives_growth),
        cmocka_unit_test(test_lines_that_say_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
