#include "store/s3/list_rows.h"

#include <stdlib.h>

enum { MD5_BYTES = 16, MD5_DIGITS = 32 };
enum { ETAG_BEGINS_WITH_MD5 = 1, HAS_STORAGE_CLASS = 2 }; /* flags of a row */

struct ListRowBlock {
    ListRowBlock *next;
    size_t count, len;
    uint8_t rows[];
};

void list_rows_done(ListRows *rows)
{
    while (rows->first) {
        ListRowBlock *block = rows->first;
        rows->first = block->next;
        free(block);
    }
    rows->last = NULL;
}

/* ---- writing ---- */

MUST_USE static Error *put_number(Buffer *out, uint64_t value)
{
    TRY(buffer_reserve(out, 10));
    uint8_t *to = out->data + out->len;
    size_t len = 0;
    for (; value >= 0x80; value >>= 7)
        to[len++] = (uint8_t)(value | 0x80);
    to[len++] = (uint8_t)value;
    buffer_grown(out, len);
    return NULL;
}

MUST_USE static Error *put_text(Buffer *out, Str text)
{
    TRY(put_number(out, text.len));
    return buffer_append_str(out, text);
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_md5(Str etag, uint8_t out[MD5_BYTES])
{
    if (etag.len < MD5_DIGITS)
        return false;
    int wrong = 0;
    for (size_t i = 0; i < MD5_BYTES; i++) {
        int high = digit_value(etag.data[2 * i]), low = digit_value(etag.data[2 * i + 1]);
        wrong |= high | low;
        out[i] = (uint8_t)((unsigned)high << 4 | ((unsigned)low & 15));
    }
    return wrong >= 0;
}

static size_t shared_bytes(Str a, Str b)
{
    size_t len = 0, most = MIN(a.len, b.len);
    while (len < most && a.data[len] == b.data[len])
        len++;
    return len;
}

/* flags, shared length, rest of the key, size, time, ETag, storage class */
MUST_USE static Error *put_row(Buffer *out, Str before, const ListEntry *entry)
{
    uint8_t md5[MD5_BYTES];
    bool has_md5 = read_md5(entry->etag, md5), has_class = entry->storage_class.len > 0;
    size_t shared = shared_bytes(before, entry->key);

    TRY(buffer_append_byte(out, (uint8_t)((has_md5 ? ETAG_BEGINS_WITH_MD5 : 0) | (has_class ? HAS_STORAGE_CLASS : 0))));
    TRY(put_number(out, shared));
    TRY(put_text(out, str_slice(entry->key, shared, entry->key.len)));
    TRY(put_number(out, entry->size_bytes));
    TRY(put_number(out, (uint64_t)entry->modified_us << 1 ^ (uint64_t)(entry->modified_us >> 63)));
    if (has_md5)
        TRY(buffer_append(out, md5, sizeof md5));
    TRY(put_text(out, has_md5 ? str_slice(entry->etag, MD5_DIGITS, entry->etag.len) : entry->etag));
    return has_class ? put_text(out, entry->storage_class) : NULL;
}

Error *list_rows_append(ListRows *rows, const ListEntry *entries, size_t count, Buffer *scratch, uint64_t *bytes)
{
    if (count == 0)
        return NULL;
    buffer_clear(scratch);
    for (size_t i = 0; i < count; i++)
        TRY(put_row(scratch, i > 0 ? entries[i - 1].key : STR_EMPTY, &entries[i]));
    ListRowBlock *block = malloc(sizeof(*block) + scratch->len);
    if (!block)
        return FAIL(NO_MEMORY, "keep keys until their turn comes: out of memory");
    *block = (ListRowBlock){.count = count, .len = scratch->len};
    memcpy(block->rows, scratch->data, scratch->len);
    if (rows->last)
        rows->last->next = block;
    else
        rows->first = block;
    rows->last = block;
    *bytes += sizeof(*block) + block->len;
    return NULL;
}

/* ---- reading: what was written here, so only our own mistakes could make it wrong ---- */

static uint64_t take_number(const uint8_t **at)
{
    uint64_t value = 0;
    unsigned shift = 0;
    for (; **at & 0x80; shift += 7)
        value |= (uint64_t)(*(*at)++ & 0x7f) << shift;
    return value | (uint64_t) * (*at)++ << shift;
}

static Str take_text(const uint8_t **at)
{
    size_t len = take_number(at);
    Str text = str_from(*at, len);
    *at += len;
    return text;
}

MUST_USE static Error *take_etag(const uint8_t **at, unsigned flags, Buffer *out)
{
    static const char digits[] = "0123456789abcdef";
    buffer_clear(out);
    if (flags & ETAG_BEGINS_WITH_MD5) {
        TRY(buffer_reserve(out, MD5_DIGITS));
        for (size_t i = 0; i < MD5_BYTES; i++, (*at)++) {
            out->data[2 * i] = (uint8_t)digits[**at >> 4];
            out->data[2 * i + 1] = (uint8_t)digits[**at & 15];
        }
        buffer_grown(out, MD5_DIGITS);
    }
    return buffer_append_str(out, take_text(at));
}

MUST_USE static Error *show_rows(const ListRowBlock *block, ListShowFn *show, void *context)
{
    CLEANUP(buffer_done) Buffer key = {0}, etag = {0};
    const uint8_t *at = block->rows;
    for (size_t i = 0; i < block->count; i++) {
        unsigned flags = *at++;
        key.len = take_number(&at);
        TRY(buffer_append_str(&key, take_text(&at)));
        ListEntry entry = {.key = buffer_str(&key), .storage_class = STR_EMPTY, .version_id = STR_EMPTY};
        entry.size_bytes = take_number(&at);
        uint64_t time = take_number(&at);
        entry.modified_us = (int64_t)(time >> 1) ^ -(int64_t)(time & 1);
        TRY(take_etag(&at, flags, &etag));
        entry.etag = buffer_str(&etag);
        if (flags & HAS_STORAGE_CLASS)
            entry.storage_class = take_text(&at);
        TRY(show(context, &entry));
    }
    ASSERT(at == block->rows + block->len);
    return NULL;
}

Error *list_rows_show_block(ListRows *rows, ListShowFn *show, void *context, uint64_t *bytes)
{
    ListRowBlock *block = rows->first;
    ASSERT(block);
    rows->first = block->next;
    if (!rows->first)
        rows->last = NULL;
    *bytes -= sizeof(*block) + block->len;
    Error *err = show_rows(block, show, context);
    free(block);
    return err;
}
