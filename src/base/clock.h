/* clock.h - time as a parameter, so that tests own it. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/cancel.h"

typedef struct Clock {
    int64_t (*wall_us)(void *context);      /* microseconds since the epoch, UTC; may jump */
    int64_t (*monotonic_us)(void *context); /* never goes back */
    void *context;
} Clock;

/* The machine's clock. */
const Clock *clock_system(void);

static inline int64_t clock_wall_us(const Clock *clock)
{
    return clock->wall_us(clock->context);
}

static inline int64_t clock_monotonic_us(const Clock *clock)
{
    return clock->monotonic_us(clock->context);
}

/* Sleeps on the machine's monotonic clock unless `cancel` comes first: CANCELLED. */
Error *sleep_us(int64_t duration_us, const Cancel *cancel) MUST_USE;

#endif
