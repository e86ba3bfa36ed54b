#include "document/office/word_table.h"

#include "document/chars.h"
#include "document/table_html.h"

enum { CELLS_MAX = 1000 * 1000 };

typedef struct Cell {
    Str text; /* in scratch, white space collapsed */
    size_t span;
} Cell;

/* Which cell stands at each place of a row. */
typedef struct Row {
    const Cell **places;
    size_t count, capacity;
} Row;

/* A table that is being read; nested ones have their own. */
typedef struct Grid {
    WordTable *table;
    bool nested;
    Row above, current;
    size_t after; /* places that the row leaves out at its end */
} Grid;

Error *word_table_init(WordTable *table, WordParagraph *paragraph)
{
    *table = (WordTable){.paragraph = paragraph, .cells_left = CELLS_MAX};
    table->scratch =
        arena_new(2 * MIN(paragraph->content.text_max_bytes, GIB) + 64 * MIB); /* places take more than texts */
    return table->scratch ? NULL : FAIL(NO_MEMORY, "no memory for tables");
}

void word_table_done(WordTable *table)
{
    buffer_done(&table->text);
    buffer_done(&table->html);
    buffer_done(&table->cell);
    arena_free(table->scratch);
}

MUST_USE static Error *append_with_space(Buffer *out, Str text)
{
    if (text.len == 0)
        return NULL;
    if (out->len > 0)
        TRY(buffer_append_byte(out, ' '));
    return buffer_append_str(out, text);
}

MUST_USE static Error *add_place(Grid *g, const Cell *cell)
{
    WordTable *t = g->table;
    Row *row = &g->current;
    enum { FIRST_PLACES = 16 };
    if (t->cells_left == 0)
        return FAIL(LIMIT, "more than %d cells in all tables", CELLS_MAX);
    t->cells_left--;
    if (row->count == row->capacity) {
        size_t capacity = MAX(2 * row->capacity, (size_t)FIRST_PLACES);
        const Cell **places =
            arena_grow(t->scratch, row->places, row->capacity * sizeof *places, capacity * sizeof *places);
        if (!places)
            return arena_error(t->scratch);
        row->places = places;
        row->capacity = capacity;
    }
    row->places[row->count++] = cell;
    return g->nested ? append_with_space(&t->cell, cell->text)
                     : table_append_cell(&t->html, cell->text, TABLE_ESCAPE_TAGS);
}

/* Places that no cell takes. */
MUST_USE static Error *add_omitted(Grid *g, size_t count)
{
    static const Cell omitted = {.text = {"", 0}, .span = 1};
    for (size_t i = 0; i < count; i++)
        TRY(add_place(g, &omitted));
    return NULL;
}

/* The attribute `val` as a count; `otherwise` when it is none. */
static size_t count_of(const XmlReader *xml, size_t otherwise)
{
    Str value;
    uint64_t count;
    bool ok = xml_reader_attribute(xml, "val", &value) && str_to_u64(value, &count) && count <= SIZE_MAX;
    return ok ? (size_t)count : otherwise;
}

typedef struct CellProperties {
    size_t span;
    bool continued; /* of the cell above */
} CellProperties;

MUST_USE static Error *read_cell_properties(XmlReader *xml, CellProperties *ret_properties)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    Str value;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (event != XML_EVENT_START)
            continue;
        if (xml_reader_starts(xml, "gridSpan"))
            ret_properties->span = MAX(count_of(xml, 1), (size_t)1);
        else if (xml_reader_starts(xml, "vMerge"))
            ret_properties->continued = !xml_reader_attribute(xml, "val", &value) || str_equal(value, STR("continue"));
        TRY(xml_reader_skip(xml));
    }
}

MUST_USE static Error *read_paragraph(Grid *g, XmlReader *xml)
{
    WordTable *t = g->table;
    WordParagraph *p = t->paragraph;
    bool breaks_seen = p->breaks_seen;
    TRY(word_paragraph_read(p, xml));
    if (g->nested)
        p->breaks_seen = breaks_seen;
    else
        TRY(emphasis_append(&t->emphasis, p->content.arena, &p->content.emphasis));
    TRY(append_with_space(&t->text, chars_trim(buffer_str(&p->content.text))));
    return append_with_space(&t->cell, buffer_str(&p->content.text));
}

MUST_USE static Error *read_grid(WordTable *t, XmlReader *xml, bool nested);

/* What stands in a cell, to the table's text and behind what is in `cell`. */
MUST_USE static Error *read_cell_content(Grid *g, XmlReader *xml, CellProperties *properties)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (xml_reader_starts(xml, "tcPr"))
            TRY(read_cell_properties(xml, properties));
        else if (xml_reader_starts(xml, "p") && !properties->continued)
            TRY(read_paragraph(g, xml));
        else if (xml_reader_starts(xml, "tbl") && !properties->continued)
            TRY(read_grid(g->table, xml, true));
        else if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    }
}

MUST_USE static Error *read_cell(Grid *g, XmlReader *xml)
{
    WordTable *t = g->table;
    CellProperties properties = {.span = 1};
    size_t start = t->cell.len, place = g->current.count;
    TRY(read_cell_content(g, xml, &properties));
    const Cell *shown = place < g->above.count ? g->above.places[place] : NULL;
    if (!properties.continued || !shown) {
        Cell *cell = ARENA_NEW(t->scratch, Cell);
        if (!cell)
            return arena_error(t->scratch);
        cell->span = properties.span;
        TRY(arena_collapse_space(t->scratch, str_slice(buffer_str(&t->cell), start, t->cell.len), &cell->text));
        shown = cell;
    }
    t->cell.len = start; /* a nested table's cells become text of the cell that it is in */
    for (size_t i = 0; i < shown->span; i++)
        TRY(add_place(g, shown));
    return NULL;
}

MUST_USE static Error *read_row_properties(Grid *g, XmlReader *xml)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (event != XML_EVENT_START)
            continue;
        if (xml_reader_starts(xml, "gridBefore"))
            TRY(add_omitted(g, count_of(xml, 0)));
        else if (xml_reader_starts(xml, "gridAfter"))
            g->after = count_of(xml, 0);
        TRY(xml_reader_skip(xml));
    }
}

MUST_USE static Error *read_row(Grid *g, XmlReader *xml)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    Row above = g->above;
    g->above = g->current;
    g->current = (Row){above.places, 0, above.capacity};
    g->after = 0;
    if (!g->nested)
        TRY(buffer_append_str(&g->table->html, STR("<tr>")));
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            break;
        if (xml_reader_starts(xml, "trPr"))
            TRY(read_row_properties(g, xml));
        else if (xml_reader_starts(xml, "tc"))
            TRY(read_cell(g, xml));
        else if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    }
    TRY(add_omitted(g, g->after));
    return g->nested ? NULL : buffer_append_str(&g->table->html, STR("</tr>"));
}

MUST_USE static Error *read_grid(WordTable *t, XmlReader *xml, bool nested)
{
    unsigned depth = xml_reader_depth(xml);
    Grid grid = {.table = t, .nested = nested};
    XmlEvent event;
    bool inside;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (xml_reader_starts(xml, "tr"))
            TRY(read_row(&grid, xml));
        else if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    }
}

Error *word_table_read(WordTable *table, XmlReader *xml)
{
    arena_reset(table->scratch);
    buffer_clear(&table->text);
    buffer_clear(&table->html);
    buffer_clear(&table->cell);
    table->emphasis = (Emphasis){0};
    table->text.limit = table->cell.limit = table->paragraph->content.text_max_bytes;
    table->html.limit = 8 * table->paragraph->content.text_max_bytes + KIB;
    TRY(buffer_append_str(&table->html, STR("<table>")));
    TRY_CTX(read_grid(table, xml, false), "table");
    return buffer_append_str(&table->html, STR("</table>"));
}
