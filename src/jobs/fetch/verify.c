/* --verify etag and checksum: is a file of the right size the object? */
#include <errno.h>
#include <unistd.h>

#include "base/hash.h"
#include "jobs/fetch/job.h"

enum { READ_BYTES = 1 << 18, HEAD_ARENA_BYTES = 1 << 20 };

/* An ETag that may be the content's MD5: 32 hex digits, without the "-3" of a multipart upload. */
static bool etag_is_md5(Str etag, Checksum *ret_md5)
{
    uint8_t value[MD5_BYTES];
    if (etag.len != 2 * (size_t)MD5_BYTES)
        return false;
    for (size_t i = 0; i < etag.len; i++) {
        char c = etag.data[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return false;
        value[i / 2] = (uint8_t)(value[i / 2] << 4 | digit);
    }
    *ret_md5 = (Checksum){.kind = CHECKSUM_MD5};
    memcpy(ret_md5->value, value, sizeof value);
    return true;
}

static Error *checksum_file(Fetch *fetch, const Cancel *cancel, Str name, ChecksumKind kind, Checksum *ret_checksum)
{
    CLEANUP(cleanup_close) int fd = -1;
    CLEANUP(buffer_done) Buffer piece = {0};
    ChecksumState state;
    ssize_t got;
    TRY(dataset_open_file(&fetch->dataset, name, &fd));
    TRY(buffer_reserve(&piece, READ_BYTES));
    checksum_begin(&state, kind);
    while ((got = read(fd, piece.data, READ_BYTES)) != 0) {
        if (got < 0 && errno != EINTR)
            return FAIL_ERRNO("read '" STR_FMT "'", STR_ARG(name));
        TRY(cancel_check(cancel));
        if (got > 0)
            checksum_add(&state, bytes_from(piece.data, (size_t)got));
    }
    *ret_checksum = checksum_end(&state);
    return NULL;
}

static Error *file_has(Fetch *fetch, const Cancel *cancel, size_t index, const Checksum *wanted, bool *ret_has)
{
    Checksum own;
    TRY(checksum_file(fetch, cancel, selection_name_view(&fetch->selection, index), wanted->kind, &own));
    *ret_has = checksum_equal(&own, wanted);
    return NULL;
}

/* The checksum that the server keeps, when it is one of the whole content; else nothing is known. */
static Error *has_kept_checksum(Fetch *fetch, const Cancel *cancel, size_t index, bool *ret_has)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(HEAD_ARENA_BYTES);
    CLEANUP(buffer_done) Buffer key = {0};
    ObjectInfo info;
    *ret_has = false;
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(buffer_append_str(&key, fetch->prefix));
    TRY(buffer_append_str(&key, selection_key_view(&fetch->selection, index)));
    Error *error = store_head(fetch->source.store, cancel, buffer_str(&key), arena, &info);
    if (error_code(error) == ERR_NOT_FOUND) {
        error_free(error); /* gone since the listing: fetching it says so */
        return NULL;
    }
    TRY(error);
    bool usable = info.checksum.kind != CHECKSUM_NONE && info.checksum.parts == 0
                  && str_equal(info.etag, selection_etag_view(&fetch->selection, index));
    return usable ? file_has(fetch, cancel, index, &info.checksum, ret_has) : NULL;
}

Error *fetch_is_current(Fetch *fetch, const Cancel *cancel, size_t index, Str stored_hash, bool *ret_current)
{
    Str etag = selection_etag_view(&fetch->selection, index);
    Checksum md5;
    *ret_current = fetch->verify == VERIFY_ETAG && etag.len && str_equal(stored_hash, etag);
    /* Not known, or known to differ: a run that was cut short between file and manifest leaves both. The content tells. */
    if (!*ret_current && etag_is_md5(etag, &md5))
        TRY(file_has(fetch, cancel, index, &md5, ret_current));
    if (!*ret_current && fetch->verify == VERIFY_CHECKSUM)
        TRY(has_kept_checksum(fetch, cancel, index, ret_current));
    return NULL;
}
