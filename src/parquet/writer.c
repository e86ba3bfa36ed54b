#include "parquet/writer.h"

#include <stdlib.h>

#include "parquet/arrow_vector.h"
#include "parquet/column_writer.h"
#include "parquet/schema_write.h"

enum {
    ROW_GROUP_ROWS = 1 << 20,
    ROW_GROUPS_MAX = 32767, /* their ordinal is an int16 */
    PAGE_ROWS = 20000,
    STEP_ROWS = 4096,     /* rows after which the size of the row group is looked at, */
    STEP_BYTES = 4 << 20, /* or so many bytes of text */
    ZSTD_LEVEL = 3
};
static const size_t ROW_GROUP_BYTES = 64 << 20, PAGE_BYTES = 1 << 20, METADATA_BYTES_MAX = 256 << 20;

struct ParquetWriter {
    ParquetSink sink;
    ParquetWriteOptions options;
    Arena *arena; /* metadata of the whole file */
    FileMetaData metadata;
    Buffer row_groups, key_values; /* RowGroup, KeyValue each: what the metadata's lists will be */
    Schema schema;
    ColumnWriter *columns; /* one a leaf, which is one a field */
    CodecContext *codecs;
    PageScratch scratch;
    uint64_t offset; /* bytes given to the sink */
    uint64_t rows;   /* of the file */
    uint64_t group_rows;
    bool finished;
};

/* -- beginning -- */

static ParquetWriteOptions with_defaults(const ParquetWriteOptions *options)
{
    ParquetWriteOptions o = options ? *options : (ParquetWriteOptions){0};

    if (!o.codec)
        o.codec = codec_by_name(STR("zstd"));
    if (o.level == 0 || o.level == CODEC_LEVEL_DEFAULT)
        o.level = o.codec == codec_by_name(STR("zstd")) ? ZSTD_LEVEL : CODEC_LEVEL_DEFAULT;
    if (o.row_group_bytes_max == 0)
        o.row_group_bytes_max = ROW_GROUP_BYTES;
    if (o.row_group_rows_max == 0)
        o.row_group_rows_max = ROW_GROUP_ROWS;
    if (o.page_bytes == 0)
        o.page_bytes = PAGE_BYTES;
    if (o.page_rows == 0)
        o.page_rows = PAGE_ROWS;
    if (o.created_by.len == 0)
        o.created_by = STR("quern version " QUERN_VERSION);
    return o;
}

static Error *emit(ParquetWriter *w, Bytes piece)
{
    TRY(w->sink.write(w->sink.context, piece));
    w->offset += piece.len;
    return NULL;
}

static Error *new_columns(ParquetWriter *w, const struct ArrowSchema *schema)
{
    w->columns = ARENA_ARRAY(w->arena, ColumnWriter, w->schema.fields_count);
    if (!w->columns)
        return arena_error(w->arena);
    ASSERT(w->schema.leaves_count == w->schema.fields_count);
    for (size_t i = 0; i < w->schema.fields_count; i++) {
        const struct ArrowSchema *column = schema->children[i];
        const char *leaf_format = column->n_children > 0 ? column->children[0]->format : column->format;
        Str format = arena_str(w->arena, str_of(leaf_format));
        Str own_format = arena_str(w->arena, str_of(column->format));
        if (!format.data || !own_format.data)
            return arena_error(w->arena);
        w->schema.fields[i].format = own_format.data; /* ours may be wider: "+L" */
        TRY(column_writer_init(&w->columns[i], &w->schema.fields[i], &w->schema.leaves[i], format.data, &w->options,
                               w->codecs, &w->scratch));
    }
    return NULL;
}

static Error *begin(ParquetWriter *w, const struct ArrowSchema *schema)
{
    w->arena = arena_new(METADATA_BYTES_MAX);
    w->codecs = codec_context_new();
    if (!w->arena || !w->codecs)
        return FAIL(NO_MEMORY, "no memory for a writer");
    if (codec_parquet_id(w->options.codec) < 0)
        return FAIL(UNSUPPORTED, "codec '" STR_FMT "' is not one of Parquet's", STR_ARG(codec_name(w->options.codec)));
    w->options.created_by = arena_str(w->arena, w->options.created_by);
    if (!w->options.created_by.data)
        return arena_error(w->arena);
    TRY(schema_elements_from_arrow(schema, w->arena, &w->metadata));
    TRY(schema_build(&w->metadata, w->arena, &w->schema));
    TRY(new_columns(w, schema));
    return emit(w, str_bytes(STR("PAR1")));
}

Error *parquet_writer_new(const ParquetSink *sink, const struct ArrowSchema *schema, const ParquetWriteOptions *options,
                          ParquetWriter **ret_writer)
{
    ParquetWriter *w = calloc(1, sizeof *w);

    if (!w)
        return FAIL(NO_MEMORY, "no memory for a writer");
    w->sink = *sink;
    w->options = with_defaults(options);
    Error *error = begin(w, schema);
    if (error) {
        parquet_writer_free(w);
        return error;
    }
    *ret_writer = w;
    return NULL;
}

void parquet_writer_free(ParquetWriter *writer)
{
    if (!writer)
        return;
    for (size_t i = 0; writer->columns && i < writer->schema.fields_count; i++)
        column_writer_done(&writer->columns[i]);
    buffer_done(&writer->scratch.body);
    buffer_done(&writer->scratch.packed);
    buffer_done(&writer->row_groups);
    buffer_done(&writer->key_values);
    codec_context_free(writer->codecs);
    arena_free(writer->arena);
    free(writer);
}

/* -- row groups -- */

static Error *finish_columns(ParquetWriter *w, RowGroup *group)
{
    for (size_t i = 0; i < w->schema.fields_count; i++) {
        ColumnChunk *chunk = &group->columns.items[i];
        TRY(column_writer_finish_chunk(&w->columns[i], &w->sink, w->offset, w->arena, &chunk->meta_data));
        THRIFT_SET(chunk, COLUMN_CHUNK_FILE_OFFSET); /* deprecated: 0 */
        THRIFT_SET(chunk, COLUMN_CHUNK_META_DATA);
        w->offset += (uint64_t)chunk->meta_data.total_compressed_size;
        group->total_compressed_size += chunk->meta_data.total_compressed_size;
        group->total_byte_size += chunk->meta_data.total_uncompressed_size;
    }
    return NULL;
}

static Error *finish_row_group(ParquetWriter *w)
{
    size_t ordinal = w->row_groups.len / sizeof(RowGroup);
    RowGroup group = {
        .num_rows = (int64_t)w->group_rows, .file_offset = (int64_t)w->offset, .ordinal = (int32_t)ordinal};

    if (w->group_rows == 0)
        return NULL;
    if (ordinal == ROW_GROUPS_MAX)
        return FAIL(LIMIT, "a file of more than %d row groups; make them larger", ROW_GROUPS_MAX);
    group.columns.count = w->schema.fields_count;
    group.columns.items = ARENA_ARRAY(w->arena, ColumnChunk, group.columns.count);
    if (!group.columns.items)
        return arena_error(w->arena);
    TRY(finish_columns(w, &group));
    THRIFT_SET(&group, ROW_GROUP_COLUMNS);
    THRIFT_SET(&group, ROW_GROUP_TOTAL_BYTE_SIZE);
    THRIFT_SET(&group, ROW_GROUP_NUM_ROWS);
    THRIFT_SET(&group, ROW_GROUP_FILE_OFFSET);
    THRIFT_SET(&group, ROW_GROUP_TOTAL_COMPRESSED_SIZE);
    THRIFT_SET(&group, ROW_GROUP_ORDINAL);
    w->group_rows = 0;
    return buffer_append(&w->row_groups, &group, sizeof group);
}

static size_t group_bytes(const ParquetWriter *w)
{
    size_t bytes = 0;

    for (size_t i = 0; i < w->schema.fields_count; i++)
        bytes += column_writer_raw_bytes(&w->columns[i]);
    return bytes;
}

/* -- batches -- */

static Error *check_column(const struct ArrowArray *array, const ColumnWriter *c, int64_t rows)
{
    const SchemaField *field = c->field;
    bool list = field->kind == FIELD_LIST;
    int64_t buffers = list || c->leaf->storage != LEAF_BYTES ? 2 : 3;

    if (array->n_children != (list ? 1 : 0) || array->n_buffers != buffers || array->dictionary)
        return FAIL(INVALID, "column '" STR_FMT "' of the batch does not have the schema's type '%s'",
                    STR_ARG(field->name), field->format);
    if (array->length < rows || array->offset < 0)
        return FAIL(INVALID, "column '" STR_FMT "' has %lld rows, the batch %lld", STR_ARG(field->name),
                    (long long)array->length, (long long)rows);
    return NULL;
}

static Error *check_batch(const ParquetWriter *w, const struct ArrowArray *batch)
{
    if (w->finished)
        return FAIL(INVALID, "the file is finished");
    if (batch->n_children != (int64_t)w->schema.fields_count)
        return FAIL(INVALID, "the batch has %lld columns, the schema %zu", (long long)batch->n_children,
                    w->schema.fields_count);
    if (batch->length < 0 || batch->offset < 0 || (batch->null_count > 0 && batch->buffers[0]))
        return FAIL(INVALID, "the batch has rows that are null as a whole");
    for (size_t i = 0; i < w->schema.fields_count; i++)
        TRY(check_column(batch->children[i], &w->columns[i], batch->offset + batch->length));
    return NULL;
}

/* Rows from `first` on to write before the row group's size is looked at again; few when they are large. */
static size_t step_rows(const ParquetWriter *w, const struct ArrowArray *batch, size_t first, size_t rows)
{
    size_t step = MIN(rows, STEP_ROWS);

    step = (size_t)MIN(step, w->options.row_group_rows_max - w->group_rows);
    for (size_t i = 0; i < w->schema.fields_count; i++) {
        const struct ArrowArray *array = batch->children[i];
        size_t bytes;
        while (step > 1
               && (bytes = column_writer_rows_bytes(&w->columns[i], array, (size_t)array->offset + first, step))
                      > STEP_BYTES)
            step = MAX(MIN(step / 2, step * STEP_BYTES / bytes), 1);
    }
    return step;
}

static Error *write_step(ParquetWriter *w, const struct ArrowArray *batch, size_t first, size_t rows)
{
    for (size_t i = 0; i < w->schema.fields_count; i++) {
        const struct ArrowArray *array = batch->children[i];
        TRY(column_writer_append(&w->columns[i], array, (size_t)array->offset + first, rows));
    }
    w->group_rows += rows;
    w->rows += rows;
    if (w->group_rows >= w->options.row_group_rows_max || group_bytes(w) >= w->options.row_group_bytes_max)
        return finish_row_group(w);
    return NULL;
}

Error *parquet_writer_write(ParquetWriter *writer, const struct ArrowArray *batch)
{
    TRY(check_batch(writer, batch));
    size_t first = (size_t)batch->offset, end = first + (size_t)batch->length;
    for (size_t step; first < end; first += step) {
        step = step_rows(writer, batch, first, end - first);
        TRY(write_step(writer, batch, first, step));
    }
    return NULL;
}

uint64_t parquet_writer_bytes(const ParquetWriter *writer)
{
    uint64_t bytes = writer->offset;

    for (size_t i = 0; i < writer->schema.fields_count; i++)
        bytes += column_writer_file_bytes(&writer->columns[i]);
    return bytes;
}

uint64_t parquet_writer_rows(const ParquetWriter *writer)
{
    return writer->rows;
}

/* -- the end -- */

Error *parquet_writer_add_key_value(ParquetWriter *writer, Str key, Str value)
{
    KeyValue pair = {.key = arena_str(writer->arena, key), .value = arena_str(writer->arena, value)};

    if (!pair.key.data || !pair.value.data)
        return arena_error(writer->arena);
    THRIFT_SET(&pair, KEY_VALUE_KEY);
    THRIFT_SET(&pair, KEY_VALUE_VALUE);
    return buffer_append(&writer->key_values, &pair, sizeof pair);
}

static Error *make_footer(ParquetWriter *w)
{
    FileMetaData *m = &w->metadata;

    m->version = 1;
    m->num_rows = (int64_t)w->rows;
    m->created_by = w->options.created_by;
    m->row_groups.items = (RowGroup *)(void *)w->row_groups.data;
    m->row_groups.count = w->row_groups.len / sizeof(RowGroup);
    m->key_values.items = (KeyValue *)(void *)w->key_values.data;
    m->key_values.count = w->key_values.len / sizeof(KeyValue);
    m->column_orders.count = w->schema.leaves_count;
    m->column_orders.items = ARENA_ARRAY(w->arena, ColumnOrder, m->column_orders.count);
    if (!m->column_orders.items)
        return arena_error(w->arena);
    for (size_t i = 0; i < m->column_orders.count; i++)
        THRIFT_SET(&m->column_orders.items[i], COLUMN_ORDER_TYPE);
    THRIFT_SET(m, FILE_VERSION);
    THRIFT_SET(m, FILE_SCHEMA);
    THRIFT_SET(m, FILE_NUM_ROWS);
    THRIFT_SET(m, FILE_ROW_GROUPS);
    THRIFT_SET(m, FILE_CREATED_BY);
    THRIFT_SET(m, FILE_COLUMN_ORDERS);
    if (m->key_values.count > 0)
        THRIFT_SET(m, FILE_KEY_VALUES);
    return NULL;
}

Error *parquet_writer_finish(ParquetWriter *writer)
{
    CLEANUP(buffer_done) Buffer footer = {0};

    if (writer->finished)
        return FAIL(INVALID, "the file is finished already");
    TRY(finish_row_group(writer));
    TRY(make_footer(writer));
    TRY(thrift_write(&FILE_METADATA_THRIFT, &writer->metadata, &footer));
    if (footer.len > UINT32_MAX)
        return FAIL(LIMIT, "a footer of %zu bytes is more than the format can hold", footer.len);
    TRY(buffer_append_u32le(&footer, (uint32_t)footer.len));
    TRY(buffer_append_str(&footer, STR("PAR1")));
    TRY(emit(writer, buffer_bytes(&footer)));
    writer->finished = true;
    return NULL;
}
