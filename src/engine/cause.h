/* cause.h - what a failure has in common with others: its message without the object's name, identifiers and positions, so that equal
 * failures of many objects count as one. */
#ifndef ENGINE_CAUSE_H
#define ENGINE_CAUSE_H

#include "base/buffer.h"

/* Appends `message` without: what is quoted and holds `key` (as it is, or percent-encoded as in a URL), addresses, "(request ID)"; numbers that
 * say where in an object, and long hexadecimal identifiers, become "N". */
MUST_USE Error *cause_append(Buffer *out, Str key, Str message);

/* As stores and requests write a key into a URL: RFC 3986's unreserved characters and "/" as they are. */
MUST_USE Error *append_percent_encoded(Buffer *out, Str key);

#endif
