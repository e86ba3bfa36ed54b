/* sandbox_run.h - the general form of sandbox_run, for selftest.c. Inside src/sandbox only. */
#ifndef SANDBOX_SANDBOX_RUN_H
#define SANDBOX_SANDBOX_RUN_H

#include "sandbox/protocol.h"
#include "sandbox/sandbox.h"

/* As sandbox_run, for any `kind` a worker understands. */
MUST_USE Error *sandbox_run_kind(Sandbox *sandbox, const Cancel *cancel, MessageKind kind, Bytes request, Bytes input,
                                 SandboxFrameFn *frame, void *context, SandboxEnd *ret_end);

#endif
