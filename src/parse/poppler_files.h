/* poppler_files.h - poppler's tables in memory, for a process that can no longer open files.
 *
 * While it parses, poppler opens its tables of CJK encodings (package poppler-data) by fopen. This module maps them
 * before the door closes and defines fopen itself, which in an executable takes the place of libc's for every library:
 * from then on it knows these files and no others. Until then it is libc's. One thread. Source: spec/toolchain.md,
 * sandbox recipe 2. */
#ifndef PARSE_POPPLER_FILES_H
#define PARSE_POPPLER_FILES_H

#include "base/error.h"

enum { POPPLER_FILES_MAX = 4096, POPPLER_FILES_DEPTH_MAX = 4 };
#define POPPLER_FILES_BYTES_MAX (128 * MIB)

/* Maps all files below `directory`, for ever, and closes the door. A directory that does not exist is empty: PDFs that
 * need a table then lack the text that it decodes, as poppler has it. Once a process. Errors: LIMIT (of the above),
 * NO_MEMORY, those of reading. */
MUST_USE Error *poppler_files_map(const char *directory);

#endif
