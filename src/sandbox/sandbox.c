#include "sandbox/sandbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/thread.h"
#include "sandbox/peer.h"
#include "sandbox/sandbox_run.h"
#include "sandbox/zygote.h"

enum {
    ZYGOTE_FAILURES_MAX = 5, /* one after the other, without a document between */
    LAYERS_TEXT_BYTES = 160,
    CPU_GROWTH_FACTOR = 2 /* of the time one document may take: what a worker gets in all */
};

static const size_t MEMORY_DEFAULT_BYTES = 2 * GIB;
static const uint64_t ANSWER_DEFAULT_BYTES = GIB;
static const uint64_t GROWTH_MAX_BYTES = 256 * MIB; /* resident: a worker that once grew so large is replaced */
static const unsigned DOCUMENTS_DEFAULT = 1000;
static const int64_t SILENCE_DEFAULT_US = 30 * INT64_C(1000000);
static const int64_t TOTAL_LEAST_US = 30 * INT64_C(1000000);
static const int64_t TOTAL_PER_MIB_US = 2 * INT64_C(1000000);
static const int64_t TOTAL_CEILING_US = 600 * INT64_C(1000000);

typedef enum SlotState { SLOT_EMPTY, SLOT_IDLE, SLOT_BUSY } SlotState;

/* A place for a worker. While it is BUSY, `peer` belongs to the thread that made it so; else it is under the lock. */
typedef struct Slot {
    SlotState state;
    Peer peer;
} Slot;

struct Sandbox {
    /* fixed after sandbox_new */
    SandboxOptions options;
    char *program;
    uint32_t layers, landlock_abi; /* of the first worker; no later one may have less */
    char layers_text[LAYERS_TEXT_BYTES];
    /* under `lock` */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a slot came free, the zygote changed */
    Slot *slots;
    unsigned waiting; /* threads without a slot; who comes later waits behind them */
    Zygote zygote;
    uint64_t generation;  /* counts zygotes */
    bool zygote_starting; /* one thread is at it, without the lock */
    unsigned zygote_failures;
    SandboxCounters counters;
};

static const struct {
    Layer layer;
    const char *name;
} layer_names[] = {
    {LAYER_SECCOMP, "seccomp"},
    {LAYER_LANDLOCK, "landlock"},
    {LAYER_RLIMITS, "rlimits"},
    {LAYER_MEMORY, "memory"},
    {LAYER_PRIVILEGES, "no new privileges"},
    {LAYER_MDWE, "no executable memory"},
};

static void write_layers(Sandbox *sandbox)
{
    char *out = sandbox->layers_text;
    size_t len = 0;
    snprintf(out, LAYERS_TEXT_BYTES, "%s", sandbox->options.mode == SANDBOX_OFF ? "off" : "none");
    for (size_t i = 0; i < ARRAY_COUNT(layer_names); i++) {
        if (!(sandbox->layers & layer_names[i].layer))
            continue;
        char version[16] = "";
        if (layer_names[i].layer == LAYER_LANDLOCK)
            snprintf(version, sizeof version, " %u", sandbox->landlock_abi);
        int more =
            snprintf(out + len, LAYERS_TEXT_BYTES - len, "%s%s%s", len ? ", " : "", layer_names[i].name, version);
        len = MIN(len + (size_t)MAX(more, 0), (size_t)LAYERS_TEXT_BYTES - 1);
    }
}

static int64_t total_max_us(const SandboxOptions *options, size_t input_bytes)
{
    if (options->total_max_us > 0)
        return options->total_max_us;
    uint64_t mebibytes = MIN((uint64_t)input_bytes / MIB + 1, (uint64_t)(TOTAL_CEILING_US / TOTAL_PER_MIB_US));
    return MIN(TOTAL_LEAST_US + TOTAL_PER_MIB_US * (int64_t)mebibytes, TOTAL_CEILING_US);
}

/* The kernel counts a worker's CPU time over its whole life, so it gets that of two documents, and is replaced after
 * one's worth: the clocks below always fire first, unless this process is not there to look at them. */
static int64_t cpu_per_document_us(const SandboxOptions *options)
{
    return options->total_max_us > 0 ? options->total_max_us : TOTAL_CEILING_US;
}

static ForkRequest fork_request(const SandboxOptions *options)
{
    return (ForkRequest){
        .protocol = SANDBOX_PROTOCOL,
        .lock = options->mode != SANDBOX_OFF,
        .memory_max_bytes = options->memory_max_bytes,
        .cpu_max_s = (uint64_t)(cpu_per_document_us(options) * CPU_GROWTH_FACTOR / 1000000) + 1,
    };
}

static void wait_locked(Sandbox *sandbox)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += CANCEL_POLL_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&sandbox->changed, &sandbox->lock, &until);
}

/* Replaces the zygote, unless another thread already has since `seen`, in which case it waits for that one. */
static Error *replace_zygote_locked(Sandbox *sandbox, const Cancel *cancel, uint64_t seen)
{
    while (sandbox->zygote_starting) {
        TRY(cancel_check(cancel));
        wait_locked(sandbox);
    }
    if (sandbox->generation != seen)
        return NULL;
    if (sandbox->zygote_failures >= ZYGOTE_FAILURES_MAX)
        return FAIL(UNAVAILABLE, "parser '%s' ended %d times without a document done", sandbox->program,
                    ZYGOTE_FAILURES_MAX);
    sandbox->zygote_failures++;
    sandbox->zygote_starting = true;
    Zygote old = sandbox->zygote, fresh = ZYGOTE_NONE;
    sandbox->zygote = ZYGOTE_NONE;
    pthread_mutex_unlock(&sandbox->lock);

    if (seen > 0)
        log_warning(sandbox->options.log, "the parser's zygote ended; starting another");
    zygote_end(&old);
    Error *error = zygote_start(sandbox->program, &fresh);

    pthread_mutex_lock(&sandbox->lock);
    sandbox->zygote_starting = false;
    if (!error) {
        sandbox->zygote = fresh;
        sandbox->generation++;
        sandbox->counters.zygotes_started++;
        sandbox->counters.warm_up_us = fresh.warm_up_us;
    }
    pthread_cond_broadcast(&sandbox->changed);
    return error;
}

/* Passes the request on, to a new zygote if there has to be one. The packet leaves without waiting, so the lock may be
 * held. */
static Error *ask_zygote(Sandbox *sandbox, const Cancel *cancel, const int fds[FORK_FDS])
{
    ForkRequest request = fork_request(&sandbox->options);
    Error *error = NULL;
    pthread_mutex_lock(&sandbox->lock);
    while (!error && !zygote_ask(&sandbox->zygote, &request, fds)) {
        bool behind = errno == EAGAIN && sandbox->zygote.control >= 0;
        error = behind ? cancel_check(cancel) : replace_zygote_locked(sandbox, cancel, sandbox->generation);
        if (behind && !error)
            wait_locked(sandbox);
    }
    pthread_mutex_unlock(&sandbox->lock);
    return error;
}

static Error *check_layers(Sandbox *sandbox, const Peer *peer)
{
    if ((peer->layers & sandbox->layers) == sandbox->layers && peer->landlock_abi >= sandbox->landlock_abi)
        return NULL;
    return FAIL(UNAVAILABLE, "a parser came up without all of: %s", sandbox->layers_text);
}

/* In a slot that is ours. When the zygote dies under the request, a new one gets it, once. */
static Error *start_worker(Sandbox *sandbox, const Cancel *cancel, Slot *slot)
{
    for (bool again = false;; again = true) {
        int fds[FORK_FDS];
        Error *error = peer_open(&slot->peer, fds);
        if (!error)
            error = ask_zygote(sandbox, cancel, fds);
        for (size_t i = 0; i < FORK_FDS; i++)
            cleanup_close(&fds[i]);
        if (!error)
            error = peer_greet(&slot->peer, cancel);
        if (!error)
            error = check_layers(sandbox, &slot->peer);
        if (!error) {
            pthread_mutex_lock(&sandbox->lock);
            sandbox->counters.workers_started++;
            pthread_mutex_unlock(&sandbox->lock);
            return NULL;
        }
        peer_end(&slot->peer);
        if (again || error_code(error) != ERR_UNAVAILABLE)
            return error;
        error_free(error); /* the second attempt says the same, if it is still so */
    }
}

/* The worker used last is the warmest, and idle ones at the end can be told apart; else an empty place; else NULL. */
static Slot *find_slot_locked(Sandbox *sandbox)
{
    Slot *empty = NULL;
    for (unsigned i = 0; i < sandbox->options.workers_max; i++) {
        Slot *slot = &sandbox->slots[i];
        if (slot->state == SLOT_IDLE)
            return slot;
        if (slot->state == SLOT_EMPTY && !empty)
            empty = slot;
    }
    return empty;
}

static Error *take_slot(Sandbox *sandbox, const Cancel *cancel, Slot **ret_slot)
{
    Error *error = NULL;
    pthread_mutex_lock(&sandbox->lock);
    Slot *slot = sandbox->waiting == 0 ? find_slot_locked(sandbox) : NULL;
    while (!slot && !error) {
        sandbox->waiting++;
        wait_locked(sandbox);
        sandbox->waiting--;
        slot = find_slot_locked(sandbox);
        if (!slot)
            error = cancel_check(cancel);
    }
    if (!error) {
        slot->state = SLOT_BUSY;
        *ret_slot = slot;
    }
    pthread_mutex_unlock(&sandbox->lock);
    return error;
}

/* Ends the worker of a slot that is ours. */
static void end_worker(Sandbox *sandbox, Slot *slot)
{
    peer_end(&slot->peer);
    pthread_mutex_lock(&sandbox->lock);
    sandbox->counters.workers_killed += slot->peer.killed;
    sandbox->counters.worker_peak_bytes = MAX(sandbox->counters.worker_peak_bytes, slot->peer.peak_bytes);
    pthread_mutex_unlock(&sandbox->lock);
    slot->peer = PEER_NONE;
}

static void give_slot(Sandbox *sandbox, Slot *slot, SlotState state)
{
    pthread_mutex_lock(&sandbox->lock);
    slot->state = state;
    pthread_cond_signal(&sandbox->changed);
    pthread_mutex_unlock(&sandbox->lock);
}

static bool is_worn(const Sandbox *sandbox, const Peer *peer)
{
    return peer->documents >= sandbox->options.documents_max || peer->peak_bytes > GROWTH_MAX_BYTES
           || peer->cpu_us > (uint64_t)cpu_per_document_us(&sandbox->options);
}

static void count_document(Sandbox *sandbox, const Peer *peer, SandboxEnd end)
{
    pthread_mutex_lock(&sandbox->lock);
    if (end != SANDBOX_ABANDONED) {
        sandbox->counters.documents++;
        sandbox->zygote_failures = 0;
    }
    sandbox->counters.worker_peak_bytes =
        MAX(sandbox->counters.worker_peak_bytes, MIN(peer->peak_bytes, (uint64_t)sandbox->options.memory_max_bytes));
    pthread_mutex_unlock(&sandbox->lock);
}

/* In a slot that is ours, which holds a worker or nothing, before and after. */
static Error *run_in_slot(Sandbox *sandbox, const Cancel *cancel, Slot *slot, const PeerTask *task, SandboxEnd *ret_end)
{
    if (slot->peer.data >= 0 && !peer_is_idle(&slot->peer))
        end_worker(sandbox, slot); /* it was killed while it had nothing to do, or speaks unasked */
    if (slot->peer.data < 0)
        TRY(start_worker(sandbox, cancel, slot));
    bool reusable;
    Error *error = peer_run(&slot->peer, cancel, task, ret_end, &reusable);
    count_document(sandbox, &slot->peer, *ret_end);
    if (*ret_end == SANDBOX_FORBIDDEN)
        log_warning(sandbox->options.log, "%s", error_message_view(error));
    if (!reusable || is_worn(sandbox, &slot->peer))
        end_worker(sandbox, slot);
    return error;
}

Error *sandbox_run_kind(Sandbox *sandbox, const Cancel *cancel, MessageKind kind, Bytes request, Bytes input,
                        SandboxFrameFn *frame, void *context, SandboxEnd *ret_end)
{
    *ret_end = SANDBOX_ABANDONED;
    if (request.len > SANDBOX_REQUEST_MAX)
        return FAIL(LIMIT, "request of %zu bytes for the parser is larger than %d", request.len,
                    (int)SANDBOX_REQUEST_MAX);
    PeerTask task = {.kind = kind,
                     .request = request,
                     .input = input,
                     .silence_max_us = sandbox->options.silence_max_us,
                     .total_max_us = total_max_us(&sandbox->options, input.len),
                     .answer_max_bytes = sandbox->options.answer_max_bytes,
                     .frame = frame,
                     .context = context};
    Slot *slot;
    TRY(take_slot(sandbox, cancel, &slot));
    Error *error = run_in_slot(sandbox, cancel, slot, &task, ret_end);
    give_slot(sandbox, slot, slot->peer.data >= 0 ? SLOT_IDLE : SLOT_EMPTY);
    return error;
}

Error *sandbox_run(Sandbox *sandbox, const Cancel *cancel, Bytes request, Bytes input, SandboxFrameFn *frame,
                   void *context, SandboxEnd *ret_end)
{
    return sandbox_run_kind(sandbox, cancel, MESSAGE_REQUEST, request, input, frame, context, ret_end);
}

static void fill_defaults(SandboxOptions *options)
{
    if (options->workers_max == 0)
        options->workers_max = thread_cpu_count();
    if (options->memory_max_bytes == 0)
        options->memory_max_bytes = MEMORY_DEFAULT_BYTES;
    if (options->answer_max_bytes == 0)
        options->answer_max_bytes = ANSWER_DEFAULT_BYTES;
    if (options->silence_max_us == 0)
        options->silence_max_us = SILENCE_DEFAULT_US;
    if (options->documents_max == 0)
        options->documents_max = DOCUMENTS_DEFAULT;
}

/* Waits are on the monotonic clock. */
static bool init_locks(Sandbox *sandbox)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    bool ok = pthread_mutex_init(&sandbox->lock, NULL) == 0;
    if (ok && pthread_cond_init(&sandbox->changed, &attributes) != 0) {
        pthread_mutex_destroy(&sandbox->lock);
        ok = false;
    }
    pthread_condattr_destroy(&attributes);
    return ok;
}

static Sandbox *sandbox_alloc(const SandboxOptions *options)
{
    Sandbox *sandbox = calloc(1, sizeof *sandbox);
    if (!sandbox)
        return NULL;
    sandbox->options = *options;
    fill_defaults(&sandbox->options);
    sandbox->zygote = ZYGOTE_NONE;
    sandbox->program = strdup(options->program);
    sandbox->slots = calloc(sandbox->options.workers_max, sizeof *sandbox->slots);
    if (!sandbox->program || !sandbox->slots || !init_locks(sandbox)) {
        free(sandbox->program);
        free(sandbox->slots);
        free(sandbox);
        return NULL;
    }
    for (unsigned i = 0; i < sandbox->options.workers_max; i++)
        sandbox->slots[i].peer = PEER_NONE;
    return sandbox;
}

/* The first worker shows which layers there are. */
static Error *start_first(Sandbox *sandbox)
{
    pthread_mutex_lock(&sandbox->lock);
    Error *error = replace_zygote_locked(sandbox, NULL, 0);
    pthread_mutex_unlock(&sandbox->lock);
    Slot *first = &sandbox->slots[0];
    if (!error)
        error = start_worker(sandbox, NULL, first);
    if (error)
        return error;
    first->state = SLOT_IDLE;
    sandbox->layers = first->peer.layers;
    sandbox->landlock_abi = first->peer.landlock_abi;
    write_layers(sandbox);
    if (sandbox->options.mode == SANDBOX_REQUIRE && !(sandbox->layers & LAYER_SECCOMP))
        return FAIL(
            UNSUPPORTED,
            "sandbox is required, but this system has no seccomp filters (layers: %s); --sandbox=auto goes on without",
            sandbox->layers_text);
    log_debug(sandbox->options.log, "sandbox: %s", sandbox->layers_text);
    return NULL;
}

Error *sandbox_new(const SandboxOptions *options, Sandbox **ret_sandbox)
{
    ASSERT(options->program);
    Sandbox *sandbox = sandbox_alloc(options);
    if (!sandbox)
        return FAIL(NO_MEMORY, "out of memory");
    Error *error = start_first(sandbox);
    if (error)
        sandbox_free(sandbox);
    else
        *ret_sandbox = sandbox;
    return error;
}

void sandbox_free(Sandbox *sandbox)
{
    if (!sandbox)
        return;
    for (unsigned i = 0; i < sandbox->options.workers_max; i++) {
        ASSERT(sandbox->slots[i].state != SLOT_BUSY);
        cleanup_close(&sandbox->slots[i].peer.data); /* all at once; then wait for one after the other */
        sandbox->slots[i].peer.data = -1;
    }
    for (unsigned i = 0; i < sandbox->options.workers_max; i++)
        peer_end(&sandbox->slots[i].peer);
    zygote_end(&sandbox->zygote);
    pthread_cond_destroy(&sandbox->changed);
    pthread_mutex_destroy(&sandbox->lock);
    free(sandbox->slots);
    free(sandbox->program);
    free(sandbox);
}

const char *sandbox_layers_view(const Sandbox *sandbox)
{
    return sandbox->layers_text;
}

SandboxCounters sandbox_counters(Sandbox *sandbox)
{
    pthread_mutex_lock(&sandbox->lock);
    SandboxCounters counters = sandbox->counters;
    pthread_mutex_unlock(&sandbox->lock);
    return counters;
}
