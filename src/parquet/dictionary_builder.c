#include "parquet/dictionary_builder.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { SLOTS_FIRST = 1024 };

void dictionary_builder_init(DictionaryBuilder *b, uint32_t width)
{
    *b = (DictionaryBuilder){.width = width};
}

void dictionary_builder_done(DictionaryBuilder *b)
{
    buffer_done(&b->bytes);
    buffer_done(&b->starts);
    free(b->slots);
    b->slots = NULL;
    b->slots_count = b->count = 0;
}

void dictionary_builder_clear(DictionaryBuilder *b)
{
    buffer_clear(&b->bytes);
    buffer_clear(&b->starts);
    if (b->slots)
        memset(b->slots, 0, b->slots_count * sizeof b->slots[0]);
    b->count = 0;
}

static Error *grow(DictionaryBuilder *b)
{
    size_t count = b->slots_count ? b->slots_count * 2 : SLOTS_FIRST;
    DictionarySlot *slots = calloc(count, sizeof *slots);

    if (!slots)
        return FAIL(NO_MEMORY, "no memory for a dictionary of %u values", b->count);
    for (size_t i = 0; i < b->slots_count; i++) {
        size_t at = b->slots[i].hash & (count - 1);
        if (b->slots[i].entry == 0)
            continue;
        while (slots[at].entry != 0)
            at = (at + 1) & (count - 1);
        slots[at] = b->slots[i];
    }
    free(b->slots);
    b->slots = slots;
    b->slots_count = count;
    return NULL;
}

static Error *reserve_slot(DictionaryBuilder *b)
{
    return (size_t)b->count * 2 >= b->slots_count ? grow(b) : NULL;
}

Bytes dictionary_value_view(const DictionaryBuilder *b, uint32_t index)
{
    uint32_t start, len;

    if (b->width > 0)
        return bytes_from(b->bytes.data + (size_t)index * b->width, b->width);
    memcpy(&start, b->starts.data + index * sizeof start, sizeof start);
    memcpy(&len, b->bytes.data + start, sizeof len);
    return bytes_from(b->bytes.data + start + sizeof len, len);
}

static Error *add_bytes(DictionaryBuilder *b, Bytes value)
{
    if (b->width == 0) {
        TRY(buffer_append_u32le(&b->starts, (uint32_t)b->bytes.len));
        TRY(buffer_append_u32le(&b->bytes, (uint32_t)value.len));
    }
    return buffer_append(&b->bytes, value.data, value.len);
}

Error *dictionary_find_bytes(DictionaryBuilder *b, Bytes value, uint32_t *ret_index, bool *ret_added)
{
    uint32_t hash = (uint32_t)XXH3_64bits(value.data, value.len);

    TRY(reserve_slot(b));
    size_t at = hash & (b->slots_count - 1);
    for (; b->slots[at].entry != 0; at = (at + 1) & (b->slots_count - 1)) {
        if (b->slots[at].hash != hash)
            continue;
        Bytes known = dictionary_value_view(b, b->slots[at].entry - 1);
        if (known.len == value.len && memcmp(known.data, value.data, value.len) == 0) {
            *ret_index = b->slots[at].entry - 1;
            *ret_added = false;
            return NULL;
        }
    }
    TRY(add_bytes(b, value));
    b->slots[at] = (DictionarySlot){hash, ++b->count};
    *ret_index = b->count - 1;
    *ret_added = true;
    return NULL;
}

static uint64_t load_entry(const DictionaryBuilder *b, uint32_t index)
{
    uint64_t value = 0;

    if (b->width == sizeof(uint32_t))
        memcpy(&value, b->bytes.data + (size_t)index * sizeof(uint32_t), sizeof(uint32_t));
    else
        memcpy(&value, b->bytes.data + (size_t)index * sizeof(uint64_t), sizeof(uint64_t));
    return value;
}

Error *dictionary_find_u64(DictionaryBuilder *b, uint64_t value, uint32_t *ret_index, bool *ret_added)
{
    uint64_t mixed = value * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t hash = (uint32_t)(mixed >> 32) ^ (uint32_t)(mixed >> 15);

    TRY(reserve_slot(b));
    size_t at = hash & (b->slots_count - 1);
    for (; b->slots[at].entry != 0; at = (at + 1) & (b->slots_count - 1)) {
        if (b->slots[at].hash == hash && load_entry(b, b->slots[at].entry - 1) == value) {
            *ret_index = b->slots[at].entry - 1;
            *ret_added = false;
            return NULL;
        }
    }
    TRY(buffer_append(&b->bytes, &value, b->width));
    b->slots[at] = (DictionarySlot){hash, ++b->count};
    *ret_index = b->count - 1;
    *ret_added = true;
    return NULL;
}
