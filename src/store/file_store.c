#include "store/file_store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/file_dirs.h"
#include "store/file_list.h"
#include "store/file_meta.h"
#include "store/file_path.h"
#include "store/list_fold.h"
#include "store/store_backend.h"

enum { COPY_CHUNK_BYTES = 1 << 20, KERNEL_COPY_BYTES = 64 << 20, TEMP_NAME_TRIES = 16 };
#define COPY_ARENA_BYTES ((size_t)1 * MIB)
#define LIST_PAGE_BYTES (8 * MIB)

typedef struct FileStore {
    Store base;
    FileDirs dirs;
    bool escape, sync; /* fixed, as the next two */
    bool single;       /* the URL named a file: only `prefix` exists */
    char *prefix;      /* in front of every key; "" for a directory */
    atomic_uint_fast64_t requests, bytes_in, bytes_out;
} FileStore;

static FileStore *file_store_of(Store *store)
{
    return (FileStore *)store;
}

/* ---- from a key to its directory ---- */

typedef struct Target {
    FilePath path;
    FileDirs *dirs;
    FileDir *dir;
} Target;

static void target_done(Target *target)
{
    if (target->dir)
        file_dirs_release(target->dirs, target->dir);
}

MUST_USE static Error *target_path(const FileStore *store, Str key, FilePath *ret_path)
{
    if (store->prefix[0] == '\0')
        return file_path_of(key, store->escape, ret_path);
    CLEANUP(buffer_done) Buffer whole = {0};
    TRY(buffer_append_str(&whole, str_of(store->prefix)));
    TRY(buffer_append_str(&whole, key));
    return file_path_of(buffer_str(&whole), store->escape, ret_path);
}

/* A file in the place of a directory means, for who does not write, that nothing lies below it. */
static Error *not_found_below(Error *take_error, Str key)
{
    error_free(take_error);
    return FAIL(NOT_FOUND, "there is no file '" STR_FMT "'", STR_ARG(key));
}

/* `target` is zeroed; target_done in every case. */
MUST_USE static Error *target_open(FileStore *store, Str key, FileDirMode mode, Target *target)
{
    target->dirs = &store->dirs;
    TRY(target_path(store, key, &target->path));
    atomic_fetch_add(&store->requests, 1);
    Error *err = file_dirs_open(&store->dirs, target->path.dir, mode, &target->dir);
    bool below_file = mode == FILE_DIR_EXISTING && error_code(err) == ERR_INVALID && target->path.dir_len > 0;
    return below_file ? not_found_below(err, key) : err;
}

/* ---- reading ---- */

/* Opens the regular file of `target`. */
MUST_USE static Error *open_object(const FileStore *store, const Target *target, Str key, int *ret_fd,
                                   struct stat *ret_st)
{
    const char *name = target->path.name[0] ? target->path.name : ".";
    CLEANUP(cleanup_close) int fd = openat(target->dir->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ELOOP)
        return FAIL(DENIED, "'" STR_FMT "' in '%s' is a symbolic link; links below the root are not followed",
                    STR_ARG(key), store->dirs.root);
    if (fd < 0 && errno == ENAMETOOLONG)
        return FAIL(INVALID, "'" STR_FMT "' in '%s': the name is longer than this file system allows", STR_ARG(key),
                    store->dirs.root);
    if (fd < 0)
        return FAIL_ERRNO("open '" STR_FMT "' in '%s'", STR_ARG(key), store->dirs.root);
    if (fstat(fd, ret_st) != 0)
        return FAIL_ERRNO("look at '" STR_FMT "' in '%s'", STR_ARG(key), store->dirs.root);
    if (!S_ISREG(ret_st->st_mode))
        return FAIL(NOT_FOUND, "'" STR_FMT "' in '%s' is no regular file", STR_ARG(key), store->dirs.root);
    *ret_fd = fd;
    fd = -1;
    return NULL;
}

MUST_USE static Error *open_for_reading(FileStore *store, Str key, Target *target, int *ret_fd, struct stat *ret_st)
{
    TRY(target_open(store, key, FILE_DIR_EXISTING, target));
    return open_object(store, target, key, ret_fd, ret_st);
}

MUST_USE static Error *file_head(Store *base, const Cancel *cancel, Str key, Arena *arena, ObjectInfo *ret_info)
{
    (void)cancel; /* nothing here waits */
    FileStore *store = file_store_of(base);
    CLEANUP(target_done) Target target = {0};
    CLEANUP(cleanup_close) int fd = -1;
    struct stat st;
    char etag[FILE_ETAG_BYTES];

    TRY(open_for_reading(store, key, &target, &fd, &st));
    ObjectInfo info = {.size_bytes = (uint64_t)st.st_size, .modified_us = file_modified_us(&st)};
    info.key = arena_str(arena, key);
    info.etag = arena_str(arena, file_etag(&st, etag));
    if (!info.key.data || !info.etag.data)
        return arena_error(arena);
    FileMetaPlace place = {target.dir->fd, target.path.name, st.st_ino};
    TRY(file_meta_read(&place, fd, arena, &info));
    *ret_info = info;
    return NULL;
}

/* Reads exactly `len` bytes at `offset` behind the contents of `body`. */
MUST_USE static Error *read_exactly(int fd, uint64_t offset, size_t len, const Cancel *cancel, Str key, Buffer *body)
{
    TRY(buffer_reserve(body, len));
    for (size_t done = 0; done < len;) {
        TRY(cancel_check(cancel));
        ssize_t got =
            pread(fd, body->data + body->len, MIN(len - done, (size_t)COPY_CHUNK_BYTES), (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return FAIL_ERRNO("read '" STR_FMT "' at byte %llu", STR_ARG(key), (unsigned long long)(offset + done));
        if (got == 0)
            return FAIL(CHANGED, "read '" STR_FMT "': it became shorter meanwhile", STR_ARG(key));
        buffer_grown(body, (size_t)got);
        done += (size_t)got;
    }
    return NULL;
}

MUST_USE static Error *file_get(Store *base, const Cancel *cancel, Str key, ByteRange range, Str if_etag, Buffer *body)
{
    FileStore *store = file_store_of(base);
    CLEANUP(target_done) Target target = {0};
    CLEANUP(cleanup_close) int fd = -1;
    struct stat st;
    char etag[FILE_ETAG_BYTES];

    TRY(open_for_reading(store, key, &target, &fd, &st));
    uint64_t size = (uint64_t)st.st_size;
    if (if_etag.len > 0 && !str_equal(if_etag, file_etag(&st, etag)))
        return FAIL(CHANGED, "read '" STR_FMT "': the file is not the one that was listed", STR_ARG(key));
    if (range.offset_bytes > 0 && range.offset_bytes >= size)
        return FAIL(INVALID, "read '" STR_FMT "': byte %llu lies behind the end of its %llu bytes", STR_ARG(key),
                    (unsigned long long)range.offset_bytes, (unsigned long long)size);
    uint64_t len = MIN(range.length_bytes, size - range.offset_bytes);
    if (len > SIZE_MAX / 2)
        return FAIL(LIMIT, "read '" STR_FMT "': %llu bytes do not fit into memory", STR_ARG(key),
                    (unsigned long long)len);
    TRY(read_exactly(fd, range.offset_bytes, (size_t)len, cancel, key, body));
    atomic_fetch_add(&store->bytes_in, len);
    return NULL;
}

/* ---- writing ---- */

/* A file that has no name yet, or a temporary one; temp_done removes what has not been renamed. */
typedef struct Temp {
    int dir_fd, fd;
    char name[NAME_MAX + 1]; /* "" when there is none (yet, or any more) */
    FileMetaPlace meta;
    bool meta_beside;
} Temp;

static void temp_done(Temp *temp)
{
    cleanup_close(&temp->fd);
    if (temp->name[0] != '\0')
        (void)unlinkat(temp->dir_fd, temp->name, 0); /* the error that brought us here is the one to tell */
    if (temp->meta_beside)
        file_meta_remove(&temp->meta);
}

MUST_USE static Error *write_error(const FileStore *store, Str key, const char *doing)
{
    int number = errno;
    if (number == ENAMETOOLONG)
        return FAIL(INVALID, "%s '" STR_FMT "' in '%s': the name is longer than this file system allows", doing,
                    STR_ARG(key), store->dirs.root);
    if (number == EISDIR || number == ENOTEMPTY)
        return FAIL(INVALID, "%s '" STR_FMT "' in '%s': there is a directory of this name", doing, STR_ARG(key),
                    store->dirs.root);
    errno = number;
    return FAIL_ERRNO("%s '" STR_FMT "' in '%s'", doing, STR_ARG(key), store->dirs.root);
}

/* Makes, or with `from_fd` links, the file under a name that nobody has. */
static int make_named(FileStore *store, const char *final_name, int from_fd, Temp *temp)
{
    char path[32];
    int made = -1;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", from_fd);
    for (int i = 0; i < TEMP_NAME_TRIES; i++) {
        file_name_private(temp->name, final_name, file_dirs_random(&store->dirs), FILE_TEMP_DIGITS, FILE_TEMP_SUFFIX);
        made = from_fd >= 0
                   ? linkat(AT_FDCWD, path, temp->dir_fd, temp->name, AT_SYMLINK_FOLLOW)
                   : openat(temp->dir_fd, temp->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (made >= 0 || errno != EEXIST)
            break;
    }
    if (made < 0)
        temp->name[0] = '\0';
    return made;
}

/* Where writing takes a while, a file that vanishes with a killed program; -1: this file system has no such files, or /proc is not there to name it by. */
static int make_nameless(const Temp *temp, uint64_t size_bytes)
{
    if (size_bytes <= COPY_CHUNK_BYTES || access("/proc/self/fd", X_OK) != 0)
        return -1;
    return openat(temp->dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
}

MUST_USE static Error *temp_open(FileStore *store, Str key, uint64_t size_bytes, Temp *temp)
{
    temp->fd = make_nameless(temp, size_bytes);
    if (temp->fd < 0)
        temp->fd = make_named(store, temp->meta.name, -1, temp);
    return temp->fd >= 0 ? NULL : write_error(store, key, "write");
}

/* Only now that it is whole. */
MUST_USE static Error *temp_name(FileStore *store, Str key, Temp *temp)
{
    if (temp->name[0] != '\0' || make_named(store, temp->meta.name, temp->fd, temp) == 0)
        return NULL;
    return write_error(store, key, "write");
}

MUST_USE static Error *write_all(const FileStore *store, int fd, Str key, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, data, len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return write_error(store, key, "write");
        data += written;
        len -= (size_t)written;
    }
    return NULL;
}

MUST_USE static Error *write_body(FileStore *store, const Cancel *cancel, Str key, const PutBody *body, int fd)
{
    size_t chunk_bytes = (size_t)MIN(body->size_bytes, (uint64_t)COPY_CHUNK_BYTES);
    if (chunk_bytes == 0)
        return NULL;
    /* a full disk shows now and not after the last byte; where it is unknown, writing tells */
    if (body->size_bytes > COPY_CHUNK_BYTES && fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)body->size_bytes) != 0
        && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
        return write_error(store, key, "write");
    CLEANUP(cleanup_free) uint8_t *chunk = malloc(chunk_bytes);
    if (!chunk)
        return FAIL(NO_MEMORY, "write '" STR_FMT "': out of memory", STR_ARG(key));

    for (uint64_t at = 0; at < body->size_bytes;) {
        size_t len = (size_t)MIN(body->size_bytes - at, (uint64_t)chunk_bytes);
        TRY(cancel_check(cancel));
        TRY_CTX(body->read_at(body->context, at, chunk, len), "write '" STR_FMT "'", STR_ARG(key));
        TRY(write_all(store, fd, key, chunk, len));
        at += len;
    }
    return NULL;
}

/* Where the content comes from. */
typedef struct Content {
    const PutBody *body; /* NULL: ... */
    int fd;              /* ... this file, from its beginning */
    Str etag;            /* that it must still have when it is copied */
    uint64_t size_bytes;
} Content;

static Error *read_file(void *context, uint64_t offset_bytes, uint8_t *out, size_t len)
{
    const Content *content = context;
    for (size_t done = 0; done < len;) {
        ssize_t got = pread(content->fd, out + done, len - done, (off_t)(offset_bytes + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return FAIL_ERRNO("read the source at byte %llu", (unsigned long long)(offset_bytes + done));
        if (got == 0)
            return FAIL(CHANGED, "the source became shorter meanwhile");
        done += (size_t)got;
    }
    return NULL;
}

/* By the kernel, sharing the blocks where the file system can; `*ret_done` is false where it cannot copy between these two. */
MUST_USE static Error *copy_in_kernel(const FileStore *store, const Cancel *cancel, Str key, const Content *content,
                                      int fd, bool *ret_done)
{
    *ret_done = ioctl(fd, FICLONE, content->fd) == 0;
    for (uint64_t at = 0; !*ret_done && at < content->size_bytes;) {
        off_t from = (off_t)at, to = (off_t)at;
        TRY(cancel_check(cancel));
        ssize_t copied = copy_file_range(content->fd, &from, fd, &to,
                                         (size_t)MIN(content->size_bytes - at, (uint64_t)KERNEL_COPY_BYTES), 0);
        if (copied < 0 && errno == EINTR)
            continue;
        if (copied == 0 || (copied < 0 && at == 0 && errno != ENOSPC && errno != EDQUOT && errno != EIO))
            return NULL; /* what can be read can be written; whoever does that tells what is wrong */
        if (copied < 0)
            return write_error(store, key, "write");
        at += (uint64_t)copied;
    }
    *ret_done = true;
    return NULL;
}

/* `if_etag`, unless empty, must be that of the file that is open as `fd`. */
MUST_USE static Error *check_source(int fd, Str if_etag)
{
    struct stat st;
    char etag[FILE_ETAG_BYTES];
    if (fstat(fd, &st) != 0)
        return FAIL_ERRNO("look at the source");
    return if_etag.len == 0 || str_equal(if_etag, file_etag(&st, etag))
               ? NULL
               : FAIL(CHANGED, "the source is not, or no longer, the file that was expected");
}

MUST_USE static Error *write_content(FileStore *store, const Cancel *cancel, Str key, Content *content, int fd)
{
    bool done = false;
    if (content->body)
        return write_body(store, cancel, key, content->body, fd);
    TRY(copy_in_kernel(store, cancel, key, content, fd, &done));
    const PutBody body = {content->size_bytes, read_file, content};
    if (!done)
        TRY(write_body(store, cancel, key, &body, fd));
    return check_source(content->fd, content->etag);
}

MUST_USE static Error *temp_fill(FileStore *store, const Cancel *cancel, Str key, Content *content,
                                 const PutOptions *options, Temp *temp)
{
    TRY(write_content(store, cancel, key, content, temp->fd));
    TRY(file_meta_write(&temp->meta, temp->fd, options, &temp->meta_beside));
    if (store->sync && fdatasync(temp->fd) != 0)
        return write_error(store, key, "write");
    TRY(temp_name(store, key, temp));
    int fd = temp->fd;
    temp->fd = -1;
    return close(fd) == 0 ? NULL : write_error(store, key, "write");
}

MUST_USE static Error *exists_error(Str key)
{
    return FAIL(EXISTS, "write '" STR_FMT "': it is there already", STR_ARG(key));
}

/* Gives the temporary file its name, but only if nobody has it; file systems without RENAME_NOREPLACE do it by a second link. */
static int rename_if_absent(int dir_fd, const char *from, const char *to)
{
    if (renameat2(dir_fd, from, dir_fd, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (linkat(dir_fd, from, dir_fd, to, 0) != 0)
        return -1;
    return unlinkat(dir_fd, from, 0);
}

/* Is the condition met? Once before the work, and once more before the file gets its name: a moment is left in between. */
MUST_USE static Error *check_condition(int dir_fd, const char *name, Str key, const PutOptions *options)
{
    struct stat st;
    char etag[FILE_ETAG_BYTES];
    if (options->mode == PUT_REPLACE)
        return NULL;
    bool there = fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (options->mode == PUT_IF_ABSENT)
        return there ? exists_error(key) : NULL;
    if (!there || !str_equal(file_etag(&st, etag), options->if_etag))
        return FAIL(CHANGED, "write '" STR_FMT "': %s", STR_ARG(key),
                    there ? "the file is not the one that was to be replaced"
                          : "the file that was to be replaced is gone");
    return NULL;
}

MUST_USE static Error *temp_publish(FileStore *store, Str key, const PutOptions *options, Temp *temp)
{
    const char *name = temp->meta.name;
    struct stat old;
    if (options->mode == PUT_IF_UNCHANGED)
        TRY(check_condition(temp->dir_fd, name, key, options));
    bool replaces = temp->meta_beside && options->mode != PUT_IF_ABSENT
                    && fstatat(temp->dir_fd, name, &old, AT_SYMLINK_NOFOLLOW) == 0;
    int failed = options->mode == PUT_IF_ABSENT ? rename_if_absent(temp->dir_fd, temp->name, name)
                                                : renameat(temp->dir_fd, temp->name, temp->dir_fd, name);
    if (failed && errno == EEXIST)
        return exists_error(key);
    if (failed)
        return write_error(store, key, "write");
    temp->name[0] = '\0';
    temp->meta_beside = false; /* it is the object's now */
    if (replaces && old.st_ino != temp->meta.inode)
        file_meta_remove(&(FileMetaPlace){temp->dir_fd, name, old.st_ino});
    if (store->sync && fsync(temp->dir_fd) != 0)
        return write_error(store, key, "write");
    return NULL;
}

/* A key that ends in a slash: the directory has been made already. */
MUST_USE static Error *put_directory(Str key, const Content *content)
{
    if (content->size_bytes > 0)
        return FAIL(INVALID,
                    "write '" STR_FMT "': a key that ends in '/' is a directory and cannot have content; escape names "
                    "(--escape-names) to keep such keys",
                    STR_ARG(key));
    return NULL;
}

MUST_USE static Error *check_tags(Str key, const PutOptions *options)
{
    if (options->tags.len > 0)
        return FAIL(UNSUPPORTED, "write '" STR_FMT "': files have no tags", STR_ARG(key));
    return NULL;
}

MUST_USE static Error *write_object(FileStore *store, const Cancel *cancel, Str key, Content *content,
                                    const PutOptions *options)
{
    CLEANUP(target_done) Target target = {0};

    TRY(check_tags(key, options));
    TRY(target_open(store, key, FILE_DIR_MAKE, &target));
    if (target.path.name[0] == '\0')
        return put_directory(key, content);
    TRY(check_condition(target.dir->fd, target.path.name, key, options));

    CLEANUP(temp_done) Temp temp = {.dir_fd = target.dir->fd, .fd = -1, .meta = {target.dir->fd, target.path.name, 0}};
    TRY(temp_open(store, key, content->size_bytes, &temp));
    TRY(temp_fill(store, cancel, key, content, options, &temp));
    TRY(temp_publish(store, key, options, &temp));
    atomic_fetch_add(&store->bytes_out, content->size_bytes);
    return NULL;
}

MUST_USE static Error *file_put(Store *base, const Cancel *cancel, Str key, const PutBody *body,
                                const PutOptions *options)
{
    Content content = {.body = body, .fd = -1, .size_bytes = body->size_bytes};
    return write_object(file_store_of(base), cancel, key, &content, options);
}

MUST_USE static Error *file_check_put(Store *base, Str key, const PutOptions *options)
{
    FilePath path;
    TRY(target_path(file_store_of(base), key, &path));
    return check_tags(key, options);
}

/* ---- copying ---- */

MUST_USE static Error *check_copy(const Store *to, const Store *from, Str from_key, const CopyOptions *options)
{
    if (from->ops != to->ops)
        return FAIL(UNSUPPORTED, "copy '" STR_FMT "' from '%s': that is another kind of place: get it and put it",
                    STR_ARG(from_key), from->url);
    if (options->from_version.len > 0)
        return FAIL(UNSUPPORTED, "copy '" STR_FMT "': files have no versions", STR_ARG(from_key));
    return NULL;
}

static bool is_same_file(FileStore *store, Str key, const struct stat *from)
{
    CLEANUP(target_done) Target target = {0};
    CLEANUP(cleanup_close) int fd = -1;
    struct stat st;
    Error *err = open_for_reading(store, key, &target, &fd, &st);
    if (err) {
        error_free(err); /* whatever it is, it is another one */
        return false;
    }
    return st.st_dev == from->st_dev && st.st_ino == from->st_ino;
}

/* `from_store` and `store` may be one. The source is held open, so that what is copied is one file whatever is renamed meanwhile. */
MUST_USE static Error *copy_file(FileStore *store, const Cancel *cancel, Str key, FileStore *from_store, Str from_key,
                                 const CopyOptions *options, Arena *arena)
{
    CLEANUP(target_done) Target from = {0};
    CLEANUP(cleanup_close) int fd = -1;
    struct stat st;
    char etag[FILE_ETAG_BYTES];
    ObjectInfo info = {0};

    TRY(open_for_reading(from_store, from_key, &from, &fd, &st));
    TRY_CTX(check_source(fd, options->if_from_etag), "copy '" STR_FMT "'", STR_ARG(from_key));
    if (!options->replace && is_same_file(store, key, &st))
        return FAIL(INVALID, "copy '" STR_FMT "': a copy onto itself changes nothing: give new headers or metadata",
                    STR_ARG(key));
    if (!options->replace)
        TRY(file_meta_read(&(FileMetaPlace){from.dir->fd, from.path.name, st.st_ino}, fd, arena, &info));
    PutOptions put = {
        .mode = options->mode,
        .if_etag = options->if_etag,
        .headers = options->replace ? options->headers : info.headers,
        .metadata = options->replace ? options->metadata : info.metadata,
        .tags = options->replace_tags ? options->tags : STR_EMPTY,
    };
    Content content = {.fd = fd, .etag = file_etag(&st, etag), .size_bytes = (uint64_t)st.st_size};
    TRY_CTX(write_object(store, cancel, key, &content, &put), "copy '" STR_FMT "'", STR_ARG(from_key));
    return NULL;
}

MUST_USE static Error *file_copy(Store *base, const Cancel *cancel, Str key, Store *from, Str from_key,
                                 const CopyOptions *options)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(COPY_ARENA_BYTES);
    if (!arena)
        return FAIL(NO_MEMORY, "copy '" STR_FMT "': out of memory", STR_ARG(from_key));
    TRY(check_copy(base, from, from_key, options));
    return copy_file(file_store_of(base), cancel, key, file_store_of(from), from_key, options, arena);
}

MUST_USE static Error *file_remove(Store *base, const Cancel *cancel, Str key)
{
    (void)cancel; /* nothing here waits */
    FileStore *store = file_store_of(base);
    CLEANUP(target_done) Target target = {0};
    struct stat st;

    Error *err = target_open(store, key, FILE_DIR_EXISTING, &target);
    if (error_code(err) == ERR_NOT_FOUND) {
        error_free(err);
        return NULL;
    }
    TRY(err);
    if (target.path.name[0] == '\0' || fstatat(target.dir->fd, target.path.name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return NULL;
    if (S_ISDIR(st.st_mode))
        return NULL;
    if (unlinkat(target.dir->fd, target.path.name, 0) != 0 && errno != ENOENT)
        return write_error(store, key, "delete");
    file_meta_remove(&(FileMetaPlace){target.dir->fd, target.path.name, st.st_ino});
    if (store->sync && fsync(target.dir->fd) != 0)
        return write_error(store, key, "delete");
    return NULL;
}

/* ---- listing, the rest ---- */

/* The listing of a store whose URL names a file. */
MUST_USE static Error *list_single(FileStore *store, Str prefix, Str start_after, StoreListFn *each, void *context)
{
    CLEANUP(target_done) Target target = {0};
    CLEANUP(cleanup_close) int fd = -1;
    struct stat st;
    char etag[FILE_ETAG_BYTES];

    if (prefix.len > 0 || start_after.len > 0)
        return NULL;
    TRY(open_for_reading(store, STR_EMPTY, &target, &fd, &st));
    ObjectInfo object = {
        .key = STR_EMPTY,
        .size_bytes = (uint64_t)st.st_size,
        .modified_us = file_modified_us(&st),
        .etag = file_etag(&st, etag),
    };
    return each(context, &object);
}

MUST_USE static Error *file_store_list(Store *base, const Cancel *cancel, const ListOptions *options, StoreListFn *each,
                                       void *context)
{
    FileStore *store = file_store_of(base);
    bool by_slash = str_equal(options->delimiter, STR("/"));
    if (options->versions)
        return FAIL(UNSUPPORTED, "list '%s': a directory keeps no versions", base->url);
    if (options->delimiter.len > 0 && (store->single || !by_slash)) {
        CLEANUP(list_fold_done) ListFold fold = {.options = options, .each = each, .context = context};
        ListOptions all = {.prefix = options->prefix, .start_after = options->start_after};
        return file_store_list(base, cancel, &all, list_fold_key, &fold);
    }
    if (store->single)
        return list_single(store, options->prefix, options->start_after, each, context);
    atomic_fetch_add(&store->requests, 1);
    FileListing listing = {
        .dirs = &store->dirs,
        .cancel = cancel,
        .escape = store->escape,
        .page_bytes_max = LIST_PAGE_BYTES,
        .prefix = options->prefix,
        .start_after = options->start_after,
        .one_level = by_slash,
        .each = each,
        .context = context,
    };
    return file_list(&listing);
}

static StoreCounters file_counters(const Store *base)
{
    const FileStore *store = (const FileStore *)base;
    return (StoreCounters){
        .requests = atomic_load(&store->requests),
        .bytes_in = atomic_load(&store->bytes_in),
        .bytes_out = atomic_load(&store->bytes_out),
    };
}

static void file_free(Store *base)
{
    FileStore *store = file_store_of(base);
    file_dirs_done(&store->dirs);
    free(store->prefix);
    free(store);
}

static const StoreOps file_ops = {
    .free = file_free,
    .head = file_head,
    .get = file_get,
    .put = file_put,
    .check_put = file_check_put,
    .remove = file_remove,
    .copy = file_copy,
    .list = file_store_list,
    .counters = file_counters,
    .batch_new = serial_batch_new,
    .batch_free = serial_batch_free,
    .batch_get = serial_batch_get,
    .batch_next = serial_batch_next,
};

/* A path that names a regular file is its directory and, as the prefix, its name. */
static bool split_single(Str path, Str *ret_root, Str *ret_prefix)
{
    CLEANUP(cleanup_free) char *text = strndup(path.data, path.len);
    struct stat st;
    *ret_root = path;
    *ret_prefix = STR_EMPTY;
    if (!text || stat(text, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    size_t slash = str_rfind_char(path, '/');
    *ret_prefix = slash == SIZE_MAX ? path : str_slice(path, slash + 1, path.len);
    *ret_root = slash == SIZE_MAX ? STR(".") : slash == 0 ? STR("/") : str_slice(path, 0, slash);
    return true;
}

/* "file:///absolute" or, for a relative path, "file:relative". */
static char *url_of(Str path)
{
    char *url = NULL;
    bool absolute = str_starts_with(path, STR("/"));
    return asprintf(&url, "file:%s" STR_FMT, absolute ? "//" : "", STR_ARG(path)) < 0 ? NULL : url;
}

Error *file_store_new(Str path, const StoreOptions *options, Store **ret_store)
{
    Str root, prefix;
    bool single = split_single(path, &root, &prefix);
    FileStore *store = calloc(1, sizeof(*store));
    if (!store)
        return FAIL(NO_MEMORY, "open '" STR_FMT "': out of memory", STR_ARG(path));
    Error *err = file_dirs_init(&store->dirs, root, options->sync == STORE_SYNC_EACH);
    if (err) {
        free(store);
        return err;
    }
    store->base.ops = &file_ops;
    store->base.url = url_of(path);
    store->escape = options->escape_names && !single;
    store->sync = options->sync == STORE_SYNC_EACH;
    store->single = single;
    store->prefix = strndup(prefix.data, prefix.len);
    if (!store->base.url || !store->prefix) {
        store_free(&store->base);
        return FAIL(NO_MEMORY, "open '" STR_FMT "': out of memory", STR_ARG(path));
    }
    *ret_store = &store->base;
    return NULL;
}
