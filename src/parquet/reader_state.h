/* reader_state.h - what a ParquetReader is made of, for reader.c and reader_json.c. */
#ifndef PARQUET_READER_STATE_H
#define PARQUET_READER_STATE_H

#include "parquet/assemble.h"
#include "parquet/column_reader.h"
#include "parquet/metadata.h"
#include "parquet/reader.h"
#include "parquet/schema.h"

struct ParquetReader {
    /* fixed once open */
    ParquetReadOptions options; /* with the defaults filled in; no pointers */
    FileBytes file;
    uint64_t footer_start;
    Arena *arena;  /* metadata, schema, columns */
    Buffer footer; /* the metadata's strings point into it */
    FileMetaData metadata;
    uint64_t rows;
    Schema schema;
    ParquetColumn *columns; /* as many as schema.fields */
    const SchemaField **selected;
    size_t selected_count;
    CodecContext *codecs;

    /* the scan */
    ColumnReader **readers; /* by leaf; NULL for leaves not selected */
    size_t row_group, row_groups_end;
    bool in_group;
    uint64_t group_rows_left;
    size_t bytes_per_row; /* of the last batch; 0: not known yet */
};

#endif
