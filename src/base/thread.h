/* thread.h - threads that are named and joined. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

#include "base/error.h"

typedef struct Thread {
    pthread_t id;
    bool running;
} Thread;

/* Runs `body(context)` on a thread called `name` (at most 15 characters are shown). All signals are blocked in it: the
 * program's own threads decide who hears them. Errors: NO_MEMORY, UNAVAILABLE (no more threads). */
Error *thread_start(Thread *thread, const char *name, void (*body)(void *context), void *context) MUST_USE;
void thread_join(Thread *thread); /* copes with one that never started */

/* Waits for a signal, but CANCEL_POLL_MS at most, as cancel_raise wakes nobody: look at the Cancel after it. */
void thread_wait(pthread_cond_t *changed, pthread_mutex_t *lock);

/* CPUs this process may run on: affinity and, where there is one, the cgroup quota. At least 1. */
unsigned thread_cpu_count(void);

#endif
