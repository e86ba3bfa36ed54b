/* detect.h - what a document is, by its content first and its name second. Source: spec/unstructured.md 3.14.
 * libmagic is loaded once for the process, because the sandbox forbids to read its table later; one thread at a time. */
#ifndef DOCUMENT_DETECT_H
#define DOCUMENT_DETECT_H

#include "base/error.h"
#include "base/str.h"

/* Loads libmagic's table. Errors: UNAVAILABLE (no table). */
MUST_USE Error *detect_warm_up(void);

/* The MIME type of `input`: one of the originals' names ("text/markdown", "application/pdf"), or what libmagic says of a type that nobody here
 * reads ("video/mp4"). "inode/x-empty" for no bytes at all. Good until the next call. */
Str detect_filetype(Bytes input, Str filename);

#endif
