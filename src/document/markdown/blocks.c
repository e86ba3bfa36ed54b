#include "document/markdown/tree.h"

#include "document/chars.h"

enum { INDENT = 4, NESTING_MAX = 48 };

/* How a paragraph is kept: a list without blank lines has its items' text bare. */
typedef enum MdState { STATE_PLAIN, STATE_LIST, STATE_LOOSE_LIST, STATE_DETABBED, STATE_QUOTE } MdState;

typedef struct BlockReader {
    Markdown *md;
    MdState state;
    unsigned nesting;
} BlockReader;

/* The blocks still to be read: one that was put back comes first. A block is what blank lines surround. */
typedef struct BlockQueue {
    Str rest;
    Str put_back; /* "": nothing */
    size_t gap;   /* line ends before the block last taken */
} BlockQueue;

MUST_USE static Error *read_queue(BlockReader *r, MdNode *parent, BlockQueue *queue);

static bool queue_next(BlockQueue *queue, Str *ret_block)
{
    if (queue->put_back.len > 0) {
        *ret_block = queue->put_back;
        queue->put_back = STR_EMPTY;
        queue->gap = 1;
        return true;
    }
    size_t from = 0;
    while (from < queue->rest.len && queue->rest.data[from] == '\n')
        from++;
    queue->gap += from;
    if (from == queue->rest.len)
        return false;
    Str rest = str_slice(queue->rest, from, queue->rest.len);
    size_t end = str_find(rest, STR("\n\n"));
    *ret_block = end == SIZE_MAX ? rest : str_slice(rest, 0, end);
    if (ret_block->data[ret_block->len - 1] == '\n')
        ret_block->len--;
    queue->rest = str_slice(rest, end == SIZE_MAX ? rest.len : end, rest.len);
    return true;
}

/* What is left of the block last taken will be the next one; when it is blank it is forgotten. */
static void queue_put_back(BlockQueue *queue, Str block)
{
    ASSERT(queue->put_back.len == 0);
    if (str_trim(block).len > 0)
        queue->put_back = block;
}

MUST_USE static Error *new_node(BlockReader *r, MdNode *parent, MdTag tag, MdNode **ret_node)
{
    MdNode *node = ARENA_NEW(r->md->arena, MdNode);
    if (!node)
        return arena_error(r->md->arena);
    *node = (MdNode){.tag = tag, .text = STR_EMPTY, .tail = STR_EMPTY};
    if (parent->last_child)
        parent->last_child->next = node;
    else
        parent->first_child = node;
    parent->last_child = node;
    *ret_node = node;
    return NULL;
}

MUST_USE static Error *join(BlockReader *r, Str a, Str between, Str b, Str *ret_text)
{
    char *out = arena_alloc(r->md->arena, a.len + between.len + b.len);
    if (!out)
        return arena_error(r->md->arena);
    const Str parts[] = {a, between, b};
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        if (parts[i].len > 0)
            memcpy(out + len, parts[i].data, parts[i].len);
        len += parts[i].len;
    }
    *ret_text = (Str){out, len};
    return NULL;
}

static Str trim_left(Str text)
{
    size_t at = 0;
    while (at < text.len && (text.data[at] == ' ' || text.data[at] == '\n'))
        at++;
    return str_slice(text, at, text.len);
}

static Str trim_right(Str text)
{
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\n'))
        text.len--;
    return text;
}

/* The blocks in `text`, below `parent`, in a state of their own. */
MUST_USE static Error *read_text(BlockReader *r, MdNode *parent, MdState state, Str text)
{
    MdState before = r->state;
    BlockQueue queue = {.rest = text};
    r->state = state;
    r->nesting++;
    Error *error = read_queue(r, parent, &queue);
    r->nesting--;
    r->state = before;
    return error;
}

/* One block, as it is, in the same state. */
MUST_USE static Error *read_block(BlockReader *r, MdNode *parent, Str block)
{
    return str_trim(block).len > 0 ? read_text(r, parent, r->state, block) : NULL;
}

static size_t spaces_at(Str text, size_t at)
{
    size_t count = 0;
    while (at + count < text.len && text.data[at + count] == ' ')
        count++;
    return count;
}

static bool is_list(const MdNode *node)
{
    return node && (node->tag == MD_BULLETS || node->tag == MD_NUMBERS);
}

/* Up to three spaces, a bullet or a number with a full stop, spaces; `*ret_text` is where the item's text begins. */
static bool item_mark(Str line, size_t indent_min, size_t indent_max, MdTag *ret_list, size_t *ret_text)
{
    size_t indent = spaces_at(line, 0), at = indent;
    if (indent < indent_min || indent > indent_max || at >= line.len)
        return false;
    if (strchr("*+-", line.data[at])) {
        *ret_list = MD_BULLETS;
        at++;
    } else {
        while (at < line.len && line.data[at] >= '0' && line.data[at] <= '9')
            at++;
        if (at == indent || at >= line.len || line.data[at] != '.')
            return false;
        *ret_list = MD_NUMBERS;
        at++;
    }
    size_t spaces = spaces_at(line, at);
    *ret_text = at + spaces;
    return spaces > 0;
}

static Str first_line(Str block)
{
    size_t end = str_find_char(block, '\n');
    return end == SIZE_MAX ? block : str_slice(block, 0, end);
}

/* Everything behind the first line. */
static Str other_lines(Str block)
{
    size_t end = str_find_char(block, '\n');
    return end == SIZE_MAX ? STR_EMPTY : str_slice(block, end + 1, block.len);
}

/* Lines of `block` without up to `spaces` leading ones, each only when it has all of them. */
MUST_USE static Error *loose_detab(BlockReader *r, Str block, size_t spaces, Str *ret_text)
{
    char *out = arena_alloc(r->md->arena, block.len + 1);
    if (!out)
        return arena_error(r->md->arena);
    size_t len = 0;
    Str rest = block, line;
    while (str_next_piece(&rest, '\n', &line)) {
        if (spaces_at(line, 0) >= spaces)
            line = str_slice(line, spaces, line.len);
        if (line.len > 0)
            memcpy(out + len, line.data, line.len);
        len += line.len;
        if (rest.data)
            out[len++] = '\n';
    }
    *ret_text = (Str){out, len};
    return NULL;
}

/* The text of a tight item becomes a paragraph when a blank line turns up after all. */
MUST_USE static Error *wrap_text(BlockReader *r, MdNode *item)
{
    MdNode *paragraph = ARENA_NEW(r->md->arena, MdNode);
    if (!paragraph)
        return arena_error(r->md->arena);
    *paragraph = (MdNode){.tag = MD_PARAGRAPH, .text = item->text, .tail = STR_EMPTY, .next = item->first_child};
    item->text = STR_EMPTY;
    item->first_child = paragraph;
    if (!item->last_child)
        item->last_child = paragraph;
    return NULL;
}

/* The innermost list or item that the indentation of a block reaches. */
static MdNode *find_level(MdNode *parent, size_t wanted, size_t *level)
{
    while (wanted > *level && parent->last_child
           && (is_list(parent->last_child) || parent->last_child->tag == MD_ITEM)) {
        parent = parent->last_child;
        *level += is_list(parent);
    }
    return parent;
}

/* An indented block behind a list belongs to one of its items. */
MUST_USE static Error *try_list_indent(BlockReader *r, MdNode *parent, Str block, bool *ret_done)
{
    bool inside = parent->tag == MD_ITEM || is_list(parent);
    *ret_done = spaces_at(block, 0) >= INDENT && r->state != STATE_DETABBED && (inside || is_list(parent->last_child));
    if (!*ret_done)
        return NULL;
    size_t level = r->state == STATE_LIST ? 1 : 0;
    MdNode *place = find_level(parent, spaces_at(block, 0) / INDENT, &level);
    TRY(loose_detab(r, block, level * INDENT, &block));
    if (parent->tag == MD_ITEM)
        return read_text(r, is_list(parent->last_child) ? parent->last_child : parent, STATE_DETABBED, block);
    if (place->tag == MD_ITEM)
        return read_text(r, place, STATE_DETABBED, block);
    if (place->last_child && place->last_child->tag == MD_ITEM) {
        if (place->last_child->text.len > 0)
            TRY(wrap_text(r, place->last_child));
        return read_text(r, place->last_child, STATE_DETABBED, block);
    }
    MdNode *item;
    TRY(new_node(r, place, MD_ITEM, &item));
    return read_text(r, item, STATE_DETABBED, block);
}

/* The leading lines that are indented or empty; the rest is put back. */
static size_t indented_bytes(Str block)
{
    size_t at = 0;
    while (at < block.len) {
        Str line = first_line(str_slice(block, at, block.len));
        if (line.len > 0 && spaces_at(line, 0) < INDENT)
            break;
        at += line.len + 1;
    }
    return MIN(at, block.len);
}

MUST_USE static Error *try_code(BlockReader *r, MdNode *parent, BlockQueue *queue, Str block, bool *ret_done)
{
    *ret_done = spaces_at(block, 0) >= INDENT;
    if (!*ret_done)
        return NULL;
    size_t end = indented_bytes(block);
    Str code;
    TRY(loose_detab(r, trim_right(str_slice(block, 0, end)), INDENT, &code));
    queue_put_back(queue, str_slice(block, end, block.len));
    MdNode *node = parent->last_child;
    if (node && node->tag == MD_CODE) {
        TRY(new_node(r, node, MD_CODE_PART, &node));
        node->level = (unsigned)MIN(queue->gap, (size_t)INT32_MAX);
    } else
        TRY(new_node(r, parent, MD_CODE, &node));
    node->text = code;
    return NULL;
}

/* `#` to `######`, as many at the end as there are; no space is needed. */
MUST_USE static Error *add_heading(BlockReader *r, MdNode *parent, Str line)
{
    MdNode *heading;
    size_t level = 0;
    while (level < 6 && level < line.len && line.data[level] == '#')
        level++;
    while (line.len > level && line.data[line.len - 1] == '#')
        line.len--;
    TRY(new_node(r, parent, MD_HEADING, &heading));
    heading->level = (unsigned)level;
    heading->text = str_trim(str_slice(line, level, line.len));
    return NULL;
}

static bool is_underline(Str line)
{
    size_t i = 0;
    while (i < line.len && (line.data[i] == '=' || line.data[i] == '-'))
        i++;
    return i > 0 && str_trim(str_slice(line, i, line.len)).len == 0;
}

MUST_USE static Error *try_underlined_heading(BlockReader *r, MdNode *parent, BlockQueue *queue, Str block,
                                              bool *ret_done)
{
    Str below = other_lines(block), underline = first_line(below);
    *ret_done = is_underline(underline);
    if (!*ret_done)
        return NULL;
    MdNode *heading;
    TRY(new_node(r, parent, MD_HEADING, &heading));
    heading->level = underline.data[0] == '=' ? 1 : 2;
    heading->text = str_trim(first_line(block));
    queue_put_back(queue, other_lines(below));
    return NULL;
}

/* Three or more of one of - _ * with at most two spaces between. */
static bool is_rule(Str line)
{
    size_t at = spaces_at(line, 0), marks = 0;
    if (at > 3 || at >= line.len || !strchr("-_*", line.data[at]))
        return false;
    char mark = line.data[at];
    while (at < line.len && line.data[at] == mark) {
        marks++;
        at++;
        size_t spaces = spaces_at(line, at);
        if (spaces <= 2 && at + spaces < line.len)
            at += spaces;
    }
    return marks >= 3 && str_trim(str_slice(line, at, line.len)).len == 0;
}

/* The next item of a block: from its mark to the next one. Items further in stay together, with their indentation, in one piece. */
static bool next_item(Str *rest, Str *ret_item)
{
    MdTag list;
    size_t text, at = 0;
    if (rest->len == 0)
        return false;
    bool marked = item_mark(*rest, 0, 3, &list, &text);
    size_t from = marked ? text : 0;
    do {
        at += first_line(str_slice(*rest, at, rest->len)).len + 1;
        Str line = first_line(str_slice(*rest, at, rest->len));
        if (at >= rest->len || item_mark(line, 0, 3, &list, &text) || (marked && item_mark(line, 4, 7, &list, &text)))
            break;
    } while (true);
    at = MIN(at, rest->len);
    *ret_item = trim_right(str_slice(*rest, MIN(from, at), at));
    *rest = str_slice(*rest, at, rest->len);
    return true;
}

MUST_USE static Error *add_item(BlockReader *r, MdNode *list, MdState state, Str text)
{
    MdNode *item;
    TRY(new_node(r, list, MD_ITEM, &item));
    return str_trim(text).len > 0 ? read_text(r, item, state, text) : NULL;
}

/* A blank line between two items: what the first one has is a paragraph, and so is the next one's text. */
MUST_USE static Error *continue_list(BlockReader *r, MdNode *list, Str *rest)
{
    MdNode *last = list->last_child;
    Str item;
    if (last && last->text.len > 0)
        TRY(wrap_text(r, last));
    if (last && last->last_child && last->last_child->tail.len > 0) {
        MdNode *paragraph, *sibling = last->last_child;
        TRY(new_node(r, last, MD_PARAGRAPH, &paragraph));
        paragraph->text = trim_left(sibling->tail);
        sibling->tail = STR_EMPTY;
    }
    if (!next_item(rest, &item))
        return NULL;
    return add_item(r, list, STATE_LOOSE_LIST, item);
}

MUST_USE static Error *try_list(BlockReader *r, MdNode *parent, Str block, bool *ret_done)
{
    MdTag tag;
    size_t text;
    *ret_done = item_mark(block, 0, 3, &tag, &text);
    if (!*ret_done)
        return NULL;
    MdNode *list = parent;
    if (is_list(parent->last_child)) {
        list = parent->last_child;
        TRY(continue_list(r, list, &block));
    } else if (!is_list(parent))
        TRY(new_node(r, parent, tag, &list));
    for (Str item; next_item(&block, &item);) {
        if (spaces_at(item, 0) >= INDENT && list->last_child)
            TRY(read_text(r, list->last_child, STATE_LIST, item));
        else
            TRY(add_item(r, list, STATE_LIST, item));
    }
    return NULL;
}

static bool quote_mark(Str line, size_t *ret_text)
{
    size_t at = spaces_at(line, 0);
    if (at > 3 || at >= line.len || line.data[at] != '>')
        return false;
    at++;
    *ret_text = at + (at < line.len && line.data[at] == ' ');
    return true;
}

MUST_USE static Error *unquote(BlockReader *r, Str block, Str *ret_text)
{
    char *out = arena_alloc(r->md->arena, block.len + 1);
    if (!out)
        return arena_error(r->md->arena);
    size_t len = 0, text;
    Str rest = block, line;
    while (str_next_piece(&rest, '\n', &line)) {
        if (quote_mark(line, &text))
            line = str_slice(line, text, line.len);
        if (line.len > 0)
            memcpy(out + len, line.data, line.len);
        len += line.len;
        out[len++] = '\n';
    }
    *ret_text = (Str){out, len - 1};
    return NULL;
}

MUST_USE static Error *add_quote(BlockReader *r, MdNode *parent, Str block)
{
    Str text = STR_EMPTY;
    TRY(unquote(r, block, &text));
    MdNode *quote = parent->last_child;
    if (!quote || quote->tag != MD_QUOTE)
        TRY(new_node(r, parent, MD_QUOTE, &quote));
    return read_text(r, quote, STATE_QUOTE, text);
}

/* `[name]: url "title"` on one line, or with the title on the next; the title is not kept. */
static bool parse_reference(Str line, Str *ret_name, Str *ret_url)
{
    size_t at = spaces_at(line, 0);
    size_t close = str_find(line, STR("]:"));
    if (at > 3 || at >= line.len || line.data[at] != '[' || close == SIZE_MAX || close < at)
        return false;
    *ret_name = str_slice(line, at + 1, close);
    Str url = str_trim(str_slice(line, close + 2, line.len));
    size_t end = str_find_char(url, ' ');
    Str title = end == SIZE_MAX ? STR_EMPTY : str_trim(str_slice(url, end, url.len));
    if (url.len == 0 || str_find_char(*ret_name, '[') != SIZE_MAX)
        return false;
    if (title.len > 0 && !strchr("\"'(", title.data[0]))
        return false;
    *ret_url = end == SIZE_MAX ? url : str_slice(url, 0, end);
    if (ret_url->len > 2 && ret_url->data[0] == '<' && ret_url->data[ret_url->len - 1] == '>')
        *ret_url = str_slice(*ret_url, 1, ret_url->len - 1);
    return true;
}

/* What ends a paragraph or a list in the middle of a block. */
typedef enum Interruption { NOT_INTERRUPTED, BY_HEADING, BY_RULE, BY_QUOTE, BY_REFERENCE } Interruption;

static Interruption line_interrupts(Str line, bool in_list)
{
    size_t text;
    Str name, url;
    if (line.len > 0 && line.data[0] == '#')
        return BY_HEADING;
    if (is_rule(line))
        return BY_RULE;
    if (in_list)
        return NOT_INTERRUPTED;
    if (quote_mark(line, &text))
        return BY_QUOTE;
    return parse_reference(line, &name, &url) ? BY_REFERENCE : NOT_INTERRUPTED;
}

/* The first line of `block` that interrupts, [`*ret_from`, `*ret_to`); a quote goes on to the next heading or rule. One pass, so that a
 * block is read in time linear in it, however often it is interrupted. */
static Interruption find_interruption(Str block, bool in_list, size_t *ret_from, size_t *ret_to)
{
    Interruption found = NOT_INTERRUPTED;
    size_t at = 0;
    while (at < block.len) {
        Str line = first_line(str_slice(block, at, block.len));
        Interruption by = line_interrupts(line, in_list || found == BY_QUOTE);
        if (found == BY_QUOTE && by != NOT_INTERRUPTED)
            break;
        if (by != NOT_INTERRUPTED) {
            found = by;
            *ret_from = at;
        }
        at += line.len + 1;
        if (found != NOT_INTERRUPTED && found != BY_QUOTE)
            break;
    }
    *ret_to = MIN(at, block.len);
    return found;
}

MUST_USE static Error *try_interruption(BlockReader *r, MdNode *parent, BlockQueue *queue, Str block, bool *ret_done)
{
    MdTag list;
    MdNode *rule;
    size_t from = 0, to = 0;
    Interruption by = find_interruption(block, item_mark(block, 0, 3, &list, &from), &from, &to);
    *ret_done = by != NOT_INTERRUPTED;
    if (!*ret_done)
        return NULL;
    TRY(read_block(r, parent, str_slice(block, 0, from)));
    queue_put_back(queue, str_slice(block, to, block.len));
    Str piece = trim_right(str_slice(block, from, to)), name, url;
    if (by == BY_HEADING)
        return add_heading(r, parent, piece);
    if (by == BY_RULE)
        return new_node(r, parent, MD_RULE, &rule);
    if (by == BY_REFERENCE && parse_reference(piece, &name, &url))
        return md_add_reference(r->md, name, url);
    return add_quote(r, parent, piece);
}

/* Splits a row of a table at `|` outside code and not behind a backslash. */
static bool next_cell(Str *row, Str *ret_cell)
{
    bool code = false;
    size_t at = 0;
    if (!row->data)
        return false;
    for (; at < row->len; at++) {
        if (row->data[at] == '\\')
            at++;
        else if (row->data[at] == '`')
            code = !code;
        else if (row->data[at] == '|' && !code)
            break;
    }
    at = MIN(at, row->len);
    *ret_cell = str_trim(str_slice(*row, 0, at));
    *row = at < row->len ? str_slice(*row, at + 1, row->len) : (Str){0};
    return true;
}

static Str without_border(Str row)
{
    row = str_trim(row);
    if (row.len > 0 && row.data[0] == '|')
        row = str_slice(row, 1, row.len);
    if (row.len > 0 && row.data[row.len - 1] == '|' && (row.len < 2 || row.data[row.len - 2] != '\\'))
        row.len--;
    return row;
}

static size_t count_cells(Str row)
{
    size_t count = 0;
    Str cell;
    for (row = without_border(row); next_cell(&row, &cell);)
        count++;
    return count;
}

static bool is_table_separator(Str row)
{
    Str cell;
    bool bar = str_find_char(row, '|') != SIZE_MAX;
    for (Str rest = without_border(row); next_cell(&rest, &cell);) {
        size_t from = cell.len > 0 && cell.data[0] == ':', to = cell.len;
        to -= to > from && cell.data[to - 1] == ':';
        if (from >= to)
            return false;
        for (size_t i = from; i < to; i++) {
            if (cell.data[i] != '-')
                return false;
        }
    }
    return bar;
}

MUST_USE static Error *add_table_row(BlockReader *r, MdNode *table, MdTag tag, Str row, size_t columns)
{
    MdNode *node, *cell;
    Str text;
    TRY(new_node(r, table, tag, &node));
    row = without_border(row);
    for (size_t i = 0; i < columns; i++) {
        TRY(new_node(r, node, MD_CELL, &cell));
        if (next_cell(&row, &text))
            cell->text = text;
    }
    return NULL;
}

MUST_USE static Error *try_table(BlockReader *r, MdNode *parent, Str block, bool *ret_done)
{
    Str header = first_line(block), below = other_lines(block), row;
    size_t columns = count_cells(header);
    *ret_done = str_find_char(header, '|') != SIZE_MAX && is_table_separator(first_line(below))
                && count_cells(first_line(below)) == columns;
    if (!*ret_done)
        return NULL;
    MdNode *table;
    TRY(new_node(r, parent, MD_TABLE, &table));
    TRY(add_table_row(r, table, MD_HEADER_ROW, header, columns));
    for (Str rest = other_lines(below); rest.len > 0 && str_next_piece(&rest, '\n', &row);) {
        if (str_trim(row).len > 0)
            TRY(add_table_row(r, table, MD_ROW, row, columns));
    }
    return NULL;
}

MUST_USE static Error *add_paragraph(BlockReader *r, MdNode *parent, Str block)
{
    MdNode *paragraph, *last = parent->last_child;
    if (r->state != STATE_LIST) {
        TRY(new_node(r, parent, MD_PARAGRAPH, &paragraph));
        paragraph->text = trim_left(block);
        return NULL;
    }
    if (last)
        return join(r, last->tail, STR("\n"), block, &last->tail);
    if (parent->text.len > 0)
        return join(r, parent->text, STR("\n"), block, &parent->text);
    parent->text = trim_left(block);
    return NULL;
}

/* The first kind that knows the block takes it. The order gives what Python-Markdown's gives, which looks for a heading in the whole block before
 * it looks at its first lines. */
MUST_USE static Error *read_one(BlockReader *r, MdNode *parent, BlockQueue *queue, Str block)
{
    bool done = false;
    if (r->nesting > NESTING_MAX)
        return add_paragraph(r, parent, block);
    TRY(try_list_indent(r, parent, block, &done));
    if (!done)
        TRY(try_code(r, parent, queue, block, &done));
    if (!done)
        TRY(try_table(r, parent, block, &done));
    if (!done && block.data[0] != '#')
        TRY(try_underlined_heading(r, parent, queue, block, &done));
    if (!done)
        TRY(try_interruption(r, parent, queue, block, &done));
    if (!done)
        TRY(try_list(r, parent, block, &done));
    return done ? NULL : add_paragraph(r, parent, block);
}

Error *read_queue(BlockReader *r, MdNode *parent, BlockQueue *queue)
{
    for (Str block; queue_next(queue, &block); queue->gap = 0) {
        if (str_trim(block).len > 0)
            TRY(read_one(r, parent, queue, block));
    }
    return NULL;
}

Error *md_read_blocks(Markdown *md, Str text)
{
    BlockReader reader = {.md = md};
    BlockQueue queue = {.rest = text};
    md->root = ARENA_NEW(md->arena, MdNode);
    if (!md->root)
        return arena_error(md->arena);
    *md->root = (MdNode){.tag = MD_ROOT, .text = STR_EMPTY, .tail = STR_EMPTY};
    return read_queue(&reader, md->root, &queue);
}
