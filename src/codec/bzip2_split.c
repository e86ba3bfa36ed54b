#include "codec/bzip2_split.h"

#define BLOCK_MARK UINT64_C(0x314159265359)
#define END_MARK UINT64_C(0x177245385090)
/* A block of 900,000 bytes that do not compress takes a little more than itself; the format's tables bound the rest. */
#define BLOCK_MAX_BYTES ((size_t)2 * MIB)
enum { MARK_BITS = 48, CRC_BITS = 32, HEADER_BYTES = 4 };

/* ---- bits ---- */

/* `count` bits, at most 56, beginning at any; they are there. */
static uint64_t bits_at(const Bzip2Split *split, size_t bit, unsigned count)
{
    uint64_t value = 0;
    for (size_t i = bit / 8; i <= (bit + count - 1) / 8; i++)
        value = value << 8 | split->input.data[i];
    return value >> (7 - (bit + count - 1) % 8) & ((UINT64_C(1) << count) - 1);
}

static bool has_bits(const Bzip2Split *split, size_t bit, size_t count)
{
    return 8 * split->input.len >= bit + count;
}

/* ---- finding marks ---- */

/* Wherever a mark begins, a place divisible by 32 is among its first 32 bits, and the 16 bits from there on are its own: of all that can be
 * in such a place they are one in a thousand. */
enum { STEP_BITS = 32, LOOK_BITS = 16 };

static void note_mark(Bzip2Split *split, uint64_t mark)
{
    for (unsigned offset = 0; offset < STEP_BITS; offset++) {
        unsigned bits = mark >> (MARK_BITS - LOOK_BITS - offset) & 0xffff;
        split->within_mark[bits / 64] |= UINT64_C(1) << bits % 64;
    }
}

void bzip2_split_init(Bzip2Split *split)
{
    *split = (Bzip2Split){0};
    note_mark(split, BLOCK_MARK);
    note_mark(split, END_MARK);
}

void bzip2_split_done(Bzip2Split *split)
{
    buffer_done(&split->input);
}

static bool is_mark(const Bzip2Split *split, size_t bit)
{
    if (!has_bits(split, bit, MARK_BITS))
        return false;
    uint64_t bits = bits_at(split, bit, MARK_BITS);
    return bits == BLOCK_MARK || bits == END_MARK;
}

/* The bit at which the next mark at or behind `from_bit` begins; false when there is none yet. */
static bool find_mark(Bzip2Split *split, size_t from_bit, size_t *ret_bit)
{
    const uint8_t *data = split->input.data;
    const size_t len = split->input.len, step = STEP_BITS / 8;
    size_t at = MAX(split->scan_byte, (from_bit + STEP_BITS - 1) / STEP_BITS * step);
    for (; at + LOOK_BITS / 8 <= len; at += step) {
        unsigned bits = (unsigned)data[at] << 8 | data[at + 1];
        if (LIKELY(!(split->within_mark[bits / 64] >> bits % 64 & 1)))
            continue;
        for (size_t bit = MAX(from_bit, 8 * at - MIN(8 * at, (size_t)STEP_BITS - 1)); bit <= 8 * at; bit++) {
            if (is_mark(split, bit)) {
                *ret_bit = bit;
                split->scan_byte = at;
                return true;
            }
        }
    }
    split->scan_byte = len / step > 1 ? (len / step - 1) * step : 0; /* a mark there may not have come whole */
    return false;
}

/* ---- blocks ---- */

static Error *cut_short(void)
{
    return FAIL(CORRUPT, "Compressed file ended before the end-of-stream marker was reached");
}

static Error *no_bzip2(void)
{
    return FAIL(CORRUPT, "Invalid data stream");
}

/* Forgets the bytes in front of the next mark. */
static void drop_before(Bzip2Split *split, size_t bit)
{
    size_t bytes = bit / 8;
    buffer_consume(&split->input, bytes);
    split->at_bit = bit - 8 * bytes;
    split->scan_byte = 0;
}

/* The input up to the mark at `next` goes, with the buffer that it is in, and what is behind stays, in the buffer that has come. */
MUST_USE static Error *give_out(Bzip2Split *split, size_t next, Buffer *bytes, Bzip2Block *ret_block)
{
    Buffer *input = &split->input, kept = *bytes;
    buffer_clear(&kept);
    TRY(buffer_append(&kept, input->data + next / 8, input->len - next / 8));
    *bytes = *input;
    bytes->len = (next + 7) / 8;
    *input = kept;
    *ret_block = (Bzip2Block){buffer_bytes(bytes), split->at_bit, next, split->level};
    split->at_bit = next % 8;
    split->scan_byte = 0;
    return NULL;
}

MUST_USE static Error *take_block(Bzip2Split *split, bool no_more, Buffer *bytes, Bzip2Block *ret_block,
                                  Bzip2SplitResult *ret_result)
{
    size_t next;
    if (!find_mark(split, split->at_bit + MARK_BITS, &next)) {
        *ret_result = BZIP2_HUNGRY;
        if (no_more)
            return cut_short();
        return split->input.len > BLOCK_MAX_BYTES ? no_bzip2() : NULL;
    }
    if (next < split->at_bit + MARK_BITS + CRC_BITS)
        return no_bzip2();
    uint32_t crc = (uint32_t)bits_at(split, split->at_bit + MARK_BITS, CRC_BITS);
    split->crc = (split->crc << 1 | split->crc >> 31) ^ crc;
    TRY(give_out(split, next, bytes, ret_block));
    *ret_result = BZIP2_BLOCK;
    return NULL;
}

MUST_USE static Error *end_stream(Bzip2Split *split, bool no_more, Bzip2SplitResult *ret_result)
{
    size_t end = split->at_bit + MARK_BITS + CRC_BITS;
    *ret_result = BZIP2_HUNGRY;
    if (!has_bits(split, split->at_bit, MARK_BITS + CRC_BITS))
        return no_more ? cut_short() : NULL;
    if (bits_at(split, split->at_bit + MARK_BITS, CRC_BITS) != split->crc)
        return no_bzip2();
    drop_before(split, (end + 7) / 8 * 8);
    split->state = BZIP2_NEXT_HEADER;
    return NULL;
}

/* One step at a mark; `*ret_result` BZIP2_HUNGRY with another state means: go on. */
MUST_USE static Error *step_in_stream(Bzip2Split *split, bool no_more, Buffer *bytes, Bzip2Block *ret_block,
                                      Bzip2SplitResult *ret_result)
{
    *ret_result = BZIP2_HUNGRY;
    if (!has_bits(split, split->at_bit, MARK_BITS))
        return no_more ? cut_short() : NULL;
    uint64_t mark = bits_at(split, split->at_bit, MARK_BITS);
    if (mark != BLOCK_MARK && mark != END_MARK && split->doubtful) {
        split->state = BZIP2_ENDED;
        return NULL;
    }
    split->doubtful = false;
    if (mark == BLOCK_MARK)
        return take_block(split, no_more, bytes, ret_block, ret_result);
    return mark == END_MARK ? end_stream(split, no_more, ret_result) : no_bzip2();
}

static bool is_header(const uint8_t *data)
{
    return data[0] == 'B' && data[1] == 'Z' && data[2] == 'h' && data[3] >= '1' && data[3] <= '9';
}

/* A stream's first four bytes. Behind a stream anything else, and nothing, is the end. */
MUST_USE static Error *step_at_header(Bzip2Split *split, bool no_more, Bzip2SplitResult *ret_result)
{
    bool first = split->state == BZIP2_FIRST_HEADER;
    *ret_result = BZIP2_HUNGRY;
    if (split->input.len < HEADER_BYTES) {
        if (!no_more)
            return NULL;
        if (first || (split->input.len > 0 && memcmp(split->input.data, "BZh", MIN(split->input.len, 3u)) == 0))
            return cut_short();
    } else if (is_header(split->input.data)) {
        split->doubtful = !first;
        split->level = split->input.data[3] - '0';
        split->crc = 0;
        split->at_bit = 8 * HEADER_BYTES;
        split->scan_byte = 0;
        split->state = BZIP2_IN_STREAM;
        return NULL;
    } else if (first) {
        return no_bzip2();
    }
    split->state = BZIP2_ENDED;
    return NULL;
}

Error *bzip2_split_next(Bzip2Split *split, bool no_more, Buffer *bytes, Bzip2Block *ret_block,
                        Bzip2SplitResult *ret_result)
{
    Bzip2SplitState before;
    do {
        before = split->state;
        switch (split->state) {
        case BZIP2_FIRST_HEADER:
        case BZIP2_NEXT_HEADER: TRY(step_at_header(split, no_more, ret_result)); break;
        case BZIP2_IN_STREAM: TRY(step_in_stream(split, no_more, bytes, ret_block, ret_result)); break;
        case BZIP2_ENDED: *ret_result = BZIP2_END; return NULL;
        }
    } while (*ret_result == BZIP2_HUNGRY && split->state != before);
    return NULL;
}
