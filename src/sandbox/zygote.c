#include "sandbox/zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    READY_MAX_MS = 60 * 1000, /* warm-up takes 60 ms, on a machine that is swapping much longer */
    END_MAX_MS = 5 * 1000,
    SPAWN_FDS_FROM = 16 /* above all numbers that the spawned program will use */
};

Error *socket_pair(int type, int *ret_ours, int *ret_theirs)
{
    int pair[2];
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) != 0)
        return FAIL_ERRNO("make a socket pair");
    *ret_ours = pair[0];
    *ret_theirs = pair[1];
    return NULL;
}

Error *errors_pipe(int *ret_ours, int *ret_theirs)
{
    int pair[2];
    if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) != 0)
        return FAIL_ERRNO("make a pipe");
    *ret_ours = pair[0];
    *ret_theirs = pair[1];
    return NULL;
}

bool process_wait(int pidfd, int timeout_ms)
{
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};
    int64_t end_us = clock_monotonic_us(clock_system()) + (int64_t)timeout_ms * 1000;
    for (;;) {
        int64_t left_us = end_us - clock_monotonic_us(clock_system());
        int ready = poll(&wait, 1, left_us > 0 ? (int)(left_us / 1000) + 1 : 0);
        if (ready > 0)
            return true;
        if (left_us <= 0 || (ready < 0 && errno != EINTR))
            return false;
    }
}

void process_kill(int pidfd)
{
    if (pidfd >= 0)
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

/* Whole lines, as many as fit; the first may have been cut. */
static Str join_lines(char *text, size_t len)
{
    Str whole = str_trim(str_from(text, len));
    size_t newline = len < LAST_WORDS_BYTES ? SIZE_MAX : str_find_char(whole, '\n');
    Str lines = newline == SIZE_MAX ? whole : str_slice(whole, newline + 1, whole.len);
    for (size_t at; (at = str_find_char(lines, '\n')) != SIZE_MAX;)
        text[(lines.data - text) + (ptrdiff_t)at] = '|';
    return lines;
}

Str errors_last_words(int errors, char out[LAST_WORDS_BYTES])
{
    char tail[LAST_WORDS_BYTES], block[4096];
    size_t len = 0;
    ssize_t got;
    while (errors >= 0 && ((got = read(errors, block, sizeof block)) > 0 || (got < 0 && errno == EINTR))) {
        size_t fresh = got > 0 ? (size_t)got : 0, take = MIN(fresh, sizeof tail), keep = MIN(len, sizeof tail - take);
        memmove(tail, tail + len - keep, keep);
        memcpy(tail + keep, block + fresh - take, take);
        len = keep + take;
    }
    return text_clean(join_lines(tail, len), out);
}

/* In its own session, so that the terminal's Ctrl-C drains the run instead of killing the parser; all signals as at
 * birth. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int error = posix_spawnattr_setsigmask(attributes, &none);
    if (!error)
        error = posix_spawnattr_setsigdefault(attributes, &all);
    if (!error)
        error =
            posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return error;
}

static int set_descriptors(posix_spawn_file_actions_t *actions, int control, int errors)
{
    int error = posix_spawn_file_actions_adddup2(actions, control, ZYGOTE_FD_CONTROL);
    if (!error)
        error = posix_spawn_file_actions_adddup2(actions, errors, STDERR_FILENO);
    if (!error)
        error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_addclosefrom_np(actions, ZYGOTE_FD_CONTROL + 1);
    return error;
}

/* Returns errno. */
static int spawn(const char *program, int control, int errors, pid_t *ret_pid)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    char name[] = "quern-parse", serve[] = ZYGOTE_ARGUMENT;
    char *arguments[] = {name, serve, NULL}, *environment[] = {NULL};
    int error = posix_spawnattr_init(&attributes);
    if (error)
        return error;
    error = posix_spawn_file_actions_init(&actions);
    if (!error) {
        error = set_attributes(&attributes);
        if (!error)
            error = set_descriptors(&actions, control, errors);
        if (!error)
            error = posix_spawn(ret_pid, program, &actions, &attributes, arguments, environment);
        posix_spawn_file_actions_destroy(&actions);
    }
    posix_spawnattr_destroy(&attributes);
    return error;
}

static Error *spawn_error(int number, const char *program)
{
    if (number == ENOENT || number == EACCES || number == ENOEXEC || number == ENOTDIR)
        return FAIL(UNSUPPORTED, "start parser '%s': %s (option parse_program names it)", program, strerror(number));
    return error_from_errno(number, __FILE__, __LINE__, "start parser '%s'", program);
}

static Error *await_ready(const char *program, Zygote *zygote)
{
    char words[LAST_WORDS_BYTES];
    ReadyNote note;
    struct pollfd wait = {.fd = zygote->control, .events = POLLIN};
    int ready;
    do
        ready = poll(&wait, 1, READY_MAX_MS);
    while (ready < 0 && errno == EINTR);
    if (ready == 0)
        return FAIL(UNAVAILABLE, "parser '%s' is not ready after %d s", program, READY_MAX_MS / 1000);
    if (!packet_receive(zygote->control, &note, sizeof note, NULL, 0)) {
        process_wait(zygote->pidfd, END_MAX_MS); /* so that its last words are there */
        Str said = errors_last_words(zygote->errors, words);
        return FAIL(UNAVAILABLE, "parser '%s' ended before it was ready%s" STR_FMT, program, said.len ? ": " : "",
                    STR_ARG(said));
    }
    if (note.protocol != SANDBOX_PROTOCOL || note.code >= ERR_CODES)
        return FAIL(UNSUPPORTED, "parser '%s' is of another version (protocol %u instead of %d)", program,
                    note.protocol, (int)SANDBOX_PROTOCOL);
    note.message[sizeof note.message - 1] = 0;
    if (note.code != ERR_OK)
        return error_new((ErrorCode)note.code, __FILE__, __LINE__, "parser '%s' cannot get ready: %s", program,
                         note.message);
    zygote->warm_up_us = note.warm_up_us;
    return NULL;
}

/* Moves a descriptor out of the way of those the new program gets by number. */
static bool move_up(int *fd)
{
    int moved = fcntl(*fd, F_DUPFD_CLOEXEC, SPAWN_FDS_FROM);
    if (moved < 0)
        return false;
    close(*fd);
    *fd = moved;
    return true;
}

Error *zygote_start(const char *program, Zygote *ret_zygote)
{
    Zygote zygote = ZYGOTE_NONE;
    CLEANUP(cleanup_close) int control = -1;
    CLEANUP(cleanup_close) int errors = -1;
    Error *error = socket_pair(SOCK_SEQPACKET, &zygote.control, &control);
    if (!error)
        error = errors_pipe(&zygote.errors, &errors);
    if (!error && !(move_up(&control) && move_up(&errors)))
        error = FAIL_ERRNO("start parser '%s'", program);
    pid_t pid = -1;
    int failed = error ? 0 : spawn(program, control, errors, &pid);
    if (failed)
        error = spawn_error(failed, program);
    if (pid > 0)
        zygote.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (!error && zygote.pidfd < 0)
        error = FAIL_ERRNO("watch parser '%s'", program);
    /* Else its end would never show as the end of the connection. */
    cleanup_close(&control);
    cleanup_close(&errors);
    control = errors = -1;
    if (!error)
        error = await_ready(program, &zygote);
    if (error) {
        zygote_end(&zygote);
        return error;
    }
    *ret_zygote = zygote;
    return NULL;
}

bool zygote_ask(const Zygote *zygote, const ForkRequest *request, const int fds[FORK_FDS])
{
    return zygote->control >= 0 && packet_send(zygote->control, request, sizeof *request, fds, FORK_FDS);
}

void zygote_end(Zygote *zygote)
{
    cleanup_close(&zygote->control);
    if (zygote->pidfd >= 0) {
        if (!process_wait(zygote->pidfd, END_MAX_MS)) {
            process_kill(zygote->pidfd);
            process_wait(zygote->pidfd, END_MAX_MS);
        }
        siginfo_t ignored;
        waitid(P_PIDFD, (id_t)zygote->pidfd, &ignored, WEXITED | WNOHANG); /* the host may have reaped it: fine */
    }
    cleanup_close(&zygote->pidfd);
    cleanup_close(&zygote->errors);
    *zygote = ZYGOTE_NONE;
}
