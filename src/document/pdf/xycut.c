#include "document/pdf/xycut.h"

#include <math.h>
#include <stdlib.h>

#define SHRINK 0.9         /* boxes are cut to this part of their size, so that touching ones come apart */
#define DEPTH_MAX 256      /* deeper pages are read in the order reached so far */
#define COORDINATE_MAX 1e9 /* far beyond any page; keeps the integers exact */

/* A box in whole units, as the originals project it; `right` and `bottom` lie outside. */
typedef struct Cell {
    int64_t left, top, right, bottom;
    LayoutRect rect;
    size_t index;
} Cell;

/* Cells that are cut one way; `spare` has the same size. */
typedef struct Cut {
    Cell *cells, *spare;
    size_t *order;
    size_t count; /* of what stands in `order` */
} Cut;

static int compare_numbers(double a, double b)
{
    return a < b ? -1 : a > b;
}

static int compare_reading(const void *a, const void *b)
{
    const Cell *cell_a = a, *cell_b = b;
    int by_top = compare_numbers(cell_a->rect.top, cell_b->rect.top);
    int by_left = compare_numbers(cell_a->rect.left, cell_b->rect.left);
    return by_top ? by_top : by_left ? by_left : cell_a->index < cell_b->index ? -1 : 1;
}

static int64_t whole(double value)
{
    return (int64_t)fmin(fmax(value, -COORDINATE_MAX), COORDINATE_MAX);
}

static Cell cell_of(LayoutRect rect, size_t index)
{
    int64_t left = whole(rect.left), top = whole(rect.top), right = whole(rect.right), bottom = whole(rect.bottom);
    int64_t cut_right = whole((double)left + (double)(right - left) * SHRINK);
    int64_t cut_bottom = whole((double)top + (double)(bottom - top) * SHRINK);
    return (Cell){left, top, MAX(cut_right, left + 1), MAX(cut_bottom, top + 1), rect, index};
}

static int64_t cell_from(const Cell *cell, bool by_x)
{
    return by_x ? cell->left : cell->top;
}

static int64_t cell_to(const Cell *cell, bool by_x)
{
    return by_x ? cell->right : cell->bottom;
}

/* Stable merge sort of `cells` along one axis. */
static void sort_cells(Cell *cells, Cell *spare, size_t count, bool by_x)
{
    if (count < 2)
        return;
    size_t half = count / 2;
    sort_cells(cells, spare, half, by_x);
    sort_cells(cells + half, spare, count - half, by_x);
    memcpy(spare, cells, half * sizeof(*cells));
    for (size_t i = 0, k = half, to = 0; i < half; to++) {
        bool right_first = k < count && cell_from(&cells[k], by_x) < cell_from(&spare[i], by_x);
        cells[to] = right_first ? cells[k++] : spare[i++];
    }
}

/* The end of the strip that begins at `first`: the next cell starts behind all cells of the strip. */
static size_t strip_end(const Cell *cells, size_t first, size_t count, bool by_x)
{
    int64_t reach = cell_to(&cells[first], by_x);
    size_t end = first + 1;
    while (end < count && cell_from(&cells[end], by_x) <= reach) {
        reach = MAX(reach, cell_to(&cells[end], by_x));
        end++;
    }
    return end;
}

static void emit(Cut *cut, const Cell *cells, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cut->order[cut->count++] = cells[i].index;
}

/* Splits into columns, each column into rows, and goes on inside each row. */
static void cut_columns(Cut *cut, Cell *cells, size_t count, unsigned depth)
{
    sort_cells(cells, cut->spare, count, true);
    for (size_t column = 0, column_end; column < count; column = column_end) {
        column_end = strip_end(cells, column, count, true);
        Cell *rows = cells + column;
        size_t rows_count = column_end - column;
        sort_cells(rows, cut->spare, rows_count, false);
        if (strip_end(rows, 0, rows_count, false) == rows_count || depth == DEPTH_MAX) {
            emit(cut, rows, rows_count);
            continue;
        }
        for (size_t row = 0, row_end; row < rows_count; row = row_end) {
            row_end = strip_end(rows, row, rows_count, false);
            cut_columns(cut, rows + row, row_end - row, depth + 1);
        }
    }
}

Error *xycut_order(const LayoutRect *rects, size_t count, Arena *arena, size_t *ret_order)
{
    Cut cut = {.cells = ARENA_ARRAY(arena, Cell, count), .spare = ARENA_ARRAY(arena, Cell, count), .order = ret_order};
    if (!cut.cells || !cut.spare)
        return arena_error(arena);
    bool negative = false;
    for (size_t i = 0; i < count; i++) {
        cut.cells[i] = cell_of(rects[i], i);
        negative = negative || cut.cells[i].left < 0 || cut.cells[i].top < 0;
    }
    qsort(cut.cells, count, sizeof(*cut.cells), compare_reading);
    if (negative) /* the originals give up on the cut then */
        emit(&cut, cut.cells, count);
    else
        cut_columns(&cut, cut.cells, count, 0);
    return NULL;
}
