/* A name with several addresses whose list changes while requests run (spec/reliability.md F12). This program answers for the name
 * itself: its getaddrinfo stands before the system's. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/test_call.h"

#define NAME "many.test"
enum { ADDRESSES_MAX = 4, CALLS = 40 };

static const TestReply hello = {.text = OK_HELLO};
static const TestReply hello_slowly = {.text = OK_HELLO, .drip_ms = 1};

/* ---- the name ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *addresses[ADDRESSES_MAX + 1]; /* of NAME, under lock; the first NULL ends them */
static atomic_uint lookups;

static void name_has(const char *const *list)
{
    size_t count = 0;

    pthread_mutex_lock(&lock);
    for (; list[count]; count++)
        addresses[count] = list[count];
    addresses[count] = NULL;
    pthread_mutex_unlock(&lock);
}
#define NAME_HAS(...) name_has((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

typedef int LookupFn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* glibc frees a list item by item, so lists of one can be joined. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints, struct addrinfo **ret_list)
{
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    LookupFn *real;
    memcpy(&real, &symbol, sizeof real); /* ISO C has no cast for it */
    if (!node || strcmp(node, NAME) != 0)
        return real(node, service, hints, ret_list);

    struct addrinfo **end = ret_list;
    *ret_list = NULL;
    atomic_fetch_add(&lookups, 1);
    pthread_mutex_lock(&lock);
    for (size_t i = 0; addresses[i]; i++) {
        assert_int_equal(real(addresses[i], service, hints, end), 0);
        end = &(*end)->ai_next;
    }
    pthread_mutex_unlock(&lock);
    return *ret_list ? 0 : EAI_AGAIN;
}

/* ---- requests ---- */

static HttpClient *client_with(unsigned connection_max_s)
{
    HttpOptions options = quick_options();
    HttpClient *client = NULL;

    options.connect_timeout_ms = 2000;
    options.connection_max_s = connection_max_s;
    /* Waits that add up to more than the second that names are kept. */
    options.retry.transient_base_us = 200000;
    options.retry.delay_max_us = 400000;
    assert_ok(http_client_new(&options, &client));
    return client;
}

static void ask_once(HttpClient *client, unsigned port)
{
    CLEANUP(call_done) Call call;
    call_init(&call, NULL, "/k");
    call.host = NAME;
    call.port = port;
    assert_ok(http_run(client, NULL, &call.exchange));
    assert_int_equal(call.exchange.attempts, 1);
    assert_str(buffer_str(&call.body), "hello");
}

typedef struct Crowd {
    Call calls[CALLS];
    HttpCompletions completions;
} Crowd;

static void crowd_start(Crowd *crowd, HttpClient *client, unsigned port)
{
    http_completions_init(&crowd->completions);
    for (size_t i = 0; i < CALLS; i++) {
        call_init(&crowd->calls[i], NULL, "/k");
        crowd->calls[i].host = NAME;
        crowd->calls[i].port = port;
        http_submit(client, &crowd->completions, &crowd->calls[i].exchange);
    }
}

/* The attempts they took. */
static unsigned crowd_end(Crowd *crowd)
{
    unsigned attempts = 0;
    HttpExchange *exchange;

    while ((exchange = http_next_completed(&crowd->completions))) {
        attempts += exchange->attempts;
        assert_ok(exchange->error);
    }
    for (size_t i = 0; i < CALLS; i++) {
        assert_str(buffer_str(&crowd->calls[i].body), "hello");
        call_done(&crowd->calls[i]);
    }
    http_completions_done(&crowd->completions);
    return attempts;
}

static void wait_until_asked(TestServer *server, size_t requests)
{
    for (int64_t end_ms = monotonic_ms() + 10000; test_server_requests(server) < requests && monotonic_ms() < end_ms;)
        usleep(1000);
    assert_true(test_server_requests(server) >= requests);
}

/* ---- tests ---- */

/* One of two servers goes, and its address with it: what it held is asked of the other. */
static void test_list_shrinks(void **state)
{
    (void)state;
    static Crowd crowd;
    CLEANUP(http_client_freep) HttpClient *client = client_with(300);
    CLEANUP(test_server_freep) TestServer *stays = test_server_new(&hello_slowly, 1);
    unsigned port = test_server_port(stays);
    CLEANUP(test_server_freep)
    TestServer *goes = test_server_new_beside(stays, "127.0.0.2", &hello_slowly, 1);
    NAME_HAS("127.0.0.2");
    crowd_start(&crowd, client, port);
    wait_until_asked(goes, 8);

    NAME_HAS("127.0.0.1");
    test_server_free(goes);
    goes = NULL;
    unsigned attempts = crowd_end(&crowd);
    assert_true(test_server_requests(stays) > 0);
    assert_in_range(attempts, CALLS, 3 * CALLS);
}

/* The list still has an address where nobody is: the same attempt goes on to the next one. */
static void test_address_is_dead(void **state)
{
    (void)state;
    static Crowd crowd;
    CLEANUP(http_client_freep) HttpClient *client = client_with(300);
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&hello, 1);
    NAME_HAS("127.0.0.2", "127.0.0.3", "127.0.0.1", "127.0.0.4");
    crowd_start(&crowd, client, test_server_port(server));
    assert_int_equal(crowd_end(&crowd), CALLS);
}

/* A listener whose queue is full: the kernel drops what comes, as a network does behind which nobody is any more. */
static int black_hole(const char *address, unsigned port, int fillers[4])
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = inet_addr(address)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 0), 0);
    for (size_t i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(fillers[i], (struct sockaddr *)&at, sizeof at);
    }
    return listener;
}

/* Half of the time for connecting is for the first address, and in the same attempt comes the next. */
static void test_address_is_silent(void **state)
{
    (void)state;
    int fillers[4];
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&hello, 1);
    int listener = black_hole("127.0.0.2", test_server_port(server), fillers);
    NAME_HAS("127.0.0.2", "127.0.0.1");
    for (int i = 0; i < 5;
         i++) { /* the addresses are shuffled: one of the five begins at the silent one, all but surely */
        CLEANUP(http_client_freep) HttpClient *client = client_with(300);
        ask_once(client, test_server_port(server));
    }
    for (size_t i = 0; i < 4; i++)
        close(fillers[i]);
    close(listener);
}

/* The name server is away for a while: a name that has worked is not given up as if it were mistyped. */
static void test_name_is_away(void **state)
{
    (void)state;
    static const TestReply closing = {.text = OK_HELLO, .end = TEST_CLOSE};
    HttpCompletions completions;
    CLEANUP(http_client_freep) HttpClient *client = client_with(300);
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&closing, 1);
    CLEANUP(call_done) Call call;

    NAME_HAS("127.0.0.1");
    ask_once(client, test_server_port(server));
    NAME_HAS();
    usleep(1100000); /* what was looked up is forgotten */
    unsigned before = atomic_load(&lookups);
    http_completions_init(&completions);
    call_init(&call, server, "/k");
    call.host = NAME;
    http_submit(client, &completions, &call.exchange);
    for (int64_t end_ms = monotonic_ms() + 20000; atomic_load(&lookups) < before + 6 && monotonic_ms() < end_ms;)
        usleep(1000);
    NAME_HAS("127.0.0.1");
    assert_ptr_equal(http_next_completed(&completions), &call.exchange);
    http_completions_done(&completions);
    assert_ok(call.exchange.error);
    assert_in_range(call.exchange.attempts, 6, 7);
}

/* The address is taken from the list and its server goes on answering: busy connections are given up in time. */
static void test_connections_grow_old(void **state)
{
    (void)state;
    CLEANUP(http_client_freep) HttpClient *client = client_with(1);
    CLEANUP(test_server_freep) TestServer *fresh = test_server_new(&hello, 1);
    unsigned port = test_server_port(fresh);
    CLEANUP(test_server_freep) TestServer *old = test_server_new_beside(fresh, "127.0.0.2", &hello, 1);
    NAME_HAS("127.0.0.2");
    ask_once(client, port);
    NAME_HAS("127.0.0.1");
    int64_t end_ms = monotonic_ms() + 20000;
    while (test_server_requests(fresh) == 0 && monotonic_ms() < end_ms) {
        ask_once(client, port);
        usleep(20000);
    }
    assert_true(test_server_requests(fresh) > 0);
    assert_true(test_server_requests(old) > 1); /* it was kept while it was young */
    assert_int_equal(test_server_accepts(old), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_shrinks),         cmocka_unit_test(test_address_is_dead),
        cmocka_unit_test(test_address_is_silent),    cmocka_unit_test(test_name_is_away),
        cmocka_unit_test(test_connections_grow_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
