#include "http/bandwidth.h"

#include "base/macros.h"

enum { SAVED_US = 100000 };

void bandwidth_init(Bandwidth *bandwidth, double bytes_per_second, int64_t now_us)
{
    *bandwidth = (Bandwidth){.bytes_per_us = bytes_per_second / 1e6, .filled_us = now_us};
}

void bandwidth_fill(Bandwidth *bandwidth, int64_t now_us)
{
    double free = (double)(now_us - bandwidth->filled_us) * bandwidth->bytes_per_us;
    bandwidth->left = MIN(bandwidth->left + free, SAVED_US * bandwidth->bytes_per_us);
    bandwidth->filled_us = now_us;
}

int64_t bandwidth_wait_us(const Bandwidth *bandwidth)
{
    if (!bandwidth_is_spent(bandwidth))
        return 0;
    return (int64_t)(-bandwidth->left / bandwidth->bytes_per_us) + 1;
}

void bandwidth_take(Bandwidth *bandwidth, size_t bytes)
{
    if (bandwidth->bytes_per_us > 0)
        bandwidth->left -= (double)bytes;
}
