/* glob.h - patterns on keys, in two dialects, compiled to PCRE2.
 *
 * RCLONE: `*` and `?` stop at "/", `**` does not, `[...]`, `{a,b}`, `\` escapes, `{{regex}}`; a leading "/" anchors at the root, without
 * it the pattern must match a suffix that begins at the root or after a "/"; a trailing "/" means all below (impresso.md 5.1).
 * FNMATCH: Python's: `*` and `?` match anything, "/" too, `[...]` with `!`; the whole text must match (unstructured.md 1.5).
 * Keys are bytes. */
#ifndef JOBS_GLOB_H
#define JOBS_GLOB_H

#include "base/error.h"
#include "base/str.h"

typedef struct Glob Glob;
typedef enum GlobDialect { GLOB_RCLONE, GLOB_FNMATCH } GlobDialect;

/* Errors: INVALID with the place in the pattern. */
MUST_USE Error *glob_new(Str pattern, GlobDialect dialect, Glob **ret_glob);
void glob_free(Glob *glob);
DEFINE_FREEP(Glob, glob_free)
/* Any number of threads. A match that would take too long counts as none. */
bool glob_matches(const Glob *glob, Str key);

#endif
