/* bzip2_column.h - inside of bzip2_block.c: from a block's bits to the last column of its sorted rotations.
 *
 * The bits are prefix codes, of up to six tables, one for each 50 symbols. A symbol is the place of a byte among those seen lately, or
 * a digit of how often the last byte is there again. */
#ifndef CODEC_BZIP2_COLUMN_H
#define CODEC_BZIP2_COLUMN_H

#include "codec/bzip2_block.h"

/* What the fast way is made for: the processors of the last ten years. */
#if defined(__x86_64__)
#include <immintrin.h>
#define BZIP2_FAST_TARGET __attribute__((target("avx2,bmi,bmi2,popcnt")))
#endif

enum {
    BZIP2_BYTE_VALUES = 256,
    BZIP2_LEVEL_BYTES = 100000,
    BZIP2_COLUMN_MAX_BYTES = 9 * BZIP2_LEVEL_BYTES,
    BZIP2_SYMBOLS_MAX = BZIP2_BYTE_VALUES + 2, /* two digits, the places 1 to 255, the end */
    BZIP2_TABLES_MAX = 6,
    BZIP2_SELECTORS_MAX = 18002, /* more may be there, and are of no use to any block */
    BZIP2_GROUP_SYMBOLS = 50,
    BZIP2_LENGTH_MAX = 20, /* of a code */
    BZIP2_SHORT_BITS = 10,
    BZIP2_STORE_BYTES = 16, /* are written for a symbol, however many of them it stands for */
    BZIP2_FRONT_BYTES = 32, /* are moved to the front within two registers */
};

/* The next bits of a block. Behind the last byte there are zeros; that they were read shows in the place that was reached. */
typedef struct Bzip2Bits {
    const uint8_t *data;
    size_t len, at;  /* bytes; the next to be taken into ... */
    uint64_t window; /* ... the bits that come next, from the highest on ... */
    unsigned count;  /* ... of which so many count; those below are zeros or what the block has there */
} Bzip2Bits;

/* A canonical prefix code: shorter codes are smaller, and of one length those of smaller symbols. Lengths that leave codes over, or promise
 * too many of them, mean what they mean to libbz2: what was given out first holds. */
typedef struct Bzip2Code {
    uint16_t by_bits[1 << BZIP2_SHORT_BITS]; /* by the next bits: symbol << 6 | length */
    uint16_t pairs
        [1
         << BZIP2_SHORT_BITS]; /* by the next bits, for the fast way: symbol << 10 | symbol behind it << 4 | length of both; 0: none */
    uint32_t behind[BZIP2_LENGTH_MAX + 1];   /* by length: the code behind the last of it, as BZIP2_LENGTH_MAX bits */
    uint32_t to_place[BZIP2_LENGTH_MAX + 1]; /* by length: what is added to a code for its place in ... */
    uint16_t symbols[BZIP2_SYMBOLS_MAX];     /* ... these, in the order of their codes */
} Bzip2Code;

/* What a symbol does in the fast way. */
typedef struct Bzip2Step {
    /* Where each byte of the front comes from when one of them is moved to its beginning: of which half, and of which place in it; 0x80: not from
     * that half. */
    _Alignas(64) uint8_t low_from_low[16];
    uint8_t low_from_high[16], high_from_low[16], high_from_high[16];
    uint32_t weights, bytes; /* it stands for so many times the weight of a digit, and so many bytes besides */
    uint32_t next_weights, next_bytes; /* the same of the weight of a digit behind it */
} Bzip2Step;

/* Where symbols are written. */
typedef struct Bzip2Output {
    uint8_t *at, *end;
    uint32_t weight; /* how many bytes digit 1 would stand for; digit 2 for twice as many */
} Bzip2Output;

typedef struct Bzip2Column {
    uint32_t crc;    /* of the text, as the block says */
    uint32_t origin; /* the row of the rotation that is the text itself */
    size_t bytes;    /* rows, at least one; their last bytes are `data` */

    bool fast;
    Bzip2Bits in;
    Bzip2Output out;
    unsigned symbol_count, end_symbol, table_count, selector_count, bytes_in_use;
    uint8_t places[BZIP2_BYTE_VALUES]; /* those bytes, the one seen last in front */
    uint8_t selectors[BZIP2_SELECTORS_MAX];
    Bzip2Code codes[BZIP2_TABLES_MAX];
    Bzip2Step steps[BZIP2_FRONT_BYTES + 2]; /* by symbol; behind those of the front: none */

    /* A group may exceed what a block holds: that is found out behind it. */
    uint8_t data[BZIP2_COLUMN_MAX_BYTES + BZIP2_GROUP_SYMBOLS * BZIP2_STORE_BYTES];
} Bzip2Column;

void bzip2_column_init(Bzip2Column *column, Bzip2Speed speed);

/* Fills the first three fields and `data`. Errors: CORRUPT. */
MUST_USE Error *bzip2_column_read(Bzip2Column *column, const Bzip2Block *block);

#endif
