/* file_dirs.h - the directories of a file store, opened below its root and kept open for the next use.
 *
 * No path leads out: each is resolved by openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS), or on kernels without it part by part
 * with O_NOFOLLOW. The root itself may be a symbolic link: it is the user's choice. Any thread. Directories in use are not to be
 * renamed by others: a descriptor follows its directory, and what is written goes with it. One that was deleted is noticed. */
#ifndef STORE_FILE_DIRS_H
#define STORE_FILE_DIRS_H

#include <pthread.h>

#include "base/error.h"
#include "base/random.h"
#include "base/str.h"

enum { FILE_DIRS_OPEN_MAX = 64 };

typedef struct FileDir {
    int fd;
    unsigned refs;    /* under lock; the cache's own included */
    uint64_t used_at; /* under lock */
    size_t path_len;
    char path[]; /* relative, "" is the root */
} FileDir;

typedef struct FileDirs {
    char *root; /* fixed, as the next */
    bool sync;  /* a directory that is made is flushed to disk with its parent */
    _Atomic bool no_openat2;
    pthread_mutex_t lock;
    FileDir *open[FILE_DIRS_OPEN_MAX]; /* under lock, as the rest; NULL: free */
    uint64_t ticks;
    Random random;
} FileDirs;

MUST_USE Error *file_dirs_init(FileDirs *dirs, Str root, bool sync);
void file_dirs_done(FileDirs *dirs);

typedef enum FileDirMode { FILE_DIR_EXISTING, FILE_DIR_MAKE } FileDirMode;

/* The directory `path` (a FilePath's `dir`); with MAKE it and its parents are made where they are missing, the root too. Give it
 * back with file_dirs_release. Errors: NOT_FOUND, DENIED (also: a symbolic link in the way), INVALID (a file in the way). */
MUST_USE Error *file_dirs_open(FileDirs *dirs, const char *path, FileDirMode mode, FileDir **ret_dir);
void file_dirs_release(FileDirs *dirs, FileDir *dir);

/* For names of temporary files. */
uint32_t file_dirs_random(FileDirs *dirs);

#endif
