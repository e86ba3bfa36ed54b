#include "store/download.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "store/download_file.h"
#include "store/download_state.h"

enum { PARTS_IN_FLIGHT = 8, PARTS_COUNT_MAX = 1 << 20, WRITTEN_BACK = 4, PASSES = 2, DIGESTED_AT_ONCE = 2 };
/* Below this a body comes into memory and becomes a file in one write, by the thread that collects. */
#define SMALL_BYTES (256 * KIB)
#define MULTIPART_BYTES (16 * MIB)
#define PART_LEAST_BYTES (8 * MIB)
#define PART_MOST_BYTES (64 * MIB)
#define RECORD_FROM_BYTES (64 * MIB) /* a stream of this size and more can be continued. Source: spec/s3.md 5.3 */
#define STEP_BYTES (8 * MIB)         /* of which it is recorded what has come */
#define STORED_LEAST_BYTES (5 * MIB) /* S3 takes no smaller parts */
#define RECORD_MAX_BYTES (128 * MIB)

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
    uint32_t number; /* of the temporary name */
    Checksum whole;  /* what the server says of it */
    char *etag;      /* when the caller knew none */
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
};

Error *downloads_new(Store *store, Str directory, const DownloadOptions *options, Downloads **ret_downloads)
{
    Downloads *d = calloc(1, sizeof(*d));
    if (!d)
        return FAIL(NO_MEMORY, "downloads to '" STR_FMT "': out of memory", STR_ARG(directory));
    d->store = store;
    d->options = *options;
    if (d->options.parts_max == 0)
        d->options.parts_max = PARTS_IN_FLIGHT;
    if (d->options.multipart_bytes == 0)
        d->options.multipart_bytes = MULTIPART_BYTES;
    d->drop_from_bytes = (uint64_t)MAX(sysconf(_SC_PHYS_PAGES), 1) * (uint64_t)MAX(sysconf(_SC_PAGESIZE), 1) / 4;
    Error *err = file_dirs_init(&d->dirs, directory, options->sync);
    if (err) {
        free(d);
        return err;
    }
    d->numbers = file_dirs_random(&d->dirs);
    err = store_batch_new(store, options->cancel, &d->batch);
    if (err) {
        downloads_free(d);
        return err;
    }
    *ret_downloads = d;
    return NULL;
}

/* ---- transfers and flights ---- */

MUST_USE static Error *transfer_new(Downloads *d, Download *download)
{
    Transfer *transfer = d->spare_transfers;
    if (transfer)
        d->spare_transfers = transfer->next;
    else
        transfer = malloc(sizeof(*transfer));
    if (!transfer)
        return FAIL(NO_MEMORY, "download '" STR_FMT "': out of memory", STR_ARG(download->key));
    transfer->download = download;
    transfer->owner = d;
    transfer->number = d->numbers++;
    transfer->whole = (Checksum){0};
    transfer->etag = NULL;
    transfer->parts = (Parts){0};
    transfer->previous = NULL;
    transfer->next = d->live;
    if (d->live)
        d->live->previous = transfer;
    d->live = transfer;
    download->state = transfer;
    return NULL;
}

/* What is on disk stays. */
static void transfer_release(Transfer *transfer)
{
    Downloads *d = transfer->owner;
    download_file_done(&transfer->file);
    free(transfer->etag);
    free(transfer->parts.sums);
    error_free(transfer->parts.error);
    if (transfer->previous)
        transfer->previous->next = transfer->next;
    else
        d->live = transfer->next;
    if (transfer->next)
        transfer->next->previous = transfer->previous;
    transfer->download->state = NULL;
    transfer->next = d->spare_transfers;
    d->spare_transfers = transfer;
}

static void download_ended(Downloads *d, Download *download, Error *take_error)
{
    download->error = take_error;
    download->next = NULL;
    if (d->ended_last)
        d->ended_last->next = download;
    else
        d->ended = download;
    d->ended_last = download;
}

/* What cannot be continued does not stay. */
static void transfer_ended(Transfer *transfer, Error *take_error)
{
    download_file_close(&transfer->file);
    if (take_error && !transfer->file.state[0])
        download_file_remove(&transfer->file);
    download_ended(transfer->owner, transfer->download, take_error);
}

static Str etag_of(const Transfer *transfer)
{
    return transfer->etag ? str_of(transfer->etag) : transfer->download->etag;
}

static Error *stream_begin(void *context, uint64_t offset_bytes, const ObjectInfo *info);
static Error *stream_write(void *context, Bytes piece);
static Error *described(void *context, uint64_t offset_bytes, const ObjectInfo *info);

/* NULL without memory. */
static Flight *take_flight(Downloads *d)
{
    Flight *flight = d->spare_flights;
    if (flight) {
        d->spare_flights = flight->next_spare;
        return flight;
    }
    flight = calloc(1, sizeof(*flight));
    if (flight) {
        flight->next_made = d->made_flights;
        d->made_flights = flight;
    }
    return flight;
}

/* `range` is of a part. */
MUST_USE static Error *take_off(Transfer *transfer, FlightKind kind, size_t part, ByteRange range)
{
    Downloads *d = transfer->owner;
    Flight *flight = take_flight(d);
    if (!flight)
        return FAIL(NO_MEMORY, "download '" STR_FMT "': out of memory", STR_ARG(transfer->download->key));

    uint64_t size = transfer->download->size_bytes;
    Buffer body = flight->fetch.body;
    buffer_clear(&body);
    body.limit = kind == FLIGHT_SMALL ? (size_t)MAX(size, 1) : 0;
    flight->transfer = transfer;
    flight->kind = kind;
    flight->part = part;
    flight->summed_by = transfer->parts.kind;
    flight->begin = flight->at = range.offset_bytes;
    flight->end = kind == FLIGHT_PART ? range.offset_bytes + range.length_bytes : size;
    flight->fetch = (StoreFetch){
        .key = transfer->download->key,
        .if_etag = etag_of(transfer),
        .range = range,
        .describe = kind == FLIGHT_DESCRIBE,
        .fresh = transfer->parts.pass > 0,
        .body = body,
        .user = flight,
    };
    if (kind == FLIGHT_DESCRIBE)
        flight->fetch.sink = (StoreSink){described, NULL, flight};
    else if (kind != FLIGHT_SMALL)
        flight->fetch.sink = (StoreSink){stream_begin, stream_write, flight};
    store_batch_get(d->batch, &flight->fetch);
    return NULL;
}

/* ---- on a network thread: bytes into the file ---- */

static ByteRange range_of_part(const Transfer *transfer, size_t index)
{
    uint64_t begin = index * transfer->parts.part_bytes;
    return (ByteRange){begin, MIN(transfer->parts.part_bytes, transfer->download->size_bytes - begin)};
}

MUST_USE static Error *note_part(Transfer *transfer, size_t index)
{
    CLEANUP(buffer_done) Buffer line = {0};
    TRY(download_state_add(&line, &(DownloadPart){index, transfer->parts.sums[index]}));
    return download_file_note(&transfer->file, buffer_bytes(&line));
}

MUST_USE static Error *check_size(const Transfer *transfer, const ObjectInfo *info)
{
    uint64_t size = transfer->download->size_bytes;
    if (info->size_bytes == UINT64_MAX || info->size_bytes == size)
        return NULL;
    return FAIL(CHANGED, "'" STR_FMT "' has %llu bytes and not the %llu that were listed",
                STR_ARG(transfer->download->key), (unsigned long long)info->size_bytes, (unsigned long long)size);
}

static Error *stream_begin(void *context, uint64_t offset_bytes, const ObjectInfo *info)
{
    Flight *flight = context;
    Transfer *transfer = flight->transfer;
    TRY(check_size(transfer, info));
    flight->at = flight->begin + offset_bytes;
    if (offset_bytes == 0) {
        checksum_begin(&flight->sum, flight->summed_by);
        flight->part = flight->kind == FLIGHT_PART ? flight->part : 0;
    }
    if (transfer->file.fd >= 0)
        return NULL;
    return download_file_create(&transfer->file, transfer->number, transfer->download->size_bytes);
}

/* `piece` ends where a step ends, or before. */
MUST_USE static Error *write_step(Flight *flight, Bytes piece, bool ends)
{
    Transfer *transfer = flight->transfer;
    checksum_add(&flight->sum, piece);
    TRY(download_file_write(&transfer->file, flight->at, piece));
    flight->at += piece.len;
    if (!ends)
        return NULL;
    transfer->parts.sums[flight->part] = checksum_end(&flight->sum);
    TRY(note_part(transfer, flight->part++));
    checksum_begin(&flight->sum, flight->summed_by);
    return NULL;
}

/* A stream that can be continued: each step is in the record when its bytes are in the file. */
MUST_USE static Error *write_steps(Flight *flight, Bytes piece)
{
    while (piece.len > 0) {
        ByteRange step = range_of_part(flight->transfer, flight->part);
        uint64_t left = step.offset_bytes + step.length_bytes - flight->at;
        size_t len = (size_t)MIN((uint64_t)piece.len, left);
        TRY(write_step(flight, bytes_from(piece.data, len), len == left));
        piece = bytes_from(piece.data + len, piece.len - len);
    }
    return NULL;
}

static Error *stream_write(void *context, Bytes piece)
{
    Flight *flight = context;
    if (piece.len > flight->end - flight->at)
        return FAIL(CORRUPT, "'" STR_FMT "': more bytes came than were asked for",
                    STR_ARG(flight->transfer->download->key));
    if (flight->kind == FLIGHT_STREAM && flight->transfer->parts.count > 0)
        return write_steps(flight, piece);
    if (flight->kind == FLIGHT_PART)
        checksum_add(&flight->sum, piece);
    TRY(download_file_write(&flight->transfer->file, flight->at, piece));
    flight->at += piece.len;
    return NULL;
}

/* ---- an object in ranges ---- */

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* Parts as the object was uploaded are read fastest: "...-N" tells how many there were. 0: not known. Source: spec/s3.md 4.7. */
static uint64_t stored_part_bytes(Str etag, uint64_t size_bytes)
{
    uint64_t count;
    size_t dash = str_rfind_char(etag, '-');
    if (dash == SIZE_MAX || !str_to_u64(str_slice(etag, dash + 1, etag.len), &count) || count < 2
        || count > size_bytes / MIB)
        return 0;
    return round_up((size_bytes + count - 1) / count, MIB);
}

static uint64_t choose_part_bytes(const Transfer *transfer)
{
    const DownloadOptions *options = &transfer->owner->options;
    uint64_t size = transfer->download->size_bytes, least = round_up(size / PARTS_COUNT_MAX, MIB);
    if (options->part_bytes > 0)
        return MAX(options->part_bytes, least);
    uint64_t wanted = round_up(size / (4 * (uint64_t)options->parts_max), MIB);
    wanted = MIN(MAX(wanted, (uint64_t)PART_LEAST_BYTES), (uint64_t)PART_MOST_BYTES);
    uint64_t stored = stored_part_bytes(etag_of(transfer), size);
    if (stored >= STORED_LEAST_BYTES && stored <= PART_MOST_BYTES)
        wanted = stored; /* and the server's sum of sums can be made again */
    return MAX(wanted, least);
}

static DownloadIdentity identity_of(const Transfer *transfer)
{
    return (DownloadIdentity){transfer->download->key, etag_of(transfer), transfer->download->size_bytes};
}

MUST_USE static Error *begin_record(Transfer *transfer)
{
    CLEANUP(buffer_done) Buffer line = {0};
    DownloadIdentity identity = identity_of(transfer);
    TRY(download_file_reset_record(&transfer->file));
    TRY(download_state_begin(&line, &identity, transfer->parts.part_bytes));
    return download_file_note(&transfer->file, buffer_bytes(&line));
}

MUST_USE static Error *make_sums(Transfer *transfer, uint64_t part_bytes)
{
    Parts *parts = &transfer->parts;
    parts->part_bytes = part_bytes;
    parts->count = (size_t)((transfer->download->size_bytes + part_bytes - 1) / part_bytes);
    parts->left = parts->count;
    parts->sums = calloc(parts->count, sizeof(*parts->sums));
    return parts->sums ? NULL
                       : FAIL(NO_MEMORY, "download '" STR_FMT "': out of memory", STR_ARG(transfer->download->key));
}

/* A part of an earlier run counts when its bytes prove it. */
MUST_USE static Error *believe_part(Transfer *transfer, const DownloadPart *part)
{
    Parts *parts = &transfer->parts;
    Checksum got;
    if (part->index >= parts->count || parts->sums[part->index].kind != CHECKSUM_NONE)
        return NULL;
    TRY(cancel_check(transfer->owner->options.cancel));
    ByteRange range = range_of_part(transfer, (size_t)part->index);
    Error *err =
        download_file_checksum(&transfer->file, range.offset_bytes, range.length_bytes, part->checksum.kind, &got);
    if (error_code(err) == ERR_CORRUPT) {
        error_free(err); /* the file is shorter: this part has to come again */
        return NULL;
    }
    TRY(err);
    if (!checksum_equal(&got, &part->checksum))
        return NULL;
    parts->sums[part->index] = got;
    parts->left--;
    transfer->download->resumed_bytes += range.length_bytes;
    return NULL;
}

/* True when there is a record of this object, whose part size then counts. */
MUST_USE static Error *resume(Transfer *transfer, bool *ret_resumed)
{
    CLEANUP(buffer_done) Buffer record = {.limit = RECORD_MAX_BYTES};
    DownloadIdentity identity = identity_of(transfer);
    DownloadPart part;
    uint64_t part_bytes;

    TRY(download_file_read_record(&transfer->file, &record));
    Str rest = buffer_str(&record);
    *ret_resumed = download_state_open(&rest, &identity, &part_bytes)
                   && part_bytes >= round_up(identity.size_bytes / PARTS_COUNT_MAX, MIB) / 2;
    if (!*ret_resumed)
        return NULL;
    TRY(make_sums(transfer, part_bytes));
    while (download_state_next(&rest, &part))
        TRY(believe_part(transfer, &part));
    return NULL;
}

static uint32_t number_of(const Transfer *transfer)
{
    Str etag = etag_of(transfer);
    uint64_t hash = xxh64(str_bytes(transfer->download->key)) * UINT64_C(0x9e3779b97f4a7c15) ^ xxh64(str_bytes(etag));
    return (uint32_t)(hash >> 32);
}

static void parts_go_on(Transfer *transfer);

/* The file and the record of an earlier run, or new ones. */
MUST_USE static Error *open_recorded(Transfer *transfer, uint64_t part_bytes)
{
    Parts *parts = &transfer->parts;
    bool found, resumed = false;

    TRY(download_file_continue(&transfer->file, number_of(transfer), transfer->download->size_bytes, &found));
    parts->kind = checksum_is_crc(transfer->whole.kind) ? transfer->whole.kind : CHECKSUM_CRC64NVME;
    if (found)
        TRY(resume(transfer, &resumed));
    if (resumed)
        return NULL;
    TRY(make_sums(transfer, part_bytes));
    return begin_record(transfer);
}

MUST_USE static Error *parts_take_off(Transfer *transfer)
{
    if (!transfer->etag) {
        TRY(take_off(transfer, FLIGHT_DESCRIBE, 0, BYTE_RANGE_ALL));
        transfer->parts.describing = true;
    }
    parts_go_on(transfer);
    return NULL;
}

MUST_USE static Error *parts_begin(Transfer *transfer)
{
    TRY(open_recorded(transfer, choose_part_bytes(transfer)));
    return parts_take_off(transfer);
}

/* One stream; where an earlier one was cut, the rest of it in ranges. */
MUST_USE static Error *recorded_stream_begin(Transfer *transfer)
{
    TRY(open_recorded(transfer, STEP_BYTES));
    if (transfer->parts.left < transfer->parts.count)
        return parts_take_off(transfer);
    return take_off(transfer, FLIGHT_STREAM, 0, BYTE_RANGE_ALL);
}

/* The sum of a part by the server's kind; those that came before that was known are read back. */
MUST_USE static Error *sum_of_part(const Transfer *transfer, size_t index, Checksum *ret_sum)
{
    *ret_sum = transfer->parts.sums[index];
    if (ret_sum->kind == transfer->whole.kind)
        return NULL;
    ByteRange range = range_of_part(transfer, index);
    return download_file_checksum(&transfer->file, range.offset_bytes, range.length_bytes, transfer->whole.kind,
                                  ret_sum);
}

/* A sum of the sums of parts as they were uploaded. Where ours are those, it is a proof; else it says nothing. */
MUST_USE static Error *prove_by_parts(Transfer *transfer)
{
    CLEANUP(buffer_done) Buffer values = {0};
    const Checksum *whole = &transfer->whole;
    if (whole->parts != transfer->parts.count)
        return NULL;
    for (size_t i = 0; i < transfer->parts.count; i++) {
        Checksum part;
        TRY(sum_of_part(transfer, i, &part));
        TRY(buffer_append(&values, part.value, checksum_bytes(part.kind)));
    }
    Checksum sum = checksum_of(whole->kind, buffer_bytes(&values));
    sum.parts = whole->parts;
    if (checksum_equal(&sum, whole))
        transfer->download->proof = sum;
    return NULL;
}

static bool proven_by_digest(const Transfer *transfer)
{
    const Checksum *whole = &transfer->whole;
    return whole->kind != CHECKSUM_NONE && !checksum_is_crc(whole->kind) && whole->parts == 0;
}

/* A digest is made in order. What is there of it from the first part on is read back, at most `most` parts at once, while others are still
 * on their way: the last part does not wait for all. */
MUST_USE static Error *digest_parts(Transfer *transfer, size_t most)
{
    Parts *parts = &transfer->parts;
    if (!proven_by_digest(transfer))
        return NULL;
    if (parts->digested == 0)
        checksum_begin(&parts->digest, transfer->whole.kind);
    for (; most > 0 && parts->digested < parts->count; most--, parts->digested++) {
        if (parts->sums[parts->digested].kind == CHECKSUM_NONE)
            return NULL;
        TRY(cancel_check(transfer->owner->options.cancel));
        ByteRange range = range_of_part(transfer, parts->digested);
        TRY(download_file_digest(&transfer->file, range.offset_bytes, range.length_bytes, &parts->digest));
    }
    return NULL;
}

MUST_USE static Error *prove_by_digest(Transfer *transfer, bool *ret_right)
{
    TRY(digest_parts(transfer, SIZE_MAX));
    Checksum sum = checksum_end(&transfer->parts.digest);
    *ret_right = checksum_equal(&sum, &transfer->whole);
    if (*ret_right)
        transfer->download->proof = sum;
    return NULL;
}

/* All parts have come: do they add up to what the server says of the whole? */
MUST_USE static Error *prove_whole(Transfer *transfer, bool *ret_right)
{
    Parts *parts = &transfer->parts;
    Checksum sum = {0}, part;
    ASSERT(parts->left == 0);

    *ret_right = true;
    if (proven_by_digest(transfer))
        return prove_by_digest(transfer, ret_right);
    if (!checksum_is_crc(transfer->whole.kind))
        return NULL;
    if (transfer->whole.parts > 0)
        return prove_by_parts(transfer);
    for (size_t i = 0; i < parts->count; i++) {
        TRY(sum_of_part(transfer, i, &part));
        sum = i == 0 ? part : checksum_combine(&sum, &part, range_of_part(transfer, i).length_bytes);
    }
    *ret_right = checksum_equal(&sum, &transfer->whole);
    if (*ret_right)
        transfer->download->proof = sum;
    return NULL;
}

MUST_USE static Error *mismatch_error(const Transfer *transfer)
{
    char text[CHECKSUM_TEXT_MAX_BYTES + 8];
    checksum_text(&transfer->whole, text);
    return FAIL(CORRUPT, "'" STR_FMT "': the parts that came do not add up to the %s %s of the whole, twice",
                STR_ARG(transfer->download->key), checksum_name(transfer->whole.kind), text);
}

/* Nothing that came is believed; over new connections. */
MUST_USE static Error *start_over(Transfer *transfer)
{
    Parts *parts = &transfer->parts;
    memset(parts->sums, 0, parts->count * sizeof(*parts->sums));
    parts->left = parts->count;
    parts->next = 0;
    parts->digested = 0;
    parts->written_back_count = 0;
    transfer->download->resumed_bytes = 0;
    return begin_record(transfer);
}

static void parts_finish(Transfer *transfer)
{
    bool right = true;
    Error *err = prove_whole(transfer, &right);
    if (!err && !right) {
        err = ++transfer->parts.pass < PASSES ? start_over(transfer) : mismatch_error(transfer);
        if (!err) {
            parts_go_on(transfer);
            return;
        }
        if (error_code(err) == ERR_CORRUPT)
            download_file_remove(&transfer->file);
    }
    if (!err)
        err = download_file_settle(&transfer->file, transfer->download->modified_us);
    transfer_ended(transfer, err);
}

static void parts_go_on(Transfer *transfer)
{
    Parts *parts = &transfer->parts;
    unsigned most = transfer->owner->options.parts_max - (parts->describing ? 1 : 0);
    while (!parts->error && parts->in_flight < most && parts->next < parts->count) {
        size_t index = parts->next++;
        if (parts->sums[index].kind != CHECKSUM_NONE)
            continue;
        parts->error = take_off(transfer, FLIGHT_PART, index, range_of_part(transfer, index));
        parts->in_flight += parts->error ? 0 : 1;
    }
    if (parts->in_flight > 0 || parts->describing)
        return;
    Error *err = parts->error;
    parts->error = NULL;
    if (err)
        transfer_ended(transfer, err);
    else
        parts_finish(transfer);
}

/* The system writes large files early, and forgets the part before the last few of those larger than memory. */
static void write_back(Transfer *transfer, size_t index)
{
    Parts *parts = &transfer->parts;
    bool huge = transfer->download->size_bytes >= transfer->owner->drop_from_bytes;
    if (!huge && !transfer->owner->options.sync)
        return;
    ByteRange range = range_of_part(transfer, index);
    download_file_write_back(&transfer->file, range.offset_bytes, range.length_bytes, false);
    if (!huge)
        return;
    size_t *place = &parts->written_back[parts->written_back_count % WRITTEN_BACK];
    if (parts->written_back_count++ >= WRITTEN_BACK) {
        range = range_of_part(transfer, *place);
        download_file_write_back(&transfer->file, range.offset_bytes, range.length_bytes, true);
    }
    *place = index;
}

static void part_landed(Flight *flight, Error *take_error)
{
    Transfer *transfer = flight->transfer;
    Parts *parts = &transfer->parts;
    Error *err = take_error;

    parts->in_flight--;
    if (!err && flight->at != flight->end)
        err =
            FAIL(CORRUPT, "'" STR_FMT "': %llu bytes came where %llu were asked for", STR_ARG(transfer->download->key),
                 (unsigned long long)(flight->at - flight->begin), (unsigned long long)(flight->end - flight->begin));
    if (!err) {
        parts->sums[flight->part] = checksum_end(&flight->sum);
        parts->left--;
        err = note_part(transfer, flight->part);
    }
    if (!err)
        err = digest_parts(transfer, DIGESTED_AT_ONCE);
    if (!err)
        write_back(transfer, flight->part);
    if (parts->error)
        error_free(err); /* one tells it all */
    else
        parts->error = err;
    parts_go_on(transfer);
}

/* ---- what an object is ---- */

static Error *described(void *context, uint64_t offset_bytes, const ObjectInfo *info)
{
    (void)offset_bytes;
    Flight *flight = context;
    Transfer *transfer = flight->transfer;
    Download *download = transfer->download;
    if (download->etag.len == 0 && !transfer->etag) {
        transfer->etag = strndup(info->etag.data, info->etag.len);
        if (!transfer->etag)
            return FAIL(NO_MEMORY, "download '" STR_FMT "': out of memory", STR_ARG(download->key));
        download->size_bytes = info->size_bytes;
    }
    TRY(check_size(transfer, info));
    transfer->whole = info->checksum;
    return NULL;
}

MUST_USE static Error *route(Transfer *transfer)
{
    uint64_t size = transfer->download->size_bytes;
    if (size >= transfer->owner->options.multipart_bytes && size > 0)
        return parts_begin(transfer);
    if (size >= RECORD_FROM_BYTES)
        return recorded_stream_begin(transfer);
    return take_off(transfer, size < SMALL_BYTES ? FLIGHT_SMALL : FLIGHT_STREAM, 0, BYTE_RANGE_ALL);
}

static void describe_landed(Flight *flight, Error *take_error)
{
    Transfer *transfer = flight->transfer;
    Parts *parts = &transfer->parts;
    bool told = !take_error;

    if (!parts->describing) {
        Error *err = take_error ? take_error : route(transfer);
        if (err)
            transfer_ended(transfer, err);
        return;
    }
    parts->describing = false;
    if (told && checksum_is_crc(transfer->whole.kind))
        parts->kind = transfer->whole.kind;
    ErrorCode code = error_code(take_error);
    bool final = code == ERR_NOT_FOUND || code == ERR_CHANGED || code == ERR_CANCELLED;
    if (final && !parts->error)
        parts->error = take_error;
    else
        error_free(take_error); /* who may not ask (DENIED) goes without this proof */
    parts_go_on(transfer);
}

/* ---- an object in one piece ---- */

MUST_USE static Error *write_small(Transfer *transfer, Bytes body)
{
    TRY(check_size(transfer, &(ObjectInfo){.size_bytes = body.len}));
    TRY(download_file_create(&transfer->file, transfer->number, body.len));
    TRY(download_file_write(&transfer->file, 0, body));
    return download_file_settle(&transfer->file, transfer->download->modified_us);
}

MUST_USE static Error *end_stream(const Flight *flight)
{
    Transfer *transfer = flight->transfer;
    TRY(check_size(transfer, &(ObjectInfo){.size_bytes = flight->at}));
    return download_file_settle(&transfer->file, transfer->download->modified_us);
}

static void stream_landed(Flight *flight, Error *take_error)
{
    Transfer *transfer = flight->transfer;
    transfer->download->proof = flight->fetch.checksum;
    Error *err = take_error ? take_error : end_stream(flight);
    if (error_code(err) == ERR_CORRUPT)
        download_file_remove(&transfer->file); /* nobody knows which of its bytes are wrong */
    transfer_ended(transfer, err);
}

static void landed(Flight *flight)
{
    Transfer *transfer = flight->transfer;
    Downloads *d = transfer->owner;
    Error *err = flight->fetch.error;
    flight->fetch.error = NULL;
    switch (flight->kind) {
    case FLIGHT_PART: part_landed(flight, err); break;
    case FLIGHT_DESCRIBE: describe_landed(flight, err); break;
    case FLIGHT_SMALL:
        transfer->download->proof = flight->fetch.checksum;
        transfer_ended(transfer, err ? err : write_small(transfer, buffer_bytes(&flight->fetch.body)));
        break;
    case FLIGHT_STREAM: stream_landed(flight, err); break;
    }
    flight->next_spare = d->spare_flights;
    d->spare_flights = flight;
}

/* ---- the face ---- */

/* True: it has ended already. */
MUST_USE static Error *start(Transfer *transfer, bool *ret_ended)
{
    Downloads *d = transfer->owner;
    Download *download = transfer->download;
    *ret_ended = false;
    TRY(download_file_init(&transfer->file, &d->dirs, download->path, d->options.escape_names));
    if (transfer->file.name[0] == '\0') {
        *ret_ended = true;
        return download->size_bytes == 0 ? NULL
                                         : FAIL(INVALID,
                                                "'" STR_FMT "' has content, and its path '" STR_FMT "' is a directory; "
                                                "escape names (--escape-names) to keep such objects",
                                                STR_ARG(download->key), STR_ARG(download->path));
    }
    return download->etag.len == 0 ? take_off(transfer, FLIGHT_DESCRIBE, 0, BYTE_RANGE_ALL) : route(transfer);
}

void downloads_start(Downloads *d, Download *download)
{
    bool ended;
    download->error = NULL;
    download->proof = (Checksum){0};
    download->resumed_bytes = 0;
    download->state = NULL;
    Error *err = transfer_new(d, download);
    if (err) {
        download_ended(d, download, err);
        return;
    }
    err = start(download->state, &ended);
    if (err || ended)
        transfer_ended(download->state, err);
}

Download *downloads_next(Downloads *d)
{
    while (!d->ended) {
        StoreFetch *fetch = store_batch_next(d->batch);
        if (!fetch)
            return NULL;
        landed(fetch->user);
    }
    Download *download = d->ended;
    d->ended = download->next;
    if (!d->ended)
        d->ended_last = NULL;
    download->next = NULL;
    return download;
}

MUST_USE static Error *sync_directory(const Downloads *d, const DownloadFile *file)
{
    if (fsync(file->dir->fd) == 0)
        return NULL;
    return FAIL_ERRNO("write the directory '%s/%s' to disk", d->dirs.root, file->dir->path);
}

static DownloadFile *file_of(const Download *download)
{
    return &((Transfer *)download->state)->file;
}

/* Once for all that lie in the directory of the i-th. */
static void sync_directory_of(const Downloads *d, Download *const *list, size_t count, size_t i)
{
    const FileDir *dir = file_of(list[i])->dir;
    for (size_t before = 0; before < i; before++) {
        if (file_of(list[before])->dir == dir && !list[before]->error)
            return;
    }
    Error *err = sync_directory(d, file_of(list[i]));
    for (size_t k = i; err && k < count; k++) {
        if (file_of(list[k])->dir == dir && !list[k]->error)
            list[k]->error = error_copy(err);
    }
    error_free(err);
}

/* From this many on one flush of the file system costs less than one of each file. */
enum { SYNC_ALL_FROM = 8 };

static void sync_data(Download *const *list, size_t count)
{
    bool all = count >= SYNC_ALL_FROM && syncfs(file_of(list[0])->dir->fd) == 0;
    dev_t device = 0;
    struct stat st;
    for (size_t i = 0; i < count; i++) {
        bool known = fstat(file_of(list[i])->dir->fd, &st) == 0;
        if (i == 0)
            device = st.st_dev;
        if (!all || !known || st.st_dev != device)
            list[i]->error = download_file_sync(file_of(list[i]));
    }
}

void downloads_publish(Downloads *d, Download *const *list, size_t count)
{
    if (d->options.sync && count > 0)
        sync_data(list, count);
    for (size_t i = 0; i < count; i++) {
        if (!list[i]->error)
            list[i]->error = download_file_publish(file_of(list[i]));
    }
    for (size_t i = 0; d->options.sync && i < count; i++) {
        if (!list[i]->error)
            sync_directory_of(d, list, count, i);
    }
    for (size_t i = 0; i < count; i++) {
        if (!list[i]->error)
            transfer_release(list[i]->state);
    }
}

Error *download_publish(Downloads *d, Download *download)
{
    downloads_publish(d, &download, 1);
    Error *err = download->error;
    download->error = NULL;
    return err;
}

void download_keep(Downloads *d, Download *download)
{
    (void)d;
    if (!download->state)
        return;
    if (!file_of(download)->state[0])
        download_file_remove(file_of(download));
    transfer_release(download->state);
}

void download_discard(Downloads *d, Download *download)
{
    (void)d;
    if (!download->state)
        return;
    download_file_remove(file_of(download));
    transfer_release(download->state);
}

void downloads_free(Downloads *d)
{
    if (!d)
        return;
    store_batch_free(d->batch);
    for (Download *download = d->ended; download; download = download->next) {
        error_free(download->error); /* nobody asks any more */
        download->error = NULL;
    }
    while (d->live)
        download_keep(d, d->live->download);
    for (Transfer *transfer; (transfer = d->spare_transfers) != NULL;) {
        d->spare_transfers = transfer->next;
        free(transfer);
    }
    for (Flight *flight; (flight = d->made_flights) != NULL;) {
        d->made_flights = flight->next_made;
        buffer_done(&flight->fetch.body);
        free(flight);
    }
    file_dirs_done(&d->dirs);
    free(d);
}

/* ---- leftovers ---- */

static bool in_use(const Downloads *d, const FileDir *dir, const char *name)
{
    for (const Transfer *transfer = d->live; transfer; transfer = transfer->next) {
        const DownloadFile *file = &transfer->file;
        bool here = file->dir && strcmp(file->dir->path, dir->path) == 0;
        if (here && (strcmp(file->temp, name) == 0 || strcmp(file->state, name) == 0))
            return true;
    }
    return false;
}

static bool is_leftover(const Downloads *d, const FileDir *dir, const char *name, int64_t before_us)
{
    struct stat st;
    Str text = str_of(name);
    bool ours = file_name_is_private(text)
                && (str_ends_with(text, STR(FILE_TEMP_SUFFIX)) || str_ends_with(text, STR(FILE_STATE_SUFFIX)));
    if (!ours || in_use(d, dir, name) || fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
        return false;
    return (int64_t)st.st_ctim.tv_sec * 1000000 + st.st_ctim.tv_nsec / 1000 < before_us;
}

MUST_USE static Error *clean_in(const Downloads *d, const FileDir *dir, int64_t before_us, uint64_t *ret_removed)
{
    int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (!listing) {
        Error *err = FAIL_ERRNO("look for leftovers in '%s%s%s'", d->dirs.root, dir->path[0] ? "/" : "", dir->path);
        cleanup_close(&fd);
        return err;
    }
    for (const struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        if (is_leftover(d, dir, entry->d_name, before_us) && unlinkat(dir->fd, entry->d_name, 0) == 0)
            ++*ret_removed;
    }
    (void)closedir(listing);
    return NULL;
}

Error *downloads_clean_directory(Downloads *d, Str directory, int64_t age_us, uint64_t *ret_removed)
{
    FilePath place;
    FileDir *dir;
    *ret_removed = 0;
    TRY(file_path_of_dir(directory, d->options.escape_names, &place));
    Error *err = file_dirs_open(&d->dirs, place.dir, FILE_DIR_EXISTING, &dir);
    if (error_code(err) == ERR_NOT_FOUND) {
        error_free(err); /* no directory, no leftovers */
        return NULL;
    }
    TRY(err);
    err = clean_in(d, dir, clock_wall_us(clock_system()) - age_us, ret_removed);
    file_dirs_release(&d->dirs, dir);
    return err;
}

Error *downloads_clean(Downloads *d, int64_t age_us, uint64_t *ret_removed)
{
    return downloads_clean_directory(d, STR_EMPTY, age_us, ret_removed);
}
