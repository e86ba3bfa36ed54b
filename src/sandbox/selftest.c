#include "sandbox/selftest.h"

#include <stdio.h>
#include <string.h>

#include "sandbox/sandbox_run.h"
#include "sandbox/trial.h"

static const char *const trial_names[TRIALS] = {
    [TRIAL_OPEN] = "open a file",
    [TRIAL_CREATE] = "create a file",
    [TRIAL_STAT] = "look at a file's attributes",
    [TRIAL_SOCKET_TCP] = "connect by TCP",
    [TRIAL_SOCKET_UDP] = "connect by UDP",
    [TRIAL_SOCKET_UNIX] = "connect to a local socket",
    [TRIAL_FORK] = "start a process",
    [TRIAL_EXEC] = "run a program",
    [TRIAL_SIGNAL] = "signal another process",
    [TRIAL_TRACE] = "use ptrace",
    [TRIAL_EXECUTABLE_MEMORY] = "make memory executable",
    [TRIAL_IO_URING] = "set up io_uring",
    [TRIAL_NAMESPACE] = "enter a new namespace",
    [TRIAL_MEMORY] = "take more memory than allowed",
};

typedef struct Outcome {
    bool answered;
    int number; /* errno of the attempt; 0: it worked */
} Outcome;

/* The frame of a trial is the errno of the attempt. */
static Error *take_answer(void *context, Bytes frame)
{
    Outcome *outcome = context;
    if (frame.len != 1 || outcome->answered)
        return FAIL(CORRUPT, "a trial answers with one byte, not %zu", frame.len);
    *outcome = (Outcome){true, frame.data[0]};
    return NULL;
}

/* A worker that is killed did not do it; one that ended otherwise became another program, or worse. */
static SandboxTrial judge(TrialKind kind, const Outcome *outcome, SandboxEnd end, const char *message, char *text,
                          size_t size)
{
    SandboxTrial trial = {.action = trial_names[kind], .how = text};
    if (end == SANDBOX_FORBIDDEN) {
        trial.stopped = true;
        snprintf(text, size, "killed by seccomp");
    } else if (end == SANDBOX_OK && outcome->answered && outcome->number != 0) {
        trial.stopped = true;
        snprintf(text, size, "refused: %s",
                 strerrordesc_np(outcome->number) ? strerrordesc_np(outcome->number) : "unknown reason");
    } else {
        snprintf(text, size, "not stopped%s%s", *message ? ": " : "", message);
    }
    return trial;
}

static Error *run_one(Sandbox *sandbox, TrialKind kind, SandboxTrialFn *each, void *context, SandboxSelfTest *result)
{
    uint8_t request[1] = {(uint8_t)kind};
    Outcome outcome = {0};
    SandboxEnd end;
    CLEANUP(error_freep)
    Error *error = sandbox_run_kind(sandbox, NULL, MESSAGE_TRIAL, bytes_from(request, sizeof request), BYTES_EMPTY,
                                    take_answer, &outcome, &end);
    if (end == SANDBOX_ABANDONED) {
        Error *failed = error;
        error = NULL;
        return error_wrap(failed, "try to %s", trial_names[kind]);
    }
    char text[256];
    SandboxTrial trial = judge(kind, &outcome, end, error_message_view(error), text, sizeof text);
    result->tried++;
    result->stopped += trial.stopped;
    each(context, &trial);
    return NULL;
}

Error *sandbox_self_test(const SandboxOptions *options, SandboxTrialFn *each, void *context,
                         SandboxSelfTest *ret_result)
{
    CLEANUP(sandbox_freep) Sandbox *sandbox = NULL;
    SandboxOptions one_worker = *options;
    one_worker.workers_max = 1;
    TRY(sandbox_new(&one_worker, &sandbox));
    SandboxSelfTest result = {0};
    snprintf(result.layers, sizeof result.layers, "%s", sandbox_layers_view(sandbox));
    for (unsigned kind = 0; kind < TRIALS; kind++)
        TRY(run_one(sandbox, (TrialKind)kind, each, context, &result));
    *ret_result = result;
    return NULL;
}
