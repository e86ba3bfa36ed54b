/* pace.h - how many requests at once, and how many a second: found by trying, and less when the server asks for less. Inside http/ only.
 *
 * The limit starts at 16 and doubles with each window (a round trip, at least 50 ms) as long as that moves 5 % more (three that do not
 * end it); then it is probed, 5 % up a second, and taken back 10 % where throughput falls. Windows in which the limit held nothing back teach nothing. An answer "slow down" that is
 * no single case halves the limit and sets a rate of 0.7 of what was sent, which grows again by a cubic curve.
 * Pure computation on times that are passed in; one network thread. Source: spec/s3.md 4.3. */
#ifndef HTTP_PACE_H
#define HTTP_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "http/http.h"

typedef struct PaceSettings {
    unsigned connections_max;
    double rate_max; /* requests a second; 0: none */
    bool fixed;      /* the limit is connections_max from the start, whatever happens */
} PaceSettings;

typedef struct Pace {
    PaceSettings settings;
    double limit;
    HttpLimitCause cause;
    bool probing, downwards;
    unsigned misses; /* windows in a row that doubling did not help */

    /* the window */
    int64_t begin_us, probed_us;
    uint64_t begun, answered, refused, bytes;
    int64_t latency_sum_us;
    bool held_back; /* by the limit: something was ready and could not start */

    double last_score;                   /* of the window before the last change */
    double latency_least_us, latency_us; /* smoothed */
    double before_limit;                 /* what it was before the last doubling */

    /* requests a second */
    double tokens, rate_sent;
    int64_t tokens_at_us, throttled_us;
    double cubic_top; /* the rate when the server last complained; 0: it never did */
} Pace;

void pace_init(Pace *pace, const PaceSettings *settings, int64_t now_us);

/* Connections that may be in use. */
unsigned pace_limit(const Pace *pace);
/* May a request begin now? 0: yes, and it is counted; else microseconds after which to ask again. */
int64_t pace_wait_us(Pace *pace, int64_t now_us);
/* Something was ready and the limit held it back. */
void pace_held_back(Pace *pace);

/* An answer is complete, after `latency_us`, with `bytes` of body. */
void pace_answered(Pace *pace, int64_t latency_us, uint64_t bytes);
/* The server asked for less. */
void pace_refused(Pace *pace, int64_t now_us);
/* Every round: ends a window that is over. `busy`: the part of the time since the last that this thread had the processor, 0 to 1; only
 * asked for when `pace_window_over`. */
bool pace_window_over(const Pace *pace, int64_t now_us);
void pace_window_end(Pace *pace, int64_t now_us, double busy);

/* The server complained within the last ten seconds. */
bool pace_is_throttled(const Pace *pace, int64_t now_us);

#endif
