/* selftest.h - the sandbox proves itself: forbidden actions, tried in a real worker of the shipped program. For `quern
 * doctor --sandbox`. */
#ifndef SANDBOX_SELFTEST_H
#define SANDBOX_SELFTEST_H

#include "sandbox/sandbox.h"

typedef struct SandboxTrial {
    const char *action; /* "open a file" */
    bool stopped;
    const char *how; /* "killed by seccomp", "refused: Permission denied", "not stopped"; valid during the call */
} SandboxTrial;
typedef void SandboxTrialFn(void *context, const SandboxTrial *trial);

typedef struct SandboxSelfTest {
    unsigned tried, stopped;
    char layers[160]; /* as sandbox_layers_view */
} SandboxSelfTest;

/* Starts a sandbox with these options, tries each action in a worker of its own and calls `each` after each. Nothing is
 * left behind. Errors: those of sandbox_new; UNAVAILABLE when a trial gave no result. That something was not stopped is
 * a result, not an Error. */
MUST_USE Error *sandbox_self_test(const SandboxOptions *options, SandboxTrialFn *each, void *context,
                                  SandboxSelfTest *ret_result);

#endif
