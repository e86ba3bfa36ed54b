/* exchange_list.h - exchanges in a row, and those that wait for their time. Inside http/ only; no locks: whoever has a list guards it. */
#ifndef HTTP_EXCHANGE_LIST_H
#define HTTP_EXCHANGE_LIST_H

#include "http/http.h"

void exchange_list_append(ExchangeList *list, HttpExchange *exchange);
HttpExchange *exchange_list_take(ExchangeList *list); /* the first; NULL: there is none */

/* The one whose due_us is the earliest comes first: a binary heap. */
typedef struct WaitHeap {
    HttpExchange **items; /* owned, what it points to is not */
    size_t count, capacity;
} WaitHeap;

void wait_heap_done(WaitHeap *heap);
/* False: no memory. */
MUST_USE bool wait_heap_push(WaitHeap *heap, HttpExchange *exchange);
HttpExchange *wait_heap_pop(WaitHeap *heap); /* of one that is not empty */
/* After some of `items` have been taken out, and those that are left moved together. */
void wait_heap_shrink(WaitHeap *heap, size_t count);

#endif
