/* ole_testing.h - compound files for tests: `ole_file_add` storages and streams, then `ole_file_finish`. Tests only. */
#ifndef DOCUMENT_OLE_TESTING_H
#define DOCUMENT_OLE_TESTING_H

#include "base/buffer.h"
#include "base/testing.h"

enum { OLE_TEST_ENTRIES = 128, OLE_TEST_FAT_MAX = 109 * 128 };

typedef struct OleTestEntry {
    const char *name; /* ASCII */
    uint32_t storage; /* in which it is; 0: the root */
    Bytes content;
    bool is_storage;
    uint32_t first_sector;
} OleTestEntry;

typedef struct OleFile {
    unsigned version; /* 3, or 4; 0: 3 */
    bool scattered;   /* chains run from the end of the file to its beginning */
    size_t count;     /* without the root, which is entry 0 */
    OleTestEntry entries[OLE_TEST_ENTRIES];
    uint32_t fat[OLE_TEST_FAT_MAX];
    uint32_t sector_count;
    Buffer sectors;
} OleFile;

static inline uint32_t ole_file_add(OleFile *file, uint32_t storage, const char *name, Bytes content)
{
    assert_true(file->count + 1 < OLE_TEST_ENTRIES);
    file->entries[file->count++] = (OleTestEntry){name, storage, content, content.data == NULL, 0xFFFFFFFE};
    return (uint32_t)file->count;
}

static inline uint32_t ole_file_add_storage(OleFile *file, uint32_t storage, const char *name)
{
    return ole_file_add(file, storage, name, (Bytes){0});
}

static inline void ole_put(Buffer *out, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        assert_ok(buffer_append_byte(out, (uint8_t)(value >> 8 * i)));
}

static inline void ole_pad(Buffer *out, size_t multiple, uint8_t byte)
{
    while (out->len % multiple != 0)
        assert_ok(buffer_append_byte(out, byte));
}

/* Appends `content` as sectors and links them; the first one of the chain. */
static inline uint32_t ole_file_put_chain(OleFile *file, Bytes content, size_t sector_bytes)
{
    uint32_t count = (uint32_t)((content.len + sector_bytes - 1) / sector_bytes), first = file->sector_count;
    if (count == 0)
        return 0xFFFFFFFE;
    assert_true(first + count < OLE_TEST_FAT_MAX);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t piece = file->scattered ? count - 1 - i : i; /* of the content, that stands in sector first + i */
        size_t from = piece * sector_bytes, len = MIN(sector_bytes, content.len - from);
        assert_ok(buffer_append(&file->sectors, content.data + from, len));
        ole_pad(&file->sectors, sector_bytes, 0);
        file->fat[first + i] = piece == count - 1 ? 0xFFFFFFFE : file->scattered ? first + i - 1 : first + i + 1;
    }
    file->sector_count += count;
    return file->scattered ? first + count - 1 : first;
}

static inline void ole_file_put_entry(OleFile *file, Buffer *directory, size_t index, uint32_t first, uint64_t size)
{
    const OleTestEntry *entry = index == 0 ? NULL : &file->entries[index - 1];
    const char *name = entry ? entry->name : "Root Entry";
    uint32_t child = 0xFFFFFFFF, right = 0xFFFFFFFF;
    size_t start = directory->len;
    for (size_t i = file->count; i > 0; i--) {
        const OleTestEntry *other = &file->entries[i - 1];
        if (other->storage == index && (!entry || entry->is_storage))
            child = (uint32_t)i;
        if (entry && i > index && other->storage == entry->storage)
            right = (uint32_t)i;
    }
    for (const char *c = name; *c; c++)
        ole_put(directory, (uint8_t)*c, 2);
    ole_pad(directory, 64, 0);
    if (directory->len == start)
        ole_put(directory, 0, 8), ole_pad(directory, 64, 0);
    ole_put(directory, strlen(name) * 2 + 2, 2);
    ole_put(directory, !entry ? 5 : entry->is_storage ? 1 : 2, 1);
    ole_put(directory, 1, 1);
    ole_put(directory, 0xFFFFFFFF, 4);
    ole_put(directory, right, 4);
    ole_put(directory, child, 4);
    for (unsigned i = 0; i < 4 + 1 + 2 + 2; i++)
        ole_put(directory, 0, 4);
    ole_put(directory, first, 4);
    ole_put(directory, size, 8);
}

/* The file in `out`: header, streams, small streams, small table, directory, table. */
static inline void ole_file_finish(OleFile *file, Buffer *out)
{
    CLEANUP(buffer_done) Buffer mini = {0}, mini_fat = {0}, directory = {0};
    size_t sector_bytes = file->version == 4 ? 4096 : 512;
    for (size_t i = 0; i < file->count; i++) {
        OleTestEntry *entry = &file->entries[i];
        if (entry->content.len >= 4096) {
            entry->first_sector = ole_file_put_chain(file, entry->content, sector_bytes);
        } else if (entry->content.len > 0) {
            uint32_t at = entry->first_sector = (uint32_t)(mini.len / 64);
            assert_ok(buffer_append(&mini, entry->content.data, entry->content.len));
            ole_pad(&mini, 64, 0);
            for (; at + 1 < mini.len / 64; at++)
                ole_put(&mini_fat, at + 1, 4);
            ole_put(&mini_fat, 0xFFFFFFFE, 4);
        }
    }
    size_t mini_bytes = mini.len;
    uint32_t first_mini = ole_file_put_chain(file, buffer_bytes(&mini), sector_bytes);
    uint32_t first_mini_fat = ole_file_put_chain(file, buffer_bytes(&mini_fat), sector_bytes);
    for (size_t i = 0; i <= file->count; i++)
        ole_file_put_entry(file, &directory, i, i ? file->entries[i - 1].first_sector : first_mini,
                           i ? file->entries[i - 1].content.len : mini_bytes);
    ole_pad(&directory, sector_bytes, 0);
    uint32_t first_directory = ole_file_put_chain(file, buffer_bytes(&directory), sector_bytes);
    uint32_t first_fat = file->sector_count, fat_sectors = 0, per_sector = (uint32_t)(sector_bytes / 4);
    while (fat_sectors * per_sector < file->sector_count + fat_sectors)
        file->fat[first_fat + fat_sectors++] = 0xFFFFFFFD;

    ole_put(out, UINT64_C(0xE11AB1A1E011CFD0), 8);
    ole_put(out, 0, 8), ole_put(out, 0, 8), ole_put(out, 0x3E, 2);
    ole_put(out, file->version == 4 ? 4 : 3, 2), ole_put(out, 0xFFFE, 2), ole_put(out, file->version == 4 ? 12 : 9, 2);
    ole_put(out, 6, 2), ole_put(out, 0, 6), ole_put(out, 0, 4), ole_put(out, fat_sectors, 4);
    ole_put(out, first_directory, 4), ole_put(out, 0, 4), ole_put(out, 4096, 4), ole_put(out, first_mini_fat, 4);
    ole_put(out, 1, 4), ole_put(out, 0xFFFFFFFE, 4), ole_put(out, 0, 4);
    for (uint32_t i = 0; i < 109; i++)
        ole_put(out, i < fat_sectors ? first_fat + i : 0xFFFFFFFF, 4);
    ole_pad(out, sector_bytes, 0);
    assert_ok(buffer_append_str(out, buffer_str(&file->sectors)));
    for (uint32_t i = 0; i < fat_sectors * per_sector; i++)
        ole_put(out, i < first_fat + fat_sectors ? file->fat[i] : 0xFFFFFFFF, 4);
    buffer_done(&file->sectors);
}

#endif
