#include "parquet/schema_write.h"

#include <stdio.h>

#include "parquet/format.h"

enum { ELEMENTS_PER_LIST = 3, FIXED_BYTES_MAX = 16 << 20 };

static SchemaElement element(Str name, Repetition repetition)
{
    SchemaElement e = {.name = name, .repetition = (int32_t)repetition};

    THRIFT_SET(&e, SCHEMA_ELEMENT_NAME);
    THRIFT_SET(&e, SCHEMA_ELEMENT_REPETITION);
    return e;
}

static void set_type(SchemaElement *e, PhysicalType type)
{
    e->type = (int32_t)type;
    THRIFT_SET(e, SCHEMA_ELEMENT_TYPE);
}

static void set_children(SchemaElement *e, size_t count)
{
    e->num_children = (int32_t)count;
    THRIFT_SET(e, SCHEMA_ELEMENT_NUM_CHILDREN);
}

static void set_logical(SchemaElement *e, LogicalField logical)
{
    THRIFT_SET(&e->logical, logical);
    THRIFT_SET(e, SCHEMA_ELEMENT_LOGICAL_TYPE);
}

static void set_converted(SchemaElement *e, ConvertedType converted)
{
    e->converted_type = (int32_t)converted;
    THRIFT_SET(e, SCHEMA_ELEMENT_CONVERTED_TYPE);
}

static void set_integer(SchemaElement *e, int8_t bits, bool is_signed, ConvertedType converted)
{
    IntegerType *integer = &e->logical.integer;

    set_type(e, bits == 64 ? TYPE_INT64 : TYPE_INT32);
    set_logical(e, LOGICAL_INTEGER);
    set_converted(e, converted);
    integer->bit_width = bits;
    integer->is_signed = is_signed;
    THRIFT_SET(integer, INTEGER_BIT_WIDTH);
    THRIFT_SET(integer, INTEGER_IS_SIGNED);
}

/* "tsu:UTC": any zone means an instant, none a wall clock. Legacy converted types are written for both. */
static bool set_timestamp(SchemaElement *e, const char *format)
{
    TimeType *time = &e->logical.time;
    TimeUnitField unit = format[2] == 'm' ? TIME_UNIT_MILLIS : format[2] == 'u' ? TIME_UNIT_MICROS : TIME_UNIT_NANOS;

    if (!format[2] || !strchr("mun", format[2]) || format[3] != ':')
        return false;
    set_type(e, TYPE_INT64);
    set_logical(e, LOGICAL_TIMESTAMP);
    if (unit != TIME_UNIT_NANOS)
        set_converted(e, unit == TIME_UNIT_MILLIS ? CONVERTED_TIMESTAMP_MILLIS : CONVERTED_TIMESTAMP_MICROS);
    time->is_adjusted_to_utc = format[4] != 0;
    THRIFT_SET(&time->unit, unit);
    THRIFT_SET(time, TIME_TYPE_UTC);
    THRIFT_SET(time, TIME_TYPE_UNIT);
    return true;
}

static bool set_fixed(SchemaElement *e, const char *format)
{
    int64_t width;

    if (!str_starts_with(str_of(format), STR("w:")) || !str_to_i64(str_of(format + 2), &width) || width < 1
        || width > FIXED_BYTES_MAX)
        return false;
    set_type(e, TYPE_FIXED_LEN_BYTE_ARRAY);
    e->type_length = (int32_t)width;
    THRIFT_SET(e, SCHEMA_ELEMENT_TYPE_LENGTH);
    return true;
}

static void set_string(SchemaElement *e)
{
    set_type(e, TYPE_BYTE_ARRAY);
    set_logical(e, LOGICAL_STRING);
    set_converted(e, CONVERTED_UTF8);
}

static void set_date(SchemaElement *e)
{
    set_type(e, TYPE_INT32);
    set_logical(e, LOGICAL_DATE);
    set_converted(e, CONVERTED_DATE);
}

/* False for a type that we do not write. */
static bool set_leaf(SchemaElement *e, const char *format)
{
    if (strncmp(format, "ts", 2) == 0)
        return set_timestamp(e, format);
    if (strcmp(format, "tdD") == 0)
        return set_date(e), true;
    if (format[0] == 'w')
        return set_fixed(e, format);
    if (strlen(format) != 1)
        return false;
    switch (format[0]) {
    case 'b': set_type(e, TYPE_BOOLEAN); return true;
    case 'c': set_integer(e, 8, true, CONVERTED_INT_8); return true;
    case 'C': set_integer(e, 8, false, CONVERTED_UINT_8); return true;
    case 's': set_integer(e, 16, true, CONVERTED_INT_16); return true;
    case 'S': set_integer(e, 16, false, CONVERTED_UINT_16); return true;
    case 'i': set_type(e, TYPE_INT32); return true;
    case 'I': set_integer(e, 32, false, CONVERTED_UINT_32); return true;
    case 'l': set_type(e, TYPE_INT64); return true;
    case 'L': set_integer(e, 64, false, CONVERTED_UINT_64); return true;
    case 'f': set_type(e, TYPE_FLOAT); return true;
    case 'g': set_type(e, TYPE_DOUBLE); return true;
    case 'u':
    case 'U': set_string(e); return true;
    case 'z':
    case 'Z': set_type(e, TYPE_BYTE_ARRAY); return true;
    default: return false;
    }
}

static Repetition repetition_of(const struct ArrowSchema *schema)
{
    return schema->flags & ARROW_FLAG_NULLABLE ? REPETITION_OPTIONAL : REPETITION_REQUIRED;
}

static bool is_list(const struct ArrowSchema *schema)
{
    return strcmp(schema->format, "+l") == 0 || strcmp(schema->format, "+L") == 0;
}

/* Appends the one or three elements of a column. */
static Error *add_column(const struct ArrowSchema *column, Arena *arena, FileMetaData *file)
{
    SchemaElement *out = file->schema.items + file->schema.count;
    const struct ArrowSchema *leaf = is_list(column) ? column->children[0] : column;
    Str name = arena_str(arena, str_of(column->name));

    if (!name.data)
        return arena_error(arena);
    if (is_list(column)) {
        *out = element(name, repetition_of(column));
        set_children(out, 1);
        set_logical(out, LOGICAL_LIST);
        set_converted(out, CONVERTED_LIST);
        out++;
        *out = element(STR("list"), REPETITION_REPEATED);
        set_children(out, 1);
        out++;
        name = STR("element");
    }
    *out = element(name, repetition_of(leaf));
    if (leaf->dictionary || !set_leaf(out, leaf->format))
        return FAIL(UNSUPPORTED, "column '%s' has the Arrow type '%s'%s, which cannot be written", column->name,
                    leaf->format, leaf->dictionary ? " with a dictionary" : "");
    file->schema.count = (size_t)(out + 1 - file->schema.items);
    return NULL;
}

Error *schema_elements_from_arrow(const struct ArrowSchema *schema, Arena *arena, FileMetaData *file)
{
    if (strcmp(schema->format, "+s") != 0 || schema->n_children < 0)
        return FAIL(INVALID, "a table is a struct, not the Arrow type '%s'", schema->format);
    file->schema.items = ARENA_ARRAY(arena, SchemaElement, (size_t)schema->n_children * ELEMENTS_PER_LIST + 1);
    if (!file->schema.items)
        return arena_error(arena);
    file->schema.items[0] = element(STR("schema"), REPETITION_REQUIRED);
    set_children(&file->schema.items[0], (size_t)schema->n_children);
    file->schema.count = 1;
    for (int64_t i = 0; i < schema->n_children; i++)
        TRY(add_column(schema->children[i], arena, file));
    return NULL;
}
