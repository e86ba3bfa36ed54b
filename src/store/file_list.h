/* file_list.h - the keys below a directory in ascending byte order, in bounded memory for each level of depth. */
#ifndef STORE_FILE_LIST_H
#define STORE_FILE_LIST_H

#include <sys/stat.h>

#include "store/file_dirs.h"
#include "store/store.h"

typedef struct FileListing {
    FileDirs *dirs;
    const Cancel *cancel;
    bool escape;
    size_t page_bytes_max; /* memory for the names of one level */
    Str prefix;            /* whole keys, as start_after; the first `hidden_bytes` of a key are not shown */
    Str start_after;
    size_t hidden_bytes;
    bool
        one_level; /* a directory is shown, with its slash, as what its keys begin with, and not looked into: it may be empty */
    StoreListFn *each;
    void *context;
} FileListing;

/* Errors: NOT_FOUND (no root), those of `each`, CANCELLED, LIMIT (deeper than any path may be). */
MUST_USE Error *file_list(const FileListing *listing);

enum { FILE_ETAG_BYTES = 64 };
/* Of a file as it is now. */
Str file_etag(const struct stat *st, char out[FILE_ETAG_BYTES]);
int64_t file_modified_us(const struct stat *st);

#endif
