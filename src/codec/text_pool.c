#include "codec/text_pool.h"

#include <stdlib.h>

struct TextPool {
    pthread_mutex_t lock;
    pthread_cond_t some, done;
    TextTask *first, *last; /* under lock */
    bool closed;            /* under lock */
    unsigned count;
    TextWorker workers[];
};

static TextTask *pop_task(TextPool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->first && !pool->closed)
        pthread_cond_wait(&pool->some, &pool->lock);
    TextTask *task = pool->first;
    if (task)
        pool->first = task->next;
    pthread_mutex_unlock(&pool->lock);
    return task;
}

static void work(void *context)
{
    TextWorker *worker = context;
    TextPool *pool = worker->pool;
    TextTask *task;
    while ((task = pop_task(pool)) != NULL) {
        task->run(task, worker);
        pthread_mutex_lock(&pool->lock);
        task->state = TEXT_TASK_DONE;
        pthread_cond_broadcast(&pool->done);
        pthread_mutex_unlock(&pool->lock);
    }
}

Error *text_pool_new(unsigned threads, TextPool **ret_pool)
{
    ASSERT(threads > 0);
    TextPool *pool = calloc(1, sizeof *pool + threads * sizeof *pool->workers);
    if (!pool)
        return FAIL(NO_MEMORY, "threads for decompression: out of memory");
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->some, NULL);
    pthread_cond_init(&pool->done, NULL);
    for (; pool->count < threads; pool->count++) {
        TextWorker *worker = &pool->workers[pool->count];
        worker->pool = pool;
        worker->text.limit = TEXT_PIECE_MAX_BYTES;
        Error *error = thread_start(&worker->thread, "quern-text", work, worker);
        if (error) {
            text_pool_free(pool);
            return error;
        }
    }
    *ret_pool = pool;
    return NULL;
}

void text_pool_free(TextPool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closed = true;
    pthread_cond_broadcast(&pool->some);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->count; i++) {
        TextWorker *worker = &pool->workers[i];
        thread_join(&worker->thread);
        buffer_done(&worker->text);
        bzip2_decoder_free(worker->bzip2);
    }
    pthread_cond_destroy(&pool->some);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void text_pool_submit(TextPool *pool, TextTask *task)
{
    ASSERT(task->state == TEXT_TASK_IDLE);
    task->next = NULL;
    pthread_mutex_lock(&pool->lock);
    task->state = TEXT_TASK_QUEUED;
    if (pool->first)
        pool->last->next = task;
    else
        pool->first = task;
    pool->last = task;
    pthread_cond_signal(&pool->some);
    pthread_mutex_unlock(&pool->lock);
}

void text_pool_wait(TextPool *pool, TextTask *task)
{
    pthread_mutex_lock(&pool->lock);
    while (task->state == TEXT_TASK_QUEUED)
        pthread_cond_wait(&pool->done, &pool->lock);
    task->state = TEXT_TASK_IDLE;
    pthread_mutex_unlock(&pool->lock);
}
