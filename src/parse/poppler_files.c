/* Meson asks for large files, and libc's headers then call fopen fopen64; we need both names. */
#undef _FILE_OFFSET_BITS
#include "parse/poppler_files.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

typedef struct MappedFile {
    char *path;
    Bytes contents;
} MappedFile;

/* The one mutable state of the process that nobody passes along, because fopen has no parameter for it. Filled once,
 * then constant. */
static struct {
    bool closed; /* fopen answers from `files` alone */
    MappedFile *files;
    size_t count, capacity;
    size_t total_bytes;
} door;

typedef FILE *FopenFn(const char *path, const char *mode);

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const MappedFile *)a)->path, ((const MappedFile *)b)->path);
}

static FILE *open_mapped(const char *path, const char *mode)
{
    MappedFile wanted = {.path = (char *)(uintptr_t)path};
    const MappedFile *file = bsearch(&wanted, door.files, door.count, sizeof wanted, compare_paths);
    if (!file || mode[0] != 'r' || strchr(mode, '+')) {
        errno = file ? EACCES : ENOENT;
        return NULL;
    }
    return fmemopen((void *)(uintptr_t)file->contents.data, file->contents.len, "r");
}

static FILE *open_really(const char *name, const char *path, const char *mode)
{
    FopenFn *next;
    *(void **)&next = dlsym(RTLD_NEXT, name);
    if (next)
        return next(path, mode);
    errno = ENOSYS;
    return NULL;
}

__attribute__((visibility("default"))) FILE *fopen(const char *restrict path, const char *restrict mode)
{
    return door.closed ? open_mapped(path, mode) : open_really("fopen", path, mode);
}

/* The same for libraries built with large files. */
__attribute__((visibility("default"))) FILE *fopen64(const char *restrict path, const char *restrict mode)
{
    return door.closed ? open_mapped(path, mode) : open_really("fopen64", path, mode);
}

/* libarchive's, which opens by open(2) what Tesseract only wants to know to be no archive: a traineddata file may be one, and none that is shipped is.
 * Answers ARCHIVE_FATAL, whereupon Tesseract calls fopen. Exported by name, for a library that is loaded at run time. */
int archive_read_open_filename(void *archive, const char *path, size_t block_bytes);
__attribute__((visibility("default"))) int archive_read_open_filename(void *archive, const char *path,
                                                                      size_t block_bytes)
{
    enum { ARCHIVE_FATAL = -30 };
    (void)archive;
    (void)path;
    (void)block_bytes;
    return ARCHIVE_FATAL;
}

static Error *reserve_file(void)
{
    if (door.count < door.capacity)
        return NULL;
    size_t capacity = door.capacity ? door.capacity * 2 : 512;
    if (capacity > POPPLER_FILES_MAX)
        return FAIL(LIMIT, "more than %d files", POPPLER_FILES_MAX);
    MappedFile *files = realloc(door.files, capacity * sizeof *files);
    if (!files)
        return FAIL(NO_MEMORY, "out of memory");
    door.files = files;
    door.capacity = capacity;
    return NULL;
}

/* An empty file is left out: fmemopen has no empty stream, and there is nothing in it. */
static Error *map_file(const char *path, size_t size)
{
    if (size == 0)
        return NULL;
    if (size > POPPLER_FILES_BYTES_MAX - door.total_bytes)
        return FAIL(LIMIT, "more than %zu bytes in all", POPPLER_FILES_BYTES_MAX);
    TRY(reserve_file());
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return FAIL_ERRNO("open '%s'", path);
    void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return FAIL_ERRNO("map '%s'", path);
    char *copy = strdup(path);
    if (!copy) {
        munmap(map, size);
        return FAIL(NO_MEMORY, "out of memory");
    }
    door.files[door.count++] = (MappedFile){copy, bytes_from(map, size)};
    door.total_bytes += size;
    return NULL;
}

static void cleanup_directory(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

static Error *map_directory(const char *path, unsigned depth);

static Error *map_entry(const char *directory, const char *name, unsigned depth)
{
    char path[4096];
    struct stat info;
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
        return FAIL(LIMIT, "path of '%s' is too long", name);
    if (lstat(path, &info) != 0)
        return FAIL_ERRNO("look at '%s'", path);
    if (S_ISDIR(info.st_mode))
        return map_directory(path, depth + 1);
    return S_ISREG(info.st_mode) ? map_file(path, (size_t)info.st_size) : NULL;
}

static Error *map_directory(const char *path, unsigned depth)
{
    if (depth > POPPLER_FILES_DEPTH_MAX)
        return FAIL(LIMIT, "'%s' is deeper than %d folders", path, POPPLER_FILES_DEPTH_MAX);
    CLEANUP(cleanup_directory) DIR *directory = opendir(path);
    if (!directory && errno == ENOENT && depth == 0)
        return NULL;
    if (!directory)
        return FAIL_ERRNO("list '%s'", path);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] != '.')
            TRY(map_entry(path, entry->d_name, depth));
    }
    return NULL;
}

Error *poppler_files_map(const char *directory)
{
    ASSERT(!door.closed);
    TRY_CTX(map_directory(directory, 0), "map the files in '%s'", directory);
    return NULL;
}

Error *poppler_files_map_one(const char *path)
{
    struct stat info;
    ASSERT(!door.closed);
    if (lstat(path, &info) != 0)
        return FAIL_ERRNO("look at '%s'", path);
    return map_file(path, (size_t)info.st_size);
}

void poppler_files_close(void)
{
    ASSERT(!door.closed);
    if (door.count > 0)
        qsort(door.files, door.count, sizeof *door.files, compare_paths);
    door.closed = true;
}
