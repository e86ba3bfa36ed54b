#include "http/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KEEPALIVE_S = 60 };
/* Short, since each lookup shuffles the addresses: connections made at different times go to different ones. Not 0, for servers that close
 * after each answer. */
enum { DNS_CACHE_S = 1 };

struct Connection {
    CURL *
        easy; /* has the socket and TLS; its transfer is over, but it stays in the multi handle for as long as the connection lives */
    Connections *connections;
    int socket; /* -1: not open yet */
    bool tls;
    bool proxy_free, is_proxy;
    ConnectionWatch watch;
    int64_t born_us, idle_us;
    void *owner; /* NULL: idle */
    char detail[CURL_ERROR_SIZE];
    char *origin;
};

struct Connections {
    ConnectionsSettings settings;
    Connection **idle;             /* the last used one last */
    size_t idle_count, used_count; /* used: opening, too */
};

Error *connections_new(const ConnectionsSettings *settings, Connections **ret_connections)
{
    Connections *connections = calloc(1, sizeof *connections);
    Connection **idle = calloc(settings->connections_max, sizeof(Connection *));

    if (!connections || !idle) {
        free(connections);
        free(idle);
        return FAIL(NO_MEMORY, "no memory for %zu connections", settings->connections_max);
    }
    *connections = (Connections){.settings = *settings, .idle = idle};
    *ret_connections = connections;
    return NULL;
}

/* ---- opening and closing ---- */

/* The options cannot fail but for memory, which the first failure tells. libcurl copies strings. */
static CURLcode set_up(Connection *connection, const ConnectLimits *limits)
{
    const HttpOptions *options = connection->connections->settings.options;
    CURL *easy = connection->easy;
    CURLcode first = CURLE_OK;
#define SET(option, value)                                                                                             \
    do {                                                                                                               \
        CURLcode set_code = curl_easy_setopt(easy, option, value);                                                     \
        if (first == CURLE_OK)                                                                                         \
            first = set_code;                                                                                          \
    } while (0)

    SET(CURLOPT_URL, connection->origin);
    SET(CURLOPT_CONNECT_ONLY, 1L);
    SET(CURLOPT_PRIVATE, connection);
    SET(CURLOPT_ERRORBUFFER, connection->detail);
    SET(CURLOPT_SHARE, connection->connections->settings.share);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* giving up on a slow name server must not stop this thread's other transfers */
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1); /* what TLS offers (ALPN) */
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_USERAGENT, options->user_agent); /* for a proxy's CONNECT */
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
    SET(CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
    bool verifies = options->verify_tls || connection->is_proxy;
    SET(CURLOPT_SSL_VERIFYPEER, verifies ? 1L : 0L);
    SET(CURLOPT_SSL_VERIFYHOST, verifies ? 2L : 0L);
    if (options->ca_file && !connection->is_proxy)
        SET(CURLOPT_CAINFO, options->ca_file);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)limits->connect_timeout_ms);
    SET(CURLOPT_DNS_CACHE_TIMEOUT, limits->fresh ? 0L : (long)DNS_CACHE_S);
    SET(CURLOPT_PROXY, limits->proxy_free ? "" : NULL); /* NULL: what the environment says */
#undef SET
    return first;
}

static void free_connection(Connection *connection)
{
    curl_easy_cleanup(connection->easy);
    free(connection->origin);
    free(connection);
}

static void close_connection(Connections *connections, Connection *connection)
{
    connection_watch(connection, WATCH_NOTHING);
    curl_multi_remove_handle(connections->settings.multi, connection->easy);
    free_connection(connection);
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
    close_connection(connections, connection);
}

static void make_room(Connections *connections)
{
    while (connections->idle_count > 0
           && connections->idle_count + connections->used_count >= connections->settings.connections_max)
        close_idle(connections, 0);
}

Error *connections_open(Connections *connections, Origin origin, const ConnectLimits *limits, int64_t now_us,
                        void *owner, Connection **ret_connection)
{
    make_room(connections);
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
        .is_proxy = origin.is_proxy,
        .born_us = now_us,
        .owner = owner,
        .origin = text,
    };
    if (set_up(connection, limits) != CURLE_OK
        || curl_multi_add_handle(connections->settings.multi, easy) != CURLM_OK) {
        free_connection(connection);
        return FAIL(NO_MEMORY, "no memory for a connection");
    }
    connections->used_count++;
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
    if (code == CURLE_OK && received > 0) { /* as servers of mail and of SSH do */
        snprintf(connection->detail, sizeof connection->detail, "the server speaks before it is asked");
        return CURLE_UNSUPPORTED_PROTOCOL;
    }
    if (code != CURLE_AGAIN)
        return CURLE_RECV_ERROR;
    connection->socket = socket;
    connection_watch(connection, WATCH_READ);
    return CURLE_OK;
}

void connections_free(Connections *connections)
{
    if (!connections)
        return;
    while (connections->idle_count > 0)
        close_connection(connections, connections->idle[--connections->idle_count]);
    free(connections->idle);
    free(connections);
}

void connections_close(Connections *connections, Connection *connection)
{
    connections->used_count--;
    close_connection(connections, connection);
}

/* ---- kept ones ---- */

static bool is_old(const Connections *connections, const Connection *connection, int64_t now_us)
{
    const HttpOptions *options = connections->settings.options;
    return now_us - connection->idle_us >= (int64_t)options->idle_max_s * 1000000
           || now_us - connection->born_us >= (int64_t)options->connection_max_s * 1000000;
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

/* Whatever it has to say, it is none of the next answer (RFC 9112 9.2). */
static bool is_silent(Connection *connection)
{
    uint8_t byte[1];
    size_t received;
    return connection_receive(connection, byte, sizeof byte, &received) == CURLE_AGAIN;
}

Connection *connections_take(Connections *connections, Origin origin, bool proxy_free, int64_t now_us, void *owner)
{
    for (size_t i = connections->idle_count; i-- > 0;) {
        Connection *connection = connections->idle[i];
        if (!leads_to(connection, origin, proxy_free))
            continue;
        if (is_old(connections, connection, now_us) || !is_silent(connection)) {
            close_idle(connections, i);
            continue;
        }
        take_out(connections, i);
        connections->used_count++;
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
    ASSERT(connections->idle_count < connections->settings.connections_max); /* make_room, when it was opened */
    connections->used_count--;
    connections->idle[connections->idle_count++] = connection;
}

void connections_idle_event(Connections *connections, Connection *connection)
{
    if (is_silent(connection))
        return; /* TLS had something to say to itself */
    for (size_t i = connections->idle_count; i-- > 0;)
        if (connections->idle[i] == connection)
            close_idle(connections, i);
}

bool connection_is_tls(const Connection *connection)
{
    return connection->tls;
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
    Events *events = connection->connections->settings.events;
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
