/* band.h - finds the rectangles that lie at the height of a given one, without comparing all with all. */
#ifndef PDF_BAND_H
#define PDF_BAND_H

#include "document/pdf/layout.h"

/* Walking is quadratic only when all rectangles lie in one band; this many steps take about a second. */
#define BAND_STEPS_MAX ((size_t)200 * 1000 * 1000)

/* Embedded by the caller, memory in an arena. `rects` are borrowed and must not change. */
typedef struct Band {
    const LayoutRect *rects;
    uint32_t *by_top;
    size_t count;
    double height_max;
    size_t steps_left;
} Band;

typedef struct BandWalk {
    Band *band;
    size_t at;
    double top, bottom;
} BandWalk;

/* Errors: LIMIT, NO_MEMORY (arena). `count` is below UINT32_MAX. */
MUST_USE Error *band_init(const LayoutRect *rects, size_t count, Arena *arena, Band *ret_band);

/* Walks the rectangles that may overlap the heights from `top` to `bottom`, and some others, from the top. */
BandWalk band_walk(Band *band, double top, double bottom);
/* False at the end, and when the band has no steps left. */
bool band_next(BandWalk *walk, uint32_t *ret_index);

/* LIMIT when a walk ended for want of steps. Ask once behind all walks. */
MUST_USE Error *band_check(const Band *band);

#endif
