#include "http/exchange_list.h"

#include <stdlib.h>

void exchange_list_append(ExchangeList *list, HttpExchange *exchange)
{
    exchange->next = NULL;
    if (list->last)
        list->last->next = exchange;
    else
        list->first = exchange;
    list->last = exchange;
}

HttpExchange *exchange_list_take(ExchangeList *list)
{
    HttpExchange *first = list->first;

    if (first) {
        list->first = first->next;
        if (!list->first)
            list->last = NULL;
        first->next = NULL;
    }
    return first;
}

void wait_heap_done(WaitHeap *heap)
{
    free(heap->items);
    *heap = (WaitHeap){0};
}

static void sift_down(WaitHeap *heap, size_t at)
{
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap->count; child++)
            if (heap->items[child]->due_us < heap->items[least]->due_us)
                least = child;
        if (least == at)
            return;
        HttpExchange *swap = heap->items[at];
        heap->items[at] = heap->items[least];
        heap->items[least] = swap;
        at = least;
    }
}

bool wait_heap_push(WaitHeap *heap, HttpExchange *exchange)
{
    if (heap->count == heap->capacity) {
        size_t capacity = MAX((size_t)64, 2 * heap->capacity);
        HttpExchange **items = reallocarray(heap->items, capacity, sizeof(HttpExchange *));
        if (!items)
            return false;
        heap->items = items;
        heap->capacity = capacity;
    }
    size_t at = heap->count++;
    for (; at > 0 && heap->items[(at - 1) / 2]->due_us > exchange->due_us; at = (at - 1) / 2)
        heap->items[at] = heap->items[(at - 1) / 2];
    heap->items[at] = exchange;
    return true;
}

HttpExchange *wait_heap_pop(WaitHeap *heap)
{
    HttpExchange *first = heap->items[0];

    heap->items[0] = heap->items[--heap->count];
    sift_down(heap, 0);
    return first;
}

void wait_heap_shrink(WaitHeap *heap, size_t count)
{
    if (count == heap->count)
        return;
    heap->count = count;
    for (size_t i = count / 2; i-- > 0;)
        sift_down(heap, i);
}
