#include "document/sheets/strings.h"

Error *shared_strings_add(SharedStrings *strings, Str text)
{
    if (strings->count == strings->capacity) {
        size_t capacity = MAX(2 * strings->capacity, (size_t)64);
        Str *items =
            arena_grow(strings->arena, strings->items, strings->capacity * sizeof *items, capacity * sizeof *items);
        if (!items)
            return arena_error(strings->arena);
        strings->items = items;
        strings->capacity = capacity;
    }
    Str copy = arena_str(strings->arena, text);
    if (!copy.data)
        return arena_error(strings->arena);
    strings->items[strings->count++] = copy;
    return NULL;
}

Error *shared_strings_find(const SharedStrings *strings, uint64_t index, Str *ret_text)
{
    if (index >= strings->count)
        return FAIL(CORRUPT, "there is no shared string %llu, only %zu", (unsigned long long)index, strings->count);
    *ret_text = strings->items[index];
    return NULL;
}
