/* What a document names in one place and means in others: targets, notes, citations, substitutions. */
#include <stdlib.h>

#include "document/rst/rst.h"

static int by_kind_and_name(const void *a, const void *b)
{
    const RstReference *one = a, *other = b;
    return one->kind != other->kind ? (one->kind < other->kind ? -1 : 1) : str_compare(one->name, other->name);
}

/* Case and white space do not tell names apart. Backslashes that escape are left out. */
MUST_USE static Error *normal_name(Arena *arena, Str name, Str *ret_name)
{
    name = str_trim(name);
    char *out = arena_alloc(arena, name.len + 1);
    if (!out)
        return arena_error(arena);
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (c == ' ' || c == '\n') {
            if (len > 0 && out[len - 1] != ' ')
                out[len++] = ' ';
        } else if (c != '\\' && c != '`') {
            out[len++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        }
    }
    *ret_name = (Str){out, len};
    return NULL;
}

bool rst_spend(Rst *rst, size_t lines)
{
    rst->search_left -= MIN(rst->search_left, lines);
    return rst->search_left > 0;
}

const RstReference *rst_find_reference(Rst *rst, RstReferenceKind kind, Str name)
{
    RstReference wanted = {.kind = kind};
    Error *error = normal_name(rst->arena, name, &wanted.name);
    if (error || rst->reference_count == 0) {
        error_free(error); /* without memory the name is unknown; who writes next will tell */
        return NULL;
    }
    return bsearch(&wanted, rst->references, rst->reference_count, sizeof wanted, by_kind_and_name);
}

MUST_USE static Error *add_reference(Rst *rst, RstReferenceKind kind, Str name, Str value, StrList lines)
{
    RstReference *reference = &rst->references[rst->reference_count];
    TRY(normal_name(rst->arena, name, &reference->name));
    reference->kind = kind;
    reference->value = value;
    reference->lines = lines;
    rst->reference_count++;
    return NULL;
}

/* The address in the lines of a target, which may go on for several. */
MUST_USE static Error *read_address(Rst *rst, Str first, StrList rest, Str *ret_address)
{
    TRY(lines_join(rest, ' ', rst->arena, ret_address));
    char *out = arena_alloc(rst->arena, first.len + ret_address->len + 1);
    if (!out)
        return arena_error(rst->arena);
    size_t len = 0;
    for (size_t i = 0; i < first.len + ret_address->len; i++) {
        char c = i < first.len ? first.data[i] : ret_address->data[i - first.len];
        if (c != ' ' && c != '\n')
            out[len++] = c;
    }
    *ret_address = (Str){out, len};
    return NULL;
}

/* `_name: address`, `_`long name`: address`, `__: address`. */
MUST_USE static Error *read_target(Rst *rst, Str first, StrList rest)
{
    Str address;
    bool anonymous = str_starts_with(first, STR("__"));
    bool quoted = str_starts_with(first, STR("_`"));
    size_t name_end = quoted ? str_find(str_slice(first, 2, first.len), STR("`:")) : str_find_char(first, ':');
    while (!quoted && name_end != SIZE_MAX && name_end > 0 && first.data[name_end - 1] == '\\') {
        size_t next = str_find_char(str_slice(first, name_end + 1, first.len), ':');
        name_end = next == SIZE_MAX ? SIZE_MAX : name_end + 1 + next;
    }
    if (name_end == SIZE_MAX)
        return NULL;
    Str name = quoted ? str_slice(first, 2, 2 + name_end) : str_slice(first, 1, name_end);
    size_t value_from = quoted ? name_end + 4 : name_end + 1;
    TRY(read_address(rst, str_trim(str_slice(first, value_from, first.len)), rest, &address));
    if (anonymous) {
        rst->anonymous[rst->anonymous_count++] = address;
        return NULL;
    }
    return add_reference(rst, RST_TARGET, name, address, (StrList){0});
}

/* `[label] text`, a note when the label is a number or begins with `#` or `*`. */
MUST_USE static Error *read_note(Rst *rst, Str first, StrList rest)
{
    size_t end = str_find_char(first, ']');
    Str *items = ARENA_ARRAY(rst->arena, Str, rest.count + 1);
    if (!items)
        return arena_error(rst->arena);
    if (end == SIZE_MAX || end == 1)
        return NULL;
    StrList lines = {items, rest.count + 1};
    Str label = str_slice(first, 1, end);
    items[0] = str_trim(str_slice(first, end + 1, first.len));
    for (size_t i = 0; i < rest.count; i++)
        items[i + 1] = rest.items[i];
    bool is_note = label.data[0] == '#' || label.data[0] == '*' || (label.data[0] >= '0' && label.data[0] <= '9');
    if (!str_equal(label, STR("#")) && !str_equal(label, STR("*")))
        return add_reference(rst, is_note ? RST_NOTE : RST_CITATION, label, STR_EMPTY, lines);
    char *numbered = arena_format(rst->arena, STR_FMT "%zu", STR_ARG(label), rst->auto_notes_used++);
    return numbered ? add_reference(rst, RST_NOTE, str_of(numbered), STR_EMPTY, lines) : arena_error(rst->arena);
}

/* `|name| replace:: text`; other directives put in no text. */
MUST_USE static Error *read_substitution(Rst *rst, Str first, StrList rest)
{
    Str directive, argument, more;
    size_t end = str_find_char(str_slice(first, 1, first.len), '|');
    if (end == SIZE_MAX || !rst_read_directive(str_trim(str_slice(first, end + 2, first.len)), &directive, &argument))
        return NULL;
    Str name = str_slice(first, 1, end + 1);
    if (!str_equal_nocase(directive, STR("replace")))
        return add_reference(rst, RST_SUBSTITUTION, name, STR_EMPTY, (StrList){0});
    TRY(lines_join(rest, ' ', rst->arena, &more));
    char *text = arena_format(rst->arena, STR_FMT "\n" STR_FMT, STR_ARG(argument), STR_ARG(more));
    return text ? add_reference(rst, RST_SUBSTITUTION, name, str_trim(str_of(text)), (StrList){0})
                : arena_error(rst->arena);
}

MUST_USE static Error *read_explicit(Rst *rst, StrList lines, size_t at)
{
    StrList rest;
    size_t indent = line_indent(lines.items[at]);
    Str first = str_trim(str_slice(lines.items[at], indent + 2, lines.items[at].len));
    if (first.len == 0 || !strchr("_[|", first.data[0]))
        return NULL;
    StrList shifted;
    TRY(lines_dedent(lines, at, rst_body_end(lines, at), rst->arena, &shifted));
    TRY(lines_dedent(shifted, 1, shifted.count, rst->arena, &rest));
    if (first.data[0] == '_')
        return read_target(rst, first, rest);
    return first.data[0] == '[' ? read_note(rst, first, rest) : read_substitution(rst, first, rest);
}

Error *rst_find_references(Rst *rst, StrList lines)
{
    size_t count = 0;
    for (size_t i = 0; i < lines.count; i++)
        count += str_starts_with(str_trim(lines.items[i]), STR("..")) || str_starts_with(lines.items[i], STR("__ "));
    rst->references = ARENA_ARRAY(rst->arena, RstReference, count);
    rst->anonymous = ARENA_ARRAY(rst->arena, Str, count);
    if (!rst->references || !rst->anonymous)
        return arena_error(rst->arena);
    for (size_t i = 0; i < lines.count; i++) {
        if (str_starts_with(lines.items[i], STR("__ ")))
            rst->anonymous[rst->anonymous_count++] = str_trim(str_slice(lines.items[i], 3, lines.items[i].len));
        else if (str_starts_with(str_trim(lines.items[i]), STR(".. ")))
            TRY(read_explicit(rst, lines, i));
    }
    if (rst->reference_count > 0)
        qsort(rst->references, rst->reference_count, sizeof *rst->references, by_kind_and_name);
    rst->auto_notes_used = 0;
    return NULL;
}
