#include "http/proxy.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include <curl/curl.h>

#include "base/buffer.h"
#include "base/hash.h"

static const char *variable(const char *const names[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = getenv(names[i]);
        if (value && value[0] != '\0')
            return value;
    }
    return NULL;
}

/* ---- the proxy ---- */

static void free_curl(char **text)
{
    curl_free(*text);
}

static char *url_part(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    return curl_url_get(url, part, &text, flags) == CURLUE_OK ? text : NULL;
}

static Error *no_memory(void)
{
    return FAIL(NO_MEMORY, "no memory for the proxy's address");
}

/* Source: RFC 7617. */
static Error *basic_authorization(const char *user, const char *password, char **ret_text)
{
    CLEANUP(buffer_done) Buffer plain = {0};
    TRY(buffer_append_str(&plain, str_of(user)));
    TRY(buffer_append_byte(&plain, ':'));
    TRY(buffer_append_str(&plain, str_of(password)));
    static const char scheme[] = "Basic ";
    char *text = malloc(sizeof scheme + (plain.len + 2) / 3 * 4);
    if (!text)
        return no_memory();
    memcpy(text, scheme, sizeof scheme);
    base64_encode(plain.data, plain.len, text + sizeof scheme - 1);
    *ret_text = text;
    return NULL;
}

static Error *read_credentials(CURLU *url, Proxy *proxy)
{
    CLEANUP(free_curl) char *user = url_part(url, CURLUPART_USER, CURLU_URLDECODE);
    CLEANUP(free_curl) char *password = url_part(url, CURLUPART_PASSWORD, CURLU_URLDECODE);
    return user ? basic_authorization(user, password ? password : "", &proxy->authorization) : NULL;
}

/* libcurl's own port for proxies of HTTP, where the URL has none. */
static Error *read_origin(CURLU *url, Proxy *proxy)
{
    CLEANUP(free_curl) char *scheme = url_part(url, CURLUPART_SCHEME, 0);
    CLEANUP(free_curl) char *host = url_part(url, CURLUPART_HOST, 0);
    CLEANUP(free_curl) char *port = url_part(url, CURLUPART_PORT, 0);
    if (!scheme || !host)
        return no_memory();
    proxy->tls = str_equal(str_of(scheme), STR("https"));
    if (!proxy->tls && !str_equal(str_of(scheme), STR("http")))
        return NULL; /* SOCKS */
    if (asprintf(&proxy->origin, "%s://%s:%s", scheme, host, port ? port : proxy->tls ? "443" : "1080") < 0) {
        proxy->origin = NULL;
        return no_memory();
    }
    return read_credentials(url, proxy);
}

static Error *read_url(const char *text, Proxy *proxy)
{
    CURLU *url = curl_url();
    if (!url)
        return no_memory();
    bool has_scheme = strstr(text, "://");
    CURLUcode code = curl_url_set(url, CURLUPART_URL, text, has_scheme ? CURLU_NON_SUPPORT_SCHEME : CURLU_GUESS_SCHEME);
    Error *error = code == CURLUE_OK ? read_origin(url, proxy) : NULL;
    if (code != CURLUE_OK)
        proxy->problem = curl_url_strerror(code);
    curl_url_cleanup(url);
    return error;
}

Error *proxy_from_environment(Proxy *ret_proxy)
{
    static const char *const names[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    static const char *const exceptions[] = {"no_proxy", "NO_PROXY"};
    const char *url = variable(names, ARRAY_COUNT(names));
    const char *except = variable(exceptions, ARRAY_COUNT(exceptions));
    Proxy proxy = {0};
    Error *error = url ? read_url(url, &proxy) : NULL;

    if (!error && except) {
        proxy.exceptions = strdup(except);
        error = proxy.exceptions ? NULL : no_memory();
    }
    if (error)
        proxy_done(&proxy);
    else
        *ret_proxy = proxy;
    return error;
}

void proxy_done(Proxy *proxy)
{
    free(proxy->origin);
    free(proxy->authorization);
    free(proxy->exceptions);
    *proxy = (Proxy){0};
}

/* ---- its exceptions ---- */

/* A host as an address: 4 or 16 bytes; 0: it is a name. */
static size_t address_of(Str host, uint8_t out[16])
{
    char text[INET6_ADDRSTRLEN];

    if (host.len >= sizeof text)
        return 0;
    memcpy(text, host.data, host.len);
    text[host.len] = '\0';
    if (inet_pton(AF_INET, text, out) == 1)
        return 4;
    return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, size_t bits)
{
    size_t bytes = bits / 8;
    uint8_t mask = (uint8_t)(0xff00u >> bits % 8);
    return memcmp(a, b, bytes) == 0 && (bits % 8 == 0 || ((a[bytes] ^ b[bytes]) & mask) == 0);
}

/* "10.0.0.1" or "10.0.0.0/8". */
static bool covers_address(Str exception, const uint8_t *address, size_t len)
{
    size_t slash = MIN(str_find_char(exception, '/'), exception.len);
    uint64_t bits = 8 * len;
    uint8_t net[16];

    if (address_of(str_slice(exception, 0, slash), net) != len)
        return false;
    if (slash < exception.len && !str_to_u64(str_slice(exception, slash + 1, exception.len), &bits))
        return false;
    return bits <= 8 * len && same_bits(net, address, (size_t)bits);
}

/* "example.org" or ".example.org": that name and all below it. */
static bool covers_name(Str exception, Str host)
{
    Str name = str_starts_with(exception, STR(".")) ? str_slice(exception, 1, exception.len) : exception;

    if (name.len == 0 || name.len > host.len)
        return false;
    Str tail = str_slice(host, host.len - name.len, host.len);
    return str_equal_nocase(tail, name) && (tail.len == host.len || host.data[host.len - tail.len - 1] == '.');
}

static Str without_dot(Str name)
{
    return str_ends_with(name, STR(".")) ? str_slice(name, 0, name.len - 1) : name;
}

static Str host_of(Str authority)
{
    if (str_starts_with(authority, STR("[")))
        return str_slice(authority, 1, MIN(str_find_char(authority, ']'), authority.len));
    return without_dot(str_slice(authority, 0, MIN(str_find_char(authority, ':'), authority.len)));
}

static bool is_excepted(Str list, Str host)
{
    uint8_t address[16];
    size_t address_len = address_of(host, address);
    Str group, exception;

    if (str_equal(str_trim(list), STR("*")))
        return true;
    while (str_next_piece(&list, ',', &group))
        while (str_next_piece(&group, ' ', &exception)) {
            exception = str_trim(exception);
            if (address_len > 0 ? covers_address(exception, address, address_len)
                                : covers_name(without_dot(exception), host))
                return true;
        }
    return false;
}

bool proxy_serves(const Proxy *proxy, Str authority)
{
    return (proxy->origin || proxy->problem)
           && !(proxy->exceptions && is_excepted(str_of(proxy->exceptions), host_of(authority)));
}
