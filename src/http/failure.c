#include "http/failure.h"

typedef struct TransferFailure {
    CURLcode curl;
    ErrorCode code;
    FailureClass class;
    const char *text;
} TransferFailure;

/* What is not here is a broken connection or an answer that makes no sense: both are worth another try. */
static const TransferFailure transfer_failures[] = {
    {CURLE_COULDNT_RESOLVE_PROXY, ERR_UNAVAILABLE, FAILURE_LOOKUP, "the proxy's name was not resolved"},
    {CURLE_COULDNT_CONNECT, ERR_UNAVAILABLE, FAILURE_RETRY, "no connection"},
    {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT, FAILURE_RETRY, "timed out"},
    {CURLE_PARTIAL_FILE, ERR_UNAVAILABLE, FAILURE_RETRY, "the body was cut short"},
    {CURLE_GOT_NOTHING, ERR_UNAVAILABLE, FAILURE_RETRY, "the connection was closed without a whole answer"},
    {CURLE_SEND_ERROR, ERR_UNAVAILABLE, FAILURE_RETRY, "the connection was lost while sending"},
    {CURLE_RECV_ERROR, ERR_UNAVAILABLE, FAILURE_RETRY, "the connection was lost while receiving"},
    {CURLE_SSL_CONNECT_ERROR, ERR_UNAVAILABLE, FAILURE_RETRY, "no TLS connection"},
    {CURLE_PEER_FAILED_VERIFICATION, ERR_DENIED, FAILURE_FINAL,
     "the server's certificate is not trusted; is the right CA file set?"},
    {CURLE_SSL_ISSUER_ERROR, ERR_DENIED, FAILURE_FINAL,
     "the server's certificate is not trusted; is the right CA file set?"},
    {CURLE_SSL_CERTPROBLEM, ERR_DENIED, FAILURE_FINAL, "the client certificate cannot be used"},
    {CURLE_SSL_CACERT_BADFILE, ERR_INVALID, FAILURE_FINAL, "the CA file cannot be read"},
    {CURLE_SSL_CIPHER, ERR_DENIED, FAILURE_FINAL, "no TLS cipher in common"},
    {CURLE_UNSUPPORTED_PROTOCOL, ERR_UNAVAILABLE, FAILURE_RETRY, "this is no server of HTTP/1"},
    {CURLE_URL_MALFORMAT, ERR_INVALID, FAILURE_FINAL, "the URL is malformed"},
    {CURLE_LOGIN_DENIED, ERR_INVALID, FAILURE_FINAL, "the URL holds user information, which is not allowed"},
    {CURLE_WEIRD_SERVER_REPLY, ERR_CORRUPT, FAILURE_RETRY, "the answer breaks HTTP"},
    {CURLE_OUT_OF_MEMORY, ERR_NO_MEMORY, FAILURE_FINAL, "out of memory"},
};

Error *failure_of_transfer(CURLcode code, const char *detail, Str host, FailureClass *ret_class)
{
    if (code == CURLE_COULDNT_RESOLVE_HOST) {
        *ret_class = FAILURE_LOOKUP;
        return FAIL(UNAVAILABLE,
                    "the name of host '" STR_FMT "' was not resolved; is it right, and is there a network?",
                    STR_ARG(host));
    }
    TransferFailure failure = {code, ERR_UNAVAILABLE, FAILURE_RETRY, curl_easy_strerror(code)};
    for (size_t i = 0; i < ARRAY_COUNT(transfer_failures); i++)
        if (transfer_failures[i].curl == code)
            failure = transfer_failures[i];

    *ret_class = failure.class;
    if (detail[0] == '\0')
        return error_new(failure.code, __FILE__, __LINE__, "%s", failure.text);
    return error_new(failure.code, __FILE__, __LINE__, "%s (%s)", failure.text, detail);
}

typedef struct StatusMeaning {
    unsigned status;
    ErrorCode code;
    HttpVerdict verdict;
    const char *text;
} StatusMeaning;

static const StatusMeaning status_meanings[] = {
    {304, ERR_INVALID, HTTP_FAIL, "Not Modified"},
    {400, ERR_INVALID, HTTP_FAIL, "Bad Request"},
    {401, ERR_DENIED, HTTP_FAIL, "Unauthorized"},
    {403, ERR_DENIED, HTTP_FAIL, "Forbidden"},
    {404, ERR_NOT_FOUND, HTTP_FAIL, "Not Found"},
    {405, ERR_UNSUPPORTED, HTTP_FAIL, "Method Not Allowed"},
    {407, ERR_DENIED, HTTP_FAIL, "Proxy Authentication Required"},
    {408, ERR_TIMEOUT, HTTP_RETRY, "Request Timeout"},
    {409, ERR_UNAVAILABLE, HTTP_FAIL, "Conflict"},
    {410, ERR_NOT_FOUND, HTTP_FAIL, "Gone"},
    {412, ERR_CHANGED, HTTP_FAIL, "Precondition Failed"},
    {413, ERR_LIMIT, HTTP_FAIL, "Content Too Large"},
    {416, ERR_INVALID, HTTP_FAIL, "Range Not Satisfiable"},
    {429, ERR_UNAVAILABLE, HTTP_THROTTLED, "Too Many Requests"},
    {499, ERR_UNAVAILABLE, HTTP_RETRY, "Client Closed Request"},
    {500, ERR_UNAVAILABLE, HTTP_RETRY, "Internal Server Error"},
    {501, ERR_UNSUPPORTED, HTTP_FAIL, "Not Implemented"},
    {502, ERR_UNAVAILABLE, HTTP_RETRY, "Bad Gateway"},
    {503, ERR_UNAVAILABLE, HTTP_THROTTLED, "Service Unavailable"},
    {504, ERR_UNAVAILABLE, HTTP_RETRY, "Gateway Timeout"},
    {507, ERR_NO_SPACE, HTTP_FAIL, "Insufficient Storage"},
    {509, ERR_UNAVAILABLE, HTTP_THROTTLED, "Bandwidth Limit Exceeded"},
    {520, ERR_UNAVAILABLE, HTTP_RETRY, "Unknown Error"},
};

static StatusMeaning meaning_of(unsigned status)
{
    for (size_t i = 0; i < ARRAY_COUNT(status_meanings); i++)
        if (status_meanings[i].status == status)
            return status_meanings[i];
    return (StatusMeaning){status, status >= 500 ? ERR_UNAVAILABLE : ERR_INVALID, HTTP_FAIL, "unexpected status"};
}

Error *http_status_error(const HttpResponse *response)
{
    Str location = response->header[HTTP_LOCATION];

    if (response->status >= 300 && response->status < 400 && location.len > 0)
        return FAIL(INVALID, "%u redirects to '" STR_FMT "', and redirects are not followed", response->status,
                    STR_ARG(str_slice(location, 0, str_find_char(location, '?'))));
    StatusMeaning meaning = meaning_of(response->status);
    return error_new(meaning.code, __FILE__, __LINE__, "%u %s", response->status, meaning.text);
}

HttpVerdict http_judge(const HttpExchange *exchange, Error **ret_error)
{
    unsigned status = exchange->response.status;
    if (status >= 200 && status < 300)
        return HTTP_ACCEPT;

    HttpVerdict verdict = meaning_of(status).verdict;
    if (verdict == HTTP_FAIL)
        *ret_error = http_status_error(&exchange->response);
    return verdict;
}
