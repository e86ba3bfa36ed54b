#include "store/store_fault.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/testing.h"
#include "store/options.h"
#include "store/store_trace.h"
#include "store/test_dir.h"

typedef struct Fixture {
    char dir[TEST_DIR_BYTES];
    Store *real;
} Fixture;

static int set_up(void **state)
{
    Fixture *f = calloc(1, sizeof(*f));
    StoreOptions options = {.sync = STORE_SYNC_NONE};
    test_dir_new(f->dir);
    assert_ok(store_open(str_of(f->dir), &options, &f->real));
    for (unsigned i = 0; i < 50; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%u", i);
        assert_ok(store_put_bytes(f->real, NULL, str_of(key), str_bytes(STR("0123456789")), NULL));
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *f = *state;
    store_free(f->real);
    test_dir_remove(f->dir);
    free(f);
    return 0;
}

static Error *count_object(void *context, const ObjectInfo *object)
{
    (void)object;
    ++*(size_t *)context;
    return NULL;
}

/* What 200 gets from a store with these faults gave. */
typedef struct Outcome {
    unsigned good, failed, shorter, wrong;
} Outcome;

static Outcome read_many(Store *inner, const StoreFaults *faults)
{
    CLEANUP(store_freep) Store *store = NULL;
    Outcome outcome = {0};
    assert_ok(store_fault_new(inner, faults, &store));
    for (unsigned i = 0; i < 200; i++) {
        CLEANUP(buffer_done) Buffer body = {0};
        Error *err = store_get(store, NULL, STR("7"), BYTE_RANGE_ALL, STR_EMPTY, &body);
        outcome.failed += error_code(err) == ERR_UNAVAILABLE;
        outcome.shorter += !err && body.len < 10;
        outcome.wrong += !err && body.len == 10 && memcmp(body.data, "0123456789", 10) != 0;
        outcome.good += !err && body.len == 10 && memcmp(body.data, "0123456789", 10) == 0;
        error_free(err);
    }
    return outcome;
}

static void test_rates(void **state)
{
    Fixture *f = *state;
    Outcome none = read_many(f->real, &(StoreFaults){.seed = 1});
    assert_int_equal(none.good, 200);
    Outcome errors = read_many(f->real, &(StoreFaults){.seed = 1, .error_rate = 0.2});
    assert_true(errors.failed > 20 && errors.failed < 60 && errors.good + errors.failed == 200);
    Outcome again = read_many(f->real, &(StoreFaults){.seed = 1, .error_rate = 0.2});
    assert_memory_equal(&errors, &again, sizeof(errors));
    Outcome shorter = read_many(f->real, &(StoreFaults){.seed = 2, .short_rate = 1});
    assert_int_equal(shorter.shorter, 200);
    Outcome wrong = read_many(f->real, &(StoreFaults){.seed = 3, .flip_rate = 1});
    assert_int_equal(wrong.wrong, 200);
}

static void test_nth_call(void **state)
{
    Fixture *f = *state;
    for (uint64_t n = 1;; n++) {
        CLEANUP(store_freep) Store *store = NULL;
        CLEANUP(buffer_done) Buffer body = {0};
        size_t count = 0;
        assert_ok(store_fault_new(f->real, &(StoreFaults){.fail_call = n, .error_code = ERR_NO_SPACE}, &store));
        Error *err = store_put_bytes(store, NULL, STR("x"), BYTES_EMPTY, NULL);
        if (!err)
            err = store_get(store, NULL, STR("x"), BYTE_RANGE_ALL, STR_EMPTY, &body);
        if (!err)
            err = store_list(store, NULL, STR_EMPTY, STR_EMPTY, count_object, &count);
        if (!err)
            err = store_delete(store, NULL, STR("x"));
        assert_int_equal(store_fault_calls(store), n <= 4 ? n : 4);
        if (!err) {
            assert_int_equal(n, 5);
            break;
        }
        assert_fails_saying(err, ERR_NO_SPACE, "injected failure of call");
    }
}

static void test_lost_writes(void **state)
{
    Fixture *f = *state;
    CLEANUP(store_freep) Store *store = NULL;
    CLEANUP(buffer_done) Buffer body = {0};
    assert_ok(store_fault_new(f->real, &(StoreFaults){.lost_write_rate = 1}, &store));
    assert_ok(store_put_bytes(store, NULL, STR("lost"), BYTES_EMPTY, NULL));
    assert_fails(store_get(f->real, NULL, STR("lost"), BYTE_RANGE_ALL, STR_EMPTY, &body), ERR_NOT_FOUND);
    assert_ok(store_delete(store, NULL, STR("7")));
    assert_ok(store_get(f->real, NULL, STR("7"), BYTE_RANGE_ALL, STR_EMPTY, &body));
}

typedef struct Deleted {
    unsigned good, failed;
} Deleted;

static Error *count_deleted(void *context, Str key, Error *take_error)
{
    Deleted *deleted = context;
    (void)key;
    deleted->good += !take_error;
    deleted->failed += take_error != NULL;
    error_free(take_error);
    return NULL;
}

/* Each key of many fails by itself; what is lost is told as done. */
static void test_delete_many(void **state)
{
    Fixture *f = *state;
    CLEANUP(store_freep) Store *store = NULL, *lossy = NULL;
    char text[50][16];
    Str keys[50];
    Deleted deleted = {0};
    size_t left = 0;
    for (unsigned i = 0; i < 50; i++) {
        snprintf(text[i], sizeof(text[i]), "%u", i);
        keys[i] = str_of(text[i]);
    }
    assert_ok(store_fault_new(f->real, &(StoreFaults){.lost_write_rate = 1}, &lossy));
    assert_ok(store_delete_many(lossy, NULL, keys, 50, count_deleted, &deleted));
    assert_true(deleted.good == 50 && deleted.failed == 0);
    deleted = (Deleted){0};
    assert_ok(store_fault_new(f->real, &(StoreFaults){.seed = 5, .error_rate = 0.3}, &store));
    assert_ok(store_delete_many(store, NULL, keys, 50, count_deleted, &deleted));
    assert_true(deleted.failed > 5 && deleted.failed < 30 && deleted.good == 50 - deleted.failed);
    assert_ok(store_list(f->real, NULL, STR_EMPTY, STR_EMPTY, count_object, &left));
    assert_int_equal(left, deleted.failed);
    assert_ok(store_delete_many(store, NULL, keys, 0, count_deleted, &deleted));
}

static void test_copies(void **state)
{
    Fixture *f = *state;
    CLEANUP(store_freep) Store *failing = NULL, *lossy = NULL, *traced = NULL;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    ObjectInfo info;
    Str tags;
    assert_ok(store_fault_new(f->real, &(StoreFaults){.fail_call = 1}, &failing));
    assert_fails_saying(store_copy(failing, NULL, STR("x"), failing, STR("7"), NULL), ERR_UNAVAILABLE, "injected");
    assert_ok(store_copy(failing, NULL, STR("x"), failing, STR("7"), NULL));
    assert_ok(store_fault_new(f->real, &(StoreFaults){.lost_write_rate = 1}, &lossy));
    assert_ok(store_copy(lossy, NULL, STR("y"), f->real, STR("7"), NULL));
    assert_fails(store_head(f->real, NULL, STR("y"), arena, &info), ERR_NOT_FOUND);
    assert_ok(store_trace_new(failing, NULL, NULL, &traced));
    assert_ok(store_copy(traced, NULL, STR("y"), traced, STR("x"), NULL));
    assert_ok(store_head(f->real, NULL, STR("y"), arena, &info));
    assert_fails(store_get_tags(traced, NULL, STR("x"), arena, &tags), ERR_UNSUPPORTED);
    assert_fails(store_put_tags(traced, NULL, STR("x"), STR("a=1")), ERR_UNSUPPORTED);
    assert_ok(store_list_uploads(traced, NULL, STR_EMPTY, NULL, NULL));
    StoreCalls calls = store_trace_calls(traced);
    assert_true(calls.copies == 1 && calls.others == 3 && calls.failed == 2);
}

static void test_delay_and_listing(void **state)
{
    Fixture *f = *state;
    CLEANUP(store_freep) Store *store = NULL;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    ObjectInfo info;
    Cancel stopped = {.level = CANCEL_STOP};
    size_t count = 0;
    assert_ok(store_fault_new(
        f->real, &(StoreFaults){.seed = 4, .error_rate = 1, .delay_rate = 1, .delay_max_us = 1000}, &store));
    assert_fails(store_list(store, NULL, STR_EMPTY, STR_EMPTY, count_object, &count), ERR_UNAVAILABLE);
    assert_true(count <= 50);
    assert_fails(store_head(store, NULL, STR("7"), arena, &info), ERR_UNAVAILABLE);
    assert_fails(store_head(store, &stopped, STR("7"), arena, &info), ERR_CANCELLED);
}

static void read_batch(Store *store, unsigned *ret_good, unsigned *ret_failed)
{
    CLEANUP(store_batch_freep) StoreBatch *batch = NULL;
    StoreFetch fetches[50] = {0};
    char keys[50][8];
    *ret_good = *ret_failed = 0;
    assert_ok(store_batch_new(store, NULL, &batch));
    for (unsigned i = 0; i < 50; i++) {
        snprintf(keys[i], sizeof(keys[i]), "%u", i);
        fetches[i] = (StoreFetch){.key = str_of(keys[i]), .range = BYTE_RANGE_ALL};
        store_batch_get(batch, &fetches[i]);
    }
    for (StoreFetch *fetch; (fetch = store_batch_next(batch)) != NULL;) {
        *ret_good += !fetch->error && fetch->body.len == 10;
        *ret_failed += fetch->error != NULL;
        error_free(fetch->error);
        buffer_done(&fetch->body);
    }
}

static void test_batch(void **state)
{
    Fixture *f = *state;
    CLEANUP(store_freep) Store *store = NULL;
    unsigned good, failed;
    assert_ok(store_fault_new(f->real, &(StoreFaults){.seed = 5, .error_rate = 0.5}, &store));
    read_batch(store, &good, &failed);
    assert_int_equal(good + failed, 50);
    assert_true(good > 5 && failed > 5);
}

/* ---- trace ---- */

static void append_line(void *context, LogLevel level, const char *message)
{
    assert_int_equal(level, LOG_DEBUG);
    error_free(buffer_append_format(context, "%s\n", message));
}

static void test_trace(void **state)
{
    Fixture *f = *state;
    CLEANUP(buffer_done) Buffer lines = {0};
    CLEANUP(buffer_done) Buffer body = {0};
    CLEANUP(log_freep) Log *log = log_new(LOG_DEBUG, append_line, &lines);
    CLEANUP(store_freep) Store *store = NULL;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    ObjectInfo info;
    size_t count = 0;
    unsigned good, failed;
    assert_ok(store_trace_new(f->real, log, NULL, &store));
    assert_ok(store_put_bytes(store, NULL, STR("x"), str_bytes(STR("123")), NULL));
    assert_ok(store_get(store, NULL, STR("x"), BYTE_RANGE_ALL, STR_EMPTY, &body));
    assert_ok(store_head(store, NULL, STR("x"), arena, &info));
    assert_ok(store_delete(store, NULL, STR("x")));
    assert_fails(store_get(store, NULL, STR("x"), BYTE_RANGE_ALL, STR_EMPTY, &body), ERR_NOT_FOUND);
    assert_ok(store_list(store, NULL, STR_EMPTY, STR_EMPTY, count_object, &count));
    read_batch(store, &good, &failed);
    StoreCalls calls = store_trace_calls(store);
    assert_true(calls.puts == 1 && calls.gets == 52 && calls.heads == 1 && calls.deletes == 1 && calls.lists == 1);
    assert_true(calls.objects_listed == 50 && calls.failed == 1 && good == 50);
    assert_true(str_find(buffer_str(&lines), STR("get 'x' of 'file:///tmp/quern-store-")) != SIZE_MAX);
    assert_true(str_find(buffer_str(&lines), STR("open 'x' in")) != SIZE_MAX);
    assert_int_equal(store_counters(store).bytes_in, 3 + 500);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rates),  TEST(test_nth_call),          TEST(test_lost_writes), TEST(test_delete_many),
        TEST(test_copies), TEST(test_delay_and_listing), TEST(test_batch),       TEST(test_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
