#include "document/text/paragraphs.h"

#include "document/chars.h"

enum { LINES_SAMPLED = 2000, SHORT_LINE_WORDS = 5, MISREAD_BULLET = 0xB7 };

/* What follows the last line end counts as a line. */
bool text_has_few_blank_lines(Str text)
{
    size_t lines = 0, blank = 0;
    Str line;
    while (lines < LINES_SAMPLED && str_next_piece(&text, '\n', &line)) {
        lines++;
        blank += chars_trim(line).len == 0;
    }
    return blank * 10 < lines;
}

/* Where the white space that begins at `at` ends, and how many line ends are in it. */
static size_t skip_space(Str text, size_t at, size_t *ret_line_ends)
{
    *ret_line_ends = 0;
    while (at < text.len) {
        size_t next = at;
        unsigned classes;
        uint32_t c = chars_next(text, &next, &classes);
        if (!(classes & CHAR_SPACE))
            break;
        *ret_line_ends += c == '\n';
        at = next;
    }
    return at;
}

bool text_next_block(Str *rest, size_t line_ends, Str *ret_block)
{
    if (!rest->data)
        return false;
    for (size_t at = 0; at < rest->len;) {
        size_t next = at, found = 0;
        unsigned classes;
        chars_next(*rest, &next, &classes);
        if (classes & CHAR_SPACE)
            next = skip_space(*rest, at, &found);
        if (found >= line_ends) {
            *ret_block = str_slice(*rest, 0, at);
            *rest = str_slice(*rest, next, rest->len);
            return true;
        }
        at = next;
    }
    *ret_block = *rest;
    *rest = (Str){0};
    return true;
}

size_t paragraph_write(const Paragraph *paragraph, char *out)
{
    size_t len = 0;
    Str rest = paragraph->text, line;
    if (paragraph->misread_item) {
        len = utf8_encode(MISREAD_BULLET, out);
        rest = str_slice(rest, 1, rest.len);
    }
    for (bool first = true; text_next_block(&rest, paragraph->one_line ? 1 : SIZE_MAX, &line); first = false) {
        if (!first)
            out[len++] = ' ';
        if (line.len > 0)
            memcpy(out + len, line.data, line.len);
        len += line.len;
    }
    return len;
}

/* ---- items of lists ---- */

/* A line-initial `e` alone is what OCR makes of a bullet. */
static bool misread_bullet_at(Str text, size_t at)
{
    if (at + 1 >= text.len || text.data[at] != 'e' || (at > 0 && text.data[at - 1] != '\n'))
        return false;
    unsigned classes;
    at++;
    chars_next(text, &at, &classes);
    return classes & CHAR_SPACE;
}

/* Where the white space before the first character of a line ends. */
static size_t skip_indent(Str text, size_t at)
{
    while (at < text.len) {
        size_t next = at;
        unsigned classes;
        uint32_t c = chars_next(text, &next, &classes);
        if (!(classes & CHAR_SPACE) || c == '\n' || c == '\r')
            break;
        at = next;
    }
    return at;
}

/* A list while it is cut. */
typedef struct ItemWalk {
    Str text;
    BulletRules rules;
    ParagraphFn *each;
    void *context;
    size_t from; /* where the item begins that is being read */
} ItemWalk;

MUST_USE static Error *end_item(ItemWalk *walk, size_t end, size_t next_from)
{
    Paragraph item = {str_slice(walk->text, walk->from, end), true, misread_bullet_at(walk->text, walk->from)};
    walk->from = next_from;
    return item.text.len > 0 ? walk->each(walk->context, &item) : NULL;
}

/* Behind a line end at `*at` with a spaced dash behind its indent, a new item begins, without the indent. */
MUST_USE static Error *end_item_before_dash(ItemWalk *walk, size_t *at, size_t end)
{
    size_t item = skip_indent(walk->text, *at);
    if (!text_spaced_dash_at(str_slice(walk->text, 0, end), item))
        return NULL;
    TRY(end_item(walk, *at, item));
    *at = item;
    return NULL;
}

/* Cut in front of every bullet that does not follow another one. A misread one may get its white space from what is trimmed here. */
MUST_USE static Error *cut_items(ItemWalk *walk, size_t end)
{
    bool after_bullet = true;
    for (size_t at = walk->from; at < end;) {
        size_t next = at;
        uint32_t c = str_next_code_point(walk->text, &next);
        bool bullet = char_is_bullet(c, walk->rules) || misread_bullet_at(walk->text, at);
        if (bullet && !after_bullet)
            TRY(end_item(walk, at, at));
        after_bullet = bullet;
        at = next;
        if (c == '\n' && walk->rules == BULLETS_SPACED_DASHES)
            TRY(end_item_before_dash(walk, &at, end));
    }
    return end_item(walk, end, end);
}

Error *text_each_item(Str list, BulletRules rules, ParagraphFn *each, void *context)
{
    Str trimmed = chars_trim(list);
    if (trimmed.len == 0)
        return NULL;
    size_t from = (size_t)(trimmed.data - list.data);
    ItemWalk walk = {list, rules, each, context, from};
    return cut_items(&walk, from + trimmed.len);
}

/* ---- other lines ---- */

/* Pieces of a block: cut at line ends and at single bullets, neither before a bullet nor at the end of the block. A bullet at which it is
 * cut is a piece too. */
typedef struct PieceWalk {
    Str text;
    BulletRules rules;
    size_t at;
    Str bullet; /* the next piece; empty: none */
} PieceWalk;

static bool is_block_end(Str text, size_t at)
{
    return at >= text.len || (at + 1 == text.len && text.data[at] == '\n');
}

static bool may_be_cut_before(const PieceWalk *walk, size_t at)
{
    size_t next = at;
    return !is_block_end(walk->text, at) && !char_is_bullet(str_next_code_point(walk->text, &next), walk->rules);
}

/* Whether a cut begins at `at`. `*ret_end` is behind what is cut out, or, where there is no cut, behind the character or white space. */
static bool cut_at(PieceWalk *walk, size_t at, size_t *ret_end)
{
    size_t line_ends, end = at, last;
    if (char_is_bullet(str_next_code_point(walk->text, &end), walk->rules)) {
        *ret_end = end;
        if (!may_be_cut_before(walk, end))
            return false;
        walk->bullet = str_slice(walk->text, at, end);
        return true;
    }
    *ret_end = end;
    end = skip_space(walk->text, at, &line_ends);
    if (end > at)
        *ret_end = end;
    if (line_ends == 0 || may_be_cut_before(walk, end))
        return line_ends > 0;
    if (walk->text.data[end - 1] == '\n')
        return false;
    chars_before(walk->text, end, &last); /* the last space before the bullet stays with it */
    *ret_end = last;
    return true;
}

static bool next_piece(PieceWalk *walk, Str *ret_piece)
{
    if (walk->bullet.len > 0) {
        *ret_piece = walk->bullet;
        walk->bullet = STR_EMPTY;
        return true;
    }
    if (walk->at > walk->text.len)
        return false;
    size_t from = walk->at, end;
    for (size_t at = from; at < walk->text.len; at = end) {
        if (cut_at(walk, at, &end)) {
            *ret_piece = str_slice(walk->text, from, at);
            walk->at = end;
            return true;
        }
    }
    *ret_piece = str_slice(walk->text, from, walk->text.len);
    walk->at = walk->text.len + 1;
    return true;
}

static bool is_short_line(Str piece)
{
    size_t words = 1;
    piece = chars_trim(piece);
    for (size_t i = 0; i < piece.len && words < SHORT_LINE_WORDS; i++)
        words += piece.data[i] == ' ';
    return words < SHORT_LINE_WORDS;
}

static bool all_lines_are_short(Str block, BulletRules rules)
{
    PieceWalk walk = {.text = block, .rules = rules};
    Str piece;
    while (next_piece(&walk, &piece)) {
        if (!is_short_line(piece))
            return false;
    }
    return true;
}

MUST_USE static Error *each_short_line(Str block, BulletRules rules, ParagraphFn *each, void *context)
{
    PieceWalk walk = {.text = block, .rules = rules};
    Paragraph line = {0};
    while (next_piece(&walk, &line.text)) {
        if (chars_trim(line.text).len > 0)
            TRY(each(context, &line));
    }
    return NULL;
}

MUST_USE static Error *each_of_block(Str block, BulletRules rules, ParagraphFn *each, void *context)
{
    size_t next;
    Str trimmed = chars_trim(block);
    if (trimmed.len == 0)
        return NULL;
    if (text_begins_with_bullet(trimmed, rules, &next) || misread_bullet_at(trimmed, 0))
        return text_each_item(block, rules, each, context);
    if (all_lines_are_short(block, rules))
        return each_short_line(block, rules, each, context);
    return each(context, &(Paragraph){.text = block, .one_line = true});
}

Error *text_each_paragraph(Str text, BulletRules rules, ParagraphFn *each, void *context)
{
    Str block;
    while (text_next_block(&text, 2, &block))
        TRY(each_of_block(block, rules, each, context));
    return NULL;
}
