#include "document/pdf/lines.h"

#include <math.h>
#include <stdlib.h>

#include "document/pdf/band.h"

/* pdfminer's parameters as the originals set them. */
#define LINE_OVERLAP 0.5  /* of the smaller height: characters of one line */
#define CHAR_MARGIN 2.0   /* of the larger width: the widest gap inside a line */
#define WORD_MARGIN 0.185 /* of the larger side of the later character: wider is a space */

/* The source writes white space also where only the font changes, or in a formula: narrower than this, of the larger side, it is none. Just above
 * the thin space of TeX, a sixth. */
#define SPACE_MIN 0.168

/* pdfminer sees characters as they were drawn, we see them as poppler groups them: what was drawn as one line may come in fragments.
 * These are joined over CHAR_MARGIN when the first is a label, else only over less, so that columns stay apart: this part of the
 * height, or of the smaller width (ideographs). Found by trying on the corpus. */
#define FRAGMENT_MARGIN_HEIGHT 1.15
#define FRAGMENT_MARGIN_WIDTH 1.5
#define SIZE_TRUSTED 2.5 /* how far a font's size may be from the height of its characters, as a factor */
#define LABEL_MAX 4      /* characters */

#define NONE UINT32_MAX

/* A fragment while neighbours are looked for. */
typedef struct Piece {
    LayoutRect rect;
    uint32_t first, last;  /* glyphs */
    uint32_t next, before; /* pieces to the right and to the left on the same line, or NONE */
    bool vertical;
} Piece;

typedef struct Pieces {
    Piece *items;
    size_t count;
} Pieces;

bool glyph_is_space(uint32_t code_point)
{
    return code_point <= ' ' || code_point == 0xA0;
}

/* A character stands on its descent line and is as tall as its font: pdfminer's box. A size far from the glyph's own height is
 * a trick of the font. */
static LayoutRect glyph_rect(const LayoutGlyph *glyph)
{
    LayoutRect rect = glyph->rect;
    double height = rect.bottom - rect.top;
    if (glyph->size > height / SIZE_TRUSTED && glyph->size < height * SIZE_TRUSTED)
        rect.top = rect.bottom - glyph->size;
    return rect;
}

static double width(LayoutRect rect)
{
    return rect.right - rect.left;
}

static double height(LayoutRect rect)
{
    return rect.bottom - rect.top;
}

bool lines_space_between(const LayoutGlyph *before, const LayoutGlyph *after, bool white_space)
{
    LayoutRect rect = glyph_rect(after);
    double side = fmax(width(rect), height(rect)), gap = rect.left - before->rect.right;
    return gap > WORD_MARGIN * side || (white_space && fabs(gap) >= SPACE_MIN * side);
}

/* ---- glyphs to pieces ---- */

static bool at_one_height(LayoutRect a, LayoutRect b)
{
    return fmin(a.bottom, b.bottom) - fmax(a.top, b.top) > LINE_OVERLAP * fmin(height(a), height(b));
}

static double gap_between(LayoutRect a, LayoutRect b)
{
    return fmax(a.left, b.left) - fmin(a.right, b.right);
}

static bool continues_line(LayoutRect before, LayoutRect after)
{
    return at_one_height(before, after) && gap_between(before, after) < CHAR_MARGIN * fmax(width(before), width(after));
}

/* True when most characters from `first` to `end` stand below or above the one before rather than beside it. */
static bool run_is_vertical(LayoutGlyphs glyphs, size_t first, size_t end)
{
    size_t along = 0, down = 0;
    for (size_t i = first + 1; i < end; i++) {
        const LayoutGlyph *a = &glyphs.items[i - 1], *b = &glyphs.items[i];
        if (glyph_is_space(a->code_point) || glyph_is_space(b->code_point))
            continue;
        bool is_down = fabs(b->rect.top + b->rect.bottom - a->rect.top - a->rect.bottom)
                       > fabs(b->rect.left + b->rect.right - a->rect.left - a->rect.right);
        down += is_down;
        along += !is_down;
    }
    return down > along;
}

static size_t run_end(LayoutGlyphs glyphs, size_t first)
{
    size_t end = first;
    while (end < glyphs.count && glyphs.items[end].code_point != '\n')
        end++;
    return end;
}

/* One run of the source, split where pdfminer would. */
static void read_run(LayoutGlyphs glyphs, size_t first, size_t end, Pieces *pieces)
{
    bool vertical = run_is_vertical(glyphs, first, end);
    LayoutRect before = {0};
    Piece *piece = NULL;
    for (size_t i = first; i < end; i++) {
        const LayoutGlyph *glyph = &glyphs.items[i];
        if (glyph_is_space(glyph->code_point))
            continue;
        LayoutRect rect = vertical ? glyph->rect : glyph_rect(glyph),
                   turned = vertical ? layout_rect_turned(rect) : rect;
        if (!piece || !continues_line(before, turned)) {
            piece = &pieces->items[pieces->count++];
            *piece = (Piece){rect, (uint32_t)i, (uint32_t)i, NONE, NONE, vertical};
        }
        piece->rect = layout_rect_union(piece->rect, rect);
        piece->last = (uint32_t)i;
        before = turned;
    }
}

/* ---- pieces to lines ---- */

/* "o", "1.", "3.1", a superscript: what stands before the text of a list item, a heading, a note. */
static bool is_label(const Piece *piece)
{
    return piece->last - piece->first < LABEL_MAX;
}

static double fragment_margin(LayoutRect end, LayoutRect begin)
{
    return fmax(FRAGMENT_MARGIN_HEIGHT * fmax(height(begin), height(end)),
                FRAGMENT_MARGIN_WIDTH * fmin(width(begin), width(end)));
}

/* The gap over which `right` goes on with what `left` began, HUGE_VAL when it does not. Each begins further right than the one
 * before, so that no chain closes to a ring. */
static double join_gap(LayoutGlyphs glyphs, const Piece *left, const Piece *right)
{
    LayoutRect end = glyph_rect(&glyphs.items[left->last]), begin = glyph_rect(&glyphs.items[right->first]);
    double gap = gap_between(end, begin);
    bool joins = !left->vertical && !right->vertical && right->rect.left > left->rect.left && begin.left >= end.left
                 && continues_line(end, begin) && (is_label(left) || gap < fragment_margin(end, begin));
    return joins ? gap : HUGE_VAL;
}

/* For each piece the nearest that goes on to its right; `ret_next` has room for all. */
MUST_USE static Error *find_next(LayoutGlyphs glyphs, Pieces pieces, Band *band, uint32_t *ret_next)
{
    for (size_t i = 0; i < pieces.count; i++) {
        const Piece *left = &pieces.items[i];
        double nearest = HUGE_VAL;
        ret_next[i] = NONE;
        uint32_t other;
        for (BandWalk walk = band_walk(band, left->rect.top, left->rect.bottom); band_next(&walk, &other);) {
            double gap = join_gap(glyphs, left, &pieces.items[other]);
            if (gap < nearest) {
                nearest = gap;
                ret_next[i] = other;
            }
        }
    }
    return band_check(band);
}

/* Links each piece with the one that is nearest to it when it is also nearest to that. */
static void link_pieces(LayoutGlyphs glyphs, Pieces pieces, const uint32_t *next)
{
    for (uint32_t i = 0; i < pieces.count; i++) {
        if (next[i] == NONE)
            continue;
        Piece *right = &pieces.items[next[i]];
        double gap = join_gap(glyphs, &pieces.items[i], right);
        if (right->before != NONE && join_gap(glyphs, &pieces.items[right->before], right) <= gap)
            continue;
        if (right->before != NONE)
            pieces.items[right->before].next = NONE;
        right->before = i;
        pieces.items[i].next = next[i];
    }
}

static void write_lines(Pieces pieces, Lines *lines, Fragment *fragments)
{
    uint32_t written = 0;
    for (size_t i = 0; i < pieces.count; i++) {
        if (pieces.items[i].before != NONE)
            continue;
        Line line = {.rect = pieces.items[i].rect, .fragment = written, .vertical = pieces.items[i].vertical};
        for (const Piece *piece = &pieces.items[i];; piece = &pieces.items[piece->next]) {
            line.rect = layout_rect_union(line.rect, piece->rect);
            fragments[written++] = (Fragment){piece->first, piece->last};
            if (piece->next == NONE)
                break;
        }
        line.fragments = written - line.fragment;
        lines->items[lines->count++] = line;
    }
}

MUST_USE static Error *join_pieces(LayoutGlyphs glyphs, Pieces pieces, Arena *arena)
{
    LayoutRect *rects = ARENA_ARRAY(arena, LayoutRect, pieces.count);
    uint32_t *next = ARENA_ARRAY(arena, uint32_t, pieces.count);
    if (!rects || !next)
        return arena_error(arena);
    for (size_t i = 0; i < pieces.count; i++)
        rects[i] = pieces.items[i].rect;
    Band band;
    TRY(band_init(rects, pieces.count, arena, &band));
    TRY(find_next(glyphs, pieces, &band, next));
    link_pieces(glyphs, pieces, next);
    return NULL;
}

Error *lines_read(LayoutGlyphs glyphs, Arena *arena, Lines *ret_lines)
{
    Pieces pieces = {.items = ARENA_ARRAY(arena, Piece, glyphs.count)};
    if (!pieces.items)
        return arena_error(arena);
    for (size_t first = 0, end; first < glyphs.count; first = end + 1) {
        end = run_end(glyphs, first);
        read_run(glyphs, first, end, &pieces);
    }
    TRY(join_pieces(glyphs, pieces, arena));

    Lines lines = {.items = ARENA_ARRAY(arena, Line, pieces.count)};
    Fragment *fragments = ARENA_ARRAY(arena, Fragment, pieces.count);
    if (!lines.items || !fragments)
        return arena_error(arena);
    write_lines(pieces, &lines, fragments);
    lines.fragments = fragments;
    *ret_lines = lines;
    return NULL;
}
