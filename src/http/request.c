#include "http/request.h"

enum { HEADERS_TEXT_MAX = 128 * 1024, URL_MAX = 64 * 1024 };

void request_clear(HttpRequest *request)
{
    buffer_clear(&request->url);
    buffer_clear(&request->header_text);
    request->url.limit = URL_MAX;
    request->header_text.limit = HEADERS_TEXT_MAX;
    request->method = HTTP_GET;
    request->resuming = false;
    request->range_first = 0;
}

void request_done(HttpRequest *request)
{
    buffer_done(&request->url);
    buffer_done(&request->header_text);
    *request = (HttpRequest){0};
}

const char *http_method_name(HttpMethod method)
{
    switch (method) {
    case HTTP_GET: return "GET";
    case HTTP_HEAD: return "HEAD";
    case HTTP_PUT: return "PUT";
    case HTTP_POST: return "POST";
    case HTTP_DELETE: return "DELETE";
    }
    return "?";
}

/* RFC 9110 5.1. */
static bool is_token(Str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool letter_or_digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter_or_digit && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return name.len > 0;
}

/* RFC 9110 5.5: no control characters but the tab. */
static bool is_field_value(Str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

Error *http_request_header(HttpRequest *request, Str name, Str value)
{
    Buffer *text = &request->header_text;

    if (!is_token(name))
        return FAIL(INVALID, "header name of %zu bytes holds a character that HTTP does not allow", name.len);
    if (!is_field_value(value))
        return FAIL(INVALID, "value of header '" STR_FMT "' holds a control character", STR_ARG(name));
    TRY_CTX(buffer_reserve(text, name.len + value.len + 4), "request headers");
    TRY(buffer_append_str(text, name));
    TRY(buffer_append_str(text, STR(": ")));
    TRY(buffer_append_str(text, value));
    return buffer_append_str(text, STR("\r\n"));
}

ShownUrl request_shown_url(const HttpRequest *request)
{
    Str url = buffer_str(&request->url);
    size_t end = MIN(str_find_char(url, '?'), str_find_char(url, '#'));
    url = str_slice(url, 0, end);

    size_t colon = str_find(url, STR("://"));
    if (colon == SIZE_MAX)
        return (ShownUrl){STR_EMPTY, url, STR_EMPTY};
    Str rest = str_slice(url, colon + 3, url.len);
    size_t slash = MIN(str_find_char(rest, '/'), rest.len);
    Str host = str_slice(rest, 0, slash);
    size_t at = str_rfind_char(host, '@');
    if (at != SIZE_MAX)
        host = str_slice(host, at + 1, host.len);
    return (ShownUrl){str_slice(url, 0, colon), host, str_slice(rest, slash, rest.len)};
}

/* What a URL is made of (RFC 3986 2); anything else would break the request line. */
static bool is_url_text(Str url)
{
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.data[i] <= ' ' || (unsigned char)url.data[i] >= 0x7f)
            return false;
    return true;
}

static Str without_port(Str authority, Str port)
{
    return str_ends_with(authority, port) ? str_slice(authority, 0, authority.len - port.len) : authority;
}

Error *request_target(const HttpRequest *request, RequestTarget *ret_target)
{
    Str url = buffer_str(&request->url);
    ShownUrl shown = request_shown_url(request);
    bool tls = str_equal_nocase(shown.scheme, STR("https"));

    if (!(tls || str_equal_nocase(shown.scheme, STR("http"))) || shown.host.len == 0)
        return FAIL(INVALID, "the URL of a request is not of the form http://host/path or https://host/path");
    if (!is_url_text(url))
        return FAIL(INVALID, "the URL holds a character that has to be percent-encoded");
    size_t authority_at = shown.scheme.len + 3;
    Str rest = str_slice(url, authority_at, url.len);
    size_t len = MIN(MIN(str_find_char(rest, '/'), str_find_char(rest, '?')), MIN(str_find_char(rest, '#'), rest.len));
    Str authority = str_slice(rest, 0, len), path = str_slice(rest, len, rest.len);
    if (str_find_char(authority, '@') != SIZE_MAX)
        return FAIL(INVALID, "the URL holds user information, which is not allowed");
    *ret_target = (RequestTarget){
        .origin = str_slice(url, 0, authority_at + len),
        .authority = without_port(authority, tls ? STR(":443") : STR(":80")),
        .path = str_slice(path, 0, MIN(str_find_char(path, '#'), path.len)),
        .tls = tls,
    };
    return NULL;
}

static Error *append_all(Buffer *out, const Str *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        TRY(buffer_append_str(out, parts[i]));
    return NULL;
}
#define APPEND_ALL(out, ...)                                                                                           \
    append_all(out, (const Str[]){__VA_ARGS__}, sizeof((const Str[]){__VA_ARGS__}) / sizeof(Str))

Error *request_write_head(const HttpRequest *request, const RequestHead *head, Buffer *out)
{
    const RequestTarget *target = head->target;
    Str slash = str_starts_with(target->path, STR("/")) ? STR_EMPTY : STR("/");

    TRY(APPEND_ALL(out, str_of(http_method_name(request->method)), STR(" "),
                   head->to_proxy ? target->origin : STR_EMPTY, slash, target->path, STR(" HTTP/1.1\r\nHost: "),
                   target->authority, STR("\r\nUser-Agent: "), str_of(head->user_agent), STR("\r\nAccept: */*\r\n"),
                   buffer_str(&request->header_text)));
    if (head->proxy_authorization.len > 0)
        TRY(APPEND_ALL(out, STR("Proxy-Authorization: "), head->proxy_authorization, STR("\r\n")));
    if (head->has_upload)
        TRY(buffer_append_format(out, "Content-Length: %llu\r\n", (unsigned long long)head->upload_bytes));
    if (head->asks)
        TRY(buffer_append_str(out, STR("Expect: 100-continue\r\n")));
    return buffer_append_str(out, STR("\r\n"));
}
