#include "document/ole_reader.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/reader.h"

enum {
    HEADER_BYTES = 512,
    HEADER_DIFAT_COUNT = 109,
    ENTRY_BYTES = 128,
    ENTRY_NAME_BYTES = 64,
    MINI_SECTOR_BYTES = 64,
    TYPE_STORAGE = 1,
    TYPE_STREAM = 2,
    TYPE_ROOT = 5
};

/* Above it a sector number is a mark: the end of a chain, a free sector. */
#define SECTOR_MAX UINT32_C(0xFFFFFFFA)
#define END_OF_CHAIN UINT32_C(0xFFFFFFFE)
#define FREE_SECTOR UINT32_C(0xFFFFFFFF)

/* One level of sectors: those of the file, or the mini sectors that stand in the root's stream. */
typedef struct Sectors {
    Bytes content; /* sector 0 first */
    size_t sector_bytes;
    uint32_t count;
    uint32_t *next; /* [count] the sector that follows in its chain */
    bool *taken;    /* [count] a chain was there */
} Sectors;

/* What an entry says that only the reader needs. */
typedef struct EntryState {
    uint32_t left, right, child;
    uint32_t first_sector;
    uint8_t type; /* 0: unused */
    bool reached; /* by the walk from the root */
    bool loaded;  /* `content` is set */
    Bytes content;
} EntryState;

struct OleReader {
    Arena *arena;
    Bytes input;
    unsigned version; /* 3 or 4 */
    uint32_t mini_stream_below_bytes;
    uint32_t first_directory, first_mini_fat, first_difat;
    uint32_t header_difat[HEADER_DIFAT_COUNT];
    Sectors sectors, mini;
    bool mini_loaded;
    uint32_t entry_count;
    OleEntry *entries;
    EntryState *states;
};

MUST_USE static Error *read_header(OleReader *ole)
{
    static const uint8_t signature[8] = {0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1};
    Reader in = reader_of(ole->input);
    Bytes mark;
    uint16_t version, shift, mini_shift;
    uint32_t fat_sectors, mini_fat_sectors, difat_sectors;
    bool ok = reader_take(&in, sizeof signature, &mark) && reader_skip(&in, 16 + 2) /* class, minor version */
              && reader_u16le(&in, &version) && reader_skip(&in, 2)                 /* byte order */
              && reader_u16le(&in, &shift) && reader_u16le(&in, &mini_shift)
              && reader_skip(&in, 6 + 4) /* reserved, directory sectors */
              && reader_u32le(&in, &fat_sectors) && reader_u32le(&in, &ole->first_directory)
              && reader_skip(&in, 4) /* transaction */
              && reader_u32le(&in, &ole->mini_stream_below_bytes) && reader_u32le(&in, &ole->first_mini_fat)
              && reader_u32le(&in, &mini_fat_sectors) && reader_u32le(&in, &ole->first_difat)
              && reader_u32le(&in, &difat_sectors);
    for (unsigned i = 0; i < HEADER_DIFAT_COUNT; i++)
        ok = ok && reader_u32le(&in, &ole->header_difat[i]);
    if (!ok || memcmp(mark.data, signature, sizeof signature) != 0)
        return FAIL(CORRUPT, "ole: the header is cut short, or of something else");
    if ((version != 3 || shift != 9) && (version != 4 || shift != 12))
        return FAIL(CORRUPT, "ole: version %u with sectors of 2^%u bytes is none that exists", version, shift);
    if (mini_shift != 6)
        return FAIL(CORRUPT, "ole: small sectors of 2^%u bytes, not 2^6", mini_shift);
    ole->version = version;
    ole->sectors.sector_bytes = (size_t)1 << shift;
    return NULL;
}

/* Where sector `index` stands; shorter than a sector only at the end of a file that is cut off there. */
static Bytes sector_at(const Sectors *sectors, uint32_t index)
{
    ASSERT(index < sectors->count);
    size_t start = (size_t)index * sectors->sector_bytes;
    return (Bytes){sectors->content.data + start, MIN(sectors->sector_bytes, sectors->content.len - start)};
}

/* `content` as sectors that follow nothing yet. */
MUST_USE static Error *sectors_init(Sectors *sectors, Bytes content, Arena *arena)
{
    size_t count = content.len / sectors->sector_bytes + (content.len % sectors->sector_bytes != 0);
    if (count > SECTOR_MAX)
        return FAIL(LIMIT, "ole: more than %u sectors", SECTOR_MAX);
    sectors->content = content;
    sectors->count = (uint32_t)count;
    sectors->next = ARENA_ARRAY(arena, uint32_t, count);
    sectors->taken = ARENA_ARRAY(arena, bool, count);
    if (!sectors->next || !sectors->taken)
        return arena_error(arena);
    for (size_t i = 0; i < count; i++)
        sectors->next[i] = FREE_SECTOR;
    return NULL;
}

/* Marks `index` as a chain's, which no other chain may have. */
MUST_USE static Error *sector_take(Sectors *sectors, uint32_t index)
{
    if (index >= sectors->count)
        return FAIL(CORRUPT, "ole: sector %u is not one of the %u there are", index, sectors->count);
    if (sectors->taken[index])
        return FAIL(CORRUPT, "ole: sector %u is in a chain twice", index);
    sectors->taken[index] = true;
    return NULL;
}

/* The numbers of a table's sector, from `table_index` on, as far as there are sectors they can be of. */
MUST_USE static Error *fat_add_sector(OleReader *ole, uint32_t index, size_t *table_index)
{
    Sectors *sectors = &ole->sectors;
    TRY(sector_take(sectors, index));
    Reader in = reader_of(sector_at(sectors, index));
    while (*table_index < sectors->count && reader_u32le(&in, &sectors->next[*table_index]))
        ++*table_index;
    return NULL;
}

/* The numbers of FAT sectors that stand in one sector of the double-indirect FAT; the last number is that of the next such sector. */
MUST_USE static Error *fat_add_from_difat(OleReader *ole, uint32_t index, size_t *table_index, uint32_t *ret_next)
{
    Sectors *sectors = &ole->sectors;
    TRY(sector_take(sectors, index));
    Reader in = reader_of(sector_at(sectors, index));
    uint32_t fat_sector;
    for (size_t i = 0; i < sectors->sector_bytes / 4 - 1; i++) {
        if (!reader_u32le(&in, &fat_sector))
            return FAIL(CORRUPT, "ole: sector %u of the double-indirect table is cut short", index);
        if (fat_sector <= SECTOR_MAX && *table_index < sectors->count)
            TRY(fat_add_sector(ole, fat_sector, table_index));
    }
    if (!reader_u32le(&in, ret_next))
        return FAIL(CORRUPT, "ole: sector %u of the double-indirect table is cut short", index);
    return NULL;
}

MUST_USE static Error *read_fat(OleReader *ole)
{
    size_t table_index = 0;
    for (unsigned i = 0; i < HEADER_DIFAT_COUNT && table_index < ole->sectors.count; i++) {
        if (ole->header_difat[i] <= SECTOR_MAX)
            TRY(fat_add_sector(ole, ole->header_difat[i], &table_index));
    }
    for (uint32_t at = ole->first_difat; at <= SECTOR_MAX && table_index < ole->sectors.count;)
        TRY(fat_add_from_difat(ole, at, &table_index, &at));
    return NULL;
}

/* How many sectors the chain from `first` has, at most `count_max`, and whether they stand one after the other. Takes them. */
MUST_USE static Error *chain_take(Sectors *sectors, uint32_t first, size_t count_max, size_t *ret_count,
                                  bool *ret_contiguous)
{
    size_t count = 0;
    bool contiguous = true;
    for (uint32_t at = first; count < count_max && at <= SECTOR_MAX; at = sectors->next[at], count++) {
        TRY(sector_take(sectors, at));
        contiguous = contiguous && at == first + count;
    }
    *ret_count = count;
    *ret_contiguous = contiguous;
    return NULL;
}

/* The first `size_bytes` of the chain from `first`; SIZE_MAX: all of it. */
MUST_USE static Error *chain_read(Sectors *sectors, Arena *arena, uint32_t first, size_t size_bytes, Bytes *ret_bytes)
{
    size_t sector_bytes = sectors->sector_bytes;
    size_t wanted = size_bytes / sector_bytes + (size_bytes % sector_bytes != 0), count;
    bool contiguous;
    TRY(chain_take(sectors, first, wanted, &count, &contiguous));
    if (count == 0) {
        *ret_bytes = BYTES_EMPTY;
        return size_bytes == 0 || size_bytes == SIZE_MAX ? NULL : FAIL(CORRUPT, "ole: a stream has no sectors");
    }
    if (contiguous) {
        Bytes from_first = {sector_at(sectors, first).data, sectors->content.len - (size_t)first * sector_bytes};
        *ret_bytes = (Bytes){from_first.data, MIN(MIN(size_bytes, count * sector_bytes), from_first.len)};
    } else {
        uint8_t *copy = arena_alloc_array(arena, count, sector_bytes);
        if (!copy)
            return arena_error(arena);
        size_t len = 0;
        for (uint32_t at = first, i = 0; i < count; at = sectors->next[at], i++) {
            Bytes sector = sector_at(sectors, at);
            memcpy(copy + len, sector.data, sector.len);
            len += sector.len;
        }
        *ret_bytes = (Bytes){copy, MIN(len, size_bytes)};
    }
    if (size_bytes != SIZE_MAX && ret_bytes->len < size_bytes)
        return FAIL(CORRUPT, "ole: a stream of %zu bytes has only %zu", size_bytes, ret_bytes->len);
    return NULL;
}

/* Surrogates that have no partner become U+FFFD. */
static Str utf8_from_utf16le(Bytes utf16, char *out)
{
    Reader in = reader_of(utf16);
    uint16_t unit, low;
    size_t len = 0;
    while (reader_u16le(&in, &unit)) {
        uint32_t code_point = unit;
        Reader ahead = in;
        if (unit >= 0xD800 && unit < 0xDC00 && reader_u16le(&ahead, &low) && low >= 0xDC00 && low < 0xE000) {
            code_point = 0x10000 + ((uint32_t)(unit - 0xD800) << 10) + (low - 0xDC00);
            in = ahead;
        } else if (unit >= 0xD800 && unit < 0xE000) {
            code_point = 0xFFFD;
        }
        len += utf8_encode(code_point, out + len);
    }
    return str_from(out, len);
}

MUST_USE static Error *read_entry(OleReader *ole, Bytes record, uint32_t index)
{
    OleEntry *entry = &ole->entries[index];
    EntryState *state = &ole->states[index];
    Reader in = reader_of(record);
    Bytes name;
    uint16_t name_bytes;
    uint32_t size_low, size_high;
    uint8_t color;
    bool ok =
        reader_take(&in, ENTRY_NAME_BYTES, &name) && reader_u16le(&in, &name_bytes) && reader_u8(&in, &state->type)
        && reader_u8(&in, &color) && reader_u32le(&in, &state->left) && reader_u32le(&in, &state->right)
        && reader_u32le(&in, &state->child) && reader_skip(&in, 16 + 4 + 8 + 8) /* class, state, times */
        && reader_u32le(&in, &state->first_sector) && reader_u32le(&in, &size_low) && reader_u32le(&in, &size_high);
    ASSERT(ok); /* a whole record */
    name.len = name_bytes >= 2 && name_bytes <= ENTRY_NAME_BYTES ? name_bytes - (size_t)2 : 0;
    char utf8[ENTRY_NAME_BYTES * 2];
    entry->name = arena_str(ole->arena, utf8_from_utf16le(name, utf8));
    if (!entry->name.data)
        return arena_error(ole->arena);
    entry->is_storage = state->type == TYPE_STORAGE || state->type == TYPE_ROOT;
    entry->first_child = entry->next_sibling = OLE_NONE;
    entry->size_bytes = size_low | (ole->version == 3 ? 0 : (uint64_t)size_high << 32);
    return NULL;
}

/* Nodes of the trees still to be looked at, each with the storage it is in. */
typedef struct EntryStack {
    struct {
        uint32_t index, storage;
    } * items; /* [entry_count]: an entry is put here once */
    size_t count;
} EntryStack;

MUST_USE static Error *stack_push(OleReader *ole, EntryStack *stack, uint32_t index, uint32_t storage)
{
    if (index == OLE_NONE)
        return NULL;
    if (index >= ole->entry_count)
        return FAIL(CORRUPT, "ole: the directory leads to entry %u of %u", index, ole->entry_count);
    if (ole->states[index].reached)
        return FAIL(CORRUPT, "ole: the directory leads to entry %u twice", index);
    ole->states[index].reached = true;
    stack->items[stack->count].index = index;
    stack->items[stack->count++].storage = storage;
    return NULL;
}

/* From trees of siblings to lists of children. The order in the trees is the names' and of no use to us, nor is it believed. */
MUST_USE static Error *link_entries(OleReader *ole)
{
    EntryStack stack = {.items = arena_alloc_array(ole->arena, ole->entry_count, sizeof *stack.items)};
    if (!stack.items)
        return arena_error(ole->arena);
    ole->states[OLE_ROOT].reached = true;
    TRY(stack_push(ole, &stack, ole->states[OLE_ROOT].child, OLE_ROOT));
    while (stack.count > 0) {
        uint32_t index = stack.items[--stack.count].index, storage = stack.items[stack.count].storage;
        const EntryState *state = &ole->states[index];
        TRY(stack_push(ole, &stack, state->left, storage));
        TRY(stack_push(ole, &stack, state->right, storage));
        if (state->type != TYPE_STORAGE && state->type != TYPE_STREAM)
            continue;
        ole->entries[index].next_sibling = ole->entries[storage].first_child;
        ole->entries[storage].first_child = index;
        if (state->type == TYPE_STORAGE)
            TRY(stack_push(ole, &stack, state->child, index));
    }
    return NULL;
}

MUST_USE static Error *read_directory(OleReader *ole)
{
    Bytes directory;
    TRY(chain_read(&ole->sectors, ole->arena, ole->first_directory, SIZE_MAX, &directory));
    ole->entry_count = (uint32_t)(directory.len / ENTRY_BYTES);
    ole->entries = ARENA_ARRAY(ole->arena, OleEntry, ole->entry_count);
    ole->states = ARENA_ARRAY(ole->arena, EntryState, ole->entry_count);
    if (!ole->entries || !ole->states)
        return arena_error(ole->arena);
    for (uint32_t i = 0; i < ole->entry_count; i++)
        TRY(read_entry(ole, (Bytes){directory.data + (size_t)i * ENTRY_BYTES, ENTRY_BYTES}, i));
    if (ole->entry_count == 0 || ole->states[OLE_ROOT].type != TYPE_ROOT)
        return FAIL(CORRUPT, "ole: the directory has no root");
    return link_entries(ole);
}

MUST_USE static Error *ole_open(OleReader *ole)
{
    TRY(read_header(ole));
    size_t header_bytes = ole->sectors.sector_bytes; /* padded to a sector */
    if (ole->input.len <= header_bytes)
        return FAIL(CORRUPT, "ole: nothing follows the header");
    Bytes content = {ole->input.data + header_bytes, ole->input.len - header_bytes};
    TRY(sectors_init(&ole->sectors, content, ole->arena));
    TRY(read_fat(ole));
    return read_directory(ole);
}

Error *ole_reader_new(Bytes input, OleReader **ret_reader)
{
    /* Tables, names and what is gathered of streams: each sector once, and the small ones once more. */
    CLEANUP(ole_reader_freep) OleReader *ole = calloc(1, sizeof *ole);
    if (!ole || !(ole->arena = arena_new(4 * input.len + 1 * MIB)))
        return FAIL(NO_MEMORY, "ole: no memory for a reader");
    ole->input = input;
    ole->mini.sector_bytes = MINI_SECTOR_BYTES;
    TRY(ole_open(ole));
    *ret_reader = ole;
    ole = NULL;
    return NULL;
}

void ole_reader_free(OleReader *reader)
{
    if (reader)
        arena_free(reader->arena);
    free(reader);
}

const OleEntry *ole_reader_entry(const OleReader *reader, uint32_t index)
{
    ASSERT(index < reader->entry_count);
    return &reader->entries[index];
}

static bool find_child(const OleReader *ole, uint32_t storage, Str name, uint32_t *ret_index)
{
    bool found = false;
    for (uint32_t at = ole->entries[storage].first_child; at != OLE_NONE; at = ole->entries[at].next_sibling) {
        if (!str_equal_nocase(ole->entries[at].name, name))
            continue;
        *ret_index = at;
        found = true;
        if (str_equal(ole->entries[at].name, name))
            break;
    }
    return found;
}

bool ole_reader_find(const OleReader *reader, uint32_t storage, Str path, uint32_t *ret_index)
{
    ASSERT(storage < reader->entry_count);
    uint32_t at = storage;
    Str name;
    while (str_next_piece(&path, '/', &name)) {
        if (!find_child(reader, at, name, &at))
            return false;
    }
    *ret_index = at;
    return true;
}

/* The stream of the root holds the small sectors, a table of its own which of them follow each other. */
MUST_USE static Error *load_mini_sectors(OleReader *ole)
{
    if (ole->mini_loaded)
        return NULL;
    Bytes content, table;
    uint64_t size = ole->entries[OLE_ROOT].size_bytes;
    if (size > ole->input.len)
        return FAIL(CORRUPT, "ole: small streams of %llu bytes in a file of %zu", (unsigned long long)size,
                    ole->input.len);
    TRY(chain_read(&ole->sectors, ole->arena, ole->states[OLE_ROOT].first_sector, (size_t)size, &content));
    TRY(chain_read(&ole->sectors, ole->arena, ole->first_mini_fat, SIZE_MAX, &table));
    TRY(sectors_init(&ole->mini, content, ole->arena));
    Reader in = reader_of(table);
    for (uint32_t i = 0; i < ole->mini.count && reader_u32le(&in, &ole->mini.next[i]);)
        i++;
    ole->mini_loaded = true;
    return NULL;
}

MUST_USE static Error *load_stream(OleReader *ole, uint32_t index)
{
    const OleEntry *entry = &ole->entries[index];
    EntryState *state = &ole->states[index];
    if (entry->size_bytes > ole->input.len)
        return FAIL(CORRUPT, "ole: a stream of %llu bytes in a file of %zu", (unsigned long long)entry->size_bytes,
                    ole->input.len);
    Sectors *sectors = &ole->sectors;
    if (entry->size_bytes < ole->mini_stream_below_bytes && entry->size_bytes > 0) {
        TRY(load_mini_sectors(ole));
        sectors = &ole->mini;
    }
    TRY(chain_read(sectors, ole->arena, state->first_sector, (size_t)entry->size_bytes, &state->content));
    state->loaded = true;
    return NULL;
}

Error *ole_reader_stream(OleReader *reader, uint32_t index, Bytes *ret_bytes)
{
    ASSERT(index < reader->entry_count);
    if (reader->entries[index].is_storage)
        return FAIL(INVALID, "ole: '" STR_FMT "' is a storage, not a stream", STR_ARG(reader->entries[index].name));
    if (!reader->states[index].loaded)
        TRY_CTX(load_stream(reader, index), "read stream '" STR_FMT "'", STR_ARG(reader->entries[index].name));
    *ret_bytes = reader->states[index].content;
    return NULL;
}

Error *ole_reader_stream_at(OleReader *reader, uint32_t storage, Str path, Bytes *ret_bytes)
{
    uint32_t index;
    if (!ole_reader_find(reader, storage, path, &index))
        return FAIL(NOT_FOUND, "ole: no stream '" STR_FMT "'", STR_ARG(path));
    return ole_reader_stream(reader, index, ret_bytes);
}
