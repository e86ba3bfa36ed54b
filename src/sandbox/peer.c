#include "sandbox/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/time_text.h"
#include "sandbox/verdict.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U /* Linux 6.3 */
#endif

enum {
    GREET_MAX_US = 30 * 1000 * 1000, /* fork and lock take 2 ms; a machine that swaps may need longer */
    HANGUP_MAX_MS = 1000,
    DEATH_MAX_MS = 5000,
    READ_BYTES = 64 * 1024,
    KEEP_ANSWER_BYTES = 256 * 1024,
    KEEP_INPUT_BYTES = 8 * 1024 * 1024
};

static int64_t now_us(void)
{
    return clock_monotonic_us(clock_system());
}

/* A memory file that the worker maps. Not sealed: what a worker does to its own input harms nobody but itself. */
static int memory_file(void)
{
    int fd = memfd_create("quern-document", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
    return fd < 0 && errno == EINVAL ? memfd_create("quern-document", MFD_CLOEXEC) : fd;
}

Error *peer_open(Peer *ret_peer, int fds[FORK_FDS])
{
    for (size_t i = 0; i < FORK_FDS; i++)
        fds[i] = -1;
    *ret_peer = PEER_NONE;
    ret_peer->in.limit = MESSAGE_HEAD_BYTES + (size_t)SANDBOX_FRAME_MAX + READ_BYTES;
    TRY(socket_pair(SOCK_STREAM, &ret_peer->data, &fds[FORK_FD_DATA]));
    TRY(socket_pair(SOCK_SEQPACKET, &ret_peer->watch, &fds[FORK_FD_WATCH]));
    TRY(errors_pipe(&ret_peer->errors, &fds[FORK_FD_ERRORS]));
    ret_peer->input = memory_file();
    if (ret_peer->input < 0)
        return FAIL_ERRNO("make a memory file");
    fds[FORK_FD_INPUT] = fcntl(ret_peer->input, F_DUPFD_CLOEXEC, 0);
    return fds[FORK_FD_INPUT] < 0 ? FAIL_ERRNO("make a memory file") : NULL;
}

typedef enum Ready { READY_NOTHING, READY_DATA, READY_DEATH } Ready;

/* What there is within `timeout_us` (of which CANCEL_POLL_MS at most are slept). Data first: a worker may answer and
 * end. */
static Ready peer_wait(const Peer *peer, int64_t timeout_us)
{
    struct pollfd waits[] = {{.fd = peer->data, .events = POLLIN}, {.fd = peer->watch, .events = POLLIN}};
    int64_t timeout_ms = timeout_us <= 0 ? 0 : MIN(timeout_us / 1000 + 1, (int64_t)CANCEL_POLL_MS);
    if (poll(waits, ARRAY_COUNT(waits), (int)timeout_ms) <= 0)
        return READY_NOTHING;
    return waits[0].revents ? READY_DATA : READY_DEATH;
}

typedef enum Got { GOT_BYTES, GOT_NOTHING, GOT_HANGUP } Got;

/* Reads once, without waiting; with room for `more_bytes`, should they have come. */
static Error *peer_read(Peer *peer, size_t more_bytes, Got *ret_got)
{
    TRY(buffer_reserve(&peer->in, MAX(more_bytes, (size_t)READ_BYTES)));
    ssize_t got;
    do
        got = recv(peer->data, peer->in.data + peer->in.len, peer->in.capacity - peer->in.len, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        buffer_grown(&peer->in, (size_t)got);
    else if (got < 0 && errno != ECONNRESET && errno != EAGAIN)
        return FAIL_ERRNO("read the parser's answer");
    *ret_got = got > 0 ? GOT_BYTES : got < 0 && errno == EAGAIN ? GOT_NOTHING : GOT_HANGUP;
    return NULL;
}

/* Reads on until a message is there. */
static Error *peer_await_message(Peer *peer, const Cancel *cancel, int64_t timeout_us, Message *ret_message)
{
    int64_t end_us = now_us() + timeout_us;
    for (;;) {
        size_t more;
        Reader in = reader_of(buffer_bytes(&peer->in));
        TRY(message_next(&in, ret_message, &more));
        if (more == 0)
            return NULL;
        TRY(cancel_check(cancel));
        Ready ready = peer_wait(peer, end_us - now_us());
        if (ready == READY_NOTHING && now_us() >= end_us)
            return FAIL(UNAVAILABLE, "no word from it after %lld s", (long long)(timeout_us / 1000000));
        if (ready != READY_NOTHING) {
            Got got;
            TRY(peer_read(peer, more, &got));
            if (got == GOT_HANGUP || (got == GOT_NOTHING && ready == READY_DEATH))
                return FAIL(UNAVAILABLE, "it ended before it was ready");
        }
    }
}

static Error *peer_await_start(Peer *peer, const Cancel *cancel)
{
    int64_t end_us = now_us() + GREET_MAX_US;
    struct pollfd wait = {.fd = peer->watch, .events = POLLIN};
    while (poll(&wait, 1, CANCEL_POLL_MS) <= 0) {
        TRY(cancel_check(cancel));
        if (now_us() >= end_us)
            return FAIL(UNAVAILABLE, "start a parser: its zygote does not answer");
    }
    WatchNote note;
    if (!packet_receive(peer->watch, &note, sizeof note, &peer->pidfd, 1))
        return FAIL(UNAVAILABLE, "start a parser: its zygote has ended");
    if (note.kind == WATCH_NOT_STARTED)
        return error_from_errno(note.value, __FILE__, __LINE__, "start a parser");
    if (note.kind != WATCH_STARTED || peer->pidfd < 0)
        return FAIL(INTERNAL, "start a parser: unexpected note %u", note.kind);
    return NULL;
}

Error *peer_greet(Peer *peer, const Cancel *cancel)
{
    TRY(peer_await_start(peer, cancel));
    Message hello;
    TRY_CTX(peer_await_message(peer, cancel, GREET_MAX_US, &hello), "start a parser");
    Reader in = reader_of(hello.body);
    if (hello.kind != MESSAGE_HELLO || !reader_u32le(&in, &peer->layers) || !reader_u32le(&in, &peer->landlock_abi)
        || (peer->layers & ~(uint32_t)LAYERS_ALL))
        return FAIL(UNAVAILABLE, "start a parser: it did not say which layers it has");
    buffer_clear(&peer->in);
    return NULL;
}

/* Truncating to the new size first drops what the last document left behind it, on its last page too, and keeps the
 * pages that this one needs again: taking fresh ones would cost three times as much as the copy. */
static Error *put_input(const Peer *peer, Bytes input)
{
    if (ftruncate(peer->input, (off_t)input.len) != 0)
        return FAIL_ERRNO("hand over a document of %zu bytes", input.len);
    for (size_t at = 0; at < input.len;) {
        ssize_t put = pwrite(peer->input, input.data + at, input.len - at, (off_t)at);
        if (put < 0 && errno != EINTR)
            return FAIL_ERRNO("hand over a document of %zu bytes", input.len);
        at += put > 0 ? (size_t)put : 0;
    }
    return NULL;
}

/* An idle worker keeps no large memory. */
static bool give_back_memory(Peer *peer, size_t input_bytes)
{
    if (peer->in.capacity > KEEP_ANSWER_BYTES)
        buffer_done(&peer->in);
    return input_bytes <= KEEP_INPUT_BYTES || ftruncate(peer->input, 0) == 0;
}

/* An idle worker's socket is empty and larger than any request: what does not fit at once will not be read either. */
static bool send_request(const Peer *peer, const PeerTask *task)
{
    uint8_t message[MESSAGE_HEAD_BYTES + REQUEST_HEAD_BYTES + REQUEST_MAX_BYTES];
    size_t len = MESSAGE_HEAD_BYTES + REQUEST_HEAD_BYTES + task->request.len;
    message_head(task->kind, len - MESSAGE_HEAD_BYTES, message);
    for (unsigned i = 0; i < 8; i++) {
        message[MESSAGE_HEAD_BYTES + i] = (uint8_t)(peer->serial >> (8 * i));
        message[MESSAGE_HEAD_BYTES + 8 + i] = (uint8_t)((uint64_t)task->input.len >> (8 * i));
    }
    memcpy(message + MESSAGE_HEAD_BYTES + REQUEST_HEAD_BYTES, task->request.data, task->request.len);
    return send(peer->data, message, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

/* One document under way. */
typedef enum Stop {
    STOP_NOT,
    STOP_ANSWERED,
    STOP_DIED,
    STOP_SILENT,
    STOP_TOO_LONG,
    STOP_TOO_MUCH,
    STOP_MALFORMED,
    STOP_OURS
} Stop;

typedef struct Exchange {
    Peer *peer;
    const PeerTask *task;
    Stop stop;
    Error *error; /* of STOP_MALFORMED and STOP_OURS */
    int64_t silence_end_us, total_end_us;
    uint64_t answer_bytes;
    bool output;
    size_t more_bytes; /* missing of the next message */
    EndMessage end;    /* of STOP_ANSWERED */
    char end_text[END_TEXT_MAX_BYTES];
} Exchange;

static void stop(Exchange *x, Stop why, Error *take_error)
{
    x->stop = why;
    x->error = take_error;
}

static void take_message(Exchange *x, Message message)
{
    Error *error = NULL;
    if (message.kind == MESSAGE_FRAME) {
        x->output = true;
        error = x->task->frame(x->task->context, message.body);
        if (error)
            stop(x, STOP_OURS, error);
    } else if (message.kind == MESSAGE_END) {
        error = end_decode(message.body, x->end_text, &x->end);
        if (!error
            && x->end.serial != x->peer->serial) /* whose fault is not to be known: another worker may try again */
            stop(x, STOP_OURS, FAIL(UNAVAILABLE, "parser answered for another document"));
        else
            stop(x, error ? STOP_MALFORMED : STOP_ANSWERED, error);
    } else if (message.kind != MESSAGE_PROGRESS) {
        stop(x, STOP_MALFORMED, FAIL(CORRUPT, "message of kind %d is no answer", (int)message.kind));
    }
}

/* All complete messages in the buffer. False: there is none. */
static bool take_messages(Exchange *x)
{
    Reader in = reader_of(buffer_bytes(&x->peer->in));
    while (x->stop == STOP_NOT) {
        Message message;
        Error *error = message_next(&in, &message, &x->more_bytes);
        if (error)
            stop(x, STOP_MALFORMED, error);
        else if (x->more_bytes > 0)
            break;
        else
            take_message(x, message);
    }
    if (x->stop == STOP_ANSWERED && reader_left(&in) > 0)
        stop(x, STOP_MALFORMED, FAIL(CORRUPT, "%zu bytes follow the end of the answer", reader_left(&in)));
    size_t taken = reader_offset(&in);
    x->answer_bytes += taken;
    if (x->stop == STOP_NOT && x->answer_bytes > x->task->answer_max_bytes)
        stop(x, STOP_TOO_MUCH, NULL);
    buffer_consume(&x->peer->in, taken);
    return taken > 0;
}

/* Our own time in the callback is not the worker's: both clocks go on afterwards. Bytes alone are no sign of life, only
 * messages. */
static void take_data(Exchange *x, Ready ready)
{
    Got got = GOT_NOTHING;
    Error *error = peer_read(x->peer, x->more_bytes, &got);
    if (error) {
        stop(x, STOP_OURS, error);
    } else if (got == GOT_HANGUP || (got == GOT_NOTHING && ready == READY_DEATH)) {
        stop(x, STOP_DIED, NULL);
    } else if (got == GOT_BYTES) {
        int64_t before_us = now_us();
        bool alive = take_messages(x);
        int64_t after_us = now_us();
        x->total_end_us += after_us - before_us;
        x->silence_end_us = alive ? after_us + x->task->silence_max_us : x->silence_end_us + after_us - before_us;
    }
}

static void check_limits(Exchange *x, const Cancel *cancel, Ready ready)
{
    int64_t at_us = now_us();
    Error *cancelled = cancel_check(cancel);
    if (cancelled)
        stop(x, STOP_OURS, cancelled);
    else if (at_us >= x->total_end_us)
        stop(x, STOP_TOO_LONG, NULL);
    else if (ready == READY_NOTHING && at_us >= x->silence_end_us)
        stop(x, STOP_SILENT, NULL);
}

static void exchange(Exchange *x, const Cancel *cancel)
{
    while (x->stop == STOP_NOT) {
        Ready ready = peer_wait(x->peer, MIN(x->silence_end_us, x->total_end_us) - now_us());
        if (ready != READY_NOTHING)
            take_data(x, ready);
        if (x->stop == STOP_NOT)
            check_limits(x, cancel, ready);
    }
}

/* Waits for what the zygote has to say about the worker's end; kills the worker when that takes longer than
 * `patience_ms`. */
static void peer_bury(Peer *peer, int patience_ms, Death *ret_death)
{
    *ret_death = (Death){.known = false};
    if (!process_wait(peer->watch, patience_ms)) {
        peer->killed = true;
        process_kill(peer->pidfd);
        if (!process_wait(peer->watch, DEATH_MAX_MS))
            return;
    }
    WatchNote note;
    if (!packet_receive(peer->watch, &note, sizeof note, NULL, 0) || note.kind != WATCH_ENDED)
        return;
    peer->peak_bytes = note.peak_bytes;
    *ret_death = (Death){.known = true, .wait_status = note.value};
}

static Error *error_of_death(Peer *peer, SandboxEnd *ret_end)
{
    char words[LAST_WORDS_BYTES];
    Death death;
    peer_bury(peer, DEATH_MAX_MS, &death);
    if (peer->killed) {
        *ret_end = SANDBOX_CRASH;
        return FAIL(CORRUPT, "parser hung up without an answer");
    }
    death.last_words = errors_last_words(peer->errors, words);
    return verdict_of_death(&death, ret_end);
}

static Error *too_long(const char *what, int64_t limit_us, const char *limit, SandboxEnd *ret_end)
{
    char text[TIME_TEXT_BYTES];
    *ret_end = SANDBOX_TIMEOUT;
    return FAIL(LIMIT, "%s " STR_FMT ", the limit on %s; parser was killed", what,
                STR_ARG(time_duration(limit_us, text)), limit);
}

static Error *error_of(Exchange *x, SandboxEnd *ret_end)
{
    switch (x->stop) {
    case STOP_ANSWERED: return verdict_of_answer(&x->end, ret_end);
    case STOP_DIED: return error_of_death(x->peer, ret_end);
    case STOP_SILENT: return too_long("no sign of life for", x->task->silence_max_us, "silence", ret_end);
    case STOP_TOO_LONG: return too_long("took longer than", x->task->total_max_us, "total time", ret_end);
    case STOP_TOO_MUCH:
        *ret_end = SANDBOX_LIMIT;
        return FAIL(LIMIT, "answer is larger than %llu bytes; parser was killed",
                    (unsigned long long)x->task->answer_max_bytes);
    case STOP_MALFORMED: *ret_end = SANDBOX_CRASH; return error_wrap(x->error, "parser's answer is malformed");
    case STOP_OURS:
    case STOP_NOT: break;
    }
    *ret_end = SANDBOX_ABANDONED;
    return x->error;
}

static void account(Exchange *x)
{
    Peer *peer = x->peer;
    peer->documents++;
    peer->peak_bytes = MAX(peer->peak_bytes, x->end.peak_bytes);
    peer->cpu_us = x->end.cpu_us;
}

Error *peer_run(Peer *peer, const Cancel *cancel, const PeerTask *task, SandboxEnd *ret_end, bool *ret_reusable)
{
    *ret_reusable = false;
    *ret_end = SANDBOX_ABANDONED;
    char old_words[LAST_WORDS_BYTES];
    errors_last_words(peer->errors, old_words); /* what it printed before is not about this document */
    peer->serial++;
    TRY(put_input(peer, task->input));
    int64_t start_us = now_us();
    Exchange x = {.peer = peer,
                  .task = task,
                  .silence_end_us = start_us + task->silence_max_us,
                  .total_end_us = start_us + task->total_max_us};
    if (send_request(peer, task))
        exchange(&x, cancel);
    else
        stop(&x, STOP_DIED, NULL);
    if (x.stop != STOP_ANSWERED && x.stop != STOP_DIED) {
        peer->killed = true;
        process_kill(peer->pidfd);
    }
    Error *error = error_of(&x, ret_end);
    *ret_end = verdict_with_output(*ret_end, x.output);
    if (x.stop == STOP_ANSWERED)
        account(&x);
    /* A document that its parser failed on may have left it damaged; "unsupported" is an orderly answer. */
    *ret_reusable = x.stop == STOP_ANSWERED && (*ret_end == SANDBOX_OK || *ret_end == SANDBOX_UNSUPPORTED)
                    && give_back_memory(peer, task->input.len);
    return error;
}

bool peer_is_idle(const Peer *peer)
{
    struct pollfd waits[] = {{.fd = peer->data, .events = POLLIN}, {.fd = peer->watch, .events = POLLIN}};
    return poll(waits, ARRAY_COUNT(waits), 0) == 0;
}

void peer_end(Peer *peer)
{
    cleanup_close(&peer->data);
    if (peer->pidfd >= 0) {
        Death death;
        peer_bury(peer, HANGUP_MAX_MS, &death);
    }
    cleanup_close(&peer->watch);
    cleanup_close(&peer->input);
    cleanup_close(&peer->errors);
    cleanup_close(&peer->pidfd);
    buffer_done(&peer->in);
    uint64_t peak_bytes = peer->peak_bytes;
    bool killed = peer->killed;
    *peer = PEER_NONE;
    peer->peak_bytes = peak_bytes;
    peer->killed = killed;
}
