#include "http/response.h"

#include "base/time_text.h"

/* `fields` is a row of records: this, then the name in lower case and the value. What is in `header` and `error_body` points into it. */
typedef struct FieldSizes {
    uint32_t name_bytes, value_bytes;
} FieldSizes;

enum { NAME_MAX_BYTES = 256 };

static const int64_t SECOND_US = 1000000;
static const uint64_t RETRY_AFTER_MAX_S = 24 * 3600;

void response_clear(HttpResponse *response)
{
    Buffer fields = response->fields;

    buffer_clear(&fields);
    fields.limit = 2 * RESPONSE_HEADERS_MAX + RESPONSE_ERROR_BODY_MAX; /* records are longer than lines */
    *response = (HttpResponse){
        .content_length = HTTP_LENGTH_UNKNOWN,
        .range_total = HTTP_LENGTH_UNKNOWN,
        .date_us = HTTP_TIME_UNKNOWN,
        .last_modified_us = HTTP_TIME_UNKNOWN,
        .retry_after_us = -1,
        .fields = fields,
    };
}

void response_done(HttpResponse *response)
{
    buffer_done(&response->fields);
    *response = (HttpResponse){0};
}

/* The memory has moved from `old_start`; so do the slices of it. */
static void move_slices(HttpResponse *response, uintptr_t old_start)
{
    Str *slices[HTTP_KNOWN_HEADERS + 1];

    for (size_t i = 0; i < HTTP_KNOWN_HEADERS; i++)
        slices[i] = &response->header[i];
    slices[HTTP_KNOWN_HEADERS] = &response->error_body;
    for (size_t i = 0; i < ARRAY_COUNT(slices); i++)
        if (slices[i]->len > 0)
            slices[i]->data = (const char *)response->fields.data + ((uintptr_t)slices[i]->data - old_start);
}

static Error *reserve(HttpResponse *response, size_t more_bytes)
{
    uintptr_t old_start = (uintptr_t)response->fields.data;

    TRY(buffer_reserve(&response->fields, more_bytes));
    if ((uintptr_t)response->fields.data != old_start)
        move_slices(response, old_start);
    return NULL;
}

static void put_lower(char *out, Str text)
{
    for (size_t i = 0; i < text.len; i++)
        out[i] = text.data[i] >= 'A' && text.data[i] <= 'Z' ? (char)(text.data[i] + ('a' - 'A')) : text.data[i];
}

/* Adds a record; `ret_value` is the value in it. */
static Error *keep(HttpResponse *response, Str name, Str value, Str *ret_value)
{
    FieldSizes sizes = {(uint32_t)name.len, (uint32_t)value.len};
    size_t bytes = sizeof sizes + name.len + value.len;

    TRY(reserve(response, bytes));
    char *at = (char *)response->fields.data + response->fields.len;
    memcpy(at, &sizes, sizeof sizes);
    put_lower(at + sizeof sizes, name);
    if (value.len > 0)
        memcpy(at + sizeof sizes + name.len, value.data, value.len);
    *ret_value = str_from(at + sizeof sizes + name.len, value.len);
    buffer_grown(&response->fields, bytes);
    return NULL;
}

static Error *keep_known(HttpResponse *response, HttpKnownHeader header, Str name, Str value)
{
    Str kept;
    TRY(keep(response, name, value, &kept));
    response->header[header] = kept;
    return NULL;
}

/* "bytes 0-99/200", "bytes 0-99/"*: anything else is as if it were not there. Source: RFC 9110 14.4. */
static void parse_content_range(HttpResponse *response, Str value)
{
    size_t dash = str_find_char(value, '-'), slash = str_find_char(value, '/');
    uint64_t first, last, total = HTTP_LENGTH_UNKNOWN;

    if (!str_starts_with(value, STR("bytes ")) || dash == SIZE_MAX || slash == SIZE_MAX || slash < dash)
        return;
    Str total_text = str_slice(value, slash + 1, value.len);
    if (!str_to_u64(str_slice(value, 6, dash), &first) || !str_to_u64(str_slice(value, dash + 1, slash), &last)
        || (!str_equal(total_text, STR("*")) && !str_to_u64(total_text, &total)) || last < first || last >= total)
        return;
    response->has_range = true;
    response->range_first = first;
    response->range_last = last;
    response->range_total = total;
}

static void parse_retry_after(HttpResponse *response, Str value, const Clock *clock)
{
    uint64_t seconds;
    int64_t date_us;

    if (str_to_u64(value, &seconds))
        response->retry_after_us = (int64_t)MIN(seconds, RETRY_AFTER_MAX_S) * SECOND_US;
    else if (time_parse_http(value, &date_us)) {
        int64_t now_us = clock_wall_us(clock);
        int64_t longest_us = (int64_t)RETRY_AFTER_MAX_S * SECOND_US;
        response->retry_after_us = date_us <= now_us ? 0 : MIN(date_us - now_us, longest_us);
    }
}

static void parse_date(Str value, int64_t *time_us)
{
    if (!time_parse_http(value, time_us))
        *time_us = HTTP_TIME_UNKNOWN;
}

static Error *amz_header(HttpResponse *response, Str name, Str value)
{
    uint64_t milliseconds;

    switch (name.len) {
    case 10:
        if (str_equal_nocase(name, STR("x-amz-id-2")))
            return keep_known(response, HTTP_REQUEST_ID_2, name, value);
        break;
    case 16:
        if (str_equal_nocase(name, STR("x-amz-request-id")))
            return keep_known(response, HTTP_REQUEST_ID, name, value);
        break;
    case 17:
        if (str_equal_nocase(name, STR("x-amz-retry-after")) && str_to_u64(value, &milliseconds))
            response->retry_after_us = (int64_t)MIN(milliseconds, RETRY_AFTER_MAX_S * 1000) * 1000;
        break;
    case 19:
        if (str_equal_nocase(name, STR("x-amz-bucket-region")))
            return keep_known(response, HTTP_BUCKET_REGION, name, value);
        break;
    default: break;
    }
    Str kept;
    return keep(response, name, value, &kept);
}

/* By length first, so that most names cost one comparison. */
static Error *header_line(HttpResponse *response, Str name, Str value, const Clock *clock)
{
    switch (name.len) {
    case 4:
        if (str_equal_nocase(name, STR("etag")))
            return keep_known(response, HTTP_ETAG, name, value);
        if (str_equal_nocase(name, STR("date")))
            parse_date(value, &response->date_us);
        return NULL;
    case 6: return str_equal_nocase(name, STR("server")) ? keep_known(response, HTTP_SERVER, name, value) : NULL;
    case 7: return str_equal_nocase(name, STR("expires")) ? keep_known(response, HTTP_EXPIRES, name, value) : NULL;
    case 8: return str_equal_nocase(name, STR("location")) ? keep_known(response, HTTP_LOCATION, name, value) : NULL;
    case 11:
        if (str_equal_nocase(name, STR("retry-after")))
            parse_retry_after(response, value, clock);
        return NULL;
    case 12:
        if (str_equal_nocase(name, STR("content-type")))
            return keep_known(response, HTTP_CONTENT_TYPE, name, value);
        break;
    case 13:
        if (str_equal_nocase(name, STR("last-modified"))) {
            parse_date(value, &response->last_modified_us);
            return keep_known(response, HTTP_LAST_MODIFIED, name, value);
        }
        if (str_equal_nocase(name, STR("cache-control")))
            return keep_known(response, HTTP_CACHE_CONTROL, name, value);
        if (str_equal_nocase(name, STR("content-range")))
            parse_content_range(response, value);
        break;
    case 16:
        if (str_equal_nocase(name, STR("content-encoding")))
            return keep_known(response, HTTP_CONTENT_ENCODING, name, value);
        if (str_equal_nocase(name, STR("content-language")))
            return keep_known(response, HTTP_CONTENT_LANGUAGE, name, value);
        break;
    case 19:
        if (str_equal_nocase(name, STR("content-disposition")))
            return keep_known(response, HTTP_CONTENT_DISPOSITION, name, value);
        break;
    default: break;
    }
    if (name.len > 6 && name.len <= NAME_MAX_BYTES && str_equal_nocase(str_slice(name, 0, 6), STR("x-amz-")))
        return amz_header(response, name, value);
    return NULL;
}

Error *response_line(HttpResponse *response, Str line, const Clock *clock)
{
    size_t colon = str_find_char(line, ':');
    if (colon == SIZE_MAX)
        return NULL;
    return header_line(response, str_slice(line, 0, colon), str_trim(str_slice(line, colon + 1, line.len)), clock);
}

Error *response_error_body(HttpResponse *response, Bytes data)
{
    size_t len = MIN(data.len, RESPONSE_ERROR_BODY_MAX - response->error_body.len);
    if (len == 0)
        return NULL;

    TRY(reserve(response, len));
    char *at = (char *)response->fields.data + response->fields.len;
    memcpy(at, data.data, len);
    buffer_grown(&response->fields, len);
    if (response->error_body.len == 0)
        response->error_body.data = at;
    response->error_body.len += len;
    return NULL;
}

bool http_response_next_amz(const HttpResponse *response, size_t *at, Str *ret_name, Str *ret_value)
{
    size_t end = response->fields.len - response->error_body.len;

    while (*at < end) {
        FieldSizes sizes;
        memcpy(&sizes, response->fields.data + *at, sizeof sizes);
        const char *text = (const char *)response->fields.data + *at + sizeof sizes;
        *at += sizeof sizes + sizes.name_bytes + sizes.value_bytes;
        Str name = str_from(text, sizes.name_bytes);
        if (!str_starts_with(name, STR("x-amz-")))
            continue;
        *ret_name = name;
        *ret_value = str_from(text + sizes.name_bytes, sizes.value_bytes);
        return true;
    }
    return false;
}

Str http_response_amz(const HttpResponse *response, Str name)
{
    Str found_name, value;

    for (size_t at = 0; http_response_next_amz(response, &at, &found_name, &value);)
        if (str_equal(found_name, name))
            return value;
    return STR_EMPTY;
}
