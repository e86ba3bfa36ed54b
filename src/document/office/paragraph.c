#include "document/office/paragraph.h"

#include "document/chars.h"
#include "document/rules.h"

void paragraph_done(Paragraph *p)
{
    buffer_done(&p->text);
    buffer_done(&p->full);
}

void paragraph_clear_piece(Paragraph *p)
{
    buffer_clear(&p->text);
    buffer_clear(&p->full);
    p->text.limit = p->full.limit = p->text_max_bytes;
    p->has_shapes = false;
    p->emphasis = (Emphasis){0};
    p->links = (Links){0};
    p->counted_bytes = p->counted_chars = 0;
}

void paragraph_clear(Paragraph *p)
{
    paragraph_clear_piece(p);
    p->numbered = false;
    p->level = -1;
}

Error *paragraph_append(Paragraph *p, Str text)
{
    if (p->has_shapes)
        TRY(buffer_append_str(&p->full, text));
    return buffer_append_str(&p->text, text);
}

Error *paragraph_append_shape(Paragraph *p, Str text)
{
    if (text.len == 0)
        return NULL;
    if (!p->has_shapes)
        TRY(buffer_append_str(&p->full, buffer_str(&p->text)));
    p->has_shapes = true;
    return buffer_append_str(&p->full, text);
}

MUST_USE static Error *add_emphasis(Emphasis *e, Arena *arena, Str content, Str tag)
{
    enum { FIRST_PIECES = 2 };
    size_t count = e->contents.count;
    if (count == e->capacity) {
        size_t capacity = MAX(2 * e->capacity, (size_t)FIRST_PIECES), old_bytes = e->capacity * sizeof(Str);
        Str *contents = arena_grow(arena, e->contents.items, old_bytes, capacity * sizeof(Str));
        Str *tags = arena_grow(arena, e->tags.items, old_bytes, capacity * sizeof(Str));
        if (!contents || !tags)
            return arena_error(arena);
        e->contents.items = contents;
        e->tags.items = tags;
        e->capacity = capacity;
    }
    e->contents.items[count] = content;
    e->tags.items[count] = tag;
    e->contents.count = e->tags.count = count + 1;
    return NULL;
}

Error *emphasis_append(Emphasis *emphasis, Arena *arena, const Emphasis *from)
{
    for (size_t i = 0; i < from->contents.count; i++)
        TRY(add_emphasis(emphasis, arena, from->contents.items[i], from->tags.items[i]));
    return NULL;
}

Error *paragraph_emphasize(Paragraph *p, size_t start, Look look)
{
    if (!look.bold && !look.italic)
        return NULL;
    Str content = chars_trim(str_slice(buffer_str(&p->text), start, p->text.len));
    if (content.len == 0)
        return NULL;
    content = arena_str(p->arena, content);
    if (!content.data)
        return arena_error(p->arena);
    if (look.bold)
        TRY(add_emphasis(&p->emphasis, p->arena, content, STR("b")));
    return look.italic ? add_emphasis(&p->emphasis, p->arena, content, STR("i")) : NULL;
}

/* Characters of `text` before `bytes`, which never falls back within a piece. */
static size_t count_chars(Paragraph *p, size_t bytes)
{
    for (size_t i = p->counted_bytes; i < bytes; i++)
        p->counted_chars += (p->text.data[i] & 0xC0) != 0x80;
    p->counted_bytes = bytes;
    return p->counted_chars;
}

Error *paragraph_add_link(Paragraph *p, Str url, size_t start)
{
    enum { FIRST_LINKS = 2 };
    Links *links = &p->links;
    Str text = str_slice(buffer_str(&p->text), start, p->text.len);
    if (text.len == 0 || url.len == 0)
        return NULL;
    if (links->count == links->capacity) {
        size_t capacity = MAX(2 * links->capacity, (size_t)FIRST_LINKS);
        ElementLink *items =
            arena_grow(p->arena, links->items, links->capacity * sizeof *items, capacity * sizeof *items);
        if (!items)
            return arena_error(p->arena);
        links->items = items;
        links->capacity = capacity;
    }
    text = arena_str(p->arena, text);
    if (!text.data)
        return arena_error(p->arena);
    links->items[links->count++] = (ElementLink){text, url, (int64_t)count_chars(p, start)};
    return NULL;
}

/* --- the element --- */

/* What the words of a paragraph say; text of one character says nothing. */
static ElementType type_by_text(Str text, bool titles_from_text)
{
    size_t at = 0;
    text = chars_trim(text);
    if (text.len > 0)
        str_next_code_point(text, &at);
    if (at == text.len)
        return ELEMENT_UNCATEGORIZED_TEXT;
    if (text_is_us_city_state_zip(text))
        return ELEMENT_ADDRESS;
    if (text_is_email_address(text))
        return ELEMENT_EMAIL_ADDRESS;
    if (text_is_possible_narrative(text))
        return ELEMENT_NARRATIVE_TEXT;
    return titles_from_text && text_is_possible_title(text) ? ELEMENT_TITLE : ELEMENT_UNCATEGORIZED_TEXT;
}

Error *emphasis_give(const Emphasis *emphasis, Arena *arena, Element *element)
{
    ElementRare *rare;
    if (emphasis->contents.count == 0)
        return NULL;
    TRY(element_add_rare(element, arena, &rare));
    rare->emphasized_contents = emphasis->contents;
    rare->emphasized_tags = emphasis->tags;
    return NULL;
}

MUST_USE static Error *set_links(const Links *links, Arena *arena, Element *element)
{
    if (links->count == 0)
        return NULL;
    Str *texts = ARENA_ARRAY(arena, Str, links->count), *urls = ARENA_ARRAY(arena, Str, links->count);
    if (!texts || !urls)
        return arena_error(arena);
    for (size_t i = 0; i < links->count; i++) {
        texts[i] = links->items[i].text;
        urls[i] = links->items[i].url;
    }
    ElementRare *rare;
    TRY(element_add_rare(element, arena, &rare));
    rare->link_texts = (StrList){texts, links->count};
    rare->link_urls = (StrList){urls, links->count};
    rare->links = links->items;
    rare->link_count = links->count;
    return NULL;
}

Error *paragraph_add_element(const Paragraph *p, WordStyleMeaning style, bool titles_from_text, uint32_t page_number,
                             Builder *builder)
{
    Str plain = buffer_str(&p->text), text = buffer_str(p->has_shapes ? &p->full : &p->text);
    ElementType type = ELEMENT_LIST_ITEM;
    Element *element;
    if (chars_trim(text).len == 0)
        return NULL;
    if (p->numbered || text_is_bulleted(plain)) {
        text = chars_trim(text_without_bullet(text));
        if (text.len == 0)
            return NULL;
    } else
        type = style.typed ? style.type : type_by_text(plain, titles_from_text);
    TRY(builder_add(builder, type, text, &element));
    element->category_depth = p->level >= 0 ? p->level : style.depth;
    element->page_number = page_number;
    TRY(emphasis_give(&p->emphasis, p->arena, element));
    return set_links(&p->links, p->arena, element);
}
