#include "http/pace.h"

#include "base/macros.h"

enum { LIMIT_START = 16, REFUSED_LEAST = 4, REFUSED_PART = 20, MISSES_MOST = 3 };

static const int64_t WINDOW_US = 50000, PROBE_US = 1000000, HALVE_US = 500000, SENT_US = 500000,
                     THROTTLED_US = 10000000;
static const double GAIN_LEAST = 1.05, LOSS_MOST = 0.9, PROBE_STEP = 0.05, LATENCY_MOST = 2, GAIN_IF_SLOWER = 1.25,
                    BUSY = 0.9;
static const double RATE_CUT = 0.7, RATE_LEAST = 0.5, CUBIC = 0.4, RATE_ABOVE_SENT = 2, TOKENS_MAX_S = 0.1;
/* What the last window adds to the rate that was sent: so much for each second of it, at most. */
static const double RATE_WEIGHT_S = 6, RATE_WEIGHT_MOST = 0.8;
/* An object counts as so many bytes, so that one measure serves small and large. */
static const double OBJECT_BYTES = 16384;

void pace_init(Pace *pace, const PaceSettings *settings, int64_t now_us)
{
    unsigned start =
        settings->fixed ? settings->connections_max : MIN(settings->connections_max, (unsigned)LIMIT_START);
    *pace = (Pace){
        .settings = *settings,
        .limit = start,
        .before_limit = start,
        .begin_us = now_us,
        .tokens_at_us = now_us,
        .tokens = 1,
    };
}

unsigned pace_limit(const Pace *pace)
{
    return (unsigned)pace->limit;
}

bool pace_is_throttled(const Pace *pace, int64_t now_us)
{
    return pace->cubic_top > 0 && now_us - pace->throttled_us < THROTTLED_US;
}

/* ---- requests a second ---- */

static double cube_root(double value)
{
    double root = value > 1 ? value / 2 : 1;
    for (int i = 0; i < 40; i++)
        root -= (root * root * root - value) / (3 * root * root);
    return root;
}

/* 0: as many as can be. */
static double allowed_rate(const Pace *pace, int64_t now_us)
{
    double most = pace->settings.rate_max;
    if (pace->cubic_top <= 0)
        return most;
    double k = cube_root(pace->cubic_top * (1 - RATE_CUT) / CUBIC);
    double t = (double)(now_us - pace->throttled_us) / 1e6 - k;
    double rate = CUBIC * t * t * t + pace->cubic_top;
    rate = MAX(MIN(rate, MAX(RATE_ABOVE_SENT * pace->rate_sent, pace->cubic_top * RATE_CUT)), RATE_LEAST);
    return most > 0 ? MIN(rate, most) : rate;
}

int64_t pace_wait_us(Pace *pace, int64_t now_us)
{
    if (LIKELY(pace->cubic_top <= 0 && pace->settings.rate_max <= 0)) {
        pace->begun++;
        return 0;
    }
    double rate = allowed_rate(pace, now_us);
    double grown = pace->tokens + (double)(now_us - pace->tokens_at_us) / 1e6 * rate;
    pace->tokens = MIN(grown, MAX(rate * TOKENS_MAX_S, 1));
    pace->tokens_at_us = now_us;
    if (pace->tokens < 1)
        return MAX((int64_t)((1 - pace->tokens) / rate * 1e6), 1);
    pace->tokens -= 1;
    pace->begun++;
    return 0;
}

/* ---- requests at once ---- */

void pace_held_back(Pace *pace)
{
    pace->held_back = true;
}

void pace_answered(Pace *pace, int64_t latency_us, uint64_t bytes)
{
    pace->answered++;
    pace->bytes += bytes;
    pace->latency_sum_us += latency_us;
}

static double rate_of_window(const Pace *pace, int64_t now_us)
{
    return (double)pace->begun / ((double)MAX(now_us - pace->begin_us, 1000) / 1e6);
}

static void begin_window(Pace *pace, int64_t now_us)
{
    pace->begin_us = now_us;
    pace->begun = pace->answered = pace->refused = pace->bytes = 0;
    pace->latency_sum_us = 0;
    pace->held_back = false;
}

void pace_refused(Pace *pace, int64_t now_us)
{
    pace->refused++;
    if (pace->refused < REFUSED_LEAST || pace->refused * REFUSED_PART <= pace->answered)
        return;
    if (pace->cubic_top > 0 && now_us - pace->throttled_us < HALVE_US)
        return;
    double sent = pace->rate_sent > 0 ? pace->rate_sent : rate_of_window(pace, now_us);
    pace->cubic_top = MAX(sent, RATE_LEAST);
    pace->throttled_us = pace->probed_us = now_us;
    pace->tokens = 0;
    pace->tokens_at_us = now_us;
    if (!pace->settings.fixed)
        pace->limit = MAX(pace->limit / 2, 1);
    pace->cause = HTTP_LIMIT_THROTTLED;
    pace->probing = true;
    pace->last_score = 0;
    begin_window(pace, now_us);
}

bool pace_window_over(const Pace *pace, int64_t now_us)
{
    int64_t long_us = MAX(WINDOW_US, (int64_t)pace->latency_us);
    int64_t age_us = now_us - pace->begin_us;
    bool enough = pace->answered >= MIN((uint64_t)pace->limit, (uint64_t)LIMIT_START);
    /* Where a rate holds requests back, enough of them could take minutes, for which the rate would stay. */
    return age_us >= long_us && (enough || (pace->cubic_top > 0 && pace->answered > 0 && age_us >= SENT_US));
}

static void set_limit(Pace *pace, double limit, HttpLimitCause cause)
{
    double most = pace->settings.connections_max;
    pace->limit = MIN(MAX(limit, 1), most);
    pace->cause = pace->limit >= most ? HTTP_LIMIT_CAP : cause;
}

/* Twice as many brought nothing, and that was no accident: back to where it was, and on by small steps. Where we are the slow ones, more of
 * them cost nothing either, and keep us from waiting. */
static void stop_doubling(Pace *pace, double score, double busy)
{
    bool worse = score < pace->last_score * LOSS_MOST;
    pace->probing = true;
    if (busy > BUSY && !worse)
        set_limit(pace, pace->limit, HTTP_LIMIT_CPU);
    else
        set_limit(pace, pace->before_limit, busy > BUSY ? HTTP_LIMIT_CPU : HTTP_LIMIT_NETWORK);
}

static void grow(Pace *pace, double score, double latency_us, double busy)
{
    bool slower = latency_us > LATENCY_MOST * pace->latency_least_us && score < pace->last_score * GAIN_IF_SLOWER;
    if (pace->last_score > 0 && (score < pace->last_score * GAIN_LEAST || slower)) {
        if (++pace->misses >= MISSES_MOST)
            stop_doubling(pace, score, busy);
        return;
    }
    pace->misses = 0;
    pace->last_score = score;
    pace->before_limit = pace->limit;
    set_limit(pace, pace->limit * 2, HTTP_LIMIT_NONE);
}

/* Uphill: on in the direction that was right, and back from one that was not; going down must bring something. */
static void probe(Pace *pace, int64_t now_us, double score, double busy)
{
    if (now_us - pace->probed_us < PROBE_US)
        return;
    pace->probed_us = now_us;
    if (score < pace->last_score * LOSS_MOST)
        pace->downwards = !pace->downwards;
    else if (score < pace->last_score * GAIN_LEAST)
        pace->downwards = false;
    HttpLimitCause cause = busy > BUSY ? HTTP_LIMIT_CPU : HTTP_LIMIT_NETWORK;
    if (pace->cause == HTTP_LIMIT_THROTTLED && pace_is_throttled(pace, now_us))
        cause = HTTP_LIMIT_THROTTLED;
    set_limit(pace, pace->downwards ? pace->limit * LOSS_MOST : pace->limit + MAX(1, pace->limit * PROBE_STEP), cause);
    pace->last_score = score;
}

void pace_window_end(Pace *pace, int64_t now_us, double busy)
{
    double seconds = (double)MAX(now_us - pace->begin_us, 1) / 1e6;
    double score = ((double)pace->bytes + (double)pace->answered * OBJECT_BYTES) / seconds;
    double latency_us = (double)pace->latency_sum_us / (double)MAX(pace->answered, 1);
    double sent = (double)pace->begun / seconds;
    bool teaches = pace->held_back && !pace->settings.fixed;

    double weight = pace->rate_sent > 0 ? MIN(seconds * RATE_WEIGHT_S, RATE_WEIGHT_MOST) : 1;
    pace->rate_sent += weight * (sent - pace->rate_sent);
    pace->latency_us = latency_us;
    if (pace->latency_least_us <= 0 || latency_us < pace->latency_least_us)
        pace->latency_least_us = latency_us;
    if (teaches && !pace->probing)
        grow(pace, score, latency_us, busy);
    else if (teaches)
        probe(pace, now_us, score, busy);
    begin_window(pace, now_us);
}
