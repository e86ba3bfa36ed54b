#include "store/s3/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/s3/search.h"

enum { PROCESS_TIMEOUT_MS = 60000, REAP_POLL_US = 10000, CHUNK_BYTES = 4096, SAID_MAX_BYTES = 4096 };
#define OUTPUT_MAX_BYTES (256 * KIB)

/* ---- words ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The word that begins at command[*at], without its quotes, into `out`, which has room for all of the command. */
MUST_USE static Error *take_word(Str command, size_t *at, char *out, size_t *ret_len)
{
    size_t len = 0;
    char quote = 0;
    for (; *at < command.len && (quote || !is_blank(command.data[*at])); (*at)++) {
        char c = command.data[*at];
        bool escapes = c == '\\' && quote != '\'' && *at + 1 < command.len;
        if (escapes && quote == '"')
            escapes = strchr("\"\\$`", command.data[*at + 1]) != NULL;
        if (escapes)
            out[len++] = command.data[++*at];
        else if (c == quote)
            quote = 0;
        else if (!quote && (c == '\'' || c == '"'))
            quote = c;
        else
            out[len++] = c;
    }
    if (quote)
        return FAIL(INVALID, "a quote (%c) in the command is not closed", quote);
    *ret_len = len;
    return NULL;
}

Error *process_split(Str command, Arena *arena, char ***ret_words)
{
    /* at most a word for every second byte, and all of them are no longer than the command with a NUL each */
    char **words = ARENA_ARRAY(arena, char *, command.len / 2 + 2);
    char *text = arena_alloc(arena, 2 * command.len + 2);
    size_t count = 0, at = 0;
    if (!words || !text)
        return arena_error(arena);
    for (;;) {
        while (at < command.len && is_blank(command.data[at]))
            at++;
        if (at == command.len)
            break;
        size_t len;
        TRY(take_word(command, &at, text, &len));
        words[count++] = text;
        text[len] = '\0';
        text += len + 1;
    }
    if (count == 0)
        return FAIL(INVALID, "the command is empty");
    *ret_words = words;
    return NULL;
}

/* ---- the child ---- */

typedef struct Child {
    pid_t pid;
    int out, said; /* our ends; -1 once they have ended */
    bool reaped;
    int status; /* of wait; 0 when the host took it from us */
} Child;

static void close_pipe(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* True when it has ended. */
static bool reap(Child *child)
{
    if (child->reaped)
        return true;
    pid_t got;
    do
        got = waitpid(child->pid, &child->status, WNOHANG);
    while (got < 0 && errno == EINTR);
    if (got < 0) /* ECHILD: the host ignores SIGCHLD or waits for everybody */
        child->status = 0;
    child->reaped = got != 0;
    return child->reaped;
}

/* With all that it started. */
static void child_done(Child *child)
{
    if (child->pid > 0 && !child->reaped) {
        (void)kill(-child->pid, SIGKILL); /* the pid is its own still: nobody has waited for it */
        while (!reap(child))
            (void)usleep(REAP_POLL_US);
    }
    close_pipe(&child->out);
    close_pipe(&child->said);
}

/* Signals as a fresh program expects them: threads of ours have all blocked, a host may ignore some. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    (void)posix_spawnattr_setsigmask(attributes, &none);
    (void)posix_spawnattr_setsigdefault(attributes, &all);
    (void)posix_spawnattr_setpgroup(attributes, 0);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

static int spawn_with(Child *child, char *const *words, const char *const *environment, int out, int said)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    union {
        const char *const *given;
        char *const *wanted;
    } env = {environment}; /* posix_spawn changes nothing, it only says so badly */
    int number = posix_spawn_file_actions_init(&files);
    if (number)
        return number;
    number = posix_spawnattr_init(&attributes);
    if (number) {
        posix_spawn_file_actions_destroy(&files);
        return number;
    }
    number = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    number = number ? number : posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    number = number ? number : posix_spawn_file_actions_adddup2(&files, said, STDERR_FILENO);
    number = number ? number : set_attributes(&attributes);
    number = number ? number : posix_spawnp(&child->pid, words[0], &files, &attributes, words, env.wanted);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (number)
        child->pid = 0;
    return number;
}

MUST_USE static Error *child_start(Child *child, char *const *words, const char *const *environment)
{
    static const char *const nothing[] = {NULL};
    int out[2], said[2];
    if (pipe2(out, O_CLOEXEC) != 0)
        return FAIL_ERRNO("make a pipe");
    if (pipe2(said, O_CLOEXEC) != 0) {
        Error *err = FAIL_ERRNO("make a pipe");
        (void)close(out[0]);
        (void)close(out[1]);
        return err;
    }
    child->out = out[0];
    child->said = said[0];
    int number = spawn_with(child, words, environment ? environment : nothing, out[1], said[1]);
    (void)close(out[1]);
    (void)close(said[1]);
    return number ? error_from_errno(number, __FILE__, __LINE__, "start '%s'", words[0]) : NULL;
}

/* ---- what it says ---- */

/* Reads what is there. `strict`: what passes the limit is an error, else it is dropped. */
MUST_USE static Error *drain(int *fd, Buffer *into, bool strict)
{
    char chunk[CHUNK_BYTES];
    ssize_t got = read(*fd, chunk, sizeof(chunk));
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return NULL;
    if (got <= 0) {
        close_pipe(fd);
        return NULL;
    }
    Error *err = buffer_append(into, chunk, (size_t)got);
    explicit_bzero(chunk, sizeof(chunk));
    if (err && !strict && error_code(err) == ERR_LIMIT) {
        error_free(err); /* the beginning tells enough */
        return NULL;
    }
    return err;
}

MUST_USE static Error *listen_to(Child *child, int64_t until_us, const Cancel *cancel, Buffer *out, Buffer *said)
{
    while (child->out >= 0 || child->said >= 0 || !reap(child)) {
        TRY(cancel_check(cancel));
        if (clock_monotonic_us(clock_system()) >= until_us)
            return FAIL(TIMEOUT, "it did not end in time");
        if (child->out < 0 && child->said < 0) {
            (void)usleep(REAP_POLL_US);
            continue;
        }
        struct pollfd polled[] = {{child->out, POLLIN, 0}, {child->said, POLLIN, 0}};
        if (poll(polled, ARRAY_COUNT(polled), CANCEL_POLL_MS) < 0 && errno != EINTR)
            return FAIL_ERRNO("wait for it");
        if (polled[0].revents)
            TRY_CTX(drain(&child->out, out, true), "its answer");
        if (polled[1].revents)
            TRY(drain(&child->said, said, false));
    }
    return NULL;
}

Error *process_run(char *const *words, const char *const *environment, unsigned timeout_ms, const Cancel *cancel,
                   Buffer *out, Buffer *said)
{
    CLEANUP(child_done) Child child = {.out = -1, .said = -1};
    int64_t until_us = clock_monotonic_us(clock_system()) + (int64_t)timeout_ms * 1000;
    TRY(child_start(&child, words, environment));
    TRY(listen_to(&child, until_us, cancel, out, said));
    if (WIFSIGNALED(child.status))
        return FAIL(UNAVAILABLE, "it was ended by signal %d", WTERMSIG(child.status));
    if (WEXITSTATUS(child.status) != 0)
        return FAIL(UNAVAILABLE, "it ended with status %d", WEXITSTATUS(child.status));
    return NULL;
}

/* ---- credentials from it ---- */

MUST_USE static Error *check_version(const json_t *object)
{
    int64_t version = json_get_int(object, "Version", -1);
    if (version == 1)
        return NULL;
    return FAIL(UNSUPPORTED, "it answers in Version %lld, and only 1 is known", (long long)version);
}

/* Its standard error belongs to the message: it is where helpers say what to do. */
static Error *with_words(Error *take_error, const Buffer *said)
{
    CLEANUP(buffer_done) Buffer words = {0};
    if (said->len == 0)
        return take_error;
    Error *err = remote_append_excerpt(&words, buffer_str(said));
    if (err) {
        error_free(err); /* the first is the one to tell */
        return take_error;
    }
    Error *whole = error_new(error_code(take_error), error_file_view(take_error), error_line(take_error),
                             "%s; it says: " STR_FMT, error_message_view(take_error), STR_ARG(buffer_str(&words)));
    error_free(take_error);
    return whole;
}

MUST_USE static Error *run_and_read(S3Search *search, Str command, json_t **ret_answer, Buffer *said)
{
    CLEANUP(secret_buffer_done) Buffer out = {.limit = OUTPUT_MAX_BYTES};
    char **words;
    TRY(process_split(command, search->arena, &words));
    TRY(process_run(words, search->options->environment, PROCESS_TIMEOUT_MS, search->cancel, &out, said));
    TRY(s3_read_json(buffer_str(&out), ret_answer));
    return check_version(*ret_answer);
}

Error *s3_process_get(S3Search *search, Str profile, Str command, S3Credentials **ret_credentials)
{
    CLEANUP(secret_buffer_done) Buffer said = {.limit = SAID_MAX_BYTES};
    static const KeyNames names = {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"};
    CLEANUP(cleanup_secret_json) json_t *answer = NULL;
    S3KeySet keys;
    Error *err = run_and_read(search, command, &answer, &said);
    if (!err)
        err = s3_json_keys(answer, &names, &keys);
    if (err)
        return error_wrap(error_code(err) == ERR_CANCELLED ? err : with_words(err, &said),
                          "credential_process of the profile '" STR_FMT "'", STR_ARG(profile));
    const char *source = arena_format(search->arena, "credential_process (profile '" STR_FMT "')", STR_ARG(profile));
    return source ? s3_credentials_new(&keys, str_of(source), ret_credentials) : arena_error(search->arena);
}
