/* value_decoder.h - the value section of a data page, whatever its encoding, into an Arrow vector.
 *
 * Values are appended dense, in bulk; nulls are the caller's. A new encoding is a case in value_decoder.c and its file.
 * Sources: spec/parquet.md 4.1, 6. */
#ifndef PARQUET_VALUE_DECODER_H
#define PARQUET_VALUE_DECODER_H

#include "parquet/arrow_vector.h"
#include "parquet/hybrid.h"
#include "parquet/schema.h"

/* Readable bytes behind every page and dictionary: short copies may read past their end. */
enum { PAGE_SLACK = 64 };

typedef struct DictionaryEntry {
    uint32_t offset, len; /* in `bytes` */
} DictionaryEntry;

/* The values of a dictionary page. */
typedef struct Dictionary {
    bool present;
    size_t count;
    Buffer bytes;   /* the page; fixed-width values lie in it as an array */
    Buffer entries; /* DictionaryEntry each, for byte arrays */
} Dictionary;

void dictionary_done(Dictionary *dictionary); /* copes with a zeroed one */

/* Copies the page of `count` PLAIN values. Errors: CORRUPT (fewer values than promised), LIMIT, NO_MEMORY. */
MUST_USE Error *dictionary_load(Dictionary *dictionary, const SchemaLeaf *leaf, Bytes page, size_t count,
                                size_t limit_bytes);

typedef struct ValueDecoder {
    const SchemaLeaf *leaf;
    Encoding encoding;
    const Dictionary *dictionary;
    Reader plain;         /* PLAIN: what is left */
    size_t bit_at;        /* PLAIN booleans */
    HybridDecoder hybrid; /* dictionary indices, RLE booleans */
} ValueDecoder;

/* Begins a page. `section` must stay readable, with PAGE_SLACK behind it, while the decoder is used.
 * Errors: UNSUPPORTED (an encoding we do not have), CORRUPT (one the type cannot have, no dictionary, a bad width). */
MUST_USE Error *value_decoder_begin(ValueDecoder *d, const SchemaLeaf *leaf, int32_t encoding,
                                    const Dictionary *dictionary, Bytes section);

/* Writes the next `count` values to the slots of `v` from v->length on, for which vector_reserve has been called, and leaves
 * v->length alone. Errors: CORRUPT, LIMIT, NO_MEMORY. */
MUST_USE Error *value_decoder_append(ValueDecoder *d, size_t count, ArrowVector *v);

/* The kind and width that a vector of this leaf's values has before conversion. */
VectorKind leaf_vector_kind(const SchemaLeaf *leaf);

#endif
