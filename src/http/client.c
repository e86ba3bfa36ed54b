#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/thread.h"
#include "http/http.h"
#include "http/network.h"
#include "http/response.h"

struct HttpClient {
    /* fixed once made */
    HttpOptions options;
    char *ca_file, *user_agent;
    Proxy proxy;
    Network **networks;
    unsigned network_count;

    RetryBudget budget;
    _Atomic unsigned turn; /* which network thread gets the next exchange */
};

enum { NETWORK_THREADS_MAX = 64, CONNECTIONS_MAX = 65536 };
enum { ANSWER_HEAD_BYTES = 1024 }; /* what most heads take */

HttpOptions http_options_default(void)
{
    return (HttpOptions){
        .connections_max = 64,
        .verify_tls = true,
        .connect_timeout_ms = 3000,
        .low_speed_bytes = 10,
        .low_speed_time_s = 30,
        .idle_max_s = 15,
        .connection_max_s = 300,
        .user_agent = "quern/" QUERN_VERSION,
        .clock = clock_system(),
        .retry = retry_policy_default(),
    };
}

static void curl_start(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static Error *copy_string(const char *text, char **ret_copy)
{
    if (!text)
        return NULL;
    *ret_copy = strdup(text);
    return *ret_copy ? NULL : FAIL(NO_MEMORY, "no memory for the HTTP client's options");
}

static Error *copy_options(HttpClient *client, const HttpOptions *options)
{
    if (options->ca_file && access(options->ca_file, R_OK) != 0)
        return error_wrap(FAIL_ERRNO("cannot be read"), "CA file '%s'", options->ca_file);
    TRY(copy_string(options->ca_file, &client->ca_file));
    TRY(copy_string(options->user_agent, &client->user_agent));
    client->options = *options;
    client->options.ca_file = client->ca_file;
    client->options.user_agent = client->user_agent;
    client->options.connections_max = MIN(MAX(options->connections_max, 1u), (unsigned)CONNECTIONS_MAX);
    return NULL;
}

static unsigned thread_count(const HttpOptions *options)
{
    unsigned count = options->threads;
    if (count == 0)
        count = thread_cpu_count() <= 2 ? 1 : 2;
    return MAX(MIN(MIN(count, options->connections_max), (unsigned)NETWORK_THREADS_MAX), 1u);
}

static Error *start_networks(HttpClient *client)
{
    unsigned count = thread_count(&client->options), connections = client->options.connections_max;

    client->networks = calloc(count, sizeof *client->networks);
    if (!client->networks)
        return FAIL(NO_MEMORY, "no memory for %u network threads", count);
    for (unsigned i = 0; i < count; i++) {
        NetworkSettings settings = {
            .options = &client->options,
            .budget = &client->budget,
            .connections_max = connections / count + (i < connections % count),
            .index = i,
            .proxy = &client->proxy,
            .requests_per_second = client->options.requests_per_second / count,
            .bytes_per_second = client->options.bytes_per_second / count,
        };
        TRY(network_start(&settings, &client->networks[i]));
        client->network_count++;
    }
    return NULL;
}

Error *http_client_new(const HttpOptions *options, HttpClient **ret_client)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, curl_start);

    CLEANUP(http_client_freep) HttpClient *client = calloc(1, sizeof *client);
    if (!client)
        return FAIL(NO_MEMORY, "no memory for an HTTP client");
    TRY(copy_options(client, options));
    TRY(proxy_from_environment(&client->proxy));
    retry_budget_init(&client->budget, &client->options.retry, client->options.connections_max);
    TRY(start_networks(client));
    *ret_client = client;
    client = NULL;
    return NULL;
}

void http_client_free(HttpClient *client)
{
    if (!client)
        return;
    for (unsigned i = 0; i < client->network_count; i++)
        network_free(client->networks[i]);
    free(client->networks);
    proxy_done(&client->proxy);
    free(client->ca_file);
    free(client->user_agent);
    free(client);
}

const char *http_limit_cause_name(HttpLimitCause cause)
{
    static const char *const names[] = {"none", "cap", "network", "cpu", "throttled"};
    return names[cause];
}

HttpCounters http_client_counters(const HttpClient *client)
{
    HttpCounters sum = {0};

    for (unsigned i = 0; i < client->network_count; i++) {
        const LiveCounters *live = network_counters(client->networks[i]);
        sum.requests += atomic_load_explicit(&live->requests, memory_order_relaxed);
        sum.retries += atomic_load_explicit(&live->retries, memory_order_relaxed);
        sum.bytes_in += atomic_load_explicit(&live->bytes_in, memory_order_relaxed);
        sum.bytes_out += atomic_load_explicit(&live->bytes_out, memory_order_relaxed);
        sum.connects += atomic_load_explicit(&live->connects, memory_order_relaxed);
        sum.wait_us += atomic_load_explicit(&live->wait_us, memory_order_relaxed);
        sum.hedges += atomic_load_explicit(&live->hedges, memory_order_relaxed);
        sum.hedges_won += atomic_load_explicit(&live->hedges_won, memory_order_relaxed);
        sum.limit += (unsigned)atomic_load_explicit(&live->limit, memory_order_relaxed);
        HttpLimitCause cause = (HttpLimitCause)atomic_load_explicit(&live->limit_cause, memory_order_relaxed);
        sum.limit_cause = MAX(sum.limit_cause, cause);
    }
    return sum;
}

/* ---- exchanges ---- */

void http_exchange_done(HttpExchange *exchange)
{
    response_done(&exchange->response);
}

static void start_over(HttpExchange *exchange)
{
    response_clear(&exchange->response);
    exchange->error = NULL;
    exchange->attempts = exchange->sendings = exchange->tries = exchange->agains = exchange->lookups =
        exchange->retries_paid = 0;
    exchange->body_received_bytes = exchange->progress_bytes = 0;
    exchange->waited_us = exchange->due_us = 0;
    exchange->retry_kind = RETRY_TRANSIENT;
    exchange->etag_known = exchange->stalled = false;
}

void http_submit(HttpClient *client, HttpCompletions *completions, HttpExchange *exchange)
{
    unsigned turn = 0;

    if (client->network_count > 1)
        turn = atomic_fetch_add_explicit(&client->turn, 1, memory_order_relaxed) % client->network_count;
    start_over(exchange);
    /* What this thread will free, it makes: memory that wanders between threads takes malloc's locks. Without it now, the network thread asks again. */
    error_free(buffer_reserve(&exchange->response.fields, ANSWER_HEAD_BYTES));
    exchange->completions = completions;
    exchange->network = client->networks[turn];
    completions->in_flight++;
    network_submit(exchange->network, exchange);
}

Error *http_run(HttpClient *client, const Cancel *cancel, HttpExchange *exchange)
{
    HttpCompletions completions;

    TRY(cancel_check(cancel));
    http_completions_init(&completions);
    exchange->cancel = cancel;
    http_submit(client, &completions, exchange);
    http_next_completed(&completions);
    http_completions_done(&completions);

    Error *error = exchange->error;
    exchange->error = NULL;
    return error;
}
