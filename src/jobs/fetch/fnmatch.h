/* fnmatch.h - patterns as Python's fnmatch has them on a POSIX system: on code points, the whole text, case-sensitive.
 *
 * `*` any run of characters, "/" and line feeds too; `?` one character; `[set]`, `[!set]` with ranges by code point; nothing else is
 * special and nothing escapes. Source: spec/mleko.md 7. Constant once made: any number of threads. */
#ifndef JOBS_FETCH_FNMATCH_H
#define JOBS_FETCH_FNMATCH_H

#include "base/error.h"
#include "base/str.h"

typedef struct Fnmatch Fnmatch;

/* Every text is a pattern. Errors: NO_MEMORY, LIMIT (over 64 KiB). */
MUST_USE Error *fnmatch_new(Str pattern, Fnmatch **ret_pattern);
void fnmatch_free(Fnmatch *pattern);
DEFINE_FREEP(Fnmatch, fnmatch_free)
/* Time grows with the product of the lengths at worst. Bytes of `text` that are not UTF-8 count as U+FFFD each. */
bool fnmatch_matches(const Fnmatch *pattern, Str text);

#endif
