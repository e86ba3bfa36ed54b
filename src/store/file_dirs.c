#include "store/file_dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC, DIR_MODE = 0777 };

Error *file_dirs_init(FileDirs *dirs, Str root, bool sync)
{
    memset(dirs, 0, sizeof(*dirs));
    dirs->root = strndup(root.data, root.len);
    if (!dirs->root)
        return FAIL(NO_MEMORY, "open '" STR_FMT "': out of memory", STR_ARG(root));
    dirs->sync = sync;
    pthread_mutex_init(&dirs->lock, NULL);
    random_init_system(&dirs->random);
    return NULL;
}

static void dir_free(FileDir *dir)
{
    close(dir->fd);
    free(dir);
}

void file_dirs_done(FileDirs *dirs)
{
    for (size_t i = 0; i < FILE_DIRS_OPEN_MAX; i++) {
        if (dirs->open[i])
            dir_free(dirs->open[i]);
    }
    pthread_mutex_destroy(&dirs->lock);
    free(dirs->root);
}

uint32_t file_dirs_random(FileDirs *dirs)
{
    pthread_mutex_lock(&dirs->lock);
    uint32_t number = (uint32_t)random_u64(&dirs->random);
    pthread_mutex_unlock(&dirs->lock);
    return number;
}

void file_dirs_release(FileDirs *dirs, FileDir *dir)
{
    pthread_mutex_lock(&dirs->lock);
    bool last = --dir->refs == 0;
    pthread_mutex_unlock(&dirs->lock);
    if (last)
        dir_free(dir);
}

/* ---- the cache ---- */

static FileDir *cache_find(FileDirs *dirs, Str path)
{
    FileDir *found = NULL;
    pthread_mutex_lock(&dirs->lock);
    for (size_t i = 0; i < FILE_DIRS_OPEN_MAX && !found; i++) {
        FileDir *dir = dirs->open[i];
        if (dir && str_equal(str_from(dir->path, dir->path_len), path))
            found = dir;
    }
    if (found) {
        found->refs++;
        found->used_at = ++dirs->ticks;
    }
    pthread_mutex_unlock(&dirs->lock);
    return found;
}

static void cache_drop(FileDirs *dirs, FileDir *dir)
{
    bool dropped = false;
    pthread_mutex_lock(&dirs->lock);
    for (size_t i = 0; i < FILE_DIRS_OPEN_MAX; i++) {
        if (dirs->open[i] == dir) {
            dirs->open[i] = NULL;
            dropped = true;
        }
    }
    pthread_mutex_unlock(&dirs->lock);
    if (dropped)
        file_dirs_release(dirs, dir);
}

/* Puts `dir` in the place of the one that was not used for longest. */
static void cache_add(FileDirs *dirs, FileDir *dir)
{
    pthread_mutex_lock(&dirs->lock);
    size_t place = 0;
    for (size_t i = 0; i < FILE_DIRS_OPEN_MAX; i++) {
        if (!dirs->open[i]) {
            place = i;
            break;
        }
        if (dirs->open[i]->used_at < dirs->open[place]->used_at)
            place = i;
    }
    FileDir *old = dirs->open[place];
    dirs->open[place] = dir;
    dir->refs++;
    dir->used_at = ++dirs->ticks;
    pthread_mutex_unlock(&dirs->lock);
    if (old)
        file_dirs_release(dirs, old);
}

/* ---- opening ---- */

/* A deleted directory has no links any more; nothing can be made in it. */
static bool is_deleted(const FileDir *dir)
{
    struct stat st;
    return fstat(dir->fd, &st) != 0 || st.st_nlink == 0;
}

MUST_USE static Error *open_error(const FileDirs *dirs, Str path)
{
    int number = errno;
    if (number == ELOOP || number == EXDEV)
        return FAIL(DENIED,
                    "open '%s/" STR_FMT "': a symbolic link stands in the way; links below the root are not followed",
                    dirs->root, STR_ARG(path));
    if (number == ENOTDIR)
        return FAIL(INVALID, "open '%s/" STR_FMT "': a part of it is no directory but a file or a link", dirs->root,
                    STR_ARG(path));
    if (number == ENAMETOOLONG)
        return FAIL(INVALID, "open '%s/" STR_FMT "': a name is longer than this file system allows", dirs->root,
                    STR_ARG(path));
    errno = number;
    return FAIL_ERRNO("open '%s%s" STR_FMT "'", dirs->root, path.len > 0 ? "/" : "", STR_ARG(path));
}

/* -1 with errno; ENOSYS where the kernel or a sandbox has no openat2. */
static int open_beneath(int root_fd, const char *path)
{
    struct open_how how = {.flags = DIR_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    return (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
}

/* Opens or makes the directory `name` in `parent_fd`. -1 with errno. */
static int open_step(const FileDirs *dirs, int parent_fd, const char *name, FileDirMode mode)
{
    int fd = openat(parent_fd, name, DIR_FLAGS | O_NOFOLLOW);
    if (fd >= 0 || errno != ENOENT || mode == FILE_DIR_EXISTING)
        return fd;
    if (mkdirat(parent_fd, name, DIR_MODE) != 0 && errno != EEXIST)
        return -1;
    if (dirs->sync && fsync(parent_fd) != 0)
        return -1;
    return openat(parent_fd, name, DIR_FLAGS | O_NOFOLLOW);
}

/* Part by part; the fall-back, and the way to make directories. -1 with errno. */
static int open_walking(const FileDirs *dirs, int root_fd, const char *path, FileDirMode mode)
{
    Str rest = str_of(path), part;
    int fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);

    while (fd >= 0 && str_next_piece(&rest, '/', &part)) {
        char name[NAME_MAX + 1];
        ASSERT(part.len > 0 && part.len <= NAME_MAX);
        memcpy(name, part.data, part.len);
        name[part.len] = '\0';
        int next = open_step(dirs, fd, name, mode);
        int number = errno;
        close(fd);
        errno = number;
        fd = next;
    }
    return fd;
}

/* Flushes the directory that holds `path`. */
static int sync_parent(const char *path)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    memcpy(parent, path, len);
    memcpy(parent + len, slash ? "/" : ".", 2);
    CLEANUP(cleanup_close) int fd = open(parent, DIR_FLAGS);
    return fd < 0 ? -1 : fsync(fd);
}

/* mkdir -p for the root, whose path is the user's own and may hold links. */
static int make_root(const FileDirs *dirs)
{
    size_t len = strlen(dirs->root);
    char path[PATH_MAX];
    if (len >= sizeof(path) - 1) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(path, dirs->root, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        path[i] = '\0';
        bool made = mkdir(path, DIR_MODE) == 0;
        if (!made && errno != EEXIST)
            return -1;
        if (made && dirs->sync && sync_parent(path) != 0)
            return -1;
        path[i] = i < len ? '/' : '\0';
    }
    return open(dirs->root, DIR_FLAGS);
}

static int open_root(const FileDirs *dirs, FileDirMode mode)
{
    int fd = open(dirs->root, DIR_FLAGS);
    return fd < 0 && errno == ENOENT && mode == FILE_DIR_MAKE ? make_root(dirs) : fd;
}

static int open_below(FileDirs *dirs, int root_fd, const char *path, FileDirMode mode)
{
    if (!dirs->no_openat2) {
        int fd = open_beneath(root_fd, path);
        if (fd >= 0)
            return fd;
        if (errno == ENOSYS || errno == EPERM)
            dirs->no_openat2 = true;
        else if (errno != EAGAIN && (errno != ENOENT || mode == FILE_DIR_EXISTING))
            return -1; /* EAGAIN: somebody renames on the way; step by step there is no doubt */
    }
    return open_walking(dirs, root_fd, path, mode);
}

MUST_USE static Error *dir_new(FileDirs *dirs, int fd, Str path, FileDir **ret_dir)
{
    FileDir *dir = malloc(sizeof(*dir) + path.len + 1);
    if (!dir) {
        close(fd);
        return FAIL(NO_MEMORY, "open '%s/" STR_FMT "': out of memory", dirs->root, STR_ARG(path));
    }
    *dir = (FileDir){.fd = fd, .refs = 1, .path_len = path.len};
    memcpy(dir->path, path.data, path.len);
    dir->path[path.len] = '\0';
    cache_add(dirs, dir);
    *ret_dir = dir;
    return NULL;
}

Error *file_dirs_open(FileDirs *dirs, const char *path, FileDirMode mode, FileDir **ret_dir)
{
    Str name = str_of(path);
    FileDir *dir = cache_find(dirs, name);
    if (dir && !is_deleted(dir)) {
        *ret_dir = dir;
        return NULL;
    }
    if (dir) {
        cache_drop(dirs, dir);
        file_dirs_release(dirs, dir);
    }

    if (name.len == 0) {
        int fd = open_root(dirs, mode);
        return fd < 0 ? open_error(dirs, name) : dir_new(dirs, fd, name, ret_dir);
    }
    FileDir *root;
    TRY(file_dirs_open(dirs, "", mode, &root));
    int fd = open_below(dirs, root->fd, path, mode);
    Error *err = fd < 0 ? open_error(dirs, name) : dir_new(dirs, fd, name, ret_dir);
    file_dirs_release(dirs, root);
    return err;
}
