#include "http/network.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/thread.h"
#include "base/time_text.h"
#include "http/completions.h"
#include "http/events.h"
#include "http/hedge.h"
#include "http/pace.h"
#include "http/slot_pool.h"

enum { IDLE_POLL_MS = 10000, LOOKUPS_MAX = 3, HEDGE_POLL_MS = 10 };

static const double BUSY = 0.9;

struct Network {
    /* fixed before start */
    HttpOptions options;
    RetryBudget *budget;
    CURLM *multi; /* in which connections are opened */
    CURLSH *share;
    Events *events;
    SlotShared shared;
    Connections *connections;
    Buffer pieces[2]; /* plain, large: what passes through */
    Thread thread;
    LiveCounters counters; /* written by the thread */

    pthread_mutex_t lock;
    ExchangeList incoming; /* under lock, as the next three */
    bool sleeping;         /* in events_wait, or about to be: wants a wake-up */
    bool poked;
    bool stopping;

    /* the thread's alone */
    Random random;
    SlotPool slots;
    ExchangeList ready; /* may start as soon as there is a slot */
    WaitHeap waiting;
    ExchangeList ended; /* of this round */
    int64_t now_us, cancel_checked_us, active_checked_us;
    int64_t held_since_us; /* the open circuit keeps `ready` waiting; 0: it does not */
    int64_t hold_until_us;
    Error *held_cause;
    Pace pace;
    int64_t cpu_us; /* of this thread at the beginning of the pace's window */
    double busy;    /* the part of the last window that it had the processor */
    bool answered;  /* by a server, once: a name that is not resolved after that is not a name that was mistyped */
    Bandwidth bandwidth;
    size_t fed; /* the turn of the slots when bandwidth comes free */
    Hedge hedge;
    int64_t hedged_us; /* when slow ones were last looked for */
    unsigned lost;     /* slots that their twin has overtaken */
    bool more;         /* some slots want another turn at once */
};

/* ---- the end of an exchange ---- */

static void end_exchange(Network *network, HttpExchange *exchange, Error *take_error)
{
    if (take_error && exchange->sink.calls && exchange->sink.calls->forget)
        exchange->sink.calls->forget(exchange->sink.context);
    exchange->error = take_error;
    exchange_list_append(&network->ended, exchange);
}

/* ---- trying again ---- */

/* A body that came forward earns its exchange a new count of attempts, so that a large one survives a bad network. */
static void note_progress(HttpExchange *exchange)
{
    if (exchange->body_received_bytes < exchange->progress_bytes + RETRY_PROGRESS_BYTES)
        return;
    exchange->progress_bytes = exchange->body_received_bytes;
    exchange->tries = 1;
}

static unsigned attempts_max(const Network *network, const HttpExchange *exchange)
{
    return exchange->attempts_max ? exchange->attempts_max : network->options.retry.attempts_max;
}

static void keep_held_cause(Network *network, const Error *cause)
{
    if (!atomic_load_explicit(&network->budget->open, memory_order_relaxed))
        return;
    error_free(network->held_cause);
    network->held_cause = error_copy(cause);
}

static bool asks_for_less(const HttpExchange *exchange, const Outcome *outcome)
{
    unsigned status = exchange->response.status;
    return !outcome->transport && (outcome->verdict == HTTP_THROTTLED || status == 503 || status == 429);
}

static void try_again(Network *network, HttpExchange *exchange, Outcome outcome)
{
    const RetryPolicy *policy = &network->options.retry;
    RetryKind kind = outcome.verdict == HTTP_THROTTLED ? RETRY_THROTTLE : RETRY_TRANSIENT;

    note_progress(exchange);
    exchange->lookups = outcome.lookup && !network->answered ? exchange->lookups + 1 : 0;
    exchange->stalled = outcome.transport && (outcome.no_connection || error_code(outcome.error) == ERR_TIMEOUT);
    if (exchange->tries >= attempts_max(network, exchange) || exchange->lookups >= LOOKUPS_MAX) {
        end_exchange(network, exchange, outcome.error);
        return;
    }
    int64_t asked_us = outcome.transport ? -1 : exchange->response.retry_after_us;
    int64_t delay_us = retry_delay_us(policy, &network->random, kind, exchange->tries - 1, asked_us);
    if (exchange->waited_us + delay_us > policy->wait_max_us) {
        end_exchange(network, exchange, outcome.error);
        return;
    }

    exchange->waited_us += delay_us;
    exchange->due_us = network->now_us + delay_us;
    exchange->retry_kind = kind;
    exchange->retries_paid++;
    retry_budget_failed(network->budget, kind, network->now_us);
    keep_held_cause(network, outcome.error);
    live_add(&network->counters.wait_us, (uint64_t)delay_us);
    log_debug(network->options.log, "http: %s; again in %" PRId64 " ms", error_message_view(outcome.error),
              delay_us / 1000);
    if (exchange->calls->retrying)
        exchange->calls->retrying(exchange->context, exchange, outcome.error);
    if (wait_heap_push(&network->waiting, exchange))
        error_free(outcome.error);
    else
        end_exchange(network, exchange, outcome.error);
}

static void again_at_once(Network *network, HttpExchange *exchange, Outcome outcome)
{
    if (exchange->agains++ >= HTTP_AGAIN_MAX) {
        end_exchange(network, exchange, outcome.error);
        return;
    }
    log_debug(network->options.log, "http: %s; again at once", error_message_view(outcome.error));
    error_free(outcome.error);
    exchange->tries--;
    exchange_list_append(&network->ready, exchange);
}

static void take_outcome(Network *network, HttpExchange *exchange, Outcome outcome)
{
    network->answered |= !outcome.transport;
    /* Any complete answer but "try later" shows that the endpoint works. */
    if (!outcome.transport
        && (outcome.verdict == HTTP_ACCEPT || outcome.verdict == HTTP_FAIL || outcome.verdict == HTTP_AGAIN))
        retry_budget_succeeded(network->budget, exchange->retry_kind, exchange->retries_paid);

    switch (outcome.verdict) {
    case HTTP_ACCEPT:
    case HTTP_FAIL: end_exchange(network, exchange, outcome.error); break;
    case HTTP_RETRY:
    case HTTP_THROTTLED: try_again(network, exchange, outcome); break;
    case HTTP_AGAIN: again_at_once(network, exchange, outcome); break;
    }
}

/* ---- slots ---- */

/* Gives up what it does, and not the exchange. */
static void drop(Network *network, Slot *slot)
{
    network->lost -= slot_is_lost(slot);
    slot_pool_deactivate(&network->slots, slot);
    slot_drop(slot);
    slot_pool_give_back(&network->slots, slot);
}

static void attempt_ended(Network *network, Slot *slot, CURLcode code)
{
    HttpExchange *exchange = slot_exchange(slot);
    int64_t latency_us = network->now_us - slot_place(slot)->begun_us;

    if (slot_is_lost(slot) || slot_twin(slot)) { /* the other one goes on */
        drop(network, slot);
        return;
    }
    slot_pool_deactivate(&network->slots, slot);
    Outcome outcome = slot_end(slot, code, network->now_us);
    slot_pool_give_back(&network->slots, slot);
    if (!outcome.transport)
        pace_answered(&network->pace, latency_us, exchange->body_received_bytes);
    if (asks_for_less(exchange, &outcome))
        pace_refused(&network->pace, network->now_us);
    if (exchange->may_hedge && !outcome.transport)
        hedge_saw(&network->hedge, latency_us);
    take_outcome(network, exchange, outcome);
}

/* What a slot's call came to. */
static void went_on(Network *network, Slot *slot, CURLcode code)
{
    if (code != CURLE_AGAIN)
        attempt_ended(network, slot, code);
    else if (slot_has_more(slot))
        network->more = true;
}

static void begin_attempt(Network *network, Slot *slot, HttpExchange *exchange)
{
    exchange->attempts++;
    exchange->tries++;
    Error *error = slot_begin(slot, exchange);
    if (error) {
        slot_pool_give_back(&network->slots, slot);
        end_exchange(network, exchange, error);
        return;
    }
    live_add(&network->counters.requests, 1);
    if (exchange->attempts > 1)
        live_add(&network->counters.retries, 1);
    slot_pool_activate(&network->slots, slot, network->now_us);
    if (exchange->may_hedge)
        hedge_request(&network->hedge);
    went_on(network, slot, slot_start(slot, network->now_us));
}

/* ---- the open circuit ---- */

static Error *held_too_long(const Network *network)
{
    char text[TIME_TEXT_BYTES];
    Str held = time_duration(network->now_us - network->held_since_us, text);

    if (network->held_cause)
        return error_wrap(error_copy(network->held_cause), "given up after " STR_FMT " of nothing but failures",
                          STR_ARG(held));
    return FAIL(UNAVAILABLE, "given up after " STR_FMT " of nothing but failures", STR_ARG(held));
}

/* How long the open circuit has kept this one back. */
static int64_t held_us(const Network *network, const HttpExchange *exchange)
{
    return network->held_since_us > 0 ? network->now_us - MAX(network->held_since_us, exchange->due_us) : 0;
}

/* True while nothing may start. */
static bool held_back(Network *network)
{
    if (LIKELY(!atomic_load_explicit(&network->budget->open, memory_order_relaxed))) {
        network->held_since_us = 0;
        return false;
    }
    if (network->held_since_us == 0)
        network->held_since_us = network->now_us;
    int64_t wait_us = retry_budget_wait_us(network->budget, network->now_us);
    if (wait_us > 0)
        network->hold_until_us = network->now_us + wait_us;
    return wait_us > 0;
}

/* ---- one round ---- */

/* True when its caller wants it to wait: then it is among the waiting. */
static bool held_by_caller(Network *network, HttpExchange *exchange)
{
    if (LIKELY(!exchange->calls->held || !exchange->calls->held(exchange->context)))
        return false;
    exchange->due_us = network->now_us + (int64_t)HTTP_HELD_POLL_MS * 1000;
    return wait_heap_push(&network->waiting, exchange); /* without memory: now rather than never */
}

static bool has_room(Network *network)
{
    if (network->slots.active_count < MIN((size_t)pace_limit(&network->pace), network->slots.slots_max))
        return true;
    pace_held_back(&network->pace);
    return false;
}

/* So many a second, and no more. */
static bool must_wait(Network *network)
{
    int64_t wait_us = pace_wait_us(&network->pace, network->now_us);
    if (wait_us > 0)
        network->hold_until_us = network->now_us + wait_us;
    return wait_us > 0;
}

/* Starts what there are connections for; false when that was nothing. */
static bool start_ready(Network *network)
{
    bool started = false;

    network->hold_until_us = 0;
    while (network->ready.first && has_room(network) && !held_back(network)) {
        if (held_by_caller(network, network->ready.first)) {
            exchange_list_take(&network->ready);
            continue;
        }
        if (must_wait(network))
            break;
        Slot *slot = slot_pool_take(&network->slots, network->ready.first->large);
        if (!slot && network->slots.active_count > 0)
            break;
        HttpExchange *exchange = exchange_list_take(&network->ready);
        exchange->waited_us += held_us(network, exchange);
        if (slot)
            begin_attempt(network, slot, exchange);
        else
            end_exchange(network, exchange, FAIL(NO_MEMORY, "no memory for a connection"));
        started = true;
    }
    return started;
}

static void wake_due(Network *network)
{
    while (network->waiting.count > 0 && network->waiting.items[0]->due_us <= network->now_us)
        exchange_list_append(&network->ready, wait_heap_pop(&network->waiting));
}

/* Something happened on a connection. */
static void on_event(void *context, void *owner, bool readable, bool writable)
{
    Network *network = context;
    Connection *connection = owner;
    Slot *slot = connection_owner(connection);

    if (slot)
        went_on(network, slot, slot_go_on(slot, readable, writable, network->now_us));
    else
        connections_idle_event(network->connections, connection);
}

/* Those whose turn was over before all was read. */
static void go_on_with_more(Network *network)
{
    if (LIKELY(!network->more))
        return;
    network->more = false;
    for (size_t i = network->slots.active_count; i-- > 0;) {
        Slot *slot = network->slots.active[i];
        if (slot_has_more(slot))
            went_on(network, slot, slot_go_on(slot, true, false, network->now_us));
    }
}

/* libcurl has opened connections, or failed to. One that was open by then has been given up with all others, for want of a descriptor in the set. */
static void take_opened(Network *network)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(network->multi, &left))) {
        CURLcode code = message->data.result;
        Connection *connection = connection_of_easy(message->easy_handle);
        Slot *slot = connection_owner(connection);
        if (slot && slot_is_connecting(slot))
            went_on(network, slot, slot_opened(slot, code, network->now_us));
        else if (slot)
            attempt_ended(network, slot, CURLE_RECV_ERROR);
        else
            connections_idle_event(network->connections, connection);
    }
}

/* Why one that waits should wait no longer: a stop, or a drain while nothing but probes gets through. */
static Error *wait_ends(const Network *network, const HttpExchange *exchange)
{
    TRY(cancel_check(exchange->cancel));
    return network->held_since_us > 0 && cancel_draining(exchange->cancel) ? held_too_long(network) : NULL;
}

/* The same of one that could start if it were let. */
static Error *ready_ends(const Network *network, const HttpExchange *exchange)
{
    TRY(wait_ends(network, exchange));
    if (exchange->waited_us + held_us(network, exchange) > network->options.retry.wait_max_us)
        return held_too_long(network);
    return NULL;
}

static void prune_ready(Network *network)
{
    ExchangeList kept = {NULL, NULL};
    HttpExchange *exchange;

    while ((exchange = exchange_list_take(&network->ready))) {
        Error *error = ready_ends(network, exchange);
        if (error)
            end_exchange(network, exchange, error);
        else
            exchange_list_append(&kept, exchange);
    }
    network->ready = kept;
}

static void cancel_waiting(Network *network)
{
    WaitHeap *heap = &network->waiting;
    size_t kept = 0;

    for (size_t i = 0; i < heap->count; i++) {
        Error *error = wait_ends(network, heap->items[i]);
        if (error)
            end_exchange(network, heap->items[i], error);
        else
            heap->items[kept++] = heap->items[i];
    }
    wait_heap_shrink(heap, kept);
}

static void cancel_active(Network *network)
{
    for (size_t i = network->slots.active_count; i-- > 0;) {
        Slot *slot = network->slots.active[i];
        HttpExchange *exchange = slot_exchange(slot);
        bool other_goes_on = slot_is_lost(slot) || slot_twin(slot);
        Error *error = cancel_check(exchange->cancel);
        if (!error)
            continue;
        drop(network, slot);
        if (other_goes_on)
            error_free(error); /* comes again with the other one */
        else
            end_exchange(network, exchange, error);
    }
}

/* Looks at every exchange, so not more often than waits have to notice a cancel. */
static void end_unwanted(Network *network, bool now)
{
    if (!now && network->now_us - network->cancel_checked_us < (int64_t)CANCEL_POLL_MS * 1000)
        return;
    network->cancel_checked_us = network->now_us;
    cancel_active(network);
    prune_ready(network);
    cancel_waiting(network);
}

/* Takes over what was submitted and said since. False: stop. */
static bool take_incoming(Network *network)
{
    pthread_mutex_lock(&network->lock);
    network->sleeping = false;
    ExchangeList incoming = network->incoming;
    network->incoming = (ExchangeList){NULL, NULL};
    bool poked = network->poked, stopping = network->stopping;
    network->poked = false;
    pthread_mutex_unlock(&network->lock);

    HttpExchange *exchange;
    while ((exchange = exchange_list_take(&incoming))) {
        exchange->due_us = network->now_us;
        exchange_list_append(&network->ready, exchange);
    }
    end_unwanted(network, poked);
    if (poked)
        for (size_t i = network->slots.active_count; i-- > 0;)
            went_on(network, network->slots.active[i],
                    slot_resume_if_paused(network->slots.active[i], network->now_us));
    return !stopping;
}

/* ---- pace and hedges ---- */

static int64_t thread_cpu_us(void)
{
    struct timespec time;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0)
        return 0;
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void keep_pace(Network *network)
{
    if (!pace_window_over(&network->pace, network->now_us))
        return;
    int64_t cpu_us = thread_cpu_us(), wall_us = MAX(network->now_us - network->pace.begin_us, 1);
    network->busy = (double)(cpu_us - network->cpu_us) / (double)wall_us;
    network->cpu_us = cpu_us;
    HttpLimitCause cause = network->pace.cause;
    pace_window_end(&network->pace, network->now_us, network->busy);
    if (network->pace.cause != cause)
        log_debug(network->options.log, "http: %u requests at once, held by: %s", pace_limit(&network->pace),
                  http_limit_cause_name(network->pace.cause));
    atomic_store_explicit(&network->counters.limit, pace_limit(&network->pace), memory_order_relaxed);
    atomic_store_explicit(&network->counters.limit_cause, (uint64_t)network->pace.cause, memory_order_relaxed);
}

static void drop_lost(Network *network)
{
    for (size_t i = network->slots.active_count; network->lost > 0 && i-- > 0;)
        if (slot_is_lost(network->slots.active[i]))
            drop(network, network->slots.active[i]);
}

static bool is_slow(const Network *network, Slot *slot, int64_t after_us)
{
    return slot_exchange(slot)->may_hedge && slot_is_silent(slot) && !slot_twin(slot)
           && network->now_us - slot_place(slot)->begun_us > after_us;
}

/* False: nothing can be sent just now. */
static bool send_second(Network *network, Slot *first)
{
    Slot *slot = slot_pool_take(&network->slots, slot_place(first)->large);
    if (!slot)
        return false;
    Error *error = slot_hedge(slot, first);
    if (error) {
        error_free(error); /* the first goes on */
        slot_pool_give_back(&network->slots, slot);
        return false;
    }
    slot_pool_activate(&network->slots, slot, network->now_us);
    live_add(&network->counters.requests, 1);
    live_add(&network->counters.hedges, 1);
    went_on(network, slot, slot_start(slot, network->now_us));
    return true;
}

/* Not where the server is asked for too much already, or we are the slow ones. */
static void hedge_slow(Network *network)
{
    if (!network->options.hedge || network->now_us - network->hedged_us < (int64_t)HEDGE_POLL_MS * 1000)
        return;
    network->hedged_us = network->now_us;
    int64_t after_us = hedge_after_us(&network->hedge, !network->ready.first && network->waiting.count == 0);
    if (after_us == 0 || network->busy > BUSY || pace_is_throttled(&network->pace, network->now_us))
        return;
    for (size_t i = network->slots.active_count; i-- > 0;) {
        Slot *slot = network->slots.active[i];
        if (is_slow(network, slot, after_us) && (!hedge_spend(&network->hedge) || !send_second(network, slot)))
            return;
    }
}

/* Hands what has become free to those that wait for it, one after the other, and the next time begins with another one. */
static void feed_starved(Network *network)
{
    if (LIKELY(network->bandwidth.bytes_per_us <= 0))
        return;
    bandwidth_fill(&network->bandwidth, network->now_us);
    for (size_t left = network->slots.active_count; left > 0 && !bandwidth_is_spent(&network->bandwidth); left--) {
        if (network->slots.active_count == 0)
            return;
        Slot *slot = network->slots.active[++network->fed % network->slots.active_count];
        went_on(network, slot, slot_resume_if_starved(slot, network->now_us));
    }
}

static bool somebody_starves(const Network *network)
{
    for (size_t i = 0; i < network->slots.active_count && bandwidth_is_spent(&network->bandwidth); i++)
        if (slot_is_starved(network->slots.active[i]))
            return true;
    return false;
}

static unsigned connect_timeout_ms(const Network *network, const HttpExchange *exchange)
{
    return exchange->connect_timeout_ms ? exchange->connect_timeout_ms : network->options.connect_timeout_ms;
}

/* libcurl gives an address of several half of the time that is left, and then the next one its turn; but 7.88 begins with that one when
 * the transfer is looked at again, and by itself does that when all of the time is over. */
static bool wants_next_address(const Network *network, Slot *slot)
{
    int64_t limit_us = (int64_t)connect_timeout_ms(network, slot_exchange(slot)) * 1000;
    int64_t connecting_us = slot_connecting_us(slot, network->now_us);
    return connecting_us > limit_us / 2 && connecting_us <= limit_us;
}

/* What only time tells: addresses that are silent, attempts that stall, connections that are idle for too long. */
static void check_active(Network *network)
{
    bool next_address = false;

    if (network->now_us - network->active_checked_us < (int64_t)CANCEL_POLL_MS * 1000)
        return;
    network->active_checked_us = network->now_us;
    for (size_t i = network->slots.active_count; i-- > 0;) {
        next_address |= wants_next_address(network, network->slots.active[i]);
        went_on(network, network->slots.active[i], slot_check(network->slots.active[i], network->now_us));
    }
    if (next_address)
        events_act_on_all(network->events);
    connections_prune(network->connections, network->now_us);
}

static int poll_ms(const Network *network)
{
    if (network->slots.active_count == 0 && network->waiting.count == 0 && !network->ready.first)
        return IDLE_POLL_MS;

    int64_t most_ms = network->options.hedge ? HEDGE_POLL_MS : CANCEL_POLL_MS;
    int64_t until_us = network->now_us + most_ms * 1000;
    if (network->waiting.count > 0)
        until_us = MIN(until_us, network->waiting.items[0]->due_us);
    if (network->hold_until_us > 0)
        until_us = MIN(until_us, network->hold_until_us);
    if (somebody_starves(network))
        until_us = MIN(until_us, network->now_us + bandwidth_wait_us(&network->bandwidth));
    return (int)((MAX(until_us - network->now_us, 0) + 999) / 1000);
}

/* For what happens next, or with `idle` false for what has happened. */
static void wait_for_something(Network *network, bool idle)
{
    pthread_mutex_lock(&network->lock);
    bool sleeps = idle && !network->incoming.first && !network->poked && !network->stopping;
    network->sleeping = sleeps;
    pthread_mutex_unlock(&network->lock);
    events_wait(network->events, sleeps ? poll_ms(network) : 0);
}

static void network_body(void *context)
{
    Network *network = context;

    for (;;) {
        network->now_us = clock_monotonic_us(network->options.clock);
        if (!take_incoming(network))
            break;
        wake_due(network);
        events_act(network->events, on_event, network);
        go_on_with_more(network);
        start_ready(network);
        feed_starved(network);
        check_active(network);
        take_opened(network);
        drop_lost(network);
        completions_return(&network->ended);
        keep_pace(network);
        hedge_slow(network);
        /* What just came free can be used before anybody waits. */
        bool started = start_ready(network);
        wait_for_something(network, !started && !network->ended.first && !network->more);
    }
    ASSERT(network->slots.active_count == 0 && network->waiting.count == 0 && !network->ready.first);
}

/* ---- start and end ---- */

static Error *make_curl_handles(Network *network)
{
    CURLSH *share = network->share = curl_share_init();
    CURLM *multi = network->multi = curl_multi_init();

    /* The multi handle shares the names looked up among its transfers; TLS sessions need this. One thread: no lock functions. */
    if (!share || !multi || curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK
        || curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) != CURLM_OK)
        return FAIL(NO_MEMORY, "no memory for a network thread");
    TRY(events_new(multi, &network->events));
    ConnectionsSettings settings = {
        .options = &network->options,
        .multi = multi,
        .share = share,
        .events = network->events,
        .connections_max = network->slots.slots_max,
    };
    TRY(connections_new(&settings, &network->connections));
    network->shared.connections = network->connections;
    return NULL;
}

static Error *make_pieces(Network *network)
{
    TRY(buffer_reserve(&network->pieces[false], SLOT_PIECE_BYTES));
    TRY(buffer_reserve(&network->pieces[true], SLOT_LARGE_PIECE_BYTES));
    network->shared.pieces = network->pieces;
    return NULL;
}

static void free_parts(Network *network)
{
    slot_pool_done(&network->slots);
    wait_heap_done(&network->waiting);
    buffer_done(&network->pieces[false]);
    buffer_done(&network->pieces[true]);
    connections_free(network->connections);
    events_free(network->events);
    curl_multi_cleanup(network->multi);
    curl_share_cleanup(network->share);
    error_free(network->held_cause);
    pthread_mutex_destroy(&network->lock);
    free(network);
}

static void network_freep(Network **network)
{
    if (*network)
        free_parts(*network);
}

Error *network_start(const NetworkSettings *settings, Network **ret_network)
{
    CLEANUP(network_freep) Network *network = calloc(1, sizeof *network);
    if (!network)
        return FAIL(NO_MEMORY, "no memory for a network thread");

    pthread_mutex_init(&network->lock, NULL);
    network->options = *settings->options;
    network->budget = settings->budget;
    network->shared.options = &network->options;
    network->shared.proxy = settings->proxy;
    network->shared.counters = &network->counters;
    network->shared.lost = &network->lost;
    network->shared.bandwidth = &network->bandwidth;
    bandwidth_init(&network->bandwidth, settings->bytes_per_second, clock_monotonic_us(network->options.clock));
    PaceSettings pace = {settings->connections_max, settings->requests_per_second, network->options.fixed_connections};
    pace_init(&network->pace, &pace, clock_monotonic_us(network->options.clock));
    atomic_store(&network->counters.limit, pace_limit(&network->pace));
    if (network->options.random_seed)
        random_init_seed(&network->random, network->options.random_seed + settings->index);
    else
        random_init_system(&network->random);
    TRY(slot_pool_init(&network->slots, &network->shared, settings->connections_max));
    TRY(make_pieces(network));
    TRY(make_curl_handles(network));
    TRY(thread_start(&network->thread, "network", network_body, network));
    *ret_network = network;
    network = NULL;
    return NULL;
}

static void wake_if(Network *network, bool sleeping)
{
    if (sleeping)
        events_wake(network->events);
}

void network_free(Network *network)
{
    if (!network)
        return;
    pthread_mutex_lock(&network->lock);
    bool sleeping = network->sleeping;
    network->stopping = true;
    pthread_mutex_unlock(&network->lock);
    wake_if(network, sleeping);
    thread_join(&network->thread);
    free_parts(network);
}

void network_submit(Network *network, HttpExchange *exchange)
{
    pthread_mutex_lock(&network->lock);
    exchange_list_append(&network->incoming, exchange);
    bool sleeping = network->sleeping;
    network->sleeping = false;
    pthread_mutex_unlock(&network->lock);
    wake_if(network, sleeping);
}

void network_poke(Network *network)
{
    pthread_mutex_lock(&network->lock);
    bool sleeping = network->sleeping;
    network->sleeping = false;
    network->poked = true;
    pthread_mutex_unlock(&network->lock);
    wake_if(network, sleeping);
}

const LiveCounters *network_counters(const Network *network)
{
    return &network->counters;
}
