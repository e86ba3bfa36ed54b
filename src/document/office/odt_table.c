#include "document/office/odt_table.h"

#include "document/chars.h"
#include "document/table_html.h"

enum {
    CELLS_MAX = 1000 * 1000,
    PLACES_MAX = 2 * CELLS_MAX /* a place is counted when it is made, and when a cell takes it */
};

Error *odt_table_init(OdtTable *table, const Paragraph *paragraph)
{
    *table = (OdtTable){.paragraph = paragraph, .places_left = PLACES_MAX};
    table->scratch = arena_new(2 * MIN(paragraph->text_max_bytes, GIB) + 128 * MIB); /* cells take more than texts */
    return table->scratch ? NULL : FAIL(NO_MEMORY, "no memory for tables");
}

void odt_table_done(OdtTable *table)
{
    buffer_done(&table->text);
    buffer_done(&table->html);
    buffer_done(&table->cell);
    arena_free(table->scratch);
}

void odt_table_begin(OdtTable *table)
{
    arena_reset(table->scratch);
    buffer_clear(&table->text);
    buffer_clear(&table->html);
    table->first = table->last = NULL;
    table->row_count = table->column_count = 0;
    table->emphasis = (Emphasis){0};
    table->text.limit = table->cell.limit = table->paragraph->text_max_bytes;
    table->html.limit = 8 * table->paragraph->text_max_bytes + KIB;
}

Error *odt_table_begin_row(OdtTable *table)
{
    OdtRow *row = ARENA_NEW(table->scratch, OdtRow);
    if (!row)
        return arena_error(table->scratch);
    if (table->last)
        table->last->next = row;
    else
        table->first = row;
    table->last = row;
    table->row_count++;
    table->row_columns = 0;
    return NULL;
}

Error *odt_table_begin_cell(OdtTable *table, size_t columns, size_t rows)
{
    OdtCell *cell = ARENA_NEW(table->scratch, OdtCell);
    OdtRow *row = table->last;
    if (!cell)
        return arena_error(table->scratch);
    columns = MIN(columns, (size_t)CELLS_MAX);
    *cell = (OdtCell){STR_EMPTY, columns, rows, NULL};
    if (row->last)
        row->last->next = cell;
    else
        row->first = cell;
    row->last = cell;
    table->row_columns += columns;
    table->column_count = MAX(table->column_count, table->row_columns);
    buffer_clear(&table->cell);
    return NULL;
}

MUST_USE static Error *append_with_space(Buffer *out, Str text)
{
    if (text.len == 0)
        return NULL;
    if (out->len > 0)
        TRY(buffer_append_byte(out, ' '));
    return buffer_append_str(out, text);
}

Error *odt_table_add_text(OdtTable *table, const Paragraph *paragraph)
{
    Str text = chars_trim(buffer_str(&paragraph->text));
    TRY(emphasis_append(&table->emphasis, table->paragraph->arena, &paragraph->emphasis));
    TRY(append_with_space(&table->text, text));
    return append_with_space(&table->cell, text);
}

Error *odt_table_end_cell(OdtTable *table)
{
    return arena_collapse_space(table->scratch, buffer_str(&table->cell), &table->last->last->text);
}

MUST_USE static Error *take_places(OdtTable *table, size_t rows, size_t columns)
{
    size_t count;
    if (__builtin_mul_overflow(rows, columns, &count) || count > table->places_left)
        return FAIL(LIMIT, "more than %d cells in all tables", CELLS_MAX);
    table->places_left -= count;
    return NULL;
}

/* Puts a cell to all its places from `column` on; `places` begin with its first row's, of which `rows_left` are left. */
MUST_USE static Error *put_cell(OdtTable *table, const OdtCell **places, size_t rows_left, size_t column,
                                const OdtCell *cell)
{
    size_t columns = table->column_count;
    size_t rows = MIN(cell->rows, rows_left), end = MIN(column + cell->columns, columns);
    TRY(take_places(table, rows, end - column));
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = column; c < end; c++) {
            if (!places[r * columns + c])
                places[r * columns + c] = cell;
        }
    }
    return NULL;
}

/* The cells at their places, row by row: each takes the first place that no cell of the rows above has. */
MUST_USE static Error *lay_out(OdtTable *table, const OdtCell ***ret_places)
{
    size_t columns = table->column_count;
    TRY(take_places(table, table->row_count, columns));
    const OdtCell **places = arena_alloc_array(table->scratch, table->row_count * columns, sizeof *places);
    if (!places)
        return arena_error(table->scratch);
    size_t row_at = 0;
    for (const OdtRow *row = table->first; row; row = row->next, row_at++) {
        const OdtCell **first = places + row_at * columns;
        size_t column = 0;
        for (const OdtCell *cell = row->first; cell; cell = cell->next) {
            while (column < columns && first[column])
                column++;
            TRY(put_cell(table, first, table->row_count - row_at, column, cell));
            column += MIN(cell->columns, columns - column);
        }
    }
    *ret_places = places;
    return NULL;
}

MUST_USE static Error *write_html(OdtTable *table, const OdtCell *const *places)
{
    TRY(buffer_append_str(&table->html, STR("<table>")));
    for (size_t r = 0; r < table->row_count; r++) {
        TRY(buffer_append_str(&table->html, STR("<tr>")));
        for (size_t c = 0; c < table->column_count; c++) {
            const OdtCell *cell = places[r * table->column_count + c];
            TRY(table_append_cell(&table->html, cell ? cell->text : STR_EMPTY, TABLE_ESCAPE_TAGS));
        }
        TRY(buffer_append_str(&table->html, STR("</tr>")));
    }
    return buffer_append_str(&table->html, STR("</table>"));
}

Error *odt_table_add_element(OdtTable *table, Builder *builder)
{
    Arena *arena = table->paragraph->arena;
    const OdtCell **places;
    Element *element;
    TRY_CTX(lay_out(table, &places), "table");
    TRY_CTX(write_html(table, places), "table");
    TRY(builder_add(builder, ELEMENT_TABLE, buffer_str(&table->text), &element));
    element->text_as_html = arena_str(arena, buffer_str(&table->html));
    if (!element->text_as_html.data)
        return arena_error(arena);
    return emphasis_give(&table->emphasis, arena, element);
}
