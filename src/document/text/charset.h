/* charset.h - bytes of unknown encoding to UTF-8. Sources: spec/unstructured.md 3.3, spec/toolchain.md; the Unicode standard 3.10 for byte
 * order marks. One process-wide set of converters, because the sandbox forbids to load one later; one thread at a time. */
#ifndef DOCUMENT_TEXT_CHARSET_H
#define DOCUMENT_TEXT_CHARSET_H

#include "base/arena.h"
#include "base/buffer.h"

/* Opens the converters of all charsets that are known; they stay open. Errors: NO_MEMORY. */
MUST_USE Error *charset_warm_up(void);

/* The text as UTF-8 without byte order mark, in `arena` or `input` itself: by its byte order mark, else as `declared` says ("": nothing is
 * declared; but UTF-8 that calls itself UTF-16 or UTF-32 is UTF-8), else UTF-16 or UTF-32 by their zero bytes, else UTF-8 if it is that or mostly (single bytes between are then Windows-1252), else as
 * uchardet guesses, else ISO 8859-1. What cannot be converted becomes U+FFFD. Errors: UNSUPPORTED (`declared` names no known charset), LIMIT, NO_MEMORY. */
MUST_USE Error *charset_decode(Bytes input, Str declared, Arena *arena, Str *ret_text);

/* Whether charset_decode would know this name. */
bool charset_is_known(Str name);

#endif
