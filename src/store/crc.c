#include "store/crc.h"

#include <pthread.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A reflected CRC of `bits` bits: bit i of a register stands for x^(bits-1-i), so that multiplying by x shifts to the right. */
typedef struct CrcField {
    unsigned bits;
    uint64_t polynomial; /* reflected, without its highest term */
} CrcField;

static const CrcField fields[CRC_KINDS] = {
    [CRC_32] = {32, 0xedb88320},
    [CRC_32C] = {32, 0x82f63b78},
    [CRC_64NVME] = {64, 0x9a6c9329ac4bc9b5},
};

enum {
    FOLD_BYTES = 16, /* what one register of the CPU holds */
    FOLD_LANES = 4,  /* independent ones, since a multiplication takes longer than the next needs to begin */
    FAST_BYTES = FOLD_BYTES * FOLD_LANES,
};

/* Computed once, constant from then on. */
typedef struct CrcTables {
    uint64_t slice[8][256]; /* [k][b]: the remainder of byte b with k zero bytes behind it */
    uint64_t fold_lanes[2]; /* multipliers that carry a register over FAST_BYTES: of its first half, of its second */
    uint64_t fold_one[2];   /* over FOLD_BYTES */
} CrcTables;

static CrcTables tables[CRC_KINDS];
static pthread_once_t tables_made = PTHREAD_ONCE_INIT;

static uint64_t all_ones(CrcField field)
{
    return UINT64_MAX >> (64 - field.bits);
}

static uint64_t one(CrcField field)
{
    return (uint64_t)1 << (field.bits - 1);
}

static uint64_t times_x(CrcField field, uint64_t a)
{
    return (a >> 1) ^ ((a & 1) ? field.polynomial : 0);
}

static uint64_t times(CrcField field, uint64_t a, uint64_t b)
{
    uint64_t product = 0;
    for (uint64_t bit = one(field); bit; bit >>= 1, b = times_x(field, b)) {
        if (a & bit)
            product ^= b;
    }
    return product;
}

/* x^(8 * bytes) */
static uint64_t x_to_bytes(CrcField field, uint64_t bytes)
{
    uint64_t power = one(field), square = one(field) >> 8;
    for (; bytes; bytes >>= 1, square = times(field, square, square)) {
        if (bytes & 1)
            power = times(field, power, square);
    }
    return power;
}

/* A product of two 64-bit halves comes out of the CPU one place too low, as the 128 bits are read: hence x^(n-1) for what is to be x^n. The
 * multiplier is as wide as a half, whatever the CRC. */
static uint64_t fold_multiplier(CrcField field, unsigned bits)
{
    uint64_t power = one(field);
    for (unsigned i = 0; i < bits - 1; i++)
        power = times_x(field, power);
    return power << (64 - field.bits);
}

static void make_tables(void)
{
    for (CrcKind kind = 0; kind < CRC_KINDS; kind++) {
        CrcField field = fields[kind];
        CrcTables *made = &tables[kind];
        for (unsigned byte = 0; byte < 256; byte++) {
            uint64_t remainder = byte;
            for (unsigned k = 0; k < 8; k++) {
                for (unsigned bit = 0; bit < 8; bit++)
                    remainder = times_x(field, remainder);
                made->slice[k][byte] = remainder;
            }
        }
        made->fold_lanes[0] = fold_multiplier(field, FAST_BYTES * 8 + 64);
        made->fold_lanes[1] = fold_multiplier(field, FAST_BYTES * 8);
        made->fold_one[0] = fold_multiplier(field, FOLD_BYTES * 8 + 64);
        made->fold_one[1] = fold_multiplier(field, FOLD_BYTES * 8);
    }
}

static const CrcTables *tables_of(CrcKind kind)
{
    pthread_once(&tables_made, make_tables);
    return &tables[kind];
}

static uint64_t load_u64le(const uint8_t *data)
{
    uint64_t value;
    memcpy(&value, data, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static uint64_t add_by_tables(const CrcTables *made, uint64_t crc, Bytes data)
{
    const uint8_t *at = data.data;
    size_t left = data.len;
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word = crc ^ load_u64le(at);
        crc = made->slice[7][word & 0xff] ^ made->slice[6][word >> 8 & 0xff] ^ made->slice[5][word >> 16 & 0xff]
              ^ made->slice[4][word >> 24 & 0xff] ^ made->slice[3][word >> 32 & 0xff]
              ^ made->slice[2][word >> 40 & 0xff] ^ made->slice[1][word >> 48 & 0xff] ^ made->slice[0][word >> 56];
    }
    for (; left > 0; at++, left--)
        crc = (crc >> 8) ^ made->slice[0][(crc ^ *at) & 0xff];
    return crc;
}

uint64_t crc_add_portable(CrcKind kind, uint64_t crc, Bytes data)
{
    return add_by_tables(tables_of(kind), crc, data);
}

#if defined(__x86_64__)

#define FAST __attribute__((target("pclmul,sse4.1")))

bool crc_is_fast(void)
{
    return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

FAST static inline __m128i load(const uint8_t *data)
{
    return _mm_loadu_si128((const __m128i *)(const void *)data);
}

/* `sum` carried over the distance of `multipliers`, and what stands there added to it: the same remainder, fewer bytes. */
FAST static inline __m128i fold(__m128i sum, __m128i multipliers, __m128i next)
{
    __m128i first = _mm_clmulepi64_si128(sum, multipliers, 0x00), second = _mm_clmulepi64_si128(sum, multipliers, 0x11);
    return _mm_xor_si128(_mm_xor_si128(first, second), next);
}

/* At least FAST_BYTES. */
FAST static uint64_t add_by_folding(const CrcTables *made, uint64_t crc, Bytes data)
{
    const uint8_t *at = data.data;
    size_t left = data.len;
    __m128i far = _mm_set_epi64x((long long)made->fold_lanes[1], (long long)made->fold_lanes[0]);
    __m128i near = _mm_set_epi64x((long long)made->fold_one[1], (long long)made->fold_one[0]);

    __m128i a = _mm_xor_si128(load(at), _mm_set_epi64x(0, (long long)crc));
    __m128i b = load(at + 16), c = load(at + 32), d = load(at + 48);
    for (at += FAST_BYTES, left -= FAST_BYTES; left >= FAST_BYTES; at += FAST_BYTES, left -= FAST_BYTES) {
        a = fold(a, far, load(at));
        b = fold(b, far, load(at + 16));
        c = fold(c, far, load(at + 32));
        d = fold(d, far, load(at + 48));
    }
    __m128i sum = fold(fold(fold(a, near, b), near, c), near, d);
    for (; left >= FOLD_BYTES; at += FOLD_BYTES, left -= FOLD_BYTES)
        sum = fold(sum, near, load(at));

    uint8_t rest[FOLD_BYTES]; /* two steps by tables cost less to read than a reduction of their own */
    _mm_storeu_si128((__m128i *)(void *)rest, sum);
    crc = add_by_tables(made, 0, bytes_from(rest, sizeof rest));
    return add_by_tables(made, crc, bytes_from(at, left));
}

uint64_t crc_add(CrcKind kind, uint64_t crc, Bytes data)
{
    const CrcTables *made = tables_of(kind);
    return data.len >= FAST_BYTES && crc_is_fast() ? add_by_folding(made, crc, data) : add_by_tables(made, crc, data);
}

#else

bool crc_is_fast(void)
{
    return false;
}

uint64_t crc_add(CrcKind kind, uint64_t crc, Bytes data)
{
    return crc_add_portable(kind, crc, data);
}

#endif

uint64_t crc_begin(CrcKind kind)
{
    return all_ones(fields[kind]);
}

uint64_t crc_end(CrcKind kind, uint64_t crc)
{
    return crc ^ all_ones(fields[kind]);
}

/* The complements at both ends cancel out, so ends can be added as remainders. */
uint64_t crc_combine(CrcKind kind, uint64_t a, uint64_t b, uint64_t b_bytes)
{
    CrcField field = fields[kind];
    return times(field, a, x_to_bytes(field, b_bytes)) ^ b;
}
