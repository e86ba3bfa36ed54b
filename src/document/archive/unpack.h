/* unpack.h - gzip, bzip2 and zstd files unpacked whole. Sources: RFC 1952, RFC 8878, the format as bzip2 1.0.8 writes it. */
#ifndef DOCUMENT_ARCHIVE_UNPACK_H
#define DOCUMENT_ARCHIVE_UNPACK_H

#include "base/buffer.h"

/* Appends what `input` holds to `out`, all streams that follow one another, never more than the limit of `out`.
 * Errors: LIMIT, CORRUPT (damaged, or cut off: what came before is there), NO_MEMORY. */
typedef Error *Unpacker(Bytes input, Buffer *out);
MUST_USE Error *unpack_gzip(Bytes input, Buffer *out);
MUST_USE Error *unpack_bzip2(Bytes input, Buffer *out);
MUST_USE Error *unpack_zstd(Bytes input, Buffer *out);

#endif
