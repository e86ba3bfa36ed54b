/* connection.h - connections that libcurl opens (names, addresses, tunnels, TLS) and that carry our own reading and writing. Inside http/ only.
 *
 * libcurl prints the head of a request byte by byte, looks for every one of its features in each transfer, and costs several times what the kernel
 * takes for a small request; so it only connects (CURLOPT_CONNECT_ONLY). Kept connections wait in the order of their last use. One network thread. */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include <curl/curl.h>

#include "http/events.h"
#include "http/http.h"

typedef struct Connection Connection;
typedef struct Connections Connections;

/* All borrowed. */
typedef struct ConnectionsSettings {
    const HttpOptions *options;
    CURLM *multi;
    CURLSH *share; /* of TLS sessions */
    Events *events;
    size_t connections_max; /* in use and kept */
} ConnectionsSettings;

/* Errors: NO_MEMORY. */
MUST_USE Error *connections_new(const ConnectionsSettings *settings, Connections **ret_connections);
/* None may be in use. NULL is allowed. */
void connections_free(Connections *connections);

/* "https://host:port" or without a port, as URLs begin. */
typedef struct Origin {
    Str text;
    bool tls;
    bool is_proxy; /* not the server that the client's CA and verify_tls are about: verified as everybody is */
} Origin;

/* How one is opened; differs from exchange to exchange. */
typedef struct ConnectLimits {
    bool proxy_free; /* else libcurl looks for a proxy in the environment */
    bool fresh;      /* by a name looked up anew */
    unsigned connect_timeout_ms;
} ConnectLimits;

/* One that is idle and neither too long so nor too old, nor has anything to say; `owner`'s until it is given back or closed; NULL: there is none. */
Connection *connections_take(Connections *connections, Origin origin, bool proxy_free, int64_t now_us, void *owner);
/* Begins to open one, in place of the one that has been idle for the longest time where there are connections_max. libcurl's message about its handle (connection_of_easy) says when it is open, or why not. Errors: NO_MEMORY. */
MUST_USE Error *connections_open(Connections *connections, Origin origin, const ConnectLimits *limits, int64_t now_us,
                                 void *owner, Connection **ret_connection);
/* Whose message it is. */
Connection *connection_of_easy(CURL *easy);
/* It is open: readable from now on. Errors as libcurl's codes. */
CURLcode connection_opened(Connection *connection);
/* A complete answer has been read from it, and nothing more. */
void connections_give_back(Connections *connections, Connection *connection, int64_t now_us);
/* At once, whatever it does. */
void connections_close(Connections *connections, Connection *connection);
/* Closes those that have been idle for too long. */
void connections_prune(Connections *connections, int64_t now_us);
/* Something happened on an idle one: it is closed unless there is nothing to read after all. */
void connections_idle_event(Connections *connections, Connection *connection);

/* How many addresses have taken it; once libcurl's message has come. */
uint64_t connection_attempts(const Connection *connection);
bool connection_is_tls(const Connection *connection);
void *connection_owner(const Connection *connection);
/* libcurl's own words about the last failure; may be empty. */
const char *connection_detail(const Connection *connection);

/* Both: what could be moved, at least a byte; CURLE_AGAIN: nothing can just now. */
CURLcode connection_send(Connection *connection, Bytes data, size_t *ret_sent);
/* 0 bytes: the other side has ended it. */
CURLcode connection_receive(Connection *connection, uint8_t *out, size_t len, size_t *ret_received);
/* What its owner is told of it by events_act. */
typedef enum ConnectionWatch {
    WATCH_NOTHING, /* nor that it has broken */
    WATCH_READ,
    WATCH_READ_AND_WRITE,
} ConnectionWatch;
void connection_watch(Connection *connection, ConnectionWatch watch);

#endif
