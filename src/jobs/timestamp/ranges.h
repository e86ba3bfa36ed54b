/* ranges.h - the bytes of one object in order, fetched by ranges that are tied to its ETag, the next of them while one is read. */
#ifndef JOBS_TIMESTAMP_RANGES_H
#define JOBS_TIMESTAMP_RANGES_H

#include "store/store.h"

#define RANGE_MAX_BYTES ((size_t)1 * MIB)
enum { RANGES_AHEAD_MAX = 8 };

typedef struct RangesOptions {
    Store *store;
    const Cancel *cancel;
    Str key, etag;       /* as long as the ranges */
    uint64_t size_bytes; /* of the object */
    size_t first_bytes;  /* of the first range; each one has as many as all before it, up to RANGE_MAX_BYTES */
    unsigned
        ahead; /* on their way while one is read, at most RANGES_AHEAD_MAX; 0: each is fetched when it is asked for */
} RangesOptions;

/* One thread's; embedded, and not to be moved. */
typedef struct Ranges {
    RangesOptions options;
    StoreBatch *batch;
    StoreFetch fetches[RANGES_AHEAD_MAX + 1]; /* that of range n is n modulo ahead + 1 */
    bool arrived[RANGES_AHEAD_MAX + 1];
    uint64_t begun, read;       /* ranges that were asked for, and that were read to their end */
    uint64_t next_offset_bytes; /* of the range to be asked for next */
    size_t at;                  /* in the range that is read */
} Ranges;

/* Asks for nothing yet. Errors: NO_MEMORY. */
MUST_USE Error *ranges_init(Ranges *ranges, const RangesOptions *options);
/* Ends what is on its way. */
void ranges_done(Ranges *ranges);

/* What has arrived and is not yet read, which it waits for if need be; empty at the end of the object. Valid until ranges_read. Errors: those of
 * store_get, CORRUPT (a range came short). */
MUST_USE Error *ranges_peek(Ranges *ranges, Bytes *ret_bytes);
/* Appends at most `len` of the bytes that ranges_peek shows or, when `out` is empty, exchanges it for the buffer with all of a range; nothing
 * at the end of the object. Errors: those of ranges_peek, and of `out`. */
MUST_USE Error *ranges_read(Ranges *ranges, size_t len, Buffer *out);

#endif
