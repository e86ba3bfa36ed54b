#include "http/request.h"

#include <stdlib.h>

/* libcurl's node, and where its text begins: `data` is set at the end, since the text moves while it grows. */
struct HttpHeaderNode {
    struct curl_slist node;
    size_t text_at;
};

enum { HEADERS_TEXT_MAX = 128 * 1024, URL_MAX = 64 * 1024, NODES_FIRST = 16 };

void request_clear(HttpRequest *request)
{
    buffer_clear(&request->url);
    buffer_clear(&request->header_text);
    request->url.limit = URL_MAX;
    request->header_text.limit = HEADERS_TEXT_MAX;
    request->headers = 0;
    request->method = HTTP_GET;
    request->resuming = false;
    request->range_first = 0;
}

void request_done(HttpRequest *request)
{
    buffer_done(&request->url);
    buffer_done(&request->header_text);
    free(request->header_nodes);
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

static Error *room_for_node(HttpRequest *request)
{
    if (request->headers < request->header_nodes_max)
        return NULL;
    size_t nodes_max = MAX((size_t)NODES_FIRST, 2 * request->header_nodes_max);
    struct HttpHeaderNode *nodes = reallocarray(request->header_nodes, nodes_max, sizeof *nodes);
    if (!nodes)
        return FAIL(NO_MEMORY, "no memory for %zu request headers", nodes_max);
    request->header_nodes = nodes;
    request->header_nodes_max = nodes_max;
    return NULL;
}

/* libcurl's forms: "Name: value"; "Name;" sends an empty header; "Name:" has it leave out one of its own. */
static Error *add_line(HttpRequest *request, Str name, Str separator, Str value)
{
    Buffer *text = &request->header_text;
    size_t start = text->len;

    TRY(room_for_node(request));
    TRY_CTX(buffer_reserve(text, name.len + separator.len + value.len + 1), "request headers");
    TRY(buffer_append_str(text, name));
    TRY(buffer_append_str(text, separator));
    TRY(buffer_append_str(text, value));
    TRY(buffer_append_byte(text, 0));
    request->header_nodes[request->headers++].text_at = start;
    return NULL;
}

Error *http_request_header(HttpRequest *request, Str name, Str value)
{
    if (!is_token(name))
        return FAIL(INVALID, "header name of %zu bytes holds a character that HTTP does not allow", name.len);
    if (!is_field_value(value))
        return FAIL(INVALID, "value of header '" STR_FMT "' holds a control character", STR_ARG(name));
    return add_line(request, name, value.len > 0 ? STR(": ") : STR(";"), value);
}

Error *request_without_expect(HttpRequest *request)
{
    return add_line(request, STR("Expect"), STR(":"), STR_EMPTY);
}

struct curl_slist *request_header_list(HttpRequest *request)
{
    for (size_t i = 0; i < request->headers; i++) {
        struct HttpHeaderNode *node = &request->header_nodes[i];
        node->node.data = (char *)request->header_text.data + node->text_at;
        node->node.next = i + 1 < request->headers ? &node[1].node : NULL;
    }
    return request->headers > 0 ? &request->header_nodes[0].node : NULL;
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
