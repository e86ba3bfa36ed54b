#include "document/sheets/grid.h"

#include <stdlib.h>

#include "document/rules.h"
#include "document/table_html.h"

/* Rows that stand together: cells [start, end) of the grid, columns [left, right]. */
typedef struct Block {
    size_t start, end;
    uint32_t left, right;
} Block;

/* What the block's elements share. */
typedef struct Sheet {
    Grid *grid;
    Builder *builder;
    Str name;
    uint32_t number;
    Buffer text, html; /* of a table */
} Sheet;

static void sheet_done(Sheet *sheet)
{
    buffer_done(&sheet->text);
    buffer_done(&sheet->html);
}

void grid_clear(Grid *grid)
{
    grid->count = 0;
    grid->unordered = false;
    grid->row_count = grid->column_count = 0;
}

MUST_USE static Error *make_room(Grid *grid)
{
    if (grid->count == GRID_CELLS_MAX)
        return FAIL(LIMIT, "a sheet has more than %d filled cells", GRID_CELLS_MAX);
    size_t capacity = MIN(MAX(2 * grid->capacity, (size_t)256), (size_t)GRID_CELLS_MAX);
    GridCell *cells = arena_grow(grid->arena, grid->cells, grid->capacity * sizeof *cells, capacity * sizeof *cells);
    if (!cells)
        return arena_error(grid->arena);
    grid->cells = cells;
    grid->capacity = capacity;
    return NULL;
}

static bool stands_before(const GridCell *a, const GridCell *b)
{
    return a->row != b->row ? a->row < b->row : a->column < b->column;
}

Error *grid_set(Grid *grid, uint32_t row, uint32_t column, const Value *value)
{
    ASSERT(row < GRID_ROWS_MAX && column < GRID_COLUMNS_MAX);
    grid->row_count = MAX(grid->row_count, row + 1);
    if (!value || (value->kind == VALUE_TEXT && value_is_missing_text(value->text)))
        return NULL;
    if (grid->count == grid->capacity)
        TRY(make_room(grid));
    GridCell *cell = &grid->cells[grid->count++];
    *cell = (GridCell){row, column, *value};
    grid->column_count = MAX(grid->column_count, column + 1);
    if (grid->count > 1 && !stands_before(cell - 1, cell))
        grid->unordered = true;
    return NULL;
}

static int compare_cells(const void *a, const void *b)
{
    const GridCell *left = a, *right = b;
    if (left->row != right->row)
        return left->row < right->row ? -1 : 1;
    return left->column < right->column ? -1 : left->column > right->column;
}

/* Row after row; of several values of one cell the last. qsort of glibc 2.36 is stable up to a quarter of the machine's memory. */
static void put_in_order(Grid *grid)
{
    if (!grid->unordered)
        return;
    qsort(grid->cells, grid->count, sizeof *grid->cells, compare_cells);
    size_t kept = 0;
    for (size_t i = 0; i < grid->count; i++) {
        const GridCell *cell = &grid->cells[i];
        if (i + 1 == grid->count || stands_before(cell, cell + 1))
            grid->cells[kept++] = *cell;
    }
    grid->count = kept;
    grid->unordered = false;
}

MUST_USE static Error *judge_columns(Grid *grid)
{
    if (grid->column_count > grid->column_capacity) {
        uint32_t capacity = MAX(grid->column_count, MIN(2 * grid->column_capacity, (uint32_t)GRID_COLUMNS_MAX));
        grid->columns = ARENA_ARRAY(grid->arena, GridColumn, capacity);
        if (!grid->columns)
            return arena_error(grid->arena);
        grid->column_capacity = capacity;
    }
    for (uint32_t c = 0; c < grid->column_count; c++)
        grid->columns[c] = (GridColumn){0};
    for (size_t i = 0; i < grid->count; i++)
        column_see(&grid->columns[grid->cells[i].column].evidence, &grid->cells[i].value);
    for (uint32_t c = 0; c < grid->column_count; c++) {
        GridColumn *column = &grid->columns[c];
        column->kind = column_kind(&column->evidence, column->evidence.values < grid->row_count);
    }
    return NULL;
}

/* Behind the last cell of the row that begins at `start`. */
static size_t row_end(const Grid *grid, size_t start)
{
    size_t end = start + 1;
    while (end < grid->count && grid->cells[end].row == grid->cells[start].row)
        end++;
    return end;
}

/* Whether a column is filled in both rows: [start, middle) and [middle, end). */
static bool rows_touch(const Grid *grid, size_t start, size_t middle, size_t end)
{
    const GridCell *cells = grid->cells;
    if (cells[start].row + 1 != cells[middle].row)
        return false;
    for (size_t a = start, b = middle; a < middle && b < end;) {
        if (cells[a].column == cells[b].column)
            return true;
        if (cells[a].column < cells[b].column)
            a++;
        else
            b++;
    }
    return false;
}

/* The block that begins at `start`. The originals look for cells that are connected, side by side or one above the other, and join the groups that
 * have a row in common. So two rows are in one block when a group reaches from one to the next, and that is when a column is filled in both. */
static Block next_block(const Grid *grid, size_t start)
{
    size_t end = row_end(grid, start), row = start;
    while (end < grid->count) {
        size_t next = row_end(grid, end);
        if (!rows_touch(grid, row, end, next))
            break;
        row = end;
        end = next;
    }
    Block block = {start, end, GRID_COLUMNS_MAX, 0};
    for (size_t i = start; i < end; i++) {
        block.left = MIN(block.left, grid->cells[i].column);
        block.right = MAX(block.right, grid->cells[i].column);
    }
    return block;
}

MUST_USE static Error *set_sheet(const Sheet *sheet, Element *element)
{
    ElementRare *rare;
    TRY(element_add_rare(element, sheet->builder->elements->arena, &rare));
    element->page_number = sheet->number;
    rare->page_name = sheet->name;
    return NULL;
}

/* pandas gives a row one type: where its columns are of numbers alone and one is real, empty ones among them, all numbers are. */
static bool rows_are_real(const Grid *grid, const Block *block)
{
    bool real = false;
    for (uint32_t c = block->left; c <= block->right; c++) {
        const GridColumn *column = &grid->columns[c];
        if (column->evidence.values > 0 && column->kind != COLUMN_WHOLE && column->kind != COLUMN_REAL)
            return false;
        real |= column->kind != COLUMN_WHOLE;
    }
    return real;
}

static ElementType classify(Str text)
{
    if (text_is_numbered(text))
        return ELEMENT_LIST_ITEM;
    if (text_is_possible_narrative(text))
        return ELEMENT_NARRATIVE_TEXT;
    return text_is_possible_title(text) ? ELEMENT_TITLE : ELEMENT_UNCATEGORIZED_TEXT;
}

/* A number's minus is no bullet, which it is in 0.16.12, but no longer in later releases. */
MUST_USE static Error *add_paragraph(const Sheet *sheet, Str text, bool may_be_bulleted)
{
    Element *element;
    if (may_be_bulleted && text_is_bulleted(text))
        TRY(builder_add(sheet->builder, ELEMENT_LIST_ITEM, text_without_bullet(text), &element));
    else
        TRY(builder_add(sheet->builder, classify(text), text, &element));
    return set_sheet(sheet, element);
}

/* Cells [start, end), each alone in its row. */
MUST_USE static Error *add_paragraphs(const Sheet *sheet, bool real, size_t start, size_t end)
{
    char formatted[VALUE_TEXT_BYTES];
    for (size_t i = start; i < end; i++) {
        const GridCell *cell = &sheet->grid->cells[i];
        ColumnKind kind = real ? COLUMN_REAL : sheet->grid->columns[cell->column].kind;
        bool is_text = cell->value.kind == VALUE_TEXT && kind == COLUMN_MIXED;
        TRY(add_paragraph(sheet, value_print_alone(&cell->value, kind, formatted), is_text));
    }
    return NULL;
}

MUST_USE static Error *append_cell(Sheet *sheet, uint32_t column, const Value *value)
{
    char formatted[VALUE_TEXT_BYTES];
    Str text;
    TRY(value_print(value, &sheet->grid->columns[column].format, sheet->grid->arena, formatted, &text));
    if (text.len > 0 && sheet->text.len > 0)
        TRY(buffer_append_byte(&sheet->text, ' '));
    TRY(buffer_append_str(&sheet->text, text));
    return table_append_cell(&sheet->html, text, TABLE_ESCAPE_TAGS);
}

MUST_USE static Error *append_row(Sheet *sheet, const Block *block, size_t start, size_t end)
{
    TRY(buffer_append_str(&sheet->html, STR("<tr>")));
    for (uint32_t c = block->left; c <= block->right; c++) {
        bool filled = start < end && sheet->grid->cells[start].column == c;
        TRY(append_cell(sheet, c, filled ? &sheet->grid->cells[start++].value : NULL));
    }
    return buffer_append_str(&sheet->html, STR("</tr>"));
}

MUST_USE static Error *append_rows(Sheet *sheet, const Block *block)
{
    Grid *grid = sheet->grid;
    for (uint32_t c = block->left; c <= block->right; c++)
        grid->columns[c].format = column_format(grid->columns[c].kind);
    for (size_t i = block->start; i < block->end; i++)
        column_format_see(&grid->columns[grid->cells[i].column].format, &grid->cells[i].value);
    TRY(buffer_append_str(&sheet->html, STR("<table>")));
    for (size_t start = block->start, end; start < block->end; start = end) {
        end = row_end(grid, start);
        TRY(append_row(sheet, block, start, end));
    }
    return buffer_append_str(&sheet->html, STR("</table>"));
}

/* `table` has the block's columns and some of its rows. */
MUST_USE static Error *add_table(Sheet *sheet, const Block *table)
{
    Grid *grid = sheet->grid;
    Element *element;
    size_t rows = grid->cells[table->end - 1].row - grid->cells[table->start].row + 1;
    size_t columns = table->right - table->left + 1;
    if (rows > GRID_CELLS_MAX / columns)
        return FAIL(LIMIT, "a table of %zu rows and %zu columns has more than %d cells", rows, columns, GRID_CELLS_MAX);
    buffer_clear(&sheet->text);
    buffer_clear(&sheet->html);
    sheet->text.limit = sheet->builder->text_left + 1;
    sheet->html.limit = 8 * sheet->builder->text_left + 32 * (size_t)GRID_CELLS_MAX;
    TRY(append_rows(sheet, table));
    TRY(builder_add(sheet->builder, ELEMENT_TABLE, buffer_str(&sheet->text), &element));
    element->text_as_html = arena_str(grid->arena, buffer_str(&sheet->html));
    if (!element->text_as_html.data)
        return arena_error(grid->arena);
    return set_sheet(sheet, element);
}

static bool row_has_one_cell(const Grid *grid, const Block *block, size_t cell)
{
    uint32_t row = grid->cells[cell].row;
    return (cell == block->start || grid->cells[cell - 1].row != row)
           && (cell + 1 == block->end || grid->cells[cell + 1].row != row);
}

MUST_USE static Error *add_block(Sheet *sheet, const Block *block)
{
    Block table = *block;
    bool real = rows_are_real(sheet->grid, block);
    while (table.start < table.end && row_has_one_cell(sheet->grid, block, table.start))
        table.start++;
    while (table.end > table.start && row_has_one_cell(sheet->grid, block, table.end - 1))
        table.end--;
    TRY(add_paragraphs(sheet, real, block->start, table.start));
    if (table.start < table.end)
        TRY(add_table(sheet, &table));
    return add_paragraphs(sheet, real, table.end, block->end);
}

Error *grid_add_elements(Grid *grid, Builder *builder, Str sheet_name, uint32_t sheet_number)
{
    CLEANUP(sheet_done) Sheet sheet = {.grid = grid, .builder = builder, .number = sheet_number};
    sheet.name = arena_str(grid->arena, sheet_name);
    if (!sheet.name.data)
        return arena_error(grid->arena);
    put_in_order(grid);
    TRY(judge_columns(grid));
    for (size_t at = 0; at < grid->count;) {
        Block block = next_block(grid, at);
        TRY_CTX(add_block(&sheet, &block), "sheet '" STR_FMT "'", STR_ARG(sheet_name));
        at = block.end;
    }
    return NULL;
}
