#include "http/exchange_list.h"

#include "base/random.h"
#include "base/testing.h"

enum { COUNT = 500 };

static void test_a_list_gives_back_in_order(void **state)
{
    (void)state;
    HttpExchange exchanges[3] = {0};
    ExchangeList list = {0};

    assert_null(exchange_list_take(&list));
    for (size_t round = 0; round < 2; round++) { /* again, once it has been empty */
        for (size_t i = 0; i < ARRAY_COUNT(exchanges); i++)
            exchange_list_append(&list, &exchanges[i]);
        for (size_t i = 0; i < ARRAY_COUNT(exchanges); i++)
            assert_ptr_equal(exchange_list_take(&list), &exchanges[i]);
        assert_null(exchange_list_take(&list));
        assert_null(list.last);
    }
}

static void assert_ascending(WaitHeap *heap, size_t count)
{
    int64_t last_us = INT64_MIN;

    assert_int_equal(heap->count, count);
    for (size_t i = 0; i < count; i++) {
        int64_t due_us = wait_heap_pop(heap)->due_us;
        assert_true(due_us >= last_us);
        last_us = due_us;
    }
    assert_int_equal(heap->count, 0);
}

static void push_all(WaitHeap *heap, HttpExchange *exchanges, Random *random)
{
    for (size_t i = 0; i < COUNT; i++) {
        exchanges[i].due_us = (int64_t)random_below(random, COUNT / 2); /* many of them at the same time */
        assert_true(wait_heap_push(heap, &exchanges[i]));
    }
}

static void test_a_heap_gives_the_earliest(void **state)
{
    (void)state;
    static HttpExchange exchanges[COUNT];
    Random random;
    WaitHeap heap = {0};

    random_init_seed(&random, 1);
    push_all(&heap, exchanges, &random);
    assert_ascending(&heap, COUNT);

    push_all(&heap, exchanges, &random);
    size_t kept = 0;
    for (size_t i = 0; i < COUNT; i++)
        if (heap.items[i]->due_us % 3 != 0)
            heap.items[kept++] = heap.items[i];
    assert_in_range(kept, 1, COUNT - 1);
    wait_heap_shrink(&heap, kept);
    assert_ascending(&heap, kept);
    wait_heap_done(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_gives_back_in_order),
        cmocka_unit_test(test_a_heap_gives_the_earliest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
