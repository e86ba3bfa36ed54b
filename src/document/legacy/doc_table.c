#include "document/legacy/doc_table.h"

#include "document/builder.h"
#include "document/chars.h"
#include "document/table_html.h"

enum { CELLS_MAX = 1000 * 1000, EDGES_MAX = 1024, FIRST_CELLS = 16 };

struct DocRow {
    DocRow *next;
    Str *cells;
    size_t count;
    DocRowLayout *layout; /* NULL: none, or one for another number of cells */
};

/* All places where a column of the table begins or ends, ascending. */
typedef struct Columns {
    int16_t edges[EDGES_MAX];
    size_t count;
} Columns;

Error *doc_table_init(DocTable *table, size_t text_max_bytes)
{
    size_t limit = MAX(text_max_bytes, (size_t)1);
    *table = (DocTable){.cell = {.limit = limit}, .text = {.limit = limit}, .cells_left = CELLS_MAX};
    table->html.limit = 8 * limit + KIB;                           /* tags besides */
    table->rows_arena = arena_new(2 * MIN(limit, GIB) + 64 * MIB); /* places take more than texts */
    return table->rows_arena ? NULL : FAIL(NO_MEMORY, "doc: no memory for tables");
}

void doc_table_done(DocTable *table)
{
    buffer_done(&table->cell);
    buffer_done(&table->text);
    buffer_done(&table->html);
    arena_free(table->rows_arena);
}

void doc_table_clear(DocTable *table)
{
    arena_reset(table->rows_arena);
    table->first = table->last = NULL;
    table->cells = NULL;
    table->cell_count = table->cell_capacity = 0;
    buffer_clear(&table->cell);
    buffer_clear(&table->text);
    buffer_clear(&table->html);
}

bool doc_table_is_empty(const DocTable *table)
{
    return !table->first && table->cell_count == 0 && table->cell.len == 0;
}

MUST_USE static Error *append_with_space(Buffer *out, Str text)
{
    if (text.len > 0 && out->len > 0)
        TRY(buffer_append_byte(out, ' '));
    return buffer_append_str(out, text);
}

Error *doc_table_add_paragraph(DocTable *table, Str text)
{
    return append_with_space(&table->cell, chars_trim(text));
}

Error *doc_table_end_cell(DocTable *table)
{
    Arena *arena = table->rows_arena;
    if (table->cells_left == 0)
        return FAIL(LIMIT, "doc: the tables have more than %d cells", CELLS_MAX);
    table->cells_left--;
    if (table->cell_count == table->cell_capacity) {
        size_t capacity = MAX(2 * table->cell_capacity, (size_t)FIRST_CELLS);
        Str *cells = arena_grow(arena, table->cells, table->cell_capacity * sizeof *cells, capacity * sizeof *cells);
        if (!cells)
            return arena_error(arena);
        table->cells = cells;
        table->cell_capacity = capacity;
    }
    Str copy = arena_str(arena, buffer_str(&table->cell));
    if (!copy.data)
        return arena_error(arena);
    table->cells[table->cell_count++] = copy;
    buffer_clear(&table->cell);
    return NULL;
}

Error *doc_table_end_row(DocTable *table, Bytes definition)
{
    if (table->cell.len > 0)
        TRY(doc_table_end_cell(table)); /* the row ended before the cell did */
    DocRow *row = ARENA_NEW(table->rows_arena, DocRow);
    DocRowLayout *layout = ARENA_NEW(table->rows_arena, DocRowLayout);
    if (!row || !layout)
        return arena_error(table->rows_arena);
    bool fits = doc_row_layout(definition, layout) && layout->count == table->cell_count;
    *row = (DocRow){.cells = table->cells, .count = table->cell_count, .layout = fits ? layout : NULL};
    if (table->last)
        table->last->next = row;
    else
        table->first = row;
    table->last = row;
    table->cells = NULL;
    table->cell_count = table->cell_capacity = 0;
    return NULL;
}

/* Edges closer to each other than this are one: nobody draws columns as narrow. */
enum { EDGE_APART_TWIPS = 15 };

/* The column that begins at `edge`; behind the last one when there is none so far to the right. */
static size_t column_of(const Columns *columns, int16_t edge)
{
    size_t low = 0, high = columns->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (edge - columns->edges[middle] >= EDGE_APART_TWIPS)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* False when there are more than anybody draws. */
static bool add_edge(Columns *columns, int16_t edge)
{
    size_t place = column_of(columns, edge), behind = columns->count - place;
    if (behind > 0 && columns->edges[place] - edge < EDGE_APART_TWIPS)
        return true;
    if (columns->count == EDGES_MAX)
        return false;
    memmove(&columns->edges[place + 1], &columns->edges[place], behind * sizeof columns->edges[0]);
    columns->edges[place] = edge;
    columns->count++;
    return true;
}

static bool find_columns(const DocTable *table, Columns *columns)
{
    for (const DocRow *row = table->first; row; row = row->next) {
        for (size_t i = 0; row->layout && i <= row->layout->count; i++) {
            if (!add_edge(columns, row->layout->edges[i]))
                return false;
        }
    }
    return true;
}

MUST_USE static Error *append_cells(DocTable *table, Str text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (table->cells_left == 0)
            return FAIL(LIMIT, "doc: the tables have more than %d cells", CELLS_MAX);
        table->cells_left--;
        TRY(table_append_cell(&table->html, text, TABLE_ESCAPE_TAGS));
    }
    return NULL;
}

/* A table while its HTML is written. */
typedef struct Drawing {
    const Columns *columns; /* NULL: unknown, each cell takes one */
    Str *above;             /* [EDGES_MAX]: what the row above shows in each column */
    size_t column;          /* of the next cell */
} Drawing;

/* How many columns cell `index` takes. */
static size_t span_of(const Drawing *drawing, const DocRow *row, size_t index)
{
    size_t end = drawing->columns && row->layout ? column_of(drawing->columns, row->layout->edges[index + 1]) : 0;
    return end > drawing->column ? end - drawing->column : 1;
}

MUST_USE static Error *draw_cell(DocTable *table, Drawing *drawing, const DocRow *row, size_t index)
{
    size_t span = span_of(drawing, row, index);
    Str shown;
    if (row->layout && row->layout->continued[index] && drawing->column < EDGES_MAX) {
        shown = drawing->above[drawing->column];
    } else {
        TRY(append_with_space(&table->text, row->cells[index]));
        TRY(arena_collapse_space(table->rows_arena, row->cells[index], &shown));
    }
    for (size_t i = drawing->column; i < MIN(drawing->column + span, (size_t)EDGES_MAX); i++)
        drawing->above[i] = shown;
    drawing->column += span;
    return append_cells(table, shown, span);
}

/* Columns that the row leaves out, at its beginning or its end, are empty cells. */
MUST_USE static Error *draw_row(DocTable *table, Drawing *drawing, const DocRow *row)
{
    const Columns *columns = row->layout ? drawing->columns : NULL;
    drawing->column = columns ? column_of(columns, row->layout->edges[0]) : 0;
    TRY(buffer_append_str(&table->html, STR("<tr>")));
    TRY(append_cells(table, STR_EMPTY, drawing->column));
    for (size_t i = 0; i < row->count; i++)
        TRY(draw_cell(table, drawing, row, i));
    if (columns && drawing->column + 1 < columns->count)
        TRY(append_cells(table, STR_EMPTY, columns->count - 1 - drawing->column));
    return buffer_append_str(&table->html, STR("</tr>"));
}

Error *doc_table_finish(DocTable *table, Str *ret_text, Str *ret_html)
{
    Columns *columns = ARENA_NEW(table->rows_arena, Columns);
    Drawing drawing = {.above = ARENA_ARRAY(table->rows_arena, Str, EDGES_MAX)};
    if (!columns || !drawing.above)
        return arena_error(table->rows_arena);
    if (table->cell.len > 0 || table->cell_count > 0)
        TRY(doc_table_end_row(table, BYTES_EMPTY)); /* the text ended before the table did */
    for (size_t i = 0; i < EDGES_MAX; i++)
        drawing.above[i] = STR_EMPTY;
    drawing.columns = find_columns(table, columns) ? columns : NULL;
    TRY(buffer_append_str(&table->html, STR("<table>")));
    for (const DocRow *row = table->first; row; row = row->next)
        TRY(draw_row(table, &drawing, row));
    TRY(buffer_append_str(&table->html, STR("</table>")));
    *ret_text = buffer_str(&table->text);
    *ret_html = buffer_str(&table->html);
    return NULL;
}
