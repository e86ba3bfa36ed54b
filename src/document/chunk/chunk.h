/* chunk.h - elements joined and cut to the sizes that search and models want. Source: spec/unstructured.md 4. Pure functions of
 * elements; one thread. Lengths are in Unicode code points, or in whatever a measure counts (tokens). */
#ifndef DOCUMENT_CHUNK_CHUNK_H
#define DOCUMENT_CHUNK_CHUNK_H

#include "document/element.h"

typedef enum ChunkStrategy { CHUNK_NONE, CHUNK_BASIC, CHUNK_BY_TITLE, CHUNK_STRATEGIES } ChunkStrategy;

/* How long a text is: tokens of a model. Errors: those of the tokenizer. */
typedef struct ChunkMeasure {
    Error *(*count)(void *context, Str text, size_t *ret_length); /* NULL: code points */
    void *context;
} ChunkMeasure;

enum { CHUNK_DEFAULT_CHARACTERS = 500 };
#define CHUNK_UNSET SIZE_MAX

/* The names are the originals'. chunk_options_default, then chunk_options_check. */
typedef struct ChunkOptions {
    ChunkStrategy strategy;
    size_t max_characters;    /* no chunk is longer */
    size_t new_after_n_chars; /* nor goes on past this; CHUNK_UNSET: max_characters; 0: each element alone */
    size_t
        combine_text_under_n_chars; /* by_title: sections shorter than this go together; CHUNK_UNSET: max_characters; 0: never */
    size_t overlap;                 /* code points that a piece of a cut text repeats of the one before */
    bool overlap_all;               /* and every chunk does */
    bool multipage_sections; /* by_title: a chunk may go over a page's end */
    bool include_orig_elements;
    ChunkMeasure measure;
} ChunkOptions;

ChunkOptions chunk_options_default(ChunkStrategy strategy);
/* Puts what is unset and what is capped in place. Errors: INVALID naming the two that do not go together. */
MUST_USE Error *chunk_options_check(ChunkOptions *options);

/* The chunks of `elements`, which elements_finish has seen (ids go into orig_elements), behind those of `chunks`, whose arena holds their
 * texts. Chunks have no ids yet. `options` must be checked. Errors: LIMIT, NO_MEMORY; those of the measure. */
MUST_USE Error *elements_chunk(const Elements *elements, const DocumentInfo *info, const ChunkOptions *options,
                               Elements *chunks);

#endif
