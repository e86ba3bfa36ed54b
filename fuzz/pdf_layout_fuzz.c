/* Characters anywhere on a page: the layout loses none, invents none and gives valid text; every box has its place in the order. */
#include "base/reader.h"
#include "document/pdf/page.h"

#define GLYPHS_MAX 4096

static bool is_space(uint32_t code_point)
{
    return code_point <= ' ' || code_point == 0xA0;
}

/* Eight bytes each: place, width, height, size of the font, character. */
static bool read_glyph(Reader *in, LayoutGlyph *glyph)
{
    uint16_t left, bottom, code_point;
    uint8_t width, size;
    if (!reader_u16le(in, &left) || !reader_u16le(in, &bottom) || !reader_u8(in, &width) || !reader_u8(in, &size)
        || !reader_u16le(in, &code_point))
        return false;
    double x = left / 64.0, y = bottom / 64.0;
    *glyph = (LayoutGlyph){{x, y - size / 3.0, x + width / 3.0, y}, size / 2.0, code_point};
    if (code_point >= 0xD800 && code_point <= 0xDFFF) /* poppler gives UTF-8: no surrogates */
        glyph->code_point = '\n';
    return true;
}

static void check_boxes(LayoutGlyphs glyphs, Arena *arena)
{
    LayoutBoxes boxes;
    size_t given = 0, found = 0;
    Error *error = layout_page(glyphs, arena, &boxes);
    ASSERT(!error);
    for (size_t i = 0; i < glyphs.count; i++)
        given += !is_space(glyphs.items[i].code_point);
    for (size_t i = 0; i < boxes.count; i++) {
        ASSERT(boxes.items[i].text.len > 0 && str_is_utf8(boxes.items[i].text));
        for (size_t k = 0; k < boxes.items[i].code_points; k++)
            found += boxes.items[i].glyphs[k] != LAYOUT_NO_GLYPH;
    }
    ASSERT(given == found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static LayoutGlyph storage[GLYPHS_MAX];
    Reader in = reader_of(bytes_from(data, size));
    LayoutGlyphs glyphs = {storage, 0};
    while (glyphs.count < GLYPHS_MAX && read_glyph(&in, &storage[glyphs.count]))
        glyphs.count++;

    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    ASSERT(arena);
    check_boxes(glyphs, arena);
    PageArea link = {{100, 100, 700, 300}, STR("http://example.org/")};
    PageContent page = {.width = 1024, .height = 1024, .glyphs = glyphs, .links = {&link, 1}};
    PageItems items;
    Error *error = page_items(&page, arena, &items);
    ASSERT(!error);
    for (size_t i = 0; i < items.count; i++)
        ASSERT(items.items[i].text.len > 0 && str_is_utf8(items.items[i].text));
    return 0;
}
