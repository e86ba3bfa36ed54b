/* zip_testing.h - zip files made in memory for tests: well-formed ones, and ones that lie. Tests only. */
#ifndef DOCUMENT_ZIP_TESTING_H
#define DOCUMENT_ZIP_TESTING_H

#include <libdeflate.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "base/testing.h"

/* Zeroed it is empty; ends with zip_testing_end, which gives its bytes. */
typedef struct ZipTesting {
    Buffer out, directory;
    uint16_t count;
} ZipTesting;

/* One member; what is zero is as it should be. */
typedef struct ZipTestingMember {
    Str name, content;
    bool deflated, descriptor; /* sizes behind the data instead of before it */
    uint16_t flags, method;    /* instead of the true ones */
    uint32_t crc32, claimed_bytes;
} ZipTestingMember;

static inline void zip_testing_done(ZipTesting *zip)
{
    buffer_done(&zip->out);
    buffer_done(&zip->directory);
}

static inline void zip_testing_u16(Buffer *out, uint32_t value)
{
    assert_ok(buffer_append(out, (const uint8_t[]){(uint8_t)value, (uint8_t)(value >> 8)}, 2));
}

static inline void zip_testing_pack(Str content, bool deflated, Buffer *packed)
{
    if (!deflated) {
        assert_ok(buffer_append_str(packed, content));
        return;
    }
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(6);
    assert_non_null(compressor);
    size_t room = libdeflate_deflate_compress_bound(compressor, content.len);
    assert_ok(buffer_reserve(packed, room));
    buffer_grown(packed, libdeflate_deflate_compress(compressor, content.data, content.len, packed->data, room));
    libdeflate_free_compressor(compressor);
}

static inline void zip_testing_header(Buffer *out, const ZipTestingMember *m, size_t packed_bytes, bool blank)
{
    size_t unpacked = m->claimed_bytes ? m->claimed_bytes : m->content.len;
    uint32_t crc = m->crc32 ? m->crc32 : crc32_ieee(0, str_bytes(m->content));
    uint32_t method = m->method ? m->method : (m->deflated ? 8U : 0U);
    zip_testing_u16(out, 20);
    zip_testing_u16(out, m->flags | (m->descriptor ? 8U : 0U));
    zip_testing_u16(out, method);
    assert_ok(buffer_append_u32le(out, 0));
    assert_ok(buffer_append_u32le(out, blank ? 0 : crc));
    assert_ok(buffer_append_u32le(out, blank ? 0 : (uint32_t)packed_bytes));
    assert_ok(buffer_append_u32le(out, blank ? 0 : (uint32_t)unpacked));
    zip_testing_u16(out, (uint32_t)m->name.len);
    zip_testing_u16(out, 0);
}

/* The directory's entry for what stands at `offset`. */
static inline void zip_testing_entry(ZipTesting *zip, const ZipTestingMember *m, size_t packed_bytes, size_t offset)
{
    assert_ok(buffer_append_str(&zip->directory, STR("PK\1\2")));
    zip_testing_u16(&zip->directory, 20);
    zip_testing_header(&zip->directory, m, packed_bytes, false);
    assert_ok(buffer_append(&zip->directory, "\0\0\0\0\0\0\0\0\0\0", 10));
    assert_ok(buffer_append_u32le(&zip->directory, (uint32_t)offset));
    assert_ok(buffer_append_str(&zip->directory, m->name));
    zip->count++;
}

static inline void zip_testing_add(ZipTesting *zip, ZipTestingMember m)
{
    CLEANUP(buffer_done) Buffer packed = {0};
    size_t offset = zip->out.len;
    zip_testing_pack(m.content, m.deflated, &packed);
    assert_ok(buffer_append_str(&zip->out, STR("PK\3\4")));
    zip_testing_header(&zip->out, &m, packed.len, m.descriptor);
    assert_ok(buffer_append_str(&zip->out, m.name));
    assert_ok(buffer_append_str(&zip->out, buffer_str(&packed)));
    if (m.descriptor)
        assert_ok(buffer_append(&zip->out, "PK\7\10............", 16));
    zip_testing_entry(zip, &m, packed.len, offset);
}

/* `name` with `content`, deflated: what an Office file's part is. */
static inline void zip_testing_part(ZipTesting *zip, const char *name, const char *content)
{
    zip_testing_add(zip, (ZipTestingMember){.name = str_of(name), .content = str_of(content), .deflated = true});
}

static inline void zip_testing_end_record(ZipTesting *zip, uint32_t directory_offset)
{
    size_t directory_bytes = zip->directory.len;
    assert_ok(buffer_append_str(&zip->out, STR("PK\5\6")));
    assert_ok(buffer_append_u32le(&zip->out, 0));
    zip_testing_u16(&zip->out, zip->count);
    zip_testing_u16(&zip->out, zip->count);
    assert_ok(buffer_append_u32le(&zip->out, (uint32_t)directory_bytes));
    assert_ok(buffer_append_u32le(&zip->out, directory_offset));
    zip_testing_u16(&zip->out, 0);
}

/* Until the next call on `zip`. */
static inline Bytes zip_testing_end(ZipTesting *zip)
{
    size_t offset = zip->out.len;
    assert_ok(buffer_append_str(&zip->out, buffer_str(&zip->directory)));
    zip_testing_end_record(zip, (uint32_t)offset);
    return buffer_bytes(&zip->out);
}

#endif
