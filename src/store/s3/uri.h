/* uri.h - percent-encoding as S3's signature wants it, and back. Source: spec/s3.md 1.2, 1.3; RFC 3986. */
#ifndef STORE_S3_URI_H
#define STORE_S3_URI_H

#include "base/arena.h"
#include "base/buffer.h"

/* Appends a key as a path: A-Z a-z 0-9 - . _ ~ and '/' stay, every other byte becomes %XX in upper case. Nothing is
 * normalised: "//" and "/../" stay as they are. */
MUST_USE Error *uri_append_path(Buffer *out, Str key);
/* Appends a name or value of a query: as above, and '/' becomes %2F. */
MUST_USE Error *uri_append_query(Buffer *out, Str text);

/* Undoes the encoding of a listing: %XX and '+' for a space; a '%' that begins no such thing stays. The result is `text` itself when there
 * is nothing to undo, else it lives in `arena`; `data` is NULL without memory. */
Str uri_decode(Str text, Arena *arena);

#endif
