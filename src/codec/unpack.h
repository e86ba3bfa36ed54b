/* unpack.h - one compressed stream of any length, decompressed piece by piece: gzip (zlib), Zstandard, bzip2. */
#ifndef CODEC_UNPACK_H
#define CODEC_UNPACK_H

#include <bzlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buffer.h"
#include "codec/text_reader.h"

typedef struct Unpack {
    TextFormat format; /* GZIP, ZSTD or BZIP2_SERIAL */
    bool open;         /* within a member, frame or stream */
    bool begun;        /* one has been read to its end: what follows and is none is ignored (gzip, bzip2) */
    bool doubtful;     /* another one has been opened, and nothing of it decompressed yet */
    bool ended;
    union {
        z_stream zlib;
        bz_stream bzip2;
        ZSTD_DStream *zstd;
    };
} Unpack;

void unpack_init(Unpack *unpack, TextFormat format);
void unpack_done(Unpack *unpack);

/* Decompresses from the front of `*input`, which is moved on, to the end of `out`, until the one is empty or the other has no capacity left. `no_more`:
 * nothing comes after this input. Errors: CORRUPT, NO_MEMORY. */
MUST_USE Error *unpack_step(Unpack *unpack, Bytes *input, bool no_more, Buffer *out);

#endif
