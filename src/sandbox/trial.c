#include "sandbox/trial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* Each tries one action the way an intruder would, undoes it when it worked, and returns 0 or errno. */
typedef int Trial(uint64_t memory_max_bytes);

static int close_or_errno(int fd)
{
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int try_open(uint64_t memory_max_bytes)
{
    (void)memory_max_bytes;
    return close_or_errno(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int try_create(uint64_t memory_max_bytes)
{
    (void)memory_max_bytes;
    static const char path[] = "/tmp/quern-parse-trial";
    int error = close_or_errno(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (error == 0)
        unlink(path);
    return error;
}

static int try_stat(uint64_t memory_max_bytes)
{
    (void)memory_max_bytes;
    struct stat info;
    return stat("/etc/passwd", &info) == 0 ? 0 : errno;
}

/* A refused connection is one that was allowed to leave. */
static int connect_or_errno(int fd, const void *address, socklen_t size)
{
    if (fd < 0)
        return errno;
    int error = connect(fd, address, size) == 0 || errno == ECONNREFUSED ? 0 : errno;
    close(fd);
    return error;
}

static int try_inet(int type)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return connect_or_errno(socket(AF_INET, type | SOCK_CLOEXEC, 0), &address, sizeof address);
}

static int try_socket_tcp(uint64_t memory_max_bytes)
{
    (void)memory_max_bytes;
    return try_inet(SOCK_STREAM);
}

static int try_socket_udp(uint64_t memory_max_bytes)
{
    (void)memory_max_bytes;
    return try_inet(SOCK_DGRAM);
}

static int try_socket_unix(uint64_t memory_max_bytes)
{
    (void)memory_max_bytes;
    static const char name[] = "quern-nobody-listens-here"; /* behind a NUL: an abstract name, in no file system */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path + 1, name, sizeof name - 1);
    return connect_or_errno(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), &address,
                            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof name));
}

static int try_fork(uint64_t memory_max_bytes)
{
    (void)memory_max_bytes;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid < 0 ? errno : 0;
}

/* When it works, the program's exit status says so instead of us. */
static int try_exec(uint64_t memory_max_bytes)
{
    (void)memory_max_bytes;
    char name[] = "true", *arguments[] = {name, NULL}, *environment[] = {NULL};
    execve("/bin/true", arguments, environment);
    return errno;
}

static int try_signal(uint64_t memory_max_bytes)
{
    (void)memory_max_bytes;
    return kill(getppid(), 0) == 0 ? 0 : errno;
}

static int try_trace(uint64_t memory_max_bytes)
{
    (void)memory_max_bytes;
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : errno;
}

static int try_executable_memory(uint64_t memory_max_bytes)
{
    (void)memory_max_bytes;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return errno;
    munmap(page, 4096);
    return 0;
}

static int try_io_uring(uint64_t memory_max_bytes)
{
    (void)memory_max_bytes;
    char parameters[120] = {0}; /* struct io_uring_params */
    return close_or_errno((int)syscall(SYS_io_uring_setup, 1, parameters));
}

static int try_namespace(uint64_t memory_max_bytes)
{
    (void)memory_max_bytes;
    return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? 0 : errno;
}

static int try_memory(uint64_t memory_max_bytes)
{
    void *room = mmap(NULL, (size_t)memory_max_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        return errno;
    munmap(room, (size_t)memory_max_bytes);
    return 0;
}

static Trial *const trials[TRIALS] = {
    [TRIAL_OPEN] = try_open,
    [TRIAL_CREATE] = try_create,
    [TRIAL_STAT] = try_stat,
    [TRIAL_SOCKET_TCP] = try_socket_tcp,
    [TRIAL_SOCKET_UDP] = try_socket_udp,
    [TRIAL_SOCKET_UNIX] = try_socket_unix,
    [TRIAL_FORK] = try_fork,
    [TRIAL_EXEC] = try_exec,
    [TRIAL_SIGNAL] = try_signal,
    [TRIAL_TRACE] = try_trace,
    [TRIAL_EXECUTABLE_MEMORY] = try_executable_memory,
    [TRIAL_IO_URING] = try_io_uring,
    [TRIAL_NAMESPACE] = try_namespace,
    [TRIAL_MEMORY] = try_memory,
};

int trial_run(TrialKind kind, uint64_t memory_max_bytes)
{
    ASSERT(kind < TRIALS);
    return trials[kind](memory_max_bytes);
}
