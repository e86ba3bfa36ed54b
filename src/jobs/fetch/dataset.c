#include "jobs/fetch/dataset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/hash.h"
#include "store/file_path.h"

#define WAITING_SUFFIX ".fetched"
enum { WAITING_DIGITS = 16, DIRECTORY_MODE = 0777, LOCK_MODE = 0666 };

/* ---- paths ---- */

static Error *append_parts(Buffer *out, Str path)
{
    Str rest = path, part;
    while (str_next_piece(&rest, '/', &part)) {
        if (part.len == 0 || str_equal(part, STR(".")))
            continue;
        if (out->len && out->data[out->len - 1] != '/')
            TRY(buffer_append_byte(out, '/'));
        TRY(buffer_append_str(out, part));
    }
    return NULL;
}

Error *path_join(Str directory, Str path, Buffer *out)
{
    bool absolute = str_starts_with(path, STR("/"));
    if (absolute || str_starts_with(directory, STR("/")))
        TRY(buffer_append_byte(out, '/'));
    if (!absolute)
        TRY(append_parts(out, directory));
    TRY(append_parts(out, path));
    return out->len ? NULL : buffer_append_byte(out, '.');
}

static Error *end_text(Buffer *text)
{
    return buffer_cstr(text) ? NULL : FAIL(NO_MEMORY, "out of memory");
}

static const char *directory_path(const Dataset *dataset)
{
    return (const char *)dataset->directory.data;
}

Error *dataset_init(Dataset *dataset, Str destination, Str id)
{
    CLEANUP(buffer_done) Buffer name = {0};
    *dataset = (Dataset){.lock_fd = -1};
    TRY(path_join(destination, id, &dataset->directory));
    TRY(end_text(&dataset->directory));
    TRY(buffer_append_format(&name, STR_FMT ".manifest.json", STR_ARG(id)));
    TRY(path_join(buffer_str(&dataset->directory), buffer_str(&name), &dataset->manifest));
    TRY(end_text(&dataset->manifest));
    if (str_find_char(buffer_str(&dataset->manifest), 0) != SIZE_MAX || dataset->manifest.len >= PATH_MAX)
        return FAIL(INVALID, "'%s' cannot be a directory's path", directory_path(dataset));
    return NULL;
}

void dataset_done(Dataset *dataset)
{
    if (!dataset->directory.data)
        return;
    if (dataset->lock_path.len) /* held: nobody else has it open and locked */
        unlink((const char *)dataset->lock_path.data);
    if (dataset->lock_fd >= 0)
        close(dataset->lock_fd);
    if (dataset->root)
        file_dirs_release(&dataset->dirs, dataset->root);
    if (dataset->has_dirs)
        file_dirs_done(&dataset->dirs);
    buffer_done(&dataset->directory);
    buffer_done(&dataset->manifest);
    buffer_done(&dataset->lock_path);
    *dataset = (Dataset){.lock_fd = -1};
}

/* ---- opening ---- */

static Error *make_one(const char *path)
{
    struct stat about;
    if (mkdir(path, DIRECTORY_MODE) == 0)
        return NULL;
    int reason = errno;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        return NULL;
    if (reason == EEXIST || reason == ENOTDIR)
        return FAIL(INVALID, "'%s' is to be a directory, but there is a file in its way", path);
    if (reason == ENOENT) /* not 6: the source may well be there */
        return FAIL(INVALID, "no directory can be made at '%s': choose another with --destination-directory", path);
    errno = reason;
    return FAIL_ERRNO("make the directory '%s'", path);
}

/* With its parents. */
static Error *make_directories(Str path)
{
    CLEANUP(cleanup_free) char *text = strndup(path.data, path.len);
    if (!text)
        return FAIL(NO_MEMORY, "out of memory");
    for (char *slash = strchr(text + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        TRY(make_one(text));
        *slash = '/';
    }
    return make_one(text);
}

static Error *open_root(Dataset *dataset)
{
    TRY(file_dirs_init(&dataset->dirs, buffer_str(&dataset->directory), false));
    dataset->has_dirs = true;
    return file_dirs_open(&dataset->dirs, "", FILE_DIR_EXISTING, &dataset->root);
}

Error *dataset_open_to_look(Dataset *dataset)
{
    Error *error = open_root(dataset);
    if (error_code(error) != ERR_NOT_FOUND)
        return error;
    error_free(error); /* then nothing is there */
    return NULL;
}

/* ".ID.lock" beside the directory. */
static Error *name_lock(const Dataset *dataset, Buffer *out)
{
    CLEANUP(cleanup_free) char *real = realpath(directory_path(dataset), NULL);
    if (!real)
        return FAIL_ERRNO("find '%s'", directory_path(dataset));
    Str path = str_of(real);
    size_t slash = str_rfind_char(path, '/');
    Str name = str_slice(path, slash + 1, path.len);
    TRY(buffer_append_format(out, STR_FMT ".%s.lock", STR_ARG(str_slice(path, 0, slash + 1)), name.data));
    return end_text(out);
}

static Error *say_locked(const Dataset *dataset, int fd)
{
    char text[32] = "";
    uint64_t process;
    ssize_t len = pread(fd, text, sizeof text - 1, 0);
    if (len > 0 && str_to_u64(str_trim(str_from(text, (size_t)len)), &process))
        return FAIL(LOCKED, "process %llu is working on the dataset '%s': wait for its end",
                    (unsigned long long)process, directory_path(dataset));
    return FAIL(LOCKED, "another process is working on the dataset '%s': wait for its end", directory_path(dataset));
}

/* The holder removes the file when it ends: what was opened before that and locked after is nobody's any more. */
static bool is_still(int fd, const char *path)
{
    struct stat ours, there;
    return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino
           && ours.st_dev == there.st_dev;
}

static Error *lock_fd(Dataset *dataset, int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return NULL;
    return errno == EWOULDBLOCK ? say_locked(dataset, fd)
                                : FAIL_ERRNO("lock the dataset '%s'", directory_path(dataset));
}

/* Where no file can be made beside it, the directory itself is locked. */
static Error *lock_directory(Dataset *dataset)
{
    dataset->lock_fd = open(directory_path(dataset), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dataset->lock_fd < 0)
        return FAIL_ERRNO("lock the dataset '%s'", directory_path(dataset));
    return lock_fd(dataset, dataset->lock_fd);
}

static Error *take_lock(Dataset *dataset)
{
    CLEANUP(buffer_done) Buffer path = {0};
    TRY(name_lock(dataset, &path));
    const char *text = (const char *)path.data;
    for (;;) {
        CLEANUP(cleanup_close) int fd = open(text, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
        if (fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM || errno == ENAMETOOLONG))
            return lock_directory(dataset);
        if (fd < 0)
            return FAIL_ERRNO("lock the dataset with '%s'", text);
        TRY(lock_fd(dataset, fd));
        if (!is_still(fd, text))
            continue;
        if (ftruncate(fd, 0) == 0)
            dprintf(fd, "%d\n", (int)getpid()); /* for people; without it the lock is as good */
        dataset->lock_fd = fd;
        fd = -1;
        dataset->lock_path = path;
        path = (Buffer){0};
        return NULL;
    }
}

Error *dataset_open_to_change(Dataset *dataset)
{
    TRY(make_directories(buffer_str(&dataset->directory)));
    Str manifest = buffer_str(&dataset->manifest);
    TRY(make_directories(
        str_slice(manifest, 0, MAX(str_rfind_char(manifest, '/') == SIZE_MAX ? 0 : str_rfind_char(manifest, '/'), 1))));
    if (access(directory_path(dataset), R_OK | W_OK | X_OK) != 0)
        return FAIL_ERRNO("write to the directory '%s'", directory_path(dataset));
    TRY(take_lock(dataset));
    return open_root(dataset);
}

/* ---- files ---- */

/* Splits a name into its directory, opened, and the rest; `*ret_dir` goes to close_parent. */
static Error *open_parent(Dataset *dataset, Str name, FileDir **ret_dir, char ret_name[NAME_MAX + 1])
{
    char path[PATH_MAX];
    size_t slash = str_rfind_char(name, '/'), base = slash == SIZE_MAX ? 0 : slash + 1;
    if (name.len - base > NAME_MAX || name.len - base == 0 || base >= sizeof path)
        return FAIL(INVALID, "'" STR_FMT "' cannot be a file's name", STR_ARG(name));
    memcpy(path, name.data, base);
    path[base ? base - 1 : 0] = 0;
    memcpy(ret_name, name.data + base, name.len - base);
    ret_name[name.len - base] = 0;
    if (base)
        return file_dirs_open(&dataset->dirs, path, FILE_DIR_EXISTING, ret_dir);
    *ret_dir = dataset->root;
    return NULL;
}

static void close_parent(Dataset *dataset, FileDir *dir)
{
    if (dir != dataset->root)
        file_dirs_release(&dataset->dirs, dir);
}

/* Itself, not what a link leads to: a link is replaced like a file. */
static bool is_directory(const FileDir *dir, const char *base)
{
    struct stat about;
    return fstatat(dir->fd, base, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(about.st_mode);
}

static bool is_absence(const Error *error)
{
    ErrorCode code = error_code(error);
    return code == ERR_NOT_FOUND || code == ERR_INVALID;
}

Error *dataset_look(Dataset *dataset, Str name, uint64_t size_bytes, FileState *ret_state)
{
    FileDir *dir = NULL;
    char base[NAME_MAX + 1];
    struct stat about;
    *ret_state = FILE_ABSENT;
    if (!dataset->root)
        return NULL;
    Error *error = open_parent(dataset, name, &dir, base);
    if (is_absence(error)) {
        *ret_state = error_code(error) == ERR_INVALID ? FILE_IMPOSSIBLE : FILE_ABSENT;
        error_free(error); /* no directory, no file; what is in its way is said before anything is written */
        return NULL;
    }
    TRY(error);
    int failed = fstatat(dir->fd, base, &about, 0) == 0 ? 0 : errno;
    bool in_way = !failed && S_ISDIR(about.st_mode) && is_directory(dir, base);
    close_parent(dataset, dir);
    if (failed == ENOENT || failed == ENOTDIR || failed == ELOOP)
        return NULL;
    if (failed) {
        errno = failed;
        return FAIL_ERRNO("look at '%s/" STR_FMT "'", directory_path(dataset), STR_ARG(name));
    }
    bool current = S_ISREG(about.st_mode) && (uint64_t)about.st_size == size_bytes;
    *ret_state = in_way ? FILE_IMPOSSIBLE : current ? FILE_CURRENT : FILE_DIFFERS;
    return NULL;
}

Error *dataset_open_file(Dataset *dataset, Str name, int *ret_fd)
{
    FileDir *dir = NULL;
    char base[NAME_MAX + 1];
    TRY(open_parent(dataset, name, &dir, base));
    *ret_fd = openat(dir->fd, base, O_RDONLY | O_CLOEXEC);
    Error *error = *ret_fd < 0 ? FAIL_ERRNO("open '%s/" STR_FMT "'", directory_path(dataset), STR_ARG(name)) : NULL;
    close_parent(dataset, dir);
    return error;
}

static Error *delete_in(Dataset *dataset, FileDir *dir, const char *base, Str name)
{
    if (unlinkat(dir->fd, base, 0) == 0 || errno == ENOENT)
        return NULL;
    return FAIL_ERRNO("delete '%s/" STR_FMT "'", directory_path(dataset), STR_ARG(name));
}

Error *dataset_delete(Dataset *dataset, Str name)
{
    FileDir *dir = NULL;
    char base[NAME_MAX + 1];
    Error *error = open_parent(dataset, name, &dir, base);
    if (is_absence(error)) {
        error_free(error); /* there is no such file */
        return NULL;
    }
    TRY(error);
    error = delete_in(dataset, dir, base, name);
    close_parent(dataset, dir);
    return error;
}

/* ---- what waits ---- */

static Str base_of(Str name)
{
    size_t slash = str_rfind_char(name, '/');
    return slash == SIZE_MAX ? name : str_slice(name, slash + 1, name.len);
}

Error *dataset_name_waiting(Str name, Str key, Str etag, uint64_t size_bytes, Buffer *out)
{
    CLEANUP(buffer_done) Buffer object = {0};
    Str base = base_of(name);
    TRY(buffer_append_format(&object, "%llu ", (unsigned long long)size_bytes));
    TRY(buffer_append_str(&object, etag));
    TRY(buffer_append_byte(&object, 0));
    TRY(buffer_append_str(&object, key));
    size_t room = NAME_MAX - (2 + WAITING_DIGITS + sizeof WAITING_SUFFIX - 1);
    TRY(buffer_append(out, name.data, name.len - base.len));
    TRY(buffer_append_byte(out, '.'));
    TRY(buffer_append_str(out, str_slice(base, 0, room)));
    return buffer_append_format(out, ".%016llx" WAITING_SUFFIX, (unsigned long long)xxh64(buffer_bytes(&object)));
}

bool dataset_is_waiting(Str name)
{
    Str base = base_of(name);
    size_t tail = 1 + WAITING_DIGITS + sizeof WAITING_SUFFIX - 1;
    if (base.len < tail + 2 || base.data[0] != '.' || !str_ends_with(base, STR(WAITING_SUFFIX)))
        return false;
    Str digits = str_slice(base, base.len - tail, base.len - tail + 1 + WAITING_DIGITS);
    for (size_t i = 1; i < digits.len; i++)
        if (!strchr("0123456789abcdef", digits.data[i]))
            return false;
    return digits.data[0] == '.';
}

Error *dataset_publish(Dataset *dataset, Str waiting, Str name)
{
    FileDir *dir = NULL;
    char base[NAME_MAX + 1], from[NAME_MAX + 1];
    Str waiting_base = base_of(waiting);
    TRY(open_parent(dataset, name, &dir, base));
    memcpy(from, waiting_base.data, waiting_base.len);
    from[waiting_base.len] = 0;
    Error *error = renameat(dir->fd, from, dir->fd, base) == 0
                       ? NULL
                       : FAIL_ERRNO("replace '%s/" STR_FMT "'", directory_path(dataset), STR_ARG(name));
    close_parent(dataset, dir);
    return error;
}

Error *dataset_sync_file(Dataset *dataset, Str name)
{
    CLEANUP(cleanup_close) int fd = -1;
    TRY(dataset_open_file(dataset, name, &fd));
    return fdatasync(fd) == 0 ? NULL : FAIL_ERRNO("flush '%s/" STR_FMT "'", directory_path(dataset), STR_ARG(name));
}

Error *dataset_sync(Dataset *dataset)
{
    return syncfs(dataset->root->fd) == 0 ? NULL : FAIL_ERRNO("flush '%s'", directory_path(dataset));
}

/* Its own position, whoever else reads the directory. */
static Error *open_stream(const Dataset *dataset, const FileDir *dir, DIR **ret_stream)
{
    int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *ret_stream = fd < 0 ? NULL : fdopendir(fd);
    if (*ret_stream)
        return NULL;
    Error *error = FAIL_ERRNO("list '%s/%s'", directory_path(dataset), dir->path);
    if (fd >= 0)
        close(fd);
    return error;
}

bool dataset_is_clean(Dataset *dataset)
{
    DIR *stream;
    bool clean = true;
    if (!dataset->root)
        return true;
    Error *error = open_stream(dataset, dataset->root, &stream);
    if (error) {
        error_free(error); /* then nobody knows */
        return false;
    }
    for (const struct dirent *entry; clean && (entry = readdir(stream));) {
        Str name = str_of(entry->d_name);
        clean = name.data[0] != '.' || !(dataset_is_waiting(name) || file_name_is_private(name));
    }
    closedir(stream);
    return clean;
}

static Error *drop_in(Dataset *dataset, FileDir *dir, bool *ret_parts)
{
    DIR *stream;
    TRY(open_stream(dataset, dir, &stream));
    Error *error = NULL;
    for (struct dirent *entry; !error && (entry = readdir(stream));) {
        if (entry->d_name[0] != '.')
            continue;
        if (dataset_is_waiting(str_of(entry->d_name)))
            error = delete_in(dataset, dir, entry->d_name, str_of(entry->d_name));
        else if (file_name_is_private(str_of(entry->d_name)))
            *ret_parts = true;
    }
    closedir(stream);
    return error;
}

/* `*ret_dir` goes to close_parent; NULL: there is none, and nothing in it. */
static Error *open_directory(Dataset *dataset, Str directory, FileDir **ret_dir)
{
    char path[PATH_MAX];
    *ret_dir = directory.len == 0 ? dataset->root : NULL;
    if (directory.len == 0 || directory.len >= sizeof path || !dataset->root)
        return NULL;
    memcpy(path, directory.data, directory.len);
    path[directory.len] = 0;
    Error *error = file_dirs_open(&dataset->dirs, path, FILE_DIR_EXISTING, ret_dir);
    if (!is_absence(error))
        return error;
    error_free(error);
    return NULL;
}

Error *dataset_drop_waiting(Dataset *dataset, Str directory, bool *ret_parts)
{
    FileDir *dir;
    *ret_parts = false;
    TRY(open_directory(dataset, directory, &dir));
    if (!dir)
        return NULL;
    Error *error = drop_in(dataset, dir, ret_parts);
    close_parent(dataset, dir);
    return error;
}

/* ---- room ---- */

bool dataset_free_bytes(const Dataset *dataset, uint64_t *ret_bytes)
{
    struct statvfs fs;
    CLEANUP(cleanup_free) char *path = strdup(directory_path(dataset));
    if (!path)
        return false;
    int failed = dataset->root ? fstatvfs(dataset->root->fd, &fs) : statvfs(path, &fs);
    for (char *slash; failed && errno == ENOENT && (slash = strrchr(path, '/')) != path;) {
        if (slash)
            *slash = 0;
        failed = statvfs(slash ? path : ".", &fs);
        if (!slash)
            break;
    }
    if (failed || fs.f_blocks == 0)
        return false;
    *ret_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    return true;
}

static Error *add_unfinished_in(const Dataset *dataset, const FileDir *dir, uint64_t *bytes)
{
    DIR *stream;
    struct stat about;
    TRY(open_stream(dataset, dir, &stream));
    for (const struct dirent *entry; (entry = readdir(stream));) {
        Str name = str_of(entry->d_name);
        if (name.data[0] == '.' && (dataset_is_waiting(name) || file_name_is_private(name))
            && fstatat(dir->fd, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0)
            *bytes += (uint64_t)about.st_blocks * 512; /* whatever the file system's own blocks are: stat(2) */
    }
    closedir(stream);
    return NULL;
}

Error *dataset_add_unfinished(Dataset *dataset, Str directory, uint64_t *bytes)
{
    FileDir *dir;
    TRY(open_directory(dataset, directory, &dir));
    if (!dir)
        return NULL;
    Error *error = add_unfinished_in(dataset, dir, bytes);
    close_parent(dataset, dir);
    return error;
}
