#include "store/download_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { TEMP_MODE = 0666, TEMP_FLAGS = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, NAME_TRIES = 16 };
#define RESERVE_FROM_BYTES (1 * MIB)
#define RECORD_CHUNK_BYTES ((size_t)64 * KIB)
#define READ_CHUNK_BYTES ((size_t)1 * MIB)

/* errno, with the file that it is about. */
MUST_USE static Error *file_error(const DownloadFile *file, const char *doing)
{
    const char *dir = file->dir ? file->dir->path : "";
    const char *slash = dir[0] ? "/" : "";
    int number = errno;
    if (number == ENAMETOOLONG)
        return FAIL(INVALID, "%s '%s/%s%s%s': the name is longer than this file system allows", doing, file->dirs->root,
                    dir, slash, file->name);
    if (number == EISDIR || number == ENOTEMPTY)
        return FAIL(INVALID, "%s '%s/%s%s%s': there is a directory of this name", doing, file->dirs->root, dir, slash,
                    file->name);
    errno = number;
    return FAIL_ERRNO("%s '%s/%s%s%s'", doing, file->dirs->root, dir, slash, file->name);
}

Error *download_file_init(DownloadFile *file, FileDirs *dirs, Str path, bool escape)
{
    FilePath place;
    file->dirs = dirs;
    file->dir = NULL;
    file->name[0] = file->temp[0] = file->state[0] = '\0';
    file->fd = file->state_fd = -1;
    TRY(file_path_of(path, escape, &place));
    memcpy(file->name, place.name, strlen(place.name) + 1);
    return file_dirs_open(dirs, place.dir, FILE_DIR_MAKE, &file->dir);
}

void download_file_close(DownloadFile *file)
{
    cleanup_close(&file->fd);
    cleanup_close(&file->state_fd);
    file->fd = file->state_fd = -1;
}

void download_file_done(DownloadFile *file)
{
    download_file_close(file);
    if (file->dir)
        file_dirs_release(file->dirs, file->dir);
    file->dir = NULL;
}

/* ---- making it ---- */

MUST_USE static Error *no_space(const DownloadFile *file, uint64_t size_bytes, uint64_t free_bytes)
{
    return FAIL(NO_SPACE, "write '%s/%s%s%s': its %llu bytes do not fit on the disk, which has %llu left",
                file->dirs->root, file->dir->path, file->dir->path[0] ? "/" : "", file->name,
                (unsigned long long)size_bytes, (unsigned long long)free_bytes);
}

/* Better now than after hours. What the file has already counts. A file system in memory gains nothing by a reservation. */
MUST_USE static Error *reserve_space(const DownloadFile *file, uint64_t size_bytes)
{
    struct statfs fs;
    struct stat st;
    if (size_bytes < RESERVE_FROM_BYTES || fstatfs(file->fd, &fs) != 0 || fstat(file->fd, &st) != 0)
        return NULL;
    uint64_t free_bytes = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize, have = (uint64_t)st.st_blocks * 512;
    if (size_bytes > have && size_bytes - have > free_bytes)
        return no_space(file, size_bytes, free_bytes);
    if (fs.f_type == TMPFS_MAGIC)
        return NULL;
    if (fallocate(file->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size_bytes) == 0)
        return NULL;
    return errno == ENOSPC || errno == EDQUOT ? no_space(file, size_bytes, free_bytes)
                                              : NULL; /* not every file system can */
}

/* Ours to remove from now on. */
MUST_USE static Error *create_temp(DownloadFile *file, const char *name)
{
    file->fd = openat(file->dir->fd, name, TEMP_FLAGS, TEMP_MODE);
    if (file->fd < 0)
        return file_error(file, "create a temporary file for");
    memcpy(file->temp, name, strlen(name) + 1);
    return NULL;
}

Error *download_file_create(DownloadFile *file, uint32_t number, uint64_t size_bytes)
{
    char name[NAME_MAX + 1];
    for (unsigned i = 0; i < NAME_TRIES && file->fd < 0; i++) {
        file_name_private(name, file->name, (uint32_t)(number + i * UINT32_C(0x9e3779b9)), FILE_TEMP_DIGITS,
                          FILE_TEMP_SUFFIX);
        Error *err = create_temp(file, name);
        if (err && (error_code(err) != ERR_EXISTS || i + 1 == NAME_TRIES))
            return err;
        error_free(err); /* the name of somebody else's: the next */
    }
    return reserve_space(file, size_bytes);
}

/* ---- continuing ---- */

/* A regular file of one name that nobody else has locked. -1: there is none that can be used. */
MUST_USE static Error *open_old(const DownloadFile *file, const char *name, int *ret_fd)
{
    struct stat st;
    CLEANUP(cleanup_close) int fd = openat(file->dir->fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    *ret_fd = -1;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
        return NULL;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return FAIL(LOCKED, "another process is downloading '%s/%s%s%s'", file->dirs->root, file->dir->path,
                    file->dir->path[0] ? "/" : "", file->name);
    *ret_fd = fd;
    fd = -1;
    return NULL;
}

MUST_USE static Error *create_both(DownloadFile *file, const char *temp, const char *state)
{
    /* whatever stands there, a planted link too, is only a name */
    (void)unlinkat(file->dir->fd, temp, 0);
    (void)unlinkat(file->dir->fd, state, 0);
    TRY(create_temp(file, temp));
    (void)flock(file->fd, LOCK_EX | LOCK_NB); /* it is new; file systems without locks have no second process either */
    file->state_fd = openat(file->dir->fd, state, TEMP_FLAGS, TEMP_MODE);
    if (file->state_fd < 0)
        return file_error(file, "create the record of");
    memcpy(file->state, state, strlen(state) + 1);
    return NULL;
}

Error *download_file_continue(DownloadFile *file, uint32_t number, uint64_t size_bytes, bool *ret_found)
{
    char temp[NAME_MAX + 1], state[NAME_MAX + 1];
    struct stat st;
    file_name_private(temp, file->name, number, FILE_TEMP_DIGITS, FILE_TEMP_SUFFIX);
    file_name_private(state, file->name, number, FILE_TEMP_DIGITS, FILE_STATE_SUFFIX);
    TRY(open_old(file, temp, &file->fd));
    if (file->fd >= 0)
        file->state_fd = openat(file->dir->fd, state, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool usable = file->state_fd >= 0 && fstat(file->state_fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
    *ret_found = usable;
    if (usable) {
        memcpy(file->temp, temp, sizeof(temp));
        memcpy(file->state, state, sizeof(state));
    } else {
        download_file_close(file);
        TRY(create_both(file, temp, state));
    }
    return reserve_space(file, size_bytes);
}

/* ---- filling it ---- */

Error *download_file_write(DownloadFile *file, uint64_t offset_bytes, Bytes data)
{
    while (data.len > 0) {
        ssize_t wrote = pwrite(file->fd, data.data, data.len, (off_t)offset_bytes);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return file_error(file, "write");
        data = bytes_from(data.data + wrote, data.len - (size_t)wrote);
        offset_bytes += (uint64_t)wrote;
    }
    return NULL;
}

Error *download_file_read_record(const DownloadFile *file, Buffer *out)
{
    ssize_t got;
    do {
        TRY(buffer_reserve(out, RECORD_CHUNK_BYTES));
        got = pread(file->state_fd, out->data + out->len, RECORD_CHUNK_BYTES, (off_t)out->len);
        if (got < 0)
            return file_error(file, "read the record of");
        buffer_grown(out, (size_t)got);
    } while (got > 0);
    return NULL;
}

Error *download_file_reset_record(DownloadFile *file)
{
    return ftruncate(file->state_fd, 0) == 0 ? NULL : file_error(file, "write the record of");
}

Error *download_file_note(DownloadFile *file, Bytes line)
{
    off_t end = lseek(file->state_fd, 0, SEEK_END);
    ssize_t wrote = end < 0 ? -1 : pwrite(file->state_fd, line.data, line.len, end);
    if (wrote >= 0 && (size_t)wrote < line.len)
        errno = ENOSPC;
    return wrote == (ssize_t)line.len ? NULL : file_error(file, "write the record of");
}

Error *download_file_digest(const DownloadFile *file, uint64_t offset_bytes, uint64_t length_bytes,
                            ChecksumState *state)
{
    CLEANUP(cleanup_free) uint8_t *chunk = malloc(READ_CHUNK_BYTES);
    if (!chunk)
        return FAIL(NO_MEMORY, "check '%s': out of memory", file->name);
    while (length_bytes > 0) {
        ssize_t got =
            pread(file->fd, chunk, (size_t)MIN(length_bytes, (uint64_t)READ_CHUNK_BYTES), (off_t)offset_bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return file_error(file, "read back");
        if (got == 0)
            return FAIL(CORRUPT, "'%s/%s': the temporary file ends at byte %llu", file->dirs->root, file->name,
                        (unsigned long long)offset_bytes);
        checksum_add(state, bytes_from(chunk, (size_t)got));
        offset_bytes += (uint64_t)got;
        length_bytes -= (uint64_t)got;
    }
    return NULL;
}

Error *download_file_checksum(const DownloadFile *file, uint64_t offset_bytes, uint64_t length_bytes, ChecksumKind kind,
                              Checksum *ret_checksum)
{
    ChecksumState state;
    checksum_begin(&state, kind);
    TRY(download_file_digest(file, offset_bytes, length_bytes, &state));
    *ret_checksum = checksum_end(&state);
    return NULL;
}

void download_file_write_back(const DownloadFile *file, uint64_t offset_bytes, uint64_t length_bytes, bool drop)
{
    off_t at = (off_t)offset_bytes, len = (off_t)length_bytes;
    if (!drop) {
        (void)sync_file_range(file->fd, at, len, SYNC_FILE_RANGE_WRITE); /* a hint, as the next two */
        return;
    }
    (void)sync_file_range(file->fd, at, len,
                          SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    (void)posix_fadvise(file->fd, at, len, POSIX_FADV_DONTNEED);
}

Error *download_file_settle(DownloadFile *file, int64_t modified_us)
{
    int64_t seconds = modified_us / 1000000, rest = modified_us % 1000000;
    if (rest < 0) {
        seconds--;
        rest += 1000000;
    }
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = seconds, .tv_nsec = rest * 1000}};
    if (modified_us != 0 && futimens(file->fd, times) != 0)
        return file_error(file, "set the time of");
    int fd = file->fd;
    file->fd = -1;
    return close(fd) == 0 ? NULL : file_error(file, "write");
}

/* ---- the end ---- */

/* An error of a write-back that nobody saw yet comes to the first who asks, by whatever descriptor. */
Error *download_file_sync(const DownloadFile *file)
{
    if (file->temp[0] == '\0')
        return NULL;
    CLEANUP(cleanup_close) int fd = openat(file->dir->fd, file->temp, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 && fdatasync(fd) == 0 ? NULL : file_error(file, "write to disk");
}

Error *download_file_publish(DownloadFile *file)
{
    if (file->temp[0] == '\0')
        return NULL;
    if (renameat(file->dir->fd, file->temp, file->dir->fd, file->name) != 0)
        return file_error(file, "write");
    file->temp[0] = '\0';
    if (file->state[0])
        (void)unlinkat(file->dir->fd, file->state, 0); /* one that stays is cleaned up some day */
    file->state[0] = '\0';
    return NULL;
}

void download_file_remove(DownloadFile *file)
{
    if (file->temp[0])
        (void)unlinkat(file->dir->fd, file->temp, 0); /* the error that brought us here is the one to tell */
    if (file->state[0])
        (void)unlinkat(file->dir->fd, file->state, 0);
    file->temp[0] = file->state[0] = '\0';
}
