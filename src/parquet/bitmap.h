/* bitmap.h - runs of bits, least significant first, as Arrow validity and Parquet booleans have them. Positions are in bits;
 * room is the caller's business. */
#ifndef PARQUET_BITMAP_H
#define PARQUET_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline size_t bitmap_bytes(size_t bits)
{
    return bits / 8 + (bits % 8 != 0);
}

static inline bool bitmap_get(const uint8_t *bits, size_t at)
{
    return bits[at / 8] >> (at % 8) & 1;
}

static inline void bitmap_set(uint8_t *bits, size_t at, bool value)
{
    uint8_t mask = (uint8_t)(1u << (at % 8));

    bits[at / 8] = value ? (uint8_t)(bits[at / 8] | mask) : (uint8_t)(bits[at / 8] & ~mask);
}

/* The `count` (1 to 64) bits from `at` in the low bits; touches only bytes that hold them. */
uint64_t bitmap_word(const uint8_t *bits, size_t at, size_t count);

void bitmap_fill(uint8_t *bits, size_t at, size_t count, bool value);
/* The ranges must not overlap. */
void bitmap_copy(uint8_t *to, size_t to_at, const uint8_t *from, size_t from_at, size_t count);
/* How many of the bits are set. */
size_t bitmap_count(const uint8_t *bits, size_t at, size_t count);

#endif
