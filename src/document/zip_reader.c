#include "document/zip_reader.h"

#include <stdlib.h>
#include <zip.h>

#include "base/arena.h"

enum {
    END_RECORD_BYTES = 22,
    END_COMMENT_MAX_BYTES = 65535,
    DEFLATE_RATIO_MAX = 1032,             /* 258 bytes from 2 bits */
    DIRECTORY_READS_MAX = 4 * 1000 * 1000 /* entries, when libzip tries every end record there is */
};
#define ENTRY_SIGNATURE STR("PK\1\2")
#define LOCAL_SIGNATURE STR("PK\3\4")
#define END_SIGNATURE STR("PK\5\6")

/* A name and whose it is, for the search. */
typedef struct NameEntry {
    Str name;
    uint32_t member;
} NameEntry;

struct ZipReader {
    Bytes input;
    Expansion *expansion;
    zip_t *zip;
    Arena *arena; /* what follows, and names that libzip takes for UTF-8 and are not */
    Str *names;
    size_t count;
    NameEntry *by_name; /* by name without case, then by place */
};

MUST_USE static Error *no_memory(void)
{
    return FAIL(NO_MEMORY, "zip: no memory for a reader");
}

/* --- opening --- */

/* How often `mark` stands in `input`; counting ends above `most`. */
static size_t count_marks(Bytes input, Str mark, size_t most)
{
    size_t count = 0;
    for (Str rest = bytes_str(input); count <= most; count++) {
        size_t found = str_find(rest, mark);
        if (found == SIZE_MAX)
            break;
        rest = str_slice(rest, found + mark.len, rest.len);
    }
    return count;
}

/* libzip takes memory for every entry of the directory, chains those of equal hash, and reads a directory for every end record in the last
 * 64 KiB, before it can be asked how many there are. Every entry begins with a signature: there are no more than signatures. Those of a zip
 * that is stored in this one count too; their members are of the same budget. */
MUST_USE static Error *check_directory(Bytes input, const Expansion *expansion)
{
    enum { TAIL_BYTES = END_RECORD_BYTES + END_COMMENT_MAX_BYTES };
    size_t entries = count_marks(input, ENTRY_SIGNATURE, expansion->members_left);
    if (entries > expansion->members_left)
        return FAIL(LIMIT, "zip: more than %zu members", expansion->members_left);
    size_t tail = MIN(input.len, (size_t)TAIL_BYTES);
    size_t ends = count_marks((Bytes){input.data + input.len - tail, tail}, END_SIGNATURE, TAIL_BYTES);
    if (ends > 0 && entries > DIRECTORY_READS_MAX / ends)
        return FAIL(LIMIT, "zip: %zu end records for %zu members are too many", ends, entries);
    return NULL;
}

/* NULL: `ret_code` says why. */
static zip_t *open_bytes(Bytes input, int *ret_code)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(input.data, input.len, 0, &error);
    zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    if (!zip)
        zip_source_free(source);
    *ret_code = zip_error_code_zip(&error);
    zip_error_fini(&error);
    return zip;
}

/* Offsets count from the input's start or, behind other bytes, from the first member's. */
MUST_USE static Error *open_archive(ZipReader *reader)
{
    int code = ZIP_ER_NOZIP;
    if (reader->input.len >= END_RECORD_BYTES)
        reader->zip = open_bytes(reader->input, &code);
    size_t start = reader->zip ? 0 : str_find(bytes_str(reader->input), LOCAL_SIGNATURE);
    if (start != 0 && start != SIZE_MAX)
        reader->zip = open_bytes((Bytes){reader->input.data + start, reader->input.len - start}, &code);
    if (reader->zip)
        return NULL;
    if (code == ZIP_ER_MEMORY)
        return no_memory();
    if (code == ZIP_ER_NOZIP)
        return FAIL(CORRUPT, "zip: no directory at the end: the file is cut off, or no zip");
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    Error *failure = FAIL(CORRUPT, "zip: the directory cannot be read: %s", zip_error_strerror(&error));
    zip_error_fini(&error);
    return failure;
}

/* --- names --- */

/* As it stands when that is UTF-8, said to be or not; else as libzip reads it, from code page 437, where control characters have pictures. */
MUST_USE static Error *set_name(ZipReader *reader, size_t index)
{
    const char *name = zip_get_name(reader->zip, index, ZIP_FL_ENC_RAW);
    if (name && !str_is_utf8(str_of(name)))
        name = zip_get_name(reader->zip, index, ZIP_FL_ENC_GUESS);
    if (!name)
        return FAIL(CORRUPT, "zip: the name of member %zu cannot be read: %s", index, zip_strerror(reader->zip));
    Str text = str_of(name);
    reader->names[index] = text;
    if (str_is_utf8(text))
        return NULL;
    char *out = arena_alloc_array(reader->arena, text.len, 3);
    if (!out)
        return arena_error(reader->arena);
    size_t len = 0;
    for (size_t at = 0; at < text.len;)
        len += utf8_encode(str_next_code_point(text, &at), out + len);
    reader->names[index] = (Str){out, len};
    return NULL;
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

/* libzip finds the first of several that are called the same, and one without case by looking at all. */
MUST_USE static Error *sort_names(ZipReader *reader)
{
    reader->names = ARENA_ARRAY(reader->arena, Str, reader->count);
    reader->by_name = ARENA_ARRAY(reader->arena, NameEntry, reader->count);
    if (!reader->names || !reader->by_name)
        return arena_error(reader->arena);
    for (size_t i = 0; i < reader->count; i++) {
        TRY(set_name(reader, i));
        reader->by_name[i] = (NameEntry){reader->names[i], (uint32_t)i};
    }
    qsort(reader->by_name, reader->count, sizeof *reader->by_name, compare_entries);
    return NULL;
}

MUST_USE static Error *open_reader(ZipReader *reader)
{
    size_t most = reader->expansion->members_left;
    TRY(check_directory(reader->input, reader->expansion));
    TRY(open_archive(reader));
    zip_int64_t count = zip_get_num_entries(reader->zip, 0);
    if (count < 0 || (uint64_t)count > most)
        return FAIL(LIMIT, "zip: more than %zu members", most);
    reader->count = (size_t)count;
    reader->arena =
        arena_new(MIB + reader->count * (sizeof(Str) + sizeof(NameEntry)) + 4 * MIN(reader->input.len, 512 * MIB));
    return reader->arena ? sort_names(reader) : no_memory();
}

Error *zip_reader_new(Bytes input, Expansion *expansion, ZipReader **ret_reader)
{
    ASSERT(expansion);
    CLEANUP(zip_reader_freep) ZipReader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return no_memory();
    reader->input = input;
    reader->expansion = expansion;
    TRY(open_reader(reader));
    *ret_reader = reader;
    reader = NULL;
    return NULL;
}

void zip_reader_free(ZipReader *reader)
{
    if (!reader)
        return;
    if (reader->zip)
        zip_discard(reader->zip);
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
    return reader->names[index];
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

/* --- members --- */

static void close_member(zip_file_t **file)
{
    if (*file)
        zip_fclose(*file); /* what it returns is told by reading */
}

/* Before anything is taken for it: what the directory claims is possible. */
MUST_USE static Error *check_member(const ZipReader *reader, Str name, const zip_stat_t *member)
{
    if (member->encryption_method != ZIP_EM_NONE)
        return FAIL(UNSUPPORTED, "encrypted: member '" STR_FMT "' needs a password", STR_ARG(name));
    if (member->comp_method != ZIP_CM_STORE && member->comp_method != ZIP_CM_DEFLATE)
        return FAIL(UNSUPPORTED, "zip: member '" STR_FMT "' is packed by method %u; only stored and deflated are read",
                    STR_ARG(name), member->comp_method);
    if (member->comp_size > reader->input.len)
        return FAIL(CORRUPT, "zip: member '" STR_FMT "' is cut off or not where the directory says", STR_ARG(name));
    uint64_t ratio = member->comp_method == ZIP_CM_STORE ? 1 : DEFLATE_RATIO_MAX;
    if (member->size / ratio > member->comp_size)
        return FAIL(CORRUPT, "zip: member '" STR_FMT "' of %llu bytes cannot hold the %llu that it claims",
                    STR_ARG(name), (unsigned long long)member->comp_size, (unsigned long long)member->size);
    return NULL;
}

MUST_USE static Error *wrong_size(Str name, size_t bytes)
{
    return FAIL(CORRUPT, "zip: member '" STR_FMT "' is not of the %zu bytes that it claims", STR_ARG(name), bytes);
}

MUST_USE static Error *damaged(Str name, size_t bytes, zip_file_t *file)
{
    zip_error_t *error = zip_file_get_error(file);
    switch (zip_error_code_zip(error)) {
    case ZIP_ER_MEMORY: return no_memory();
    case ZIP_ER_CRC:
        return FAIL(CORRUPT, "zip: member '" STR_FMT "' is damaged: its checksum is another", STR_ARG(name));
    case ZIP_ER_INCONS: return wrong_size(name, bytes);
    default:
        return FAIL(CORRUPT, "zip: member '" STR_FMT "' is damaged: its data, stored or deflated, cannot be read: %s",
                    STR_ARG(name), zip_error_strerror(error));
    }
}

/* The member's bytes to the room behind `out`'s contents, and no more. The checksum is compared when libzip meets the end: with the byte that
 * must not be there. */
MUST_USE static Error *unpack(zip_file_t *file, Str name, size_t bytes, Buffer *out)
{
    size_t got = 0;
    zip_int64_t step = 1;
    uint8_t beyond;
    while (got < bytes && step > 0) {
        step = zip_fread(file, out->data + out->len + got, bytes - got);
        got += step > 0 ? (size_t)step : 0;
    }
    if (got == bytes)
        step = zip_fread(file, &beyond, 1);
    if (step < 0)
        return damaged(name, bytes, file);
    if (got < bytes || step > 0)
        return wrong_size(name, bytes);
    buffer_grown(out, bytes);
    return NULL;
}

Error *zip_reader_read(ZipReader *reader, size_t index, Buffer *out)
{
    ASSERT(index < reader->count);
    Str name = reader->names[index];
    zip_stat_t member;
    zip_stat_init(&member);
    if (zip_stat_index(reader->zip, index, 0, &member) != 0)
        return FAIL(CORRUPT, "zip: member '" STR_FMT "' cannot be read: %s", STR_ARG(name), zip_strerror(reader->zip));
    TRY(check_member(reader, name, &member));
    CLEANUP(close_member) zip_file_t *file = zip_fopen_index(reader->zip, index, 0);
    if (!file)
        return FAIL(CORRUPT, "zip: member '" STR_FMT "' is cut off or not where the directory says: %s", STR_ARG(name),
                    zip_strerror(reader->zip));
    TRY_CTX(expansion_take(reader->expansion, name, member.size), "zip");
    TRY_CTX(buffer_reserve(out, MAX((size_t)member.size, (size_t)1)), "zip: member '" STR_FMT "'", STR_ARG(name));
    return unpack(file, name, (size_t)member.size, out);
}

Error *zip_reader_read_name(ZipReader *reader, Str name, Buffer *out)
{
    size_t index;
    if (!zip_reader_find(reader, name, &index))
        return FAIL(NOT_FOUND, "zip: no member '" STR_FMT "'", STR_ARG(name));
    return zip_reader_read(reader, index, out);
}
