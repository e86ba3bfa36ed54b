/* spool.h - what is written once, piece by piece, and then put as an object: in memory while it is small, in a file without a name beyond.
 * One thread. */
#ifndef JOBS_INGEST_SPOOL_H
#define JOBS_INGEST_SPOOL_H

#include "base/buffer.h"
#include "store/store.h"

enum { SPOOL_MEMORY_BYTES = 2 << 20 };

/* Start it with the directories where the file may be, first choice first; NULL at the end. */
typedef struct Spool {
    const char *const *directories;
    uint64_t bytes_max; /* 0: none */
    /* The rest is its own. */
    Buffer memory; /* all of it, while there is no file */
    bool in_file;  /* it all is in this: */
    int fd;
    uint64_t size_bytes;
} Spool;

void spool_done(Spool *spool); /* copes with a zeroed one */
/* Errors: LIMIT (bytes_max), NO_SPACE, those of opening a file in the last of the directories. */
MUST_USE Error *spool_write(Spool *spool, Bytes piece);
/* All that was written, as long as the spool lives and nothing more is written. */
PutBody spool_body(Spool *spool);

#endif
