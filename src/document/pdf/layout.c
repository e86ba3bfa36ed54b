#include "document/pdf/layout.h"

#include <math.h>
#include <stdlib.h>

#include "document/pdf/band.h"
#include "document/pdf/lines.h"

#define LINE_MARGIN 0.5 /* pdfminer's: how far lines of one box lie apart, in parts of a line's height */

LayoutRect layout_rect_union(LayoutRect a, LayoutRect b)
{
    return (LayoutRect){fmin(a.left, b.left), fmin(a.top, b.top), fmax(a.right, b.right), fmax(a.bottom, b.bottom)};
}

LayoutRect layout_rect_turned(LayoutRect rect)
{
    return (LayoutRect){rect.top, rect.left, rect.bottom, rect.right};
}

/* ---- lines to boxes ---- */

/* Which box each line belongs to, as a forest of lines; the root is the box's first line. */
typedef struct Forest {
    uint32_t *parents;
    size_t count;
} Forest;

static uint32_t find_root(Forest forest, uint32_t line)
{
    while (forest.parents[line] != line) {
        forest.parents[line] = forest.parents[forest.parents[line]];
        line = forest.parents[line];
    }
    return line;
}

/* The earlier line stays the root, so that boxes keep the order of their first lines. */
static void unite(Forest forest, uint32_t a, uint32_t b)
{
    a = find_root(forest, a);
    b = find_root(forest, b);
    forest.parents[MAX(a, b)] = MIN(a, b);
}

static double overlap(double a_from, double a_to, double b_from, double b_to)
{
    return fmin(a_to, b_to) - fmax(a_from, b_from);
}

/* pdfminer's find_neighbors: near, of about one height, and with one edge or the middle in common. Not symmetric. */
static bool is_neighbour(LayoutRect a, LayoutRect b)
{
    double margin = LINE_MARGIN * (a.bottom - a.top);
    return overlap(a.left, a.right, b.left, b.right) > 0
           && overlap(a.top - margin, a.bottom + margin, b.top, b.bottom) > 0
           && fabs((b.bottom - b.top) - (a.bottom - a.top)) <= margin
           && (fabs(a.left - b.left) <= margin || fabs(a.right - b.right) <= margin
               || fabs((a.left + a.right) - (b.left + b.right)) <= 2 * margin);
}

MUST_USE static Error *group_lines(Lines lines, Arena *arena, Forest *ret_forest)
{
    Forest forest = {.parents = ARENA_ARRAY(arena, uint32_t, lines.count), .count = lines.count};
    LayoutRect *rects = ARENA_ARRAY(arena, LayoutRect, lines.count);
    if (!forest.parents || !rects)
        return arena_error(arena);
    for (size_t i = 0; i < lines.count; i++) {
        forest.parents[i] = (uint32_t)i;
        rects[i] = lines.items[i].vertical ? layout_rect_turned(lines.items[i].rect) : lines.items[i].rect;
    }
    Band band;
    TRY(band_init(rects, lines.count, arena, &band));
    for (uint32_t i = 0, other; i < lines.count; i++) {
        double margin = LINE_MARGIN * (rects[i].bottom - rects[i].top);
        for (BandWalk walk = band_walk(&band, rects[i].top - margin, rects[i].bottom + margin);
             band_next(&walk, &other);)
            if (lines.items[i].vertical == lines.items[other].vertical && is_neighbour(rects[i], rects[other]))
                unite(forest, i, other);
    }
    *ret_forest = forest;
    return band_check(&band);
}

/* ---- boxes to text ---- */

/* A line with the box it belongs to. */
typedef struct Member {
    const Line *line;
    uint32_t box;
} Member;

/* What is written so far: the arrays have room for every glyph and a space behind each. */
typedef struct Text {
    char *bytes;
    uint32_t *glyphs;
    size_t len, code_points;
} Text;

static void put(Text *text, uint32_t code_point, uint32_t glyph)
{
    text->len += utf8_encode(code_point, text->bytes + text->len);
    text->glyphs[text->code_points++] = glyph;
}

static void put_fragment(Text *text, LayoutGlyphs glyphs, Fragment fragment, const LayoutGlyph **before, bool vertical)
{
    bool white_space = false;
    for (uint32_t i = fragment.first; i <= fragment.last; i++) {
        const LayoutGlyph *glyph = &glyphs.items[i];
        if (glyph_is_space(glyph->code_point)) {
            white_space = true;
            continue;
        }
        if (*before && (vertical ? white_space : lines_space_between(*before, glyph, white_space)))
            put(text, ' ', LAYOUT_NO_GLYPH);
        put(text, glyph->code_point, i);
        white_space = false;
        *before = glyph;
    }
}

static void put_line(Text *text, LayoutGlyphs glyphs, Lines lines, const Line *line)
{
    const LayoutGlyph *before = NULL;
    if (text->code_points)
        put(text, ' ', LAYOUT_NO_GLYPH);
    for (uint32_t i = 0; i < line->fragments; i++)
        put_fragment(text, glyphs, lines.fragments[line->fragment + i], &before, line->vertical);
}

static int compare_numbers(double a, double b)
{
    return a < b ? -1 : a > b;
}

/* By box; in it from top to bottom, then from left to right, vertical lines as they came. */
static int compare_members(const void *a, const void *b)
{
    const Member *member_a = a, *member_b = b;
    const Line *line_a = member_a->line, *line_b = member_b->line;
    if (member_a->box != member_b->box)
        return member_a->box < member_b->box ? -1 : 1;
    int by_top = line_a->vertical ? 0 : compare_numbers(line_a->rect.top, line_b->rect.top);
    int by_left = line_a->vertical ? 0 : compare_numbers(line_a->rect.left, line_b->rect.left);
    return by_top ? by_top : by_left ? by_left : line_a < line_b ? -1 : line_a > line_b;
}

static LayoutBox write_box(LayoutGlyphs glyphs, Lines lines, const Member *members, size_t count, Text *text)
{
    Text here = {.bytes = text->bytes + text->len, .glyphs = text->glyphs + text->code_points};
    LayoutBox box = {.rect = members[0].line->rect, .glyphs = here.glyphs, .vertical = members[0].line->vertical};
    for (size_t i = 0; i < count; i++) {
        box.rect = layout_rect_union(box.rect, members[i].line->rect);
        put_line(&here, glyphs, lines, members[i].line);
    }
    box.text = str_from(here.bytes, here.len);
    box.code_points = here.code_points;
    text->len += here.len;
    text->code_points += here.code_points;
    return box;
}

MUST_USE static Error *write_boxes(LayoutGlyphs glyphs, Lines lines, Forest forest, Arena *arena,
                                   LayoutBoxes *ret_boxes)
{
    Member *members = ARENA_ARRAY(arena, Member, lines.count);
    LayoutBox *boxes = ARENA_ARRAY(arena, LayoutBox, lines.count);
    Text text = {.bytes = arena_alloc_array(arena, glyphs.count, 5),
                 .glyphs = ARENA_ARRAY(arena, uint32_t, 2 * glyphs.count)};
    if (!members || !boxes || !text.bytes || !text.glyphs)
        return arena_error(arena);
    for (size_t i = 0; i < lines.count; i++)
        members[i] = (Member){&lines.items[i], find_root(forest, (uint32_t)i)};
    qsort(members, lines.count, sizeof(*members), compare_members);

    size_t count = 0;
    for (size_t first = 0, end; first < lines.count; first = end) {
        for (end = first + 1; end < lines.count && members[end].box == members[first].box;)
            end++;
        boxes[count++] = write_box(glyphs, lines, members + first, end - first, &text);
    }
    *ret_boxes = (LayoutBoxes){boxes, count};
    return NULL;
}

Error *layout_page(LayoutGlyphs glyphs, Arena *arena, LayoutBoxes *ret_boxes)
{
    if (glyphs.count >= LAYOUT_NO_GLYPH)
        return FAIL(LIMIT, "page layout: %zu characters on one page", glyphs.count);
    Lines lines;
    Forest forest = {0};
    TRY(lines_read(glyphs, arena, &lines));
    TRY(group_lines(lines, arena, &forest));
    return write_boxes(glyphs, lines, forest, arena, ret_boxes);
}
