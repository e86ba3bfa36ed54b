#include "document/slides/shape.h"

#include <stdlib.h>

#include "document/chars.h"
#include "document/rules.h"
#include "document/table_html.h"

Error *slide_add_shape(Slide *slide, SlideShape **ret_shape)
{
    if (slide->count == slide->capacity) {
        size_t capacity = MAX(2 * slide->capacity, (size_t)16);
        SlideShape *shapes =
            arena_grow(slide->arena, slide->shapes, slide->capacity * sizeof *shapes, capacity * sizeof *shapes);
        if (!shapes)
            return arena_error(slide->arena);
        slide->shapes = shapes;
        slide->capacity = capacity;
    }
    *ret_shape = &slide->shapes[slide->count++];
    **ret_shape = (SlideShape){0};
    return NULL;
}

Error *slide_add_paragraph(const Slide *slide, SlideShape *shape, SlideParagraph paragraph)
{
    SlideParagraph *added = ARENA_NEW(slide->arena, SlideParagraph);
    paragraph.text = arena_str(slide->arena, paragraph.text);
    if (!added || !paragraph.text.data)
        return arena_error(slide->arena);
    *added = paragraph;
    added->next = NULL;
    if (shape->last)
        shape->last->next = added;
    else
        shape->first = added;
    shape->last = added;
    return NULL;
}

void slide_table_done(SlideTable *table)
{
    buffer_done(&table->text);
    buffer_done(&table->html);
}

/* White space runs of a cell become one space, in place; line ends stay when they are wanted. */
static void collapse(Buffer *cell, bool line_ends)
{
    Str text = buffer_str(cell);
    size_t len = 0;
    bool space = false;
    unsigned classes;
    for (size_t at = 0, from = 0; at < text.len; from = at) {
        uint32_t c = chars_next(text, &at, &classes);
        if ((classes & CHAR_SPACE) && !(line_ends && c == '\n')) {
            space = true;
            continue;
        }
        if (space && len > 0)
            cell->data[len++] = ' ';
        space = false;
        memmove(cell->data + len, cell->data + from, at - from);
        len += at - from;
    }
    cell->len = len;
}

Error *slide_table_begin_row(SlideTable *table)
{
    if (table->html.len == 0)
        TRY(buffer_append_str(&table->html, STR("<table>")));
    return buffer_append_str(&table->html, STR("<tr>"));
}

Error *slide_table_add_cell(SlideTable *table, Buffer *lines)
{
    collapse(lines, true);
    TRY(table_append_cell(&table->html, buffer_str(lines), TABLE_ESCAPE_TAGS));
    collapse(lines, false);
    if (lines->len > 0 && table->text.len > 0)
        TRY(buffer_append_byte(&table->text, ' '));
    return buffer_append_str(&table->text, buffer_str(lines));
}

Error *slide_table_end_row(SlideTable *table)
{
    return buffer_append_str(&table->html, STR("</tr>"));
}

Error *slide_table_end(SlideTable *table, const Slide *slide, SlideShape *shape)
{
    TRY(buffer_append_str(&table->html, STR("</table>")));
    shape->table_text = arena_str(slide->arena, buffer_str(&table->text));
    shape->table_html = arena_str(slide->arena, buffer_str(&table->html));
    buffer_clear(&table->text);
    buffer_clear(&table->html);
    return shape->table_text.data && shape->table_html.data ? NULL : arena_error(slide->arena);
}

/* The type by text of what is neither title nor list; a title stands one level below its own. */
static ElementType classify(const SlideParagraph *paragraph, bool in_title, uint32_t *depth)
{
    if (paragraph->bulleted)
        return ELEMENT_LIST_ITEM;
    if (text_is_email_address(paragraph->text))
        return ELEMENT_EMAIL_ADDRESS;
    if (in_title)
        return ELEMENT_TITLE;
    if (text_is_possible_narrative(paragraph->text))
        return ELEMENT_NARRATIVE_TEXT;
    if (!text_is_possible_title(paragraph->text))
        return ELEMENT_UNCATEGORIZED_TEXT;
    ++*depth;
    return ELEMENT_TITLE;
}

MUST_USE static Error *add_paragraphs(const SlideShape *shape, Builder *builder, uint32_t number)
{
    uint32_t titles = 0;
    for (const SlideParagraph *paragraph = shape->first; paragraph; paragraph = paragraph->next) {
        Element *element;
        if (chars_trim(paragraph->text).len == 0)
            continue;
        uint32_t depth = shape->is_title && !paragraph->bulleted ? titles : paragraph->level;
        ElementType type = classify(paragraph, shape->is_title, &depth);
        titles += shape->is_title && type == ELEMENT_TITLE;
        TRY(builder_add(builder, type, paragraph->text, &element));
        element->category_depth = (int32_t)depth;
        element->page_number = number;
    }
    return NULL;
}

MUST_USE static Error *add_shape(const SlideShape *shape, Builder *builder, uint32_t number)
{
    Element *element;
    bool is_off_slide = shape->top != 0 && shape->left != 0 && (shape->top < 0 || shape->left < 0);
    if (shape->table_text.len == 0)
        return is_off_slide ? NULL : add_paragraphs(shape, builder, number);
    TRY(builder_add(builder, ELEMENT_TABLE, shape->table_text, &element));
    element->text_as_html = shape->table_html;
    element->page_number = number;
    return NULL;
}

/* Shapes are in one array: of two at the same place the first stays the first. */
static int by_position(const void *a, const void *b)
{
    const SlideShape *left = *(SlideShape *const *)a, *right = *(SlideShape *const *)b;
    if (left->top != right->top)
        return left->top < right->top ? -1 : 1;
    if (left->left != right->left)
        return left->left < right->left ? -1 : 1;
    return left < right ? -1 : 1;
}

MUST_USE static Error *add_page_break(Builder *builder, uint32_t number)
{
    Element *element;
    TRY(builder_add(builder, ELEMENT_PAGE_BREAK, STR_EMPTY, &element));
    element->page_number = number - 1;
    return NULL;
}

Error *slide_add_elements(Slide *slide, Builder *builder, uint32_t number)
{
    if (number > 1)
        TRY(add_page_break(builder, number));
    SlideShape **ordered = ARENA_ARRAY(slide->arena, SlideShape *, slide->count);
    if (!ordered)
        return arena_error(slide->arena);
    for (size_t i = 0; i < slide->count; i++)
        ordered[i] = &slide->shapes[i];
    if (slide->count > 1)
        qsort(ordered, slide->count, sizeof *ordered, by_position);
    for (size_t i = 0; i < slide->count; i++)
        TRY(add_shape(ordered[i], builder, number));
    slide->count = 0;
    return NULL;
}
