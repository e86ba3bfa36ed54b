#include "parquet/reader.h"

#include <stdlib.h>

#include "parquet/reader_state.h"

enum {
    BATCH_ROWS = 8192,
    FIRST_STEP_ROWS = 256, /* rows read before anything is known of their size */
    ALIASING_MAX = 4,      /* chunks may name the same bytes, but not much more than the file has (rule 14) */
    MAGIC_BYTES = 4,
    FRAME_BYTES = 12, /* both magics and the footer's length */
    FOOTER_BYTES_MAX = 256 << 20
};
static const size_t WHOLE_FILE_BYTES = 1 << 20, TAIL_BYTES = 64 << 10, WINDOW_BYTES_MIN = 64 << 10;
static const size_t BATCH_BYTES = 16 << 20, READ_BYTES = 16 << 20, MEMORY_BYTES_MAX = 512 << 20;

/* -- the footer -- */

static Error *read_tail(ParquetReader *r)
{
    uint64_t size = r->file.source.size_bytes;
    size_t len = (size_t)(size <= WHOLE_FILE_BYTES ? size : TAIL_BYTES);

    if (size < FRAME_BYTES)
        return FAIL(CORRUPT, "not a Parquet file: it has only %llu bytes", (unsigned long long)size);
    return file_read_span(&r->file, &r->file.tail, size - len, len);
}

static Error *check_magic(Bytes tail)
{
    ASSERT(tail.len >= FRAME_BYTES);
    Str magic = bytes_str(bytes_from(tail.data + tail.len - MAGIC_BYTES, MAGIC_BYTES));

    if (str_equal(magic, STR("PARE")))
        return FAIL(UNSUPPORTED, "the file's footer is encrypted");
    if (!str_equal(magic, STR("PAR1")))
        return FAIL(CORRUPT, "not a Parquet file: it does not end in 'PAR1'");
    return NULL;
}

/* Copies the footer's bytes, of which the tail may hold only the end. */
static Error *load_footer(ParquetReader *r)
{
    uint64_t size = r->file.source.size_bytes;
    Bytes tail = buffer_bytes(&r->file.tail.bytes);
    uint32_t len = 0;

    TRY(check_magic(tail));
    Reader in = reader_of(tail);
    bool ok = reader_skip(&in, tail.len - MAGIC_BYTES - sizeof len) && reader_u32le(&in, &len);
    ASSERT(ok);
    if (len == 0 || len > size - FRAME_BYTES)
        return FAIL(CORRUPT, "a footer of %u bytes does not fit in a file of %llu", len, (unsigned long long)size);
    if (len > FOOTER_BYTES_MAX)
        return FAIL(LIMIT, "a footer of %u bytes is larger than %d", len, FOOTER_BYTES_MAX);
    r->footer_start = size - MAGIC_BYTES - sizeof len - len;
    TRY(budget_room(&r->file.budget, &r->footer, (size_t)len));
    if (r->footer_start >= r->file.tail.start)
        return buffer_append(&r->footer, tail.data + (r->footer_start - r->file.tail.start), len);
    size_t front = (size_t)(r->file.tail.start - r->footer_start);
    TRY(r->file.source.read_at(r->file.source.context, r->footer_start, r->footer.data, front));
    buffer_grown(&r->footer, front);
    return buffer_append(&r->footer, tail.data, len - front);
}

static Error *check_row_group(const ParquetReader *r, const RowGroup *group, uint64_t *chunk_bytes)
{
    if (group->columns.count != r->schema.leaves_count)
        return FAIL(CORRUPT, "%zu column chunks where the schema has %zu leaves", group->columns.count,
                    r->schema.leaves_count);
    if (group->num_rows < 0)
        return FAIL(CORRUPT, "%lld rows", (long long)group->num_rows);
    for (size_t i = 0; i < group->columns.count; i++) {
        int64_t bytes = group->columns.items[i].meta_data.total_compressed_size;
        if (bytes < 0 || (uint64_t)bytes > r->file.source.size_bytes)
            return FAIL(CORRUPT, "column chunk %zu claims %lld bytes of a file of %llu", i, (long long)bytes,
                        (unsigned long long)r->file.source.size_bytes);
        *chunk_bytes += (uint64_t)bytes;
        if (*chunk_bytes > (uint64_t)ALIASING_MAX * r->file.source.size_bytes)
            return FAIL(LIMIT, "the column chunks claim more than %d times the bytes of the file", ALIASING_MAX);
    }
    return NULL;
}

static Error *check_row_groups(ParquetReader *r)
{
    uint64_t chunk_bytes = 0;

    for (size_t i = 0; i < r->metadata.row_groups.count; i++) {
        const RowGroup *group = &r->metadata.row_groups.items[i];
        TRY_CTX(check_row_group(r, group, &chunk_bytes), "row group %zu", i);
        r->rows += (uint64_t)group->num_rows; /* at most 2^28 groups of 2^63 rows are cut off next */
        if (r->rows > INT64_MAX)
            return FAIL(CORRUPT, "the row groups have more than 2^63 rows");
    }
    return NULL;
}

static Error *parse_footer(ParquetReader *r)
{
    Reader in = reader_of(buffer_bytes(&r->footer));

    TRY_CTX(thrift_read(&in, &FILE_METADATA_THRIFT, r->arena, &r->metadata), "footer");
    TRY_CTX(schema_build(&r->metadata, r->arena, &r->schema), "footer");
    TRY_CTX(check_row_groups(r), "footer");
    return NULL;
}

/* -- columns -- */

static void describe_column(const SchemaField *field, ParquetColumn *column)
{
    bool list = field->kind == FIELD_LIST;

    *column = (ParquetColumn){
        .name = field->name,
        .format = field->unsupported ? "" : field->format,
        .element_format = list && !field->unsupported ? field->children[0].format : "",
        .logical = str_of(field->logical),
        .nullable = field->nullable,
        .list = list,
        .unsupported = field->unsupported,
    };
}

static Error *describe_columns(ParquetReader *r)
{
    r->columns = ARENA_ARRAY(r->arena, ParquetColumn, r->schema.fields_count);
    if (!r->columns)
        return arena_error(r->arena);
    for (size_t i = 0; i < r->schema.fields_count; i++)
        describe_column(&r->schema.fields[i], &r->columns[i]);
    return NULL;
}

static Error *no_such_column(const ParquetReader *r, Str name)
{
    CLEANUP(buffer_done) Buffer names = {.limit = 1000};

    for (size_t i = 0; i < r->schema.fields_count; i++)
        error_free(buffer_append_format(&names, "%s'" STR_FMT "'", i ? ", " : "", STR_ARG(r->schema.fields[i].name)));
    return FAIL(NOT_FOUND, "there is no column '" STR_FMT "'; the file has " STR_FMT, STR_ARG(name),
                STR_ARG(buffer_str(&names)));
}

static const SchemaField *find_column(const ParquetReader *r, Str name)
{
    for (size_t i = 0; i < r->schema.fields_count; i++)
        if (str_equal(r->schema.fields[i].name, name))
            return &r->schema.fields[i];
    return NULL;
}

static Error *select_columns(ParquetReader *r, const Str *names, size_t count)
{
    r->selected_count = names ? count : r->schema.fields_count;
    r->selected = ARENA_ARRAY(r->arena, const SchemaField *, r->selected_count);
    if (!r->selected)
        return arena_error(r->arena);
    for (size_t i = 0; i < r->selected_count; i++) {
        r->selected[i] = names ? find_column(r, names[i]) : &r->schema.fields[i];
        if (!r->selected[i])
            return no_such_column(r, names[i]);
        for (size_t before = 0; before < i; before++)
            if (r->selected[before] == r->selected[i])
                return FAIL(INVALID, "column '" STR_FMT "' is asked for twice", STR_ARG(names[i]));
    }
    return NULL;
}

static Error *check_supported(const ParquetReader *r)
{
    for (size_t i = 0; i < r->selected_count; i++)
        if (r->selected[i]->unsupported)
            return FAIL(UNSUPPORTED, "column '" STR_FMT "' cannot be read: %s", STR_ARG(r->selected[i]->name),
                        r->selected[i]->unsupported);
    return NULL;
}

/* parquet-cpp before 2.0.0 set is_compressed to false and compressed all the same. */
static bool v2_flag_lies(Str created_by)
{
    return str_starts_with(created_by, STR("parquet-cpp version 0."))
           || str_starts_with(created_by, STR("parquet-cpp version 1."));
}

static Error *new_column_reader(ParquetReader *r, const SchemaField *field, size_t leaf)
{
    ColumnReader *c = calloc(1, sizeof *c);

    if (!c)
        return FAIL(NO_MEMORY, "no memory for a column");
    r->readers[leaf] = c; /* freed with the reader, whatever fails */
    TRY(column_reader_init(c, &r->schema.leaves[leaf], field->kind != FIELD_LEAF, r->options.memory_max_bytes));
    c->pages.codecs = r->codecs;
    c->pages.ignore_checksums = r->options.ignore_checksums;
    c->pages.v2_flag_lies = v2_flag_lies(r->metadata.created_by);
    return NULL;
}

static Error *new_column_readers(ParquetReader *r)
{
    r->readers = ARENA_ARRAY(r->arena, ColumnReader *, r->schema.leaves_count);
    r->codecs = codec_context_new();
    if (!r->readers || !r->codecs)
        return r->readers ? FAIL(NO_MEMORY, "no memory for codecs") : arena_error(r->arena);
    for (size_t i = 0; i < r->selected_count; i++)
        for (size_t leaf = 0; leaf < r->selected[i]->leaf_count; leaf++)
            TRY(new_column_reader(r, r->selected[i], r->selected[i]->leaf_first + leaf));
    return NULL;
}

static Error *select_row_groups(ParquetReader *r)
{
    size_t count = r->metadata.row_groups.count, first = r->options.row_group_first, most = r->options.row_groups_max;

    if (first > count)
        return FAIL(INVALID, "row group %zu is asked for, but the file has %zu", first, count);
    r->row_group = first;
    r->row_groups_end = most == 0 || most > count - first ? count : first + most;
    return NULL;
}

/* -- open and close -- */

static ParquetReadOptions with_defaults(const ParquetReadOptions *options)
{
    ParquetReadOptions o = options ? *options : (ParquetReadOptions){0};

    if (o.batch_rows == 0)
        o.batch_rows = BATCH_ROWS;
    if (o.batch_bytes == 0)
        o.batch_bytes = o.batch_rows == PARQUET_WHOLE_ROW_GROUP ? SIZE_MAX : BATCH_BYTES;
    if (o.memory_max_bytes == 0)
        o.memory_max_bytes = MEMORY_BYTES_MAX;
    if (o.read_bytes == 0)
        o.read_bytes = READ_BYTES;
    o.columns = NULL;
    o.columns_count = 0;
    return o;
}

static Error *open_reader(ParquetReader *r, const ParquetReadOptions *options)
{
    r->arena = arena_new(r->options.memory_max_bytes);
    if (!r->arena)
        return FAIL(NO_MEMORY, "no memory for a reader");
    TRY(read_tail(r));
    TRY(load_footer(r));
    TRY(parse_footer(r));
    TRY(describe_columns(r));
    TRY(select_columns(r, options ? options->columns : NULL, options ? options->columns_count : 0));
    TRY(select_row_groups(r));
    return new_column_readers(r);
}

Error *parquet_reader_open(const ParquetSource *source, const ParquetReadOptions *options, ParquetReader **ret_reader)
{
    ParquetReader *r = calloc(1, sizeof *r);

    if (!r)
        return FAIL(NO_MEMORY, "no memory for a reader");
    r->options = with_defaults(options);
    r->file.source = *source;
    r->file.budget.max_bytes = r->options.memory_max_bytes;
    Error *error = open_reader(r, options);
    if (error) {
        parquet_reader_free(r);
        return error;
    }
    *ret_reader = r;
    return NULL;
}

void parquet_reader_free(ParquetReader *reader)
{
    if (!reader)
        return;
    for (size_t i = 0; reader->readers && i < reader->schema.leaves_count; i++) {
        if (reader->readers[i])
            column_reader_done(reader->readers[i]);
        free(reader->readers[i]);
    }
    codec_context_free(reader->codecs);
    file_bytes_done(&reader->file);
    buffer_done(&reader->footer);
    arena_free(reader->arena);
    free(reader);
}

/* -- what the file says -- */

uint64_t parquet_reader_rows(const ParquetReader *reader)
{
    return reader->rows;
}

size_t parquet_reader_columns(const ParquetReader *reader)
{
    return reader->schema.fields_count;
}

const ParquetColumn *parquet_reader_column_view(const ParquetReader *reader, size_t column)
{
    ASSERT(column < reader->schema.fields_count);
    return &reader->columns[column];
}

size_t parquet_reader_row_groups(const ParquetReader *reader)
{
    return reader->metadata.row_groups.count;
}

ParquetRowGroup parquet_reader_row_group(const ParquetReader *reader, size_t row_group)
{
    ASSERT(row_group < reader->metadata.row_groups.count);
    const RowGroup *group = &reader->metadata.row_groups.items[row_group];
    ParquetRowGroup ret = {.rows = (uint64_t)group->num_rows, .bytes = (uint64_t)MAX(group->total_byte_size, 0)};

    for (size_t i = 0; i < group->columns.count; i++)
        ret.compressed_bytes += (uint64_t)MAX(group->columns.items[i].meta_data.total_compressed_size, 0);
    return ret;
}

Str parquet_reader_created_by_view(const ParquetReader *reader)
{
    return reader->metadata.created_by;
}

bool parquet_reader_key_value(const ParquetReader *reader, Str key, Str *ret_value)
{
    for (size_t i = 0; i < reader->metadata.key_values.count; i++) {
        const KeyValue *pair = &reader->metadata.key_values.items[i];
        if (!str_equal(pair->key, key))
            continue;
        if (THRIFT_HAS(pair, KEY_VALUE_VALUE))
            *ret_value = pair->value;
        return THRIFT_HAS(pair, KEY_VALUE_VALUE);
    }
    return false;
}

/* -- schema -- */

static Error *field_schema(const SchemaField *field, struct ArrowSchema *ret_schema);

static Error *make_schema(const char *format, Str name, bool nullable, const SchemaField *const *fields, size_t count,
                          struct ArrowSchema *ret_schema)
{
    CLEANUP(cleanup_free) struct ArrowSchema *children = calloc(count + 1, sizeof *children);
    Error *error = NULL;

    if (!children)
        return FAIL(NO_MEMORY, "no memory for a schema");
    for (size_t i = 0; i < count && !error; i++)
        error = field_schema(fields[i], &children[i]);
    if (!error)
        error =
            arrow_schema_make(str_of(format), name, nullable ? ARROW_FLAG_NULLABLE : 0, children, count, ret_schema);
    for (size_t i = 0; i < count; i++)
        arrow_schema_done(&children[i]); /* those not taken */
    return error;
}

static Error *field_schema(const SchemaField *field, struct ArrowSchema *ret_schema)
{
    CLEANUP(cleanup_free) const SchemaField **children = calloc(field->children_count + 1, sizeof *children);

    if (!children)
        return FAIL(NO_MEMORY, "no memory for a schema");
    for (size_t i = 0; i < field->children_count; i++)
        children[i] = &field->children[i];
    return make_schema(field->format, field->name, field->nullable, children, field->children_count, ret_schema);
}

Error *parquet_reader_schema(const ParquetReader *reader, struct ArrowSchema *ret_schema)
{
    TRY(check_supported(reader));
    return make_schema("+s", STR_EMPTY, false, reader->selected, reader->selected_count, ret_schema);
}

/* -- the scan -- */

#define EACH_READER(r, c)                                                                                              \
    for (size_t leaf_ = 0; leaf_ < (r)->schema.leaves_count; leaf_++)                                                  \
        for (ColumnReader *c = (r)->readers[leaf_]; c; c = NULL)

static Error *in_column(Error *take_error, const ParquetReader *r, const ColumnReader *c)
{
    return error_wrap(take_error, "row group %zu: column '%s'", r->row_group, schema_leaf_name(c->leaf, r->arena));
}

static Error *check_chunk(const ParquetReader *r, const RowGroup *group, const ColumnReader *c)
{
    const ColumnChunk *chunk = &group->columns.items[c->leaf - r->schema.leaves];
    const ColumnMetaData *m = &chunk->meta_data;

    if (THRIFT_HAS(chunk, COLUMN_CHUNK_CRYPTO))
        return FAIL(UNSUPPORTED, "the column is encrypted");
    if (!THRIFT_HAS(chunk, COLUMN_CHUNK_META_DATA))
        return FAIL(CORRUPT, "the column chunk has no metadata");
    if (THRIFT_HAS(chunk, COLUMN_CHUNK_FILE_PATH))
        return FAIL(UNSUPPORTED, "the column chunk lies in another file, '" STR_FMT "'", STR_ARG(chunk->file_path));
    if (m->type != (int32_t)c->leaf->type)
        return FAIL(CORRUPT, "the column chunk has type %s, the schema %s", physical_type_name(m->type),
                    physical_type_name((int32_t)c->leaf->type));
    if (m->num_values < 0
        || (c->leaf->max_rep == 0 ? m->num_values != group->num_rows : m->num_values < group->num_rows))
        return FAIL(CORRUPT, "the column chunk has %lld values for %lld rows", (long long)m->num_values,
                    (long long)group->num_rows);
    return NULL;
}

/* Reads the row group at once when it is small and most of it is wanted. */
static Error *read_group_span(ParquetReader *r, const RowGroup *group)
{
    ChunkRange all = {UINT64_MAX, 0}, range;
    uint64_t wanted = 0;

    EACH_READER(r, c)
    {
        const ColumnMetaData *m = &group->columns.items[c->leaf - r->schema.leaves].meta_data;
        if (m->num_values == 0)
            continue;
        TRY(chunk_range(m, r->footer_start, r->metadata.created_by, &range));
        all.start = MIN(all.start, range.start);
        all.end = MAX(all.end, range.end);
        wanted += range.end - range.start;
    }
    uint64_t span = all.end > all.start ? all.end - all.start : 0;
    if (span == 0 || span > r->options.read_bytes || all.start >= r->file.tail.start || wanted < span - span / 4)
        return NULL;
    return file_read_span(&r->file, &r->file.group, all.start, (size_t)span);
}

static Error *begin_column(ParquetReader *r, const RowGroup *group, ColumnReader *c, size_t window_bytes)
{
    const ColumnMetaData *m = &group->columns.items[c->leaf - r->schema.leaves].meta_data;
    ChunkRange range = {0, 0};

    if (m->num_values > 0)
        TRY(chunk_range(m, r->footer_start, r->metadata.created_by, &range));
    return column_reader_begin(c, m, (uint64_t)group->num_rows, &r->file, range, window_bytes);
}

static Error *begin_group(ParquetReader *r)
{
    const RowGroup *group = &r->metadata.row_groups.items[r->row_group];
    size_t readers = 0;
    Error *error;

    EACH_READER(r, c)
    {
        readers++;
        if ((error = check_chunk(r, group, c)))
            return in_column(error, r, c);
    }
    buffer_clear(&r->file.group.bytes);
    if (group->num_rows > 0)
        TRY_CTX(read_group_span(r, group), "row group %zu", r->row_group);
    size_t window_bytes = MAX(r->options.read_bytes / MAX(readers, 1), WINDOW_BYTES_MIN);
    EACH_READER(r, c)
    {
        if ((error = begin_column(r, group, c, window_bytes)))
            return in_column(error, r, c);
    }
    r->group_rows_left = (uint64_t)group->num_rows;
    r->in_group = true;
    return NULL;
}

static Error *end_group(ParquetReader *r)
{
    EACH_READER(r, c)
    {
        Error *error = column_reader_end(c);
        if (error)
            return in_column(error, r, c);
    }
    r->in_group = false;
    r->row_group++;
    return NULL;
}

/* Rows that the batch may still take: of the first ones the size is unknown, so they are few. */
static size_t next_step(const ParquetReader *r, size_t rows, size_t bytes)
{
    size_t left = (size_t)MIN(r->group_rows_left, (uint64_t)(r->options.batch_rows - rows));
    size_t per_row = rows > 0 ? bytes / rows + 1 : r->bytes_per_row;
    size_t room = r->options.batch_bytes > bytes ? r->options.batch_bytes - bytes : 0;
    size_t step = per_row == 0 ? FIRST_STEP_ROWS : MAX(room / per_row, 1);

    return MIN(left, step);
}

static Error *read_step(ParquetReader *r, size_t rows, size_t *ret_bytes)
{
    size_t bytes = 0, memory = r->file.budget.used_bytes;

    EACH_READER(r, c)
    {
        Error *error = column_reader_read(c, rows);
        if (error)
            return in_column(error, r, c);
        bytes += column_reader_batch_bytes(c);
        memory += column_reader_batch_memory(c);
        if (memory > r->options.memory_max_bytes)
            return in_column(
                FAIL(LIMIT, "the batch passes the reader's memory limit of %zu bytes", r->options.memory_max_bytes), r,
                c);
    }
    r->group_rows_left -= rows;
    *ret_bytes = bytes;
    return NULL;
}

static Error *read_rows(ParquetReader *r, size_t *ret_rows)
{
    size_t rows = 0, bytes = 0;

    EACH_READER(r, c)
    {
        column_reader_begin_batch(c);
    }
    while (rows < r->options.batch_rows && r->group_rows_left > 0 && (rows == 0 || bytes < r->options.batch_bytes)) {
        size_t step = next_step(r, rows, bytes);
        TRY(read_step(r, step, &bytes));
        rows += step;
    }
    r->bytes_per_row = bytes / rows + 1;
    *ret_rows = rows;
    return NULL;
}

static Error *make_batch(ParquetReader *r, size_t rows, struct ArrowArray *ret_batch)
{
    CLEANUP(vector_done) ArrowVector top = {.kind = VECTOR_STRUCT, .length = rows};
    CLEANUP(cleanup_free) struct ArrowArray *children = calloc(r->selected_count + 1, sizeof *children);
    Error *error = NULL;

    if (!children)
        return FAIL(NO_MEMORY, "no memory for a batch");
    for (size_t i = 0; i < r->selected_count && !error; i++) {
        error = assemble_column(r->selected[i], r->readers, rows, &children[i]);
        if (error)
            error =
                error_wrap(error, "row group %zu: column '" STR_FMT "'", r->row_group, STR_ARG(r->selected[i]->name));
    }
    if (!error)
        error = arrow_array_take(&top, children, r->selected_count, ret_batch);
    for (size_t i = 0; i < r->selected_count; i++)
        arrow_array_done(&children[i]); /* those not taken */
    return error;
}

Error *parquet_reader_next(ParquetReader *reader, struct ArrowArray *ret_batch)
{
    size_t rows;

    TRY(check_supported(reader));
    while (!reader->in_group || reader->group_rows_left == 0) {
        if (reader->in_group)
            TRY(end_group(reader));
        if (reader->row_group >= reader->row_groups_end) {
            *ret_batch = (struct ArrowArray){.release = NULL};
            return NULL;
        }
        TRY(begin_group(reader));
    }
    TRY(read_rows(reader, &rows));
    return make_batch(reader, rows, ret_batch);
}
