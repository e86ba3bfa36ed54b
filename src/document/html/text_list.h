/* text_list.h - a list of texts that grows in an arena. */
#ifndef DOCUMENT_HTML_TEXT_LIST_H
#define DOCUMENT_HTML_TEXT_LIST_H

#include "document/element.h"

typedef struct TextList {
    Str *items;
    size_t count, capacity;
} TextList;

/* `text` is borrowed for as long as the list is used. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *text_list_add(Arena *arena, TextList *list, Str text);

/* What was gathered; the list is empty again. */
StrList text_list_taken(TextList *list);

/* Gives an element of the same arena what was gathered; both lists are empty again. Nothing takes no memory. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *text_lists_give_emphasis(TextList *contents, TextList *tags, Arena *arena, Element *element);
MUST_USE Error *text_lists_give_links(TextList *texts, TextList *urls, Arena *arena, Element *element);

#endif
