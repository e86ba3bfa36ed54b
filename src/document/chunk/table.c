#include "document/chunk/table.h"

#include "document/chars.h"
#include "document/chunk/split.h"
#include "document/table_html.h"

enum {
    ROWS_MIN_CHARACTERS = 50, /* below, not even the tags of a row have room */
    ROWS_MIN_TOKENS = 15,
    TAGS_CHARACTERS = 33, /* of a row with one cell, which its text must leave room for */
    TAGS_TOKENS = 10
};

typedef struct Cell {
    Str html; /* between its tags */
    Str text;
} Cell;

typedef struct Row {
    size_t first, count; /* its cells */
    Str text;            /* of all cells that have any */
    bool is_header;
} Row;

typedef struct Table {
    Arena *arena;
    Cell *cells;
    size_t cell_count, cell_capacity;
    Row *rows;
    size_t row_count, row_capacity;
} Table;

/* ---- reading: our own compact HTML, or what elements in JSON brought ---- */

MUST_USE static Error *grow(Arena *arena, void **items, size_t count, size_t *capacity, size_t each_bytes)
{
    if (count < *capacity)
        return NULL;
    size_t wanted = MAX(2 * *capacity, (size_t)64);
    void *memory = arena_grow(arena, *items, *capacity * each_bytes, wanted * each_bytes);
    if (!memory)
        return arena_error(arena);
    *items = memory;
    *capacity = wanted;
    return NULL;
}

MUST_USE static Error *begin_row(Table *t, bool is_header)
{
    void *rows = t->rows;
    TRY(grow(t->arena, &rows, t->row_count, &t->row_capacity, sizeof *t->rows));
    t->rows = rows;
    t->rows[t->row_count++] = (Row){.first = t->cell_count, .text = STR_EMPTY, .is_header = is_header};
    return NULL;
}

/* One entity at the start of `html`; its length, or 0 for none that we know. */
static size_t entity_at(Str html, char *ret_character)
{
    static const struct {
        Str entity;
        char character;
    } entities[] = {{{"&amp;", 5}, '&'},  {{"&lt;", 4}, '<'},    {{"&gt;", 4}, '>'},
                    {{"&quot;", 6}, '"'}, {{"&#x27;", 6}, '\''}, {{"&#39;", 5}, '\''}};
    for (size_t i = 0; i < ARRAY_COUNT(entities); i++) {
        if (str_starts_with(html, entities[i].entity)) {
            *ret_character = entities[i].character;
            return entities[i].entity.len;
        }
    }
    return 0;
}

/* Without tags and entities, white space runs as one space. */
MUST_USE static Error *text_of(Str html, Arena *arena, Str *ret_text)
{
    char *out = arena_alloc(arena, html.len + 1);
    size_t len = 0;
    bool space = false;
    if (!out)
        return arena_error(arena);
    for (size_t at = 0; at < html.len;) {
        char c = html.data[at];
        size_t end = c == '<' ? str_find_char(str_slice(html, at, html.len), '>') : SIZE_MAX;
        size_t entity = c == '&' ? entity_at(str_slice(html, at, html.len), &c) : 0;
        at += end != SIZE_MAX ? end + 1 : MAX(entity, (size_t)1);
        if (end != SIZE_MAX || c == ' ' || c == '\n' || c == '\t' || c == '\r') {
            space = len > 0;
            continue;
        }
        if (space)
            out[len++] = ' ';
        space = false;
        out[len++] = c;
    }
    *ret_text = (Str){out, len};
    return NULL;
}

MUST_USE static Error *add_cell(Table *t, Str html)
{
    void *cells = t->cells;
    if (t->row_count == 0)
        TRY(begin_row(t, false));
    TRY(grow(t->arena, &cells, t->cell_count, &t->cell_capacity, sizeof *t->cells));
    t->cells = cells;
    Cell *cell = &t->cells[t->cell_count];
    cell->html = html;
    TRY(text_of(html, t->arena, &cell->text));
    t->cell_count++;
    t->rows[t->row_count - 1].count++;
    return NULL;
}

static Str tag_name(Str tag)
{
    size_t end = 0;
    while (end < tag.len && tag.data[end] != ' ' && tag.data[end] != '\n' && (end == 0 || tag.data[end] != '/'))
        end++;
    return str_slice(tag, 0, end);
}

/* Where a table's reading stands. */
typedef struct TableScan {
    unsigned tables; /* open ones: what is in a table in a cell belongs to the cell */
    bool in_head, in_cell;
    size_t cell_start;
} TableScan;

MUST_USE static Error *take_tag(Table *t, TableScan *scan, Str html, size_t at, size_t end)
{
    Str tag = str_slice(html, at + 1, end), name = tag_name(tag);
    if (str_equal_nocase(name, STR("table")))
        scan->tables++;
    else if (str_equal_nocase(name, STR("/table")) && scan->tables > 0)
        scan->tables--;
    if (scan->tables > 1)
        return NULL;
    bool is_th = str_equal_nocase(name, STR("th"));
    if (str_equal_nocase(name, STR("thead")))
        scan->in_head = true;
    else if (str_equal_nocase(name, STR("/thead")))
        scan->in_head = false;
    else if (str_equal_nocase(name, STR("tr")))
        return begin_row(t, scan->in_head);
    else if ((is_th || str_equal_nocase(name, STR("td"))) && str_ends_with(tag, STR("/")))
        return add_cell(t, STR_EMPTY);
    else if (is_th || str_equal_nocase(name, STR("td"))) {
        scan->in_cell = true;
        scan->cell_start = end + 1;
        if (is_th && t->row_count > 0)
            t->rows[t->row_count - 1].is_header = true;
    } else if (scan->in_cell && (str_equal_nocase(name, STR("/td")) || str_equal_nocase(name, STR("/th")))) {
        scan->in_cell = false;
        return add_cell(t, str_slice(html, scan->cell_start, at));
    }
    return NULL;
}

MUST_USE static Error *join_row(const Table *t, Row *row)
{
    CLEANUP(buffer_done) Buffer text = {0};
    for (size_t i = row->first; i < row->first + row->count; i++) {
        if (t->cells[i].text.len == 0)
            continue;
        if (text.len > 0)
            TRY(buffer_append_byte(&text, ' '));
        TRY(buffer_append_str(&text, t->cells[i].text));
    }
    row->text = text.len > 0 ? arena_str(t->arena, buffer_str(&text)) : STR_EMPTY;
    return row->text.data ? NULL : arena_error(t->arena);
}

MUST_USE static Error *read_table(Str html, Table *t)
{
    TableScan scan = {0};
    for (size_t at = 0; at < html.len;) {
        size_t start = str_find_char(str_slice(html, at, html.len), '<');
        if (start == SIZE_MAX)
            break;
        at += start;
        size_t length = str_find_char(str_slice(html, at, html.len), '>');
        if (length == SIZE_MAX)
            break;
        TRY(take_tag(t, &scan, html, at, at + length));
        at += length + 1;
    }
    for (size_t i = 0; i < t->row_count; i++)
        TRY(join_row(t, &t->rows[i]));
    return NULL;
}

/* ---- cutting ---- */

typedef struct TableSplitter {
    const ChunkOptions *options;
    const Table *table;
    size_t length_max;
    size_t header_rows; /* that each later piece begins with; 0: none is repeated */
    size_t header_length;
    TakeTablePiece *take;
    void *context;
    /* The piece being put together: rows, or cells of one row. */
    Buffer text, html;
    size_t space;
    size_t index;
} TableSplitter;

/* What a piece has room for: the length of its text. */
static void begin_piece(TableSplitter *s)
{
    size_t reserved = s->index > 0 ? s->header_length : 0;
    s->space = s->length_max > reserved ? s->length_max - reserved : 1;
    buffer_clear(&s->text);
    buffer_clear(&s->html);
}

MUST_USE static Error *append_text(Buffer *out, Str text)
{
    if (text.len == 0)
        return NULL;
    if (out->len > 0)
        TRY(buffer_append_byte(out, ' '));
    return buffer_append_str(out, text);
}

MUST_USE static Error *append_row(const TableSplitter *s, const Row *row, const char *tag, Buffer *html)
{
    TRY(buffer_append_str(html, STR("<tr>")));
    for (size_t i = row->first; i < row->first + row->count; i++) {
        Str cell = s->table->cells[i].html;
        if (cell.len == 0)
            TRY(buffer_append_format(html, "<%s/>", tag));
        else
            TRY(buffer_append_format(html, "<%s>" STR_FMT "</%s>", tag, STR_ARG(cell), tag));
    }
    return buffer_append_str(html, STR("</tr>"));
}

/* Hands over what has been put together; nothing when there is nothing. */
MUST_USE static Error *end_piece(TableSplitter *s)
{
    CLEANUP(buffer_done) Buffer text = {0}, html = {0};
    size_t header_rows = s->index > 0 ? s->header_rows : 0;
    if (s->html.len == 0)
        return NULL;
    TRY(buffer_append_str(&html, STR("<table>")));
    for (size_t i = 0; i < header_rows; i++) {
        TRY(append_text(&text, s->table->rows[i].text));
        TRY(buffer_append_str(&html, i == 0 ? STR("<thead>") : STR_EMPTY));
        TRY(append_row(s, &s->table->rows[i], "th", &html));
        TRY(buffer_append_str(&html, i + 1 == header_rows ? STR("</thead>") : STR_EMPTY));
    }
    TRY(append_text(&text, buffer_str(&s->text)));
    TRY(buffer_append_str(&html, buffer_str(&s->html)));
    TRY(buffer_append_str(&html, STR("</table>")));
    if (text.len > 0)
        TRY(s->take(s->context, buffer_str(&text), buffer_str(&html), s->index++, header_rows));
    begin_piece(s);
    return NULL;
}

static void use_space(TableSplitter *s, size_t length)
{
    s->space = s->space > length + 1 ? s->space - length - 1 : 0;
}

MUST_USE static Error *take_cell_piece(void *context, Str piece, size_t index)
{
    (void)index;
    TableSplitter *s = context;
    TRY(append_text(&s->text, piece));
    TRY(buffer_append_str(&s->html, STR("<tr>")));
    TRY(table_append_cell(&s->html, piece, TABLE_ESCAPE_TAGS));
    TRY(buffer_append_str(&s->html, STR("</tr>")));
    return end_piece(s);
}

/* The cells of a row that are put together so far. */
MUST_USE static Error *end_cells(TableSplitter *s, Row *part)
{
    if (part->count > 0) {
        TRY(append_row(s, part, "td", &s->html));
        TRY(end_piece(s));
    }
    part->first += part->count;
    part->count = 0;
    return NULL;
}

/* A row that is too long for any piece, cell by cell; a cell that is, by its text. */
MUST_USE static Error *split_row(TableSplitter *s, const Row *row)
{
    size_t tags = s->options->measure.count ? TAGS_TOKENS : TAGS_CHARACTERS, length;
    Row part = {.first = row->first, .text = STR_EMPTY};
    for (size_t i = row->first; i < row->first + row->count; i++) {
        const Cell *cell = &s->table->cells[i];
        TRY(chunk_length(s->options, cell->text, &length));
        if (length > s->space)
            TRY(end_cells(s, &part));
        if (length > s->space) {
            TRY(chunk_split_text(s->options, MAX(s->space, tags + 1) - tags, cell->text, take_cell_piece, s));
            part.first = i + 1;
            continue;
        }
        TRY(append_text(&s->text, cell->text));
        use_space(s, length);
        part.count++;
    }
    return end_cells(s, &part);
}

MUST_USE static Error *add_row(TableSplitter *s, const Row *row)
{
    size_t length;
    TRY(chunk_length(s->options, row->text, &length));
    if (length > s->space)
        TRY(end_piece(s));
    if (length > s->space)
        return split_row(s, row);
    TRY(append_row(s, row, "td", &s->html));
    TRY(append_text(&s->text, row->text));
    use_space(s, length);
    return NULL;
}

/* Leading header rows are repeated, unless one alone would take half of a piece. */
MUST_USE static Error *judge_headers(TableSplitter *s)
{
    const Table *t = s->table;
    size_t rows = 0, sum = 0, length;
    for (; rows < t->row_count && t->rows[rows].is_header; rows++) {
        TRY(chunk_length(s->options, t->rows[rows].text, &length));
        if (length > (s->length_max + 1) / 2)
            return NULL;
        sum += length + 1;
    }
    if (rows < t->row_count && sum < s->length_max) {
        s->header_rows = rows;
        s->header_length = sum;
    }
    return NULL;
}

MUST_USE static Error *split_rows(TableSplitter *s)
{
    TRY(judge_headers(s));
    begin_piece(s);
    for (size_t i = 0; i < s->table->row_count; i++)
        TRY(add_row(s, &s->table->rows[i]));
    return end_piece(s);
}

Error *chunk_table_fits(const ChunkOptions *options, Str text, Str html, bool *ret_fits)
{
    size_t text_len, html_len;
    TRY(chunk_length(options, text, &text_len));
    TRY(chunk_length(options, html, &html_len));
    *ret_fits = text_len <= options->max_characters && html_len <= options->max_characters;
    return NULL;
}

MUST_USE static Error *take_text_piece(void *context, Str piece, size_t index)
{
    const TableSplitter *s = context;
    return s->take(s->context, piece, STR_EMPTY, index, 0);
}

Error *chunk_split_table(const ChunkOptions *options, Str text, Str html, Arena *arena, TakeTablePiece *take,
                         void *context)
{
    Table table = {.arena = arena};
    TableSplitter splitter = {
        .options = options, .table = &table, .length_max = options->max_characters, .take = take, .context = context};
    size_t least = options->measure.count ? ROWS_MIN_TOKENS : ROWS_MIN_CHARACTERS;
    if (html.len > 0 && options->max_characters >= least)
        TRY(read_table(html, &table));
    Error *error = split_rows(&splitter);
    if (!error
        && splitter.index == 0) /* no cell with text: its HTML may be anything, when the element comes from JSON */
        error = chunk_split_text(options, options->max_characters, text, take_text_piece, &splitter);
    buffer_done(&splitter.text);
    buffer_done(&splitter.html);
    return error;
}
