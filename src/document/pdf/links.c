#include "document/pdf/links.h"

#include <stdlib.h>

/* Code points of a box's text, `end` excluded. */
typedef struct Stretch {
    size_t from, end;
} Stretch;

static bool touches(LayoutRect a, LayoutRect b)
{
    return a.left <= b.right && b.left <= a.right && a.top <= b.bottom && b.top <= a.bottom;
}

/* By the middle: link areas are often a little too low or too narrow. */
static bool holds(LayoutRect area, LayoutRect glyph)
{
    double x = (glyph.left + glyph.right) / 2, y = (glyph.top + glyph.bottom) / 2;
    return x >= area.left && x <= area.right && y >= area.top && y <= area.bottom;
}

static bool covers(LayoutRect area, LayoutGlyphs glyphs, uint32_t glyph)
{
    return glyph != LAYOUT_NO_GLYPH && holds(area, glyphs.items[glyph].rect);
}

/* The first unbroken stretch under `area`, without spaces at its ends; false when there is none. */
static bool find_stretch(LayoutRect area, LayoutGlyphs glyphs, const LayoutBox *box, Stretch *ret_stretch)
{
    size_t i = 0;
    while (i < box->code_points && !covers(area, glyphs, box->glyphs[i]))
        i++;
    if (i == box->code_points)
        return false;
    *ret_stretch = (Stretch){i, i + 1};
    for (; i < box->code_points; i++) {
        if (covers(area, glyphs, box->glyphs[i]))
            ret_stretch->end = i + 1;
        else if (box->glyphs[i] != LAYOUT_NO_GLYPH)
            break;
    }
    return true;
}

static size_t offset_of(Str text, size_t code_point)
{
    size_t at = 0;
    for (size_t i = 0; i < code_point; i++)
        (void)str_next_code_point(text, &at);
    return at;
}

static int compare_starts(const void *a, const void *b)
{
    const ElementLink *link_a = a, *link_b = b;
    return link_a->start_index < link_b->start_index ? -1 : link_a->start_index > link_b->start_index;
}

Error *links_of_box(LayoutGlyphs glyphs, const LayoutBox *box, PageAreas links, size_t skipped, Arena *arena,
                    ElementLink **ret_links, size_t *ret_count)
{
    size_t touching = 0, count = 0;
    for (size_t i = 0; i < links.count; i++)
        touching += touches(links.items[i].rect, box->rect);
    ElementLink *found = ARENA_ARRAY(arena, ElementLink, touching);
    if (!found)
        return arena_error(arena);

    for (size_t i = 0; i < links.count && touching; i++) {
        Stretch stretch;
        if (!touches(links.items[i].rect, box->rect) || !find_stretch(links.items[i].rect, glyphs, box, &stretch)
            || stretch.end <= skipped)
            continue;
        size_t from = MAX(stretch.from, skipped);
        Str text = str_slice(box->text, offset_of(box->text, from), offset_of(box->text, stretch.end));
        found[count++] =
            (ElementLink){.text = text, .url = links.items[i].text, .start_index = (int64_t)(from - skipped)};
    }
    qsort(found, count, sizeof(*found), compare_starts);
    *ret_links = found;
    *ret_count = count;
    return NULL;
}
