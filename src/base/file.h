/* file.h - a whole file into memory, for files that are small by their nature: settings, records, tables. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buffer.h"

/* Appends what is left of `fd`, which may be a pipe. Errors: LIMIT (more than `max_bytes` of it), or as errno says; then `out` has a part. */
MUST_USE Error *file_read_rest(int fd, size_t max_bytes, Buffer *out);

/* The same of the file at `path`. Errors also: NOT_FOUND and others of opening it. */
MUST_USE Error *file_read(const char *path, size_t max_bytes, Buffer *out);

#endif
