#include "document/html/cells.h"

#include <stdlib.h>

#include "base/json.h"
#include "document/chars.h"

enum {
    SPAN_COLUMNS_MAX = 1000, /* what a colspan, and a rowspan below, may say in HTML */
    SPAN_ROWS_MAX = 65534,
    HANGING_MAX = 1000 /* cells reaching down from rows above; what hangs beside so many moves nothing */
};

/* A cell that reaches down into the row being laid out. */
typedef struct Hanging {
    uint32_t column, columns, rows_left;
} Hanging;

typedef struct CellWriter {
    JsonWriter json;
    Buffer text;
    uint32_t rows, row; /* of the table; the one being written */
    uint32_t column;
    Hanging hanging[HANGING_MAX]; /* by column */
    size_t hanging_count, hanging_at;
    Hanging below[HANGING_MAX]; /* of the next row */
    size_t below_count;
} CellWriter;

static void cell_writer_free(CellWriter **w)
{
    if (*w)
        buffer_done(&(*w)->text);
    free(*w);
}

Error *cell_append_text(const HtmlNode *cell, Buffer *out)
{
    size_t start = out->len;
    for (const HtmlNode *node = cell; node; node = html_next_inside(node, cell)) {
        Str text = node->is_text ? chars_trim(node->text) : STR_EMPTY;
        if (text.len == 0)
            continue;
        if (out->len > start)
            TRY(buffer_append_byte(out, ' '));
        TRY(buffer_append_str(out, text));
    }
    return NULL;
}

/* The first row from `node` on among its siblings and, for groups of rows, in them. */
static const HtmlNode *row_from(const HtmlNode *node)
{
    for (; node; node = node->next) {
        if (node->tag.name == NAME_TR)
            return node;
        const HtmlNode *inside = tag_is_row_group(node->tag) ? node->first_child : NULL;
        while (inside && inside->tag.name != NAME_TR)
            inside = inside->next;
        if (inside)
            return inside;
    }
    return NULL;
}

const HtmlNode *table_next_row(const HtmlNode *table, const HtmlNode *row)
{
    if (!row)
        return row_from(table->first_child);
    bool grouped = row->parent != table;
    for (const HtmlNode *next = row->next; next && grouped; next = next->next) {
        if (next->tag.name == NAME_TR)
            return next;
    }
    return row_from(grouped ? row->parent->next : row->next);
}

static const HtmlNode *next_cell(const HtmlNode *node)
{
    while (node && !tag_is_cell(node->tag))
        node = node->next;
    return node;
}

/* Past the places that cells of rows above take. Those that end in this row, or are passed, go on below. */
static void pass_hanging(CellWriter *w, uint32_t column_end)
{
    while (w->hanging_at < w->hanging_count && w->hanging[w->hanging_at].column < column_end) {
        Hanging hanging = w->hanging[w->hanging_at++];
        w->column = MAX(w->column, hanging.column + hanging.columns);
        if (--hanging.rows_left > 0 && w->below_count < HANGING_MAX)
            w->below[w->below_count++] = hanging;
    }
}

static uint32_t clip(uint32_t value, uint32_t max)
{
    return MAX(MIN(value, max), 1U);
}

MUST_USE static Error *write_cell(CellWriter *w, const HtmlNode *cell)
{
    while (w->hanging_at < w->hanging_count && w->hanging[w->hanging_at].column <= w->column)
        pass_hanging(w, w->column + 1);
    uint32_t columns = clip(cell->columns, SPAN_COLUMNS_MAX);
    uint32_t rows = clip(MIN(cell->rows, SPAN_ROWS_MAX), w->rows - w->row);
    uint32_t column = w->column;
    buffer_clear(&w->text);
    TRY(cell_append_text(cell, &w->text));
    json_open_object(&w->json);
    json_member(&w->json, "x", uint, column);
    json_member(&w->json, "y", uint, w->row);
    json_member(&w->json, "w", uint, columns);
    json_member(&w->json, "h", uint, rows);
    json_member(&w->json, "content", str, buffer_str(&w->text));
    json_close_object(&w->json);
    if (rows > 1 && w->below_count < HANGING_MAX)
        w->below[w->below_count++] = (Hanging){column, columns, rows - 1};
    w->column += columns;
    return NULL;
}

MUST_USE static Error *write_row(CellWriter *w, const HtmlNode *row)
{
    w->column = 0;
    w->hanging_at = w->below_count = 0;
    for (const HtmlNode *cell = next_cell(row->first_child); cell; cell = next_cell(cell->next))
        TRY(write_cell(w, cell));
    pass_hanging(w, UINT32_MAX);
    memcpy(w->hanging, w->below, w->below_count * sizeof *w->hanging);
    w->hanging_count = w->below_count;
    w->row++;
    return NULL;
}

MUST_USE static Error *write_cells(const HtmlNode *table, Buffer *out)
{
    CLEANUP(cell_writer_free) CellWriter *w = calloc(1, sizeof *w);
    if (!w)
        return FAIL(NO_MEMORY, "table_as_cells: no memory");
    w->text.limit = out->limit;
    for (const HtmlNode *row = table_next_row(table, NULL); row; row = table_next_row(table, row))
        w->rows += next_cell(row->first_child) != NULL;
    json_begin(&w->json, out, 0);
    json_open_array(&w->json);
    for (const HtmlNode *row = table_next_row(table, NULL); row; row = table_next_row(table, row)) {
        if (next_cell(row->first_child))
            TRY(write_row(w, row));
    }
    json_close_array(&w->json);
    return json_finish(&w->json);
}

MUST_USE static Error *add_extra(Arena *arena, Element *element, Str key, Str value)
{
    ElementRare *rare;
    TRY(element_add_rare(element, arena, &rare));
    size_t count = rare->extra_keys.count;
    Str *keys = ARENA_ARRAY(arena, Str, count + 1), *values = ARENA_ARRAY(arena, Str, count + 1);
    value = arena_str(arena, value);
    if (!keys || !values || !value.data)
        return arena_error(arena);
    for (size_t i = 0; i < count; i++) {
        keys[i] = rare->extra_keys.items[i];
        values[i] = rare->extra_values.items[i];
    }
    keys[count] = key;
    values[count] = value;
    rare->extra_keys = (StrList){keys, count + 1};
    rare->extra_values = (StrList){values, count + 1};
    return NULL;
}

static const Str KEY = {"table_as_cells", 14};

static bool has_cells(const Element *element)
{
    const StrList *keys = &element_rare(element)->extra_keys;
    for (size_t i = 0; i < keys->count; i++) {
        if (str_equal(keys->items[i], KEY))
            return true;
    }
    return false;
}

Error *cells_set(const HtmlNode *table, Arena *arena, Element *element)
{
    CLEANUP(buffer_done) Buffer json = {0};
    TRY(write_cells(table, &json));
    return add_extra(arena, element, KEY, buffer_str(&json));
}

static const HtmlNode *first_table(const HtmlTree *tree)
{
    const HtmlNode *node = tree->root;
    while (node && node->tag.kind != TAG_TABLE)
        node = html_next_inside(node, tree->root);
    return node;
}

Error *cells_set_all(Elements *elements, size_t first)
{
    CLEANUP(arena_freep) Arena *scratch = arena_new(GIB);
    if (!scratch)
        return FAIL(NO_MEMORY, "table_as_cells: no memory");
    for (size_t i = first; i < elements->count; i++) {
        Element *element = &elements->items[i];
        HtmlTree tree;
        arena_reset(scratch);
        if (element->type != ELEMENT_TABLE || element->text_as_html.len == 0 || has_cells(element))
            continue;
        TRY_CTX(html_read(element->text_as_html, HTML_READ_BLOCKS, 0, scratch, &tree), "table_as_cells");
        const HtmlNode *table = first_table(&tree);
        if (table)
            TRY_CTX(cells_set(table, elements->arena, element), "table_as_cells");
    }
    return NULL;
}
