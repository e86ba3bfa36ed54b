/* quern/parquet.h - columns in and out, as Arrow arrays (quern/arrow.h). */
#ifndef QUERN_PARQUET_H
#define QUERN_PARQUET_H

#include <quern/arrow.h>
#include <quern/client.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct QuernParquetReader QuernParquetReader;
typedef struct QuernParquetWriter QuernParquetWriter;

/* Reads the footer. Errors: NOT_FOUND, CORRUPT, UNSUPPORTED, LIMIT, CHANGED. */
QUERN_API QuernError *quern_parquet_reader_new(QuernClient *client, const char *url, const QuernOptions *options,
                                               QuernControl *control, QuernParquetReader **ret_reader) QUERN_MUST_USE;
QUERN_API void quern_parquet_reader_free(QuernParquetReader *reader);
/* Schema, rows, row groups, key-values; as long as the reader. */
QUERN_API const char *quern_parquet_reader_json_view(const QuernParquetReader *reader);
/* Struct arrays, a child a column. Options of `parquet cat`: columns, row_groups, batch_rows. The stream keeps the reader. */
QUERN_API QuernError *quern_parquet_reader_scan(QuernParquetReader *reader, const QuernOptions *options,
                                                QuernControl *control,
                                                struct ArrowArrayStream *ret_stream) QUERN_MUST_USE;
/* The next rows as JSON lines, at most a batch; NULL: the end. Options count at the first call. */
QUERN_API QuernError *quern_parquet_reader_next_json(QuernParquetReader *reader, const QuernOptions *options,
                                                     QuernControl *control, char **ret_lines) QUERN_MUST_USE;

/* `take_schema` is moved on success. The object exists from finish on; freed before, nothing is left. */
QUERN_API QuernError *quern_parquet_writer_new(QuernClient *client, const char *url, struct ArrowSchema *take_schema,
                                               const QuernOptions *options,
                                               QuernParquetWriter **ret_writer) QUERN_MUST_USE;
QUERN_API QuernError *quern_parquet_writer_write(QuernParquetWriter *writer, struct ArrowArray *take_batch,
                                                 QuernControl *control) QUERN_MUST_USE;
QUERN_API QuernError *quern_parquet_writer_finish(QuernParquetWriter *writer, QuernControl *control) QUERN_MUST_USE;
QUERN_API void quern_parquet_writer_free(QuernParquetWriter *writer);

#ifdef __cplusplus
}
#endif
#endif
