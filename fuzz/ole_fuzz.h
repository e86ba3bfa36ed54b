/* ole_fuzz.h - what the targets of the old Office formats share: fuzzed bytes as the streams of a compound file, whose chains of sectors no
 * fuzzer would keep whole. */
#ifndef FUZZ_OLE_FUZZ_H
#define FUZZ_OLE_FUZZ_H

#include "base/buffer.h"

enum { FUZZ_OLE_SECTOR = 512, FUZZ_OLE_SMALL_SECTOR = 64, FUZZ_OLE_SMALL_MAX = 4095, FUZZ_OLE_STREAMS_MAX = 12 };

static inline void fuzz_ole_put(Buffer *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        error_free(buffer_append_byte(out, (uint8_t)(i < sizeof value ? value >> (8 * i) : 0)));
}

static inline void fuzz_ole_pad(Buffer *out, size_t multiple, uint8_t byte)
{
    while (out->len % multiple != 0)
        error_free(buffer_append_byte(out, byte));
}

/* `kind`: 5 for the root, 2 for a stream. A name is ASCII. */
static inline void fuzz_ole_entry(Buffer *out, const char *name, unsigned kind, uint32_t next, uint32_t child,
                                  uint32_t first, size_t bytes)
{
    size_t begin = out->len;
    for (const char *c = name; *c; c++)
        fuzz_ole_put(out, (uint8_t)*c, 2);
    fuzz_ole_put(out, 0, 64 - (out->len - begin));
    fuzz_ole_put(out, 2 * str_of(name).len + 2, 2);
    fuzz_ole_put(out, kind | 1 << 8, 2); /* black */
    fuzz_ole_put(out, UINT32_MAX, 4);
    fuzz_ole_put(out, next, 4);
    fuzz_ole_put(out, child, 4);
    fuzz_ole_put(out, 0, 36); /* class, flags, times */
    fuzz_ole_put(out, first, 4);
    fuzz_ole_put(out, bytes, 8);
}

/* `sectors` sectors, one after the other, from the one that the table has reached. */
static inline uint32_t fuzz_ole_chain(Buffer *table, size_t sectors)
{
    uint32_t first = (uint32_t)(table->len / 4);
    for (size_t i = 0; i < sectors; i++)
        fuzz_ole_put(table, i + 1 < sectors ? table->len / 4 + 1 : 0xFFFFFFFE, 4);
    return sectors > 0 ? first : 0xFFFFFFFE;
}

static inline void fuzz_ole_header(Buffer *out, uint32_t directory, uint32_t small_table, size_t small_sectors)
{
    fuzz_ole_put(out, UINT64_C(0xE11AB1A1E011CFD0), 8);
    fuzz_ole_put(out, 0, 16);
    fuzz_ole_put(out, UINT64_C(0x0009FFFE0003003E), 8); /* version 3, 512 bytes a sector */
    fuzz_ole_put(out, 6, 2);
    fuzz_ole_put(out, 0, 10);
    fuzz_ole_put(out, 1, 4); /* sectors of the table, which is sector 0 */
    fuzz_ole_put(out, directory, 4);
    fuzz_ole_put(out, 0, 4);
    fuzz_ole_put(out, FUZZ_OLE_SMALL_MAX + 1, 4);
    fuzz_ole_put(out, small_table, 4);
    fuzz_ole_put(out, small_sectors, 4);
    fuzz_ole_put(out, 0xFFFFFFFE, 4);
    fuzz_ole_put(out, 0, 4);
    fuzz_ole_put(out, 0, 4);
    while (out->len < FUZZ_OLE_SECTOR)
        fuzz_ole_put(out, 0xFF, 1);
}

/* A stream for each name from the pieces of `data`, between which a line "--" stands; streams without a piece are left out. */
static inline void fuzz_ole_streams(Buffer *out, Str data, const char *const *names, size_t count)
{
    CLEANUP(buffer_done) Buffer small = {0}, small_table = {0}, table = {0}, directory = {0};
    uint32_t first[FUZZ_OLE_STREAMS_MAX] = {0};
    size_t bytes[FUZZ_OLE_STREAMS_MAX] = {0}, streams = 0;
    ASSERT(count <= FUZZ_OLE_STREAMS_MAX);
    for (; streams < count && data.data; streams++) {
        size_t cut = str_find(data, STR("\n--\n"));
        Str piece = str_slice(data, 0, MIN(cut, (size_t)FUZZ_OLE_SMALL_MAX));
        data = cut == SIZE_MAX ? (Str){0} : str_slice(data, cut + 4, data.len);
        bytes[streams] = piece.len;
        first[streams] = fuzz_ole_chain(&small_table, (piece.len + FUZZ_OLE_SMALL_SECTOR - 1) / FUZZ_OLE_SMALL_SECTOR);
        error_free(buffer_append_str(&small, piece));
        fuzz_ole_pad(&small, FUZZ_OLE_SMALL_SECTOR, 0);
    }
    size_t small_bytes = small.len;
    fuzz_ole_pad(&small, FUZZ_OLE_SECTOR, 0);
    fuzz_ole_pad(&small_table, FUZZ_OLE_SECTOR, 0xFF);
    fuzz_ole_put(&table, 0xFFFFFFFD, 4); /* the table itself */
    uint32_t small_at = fuzz_ole_chain(&table, small.len / FUZZ_OLE_SECTOR);
    uint32_t small_table_at = fuzz_ole_chain(&table, small_table.len / FUZZ_OLE_SECTOR);
    uint32_t directory_at = fuzz_ole_chain(&table, (streams + 1 + 3) / 4);
    fuzz_ole_entry(&directory, "Root Entry", 5, UINT32_MAX, streams > 0 ? 1 : UINT32_MAX, small_at, small_bytes);
    for (size_t i = 0; i < streams; i++)
        fuzz_ole_entry(&directory, names[i], 2, i + 1 < streams ? (uint32_t)i + 2 : UINT32_MAX, UINT32_MAX, first[i],
                       bytes[i]);
    fuzz_ole_pad(&directory, FUZZ_OLE_SECTOR, 0);
    fuzz_ole_pad(&table, FUZZ_OLE_SECTOR, 0xFF);
    ASSERT(table.len == FUZZ_OLE_SECTOR);
    fuzz_ole_header(out, directory_at, small_table_at, small_table.len / FUZZ_OLE_SECTOR);
    const Buffer *parts[] = {&table, &small, &small_table, &directory};
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        error_free(buffer_append_str(out, buffer_str(parts[i])));
}

/* A compound file as it is, anything else as the streams of one; in `out` then. */
static inline Bytes fuzz_ole_input(Bytes input, const char *const *names, size_t count, Buffer *out)
{
    if (str_starts_with(bytes_str(input), STR("\xD0\xCF\x11\xE0")))
        return input;
    fuzz_ole_streams(out, bytes_str(input), names, count);
    return buffer_bytes(out);
}

#endif
