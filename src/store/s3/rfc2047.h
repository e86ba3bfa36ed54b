/* rfc2047.h - text in header values that carry only ASCII: "=?UTF-8?B?...?=" there and back.
 *
 * S3 reads header bytes as ISO-8859-1, so anything but plain ASCII would come back changed. Source: spec/s3.md 3.4; RFC 2047. */
#ifndef STORE_S3_RFC2047_H
#define STORE_S3_RFC2047_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

/* A value as it goes into a header: itself when it is plain (printable ASCII, no space at the ends, nothing that looks encoded), else
 * encoded words of at most 75 characters with a space between, in `arena`. Errors: INVALID (not UTF-8), LIMIT. */
MUST_USE Error *rfc2047_encode(Str value, Arena *arena, Str *ret_text);

/* Back: B and Q words in UTF-8, US-ASCII or ISO-8859-1 anywhere in the text; other words stay as they are. Raw UTF-8 is taken as it is,
 * other raw bytes as ISO-8859-1. The result is valid UTF-8. */
MUST_USE Error *rfc2047_decode(Str text, Arena *arena, Str *ret_value);

#endif
