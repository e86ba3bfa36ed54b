#include "http/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct Connection {
    CURL *
        easy; /* has the socket and TLS; its transfer is over, but it stays in the multi handle for as long as the connection lives */
    Connections *connections;
    int socket; /* -1: not open yet */
    bool tls;
    bool proxy_free;
    ConnectionWatch watch;
    int64_t born_us, idle_us;
    void *owner; /* NULL: idle */
    char detail[CURL_ERROR_SIZE];
    char *origin;
};

struct Connections {
    CURLM *multi;
    Events *events;
    const EasyShared *shared;
    Connection **idle; /* the last used one last */
    size_t idle_count, idle_max;
};

Error *connections_new(CURLM *multi, Events *events, const EasyShared *shared, size_t idle_max,
                       Connections **ret_connections)
{
    Connections *connections = calloc(1, sizeof *connections);
    Connection **idle = calloc(idle_max, sizeof(Connection *));

    if (!connections || !idle) {
        free(connections);
        free(idle);
        return FAIL(NO_MEMORY, "no memory for %zu connections", idle_max);
    }
    *connections =
        (Connections){.multi = multi, .events = events, .shared = shared, .idle = idle, .idle_max = idle_max};
    *ret_connections = connections;
    return NULL;
}

void connections_free(Connections *connections)
{
    if (!connections)
        return;
    while (connections->idle_count > 0)
        connections_close(connections, connections->idle[--connections->idle_count]);
    free(connections->idle);
    free(connections);
}

/* ---- opening and closing ---- */

static CURLcode set_up(Connection *connection, const EasyLimits *limits)
{
    CURL *easy = connection->easy;
    CURLcode code = easy_set_fixed(easy, connection->connections->shared, connection->detail);

    if (code == CURLE_OK)
        code = easy_set_limits(easy, limits);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_URL, connection->origin);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PRIVATE, connection);
    return code;
}

static void free_connection(Connection *connection)
{
    curl_easy_cleanup(connection->easy);
    free(connection->origin);
    free(connection);
}

Error *connections_open(Connections *connections, Origin origin, const EasyLimits *limits, int64_t now_us, void *owner,
                        Connection **ret_connection)
{
    Connection *connection = calloc(1, sizeof *connection);
    CURL *easy = curl_easy_init();
    char *text = strndup(origin.text.data, origin.text.len);

    if (!connection || !easy || !text) {
        free(connection);
        free(text);
        curl_easy_cleanup(easy);
        return FAIL(NO_MEMORY, "no memory for a connection");
    }
    *connection = (Connection){
        .easy = easy,
        .connections = connections,
        .socket = -1,
        .tls = origin.tls,
        .proxy_free = limits->proxy_free,
        .born_us = now_us,
        .owner = owner,
        .origin = text,
    };
    if (set_up(connection, limits) != CURLE_OK || curl_multi_add_handle(connections->multi, easy) != CURLM_OK) {
        free_connection(connection);
        return FAIL(NO_MEMORY, "no memory for a connection");
    }
    *ret_connection = connection;
    return NULL;
}

CURLcode connection_opened(Connection *connection)
{
    ASSERT(connection->socket < 0);
    curl_socket_t socket = CURL_SOCKET_BAD;
    uint8_t nothing[1];
    size_t received = 0;

    if (curl_easy_getinfo(connection->easy, CURLINFO_ACTIVESOCKET, &socket) != CURLE_OK || socket == CURL_SOCKET_BAD)
        return CURLE_COULDNT_CONNECT;
    /* libcurl drops connections that look dead while nobody has ever used them; and nobody may speak before us. */
    CURLcode code = curl_easy_recv(connection->easy, nothing, sizeof nothing, &received);
    if (code != CURLE_AGAIN)
        return code == CURLE_OK && received > 0 ? CURLE_WEIRD_SERVER_REPLY : CURLE_RECV_ERROR;
    connection->socket = socket;
    connection_watch(connection, WATCH_READ);
    return CURLE_OK;
}

void connections_close(Connections *connections, Connection *connection)
{
    connection_watch(connection, WATCH_NOTHING);
    curl_multi_remove_handle(connections->multi, connection->easy);
    free_connection(connection);
}

/* ---- kept ones ---- */

static bool is_old(const Connections *connections, const Connection *connection, int64_t now_us)
{
    const HttpOptions *options = connections->shared->options;
    return now_us - connection->idle_us >= (int64_t)options->idle_max_s * 1000000
           || now_us - connection->born_us >= (int64_t)options->connection_max_s * 1000000;
}

/* Keeps the order. */
static void take_out(Connections *connections, size_t at)
{
    connections->idle_count--;
    memmove(&connections->idle[at], &connections->idle[at + 1],
            (connections->idle_count - at) * sizeof *connections->idle);
}

static void close_idle(Connections *connections, size_t at)
{
    Connection *connection = connections->idle[at];
    take_out(connections, at);
    connections_close(connections, connection);
}

void connections_prune(Connections *connections, int64_t now_us)
{
    for (size_t i = connections->idle_count; i-- > 0;)
        if (is_old(connections, connections->idle[i], now_us))
            close_idle(connections, i);
}

static bool leads_to(const Connection *connection, Origin origin, bool proxy_free)
{
    return connection->proxy_free == proxy_free && str_equal(str_of(connection->origin), origin.text);
}

Connection *connections_take(Connections *connections, Origin origin, bool proxy_free, int64_t now_us, void *owner)
{
    for (size_t i = connections->idle_count; i-- > 0;) {
        Connection *connection = connections->idle[i];
        if (!leads_to(connection, origin, proxy_free))
            continue;
        if (is_old(connections, connection, now_us)) {
            close_idle(connections, i);
            continue;
        }
        take_out(connections, i);
        connection->owner = owner;
        return connection;
    }
    return NULL;
}

void connections_give_back(Connections *connections, Connection *connection, int64_t now_us)
{
    connection->owner = NULL;
    connection->idle_us = now_us;
    connection_watch(connection, WATCH_READ);
    if (connections->idle_count == connections->idle_max)
        close_idle(connections, 0);
    connections->idle[connections->idle_count++] = connection;
}

void connections_idle_event(Connections *connections, Connection *connection)
{
    uint8_t byte[1];
    size_t received;

    if (connection_receive(connection, byte, sizeof byte, &received) == CURLE_AGAIN)
        return; /* TLS has something to say to itself */
    for (size_t i = connections->idle_count; i-- > 0;)
        if (connections->idle[i] == connection)
            close_idle(connections, i);
}

void *connection_owner(const Connection *connection)
{
    return connection->owner;
}

Connection *connection_of_easy(CURL *easy)
{
    char *connection = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &connection);
    return (Connection *)(void *)connection;
}

uint64_t connection_attempts(const Connection *connection)
{
    long connects = 0;
    return curl_easy_getinfo(connection->easy, CURLINFO_NUM_CONNECTS, &connects) == CURLE_OK && connects > 0
               ? (uint64_t)connects
               : 0;
}

const char *connection_detail(const Connection *connection)
{
    return connection->detail;
}

/* ---- bytes ---- */

static CURLcode code_of_errno(CURLcode failure)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? CURLE_AGAIN : failure;
}

/* What the system says, for messages. */
static CURLcode failed(Connection *connection, CURLcode failure, const char *what)
{
    CURLcode code = code_of_errno(failure);
    char text[128];

    if (code != CURLE_AGAIN)
        snprintf(connection->detail, sizeof connection->detail, "%s failure: %s", what,
                 strerror_r(errno, text, sizeof text));
    return code;
}

CURLcode connection_send(Connection *connection, Bytes data, size_t *ret_sent)
{
    if (connection->tls)
        return curl_easy_send(connection->easy, data.data, data.len, ret_sent);
    ssize_t sent = send(connection->socket, data.data, data.len, MSG_NOSIGNAL);
    if (sent < 0)
        return failed(connection, CURLE_SEND_ERROR, "Send");
    *ret_sent = (size_t)sent;
    return CURLE_OK;
}

CURLcode connection_receive(Connection *connection, uint8_t *out, size_t len, size_t *ret_received)
{
    if (connection->tls)
        return curl_easy_recv(connection->easy, out, len, ret_received);
    ssize_t received = recv(connection->socket, out, len, 0);
    if (received < 0)
        return failed(connection, CURLE_RECV_ERROR, "Recv");
    *ret_received = (size_t)received;
    return CURLE_OK;
}

/* A socket that is in the set has errors told, whatever was asked for; so a paused one is not in it. */
void connection_watch(Connection *connection, ConnectionWatch watch)
{
    Events *events = connection->connections->events;
    uint32_t mask = watch == WATCH_READ_AND_WRITE ? EPOLLIN | EPOLLOUT : EPOLLIN;

    if (connection->watch == watch)
        return;
    if (watch == WATCH_NOTHING)
        events_forget(events, connection->socket, connection);
    else if (connection->watch == WATCH_NOTHING)
        events_watch(events, connection->socket, mask, connection);
    else
        events_change(events, connection->socket, mask, connection);
    connection->watch = watch;
}
