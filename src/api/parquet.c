#include <errno.h>
#include <stdlib.h>

#include "api/internal.h"
#include "parquet/reader.h"
#include "parquet/rows_json.h"
#include "parquet/writer.h"

/* ---- reading ---- */

/* The rows that one call's options ask for: one reader after the other when row groups were chosen. */
typedef struct Selection {
    Config *config; /* owned, or NULL: the call's; columns live in it */
    ParquetReadOptions read;
    size_t *groups; /* [group_count], as asked; none: all */
    size_t group_count, next_group;
    ParquetReader *rows; /* of what is being read; NULL: not begun */
} Selection;

struct QuernParquetReader {
    pid_t process;
    _Atomic unsigned references; /* the caller's, and each stream's */
    Call call;
    Store *store;
    Str key;                 /* in `url` */
    char *url, *json, *etag; /* owned */
    uint64_t size_bytes;
    const Cancel *cancel;
    Selection selection;       /* of next_json */
    struct ArrowSchema schema; /* of its rows; no `release` until its first call */
};

DEFINE_FREEP(QuernParquetReader, quern_parquet_reader_free)

static void selection_done(Selection *selection)
{
    parquet_reader_free(selection->rows);
    free(selection->groups);
    config_free(selection->config);
    *selection = (Selection){0};
}

static Error *read_object(void *context, uint64_t offset, uint8_t *out, size_t len)
{
    QuernParquetReader *reader = context;
    CLEANUP(buffer_done) Buffer piece = {.limit = len};
    TRY(store_get(reader->store, reader->cancel, reader->key, (ByteRange){offset, len}, str_of(reader->etag), &piece));
    if (piece.len != len)
        return FAIL(CORRUPT, "the object ends before byte %llu", (unsigned long long)(offset + len));
    memcpy(out, piece.data, len);
    return NULL;
}

static Error *reader_open(QuernParquetReader *reader, const ParquetReadOptions *options, ParquetReader **ret_rows)
{
    ParquetSource source = {reader, reader->size_bytes, read_object};
    TRY_CTX(parquet_reader_open(&source, options, ret_rows), "'%s'", reader->url);
    return NULL;
}

static Error *reader_describe(QuernParquetReader *reader)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(parquet_reader_freep) ParquetReader *footer = NULL;
    CLEANUP(buffer_done) Buffer json = {0};
    ObjectInfo info;
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY_CTX(store_head(reader->store, reader->cancel, reader->key, arena, &info), "open '%s'", reader->url);
    reader->size_bytes = info.size_bytes;
    reader->etag = strndup(info.etag.data, info.etag.len);
    if (!reader->etag)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(reader_open(reader, NULL, &footer));
    TRY(parquet_reader_json(footer, 2, &json));
    return text_from_buffer(&json, &reader->json);
}

QuernError *quern_parquet_reader_new(QuernClient *client, const char *url, const QuernOptions *options,
                                     QuernControl *control, QuernParquetReader **ret_reader)
{
    CLEANUP(quern_parquet_reader_freep) QuernParquetReader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return FAIL(NO_MEMORY, "out of memory");
    reader->references = 1;
    reader->process = getpid();
    TRY(call_begin(client, options, COMMAND_PARQUET_CAT, control, &reader->call));
    reader->cancel = reader->call.env.cancel;
    reader->url = strdup(url);
    if (!reader->url)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(client_open_object(&reader->call.env, reader->url, &reader->store, &reader->key));
    TRY(reader_describe(reader));
    GIVE(ret_reader, reader);
    return NULL;
}

void quern_parquet_reader_free(QuernParquetReader *reader)
{
    if (!reader || --reader->references > 0 || reader->process != getpid())
        return;
    if (reader->schema.release)
        reader->schema.release(&reader->schema);
    selection_done(&reader->selection);
    store_free(reader->store);
    call_done(&reader->call);
    free(reader->url);
    free(reader->json);
    free(reader->etag);
    free(reader);
}

const char *quern_parquet_reader_json_view(const QuernParquetReader *reader)
{
    return reader->json;
}

/* Opens the reader of the next row group, or the one of everything. */
static Error *selection_advance(QuernParquetReader *reader, Selection *selection)
{
    parquet_reader_free(selection->rows);
    selection->rows = NULL;
    if (selection->group_count) {
        selection->read.row_group_first = selection->groups[selection->next_group++];
        selection->read.row_groups_max = 1;
    }
    return reader_open(reader, &selection->read, &selection->rows);
}

static Error *read_groups(const Config *config, Selection *selection)
{
    StrList list = config_list(config, "row-groups");
    selection->groups = calloc(list.count + 1, sizeof *selection->groups);
    if (!selection->groups)
        return FAIL(NO_MEMORY, "out of memory");
    for (size_t i = 0; i < list.count; i++) {
        uint64_t number;
        if (!str_to_u64(list.items[i], &number) || number > SIZE_MAX)
            return FAIL(INVALID, "--row-groups: '" STR_FMT "' is no number", STR_ARG(list.items[i]));
        selection->groups[selection->group_count++] = (size_t)number;
    }
    return NULL;
}

/* Rows that `options` select; the first reader is open. What there is of it on failure selection_done frees. */
static Error *selection_open(QuernParquetReader *reader, const QuernOptions *options, Selection *ret_selection)
{
    TRY(process_check(reader->process, "reader"));
    if (options && !options->options)
        return FAIL(NO_MEMORY, "out of memory");
    if (options)
        TRY(options_resolve(options->options, COMMAND_PARQUET_CAT, &ret_selection->config));
    if (ret_selection->config)
        TRY(call_refuse_late_options(&reader->call, ret_selection->config, NULL));
    const Config *config = ret_selection->config ? ret_selection->config : reader->call.config;
    StrList columns = config_list(config, "columns");
    ret_selection->read = (ParquetReadOptions){.columns = columns.count ? columns.items : NULL,
                                               .columns_count = columns.count,
                                               .batch_rows = (size_t)config_int(config, "batch-rows")};
    TRY(read_groups(config, ret_selection));
    return selection_advance(reader, ret_selection);
}

static Error *selection_next(QuernParquetReader *reader, Selection *selection, struct ArrowArray *ret_batch)
{
    TRY(process_check(reader->process, "reader"));
    for (;;) {
        TRY_CTX(parquet_reader_next(selection->rows, ret_batch), "'%s'", reader->url);
        if (ret_batch->release || selection->next_group == selection->group_count)
            return NULL;
        TRY(selection_advance(reader, selection));
    }
}

QuernError *quern_parquet_reader_next_json(QuernParquetReader *reader, const QuernOptions *options,
                                           QuernControl *control, char **ret_lines)
{
    reader->cancel = control ? &control->cancel : reader->call.env.cancel;
    if (!reader->schema.release) {
        selection_done(&reader->selection); /* of a first call that failed */
        TRY(selection_open(reader, options, &reader->selection));
        TRY(parquet_reader_schema(reader->selection.rows, &reader->schema));
    }
    struct ArrowArray batch = {0};
    CLEANUP(buffer_done) Buffer lines = {0};
    TRY(selection_next(reader, &reader->selection, &batch));
    if (!batch.release) {
        if (ret_lines)
            *ret_lines = NULL;
        return NULL;
    }
    Error *error = rows_json_append(&reader->schema, &batch, 0, (size_t)batch.length, &lines);
    batch.release(&batch);
    TRY(error);
    return text_from_buffer(&lines, ret_lines);
}

/* ---- the Arrow stream ---- */

typedef struct Stream {
    QuernParquetReader *reader;
    Selection selection;
    char *last_error; /* owned */
} Stream;

/* errno for a consumer that knows no more; the message is kept for get_last_error. */
static int stream_fail(Stream *stream, Error *take_error)
{
    ErrorCode code = error_code(take_error);
    free(stream->last_error);
    stream->last_error = strdup(error_message_view(take_error));
    error_free(take_error);
    if (code == ERR_NO_MEMORY)
        return ENOMEM;
    if (code == ERR_UNSUPPORTED)
        return ENOSYS;
    if (code == ERR_CANCELLED)
        return ECANCELED;
    return code == ERR_INVALID || code == ERR_CORRUPT || code == ERR_LIMIT ? EINVAL : EIO;
}

static int stream_get_schema(struct ArrowArrayStream *arrow, struct ArrowSchema *ret_schema)
{
    Stream *stream = arrow->private_data;
    Error *error = parquet_reader_schema(stream->selection.rows, ret_schema);
    return error ? stream_fail(stream, error) : 0;
}

static int stream_get_next(struct ArrowArrayStream *arrow, struct ArrowArray *ret_array)
{
    Stream *stream = arrow->private_data;
    Error *error = selection_next(stream->reader, &stream->selection, ret_array);
    return error ? stream_fail(stream, error) : 0;
}

static const char *stream_get_last_error(struct ArrowArrayStream *arrow)
{
    return ((Stream *)arrow->private_data)->last_error;
}

static void stream_release(struct ArrowArrayStream *arrow)
{
    Stream *stream = arrow->private_data;
    selection_done(&stream->selection);
    quern_parquet_reader_free(stream->reader);
    free(stream->last_error);
    free(stream);
    arrow->release = NULL;
}

QuernError *quern_parquet_reader_scan(QuernParquetReader *reader, const QuernOptions *options, QuernControl *control,
                                      struct ArrowArrayStream *ret_stream)
{
    Stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return FAIL(NO_MEMORY, "out of memory");
    reader->cancel = control ? &control->cancel : reader->call.env.cancel;
    Error *error = selection_open(reader, options, &stream->selection);
    if (error) {
        selection_done(&stream->selection);
        free(stream);
        return error;
    }
    reader->references++;
    stream->reader = reader;
    struct ArrowArrayStream arrow = {
        .get_schema = stream_get_schema,
        .get_next = stream_get_next,
        .get_last_error = stream_get_last_error,
        .release = stream_release,
        .private_data = stream,
    };
    if (ret_stream)
        *ret_stream = arrow;
    else
        arrow.release(&arrow);
    return NULL;
}

/* ---- writing ---- */

struct QuernParquetWriter {
    pid_t process;
    Call call;
    Store *store;
    Str key;   /* in `url` */
    char *url; /* owned */
    ParquetWriter *writer;
    Buffer file; /* the whole object until finish puts it */
};

DEFINE_FREEP(QuernParquetWriter, quern_parquet_writer_free)

static Error *append_file(void *context, Bytes piece)
{
    QuernParquetWriter *writer = context;
    return buffer_append(&writer->file, piece.data, piece.len);
}

QuernError *quern_parquet_writer_new(QuernClient *client, const char *url, struct ArrowSchema *take_schema,
                                     const QuernOptions *options, QuernParquetWriter **ret_writer)
{
    CLEANUP(quern_parquet_writer_freep) QuernParquetWriter *writer = calloc(1, sizeof *writer);
    if (!writer)
        return FAIL(NO_MEMORY, "out of memory");
    writer->process = getpid();
    TRY(call_begin(client, options, COMMAND_CLIENT, NULL, &writer->call));
    writer->url = strdup(url);
    if (!writer->url)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(client_open_object(&writer->call.env, writer->url, &writer->store, &writer->key));
    ParquetSink sink = {writer, append_file};
    TRY_CTX(parquet_writer_new(&sink, take_schema, NULL, &writer->writer), "'%s'", url);
    take_schema->release(take_schema);
    GIVE(ret_writer, writer);
    return NULL;
}

QuernError *quern_parquet_writer_write(QuernParquetWriter *writer, struct ArrowArray *take_batch, QuernControl *control)
{
    TRY(process_check(writer->process, "writer"));
    TRY(cancel_check(control ? &control->cancel : NULL));
    TRY_CTX(parquet_writer_write(writer->writer, take_batch), "'%s'", writer->url);
    take_batch->release(take_batch);
    return NULL;
}

QuernError *quern_parquet_writer_finish(QuernParquetWriter *writer, QuernControl *control)
{
    TRY(process_check(writer->process, "writer"));
    TRY_CTX(parquet_writer_finish(writer->writer), "'%s'", writer->url);
    PutOptions put = {.headers.content_type = STR("application/vnd.apache.parquet")};
    TRY_CTX(store_put_bytes(writer->store, control ? &control->cancel : NULL, writer->key, buffer_bytes(&writer->file),
                            &put),
            "write '%s'", writer->url);
    return NULL;
}

void quern_parquet_writer_free(QuernParquetWriter *writer)
{
    if (!writer || writer->process != getpid())
        return;
    parquet_writer_free(writer->writer);
    buffer_done(&writer->file);
    store_free(writer->store);
    call_done(&writer->call);
    free(writer->url);
    free(writer);
}
