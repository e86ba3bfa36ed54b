/* str.h - borrowed slices: `Str` is text, `Bytes` is octets; neither owns nor ends in a NUL. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"

typedef struct Str {
    const char *data;
    size_t len;
} Str;

typedef struct Bytes {
    const uint8_t *data;
    size_t len;
} Bytes;

/* Texts in a row; who owns them stands where the list does. */
typedef struct StrList {
    Str *items;
    size_t count;
} StrList;

#define STR(literal) ((Str){"" literal, sizeof(literal) - 1})
#define STR_EMPTY ((Str){"", 0})
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).len, (s).data /* for printf; text longer than INT_MAX is never printed */
#define BYTES_EMPTY ((Bytes){(const uint8_t *)"", 0})

/* `text` may be NULL, which is the empty string. */
static inline Str str_of(const char *text)
{
    return text ? (Str){text, strlen(text)} : STR_EMPTY;
}

static inline Str str_from(const void *data, size_t len)
{
    return (Str){(const char *)data, len};
}

static inline Bytes bytes_from(const void *data, size_t len)
{
    return (Bytes){(const uint8_t *)data, len};
}

static inline Bytes str_bytes(Str s)
{
    return (Bytes){(const uint8_t *)s.data, s.len};
}

static inline Str bytes_str(Bytes b)
{
    return (Str){(const char *)b.data, b.len};
}

static inline bool str_equal(Str a, Str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Byte order, shorter first on a tie: the order of keys in an S3 listing. */
int str_compare(Str a, Str b);

bool str_equal_nocase(Str a, Str b); /* ASCII letters only */
bool str_starts_with(Str s, Str prefix);
bool str_ends_with(Str s, Str suffix);

/* Index of the first `c`, or SIZE_MAX. */
size_t str_find_char(Str s, char c);
/* Index of the first `needle`, or SIZE_MAX. */
size_t str_find(Str s, Str needle);
size_t str_rfind_char(Str s, char c);

/* The part from `from` up to `to`; both are clamped to the length. */
Str str_slice(Str s, size_t from, size_t to);
Str str_trim(Str s); /* ASCII white space at both ends */

/* Cuts `*rest` at the first `separator`: true while there is a piece, which may be empty.
 * Start with the whole text; the end is marked by a NULL `rest->data`. */
bool str_next_piece(Str *rest, char separator, Str *ret_piece);

/* Whole text as a number in base 10; false on anything else, and outside the type. A double has at most 63 characters; one
 * too small to hold is 0. */
bool str_to_u64(Str s, uint64_t *ret_value);
bool str_to_i64(Str s, int64_t *ret_value);
bool str_to_double(Str s, double *ret_value);

bool str_is_utf8(Str s); /* RFC 3629: no surrogates, nothing overlong */

/* Decodes one code point at `s.data[*at]` and moves `*at` past it. An invalid byte gives U+FFFD and one step. */
uint32_t str_next_code_point(Str s, size_t *at);
/* Writes 1 to 4 bytes of UTF-8; `code_point` must be below 0x110000. */
size_t utf8_encode(uint32_t code_point, char out[4]);

#endif
