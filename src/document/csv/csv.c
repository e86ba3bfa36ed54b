/* CSV and TSV: the whole file is one table. Sources: RFC 4180; spec/unstructured.md 3.10 for what the originals' reader (pandas) makes of
 * cells. One thing differs on purpose: a row longer than the first widens the table, where pandas gives the file up. */
#include "document/builder.h"
#include "document/csv/sniff.h"
#include "document/sheets/value.h"
#include "document/table_html.h"
#include "document/text/charset.h"

enum { CSV_CELLS_MAX = 1000 * 1000 }; /* spec/security.md 4.3 */

typedef struct CsvTable {
    Arena *arena;
    Str *cells; /* row after row */
    size_t cell_count, cell_capacity;
    size_t *row_starts; /* [row_count + 1]: index of the row's first cell */
    size_t row_count, row_capacity;
    size_t columns; /* of the widest row */
} CsvTable;

MUST_USE static Error *end_row(CsvTable *t)
{
    if (t->row_count + 1 >= t->row_capacity) {
        size_t capacity = MAX(2 * t->row_capacity, (size_t)64);
        size_t *starts = ARENA_ARRAY(t->arena, size_t, capacity);
        if (!starts)
            return arena_error(t->arena);
        if (t->row_count > 0)
            memcpy(starts, t->row_starts, (t->row_count + 1) * sizeof *starts);
        t->row_starts = starts;
        t->row_capacity = capacity;
    }
    t->columns = MAX(t->columns, t->cell_count - t->row_starts[t->row_count]);
    t->row_starts[++t->row_count] = t->cell_count;
    return NULL;
}

MUST_USE static Error *add_cell(CsvTable *t, Str text)
{
    if (t->cell_count >= CSV_CELLS_MAX)
        return FAIL(LIMIT, "csv: more than %d cells", CSV_CELLS_MAX);
    if (t->cell_count == t->cell_capacity) {
        size_t capacity = MAX(2 * t->cell_capacity, (size_t)256);
        Str *cells = ARENA_ARRAY(t->arena, Str, capacity);
        if (!cells)
            return arena_error(t->arena);
        if (t->cell_count > 0)
            memcpy(cells, t->cells, t->cell_count * sizeof *cells);
        t->cells = cells;
        t->cell_capacity = capacity;
    }
    t->cells[t->cell_count++] = text;
    return NULL;
}

/* Where the field that begins at `at` ends, which without a delimiter ('\0') is where its line does, and whether it has quotes besides those around it. */
static size_t field_end(Str text, size_t at, char delimiter, size_t *ret_quotes)
{
    bool quoted = false;
    *ret_quotes = 0;
    bool may_quote = at < text.len && text.data[at] == '"';
    for (; at < text.len; at++) {
        char c = text.data[at];
        if (c == '"' && may_quote) {
            quoted = !quoted;
            ++*ret_quotes;
        } else if (!quoted && ((c == delimiter && delimiter != '\0') || c == '\n' || c == '\r'))
            break;
    }
    return at;
}

/* Without the quotes; a doubled one inside them is one. */
MUST_USE static Error *unquote(CsvTable *t, Str field, Str *ret_text)
{
    char *out = arena_alloc(t->arena, field.len);
    if (!out)
        return arena_error(t->arena);
    bool quoted = false;
    size_t len = 0;
    for (size_t i = 0; i < field.len; i++) {
        if (field.data[i] != '"')
            out[len++] = field.data[i];
        else if (quoted && i + 1 < field.len && field.data[i + 1] == '"')
            out[len++] = field.data[i++];
        else
            quoted = !quoted;
    }
    *ret_text = (Str){out, len};
    return NULL;
}

/* `*at` moves to the delimiter or line end behind the field. */
MUST_USE static Error *read_field(CsvTable *t, Str text, char delimiter, size_t *at)
{
    size_t quotes, end = field_end(text, *at, delimiter, &quotes);
    Str field = str_slice(text, *at, end);
    *at = end;
    if (quotes == 2 && field.data[field.len - 1] == '"')
        field = str_slice(field, 1, field.len - 1);
    else if (quotes > 0)
        TRY(unquote(t, field, &field));
    return add_cell(t, field);
}

/* One row; `*at` moves behind its line end. */
MUST_USE static Error *read_row(CsvTable *t, Str text, char delimiter, size_t *at)
{
    for (;;) {
        TRY(read_field(t, text, delimiter, at));
        if (*at >= text.len || text.data[*at] != delimiter)
            break;
        ++*at;
    }
    if (*at < text.len && text.data[*at] == '\r')
        ++*at;
    if (*at < text.len && text.data[*at] == '\n')
        ++*at;
    return end_row(t);
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

MUST_USE static Error *read_rows(CsvTable *t, Str text, char delimiter)
{
    t->row_starts = ARENA_ARRAY(t->arena, size_t, 64);
    if (!t->row_starts)
        return arena_error(t->arena);
    t->row_capacity = 64;
    for (size_t at = 0; at < text.len;) {
        if (is_line_end(text.data[at]))
            at++; /* a blank line is no row */
        else
            TRY(read_row(t, text, delimiter, &at));
    }
    return NULL;
}

/* The cell's value; false when it is empty or not there. */
static bool cell_at(const CsvTable *t, size_t row, size_t column, Value *ret_value)
{
    size_t cell = t->row_starts[row] + column;
    if (cell >= t->row_starts[row + 1] || value_is_missing_text(t->cells[cell]))
        return false;
    *ret_value = (Value){.kind = VALUE_TEXT, .text = t->cells[cell]};
    return true;
}

static ColumnFormat judge_column(const CsvTable *t, size_t column)
{
    ColumnEvidence evidence = {0};
    Value value;
    for (size_t row = 0; row < t->row_count; row++) {
        if (cell_at(t, row, column, &value))
            column_see(&evidence, &value);
    }
    ColumnFormat format = column_format(column_kind(&evidence, evidence.values < t->row_count));
    for (size_t row = 0; format.kind == COLUMN_REAL && row < t->row_count; row++) {
        if (cell_at(t, row, column, &value))
            column_format_see(&format, &value);
    }
    return format;
}

/* `*ret_formats` [columns] is in the table's arena. */
MUST_USE static Error *judge_columns(const CsvTable *t, ColumnFormat **ret_formats)
{
    ColumnFormat *formats = ARENA_ARRAY(t->arena, ColumnFormat, t->columns);
    if (!formats)
        return arena_error(t->arena);
    for (size_t column = 0; column < t->columns; column++)
        formats[column] = judge_column(t, column);
    *ret_formats = formats;
    return NULL;
}

MUST_USE static Error *append_row(const CsvTable *t, const ColumnFormat *formats, size_t row, Buffer *text,
                                  Buffer *html)
{
    char formatted[VALUE_TEXT_BYTES];
    TRY(buffer_append_str(html, STR("<tr>")));
    for (size_t i = 0; i < t->columns; i++) {
        Value value;
        Str cell;
        bool filled = cell_at(t, row, i, &value);
        TRY(value_print(filled ? &value : NULL, &formats[i], t->arena, formatted, &cell));
        if (cell.len > 0 && text->len > 0)
            TRY(buffer_append_byte(text, ' '));
        TRY(buffer_append_str(text, cell));
        TRY(table_append_cell(html, cell, TABLE_ESCAPE_TAGS));
    }
    return buffer_append_str(html, STR("</tr>"));
}

MUST_USE static Error *append_rows(const CsvTable *t, Buffer *text, Buffer *html)
{
    ColumnFormat *formats;
    TRY(judge_columns(t, &formats));
    TRY(buffer_append_str(html, STR("<table>")));
    for (size_t row = 0; row < t->row_count; row++)
        TRY(append_row(t, formats, row, text, html));
    return buffer_append_str(html, STR("</table>"));
}

MUST_USE static Error *add_table(Builder *builder, const CsvTable *t)
{
    Element *element;
    if (t->columns > 0 && t->row_count > CSV_CELLS_MAX / t->columns) /* short rows are filled up */
        return FAIL(LIMIT, "csv: %zu rows of %zu columns are more than %d cells", t->row_count, t->columns,
                    CSV_CELLS_MAX);
    CLEANUP(buffer_done) Buffer text = {.limit = builder->text_left + 1};
    CLEANUP(buffer_done) Buffer html = {.limit = 8 * builder->text_left + 32 * (size_t)CSV_CELLS_MAX};
    TRY_CTX(append_rows(t, &text, &html), "csv");
    if (text.len == 0)
        return NULL;
    TRY(builder_add(builder, ELEMENT_TABLE, buffer_str(&text), &element));
    element->text_as_html = arena_str(t->arena, buffer_str(&html));
    return element->text_as_html.data ? NULL : arena_error(t->arena);
}

Error *partition_csv(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                     Elements *elements)
{
    Str text;
    Builder builder;
    CsvTable table = {.arena = elements->arena};
    builder_init(&builder, options, watch, elements);
    TRY(charset_decode(input, options->encoding, elements->arena, &text));
    char delimiter = str_equal(filetype, STR("text/tsv")) ? '\t' : csv_sniff_delimiter(text);
    TRY(read_rows(&table, text, delimiter));
    return add_table(&builder, &table);
}
