#include "codec/bzip2_block.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "codec/bzip2_column.h"

enum {
    LANES_MAX = 16,
    STRIDE_ROWS = 8192, /* from one beginning of a segment to the next */
    SEGMENTS_MAX = BZIP2_COLUMN_MAX_BYTES / STRIDE_ROWS + 2,
    RUN_BYTES = 4,
    QUIET_BYTES = 64, /* are looked at together for a run */
    PIECE_BYTES = 2048,
    PIECES_MAX = BZIP2_COLUMN_MAX_BYTES / PIECE_BYTES + 1,
    CHUNK_BYTES = 64, /* of a piece, are looked at together */
    BEGINNING_BYTES = 2 * BZIP2_BEGINNING_MAX_BYTES,
};
#define BEGINS_SEGMENT UINT32_C(0x80000000)
#define LARGE_PAGE_BYTES ((size_t)2 * MIB)

/* A part of the text that begins at a known row and ends in front of another such row. */
typedef struct Segment {
    uint32_t row;
    uint32_t bytes;
    uint32_t next_row; /* where the following segment begins */
    const uint8_t *text;
} Segment;

/* For a beginning: which rows begin with a byte, and where in the column that byte is. */
typedef struct Ranks {
    uint32_t begins[BZIP2_BYTE_VALUES];             /* so many rows begin with a lower byte */
    uint32_t before[BZIP2_BYTE_VALUES][PIECES_MAX]; /* so often it is in front of a piece of the column */
    unsigned pieces;
} Ranks;

struct Bzip2Decoder {
    Bzip2Column column; /* its data are overwritten by the whole text before its runs are undone */
    Ranks ranks;
    uint8_t beginning[BEGINNING_BYTES]; /* of the text, before its runs are undone */

    /* [BZIP2_COLUMN_MAX_BYTES]. By row: the row of the rotation that begins one byte later, << 8, and the byte by which this row begins. Bit 31:
     * BEGINS_SEGMENT. Not touched for a beginning. */
    uint32_t *rows;

    Segment segments[SEGMENTS_MAX];
    unsigned segment_count, segments_begun;
    /* [LANES_MAX]: any of them may have to hold all of the text, but together they hold it once: most of this memory is never touched. */
    uint8_t (*lanes)[BZIP2_COLUMN_MAX_BYTES];
};

/* Memory of large pages, where the system has them: this is gone through at random. */
static uint32_t *alloc_rows(void)
{
    size_t bytes = BZIP2_COLUMN_MAX_BYTES * sizeof(uint32_t);
    bytes = (bytes + LARGE_PAGE_BYTES - 1) / LARGE_PAGE_BYTES * LARGE_PAGE_BYTES;
    uint32_t *rows = aligned_alloc(LARGE_PAGE_BYTES, bytes);
    if (rows)
        madvise(rows, bytes, MADV_HUGEPAGE); /* a wish: nothing depends on it */
    return rows;
}

Error *bzip2_decoder_new(Bzip2Speed speed, Bzip2Decoder **ret_decoder)
{
    CLEANUP(bzip2_decoder_freep)
    Bzip2Decoder *decoder = aligned_alloc(_Alignof(Bzip2Decoder), sizeof *decoder);
    if (!decoder)
        return FAIL(NO_MEMORY, "decompress bzip2: out of memory");
    decoder->rows = alloc_rows();
    decoder->lanes = malloc(LANES_MAX * sizeof *decoder->lanes);
    if (!decoder->rows || !decoder->lanes)
        return FAIL(NO_MEMORY, "decompress bzip2: out of memory");
    bzip2_column_init(&decoder->column, speed);
    *ret_decoder = decoder;
    decoder = NULL;
    return NULL;
}

void bzip2_decoder_free(Bzip2Decoder *decoder)
{
    if (!decoder)
        return;
    free(decoder->rows);
    free(decoder->lanes);
    free(decoder);
}

/* ---- rows ---- */

/* How often each byte occurs. Equal bytes that follow one another would wait for each other's number; four numbers for each do not. */
typedef struct ByteCounts {
    uint32_t parts[4][BZIP2_BYTE_VALUES];
} ByteCounts;

static void count_bytes(const uint8_t *data, size_t count, ByteCounts *counts)
{
    size_t i = 0;
    for (; count - i >= 4; i += 4)
        for (unsigned k = 0; k < 4; k++)
            counts->parts[k][data[i + k]]++;
    for (; i < count; i++)
        counts->parts[0][data[i]]++;
}

static uint32_t count_of(const ByteCounts *counts, unsigned byte)
{
    return counts->parts[0][byte] + counts->parts[1][byte] + counts->parts[2][byte] + counts->parts[3][byte];
}

/* Equal bytes are in the same order in the first column as in the last: there, the text goes on. */
static void link_rows(Bzip2Decoder *decoder)
{
    const uint8_t *column = decoder->column.data;
    const size_t count = decoder->column.bytes;
    uint32_t *ends[BZIP2_BYTE_VALUES], *next = decoder->rows;
    ByteCounts counts = {0};
    count_bytes(column, count, &counts);
    for (unsigned byte = 0; byte < BZIP2_BYTE_VALUES; byte++) {
        ends[byte] = next;
        next += count_of(&counts, byte);
    }
    for (size_t i = 0; i < count; i++)
        *ends[column[i]]++ = (uint32_t)i << 8 | column[i];
}

/* ---- the whole text: walks from many rows at once ----
 *
 * Each step of a walk waits for memory, and there is nothing else to do. Therefore the text is made in segments that begin at chosen rows:
 * the origin and every STRIDE_ROWS-th; rows are in the order of what follows, so that these are anywhere in the text. A few lanes walk side by
 * side; one that comes to another segment's row takes the next that nobody has begun. Segments never overlap, since a row has one
 * predecessor. */

typedef struct Lane {
    uint32_t row;
    uint8_t *at;
    Segment *segment;
} Lane;

static void choose_segments(Bzip2Decoder *decoder)
{
    decoder->segment_count = decoder->segments_begun = 0;
    for (size_t row = 0; row < decoder->column.bytes; row += STRIDE_ROWS)
        decoder->segments[decoder->segment_count++].row = (uint32_t)row;
    if (decoder->column.origin % STRIDE_ROWS != 0)
        decoder->segments[decoder->segment_count++].row = decoder->column.origin;
    for (unsigned i = 0; i < decoder->segment_count; i++)
        decoder->rows[decoder->segments[i].row] |= BEGINS_SEGMENT;
}

static const Segment *segment_at(const Bzip2Decoder *decoder, uint32_t row)
{
    return &decoder->segments[row % STRIDE_ROWS == 0 ? row / STRIDE_ROWS : decoder->segment_count - 1];
}

static bool begin_segment(Bzip2Decoder *decoder, Lane *lane)
{
    if (decoder->segments_begun == decoder->segment_count)
        return false;
    Segment *segment = &decoder->segments[decoder->segments_begun++];
    uint32_t link = decoder->rows[segment->row] & ~BEGINS_SEGMENT;
    segment->text = lane->at;
    *lane->at++ = (uint8_t)link;
    *lane = (Lane){link >> 8, lane->at, segment};
    return true;
}

static void end_segment(Lane *lane)
{
    lane->segment->bytes = (uint32_t)(lane->at - lane->segment->text);
    lane->segment->next_row = lane->row;
}

static void walk_segments(Bzip2Decoder *decoder)
{
    Lane lanes[LANES_MAX];
    unsigned count = 0;
    for (; count < LANES_MAX; count++) {
        lanes[count].at = decoder->lanes[count];
        if (!begin_segment(decoder, &lanes[count]))
            break;
    }
    while (count > 0) {
        for (unsigned i = 0; i < count; i++) {
            Lane *lane = &lanes[i];
            uint32_t link = decoder->rows[lane->row];
            if (LIKELY(!(link & BEGINS_SEGMENT))) {
                *lane->at++ = (uint8_t)link;
                lane->row = link >> 8;
                continue;
            }
            end_segment(lane);
            if (!begin_segment(decoder, lane))
                *lane = lanes[--count];
        }
    }
}

/* The segments in the order of the text, into the column. One comes again when the whole text is a repetition. */
static void join_segments(Bzip2Decoder *decoder)
{
    uint32_t row = decoder->column.origin;
    for (size_t at = 0; at < decoder->column.bytes;) {
        const Segment *segment = segment_at(decoder, row);
        size_t bytes = MIN((size_t)segment->bytes, decoder->column.bytes - at);
        memcpy(decoder->column.data + at, segment->text, bytes);
        at += bytes;
        row = segment->next_row;
    }
}

/* ---- a beginning ----
 *
 * A walk of few steps does without links, of which there would be one for each row: the next row is where the column has this row's byte for the n-th
 * time, when this row is the n-th that begins with it. */

static void rank_bytes(Bzip2Decoder *decoder)
{
    const Bzip2Column *column = &decoder->column;
    Ranks *ranks = &decoder->ranks;
    ByteCounts counts = {0};
    ranks->pieces = 0;
    for (size_t at = 0; at < column->bytes; at += PIECE_BYTES, ranks->pieces++) {
        for (unsigned i = 0; i < column->bytes_in_use; i++)
            ranks->before[column->places[i]][ranks->pieces] = count_of(&counts, column->places[i]);
        count_bytes(column->data + at, MIN((size_t)PIECE_BYTES, column->bytes - at), &counts);
    }
    uint32_t begins = 0;
    for (unsigned byte = 0; byte < BZIP2_BYTE_VALUES; byte++) {
        ranks->begins[byte] = begins;
        begins += count_of(&counts, byte);
    }
}

/* The last of `count` ascending numbers, of which the first is not above `value`, that is not above it either. */
static inline unsigned last_not_above(const uint32_t *numbers, unsigned count, uint32_t value)
{
    unsigned at = 0;
    for (; count > 1; count -= count / 2)
        at += numbers[at + count / 2] <= value ? count / 2 : 0;
    return at;
}

/* How many of CHUNK_BYTES are `byte`. For the compiler to make vectors of. */
static inline unsigned count_in_chunk(const uint8_t *data, uint8_t byte)
{
    uint8_t count = 0;
    for (unsigned i = 0; i < CHUNK_BYTES; i++)
        count = (uint8_t)(count + (data[i] == byte));
    return count;
}

/* Where `data` has `byte` for the `number`-th time, from 0 on; it has it as often. All the chunks of `data` are there to be read. */
static size_t find_plain(const uint8_t *data, uint8_t byte, uint32_t number)
{
    size_t at = 0;
    for (;; at += CHUNK_BYTES) {
        unsigned here = count_in_chunk(data + at, byte);
        if (here > number)
            break;
        number -= here;
    }
    for (;; at++)
        if (data[at] == byte && number-- == 0)
            return at;
}

#if defined(BZIP2_FAST_TARGET)

/* A bit for each of CHUNK_BYTES, from the lowest on. */
BZIP2_FAST_TARGET static inline uint64_t equal_in_chunk(const uint8_t *data, uint8_t byte)
{
    __m256i wanted = _mm256_set1_epi8((char)byte);
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)data);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(data + 32));
    uint32_t bits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted));
    return bits | (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)) << 32;
}

BZIP2_FAST_TARGET static size_t find_fast(const uint8_t *data, uint8_t byte, uint32_t number)
{
    for (size_t at = 0;; at += CHUNK_BYTES) {
        uint64_t equal = equal_in_chunk(data + at, byte);
        unsigned here = (unsigned)_mm_popcnt_u64(equal);
        if (here > number)
            return at + _tzcnt_u64(_pdep_u64(UINT64_C(1) << number, equal));
        number -= here;
    }
}

#else

static size_t find_fast(const uint8_t *data, uint8_t byte, uint32_t number)
{
    return find_plain(data, byte, number);
}

#endif

/* Where the column has `byte` for the `number`-th time, from 0 on; it has it as often. */
static uint32_t find_in_column(const Bzip2Decoder *decoder, uint8_t byte, uint32_t number)
{
    const Ranks *ranks = &decoder->ranks;
    unsigned piece = last_not_above(ranks->before[byte], ranks->pieces, number);
    size_t at = (size_t)piece * PIECE_BYTES;
    const uint8_t *data = decoder->column.data + at;
    number -= ranks->before[byte][piece];
    return (uint32_t)(at + (decoder->column.fast ? find_fast : find_plain)(data, byte, number));
}

/* The text's bytes [begin, end); returns the row of the byte behind them. */
static uint32_t walk_beginning(Bzip2Decoder *decoder, uint32_t row, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        unsigned byte = last_not_above(decoder->ranks.begins, BZIP2_BYTE_VALUES, row);
        decoder->beginning[i] = (uint8_t)byte;
        row = find_in_column(decoder, (uint8_t)byte, row - decoder->ranks.begins[byte]);
    }
    return row;
}

/* ---- runs ---- */

/* Four equal bytes are followed by the number of more of them. The bytes stay where they are. */
typedef struct Runs {
    const uint8_t *data;
    size_t at;      /* the next to be read */
    unsigned equal; /* bytes in front of it, up to RUN_BYTES, that begin a run or may */
} Runs;

/* No four of QUIET_BYTES are equal. For the compiler to make vectors of. */
static bool is_quiet(const uint8_t *data)
{
    uint8_t fours = 0;
    for (unsigned i = 3; i < QUIET_BYTES; i++)
        fours |= (data[i - 3] == data[i - 2]) & (data[i - 2] == data[i - 1]) & (data[i - 1] == data[i]);
    return !fours;
}

/* The end of what stands for itself: behind four equal bytes, or `end`. */
static size_t plain_end(Runs *runs, size_t end)
{
    const uint8_t *data = runs->data;
    size_t at = runs->at;
    unsigned equal = runs->equal;
    while (at < end && equal < RUN_BYTES) {
        size_t first = at - equal;
        if (end - first >= QUIET_BYTES && is_quiet(data + first)) {
            at = first + QUIET_BYTES;
            equal = data[at - 1] != data[at - 2] ? 1 : data[at - 2] != data[at - 3] ? 2 : 3;
            continue;
        }
        for (size_t stop = MIN(end, at + QUIET_BYTES); at < stop && equal < RUN_BYTES; at++)
            equal = equal > 0 && data[at] == data[at - 1] ? equal + 1 : 1;
    }
    runs->equal = equal;
    return at;
}

MUST_USE static Error *append_run(Buffer *text, uint8_t byte, size_t count)
{
    TRY(buffer_reserve(text, count));
    memset(text->data + text->len, byte, count);
    buffer_grown(text, count);
    return NULL;
}

/* Appends what the bytes up to `end` stand for. */
MUST_USE static Error *undo_runs(Runs *runs, size_t end, Buffer *text)
{
    while (runs->at < end) {
        if (runs->equal == RUN_BYTES) {
            TRY(append_run(text, runs->data[runs->at - 1], runs->data[runs->at]));
            runs->at++;
            runs->equal = 0;
        }
        size_t plain = plain_end(runs, end);
        TRY(buffer_append(text, runs->data + runs->at, plain - runs->at));
        runs->at = plain;
    }
    return NULL;
}

/* ---- its checksum ---- */

static uint64_t reverse_bits(uint64_t bytes)
{
    bytes = (bytes >> 1 & 0x5555555555555555) | (bytes & 0x5555555555555555) << 1;
    bytes = (bytes >> 2 & 0x3333333333333333) | (bytes & 0x3333333333333333) << 2;
    return (bytes >> 4 & 0x0f0f0f0f0f0f0f0f) | (bytes & 0x0f0f0f0f0f0f0f0f) << 4;
}

/* bzip2's CRC-32 is gzip's, but takes the bits of a byte from the highest on: gzip's of bytes turned round, turned round. */
static uint32_t checksum(Bytes text)
{
    uint64_t turned[512];
    uint32_t crc = 0;
    for (size_t at = 0; at < text.len; at += sizeof turned) {
        size_t bytes = MIN(sizeof turned, text.len - at);
        turned[(bytes - 1) / 8] = 0;
        memcpy(turned, text.data + at, bytes);
        for (size_t i = 0; i < (bytes + 7) / 8; i++)
            turned[i] = reverse_bits(turned[i]);
        crc = libdeflate_crc32(crc, turned, bytes);
    }
    return __builtin_bswap32((uint32_t)reverse_bits(crc));
}

/* ---- the block ---- */

/* Of a block that has more: `wanted_bytes` of its text, up to BZIP2_BEGINNING_MAX_BYTES. */
MUST_USE static Error *decode_beginning(Bzip2Decoder *decoder, size_t wanted_bytes, Buffer *text)
{
    const size_t begin = text->len;
    uint32_t row = decoder->column.origin;
    Runs runs = {.data = decoder->beginning};
    rank_bytes(decoder);
    while (runs.at < sizeof decoder->beginning && text->len - begin < wanted_bytes) {
        size_t end = MIN(runs.at + wanted_bytes - (text->len - begin), sizeof decoder->beginning);
        row = walk_beginning(decoder, row, runs.at, end);
        TRY(undo_runs(&runs, end, text));
    }
    return NULL;
}

/* All of it, in place of the column. */
MUST_USE static Error *decode_whole(Bzip2Decoder *decoder, Buffer *text)
{
    const Bzip2Column *column = &decoder->column;
    const size_t begin = text->len;
    Runs runs = {.data = column->data};
    link_rows(decoder);
    choose_segments(decoder);
    walk_segments(decoder);
    join_segments(decoder);
    TRY(undo_runs(&runs, column->bytes, text));
    if (runs.equal == RUN_BYTES)
        return FAIL(CORRUPT, "damaged bzip2 block: it ends within a run");
    if (checksum(bytes_from(text->data + begin, text->len - begin)) != column->crc)
        return FAIL(CORRUPT, "damaged bzip2 block: its text does not have its checksum");
    return NULL;
}

Error *bzip2_block_decode(Bzip2Decoder *decoder, const Bzip2Block *block, size_t wanted_bytes, Buffer *text)
{
    TRY(bzip2_column_read(&decoder->column, block));
    bool beginning = wanted_bytes <= BZIP2_BEGINNING_MAX_BYTES && decoder->column.bytes > sizeof decoder->beginning;
    return beginning ? decode_beginning(decoder, wanted_bytes, text) : decode_whole(decoder, text);
}
