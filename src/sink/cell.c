#include "sink/cell.h"

#include "base/json.h"
#include "base/time_text.h"

static bool is_valid(const struct ArrowArray *array, size_t row)
{
    const uint8_t *bits = array->n_buffers > 0 ? array->buffers[0] : NULL;
    return array->null_count == 0 || !bits || (bits[row / 8] >> row % 8 & 1);
}

/* Times that no calendar needs stay at the end of what fits. */
static int64_t times(int64_t value, int64_t factor)
{
    int64_t product;
    if (__builtin_mul_overflow(value, factor, &product))
        return value < 0 ? INT64_MIN : INT64_MAX;
    return product;
}

/* Microseconds in one unit of "tsu:...", "tss:..." and so on; nanoseconds are rounded down. */
static int64_t to_microseconds(char unit, int64_t value)
{
    switch (unit) {
    case 's': return times(value, 1000000);
    case 'm': return times(value, 1000);
    case 'n': return value / 1000 - (value % 1000 < 0);
    default: return value;
    }
}

static Error *put_time(int64_t time_us, bool date_only, Buffer *scratch, Cell *ret_cell)
{
    char text[TIME_TEXT_BYTES];
    Str iso = time_iso8601(time_us, text);
    buffer_clear(scratch);
    TRY(buffer_append_str(scratch, date_only ? str_slice(iso, 0, str_find_char(iso, 'T')) : iso));
    *ret_cell = (Cell){.kind = CELL_TEXT, .bytes = buffer_bytes(scratch)};
    return NULL;
}

#define VALUE_AT(type) (((const type *)array->buffers[1])[at])

/* Bytes between two offsets, 32 or 64 bits wide. */
static Bytes variable_bytes(const struct ArrowArray *array, size_t at, bool wide)
{
    const uint8_t *data = array->buffers[2];
    int64_t from = wide ? VALUE_AT(int64_t) : VALUE_AT(int32_t);
    at++;
    int64_t to = wide ? VALUE_AT(int64_t) : VALUE_AT(int32_t);
    return data ? (Bytes){data + from, (size_t)(to - from)} : BYTES_EMPTY;
}

static Error *put_list(const struct ArrowSchema *column, const struct ArrowArray *array, size_t at, bool wide,
                       Buffer *scratch, Cell *ret_cell)
{
    CLEANUP(buffer_done) Buffer inner = {0};
    int64_t from = wide ? VALUE_AT(int64_t) : VALUE_AT(int32_t);
    at++;
    int64_t to = wide ? VALUE_AT(int64_t) : VALUE_AT(int32_t);
    JsonWriter w;
    buffer_clear(scratch);
    json_begin(&w, scratch, -1);
    json_open_array(&w);
    for (int64_t i = from; i < to; i++) {
        Cell cell;
        TRY(cell_read(column->children[0], array->children[0], (size_t)i, &inner, &cell));
        switch (cell.kind) {
        case CELL_NULL: json_put_null(&w); break;
        case CELL_INT: json_put_int(&w, cell.integer); break;
        case CELL_REAL: json_put_double(&w, cell.real); break;
        case CELL_TEXT:
        case CELL_BLOB: json_put_str(&w, bytes_str(cell.bytes)); break;
        }
    }
    json_close_array(&w);
    TRY(json_finish(&w));
    *ret_cell = (Cell){.kind = CELL_TEXT, .bytes = buffer_bytes(scratch)};
    return NULL;
}

Error *cell_column_type(const struct ArrowSchema *column, const char **ret_type)
{
    const char *format = column->format;
    char letter = format[0] && !format[1] ? format[0] : '?'; /* of the types that one letter names */
    *ret_type = NULL;
    if (strchr("bcCsSiIlL", letter))
        *ret_type = "INTEGER";
    else if (strchr("fg", letter))
        *ret_type = "REAL";
    else if (strchr("uU", letter) || strncmp(format, "ts", 2) == 0 || strcmp(format, "tdD") == 0)
        *ret_type = "TEXT";
    else if (strchr("zZ", letter))
        *ret_type = "BLOB";
    else if ((strcmp(format, "+l") == 0 || strcmp(format, "+L") == 0) && column->n_children == 1
             && !column->dictionary) {
        const char *element;
        if (column->children[0]->format[0] == '+')
            return FAIL(UNSUPPORTED, "column '%s' is a list of lists or structs, which no database column holds",
                        column->name);
        TRY(cell_column_type(column->children[0], &element));
        *ret_type = "TEXT";
    }
    if (!*ret_type || column->dictionary)
        return FAIL(UNSUPPORTED, "column '%s' has the Arrow type '%s', which no database column holds", column->name,
                    format);
    return NULL;
}

Error *cell_read(const struct ArrowSchema *column, const struct ArrowArray *array, size_t row, Buffer *scratch,
                 Cell *ret_cell)
{
    size_t at = row + (size_t)array->offset;
    const char *format = column->format;
    if (!is_valid(array, at)) {
        *ret_cell = (Cell){.kind = CELL_NULL};
        return NULL;
    }
    switch (format[0]) {
    case 'b':
        *ret_cell = (Cell){.kind = CELL_INT, .integer = ((const uint8_t *)array->buffers[1])[at / 8] >> at % 8 & 1};
        return NULL;
    case 'c': *ret_cell = (Cell){.kind = CELL_INT, .integer = VALUE_AT(int8_t)}; return NULL;
    case 'C': *ret_cell = (Cell){.kind = CELL_INT, .integer = VALUE_AT(uint8_t)}; return NULL;
    case 's': *ret_cell = (Cell){.kind = CELL_INT, .integer = VALUE_AT(int16_t)}; return NULL;
    case 'S': *ret_cell = (Cell){.kind = CELL_INT, .integer = VALUE_AT(uint16_t)}; return NULL;
    case 'i': *ret_cell = (Cell){.kind = CELL_INT, .integer = VALUE_AT(int32_t)}; return NULL;
    case 'I': *ret_cell = (Cell){.kind = CELL_INT, .integer = VALUE_AT(uint32_t)}; return NULL;
    case 'l': *ret_cell = (Cell){.kind = CELL_INT, .integer = VALUE_AT(int64_t)}; return NULL;
    case 'L': {
        uint64_t value =
            VALUE_AT(uint64_t); /* past SQLite's integers: as a real number, which is what its own parser does */
        *ret_cell = value > INT64_MAX ? (Cell){.kind = CELL_REAL, .real = (double)value}
                                      : (Cell){.kind = CELL_INT, .integer = (int64_t)value};
        return NULL;
    }
    case 'f': *ret_cell = (Cell){.kind = CELL_REAL, .real = (double)VALUE_AT(float)}; return NULL;
    case 'g': *ret_cell = (Cell){.kind = CELL_REAL, .real = VALUE_AT(double)}; return NULL;
    case 'u':
    case 'U': *ret_cell = (Cell){.kind = CELL_TEXT, .bytes = variable_bytes(array, at, format[0] == 'U')}; return NULL;
    case 'z':
    case 'Z': *ret_cell = (Cell){.kind = CELL_BLOB, .bytes = variable_bytes(array, at, format[0] == 'Z')}; return NULL;
    case 't':
        if (format[1] == 'd')
            return put_time(times(VALUE_AT(int32_t), INT64_C(86400) * 1000000), true, scratch, ret_cell);
        return put_time(to_microseconds(format[2], VALUE_AT(int64_t)), false, scratch, ret_cell);
    case '+': return put_list(column, array, at, format[1] == 'L', scratch, ret_cell);
    default: return FAIL(INTERNAL, "column '%s' of type '%s' was not refused before", column->name, format);
    }
}
