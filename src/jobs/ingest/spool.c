#include "jobs/ingest/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void spool_done(Spool *spool)
{
    if (spool->in_file)
        close(spool->fd);
    buffer_done(&spool->memory);
    *spool = (Spool){0};
}

/* A file that is gone when its descriptor is, also after a kill; where the file system has none of the kind, one that loses its name at once. */
static int open_nameless(const char *directory)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    char *path = NULL;
    if (asprintf(&path, "%s/.quern-XXXXXX", directory) < 0)
        return -1;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    free(path);
    return fd;
}

static Error *open_file(Spool *spool)
{
    int fd = -1;
    const char *last = "";
    for (const char *const *directory = spool->directories; *directory && fd < 0; directory++) {
        last = *directory;
        fd = open_nameless(last);
    }
    if (fd < 0)
        return FAIL_ERRNO("make a temporary file in '%s' (--state-dir names another directory)", last);
    spool->fd = fd;
    spool->in_file = true;
    return NULL;
}

static Error *write_file(Spool *spool, Bytes piece)
{
    while (piece.len) {
        ssize_t put = write(spool->fd, piece.data, piece.len);
        if (put < 0 && errno != EINTR)
            return FAIL_ERRNO("write a temporary file");
        if (put > 0)
            piece = bytes_from(piece.data + put, piece.len - (size_t)put);
    }
    return NULL;
}

Error *spool_write(Spool *spool, Bytes piece)
{
    if (spool->bytes_max && piece.len > spool->bytes_max - spool->size_bytes)
        return FAIL(LIMIT, "its output is larger than %llu bytes", (unsigned long long)spool->bytes_max);
    if (!spool->in_file && piece.len > SPOOL_MEMORY_BYTES - MIN(spool->memory.len, (size_t)SPOOL_MEMORY_BYTES)) {
        TRY(open_file(spool));
        TRY(write_file(spool, buffer_bytes(&spool->memory)));
        buffer_done(&spool->memory);
    }
    TRY(spool->in_file ? write_file(spool, piece) : buffer_append(&spool->memory, piece.data, piece.len));
    spool->size_bytes += piece.len;
    return NULL;
}

static Error *read_spool(void *context, uint64_t offset_bytes, uint8_t *out, size_t len)
{
    const Spool *spool = context;
    ASSERT(offset_bytes <= spool->size_bytes && len <= spool->size_bytes - offset_bytes);
    if (!spool->in_file) {
        if (len)
            memcpy(out, spool->memory.data + offset_bytes, len);
        return NULL;
    }
    for (size_t at = 0; at < len;) {
        ssize_t got = pread(spool->fd, out + at, len - at, (off_t)(offset_bytes + at));
        if (got == 0)
            return FAIL(CHANGED, "read a temporary file: it became shorter");
        if (got < 0 && errno != EINTR)
            return FAIL_ERRNO("read a temporary file");
        at += got > 0 ? (size_t)got : 0;
    }
    return NULL;
}

PutBody spool_body(Spool *spool)
{
    return (PutBody){spool->size_bytes, read_spool, spool};
}
