#include "http/hedge.h"

#include "base/macros.h"

enum { SEEN_LEAST = 100, SEEN_MOST = 100000, PER_DOUBLING = 4, REQUESTS_PER_HEDGE = 50 };

static const int64_t LEAST_US = 200000;

/* The bucket of a time: its highest bit, and the two below. */
static unsigned bucket_of(int64_t us)
{
    uint64_t value = (uint64_t)MAX(us, 4);
    unsigned high = 63u - (unsigned)__builtin_clzll(value);
    return MIN(high * PER_DOUBLING + (unsigned)(value >> (high - 2) & 3), (unsigned)HEDGE_BUCKETS - 1);
}

/* The end of a bucket. */
static int64_t bucket_end_us(unsigned bucket)
{
    unsigned high = bucket / PER_DOUBLING;
    return (int64_t)((UINT64_C(4) + bucket % PER_DOUBLING + 1) << (MAX(high, 2u) - 2));
}

void hedge_saw(Hedge *hedge, int64_t latency_us)
{
    hedge->counts[bucket_of(latency_us)]++;
    if (++hedge->total < SEEN_MOST)
        return;
    hedge->total = 0; /* the older, the less it counts */
    for (unsigned i = 0; i < HEDGE_BUCKETS; i++) {
        hedge->counts[i] /= 2;
        hedge->total += hedge->counts[i];
    }
}

static int64_t quantile_us(const Hedge *hedge, double part)
{
    double left = part * hedge->total;
    unsigned i = 0;
    for (; i < HEDGE_BUCKETS - 1; i++) {
        left -= hedge->counts[i];
        if (left < 0)
            break;
    }
    return bucket_end_us(i);
}

int64_t hedge_after_us(const Hedge *hedge, bool ending)
{
    if (hedge->total < SEEN_LEAST)
        return 0;
    int64_t least_us = MIN(3 * quantile_us(hedge, 0.5), LEAST_US);
    return MAX(quantile_us(hedge, ending ? 0.9 : 0.99), least_us);
}

void hedge_request(Hedge *hedge)
{
    hedge->requests++;
}

bool hedge_spend(Hedge *hedge)
{
    if ((hedge->hedges + 1) * REQUESTS_PER_HEDGE > hedge->requests)
        return false;
    hedge->hedges++;
    return true;
}
