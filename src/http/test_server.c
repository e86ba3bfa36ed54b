#include "http/test_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"

enum { CONNECTIONS_MAX = 1024, HEAD_MAX = 64 * 1024, KEPT_REQUESTS = 64 };

typedef struct Connection {
    TestServer *server;
    Thread thread;
    int fd;
} Connection;

struct TestServer {
    const TestReply *replies;
    size_t reply_count;
    int listener;
    unsigned port;
    TestTls *tls; /* NULL: plain */
    Thread acceptor;

    pthread_mutex_t lock;
    bool stopping; /* under lock, as the rest */
    Connection connections[CONNECTIONS_MAX];
    size_t accepts;
    TestRequest requests[KEPT_REQUESTS]; /* the first ones */
    size_t request_count;
};

static void wait_ms(unsigned duration_ms)
{
    struct timespec duration = {duration_ms / 1000, (long)(duration_ms % 1000) * 1000000};
    nanosleep(&duration, NULL);
}

/* A connection's two directions, and what has come of it and is not used yet. */
typedef struct Wire {
    int fd;
    TestTlsConnection *tls; /* NULL: plain */
    char data[HEAD_MAX];
    size_t len;
} Wire;

static bool send_all(Wire *wire, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t sent = wire->tls ? test_tls_write(wire->tls, at, len) : send(wire->fd, at, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        len -= (size_t)sent;
    }
    return true;
}

static bool send_text(Wire *wire, const char *text, unsigned drip_ms)
{
    if (drip_ms == 0)
        return send_all(wire, text, strlen(text));
    for (; *text; text++) {
        if (!send_all(wire, text, 1))
            return false;
        wait_ms(drip_ms);
    }
    return true;
}

static bool send_pattern(Wire *wire, uint64_t from, uint64_t bytes)
{
    uint8_t piece[4096];

    while (bytes > 0) {
        size_t len = (size_t)MIN((uint64_t)sizeof piece, bytes);
        for (size_t i = 0; i < len; i++)
            piece[i] = test_pattern(from + i);
        if (!send_all(wire, piece, len))
            return false;
        from += len;
        bytes -= len;
    }
    return true;
}

static void send_endless(Wire *wire, const char *text)
{
    while (send_all(wire, text, strlen(text)))
        continue;
}

static bool receive_more(Wire *wire)
{
    size_t room = sizeof wire->data - wire->len;
    char *at = wire->data + wire->len;

    if (room == 0)
        return false;
    ssize_t got = wire->tls ? test_tls_read(wire->tls, at, room) : recv(wire->fd, at, room, 0);
    if (got <= 0)
        return false;
    wire->len += (size_t)got;
    return true;
}

static void drop_front(Wire *wire, size_t len)
{
    memmove(wire->data, wire->data + len, wire->len - len);
    wire->len -= len;
}

static char *read_head(Wire *wire)
{
    size_t end;

    while ((end = str_find(str_from(wire->data, wire->len), STR("\r\n\r\n"))) == SIZE_MAX)
        if (!receive_more(wire))
            return NULL;
    char *head = strndup(wire->data, end + 4);
    drop_front(wire, end + 4);
    return head;
}

static size_t content_length(const char *head)
{
    const char *field = strcasestr(head, "\r\nContent-Length:");
    return field ? strtoul(field + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

static size_t read_body(Wire *wire, uint8_t *body, size_t wanted)
{
    size_t got = 0;

    while (got < wanted) {
        if (wire->len == 0 && !receive_more(wire))
            break;
        size_t part = MIN(wire->len, wanted - got);
        memcpy(body + got, wire->data, part);
        drop_front(wire, part);
        got += part;
    }
    return got;
}

static const TestReply *record(TestServer *server, TestRequest request)
{
    pthread_mutex_lock(&server->lock);
    size_t number = server->request_count++;
    if (number < KEPT_REQUESTS)
        server->requests[number] = request;
    pthread_mutex_unlock(&server->lock);
    if (number >= KEPT_REQUESTS) {
        free(request.head);
        free(request.body);
    }
    return &server->replies[MIN(number, server->reply_count - 1)];
}

/* The reply to come is needed to know how much of the body to read; one connection at a time uses such scripts. */
static const TestReply *next_reply(TestServer *server)
{
    pthread_mutex_lock(&server->lock);
    size_t number = server->request_count;
    pthread_mutex_unlock(&server->lock);
    return &server->replies[MIN(number, server->reply_count - 1)];
}

static void reset_on_close(int fd)
{
    struct linger linger = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

static bool send_reply(Wire *wire, const TestReply *reply)
{
    if (reply->text && !send_text(wire, reply->text, reply->drip_ms))
        return false;
    if (!send_pattern(wire, reply->pattern_from, reply->pattern_bytes))
        return false;
    if (reply->endless)
        send_endless(wire, reply->endless);
    return true;
}

static void read_and_drop(Wire *wire, size_t bytes)
{
    uint8_t piece[4096];
    size_t got = 1;

    for (; bytes > 0 && got > 0; bytes -= got)
        got = read_body(wire, piece, MIN(bytes, sizeof piece));
}

/* False: the connection is over. */
static bool serve_one(TestServer *server, Wire *wire)
{
    char *head = read_head(wire);
    if (!head)
        return false;
    const TestReply *reply = next_reply(server);
    size_t length = content_length(head), wanted = reply->early ? 0 : length;
    if (reply->reset_after_body_bytes > 0)
        wanted = MIN(wanted, reply->reset_after_body_bytes);
    TestRequest request = {.head = head, .body = malloc(wanted + 1)};
    ASSERT(request.body);
    request.body_bytes = read_body(wire, request.body, wanted);
    reply = record(server, request);

    bool goes_on = reply->reset_after_body_bytes == 0 && send_reply(wire, reply);
    if (goes_on && reply->early)
        read_and_drop(wire, length);
    if (reply->end == TEST_RESET || reply->reset_after_body_bytes > 0)
        reset_on_close(wire->fd);
    return goes_on && reply->end == TEST_KEEP;
}

static void connection_body(void *context)
{
    Connection *connection = context;
    Wire *wire = calloc(1, sizeof *wire);
    bool works = true;

    ASSERT(wire);
    wire->fd = connection->fd;
    if (connection->server->tls) {
        wire->tls = test_tls_accept(connection->server->tls, connection->fd);
        works = wire->tls != NULL;
    }
    while (works)
        works = serve_one(connection->server, wire);
    test_tls_close(wire->tls);
    free(wire);

    pthread_mutex_lock(&connection->server->lock);
    close(connection->fd);
    connection->fd = -1;
    pthread_mutex_unlock(&connection->server->lock);
}

static void acceptor_body(void *context)
{
    TestServer *server = context;
    int fd;

    while ((fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        pthread_mutex_lock(&server->lock);
        ASSERT(server->accepts < CONNECTIONS_MAX);
        Connection *connection = &server->connections[server->accepts++];
        *connection = (Connection){.server = server, .fd = fd};
        Error *error =
            server->stopping ? NULL : thread_start(&connection->thread, "test-conn", connection_body, connection);
        if (error || server->stopping)
            close(fd);
        error_free(error);
        pthread_mutex_unlock(&server->lock);
    }
}

/* ---- start and end ---- */

static TestServer *server_new(const char *host, unsigned port, const TestReply *replies, size_t count)
{
    TestServer *server = calloc(1, sizeof *server);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = inet_addr(host)};
    socklen_t address_bytes = sizeof address;

    ASSERT(server && count > 0);
    server->replies = replies;
    server->reply_count = count;
    pthread_mutex_init(&server->lock, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(server->listener >= 0);
    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    ASSERT(bind(server->listener, (struct sockaddr *)&address, sizeof address) == 0);
    ASSERT(listen(server->listener, 1024) == 0);
    ASSERT(getsockname(server->listener, (struct sockaddr *)&address, &address_bytes) == 0);
    server->port = ntohs(address.sin_port);
    return server;
}

static void start(TestServer *server)
{
    Error *error = thread_start(&server->acceptor, "test-accept", acceptor_body, server);

    ASSERT(!error);
}

TestServer *test_server_new(const TestReply *replies, size_t count)
{
    TestServer *server = server_new("127.0.0.1", 0, replies, count);

    start(server);
    return server;
}

TestServer *test_server_new_beside(const TestServer *server, const char *address, const TestReply *replies,
                                   size_t count)
{
    TestServer *beside = server_new(address, server->port, replies, count);

    start(beside);
    return beside;
}

TestServer *test_server_new_tls(const TestReply *replies, size_t count, char *ret_ca_file)
{
    TestServer *server = server_new("127.0.0.1", 0, replies, count);

    server->tls = test_tls_new(ret_ca_file);
    start(server);
    return server;
}

void test_server_free(TestServer *server)
{
    if (!server)
        return;
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    for (size_t i = 0; i < server->accepts; i++)
        if (server->connections[i].fd >= 0)
            shutdown(server->connections[i].fd, SHUT_RDWR);
    pthread_mutex_unlock(&server->lock);
    shutdown(server->listener, SHUT_RDWR);
    thread_join(&server->acceptor);
    close(server->listener);
    for (size_t i = 0; i < server->accepts; i++)
        thread_join(&server->connections[i].thread);
    for (size_t i = 0; i < MIN(server->request_count, (size_t)KEPT_REQUESTS); i++) {
        free(server->requests[i].head);
        free(server->requests[i].body);
    }
    test_tls_free(server->tls);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

unsigned test_server_port(const TestServer *server)
{
    return server->port;
}

size_t test_server_accepts(TestServer *server)
{
    pthread_mutex_lock(&server->lock);
    size_t accepts = server->accepts;
    pthread_mutex_unlock(&server->lock);
    return accepts;
}

size_t test_server_requests(TestServer *server)
{
    pthread_mutex_lock(&server->lock);
    size_t count = server->request_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

const TestRequest *test_server_request(TestServer *server, size_t i)
{
    pthread_mutex_lock(&server->lock);
    ASSERT(i < server->request_count && i < KEPT_REQUESTS);
    const TestRequest *request = &server->requests[i];
    pthread_mutex_unlock(&server->lock);
    return request;
}
