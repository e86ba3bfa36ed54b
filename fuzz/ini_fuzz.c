/* The shared AWS files: every entry is a part of the text, and the last of its name is found. */
#include "store/s3/ini.h"

static void check_inside(Str text, Str part)
{
    ASSERT(part.len == 0 || (part.data >= text.data && part.data + part.len <= text.data + text.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(8 * MIB);
    Str text = str_from(size ? (const char *)data : "", size);
    Ini ini;

    Error *error = ini_parse(text, arena, &ini);
    for (size_t i = 0; !error && i < ini.count; i++) {
        const IniEntry *entry = &ini.entries[i];
        check_inside(text, entry->section);
        check_inside(text, entry->block);
        check_inside(text, entry->key);
        check_inside(text, entry->value);
        ASSERT(entry->section.len > 0 && entry->key.len > 0 && entry->line > 0);
        if (i + 100 > ini.count) /* the last hundred: looking each up is quadratic */
            ASSERT(ini_get(&ini, entry->section, entry->block, entry->key).data
                   && ini_has_section(&ini, entry->section));
    }
    error_free(error);
    return 0;
}
