/* queue.h - pointers handed from threads to threads, bounded in items and in bytes.
 *
 * Pushing moves ownership. A full queue blocks its producers; that is the back-pressure. Any number of producers and
 * consumers. An item larger than the byte bound passes alone. */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include "base/cancel.h"
#include "base/error.h"

typedef struct Queue Queue;

/* `bytes_max` 0: unbounded in bytes. NULL without memory. */
Queue *queue_new(size_t items_max, uint64_t bytes_max) MUST_USE;
/* Nobody may be using it. Items still inside go to `free_item`, which may be NULL when there can be none. */
void queue_free(Queue *queue, void (*free_item)(void *item));

/* Blocks while full. On success `*take_item` is NULL. Errors, the item then still yours: CANCELLED (at STOP),
 * STATE (closed). */
Error *queue_push(Queue *queue, const Cancel *cancel, void *take_item_address, uint64_t size_bytes) MUST_USE;
/* Blocks while empty. `*ret_item` is NULL once the queue is closed and empty. Errors: CANCELLED (at STOP). */
Error *queue_pop(Queue *queue, const Cancel *cancel, void **ret_item) MUST_USE;
/* NULL at once when there is nothing. */
void *queue_try_pop(Queue *queue);
/* No more pushes; consumers get what is left, then NULL. */
void queue_close(Queue *queue);
size_t queue_count(Queue *queue);

#endif
