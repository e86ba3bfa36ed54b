#include "base/queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/thread.h"

typedef struct Entry {
    void *item;
    uint64_t size_bytes;
} Entry;

struct Queue {
    size_t capacity; /* fixed before use */
    uint64_t bytes_max;
    pthread_mutex_t lock;
    pthread_cond_t not_full, not_empty;
    size_t first, count; /* under lock, as all below */
    uint64_t bytes;
    bool closed;
    unsigned waiting_push, waiting_pop;
    Entry entries[]; /* [capacity], a ring */
};

Queue *queue_new(size_t items_max, uint64_t bytes_max)
{
    ASSERT(items_max > 0);
    if (items_max > (SIZE_MAX - sizeof(Queue)) / sizeof(Entry))
        return NULL;
    Queue *queue = calloc(1, sizeof *queue + items_max * sizeof(Entry));
    if (!queue)
        return NULL;
    queue->capacity = items_max;
    queue->bytes_max = bytes_max;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->not_full, NULL);
    pthread_cond_init(&queue->not_empty, NULL);
    return queue;
}

void queue_free(Queue *queue, void (*free_item)(void *item))
{
    if (!queue)
        return;
    void *item;
    while ((item = queue_try_pop(queue))) {
        ASSERT(free_item);
        free_item(item);
    }
    pthread_cond_destroy(&queue->not_empty);
    pthread_cond_destroy(&queue->not_full);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

static void wait_locked(Queue *queue, pthread_cond_t *condition, unsigned *waiting)
{
    ++*waiting;
    thread_wait(condition, &queue->lock);
    --*waiting;
}

static bool has_room_locked(const Queue *queue, uint64_t size_bytes)
{
    if (queue->count == queue->capacity)
        return false;
    if (queue->bytes_max == 0 || queue->count == 0)
        return true;
    return queue->bytes <= queue->bytes_max && size_bytes <= queue->bytes_max - queue->bytes;
}

Error *queue_push(Queue *queue, const Cancel *cancel, void *take_item_address, uint64_t size_bytes)
{
    void **take_item = take_item_address;
    ASSERT(*take_item);
    Error *error = NULL;
    pthread_mutex_lock(&queue->lock);
    while (!queue->closed && !cancel_stopped(cancel) && !has_room_locked(queue, size_bytes))
        wait_locked(queue, &queue->not_full, &queue->waiting_push);
    if (cancel_stopped(cancel)) {
        error = cancel_check(cancel);
    } else if (queue->closed) {
        error = FAIL(STATE, "the queue is closed");
    } else {
        queue->entries[(queue->first + queue->count) % queue->capacity] = (Entry){*take_item, size_bytes};
        queue->count++;
        queue->bytes += size_bytes;
        *take_item = NULL;
        if (queue->waiting_pop)
            pthread_cond_signal(&queue->not_empty);
    }
    pthread_mutex_unlock(&queue->lock);
    return error;
}

static void *pop_locked(Queue *queue)
{
    Entry entry = queue->entries[queue->first];
    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
    queue->bytes -= entry.size_bytes;
    /* All of them: one that waits for bytes may have to go on waiting while another's item fits. */
    if (queue->waiting_push)
        pthread_cond_broadcast(&queue->not_full);
    return entry.item;
}

Error *queue_pop(Queue *queue, const Cancel *cancel, void **ret_item)
{
    Error *error = NULL;
    pthread_mutex_lock(&queue->lock);
    while (queue->count == 0 && !queue->closed && !cancel_stopped(cancel))
        wait_locked(queue, &queue->not_empty, &queue->waiting_pop);
    if (cancel_stopped(cancel))
        error = cancel_check(cancel);
    else
        *ret_item = queue->count ? pop_locked(queue) : NULL;
    pthread_mutex_unlock(&queue->lock);
    return error;
}

void *queue_try_pop(Queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    void *item = queue->count ? pop_locked(queue) : NULL;
    pthread_mutex_unlock(&queue->lock);
    return item;
}

void queue_close(Queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->not_full);
    pthread_cond_broadcast(&queue->not_empty);
    pthread_mutex_unlock(&queue->lock);
}

size_t queue_count(Queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t count = queue->count;
    pthread_mutex_unlock(&queue->lock);
    return count;
}
