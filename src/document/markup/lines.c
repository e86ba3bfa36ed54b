#include "document/markup/lines.h"

/* How many bytes the line takes with its tabs made spaces. */
static size_t expanded_bytes(Str text)
{
    size_t sum = text.len;
    for (size_t i = 0; i < text.len; i++)
        sum += text.data[i] == '\t' ? TAB_COLUMNS - 1 : 0;
    return sum;
}

static bool is_control(char c)
{
    return (uint8_t)c < ' ' && c != '\t';
}

/* Columns are bytes here: good enough for the white space at the start of a line. */
static Str expand_line(Str line, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < line.len; i++) {
        if (is_control(line.data[i]))
            continue;
        if (line.data[i] != '\t') {
            out[len++] = line.data[i];
            continue;
        }
        do {
            out[len++] = ' ';
        } while (len % TAB_COLUMNS != 0);
    }
    while (len > 0 && out[len - 1] == ' ')
        len--;
    return (Str){out, len};
}

static size_t count_lines(Str text)
{
    size_t count = 1;
    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == '\n';
    return count;
}

Error *lines_split(Str text, Arena *arena, StrList *ret_lines)
{
    Str *items = ARENA_ARRAY(arena, Str, count_lines(text));
    char *out = arena_alloc(arena, expanded_bytes(text) + 1);
    if (!items || !out)
        return arena_error(arena);
    size_t count = 0;
    for (Str line; str_next_piece(&text, '\n', &line);) {
        items[count] = expand_line(line, out);
        out += items[count++].len;
    }
    *ret_lines = (StrList){items, count};
    return NULL;
}

bool line_is_blank(Str line)
{
    return line_indent(line) == line.len;
}

size_t line_indent(Str line)
{
    size_t indent = 0;
    while (indent < line.len && line.data[indent] == ' ')
        indent++;
    return indent;
}

Str line_dedent(Str line, size_t columns)
{
    return str_slice(line, MIN(line_indent(line), columns), line.len);
}

Error *lines_dedent(StrList lines, size_t from, size_t to, Arena *arena, StrList *ret_lines)
{
    size_t common = SIZE_MAX;
    for (size_t i = from; i < to; i++) {
        if (!line_is_blank(lines.items[i]))
            common = MIN(common, line_indent(lines.items[i]));
    }
    Str *items = ARENA_ARRAY(arena, Str, to - from);
    if (!items)
        return arena_error(arena);
    for (size_t i = from; i < to; i++)
        items[i - from] = line_dedent(lines.items[i], common);
    *ret_lines = (StrList){items, to - from};
    return NULL;
}

StrList lines_slice(StrList lines, size_t from, size_t to)
{
    ASSERT(from <= to && to <= lines.count);
    return (StrList){lines.items + from, to - from};
}

size_t lines_skip_blank(StrList lines, size_t at)
{
    while (at < lines.count && line_is_blank(lines.items[at]))
        at++;
    return at;
}

Error *lines_join(StrList lines, char separator, Arena *arena, Str *ret_text)
{
    size_t bytes = 0, len = 0;
    for (size_t i = 0; i < lines.count; i++)
        bytes += lines.items[i].len + 1;
    char *out = arena_alloc(arena, bytes + 1);
    if (!out)
        return arena_error(arena);
    for (size_t i = 0; i < lines.count; i++) {
        if (i > 0)
            out[len++] = separator;
        memcpy(out + len, lines.items[i].data, lines.items[i].len);
        len += lines.items[i].len;
    }
    *ret_text = (Str){out, len};
    return NULL;
}
