#include "document/html/table.h"

#include "document/chars.h"
#include "document/html/cells.h"

/* What a table becomes, row by row. */
typedef struct TableText {
    TableForm form;
    Buffer text, html, cell;
    size_t row_start; /* in `text` */
} TableText;

static void table_text_done(TableText *t)
{
    buffer_done(&t->text);
    buffer_done(&t->html);
    buffer_done(&t->cell);
}

/* `text` behind what is in `out` from `start` on, with a space between the two. */
MUST_USE static Error *append_with_space(Buffer *out, size_t start, Str text)
{
    if (text.len == 0)
        return NULL;
    if (out->len > start)
        TRY(buffer_append_byte(out, ' '));
    return buffer_append_str(out, text);
}

/* White space runs within a line become one space, in place; line feeds stay. */
static void collapse_lines(Buffer *cell)
{
    Str text = buffer_str(cell);
    size_t len = 0;
    bool space = false;
    unsigned classes;
    for (size_t at = 0, from = 0; at < text.len; from = at) {
        uint32_t c = chars_next(text, &at, &classes);
        if ((classes & CHAR_SPACE) && c != '\n') {
            space = true;
            continue;
        }
        if (space && c != '\n' && len > 0 && cell->data[len - 1] != '\n')
            cell->data[len++] = ' ';
        space = false;
        memmove(cell->data + len, cell->data + from, at - from);
        len += at - from;
    }
    cell->len = len;
}

/* All text nodes below the cell, trimmed, joined with a space. */
MUST_USE static Error *add_cell(TableText *t, const HtmlNode *cell)
{
    buffer_clear(&t->cell);
    TRY(cell_append_text(cell, &t->cell));
    TRY(append_with_space(&t->text, t->row_start, buffer_str(&t->cell)));
    if (t->form == TABLE_OLDER && t->cell.len == 0)
        return buffer_append_str(&t->html, STR("<td></td>"));
    if (t->form == TABLE_MODERN)
        collapse_lines(&t->cell);
    return table_append_cell(&t->html, buffer_str(&t->cell), TABLE_ESCAPE_QUOTES);
}

/* Rows without text leave their space in the table's text, as in the originals. */
MUST_USE static Error *begin_row(TableText *t)
{
    if (t->row_start > 0 || t->text.len > 0)
        TRY(buffer_append_byte(&t->text, ' '));
    t->row_start = t->text.len;
    return buffer_append_str(&t->html, STR("<tr>"));
}

MUST_USE static Error *add_row(TableText *t, const HtmlNode *row)
{
    bool begun = false;
    for (const HtmlNode *cell = row->first_child; cell; cell = cell->next) {
        if (!tag_is_cell(cell->tag))
            continue;
        if (!begun)
            TRY(begin_row(t));
        begun = true;
        TRY(add_cell(t, cell));
    }
    return begun ? buffer_append_str(&t->html, STR("</tr>")) : NULL;
}

MUST_USE static Error *read_table(TableText *t, const HtmlNode *table)
{
    TRY(buffer_append_str(&t->html, STR("<table>")));
    for (const HtmlNode *row = table_next_row(table, NULL); row; row = table_next_row(table, row))
        TRY(add_row(t, row));
    return buffer_append_str(&t->html, STR("</table>"));
}

Error *table_add_element(Builder *builder, const HtmlNode *table, TableForm form)
{
    CLEANUP(table_text_done)
    TableText t = {.form = form, .text.limit = builder->text_left, .html.limit = 8 * builder->text_left + KIB};
    Element *element;
    TRY_CTX(read_table(&t, table), "html table");
    Str text = chars_trim(buffer_str(&t.text));
    if (text.len == 0)
        return NULL;
    TRY(builder_add(builder, ELEMENT_TABLE, text, &element));
    element->page_number = table->page_number;
    element->text_as_html = arena_str(builder->elements->arena, buffer_str(&t.html));
    if (!element->text_as_html.data)
        return arena_error(builder->elements->arena);
    return builder->table_cells ? cells_set(table, builder->elements->arena, element) : NULL;
}
