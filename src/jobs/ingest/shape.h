/* shape.h - what the options of `ingest` and `partition` make of elements: ids, types left out, chunks, and what of them is written.
 * Constant once made, so that any number of threads may use one. */
#ifndef JOBS_INGEST_SHAPE_H
#define JOBS_INGEST_SHAPE_H

#include "document/chunk/chunk.h"
#include "document/clean/clean.h"
#include "document/element_select.h"
#include "jobs/ingest/tokenizer_file.h"
#include "jobs/options/options.h"

typedef struct Shape {
    ElementIds ids;
    uint32_t types_left_out; /* a bit each */
    Cleaners *cleaners;      /* owned; NULL: texts stay as they are */
    ChunkOptions chunk;      /* strategy CHUNK_NONE: elements stay as they are */
    ElementSelection selection;
    TokenizerFile *tokenizer; /* what chunks are measured with; NULL: code points */
} Shape;

/* `config` must outlive the shape, which the caller gives to shape_done. Reads the file of --chunk-tokenizer, unless `kept`, which may be NULL, holds
 * it. Errors: INVALID (a type or a cleaner that does not exist, options that exclude each other, sizes of chunks, a file that is no tokenizer we know),
 * NO_MEMORY. */
MUST_USE Error *shape_from_config(const Config *config, TokenizerFile *kept, Shape *ret_shape);
/* The selection alone, for what writes elements that are there. Errors: INVALID. */
MUST_USE Error *shape_selection(const Config *config, ElementSelection *ret_selection);
void shape_done(Shape *shape); /* copes with a zeroed one */

/* A short name for the values of all options that make other elements, or other JSON, of the same document, and for the rules they follow
 * (PARTITION_RULES_VERSION): with its NUL. Of a tokenizer its contents count too. `shape` is what was made of `config`. Errors: NO_MEMORY. */
enum { SHAPE_HASH_BYTES = 17 };
MUST_USE Error *shape_hash(const Shape *shape, const Config *config, char out[SHAPE_HASH_BYTES]);

/* Elements, as partitioning left them, get ids and parents, and become what `shape` wants; `info` is the document's. Errors: LIMIT (also: a
 * pattern of --clean that tries too much), NO_MEMORY. */
MUST_USE Error *shape_apply(const Shape *shape, const DocumentInfo *info, Elements *elements);

/* Chunks in the place of `elements`, which have ids; chunks get theirs. Errors as above. */
MUST_USE Error *shape_chunk(const Shape *shape, const DocumentInfo *info, Elements *elements);

#endif
