/* bzip2_split.h - a bzip2 file as its blocks, which any thread can decompress alone.
 *
 * A block begins at any bit, with the 48 bits 314159265359, and ends where the next one begins or at the stream's end, the 48 bits
 * 177245385090, a checksum over all its blocks, and zeros up to a whole byte, where another stream may begin. Whatever else is behind the last
 * stream is ignored. The marks can also occur inside a block by chance, in one place of 2^48: then a piece does not decompress, and
 * who cares reads the file serially instead. Source: the format as bzip2 1.0.8 writes it. */
#ifndef CODEC_BZIP2_SPLIT_H
#define CODEC_BZIP2_SPLIT_H

#include "codec/bzip2_block.h"

typedef enum Bzip2SplitState {
    BZIP2_FIRST_HEADER, /* nothing has been read */
    BZIP2_IN_STREAM,    /* at a mark */
    BZIP2_NEXT_HEADER,  /* behind a stream: another one, or the end */
    BZIP2_ENDED,
} Bzip2SplitState;

typedef struct Bzip2Split {
    Buffer input;     /* what has been fed and is not yet given out */
    size_t at_bit;    /* in `input`: the next mark to be read */
    size_t scan_byte; /* of `input`: where looking for the mark behind that goes on */
    Bzip2SplitState state;
    bool doubtful;              /* what looked like the header of another stream has not yet been followed by a mark */
    unsigned level;             /* of the stream, 1 to 9 */
    uint32_t crc;               /* over the blocks of the stream so far */
    uint64_t within_mark[1024]; /* a bit for each value of 16 bits: they occur in a mark */
} Bzip2Split;

void bzip2_split_init(Bzip2Split *split);
void bzip2_split_done(Bzip2Split *split);

typedef enum Bzip2SplitResult {
    BZIP2_BLOCK,  /* one was given out */
    BZIP2_HUNGRY, /* feed more, or say that there is no more */
    BZIP2_END,    /* no block is left */
} Bzip2SplitResult;

/* Feeding is appending to `split->input`.
 * The next block, its bytes in `bytes`, whose memory is used for what follows. `no_more`: all of the file has been fed. Errors: CORRUPT (no bzip2 file, cut
 * short, no mark within what a block can take, a stream whose checksum does not belong to its blocks), NO_MEMORY, LIMIT (of `bytes`). */
MUST_USE Error *bzip2_split_next(Bzip2Split *split, bool no_more, Buffer *bytes, Bzip2Block *ret_block,
                                 Bzip2SplitResult *ret_result);

#endif
