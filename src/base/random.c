#include "base/random.h"

#include <sys/random.h>
#include <time.h>

#include "base/macros.h"

/* splitmix64, the seeding that the authors of xoshiro recommend. */
static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void random_init_seed(Random *random, uint64_t seed)
{
    for (unsigned i = 0; i < ARRAY_COUNT(random->state); i++)
        random->state[i] = splitmix(&seed);
}

void random_init_system(Random *random)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
        struct timespec now; /* a kernel without getrandom: jitter needs no better */
        clock_gettime(CLOCK_REALTIME, &now);
        seed = (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 30;
    }
    random_init_seed(random, seed);
}

static uint64_t rotate_left(uint64_t x, unsigned k)
{
    return x << k | x >> (64 - k);
}

uint64_t random_u64(Random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t random_below(Random *random, uint64_t bound)
{
    ASSERT(bound > 0);
    uint64_t reject_below = -bound % bound; /* 2^64 mod bound: what would favour small results */
    uint64_t x;
    do
        x = random_u64(random);
    while (x < reject_below);
    return x % bound;
}

double random_unit(Random *random)
{
    return (double)(random_u64(random) >> 11) * 0x1p-53;
}

void random_hex(Random *random, char *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = "0123456789abcdef"[random_u64(random) >> 60];
    out[count] = 0;
}
