/* split.h - one text cut into pieces that are not too long. Source: spec/unstructured.md 4.2, "Chunk text". */
#ifndef DOCUMENT_CHUNK_SPLIT_H
#define DOCUMENT_CHUNK_SPLIT_H

#include "base/buffer.h"
#include "document/chunk/chunk.h"

size_t text_length(Str text); /* code points */
/* The last `count` code points of `text`. */
Str text_tail(Str text, size_t count);
/* `text` up to `count` code points. */
Str text_head(Str text, size_t count);

/* By the measure of `options`. */
MUST_USE Error *chunk_length(const ChunkOptions *options, Str text, size_t *ret_length);

/* Calls `take` with each piece of `text`, at most `length_max` long by the measure. The pieces point to `text` or, with an overlap, to memory
 * that is valid during the call. Errors: the first of `take`, NO_MEMORY, those of the measure. */
typedef Error *TakePiece(void *context, Str piece, size_t index);
MUST_USE Error *chunk_split_text(const ChunkOptions *options, size_t length_max, Str text, TakePiece *take,
                                 void *context);

#endif
