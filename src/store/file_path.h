/* file_path.h - keys as names below a root that none can leave; nothing here touches the disk.
 *
 * A key's parts, between its slashes, are names of directories and, the last, of a file. Without escaping, a key that no path
 * can express as itself is refused: an empty part, ".", "..", a NUL, a part over 255 bytes. With escaping, each such thing has one
 * name, and each name gives its key back:
 *     '%', NUL, control characters, DEL             %XX, upper-case hex
 *     "." and ".."                                  %2E and %2E%2E
 *     a name that the store uses itself             its first dot as %2E
 *     an empty part, as in "a//b" and "a/"          "%" alone
 * A part that is too long stays refused. Source: spec/s3.md 5.4. */
#ifndef STORE_FILE_PATH_H
#define STORE_FILE_PATH_H

#include <limits.h>

#include "base/error.h"
#include "base/str.h"

typedef struct FilePath {
    char dir[PATH_MAX]; /* relative to the root, no slash at either end; "" is the root */
    size_t dir_len;
    char name[NAME_MAX + 1]; /* "" only for a key that ends in a slash, unescaped: the directory itself */
} FilePath;

/* Errors: INVALID, saying which part of the key cannot be, and what to do. */
MUST_USE Error *file_path_of(Str key, bool escape, FilePath *ret_path);

/* The directory alone: `key_dir` is the key up to its last slash, or "". */
MUST_USE Error *file_path_of_dir(Str key_dir, bool escape, FilePath *ret_path);

/* One part of a key as a name; false when it cannot be. */
bool file_name_of_part(Str part, bool escape, char ret_name[NAME_MAX + 1]);

/* Back: `out` has room for `name`. False for a name that is none of ours (with escaping: not what we would have written). */
bool file_part_of_name(Str name, bool escape, char *out, size_t *ret_len);

enum { FILE_TEMP_DIGITS = 8, FILE_META_DIGITS = 16 };
#define FILE_TEMP_SUFFIX ".part"
#define FILE_META_SUFFIX ".quern-meta"
#define FILE_STATE_SUFFIX ".state"

/* ".x.0123abcd.part", ".x.0123abcd.state" and ".x.0123456789abcdef.quern-meta": what the store itself writes beside objects. */
bool file_name_is_private(Str name);
/* Such a name for `name`: `digits` lower-case hex digits of `number`, then `suffix`. */
void file_name_private(char out[NAME_MAX + 1], const char *name, uint64_t number, int digits, const char *suffix);

#endif
