/* dictionary_builder.h - gives equal values equal indices, in order of first appearance.
 *
 * The distinct values lie in their PLAIN form, ready to be a dictionary page. One thread. */
#ifndef PARQUET_DICTIONARY_BUILDER_H
#define PARQUET_DICTIONARY_BUILDER_H

#include "base/buffer.h"

typedef struct DictionarySlot {
    uint32_t hash;
    uint32_t entry; /* index + 1; 0: free */
} DictionarySlot;

typedef struct DictionaryBuilder {
    uint32_t width; /* bytes of a value; 0: byte arrays, each with its length in front */
    Buffer bytes;   /* PLAIN */
    Buffer starts;  /* uint32 an entry: where it lies in `bytes`; byte arrays only */
    DictionarySlot *slots;
    size_t slots_count; /* a power of two, at least twice `count` */
    uint32_t count;
} DictionaryBuilder;

void dictionary_builder_init(DictionaryBuilder *b, uint32_t width);
void dictionary_builder_done(DictionaryBuilder *b);  /* copes with a zeroed one */
void dictionary_builder_clear(DictionaryBuilder *b); /* keeps the memory */

/* The index of `value`; `*ret_added` when it is new. Errors: NO_MEMORY. */
MUST_USE Error *dictionary_find_bytes(DictionaryBuilder *b, Bytes value, uint32_t *ret_index, bool *ret_added);
/* The same for widths 4 and 8, the value in the low bytes. */
MUST_USE Error *dictionary_find_u64(DictionaryBuilder *b, uint64_t value, uint32_t *ret_index, bool *ret_added);

/* Value `index` without its length; until the next find. */
Bytes dictionary_value_view(const DictionaryBuilder *b, uint32_t index);

#endif
