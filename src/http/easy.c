#include "http/easy.h"

enum { KEEPALIVE_S = 60 };
/* Short, since each lookup shuffles the addresses: connections made at different times go to different ones. Not 0, for servers that close
 * after each answer. */
enum { DNS_CACHE_S = 1 };

/* The options cannot fail but for memory, which the first failure tells. */
#define SET(option, value)                                                                                             \
    do {                                                                                                               \
        CURLcode set_code = curl_easy_setopt(easy, option, value);                                                     \
        if (first == CURLE_OK)                                                                                         \
            first = set_code;                                                                                          \
    } while (0)

CURLcode easy_set_fixed(CURL *easy, const EasyShared *shared, char *detail)
{
    const HttpOptions *options = shared->options;
    CURLcode first = CURLE_OK;

    SET(CURLOPT_ERRORBUFFER, detail);
    SET(CURLOPT_SHARE, shared->share);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* giving up on a slow name server must not stop this thread's other transfers */
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* a proxy's CONNECT gets none of our headers */
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_USERAGENT, options->user_agent);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
    SET(CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
    SET(CURLOPT_SSL_VERIFYPEER, options->verify_tls ? 1L : 0L);
    SET(CURLOPT_SSL_VERIFYHOST, options->verify_tls ? 2L : 0L);
    if (options->ca_file)
        SET(CURLOPT_CAINFO, options->ca_file);
    return first;
}

CURLcode easy_set_limits(CURL *easy, const EasyLimits *limits)
{
    CURLcode first = CURLE_OK;

    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)limits->connect_timeout_ms);
    SET(CURLOPT_FRESH_CONNECT, limits->fresh ? 1L : 0L);
    SET(CURLOPT_DNS_CACHE_TIMEOUT, limits->fresh ? 0L : (long)DNS_CACHE_S);
    SET(CURLOPT_PROXY, limits->proxy_free ? "" : NULL); /* NULL: what the environment says */
    return first;
}
