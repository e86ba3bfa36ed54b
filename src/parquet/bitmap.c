#include "parquet/bitmap.h"

#include "base/macros.h"

uint64_t bitmap_word(const uint8_t *bits, size_t at, size_t count)
{
    const uint8_t *from = bits + at / 8;
    size_t shift = at % 8;
    size_t bytes = bitmap_bytes(shift + count);
    uint64_t word = 0;

    memcpy(&word, from, MIN(bytes, sizeof word));
    word >>= shift;
    if (bytes > sizeof word) /* then shift > 0 */
        word |= (uint64_t)from[sizeof word] << (64 - shift);
    return count < 64 ? word & ((UINT64_C(1) << count) - 1) : word;
}

void bitmap_fill(uint8_t *bits, size_t at, size_t count, bool value)
{
    for (; count > 0 && at % 8 != 0; at++, count--)
        bitmap_set(bits, at, value);
    memset(bits + at / 8, value ? 0xff : 0, count / 8);
    for (size_t i = at + count / 8 * 8; i < at + count; i++)
        bitmap_set(bits, i, value);
}

void bitmap_copy(uint8_t *to, size_t to_at, const uint8_t *from, size_t from_at, size_t count)
{
    for (; count > 0 && to_at % 8 != 0; to_at++, from_at++, count--)
        bitmap_set(to, to_at, bitmap_get(from, from_at));
    if (from_at % 8 == 0) {
        memcpy(to + to_at / 8, from + from_at / 8, count / 8);
        to_at += count / 8 * 8;
        from_at += count / 8 * 8;
        count %= 8;
    }
    for (; count >= 64; to_at += 64, from_at += 64, count -= 64) {
        uint64_t word = bitmap_word(from, from_at, 64);
        memcpy(to + to_at / 8, &word, sizeof word);
    }
    for (; count > 0; to_at++, from_at++, count--)
        bitmap_set(to, to_at, bitmap_get(from, from_at));
}

size_t bitmap_count(const uint8_t *bits, size_t at, size_t count)
{
    size_t ones = 0;

    for (; count >= 64; at += 64, count -= 64)
        ones += (size_t)__builtin_popcountll(bitmap_word(bits, at, 64));
    if (count > 0)
        ones += (size_t)__builtin_popcountll(bitmap_word(bits, at, count));
    return ones;
}
