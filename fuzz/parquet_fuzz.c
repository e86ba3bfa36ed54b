/* A whole file: every column that can be read is read and written as JSON, in bounded memory. */
#include "parquet/arrow_vector.h"
#include "parquet/memory_file.h"
#include "parquet/rows_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS_MAX = 100000 }; /* a file of runs can have any number of rows: a second's worth is enough */

static Error *read_column(ParquetSource *source, Str name)
{
    CLEANUP(parquet_reader_freep) ParquetReader *r = NULL;
    CLEANUP(arrow_schema_done) struct ArrowSchema schema = {0};
    ParquetReadOptions options = {.columns = &name,
                                  .columns_count = 1,
                                  .memory_max_bytes = 32 * MIB,
                                  .ignore_checksums = true,
                                  .batch_rows = 1000};
    int64_t rows = 0;

    TRY(parquet_reader_open(source, &options, &r));
    TRY(parquet_reader_schema(r, &schema));
    while (rows < ROWS_MAX) {
        CLEANUP(arrow_array_done) struct ArrowArray batch = {0};
        CLEANUP(buffer_done) Buffer json = {.limit = 16 * MIB};
        TRY(parquet_reader_next(r, &batch));
        if (!batch.release)
            break;
        rows += batch.length;
        TRY(rows_json_append(&schema, &batch, 0, (size_t)batch.length, &json));
    }
    return NULL;
}

static Error *read_file(Bytes file)
{
    CLEANUP(parquet_reader_freep) ParquetReader *r = NULL;
    CLEANUP(buffer_done) Buffer json = {.limit = 16 * MIB};
    ParquetSource source = memory_file_source(&file);

    TRY(parquet_reader_open(&source, &(ParquetReadOptions){.memory_max_bytes = 32 * MIB}, &r));
    TRY(parquet_reader_json(r, 0, &json));
    for (size_t i = 0; i < MIN(parquet_reader_columns(r), 16); i++)
        error_free(read_column(&source, parquet_reader_column_view(r, i)->name)); /* any outcome */
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    error_free(read_file(bytes_from(data, size)));
    return 0;
}
