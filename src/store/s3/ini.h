/* ini.h - the syntax of ~/.aws/config and ~/.aws/credentials. Source: spec/s3.md 2.2.
 *
 *     [section]                lines that begin with '#' or ';' are comments; CRLF and a UTF-8 BOM are fine
 *     key = value              split at the first '='; names are compared without case; nothing in values is interpreted
 *     s3 =                     an empty value with deeper lines under it is a block, one level deep
 *       addressing_style = path */
#ifndef STORE_S3_INI_H
#define STORE_S3_INI_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

/* Views into the text that was parsed. */
typedef struct IniEntry {
    Str section; /* between the brackets, trimmed */
    Str block;   /* "" outside of one */
    Str key, value;
    unsigned line; /* from 1 */
} IniEntry;

typedef struct Ini {
    IniEntry *entries; /* in the order of the file, in the arena */
    size_t count;
} Ini;

/* Errors: INVALID with the line's number, LIMIT (of `arena`). */
MUST_USE Error *ini_parse(Str text, Arena *arena, Ini *ret_ini);

/* The last value of the key; `data` is NULL when there is none. */
Str ini_get(const Ini *ini, Str section, Str block, Str key);
/* True when the section has a line. Sections without any do not count. */
bool ini_has_section(const Ini *ini, Str section);

#endif
