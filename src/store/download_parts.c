#include "store/download_transfer.h"

#include <stdlib.h>

#include "base/hash.h"
#include "store/download_state.h"

enum { PARTS_COUNT_MAX = 1 << 20, PASSES = 2, DIGESTED_AT_ONCE = 2 };
#define PART_LEAST_BYTES (8 * MIB)
#define PART_MOST_BYTES (64 * MIB)
#define STEP_BYTES (8 * MIB)         /* of which it is recorded what has come */
#define STORED_LEAST_BYTES (5 * MIB) /* S3 takes no smaller parts */
#define RECORD_MAX_BYTES (128 * MIB)

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

/* A drain ends what a later run can continue where the next piece of it would begin. */
MUST_USE static Error *check_drain(const Transfer *transfer)
{
    if (!cancel_draining(transfer->owner->options.cancel))
        return NULL;
    return FAIL(CANCELLED, "'" STR_FMT "': the run ended before all of it had come; the next one goes on from there",
                STR_ARG(transfer->download->key));
}

/* ---- on a network thread: a stream that can be continued ---- */

/* `piece` ends where a step ends, or before. */
MUST_USE static Error *write_step(Flight *flight, Bytes piece, bool ends)
{
    Transfer *transfer = flight->transfer;
    checksum_add(&flight->sum, piece);
    TRY(download_file_write(&transfer->file, flight->at, piece));
    flight->at += piece.len;
    transfer_count(transfer, piece.len, 0);
    if (!ends)
        return NULL;
    transfer->parts.sums[flight->part] = checksum_end(&flight->sum);
    TRY(note_part(transfer, flight->part++));
    checksum_begin(&flight->sum, flight->summed_by);
    return flight->at < flight->end ? check_drain(transfer) : NULL;
}

/* A stream that can be continued: each step is in the record when its bytes are in the file. */
Error *parts_write(Flight *flight, Bytes piece)
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

/* ---- the record ---- */

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
    uint64_t stored = stored_part_bytes(transfer_etag_view(transfer), size);
    if (stored >= STORED_LEAST_BYTES && stored <= PART_MOST_BYTES)
        wanted = stored; /* and the server's sum of sums can be made again */
    return MAX(wanted, least);
}

static DownloadIdentity identity_of(const Transfer *transfer)
{
    return (DownloadIdentity){transfer->download->key, transfer_etag_view(transfer), transfer->download->size_bytes};
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
    TRY(check_drain(transfer));
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
    atomic_fetch_add_explicit(&transfer->owner->resumed_bytes, range.length_bytes, memory_order_relaxed);
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
    Str etag = transfer_etag_view(transfer);
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
        TRY(transfer_take_off(transfer, FLIGHT_DESCRIBE, 0, BYTE_RANGE_ALL));
        transfer->parts.describing = true;
    }
    parts_go_on(transfer);
    return NULL;
}

Error *parts_begin(Transfer *transfer)
{
    TRY(open_recorded(transfer, choose_part_bytes(transfer)));
    return parts_take_off(transfer);
}

/* One stream; where an earlier one was cut, the rest of it in ranges. */
Error *parts_begin_stream(Transfer *transfer)
{
    TRY(open_recorded(transfer, STEP_BYTES));
    if (transfer->parts.left < transfer->parts.count)
        return parts_take_off(transfer);
    return transfer_take_off(transfer, FLIGHT_STREAM, 0, BYTE_RANGE_ALL);
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
    transfer_forget_count(transfer);
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
    if (!parts->error && parts->left > parts->in_flight)
        parts->error = check_drain(transfer);
    while (!parts->error && parts->in_flight < most && parts->next < parts->count) {
        size_t index = parts->next++;
        if (parts->sums[index].kind != CHECKSUM_NONE)
            continue;
        parts->error = transfer_take_off(transfer, FLIGHT_PART, index, range_of_part(transfer, index));
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

void parts_landed(Flight *flight, Error *take_error)
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

void parts_described(Transfer *transfer, Error *take_error)
{
    Parts *parts = &transfer->parts;
    parts->describing = false;
    if (!take_error && checksum_is_crc(transfer->whole.kind))
        parts->kind = transfer->whole.kind;
    ErrorCode code = error_code(take_error);
    bool final = code == ERR_NOT_FOUND || code == ERR_CHANGED || code == ERR_CANCELLED;
    if (final && !parts->error)
        parts->error = take_error;
    else
        error_free(take_error); /* who may not ask (DENIED) goes without this proof */
    parts_go_on(transfer);
}
