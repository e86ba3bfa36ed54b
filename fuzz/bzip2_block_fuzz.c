/* A bzip2 stream of one block, by our decoder and by libbz2: both refuse it, or both give the same text. What libbz2 makes of a damaged block gets
 * the checksum that belongs to it and is tried again, or hardly anything would ever be good. */
#include <bzlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "codec/bzip2_block.h"

enum { HEADER_BITS = 32, MARK_BITS = 48, CRC_BITS = 32, RANDOMISED_BIT = HEADER_BITS + MARK_BITS + CRC_BITS };
#define BLOCK_MARK UINT64_C(0x314159265359)
#define END_MARK UINT64_C(0x177245385090)
#define TEXT_MAX_BYTES ((size_t)256 * KIB)

static uint64_t bits_at(Bytes data, size_t bit, unsigned count)
{
    uint64_t value = 0;
    for (; count > 0; count--, bit++)
        value = value << 1 | (data.data[bit / 8] >> (7 - bit % 8) & 1);
    return value;
}

static void set_bits(Buffer *data, size_t bit, uint32_t value)
{
    for (unsigned i = CRC_BITS; i-- > 0; bit++) {
        uint8_t mask = (uint8_t)(0x80 >> bit % 8);
        data->data[bit / 8] = (uint8_t)((data->data[bit / 8] & ~mask) | (value >> i & 1 ? mask : 0));
    }
}

static uint32_t crc_of(Bytes text)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < text.len; i++) {
        crc ^= (uint32_t)text.data[i] << 24;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7 : 0);
    }
    return ~crc;
}

/* How it ended: BZ_STREAM_END, what libbz2 says of an error, BZ_UNEXPECTED_EOF, or BZ_OUTBUFF_FULL. */
static int read_by_libbz2(Bytes stream, Buffer *text)
{
    bz_stream b = {.next_in = (char *)(uintptr_t)stream.data, .avail_in = (unsigned)stream.len};
    b.next_out = (char *)text->data;
    b.avail_out = (unsigned)TEXT_MAX_BYTES;
    int code = BZ2_bzDecompressInit(&b, 0, 0);
    if (code == BZ_OK)
        code = BZ2_bzDecompress(&b);
    text->len = TEXT_MAX_BYTES - b.avail_out;
    BZ2_bzDecompressEnd(&b);
    return code != BZ_OK ? code : b.avail_out == 0 ? BZ_OUTBUFF_FULL : BZ_UNEXPECTED_EOF;
}

/* The mark at `from_bit` or behind it; SIZE_MAX: none with a checksum behind it. */
static size_t find_mark(Bytes stream, uint64_t mark, size_t from_bit)
{
    uint64_t last_bits = 0;
    for (size_t bit = from_bit; bit + CRC_BITS < 8 * stream.len; bit++) {
        last_bits = (last_bits << 1 | bits_at(stream, bit, 1)) & ((UINT64_C(1) << MARK_BITS) - 1);
        if (last_bits == mark && bit + 1 >= from_bit + MARK_BITS)
            return bit + 1 - MARK_BITS;
    }
    return SIZE_MAX;
}

/* With whatever end mark is the right one. */
static bool read_by_ours(Bzip2Decoder *decoder, Bytes stream, size_t wanted, Buffer *text)
{
    for (size_t end = RANDOMISED_BIT; (end = find_mark(stream, END_MARK, end)) != SIZE_MAX; end++) {
        Bzip2Block block = {stream, HEADER_BITS, end, stream.data[3] - '0'};
        buffer_clear(text);
        Error *error = bzip2_block_decode(decoder, &block, wanted, text);
        bool good = !error;
        error_free(error);
        if (good)
            return true;
    }
    return false;
}

typedef struct Beside {
    Bzip2Decoder *fast, *plain;
    Buffer theirs, ours, more;
} Beside;

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void compare_beginning(Beside *beside, Bzip2Decoder *decoder, Bytes stream, size_t wanted)
{
    require(read_by_ours(decoder, stream, wanted, &beside->more));
    require(beside->more.len >= MIN(beside->ours.len, wanted));
    require(str_starts_with(buffer_str(&beside->ours), buffer_str(&beside->more)));
}

static void compare(Beside *beside, Bytes stream, int code)
{
    bool fast = read_by_ours(beside->fast, stream, BZIP2_WHOLE_TEXT, &beside->ours);
    bool plain = read_by_ours(beside->plain, stream, BZIP2_WHOLE_TEXT, &beside->more);
    require(fast == plain && (!fast || str_equal(buffer_str(&beside->ours), buffer_str(&beside->more))));
    require(fast == (code == BZ_STREAM_END));
    if (!fast)
        return;
    require(str_equal(buffer_str(&beside->ours), buffer_str(&beside->theirs)));
    for (size_t wanted = 20; wanted <= BZIP2_BEGINNING_MAX_BYTES; wanted *= 10) {
        compare_beginning(beside, beside->fast, stream, wanted);
        compare_beginning(beside, beside->plain, stream, wanted);
    }
}

static void try_stream(Beside *beside, Buffer *stream)
{
    Bytes bytes = buffer_bytes(stream);
    size_t end = find_mark(bytes, END_MARK, RANDOMISED_BIT);
    bool one_block = find_mark(bytes, BLOCK_MARK, RANDOMISED_BIT) == SIZE_MAX;
    if (end == SIZE_MAX || !one_block || bits_at(bytes, RANDOMISED_BIT, 1))
        return;
    int code = read_by_libbz2(bytes, &beside->theirs);
    if (code == BZ_OUTBUFF_FULL)
        return;
    if (code == BZ_DATA_ERROR && beside->theirs.len > 0) {
        uint32_t crc = crc_of(buffer_bytes(&beside->theirs));
        set_bits(stream, HEADER_BITS + MARK_BITS, crc);
        for (; end != SIZE_MAX; end = find_mark(bytes, END_MARK, end + 1)) /* any of them may be the block's end */
            set_bits(stream, end + MARK_BITS, crc);
        code = read_by_libbz2(bytes, &beside->theirs);
    }
    compare(beside, bytes, code);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Beside beside; /* 38 MB, which are too many to be made anew each time */
    CLEANUP(buffer_done) Buffer stream = {0};
    if (!beside.fast) {
        error_free(bzip2_decoder_new(BZIP2_FAST, &beside.fast));
        error_free(bzip2_decoder_new(BZIP2_PLAIN, &beside.plain));
        error_free(buffer_reserve(&beside.theirs, TEXT_MAX_BYTES));
        require(beside.fast && beside.plain && beside.theirs.data);
    }
    error_free(buffer_append(&stream, data, size));
    if (size < RANDOMISED_BIT / 8 + 1 || stream.len != size || memcmp(data, "BZh", 3) != 0
        || bits_at(buffer_bytes(&stream), HEADER_BITS, MARK_BITS) != BLOCK_MARK)
        return 0;
    stream.data[3] = '1'; /* a block's text is at most 5 MB then */
    try_stream(&beside, &stream);
    return 0;
}
