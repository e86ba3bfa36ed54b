/* parquet_bench.c - writes or reads the table that bench/README.md describes, one thread, and prints a JSON line with what it took.
 *
 *   parquet_bench write FILE [ROWS [CODEC [LEVEL]]]     parquet_bench read FILE
 *
 * Only the writing or reading is timed, not the making of the table. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "parquet/arrow_vector.h"
#include "parquet/reader.h"
#include "parquet/table_builder.h"
#include "parquet/writer.h"

enum { ROWS = 1000000, BATCH_ROWS = 65536 };

#define NAME(literal)                                                                                                  \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }
static const TableColumn COLUMNS[] = {
    {NAME("id"), COLUMN_INT64, .required = true},
    {NAME("small"), COLUMN_INT32},
    {NAME("big"), COLUMN_INT64},
    {NAME("price"), COLUMN_DOUBLE},
    {NAME("category"), COLUMN_STRING},
    {NAME("title"), COLUMN_STRING},
    {NAME("tokens"), COLUMN_INT32, .list = true},
    {NAME("tags"), COLUMN_STRING, .list = true},
};

typedef struct Clocks {
    double wall, cpu;
} Clocks;

static Clocks clocks_now(void)
{
    struct timespec wall, cpu;

    clock_gettime(CLOCK_MONOTONIC, &wall);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    return (Clocks){(double)wall.tv_sec + (double)wall.tv_nsec * 1e-9, (double)cpu.tv_sec + (double)cpu.tv_nsec * 1e-9};
}

/* splitmix64: the same everywhere. */
static uint64_t hash_of(uint64_t i)
{
    uint64_t h = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

    h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
    return h ^ h >> 31;
}

static void append_numbered(TableBuilder *b, size_t column, const char *prefix, uint64_t number)
{
    char text[64];
    int len = snprintf(text, sizeof text, "%s%llu", prefix, (unsigned long long)number);

    table_append_str(b, column, str_from(text, (size_t)len));
}

static void append_title(TableBuilder *b, uint64_t i)
{
    char prefix[64];

    snprintf(prefix, sizeof prefix, "title %llu of ", (unsigned long long)i);
    append_numbered(b, 5, prefix, hash_of(i + 4) % 100000);
}

static void append_row(TableBuilder *b, uint64_t i)
{
    table_append_i64(b, 0, (int64_t)i);
    table_append_i64(b, 1, (int64_t)(hash_of(i) % 1000));
    table_append_i64(b, 2, (int64_t)(hash_of(i + 1) >> 1));
    table_append_double(b, 3, (double)(hash_of(i + 2) >> 11) * 1000 * 0x1p-53);
    append_numbered(b, 4, "category-", hash_of(i + 3) % 50);
    if (i % 20 != 0)
        append_title(b, i);
    table_list_begin(b, 6);
    for (uint64_t k = 0; k < i % 9; k++)
        table_append_i64(b, 6, (int64_t)(hash_of(i + 5 + k) % 50000));
    table_list_end(b, 6);
    table_list_begin(b, 7);
    for (uint64_t k = 0; k < i % 4; k++)
        append_numbered(b, 7, "tag-", hash_of(i + 20 + k) % 200);
    table_list_end(b, 7);
}

typedef struct Batches {
    struct ArrowSchema schema;
    struct ArrowArray *arrays;
    size_t count;
} Batches;

/* The table is made before the clock runs. */
static Error *make_batches(size_t rows, Batches *ret)
{
    CLEANUP(table_builder_freep) TableBuilder *b = table_builder_new(COLUMNS, ARRAY_COUNT(COLUMNS), 0);

    if (!b)
        return FAIL(NO_MEMORY, "no memory for a table");
    TRY(table_builder_schema(b, &ret->schema));
    ret->arrays = calloc(rows / BATCH_ROWS + 1, sizeof *ret->arrays);
    if (!ret->arrays)
        return FAIL(NO_MEMORY, "no memory for %zu rows", rows);
    for (size_t row = 0; row < rows;) {
        for (size_t end = MIN(row + BATCH_ROWS, rows); row < end; row++) {
            append_row(b, row);
            TRY(table_builder_end_row(b));
        }
        TRY(table_builder_take_batch(b, &ret->arrays[ret->count]));
        ret->count++;
    }
    return NULL;
}

static void batches_done(Batches *batches)
{
    arrow_schema_done(&batches->schema);
    for (size_t i = 0; i < batches->count; i++)
        arrow_array_done(&batches->arrays[i]);
    free(batches->arrays);
}

static Error *write_piece(void *context, Bytes piece)
{
    FILE *file = context;

    return fwrite(piece.data, 1, piece.len, file) == piece.len ? NULL : FAIL_ERRNO("cannot write");
}

static Error *read_piece(void *context, uint64_t offset, uint8_t *out, size_t len)
{
    const int *fd = context;

    for (ssize_t n; len > 0; out += n, offset += (uint64_t)n, len -= (size_t)n) {
        n = pread(*fd, out, len, (off_t)offset);
        if (n < 0)
            return FAIL_ERRNO("cannot read");
        if (n == 0)
            return FAIL(CORRUPT, "the file became shorter");
    }
    return NULL;
}

static void report(const char *what, uint64_t rows, uint64_t bytes, Clocks from, Clocks to)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    printf("{\"case\": \"parquet %s\", \"rows\": %llu, \"bytes\": %llu, \"seconds\": %.4f, \"cpu_seconds\": %.4f, "
           "\"peak_rss_kib\": %ld}\n",
           what, (unsigned long long)rows, (unsigned long long)bytes, to.wall - from.wall, to.cpu - from.cpu,
           usage.ru_maxrss);
}

static Error *write_batches(const Batches *batches, FILE *file, const ParquetWriteOptions *options, uint64_t *ret_bytes)
{
    CLEANUP(parquet_writer_freep) ParquetWriter *w = NULL;
    ParquetSink sink = {file, write_piece};

    TRY(parquet_writer_new(&sink, &batches->schema, options, &w));
    for (size_t i = 0; i < batches->count; i++)
        TRY(parquet_writer_write(w, &batches->arrays[i]));
    TRY(parquet_writer_finish(w));
    *ret_bytes = parquet_writer_bytes(w);
    return fflush(file) == 0 ? NULL : FAIL_ERRNO("cannot write");
}

static Error *run_write(const char *path, size_t rows, const ParquetWriteOptions *options)
{
    CLEANUP(batches_done) Batches batches = {0};
    uint64_t bytes = 0;

    TRY(make_batches(rows, &batches));
    FILE *file = fopen(path, "wb");
    if (!file)
        return FAIL_ERRNO("cannot create '%s'", path);
    Clocks from = clocks_now();
    Error *error = write_batches(&batches, file, options, &bytes);
    Clocks to = clocks_now();
    fclose(file);
    if (!error)
        report("write", rows, bytes, from, to);
    return error;
}

static Error *read_batches(int fd, uint64_t size, uint64_t *ret_rows)
{
    CLEANUP(parquet_reader_freep) ParquetReader *r = NULL;
    ParquetSource source = {&fd, size, read_piece};

    TRY(parquet_reader_open(&source, NULL, &r));
    for (;;) {
        CLEANUP(arrow_array_done) struct ArrowArray batch = {0};
        TRY(parquet_reader_next(r, &batch));
        if (!batch.release)
            return NULL;
        *ret_rows += (uint64_t)batch.length;
    }
}

static Error *run_read(const char *path)
{
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    uint64_t rows = 0;

    if (fd < 0 || fstat(fd, &status) != 0)
        return FAIL_ERRNO("cannot open '%s'", path);
    Clocks from = clocks_now();
    TRY_CTX(read_batches(fd, (uint64_t)status.st_size, &rows), "read '%s'", path);
    report("read", rows, (uint64_t)status.st_size, from, clocks_now());
    return NULL;
}

static Error *run(int argc, char **argv)
{
    uint64_t rows = ROWS, level = 0;

    if (argc == 3 && strcmp(argv[1], "read") == 0)
        return run_read(argv[2]);
    if (argc < 3 || argc > 6 || strcmp(argv[1], "write") != 0)
        return FAIL(INVALID, "usage: parquet_bench write FILE [rows [codec [level]]] | read FILE");
    if ((argc > 3 && !str_to_u64(str_of(argv[3]), &rows)) || (argc > 5 && !str_to_u64(str_of(argv[5]), &level)))
        return FAIL(INVALID, "rows and level are numbers");
    ParquetWriteOptions options = {.codec = codec_by_name(str_of(argc > 4 ? argv[4] : "zstd")), .level = (int)level};
    if (!options.codec)
        return FAIL(INVALID, "there is no codec '%s'", argv[4]);
    return run_write(argv[2], (size_t)rows, &options);
}

int main(int argc, char **argv)
{
    Error *error = run(argc, argv);

    if (!error)
        return 0;
    fprintf(stderr, "parquet_bench: %s\n", error_message_view(error));
    int status = error_code_exit_status(error_code(error));
    error_free(error);
    return status;
}
