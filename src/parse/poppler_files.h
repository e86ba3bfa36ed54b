/* poppler_files.h - files in memory, for a process that can no longer open any.
 *
 * While it parses, poppler opens its tables of CJK encodings (package poppler-data) by fopen, and Tesseract its languages. This module maps them
 * before the door closes and defines fopen itself, which in an executable takes the place of libc's for every library: from then on it knows these
 * files and no others. Until then it is libc's. libarchive, which Tesseract tries before fopen, opens nothing at any time. One thread.
 * Source: spec/toolchain.md, sandbox recipe 2. */
#ifndef PARSE_POPPLER_FILES_H
#define PARSE_POPPLER_FILES_H

#include "base/error.h"

enum { POPPLER_FILES_MAX = 4096, POPPLER_FILES_DEPTH_MAX = 4 };
#define POPPLER_FILES_BYTES_MAX (512 * MIB)

/* Maps all files below `directory`, for ever. A directory that does not exist is empty: PDFs that need a table then lack the text that it decodes, as
 * poppler has it. Errors: LIMIT (of the above), NO_MEMORY, those of reading. */
MUST_USE Error *poppler_files_map(const char *directory);
/* Maps one file. Errors as above. */
MUST_USE Error *poppler_files_map_one(const char *path);

/* From now on fopen opens what was mapped. Once a process, after the others. */
void poppler_files_close(void);

#endif
