#include "engine/budget.h"

#include "base/thread.h"

void budget_init(Budget *budget, uint64_t units_max, uint64_t bytes_max)
{
    ASSERT(units_max > 0);
    *budget = (Budget){.units_max = units_max, .bytes_max = bytes_max};
    pthread_mutex_init(&budget->lock, NULL);
    pthread_cond_init(&budget->returned, NULL);
}

void budget_done(Budget *budget)
{
    pthread_cond_destroy(&budget->returned);
    pthread_mutex_destroy(&budget->lock);
}

static bool fits_locked(const Budget *budget, uint64_t bytes)
{
    if (budget->units == 0)
        return true;
    return budget->units < budget->units_max && budget->bytes <= budget->bytes_max
           && bytes <= budget->bytes_max - budget->bytes;
}

Error *budget_take(Budget *budget, const Cancel *cancel, CancelLevel level, uint64_t bytes)
{
    bool taken = false;
    pthread_mutex_lock(&budget->lock);
    while (!(taken = fits_locked(budget, bytes)) && cancel_level(cancel) < level) {
        budget->wanted_bytes = bytes;
        budget->waiting++;
        thread_wait(&budget->returned, &budget->lock);
        budget->waiting--;
    }
    if (taken) {
        budget->units++;
        budget->bytes += bytes;
    }
    pthread_mutex_unlock(&budget->lock);
    return taken ? NULL : FAIL(CANCELLED, "cancelled");
}

static bool worth_waking_locked(const Budget *budget)
{
    return budget->waiting > 0 && fits_locked(budget, budget->wanted_bytes)
           && (budget->units == 0 || budget->units_max - budget->units >= budget->units_max / 4);
}

void budget_give(Budget *budget, uint64_t bytes)
{
    pthread_mutex_lock(&budget->lock);
    ASSERT(budget->units > 0 && budget->bytes >= bytes);
    budget->units--;
    budget->bytes -= bytes;
    bool wake = worth_waking_locked(budget);
    pthread_mutex_unlock(&budget->lock);
    if (wake)
        pthread_cond_signal(&budget->returned);
}
