/* network.h - a thread that takes exchanges in, attempts them, waits, repeats, hands them back. Inside http/ only. */
#ifndef HTTP_NETWORK_H
#define HTTP_NETWORK_H

#include "http/http.h"
#include "http/slot.h"

typedef struct Network Network;

typedef struct NetworkSettings {
    const HttpOptions *options; /* borrowed, as the next */
    RetryBudget *budget;
    unsigned connections_max;   /* this thread's part */
    unsigned index;             /* of this thread */
    const Proxy *proxy;         /* borrowed */
    double requests_per_second; /* this thread's part; 0: as many as can be */
    double bytes_per_second;    /* the same */
} NetworkSettings;

/* Errors: NO_MEMORY, UNAVAILABLE. */
MUST_USE Error *network_start(const NetworkSettings *settings, Network **ret_network);
/* Joins the thread; nothing may be in flight. NULL is allowed. */
void network_free(Network *network);

/* Takes the exchange over; it comes back through its completions. Any thread. */
void network_submit(Network *network, HttpExchange *exchange);
/* A sink has room again, or a cancel was raised that should be seen at once. Any thread. */
void network_poke(Network *network);

const LiveCounters *network_counters(const Network *network);

#endif
