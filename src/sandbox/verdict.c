#include "sandbox/verdict.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static const char *const end_names[SANDBOX_ENDS] = {
    [SANDBOX_OK] = "ok",
    [SANDBOX_PARTIAL] = "partial",
    [SANDBOX_UNSUPPORTED] = "unsupported",
    [SANDBOX_CORRUPT] = "corrupt",
    [SANDBOX_LIMIT] = "limit",
    [SANDBOX_OOM] = "oom",
    [SANDBOX_TIMEOUT] = "timeout",
    [SANDBOX_CRASH] = "crash",
    [SANDBOX_FORBIDDEN] = "forbidden",
    [SANDBOX_INTERNAL] = "internal",
    [SANDBOX_ABANDONED] = "abandoned",
};

const char *sandbox_end_name(SandboxEnd end)
{
    return end < SANDBOX_ENDS ? end_names[end] : "unknown";
}

/* abort() is how C++ and glib say that memory has run out, and how assertions fail; what they print tells. */
static bool speaks_of_memory(Str line)
{
    static const char *const phrases[] = {"bad_alloc", "failed to allocate", "out of memory", "Out of memory",
                                          "out-of-memory"};
    for (size_t i = 0; i < ARRAY_COUNT(phrases); i++) {
        if (str_find(line, str_of(phrases[i])) != SIZE_MAX)
            return true;
    }
    return false;
}

/* "; it printed '...'", or nothing. */
typedef struct Printed {
    char text[LAST_WORDS_BYTES + 32];
} Printed;

static Printed printed(Str last_words)
{
    Printed out = {""};
    if (last_words.len > 0)
        snprintf(out.text, sizeof out.text, "; it printed '" STR_FMT "'", STR_ARG(last_words));
    return out;
}

static const char *signal_name(int signal)
{
    const char *name = sigdescr_np(signal);
    return name ? name : "unknown";
}

static Error *verdict_of_signal(int signal, Str last_words, SandboxEnd *ret_end)
{
    switch (signal) {
    case SIGSYS:
        *ret_end = SANDBOX_FORBIDDEN;
        return FAIL(CORRUPT,
                    "parser tried a forbidden system call and was killed by seccomp (the kernel's log names the call)");
    case SIGXFSZ: *ret_end = SANDBOX_FORBIDDEN; return FAIL(CORRUPT, "parser tried to write a file and was killed");
    case SIGXCPU: *ret_end = SANDBOX_TIMEOUT; return FAIL(LIMIT, "parser used all its CPU time");
    case SIGKILL:
        *ret_end = SANDBOX_OOM;
        return FAIL(LIMIT,
                    "parser was killed from outside, most likely because the machine or its cgroup ran out of memory");
    case SIGABRT:
        *ret_end = speaks_of_memory(last_words) ? SANDBOX_OOM : SANDBOX_CRASH;
        if (*ret_end == SANDBOX_OOM)
            return FAIL(LIMIT, "parser ran out of memory%s", printed(last_words).text);
        return FAIL(CORRUPT, "parser aborted%s", printed(last_words).text);
    default:
        *ret_end = SANDBOX_CRASH;
        return FAIL(CORRUPT, "parser crashed (signal %d, %s)%s", signal, signal_name(signal), printed(last_words).text);
    }
}

Error *verdict_of_death(const Death *death, SandboxEnd *ret_end)
{
    if (!death->known) {
        *ret_end = SANDBOX_ABANDONED;
        return FAIL(UNAVAILABLE, "the parser's zygote ended while the document was parsed");
    }
    if (WIFSIGNALED(death->wait_status))
        return verdict_of_signal(WTERMSIG(death->wait_status), death->last_words, ret_end);
    *ret_end = SANDBOX_CRASH;
    return FAIL(CORRUPT, "parser left with status %d and no answer%s", WEXITSTATUS(death->wait_status),
                printed(death->last_words).text);
}

static SandboxEnd end_of_code(ErrorCode code)
{
    if (code == ERR_UNSUPPORTED)
        return SANDBOX_UNSUPPORTED;
    if (code == ERR_CORRUPT)
        return SANDBOX_CORRUPT;
    if (code == ERR_LIMIT)
        return SANDBOX_LIMIT;
    if (code == ERR_NO_MEMORY)
        return SANDBOX_OOM;
    return SANDBOX_INTERNAL;
}

Error *verdict_of_answer(const EndMessage *answer, SandboxEnd *ret_end)
{
    if (answer->code == ERR_OK) {
        *ret_end = SANDBOX_OK;
        return NULL;
    }
    SandboxEnd end = *ret_end = end_of_code(answer->code);
    Error *error = end == SANDBOX_UNSUPPORTED ? FAIL(UNSUPPORTED, STR_FMT, STR_ARG(answer->text))
                   : end == SANDBOX_OOM       ? FAIL(LIMIT, "parser ran out of memory: " STR_FMT, STR_ARG(answer->text))
                   : end == SANDBOX_LIMIT     ? FAIL(LIMIT, STR_FMT, STR_ARG(answer->text))
                   : end == SANDBOX_CORRUPT   ? FAIL(CORRUPT, STR_FMT, STR_ARG(answer->text))
                                              : FAIL(CORRUPT, "parser failed (%s): " STR_FMT,
                                                     error_code_name(answer->code), STR_ARG(answer->text));
    return error_at(error, answer->offset_bytes);
}

SandboxEnd verdict_with_output(SandboxEnd end, bool output)
{
    bool said_so = end == SANDBOX_LIMIT || end == SANDBOX_CORRUPT || end == SANDBOX_UNSUPPORTED;
    return output && said_so ? SANDBOX_PARTIAL : end;
}
