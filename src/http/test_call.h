/* test_call.h - a request as the tests of http/ want it. Tests only. */
#ifndef HTTP_TEST_CALL_H
#define HTTP_TEST_CALL_H

#include "base/testing.h"
#include "http/http.h"
#include "http/test_server.h"

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define EMPTY_503 "HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n"

/* A request as the tests want it, with what the callbacks saw. */
typedef struct Call {
    HttpExchange exchange;
    HttpBufferSink sink;
    Buffer body;
    HttpMethod method;
    unsigned port;
    const char *host; /* NULL: 127.0.0.1 */
    bool tls;
    const char *path;
    const char *etag; /* check that it is this one */
    bool resumes;
    unsigned agains; /* judge says AGAIN so many times */
    unsigned prepared;
} Call;

extern const HttpCalls call_functions;

/* A GET of `path` into `body`, with an Authorization header; `server` NULL: no port yet. */
void call_init(Call *call, const TestServer *server, const char *path);
void call_done(Call *call);

/* One thread, a fixed seed, retries after a few milliseconds. */
HttpOptions quick_options(void);
HttpClient *quick_client(void);

void assert_pattern(const Buffer *body, size_t len);
int64_t monotonic_ms(void);

#endif
