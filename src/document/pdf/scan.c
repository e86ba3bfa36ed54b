#include "document/pdf/scan.h"

#include <string.h>

static void free_mapping(GList **mapping)
{
    poppler_page_free_image_mapping(*mapping);
}

static void free_surface(cairo_surface_t **surface)
{
    if (*surface)
        cairo_surface_destroy(*surface);
}

/* The picture that covers the page; false: none does. */
static bool find_scan(PopplerPage *page, const OcrPage *place, int *ret_image)
{
    CLEANUP(free_mapping) GList *mapping = poppler_page_get_image_mapping(page);
    double largest = SCAN_COVERS_MIN * place->width * place->height;
    bool found = false;
    for (const GList *i = mapping; i; i = i->next) {
        const PopplerImageMapping *image = i->data;
        double area = (image->area.x2 - image->area.x1) * (image->area.y2 - image->area.y1);
        if (area < largest)
            continue;
        largest = area;
        *ret_image = image->image_id;
        found = true;
    }
    return found;
}

/* A pixel of cairo's: 0xAARRGGBB in the machine's order, colours already multiplied by alpha. On white, by the weights of ITU-R BT.601. */
static uint8_t grey_of(uint32_t pixel, bool has_alpha)
{
    uint32_t red = pixel >> 16 & 0xff, green = pixel >> 8 & 0xff, blue = pixel & 0xff;
    uint32_t white = has_alpha ? 255 - (pixel >> 24) : 0;
    return (uint8_t)MIN((299 * red + 587 * green + 114 * blue) / 1000 + white, 255U);
}

MUST_USE static Error *read_grey(cairo_surface_t *surface, Arena *arena, OcrGrey *ret_grey)
{
    int width = cairo_image_surface_get_width(surface), height = cairo_image_surface_get_height(surface);
    int stride = cairo_image_surface_get_stride(surface);
    cairo_format_t format = cairo_image_surface_get_format(surface);
    const uint8_t *data = cairo_image_surface_get_data(surface);
    if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS || !data || width <= 0 || height <= 0
        || (format != CAIRO_FORMAT_RGB24 && format != CAIRO_FORMAT_ARGB32))
        return FAIL(CORRUPT, "its picture cannot be decoded");
    TRY(ocr_check_size("its picture", (uint64_t)width, (uint64_t)height));
    uint8_t *pixels = arena_alloc_array(arena, (size_t)width * (size_t)height, 1);
    if (!pixels)
        return arena_error(arena);
    for (int y = 0; y < height; y++) {
        const uint8_t *from = data + (size_t)y * (size_t)stride;
        uint8_t *to = pixels + (size_t)y * (size_t)width;
        for (int x = 0; x < width; x++) {
            uint32_t pixel;
            memcpy(&pixel, from + 4 * (size_t)x, sizeof pixel);
            to[x] = grey_of(pixel, format == CAIRO_FORMAT_ARGB32);
        }
    }
    *ret_grey = (OcrGrey){pixels, width, height, width};
    return NULL;
}

bool scan_covers(PopplerPage *page)
{
    OcrPage place = {0};
    int image;
    poppler_page_get_size(page, &place.width, &place.height);
    return find_scan(page, &place, &image);
}

Error *scan_add_page(Builder *builder, PopplerPage *page, uint32_t page_number, Arena *arena, bool *ret_is_scan)
{
    OcrPage place = {.number = page_number};
    OcrGrey grey;
    int image;
    poppler_page_get_size(page, &place.width, &place.height);
    *ret_is_scan = find_scan(page, &place, &image);
    if (!*ret_is_scan)
        return NULL;
    CLEANUP(free_surface) cairo_surface_t *surface = poppler_page_get_image(page, image);
    if (!surface)
        return FAIL(CORRUPT, "its picture cannot be decoded");
    TRY(read_grey(surface, arena, &grey));
    return ocr_add_grey(builder, &grey, &place);
}
