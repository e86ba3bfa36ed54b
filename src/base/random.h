/* random.h - a random source as a parameter: seeded in tests, from the kernel otherwise. One thread. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* xoshiro256** (Blackman, Vigna 2018): for jitter, sampling and names, not for keys. */
typedef struct Random {
    uint64_t state[4];
} Random;

void random_init_seed(Random *random, uint64_t seed);
void random_init_system(Random *random); /* getrandom(2) */
uint64_t random_u64(Random *random);
uint64_t random_below(Random *random, uint64_t bound); /* 0 <= result < bound; bound > 0 */
double random_unit(Random *random);                    /* 0 <= result < 1 */
/* `count` lower-case hex digits and a NUL. */
void random_hex(Random *random, char *out, size_t count);

#endif
