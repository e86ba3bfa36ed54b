/* slot.h - one libcurl easy handle that performs attempts, one after the other. Inside http/ only; one network thread. */
#ifndef HTTP_SLOT_H
#define HTTP_SLOT_H

#include <curl/curl.h>

#include "http/bandwidth.h"
#include "http/http.h"

/* Written by one network thread, read by any. */
typedef struct LiveCounters {
    _Atomic uint64_t requests, retries, bytes_in, bytes_out, connects, wait_us, hedges, hedges_won, limit, limit_cause;
} LiveCounters;

static inline void live_add(_Atomic uint64_t *counter, uint64_t more)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + more, memory_order_relaxed);
}

/* Fixed, and shared by the slots of one network thread. */
typedef struct SlotShared {
    const HttpOptions *options;
    CURLSH *share;
    LiveCounters *counters;
    bool environment_proxies; /* the usual variables name one; if not, libcurl need not look for each transfer */
    Bandwidth *bandwidth;     /* what all of them may move */
    unsigned *lost;           /* counts slots that were overtaken by their twin, and wait to be dropped */
} SlotShared;

typedef struct Slot Slot;

/* Errors: NO_MEMORY. */
MUST_USE Error *slot_new(const SlotShared *shared, bool large, Slot **ret_slot);
void slot_free(Slot *slot); /* its handle must be out of the multi handle; NULL is allowed */

CURL *slot_easy(const Slot *slot);
Slot *slot_of_easy(CURL *easy);
HttpExchange *slot_exchange(const Slot *slot);
/* Which of its owner's lists it is in, and where. */
typedef struct SlotPlace {
    size_t index;
    bool large;
    int64_t begun_us; /* the attempt, by the owner's clock */
} SlotPlace;
SlotPlace *slot_place(Slot *slot);

/* Asks the exchange for its request and sets the handle up for it. Errors: those of prepare, final. */
MUST_USE Error *slot_begin(Slot *slot, HttpExchange *exchange);

/* Sends the request of `first` a second time: the one whose answer begins first is the exchange's, the other becomes lost. Errors: those
 * of prepare; `first` goes on. */
MUST_USE Error *slot_hedge(Slot *slot, Slot *first);
/* The other of the two; NULL for one alone. */
Slot *slot_twin(const Slot *slot);
bool slot_is_lost(const Slot *slot);
/* Nothing of an answer has come. */
bool slot_is_silent(const Slot *slot);

typedef struct Outcome {
    HttpVerdict verdict;
    bool lookup;        /* the host's name was not resolved */
    bool no_connection; /* nobody took it at the address */
    bool transport;     /* no complete answer came */
    Error *error;       /* the cause; NULL for HTTP_ACCEPT, and where there is none to tell */
} Outcome;

/* The transfer ended with `code` and its handle is out of the multi handle: what became of it. The slot is free afterwards. */
Outcome slot_end(Slot *slot, CURLcode code);
/* The same for a transfer that is given up; a twin is alone then. */
void slot_drop(Slot *slot);

/* Lets a transfer go on whose sink was full. */
void slot_resume_if_paused(Slot *slot);
/* The same for one that waits for bandwidth. */
void slot_resume_if_starved(Slot *slot);
bool slot_is_starved(const Slot *slot);

#endif
