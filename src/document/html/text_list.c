#include "document/html/text_list.h"

Error *text_list_add(Arena *arena, TextList *list, Str text)
{
    if (list->count == list->capacity) {
        size_t capacity = MAX(list->capacity * 2, (size_t)4);
        Str *items = ARENA_ARRAY(arena, Str, capacity);
        if (!items)
            return arena_error(arena);
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = text;
    return NULL;
}

StrList text_list_taken(TextList *list)
{
    StrList taken = {list->items, list->count};
    *list = (TextList){0};
    return taken;
}

Error *text_lists_give_emphasis(TextList *contents, TextList *tags, Arena *arena, Element *element)
{
    ElementRare *rare;
    if (contents->count == 0)
        return NULL;
    TRY(element_add_rare(element, arena, &rare));
    rare->emphasized_contents = text_list_taken(contents);
    rare->emphasized_tags = text_list_taken(tags);
    return NULL;
}

Error *text_lists_give_links(TextList *texts, TextList *urls, Arena *arena, Element *element)
{
    ElementRare *rare;
    if (texts->count == 0)
        return NULL;
    TRY(element_add_rare(element, arena, &rare));
    rare->link_texts = text_list_taken(texts);
    rare->link_urls = text_list_taken(urls);
    return NULL;
}
