#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/testing.h"
#include "base/thread.h"
#include "sandbox/protocol.h"
#include "sandbox/trial.h"

enum { SECOND_US = 1000000, MEMORY_BYTES = 256 * 1024 * 1024 };

static const char *program; /* sandbox-probe: its commands are in probe_main.c */

typedef struct Answer {
    Buffer all;
    size_t frames;
} Answer;

static Error *take_frame(void *context, Bytes frame)
{
    Answer *answer = context;
    answer->frames++;
    return buffer_append(&answer->all, frame.data, frame.len);
}

static void answer_done(Answer *answer)
{
    buffer_done(&answer->all);
}

static Error *run(Sandbox *sandbox, const char *request, Bytes input, Answer *answer, SandboxEnd *ret_end)
{
    return sandbox_run(sandbox, NULL, str_bytes(str_of(request)), input, take_frame, answer, ret_end);
}

static Sandbox *new_sandbox(SandboxOptions options)
{
    Sandbox *sandbox = NULL;
    options.program = program;
    options.memory_max_bytes = options.mode == SANDBOX_OFF ? 0 : MEMORY_BYTES;
    assert_ok(sandbox_new(&options, &sandbox));
    return sandbox;
}

static void assert_works(Sandbox *sandbox)
{
    CLEANUP(answer_done) Answer answer = {0};
    SandboxEnd end;
    assert_ok(run(sandbox, "echo", str_bytes(STR("hello")), &answer, &end));
    assert_int_equal(end, SANDBOX_OK);
    assert_str(buffer_str(&answer.all), "hello");
}

/* Other threads' documents, all the time, on the same sandbox. */
typedef struct Neighbour {
    Sandbox *sandbox;
    atomic_bool stop;
    unsigned good, bad; /* the thread's own until it is joined */
    Thread thread;
} Neighbour;

static void neighbour_body(void *context)
{
    Neighbour *neighbour = context;
    do {
        Answer answer = {0};
        SandboxEnd end;
        Error *error = run(neighbour->sandbox, "echo", str_bytes(STR("next door")), &answer, &end);
        bool good = !error && end == SANDBOX_OK && str_equal(buffer_str(&answer.all), STR("next door"));
        neighbour->good += good;
        neighbour->bad += !good;
        error_free(error);
        answer_done(&answer);
        error_free(sleep_us(1000, NULL));
    } while (!atomic_load(&neighbour->stop));
}

static void neighbours_start(Neighbour *neighbours, size_t count, Sandbox *sandbox)
{
    for (size_t i = 0; i < count; i++) {
        neighbours[i] = (Neighbour){.sandbox = sandbox};
        assert_ok(thread_start(&neighbours[i].thread, "neighbour", neighbour_body, &neighbours[i]));
    }
}

static void neighbours_end(Neighbour *neighbours, size_t count)
{
    for (size_t i = 0; i < count; i++)
        atomic_store(&neighbours[i].stop, true);
    for (size_t i = 0; i < count; i++)
        thread_join(&neighbours[i].thread);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(neighbours[i].bad, 0);
        assert_true(neighbours[i].good > 0);
    }
}

typedef struct EndCase {
    const char *request, *input;
    SandboxEnd end;
    ErrorCode code;
    const char *says;
} EndCase;

static const EndCase end_cases[] = {
    {"echo", "", SANDBOX_OK, ERR_OK, ""},
    {"fail 2", "application/zip", SANDBOX_UNSUPPORTED, ERR_UNSUPPORTED, "said so: application/zip"},
    {"fail 13", "page 3\x1b[2J", SANDBOX_CORRUPT, ERR_CORRUPT, "said so: page 3?[2J"},
    {"fail 14", "depth", SANDBOX_LIMIT, ERR_LIMIT, "said so: depth"},
    {"fail 9", "", SANDBOX_OOM, ERR_LIMIT, "ran out of memory"},
    {"fail 17", "our fault", SANDBOX_INTERNAL, ERR_CORRUPT, "parser failed (internal): said so: our fault"},
    {"fail-partly 13", "x", SANDBOX_PARTIAL, ERR_CORRUPT, "said so: x"},
    {"allocate", "", SANDBOX_OOM, ERR_LIMIT, "out of memory"},
    {"bad-alloc", "", SANDBOX_OOM, ERR_LIMIT, "std::bad_alloc"},
    {"abort", "", SANDBOX_CRASH, ERR_CORRUPT, "aborted"},
    {"abort 10000", "", SANDBOX_CRASH, ERR_CORRUPT, "aborted"},
    {"overflow-stack", "", SANDBOX_CRASH, ERR_CORRUPT, "Segmentation fault"},
    {"raise 11", "", SANDBOX_CRASH, ERR_CORRUPT, "Segmentation fault"},
    {"raise 7", "", SANDBOX_CRASH, ERR_CORRUPT, "Bus error"},
    {"raise 24", "", SANDBOX_TIMEOUT, ERR_LIMIT, "CPU time"},
    {"raise 9", "", SANDBOX_OOM, ERR_LIMIT, "killed from outside"},
    {"exit", "", SANDBOX_CRASH, ERR_CORRUPT, "left with status 0"},
    {"exit 7", "", SANDBOX_CRASH, ERR_CORRUPT, "left with status 7"},
    {"partial 11", "half of it", SANDBOX_CRASH, ERR_CORRUPT, "Segmentation fault"},
    {"partial 31", "half of it", SANDBOX_FORBIDDEN, ERR_CORRUPT, "forbidden"},
    {"large-frame 16777217", "", SANDBOX_LIMIT, ERR_LIMIT, "answer frame of 16777217 bytes"},
    {"oversized 16777217", "", SANDBOX_CRASH, ERR_CORRUPT, "malformed"},
    {"garbage", "no message at all", SANDBOX_CRASH, ERR_CORRUPT, "malformed"},
    {"garbage", "\1\0\0\0\0\0\0\0", SANDBOX_CRASH, ERR_CORRUPT, "malformed"},
    {"read-descriptor 0", "", SANDBOX_FORBIDDEN, ERR_CORRUPT, "forbidden"},
    {"read-descriptor 4", "", SANDBOX_FORBIDDEN, ERR_CORRUPT, "forbidden"},
    {"count-descriptors 3", "", SANDBOX_FORBIDDEN, ERR_CORRUPT, "forbidden"},
    {"trial 0", "", SANDBOX_FORBIDDEN, ERR_CORRUPT, "forbidden"},
    {"no such thing", "", SANDBOX_INTERNAL, ERR_CORRUPT, "parser failed (invalid)"},
};

/* How each document ends; the next one works, and those next door notice nothing. */
static void test_ends(void **state)
{
    (void)state;
    CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE, .workers_max = 3});
    Neighbour neighbours[2];
    neighbours_start(neighbours, ARRAY_COUNT(neighbours), sandbox);
    unsigned wrong = 0;
    for (size_t i = 0; i < ARRAY_COUNT(end_cases); i++) {
        const EndCase *c = &end_cases[i];
        CLEANUP(answer_done) Answer answer = {0};
        SandboxEnd end;
        Bytes input = c->request[0] == 'g' && c->input[0] == 1 ? bytes_from(c->input, 8) : str_bytes(str_of(c->input));
        Error *error = run(sandbox, c->request, input, &answer, &end);
        if (end != c->end || error_code(error) != c->code || !strstr(error_message_view(error), c->says)) {
            print_error("%s: %s, %s, %s\n", c->request, sandbox_end_name(end), error_code_name(error_code(error)),
                        error_message_view(error));
            wrong++;
        }
        error_free(error);
        assert_works(sandbox);
    }
    neighbours_end(neighbours, ARRAY_COUNT(neighbours));
    assert_int_equal(wrong, 0);
}

/* Whatever a worker tries, the kernel kills it. The last trial is memory, which is refused instead. */
static void test_forbidden(void **state)
{
    (void)state;
    CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE, .workers_max = 1});
    for (unsigned kind = 0; kind < TRIAL_MEMORY; kind++) {
        CLEANUP(answer_done) Answer answer = {0};
        char request[32];
        SandboxEnd end;
        snprintf(request, sizeof request, "trial %u", kind);
        assert_fails_saying(run(sandbox, request, BYTES_EMPTY, &answer, &end), ERR_CORRUPT, "seccomp");
        assert_int_equal(end, SANDBOX_FORBIDDEN);
        assert_int_equal(answer.frames, 0);
    }
    assert_works(sandbox);
}

/* Each has a limit of its own; none is near it for another reason. */
static void test_clocks(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        int64_t silence_max_us, total_max_us;
        const char *says;
    } cases[] = {
        {"sleep", SECOND_US / 5, 60 * SECOND_US, "no sign of life for 0.2 s"},
        {"loop", SECOND_US / 5, 60 * SECOND_US, "no sign of life for 0.2 s"},
        {"dribble", SECOND_US / 5, 60 * SECOND_US, "no sign of life for 0.2 s"},
        {"progress 60000", 30 * SECOND_US, SECOND_US / 5, "took longer than 0.2 s"},
        {"loop", 30 * SECOND_US, SECOND_US / 5, "took longer than 0.2 s"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(sandbox_freep)
        Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE,
                                                        .workers_max = 1,
                                                        .silence_max_us = cases[i].silence_max_us,
                                                        .total_max_us = cases[i].total_max_us});
        CLEANUP(answer_done) Answer answer = {0};
        SandboxEnd end;
        int64_t start_us = clock_monotonic_us(clock_system());
        assert_fails_saying(run(sandbox, cases[i].request, BYTES_EMPTY, &answer, &end), ERR_LIMIT, cases[i].says);
        int64_t took_us = clock_monotonic_us(clock_system()) - start_us;
        assert_int_equal(end, SANDBOX_TIMEOUT);
        assert_true(took_us >= SECOND_US / 5);
        assert_true(took_us < 20 * SECOND_US);
        assert_int_equal(sandbox_counters(sandbox).workers_killed, 1);
    }
}

static void test_progress_is_life(void **state)
{
    (void)state;
    CLEANUP(sandbox_freep)
    Sandbox *sandbox =
        new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE, .workers_max = 1, .silence_max_us = SECOND_US});
    CLEANUP(answer_done) Answer answer = {0};
    SandboxEnd end;
    assert_ok(run(sandbox, "progress 1500", BYTES_EMPTY, &answer, &end));
    assert_int_equal(answer.frames, 0);
}

static void test_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,   1,       4095, 4096, 4097, 65528, 65529, 65536, 1000000, SANDBOX_FRAME_MAX,
                                   100, 20000000};
    CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE, .workers_max = 1});
    CLEANUP(cleanup_free) uint8_t *input = malloc(20000000);
    assert_non_null(input);
    for (size_t i = 0; i < 20000000; i++)
        input[i] = (uint8_t)(i * 31 + i / 4096);
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        CLEANUP(answer_done) Answer answer = {0};
        SandboxEnd end;
        bool whole = sizes[i] <= SANDBOX_FRAME_MAX;
        assert_ok(run(sandbox, whole ? "echo" : "last", bytes_from(input, sizes[i]), &answer, &end));
        assert_int_equal(answer.frames, 1);
        Bytes wanted = whole ? bytes_from(input, sizes[i]) : bytes_from(input + sizes[i] - 1, 1);
        assert_int_equal(answer.all.len, wanted.len);
        assert_memory_equal(answer.all.data ? answer.all.data : input, wanted.data, wanted.len);
    }
    assert_int_equal(sandbox_counters(sandbox).workers_started, 1);
}

static void test_many_frames(void **state)
{
    (void)state;
    CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE, .workers_max = 1});
    static char block[300000];
    static const struct {
        size_t frames, bytes;
    } cases[] = {{20000, 1}, {20000, 0}, {1000, 100}, {100, sizeof block}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(answer_done) Answer answer = {0};
        char request[32];
        SandboxEnd end;
        snprintf(request, sizeof request, "frames %zu", cases[i].frames);
        assert_ok(run(sandbox, request, bytes_from(block, cases[i].bytes), &answer, &end));
        assert_int_equal(answer.frames, cases[i].frames);
        assert_int_equal(answer.all.len, cases[i].frames * cases[i].bytes);
    }
}

static void test_answer_without_end(void **state)
{
    (void)state;
    CLEANUP(sandbox_freep)
    Sandbox *sandbox =
        new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE, .workers_max = 1, .answer_max_bytes = MIB});
    CLEANUP(answer_done) Answer answer = {0};
    SandboxEnd end;
    assert_fails_saying(run(sandbox, "frames 1000000000", BYTES_EMPTY, &answer, &end), ERR_LIMIT,
                        "larger than 1048576 bytes");
    assert_int_equal(end, SANDBOX_PARTIAL);
    assert_works(sandbox);
}

static void test_request_too_large(void **state)
{
    (void)state;
    static uint8_t request[SANDBOX_REQUEST_MAX + 1];
    CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE, .workers_max = 1});
    CLEANUP(answer_done) Answer answer = {0};
    SandboxEnd end = SANDBOX_OK;
    assert_fails(
        sandbox_run(sandbox, NULL, bytes_from(request, sizeof request), BYTES_EMPTY, take_frame, &answer, &end),
        ERR_LIMIT);
    assert_int_equal(end, SANDBOX_ABANDONED);
    memset(request, 'x', sizeof request); /* the largest: understood, and no command */
    assert_fails(
        sandbox_run(sandbox, NULL, bytes_from(request, SANDBOX_REQUEST_MAX), BYTES_EMPTY, take_frame, &answer, &end),
        ERR_CORRUPT);
    assert_works(sandbox);
}

/* A worker that answers for a document it was not given, and one that answers twice: the next document has its own
 * answer, or none. */
static void test_wrong_answers(void **state)
{
    (void)state;
    CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE, .workers_max = 1});
    CLEANUP(answer_done) Answer answer = {0};
    SandboxEnd end;
    assert_fails_saying(run(sandbox, "answer-twice 77", BYTES_EMPTY, &answer, &end), ERR_UNAVAILABLE,
                        "for another document");
    assert_int_equal(end, SANDBOX_ABANDONED);
    error_free(run(sandbox, "answer-twice 1", BYTES_EMPTY, &answer,
                   &end)); /* right, or found malformed when both came at once */
    Error *error = run(sandbox, "echo", str_bytes(STR("mine")), &answer, &end);
    assert_true(error ? end == SANDBOX_ABANDONED : str_equal(buffer_str(&answer.all), STR("mine")));
    error_free(error);
    assert_works(sandbox);
}

static Error *refuse_frame(void *context, Bytes frame)
{
    (void)context;
    return FAIL(NO_SPACE, "no room for a frame of %zu bytes", frame.len);
}

static void test_frame_error(void **state)
{
    (void)state;
    CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE, .workers_max = 1});
    SandboxEnd end;
    assert_fails_saying(
        sandbox_run(sandbox, NULL, str_bytes(STR("frames 1000000")), str_bytes(STR("abc")), refuse_frame, NULL, &end),
        ERR_NO_SPACE, "no room for a frame of 3 bytes");
    assert_int_equal(end, SANDBOX_ABANDONED);
    assert_works(sandbox);
}

typedef struct Raiser {
    Cancel cancel;
    Thread thread;
} Raiser;

static void raise_soon(void *context)
{
    Raiser *raiser = context;
    error_free(sleep_us(SECOND_US / 10, NULL));
    cancel_raise(&raiser->cancel, CANCEL_STOP);
}

static void test_cancel(void **state)
{
    (void)state;
    CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE, .workers_max = 1});
    Raiser raiser = {0};
    SandboxEnd end;
    assert_ok(thread_start(&raiser.thread, "raiser", raise_soon, &raiser));
    assert_fails(sandbox_run(sandbox, &raiser.cancel, str_bytes(STR("sleep")), BYTES_EMPTY, refuse_frame, NULL, &end),
                 ERR_CANCELLED);
    assert_int_equal(end, SANDBOX_ABANDONED);
    thread_join(&raiser.thread);
    assert_works(sandbox);
}

/* More threads than workers: they wait for one another. */
static void test_waiting_for_a_worker(void **state)
{
    (void)state;
    CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE, .workers_max = 2});
    Neighbour neighbours[6];
    neighbours_start(neighbours, ARRAY_COUNT(neighbours), sandbox);
    for (unsigned i = 0; i < 50; i++)
        assert_works(sandbox);
    neighbours_end(neighbours, ARRAY_COUNT(neighbours));
    SandboxCounters counters = sandbox_counters(sandbox);
    assert_true(counters.documents > 50);
    assert_true(counters.workers_started <= 2);
    assert_true(counters.worker_peak_bytes > 100 * KIB);
}

static pid_t worker_id(Sandbox *sandbox)
{
    CLEANUP(answer_done) Answer answer = {0};
    SandboxEnd end;
    pid_t pid = 0;
    assert_ok(run(sandbox, "process-id", BYTES_EMPTY, &answer, &end));
    assert_int_equal(answer.all.len, sizeof pid);
    memcpy(&pid, answer.all.data, sizeof pid);
    return pid;
}

static void test_recycling(void **state)
{
    (void)state;
    CLEANUP(sandbox_freep)
    Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE, .workers_max = 1, .documents_max = 3});
    pid_t ids[9];
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++)
        ids[i] = worker_id(sandbox);
    for (size_t i = 1; i < ARRAY_COUNT(ids); i++)
        assert_int_equal(ids[i] == ids[i - 1], i % 3 != 0);
    SandboxCounters counters = sandbox_counters(sandbox);
    assert_int_equal(counters.workers_started, 3);
    assert_int_equal(counters.workers_killed, 0);
    assert_int_equal(counters.documents, 9);
    assert_int_equal(counters.zygotes_started, 1);
}

/* A worker that loses memory with each document is replaced long before its limit; no document pays for those before it. */
static void test_slow_leak(void **state)
{
    (void)state;
    enum { DOCUMENTS = 20, LOST_MIB = 60, GROWTH_MIB = 256 };
    CLEANUP(sandbox_freep) Sandbox *sandbox = NULL;
    const SandboxOptions options = {.mode = SANDBOX_REQUIRE, .program = program, .workers_max = 1};
    assert_ok(sandbox_new(&options, &sandbox));
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        CLEANUP(answer_done) Answer answer = {0};
        char request[32];
        SandboxEnd end;
        snprintf(request, sizeof request, "leak %d", LOST_MIB);
        assert_ok(run(sandbox, request, BYTES_EMPTY, &answer, &end));
        assert_int_equal(end, SANDBOX_OK);
    }
    SandboxCounters counters = sandbox_counters(sandbox);
    assert_int_equal(counters.workers_started, DOCUMENTS / (GROWTH_MIB / LOST_MIB + 1));
    assert_true(counters.worker_peak_bytes < (GROWTH_MIB + 2 * LOST_MIB) * MIB);
}

static void test_idle_worker_killed(void **state)
{
    (void)state;
    CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE, .workers_max = 1});
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(kill(worker_id(sandbox), SIGKILL), 0);
        error_free(sleep_us(SECOND_US / 50, NULL)); /* either order is fine; this one is the usual */
        assert_works(sandbox);
    }
}

/* Fields of /proc/PID/stat behind the name; false when there is no such process. */
static bool process_state(pid_t pid, char *ret_state, pid_t *ret_parent)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    bool ok = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    const char *rest = ok ? strrchr(line, ')') : NULL;
    char *end;
    if (!rest || strlen(rest) < 5)
        return false;
    *ret_state = rest[2];
    *ret_parent = (pid_t)strtol(rest + 4, &end, 10);
    return true;
}

static pid_t zygote_id(Sandbox *sandbox)
{
    char process;
    pid_t parent;
    assert_true(process_state(worker_id(sandbox), &process, &parent));
    return parent;
}

typedef struct Sleeper {
    Sandbox *sandbox;
    ErrorCode code;
    SandboxEnd end;
    Thread thread;
} Sleeper;

static void sleeper_body(void *context)
{
    Sleeper *sleeper = context;
    Answer answer = {0};
    Error *error = run(sleeper->sandbox, "sleep", BYTES_EMPTY, &answer, &sleeper->end);
    sleeper->code = error_code(error);
    error_free(error);
}

static void test_zygote_killed(void **state)
{
    (void)state;
    CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE, .workers_max = 2});
    pid_t zygote = zygote_id(sandbox);
    Sleeper sleeper = {.sandbox = sandbox};
    assert_ok(thread_start(&sleeper.thread, "sleeper", sleeper_body, &sleeper));
    error_free(sleep_us(SECOND_US / 10, NULL));
    assert_int_equal(kill(zygote, SIGKILL), 0);
    thread_join(&sleeper.thread);
    assert_int_equal(sleeper.code, ERR_UNAVAILABLE);
    assert_int_equal(sleeper.end, SANDBOX_ABANDONED);
    for (unsigned i = 2; i < 12; i++) { /* more often than in a row without a document between */
        assert_works(sandbox);
        assert_int_equal(sandbox_counters(sandbox).zygotes_started, i);
        assert_int_equal(kill(zygote_id(sandbox), SIGKILL), 0);
        error_free(sleep_us(SECOND_US / 50, NULL));
    }
}

static void test_secrets(void **state)
{
    (void)state;
    static const SandboxMode modes[] = {SANDBOX_REQUIRE, SANDBOX_OFF};
    setenv("QUERN_TEST_SECRET", "canary", 1);
    int leaked = open("/dev/null", O_RDONLY); /* not close-on-exec, as careless hosts do */
    assert_true(leaked >= 0);
    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = modes[i], .workers_max = 1});
        CLEANUP(answer_done) Answer answer = {0};
        SandboxEnd end;
        assert_ok(run(sandbox, "environment", BYTES_EMPTY, &answer, &end));
        assert_str(buffer_str(&answer.all), "TZ=UTC0");
    }
    close(leaked);
    unsetenv("QUERN_TEST_SECRET");
}

/* Unlocked workers have the same five descriptors; and nothing but that. */
static void test_off(void **state)
{
    (void)state;
    int leaked = open("/dev/null", O_RDONLY);
    CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_OFF, .workers_max = 2});
    CLEANUP(answer_done) Answer answer = {0};
    SandboxEnd end;
    assert_string_equal(sandbox_layers_view(sandbox), "off");
    assert_works(sandbox);
    assert_ok(run(sandbox, "count-descriptors 200", BYTES_EMPTY, &answer, &end));
    assert_int_equal(answer.all.data[0], WORKER_FDS);
    buffer_clear(&answer.all);
    assert_ok(run(sandbox, "trial 0", BYTES_EMPTY, &answer, &end));
    assert_int_equal(answer.all.data[0], 0);
    assert_fails(run(sandbox, "raise 11", BYTES_EMPTY, &answer, &end), ERR_CORRUPT);
    assert_works(sandbox);
    close(leaked);
}

/* As under gVisor or in a strict container: the kernel knows neither seccomp filters nor Landlock. */
static bool forbid_layers(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    bool ok =
        filter && seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(seccomp), 0) == 0
        && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EOPNOTSUPP), SCMP_SYS(landlock_create_ruleset), 0) == 0
        && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP, 0))
               == 0
        && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return ok;
}

/* The number of the check that failed. */
static int degraded_child(void)
{
    Sandbox *sandbox = NULL;
    CLEANUP(answer_done) Answer answer = {0};
    SandboxEnd end;
    if (!forbid_layers())
        return 1;
    CLEANUP(error_freep)
    Error *required = sandbox_new(&(SandboxOptions){.mode = SANDBOX_REQUIRE, .program = program}, &sandbox);
    if (error_code(required) != ERR_UNSUPPORTED || !strstr(error_message_view(required), "no seccomp"))
        return 2;
    CLEANUP(error_freep) Error *error = sandbox_new(&(SandboxOptions){.program = program}, &sandbox);
    if (error)
        return 3;
    const char *layers = sandbox_layers_view(sandbox);
    if (strstr(layers, "seccomp") || strstr(layers, "landlock") || !strstr(layers, "rlimits"))
        return 4;
    error = run(sandbox, "trial 0", BYTES_EMPTY, &answer, &end);
    bool refused = !error && answer.all.len == 1 && answer.all.data[0] == EMFILE; /* by a layer that is left */
    sandbox_free(sandbox);
    return refused ? 0 : 5;
}

static void test_degraded(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(degraded_child());
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* What address sanitizer finds arrives as the document's error, from a worker that is locked all the same. */
static void test_sanitizer_report(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__)
    const bool address_sanitizer = true;
#elif defined(__has_feature)
    const bool address_sanitizer = __has_feature(address_sanitizer);
#else
    const bool address_sanitizer = false;
#endif
    CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE, .workers_max = 1});
    CLEANUP(answer_done) Answer answer = {0};
    SandboxEnd end;
    CLEANUP(error_freep) Error *error = run(sandbox, "overrun 1", BYTES_EMPTY, &answer, &end);
    if (end != (address_sanitizer ? SANDBOX_CRASH : SANDBOX_OK))
        print_error("%s: %s\n", sandbox_end_name(end), error_message_view(error));
    assert_int_equal(end, address_sanitizer ? SANDBOX_CRASH : SANDBOX_OK);
    assert_int_equal(address_sanitizer, strstr(error_message_view(error), "it printed") != NULL);
    assert_works(sandbox);
}

static void test_layers(void **state)
{
    (void)state;
    CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_AUTO});
    assert_int_equal(strncmp(sandbox_layers_view(sandbox), "seccomp", 7), 0);
    assert_non_null(strstr(sandbox_layers_view(sandbox), "rlimits"));
    assert_non_null(strstr(sandbox_layers_view(sandbox), "no new privileges"));
}

static void test_bad_programs(void **state)
{
    (void)state;
    static const struct {
        const char *program;
        ErrorCode code;
        const char *says;
    } cases[] = {
        {"/nonexistent/quern-parse", ERR_UNSUPPORTED, "start parser '/nonexistent/quern-parse': No such file"},
        {"/etc/passwd", ERR_UNSUPPORTED, "start parser '/etc/passwd'"},
        {"/", ERR_UNSUPPORTED, "start parser '/'"},
        {"/bin/true", ERR_UNAVAILABLE, "ended before it was ready"},
        {"/bin/ls", ERR_UNAVAILABLE, "ended before it was ready: quern-parse: cannot access 'serve'"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        Sandbox *sandbox = NULL;
        assert_fails_saying(sandbox_new(&(SandboxOptions){.program = cases[i].program}, &sandbox), cases[i].code,
                            cases[i].says);
        assert_null(sandbox);
    }
    sandbox_free(NULL);
}

/* Started by hand it says what it is and does nothing. */
static void test_program_alone(void **state)
{
    (void)state;
    char command[1024];
    snprintf(command, sizeof command, "'%s' </dev/null 2>/dev/null", program);
    int status = system(command);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 2);
}

static bool is_gone(pid_t pid)
{
    char process = 'Z';
    pid_t parent;
    return !process_state(pid, &process, &parent) || process == 'Z';
}

/* A child makes a sandbox, tells us its processes and is killed: nothing of it remains. */
static void test_supervisor_killed(void **state)
{
    (void)state;
    int tell[2];
    assert_int_equal(pipe(tell), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE, .workers_max = 1});
        pid_t ids[] = {worker_id(sandbox), zygote_id(sandbox)};
        if (write(tell[1], ids, sizeof ids) == (ssize_t)sizeof ids)
            pause();
        _exit(1);
    }
    pid_t ids[2];
    assert_int_equal(read(tell[0], ids, sizeof ids), sizeof ids);
    assert_false(is_gone(ids[0]) || is_gone(ids[1]));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    for (unsigned i = 0; i < 500 && !(is_gone(ids[0]) && is_gone(ids[1])); i++)
        error_free(sleep_us(20000, NULL));
    assert_true(is_gone(ids[0]) && is_gone(ids[1]));
    close(tell[0]);
    close(tell[1]);
}

static void test_nothing_left_behind(void **state)
{
    (void)state;
    char path[32];
    pid_t ids[2];
    int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    {
        CLEANUP(sandbox_freep)
        Sandbox *sandbox = new_sandbox((SandboxOptions){.mode = SANDBOX_REQUIRE, .workers_max = 1});
        ids[0] = worker_id(sandbox);
        ids[1] = zygote_id(sandbox);
    }
    int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(after, before + 1); /* all descriptors are closed again */
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        snprintf(path, sizeof path, "/proc/%d", (int)ids[i]);
        assert_int_equal(access(path, F_OK), -1); /* reaped, not only dead */
    }
    close(before);
    close(after);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    program = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_supervisor_killed), /* forks: before any thread */
        cmocka_unit_test(test_degraded),          /* forks too */
        cmocka_unit_test(test_nothing_left_behind),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_forbidden),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_progress_is_life),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_many_frames),
        cmocka_unit_test(test_answer_without_end),
        cmocka_unit_test(test_request_too_large),
        cmocka_unit_test(test_wrong_answers),
        cmocka_unit_test(test_frame_error),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_waiting_for_a_worker),
        cmocka_unit_test(test_recycling),
        cmocka_unit_test(test_slow_leak),
        cmocka_unit_test(test_idle_worker_killed),
        cmocka_unit_test(test_zygote_killed),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_sanitizer_report),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_bad_programs),
        cmocka_unit_test(test_program_alone),
    };
    return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
