/* retry.h - when to try again: full jitter, bounded waits, and one budget for everybody on the same endpoint.
 *
 * Numbers as the AWS SDKs of 2026 (spec: s3.md 4.4): delay n = random(0..1) * min(base * 2^n, cap). The budget is what
 * keeps a storm of 503 small: a retry costs tokens and success returns them. An empty budget opens the circuit: then nothing is sent
 * but one probe a second, until one succeeds. */
#ifndef HTTP_RETRY_H
#define HTTP_RETRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"

typedef struct RetryPolicy {
    unsigned
        attempts_max;    /* 10; an attempt that brings a body forward by RETRY_PROGRESS_BYTES starts the count again */
    int64_t wait_max_us; /* 5 min: all waits of one exchange together */
    int64_t transient_base_us;    /* 50 ms */
    int64_t throttle_base_us;     /* 1 s */
    int64_t delay_max_us;         /* 20 s */
    int64_t retry_after_slack_us; /* 5 s: a server's Retry-After is honoured up to our own delay and this */
    int64_t probe_interval_us;    /* 1 s between probes while the circuit is open */
    unsigned tokens_max;          /* 0: in proportion to the connections, at least 500 */
} RetryPolicy;

enum { RETRY_PROGRESS_BYTES = 1 << 20 };
enum { RETRY_TOKENS_TRANSIENT = 14, RETRY_TOKENS_THROTTLE = 5 };

RetryPolicy retry_policy_default(void);

typedef enum RetryKind { RETRY_TRANSIENT, RETRY_THROTTLE } RetryKind;

/* The wait before retry `retry` (0: the first). `retry_after_us` is what the server asked for, -1: nothing. */
int64_t retry_delay_us(const RetryPolicy *policy, Random *random, RetryKind kind, unsigned retry,
                       int64_t retry_after_us);

/* Shared by the network threads of a client; any thread. */
typedef struct RetryBudget {
    int tokens_max;
    int64_t probe_interval_us;
    _Atomic int tokens;
    _Atomic bool open; /* the circuit: true while nothing but probes may go */
    _Atomic int64_t next_probe_us;
} RetryBudget;

void retry_budget_init(RetryBudget *budget, const RetryPolicy *policy, unsigned connections_max);
/* May a request go now? 0: yes; else microseconds after which to ask again. */
int64_t retry_budget_wait_us(RetryBudget *budget, int64_t now_us);
/* A request failed and shall be repeated: pays, and opens the circuit when it cannot. */
void retry_budget_failed(RetryBudget *budget, RetryKind kind, int64_t now_us);
/* A request got an answer that proves the endpoint works, after `retries` of this kind. */
void retry_budget_succeeded(RetryBudget *budget, RetryKind kind, unsigned retries);

#endif
