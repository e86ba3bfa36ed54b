/* Sections, lists, literal blocks, quotes, and what two dots begin. */
#include "document/rst/rst.h"

enum { NESTING_MAX = 32 };

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c);
}

/* The character that a line consists of, when that can adorn a title; 0: it is another line. */
static char adornment(Str line)
{
    if (line.len == 0 || !is_one_of(line.data[0], "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"))
        return 0;
    for (size_t i = 1; i < line.len; i++) {
        if (line.data[i] != line.data[0])
            return 0;
    }
    return line.data[0];
}

static size_t characters(Str text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.len; count++)
        str_next_code_point(text, &at);
    return count;
}

/* The level of a title with this adornment; new ones are below all others. */
static unsigned heading_level(Rst *rst, char mark, bool overlined)
{
    for (unsigned i = 0; i < rst->heading_count; i++) {
        if (rst->headings[i] == mark && rst->overlined[i] == overlined)
            return i + 1;
    }
    if (rst->heading_count < RST_HEADINGS_MAX) {
        rst->headings[rst->heading_count] = mark;
        rst->overlined[rst->heading_count++] = overlined;
    }
    return rst->heading_count;
}

MUST_USE static Error *append_heading(Rst *rst, Str title, char mark, bool overlined, Buffer *out)
{
    unsigned level = heading_level(rst, mark, overlined);
    TRY(level <= 6 ? buffer_append_format(out, "<h%u>", level) : buffer_append_str(out, STR("<p>")));
    TRY(rst_append_inline(rst, str_trim(title), out));
    return level <= 6 ? buffer_append_format(out, "</h%u>\n", level) : buffer_append_str(out, STR("</p>\n"));
}

/* A title between two lines, or above one; or a line alone, which separates. */
MUST_USE static Error *append_title(Rst *rst, StrList lines, size_t *at, Buffer *out, bool *ret_is_title)
{
    Str line = lines.items[*at], next = *at + 1 < lines.count ? lines.items[*at + 1] : STR_EMPTY;
    Str third = *at + 2 < lines.count ? lines.items[*at + 2] : STR_EMPTY;
    char mark = adornment(line);
    *ret_is_title = true;
    if (mark && next.len > 0 && !adornment(next) && adornment(third) == mark && line.len >= 3
        && third.len >= MIN(characters(str_trim(next)), line.len)) {
        *at += 3;
        return append_heading(rst, next, mark, true, out);
    }
    if (mark && line.len >= 4 && next.len == 0) {
        ++*at;
        return buffer_append_str(out, STR("<hr />\n"));
    }
    mark = adornment(next);
    bool long_enough = next.len >= 3 ? next.len + 3 >= characters(line) : next.len >= characters(line);
    if (mark && line_indent(line) == 0 && long_enough && !str_equal(next, STR("::")) && !str_equal(next, STR(".."))) {
        *at += 2;
        return append_heading(rst, line, mark, false, out);
    }
    *ret_is_title = false;
    return NULL;
}

size_t rst_body_end(StrList lines, size_t at)
{
    size_t indent = line_indent(lines.items[at]), end = at + 1;
    for (size_t i = at + 1; i < lines.count; i++) {
        if (line_is_blank(lines.items[i]))
            continue;
        if (line_indent(lines.items[i]) <= indent)
            break;
        end = i + 1;
    }
    return end;
}

Error *rst_append_code(StrList lines, Buffer *out)
{
    TRY(buffer_append_str(out, STR("<pre><code>")));
    for (size_t i = 0; i < lines.count; i++) {
        TRY(page_append_text(out, lines.items[i]));
        TRY(i + 1 < lines.count ? buffer_append_byte(out, '\n') : NULL);
    }
    return buffer_append_str(out, STR("</code></pre>\n"));
}

/* Lines behind `::`, indented, or each with the same mark at its start. */
MUST_USE static Error *append_literal(Rst *rst, StrList lines, size_t *at, Buffer *out)
{
    StrList code;
    size_t from = lines_skip_blank(lines, *at), end = from;
    if (from == lines.count)
        return NULL;
    if (line_indent(lines.items[from]) > 0) {
        for (size_t i = from; i < lines.count && (line_is_blank(lines.items[i]) || line_indent(lines.items[i]) > 0);
             i++)
            end = line_is_blank(lines.items[i]) ? end : i + 1;
    } else if (adornment(str_slice(lines.items[from], 0, 1))) {
        while (end < lines.count && lines.items[end].len > 0 && lines.items[end].data[0] == lines.items[from].data[0])
            end++;
    }
    if (end == from)
        return NULL;
    *at = end;
    TRY(lines_dedent(lines, from, end, rst->arena, &code));
    return rst_append_code(code, out);
}

/* What counts the items of a list, and how it is set: lists of two kinds are two lists. */
typedef struct Marker {
    enum { MARKER_BULLET, MARKER_AUTO, MARKER_DIGITS, MARKER_LOWER, MARKER_UPPER } kind;
    char before, behind; /* `(` or 0; `)` or `.` */
    size_t width;        /* with the space behind it: where the text begins */
} Marker;

/* Digits, a letter, Roman numerals, `#`: how many bytes. */
static size_t number_bytes(Str line, Marker *marker)
{
    size_t at = 0;
    char c = line.len > 0 ? line.data[0] : '\0';
    marker->kind = c == '#' ? MARKER_AUTO : c >= 'a' ? MARKER_LOWER : c >= 'A' ? MARKER_UPPER : MARKER_DIGITS;
    while (at < line.len && line.data[at] >= '0' && line.data[at] <= '9')
        at++;
    if (at > 0 || c == '#')
        return MAX(at, (size_t)1);
    while (at < line.len && is_one_of(line.data[at], c >= 'a' ? "ivxlcdm" : "IVXLCDM"))
        at++;
    if (at > 1)
        return at;
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? 1 : 0;
}

static bool read_bullet(Str line, Marker *ret_marker)
{
    static const Str bullets[] = {{"*", 1},           {"+", 1}, {"-", 1}, {"\xE2\x80\xA2", 3}, {"\xE2\x80\xA3", 3},
                                  {"\xE2\x81\x83", 3}};
    for (size_t i = 0; i < ARRAY_COUNT(bullets); i++) {
        size_t len = bullets[i].len;
        if (str_starts_with(line, bullets[i]) && (line.len == len || line.data[len] == ' ')) {
            *ret_marker = (Marker){.width = len + line_indent(str_slice(line, len, line.len))};
            return true;
        }
    }
    return false;
}

static bool read_marker(Str line, Marker *ret_marker)
{
    Marker marker = {.before = line.len > 0 && line.data[0] == '(' ? '(' : '\0'};
    if (read_bullet(line, ret_marker))
        return true;
    size_t open = marker.before != '\0', number = number_bytes(str_slice(line, open, line.len), &marker),
           end = open + number;
    if (number == 0 || end >= line.len || !is_one_of(line.data[end], open ? ")" : ".)") || end + 1 == line.len
        || line.data[end + 1] != ' ')
        return false;
    marker.behind = line.data[end];
    marker.width = end + 1 + line_indent(str_slice(line, end + 1, line.len));
    *ret_marker = marker;
    return true;
}

static bool is_same_kind(const Marker *a, const Marker *b)
{
    return a->kind == b->kind && a->before == b->before && a->behind == b->behind;
}

/* The lines of an item: its own, and those behind it that are indented. */
static size_t item_end(StrList lines, size_t at, size_t width)
{
    size_t i = at + 1;
    while (i < lines.count && (line_is_blank(lines.items[i]) || line_indent(lines.items[i]) >= MIN(width, (size_t)2)))
        i++;
    return i;
}

/* The first item must end at a blank line or another item: else it is a paragraph that only looks like one. */
static bool begins_list(StrList lines, size_t at)
{
    Marker marker, other;
    if (!read_marker(lines.items[at], &marker))
        return false;
    size_t end = item_end(lines, at, marker.width);
    return end == lines.count || line_is_blank(lines.items[end - 1]) || read_marker(lines.items[end], &other);
}

MUST_USE static Error *append_item(Rst *rst, StrList lines, size_t from, size_t to, size_t width, Buffer *out)
{
    Str *items = ARENA_ARRAY(rst->arena, Str, to - from);
    if (!items)
        return arena_error(rst->arena);
    items[0] = str_slice(lines.items[from], width, lines.items[from].len);
    for (size_t i = from + 1; i < to; i++)
        items[i - from] = line_dedent(lines.items[i], width);
    TRY(buffer_append_str(out, STR("<li>")));
    TRY(rst_append_blocks(rst, (StrList){items, to - from}, true, out));
    return buffer_append_str(out, STR("</li>\n"));
}

MUST_USE static Error *append_list(Rst *rst, StrList lines, size_t *at, Buffer *out)
{
    Marker first, marker;
    bool is_list = read_marker(lines.items[*at], &first);
    ASSERT(is_list);
    const char *tag = first.kind == MARKER_BULLET ? "ul" : "ol";
    TRY(buffer_append_format(out, "<%s>\n", tag));
    size_t html_from = out->len;
    while (*at < lines.count && read_marker(lines.items[*at], &marker) && is_same_kind(&first, &marker)
           && begins_list(lines, *at)) {
        size_t end = item_end(lines, *at, marker.width);
        TRY(append_item(rst, lines, *at, end, marker.width, out));
        *at = end;
    }
    return list_end(out, html_from, tag);
}

/* `:name: value`; where the value begins. 0: no field. */
static size_t field_value(Str line)
{
    if (line.len < 3 || line.data[0] != ':' || line.data[1] == ' ' || line.data[1] == ':')
        return 0;
    for (size_t i = 2; i < line.len; i++) {
        if (line.data[i] == ':' && line.data[i - 1] != '\\' && (i + 1 == line.len || line.data[i + 1] == ' '))
            return i + 1;
        if (line.data[i] == '`')
            return 0;
    }
    return 0;
}

/* `-o`, `--option=X  what it does`, `/V`: where the description begins; 0: no option. */
static size_t option_description(Str line)
{
    bool dash = line.len >= 2 && line.data[0] == '-' && line.data[1] != ' ' && !adornment(line);
    bool slash = line.len >= 2 && line.data[0] == '/' && line.data[1] >= 'A' && line.data[1] <= 'Z';
    if (!dash && !slash)
        return 0;
    size_t gap = str_find(line, STR("  "));
    return gap == SIZE_MAX ? (str_find_char(line, ' ') == SIZE_MAX ? line.len : 0) : gap;
}

/* A name and what is said of it: fields, options, terms. `first_bytes` of the line are the name. */
MUST_USE static Error *append_definition(Rst *rst, StrList lines, size_t *at, Str name, Str first, Buffer *out)
{
    StrList rest;
    size_t end = rst_body_end(lines, *at);
    TRY(lines_dedent(lines, *at + 1, end, rst->arena, &rest));
    Str *items = ARENA_ARRAY(rst->arena, Str, rest.count + 1);
    if (!items)
        return arena_error(rst->arena);
    items[0] = str_trim(first);
    for (size_t i = 0; i < rest.count; i++)
        items[i + 1] = rest.items[i];
    TRY(buffer_append_str(out, STR("<dl><dt>")));
    TRY(rst_append_inline(rst, name, out));
    TRY(buffer_append_str(out, STR("</dt>\n<dd>")));
    TRY(rst_append_blocks(rst, (StrList){items, rest.count + 1}, false, out));
    *at = end;
    return buffer_append_str(out, STR("</dd></dl>\n"));
}

MUST_USE static Error *append_line_block(Rst *rst, StrList lines, size_t *at, Buffer *out)
{
    TRY(buffer_append_str(out, STR("<div>")));
    for (; *at < lines.count && lines.items[*at].len > 0 && is_one_of(lines.items[*at].data[0], "| "); ++*at) {
        Str line = lines.items[*at];
        bool begins = line.data[0] == '|';
        if (begins && !(line.len == 1 || line.data[1] == ' '))
            break;
        TRY(begins ? buffer_append_str(out, STR("<br />\n")) : buffer_append_byte(out, ' '));
        TRY(rst_append_inline(rst, str_trim(str_slice(line, 1, line.len)), out));
    }
    return buffer_append_str(out, STR("</div>\n"));
}

static bool is_line_block(Str line)
{
    return line.len > 0 && line.data[0] == '|' && (line.len == 1 || line.data[1] == ' ');
}

/* A paragraph, up to a blank line. `::` at its end is one colon, or none, and what follows is literal. */
MUST_USE static Error *append_paragraph(Rst *rst, StrList lines, size_t *at, bool in_item, Buffer *out)
{
    Str text;
    size_t from = *at;
    while (*at < lines.count && !line_is_blank(lines.items[*at]))
        ++*at;
    TRY(lines_join(lines_slice(lines, from, *at), ' ', rst->arena, &text));
    text = str_trim(text);
    bool literal = str_ends_with(text, STR("::"));
    if (literal)
        text = str_slice(text, 0, text.len > 2 ? text.len - 1 : 0);
    Setting setting = !in_item ? SET_OFF : *at == lines.count ? SET_ITEM_PLAIN : SET_ITEM_OFF;
    if (str_trim(text).len > 0) {
        TRY(list_begin_paragraph(out, setting));
        TRY(rst_append_inline(rst, str_trim(text), out));
        TRY(list_end_paragraph(out, setting));
    }
    return literal ? append_literal(rst, lines, at, out) : NULL;
}

/* Two dots: a directive, what can be referred to, a comment. */
MUST_USE static Error *append_explicit(Rst *rst, StrList lines, size_t *at, Buffer *out)
{
    StrList body;
    Str name, argument, first = str_trim(str_slice(lines.items[*at], 2, lines.items[*at].len));
    size_t from = *at, end = rst_body_end(lines, *at);
    bool empty = first.len == 0 && (from + 1 == lines.count || line_is_blank(lines.items[from + 1]));
    *at = empty ? from + 1 : end; /* two dots and a blank line end what is before them, and are nothing else */
    if (empty || !rst_read_directive(first, &name, &argument))
        return NULL;
    TRY(lines_dedent(lines, from + 1, end, rst->arena, &body));
    return rst_append_directive(rst, first, body, out);
}

MUST_USE static Error *append_quote(Rst *rst, StrList lines, size_t *at, Buffer *out)
{
    StrList quote;
    size_t from = *at;
    while (*at < lines.count && (line_is_blank(lines.items[*at]) || line_indent(lines.items[*at]) > 0))
        ++*at;
    TRY(lines_dedent(lines, from, *at, rst->arena, &quote));
    TRY(buffer_append_str(out, STR("<blockquote>\n")));
    TRY(rst_append_blocks(rst, quote, false, out));
    return buffer_append_str(out, STR("</blockquote>\n"));
}

static bool is_explicit(Str line)
{
    return str_starts_with(line, STR("..")) && (line.len == 2 || line.data[2] == ' ');
}

static bool is_term(StrList lines, size_t at)
{
    return at + 1 < lines.count && !line_is_blank(lines.items[at + 1]) && line_indent(lines.items[at + 1]) > 0;
}

MUST_USE static Error *append_text(Rst *rst, StrList lines, size_t *at, bool in_item, Buffer *out)
{
    Str line = lines.items[*at];
    size_t value = field_value(line), description = option_description(line);
    if (value > 0)
        return append_definition(rst, lines, at, str_slice(line, 1, value - 1), str_slice(line, value, line.len), out);
    if (description > 0)
        return append_definition(rst, lines, at, str_slice(line, 0, description),
                                 str_slice(line, description, line.len), out);
    if (is_term(lines, *at) && !str_ends_with(line, STR("::")))
        return append_definition(rst, lines, at, line, STR_EMPTY, out);
    return append_paragraph(rst, lines, at, in_item, out);
}

MUST_USE static Error *append_one_block(Rst *rst, StrList lines, size_t *at, bool in_item, Buffer *out)
{
    Str line = lines.items[*at];
    bool taken = false;
    if (line_indent(line) > 0)
        return append_quote(rst, lines, at, out);
    if (is_explicit(line))
        return append_explicit(rst, lines, at, out);
    if (str_starts_with(line, STR("__ "))) {
        ++*at;
        return NULL;
    }
    TRY(rst_append_table(rst, lines, at, out, &taken));
    if (!taken && begins_list(lines, *at))
        return append_list(rst, lines, at, out);
    if (!taken && is_line_block(line))
        return append_line_block(rst, lines, at, out);
    if (!taken)
        TRY(append_title(rst, lines, at, out, &taken));
    return taken ? NULL : append_text(rst, lines, at, in_item, out);
}

MUST_USE static Error *append_lines(Rst *rst, StrList lines, bool in_item, Buffer *out)
{
    for (size_t at = 0; at < lines.count;) {
        if (line_is_blank(lines.items[at]))
            at++;
        else
            TRY(append_one_block(rst, lines, &at, in_item, out));
    }
    return NULL;
}

Error *rst_append_blocks(Rst *rst, StrList lines, bool in_item, Buffer *out)
{
    if (rst->depth >= NESTING_MAX)
        return FAIL(LIMIT, "blocks are nested more than %d deep", NESTING_MAX);
    rst->depth++;
    Error *error = append_lines(rst, lines, in_item, out);
    rst->depth--;
    return error;
}
