#include "parquet/thrift.h"

/* Type nibbles of the wire. */
enum {
    WIRE_STOP = 0,
    WIRE_TRUE = 1,
    WIRE_FALSE = 2,
    WIRE_I8 = 3,
    WIRE_I16 = 4,
    WIRE_I32 = 5,
    WIRE_I64 = 6,
    WIRE_DOUBLE = 7,
    WIRE_BINARY = 8,
    WIRE_LIST = 9,
    WIRE_SET = 10,
    WIRE_MAP = 11,
    WIRE_STRUCT = 12,
    WIRE_UUID = 13
};

enum { SKIP_DEPTH_MAX = 64, SHORT_LIST_MAX = 14, SHORT_DELTA_MAX = 15, UUID_BYTES = 16, DOUBLE_BYTES = 8 };

/* What every THRIFT_LIST looks like. */
typedef THRIFT_LIST(void) AnyList;

static Error *malformed(const Reader *in, const char *what)
{
    return error_at(FAIL(CORRUPT, "thrift: %s at byte %zu", what, reader_offset(in)), reader_offset(in));
}

/* -- reading -- */

typedef struct FieldHeader {
    int64_t id;
    unsigned wire;
} FieldHeader;

/* False on malformed input; wire WIRE_STOP at the end of the struct. */
static bool read_field_header(Reader *in, int64_t previous_id, FieldHeader *ret)
{
    uint8_t byte;

    if (!reader_u8(in, &byte))
        return false;
    ret->wire = byte & 15u;
    ret->id = previous_id + (byte >> 4);
    if (ret->wire == WIRE_STOP)
        return byte == 0;
    if (byte >> 4 != 0)
        return ret->id <= INT16_MAX;
    return reader_zigzag(in, &ret->id) && ret->id >= INT16_MIN && ret->id <= INT16_MAX;
}

typedef struct ListHeader {
    size_t count;
    unsigned wire;
} ListHeader;

/* A count is believed only as far as bytes are left: every element takes at least one. */
static bool read_list_header(Reader *in, ListHeader *ret)
{
    uint8_t byte;
    uint64_t count;

    if (!reader_u8(in, &byte))
        return false;
    count = byte >> 4;
    if (count > SHORT_LIST_MAX && !reader_varint(in, &count))
        return false;
    if (count > reader_left(in))
        return false;
    ret->count = (size_t)count;
    ret->wire = byte & 15u;
    return true;
}

static bool read_binary(Reader *in, Str *ret)
{
    uint64_t len;
    Bytes bytes;
    Reader before = *in;

    if (!reader_varint(in, &len) || len > reader_left(in) || !reader_take(in, (size_t)len, &bytes)) {
        *in = before;
        return false;
    }
    *ret = bytes_str(bytes);
    return true;
}

static bool skip_varint(Reader *in)
{
    uint64_t ignored;

    return reader_varint(in, &ignored);
}

static bool skip_value(Reader *in, unsigned wire, unsigned depth);

static bool skip_struct(Reader *in, unsigned depth)
{
    FieldHeader field = {0, WIRE_STOP};

    do {
        if (!read_field_header(in, field.id, &field))
            return false;
        if (field.wire != WIRE_STOP && field.wire != WIRE_TRUE && field.wire != WIRE_FALSE
            && !skip_value(in, field.wire, depth))
            return false;
    } while (field.wire != WIRE_STOP);
    return true;
}

static bool skip_list(Reader *in, unsigned depth)
{
    ListHeader list;

    if (!read_list_header(in, &list))
        return false;
    for (size_t i = 0; i < list.count; i++)
        if (!skip_value(in, list.wire, depth))
            return false;
    return true;
}

static bool skip_map(Reader *in, unsigned depth)
{
    uint64_t count;
    uint8_t types = 0;

    if (!reader_varint(in, &count) || (count > 0 && !reader_u8(in, &types)) || count > reader_left(in))
        return false;
    for (uint64_t i = 0; i < count; i++)
        if (!skip_value(in, types >> 4, depth) || !skip_value(in, types & 15u, depth))
            return false;
    return true;
}

/* A value outside a field header, where a boolean takes a byte. */
static bool skip_value(Reader *in, unsigned wire, unsigned depth)
{
    Str ignored;

    if (depth >= SKIP_DEPTH_MAX)
        return false;
    switch (wire) {
    case WIRE_TRUE:
    case WIRE_FALSE:
    case WIRE_I8: return reader_skip(in, 1);
    case WIRE_I16:
    case WIRE_I32:
    case WIRE_I64: return skip_varint(in);
    case WIRE_DOUBLE: return reader_skip(in, DOUBLE_BYTES);
    case WIRE_BINARY: return read_binary(in, &ignored);
    case WIRE_LIST:
    case WIRE_SET: return skip_list(in, depth + 1);
    case WIRE_MAP: return skip_map(in, depth + 1);
    case WIRE_STRUCT: return skip_struct(in, depth + 1);
    case WIRE_UUID: return reader_skip(in, UUID_BYTES);
    default: return false;
    }
}

static bool is_integer(unsigned wire)
{
    return wire == WIRE_I16 || wire == WIRE_I32 || wire == WIRE_I64;
}

static bool wire_suits(ThriftKind kind, unsigned wire)
{
    switch (kind) {
    case THRIFT_BOOL: return wire == WIRE_TRUE || wire == WIRE_FALSE;
    case THRIFT_I8: return wire == WIRE_I8;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64: return is_integer(wire);
    case THRIFT_BINARY: return wire == WIRE_BINARY;
    case THRIFT_EMPTY:
    case THRIFT_STRUCT: return wire == WIRE_STRUCT;
    case THRIFT_I32_LIST:
    case THRIFT_I64_LIST:
    case THRIFT_BINARY_LIST:
    case THRIFT_STRUCT_LIST: return wire == WIRE_LIST;
    case THRIFT_UNKNOWN: break;
    }
    return false;
}

static Error *read_i64(Reader *in, int64_t *ret)
{
    return reader_zigzag(in, ret) ? NULL : malformed(in, "malformed integer");
}

static Error *read_i32(Reader *in, int32_t *ret)
{
    int64_t wide;

    if (!reader_zigzag(in, &wide) || wide < INT32_MIN || wide > INT32_MAX)
        return malformed(in, "malformed 32-bit integer");
    *ret = (int32_t)wide;
    return NULL;
}

/* Size of an element in the C list, and what the wire must call it. */
static size_t element_size(const ThriftField *field)
{
    switch (field->kind) {
    case THRIFT_I32_LIST: return sizeof(int32_t);
    case THRIFT_I64_LIST: return sizeof(int64_t);
    case THRIFT_BINARY_LIST: return sizeof(Str);
    case THRIFT_STRUCT_LIST: return field->of->size;
    case THRIFT_UNKNOWN:
    case THRIFT_BOOL:
    case THRIFT_I8:
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
    case THRIFT_BINARY:
    case THRIFT_EMPTY:
    case THRIFT_STRUCT: break;
    }
    ASSERT(false && "a list");
    return 0;
}

static bool element_suits(ThriftKind kind, unsigned wire)
{
    return kind == THRIFT_BINARY_LIST   ? wire == WIRE_BINARY
           : kind == THRIFT_STRUCT_LIST ? wire == WIRE_STRUCT
                                        : is_integer(wire);
}

static Error *read_element(Reader *in, const ThriftField *field, Arena *arena, void *element)
{
    switch (field->kind) {
    case THRIFT_I32_LIST: return read_i32(in, element);
    case THRIFT_I64_LIST: return read_i64(in, element);
    case THRIFT_BINARY_LIST: return read_binary(in, element) ? NULL : malformed(in, "string is cut short");
    case THRIFT_STRUCT_LIST: return thrift_read(in, field->of, arena, element);
    case THRIFT_UNKNOWN:
    case THRIFT_BOOL:
    case THRIFT_I8:
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
    case THRIFT_BINARY:
    case THRIFT_EMPTY:
    case THRIFT_STRUCT: break;
    }
    ASSERT(false && "a list");
    return NULL;
}

/* `*ret_suits` is false when the elements are of another type; the list is then skipped. */
static Error *read_list(Reader *in, const ThriftField *field, Arena *arena, AnyList *list, bool *ret_suits)
{
    Reader start = *in;
    ListHeader header;

    if (!read_list_header(in, &header))
        return malformed(in, "list count exceeds the bytes left");
    *ret_suits = header.count == 0 || element_suits(field->kind, header.wire);
    if (!*ret_suits) {
        *in = start;
        return skip_list(in, 1) ? NULL : malformed(in, "malformed list");
    }
    size_t size = element_size(field);
    list->count = header.count;
    list->items = arena_alloc_array(arena, header.count, size);
    if (!list->items)
        return arena_error(arena);
    for (size_t i = 0; i < header.count; i++)
        TRY(read_element(in, field, arena, (uint8_t *)list->items + i * size));
    return NULL;
}

static Error *read_value(Reader *in, const ThriftField *field, unsigned wire, Arena *arena, void *value,
                         bool *ret_suits)
{
    uint8_t byte = 0;

    *ret_suits = true;
    switch (field->kind) {
    case THRIFT_BOOL: *(bool *)value = wire == WIRE_TRUE; return NULL;
    case THRIFT_I8:
        if (!reader_u8(in, &byte))
            return malformed(in, "byte is missing");
        *(int8_t *)value = (int8_t)byte;
        return NULL;
    case THRIFT_I16:
    case THRIFT_I32: return read_i32(in, value);
    case THRIFT_I64: return read_i64(in, value);
    case THRIFT_BINARY: return read_binary(in, value) ? NULL : malformed(in, "string is cut short");
    case THRIFT_EMPTY: return skip_struct(in, 1) ? NULL : malformed(in, "malformed struct");
    case THRIFT_STRUCT:
        memset(value, 0, field->of->size); /* a repeated field: the last one wins */
        return thrift_read(in, field->of, arena, value);
    case THRIFT_I32_LIST:
    case THRIFT_I64_LIST:
    case THRIFT_BINARY_LIST:
    case THRIFT_STRUCT_LIST: return read_list(in, field, arena, value, ret_suits);
    case THRIFT_UNKNOWN: break;
    }
    ASSERT(false && "a known kind");
    return NULL;
}

static Error *read_field(Reader *in, const ThriftStruct *type, FieldHeader header, Arena *arena, void *object)
{
    const ThriftField *field =
        header.id >= 0 && (size_t)header.id < type->fields_count ? &type->fields[header.id] : NULL;
    uint64_t *present = object;

    if (!field || !wire_suits(field->kind, header.wire)) {
        bool in_header = header.wire == WIRE_TRUE || header.wire == WIRE_FALSE;
        return in_header || skip_value(in, header.wire, 0) ? NULL : malformed(in, "malformed field");
    }
    bool suits;
    TRY(read_value(in, field, header.wire, arena, (uint8_t *)object + field->offset, &suits));
    if (suits)
        *present |= UINT64_C(1) << header.id;
    return NULL;
}

Error *thrift_read(Reader *in, const ThriftStruct *type, Arena *arena, void *object)
{
    const uint64_t *present = object;
    FieldHeader header = {0, WIRE_STOP};

    for (;;) {
        if (!read_field_header(in, header.id, &header))
            return malformed(in, "malformed field header");
        if (header.wire == WIRE_STOP)
            break;
        TRY(read_field(in, type, header, arena, object));
    }
    for (size_t id = 0; id < type->fields_count; id++)
        if (type->fields[id].required && !(*present >> id & 1))
            return error_at(
                FAIL(CORRUPT, "thrift: %s lacks its required field %zu at byte %zu", type->name, id, reader_offset(in)),
                reader_offset(in));
    return NULL;
}

/* -- writing -- */

static Error *write_varint(Buffer *out, uint64_t value)
{
    uint8_t bytes[10];
    size_t len = 0;

    for (; value >= 0x80; value >>= 7)
        bytes[len++] = (uint8_t)(value | 0x80);
    bytes[len++] = (uint8_t)value;
    return buffer_append(out, bytes, len);
}

static Error *write_zigzag(Buffer *out, int64_t value)
{
    return write_varint(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static Error *write_binary(Buffer *out, Str value)
{
    TRY(write_varint(out, value.len));
    return buffer_append_str(out, value);
}

static unsigned wire_of(const ThriftField *field, const void *value)
{
    switch (field->kind) {
    case THRIFT_BOOL: return *(const bool *)value ? WIRE_TRUE : WIRE_FALSE;
    case THRIFT_I8: return WIRE_I8;
    case THRIFT_I16: return WIRE_I16;
    case THRIFT_I32: return WIRE_I32;
    case THRIFT_I64: return WIRE_I64;
    case THRIFT_BINARY: return WIRE_BINARY;
    case THRIFT_EMPTY:
    case THRIFT_STRUCT: return WIRE_STRUCT;
    case THRIFT_I32_LIST:
    case THRIFT_I64_LIST:
    case THRIFT_BINARY_LIST:
    case THRIFT_STRUCT_LIST: return WIRE_LIST;
    case THRIFT_UNKNOWN: break;
    }
    ASSERT(false && "a known kind");
    return WIRE_STOP;
}

static Error *write_list(const ThriftField *field, const AnyList *list, Buffer *out)
{
    size_t size = element_size(field);
    unsigned wire = field->kind == THRIFT_BINARY_LIST   ? WIRE_BINARY
                    : field->kind == THRIFT_STRUCT_LIST ? WIRE_STRUCT
                    : field->kind == THRIFT_I64_LIST    ? WIRE_I64
                                                        : WIRE_I32;

    if (list->count <= SHORT_LIST_MAX) {
        TRY(buffer_append_byte(out, (uint8_t)(list->count << 4 | wire)));
    } else {
        TRY(buffer_append_byte(out, (uint8_t)(15u << 4 | wire)));
        TRY(write_varint(out, list->count));
    }
    for (size_t i = 0; i < list->count; i++) {
        const void *element = (const uint8_t *)list->items + i * size;
        if (wire == WIRE_BINARY)
            TRY(write_binary(out, *(const Str *)element));
        else if (wire == WIRE_STRUCT)
            TRY(thrift_write(field->of, element, out));
        else
            TRY(write_zigzag(out, wire == WIRE_I64 ? *(const int64_t *)element : *(const int32_t *)element));
    }
    return NULL;
}

static Error *write_value(const ThriftField *field, const void *value, Buffer *out)
{
    switch (field->kind) {
    case THRIFT_BOOL: return NULL; /* the header said it */
    case THRIFT_I8: return buffer_append_byte(out, (uint8_t) * (const int8_t *)value);
    case THRIFT_I16:
    case THRIFT_I32: return write_zigzag(out, *(const int32_t *)value);
    case THRIFT_I64: return write_zigzag(out, *(const int64_t *)value);
    case THRIFT_BINARY: return write_binary(out, *(const Str *)value);
    case THRIFT_EMPTY: return buffer_append_byte(out, WIRE_STOP);
    case THRIFT_STRUCT: return thrift_write(field->of, value, out);
    case THRIFT_I32_LIST:
    case THRIFT_I64_LIST:
    case THRIFT_BINARY_LIST:
    case THRIFT_STRUCT_LIST: return write_list(field, value, out);
    case THRIFT_UNKNOWN: break;
    }
    ASSERT(false && "a known kind");
    return NULL;
}

Error *thrift_write(const ThriftStruct *type, const void *object, Buffer *out)
{
    const uint64_t *present = object;
    size_t previous = 0;

    for (size_t id = 1; id < type->fields_count; id++) {
        const ThriftField *field = &type->fields[id];
        const void *value = (const uint8_t *)object + field->offset;
        if (!(*present >> id & 1))
            continue;
        ASSERT(id - previous <= SHORT_DELTA_MAX);
        TRY(buffer_append_byte(out, (uint8_t)((id - previous) << 4 | wire_of(field, value))));
        TRY(write_value(field, value, out));
        previous = id;
    }
    return buffer_append_byte(out, WIRE_STOP);
}
