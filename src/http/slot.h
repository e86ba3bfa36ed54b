/* slot.h - what performs attempts, one after the other: an exchange's callbacks on a lane. Inside http/ only; one network thread. */
#ifndef HTTP_SLOT_H
#define HTTP_SLOT_H

#include <curl/curl.h>

#include "http/bandwidth.h"
#include "http/connection.h"
#include "http/http.h"
#include "http/proxy.h"

/* Written by one network thread, read by any. */
typedef struct LiveCounters {
    _Atomic uint64_t requests, retries, bytes_in, bytes_out, connects, wait_us, hedges, hedges_won, limit, limit_cause;
} LiveCounters;

static inline void live_add(_Atomic uint64_t *counter, uint64_t more)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + more, memory_order_relaxed);
}

enum { SLOT_PIECE_BYTES = 64 * 1024, SLOT_LARGE_PIECE_BYTES = 256 * 1024 };

/* Fixed, and shared by the slots of one network thread. */
typedef struct SlotShared {
    const HttpOptions *options;
    const Proxy *proxy;
    Connections *connections;
    Buffer *pieces; /* by `large`: where answers pass through, of the sizes above */
    LiveCounters *counters;
    Bandwidth *bandwidth; /* what all of them may move */
    unsigned *lost;       /* counts slots that were overtaken by their twin, and wait to be dropped */
} SlotShared;

typedef struct Slot Slot;

/* Errors: NO_MEMORY. */
MUST_USE Error *slot_new(const SlotShared *shared, bool large, Slot **ret_slot);
void slot_free(Slot *slot); /* idle; NULL is allowed */

HttpExchange *slot_exchange(const Slot *slot);
/* Which of its owner's lists it is in, and where. */
typedef struct SlotPlace {
    size_t index;
    bool large;
    int64_t begun_us; /* the attempt, by the owner's clock */
} SlotPlace;
SlotPlace *slot_place(Slot *slot);

/* Asks the exchange for its request. Errors: those of prepare, INVALID (the URL), NO_MEMORY; final. */
MUST_USE Error *slot_begin(Slot *slot, HttpExchange *exchange);

/* All of these: CURLE_AGAIN: the attempt goes on; else it has ended, with success or not, and slot_end says how. */
/* On a kept connection, or a new one. */
CURLcode slot_start(Slot *slot, int64_t now_us);
/* libcurl has opened the connection, or given up. */
CURLcode slot_opened(Slot *slot, CURLcode code, int64_t now_us);
CURLcode slot_go_on(Slot *slot, bool readable, bool writable, int64_t now_us);
/* From time to time: CURLE_OPERATION_TIMEDOUT for what stalls or takes too long. */
CURLcode slot_check(Slot *slot, int64_t now_us);
/* Lets an attempt go on whose sink was full. */
CURLcode slot_resume_if_paused(Slot *slot, int64_t now_us);
/* The same for one that waits for bandwidth. */
CURLcode slot_resume_if_starved(Slot *slot, int64_t now_us);
bool slot_is_starved(const Slot *slot);

/* Sends the request of `first` a second time: the one whose answer begins first is the exchange's, the other becomes lost. Errors: those
 * of prepare; `first` goes on. */
MUST_USE Error *slot_hedge(Slot *slot, Slot *first);
/* The other of the two; NULL for one alone. */
Slot *slot_twin(const Slot *slot);
bool slot_is_lost(const Slot *slot);
bool slot_is_connecting(const Slot *slot);
/* For how long; 0: it does not. */
int64_t slot_connecting_us(const Slot *slot, int64_t now_us);
/* It wants another turn, whatever epoll says. */
bool slot_has_more(const Slot *slot);
/* Nothing of an answer has come. */
bool slot_is_silent(const Slot *slot);

typedef struct Outcome {
    HttpVerdict verdict;
    bool lookup;        /* the host's name was not resolved */
    bool no_connection; /* nobody took it at the address */
    bool transport;     /* no complete answer came */
    Error *error;       /* the cause; NULL for HTTP_ACCEPT, and where there is none to tell */
} Outcome;

/* The attempt ended with `code`: what became of it. The slot is free afterwards. */
Outcome slot_end(Slot *slot, CURLcode code, int64_t now_us);
/* The same for one that is given up; a twin is alone then. */
void slot_drop(Slot *slot);

#endif
