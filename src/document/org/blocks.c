/* Headings, lists, tables, blocks, drawers. */
#include <stdlib.h>

#include "document/org/org.h"

enum { NESTING_MAX = 32, HEADING_DEPTH_MAX = 16 };

/* A marker of a list: `- `, `+ `, `* ` when indented, `1. `, `1) `. */
typedef struct Marker {
    size_t indent, width; /* where the text of the item begins: both together */
    bool numbered;
} Marker;

static bool is_space_or_end(Str line, size_t at)
{
    return at == line.len || line.data[at] == ' ';
}

static bool read_marker(Str line, Marker *ret_marker)
{
    Marker marker = {.indent = line_indent(line)};
    size_t at = marker.indent;
    if (at == line.len)
        return false;
    char c = line.data[at];
    if (c == '-' || c == '+' || (c == '*' && at > 0)) {
        at++;
    } else {
        while (at < line.len && line.data[at] >= '0' && line.data[at] <= '9')
            at++;
        if (at == marker.indent || at == line.len || (line.data[at] != '.' && line.data[at] != ')'))
            return false;
        marker.numbered = true;
        at++;
    }
    if (!is_space_or_end(line, at))
        return false;
    marker.width = MIN(at + 1, line.len) - marker.indent;
    *ret_marker = marker;
    return true;
}

/* How many stars; 0: no heading. */
static unsigned heading_level(Str line)
{
    unsigned level = 0;
    while (level < line.len && line.data[level] == '*')
        level++;
    return level > 0 && level < line.len && line.data[level] == ' ' ? level : 0;
}

/* `#+name: value` or `#+name value`. False for anything else. */
static bool read_keyword(Str line, Str *ret_name, Str *ret_value)
{
    line = str_trim(line);
    if (!str_starts_with(line, STR("#+")))
        return false;
    size_t end = 2;
    while (end < line.len && line.data[end] != ' ' && line.data[end] != ':')
        end++;
    *ret_name = str_slice(line, 2, end);
    *ret_value = str_trim(str_slice(line, end + (end < line.len && line.data[end] == ':'), line.len));
    return ret_name->len > 0;
}

static bool keyword_is(Str line, const char *name)
{
    Str found, value;
    return read_keyword(line, &found, &value) && str_equal_nocase(found, str_of(name));
}

static bool is_comment(Str line)
{
    line = str_trim(line);
    return line.len > 0 && line.data[0] == '#' && is_space_or_end(line, 1);
}

static bool is_fixed_width(Str line)
{
    line = str_trim(line);
    return line.len > 0 && line.data[0] == ':' && is_space_or_end(line, 1);
}

static bool is_rule(Str line)
{
    line = str_trim(line);
    for (size_t i = 0; i < line.len; i++) {
        if (line.data[i] != '-')
            return false;
    }
    return line.len >= 5;
}

static bool is_table_row(Str line)
{
    line = str_trim(line);
    return line.len > 0 && line.data[0] == '|';
}

/* `:NAME:` alone on its line. */
static bool read_drawer_name(Str line, Str *ret_name)
{
    line = str_trim(line);
    if (line.len < 3 || line.data[0] != ':' || line.data[line.len - 1] != ':')
        return false;
    *ret_name = str_slice(line, 1, line.len - 1);
    return str_find_char(*ret_name, ' ') == SIZE_MAX && str_find_char(*ret_name, ':') == SIZE_MAX;
}

/* A search for an end that was not there has looked at `lines_seen`. What all such may see is bounded, so that beginnings without end do not cost
 * the square of their number; when it is used up there are no more blocks and drawers. */
static size_t not_found(Org *org, size_t lines_seen)
{
    org->search_left -= MIN(org->search_left, lines_seen);
    return SIZE_MAX;
}

/* The line that ends the drawer which begins at `at`; SIZE_MAX: it is none. */
static size_t drawer_end(Org *org, StrList lines, size_t at)
{
    Str name;
    size_t i = at + 1;
    if (!read_drawer_name(lines.items[at], &name) || str_equal_nocase(name, STR("END")) || org->search_left == 0)
        return SIZE_MAX;
    for (; i < lines.count && heading_level(lines.items[i]) == 0; i++) {
        if (str_equal_nocase(str_trim(lines.items[i]), STR(":END:")))
            return i;
    }
    return not_found(org, i - at);
}

static bool is_planning(Str line)
{
    static const char *const words[] = {"CLOCK:", "SCHEDULED:", "DEADLINE:", "CLOSED:"};
    line = str_trim(line);
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (str_starts_with(line, str_of(words[i])))
            return true;
    }
    return false;
}

/* `[fn:label]` at the start of a line, where notes are written. */
static bool read_note_label(Str line, Str *ret_label)
{
    size_t end = str_find_char(line, ']');
    if (!str_starts_with(line, STR("[fn:")) || end == SIZE_MAX)
        return false;
    *ret_label = str_slice(line, 4, end);
    return ret_label->len > 0 && str_find_char(*ret_label, ':') == SIZE_MAX;
}

/* Whether a paragraph ends before this line. */
static bool begins_block(Org *org, StrList lines, size_t at)
{
    Str line = lines.items[at], name, value;
    Marker marker;
    return line_is_blank(line) || heading_level(line) > 0 || is_table_row(line) || is_fixed_width(line)
           || is_comment(line) || read_marker(line, &marker) || read_keyword(line, &name, &value)
           || read_note_label(line, &name) || drawer_end(org, lines, at) != SIZE_MAX;
}

MUST_USE static Error *append_paragraph(Org *org, StrList lines, size_t *at, bool in_item, Buffer *out)
{
    Str text;
    Marker marker;
    size_t from = (*at)++;
    while (*at < lines.count && !begins_block(org, lines, *at))
        ++*at;
    TRY(lines_join(lines_slice(lines, from, *at), '\n', org->arena, &text));
    bool plain = *at == lines.count || read_marker(lines.items[*at], &marker);
    Setting setting = !in_item ? SET_OFF : plain ? SET_ITEM_PLAIN : SET_ITEM_OFF;
    TRY(list_begin_paragraph(out, setting));
    TRY(org_append_inline(org, str_trim(text), out));
    return list_end_paragraph(out, setting);
}

/* The lines of an item: what is indented further than its marker, and blank lines between. */
static size_t item_end(StrList lines, size_t at, size_t indent)
{
    size_t end = at + 1;
    for (size_t i = at + 1; i < lines.count; i++) {
        if (line_is_blank(lines.items[i])) {
            if (i > at + 1 && line_is_blank(lines.items[i - 1]))
                break; /* two of them end the list */
            continue;
        }
        if (line_indent(lines.items[i]) <= indent)
            return i;
        end = i + 1;
    }
    return MIN(end + (end < lines.count), lines.count); /* the blank line behind it is its own */
}

static Str without_prefix(Str text, const char *const *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_starts_with(text, str_of(prefixes[i])))
            return str_slice(text, strlen(prefixes[i]), text.len);
    }
    return text;
}

/* The text behind the marker, without a box to tick or a counter. */
static Str item_text(Str line, Marker marker)
{
    static const char *const boxes[] = {"[ ] ", "[X] ", "[x] ", "[-] "};
    Str text = str_slice(line, marker.indent + marker.width, line.len);
    text = str_slice(text, line_indent(text), text.len);
    size_t end = str_find_char(text, ']');
    if (str_starts_with(text, STR("[@")) && end != SIZE_MAX)
        text = str_trim(str_slice(text, end + 1, text.len));
    return without_prefix(text, boxes, ARRAY_COUNT(boxes));
}

MUST_USE static Error *append_item(Org *org, StrList lines, size_t from, size_t to, Marker marker, bool term,
                                   Buffer *out)
{
    Str *items = ARENA_ARRAY(org->arena, Str, to - from);
    if (!items)
        return arena_error(org->arena);
    items[0] = item_text(lines.items[from], marker);
    for (size_t i = from + 1; i < to; i++)
        items[i - from] = line_dedent(lines.items[i], marker.indent + marker.width);
    size_t middle = term ? str_find(items[0], STR(" :: ")) : SIZE_MAX;
    if (middle != SIZE_MAX) {
        TRY(buffer_append_str(out, STR("<dt>")));
        TRY(org_append_inline(org, str_slice(items[0], 0, middle), out));
        TRY(buffer_append_str(out, STR("</dt>\n")));
        items[0] = str_slice(items[0], middle + 4, items[0].len);
    }
    TRY(buffer_append_str(out, term ? STR("<dd>") : STR("<li>")));
    TRY(org_append_blocks(org, (StrList){items, to - from}, true, out));
    return buffer_append_str(out, term ? STR("</dd>\n") : STR("</li>\n"));
}

static bool is_term(Str line, Marker marker)
{
    return !marker.numbered && str_find(item_text(line, marker), STR(" :: ")) != SIZE_MAX;
}

/* Items with the same indentation and kind of marker. */
MUST_USE static Error *append_list(Org *org, StrList lines, size_t *at, Buffer *out)
{
    Marker first, marker;
    bool is_list = read_marker(lines.items[*at], &first);
    ASSERT(is_list);
    bool terms = is_term(lines.items[*at], first);
    const char *tag = terms ? "dl" : first.numbered ? "ol" : "ul";
    TRY(buffer_append_format(out, "<%s>\n", tag));
    size_t html_from = out->len;
    while (*at < lines.count) {
        Str line = lines.items[*at];
        if (!read_marker(line, &marker) || marker.indent != first.indent || marker.numbered != first.numbered
            || (terms && !is_term(line, marker)))
            break;
        size_t end = item_end(lines, *at, marker.indent);
        TRY(append_item(org, lines, *at, end, marker, terms, out));
        *at = end;
    }
    return list_end(out, html_from, tag);
}

/* `<l>`, `<r10>` and the like tell how a column is set. */
static bool is_alignment(Str cell)
{
    return cell.len >= 2 && cell.data[0] == '<' && cell.data[cell.len - 1] == '>'
           && (cell.len == 2 || strchr("lrc0123456789", cell.data[1]));
}

static bool next_cell(Str *rest, Str *ret_cell)
{
    Str piece;
    if (!str_next_piece(rest, '|', &piece) || (!rest->data && str_trim(piece).len == 0))
        return false; /* nothing is behind the last bar */
    *ret_cell = str_trim(piece);
    return true;
}

static bool is_row_of_alignments(Str row)
{
    bool any = false;
    for (Str cell; next_cell(&row, &cell);) {
        if (cell.len > 0 && !is_alignment(cell))
            return false;
        any = any || cell.len > 0;
    }
    return any;
}

MUST_USE static Error *append_row(Org *org, Str row, Buffer *out)
{
    TRY(buffer_append_str(out, STR("<tr>")));
    for (Str cell; next_cell(&row, &cell);) {
        TRY(buffer_append_str(out, STR("<td>")));
        TRY(org_append_inline(org, cell, out));
        TRY(buffer_append_str(out, STR("</td>")));
    }
    return buffer_append_str(out, STR("</tr>\n"));
}

MUST_USE static Error *append_table(Org *org, StrList lines, size_t *at, Buffer *out)
{
    TRY(buffer_append_str(out, STR("<table>\n")));
    for (; *at < lines.count && is_table_row(lines.items[*at]); ++*at) {
        Str row = str_trim(lines.items[*at]);
        row = str_slice(row, 1, row.len);
        if (!str_starts_with(row, STR("-")) && !is_row_of_alignments(row))
            TRY(append_row(org, row, out));
    }
    return buffer_append_str(out, STR("</table>\n"));
}

/* Lines as they stand; a comma that keeps Org from reading them is taken away. */
MUST_USE static Error *append_code(Org *org, StrList lines, Buffer *out)
{
    StrList code;
    TRY(lines_dedent(lines, 0, lines.count, org->arena, &code));
    TRY(buffer_append_str(out, STR("<pre><code>")));
    for (size_t i = 0; i < code.count; i++) {
        Str line = code.items[i];
        bool quoted = str_starts_with(line, STR(",*")) || str_starts_with(line, STR(",#+"));
        TRY(page_append_text(out, str_slice(line, quoted, line.len)));
        TRY(buffer_append_byte(out, '\n'));
    }
    return buffer_append_str(out, STR("</code></pre>\n"));
}

MUST_USE static Error *append_fixed_width(StrList lines, size_t *at, Buffer *out)
{
    TRY(buffer_append_str(out, STR("<pre><code>")));
    for (; *at < lines.count && is_fixed_width(lines.items[*at]); ++*at) {
        Str line = str_trim(lines.items[*at]);
        TRY(page_append_text(out, str_slice(line, 2, line.len)));
        TRY(buffer_append_byte(out, '\n'));
    }
    return buffer_append_str(out, STR("</code></pre>\n"));
}

MUST_USE static Error *append_verse(Org *org, StrList lines, Buffer *out)
{
    TRY(buffer_append_str(out, STR("<div>")));
    for (size_t i = 0; i < lines.count; i++) {
        TRY(org_append_inline(org, lines.items[i], out));
        TRY(buffer_append_str(out, STR("<br />\n")));
    }
    return buffer_append_str(out, STR("</div>\n"));
}

MUST_USE static Error *append_html(StrList lines, Buffer *out)
{
    for (size_t i = 0; i < lines.count; i++) {
        TRY(buffer_append_str(out, lines.items[i]));
        TRY(buffer_append_byte(out, '\n'));
    }
    return NULL;
}

MUST_USE static Error *append_container(Org *org, const char *tag, StrList lines, Buffer *out)
{
    TRY(buffer_append_format(out, "<%s>\n", tag));
    TRY(org_append_blocks(org, lines, false, out));
    return buffer_append_format(out, "</%s>\n", tag);
}

MUST_USE static Error *append_named_block(Org *org, Str name, Str arguments, StrList lines, Buffer *out)
{
    if (str_equal_nocase(name, STR("src"))) {
        bool hidden = str_find(arguments, STR(":exports none")) != SIZE_MAX
                      || str_find(arguments, STR(":exports results")) != SIZE_MAX;
        return hidden ? NULL : append_code(org, lines, out);
    }
    if (str_equal_nocase(name, STR("example")))
        return append_code(org, lines, out);
    if (str_equal_nocase(name, STR("comment")))
        return NULL;
    if (str_equal_nocase(name, STR("verse")))
        return append_verse(org, lines, out);
    if (str_equal_nocase(name, STR("export")))
        return str_starts_with(arguments, STR("html")) ? append_html(lines, out) : NULL;
    return append_container(org, str_equal_nocase(name, STR("quote")) ? "blockquote" : "div", lines, out);
}

/* What a source block printed when it was run is not part of the text. */
static size_t skip_results(StrList lines, size_t at)
{
    size_t next = lines_skip_blank(lines, at);
    if (next == lines.count || !keyword_is(lines.items[next], "RESULTS"))
        return at;
    while (next < lines.count && !line_is_blank(lines.items[next]))
        next++;
    return next;
}

/* The line that ends the block `name` which begins at `at`; SIZE_MAX: none does. */
static size_t block_end(Org *org, StrList lines, size_t at, Str name)
{
    Str keyword, value;
    size_t i = at + 1;
    for (; i < lines.count && org->search_left > 0; i++) {
        if (read_keyword(lines.items[i], &keyword, &value) && keyword.len == name.len + 4
            && str_equal_nocase(str_slice(keyword, 0, 4), STR("end_"))
            && str_equal_nocase(str_slice(keyword, 4, keyword.len), name))
            return i;
    }
    return not_found(org, i - at);
}

/* `#+BEGIN_name ... #+END_name`; `*ret_read` stays false when there is no such end. */
MUST_USE static Error *append_block(Org *org, StrList lines, size_t *at, Buffer *out, bool *ret_read)
{
    Str keyword, arguments, name;
    bool is_keyword = read_keyword(lines.items[*at], &keyword, &arguments);
    ASSERT(is_keyword);
    if (keyword.len <= 6 || !str_equal_nocase(str_slice(keyword, 0, 6), STR("begin_")))
        return NULL;
    name = str_slice(keyword, 6, keyword.len);
    size_t end = block_end(org, lines, *at, name);
    if (end == SIZE_MAX)
        return NULL;
    *ret_read = true;
    TRY(append_named_block(org, name, arguments, lines_slice(lines, *at + 1, end), out));
    *at = str_equal_nocase(name, STR("src")) ? skip_results(lines, end + 1) : end + 1;
    return NULL;
}

/* Keywords say things about the document; only HTML is shown. */
MUST_USE static Error *append_keyword(Org *org, StrList lines, size_t *at, Buffer *out)
{
    Str name, value;
    bool read = false;
    TRY(append_block(org, lines, at, out, &read));
    if (read)
        return NULL;
    bool is_keyword = read_keyword(lines.items[(*at)++], &name, &value);
    ASSERT(is_keyword);
    return str_equal_nocase(name, STR("HTML")) ? buffer_append_str(out, value) : NULL;
}

MUST_USE static Error *append_drawer(Org *org, StrList lines, size_t *at, size_t end, Buffer *out)
{
    Str name;
    size_t from = *at + 1;
    bool is_drawer = read_drawer_name(lines.items[*at], &name);
    ASSERT(is_drawer);
    *at = end + 1;
    if (str_equal_nocase(name, STR("PROPERTIES")) || str_equal_nocase(name, STR("LOGBOOK")))
        return NULL;
    return append_container(org, "div", lines_slice(lines, from, end), out);
}

/* `\begin{name}` up to `\end{name}` is for TeX. False when that is missing. */
static bool skip_environment(Org *org, StrList lines, size_t *at)
{
    Str line = str_trim(lines.items[*at]);
    if (!str_starts_with(line, STR("\\begin{")))
        return false;
    Str name = str_slice(line, strlen("\\begin"), line.len);
    size_t i = *at;
    for (; i < lines.count && org->search_left > 0 && !line_is_blank(lines.items[i]); i++) {
        size_t end = str_find(lines.items[i], STR("\\end"));
        if (end != SIZE_MAX && str_starts_with(str_slice(lines.items[i], end + 4, lines.items[i].len), name)) {
            *at = i + 1;
            return true;
        }
    }
    not_found(org, i - *at);
    return false;
}

/* Where the note that begins at `at` ends: at another, at a heading, at two blank lines. */
static size_t note_end(StrList lines, size_t at)
{
    Str label;
    for (size_t i = at + 1; i < lines.count; i++) {
        bool two_blank = line_is_blank(lines.items[i]) && i + 1 < lines.count && line_is_blank(lines.items[i + 1]);
        if (two_blank || heading_level(lines.items[i]) > 0 || read_note_label(lines.items[i], &label))
            return i;
    }
    return lines.count;
}

MUST_USE static Error *append_one_block(Org *org, StrList lines, size_t *at, bool in_item, Buffer *out)
{
    Str line = lines.items[*at], name, value;
    Marker marker;
    size_t end = drawer_end(org, lines, *at);
    if (read_keyword(line, &name, &value))
        return append_keyword(org, lines, at, out);
    if (end != SIZE_MAX)
        return append_drawer(org, lines, at, end, out);
    if (is_fixed_width(line))
        return append_fixed_width(lines, at, out);
    if (is_table_row(line))
        return append_table(org, lines, at, out);
    if (read_marker(line, &marker))
        return append_list(org, lines, at, out);
    if (is_rule(line)) {
        ++*at;
        return buffer_append_str(out, STR("<hr />\n"));
    }
    return skip_environment(org, lines, at) ? NULL : append_paragraph(org, lines, at, in_item, out);
}

/* Headings stand at the top alone: a block's lines have none. */
typedef struct Headings {
    unsigned open_items; /* of the lists that deep headings are */
    bool begun;          /* the last line was a heading */
} Headings;

MUST_USE static Error *close_items(Headings *headings, unsigned level, Buffer *out)
{
    for (; headings->open_items > level; headings->open_items--)
        TRY(buffer_append_str(out, STR("</li>\n</ol>\n")));
    return NULL;
}

/* `:tag:other:` at the end. `*ret_text` loses them. */
static Str take_tags(Str *text)
{
    size_t space = str_rfind_char(*text, ' ');
    Str tags = space == SIZE_MAX ? STR_EMPTY : str_slice(*text, space + 1, text->len);
    if (tags.len < 3 || tags.data[0] != ':' || tags.data[tags.len - 1] != ':')
        return STR_EMPTY;
    for (size_t i = 0; i < tags.len; i++) {
        char c = tags.data[i];
        bool letter = (uint8_t)c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !strchr(":_@#%", c))
            return STR_EMPTY;
    }
    *text = str_trim(str_slice(*text, 0, space));
    return tags;
}

MUST_USE static Error *append_tags(Str tags, Buffer *out)
{
    for (Str tag; str_next_piece(&tags, ':', &tag);) {
        if (tag.len == 0)
            continue;
        TRY(buffer_append_byte(out, ' '));
        TRY(page_append_text(out, tag));
    }
    return NULL;
}

static bool has_tag(Str tags, Str wanted)
{
    for (Str tag; str_next_piece(&tags, ':', &tag);) {
        if (str_equal(tag, wanted))
            return true;
    }
    return false;
}

/* Past all that is below the heading at `at`. */
static size_t skip_section(StrList lines, size_t at)
{
    unsigned level = heading_level(lines.items[at]);
    for (at++; at < lines.count; at++) {
        unsigned other = heading_level(lines.items[at]);
        if (other > 0 && other <= level)
            break;
    }
    return at;
}

MUST_USE static Error *append_heading(Org *org, Headings *headings, StrList lines, size_t *at, Buffer *out)
{
    Str line = lines.items[*at];
    unsigned level = heading_level(line);
    Str text = str_trim(str_slice(line, level, line.len)), tags = take_tags(&text);
    bool archived = has_tag(tags, STR("ARCHIVE"));
    if (has_tag(tags, STR("noexport")) || str_starts_with(text, STR("COMMENT ")) || str_equal(text, STR("COMMENT"))) {
        *at = skip_section(lines, *at);
        return NULL;
    }
    *at = archived ? skip_section(lines, *at) : *at + 1;
    headings->begun = true;
    unsigned items = level > org->heading_levels ? MIN(level - org->heading_levels, (unsigned)HEADING_DEPTH_MAX) : 0;
    TRY(close_items(headings, items > 0 ? items - 1 : 0, out));
    for (; headings->open_items < items; headings->open_items++)
        TRY(buffer_append_str(out, STR("<ol>\n<li>")));
    TRY(items > 0 ? buffer_append_str(out, STR("<p>")) : buffer_append_format(out, "<h%u>", MIN(level, 6U)));
    TRY(org_append_inline(org, text, out));
    TRY(append_tags(tags, out));
    return items > 0 ? buffer_append_str(out, STR("</p>\n")) : buffer_append_format(out, "</h%u>\n", MIN(level, 6U));
}

MUST_USE static Error *append_lines(Org *org, StrList lines, bool in_item, Buffer *out)
{
    Headings headings = {0};
    Str label;
    for (size_t at = 0; at < lines.count;) {
        Str line = lines.items[at];
        bool behind_heading = headings.begun;
        headings.begun = false;
        if (line_is_blank(line) || is_comment(line))
            at++;
        else if (org->depth == 1 && heading_level(line) > 0)
            TRY(append_heading(org, &headings, lines, &at, out));
        else if (behind_heading && is_planning(line)) {
            headings.begun = true;
            at++;
        } else if (org->depth == 1 && read_note_label(line, &label))
            at = note_end(lines, at);
        else
            TRY(append_one_block(org, lines, &at, in_item, out));
    }
    return close_items(&headings, 0, out);
}

Error *org_append_blocks(Org *org, StrList lines, bool in_item, Buffer *out)
{
    if (org->depth >= NESTING_MAX)
        return FAIL(LIMIT, "blocks are nested more than %d deep", NESTING_MAX);
    org->depth++;
    Error *error = append_lines(org, lines, in_item, out);
    org->depth--;
    return error;
}

static int by_label(const void *a, const void *b)
{
    return str_compare(((const OrgNote *)a)->label, ((const OrgNote *)b)->label);
}

Error *org_append_note(Org *org, Str label, Buffer *out, bool *ret_found)
{
    OrgNote wanted = {.label = label};
    OrgNote *note =
        org->note_count == 0 ? NULL : bsearch(&wanted, org->notes, org->note_count, sizeof wanted, by_label);
    *ret_found = note && !org->in_note && org->search_left > 0;
    if (!*ret_found)
        return NULL;
    not_found(org, note->lines.count); /* a note that is used again and again costs like a search */
    CLEANUP(buffer_done) Buffer html = {.limit = out->limit};
    TRY(page_append_note_mark(&org->page, out));
    org->in_note = true;
    Error *error = org_append_blocks(org, note->lines, false, &html);
    org->in_note = false;
    TRY(error);
    return page_add_note(&org->page, buffer_str(&html));
}

Error *org_append_inline_note(Org *org, Str text, Buffer *out)
{
    CLEANUP(buffer_done) Buffer html = {.limit = out->limit};
    if (org->in_note)
        return org_append_inline(org, text, out);
    TRY(page_append_note_mark(&org->page, out));
    org->in_note = true;
    Error *error = buffer_append_str(&html, STR("<p>"));
    if (!error)
        error = org_append_inline(org, str_trim(text), &html);
    org->in_note = false;
    TRY(error);
    TRY(buffer_append_str(&html, STR("</p>\n")));
    return page_add_note(&org->page, buffer_str(&html));
}

Error *org_find_notes(Org *org, StrList lines)
{
    Str label;
    size_t count = 0;
    for (size_t i = 0; i < lines.count; i++)
        count += read_note_label(lines.items[i], &label);
    org->notes = ARENA_ARRAY(org->arena, OrgNote, count);
    if (!org->notes)
        return arena_error(org->arena);
    for (size_t i = 0; i < lines.count; i++) {
        if (!read_note_label(lines.items[i], &label))
            continue;
        StrList found = lines_slice(lines, i, note_end(lines, i)), note;
        TRY(lines_dedent(found, 0, found.count, org->arena, &note)); /* a copy, whose first line loses its label */
        note.items[0] = str_slice(note.items[0], label.len + strlen("[fn:]"), note.items[0].len);
        org->notes[org->note_count++] = (OrgNote){label, note};
    }
    qsort(org->notes, org->note_count, sizeof *org->notes, by_label);
    return NULL;
}
