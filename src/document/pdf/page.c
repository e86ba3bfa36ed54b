#include "document/pdf/page.h"

#include "document/pdf/links.h"
#include "document/pdf/list.h"
#include "document/pdf/xycut.h"
#include "document/rules.h"

/* In parts of the page's height, for the middle of a box. */
#define HEADER_ENDS 0.07
#define FOOTER_BEGINS 0.93

static ElementType classify(const PageContent *page, LayoutRect rect, Str text, Str *ret_text)
{
    double middle = (rect.top + rect.bottom) / 2;
    *ret_text = text;
    if (middle < HEADER_ENDS * page->height)
        return ELEMENT_HEADER;
    if (middle > FOOTER_BEGINS * page->height)
        return ELEMENT_FOOTER;
    return text_classify(text, ret_text);
}

static size_t code_points_of(Str text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.len; count++)
        (void)str_next_code_point(text, &at);
    return count;
}

/* False when nothing is left of the text, as of a lone bullet. */
static bool make_item(const PageContent *page, LayoutRect rect, Str text, PageItem *item)
{
    *item = (PageItem){.rect = rect};
    item->type = classify(page, rect, text, &item->text);
    return item->text.len > 0;
}

MUST_USE static Error *box_items(const PageContent *page, LayoutBoxes boxes, Arena *arena, PageItems *items)
{
    for (size_t i = 0; i < boxes.count; i++) {
        const LayoutBox *box = &boxes.items[i];
        PageItem *item = &items->items[items->count];
        if (!make_item(page, box->rect, box->text, item))
            continue;
        ASSERT(item->text.data >= box->text.data); /* text_classify only trims */
        size_t skipped = code_points_of(str_from(box->text.data, (size_t)(item->text.data - box->text.data)));
        TRY(links_of_box(page->glyphs, box, page->links, skipped, arena, &item->links, &item->link_count));
        items->count++;
    }
    return NULL;
}

static void field_items(const PageContent *page, PageItems *items)
{
    for (size_t i = 0; i < page->fields.count; i++) {
        const PageArea *field = &page->fields.items[i];
        if (make_item(page, field->rect, str_trim(field->text), &items->items[items->count]))
            items->count++;
    }
}

MUST_USE static Error *sort_items(PageItems *items, Arena *arena)
{
    LayoutRect *rects = ARENA_ARRAY(arena, LayoutRect, items->count);
    size_t *order = ARENA_ARRAY(arena, size_t, items->count);
    PageItem *sorted = ARENA_ARRAY(arena, PageItem, items->count);
    if (!rects || !order || !sorted)
        return arena_error(arena);
    for (size_t i = 0; i < items->count; i++)
        rects[i] = items->items[i].rect;
    TRY(xycut_order(rects, items->count, arena, order));
    for (size_t i = 0; i < items->count; i++)
        sorted[i] = items->items[order[i]];
    items->items = sorted;
    return NULL;
}

/* On a page that lies on its side the cut would read from the wrong edge; poppler's order is right there. */
static bool lies_on_its_side(LayoutBoxes boxes)
{
    size_t vertical = 0, all = 0;
    for (size_t i = 0; i < boxes.count; i++) {
        all += boxes.items[i].code_points;
        vertical += boxes.items[i].vertical ? boxes.items[i].code_points : 0;
    }
    return vertical > all - vertical;
}

Error *page_items(const PageContent *page, Arena *arena, PageItems *ret_items)
{
    LayoutBoxes boxes;
    TRY(layout_page(page->glyphs, arena, &boxes));
    PageItems items = {.items = ARENA_ARRAY(arena, PageItem, boxes.count + page->fields.count)};
    if (!items.items)
        return arena_error(arena);
    TRY(box_items(page, boxes, arena, &items));
    field_items(page, &items);
    if (!lies_on_its_side(boxes)) {
        TRY(sort_items(&items, arena));
        TRY(list_join(&items, arena));  /* wants what belongs together near each other */
        TRY(sort_items(&items, arena)); /* the joined ones are larger */
    }
    *ret_items = items;
    return NULL;
}
