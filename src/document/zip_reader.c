#include "document/zip_reader.h"

#include <libdeflate.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/reader.h"

enum {
    END_RECORD_BYTES = 22,
    END_COMMENT_MAX_BYTES = 65535,
    END64_LOCATOR_BYTES = 20,
    END64_RECORD_BYTES = 56,
    ENTRY_BYTES = 46, /* of the directory, without name, extra, comment */
    LOCAL_HEADER_BYTES = 30,
    EXTRA_ZIP64 = 1,
    FLAG_ENCRYPTED = 1 << 0,
    FLAG_UTF8 = 1 << 11,
    METHOD_STORED = 0,
    METHOD_DEFLATED = 8,
    DEFLATE_RATIO_MAX = 1032 /* 258 bytes from 2 bits */
};
#define ENTRY_SIGNATURE 0x02014b50u
#define LOCAL_SIGNATURE 0x04034b50u
#define END_SIGNATURE 0x06054b50u
#define END64_LOCATOR_SIGNATURE 0x07064b50u
#define END64_SIGNATURE 0x06064b50u

typedef struct Member {
    Str name;
    uint16_t flags, method;
    uint32_t crc32;
    uint64_t packed_bytes, unpacked_bytes;
    uint64_t header_offset; /* from the zip's start */
} Member;

/* A name and whose it is, for the search. */
typedef struct NameEntry {
    Str name;
    uint32_t member;
} NameEntry;

struct ZipReader {
    Bytes input;
    Expansion *expansion;
    size_t start; /* of the zip in `input`: other bytes may stand before it */
    Arena *arena; /* members, names that were converted */
    Member *members;
    size_t count, capacity;
    NameEntry *by_name; /* by name without case, then by place */
    struct libdeflate_decompressor *inflater;
};

/* Where the directory is. */
typedef struct Directory {
    uint64_t size_bytes, offset;
    size_t end; /* in the input: what follows it */
} Directory;

/* Code page 437 from 0x80 on. */
static const uint16_t code_page_437[128] = {
    0x00C7, 0x00FC, 0x00E9, 0x00E2, 0x00E4, 0x00E0, 0x00E5, 0x00E7, 0x00EA, 0x00EB, 0x00E8, 0x00EF, 0x00EE,
    0x00EC, 0x00C4, 0x00C5, 0x00C9, 0x00E6, 0x00C6, 0x00F4, 0x00F6, 0x00F2, 0x00FB, 0x00F9, 0x00FF, 0x00D6,
    0x00DC, 0x00A2, 0x00A3, 0x00A5, 0x20A7, 0x0192, 0x00E1, 0x00ED, 0x00F3, 0x00FA, 0x00F1, 0x00D1, 0x00AA,
    0x00BA, 0x00BF, 0x2310, 0x00AC, 0x00BD, 0x00BC, 0x00A1, 0x00AB, 0x00BB, 0x2591, 0x2592, 0x2593, 0x2502,
    0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255D, 0x255C, 0x255B, 0x2510, 0x2514,
    0x2534, 0x252C, 0x251C, 0x2500, 0x253C, 0x255E, 0x255F, 0x255A, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550,
    0x256C, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256B, 0x256A, 0x2518, 0x250C,
    0x2588, 0x2584, 0x258C, 0x2590, 0x2580, 0x03B1, 0x00DF, 0x0393, 0x03C0, 0x03A3, 0x03C3, 0x00B5, 0x03C4,
    0x03A6, 0x0398, 0x03A9, 0x03B4, 0x221E, 0x03C6, 0x03B5, 0x2229, 0x2261, 0x00B1, 0x2265, 0x2264, 0x2320,
    0x2321, 0x00F7, 0x2248, 0x00B0, 0x2219, 0x00B7, 0x221A, 0x207F, 0x00B2, 0x25A0, 0x00A0,
};

/* The sizes and the offset that do not fit into 32 bits stand here, in this order, each only when it is wanted. APPNOTE 4.5.3. */
static bool read_zip64_extra(Bytes extra, Member *member)
{
    Reader in = reader_of(extra);
    uint16_t id, bytes;
    Bytes field;
    while (reader_u16le(&in, &id) && reader_u16le(&in, &bytes) && reader_take(&in, bytes, &field)) {
        if (id != EXTRA_ZIP64)
            continue;
        Reader sizes = reader_of(field);
        return (member->unpacked_bytes != UINT32_MAX || reader_u64le(&sizes, &member->unpacked_bytes))
               && (member->packed_bytes != UINT32_MAX || reader_u64le(&sizes, &member->packed_bytes))
               && (member->header_offset != UINT32_MAX || reader_u64le(&sizes, &member->header_offset));
    }
    return true; /* as large as a field holds, and no more */
}

/* A character of a name that is not all UTF-8. */
static uint32_t next_in_name(Str text, bool utf8, size_t *at)
{
    if (utf8)
        return str_next_code_point(text, at);
    uint8_t byte = (uint8_t)text.data[(*at)++];
    return byte < 128 ? byte : code_page_437[byte - 128];
}

MUST_USE static Error *set_name(ZipReader *zip, Member *member, Bytes name)
{
    Str text = bytes_str(name);
    text = str_slice(text, 0, str_find_char(text, '\0'));
    member->name = text;
    if (str_is_utf8(text))
        return NULL;
    char *out = arena_alloc_array(zip->arena, text.len, 3);
    if (!out)
        return arena_error(zip->arena);
    size_t len = 0;
    for (size_t at = 0; at < text.len;)
        len += utf8_encode(next_in_name(text, member->flags & FLAG_UTF8, &at), out + len);
    member->name = (Str){out, len};
    return NULL;
}

/* One entry of the directory. Source: APPNOTE 4.3.12. */
MUST_USE static Error *read_entry(ZipReader *zip, Reader *in, Member *member)
{
    uint32_t signature, packed = 0, unpacked = 0, offset = 0;
    uint16_t name_bytes, extra_bytes, comment_bytes;
    Bytes name, extra;
    size_t at = reader_offset(in);
    bool ok = reader_u32le(in, &signature) && signature == ENTRY_SIGNATURE && reader_skip(in, 4) /* versions */
              && reader_u16le(in, &member->flags) && reader_u16le(in, &member->method)
              && reader_skip(in, 4) /* time, date */
              && reader_u32le(in, &member->crc32) && reader_u32le(in, &packed) && reader_u32le(in, &unpacked)
              && reader_u16le(in, &name_bytes) && reader_u16le(in, &extra_bytes) && reader_u16le(in, &comment_bytes)
              && reader_skip(in, 8) /* disk, attributes */
              && reader_u32le(in, &offset) && reader_take(in, name_bytes, &name) && reader_take(in, extra_bytes, &extra)
              && reader_skip(in, comment_bytes);
    member->packed_bytes = packed;
    member->unpacked_bytes = unpacked;
    member->header_offset = offset;
    if (!ok || !read_zip64_extra(extra, member))
        return FAIL(CORRUPT, "zip: entry %zu of the directory, at its byte %zu, is cut short or malformed", zip->count,
                    at);
    return set_name(zip, member, name);
}

MUST_USE static Error *read_directory(ZipReader *zip, Bytes directory)
{
    enum { FIRST_MEMBERS = 16 };
    Reader in = reader_of(directory);
    while (reader_left(&in) >= ENTRY_BYTES) {
        if (zip->count == zip->expansion->members_left)
            return FAIL(LIMIT, "zip: more than %zu members", zip->expansion->members_left);
        if (zip->count == zip->capacity) {
            size_t capacity = MAX(2 * zip->capacity, (size_t)FIRST_MEMBERS);
            Member *grown =
                arena_grow(zip->arena, zip->members, zip->capacity * sizeof *grown, capacity * sizeof *grown);
            if (!grown)
                return arena_error(zip->arena);
            zip->members = grown;
            zip->capacity = capacity;
        }
        TRY(read_entry(zip, &in, &zip->members[zip->count]));
        zip->count++;
    }
    return NULL;
}

/* The end record of large zips: its locator stands right before the ordinary one. Sources: APPNOTE 4.3.14, 4.3.15. False: there is none. */
static bool read_end64(Bytes input, size_t end_at, Directory *ret_directory)
{
    uint32_t signature;
    uint64_t record_at, size_bytes, offset;
    if (end_at < END64_LOCATOR_BYTES + END64_RECORD_BYTES)
        return false;
    Reader in = {input, end_at - END64_LOCATOR_BYTES};
    if (!reader_u32le(&in, &signature) || signature != END64_LOCATOR_SIGNATURE || !reader_skip(&in, 4)
        || !reader_u64le(&in, &record_at))
        return false;
    /* Where the locator says; with other bytes before the zip: right before the locator. */
    const uint64_t places[] = {record_at, end_at - END64_LOCATOR_BYTES - END64_RECORD_BYTES};
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        if (places[i] > end_at - END64_LOCATOR_BYTES - END64_RECORD_BYTES)
            continue;
        in = (Reader){input, (size_t)places[i]};
        if (reader_u32le(&in, &signature) && signature == END64_SIGNATURE && reader_skip(&in, 36)
            && reader_u64le(&in, &size_bytes) && reader_u64le(&in, &offset)) {
            *ret_directory = (Directory){size_bytes, offset, (size_t)places[i]};
            return true;
        }
    }
    return false;
}

/* The end record, whose comment ends in the input. Source: APPNOTE 4.3.16. */
static bool read_end(Bytes input, size_t at, Directory *ret_directory)
{
    uint32_t signature, size_bytes, offset;
    uint16_t comment_bytes;
    Reader in = {input, at};
    if (!reader_u32le(&in, &signature) || signature != END_SIGNATURE
        || !reader_skip(&in, 8) /* disks, counts: the directory is walked */
        || !reader_u32le(&in, &size_bytes) || !reader_u32le(&in, &offset) || !reader_u16le(&in, &comment_bytes)
        || comment_bytes > reader_left(&in))
        return false;
    *ret_directory = (Directory){size_bytes, offset, at};
    if (size_bytes == UINT32_MAX || offset == UINT32_MAX)
        return read_end64(input, at, ret_directory);
    Directory large;
    if (read_end64(input, at, &large))
        *ret_directory = large;
    return true;
}

static bool signature_at(Bytes input, size_t at, uint32_t wanted)
{
    uint32_t signature;
    Reader in = {input, MIN(at, input.len)};
    return reader_u32le(&in, &signature) && signature == wanted;
}

/* The last end record that makes sense; the directory's bytes and the zip's start with it. */
MUST_USE static Error *find_directory(Bytes input, Bytes *ret_directory, size_t *ret_start)
{
    size_t last = input.len >= END_RECORD_BYTES ? input.len - END_RECORD_BYTES : 0;
    size_t first = last > END_COMMENT_MAX_BYTES ? last - END_COMMENT_MAX_BYTES : 0;
    for (size_t at = last + 1; at-- > first;) {
        Directory d;
        if (!signature_at(input, at, END_SIGNATURE) || !read_end(input, at, &d))
            continue;
        if (d.size_bytes > d.end || d.offset > d.end - d.size_bytes)
            continue;
        size_t from = d.end - (size_t)d.size_bytes;
        *ret_start = from - (size_t)d.offset;
        if (d.size_bytes > 0 && !signature_at(input, from, ENTRY_SIGNATURE)) {
            from = (size_t)d.offset; /* something stands between the directory and its end record */
            *ret_start = 0;
        }
        *ret_directory = (Bytes){input.data + from, (size_t)d.size_bytes};
        return NULL;
    }
    return FAIL(CORRUPT, "zip: no directory at the end: the file is cut off, or no zip");
}

static uint8_t lower(char c)
{
    return (uint8_t)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static int compare_nocase(Str a, Str b)
{
    for (size_t i = 0; i < MIN(a.len, b.len); i++) {
        if (lower(a.data[i]) != lower(b.data[i]))
            return lower(a.data[i]) < lower(b.data[i]) ? -1 : 1;
    }
    return (a.len > b.len) - (a.len < b.len);
}

static int compare_entries(const void *left, const void *right)
{
    const NameEntry *a = left, *b = right;
    int order = compare_nocase(a->name, b->name);
    return order ? order : (a->member > b->member) - (a->member < b->member);
}

MUST_USE static Error *sort_names(ZipReader *zip)
{
    zip->by_name = ARENA_ARRAY(zip->arena, NameEntry, MAX(zip->count, (size_t)1));
    if (!zip->by_name)
        return arena_error(zip->arena);
    for (size_t i = 0; i < zip->count; i++)
        zip->by_name[i] = (NameEntry){zip->members[i].name, (uint32_t)i};
    qsort(zip->by_name, zip->count, sizeof *zip->by_name, compare_entries);
    return NULL;
}

MUST_USE static Error *open_zip(ZipReader *zip)
{
    Bytes directory;
    zip->inflater = libdeflate_alloc_decompressor();
    zip->arena = arena_new(MIB + zip->expansion->members_left * (4 * sizeof(Member) + sizeof(NameEntry))
                           + 3 * MIN(zip->input.len, 512 * MIB));
    if (!zip->inflater || !zip->arena)
        return FAIL(NO_MEMORY, "zip: no memory for a reader");
    TRY(find_directory(zip->input, &directory, &zip->start));
    TRY(read_directory(zip, directory));
    return sort_names(zip);
}

Error *zip_reader_new(Bytes input, Expansion *expansion, ZipReader **ret_reader)
{
    ASSERT(expansion);
    CLEANUP(zip_reader_freep) ZipReader *zip = calloc(1, sizeof *zip);
    if (!zip)
        return FAIL(NO_MEMORY, "zip: no memory for a reader");
    zip->input = input;
    zip->expansion = expansion;
    TRY(open_zip(zip));
    *ret_reader = zip;
    zip = NULL;
    return NULL;
}

void zip_reader_free(ZipReader *reader)
{
    if (!reader)
        return;
    if (reader->inflater)
        libdeflate_free_decompressor(reader->inflater);
    arena_free(reader->arena);
    free(reader);
}

size_t zip_reader_count(const ZipReader *reader)
{
    return reader->count;
}

Str zip_reader_name(const ZipReader *reader, size_t index)
{
    ASSERT(index < reader->count);
    return reader->members[index].name;
}

bool zip_reader_find(const ZipReader *reader, Str name, size_t *ret_index)
{
    size_t low = 0, high = reader->count; /* of the first entry that is greater */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_nocase(reader->by_name[middle].name, name) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t last = low;
    for (; low > 0 && str_equal_nocase(reader->by_name[low - 1].name, name); low--) {
        if (str_equal(reader->by_name[low - 1].name, name)) {
            *ret_index = reader->by_name[low - 1].member;
            return true;
        }
    }
    if (low == last)
        return false;
    *ret_index = reader->by_name[last - 1].member;
    return true;
}

/* The packed bytes of a member. Its local header repeats the directory, and may lie: only the lengths of its name and extra field count.
 * Source: APPNOTE 4.3.7. */
MUST_USE static Error *packed_view(const ZipReader *zip, const Member *member, Bytes *ret_packed)
{
    uint32_t signature;
    uint16_t name_bytes, extra_bytes;
    Reader in = reader_of(zip->input);
    bool ok = member->header_offset <= SIZE_MAX && member->packed_bytes <= SIZE_MAX && reader_skip(&in, zip->start)
              && reader_skip(&in, (size_t)member->header_offset) && reader_u32le(&in, &signature)
              && signature == LOCAL_SIGNATURE && reader_skip(&in, 22) && reader_u16le(&in, &name_bytes)
              && reader_u16le(&in, &extra_bytes) && reader_skip(&in, (size_t)name_bytes + extra_bytes)
              && reader_take(&in, (size_t)member->packed_bytes, ret_packed);
    return ok ? NULL
              : FAIL(CORRUPT, "zip: member '" STR_FMT "' is cut off or not where the directory says",
                     STR_ARG(member->name));
}

/* Before anything is taken for it. */
MUST_USE static Error *check_member(const Member *member, Bytes packed)
{
    if (member->flags & FLAG_ENCRYPTED)
        return FAIL(UNSUPPORTED, "encrypted: member '" STR_FMT "' needs a password", STR_ARG(member->name));
    if (member->method != METHOD_STORED && member->method != METHOD_DEFLATED)
        return FAIL(UNSUPPORTED, "zip: member '" STR_FMT "' is packed by method %u; only stored and deflated are read",
                    STR_ARG(member->name), member->method);
    uint64_t most = member->method == METHOD_STORED ? packed.len : (uint64_t)packed.len * DEFLATE_RATIO_MAX;
    if (member->unpacked_bytes > most)
        return FAIL(CORRUPT, "zip: member '" STR_FMT "' of %zu bytes cannot hold the %llu that it claims",
                    STR_ARG(member->name), packed.len, (unsigned long long)member->unpacked_bytes);
    return NULL;
}

/* The member's bytes to the room behind `out`'s contents. */
MUST_USE static Error *unpack(ZipReader *zip, const Member *member, Bytes packed, Buffer *out)
{
    size_t bytes = (size_t)member->unpacked_bytes, got = bytes;
    enum libdeflate_result result = LIBDEFLATE_SUCCESS;
    if (member->method == METHOD_STORED && bytes > 0)
        memcpy(out->data + out->len, packed.data, bytes);
    if (member->method == METHOD_DEFLATED)
        result =
            libdeflate_deflate_decompress(zip->inflater, packed.data, packed.len, out->data + out->len, bytes, &got);
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE || (result == LIBDEFLATE_SUCCESS && got != bytes)
        || (member->method == METHOD_STORED && bytes != packed.len))
        return FAIL(CORRUPT, "zip: member '" STR_FMT "' is not of the %zu bytes that it claims", STR_ARG(member->name),
                    bytes);
    if (result != LIBDEFLATE_SUCCESS)
        return FAIL(CORRUPT, "zip: member '" STR_FMT "' is damaged: its deflated data cannot be read",
                    STR_ARG(member->name));
    if (crc32_ieee(0, (Bytes){out->data + out->len, bytes}) != member->crc32)
        return FAIL(CORRUPT, "zip: member '" STR_FMT "' is damaged: its checksum is another", STR_ARG(member->name));
    buffer_grown(out, bytes);
    return NULL;
}

Error *zip_reader_read(ZipReader *reader, size_t index, Buffer *out)
{
    ASSERT(index < reader->count);
    const Member *member = &reader->members[index];
    Bytes packed;
    TRY(packed_view(reader, member, &packed));
    TRY(check_member(member, packed));
    TRY_CTX(expansion_take(reader->expansion, member->name, member->unpacked_bytes), "zip");
    TRY_CTX(buffer_reserve(out, MAX((size_t)member->unpacked_bytes, (size_t)1)), "zip: member '" STR_FMT "'",
            STR_ARG(member->name));
    return unpack(reader, member, packed, out);
}

Error *zip_reader_read_name(ZipReader *reader, Str name, Buffer *out)
{
    size_t index;
    if (!zip_reader_find(reader, name, &index))
        return FAIL(NOT_FOUND, "zip: no member '" STR_FMT "'", STR_ARG(name));
    return zip_reader_read(reader, index, out);
}
