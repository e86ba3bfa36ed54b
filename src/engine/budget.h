/* budget.h - what may be in flight at once: a number of units and of bytes. Any number of threads.
 *
 * Who waits is woken when a quarter of the units is free, not for each one: a planner that is faster than the work would otherwise change
 * threads with it for every item. */
#ifndef ENGINE_BUDGET_H
#define ENGINE_BUDGET_H

#include <pthread.h>

#include "base/cancel.h"
#include "base/error.h"

typedef struct Budget {
    uint64_t units_max, bytes_max; /* fixed */
    pthread_mutex_t lock;
    pthread_cond_t returned;
    uint64_t units, bytes; /* taken; under lock, as the rest */
    uint64_t wanted_bytes; /* of who waits */
    unsigned waiting;
} Budget;

void budget_init(Budget *budget, uint64_t units_max, uint64_t bytes_max);
void budget_done(Budget *budget);
/* Blocks until one unit and `bytes` are free; more bytes than the whole budget pass when nothing else is in flight. Errors:
 * CANCELLED once `cancel` is at `level`. */
MUST_USE Error *budget_take(Budget *budget, const Cancel *cancel, CancelLevel level, uint64_t bytes);
void budget_give(Budget *budget, uint64_t bytes);

#endif
