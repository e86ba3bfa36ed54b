#include "parse/metadata_limit.h"

enum { VALUE_MAX_BYTES = 100 * 1000, ELEMENT_MAX_BYTES = 1000 * 1000 };

typedef struct Sizes {
    size_t largest, all;
} Sizes;

static void add_value(Sizes *sizes, Str value)
{
    sizes->largest = MAX(sizes->largest, value.len);
    sizes->all += value.len;
}

static void add_list(Sizes *sizes, StrList list)
{
    for (size_t i = 0; i < list.count; i++)
        add_value(sizes, list.items[i]);
}

static Sizes sizes_of_part(const ElementPart *part)
{
    Sizes sizes = {0};
    const Str values[] = {
        part->filename, part->filetype,         part->last_modified, part->path, part->attached_to_filename,
        part->subject,  part->email_message_id, part->signature};
    const StrList lists[] = {part->sent_from, part->sent_to, part->cc_recipient, part->bcc_recipient};
    for (size_t i = 0; i < ARRAY_COUNT(values); i++)
        add_value(&sizes, values[i]);
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++)
        add_list(&sizes, lists[i]);
    return sizes;
}

static Sizes sizes_of_element(const Element *element)
{
    Sizes sizes = {0};
    const ElementRare *rare = element_rare(element);
    add_value(&sizes, rare->page_name);
    add_value(&sizes, rare->image_url);
    add_list(&sizes, rare->link_urls);
    add_list(&sizes, element->languages);
    for (size_t i = 0; i < rare->link_count; i++)
        add_value(&sizes, rare->links[i].url);
    return sizes;
}

static bool too_large(Sizes sizes)
{
    return sizes.largest > VALUE_MAX_BYTES || sizes.all > ELEMENT_MAX_BYTES;
}

static void drop_element_metadata(Element *element)
{
    ElementRare *rare = element->rare;
    element->languages = (StrList){NULL, 0};
    if (!rare)
        return;
    rare->page_name = rare->image_url = STR_EMPTY;
    rare->link_urls = rare->link_texts = (StrList){NULL, 0};
    rare->links = NULL;
    rare->link_count = 0;
}

static Error *say(Sizes sizes, size_t index)
{
    if (sizes.largest > VALUE_MAX_BYTES)
        return FAIL(LIMIT, "element %zu: a metadata value of %zu bytes is left out; at most %d", index, sizes.largest,
                    (int)VALUE_MAX_BYTES);
    return FAIL(LIMIT, "element %zu: metadata of %zu bytes are left out; at most %d", index, sizes.all,
                (int)ELEMENT_MAX_BYTES);
}

/* A part is shared by the elements behind one another: looked at once, and taken from all of them. */
typedef struct LastPart {
    const ElementPart *part;
    bool bad;
} LastPart;

static bool drop_part(Element *element, LastPart *last, Sizes *ret_sizes)
{
    if (!element->part)
        return false;
    bool seen = element->part == last->part;
    if (!seen) {
        *ret_sizes = sizes_of_part(element->part);
        *last = (LastPart){element->part, too_large(*ret_sizes)};
    }
    if (last->bad)
        element->part = NULL;
    return last->bad && !seen;
}

Error *metadata_limit(Elements *elements)
{
    Error *first = NULL;
    LastPart last = {0};
    for (size_t i = 0; i < elements->count; i++) {
        Element *element = &elements->items[i];
        Sizes sizes = {0};
        if (drop_part(element, &last, &sizes) && !first)
            first = say(sizes, i);
        sizes = sizes_of_element(element);
        if (!too_large(sizes))
            continue;
        drop_element_metadata(element);
        if (!first)
            first = say(sizes, i);
    }
    return first;
}
