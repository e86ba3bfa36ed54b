/* An answer's head of any bytes: what is kept of it lies inside the kept bytes, names are lower case, ranges make sense. */
#include "base/clock.h"
#include "http/response.h"

static void check_inside(const HttpResponse *response, Str slice)
{
    const char *start = (const char *)response->fields.data;

    ASSERT(slice.len == 0 || (slice.data >= start && slice.data + slice.len <= start + response->fields.len));
}

static void check(const HttpResponse *response)
{
    Str name, value;

    for (size_t i = 0; i < HTTP_KNOWN_HEADERS; i++)
        check_inside(response, response->header[i]);
    check_inside(response, response->error_body);
    for (size_t at = 0; http_response_next_amz(response, &at, &name, &value);) {
        check_inside(response, name);
        check_inside(response, value);
        for (size_t i = 0; i < name.len; i++)
            ASSERT(name.data[i] < 'A' || name.data[i] > 'Z');
        ASSERT(http_response_amz(response, name).len <= RESPONSE_HEADERS_MAX);
    }
    ASSERT(response->status <= 999);
    ASSERT(!response->has_range
           || (response->range_first <= response->range_last && response->range_last < response->range_total));
    ASSERT(response->retry_after_us >= -1);
    ASSERT(response->error_body.len <= RESPONSE_ERROR_BODY_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HttpResponse response = {0};
    Str rest = str_from(data, size), line;
    Error *error = NULL;

    response_clear(&response);
    while (!error && str_next_piece(&rest, '\n', &line) && str_trim(line).len > 0)
        error = response_line(&response, str_trim(line), clock_system());
    if (!error && rest.data)
        error = response_error_body(&response, str_bytes(rest));
    check(&response);
    error_free(error); /* lengths that differ, too much of it */
    response_done(&response);
    return 0;
}
