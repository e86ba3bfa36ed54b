/* parked_test.c - exchanges of fibers: who waits for an answer leaves its thread to the others. */
#include "base/fiber.h"
#include "http/test_call.h"

enum { FIBERS = 16, ROUNDS = 5, AT_ONCE = 3 };

typedef struct Caller {
    HttpClient *client;
    const TestServer *server;
    const Cancel *cancel;
    unsigned rounds;
    ErrorCode ended;
} Caller;

static void run_calls(void *context)
{
    Caller *caller = context;
    for (unsigned i = 0; i < caller->rounds && caller->ended == ERR_OK; i++) {
        CLEANUP(call_done) Call call;
        call_init(&call, caller->server, "/key");
        CLEANUP(error_freep) Error *error = http_run(caller->client, caller->cancel, &call.exchange);
        caller->ended = error_code(error);
        if (!error)
            assert_str(buffer_str(&call.body), "hello");
    }
}

static void submit_calls(void *context)
{
    Caller *caller = context;
    HttpCompletions completions;
    Call calls[AT_ONCE];
    size_t ended = 0;
    http_completions_init(&completions);
    for (size_t i = 0; i < AT_ONCE; i++) {
        call_init(&calls[i], caller->server, "/key");
        http_submit(caller->client, &completions, &calls[i].exchange);
    }
    for (HttpExchange *exchange; (exchange = http_next_completed(&completions)); ended++)
        assert_ok(exchange->error);
    assert_int_equal(ended, AT_ONCE);
    for (size_t i = 0; i < AT_ONCE; i++)
        call_done(&calls[i]);
    http_completions_done(&completions);
}

static void test_one_thread_has_many_calls(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*body)(void *context);
        unsigned rounds;
        size_t requests; /* one of them is answered by 503 */
    } rows[] = {
        {"one after the other", run_calls, ROUNDS, FIBERS * ROUNDS + 1},
        {"several at once", submit_calls, 1, FIBERS * AT_ONCE + 1},
    };
    static const TestReply replies[] = {{.text = OK_HELLO}, {.text = EMPTY_503}, {.text = OK_HELLO}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(test_server_freep) TestServer *server = test_server_new(replies, ARRAY_COUNT(replies));
        CLEANUP(http_client_freep) HttpClient *client = quick_client();
        CLEANUP(fibers_freep) Fibers *fibers = NULL;
        Caller callers[FIBERS];
        size_t ended = 0;
        print_message("%s\n", rows[i].name);
        assert_ok(fibers_new(FIBERS, &fibers));
        for (size_t f = 0; f < FIBERS; f++) {
            callers[f] = (Caller){.client = client, .server = server, .rounds = rows[i].rounds};
            fibers_start(fibers, rows[i].body, &callers[f]);
        }
        for (Caller *caller; (caller = fibers_next_ended(fibers)); ended++)
            assert_int_equal(caller->ended, ERR_OK);
        assert_int_equal(ended, FIBERS);
        assert_int_equal(test_server_requests(server), rows[i].requests);
    }
}

static void test_a_stop_ends_them(void **state)
{
    (void)state;
    static const TestReply silence = {0};
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&silence, 1);
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    CLEANUP(fibers_freep) Fibers *fibers = NULL;
    Caller callers[FIBERS];
    Cancel cancel = {0};
    assert_ok(fibers_new(FIBERS, &fibers));
    for (size_t f = 0; f < FIBERS; f++) {
        callers[f] = (Caller){.client = client, .server = server, .cancel = &cancel, .rounds = 1};
        fibers_start(fibers, run_calls, &callers[f]);
    }
    cancel_raise(&cancel, CANCEL_STOP);
    for (Caller *caller; (caller = fibers_next_ended(fibers));)
        assert_int_equal(caller->ended, ERR_CANCELLED);
}

static void run_held(void *context)
{
    fiber_hold();
    run_calls(context);
    fiber_release();
}

static void test_a_held_fiber_waits_with_its_thread(void **state)
{
    (void)state;
    CLEANUP(fibers_freep) Fibers *fibers = NULL;
    static const TestReply reply = {.text = OK_HELLO};
    CLEANUP(test_server_freep) TestServer *server = test_server_new(&reply, 1);
    CLEANUP(http_client_freep) HttpClient *client = quick_client();
    Caller caller = {.client = client, .server = server, .rounds = 1};
    assert_ok(fibers_new(1, &fibers));
    fibers_start(fibers, run_held, &caller); /* has ended before this returns */
    assert_int_equal(test_server_requests(server), 1);
    assert_ptr_equal(fibers_next_ended(fibers), &caller);
    assert_int_equal(caller.ended, ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_thread_has_many_calls),
        cmocka_unit_test(test_a_stop_ends_them),
        cmocka_unit_test(test_a_held_fiber_waits_with_its_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
