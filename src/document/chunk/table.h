/* table.h - a table that is too long for one chunk, cut by rows, cells, text. Source: spec/unstructured.md 4.2, "Tables". */
#ifndef DOCUMENT_CHUNK_TABLE_H
#define DOCUMENT_CHUNK_TABLE_H

#include "document/chunk/chunk.h"

/* A piece: its text and its HTML, valid during the call. */
typedef Error *TakeTablePiece(void *context, Str text, Str html, size_t index, size_t header_rows);

/* Whether a table with this text and HTML is cut at all. */
MUST_USE Error *chunk_table_fits(const ChunkOptions *options, Str text, Str html, bool *ret_fits);

/* Calls `take` with each piece. Without HTML, or with a limit that no row can meet, the text alone is cut. Errors: the first of `take`, those of the
 * measure, LIMIT, NO_MEMORY. */
MUST_USE Error *chunk_split_table(const ChunkOptions *options, Str text, Str html, Arena *arena, TakeTablePiece *take,
                                  void *context);

#endif
