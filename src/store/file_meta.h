/* file_meta.h - user metadata of a file, and those of its object's headers that say what the content is.
 *
 * They are extended attributes, "user.quern.content_type" and so on, and "user.quern.meta.NAME", set before the file gets its final name. On a file
 * system without user attributes they are a JSON file beside it, ".NAME.INODE.quern-meta": it names the inode, so that it appears
 * and becomes void together with the file it describes. */
#ifndef STORE_FILE_META_H
#define STORE_FILE_META_H

#include <sys/types.h>

#include "store/store.h"

/* Whose metadata: a file called `name` in `dir_fd` that has, or will have once renamed, this inode. */
typedef struct FileMetaPlace {
    int dir_fd;
    const char *name;
    ino_t inode;
} FileMetaPlace;

/* Writes those of `options` for the file open as `fd`; fills in the place's inode when it is needed. `ret_beside`: whether this file system keeps them in a file beside it, which
 * whoever gives up the put, or replaces an older file by it, must remove. Errors: INVALID (a name or value that does not fit), NO_SPACE. */
MUST_USE Error *file_meta_write(FileMetaPlace *place, int fd, const PutOptions *options, bool *ret_beside);

/* Fills headers and metadata of `info`; text lives in `arena`. "" and none when there are none. */
MUST_USE Error *file_meta_read(const FileMetaPlace *place, int fd, Arena *arena, ObjectInfo *info);

/* Removes the file beside it, if there is one. */
void file_meta_remove(const FileMetaPlace *place);

#endif
