#include "base/queue.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/testing.h"
#include "base/thread.h"

static int values[16];

static Error *push(Queue *queue, const Cancel *cancel, int value, uint64_t size_bytes)
{
    void *item = &values[value];
    return queue_push(queue, cancel, &item, size_bytes);
}

static void first_in_is_first_out(void **state)
{
    (void)state;
    Queue *queue = queue_new(3, 0);
    for (int round = 0; round < 4; round++) { /* the ring goes round */
        for (int i = 0; i < 3; i++) {
            void *item = &values[i];
            assert_ok(queue_push(queue, NULL, &item, 1));
            assert_null(item);
        }
        assert_int_equal(queue_count(queue), 3);
        for (int i = 0; i < 3; i++) {
            void *item = NULL;
            if (i % 2)
                item = queue_try_pop(queue);
            else
                assert_ok(queue_pop(queue, NULL, &item));
            assert_ptr_equal(item, &values[i]);
        }
        assert_null(queue_try_pop(queue));
    }
    queue_free(queue, NULL);
    queue_free(NULL, NULL);
}

typedef struct Pushing {
    Queue *queue;
    const Cancel *cancel;
    uint64_t size_bytes;
    void *item;
    ErrorCode ended;
} Pushing;

static void push_one(void *context)
{
    Pushing *pushing = context;
    Error *error = queue_push(pushing->queue, pushing->cancel, &pushing->item, pushing->size_bytes);
    pushing->ended = error_code(error);
    error_free(error);
}

static void both_bounds_hold(void **state)
{
    (void)state;
    static const struct {
        size_t items_max;
        uint64_t bytes_max, first, second;
        bool second_waits;
    } rows[] = {
        {1, 0, 1, 1, true},    {2, 0, 1, 1, false},  {2, 0, UINT64_MAX, UINT64_MAX, false}, /* no bound in bytes */
        {9, 10, 4, 6, false},  {9, 10, 4, 7, true},  {9, 10, 11, 0, true}, /* larger than the bound: alone */
        {9, 10, 10, 0, false}, {9, 10, 0, 11, true}, {9, 10, 5, UINT64_MAX, true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Queue *queue = queue_new(rows[i].items_max, rows[i].bytes_max);
        Pushing pushing = {.queue = queue, .size_bytes = rows[i].second, .item = &values[2]};
        Thread thread = {0};
        assert_ok(push(queue, NULL, 1, rows[i].first)); /* an empty queue takes anything */
        assert_ok(thread_start(&thread, "push", push_one, &pushing));
        if (rows[i].second_waits) {
            assert_ok(sleep_us(30000, NULL));
            assert_int_equal(queue_count(queue), 1);
            assert_ptr_equal(queue_try_pop(queue), &values[1]);
        }
        thread_join(&thread);
        assert_int_equal(pushing.ended, ERR_OK);
        assert_null(pushing.item);
        assert_int_equal(queue_count(queue), rows[i].second_waits ? 1 : 2);
        while (queue_try_pop(queue))
            ;
        queue_free(queue, NULL);
    }
}

static void closing_refuses_pushes_and_lets_the_rest_out(void **state)
{
    (void)state;
    Queue *queue = queue_new(2, 0);
    assert_ok(push(queue, NULL, 1, 0));
    assert_ok(push(queue, NULL, 2, 0));
    Pushing pushing = {.queue = queue, .item = &values[3]};
    Thread thread = {0};
    assert_ok(thread_start(&thread, "push", push_one, &pushing));
    assert_ok(sleep_us(10000, NULL));
    queue_close(queue);
    thread_join(&thread);
    assert_int_equal(pushing.ended, ERR_STATE);
    assert_ptr_equal(pushing.item, &values[3]); /* still the caller's */
    for (int i = 1; i <= 3; i++) {
        void *item = &values[9];
        assert_ok(queue_pop(queue, NULL, &item));
        assert_ptr_equal(item, i < 3 ? &values[i] : NULL);
    }
    queue_free(queue, NULL);
}

typedef struct Popping {
    Queue *queue;
    const Cancel *cancel;
    void *item;
    ErrorCode ended;
} Popping;

static void pop_one(void *context)
{
    Popping *popping = context;
    Error *error = queue_pop(popping->queue, popping->cancel, &popping->item);
    popping->ended = error_code(error);
    error_free(error);
}

static void a_stop_ends_waits_and_a_drain_does_not(void **state)
{
    (void)state;
    Cancel cancel = {0};
    Queue *full = queue_new(1, 0), *empty = queue_new(1, 0);
    assert_ok(push(full, NULL, 1, 0));
    Pushing pushing = {.queue = full, .cancel = &cancel, .item = &values[2]};
    Popping popping = {.queue = empty, .cancel = &cancel, .item = &values[9]};
    Thread pusher = {0}, popper = {0};
    cancel_raise(&cancel, CANCEL_DRAIN);
    assert_ok(thread_start(&pusher, "push", push_one, &pushing));
    assert_ok(thread_start(&popper, "pop", pop_one, &popping));
    assert_ok(sleep_us(2 * CANCEL_POLL_MS * 1000, NULL));
    cancel_raise(&cancel, CANCEL_STOP);
    thread_join(&pusher);
    thread_join(&popper);
    assert_int_equal(pushing.ended, ERR_CANCELLED);
    assert_ptr_equal(pushing.item, &values[2]);
    assert_int_equal(popping.ended, ERR_CANCELLED);
    assert_ptr_equal(popping.item, &values[9]);
    queue_free(empty, NULL);
    assert_non_null(queue_try_pop(full));
    queue_free(full, NULL);
}

static void count_free(void *item)
{
    ++*(int *)item;
}

static void items_left_inside_are_freed(void **state)
{
    (void)state;
    Queue *queue = queue_new(4, 0);
    memset(values, 0, sizeof values);
    for (int i = 0; i < 3; i++)
        assert_ok(push(queue, NULL, i, 0));
    queue_free(queue, count_free);
    for (int i = 0; i < 4; i++)
        assert_int_equal(values[i], i < 3);
}

static void a_size_that_wraps_round_is_no_queue(void **state)
{
    (void)state;
    assert_null(queue_new(SIZE_MAX, 0));
    assert_null(queue_new(SIZE_MAX / 16, 0));
}

/* ---- many at once: every item arrives once, a producer's in its order, and never more than the bounds allow ---- */

enum { PRODUCERS = 4, CONSUMERS = 3, ITEMS_EACH = 3000, ITEMS_MAX = 8, BYTES_MAX = 100 };

typedef struct Parcel {
    unsigned producer, serial;
    uint64_t size_bytes;
    _Atomic int taken;
} Parcel;

typedef struct Traffic {
    Queue *queue;
    Parcel parcels[PRODUCERS][ITEMS_EACH];
    _Atomic unsigned producers, consumers, arrived, out_of_order;
} Traffic;

static void produce(void *context)
{
    Traffic *traffic = context;
    unsigned self = atomic_fetch_add(&traffic->producers, 1);
    Random random;
    random_init_seed(&random, self);
    for (unsigned i = 0; i < ITEMS_EACH; i++) {
        Parcel *parcel = &traffic->parcels[self][i];
        parcel->producer = self;
        parcel->serial = i;
        parcel->size_bytes = random_below(&random, 100) ? random_below(&random, BYTES_MAX) : 3 * BYTES_MAX;
        assert_ok(queue_push(traffic->queue, NULL, &parcel, parcel->size_bytes));
    }
}

static void consume(void *context)
{
    Traffic *traffic = context;
    int last[PRODUCERS] = {-1, -1, -1, -1};
    for (;;) {
        void *item = NULL;
        assert_ok(queue_pop(traffic->queue, NULL, &item));
        if (!item)
            return;
        Parcel *parcel = item;
        assert_int_equal(atomic_exchange(&parcel->taken, 1), 0);
        traffic->out_of_order += last[parcel->producer] >= (int)parcel->serial;
        last[parcel->producer] = (int)parcel->serial;
        traffic->arrived++;
    }
}

static void everything_arrives_once_and_in_order(void **state)
{
    (void)state;
    Traffic *traffic = calloc(1, sizeof *traffic);
    assert_non_null(traffic);
    traffic->queue = queue_new(ITEMS_MAX, BYTES_MAX);
    Thread producers[PRODUCERS] = {0}, consumers[CONSUMERS] = {0};
    for (int i = 0; i < CONSUMERS; i++)
        assert_ok(thread_start(&consumers[i], "consume", consume, traffic));
    for (int i = 0; i < PRODUCERS; i++)
        assert_ok(thread_start(&producers[i], "produce", produce, traffic));
    for (int i = 0; i < PRODUCERS; i++)
        thread_join(&producers[i]);
    assert_true(queue_count(traffic->queue) <= ITEMS_MAX);
    queue_close(traffic->queue);
    for (int i = 0; i < CONSUMERS; i++)
        thread_join(&consumers[i]);
    assert_int_equal(traffic->arrived, PRODUCERS * ITEMS_EACH);
    assert_int_equal(traffic->out_of_order, 0);
    queue_free(traffic->queue, NULL);
    free(traffic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_is_first_out),
        cmocka_unit_test(both_bounds_hold),
        cmocka_unit_test(closing_refuses_pushes_and_lets_the_rest_out),
        cmocka_unit_test(a_stop_ends_waits_and_a_drain_does_not),
        cmocka_unit_test(items_left_inside_are_freed),
        cmocka_unit_test(a_size_that_wraps_round_is_no_queue),
        cmocka_unit_test(everything_arrives_once_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
