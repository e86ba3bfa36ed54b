#include "base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t system_wall_us(void *context)
{
    (void)context;
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_monotonic_us(void *context)
{
    (void)context;
    return read_clock(CLOCK_MONOTONIC);
}

const Clock *clock_system(void)
{
    static const Clock system_clock = {system_wall_us, system_monotonic_us, NULL};
    return &system_clock;
}

Error *sleep_us(int64_t duration_us, const Cancel *cancel)
{
    int64_t began = read_clock(CLOCK_MONOTONIC);
    for (;;) {
        TRY(cancel_check(cancel));
        int64_t slept = read_clock(CLOCK_MONOTONIC) - began;
        if (slept >= duration_us)
            return NULL;
        int64_t step = MIN(duration_us - slept, (int64_t)CANCEL_POLL_MS * 1000);
        nanosleep(&(struct timespec){step / 1000000, step % 1000000 * 1000}, NULL);
    }
}
