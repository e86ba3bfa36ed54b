/* merge.h - what becomes of metadata when elements go into one chunk. Source: spec/unstructured.md 2.4, the table. */
#ifndef DOCUMENT_CHUNK_MERGE_H
#define DOCUMENT_CHUNK_MERGE_H

#include "document/element.h"

/* Fills the metadata of `chunk` from elements [first, first + count): its own type, text and chunk fields are left alone. Lists and texts are in
 * `arena`, or shared with the elements. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *chunk_merge_metadata(const Elements *elements, size_t first, size_t count, Arena *arena,
                                     Element *chunk);

/* The elements as `orig_elements` has them: a JSON array with sorted keys, zlib, base64; in `arena`. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *chunk_orig_elements(const Elements *elements, size_t first, size_t count, const DocumentInfo *info,
                                    Arena *arena, Str *ret_text);

#endif
