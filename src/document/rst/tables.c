/* Tables: grids of `+---+`, columns under `=== ===`. */
#include "document/rst/rst.h"

enum { COLUMNS_MAX = 64 };

/* Where columns begin and end, in characters. */
typedef struct Columns {
    size_t from[COLUMNS_MAX], to[COLUMNS_MAX];
    size_t count;
} Columns;

static bool consists_of(Str line, const char *set)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.data[i] == '\0' || !strchr(set, line.data[i]))
            return false;
    }
    return line.len > 0;
}

static bool is_grid_border(Str line)
{
    return line.len >= 3 && line.data[0] == '+' && line.data[line.len - 1] == '+' && consists_of(line, "+-=");
}

static bool is_simple_border(Str line)
{
    return line.len >= 3 && line.data[0] == '=' && consists_of(line, "= ") && str_find_char(line, ' ') != SIZE_MAX;
}

/* Cuts a line at the columns, walking over it once. A missing end is empty. */
static void cut_line(Str line, const Columns *columns, Str *cells)
{
    size_t at = 0, column = 0;
    for (size_t i = 0; i < columns->count; i++) {
        while (at < line.len && column < columns->from[i]) {
            str_next_code_point(line, &at);
            column++;
        }
        size_t from = at;
        while (at < line.len && column < columns->to[i]) {
            str_next_code_point(line, &at);
            column++;
        }
        cells[i] = str_slice(line, from, at);
    }
}

/* Cell by cell the lines of one row; `width` cells a line, those that are one wide cell already joined into the first of them. */
MUST_USE static Error *append_cell(Rst *rst, const Str *cells, size_t width, size_t index, size_t line_count,
                                   Buffer *out)
{
    StrList lines;
    Str *items = ARENA_ARRAY(rst->arena, Str, line_count);
    if (!items)
        return arena_error(rst->arena);
    for (size_t i = 0; i < line_count; i++) {
        Str text = cells[i * width + index];
        while (text.len > 0 && text.data[text.len - 1] == ' ')
            text.len--;
        items[i] = text;
    }
    TRY(lines_dedent((StrList){items, line_count}, 0, line_count, rst->arena, &lines));
    TRY(buffer_append_str(out, STR("<td>")));
    TRY(rst_append_blocks(rst, lines, false, out));
    return buffer_append_str(out, STR("</td>"));
}

/* Whether no line of the row has a bar between this column and the one before. */
static bool joins_previous(StrList lines, size_t from, size_t to, const Columns *columns, size_t index)
{
    for (size_t i = from; i < to; i++) {
        Str bar[1];
        Columns place = {.from = {columns->from[index] - 1}, .to = {columns->from[index]}, .count = 1};
        cut_line(lines.items[i], &place, bar);
        if (str_equal(bar[0], STR("|")) || str_equal(bar[0], STR("+")))
            return false;
    }
    return index > 0;
}

/* Columns of this row alone: wide cells are one. */
static Columns join_columns(StrList lines, size_t from, size_t to, const Columns *columns)
{
    Columns joined = {0};
    for (size_t i = 0; i < columns->count; i++) {
        if (joins_previous(lines, from, to, columns, i)) {
            joined.to[joined.count - 1] = columns->to[i];
            continue;
        }
        joined.from[joined.count] = columns->from[i];
        joined.to[joined.count++] = columns->to[i];
    }
    return joined;
}

MUST_USE static Error *append_row(Rst *rst, StrList lines, size_t from, size_t to, const Columns *columns, Buffer *out)
{
    Str *cells = ARENA_ARRAY(rst->arena, Str, (to - from) * columns->count);
    if (!cells)
        return arena_error(rst->arena);
    for (size_t i = from; i < to; i++)
        cut_line(lines.items[i], columns, cells + (i - from) * columns->count);
    TRY(buffer_append_str(out, STR("<tr>")));
    for (size_t i = 0; i < columns->count; i++)
        TRY(append_cell(rst, cells, columns->count, i, to - from, out));
    return buffer_append_str(out, STR("</tr>\n"));
}

/* Between the crosses of the first border. */
static bool read_grid_columns(Str border, Columns *ret_columns)
{
    *ret_columns = (Columns){0};
    for (size_t i = 1; i < border.len; i++) {
        size_t end = i;
        while (end < border.len && border.data[end] != '+')
            end++;
        if (ret_columns->count == COLUMNS_MAX)
            return false;
        ret_columns->from[ret_columns->count] = i;
        ret_columns->to[ret_columns->count++] = end;
        i = end;
    }
    return ret_columns->count > 0;
}

static size_t grid_end(StrList lines, size_t at)
{
    while (at < lines.count && lines.items[at].len > 0 && strchr("+|", lines.items[at].data[0]))
        at++;
    return at;
}

MUST_USE static Error *append_grid(Rst *rst, StrList lines, size_t *at, const Columns *columns, Buffer *out)
{
    size_t end = grid_end(lines, *at), row = *at + 1;
    TRY(buffer_append_str(out, STR("<table>\n")));
    for (size_t i = row; i < end; i++) {
        if (!is_grid_border(lines.items[i]))
            continue;
        Columns joined = join_columns(lines, row, i, columns);
        if (i > row)
            TRY(append_row(rst, lines, row, i, &joined, out));
        row = i + 1;
    }
    *at = end;
    return buffer_append_str(out, STR("</table>\n"));
}

/* The last column goes on to the end of its lines. */
static bool read_simple_columns(Str border, Columns *ret_columns)
{
    *ret_columns = (Columns){0};
    for (size_t i = 0; i < border.len; i++) {
        if (border.data[i] == ' ')
            continue;
        size_t end = i;
        while (end < border.len && border.data[end] == '=')
            end++;
        if (ret_columns->count == COLUMNS_MAX)
            return false;
        ret_columns->from[ret_columns->count] = i;
        ret_columns->to[ret_columns->count++] = end;
        i = end;
    }
    ret_columns->to[ret_columns->count - 1] = SIZE_MAX;
    return ret_columns->count > 1;
}

/* The last border: nothing or a blank line is behind it. SIZE_MAX: the table does not end. */
static size_t simple_end(Rst *rst, StrList lines, size_t at)
{
    for (size_t i = at + 1; i < lines.count && rst_spend(rst, 1); i++) {
        if (is_simple_border(lines.items[i]) && (i + 1 == lines.count || line_is_blank(lines.items[i + 1])))
            return i;
    }
    return SIZE_MAX;
}

static bool is_no_row(Str line)
{
    return line_is_blank(line) || is_simple_border(line) || (line.data[0] == '-' && consists_of(line, "- "));
}

/* A line whose first cell is blank goes on with the row before. */
static bool continues_row(Str line, const Columns *columns)
{
    return line_indent(line) >= MIN(columns->from[1], line.len);
}

MUST_USE static Error *append_simple(Rst *rst, StrList lines, size_t *at, size_t end, const Columns *columns,
                                     Buffer *out)
{
    TRY(buffer_append_str(out, STR("<table>\n")));
    for (size_t i = *at + 1; i < end;) {
        size_t row = i++;
        if (is_no_row(lines.items[row]))
            continue;
        while (i < end && !is_no_row(lines.items[i]) && continues_row(lines.items[i], columns))
            i++;
        TRY(append_row(rst, lines, row, i, columns, out));
    }
    *at = end + 1;
    return buffer_append_str(out, STR("</table>\n"));
}

Error *rst_append_table(Rst *rst, StrList lines, size_t *at, Buffer *out, bool *ret_is_table)
{
    Columns columns;
    Str line = lines.items[*at];
    *ret_is_table = is_grid_border(line) && read_grid_columns(line, &columns);
    if (*ret_is_table)
        return append_grid(rst, lines, at, &columns, out);
    if (!is_simple_border(line) || !read_simple_columns(line, &columns))
        return NULL;
    size_t end = simple_end(rst, lines, *at);
    *ret_is_table = end != SIZE_MAX;
    return *ret_is_table ? append_simple(rst, lines, at, end, &columns, out) : NULL;
}
