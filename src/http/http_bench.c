/* http_bench.c - what a GET costs us in CPU time, through the bulk face and through blocking threads. Not a test.
 *
 *   http_bench bulk|blocking URL_PREFIX OBJECTS REQUESTS IN_FLIGHT
 *
 * GETs URL_PREFIX0 to URL_PREFIX<OBJECTS-1> in turn, REQUESTS of them, IN_FLIGHT at a time, and prints one line. A server that costs
 * little: nginx as in spec/test-servers.md. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/thread.h"
#include "http/http.h"

typedef struct Bench {
    HttpClient *client;
    const char *prefix;
    uint64_t objects, requests;
    unsigned in_flight;
    _Atomic uint64_t next;
    _Atomic uint64_t failed;
} Bench;

typedef struct Get {
    HttpExchange exchange;
    HttpBufferSink sink;
    Buffer body;
    Bench *bench;
    uint64_t number;
    Thread thread;
} Get;

static Error *prepare(void *context, const HttpExchange *exchange, HttpRequest *request)
{
    const Get *get = context;

    (void)exchange;
    return buffer_append_format(&request->url, "%s%" PRIu64, get->bench->prefix, get->number % get->bench->objects);
}

static const HttpCalls calls = {.prepare = prepare};

static bool next_get(Get *get)
{
    get->number = atomic_fetch_add(&get->bench->next, 1);
    buffer_clear(&get->body);
    get->exchange.sink = http_buffer_sink(&get->sink, &get->body);
    return get->number < get->bench->requests;
}

static void count_failure(Get *get, Error *take_error)
{
    if (take_error && atomic_fetch_add(&get->bench->failed, 1) == 0)
        fprintf(stderr, "%s\n", error_message_view(take_error));
    error_free(take_error);
}

static void run_bulk(Bench *bench, Get *gets)
{
    HttpCompletions completions;
    HttpExchange *exchange;

    http_completions_init(&completions);
    for (unsigned i = 0; i < bench->in_flight; i++)
        if (next_get(&gets[i]))
            http_submit(bench->client, &completions, &gets[i].exchange);
    while ((exchange = http_next_completed(&completions))) {
        Get *get = exchange->context;
        count_failure(get, exchange->error);
        if (next_get(get))
            http_submit(bench->client, &completions, exchange);
    }
    http_completions_done(&completions);
}

static void blocking_body(void *context)
{
    Get *get = context;

    while (next_get(get))
        count_failure(get, http_run(get->bench->client, NULL, &get->exchange));
}

static Error *run_blocking(const Bench *bench, Get *gets)
{
    Error *error = NULL;
    unsigned started = 0;

    while (!error && started < bench->in_flight) {
        error = thread_start(&gets[started].thread, "blocking", blocking_body, &gets[started]);
        started += !error;
    }
    for (unsigned i = 0; i < started; i++)
        thread_join(&gets[i].thread);
    return error;
}

static double cpu_s(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
           + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static Error *run(Bench *bench, bool blocking)
{
    HttpOptions options = http_options_default();
    options.connections_max = bench->in_flight;
    CLEANUP(http_client_freep) HttpClient *client = NULL;
    TRY(http_client_new(&options, &client));
    bench->client = client;

    Get *gets = calloc(bench->in_flight, sizeof *gets);
    if (!gets)
        return FAIL(NO_MEMORY, "no memory for %u transfers", bench->in_flight);
    for (unsigned i = 0; i < bench->in_flight; i++) {
        gets[i].bench = bench;
        gets[i].exchange.calls = &calls;
        gets[i].exchange.context = &gets[i];
    }

    int64_t start_us = clock_monotonic_us(clock_system());
    double start_cpu_s = cpu_s();
    Error *error = NULL;
    if (blocking)
        error = run_blocking(bench, gets);
    else
        run_bulk(bench, gets);
    double wall_s = (double)(clock_monotonic_us(clock_system()) - start_us) / 1e6, used_s = cpu_s() - start_cpu_s;

    HttpCounters counters = http_client_counters(client);
    double requests = (double)MAX(counters.requests, (uint64_t)1);
    printf("%s in_flight=%u requests=%" PRIu64 " failed=%" PRIu64 " bytes=%" PRIu64 " connects=%" PRIu64
           " wall=%.2fs rate=%.0f/s cpu=%.2fus/request\n",
           blocking ? "blocking" : "bulk", bench->in_flight, counters.requests, atomic_load(&bench->failed),
           counters.bytes_in, counters.connects, wall_s, requests / wall_s, used_s / requests * 1e6);
    for (unsigned i = 0; i < bench->in_flight; i++) {
        http_exchange_done(&gets[i].exchange);
        buffer_done(&gets[i].body);
    }
    free(gets);
    return error;
}

int main(int argc, char **argv)
{
    uint64_t objects, requests, in_flight;

    if (argc != 6 || !str_to_u64(str_of(argv[3]), &objects) || !str_to_u64(str_of(argv[4]), &requests)
        || !str_to_u64(str_of(argv[5]), &in_flight) || objects == 0 || in_flight == 0 || in_flight > 4096) {
        fprintf(stderr, "usage: http_bench bulk|blocking URL_PREFIX OBJECTS REQUESTS IN_FLIGHT\n");
        return 2;
    }
    Bench bench = {.prefix = argv[2], .objects = objects, .requests = requests, .in_flight = (unsigned)in_flight};
    CLEANUP(error_freep) Error *error = run(&bench, strcmp(argv[1], "blocking") == 0);
    if (error)
        fprintf(stderr, "http_bench: %s\n", error_message_view(error));
    return error || atomic_load(&bench.failed) > 0;
}
