/* bzip2_block.h - the text of one bzip2 block, of which no more is made than is wanted.
 *
 * A block's text is known only when all of its codes have been read, but it need not all be put in order: a beginning costs half of the
 * whole. It takes a quarter of the time of libbz2, which remains the last word about what is damaged: of what is good, this refuses blocks that
 * are randomised, as those before bzip2 0.9.5 could be. Sources: Burrows and Wheeler, A Block-sorting Lossless Data Compression Algorithm,
 * 1994; the format as Seward's bzip2 1.0.8 writes and reads it. */
#ifndef CODEC_BZIP2_BLOCK_H
#define CODEC_BZIP2_BLOCK_H

#include "base/buffer.h"
#include "base/error.h"

/* Where a block is: from its mark to the next mark. */
typedef struct Bzip2Block {
    Bytes data;       /* borrowed; the block is within */
    size_t first_bit; /* of `data`, counted from the highest bit of its first byte */
    size_t end_bit;   /* behind the block's last */
    unsigned level;   /* of its stream, 1 to 9: it holds 100,000 bytes for each */
} Bzip2Block;

/* What a block is decoded with, some 7 MB, for one after the other. One thread at a time. */
typedef struct Bzip2Decoder Bzip2Decoder;

typedef enum Bzip2Speed {
    BZIP2_FAST,  /* with the processor's own instructions, where it has them */
    BZIP2_PLAIN, /* without: for tests */
} Bzip2Speed;

/* Errors: NO_MEMORY. */
MUST_USE Error *bzip2_decoder_new(Bzip2Speed speed, Bzip2Decoder **ret_decoder);
void bzip2_decoder_free(Bzip2Decoder *decoder);
DEFINE_FREEP(Bzip2Decoder, bzip2_decoder_free)

#define BZIP2_WHOLE_TEXT SIZE_MAX
enum {
    BZIP2_BEGINNING_MAX_BYTES = 16 * 1024,
    BZIP2_TEXT_RATIO_MAX = 52, /* four equal bytes and one that says that there are 255 more */
};

/* Appends the block's text: at least the `wanted_bytes` of its beginning. Up to BZIP2_BEGINNING_MAX_BYTES, of a block that is not small, only those are
 * made, where there are runs of equal bytes up to BZIP2_TEXT_RATIO_MAX times as many; else all of it, and then its checksum is compared, and only
 * then. Errors: CORRUPT (`text` may have got a beginning), LIMIT (of `text`), NO_MEMORY. */
MUST_USE Error *bzip2_block_decode(Bzip2Decoder *decoder, const Bzip2Block *block, size_t wanted_bytes, Buffer *text);

#endif
