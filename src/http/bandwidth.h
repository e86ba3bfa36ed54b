/* bandwidth.h - so many bytes of bodies a second, and no more: a bucket that all transfers of a network thread draw from. Inside http/ only.
 *
 * What has come from the network is taken even where it is more than is left: then the bucket owes, and everybody waits until it is paid.
 * Pure computation on times that are passed in; one network thread. */
#ifndef HTTP_BANDWIDTH_H
#define HTTP_BANDWIDTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Bandwidth {
    double bytes_per_us; /* 0: no limit */
    double left;         /* bytes that may pass now; below 0: owed */
    int64_t filled_us;
} Bandwidth;

void bandwidth_init(Bandwidth *bandwidth, double bytes_per_second, int64_t now_us);
/* Adds what has become free since; at most a tenth of a second is saved up. */
void bandwidth_fill(Bandwidth *bandwidth, int64_t now_us);
/* When bytes may pass again: 0: now; else microseconds after which to fill. */
int64_t bandwidth_wait_us(const Bandwidth *bandwidth);
void bandwidth_take(Bandwidth *bandwidth, size_t bytes);

static inline bool bandwidth_is_spent(const Bandwidth *bandwidth)
{
    return bandwidth->bytes_per_us > 0 && bandwidth->left <= 0;
}

#endif
