/* page_reader.h - the pages of one column chunk: found, checked, decompressed and split into their sections.
 *
 * Sources: spec/parquet.md 5, 7, 13, and the rules of 18.2 on pages, which the comments in page_reader.c number. */
#ifndef PARQUET_PAGE_READER_H
#define PARQUET_PAGE_READER_H

#include "codec/codec.h"
#include "parquet/file_bytes.h"
#include "parquet/metadata.h"
#include "parquet/value_decoder.h"

typedef struct Page {
    bool dictionary;
    size_t num_values; /* level entries; of a dictionary its values */
    int32_t encoding;
    Bytes repetition, definition; /* hybrid streams without their length; empty when the leaf has no such level */
    Bytes values;
} Page;

typedef struct PageReader {
    ChunkWindow window;
    CodecContext *codecs; /* borrowed */
    const SchemaLeaf *leaf;
    const ColumnMetaData *chunk;
    const Codec *codec;
    bool ignore_checksums;
    bool v2_flag_lies;    /* parquet-cpp before 2.0.0 compressed pages that it calls uncompressed */
    uint64_t at;          /* file offset of the next page header */
    uint64_t values_left; /* entries that the chunk still owes */
    size_t barren_pages;  /* data pages without entries, in a row */
    size_t ordinal;
    Buffer page; /* decompressed */
    Arena *header_arena;
} PageReader;

/* Where the chunk begins and ends (spec/parquet.md 5.1). Errors: CORRUPT. */
typedef struct ChunkRange {
    uint64_t start, end;
} ChunkRange;
MUST_USE Error *chunk_range(const ColumnMetaData *chunk, uint64_t footer_start, Str created_by, ChunkRange *ret_range);

/* Begins a chunk that lies in `range`; `codecs` and the two flags must be set. Keeps the buffers of the last chunk.
 * Errors: UNSUPPORTED (codec), NO_MEMORY. */
MUST_USE Error *page_reader_begin(PageReader *p, const ColumnMetaData *chunk, const SchemaLeaf *leaf, FileBytes *file,
                                  ChunkRange range, size_t read_bytes);
void page_reader_done(PageReader *p);

/* The next dictionary or data page with entries; its sections are valid until the next call. Call it only while values_left
 * is not 0; data pages count it down. Errors: CORRUPT, LIMIT, UNSUPPORTED, NO_MEMORY, the source's. */
MUST_USE Error *page_reader_next(PageReader *p, Page *ret_page);

#endif
