/* text_pool.h - inside of TextPool: threads that run tasks in the order of their submission. */
#ifndef CODEC_TEXT_POOL_H
#define CODEC_TEXT_POOL_H

#include <pthread.h>

#include "base/buffer.h"
#include "base/thread.h"
#include "codec/text_reader.h"

enum { BZIP2_SLOTS = 4 };

/* What libbz2 asks for again and again, 4 MB for each block: kept. */
typedef struct Bzip2Memory {
    struct {
        void *data;
        size_t bytes;
        bool used;
    } slots[BZIP2_SLOTS];
} Bzip2Memory;

/* One of the threads and what it works with; a task may use it while it runs. */
typedef struct TextWorker {
    TextPool *pool;
    Thread thread;
    Buffer text; /* of the piece in hand */
    Bzip2Memory memory;
} TextWorker;

typedef enum TextTaskState { TEXT_TASK_IDLE, TEXT_TASK_QUEUED, TEXT_TASK_DONE } TextTaskState;

/* The submitter's, but the pool's from text_pool_submit until text_pool_wait has returned. */
typedef struct TextTask {
    void (*run)(struct TextTask *task, TextWorker *worker);
    struct TextTask *next; /* the pool's, as the next */
    TextTaskState state;   /* under the pool's lock */
} TextTask;

void text_pool_submit(TextPool *pool, TextTask *task);
/* Blocks until it has run; it is IDLE then. An IDLE one is not waited for. */
void text_pool_wait(TextPool *pool, TextTask *task);

#endif
