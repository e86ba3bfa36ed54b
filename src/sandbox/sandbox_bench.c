/* sandbox_bench.c - what the sandbox costs: `sandbox-bench build/src/sandbox/sandbox-probe`. A line per case: name,
 * bytes, best and median of the runs after a warm-up, in microseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sandbox/sandbox.h"

enum { RUNS_MAX = 2000 };

static Error *drop_frame(void *context, Bytes frame)
{
    *(uint64_t *)context += frame.len;
    return NULL;
}

static int64_t now_us(void)
{
    return clock_monotonic_us(clock_system());
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void print(const char *name, size_t bytes, int64_t *times, size_t count)
{
    qsort(times, count, sizeof *times, compare);
    printf("%-28s %9zu B %4zu runs  best %7lld us  median %7lld us\n", name, bytes, count, (long long)times[0],
           (long long)times[count / 2]);
}

static Error *bench_documents(const SandboxOptions *options, const char *mode, const char *command, size_t bytes,
                              size_t runs)
{
    CLEANUP(sandbox_freep) Sandbox *sandbox = NULL;
    CLEANUP(cleanup_free) uint8_t *input = calloc(1, bytes);
    int64_t times[RUNS_MAX];
    char name[64];
    if (!input)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(sandbox_new(options, &sandbox));
    for (size_t i = 0; i < runs + 5; i++) {
        uint64_t sum = 0;
        SandboxEnd end;
        int64_t start = now_us();
        TRY(sandbox_run(sandbox, NULL, str_bytes(str_of(command)), bytes_from(input, bytes), drop_frame, &sum, &end));
        times[i < 5 ? 0 : i - 5] = now_us() - start;
    }
    snprintf(name, sizeof name, "%s, %s", command, mode);
    print(name, bytes, times, runs);
    return NULL;
}

/* A worker for each document: fork, lock, one document, end. */
static Error *bench_workers(SandboxOptions options, const char *mode)
{
    options.documents_max = 1;
    return bench_documents(&options, mode, "process-id", 1, 200);
}

static Error *bench_start(const SandboxOptions *options, const char *mode)
{
    int64_t times[20], warm_up_us = 0;
    char name[64];
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        CLEANUP(sandbox_freep) Sandbox *sandbox = NULL;
        int64_t start = now_us();
        TRY(sandbox_new(options, &sandbox));
        times[i] = now_us() - start;
        warm_up_us = sandbox_counters(sandbox).warm_up_us;
    }
    snprintf(name, sizeof name, "start (warm-up %lld us), %s", (long long)warm_up_us, mode);
    print(name, 0, times, ARRAY_COUNT(times));
    return NULL;
}

static Error *bench_mode(SandboxMode mode, const char *program, const char *name)
{
    SandboxOptions options = {.mode = mode, .program = program, .workers_max = 1, .documents_max = 100000};
    TRY(bench_start(&options, name));
    if (strstr(program, "probe") == NULL)
        return NULL; /* another parser knows no commands */
    TRY(bench_workers(options, name));
    TRY(bench_documents(&options, name, "last", 1000, 2000));
    TRY(bench_documents(&options, name, "echo", 1000, 2000));
    TRY(bench_documents(&options, name, "echo", 50000, 2000));
    TRY(bench_documents(&options, name, "last", 5000000, 100));
    return bench_documents(&options, name, "echo", 5000000, 100);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: sandbox-bench path/to/sandbox-probe\n");
        return 2;
    }
    Error *error = bench_mode(SANDBOX_AUTO, argv[1], "locked");
    if (!error)
        error = bench_mode(SANDBOX_OFF, argv[1], "off");
    if (error)
        fprintf(stderr, "sandbox-bench: %s\n", error_message_view(error));
    int status = error ? 1 : 0;
    error_free(error);
    return status;
}
