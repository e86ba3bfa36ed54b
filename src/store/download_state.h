/* download_state.h - the record beside a large unfinished file: whose parts it holds, and which of them have come.
 *
 * A line of text for the object, then one for each part (of an object that comes as one stream: each step of it), appended as it comes:
 *     quern-download 1 SIZE PART_BYTES SHA256
 *     INDEX KIND CHECKSUM
 * where SHA256 is that of the key, a NUL and the ETag. It promises nothing: a part counts only if its bytes in the file have the checksum,
 * so that no write needs to be on disk before another. A last line that a crash cut is passed over. */
#ifndef STORE_DOWNLOAD_STATE_H
#define STORE_DOWNLOAD_STATE_H

#include "base/buffer.h"
#include "store/checksum.h"

/* Who the record is of. */
typedef struct DownloadIdentity {
    Str key, etag;
    uint64_t size_bytes;
} DownloadIdentity;

typedef struct DownloadPart {
    uint64_t index;
    Checksum checksum;
} DownloadPart;

/* Appends the first line, and one for a part. */
MUST_USE Error *download_state_begin(Buffer *out, const DownloadIdentity *identity, uint64_t part_bytes);
MUST_USE Error *download_state_add(Buffer *out, const DownloadPart *part);

/* Reads the first line of `*rest`. False when this is no record of that object. */
bool download_state_open(Str *rest, const DownloadIdentity *identity, uint64_t *ret_part_bytes);
/* The next part; false at the end. Lines that make no sense are passed over. */
bool download_state_next(Str *rest, DownloadPart *ret_part);

#endif
