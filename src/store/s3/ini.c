#include "store/s3/ini.h"

typedef struct IniReader {
    Arena *arena;
    Ini ini;
    size_t capacity;
    Str section;
    bool in_section;
    Str parent; /* the last key that was not deeper than its predecessor */
    size_t parent_indent;
    bool parent_is_block; /* it has no value: what is deeper belongs to it */
    unsigned line;
} IniReader;

MUST_USE static Error *add(IniReader *in, Str block, Str key, Str value)
{
    if (in->ini.count == in->capacity) {
        size_t capacity = in->capacity ? in->capacity * 2 : 32;
        IniEntry *grown = ARENA_ARRAY(in->arena, IniEntry, capacity);
        if (!grown)
            return arena_error(in->arena);
        if (in->ini.count > 0)
            memcpy(grown, in->ini.entries, in->ini.count * sizeof(*grown));
        in->ini.entries = grown;
        in->capacity = capacity;
    }
    in->ini.entries[in->ini.count++] = (IniEntry){in->section, block, key, value, in->line};
    return NULL;
}

MUST_USE static Error *read_section(IniReader *in, Str line)
{
    size_t end = str_find_char(line, ']');
    if (end == SIZE_MAX)
        return FAIL(INVALID, "line %u: a section that begins with '[' lacks its ']'", in->line);
    Str behind = str_trim(str_slice(line, end + 1, line.len));
    if (behind.len > 0 && behind.data[0] != '#' && behind.data[0] != ';')
        return FAIL(INVALID, "line %u: text behind the section's ']'", in->line);
    in->section = str_trim(str_slice(line, 1, end));
    if (in->section.len == 0)
        return FAIL(INVALID, "line %u: the section has no name", in->line);
    in->in_section = true;
    in->parent = STR_EMPTY;
    in->parent_is_block = false;
    return NULL;
}

/* A deeper line under a key that has a value goes on with that value. */
static void continue_value(IniReader *in, Str text)
{
    IniEntry *last = &in->ini.entries[in->ini.count - 1];
    last->value.len = (size_t)(text.data + text.len - last->value.data);
}

MUST_USE static Error *read_key(IniReader *in, Str line, size_t indent)
{
    size_t equals = str_find_char(line, '=');
    bool deeper = in->parent.len > 0 && indent > in->parent_indent;

    if (deeper && !in->parent_is_block) {
        continue_value(in, line);
        return NULL;
    }
    if (equals == SIZE_MAX)
        return FAIL(INVALID, "line %u is neither 'key = value' nor '[section]'", in->line); /* it may be a secret */
    Str key = str_trim(str_slice(line, 0, equals)), value = str_trim(str_slice(line, equals + 1, line.len));
    if (key.len == 0)
        return FAIL(INVALID, "line %u: a value without a key", in->line);
    if (!in->in_section)
        return FAIL(INVALID, "line %u: '" STR_FMT "' stands before the first section", in->line, STR_ARG(key));
    if (deeper)
        return add(in, in->parent, key, value);
    in->parent = key;
    in->parent_indent = indent;
    in->parent_is_block = value.len == 0;
    return add(in, STR_EMPTY, key, value);
}

MUST_USE static Error *read_line(IniReader *in, Str line)
{
    size_t indent = 0;
    while (indent < line.len && (line.data[indent] == ' ' || line.data[indent] == '\t'))
        indent++;
    Str text = str_trim(line);
    if (text.len == 0 || text.data[0] == '#' || text.data[0] == ';')
        return NULL;
    if (text.data[0] == '[' && indent == 0)
        return read_section(in, text);
    return read_key(in, text, indent);
}

Error *ini_parse(Str text, Arena *arena, Ini *ret_ini)
{
    IniReader in = {.arena = arena, .section = STR_EMPTY, .parent = STR_EMPTY};
    Str line;

    if (str_starts_with(text, STR("\xef\xbb\xbf")))
        text = str_slice(text, 3, text.len);
    while (str_next_piece(&text, '\n', &line)) {
        in.line++;
        TRY(read_line(&in, line));
    }
    *ret_ini = in.ini;
    return NULL;
}

Str ini_get(const Ini *ini, Str section, Str block, Str key)
{
    for (size_t i = ini->count; i > 0; i--) {
        const IniEntry *entry = &ini->entries[i - 1];
        if (str_equal(entry->section, section) && str_equal_nocase(entry->block, block)
            && str_equal_nocase(entry->key, key))
            return entry->value;
    }
    return (Str){0};
}

bool ini_has_section(const Ini *ini, Str section)
{
    for (size_t i = 0; i < ini->count; i++) {
        if (str_equal(ini->entries[i].section, section))
            return true;
    }
    return false;
}
