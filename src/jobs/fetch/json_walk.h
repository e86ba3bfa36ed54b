/* json_walk.h - walks JSON piece by piece, without a tree and without the whole text: manifests may have a million entries.
 *
 * A pull parser: json_walk_next gives token after token. What is wrong is said in the words and with the places of Python's
 * json module, because messages with them are kept from the original; NaN and Infinity are numbers, as there. One thread.
 * Source: RFC 8259; spec/mleko.md 6. */
#ifndef JOBS_FETCH_JSON_WALK_H
#define JOBS_FETCH_JSON_WALK_H

#include "base/buffer.h"

enum { JSON_WALK_DEPTH_MAX = 64, JSON_WALK_TEXT_MAX = 65536, JSON_WALK_PIECE = 65536 };

/* Fills at most `room` bytes; `*ret_len` 0 at the end. */
typedef Error *JsonReadFn(void *context, uint8_t *out, size_t room, size_t *ret_len);

typedef enum JsonToken {
    TOKEN_OBJECT,
    TOKEN_OBJECT_END,
    TOKEN_ARRAY,
    TOKEN_ARRAY_END,
    TOKEN_KEY, /* text: the key */
    TOKEN_STRING, /* text: UTF-8, but that \udc80 to \udcff are the bytes 0x80 to 0xff, as Python has names that are not UTF-8 */
    TOKEN_NUMBER, /* text: as it stands there */
    TOKEN_WORD,   /* text: true, false, null */
    TOKEN_END,
} JsonToken;

typedef struct JsonPlace {
    uint64_t chars, line, line_began; /* code points before it, lines, and where its line began */
} JsonPlace;

typedef struct JsonWalk {
    JsonReadFn *read;
    void *context;
    Buffer text; /* of the last token that has one */
    unsigned depth;
    uint64_t objects; /* bit of each open level: an object */
    enum { WANT_VALUE, WANT_VALUE_OR_END, WANT_KEY, WANT_KEY_OR_END, WANT_COMMA_OR_END, WANT_NOTHING } want;
    JsonPlace place;
    bool ended; /* nothing more to read */
    size_t at, len;
    uint8_t piece[JSON_WALK_PIECE];
} JsonWalk;

/* It is large: on the heap. NULL without memory. */
JsonWalk *json_walk_new(JsonReadFn *read, void *context) MUST_USE;
void json_walk_free(JsonWalk *walk);
DEFINE_FREEP(JsonWalk, json_walk_free)

/* Errors: CORRUPT, "Expecting value: line 1 column 2 (char 1)"; LIMIT (depth, a text too long); those of `read`. */
MUST_USE Error *json_walk_next(JsonWalk *walk, JsonToken *ret_token);
/* Passes the rest of the value whose first token was `begun`. */
MUST_USE Error *json_walk_skip(JsonWalk *walk, JsonToken begun);
/* Until the next call. */
Str json_walk_text(const JsonWalk *walk);

#endif
