#include "document/pdf/band.h"

#include <math.h>
#include <stdlib.h>

static int compare_tops(const void *a, const void *b, void *context)
{
    const Band *band = context;
    const LayoutRect *rects = band->rects;
    uint32_t index_a = *(const uint32_t *)a, index_b = *(const uint32_t *)b;
    double top_a = rects[index_a].top, top_b = rects[index_b].top;
    if (top_a != top_b)
        return top_a < top_b ? -1 : 1;
    return index_a < index_b ? -1 : index_a > index_b;
}

Error *band_init(const LayoutRect *rects, size_t count, Arena *arena, Band *ret_band)
{
    Band band = {
        .rects = rects, .by_top = ARENA_ARRAY(arena, uint32_t, count), .count = count, .steps_left = BAND_STEPS_MAX};
    if (!band.by_top)
        return arena_error(arena);
    for (size_t i = 0; i < count; i++) {
        band.by_top[i] = (uint32_t)i;
        band.height_max = fmax(band.height_max, rects[i].bottom - rects[i].top);
    }
    qsort_r(band.by_top, count, sizeof(*band.by_top), compare_tops, &band);
    *ret_band = band;
    return NULL;
}

/* Place of the first rectangle whose top is at least `top`. */
static size_t first_from(const Band *band, double top)
{
    size_t low = 0, high = band->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (band->rects[band->by_top[middle]].top < top)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

BandWalk band_walk(Band *band, double top, double bottom)
{
    return (BandWalk){.band = band, .at = first_from(band, top - band->height_max), .top = top, .bottom = bottom};
}

bool band_next(BandWalk *walk, uint32_t *ret_index)
{
    Band *band = walk->band;
    for (; walk->at < band->count && band->steps_left; walk->at++) {
        uint32_t index = band->by_top[walk->at];
        band->steps_left--;
        if (band->rects[index].top > walk->bottom)
            return false;
        if (band->rects[index].bottom >= walk->top) {
            *ret_index = index;
            walk->at++;
            return true;
        }
    }
    return false;
}

Error *band_check(const Band *band)
{
    if (band->steps_left)
        return NULL;
    return FAIL(LIMIT,
                "page layout: %zu stretches of text lie so close that ordering them takes more than %zu comparisons",
                band->count, BAND_STEPS_MAX);
}
