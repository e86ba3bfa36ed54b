/* arrow_type.c - which Arrow type a leaf's physical type and annotation stand for. */
#include "parquet/schema.h"

enum { DECIMAL128_PRECISION_MAX = 38, DECIMAL128_BYTES = 16, UUID_BYTES = 16, FLOAT16_BYTES = 2, INTERVAL_BYTES = 12 };

/* One annotation, wherever the file says it: logicalType wins over converted_type. */
typedef struct Annotation {
    LogicalField logical; /* 0: none */
    bool interval;        /* exists as a converted type only */
    TimeUnitField unit;
    bool utc;
    int bit_width;
    bool is_signed;
    int32_t precision, scale;
} Annotation;

static TimeUnitField time_unit(const TimeUnit *unit)
{
    return THRIFT_HAS(unit, TIME_UNIT_MILLIS)   ? TIME_UNIT_MILLIS
           : THRIFT_HAS(unit, TIME_UNIT_MICROS) ? TIME_UNIT_MICROS
                                                : TIME_UNIT_NANOS;
}

static Annotation from_logical(const LogicalType *logical)
{
    Annotation a = {.logical = (LogicalField)__builtin_ctzll(logical->present)};

    if (a.logical == LOGICAL_TIME || a.logical == LOGICAL_TIMESTAMP) {
        a.unit = time_unit(&logical->time.unit);
        a.utc = logical->time.is_adjusted_to_utc;
    } else if (a.logical == LOGICAL_INTEGER) {
        a.bit_width = (uint8_t)logical->integer.bit_width; /* 8 to 64 where it is valid */
        a.is_signed = logical->integer.is_signed;
    } else if (a.logical == LOGICAL_DECIMAL) {
        a.precision = logical->decimal.precision;
        a.scale = logical->decimal.scale;
    }
    return a;
}

static Annotation from_converted(const SchemaElement *e)
{
    static const Annotation table[] = {
        [CONVERTED_UTF8] = {.logical = LOGICAL_STRING},
        [CONVERTED_MAP] = {.logical = LOGICAL_MAP},
        [CONVERTED_MAP_KEY_VALUE] = {.logical = LOGICAL_MAP},
        [CONVERTED_LIST] = {.logical = LOGICAL_LIST},
        [CONVERTED_ENUM] = {.logical = LOGICAL_ENUM},
        [CONVERTED_DECIMAL] = {.logical = LOGICAL_DECIMAL},
        [CONVERTED_DATE] = {.logical = LOGICAL_DATE},
        [CONVERTED_TIME_MILLIS] = {.logical = LOGICAL_TIME, .unit = TIME_UNIT_MILLIS, .utc = true},
        [CONVERTED_TIME_MICROS] = {.logical = LOGICAL_TIME, .unit = TIME_UNIT_MICROS, .utc = true},
        [CONVERTED_TIMESTAMP_MILLIS] = {.logical = LOGICAL_TIMESTAMP, .unit = TIME_UNIT_MILLIS, .utc = true},
        [CONVERTED_TIMESTAMP_MICROS] = {.logical = LOGICAL_TIMESTAMP, .unit = TIME_UNIT_MICROS, .utc = true},
        [CONVERTED_UINT_8] = {.logical = LOGICAL_INTEGER, .bit_width = 8},
        [CONVERTED_UINT_16] = {.logical = LOGICAL_INTEGER, .bit_width = 16},
        [CONVERTED_UINT_32] = {.logical = LOGICAL_INTEGER, .bit_width = 32},
        [CONVERTED_UINT_64] = {.logical = LOGICAL_INTEGER, .bit_width = 64},
        [CONVERTED_INT_8] = {.logical = LOGICAL_INTEGER, .bit_width = 8, .is_signed = true},
        [CONVERTED_INT_16] = {.logical = LOGICAL_INTEGER, .bit_width = 16, .is_signed = true},
        [CONVERTED_INT_32] = {.logical = LOGICAL_INTEGER, .bit_width = 32, .is_signed = true},
        [CONVERTED_INT_64] = {.logical = LOGICAL_INTEGER, .bit_width = 64, .is_signed = true},
        [CONVERTED_JSON] = {.logical = LOGICAL_JSON},
        [CONVERTED_BSON] = {.logical = LOGICAL_BSON},
        [CONVERTED_INTERVAL] = {.interval = true},
    };
    Annotation a = {0};

    if (THRIFT_HAS(e, SCHEMA_ELEMENT_CONVERTED_TYPE) && e->converted_type >= 0
        && (size_t)e->converted_type < ARRAY_COUNT(table))
        a = table[e->converted_type];
    if (a.logical == LOGICAL_DECIMAL) {
        a.precision = e->precision;
        a.scale = e->scale;
    }
    return a;
}

static Annotation annotation_of(const SchemaElement *e)
{
    return e->logical.present ? from_logical(&e->logical) : from_converted(e);
}

/* The type as it is without an annotation that changes it. */
static Error *physical_format(const SchemaElement *e, Arena *arena, SchemaField *field)
{
    static const char *const formats[] = {"b", "i", "l", "tsu:", "f", "g", "z", NULL};

    if (e->type == TYPE_FIXED_LEN_BYTE_ARRAY) {
        field->format = arena_format(arena, "w:%d", e->type_length);
        return field->format ? NULL : arena_error(arena);
    }
    field->format = formats[e->type];
    field->conversion = e->type == TYPE_INT96 ? CONVERT_INT96_TO_MICROS : CONVERT_NONE;
    return NULL;
}

static const char *integer_format(const Annotation *a)
{
    switch (a->bit_width) {
    case 8: return a->is_signed ? "c" : "C";
    case 16: return a->is_signed ? "s" : "S";
    case 32: return a->is_signed ? "i" : "I";
    case 64: return a->is_signed ? "l" : "L";
    default: return NULL;
    }
}

static Error *set_integer(const SchemaElement *e, const Annotation *a, Arena *arena, SchemaField *field)
{
    field->logical = arena_format(arena, "INTEGER(%d,%s)", a->bit_width, a->is_signed ? "signed" : "unsigned");
    if (!field->logical)
        return arena_error(arena);
    field->format = integer_format(a);
    field->conversion = a->bit_width == 8 ? CONVERT_I32_TO_I8 : a->bit_width == 16 ? CONVERT_I32_TO_I16 : CONVERT_NONE;
    if (!field->format || e->type != (a->bit_width == 64 ? TYPE_INT64 : TYPE_INT32))
        field->unsupported = "INTEGER of a width that its physical type does not have";
    return NULL;
}

static Error *set_time(const SchemaElement *e, const Annotation *a, Arena *arena, SchemaField *field)
{
    static const char *const units[] = {
        [TIME_UNIT_MILLIS] = "MILLIS", [TIME_UNIT_MICROS] = "MICROS", [TIME_UNIT_NANOS] = "NANOS"};
    static const char letters[] = {[TIME_UNIT_MILLIS] = 'm', [TIME_UNIT_MICROS] = 'u', [TIME_UNIT_NANOS] = 'n'};
    bool stamp = a->logical == LOGICAL_TIMESTAMP;
    int32_t wanted = !stamp && a->unit == TIME_UNIT_MILLIS ? TYPE_INT32 : TYPE_INT64;

    field->logical =
        arena_format(arena, "%s(%s%s)", stamp ? "TIMESTAMP" : "TIME", units[a->unit], a->utc ? ",UTC" : "");
    field->format = stamp ? arena_format(arena, "ts%c:%s", letters[a->unit], a->utc ? "UTC" : "")
                          : arena_format(arena, "tt%c", letters[a->unit]);
    if (!field->logical || !field->format)
        return arena_error(arena);
    if (e->type != wanted)
        field->unsupported =
            stamp ? "TIMESTAMP on a physical type other than INT64" : "TIME on the wrong physical type";
    return NULL;
}

static Error *set_decimal(const SchemaElement *e, const Annotation *a, Arena *arena, SchemaField *field)
{
    field->logical = arena_format(arena, "DECIMAL(%d,%d)", a->precision, a->scale);
    field->format = arena_format(arena, "d:%d,%d", a->precision, a->scale);
    field->precision = a->precision;
    if (!field->logical || !field->format)
        return arena_error(arena);
    switch ((PhysicalType)e->type) {
    case TYPE_INT32: field->conversion = CONVERT_I32_TO_DECIMAL; break;
    case TYPE_INT64: field->conversion = CONVERT_I64_TO_DECIMAL; break;
    case TYPE_FIXED_LEN_BYTE_ARRAY: field->conversion = CONVERT_FIXED_TO_DECIMAL; break;
    case TYPE_BYTE_ARRAY: field->conversion = CONVERT_BYTES_TO_DECIMAL; break;
    case TYPE_BOOLEAN:
    case TYPE_INT96:
    case TYPE_FLOAT:
    case TYPE_DOUBLE: field->unsupported = "DECIMAL on the wrong physical type"; break;
    }
    if (a->precision < 1 || a->precision > DECIMAL128_PRECISION_MAX || a->scale < 0 || a->scale > a->precision)
        field->unsupported = "DECIMAL of a precision or scale outside 1 to 38 digits";
    return NULL;
}

typedef struct Simple {
    const char *name, *format; /* format NULL: that of the physical type */
    int32_t type, type_length;
} Simple;

/* Annotations without parameters, and where they may stand. Geometry and the like are read as the bytes they are. */
static const Simple SIMPLE[LOGICAL_FIELDS] = {
    [LOGICAL_STRING] = {"STRING", "u", TYPE_BYTE_ARRAY, 0},
    [LOGICAL_ENUM] = {"ENUM", "u", TYPE_BYTE_ARRAY, 0},
    [LOGICAL_JSON] = {"JSON", "u", TYPE_BYTE_ARRAY, 0},
    [LOGICAL_BSON] = {"BSON", "z", TYPE_BYTE_ARRAY, 0},
    [LOGICAL_DATE] = {"DATE", "tdD", TYPE_INT32, 0},
    [LOGICAL_UUID] = {"UUID", NULL, TYPE_FIXED_LEN_BYTE_ARRAY, UUID_BYTES},
    [LOGICAL_FLOAT16] = {"FLOAT16", "e", TYPE_FIXED_LEN_BYTE_ARRAY, FLOAT16_BYTES},
    [LOGICAL_GEOMETRY] = {"GEOMETRY", "z", TYPE_BYTE_ARRAY, 0},
    [LOGICAL_GEOGRAPHY] = {"GEOGRAPHY", "z", TYPE_BYTE_ARRAY, 0},
};

static Error *set_simple(const SchemaElement *e, const Simple *simple, Arena *arena, SchemaField *field)
{
    field->logical = simple->name;
    if (simple->format)
        field->format = simple->format;
    if (e->type == simple->type && (simple->type_length == 0 || e->type_length == simple->type_length))
        return NULL;
    field->unsupported = arena_format(arena, "%s on %s", simple->name, physical_type_name(e->type));
    return field->unsupported ? NULL : arena_error(arena);
}

static Error *set_interval(const SchemaElement *e, SchemaField *field)
{
    field->logical = "INTERVAL";
    if (e->type != TYPE_FIXED_LEN_BYTE_ARRAY || e->type_length != INTERVAL_BYTES)
        field->unsupported = "INTERVAL on the wrong physical type";
    return NULL;
}

static Error *apply(const SchemaElement *e, const Annotation *a, Arena *arena, SchemaField *field)
{
    if (a->interval)
        return set_interval(e, field);
    if (a->logical == LOGICAL_INTEGER)
        return set_integer(e, a, arena, field);
    if (a->logical == LOGICAL_TIME || a->logical == LOGICAL_TIMESTAMP)
        return set_time(e, a, arena, field);
    if (a->logical == LOGICAL_DECIMAL)
        return set_decimal(e, a, arena, field);
    if (a->logical < LOGICAL_FIELDS && SIMPLE[a->logical].name)
        return set_simple(e, &SIMPLE[a->logical], arena, field);
    return NULL; /* unknown ones fall back on the physical type */
}

Error *schema_leaf_type(const SchemaElement *element, Arena *arena, SchemaField *field)
{
    Annotation a = annotation_of(element);

    field->logical = "";
    TRY(physical_format(element, arena, field));
    TRY(apply(element, &a, arena, field));
    if (field->unsupported) {
        field->format = "";
        field->conversion = CONVERT_NONE;
    }
    return NULL;
}
