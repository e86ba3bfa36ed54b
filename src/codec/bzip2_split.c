#include "codec/bzip2_split.h"

#define BLOCK_MARK UINT64_C(0x314159265359)
#define END_MARK UINT64_C(0x177245385090)
#define MARK_MASK UINT64_C(0xffffffffffff)
/* A block of 900,000 bytes that do not compress takes a little more than itself; the format's tables bound the rest. */
#define BLOCK_MAX_BYTES ((size_t)2 * MIB)
enum { MARK_BITS = 48, CRC_BITS = 32, HEADER_BYTES = 4, SHIFTS = 8 };

/* ---- finding marks ---- */

/* While the bytes pass through a 64-bit window, a mark that ends `shift` bits before the window's end has bits 16-23 of the window inside
 * it, whatever the shift: that byte alone rules out almost every place. */
static void note_candidates(Bzip2Split *split, uint64_t mark, unsigned first_bit)
{
    for (unsigned shift = 0; shift < SHIFTS; shift++)
        split->candidates[(mark >> (16 - shift)) & 0xff] |= (uint16_t)(1u << (first_bit + shift));
}

void bzip2_split_init(Bzip2Split *split)
{
    *split = (Bzip2Split){0};
    note_candidates(split, BLOCK_MARK, 0);
    note_candidates(split, END_MARK, SHIFTS);
}

void bzip2_split_done(Bzip2Split *split)
{
    buffer_done(&split->input);
}

/* Of the marks that end in the byte whose window this is, the one that begins first; SHIFTS: none. */
static unsigned mark_in_window(uint64_t window, unsigned candidates)
{
    for (unsigned shift = SHIFTS; shift-- > 0;) {
        uint64_t bits = (window >> shift) & MARK_MASK;
        if ((candidates & (0x101u << shift)) && (bits == BLOCK_MARK || bits == END_MARK))
            return shift;
    }
    return SHIFTS;
}

/* The bit at which the next mark at or behind `from_bit` begins; false when there is none yet. */
static bool find_mark(Bzip2Split *split, size_t from_bit, size_t *ret_bit)
{
    const uint8_t *data = split->input.data;
    size_t first = from_bit / 8, at = MAX(split->scan_byte, first);
    uint64_t window = 0;
    for (size_t i = at - MIN(at - first, (size_t)7); i < at; i++)
        window = window << 8 | data[i];
    for (; at < split->input.len; at++) {
        window = window << 8 | data[at];
        unsigned candidates = split->candidates[(window >> 16) & 0xff];
        if (LIKELY(candidates == 0))
            continue;
        unsigned shift = mark_in_window(window, candidates);
        size_t end_bit = 8 * (at + 1) - shift;
        if (shift == SHIFTS || end_bit < from_bit + MARK_BITS)
            continue;
        *ret_bit = end_bit - MARK_BITS;
        split->scan_byte = at;
        return true;
    }
    split->scan_byte = at;
    return false;
}

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

/* The bits [first, end) from the first bit of `out` on; what is left of its last byte is zero. */
static void copy_bits(const uint8_t *data, size_t first, size_t end, uint8_t *out)
{
    unsigned shift = first % 8;
    const uint8_t *from = data + first / 8, *last = data + (end - 1) / 8;
    size_t bytes = (end - first + 7) / 8;
    for (size_t i = 0; i < bytes; i++) {
        unsigned high = from[i], low = from + i < last ? from[i + 1] : 0;
        out[i] = (uint8_t)(high << shift | low >> (8 - shift));
    }
    unsigned spare = (unsigned)(8 * bytes - (end - first));
    out[bytes - 1] = (uint8_t)(out[bytes - 1] >> spare << spare);
}

/* Adds the lowest `count` bits of `value` behind the first `*bits` bits of `out`, whose remaining bits are zero. */
static void put_bits(uint8_t *out, size_t *bits, uint64_t value, unsigned count)
{
    while (count-- > 0) {
        out[*bits / 8] |= (uint8_t)((value >> count & 1) << (7 - *bits % 8));
        ++*bits;
    }
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

/* The block [first, end) as a stream: its header, the block, the end mark, and the checksum of its only block. */
MUST_USE static Error *wrap_block(const Bzip2Split *split, size_t first, size_t end, Buffer *stream)
{
    size_t bytes = (end - first + 7) / 8, bits = end - first;
    uint64_t crc = bits_at(split, first + MARK_BITS, CRC_BITS);
    buffer_clear(stream);
    TRY(buffer_reserve(stream, HEADER_BYTES + bytes + (MARK_BITS + CRC_BITS) / 8 + 1));
    const uint8_t header[HEADER_BYTES] = {'B', 'Z', 'h', split->level};
    memcpy(stream->data, header, HEADER_BYTES);
    uint8_t *out = stream->data + HEADER_BYTES;
    copy_bits(split->input.data, first, end, out);
    memset(out + bytes, 0, (MARK_BITS + CRC_BITS) / 8 + 1);
    put_bits(out, &bits, END_MARK, MARK_BITS);
    put_bits(out, &bits, crc, CRC_BITS);
    buffer_grown(stream, HEADER_BYTES + (bits + 7) / 8);
    return NULL;
}

/* Forgets the bytes in front of the next mark. */
static void drop_before(Bzip2Split *split, size_t bit)
{
    size_t bytes = bit / 8;
    buffer_consume(&split->input, bytes);
    split->at_bit = bit - 8 * bytes;
    split->scan_byte = split->scan_byte > bytes ? split->scan_byte - bytes : 0;
}

MUST_USE static Error *take_block(Bzip2Split *split, bool no_more, Buffer *stream, Bzip2SplitResult *ret_result)
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
    TRY(wrap_block(split, split->at_bit, next, stream));
    drop_before(split, next);
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
    split->scan_byte = 0;
    drop_before(split, (end + 7) / 8 * 8);
    split->state = BZIP2_NEXT_HEADER;
    return NULL;
}

/* One step at a mark; `*ret_result` BZIP2_HUNGRY with another state means: go on. */
MUST_USE static Error *step_in_stream(Bzip2Split *split, bool no_more, Buffer *stream, Bzip2SplitResult *ret_result)
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
        return take_block(split, no_more, stream, ret_result);
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
        split->level = split->input.data[3];
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

Error *bzip2_split_next(Bzip2Split *split, bool no_more, Buffer *stream, Bzip2SplitResult *ret_result)
{
    Bzip2SplitState before;
    do {
        before = split->state;
        switch (split->state) {
        case BZIP2_FIRST_HEADER:
        case BZIP2_NEXT_HEADER: TRY(step_at_header(split, no_more, ret_result)); break;
        case BZIP2_IN_STREAM: TRY(step_in_stream(split, no_more, stream, ret_result)); break;
        case BZIP2_ENDED: *ret_result = BZIP2_END; return NULL;
        }
    } while (*ret_result == BZIP2_HUNGRY && split->state != before);
    return NULL;
}
