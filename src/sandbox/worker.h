/* worker.h - the other side: what quern-parse hands over to become a zygote and its workers. */
#ifndef SANDBOX_WORKER_H
#define SANDBOX_WORKER_H

#include "base/error.h"
#include "base/str.h"

typedef struct SandboxReply SandboxReply;
/* Sends one frame. Errors: LIMIT (frame too large), CANCELLED (nobody listens any more). */
MUST_USE Error *sandbox_reply_frame(SandboxReply *reply, Bytes frame);
/* Still alive; cheap enough to be called often. */
void sandbox_reply_progress(SandboxReply *reply, uint64_t units_done);

typedef struct SandboxProgram {
    Error *(*warm_up)(void); /* in the zygote, before anything is locked */
    /* In a locked worker. UNSUPPORTED, CORRUPT, LIMIT and NO_MEMORY become the document's status, with their message.
     */
    Error *(*work)(Bytes request, Bytes input, SandboxReply *reply);
} SandboxProgram;

/* The whole of main: serves until the supervisor is gone; returns the exit status. */
int sandbox_serve(const SandboxProgram *program, int argc, char **argv);

#endif
