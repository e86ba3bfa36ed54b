/* peer.h - one worker as the supervisor sees it: start it, give it a document, end it. Inside src/sandbox only.
 *
 * A Peer belongs to one thread at a time. All that comes from it is untrusted. */
#ifndef SANDBOX_PEER_H
#define SANDBOX_PEER_H

#include "base/cancel.h"
#include "sandbox/sandbox.h"
#include "sandbox/zygote.h"

typedef struct Peer {
    int data, watch, input, errors, pidfd; /* -1: none */
    uint32_t layers, landlock_abi;         /* what it said in its HELLO, before its first document */
    uint64_t serial;                       /* of the last request */
    unsigned documents;                    /* that it has answered */
    uint64_t peak_bytes, cpu_us;           /* what it says it used so far; its death corrects the peak */
    bool killed;
    Buffer in; /* what it sent and nobody has read yet */
} Peer;
#define PEER_NONE ((Peer){.data = -1, .watch = -1, .input = -1, .errors = -1, .pidfd = -1})

/* The supervisor's ends are in `*ret_peer`, those of the worker in `fds`, to be passed to zygote_ask and closed by the
 * caller in any case. */
MUST_USE Error *peer_open(Peer *ret_peer, int fds[FORK_FDS]);
/* After zygote_ask: waits until the worker is locked. Errors: UNAVAILABLE, CANCELLED; the peer is then to be ended. */
MUST_USE Error *peer_greet(Peer *peer, const Cancel *cancel);

typedef struct PeerTask {
    MessageKind kind; /* REQUEST or TRIAL */
    Bytes request, input;
    int64_t silence_max_us, total_max_us;
    uint64_t answer_max_bytes;
    SandboxFrameFn *frame;
    void *context;
} PeerTask;

/* One document. `*ret_reusable` tells whether the peer may get another; if not, end it. Errors: as sandbox_run. */
MUST_USE Error *peer_run(Peer *peer, const Cancel *cancel, const PeerTask *task, SandboxEnd *ret_end,
                         bool *ret_reusable);

/* False when it has ended or said something unasked. */
bool peer_is_idle(const Peer *peer);

/* Hangs up, waits for its end (kills it if need be), releases everything. Copes with PEER_NONE. */
void peer_end(Peer *peer);

#endif
