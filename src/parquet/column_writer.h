/* column_writer.h - one leaf of the row group that is being written: Arrow values in, compressed pages out.
 *
 * Values and levels of the open page are encoded as they come; a full page is compressed and waits in `pages` until the row
 * group is complete, because a dictionary page must come before the pages that use it. Sources: spec/parquet.md 8.5, 16. */
#ifndef PARQUET_COLUMN_WRITER_H
#define PARQUET_COLUMN_WRITER_H

#include <quern/arrow.h>

#include "parquet/dictionary_builder.h"
#include "parquet/hybrid.h"
#include "parquet/statistics.h"
#include "parquet/writer.h"

/* How the values of the open page are held. */
typedef enum PageMode {
    PAGE_PLAIN,
    PAGE_INDICES /* of the dictionary */
} PageMode;

/* Room for one page, shared by all columns: fresh memory for each would cost more than filling it. */
typedef struct PageScratch {
    Buffer body, packed;
} PageScratch;

typedef struct ColumnWriter {
    /* fixed */
    const SchemaField *field;
    const SchemaLeaf *leaf;
    const char *format; /* Arrow's, of the leaf */
    const ParquetWriteOptions *options;
    CodecContext *codecs; /* borrowed, as `scratch` */
    PageScratch *scratch;

    /* the chunk */
    Buffer pages;               /* data pages with their headers */
    int64_t pages_uncompressed; /* what `pages` holds, headers included, before compression */
    int64_t entries;
    int32_t plain_pages, index_pages;
    bool dictionary_on; /* false once the chunk has fallen back to PLAIN */
    bool first_page_done;
    DictionaryBuilder dictionary;
    ChunkStatistics statistics;

    /* the page */
    PageMode mode;
    size_t page_rows, page_entries, page_values;
    Buffer def_bytes, rep_bytes; /* encoded levels */
    HybridEncoder def, rep;
    Buffer plain;               /* values in PLAIN form */
    Buffer indices;             /* uint32 each */
    size_t indices_plain_bytes; /* what these values would take in PLAIN form */
} ColumnWriter;

MUST_USE Error *column_writer_init(ColumnWriter *c, const SchemaField *field, const SchemaLeaf *leaf,
                                   const char *format, const ParquetWriteOptions *options, CodecContext *codecs,
                                   PageScratch *scratch);
void column_writer_done(ColumnWriter *c); /* copes with a zeroed one */

/* Appends rows [first, first + rows) of `array`, counted from its buffers' start (offsets are in it).
 * Errors: INVALID (null in a required column), LIMIT, NO_MEMORY. */
MUST_USE Error *column_writer_append(ColumnWriter *c, const struct ArrowArray *array, size_t first, size_t rows);

/* What rows [first, first + rows) take in PLAIN form. */
size_t column_writer_rows_bytes(const ColumnWriter *c, const struct ArrowArray *array, size_t first, size_t rows);

/* Bytes of the chunk so far before compression, and about what it will take in the file. */
size_t column_writer_raw_bytes(const ColumnWriter *c);
size_t column_writer_file_bytes(const ColumnWriter *c);

/* Ends the chunk: `write` gets its bytes, the first at file offset `offset`; then the next one begins. */
MUST_USE Error *column_writer_finish_chunk(ColumnWriter *c, const ParquetSink *sink, uint64_t offset, Arena *arena,
                                           ColumnMetaData *ret_chunk);

#endif
