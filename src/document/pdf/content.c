#include "document/pdf/content.h"

#include <math.h>

static void free_text(char **text)
{
    g_free(*text);
}

static void free_rects(PopplerRectangle **rects)
{
    g_free(*rects);
}

static void free_attributes(GList **attributes)
{
    poppler_page_free_text_attributes(*attributes);
}

static void free_links(GList **links)
{
    poppler_page_free_link_mapping(*links);
}

static void free_fields(GList **fields)
{
    poppler_page_free_form_field_mapping(*fields);
}

/* ---- characters ---- */

/* Poppler marks the direction of Hebrew and Arabic words in its text, without a rectangle for the mark. */
static bool is_direction_mark(uint32_t code_point)
{
    return code_point >= 0x202A && code_point <= 0x202E;
}

static bool is_right_to_left(uint32_t code_point)
{
    return (code_point >= 0x590 && code_point <= 0x8FF) || (code_point >= 0xFB1D && code_point <= 0xFDFF)
           || (code_point >= 0xFE70 && code_point <= 0xFEFC);
}

static bool is_place(LayoutRect rect)
{
    return isfinite(rect.left) && isfinite(rect.top) && isfinite(rect.right) && isfinite(rect.bottom);
}

static LayoutRect rect_of(PopplerRectangle rect)
{
    return (LayoutRect){MIN(rect.x1, rect.x2), MIN(rect.y1, rect.y2), MAX(rect.x1, rect.x2), MAX(rect.y1, rect.y2)};
}

/* Runs of one font size, by index of character. */
static double size_at(const GList **sizes, size_t index)
{
    while (*sizes && (size_t)((const PopplerTextAttributes *)(*sizes)->data)->end_index < index)
        *sizes = (*sizes)->next;
    return *sizes ? ((const PopplerTextAttributes *)(*sizes)->data)->font_size : 0;
}

/* Poppler's text stands in the order of reading, its rectangles in the order of places: for right-to-left text a character does not
 * have its own. Such a line is given as one place for all. */
static void even_line(LayoutGlyph *line, size_t count)
{
    LayoutRect all = line[0].rect;
    for (size_t i = 1; i < count; i++)
        all = layout_rect_union(all, line[i].rect);
    for (size_t i = 0; i < count; i++)
        line[i].rect = all;
}

static size_t fill_glyphs(Str text, const PopplerRectangle *rects, size_t rect_count, const GList *sizes,
                          LayoutGlyph *glyphs)
{
    size_t count = 0, line = 0;
    bool right_to_left = false;
    for (size_t at = 0; at < text.len && count < rect_count;) {
        uint32_t code_point = str_next_code_point(text, &at);
        if (is_direction_mark(code_point))
            continue;
        LayoutGlyph glyph = {rect_of(rects[count]), size_at(&sizes, count), code_point};
        if (!is_place(glyph.rect) || !isfinite(glyph.size))
            glyph = (LayoutGlyph){.code_point = ' '};
        glyphs[count] = glyph;
        if (code_point == '\n') {
            if (right_to_left)
                even_line(glyphs + line, count - line);
            line = count + 1;
            right_to_left = false;
        }
        right_to_left = right_to_left || is_right_to_left(code_point);
        count++;
    }
    if (right_to_left)
        even_line(glyphs + line, count - line);
    return count;
}

MUST_USE static Error *read_glyphs(PopplerPage *page, Arena *arena, LayoutGlyphs *ret_glyphs)
{
    CLEANUP(free_text) char *text = poppler_page_get_text(page);
    CLEANUP(free_rects) PopplerRectangle *rects = NULL;
    guint count = 0;
    if (!text || !poppler_page_get_text_layout(page, &rects, &count))
        return NULL;
    if (count > CONTENT_CHARACTERS_MAX)
        return FAIL(LIMIT, "more than %zu characters on one page", CONTENT_CHARACTERS_MAX);
    CLEANUP(free_attributes) GList *sizes = poppler_page_get_text_attributes(page);
    LayoutGlyph *glyphs = ARENA_ARRAY(arena, LayoutGlyph, count);
    if (!glyphs)
        return arena_error(arena);
    *ret_glyphs = (LayoutGlyphs){glyphs, fill_glyphs(str_of(text), rects, count, sizes, glyphs)};
    return NULL;
}

/* ---- links and fields ---- */

/* Annotations are given with y upwards from the bottom of the page. */
static LayoutRect area_of(PopplerRectangle area, double page_height)
{
    return rect_of((PopplerRectangle){area.x1, page_height - area.y2, area.x2, page_height - area.y1});
}

/* A URL, or the name of a place in this document; NULL for what leads elsewhere. */
static const char *action_target(const PopplerAction *action)
{
    if (action->type == POPPLER_ACTION_URI)
        return action->uri.uri;
    if (action->type == POPPLER_ACTION_GOTO_DEST && action->goto_dest.dest
        && action->goto_dest.dest->type == POPPLER_DEST_NAMED)
        return action->goto_dest.dest->named_dest;
    return NULL;
}

/* An area without text, with text that is not UTF-8 or without a place is left out. */
MUST_USE static Error *add_area(PageAreas *areas, LayoutRect rect, const char *text, Arena *arena)
{
    Str borrowed = str_of(text);
    if (!borrowed.len || !str_is_utf8(borrowed) || !is_place(rect))
        return NULL;
    Str copy = arena_str(arena, borrowed);
    if (!copy.data)
        return arena_error(arena);
    areas->items[areas->count++] = (PageArea){rect, copy};
    return NULL;
}

MUST_USE static Error *new_areas(size_t count, Arena *arena, PageAreas *ret_areas)
{
    *ret_areas = (PageAreas){.items = ARENA_ARRAY(arena, PageArea, MIN(count, CONTENT_AREAS_MAX))};
    return ret_areas->items ? NULL : arena_error(arena);
}

MUST_USE static Error *read_links(PopplerPage *page, Arena *arena, PageContent *content)
{
    CLEANUP(free_links) GList *links = poppler_page_get_link_mapping(page);
    TRY(new_areas(g_list_length(links), arena, &content->links));
    for (const GList *i = links; i && content->links.count < CONTENT_AREAS_MAX; i = i->next) {
        const PopplerLinkMapping *link = i->data;
        const char *target = link->action ? action_target(link->action) : NULL;
        TRY(add_area(&content->links, area_of(link->area, content->height), target, arena));
    }
    return NULL;
}

static char *chosen_text(PopplerFormField *field)
{
    int count = poppler_form_field_choice_get_n_items(field);
    for (int i = 0; i < count; i++)
        if (poppler_form_field_choice_is_item_selected(field, i))
            return poppler_form_field_choice_get_item(field, i);
    return poppler_form_field_choice_get_text(field);
}

/* What is written or chosen in the field; owned by the caller, NULL for buttons and for empty ones. */
static char *field_text(PopplerFormField *field)
{
    PopplerFormFieldType type = poppler_form_field_get_field_type(field);
    return type == POPPLER_FORM_FIELD_TEXT     ? poppler_form_field_text_get_text(field)
           : type == POPPLER_FORM_FIELD_CHOICE ? chosen_text(field)
                                               : NULL;
}

MUST_USE static Error *read_fields(PopplerPage *page, Arena *arena, PageContent *content)
{
    CLEANUP(free_fields) GList *fields = poppler_page_get_form_field_mapping(page);
    TRY(new_areas(g_list_length(fields), arena, &content->fields));
    for (const GList *i = fields; i && content->fields.count < CONTENT_AREAS_MAX; i = i->next) {
        const PopplerFormFieldMapping *field = i->data;
        CLEANUP(free_text) char *text = field_text(field->field);
        TRY(add_area(&content->fields, area_of(field->area, content->height), text, arena));
    }
    return NULL;
}

Error *content_read(PopplerPage *page, Arena *arena, PageContent *ret_content)
{
    PageContent content = {0};
    poppler_page_get_size(page, &content.width, &content.height);
    TRY(read_glyphs(page, arena, &content.glyphs));
    TRY(read_links(page, arena, &content));
    TRY(read_fields(page, arena, &content));
    *ret_content = content;
    return NULL;
}
