/* wire.h - what quern-parse and the program say to each other inside the frames of the sandbox.
 *
 * A request is one frame: the options of one document. The answer is any number of frames, each a batch of elements (perhaps none)
 * headed by the document's type. The encoders trust their arguments; the decoders trust nothing: every count is compared with the
 * bytes that remain, text is checked to be UTF-8, enums and floating-point numbers to be in range. Little-endian throughout; both sides
 * come from one build, so the first byte is a kind with the version in it and nothing is ever migrated. */
#ifndef DOCUMENT_WIRE_H
#define DOCUMENT_WIRE_H

#include "base/buffer.h"
#include "document/element.h"
#include "document/partition.h"

/* Appends the request frame to `out`. Errors: LIMIT, NO_MEMORY (of `out`). */
MUST_USE Error *wire_encode_request(const PartitionOptions *options, Buffer *out);
/* The texts of `*ret_options` point into `frame`. Errors: CORRUPT with the offset. */
MUST_USE Error *wire_decode_request(Bytes frame, PartitionOptions *ret_options);

/* How many elements from `first` on fit in a frame of `frame_max_bytes`; at least 1 while there is one, so a single larger element
 * makes a larger frame. 0 at the end. */
size_t wire_elements_fitting(const Elements *elements, size_t first, size_t frame_max_bytes);

/* Appends a frame with elements [first, first + count) to `out`; ids and parents do not travel. `count` 0 is an answer too: it says
 * the type of a document without elements. Errors: LIMIT, NO_MEMORY (of `out`). */
MUST_USE Error *wire_encode_elements(const Elements *elements, size_t first, size_t count, Str filetype, Buffer *out);
/* Adds the frame's elements behind those of `append_to`; they and `*ret_filetype` live in its arena. On failure the elements that were there
 * before are all that is there. Errors: CORRUPT with the offset, LIMIT, NO_MEMORY. */
MUST_USE Error *wire_decode_elements(Bytes frame, Elements *append_to, Str *ret_filetype);

#endif
