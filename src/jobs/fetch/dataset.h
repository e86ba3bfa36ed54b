/* dataset.h - the directory that a fetch keeps current: where it is, who may change it, what lies in it.
 *
 * `destination`/ID holds the files, `destination`/ID/ID.manifest.json the list of them. A file that replaces another waits beside it as
 * ".NAME.0123456789abcdef.fetched", named by key, ETag and size, until everything is there: a later run finds it done. Names
 * are base names, or relative paths where directories are kept; none leads out, also not over planted links. One thread, but for
 * dataset_look and dataset_is_clean, and dataset_name_waiting, which is pure. Source: spec/mleko.md 3, 6, 12 F7, F11. */
#ifndef JOBS_FETCH_DATASET_H
#define JOBS_FETCH_DATASET_H

#include <limits.h>

#include "base/buffer.h"
#include "store/file_dirs.h"

typedef struct Dataset {
    Buffer directory, manifest; /* paths as the original shows them, each with a NUL behind it */
    FileDirs dirs;
    FileDir *root; /* NULL: there is no such directory */
    bool has_dirs;
    Buffer lock_path; /* "" while nothing is locked, or the directory itself is */
    int lock_fd;
} Dataset;

/* `path` below `directory` as Python's path objects join them: an absolute one replaces it, "" changes nothing, "." and doubled slashes go. */
MUST_USE Error *path_join(Str directory, Str path, Buffer *out);

/* Where the dataset `id` is; touches nothing. */
MUST_USE Error *dataset_init(Dataset *dataset, Str destination, Str id);
void dataset_done(Dataset *dataset); /* gives the lock back; copes with a zeroed one */

/* Makes the directory and takes the lock beside it. Errors: LOCKED (with the process that has it), DENIED, INVALID (a file in the way),
 * NO_SPACE. */
MUST_USE Error *dataset_open_to_change(Dataset *dataset);
/* The directory as it is, which may be not at all. */
MUST_USE Error *dataset_open_to_look(Dataset *dataset);

typedef enum FileState {
    FILE_ABSENT,
    FILE_DIFFERS,
    FILE_CURRENT,
    FILE_IMPOSSIBLE /* a directory has its name, or a file that of its directory: no rename mends that */
} FileState;

/* Is there a regular file of this name and size? Links are followed: only the size is asked. Errors: DENIED and the like. */
MUST_USE Error *dataset_look(Dataset *dataset, Str name, uint64_t size_bytes, FileState *ret_state);
/* For reading. Errors: NOT_FOUND. */
MUST_USE Error *dataset_open_file(Dataset *dataset, Str name, int *ret_fd);

/* The name under which what replaces `name` waits. */
MUST_USE Error *dataset_name_waiting(Str name, Str key, Str etag, uint64_t size_bytes, Buffer *out);
/* Is it a name that may be waiting? Then no object may have it. */
bool dataset_is_waiting(Str name);
/* Puts `waiting` in the place of `name`. Errors: INVALID (a directory there), DENIED, NO_SPACE. */
MUST_USE Error *dataset_publish(Dataset *dataset, Str waiting, Str name);
/* Succeeds also when there is no such file. */
MUST_USE Error *dataset_delete(Dataset *dataset, Str name);
/* The file's content is on disk. */
MUST_USE Error *dataset_sync_file(Dataset *dataset, Str name);
/* Everything that was written is on disk. */
MUST_USE Error *dataset_sync(Dataset *dataset);
/* Is there surely nothing in the dataset's own directory (not below it) that an unfinished run may have left? False also when it cannot be
 * read: whoever cleans it says why. */
bool dataset_is_clean(Dataset *dataset);
/* Removes what waits for nobody in `directory` ("": the root; not below it), of objects that changed after a run was cut short; a directory
 * that is not there has nothing. Call it when nothing waits. `*ret_parts`: there are files of unfinished downloads. */
MUST_USE Error *dataset_drop_waiting(Dataset *dataset, Str directory, bool *ret_parts);

/* Bytes that are left for us where the directory is, or, before it is made, will be. False: the file system does not say. */
bool dataset_free_bytes(const Dataset *dataset, uint64_t *ret_bytes);
/* Adds what the files of unfinished runs in `directory` (as above) occupy: what waits, and parts. */
MUST_USE Error *dataset_add_unfinished(Dataset *dataset, Str directory, uint64_t *bytes);

#endif
