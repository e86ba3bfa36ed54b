#include "base/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cancel.h"
#include "base/str.h"

typedef struct Start {
    void (*body)(void *context);
    void *context;
    char name[16]; /* the kernel's bound, with the NUL */
} Start;

static void *run(void *argument)
{
    Start start = *(Start *)argument;
    free(argument);
    pthread_setname_np(pthread_self(), start.name);
    start.body(start.context);
    return NULL;
}

Error *thread_start(Thread *thread, const char *name, void (*body)(void *context), void *context)
{
    Start *start = malloc(sizeof *start);
    if (!start)
        return FAIL(NO_MEMORY, "out of memory");
    start->body = body;
    start->context = context;
    snprintf(start->name, sizeof start->name, "%s", name);

    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* the new thread inherits it */
    int failure = pthread_create(&thread->id, NULL, run, start);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failure) {
        free(start);
        return error_from_errno(failure, __FILE__, __LINE__, "start thread '%s'", name);
    }
    thread->running = true;
    return NULL;
}

void thread_join(Thread *thread)
{
    if (!thread->running)
        return;
    pthread_join(thread->id, NULL);
    thread->running = false;
}

void thread_wait(pthread_cond_t *changed, pthread_mutex_t *lock)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)CANCEL_POLL_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_clockwait(changed, lock, CLOCK_MONOTONIC, &until);
}

/* CPUs that the cgroup's quota is worth, rounded up; 0 when there is none. Version 2's cpu.max is "QUOTA PERIOD" or "max PERIOD",
 * version 1 has a file for each. */
static unsigned cgroup_cpu_quota(void)
{
    static const char *const quota_files[] = {"/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"};
    for (size_t i = 0; i < ARRAY_COUNT(quota_files); i++) {
        FILE *file = fopen(quota_files[i], "re");
        if (!file)
            continue;
        int64_t quota = -1, period = 100000; /* the kernel's default period */
        char line[64] = "";
        bool read = fgets(line, sizeof line, file) != NULL;
        fclose(file);
        Str rest = str_trim(str_of(line)), piece;
        bool number = read && str_next_piece(&rest, ' ', &piece) && str_to_i64(piece, &quota);
        if (number && str_next_piece(&rest, ' ', &piece) && !str_to_i64(piece, &period))
            number = false;
        if (number && quota > 0 && period > 0)
            return (unsigned)((quota + period - 1) / period);
    }
    return 0;
}

unsigned thread_cpu_count(void)
{
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    unsigned count = 1;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        count = MAX(1u, (unsigned)CPU_COUNT(&allowed));
    unsigned quota = cgroup_cpu_quota();
    return quota ? MIN(count, quota) : count;
}
