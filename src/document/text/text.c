#include "document/text/text.h"

#include "document/chars.h"
#include "document/rules.h"
#include "document/text/charset.h"

enum { LINES_SAMPLED = 2000, SHORT_LINE_WORDS = 5 };

/* Blank lines below one in ten of the first LINES_SAMPLED: every line stands for itself. What follows the last line end counts as a line. */
static bool has_few_blank_lines(Str text)
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

/* The part of `*rest` before the next white space with at least `line_ends` line ends in it; false at the end. */
static bool next_block(Str *rest, size_t line_ends, Str *ret_block)
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

static bool is_lone_bullet(Str text)
{
    size_t next;
    return text_bullet_at(text, 0, &next) && next == text.len;
}

MUST_USE static Error *add_paragraph(Builder *builder, Str text)
{
    text = chars_trim(text);
    if (text.len == 0 || is_lone_bullet(text))
        return NULL;
    return builder_add_classified(builder, text);
}

MUST_USE static Error *add_lines(Builder *builder, Str text)
{
    Str line;
    while (next_block(&text, 1, &line))
        TRY(add_paragraph(builder, line));
    return NULL;
}

/* `text` with each white space that has a line end in it made one space. */
MUST_USE static Error *join_lines(Builder *builder, Str text)
{
    Arena *arena = builder->elements->arena;
    Str rest = text, line;
    text = chars_trim(text);
    if (str_find_char(text, '\n') == SIZE_MAX)
        return add_paragraph(builder, text);
    char *out = arena_alloc(arena, text.len + 1);
    if (!out)
        return arena_error(arena);
    size_t len = 0;
    for (rest = text; next_block(&rest, 1, &line);) {
        if (len > 0)
            out[len++] = ' ';
        if (line.len > 0)
            memcpy(out + len, line.data, line.len);
        len += line.len;
    }
    return add_paragraph(builder, (Str){out, len});
}

/* A line-initial `e` alone is what OCR makes of a bullet. */
static bool misread_bullet_at(Str text, size_t at)
{
    if (text.data[at] != 'e' || at + 1 >= text.len || (at > 0 && text.data[at - 1] != '\n'))
        return false;
    unsigned classes;
    at++;
    chars_next(text, &at, &classes);
    return classes & CHAR_SPACE;
}

static bool is_bullet_char(Str text, size_t at, size_t *ret_next)
{
    size_t next = at;
    str_next_code_point(text, &next);
    *ret_next = next;
    return text_bullet_at(str_slice(text, at, next), 0, &next);
}

MUST_USE static Error *replace_misread_bullets(Arena *arena, Str text, Str *ret_text)
{
    char *out = arena_alloc_array(arena, text.len, 2);
    if (!out)
        return arena_error(arena);
    size_t len = 0;
    for (size_t at = 0; at < text.len; at++) {
        if (misread_bullet_at(text, at))
            len += utf8_encode(0xB7, out + len);
        else
            out[len++] = text.data[at];
    }
    *ret_text = (Str){out, len};
    return NULL;
}

/* Cut in front of every bullet that does not follow another one. */
MUST_USE static Error *add_bulleted(Builder *builder, Str text)
{
    TRY(replace_misread_bullets(builder->elements->arena, text, &text));
    size_t from = 0;
    bool after_bullet = true;
    for (size_t at = 0; at < text.len;) {
        size_t next;
        bool bullet = is_bullet_char(text, at, &next);
        if (bullet && !after_bullet) {
            TRY(join_lines(builder, str_slice(text, from, at)));
            from = at;
        }
        after_bullet = bullet;
        at = next;
    }
    return join_lines(builder, str_slice(text, from, text.len));
}

/* Pieces of a block: cut at line ends and at single bullets, neither before a bullet nor at the end of the block. A bullet at which it is
 * cut is a piece too, though nobody keeps it. */
typedef struct PieceWalk {
    Str text;
    size_t at;
} PieceWalk;

static bool is_block_end(Str text, size_t at)
{
    return at >= text.len || (at + 1 == text.len && text.data[at] == '\n');
}

static bool bullet_follows(Str text, size_t at)
{
    size_t next;
    return at < text.len && is_bullet_char(text, at, &next);
}

/* Whether a cut begins at `at`. `*ret_end` is behind the character or the white space there. */
static bool cut_at(Str text, size_t at, size_t *ret_end)
{
    size_t line_ends;
    if (is_bullet_char(text, at, ret_end))
        return !bullet_follows(text, *ret_end) && !is_block_end(text, *ret_end);
    size_t end = skip_space(text, at, &line_ends);
    if (end > at)
        *ret_end = end;
    if (line_ends == 0)
        return false;
    if (!bullet_follows(text, end) && !is_block_end(text, end))
        return true;
    return text.data[end - 1] != '\n'; /* the space before the bullet stays with it */
}

static bool next_piece(PieceWalk *walk, Str *ret_piece)
{
    if (walk->at > walk->text.len)
        return false;
    size_t from = walk->at, end;
    for (size_t at = from; at < walk->text.len; at = end) {
        if (cut_at(walk->text, at, &end)) {
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

static bool all_lines_are_short(Str block)
{
    PieceWalk walk = {.text = block};
    Str piece;
    while (next_piece(&walk, &piece)) {
        if (!is_short_line(piece))
            return false;
    }
    return true;
}

MUST_USE static Error *add_short_lines(Builder *builder, Str block)
{
    PieceWalk walk = {.text = block};
    Str piece;
    while (next_piece(&walk, &piece))
        TRY(add_lines(builder, piece));
    return NULL;
}

MUST_USE static Error *add_block(Builder *builder, Str block)
{
    Str trimmed = chars_trim(block);
    if (trimmed.len == 0)
        return NULL;
    if (text_is_bulleted(trimmed) || misread_bullet_at(trimmed, 0))
        return add_bulleted(builder, trimmed);
    if (all_lines_are_short(block))
        return add_short_lines(builder, block);
    return join_lines(builder, block);
}

MUST_USE static Error *add_blocks(Builder *builder, Str text)
{
    Str block;
    while (next_block(&text, 2, &block))
        TRY(add_block(builder, block));
    return NULL;
}

/* Python's universal newlines: \r\n and \r are \n. */
MUST_USE static Error *normalize_line_ends(Arena *arena, Str text, Str *ret_text)
{
    *ret_text = text;
    if (str_find_char(text, '\r') == SIZE_MAX)
        return NULL;
    char *out = arena_alloc(arena, text.len);
    if (!out)
        return arena_error(arena);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\r' && i + 1 < text.len && text.data[i + 1] == '\n')
            continue;
        out[len++] = text.data[i] == '\r' ? '\n' : text.data[i];
    }
    *ret_text = (Str){out, len};
    return NULL;
}

Error *text_add_paragraphs(Builder *builder, Str text)
{
    TRY(normalize_line_ends(builder->elements->arena, text, &text));
    return has_few_blank_lines(text) ? add_lines(builder, text) : add_blocks(builder, text);
}

Error *text_add_lines(Builder *builder, Str text)
{
    TRY(normalize_line_ends(builder->elements->arena, text, &text));
    return add_lines(builder, text);
}

Error *partition_text(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                      Elements *elements)
{
    (void)filetype;
    Str text;
    Builder builder;
    builder_init(&builder, options, watch, elements);
    TRY(charset_decode(input, options->encoding, elements->arena, &text));
    return options->txt_lines ? text_add_lines(&builder, text) : text_add_paragraphs(&builder, text);
}
