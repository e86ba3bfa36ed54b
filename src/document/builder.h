/* builder.h - what every partitioner adds its elements through: the limit on text and the sign of life in one place. */
#ifndef DOCUMENT_BUILDER_H
#define DOCUMENT_BUILDER_H

#include "document/partition.h"

typedef struct Builder {
    Elements *elements;
    const PartitionWatch *watch; /* may be NULL */
    size_t text_left;            /* bytes of text that may still be added */
    uint64_t units;              /* reported so far */
    bool table_cells;            /* tables get their cells */
} Builder;

void builder_init(Builder *builder, const PartitionOptions *options, const PartitionWatch *watch, Elements *elements);

/* elements_add within the limit on text. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *builder_add(Builder *builder, ElementType type, Str text, Element **ret_element);

/* Adds `text`, a paragraph, with the type that its words give it. Errors as above. */
MUST_USE Error *builder_add_classified(Builder *builder, Str text);

/* `text` with white space runs of any script made one space, none at the ends; "" becomes ""; in the arena.
 * Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *arena_collapse_space(Arena *arena, Str text, Str *ret_text);

#endif
