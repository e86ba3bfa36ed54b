#include "sandbox/lock.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/protocol.h"

/* Debian 12's headers are those of Linux 6.1. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1UL
#endif

enum { STACK_MAX_BYTES = 8 * 1024 * 1024, CPU_GRACE_S = 5 };

/* A limit that the process was born with may be lower; that is fine too. The type is glibc's own, as clang warns of
 * int. */
static bool limit_between(__rlimit_resource_t resource, uint64_t soft, uint64_t hard)
{
    struct rlimit old;
    if (getrlimit(resource, &old) != 0)
        return false;
    struct rlimit limit = {.rlim_max = MIN(hard, old.rlim_max)};
    limit.rlim_cur = MIN(soft, limit.rlim_max);
    return setrlimit(resource, &limit) == 0;
}

static bool limit_lower(__rlimit_resource_t resource, uint64_t value)
{
    return limit_between(resource, value, value);
}

static uint32_t lock_privileges(void)
{
    bool ok = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
    return ok ? LAYER_PRIVILEGES : 0;
}

static uint32_t lock_executable_memory(void)
{
    return prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0 ? LAYER_MDWE : 0;
}

/* NPROC does not bind root: seccomp forbids clone. CPU is a backstop for a supervisor that cannot kill: the clocks that
 * count are its. */
static uint32_t lock_resources(const LockLimits *limits)
{
    bool ok = limit_lower(RLIMIT_CORE, 0) && limit_lower(RLIMIT_FSIZE, 0) && limit_lower(RLIMIT_NPROC, 0)
              && limit_lower(RLIMIT_STACK, STACK_MAX_BYTES)
              && limit_between(RLIMIT_CPU, limits->cpu_max_s, limits->cpu_max_s + CPU_GRACE_S);
    return ok ? LAYER_RLIMITS : 0;
}

static uint32_t lock_memory(const LockLimits *limits)
{
    if (LOCK_SANITIZED)
        return 0;
    return limit_lower(RLIMIT_AS, limits->memory_max_bytes) ? LAYER_MEMORY : 0;
}

/* struct landlock_ruleset_attr as of ABI 6; older kernels take it as long as what they do not know is zero. */
typedef struct LandlockRuleset {
    uint64_t handled_access_fs, handled_access_net, scoped;
} LandlockRuleset;

/* How many rights of each kind exist from an ABI on. Source: Linux Documentation/userspace-api/landlock.rst. */
static const struct {
    uint32_t abi;
    unsigned fs, net, scoped;
} landlock_rights[] = {
    {1, 13, 0, 0}, {2, 14, 0, 0}, {3, 15, 0, 0}, {4, 15, 2, 0}, {5, 16, 2, 0}, {6, 16, 2, 2}, {9, 17, 2, 2},
};

static LandlockRuleset landlock_everything(uint32_t abi)
{
    LandlockRuleset set = {0};
    for (size_t i = 0; i < ARRAY_COUNT(landlock_rights) && landlock_rights[i].abi <= abi; i++) {
        set.handled_access_fs = (UINT64_C(1) << landlock_rights[i].fs) - 1;
        set.handled_access_net = (UINT64_C(1) << landlock_rights[i].net) - 1;
        set.scoped = (UINT64_C(1) << landlock_rights[i].scoped) - 1;
    }
    return set;
}

/* Handles every right and grants none. Returns the ABI, 0 without Landlock. */
static uint32_t lock_files(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return 0;
    LandlockRuleset everything = landlock_everything((uint32_t)abi);
    long ruleset = syscall(SYS_landlock_create_ruleset, &everything, sizeof everything, 0);
    if (ruleset < 0)
        return 0;
    bool ok = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    close((int)ruleset);
    return ok ? (uint32_t)abi : 0;
}

/* Memory, locks, time, and the end: none of them names a file, a process or an address. The three with conditions
 * follow. */
static const int calls_allowed[] = {
    SCMP_SYS(brk),           SCMP_SYS(munmap),         SCMP_SYS(mremap),     SCMP_SYS(madvise),   SCMP_SYS(futex),
    SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),   SCMP_SYS(time),       SCMP_SYS(getrandom), SCMP_SYS(getrusage),
    SCMP_SYS(rt_sigreturn),  SCMP_SYS(rt_sigprocmask), /* this and the next two: abort */
    SCMP_SYS(getpid),        SCMP_SYS(gettid),         SCMP_SYS(exit_group),
#if LOCK_SANITIZED
    SCMP_SYS(sigaltstack),   SCMP_SYS(sched_yield),
#endif
};

static bool allow_call(scmp_filter_ctx filter, int call)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0;
}

static bool allow_on_descriptor(scmp_filter_ctx filter, int call, int fd)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)fd, 0)) == 0;
}

static bool allow_without_exec(scmp_filter_ctx filter, int call)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
}

/* abort() sends SIGABRT to its own thread. To no other process: the first argument is fixed to our own id. */
static bool allow_abort(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0))
           == 0;
}

/* A sanitizer that has found something asks whether it writes to a terminal, probes memory with a pipe, and reads its
 * own memory map by way of the old open(2), which glibc does not use: refused, not killed, so that its report arrives.
 */
static bool allow_report(scmp_filter_ctx filter, const LockLimits *limits)
{
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(open), 0) == 0
           && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(readlink), 0) == 0
           && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EMFILE), SCMP_SYS(pipe2), 0) == 0
           && seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 1,
                               SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)limits->errors_fd, 0))
                  == 0;
}

static bool fill_filter(scmp_filter_ctx filter, const LockLimits *limits)
{
    for (size_t i = 0; i < ARRAY_COUNT(calls_allowed); i++) {
        if (!allow_call(filter, calls_allowed[i]))
            return false;
    }
    return allow_without_exec(filter, SCMP_SYS(mmap)) && allow_without_exec(filter, SCMP_SYS(mprotect))
           && allow_on_descriptor(filter, SCMP_SYS(read), limits->data_fd)
           && allow_on_descriptor(filter, SCMP_SYS(write), limits->data_fd)
           && allow_on_descriptor(filter, SCMP_SYS(writev), limits->data_fd)
           && allow_on_descriptor(filter, SCMP_SYS(write), limits->errors_fd)
           && allow_on_descriptor(filter, SCMP_SYS(writev), limits->errors_fd) && allow_abort(filter)
           && (!LOCK_SANITIZED || allow_report(filter, limits));
}

/* Any other call, and any call of a foreign architecture, kills the process. */
static uint32_t lock_calls(const LockLimits *limits)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return 0;
    bool ok = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0
              && fill_filter(filter, limits) && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return ok ? LAYER_SECCOMP : 0;
}

LockResult lock_process(const LockLimits *limits)
{
    LockResult result = {0};
    result.layers |= lock_privileges();
    result.layers |= lock_executable_memory();
    result.layers |= lock_resources(limits);
    result.landlock_abi = lock_files(); /* wants a free descriptor */
    if (result.landlock_abi > 0)
        result.layers |= LAYER_LANDLOCK;
    if (!limit_lower(RLIMIT_NOFILE, limits->descriptors_max))
        result.layers &= ~(uint32_t)LAYER_RLIMITS;
    result.layers |= lock_memory(limits);
    result.layers |= lock_calls(limits); /* last: it forbids all of the above */
    return result;
}
