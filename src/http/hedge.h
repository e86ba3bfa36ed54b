/* hedge.h - when a request is slow enough to send it a second time: past the 99th part of a hundred of its like, and for 2 % of all at most.
 *
 * Which of two answers begins first is taken and the other connection closed, so whoever waits sees one answer. Inside http/ only; one network
 * thread. Source: spec/s3.md 4.5. */
#ifndef HTTP_HEDGE_H
#define HTTP_HEDGE_H

#include <stdbool.h>
#include <stdint.h>

enum { HEDGE_BUCKETS = 128 };

typedef struct Hedge {
    uint32_t counts[HEDGE_BUCKETS]; /* answers by time, four buckets to each doubling */
    uint32_t total;
    uint64_t requests, hedges;
} Hedge;

/* A request of the kind that may be sent twice was answered, its first byte after `latency_us`. */
void hedge_saw(Hedge *hedge, int64_t latency_us);
/* What is older than this and has no answer is slow; 0: too few were seen to say. `ending`: no others wait, so that the slow ones decide when
 * all is done. */
int64_t hedge_after_us(const Hedge *hedge, bool ending);
/* Counts a request; and: may there be another hedge? Counts that too. */
void hedge_request(Hedge *hedge);
bool hedge_spend(Hedge *hedge);

#endif
