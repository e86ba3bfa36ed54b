#include "http/retry.h"

#include "base/macros.h"

enum { TOKENS_LEAST = 500, TOKENS_PER_CONNECTION = 8 };

RetryPolicy retry_policy_default(void)
{
    return (RetryPolicy){
        .attempts_max = 10,
        .wait_max_us = 300 * INT64_C(1000000),
        .transient_base_us = 50 * 1000,
        .throttle_base_us = 1000 * 1000,
        .delay_max_us = 20 * INT64_C(1000000),
        .retry_after_slack_us = 5 * INT64_C(1000000),
        .probe_interval_us = 1000 * 1000,
    };
}

int64_t retry_delay_us(const RetryPolicy *policy, Random *random, RetryKind kind, unsigned retry,
                       int64_t retry_after_us)
{
    int64_t most = kind == RETRY_THROTTLE ? policy->throttle_base_us : policy->transient_base_us;

    for (unsigned i = 0; i < retry && most < policy->delay_max_us; i++)
        most *= 2;
    most = MIN(most, policy->delay_max_us);

    int64_t delay = (int64_t)((double)most * random_unit(random));
    if (retry_after_us > delay)
        delay = MIN(retry_after_us, delay + policy->retry_after_slack_us);
    return delay;
}

void retry_budget_init(RetryBudget *budget, const RetryPolicy *policy, unsigned connections_max)
{
    unsigned tokens = policy->tokens_max;
    if (tokens == 0)
        tokens = MAX((unsigned)TOKENS_LEAST, MIN(connections_max, 100000u) * TOKENS_PER_CONNECTION);

    budget->tokens_max = (int)MIN(tokens, (unsigned)INT32_MAX / 2);
    budget->probe_interval_us = policy->probe_interval_us;
    atomic_init(&budget->tokens, budget->tokens_max);
    atomic_init(&budget->open, false);
    atomic_init(&budget->next_probe_us, 0);
}

int64_t retry_budget_wait_us(RetryBudget *budget, int64_t now_us)
{
    if (LIKELY(!atomic_load_explicit(&budget->open, memory_order_relaxed)))
        return 0;

    int64_t next = atomic_load(&budget->next_probe_us);
    if (now_us < next)
        return next - now_us;
    /* Whoever moves the time of the next probe is this one. */
    if (atomic_compare_exchange_strong(&budget->next_probe_us, &next, now_us + budget->probe_interval_us))
        return 0;
    return MAX(next - now_us, 1);
}

static int tokens_of(RetryKind kind)
{
    return kind == RETRY_THROTTLE ? RETRY_TOKENS_THROTTLE : RETRY_TOKENS_TRANSIENT;
}

void retry_budget_failed(RetryBudget *budget, RetryKind kind, int64_t now_us)
{
    int price = tokens_of(kind);
    int tokens = atomic_load(&budget->tokens);

    while (tokens >= price)
        if (atomic_compare_exchange_weak(&budget->tokens, &tokens, tokens - price))
            return;
    if (!atomic_exchange(&budget->open, true))
        atomic_store(&budget->next_probe_us, now_us + budget->probe_interval_us);
}

void retry_budget_succeeded(RetryBudget *budget, RetryKind kind, unsigned retries)
{
    int tokens = atomic_load_explicit(&budget->tokens, memory_order_relaxed);
    bool open = atomic_load_explicit(&budget->open, memory_order_relaxed);
    if (LIKELY(tokens >= budget->tokens_max && !open))
        return;

    /* A probe that succeeds gives a quarter back, or the first failure after it would open the circuit again. */
    int64_t gain = retries > 0 ? (int64_t)retries * tokens_of(kind) : 1;
    if (open && atomic_exchange(&budget->open, false))
        gain += budget->tokens_max / 4;
    while (tokens < budget->tokens_max) {
        int more = (int)MIN((int64_t)tokens + gain, (int64_t)budget->tokens_max);
        if (atomic_compare_exchange_weak(&budget->tokens, &tokens, more))
            return;
    }
}
