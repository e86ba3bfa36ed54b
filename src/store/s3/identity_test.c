/* When credentials are asked for, against a scripted service and a clock that the test moves. */
#include "store/s3/identity.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/testing.h"
#include "base/thread.h"
#include "base/time_text.h"
#include "http/test_server.h"

#define MINUTE_US ((int64_t)60 * 1000000)
enum { REPLIES_MAX = 8, REPLY_BYTES = 512, CALLERS = 8 };

/* A container's service that gives the keys K0, K1, ... with a life each, or refuses (life 0). */
typedef struct Fixture {
    TestServer *server;
    S3Identity *identity;
    _Atomic int64_t wall_us, monotonic_us;
    Clock clock;
    char texts[REPLIES_MAX][REPLY_BYTES];
    TestReply replies[REPLIES_MAX];
} Fixture;

static int64_t wall_us(void *context)
{
    return atomic_load(&((Fixture *)context)->wall_us);
}

static int64_t monotonic_us(void *context)
{
    return atomic_load(&((Fixture *)context)->monotonic_us);
}

static void forward(Fixture *f, int64_t minutes)
{
    atomic_fetch_add(&f->wall_us, minutes * MINUTE_US);
    atomic_fetch_add(&f->monotonic_us, minutes * MINUTE_US);
}

static void write_reply(char *text, size_t number, int64_t expires_us)
{
    char body[REPLY_BYTES / 2], time[TIME_TEXT_BYTES];
    if (expires_us == 0) {
        snprintf(text, REPLY_BYTES, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    Str end = time_iso8601(expires_us, time);
    int len =
        snprintf(body, sizeof(body),
                 "{\"AccessKeyId\":\"K%zu\",\"SecretAccessKey\":\"S\",\"Token\":\"T\",\"Expiration\":\"" STR_FMT "\"}",
                 number, STR_ARG(end));
    snprintf(text, REPLY_BYTES, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len, body);
}

/* `ends_min`: when each set ends, in minutes from the beginning. */
static void fixture_open(Fixture *f, const int64_t *ends_min, size_t count)
{
    char url[128];
    *f = (Fixture){.wall_us = INT64_C(1795253994000000), .monotonic_us = INT64_C(1000000000)};
    f->clock = (Clock){wall_us, monotonic_us, f};
    for (size_t i = 0; i < count; i++) {
        write_reply(f->texts[i], i, ends_min[i] ? f->wall_us + ends_min[i] * MINUTE_US : 0);
        f->replies[i].text = f->texts[i];
    }
    f->server = test_server_new(f->replies, count);
    snprintf(url, sizeof(url), "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:%u/keys",
             test_server_port(f->server));
    const char *environment[] = {url, NULL};
    StoreOptions options = {.environment = environment, .clock = &f->clock};
    assert_ok(s3_identity_new(&options, STR_EMPTY, &f->identity));
}

static void fixture_done(Fixture *f)
{
    s3_identity_free(f->identity);
    test_server_free(f->server);
}

#define FIXTURE(f, ...)                                                                                                \
    CLEANUP(fixture_done) Fixture f = {0};                                                                             \
    static const int64_t f##_ends[] = {__VA_ARGS__};                                                                   \
    fixture_open(&(f), f##_ends, ARRAY_COUNT(f##_ends))

static void assert_key(const Fixture *f, const char *id)
{
    CLEANUP(s3_credentials_freep) S3Credentials *credentials = NULL;
    assert_ok(s3_identity_get(f->identity, &credentials));
    assert_string_equal(credentials->access_key_id, id);
}

/* The worker is another thread: what it does shows soon. */
static void wait_for_searches(const Fixture *f, unsigned count)
{
    for (int i = 0; i < 2000 && s3_identity_searches(f->identity) < count; i++)
        usleep(1000);
    assert_int_equal(s3_identity_searches(f->identity), count);
}

static void wait_for_key(const Fixture *f, const char *id)
{
    for (int i = 0; i < 2000; i++) {
        CLEANUP(s3_credentials_freep) S3Credentials *credentials = NULL;
        assert_ok(s3_identity_get(f->identity, &credentials));
        if (strcmp(credentials->access_key_id, id) == 0)
            return;
        usleep(1000);
    }
    fail();
}

static void test_nothing_is_asked_before_it_is_needed(void **state)
{
    (void)state;
    FIXTURE(f, 60);
    S3Credentials *none;
    assert_fails(s3_identity_get(f.identity, &none), ERR_STATE);
    assert_int_equal(test_server_requests(f.server), 0);
    assert_ok(s3_identity_ready(f.identity, NULL));
    assert_ok(s3_identity_ready(f.identity, NULL));
    assert_key(&f, "K0");
    assert_int_equal(test_server_requests(f.server), 1);
}

/* At 44 of 60 minutes nothing, from 45 on the thread, and the old keys meanwhile. */
static void test_first_window(void **state)
{
    (void)state;
    FIXTURE(f, 60, 120);
    assert_ok(s3_identity_ready(f.identity, NULL));
    forward(&f, 44);
    assert_ok(s3_identity_ready(f.identity, NULL));
    assert_int_equal(s3_identity_searches(f.identity), 1);
    forward(&f, 2);
    assert_ok(s3_identity_ready(f.identity, NULL));
    assert_ok(s3_identity_ready(f.identity, NULL));
    wait_for_key(&f, "K1");
    assert_int_equal(s3_identity_searches(f.identity), 2);
}

/* From 50 of 60 minutes on who is ready has the new ones. */
static void test_second_window(void **state)
{
    (void)state;
    FIXTURE(f, 60, 120);
    assert_ok(s3_identity_ready(f.identity, NULL));
    forward(&f, 51);
    assert_ok(s3_identity_ready(f.identity, NULL));
    assert_key(&f, "K1");
}

/* A failure is borne in the first window, asked again later, and is an error in the second. */
static void test_failures(void **state)
{
    (void)state;
    FIXTURE(f, 60, 0);
    assert_ok(s3_identity_ready(f.identity, NULL));
    forward(&f, 46);
    assert_ok(s3_identity_ready(f.identity, NULL));
    wait_for_searches(&f, 2);
    usleep(20000);
    assert_ok(s3_identity_ready(f.identity, NULL));
    usleep(20000);
    assert_int_equal(s3_identity_searches(f.identity), 2);
    forward(&f, 2);
    assert_ok(s3_identity_ready(f.identity, NULL));
    wait_for_searches(&f, 3);
    forward(&f, 4);
    assert_fails_saying(s3_identity_ready(f.identity, NULL), ERR_DENIED, "container's credential service");
    unsigned before = s3_identity_searches(f.identity);
    assert_fails(s3_identity_ready(f.identity, NULL), ERR_DENIED); /* told, not asked again at once */
    assert_int_equal(s3_identity_searches(f.identity), before);
}

static void test_short_life(void **state)
{
    (void)state;
    FIXTURE(f, 8, 16);
    assert_ok(s3_identity_ready(f.identity, NULL));
    forward(&f, 5);
    assert_ok(s3_identity_ready(f.identity, NULL));
    assert_int_equal(s3_identity_searches(f.identity), 1);
    forward(&f, 2);
    assert_ok(s3_identity_ready(f.identity, NULL));
    assert_key(&f, "K1");
}

/* The wall clock jumps ahead: one more search, as if the time had passed. Back: nothing, and the server tells when they end. */
static void test_clock_jumps(void **state)
{
    (void)state;
    FIXTURE(f, 60, 240, 360);
    assert_ok(s3_identity_ready(f.identity, NULL));
    atomic_fetch_add(&f.wall_us, 120 * MINUTE_US);
    assert_ok(s3_identity_ready(f.identity, NULL));
    assert_ok(s3_identity_ready(f.identity, NULL));
    assert_key(&f, "K1");
    atomic_fetch_sub(&f.wall_us, 180 * MINUTE_US);
    assert_ok(s3_identity_ready(f.identity, NULL));
    assert_int_equal(s3_identity_searches(f.identity), 2);
}

/* Asking gives the same set again: it is used to its end, asked for a few times, and then that is an error. */
static void test_old_ones_again(void **state)
{
    (void)state;
    FIXTURE(f, 60);
    assert_ok(s3_identity_ready(f.identity, NULL));
    for (int minute = 0; minute < 59; minute++) {
        forward(&f, 1);
        assert_ok(s3_identity_ready(f.identity, NULL));
        usleep(2000);
    }
    unsigned searches = s3_identity_searches(f.identity);
    assert_true(searches > 1 && searches < 20);
    forward(&f, 2);
    assert_fails_saying(s3_identity_ready(f.identity, NULL), ERR_DENIED, "gave keys that expired");
}

static void test_dead_on_arrival(void **state)
{
    (void)state;
    FIXTURE(f, -5);
    assert_fails_saying(s3_identity_ready(f.identity, NULL), ERR_DENIED,
                        "gave keys that expired at 2026-11-21T09:34:54Z");
}

/* ---- many at once ---- */

static void be_ready(void *context)
{
    Fixture *f = context;
    assert_ok(s3_identity_ready(f->identity, NULL));
}

static void all_ready(Fixture *f)
{
    Thread threads[CALLERS] = {0};
    for (size_t i = 0; i < CALLERS; i++)
        assert_ok(thread_start(&threads[i], "caller", be_ready, f));
    for (size_t i = 0; i < CALLERS; i++)
        thread_join(&threads[i]);
}

static void test_one_asks(void **state)
{
    (void)state;
    FIXTURE(f, 60, 120, 180);
    f.replies[0].drip_ms = 1;
    all_ready(&f);
    assert_int_equal(test_server_requests(f.server), 1);
    forward(&f, 55);
    all_ready(&f);
    assert_int_equal(test_server_requests(f.server), 2);
    assert_key(&f, "K1");
}

static void test_cancel(void **state)
{
    (void)state;
    FIXTURE(f, 60, 120);
    Cancel cancel = {.level = CANCEL_STOP};
    assert_fails(s3_identity_ready(f.identity, &cancel), ERR_CANCELLED);
    assert_ok(s3_identity_ready(f.identity, NULL));
}

/* ---- refusals ---- */

static bool refuse(const Fixture *f)
{
    CLEANUP(s3_credentials_freep) S3Credentials *credentials = NULL;
    CLEANUP(error_freep) Error *cause = FAIL(DENIED, "400 ExpiredToken");
    assert_ok(s3_identity_get(f->identity, &credentials));
    return s3_identity_refused(f->identity, credentials, cause);
}

static void wait_for_renewal(const Fixture *f)
{
    for (int i = 0; i < 2000 && s3_identity_is_renewing(f->identity); i++)
        usleep(1000);
    assert_false(s3_identity_is_renewing(f->identity));
}

static void test_refused_once(void **state)
{
    (void)state;
    FIXTURE(f, 60, 60, 60);
    CLEANUP(s3_credentials_freep) S3Credentials *first = NULL;
    assert_ok(s3_identity_ready(f.identity, NULL));
    assert_ok(s3_identity_get(f.identity, &first));
    assert_true(refuse(&f));
    assert_true(s3_identity_is_renewing(f.identity));
    wait_for_renewal(&f);
    assert_key(&f, "K1");
    /* another request of the old time comes back only now: nothing is asked for */
    assert_true(s3_identity_refused(f.identity, first, NULL));
    assert_false(s3_identity_is_renewing(f.identity));
    assert_int_equal(s3_identity_searches(f.identity), 2);
}

/* New ones that are refused as well end it for all, for a minute. */
static void test_refused_twice(void **state)
{
    (void)state;
    FIXTURE(f, 60, 60, 60);
    S3Credentials *none;
    assert_ok(s3_identity_ready(f.identity, NULL));
    assert_true(refuse(&f));
    wait_for_renewal(&f);
    assert_false(refuse(&f));
    assert_fails_saying(s3_identity_ready(f.identity, NULL), ERR_DENIED,
                        "asked for anew, are refused: 400 ExpiredToken");
    assert_fails(s3_identity_get(f.identity, &none), ERR_DENIED);
    assert_int_equal(s3_identity_searches(f.identity), 2);
    forward(&f, 2);
    assert_ok(s3_identity_ready(f.identity, NULL)); /* somebody may have signed in again */
    assert_key(&f, "K2");
}

/* Once they have been of use, their end is an ordinary end. */
static void test_refused_after_use(void **state)
{
    (void)state;
    FIXTURE(f, 60, 60, 60);
    assert_ok(s3_identity_ready(f.identity, NULL));
    assert_true(refuse(&f));
    wait_for_renewal(&f);
    CLEANUP(s3_credentials_freep) S3Credentials *second = NULL;
    assert_ok(s3_identity_get(f.identity, &second));
    s3_credentials_prove(second);
    assert_true(refuse(&f));
    wait_for_renewal(&f);
    assert_key(&f, "K2");
}

static void test_refused_and_no_others(void **state)
{
    (void)state;
    FIXTURE(f, 60, 0);
    assert_ok(s3_identity_ready(f.identity, NULL));
    assert_true(refuse(&f));
    assert_fails_saying(s3_identity_ready(f.identity, NULL), ERR_DENIED, "new ones could not be had");
}

static void test_options_are_not_asked_again(void **state)
{
    (void)state;
    CLEANUP(s3_identity_freep) S3Identity *identity = NULL;
    CLEANUP(s3_credentials_freep) S3Credentials *credentials = NULL;
    CLEANUP(error_freep) Error *cause = FAIL(DENIED, "400 ExpiredToken");
    StoreOptions options = {.access_key_id = STR("A"), .secret_access_key = STR("S")};
    assert_ok(s3_identity_new(&options, STR_EMPTY, &identity));
    assert_ok(s3_identity_ready(identity, NULL));
    assert_ok(s3_identity_get(identity, &credentials));
    assert_false(s3_identity_refused(identity, credentials, cause));
    assert_fails_saying(s3_identity_ready(identity, NULL), ERR_DENIED, "from the options are refused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_asked_before_it_is_needed),
        cmocka_unit_test(test_first_window),
        cmocka_unit_test(test_second_window),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_short_life),
        cmocka_unit_test(test_clock_jumps),
        cmocka_unit_test(test_old_ones_again),
        cmocka_unit_test(test_dead_on_arrival),
        cmocka_unit_test(test_one_asks),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_refused_once),
        cmocka_unit_test(test_refused_twice),
        cmocka_unit_test(test_refused_after_use),
        cmocka_unit_test(test_refused_and_no_others),
        cmocka_unit_test(test_options_are_not_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
