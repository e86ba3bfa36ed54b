/* json.h - reading on jansson, with limits; writing as a stream that never builds a tree. RFC 8259. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"

/* Strict UTF-8 JSON, one value, duplicate keys refused. Errors: CORRUPT with line, column and the offset behind what was read; LIMIT (nested
 * deeper than jansson goes), NO_MEMORY. The caller owns `*ret_root` (json_decref). */
Error *json_read(Bytes text, json_t **ret_root) MUST_USE;
void cleanup_json(json_t **value); /* for CLEANUP */

/* A string member, or `missing` when it is absent or no string. Lives as long as `object`. */
Str json_get_str(const json_t *object, const char *key, Str missing);
int64_t json_get_int(const json_t *object, const char *key, int64_t missing);

/* A writer appends to `out`, which it borrows. Calls must nest as JSON does: one that does not is our mistake and trips
 * an ASSERT. The first failure (LIMIT, NO_MEMORY) sticks, later calls do nothing, json_finish returns it: so calls can stand
 * in a row unchecked. Text that is not UTF-8 is written with U+FFFD for each bad byte. */
enum { JSON_DEPTH_MAX = 64 };

typedef struct JsonWriter {
    Buffer *out;
    Error *error;
    int indent; /* spaces a level; 0: all on one line, ", " and ": " between; -1: no white space at all */
    unsigned depth;
    uint8_t state[JSON_DEPTH_MAX]; /* what is open, whether it has members, whether a key waits for its value */
} JsonWriter;

void json_begin(JsonWriter *w, Buffer *out, int indent);
void json_open_object(JsonWriter *w);
void json_close_object(JsonWriter *w);
void json_open_array(JsonWriter *w);
void json_close_array(JsonWriter *w);
void json_put_key(JsonWriter *w, Str key);
void json_put_str(JsonWriter *w, Str value);
void json_put_int(JsonWriter *w, int64_t value);
void json_put_uint(JsonWriter *w, uint64_t value);
void json_put_double(JsonWriter *w,
                     double value); /* the fewest of 17 digits that read back equal; NaN and infinities as null */
void json_put_bool(JsonWriter *w, bool value);
void json_put_null(JsonWriter *w);
void json_put_raw(JsonWriter *w, Str json); /* a value already in JSON, put in as it is */
/* Everything must be closed. Errors: the first that happened. The writer needs no other release. */
Error *json_finish(JsonWriter *w) MUST_USE;

/* key and value at once; `key` is a literal. */
#define json_member(w, key, kind, ...) (json_put_key(w, STR(key)), json_put_##kind(w, __VA_ARGS__))

/* Appends `text` as a JSON string with its quotes. Only `"`, `\` and control characters are escaped. */
Error *json_append_string(Buffer *out, Str text) MUST_USE;

#endif
