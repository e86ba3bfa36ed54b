/* serve.h - from the zygote to the worker it forked. Worker side only. */
#ifndef SANDBOX_SERVE_H
#define SANDBOX_SERVE_H

#include <sys/types.h>

#include "sandbox/protocol.h"
#include "sandbox/worker.h"

/* In the new process, which is never the zygote again: takes the descriptors, locks itself, serves documents until the
 * supervisor hangs up. `zygote` is the parent that must still be there. */
NORETURN void worker_main(const SandboxProgram *program, const ForkRequest *request, const int fds[FORK_FDS],
                          pid_t zygote);

#endif
