/* reader_json.c - what a file says of itself, for people and scripts. */
#include "base/hash.h"
#include "base/json.h"
#include "codec/codec.h"
#include "parquet/reader_state.h"

static void put_field(JsonWriter *w, const ParquetReader *r, const SchemaField *field)
{
    json_open_object(w);
    json_member(w, "name", str, field->name);
    if (field->unsupported)
        json_member(w, "unsupported", str, str_of(field->unsupported));
    else
        json_member(w, "format", str, str_of(field->format));
    if (field->logical[0])
        json_member(w, "logical", str, str_of(field->logical));
    if (field->kind == FIELD_LEAF)
        json_member(w, "physical", str, str_of(physical_type_name((int32_t)r->schema.leaves[field->leaf_first].type)));
    json_member(w, "nullable", bool, field->nullable);
    /* Deeper than JSON_DEPTH_MAX allows beside what is open already: the leaves below are in the row groups. */
    if (field->children_count > 0 && w->depth + 4 < JSON_DEPTH_MAX) {
        json_put_key(w, STR("children"));
        json_open_array(w);
        for (size_t i = 0; i < field->children_count; i++)
            put_field(w, r, &field->children[i]);
        json_close_array(w);
    }
    json_close_object(w);
}

static void put_columns(JsonWriter *w, const ParquetReader *r)
{
    json_put_key(w, STR("columns"));
    json_open_array(w);
    for (size_t i = 0; i < r->schema.fields_count; i++)
        put_field(w, r, &r->schema.fields[i]);
    json_close_array(w);
}

static void put_path(JsonWriter *w, const SchemaLeaf *leaf)
{
    json_put_key(w, STR("path"));
    json_open_array(w);
    for (size_t i = 0; i < leaf->path_count; i++)
        json_put_str(w, leaf->path[i]);
    json_close_array(w);
}

static bool is_unsigned(const SchemaElement *e)
{
    if (e->logical.present)
        return THRIFT_HAS(&e->logical, LOGICAL_INTEGER) && !e->logical.integer.is_signed;
    return THRIFT_HAS(e, SCHEMA_ELEMENT_CONVERTED_TYPE) && e->converted_type >= CONVERTED_UINT_8
           && e->converted_type <= CONVERTED_UINT_64;
}

/* A bound as a value: number, text, or hexadecimal digits for what is neither. Of another length than the type's it is ignored. */
static void put_bound(JsonWriter *w, const SchemaLeaf *leaf, Str bound)
{
    union {
        int32_t i32;
        int64_t i64;
        float f32;
        double f64;
    } value;
    size_t width = leaf->storage == LEAF_BITS ? 1 : leaf->width;
    char hex[2 * 64 + 1];
    bool unsigned_bounds = is_unsigned(leaf->element);

    if (leaf->storage != LEAF_BYTES && bound.len != width) {
        json_put_null(w);
        return;
    }
    if (width > 0 && width <= sizeof value)
        memcpy(&value, bound.data, width);
    switch (leaf->type) {
    case TYPE_BOOLEAN: json_put_bool(w, bound.data[0] != 0); return;
    case TYPE_INT32: json_put_int(w, unsigned_bounds ? (int64_t)(uint32_t)value.i32 : value.i32); return;
    case TYPE_INT64:
        if (unsigned_bounds)
            json_put_uint(w, (uint64_t)value.i64);
        else
            json_put_int(w, value.i64);
        return;
    case TYPE_FLOAT: json_put_double(w, (double)value.f32); return;
    case TYPE_DOUBLE: json_put_double(w, value.f64); return;
    case TYPE_INT96:
    case TYPE_BYTE_ARRAY:
    case TYPE_FIXED_LEN_BYTE_ARRAY: break;
    }
    if (leaf->type == TYPE_BYTE_ARRAY && str_is_utf8(bound)) {
        json_put_str(w, bound);
        return;
    }
    Str some = str_slice(bound, 0, (sizeof hex - 1) / 2);
    hex_encode((const uint8_t *)some.data, some.len, hex);
    json_put_str(w, str_from(hex, some.len * 2));
}

static void put_statistics(JsonWriter *w, const SchemaLeaf *leaf, const Statistics *s)
{
    json_put_key(w, STR("statistics"));
    json_open_object(w);
    if (THRIFT_HAS(s, STATISTICS_NULL_COUNT))
        json_member(w, "null_count", int, s->null_count);
    if (THRIFT_HAS(s, STATISTICS_NAN_COUNT))
        json_member(w, "nan_count", int, s->nan_count);
    if (THRIFT_HAS(s, STATISTICS_DISTINCT_COUNT))
        json_member(w, "distinct_count", int, s->distinct_count);
    if (THRIFT_HAS(s, STATISTICS_MIN_VALUE)) {
        json_put_key(w, STR("min"));
        put_bound(w, leaf, s->min_value);
    }
    if (THRIFT_HAS(s, STATISTICS_MAX_VALUE)) {
        json_put_key(w, STR("max"));
        put_bound(w, leaf, s->max_value);
    }
    json_close_object(w);
}

static void put_chunk(JsonWriter *w, const SchemaLeaf *leaf, const ColumnChunk *chunk)
{
    const ColumnMetaData *m = &chunk->meta_data;

    json_open_object(w);
    put_path(w, leaf);
    json_member(w, "codec", str, str_of(codec_parquet_name(m->codec)));
    json_put_key(w, STR("encodings"));
    json_open_array(w);
    for (size_t i = 0; i < m->encodings.count; i++)
        json_put_str(w, str_of(encoding_name(m->encodings.items[i])));
    json_close_array(w);
    json_member(w, "values", int, m->num_values);
    json_member(w, "bytes", int, m->total_uncompressed_size);
    json_member(w, "compressed_bytes", int, m->total_compressed_size);
    json_member(w, "data_page_offset", int, m->data_page_offset);
    if (THRIFT_HAS(m, COLUMN_DICTIONARY_PAGE_OFFSET))
        json_member(w, "dictionary_page_offset", int, m->dictionary_page_offset);
    if (THRIFT_HAS(chunk, COLUMN_CHUNK_CRYPTO))
        json_member(w, "encrypted", bool, true);
    if (THRIFT_HAS(m, COLUMN_STATISTICS))
        put_statistics(w, leaf, &m->statistics);
    json_close_object(w);
}

static void put_row_groups(JsonWriter *w, const ParquetReader *r)
{
    json_put_key(w, STR("row_groups"));
    json_open_array(w);
    for (size_t i = 0; i < r->metadata.row_groups.count; i++) {
        const RowGroup *group = &r->metadata.row_groups.items[i];
        ParquetRowGroup sizes = parquet_reader_row_group(r, i);
        json_open_object(w);
        json_member(w, "rows", uint, sizes.rows);
        json_member(w, "bytes", uint, sizes.bytes);
        json_member(w, "compressed_bytes", uint, sizes.compressed_bytes);
        json_put_key(w, STR("columns"));
        json_open_array(w);
        for (size_t leaf = 0; leaf < group->columns.count; leaf++)
            put_chunk(w, &r->schema.leaves[leaf], &group->columns.items[leaf]);
        json_close_array(w);
        json_close_object(w);
    }
    json_close_array(w);
}

/* A list of pairs, as keys may repeat. */
static void put_key_values(JsonWriter *w, const ParquetReader *r)
{
    json_put_key(w, STR("key_values"));
    json_open_array(w);
    for (size_t i = 0; i < r->metadata.key_values.count; i++) {
        const KeyValue *pair = &r->metadata.key_values.items[i];
        json_open_object(w);
        json_member(w, "key", str, pair->key);
        json_put_key(w, STR("value"));
        if (THRIFT_HAS(pair, KEY_VALUE_VALUE))
            json_put_str(w, pair->value);
        else
            json_put_null(w);
        json_close_object(w);
    }
    json_close_array(w);
}

Error *parquet_reader_json(const ParquetReader *reader, int indent, Buffer *out)
{
    JsonWriter w;

    json_begin(&w, out, indent);
    json_open_object(&w);
    json_member(&w, "rows", uint, reader->rows);
    json_member(&w, "file_bytes", uint, reader->file.source.size_bytes);
    json_member(&w, "version", int, reader->metadata.version);
    json_member(&w, "created_by", str, reader->metadata.created_by);
    put_columns(&w, reader);
    put_row_groups(&w, reader);
    put_key_values(&w, reader);
    json_close_object(&w);
    return json_finish(&w);
}
