/* trial.h - what a locked worker must not be able to do, tried in earnest: the worker's half of sandbox_self_test.
 * The names are in selftest.c, so that the supervisor links none of this. */
#ifndef SANDBOX_TRIAL_H
#define SANDBOX_TRIAL_H

#include <stdint.h>

#include "base/macros.h"

typedef enum TrialKind {
    TRIAL_OPEN,
    TRIAL_CREATE,
    TRIAL_STAT,
    TRIAL_SOCKET_TCP,
    TRIAL_SOCKET_UDP,
    TRIAL_SOCKET_UNIX,
    TRIAL_FORK,
    TRIAL_EXEC,
    TRIAL_SIGNAL,
    TRIAL_TRACE,
    TRIAL_EXECUTABLE_MEMORY,
    TRIAL_IO_URING,
    TRIAL_NAMESPACE,
    TRIAL_MEMORY,
    TRIALS
} TrialKind;

/* Does it, in this process. 0: it worked, which is bad news; else errno. May end the process instead. */
int trial_run(TrialKind kind, uint64_t memory_max_bytes);

#endif
