#include "parquet/bit_unpack.h"

#include "base/macros.h"

enum { BLOCK = 32 }; /* values a kernel unpacks: exactly `width` 32-bit words */

/* With a constant width the loop unrolls into loads, shifts and masks. */
static inline __attribute__((always_inline)) void unpack_block(const uint8_t *in, uint32_t *out, const unsigned width)
{
    const uint32_t mask = width == 32 ? UINT32_MAX : (UINT32_C(1) << width) - 1;
    uint32_t words[BLOCK];

    memcpy(words, in, 4 * (size_t)width);
#pragma GCC unroll 32
    for (unsigned i = 0; i < BLOCK; i++) {
        const unsigned word = i * width / 32, shift = i * width % 32;
        uint32_t value = words[word] >> shift;
        if (shift + width > 32)
            value |= words[word + 1] << (32 - shift);
        out[i] = value & mask;
    }
}

/* clang-format off */
#define WIDTHS(X)                                                                                                      \
    X(1)                                                                                                               \
    X(2)                                                                                                               \
    X(3)                                                                                                               \
    X(4)                                                                                                               \
    X(5)                                                                                                               \
    X(6)                                                                                                               \
    X(7)                                                                                                               \
    X(8)                                                                                                               \
    X(9)                                                                                                               \
    X(10)                                                                                                              \
    X(11)                                                                                                              \
    X(12)                                                                                                              \
    X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)  \
        X(32)
/* clang-format on */

#define DEFINE_UNPACK(w)                                                                                               \
    static void unpack_##w(const uint8_t *in, uint32_t *out)                                                           \
    {                                                                                                                  \
        unpack_block(in, out, w);                                                                                      \
    }
WIDTHS(DEFINE_UNPACK)

#define UNPACK_ENTRY(w) [w] = unpack_##w,
static void (*const UNPACK[33])(const uint8_t *, uint32_t *) = {WIDTHS(UNPACK_ENTRY)};

/* One value anywhere, from at most the 5 bytes that hold it. */
static uint32_t unpack_one(Bytes packed, unsigned width, size_t index)
{
    size_t bit = index * width;
    size_t bytes = (bit % 8 + width + 7) / 8;
    uint64_t word = 0;

    memcpy(&word, packed.data + bit / 8, bytes);
    return (uint32_t)(word >> (bit % 8) & ((UINT64_C(1) << width) - 1));
}

void bits_unpack_u32(Bytes packed, unsigned width, size_t first, size_t count, uint32_t *out)
{
    size_t i = 0;

    ASSERT(width >= 1 && width <= 32);
    for (; i < count && (first + i) % 8 != 0; i++)
        out[i] = unpack_one(packed, width, first + i);
    for (; count - i >= BLOCK; i += BLOCK)
        UNPACK[width](packed.data + (first + i) / 8 * width, out + i);
    for (; i < count; i++)
        out[i] = unpack_one(packed, width, first + i);
}

/* Eight values of `width` bits in the low bits of `word` to a byte each: halves move apart until every value is alone. */
static inline uint64_t spread_to_bytes(uint64_t word, unsigned width)
{
    const uint64_t mask4 = (UINT64_C(1) << (4 * width)) - 1;
    const uint64_t mask2 = ((UINT64_C(1) << (2 * width)) - 1) * UINT64_C(0x0000000100000001);
    const uint64_t mask1 = ((UINT64_C(1) << width) - 1) * UINT64_C(0x0001000100010001);

    word = (word & mask4) | (word >> (4 * width) & mask4) << 32;
    word = (word & mask2) | (word >> (2 * width) & mask2) << 16;
    return (word & mask1) | (word >> width & mask1) << 8;
}

void bits_unpack_u8(Bytes packed, unsigned width, size_t first, size_t count, uint8_t *out)
{
    size_t i = 0;

    ASSERT(width >= 1 && width <= 8);
    for (; i < count && (first + i) % 8 != 0; i++)
        out[i] = (uint8_t)unpack_one(packed, width, first + i);
    for (; count - i >= 8; i += 8) {
        size_t at = (first + i) / 8 * width;
        uint64_t word = 0;
        if (packed.len - at >= sizeof word)
            memcpy(&word, packed.data + at, sizeof word);
        else
            memcpy(&word, packed.data + at, width);
        word = spread_to_bytes(word, width);
        memcpy(out + i, &word, sizeof word);
    }
    for (; i < count; i++)
        out[i] = (uint8_t)unpack_one(packed, width, first + i);
}

void bits_pack_u32(const uint32_t *values, size_t count, unsigned width, uint8_t *out)
{
    uint64_t word = 0;
    unsigned filled = 0; /* bits of `word`, below 32 between values */

    ASSERT(count % 8 == 0 && width >= 1 && width <= 32);
    for (size_t i = 0; i < count; i++) {
        word |= (uint64_t)values[i] << filled;
        filled += width;
        if (filled >= 32) {
            uint32_t low = (uint32_t)word;
            memcpy(out, &low, sizeof low);
            out += sizeof low;
            word >>= 32;
            filled -= 32;
        }
    }
    for (; filled > 0; filled -= 8, word >>= 8) /* 8 values end on a byte */
        *out++ = (uint8_t)word;
}
