/* download_transfer.h - inside the downloads: what the two files that move bytes share.
 *
 * download.c has the face, and objects that come in one piece; download_parts.c those in ranges and streams with a record, both of which can
 * be continued by a later run. All of it is the thread's that starts and collects, but for what a Flight says. */
#ifndef STORE_DOWNLOAD_TRANSFER_H
#define STORE_DOWNLOAD_TRANSFER_H

#include <stdatomic.h>

#include "store/download.h"
#include "store/download_file.h"

enum { WRITTEN_BACK = 4 };

typedef struct Transfer Transfer;

typedef enum FlightKind {
    FLIGHT_SMALL,    /* the whole, into memory */
    FLIGHT_STREAM,   /* the whole, into the file; with a record where there are parts */
    FLIGHT_PART,     /* a range, into the file */
    FLIGHT_DESCRIBE, /* no content */
} FlightKind;

/* One read. While it is under way, it and the file it writes to belong to a network thread. */
typedef struct Flight {
    StoreFetch fetch;
    Transfer *transfer;
    FlightKind kind;
    size_t part;             /* of a stream: the step that is coming */
    uint64_t begin, at, end; /* in the file */
    ChecksumKind summed_by;  /* a part */
    ChecksumState sum;
    struct Flight *next_spare, *next_made;
} Flight;

/* An object that goes in ranges, or as one stream with a record: then they are the steps of that, and `next`, `left` and `in_flight` idle. */
typedef struct Parts {
    uint64_t part_bytes;
    size_t count, next, left; /* `next`: none before it is to be asked for */
    unsigned in_flight, pass;
    bool describing;
    ChecksumKind kind;    /* what parts are summed by: the server's, once it is known */
    Checksum *sums;       /* NONE: not there */
    ChecksumState digest; /* of the first `digested` parts, where the server's sum of the whole is no CRC */
    size_t digested;
    size_t written_back[WRITTEN_BACK], written_back_count;
    Error *error; /* the first; then no more are started */
} Parts;

/* What a Download's `state` points to. */
struct Transfer {
    Download *download;
    Downloads *owner;
    DownloadFile file;
    uint32_t number;                 /* of the temporary name */
    Checksum whole;                  /* what the server says of it */
    char *etag;                      /* when the caller knew none */
    atomic_uint_fast64_t come_bytes; /* the network threads' too, as the owner's */
    Parts parts;
    Transfer *previous, *next;
};

struct Downloads {
    /* fixed */
    Store *store;
    DownloadOptions options;
    uint64_t drop_from_bytes; /* files of this size and more are not kept in memory by the system */
    FileDirs dirs;

    StoreBatch *batch;
    Transfer *live, *spare_transfers;
    Flight *spare_flights, *made_flights;
    Download *ended, *ended_last;
    uint32_t numbers;

    /* any thread */
    atomic_uint_fast64_t come_bytes, resumed_bytes; /* of those that are live */
};

/* ---- download.c ---- */

/* Asks for an object or for a part of it: `range` is of the part, `part` is its number. */
MUST_USE Error *transfer_take_off(Transfer *transfer, FlightKind kind, size_t part, ByteRange range);
/* It is over for the caller to take. What cannot be continued does not stay. */
void transfer_ended(Transfer *transfer, Error *take_error);
/* So many bytes more, or fewer, are in its file; any thread. And: none are, since it begins anew or nobody will ask again. */
void transfer_count(Transfer *transfer, uint64_t more, uint64_t fewer);
void transfer_forget_count(Transfer *transfer);
/* As it was listed, or as it was found when nothing was listed. */
Str transfer_etag_view(const Transfer *transfer);

/* ---- download_parts.c ---- */

/* Starts an object in ranges. */
MUST_USE Error *parts_begin(Transfer *transfer);
/* Starts one stream with a record; where an earlier one was cut, the rest of it in ranges. */
MUST_USE Error *parts_begin_stream(Transfer *transfer);
/* On a network thread: more of such a stream; each step is in the record when its bytes are in the file. */
MUST_USE Error *parts_write(Flight *flight, Bytes piece);
/* A part has ended, or what the server says of the whole has come or not. */
void parts_landed(Flight *flight, Error *take_error);
void parts_described(Transfer *transfer, Error *take_error);

#endif
