/* json_scan.h - the members of a JSON object without a tree: for one look at each of millions of lines.
 *
 * The whole text is checked (RFC 8259, and UTF-8), values are given as they stand in it. NaN, Infinity and -Infinity are taken, as
 * Python's reader takes them, and so are lone surrogates in \u escapes. Nothing is allocated; arrays and objects may be JSON_SCAN_DEPTH_MAX deep. */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include "base/str.h"

enum { JSON_SCAN_DEPTH_MAX = 4096 };

typedef enum JsonKind {
    JSON_KIND_NULL,
    JSON_KIND_FALSE,
    JSON_KIND_TRUE,
    JSON_KIND_NUMBER,
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT
} JsonKind;

/* A value as it is written. */
typedef struct JsonRaw {
    JsonKind kind;
    Str text;     /* a string without its quotes */
    bool escaped; /* a string in which '\' occurs */
} JsonRaw;

/* Zero it but for `text`, then call json_members_next until it says false. */
typedef struct JsonMembers {
    Str text;
    size_t at;           /* read so far */
    const char *problem; /* static text; NULL: none. "expected ':'" */
    bool begun, ended;
} JsonMembers;

/* The next member, names may repeat. False behind the last one, and where the text is no JSON object (`problem` says why, `at` where). */
bool json_members_next(JsonMembers *members, JsonRaw *ret_name, JsonRaw *ret_value);

/* A string's characters: itself, or unescaped into `out`. False when it does not fit, or holds half a surrogate pair. */
bool json_raw_string(const JsonRaw *raw, char *out, size_t out_bytes, Str *ret_text);
/* What Python takes for false: null, false, zero, "", [], {}. */
bool json_raw_is_falsy(const JsonRaw *raw);

#endif
