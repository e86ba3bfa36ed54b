#include "store/download.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/download_transfer.h"

enum { PARTS_IN_FLIGHT = 8 };
/* Below this a body comes into memory and becomes a file in one write, by the thread that collects. */
#define SMALL_BYTES (256 * KIB)
#define MULTIPART_BYTES (16 * MIB)
#define RECORD_FROM_BYTES (64 * MIB) /* a stream of this size and more can be continued. Source: spec/s3.md 5.3 */

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
    atomic_init(&transfer->come_bytes, 0);
    transfer->parts = (Parts){0};
    transfer->previous = NULL;
    transfer->next = d->live;
    if (d->live)
        d->live->previous = transfer;
    d->live = transfer;
    download->state = transfer;
    return NULL;
}

void transfer_count(Transfer *transfer, uint64_t more, uint64_t fewer)
{
    atomic_fetch_add_explicit(&transfer->come_bytes, more - fewer, memory_order_relaxed);
    atomic_fetch_add_explicit(&transfer->owner->come_bytes, more - fewer, memory_order_relaxed);
}

void transfer_forget_count(Transfer *transfer)
{
    transfer_count(transfer, 0, atomic_load_explicit(&transfer->come_bytes, memory_order_relaxed));
    atomic_fetch_sub_explicit(&transfer->owner->resumed_bytes, transfer->download->resumed_bytes, memory_order_relaxed);
}

/* What is on disk stays. */
static void transfer_release(Transfer *transfer)
{
    Downloads *d = transfer->owner;
    transfer_forget_count(transfer);
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
void transfer_ended(Transfer *transfer, Error *take_error)
{
    download_file_close(&transfer->file);
    if (take_error && !transfer->file.state[0])
        download_file_remove(&transfer->file);
    download_ended(transfer->owner, transfer->download, take_error);
}

Str transfer_etag_view(const Transfer *transfer)
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
Error *transfer_take_off(Transfer *transfer, FlightKind kind, size_t part, ByteRange range)
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
        .if_etag = transfer_etag_view(transfer),
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
    transfer_count(transfer, flight->begin + offset_bytes, flight->at);
    flight->at = flight->begin + offset_bytes;
    if (offset_bytes == 0) {
        checksum_begin(&flight->sum, flight->summed_by);
        flight->part = flight->kind == FLIGHT_PART ? flight->part : 0;
    }
    if (transfer->file.fd >= 0)
        return NULL;
    return download_file_create(&transfer->file, transfer->number, transfer->download->size_bytes);
}

static Error *stream_write(void *context, Bytes piece)
{
    Flight *flight = context;
    if (piece.len > flight->end - flight->at)
        return FAIL(CORRUPT, "'" STR_FMT "': more bytes came than were asked for",
                    STR_ARG(flight->transfer->download->key));
    if (flight->kind == FLIGHT_STREAM && flight->transfer->parts.count > 0)
        return parts_write(flight, piece);
    if (flight->kind == FLIGHT_PART)
        checksum_add(&flight->sum, piece);
    TRY(download_file_write(&flight->transfer->file, flight->at, piece));
    flight->at += piece.len;
    transfer_count(flight->transfer, piece.len, 0);
    return NULL;
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
        return parts_begin_stream(transfer);
    return transfer_take_off(transfer, size < SMALL_BYTES ? FLIGHT_SMALL : FLIGHT_STREAM, 0, BYTE_RANGE_ALL);
}

static void describe_landed(Flight *flight, Error *take_error)
{
    Transfer *transfer = flight->transfer;
    if (transfer->parts.describing) {
        parts_described(transfer, take_error);
        return;
    }
    Error *err = take_error ? take_error : route(transfer);
    if (err)
        transfer_ended(transfer, err);
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
    case FLIGHT_PART: parts_landed(flight, err); break;
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
    return download->etag.len == 0 ? transfer_take_off(transfer, FLIGHT_DESCRIBE, 0, BYTE_RANGE_ALL) : route(transfer);
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

Download *downloads_next_ended(Downloads *d)
{
    Download *download = d->ended;
    if (!download)
        return NULL;
    d->ended = download->next;
    if (!d->ended)
        d->ended_last = NULL;
    download->next = NULL;
    return download;
}

Download *downloads_next(Downloads *d)
{
    while (!d->ended) {
        StoreFetch *fetch = store_batch_next(d->batch);
        if (!fetch)
            return NULL;
        landed(fetch->user);
    }
    return downloads_next_ended(d);
}

DownloadsUnderWay downloads_under_way(const Downloads *d)
{
    return (DownloadsUnderWay){atomic_load_explicit(&d->come_bytes, memory_order_relaxed),
                               atomic_load_explicit(&d->resumed_bytes, memory_order_relaxed)};
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
