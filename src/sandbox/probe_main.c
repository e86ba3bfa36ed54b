/* probe_main.c - a parser that does what its request says: the worst documents, made to order. For the tests; never
 * installed. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "sandbox/protocol.h"
#include "sandbox/trial.h"
#include "sandbox/worker.h"

/* `number` follows the command: "frames 100". */
typedef Error *Command(uint64_t number, Bytes input, SandboxReply *reply);

static int64_t now_us(void)
{
    return clock_monotonic_us(clock_system());
}

static void write_raw(const void *data, size_t len)
{
    ssize_t ignored = write(WORKER_FD_DATA, data, len);
    (void)ignored;
}

static void write_head(uint32_t kind, uint32_t len)
{
    uint8_t head[MESSAGE_HEAD_BYTES];
    for (unsigned i = 0; i < 4; i++) {
        head[i] = (uint8_t)(kind >> (8 * i));
        head[4 + i] = (uint8_t)(len >> (8 * i));
    }
    write_raw(head, sizeof head);
}

static void nap(int64_t duration_us)
{
    uint32_t word = 0;
    struct timespec time = {.tv_sec = duration_us / 1000000, .tv_nsec = duration_us % 1000000 * 1000};
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &time, NULL, 0);
}

static Error *do_echo(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)number;
    return sandbox_reply_frame(reply, input);
}

/* The last byte, as proof that all of a large document is there, without an answer as large. */
static Error *do_last(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)number;
    return sandbox_reply_frame(reply, bytes_from(input.data + input.len - MIN(input.len, 1), MIN(input.len, 1)));
}

static Error *do_frames(uint64_t number, Bytes input, SandboxReply *reply)
{
    for (uint64_t i = 0; i < number; i++)
        TRY(sandbox_reply_frame(reply, input));
    return NULL;
}

/* Number: milliseconds. */
static Error *do_progress(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)input;
    int64_t end_us = now_us() + (int64_t)number * 1000;
    for (uint64_t units = 0; now_us() < end_us; units++) {
        sandbox_reply_progress(reply, units);
        nap(10000);
    }
    return NULL;
}

static Error *do_trial(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)input;
    ASSERT(number < TRIALS);
    int error = trial_run((TrialKind)number, GIB);
    return sandbox_reply_frame(reply, bytes_from(&error, 1));
}

static Error *do_read_descriptor(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)input;
    char byte;
    ssize_t got = read((int)number, &byte, 1);
    return sandbox_reply_frame(reply, bytes_from(&got, 1));
}

static Error *do_count_descriptors(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)input;
    uint8_t count = 0;
    for (int fd = 0; fd < (int)number; fd++)
        count = (uint8_t)(count + (fcntl(fd, F_GETFD) >= 0));
    return sandbox_reply_frame(reply, bytes_from(&count, 1));
}

static Error *do_environment(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)number;
    (void)input;
    for (char **variable = environ; *variable; variable++)
        TRY(sandbox_reply_frame(reply, str_bytes(str_of(*variable))));
    return NULL;
}

static Error *do_process_id(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)number;
    (void)input;
    pid_t pid = getpid();
    return sandbox_reply_frame(reply, bytes_from(&pid, sizeof pid));
}

static Error *do_loop(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)number;
    (void)input;
    (void)reply;
    for (volatile bool on = true; on;) {
    }
    return NULL;
}

static Error *do_sleep(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)number;
    (void)input;
    (void)reply;
    for (volatile bool on = true; on;)
        nap(1000000);
    return NULL;
}

/* Twice as much each time, touched up to 128 MiB in one piece, to spare a machine with no limit (sanitizers). */
static Error *do_allocate(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)number;
    (void)input;
    (void)reply;
    void *kept[40];
    Error *error = NULL;
    unsigned count = 0;
    for (size_t size = MIB; !error && count < ARRAY_COUNT(kept); size *= 2, count++) {
        kept[count] = malloc(size);
        if (!kept[count])
            error = FAIL(NO_MEMORY, "no memory for %zu bytes", size);
        else if (size <= 128 * MIB)
            memset(kept[count], 1, size);
    }
    for (unsigned i = 0; i < count; i++)
        free(kept[i]);
    return error;
}

/* Number: MiB that are lost with this document. */
static Error *do_leak(uint64_t number, Bytes input, SandboxReply *reply)
{
    static void *lost; /* so that a sanitizer does not call it a leak */
    (void)input;
    (void)reply;
    void **block = malloc((size_t)number * MIB);
    if (!block)
        return FAIL(NO_MEMORY, "no memory for %llu MiB", (unsigned long long)number);
    memset(block, 1, (size_t)number * MIB);
    block[0] = lost;
    lost = block;
    return NULL;
}

/* The way of C++: print, then abort. */
static Error *do_bad_alloc(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)number;
    (void)input;
    (void)reply;
    fprintf(stderr, "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n");
    abort();
}

static Error *do_abort(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)input;
    (void)reply;
    for (uint64_t i = 0; i < number; i++)
        fprintf(stderr, "line %llu of a parser that talks too much, more than a pipe holds\n", (unsigned long long)i);
    abort();
}

static uint64_t descend(volatile char *above, uint64_t depth)
{
    volatile char here[4096];
    here[0] = *above;
    return depth == UINT64_MAX ? 0 : descend(here, depth + 1) + (uint64_t)here[0];
}

static Error *do_overflow_stack(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)input;
    (void)reply;
    volatile char top = 0;
    return descend(&top, number) ? NULL : FAIL(INTERNAL, "a stack without end");
}

/* What a sanitizer reports; without one it goes unnoticed. */
static Error *do_overrun(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)input;
    (void)reply;
    volatile char *block = malloc(10);
    if (block)
        block[10 + number] = 1;
    free((void *)(uintptr_t)block);
    return NULL;
}

/* SIGSEGV, SIGBUS, SIGXCPU and so on, as from the kernel. */
static Error *do_raise(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)input;
    (void)reply;
    raise((int)number);
    return NULL;
}

static Error *do_exit(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)input;
    (void)reply;
    _exit((int)number);
}

/* Some output that really left, then a crash. Number: the signal. */
static Error *do_partial(uint64_t number, Bytes input, SandboxReply *reply)
{
    TRY(sandbox_reply_frame(reply, input));
    TRY(do_progress(120, input, reply));
    raise((int)number);
    return NULL;
}

/* Number: an ErrorCode. */
static Error *do_fail(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)reply;
    Error *error = error_new((ErrorCode)number, __FILE__, __LINE__, "said so: " STR_FMT, STR_ARG(bytes_str(input)));
    return error_at(error, 42);
}

static Error *do_fail_partly(uint64_t number, Bytes input, SandboxReply *reply)
{
    TRY(sandbox_reply_frame(reply, input));
    return do_fail(number, input, reply);
}

static Error *do_large_frame(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)input;
    return sandbox_reply_frame(reply, bytes_from("", (size_t)number));
}

static Error *do_oversized(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)input;
    (void)reply;
    write_head(MESSAGE_FRAME, (uint32_t)number);
    return NULL;
}

static Error *do_garbage(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)number;
    (void)reply;
    write_raw(input.data, input.len);
    return NULL;
}

/* A complete answer in front of ours. Number: the serial it is for. */
static Error *do_answer_twice(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)input;
    (void)reply;
    uint8_t body[END_MIN_BYTES] = {(uint8_t)number};
    write_head(MESSAGE_END, sizeof body);
    write_raw(body, sizeof body);
    return NULL;
}

/* Bytes now and then, never a message. */
static Error *do_dribble(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)number;
    (void)input;
    (void)reply;
    write_head(MESSAGE_FRAME, 1000000);
    for (volatile bool on = true; on;) {
        write_raw("x", 1);
        nap(20000);
    }
    return NULL;
}

static Error *do_nothing(uint64_t number, Bytes input, SandboxReply *reply)
{
    (void)number;
    (void)input;
    (void)reply;
    return NULL;
}

static const struct {
    const char *name;
    Command *run;
} commands[] = {
    {"echo", do_echo},
    {"last", do_last},
    {"nothing", do_nothing},
    {"frames", do_frames},
    {"progress", do_progress},
    {"trial", do_trial},
    {"read-descriptor", do_read_descriptor},
    {"count-descriptors", do_count_descriptors},
    {"environment", do_environment},
    {"process-id", do_process_id},
    {"loop", do_loop},
    {"sleep", do_sleep},
    {"allocate", do_allocate},
    {"leak", do_leak},
    {"bad-alloc", do_bad_alloc},
    {"abort", do_abort},
    {"overflow-stack", do_overflow_stack},
    {"overrun", do_overrun},
    {"raise", do_raise},
    {"exit", do_exit},
    {"partial", do_partial},
    {"fail", do_fail},
    {"fail-partly", do_fail_partly},
    {"large-frame", do_large_frame},
    {"oversized", do_oversized},
    {"garbage", do_garbage},
    {"answer-twice", do_answer_twice},
    {"dribble", do_dribble},
};

/* A document may bring its command itself, "probe: raise 11": for whole runs with this program as their parser. */
static Str command_of(Bytes request, Bytes input)
{
    Str document = bytes_str(input), line;
    if (!str_starts_with(document, STR("probe: ")))
        return bytes_str(request);
    document = str_slice(document, STR("probe: ").len, document.len);
    str_next_piece(&document, '\n', &line);
    return line;
}

static Error *work(Bytes request, Bytes input, SandboxReply *reply)
{
    Str rest = command_of(request, input), name, argument = STR_EMPTY;
    uint64_t number = 0;
    str_next_piece(&rest, ' ', &name);
    if (str_next_piece(&rest, ' ', &argument) && !str_to_u64(argument, &number))
        return FAIL(INVALID, "'" STR_FMT "' is no number", STR_ARG(argument));
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        if (str_equal(name, str_of(commands[i].name)))
            return commands[i].run(number, input, reply);
    }
    return FAIL(INVALID, "no command '" STR_FMT "'", STR_ARG(name));
}

int main(int argc, char **argv)
{
    SandboxProgram program = {.work = work};
    return sandbox_serve(&program, argc, argv);
}
