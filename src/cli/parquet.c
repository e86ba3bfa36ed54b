#include <stdlib.h>
#include <string.h>

#include "cli/program.h"

static QuernError *open_file(Program *program, QuernParquetReader **ret_reader)
{
    if (program->arguments.count != 1)
        return quern_error_new(QUERN_INVALID, "%s takes one file: a path or s3://bucket/key",
                               program->arguments.command);
    return quern_parquet_reader_new(NULL, program->arguments.values[0], program->options, program->control, ret_reader);
}

static int print_about(Program *program)
{
    QuernParquetReader *reader = NULL;
    QuernError *e = open_file(program, &reader);
    if (!e)
        puts(quern_parquet_reader_json_view(reader));
    quern_parquet_reader_free(reader);
    return program_flush(program, program_fail(program, e));
}

int command_parquet_schema(Program *program)
{
    return print_about(program);
}

int command_parquet_meta(Program *program)
{
    return print_about(program);
}

/* Prints lines up to `left` of them; what is left then. */
static long long print_lines(const char *lines, long long left)
{
    const char *end = lines;
    while (left > 0 && *end) {
        end = strchr(end, '\n') + 1;
        left--;
    }
    fwrite(lines, 1, (size_t)(end - lines), stdout);
    return left;
}

static int print_rows(Program *program)
{
    QuernParquetReader *reader = NULL;
    long long left = program_number(program, "limit", INT64_MAX);
    QuernError *e = open_file(program, &reader);
    while (!e && left > 0 && !ferror(stdout)) {
        char *lines = NULL;
        e = quern_parquet_reader_next_json(reader, program->options, program->control, &lines);
        if (!lines)
            break;
        left = print_lines(lines, left);
        quern_free(lines);
    }
    quern_parquet_reader_free(reader);
    return program_flush(program, program_fail(program, e));
}

int command_parquet_cat(Program *program)
{
    return print_rows(program);
}

int command_parquet_head(Program *program)
{
    return print_rows(program);
}
