/* text_pool.h - inside of TextPool: threads that run tasks in the order of their submission. */
#ifndef CODEC_TEXT_POOL_H
#define CODEC_TEXT_POOL_H

#include <pthread.h>

#include "base/buffer.h"
#include "base/thread.h"
#include "codec/bzip2_block.h"
#include "codec/text_reader.h"

/* One of the threads and what it works with; a task may use it while it runs. */
typedef struct TextWorker {
    TextPool *pool;
    Thread thread;
    Buffer text;         /* of the piece in hand */
    Bzip2Decoder *bzip2; /* NULL until it is wanted */
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
