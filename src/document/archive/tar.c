#include "document/archive/tar.h"

enum {
    BLOCK_BYTES = 512,
    NAME_AT = 0,
    NAME_BYTES = 100,
    SIZE_AT = 124,
    SIZE_BYTES = 12,
    CHECKSUM_AT = 148,
    CHECKSUM_BYTES = 8,
    TYPE_AT = 156,
    MAGIC_AT = 257,
    PREFIX_AT = 345,
    PREFIX_BYTES = 155
};

/* What extended headers said of the member that follows. */
typedef struct Extended {
    Str name; /* "": nothing */
    uint64_t size_bytes;
    bool has_size;
} Extended;

static Str field(Bytes block, size_t at, size_t len)
{
    Str text = str_slice(bytes_str(block), at, at + len);
    return str_slice(text, 0, str_find_char(text, '\0'));
}

/* Octal digits between spaces, or with the high bit set a binary number. */
static bool read_number(Bytes block, size_t at, size_t len, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (block.data[at] & 0x80) {
        for (size_t i = 0; i < len; i++) {
            uint8_t byte = block.data[at + i] & (i == 0 ? 0x7F : 0xFF);
            if (value > UINT64_MAX >> 8)
                return false;
            value = value << 8 | byte;
        }
        *ret_value = value;
        return true;
    }
    Str digits = str_trim(field(block, at, len));
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '7' || value > UINT64_MAX >> 3)
            return false;
        value = value << 3 | (uint64_t)(digits.data[i] - '0');
    }
    *ret_value = value;
    return true;
}

/* The sum of all bytes, those of the sum itself taken as spaces. */
static bool checksum_is_right(Bytes block)
{
    uint64_t wanted, sum = 0;
    for (size_t i = 0; i < BLOCK_BYTES; i++)
        sum += i >= CHECKSUM_AT && i < CHECKSUM_AT + CHECKSUM_BYTES ? ' ' : block.data[i];
    return read_number(block, CHECKSUM_AT, CHECKSUM_BYTES, &wanted) && sum == wanted;
}

static bool is_zero(Bytes block)
{
    for (size_t i = 0; i < block.len; i++) {
        if (block.data[i] != 0)
            return false;
    }
    return true;
}

bool tar_begins(Bytes input)
{
    Bytes block;
    Reader in = reader_of(input);
    return reader_take(&in, BLOCK_BYTES, &block) && !is_zero(block) && checksum_is_right(block)
           && field(block, NAME_AT, NAME_BYTES).len > 0;
}

/* Names are bytes; what is not UTF-8 in them becomes U+FFFD. */
MUST_USE static Error *keep_name(Arena *arena, Str prefix, Str name, Str *ret_name)
{
    char *out = arena_alloc_array(arena, prefix.len + name.len + 1, 3);
    if (!out)
        return arena_error(arena);
    size_t len = 0;
    for (size_t at = 0; at < prefix.len;)
        len += utf8_encode(str_next_code_point(prefix, &at), out + len);
    if (prefix.len > 0)
        out[len++] = '/';
    for (size_t at = 0; at < name.len;)
        len += utf8_encode(str_next_code_point(name, &at), out + len);
    *ret_name = (Str){out, len};
    return NULL;
}

/* Records of the form "length key=value\n"; what cannot be read ends them. */
static void read_pax(Str records, Extended *extended)
{
    while (records.len > 0) {
        uint64_t len;
        size_t space = str_find_char(records, ' ');
        if (space == SIZE_MAX || !str_to_u64(str_slice(records, 0, space), &len) || len <= space + 1
            || len > records.len)
            return;
        Str record = str_slice(records, space + 1, (size_t)len - 1), key;
        records = str_slice(records, (size_t)len, records.len);
        if (!str_next_piece(&record, '=', &key) || !record.data)
            continue;
        if (str_equal(key, STR("path")))
            extended->name = record;
        else if (str_equal(key, STR("size")))
            extended->has_size = str_to_u64(record, &extended->size_bytes);
    }
}

static TarKind kind_of(uint8_t type)
{
    if (type == '0' || type == '\0' || type == '7')
        return TAR_FILE;
    return type == 'S' ? TAR_SPARSE : TAR_OTHER;
}

/* The content that follows a header, and the zeros up to a whole block. */
MUST_USE static Error *take_content(TarReader *tar, Bytes block, const Extended *extended, Bytes *ret_content)
{
    uint64_t size;
    uint8_t type = block.data[TYPE_AT];
    size_t at = reader_offset(&tar->in);
    if (!read_number(block, SIZE_AT, SIZE_BYTES, &size))
        return error_at(FAIL(CORRUPT, "tar: the size of the member at byte %zu is no number", at), at);
    if (extended->has_size)
        size = extended->size_bytes;
    if (type >= '1' && type <= '6') /* links, devices and folders have none */
        size = 0;
    if (size > reader_left(&tar->in))
        return error_at(FAIL(CORRUPT, "tar: the file ends inside the member at byte %zu", at), at);
    bool taken = reader_take(&tar->in, (size_t)size, ret_content);
    ASSERT(taken);
    size_t padding = (BLOCK_BYTES - (size_t)size % BLOCK_BYTES) % BLOCK_BYTES;
    reader_skip(&tar->in, MIN(padding, reader_left(&tar->in)));
    return NULL;
}

MUST_USE static Error *set_name(TarReader *tar, Bytes block, const Extended *extended, TarMember *member)
{
    bool is_ustar = str_equal(str_slice(bytes_str(block), MAGIC_AT, MAGIC_AT + 6), STR("ustar\0"));
    if (extended->name.len > 0)
        return keep_name(tar->arena, STR_EMPTY, extended->name, &member->name);
    Str prefix = is_ustar ? field(block, PREFIX_AT, PREFIX_BYTES) : STR_EMPTY;
    return keep_name(tar->arena, prefix, field(block, NAME_AT, NAME_BYTES), &member->name);
}

Error *tar_next(TarReader *tar, TarMember *ret_member, bool *ret_more)
{
    Extended extended = {.name = STR_EMPTY};
    for (;;) {
        Bytes block, content;
        size_t at = reader_offset(&tar->in);
        *ret_more = reader_take(&tar->in, BLOCK_BYTES, &block) && !is_zero(block);
        if (!*ret_more)
            return NULL;
        if (!checksum_is_right(block))
            return error_at(FAIL(CORRUPT, "tar: the header at byte %zu is damaged", at), at);
        TRY(take_content(tar, block, &extended, &content));
        uint8_t type = block.data[TYPE_AT];
        if (type == 'x') {
            read_pax(bytes_str(content), &extended);
        } else if (type == 'L') {
            extended.name = str_slice(bytes_str(content), 0, str_find_char(bytes_str(content), '\0'));
        } else if (type != 'g' && type != 'K') {
            ret_member->kind = kind_of(type);
            ret_member->content = content;
            return set_name(tar, block, &extended, ret_member);
        }
    }
}
