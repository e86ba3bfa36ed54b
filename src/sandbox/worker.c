#include "sandbox/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "sandbox/lock.h"
#include "sandbox/sandbox.h"
#include "sandbox/serve.h"
#include "sandbox/trial.h"

enum {
    OUT_BYTES = 64 * 1024, /* frames wait until there are so many, so that small ones cost no call each */
    PROGRESS_US = 50 * 1000,
    EXIT_DONE = 0,
    EXIT_BROKEN = 3
};

struct SandboxReply {
    Buffer out; /* messages not written yet; its memory is taken before the first document */
    int64_t flushed_us;
    uint64_t serial; /* of the request being answered */
};

static int64_t now_us(void)
{
    return clock_monotonic_us(clock_system());
}

/* Blocks while the supervisor is busy. False: nobody listens any more. */
static bool write_parts(struct iovec *part, int count)
{
    while (count > 0) {
        ssize_t done = writev(WORKER_FD_DATA, part, count);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        for (; count > 0 && (size_t)done >= part->iov_len; part++, count--)
            done -= (ssize_t)part->iov_len;
        if (count > 0) {
            part->iov_base = (char *)part->iov_base + done;
            part->iov_len -= (size_t)done;
        }
    }
    return true;
}

/* Writes what waits, then `more`. */
static bool reply_flush(SandboxReply *reply, Bytes more)
{
    struct iovec parts[] = {{reply->out.data, reply->out.len}, {(void *)(uintptr_t)more.data, more.len}};
    bool ok = write_parts(parts, more.len > 0 ? 2 : 1);
    buffer_clear(&reply->out);
    reply->flushed_us = now_us();
    return ok;
}

static Error *nobody_listens(void)
{
    return FAIL(CANCELLED, "nobody listens to the answer any more");
}

Error *sandbox_reply_frame(SandboxReply *reply, Bytes frame)
{
    if (frame.len > SANDBOX_FRAME_MAX)
        return FAIL(LIMIT, "answer frame of %zu bytes is larger than %d", frame.len, (int)SANDBOX_FRAME_MAX);
    uint8_t head[MESSAGE_HEAD_BYTES];
    message_head(MESSAGE_FRAME, frame.len, head);
    if (reply->out.len + sizeof head + frame.len > OUT_BYTES && !reply_flush(reply, BYTES_EMPTY))
        return nobody_listens();
    TRY(buffer_append(&reply->out, head, sizeof head));
    if (sizeof head + frame.len <= OUT_BYTES)
        return buffer_append(&reply->out, frame.data, frame.len);
    return reply_flush(reply, frame) ? NULL : nobody_listens();
}

void sandbox_reply_progress(SandboxReply *reply, uint64_t units_done)
{
    if (now_us() - reply->flushed_us < PROGRESS_US)
        return;
    uint8_t head[MESSAGE_HEAD_BYTES];
    message_head(MESSAGE_PROGRESS, 8, head);
    /* There is always room: END may still follow. When nobody listens the next frame, or the death signal, says so. */
    error_free(buffer_append(&reply->out, head, sizeof head));
    error_free(buffer_append_u64le(&reply->out, units_done));
    reply_flush(reply, BYTES_EMPTY);
}

static void send_end(SandboxReply *reply, Error *take_error)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    EndMessage end = {
        .serial = reply->serial,
        .code = error_code(take_error),
        .offset_bytes = error_offset(take_error),
        .peak_bytes = (uint64_t)usage.ru_maxrss * 1024,
        .cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000
                  + (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec),
        .text = str_of(error_message_view(take_error)),
    };
    Error *unsent = end_encode(&end, &reply->out);
    bool sent = !unsent && reply_flush(reply, BYTES_EMPTY);
    error_free(unsent);
    error_free(take_error);
    if (!sent)
        _exit(EXIT_BROKEN);
}

/* Maps the document for the time of its parsing: a pointer kept from one document to the next faults. */
static Error *run_document(const SandboxProgram *program, Bytes request, uint64_t size, SandboxReply *reply)
{
    if (size == 0)
        return program->work(request, BYTES_EMPTY, reply);
    if (size > SIZE_MAX)
        return FAIL(LIMIT, "document of %llu bytes does not fit in memory", (unsigned long long)size);
    void *map = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED | MAP_POPULATE, WORKER_FD_INPUT, 0);
    if (map == MAP_FAILED)
        return FAIL_ERRNO("map document of %llu bytes", (unsigned long long)size);
    Error *error = program->work(request, bytes_from(map, (size_t)size), reply);
    munmap(map, (size_t)size);
    return error;
}

/* Answers with a frame that holds the errno of the attempt, if it is still there to answer. */
static Error *run_trial(Bytes request, uint64_t memory_max_bytes, SandboxReply *reply)
{
    if (request.len != 1 || request.data[0] >= TRIALS)
        return FAIL(INTERNAL, "no such trial");
    int number = trial_run((TrialKind)request.data[0], memory_max_bytes);
    const uint8_t answer[] = {(uint8_t)number};
    return sandbox_reply_frame(reply, bytes_from(answer, sizeof answer));
}

/* The supervisor sends one message, and the next when this one is answered. False at its end. */
static bool read_message(Buffer *in, Message *ret_message)
{
    buffer_clear(in);
    size_t more = MESSAGE_HEAD_BYTES;
    while (more > 0) {
        ssize_t got = read(WORKER_FD_DATA, in->data + in->len, in->capacity - in->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        buffer_grown(in, (size_t)got);
        Reader at = reader_of(buffer_bytes(in));
        Error *malformed = message_next(&at, ret_message, &more);
        error_free(malformed); /* ours and theirs do not agree: nothing to serve, and the exit status tells */
        if (malformed || (more == 0 && reader_left(&at) > 0))
            _exit(EXIT_BROKEN);
    }
    return true;
}

static Error *run_message(const SandboxProgram *program, Message message, uint64_t memory_max_bytes,
                          SandboxReply *reply)
{
    Reader in = reader_of(message.body);
    uint64_t size;
    Bytes request;
    reply->flushed_us = now_us();
    if (!reader_u64le(&in, &reply->serial) || !reader_u64le(&in, &size)
        || !reader_take(&in, reader_left(&in), &request))
        return FAIL(INTERNAL, "request of %zu bytes is malformed", message.body.len);
    if (message.kind == MESSAGE_REQUEST)
        return run_document(program, request, size, reply);
    if (message.kind == MESSAGE_TRIAL)
        return run_trial(request, memory_max_bytes, reply);
    return FAIL(INTERNAL, "message of kind %d is not for a worker", (int)message.kind);
}

NORETURN static void serve_documents(const SandboxProgram *program, uint64_t memory_max_bytes, Buffer *in,
                                     SandboxReply *reply)
{
    Message message;
    while (read_message(in, &message)) {
        Error *error = run_message(program, message, memory_max_bytes, reply);
        if (error_code(error) == ERR_CANCELLED)
            break;
        send_end(reply, error);
    }
    _exit(EXIT_DONE);
}

static void send_hello(SandboxReply *reply, LockResult locked)
{
    uint8_t head[MESSAGE_HEAD_BYTES];
    message_head(MESSAGE_HELLO, 8, head);
    error_free(buffer_append(&reply->out, head, sizeof head));
    error_free(buffer_append_u32le(&reply->out, locked.layers));
    error_free(buffer_append_u32le(&reply->out, locked.landlock_abi));
    if (!reply_flush(reply, BYTES_EMPTY))
        _exit(EXIT_DONE);
}

/* Puts the descriptors where they belong and closes all others, those of the zygote and of other workers among them.
 * They move up first, because one may lie where another has to go. */
static bool take_descriptors(const int fds[FORK_FDS])
{
    int data = fcntl(fds[FORK_FD_DATA], F_DUPFD_CLOEXEC, WORKER_FDS);
    int input = fcntl(fds[FORK_FD_INPUT], F_DUPFD_CLOEXEC, WORKER_FDS);
    int errors = fcntl(fds[FORK_FD_ERRORS], F_DUPFD_CLOEXEC, WORKER_FDS);
    return data >= 0 && input >= 0 && errors >= 0 && dup2(data, WORKER_FD_DATA) >= 0
           && dup2(input, WORKER_FD_INPUT) >= 0 && dup2(errors, WORKER_FD_ERRORS) >= 0
           && close_range(WORKER_FDS, ~0U, 0) == 0;
}

/* When memory runs out, the kernel should take a worker and not the database next door. Anybody may raise the own
 * score. */
static void offer_to_memory_killer(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return; /* no /proc here */
    ssize_t ignored = write(fd, "1000", 4);
    (void)ignored;
    close(fd);
}

static void reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

void worker_main(const SandboxProgram *program, const ForkRequest *request, const int fds[FORK_FDS], pid_t zygote)
{
    /* The parent may have gone between fork and here, and then no signal comes. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != zygote)
        _exit(EXIT_BROKEN);
    prctl(PR_SET_NAME, "quern-worker", 0, 0, 0);
    offer_to_memory_killer();
    if (!take_descriptors(fds))
        _exit(EXIT_BROKEN);
    reset_signals();

    static SandboxReply reply;
    static Buffer in;
    Error *error =
        buffer_reserve(&reply.out, OUT_BYTES + 2 * MESSAGE_HEAD_BYTES + 8 + END_MIN_BYTES + END_TEXT_MAX_BYTES);
    if (!error)
        error = buffer_reserve(&in, MESSAGE_HEAD_BYTES + REQUEST_HEAD_BYTES + REQUEST_MAX_BYTES);
    if (error)
        _exit(EXIT_BROKEN);
    LockResult locked = {0};
    if (request->lock)
        locked = lock_process(&(LockLimits){.memory_max_bytes = request->memory_max_bytes,
                                            .cpu_max_s = request->cpu_max_s,
                                            .descriptors_max = WORKER_FDS,
                                            .data_fd = WORKER_FD_DATA,
                                            .errors_fd = WORKER_FD_ERRORS});
    send_hello(&reply, locked);
    serve_documents(program, request->memory_max_bytes, &in, &reply);
}
