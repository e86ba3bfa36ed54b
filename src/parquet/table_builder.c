#include "parquet/table_builder.h"

#include <stdlib.h>

#include "parquet/arrow_vector.h"
#include "parquet/bitmap.h"

static const size_t LIMIT_BYTES = (size_t)1 << 30;

typedef struct Type {
    const char *format;
    VectorKind kind;
    uint32_t width;
} Type;

static const Type TYPES[] = {
    [COLUMN_BOOL] = {"b", VECTOR_BITS, 0},
    [COLUMN_INT32] = {"i", VECTOR_FIXED, 4},
    [COLUMN_INT64] = {"l", VECTOR_FIXED, 8},
    [COLUMN_FLOAT] = {"f", VECTOR_FIXED, 4},
    [COLUMN_DOUBLE] = {"g", VECTOR_FIXED, 8},
    [COLUMN_STRING] = {"u", VECTOR_BYTES, 0},
    [COLUMN_BINARY] = {"z", VECTOR_BYTES, 0},
    [COLUMN_DATE] = {"tdD", VECTOR_FIXED, 4},
    [COLUMN_TIMESTAMP_MS] = {"tsm:UTC", VECTOR_FIXED, 8},
    [COLUMN_TIMESTAMP_US] = {"tsu:UTC", VECTOR_FIXED, 8},
};

/* Where a vector stood before the row: what an abandoned row goes back to. */
typedef struct Mark {
    size_t length, nulls, data_len;
} Mark;

typedef struct Column {
    char *name;
    ColumnType type;
    bool list, required;
    bool in_list;       /* its list is open */
    bool has_value;     /* the row has one for it */
    ArrowVector values; /* of the column, or of all its lists' elements */
    ArrowVector lists;
    Mark values_mark, lists_mark;
} Column;

struct TableBuilder {
    Column *columns;
    size_t columns_count;
    size_t limit_bytes;
    size_t rows;
    Error *error; /* the first of this row */
};

/* -- life -- */

static void begin_column(const TableBuilder *b, Column *c)
{
    vector_init(&c->values, TYPES[c->type].kind, TYPES[c->type].width, b->limit_bytes);
    vector_init(&c->lists, VECTOR_LIST, 0, b->limit_bytes);
    c->values_mark = c->lists_mark = (Mark){0};
    c->in_list = c->has_value = false;
}

static char *copy_name(Str name)
{
    char *copy = malloc(name.len + 1);

    if (copy) {
        if (name.len > 0)
            memcpy(copy, name.data, name.len);
        copy[name.len] = 0;
    }
    return copy;
}

TableBuilder *table_builder_new(const TableColumn *columns, size_t columns_count, size_t limit_bytes)
{
    TableBuilder *b = calloc(1, sizeof *b);

    if (!b)
        return NULL;
    b->columns_count = columns_count;
    b->limit_bytes = limit_bytes ? limit_bytes : LIMIT_BYTES;
    b->columns = calloc(columns_count + 1, sizeof *b->columns);
    bool ok = b->columns != NULL;
    for (size_t i = 0; ok && i < columns_count; i++) {
        Column *c = &b->columns[i];
        c->type = columns[i].type;
        c->list = columns[i].list;
        c->required = columns[i].required;
        c->name = copy_name(columns[i].name);
        begin_column(b, c);
        ok = c->name != NULL;
    }
    if (!ok) {
        table_builder_free(b);
        return NULL;
    }
    return b;
}

void table_builder_free(TableBuilder *builder)
{
    if (!builder)
        return;
    for (size_t i = 0; builder->columns && i < builder->columns_count; i++) {
        vector_done(&builder->columns[i].values);
        vector_done(&builder->columns[i].lists);
        free(builder->columns[i].name);
    }
    error_free(builder->error);
    free(builder->columns);
    free(builder);
}

/* -- appending -- */

static Column *column_at(TableBuilder *b, size_t column)
{
    ASSERT(column < b->columns_count);
    return &b->columns[column];
}

/* Keeps the first error of the row, with the column's name. */
static void note(TableBuilder *b, const Column *c, Error *take_error)
{
    if (take_error)
        b->error = error_wrap(take_error, "column '%s'", c->name);
}

/* Begins a value: false when the row has failed already. A list's value needs its list open, and no column gets two. */
static bool begin_value(TableBuilder *b, Column *c)
{
    ASSERT(c->list == c->in_list);
    if (!c->list) {
        ASSERT(!c->has_value);
        c->has_value = true;
    }
    return !b->error;
}

static Error *append_fixed(ArrowVector *v, const void *value)
{
    TRY(vector_reserve(v, 1));
    TRY(vector_mark_valid(v, 1));
    memcpy(v->data.data + v->length * v->width, value, v->width);
    vector_advance(v, 1);
    return NULL;
}

static Error *append_bit(ArrowVector *v, bool value)
{
    TRY(vector_reserve(v, 1));
    TRY(vector_mark_valid(v, 1));
    bitmap_set(v->data.data, v->length, value);
    vector_advance(v, 1);
    return NULL;
}

static Error *append_blob(ArrowVector *v, Bytes value)
{
    TRY(vector_reserve(v, 1));
    TRY(vector_reserve_data(v, value.len));
    TRY(vector_mark_valid(v, 1));
    TRY(buffer_append(&v->data, value.data, value.len));
    vector_offsets(v)[v->length + 1] = (int32_t)v->data.len;
    vector_advance(v, 1);
    return NULL;
}

static Error *append_null(ArrowVector *v)
{
    uint8_t *bits;

    TRY(vector_reserve(v, 1));
    TRY(vector_validity(v, 1, &bits));
    bitmap_set(bits, v->length, false);
    if (v->kind == VECTOR_FIXED)
        memset(v->data.data + v->length * v->width, 0, v->width);
    else if (v->kind == VECTOR_BITS)
        bitmap_set(v->data.data, v->length, false);
    else
        vector_offsets(v)[v->length + 1] = vector_offsets(v)[v->length];
    v->nulls++;
    vector_advance(v, 1);
    return NULL;
}

static Error *null_or_refuse(const Column *c, ArrowVector *v)
{
    return c->required ? FAIL(INVALID, "it has no value, but is required") : append_null(v);
}

void table_append_null(TableBuilder *builder, size_t column)
{
    Column *c = column_at(builder, column);

    if (c->list && !c->in_list) {
        ASSERT(!c->has_value);
        c->has_value = true;
        if (!builder->error)
            note(builder, c, null_or_refuse(c, &c->lists));
    } else if (begin_value(builder, c)) {
        note(builder, c, null_or_refuse(c, &c->values));
    }
}

void table_append_bool(TableBuilder *builder, size_t column, bool value)
{
    Column *c = column_at(builder, column);

    ASSERT(c->type == COLUMN_BOOL);
    if (begin_value(builder, c))
        note(builder, c, append_bit(&c->values, value));
}

void table_append_i64(TableBuilder *builder, size_t column, int64_t value)
{
    Column *c = column_at(builder, column);
    bool narrow = c->type == COLUMN_INT32 || c->type == COLUMN_DATE;
    int32_t low = (int32_t)value;

    ASSERT(narrow || c->type == COLUMN_INT64 || c->type == COLUMN_TIMESTAMP_MS || c->type == COLUMN_TIMESTAMP_US);
    if (!begin_value(builder, c))
        return;
    if (narrow && low != value)
        note(builder, c, FAIL(INVALID, "%lld does not fit 32 bits", (long long)value));
    else
        note(builder, c, append_fixed(&c->values, narrow ? (const void *)&low : (const void *)&value));
}

void table_append_double(TableBuilder *builder, size_t column, double value)
{
    Column *c = column_at(builder, column);
    float narrow = (float)value;

    ASSERT(c->type == COLUMN_DOUBLE || c->type == COLUMN_FLOAT);
    if (begin_value(builder, c))
        note(builder, c,
             append_fixed(&c->values, c->type == COLUMN_FLOAT ? (const void *)&narrow : (const void *)&value));
}

void table_append_str(TableBuilder *builder, size_t column, Str value)
{
    Column *c = column_at(builder, column);

    ASSERT(c->type == COLUMN_STRING);
    if (!begin_value(builder, c))
        return;
    if (str_is_utf8(value))
        note(builder, c, append_blob(&c->values, str_bytes(value)));
    else
        note(builder, c, FAIL(INVALID, "a text of %zu bytes is not UTF-8", value.len));
}

void table_append_bytes(TableBuilder *builder, size_t column, Bytes value)
{
    Column *c = column_at(builder, column);

    ASSERT(c->type == COLUMN_BINARY);
    if (begin_value(builder, c))
        note(builder, c, append_blob(&c->values, value));
}

void table_list_begin(TableBuilder *builder, size_t column)
{
    Column *c = column_at(builder, column);

    ASSERT(c->list && !c->in_list && !c->has_value);
    c->in_list = true;
}

static Error *append_list(Column *c)
{
    ArrowVector *v = &c->lists;

    TRY(vector_reserve(v, 1));
    TRY(vector_mark_valid(v, 1));
    if (c->values.length > INT32_MAX)
        return FAIL(LIMIT, "more than %d elements in a batch", INT32_MAX);
    vector_offsets(v)[v->length + 1] = (int32_t)c->values.length;
    vector_advance(v, 1);
    return NULL;
}

void table_list_end(TableBuilder *builder, size_t column)
{
    Column *c = column_at(builder, column);

    ASSERT(c->in_list);
    c->in_list = false;
    c->has_value = true;
    if (!builder->error)
        note(builder, c, append_list(c));
}

/* -- rows -- */

static Mark mark_of(const ArrowVector *v)
{
    return (Mark){v->length, v->nulls, v->data.len};
}

/* Forgets the slots behind the mark; the bitmap may stay, all of its bits are valid then. */
static void rewind_to(ArrowVector *v, Mark mark)
{
    v->length = mark.length;
    v->nulls = mark.nulls;
    v->validity.len = v->validity.len > 0 ? bitmap_bytes(mark.length) : 0;
    v->data.len = mark.data_len;
    if (v->offsets.len > 0)
        v->offsets.len = (mark.length + 1) * sizeof(int32_t);
}

static void end_columns(TableBuilder *b, bool keep)
{
    for (size_t i = 0; i < b->columns_count; i++) {
        Column *c = &b->columns[i];
        if (keep) {
            c->values_mark = mark_of(&c->values);
            c->lists_mark = mark_of(&c->lists);
        } else {
            rewind_to(&c->values, c->values_mark);
            rewind_to(&c->lists, c->lists_mark);
        }
        c->has_value = c->in_list = false;
    }
}

Error *table_builder_end_row(TableBuilder *builder)
{
    for (size_t i = 0; i < builder->columns_count; i++) {
        ASSERT(!builder->columns[i].in_list);
        if (!builder->columns[i].has_value)
            table_append_null(builder, i);
    }
    Error *error = builder->error;
    builder->error = NULL;
    end_columns(builder, error == NULL);
    if (!error)
        builder->rows++;
    return error;
}

size_t table_builder_rows(const TableBuilder *builder)
{
    return builder->rows;
}

size_t table_builder_bytes(const TableBuilder *builder)
{
    size_t bytes = 0;

    for (size_t i = 0; i < builder->columns_count; i++)
        bytes += vector_bytes(&builder->columns[i].values) + vector_bytes(&builder->columns[i].lists);
    return bytes;
}

/* -- batches -- */

static Error *ensure_offsets(ArrowVector *v)
{
    return v->kind == VECTOR_BYTES || v->kind == VECTOR_LIST ? vector_reserve(v, 0) : NULL;
}

static Error *take_column(Column *c, struct ArrowArray *ret_array)
{
    struct ArrowArray elements = {0};

    TRY(ensure_offsets(&c->values));
    TRY(ensure_offsets(&c->lists));
    if (!c->list)
        return arrow_array_take(&c->values, NULL, 0, ret_array);
    TRY(arrow_array_take(&c->values, NULL, 0, &elements));
    Error *error = arrow_array_take(&c->lists, &elements, 1, ret_array);
    arrow_array_done(&elements); /* when it was not taken */
    return error;
}

static Error *take_columns(TableBuilder *b, struct ArrowArray *children, struct ArrowArray *ret_batch)
{
    CLEANUP(vector_done) ArrowVector top = {.kind = VECTOR_STRUCT, .length = b->rows};

    for (size_t i = 0; i < b->columns_count; i++)
        TRY(take_column(&b->columns[i], &children[i]));
    return arrow_array_take(&top, children, b->columns_count, ret_batch);
}

Error *table_builder_take_batch(TableBuilder *builder, struct ArrowArray *ret_batch)
{
    CLEANUP(cleanup_free) struct ArrowArray *children = calloc(builder->columns_count + 1, sizeof *children);

    if (!children)
        return FAIL(NO_MEMORY, "no memory for a batch");
    Error *error = take_columns(builder, children, ret_batch);
    for (size_t i = 0; i < builder->columns_count; i++) {
        arrow_array_done(&children[i]); /* those not taken */
        begin_column(builder, &builder->columns[i]);
    }
    builder->rows = 0;
    return error;
}

static Error *column_schema(const Column *c, struct ArrowSchema *ret_schema)
{
    int64_t flags = c->required ? 0 : ARROW_FLAG_NULLABLE;
    Str format = str_of(TYPES[c->type].format), name = str_of(c->name);
    struct ArrowSchema item = {0};

    if (!c->list)
        return arrow_schema_make(format, name, flags, NULL, 0, ret_schema);
    TRY(arrow_schema_make(format, STR("element"), flags, NULL, 0, &item));
    Error *error = arrow_schema_make(STR("+l"), name, flags, &item, 1, ret_schema);
    arrow_schema_done(&item);
    return error;
}

Error *table_builder_schema(const TableBuilder *builder, struct ArrowSchema *ret_schema)
{
    CLEANUP(cleanup_free) struct ArrowSchema *children = calloc(builder->columns_count + 1, sizeof *children);
    Error *error = NULL;

    if (!children)
        return FAIL(NO_MEMORY, "no memory for a schema");
    for (size_t i = 0; i < builder->columns_count && !error; i++)
        error = column_schema(&builder->columns[i], &children[i]);
    if (!error)
        error = arrow_schema_make(STR("+s"), STR_EMPTY, 0, children, builder->columns_count, ret_schema);
    for (size_t i = 0; i < builder->columns_count; i++)
        arrow_schema_done(&children[i]);
    return error;
}
