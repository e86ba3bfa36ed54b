/* zygote.h - the process that workers are forked from, as the supervisor holds it. Inside src/sandbox only.
 *
 * zygote_ask may be called by several threads; the rest by the one that owns the Zygote. */
#ifndef SANDBOX_ZYGOTE_H
#define SANDBOX_ZYGOTE_H

#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"
#include "sandbox/protocol.h"

typedef struct Zygote {
    int control; /* -1: not running */
    int pidfd;
    int errors; /* what it prints; never blocks */
    int64_t warm_up_us;
} Zygote;
#define ZYGOTE_NONE ((Zygote){.control = -1, .pidfd = -1, .errors = -1})

/* Spawns `program` with an empty environment and no descriptor but its own, and waits until it is warm. Errors:
 * UNSUPPORTED (no such program, or one of another version), UNAVAILABLE (did not get ready; with what it printed), and
 * those of its warm-up. */
MUST_USE Error *zygote_start(const char *program, Zygote *ret_zygote);

/* Passes the request and the four descriptors on, which stay the caller's. Does not wait: the answer comes by the watch
 * descriptor. False when the zygote is gone or far behind. */
bool zygote_ask(const Zygote *zygote, const ForkRequest *request, const int fds[FORK_FDS]);

/* Hangs up and waits until it and all its workers are gone. Copes with ZYGOTE_NONE. */
void zygote_end(Zygote *zygote);

/* A process by its pidfd, which becomes readable when it ends. False: it has not within `timeout_ms`. */
bool process_wait(int pidfd, int timeout_ms);
/* Never another process, even if the number is used again. -1 is allowed. */
void process_kill(int pidfd);

/* The end of what a process printed into `errors`, cleaned, on one line: "" when there is nothing. Empties the pipe. */
Str errors_last_words(int errors, char out[LAST_WORDS_BYTES]);

/* A pair of connected sockets, close-on-exec. */
MUST_USE Error *socket_pair(int type, int *ret_ours, int *ret_theirs);
/* A pipe for what a process prints: neither end blocks. */
MUST_USE Error *errors_pipe(int *ret_ours, int *ret_theirs);

#endif
