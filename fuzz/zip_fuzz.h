/* zip_fuzz.h - what the targets of Office files share: fuzzed text as the stored parts of a zip, whose checksums no fuzzer would guess. */
#ifndef FUZZ_ZIP_FUZZ_H
#define FUZZ_ZIP_FUZZ_H

#include "base/buffer.h"
#include "base/hash.h"

typedef struct FuzzZip {
    Buffer out, directory;
    uint32_t count;
} FuzzZip;

static inline void fuzz_zip_done(FuzzZip *zip)
{
    buffer_done(&zip->out);
    buffer_done(&zip->directory);
}

static inline void fuzz_zip_put(Buffer *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        error_free(buffer_append_byte(out, (uint8_t)(value >> (8 * i))));
}

static inline void fuzz_zip_header(Buffer *out, Str name, Str content)
{
    fuzz_zip_put(out, 20, 2);
    fuzz_zip_put(out, 0, 8); /* flags, method, time, date */
    fuzz_zip_put(out, crc32_ieee(0, str_bytes(content)), 4);
    fuzz_zip_put(out, content.len, 4);
    fuzz_zip_put(out, content.len, 4);
    fuzz_zip_put(out, name.len, 2);
    fuzz_zip_put(out, 0, 2);
}

static inline void fuzz_zip_add(FuzzZip *zip, Str name, Str content)
{
    size_t offset = zip->out.len;
    fuzz_zip_put(&zip->out, 0x04034b50, 4);
    fuzz_zip_header(&zip->out, name, content);
    error_free(buffer_append_str(&zip->out, name));
    error_free(buffer_append_str(&zip->out, content));
    fuzz_zip_put(&zip->directory, 0x02014b50, 4);
    fuzz_zip_put(&zip->directory, 20, 2);
    fuzz_zip_header(&zip->directory, name, content);
    fuzz_zip_put(&zip->directory, 0, 8); /* comment, disk, attributes */
    fuzz_zip_put(&zip->directory, 0, 2);
    fuzz_zip_put(&zip->directory, offset, 4);
    error_free(buffer_append_str(&zip->directory, name));
    zip->count++;
}

/* Until the next call on `zip`. */
static inline Bytes fuzz_zip_end(FuzzZip *zip)
{
    size_t offset = zip->out.len;
    error_free(buffer_append_str(&zip->out, buffer_str(&zip->directory)));
    fuzz_zip_put(&zip->out, 0x06054b50, 4);
    fuzz_zip_put(&zip->out, 0, 4);
    fuzz_zip_put(&zip->out, zip->count, 2);
    fuzz_zip_put(&zip->out, zip->count, 2);
    fuzz_zip_put(&zip->out, zip->directory.len, 4);
    fuzz_zip_put(&zip->out, offset, 4);
    fuzz_zip_put(&zip->out, 0, 2);
    return buffer_bytes(&zip->out);
}

/* Adds a part for each name from the pieces of `data`, between which a line "--" stands; parts without a piece are left out. */
static inline void fuzz_zip_parts(FuzzZip *zip, Str data, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count && data.data; i++) {
        size_t cut = str_find(data, STR("\n--\n"));
        fuzz_zip_add(zip, str_of(names[i]), str_slice(data, 0, cut));
        data = cut == SIZE_MAX ? (Str){0} : str_slice(data, cut + 4, data.len);
    }
}

#endif
