/* shape.h - what the options of `ingest` and `partition` make of elements: ids, types left out, chunks, and what of them is written.
 * Constant once made, so that any number of threads may use one. */
#ifndef JOBS_INGEST_SHAPE_H
#define JOBS_INGEST_SHAPE_H

#include "document/chunk/chunk.h"
#include "document/element_select.h"
#include "jobs/options/options.h"
#include "tokenizer/tokenizer.h"

typedef struct Shape {
    ElementIds ids;
    uint32_t types_left_out; /* a bit each */
    ChunkOptions chunk;      /* strategy CHUNK_NONE: elements stay as they are */
    ElementSelection selection;
    Tokenizer *tokenizer; /* owned: what chunks are measured with; NULL: code points */
} Shape;

/* `config` must outlive the shape, which the caller gives to shape_done. Reads the file of --chunk-tokenizer. Errors: INVALID (a type that does not
 * exist, options that exclude each other, sizes of chunks, a file that is no tokenizer we know), NO_MEMORY. */
MUST_USE Error *shape_from_config(const Config *config, Shape *ret_shape);
void shape_done(Shape *shape); /* copes with a zeroed one */

/* A short name for the values of all options that make other elements, or other JSON, of the same document: with its NUL. Of a
 * tokenizer its contents count too. Errors: NO_MEMORY, what reading a file can fail with. */
enum { SHAPE_HASH_BYTES = 17 };
MUST_USE Error *shape_hash(const Config *config, char out[SHAPE_HASH_BYTES]);

/* Elements, as partitioning left them, get ids and parents, and become what `shape` wants; `info` is the document's. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *shape_apply(const Shape *shape, const DocumentInfo *info, Elements *elements);

/* Chunks in the place of `elements`, which have ids; chunks get theirs. Errors as above. */
MUST_USE Error *shape_chunk(const Shape *shape, const DocumentInfo *info, Elements *elements);

#endif
