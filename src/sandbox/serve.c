#include "sandbox/serve.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "sandbox/lock.h"

#if LOCK_SANITIZED
/* Signals have to show in the wait status; with no RLIMIT_AS a single allocation has to hit another wall; a worker can
 * look neither for leaks nor for symbols. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "handle_segv=0:handle_sigbus=0:handle_abort=0:allocator_may_return_null=1:max_allocation_size_mb=2048:"
           "detect_leaks=0:symbolize=0:print_legend=0";
}
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "handle_segv=0:handle_sigbus=0:handle_abort=0:allocator_may_return_null=1:max_allocation_size_mb=2048";
}
__attribute__((visibility("default"))) const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
    return "halt_on_error=1:symbolize=0";
}
#endif

enum { CHILDREN_MAX = 4096, EXIT_USAGE = 2, EXIT_BROKEN = 3 };

typedef struct Child {
    pid_t pid;
    int watch; /* where its end is told; owned */
} Child;

typedef struct Zygote {
    const SandboxProgram *program;
    int signals; /* signalfd of SIGCHLD */
    Child *children;
    size_t child_count, child_capacity;
} Zygote;

static bool is_socket(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode);
}

/* A second thread would not exist in forked workers, but its locks would. The directory has a link for each thread, "."
 * and "..". */
static Error *check_single_thread(void)
{
    struct stat tasks;
    if (!LOCK_SANITIZED && stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 3)
        return FAIL(INTERNAL, "warm-up left %lu threads running, and only one may be there to fork",
                    (unsigned long)tasks.st_nlink - 2);
    return NULL;
}

static int compare_bytes(const void *a, const void *b)
{
    return *(const char *)a - *(const char *)b;
}

/* What libraries do once, and must not do for the first time in a locked worker. glibc's qsort asks for the machine's
 * memory before its first large sort; the time zone is a file. */
static void warm_up_libc(void)
{
    char many[2048] = {0};
    qsort(many, sizeof many, 1, compare_bytes);
    setenv("TZ", "UTC0", 1);
    tzset();
}

static bool send_ready(Error *take_error, int64_t warm_up_us)
{
    ReadyNote note = {.protocol = SANDBOX_PROTOCOL, .code = (uint32_t)error_code(take_error), .warm_up_us = warm_up_us};
    snprintf(note.message, sizeof note.message, "%s", error_message_view(take_error));
    bool warm = !take_error;
    error_free(take_error);
    return packet_send(ZYGOTE_FD_CONTROL, &note, sizeof note, NULL, 0) && warm;
}

static bool warm_up(const SandboxProgram *program)
{
    int64_t start_us = clock_monotonic_us(clock_system());
    warm_up_libc();
    Error *error = program->warm_up ? program->warm_up() : NULL;
    if (!error)
        error = check_single_thread();
    return send_ready(error, clock_monotonic_us(clock_system()) - start_us);
}

static bool children_reserve(Zygote *zygote)
{
    if (zygote->child_count < zygote->child_capacity)
        return true;
    size_t capacity = zygote->child_capacity ? zygote->child_capacity * 2 : 16;
    Child *children = capacity <= CHILDREN_MAX ? realloc(zygote->children, capacity * sizeof *children) : NULL;
    if (!children)
        return false;
    zygote->children = children;
    zygote->child_capacity = capacity;
    return true;
}

/* The supervisor may have hung up: then nobody wants to know. */
static void tell(int watch, WatchNote note, int pidfd)
{
    packet_send(watch, &note, sizeof note, &pidfd, pidfd >= 0 ? 1 : 0);
}

/* Takes the watch descriptor. */
static void fork_worker(Zygote *zygote, const ForkRequest *request, const int fds[FORK_FDS])
{
    pid_t self = getpid();
    pid_t pid = children_reserve(zygote) ? fork() : -1;
    if (pid == 0)
        worker_main(zygote->program, request, fds, self);
    int watch = fds[FORK_FD_WATCH];
    int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (pidfd < 0) {
        tell(watch, (WatchNote){.kind = WATCH_NOT_STARTED, .value = errno}, -1);
        close(watch);
        if (pid > 0)
            kill(pid, SIGKILL); /* reaped as a child that nobody knows */
        return;
    }
    tell(watch, (WatchNote){.kind = WATCH_STARTED, .value = pid}, pidfd);
    close(pidfd);
    zygote->children[zygote->child_count++] = (Child){pid, watch};
}

/* False once the supervisor is gone. */
static bool serve_request(Zygote *zygote)
{
    ForkRequest request;
    int fds[FORK_FDS];
    if (!packet_receive(ZYGOTE_FD_CONTROL, &request, sizeof request, fds, FORK_FDS))
        return false;
    bool complete = request.protocol == SANDBOX_PROTOCOL;
    for (size_t i = 0; i < FORK_FDS; i++)
        complete = complete && fds[i] >= 0;
    if (complete) {
        fork_worker(zygote, &request, fds);
        fds[FORK_FD_WATCH] = -1;
    }
    for (size_t i = 0; i < FORK_FDS; i++)
        cleanup_close(&fds[i]);
    return complete;
}

static void child_ended(Zygote *zygote, pid_t pid, int wait_status, uint64_t peak_bytes)
{
    for (size_t i = 0; i < zygote->child_count; i++) {
        Child child = zygote->children[i];
        if (child.pid != pid)
            continue;
        tell(child.watch, (WatchNote){.kind = WATCH_ENDED, .value = wait_status, .peak_bytes = peak_bytes}, -1);
        close(child.watch);
        zygote->children[i] = zygote->children[--zygote->child_count];
        return;
    }
}

static void reap(Zygote *zygote)
{
    struct signalfd_siginfo ignored;
    while (read(zygote->signals, &ignored, sizeof ignored) > 0) {
    }
    struct rusage usage;
    int status;
    pid_t pid;
    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0)
        child_ended(zygote, pid, status, (uint64_t)usage.ru_maxrss * 1024);
}

static void serve_until_hangup(Zygote *zygote)
{
    struct pollfd waits[] = {{.fd = ZYGOTE_FD_CONTROL, .events = POLLIN}, {.fd = zygote->signals, .events = POLLIN}};
    for (;;) {
        if (poll(waits, ARRAY_COUNT(waits), -1) < 0 && errno != EINTR)
            return;
        if (waits[1].revents)
            reap(zygote);
        if (waits[0].revents && !serve_request(zygote))
            return;
    }
}

static void end_children(Zygote *zygote)
{
    for (size_t i = 0; i < zygote->child_count; i++)
        kill(zygote->children[i].pid, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) {
    }
}

static int open_child_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_SETMASK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int sandbox_serve(const SandboxProgram *program, int argc, char **argv)
{
    if (argc != 2 || strcmp(argv[1], ZYGOTE_ARGUMENT) != 0 || !is_socket(ZYGOTE_FD_CONTROL)) {
        static const char usage[] =
            "quern-parse " QUERN_VERSION ": started by quern to parse documents; does nothing by itself\n";
        return write(STDERR_FILENO, usage, sizeof usage - 1) < 0 ? EXIT_BROKEN : EXIT_USAGE;
    }
    Zygote zygote = {.program = program, .signals = open_child_signals()};
    signal(SIGPIPE, SIG_IGN);
    if (zygote.signals < 0 || !warm_up(program))
        _exit(EXIT_BROKEN);
    serve_until_hangup(&zygote);
    end_children(&zygote);
    /* Not by exit: what warm-up loaded is for ever, and destructors of libraries have nothing to say here. */
    _exit(EXIT_SUCCESS);
}
