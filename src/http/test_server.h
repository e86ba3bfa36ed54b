/* test_server.h - a server in the test's own process that answers with a script, byte for byte. Tests only. */
#ifndef HTTP_TEST_SERVER_H
#define HTTP_TEST_SERVER_H

#include "base/error.h"
#include "base/str.h"
#include "http/test_tls.h"

typedef struct TestServer TestServer;

typedef enum TestEnd {
    TEST_KEEP, /* the connection stays for the next request */
    TEST_CLOSE,
    TEST_RESET /* RST: what is not read yet is lost */
} TestEnd;

/* What one request gets. Zeroed: silence and KEEP. */
typedef struct TestReply {
    const char *text;                     /* sent first: the head, and what body it has as text */
    uint64_t pattern_from, pattern_bytes; /* then this part of the pattern */
    const char *endless;                  /* then this again and again until the client goes away */
    bool early;                    /* answered before the request's body is read; the body is then read and dropped */
    size_t reset_after_body_bytes; /* reset when this much of the request's body was read; 0: read it whole */
    unsigned drip_ms;              /* after each byte of the text */
    TestEnd end;
} TestReply;

/* A request as it came. */
typedef struct TestRequest {
    char *head; /* with its empty line; a C string */
    uint8_t *body;
    size_t body_bytes;
} TestRequest;

/* Answers request i with replies[i], those after the end with the last one. `replies` is borrowed. Ends the test when there are no sockets. */
TestServer *test_server_new(const TestReply *replies, size_t count);
/* The same at another address of this machine ("127.0.0.2"), and the port of `server`. */
TestServer *test_server_new_beside(const TestServer *server, const char *address, const TestReply *replies,
                                   size_t count);
void test_server_free(TestServer *server);
DEFINE_FREEP(TestServer, test_server_free)

/* The same over TLS, with a certificate of its own for localhost alone that is written to `ret_ca_file`, a name of at least
 * TEST_CA_FILE_BYTES that is removed with the server. */
TestServer *test_server_new_tls(const TestReply *replies, size_t count, char *ret_ca_file);

unsigned test_server_port(const TestServer *server);
size_t test_server_accepts(TestServer *server);
size_t test_server_requests(TestServer *server);
/* The i-th request, until the server is freed. */
const TestRequest *test_server_request(TestServer *server, size_t i);

/* Byte i of the pattern. */
static inline uint8_t test_pattern(uint64_t i)
{
    return (uint8_t)((i * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
}

#endif
