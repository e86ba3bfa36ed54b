#include "document/office/styles.h"

#include <stdlib.h>

#include "document/xml_reader.h"

/* Styles that say what a paragraph is, by the names that Word shows. */
static const struct {
    const char *name;
    ElementType type;
} typed_styles[] = {
    {"Caption", ELEMENT_UNCATEGORIZED_TEXT},
    {"Heading 1", ELEMENT_TITLE},
    {"Heading 2", ELEMENT_TITLE},
    {"Heading 3", ELEMENT_TITLE},
    {"Heading 4", ELEMENT_TITLE},
    {"Heading 5", ELEMENT_TITLE},
    {"Heading 6", ELEMENT_TITLE},
    {"Heading 7", ELEMENT_TITLE},
    {"Heading 8", ELEMENT_TITLE},
    {"Heading 9", ELEMENT_TITLE},
    {"Intense Quote", ELEMENT_UNCATEGORIZED_TEXT},
    {"List", ELEMENT_LIST_ITEM},
    {"List 2", ELEMENT_LIST_ITEM},
    {"List 3", ELEMENT_LIST_ITEM},
    {"List Bullet", ELEMENT_LIST_ITEM},
    {"List Bullet 2", ELEMENT_LIST_ITEM},
    {"List Bullet 3", ELEMENT_LIST_ITEM},
    {"List Continue", ELEMENT_LIST_ITEM},
    {"List Continue 2", ELEMENT_LIST_ITEM},
    {"List Continue 3", ELEMENT_LIST_ITEM},
    {"List Number", ELEMENT_LIST_ITEM},
    {"List Number 2", ELEMENT_LIST_ITEM},
    {"List Number 3", ELEMENT_LIST_ITEM},
    {"List Paragraph", ELEMENT_LIST_ITEM},
    {"Macro Text", ELEMENT_UNCATEGORIZED_TEXT},
    {"No Spacing", ELEMENT_UNCATEGORIZED_TEXT},
    {"Quote", ELEMENT_UNCATEGORIZED_TEXT},
    {"Subtitle", ELEMENT_TITLE},
    {"TOCHeading", ELEMENT_TITLE},
    {"Title", ELEMENT_TITLE},
};

/* Files have some names in lower case that Word shows with a capital. */
static Str shown_name(Str name, char room[16])
{
    bool heading =
        name.len == 9 && str_starts_with(name, STR("heading ")) && name.data[8] >= '1' && name.data[8] <= '9';
    if (!heading && !str_equal(name, STR("caption")))
        return name;
    memcpy(room, name.data, name.len);
    room[0] = heading ? 'H' : 'C';
    return (Str){room, name.len};
}

/* The number at the end of a name, from 0; 0 when there is none. */
static int32_t trailing_number(Str name)
{
    enum { DEPTH_MAX = 1000 };
    uint64_t number;
    size_t space = str_rfind_char(name, ' ');
    Str last = space == SIZE_MAX ? name : str_slice(name, space + 1, name.len);
    if (!str_to_u64(last, &number) || number == 0 || number > DEPTH_MAX)
        return 0;
    return (int32_t)number - 1;
}

WordStyleMeaning word_style_meaning(Str name)
{
    char room[16];
    WordStyleMeaning meaning = {0};
    name = shown_name(name, room);
    for (size_t i = 0; i < ARRAY_COUNT(typed_styles); i++) {
        if (str_equal(name, str_of(typed_styles[i].name))) {
            meaning.typed = true;
            meaning.type = typed_styles[i].type;
        }
    }
    if (str_equal(name, STR("Subtitle")))
        meaning.depth = 1;
    else if (str_starts_with(name, STR("Heading")) || str_starts_with(name, STR("List")))
        meaning.depth = trailing_number(name);
    return meaning;
}

typedef struct Collector {
    Arena *arena;
    WordStyle *items;
    size_t count, capacity;
    WordStyleMeaning normal;
} Collector;

MUST_USE static Error *add_style(Collector *c, Str id, WordStyleMeaning meaning)
{
    enum { FIRST_STYLES = 64 };
    if (c->count == c->capacity) {
        size_t capacity = MAX(2 * c->capacity, (size_t)FIRST_STYLES);
        WordStyle *items = arena_grow(c->arena, c->items, c->capacity * sizeof *items, capacity * sizeof *items);
        if (!items)
            return arena_error(c->arena);
        c->items = items;
        c->capacity = capacity;
    }
    c->items[c->count] = (WordStyle){id, c->count, meaning};
    c->count++;
    return NULL;
}

static bool is_on(const XmlReader *xml, const char *attribute)
{
    Str value;
    return xml_reader_attribute(xml, attribute, &value)
           && (str_equal(value, STR("1")) || str_equal(value, STR("true")) || str_equal(value, STR("on")));
}

/* The style that has begun. */
MUST_USE static Error *read_style(Collector *c, XmlReader *xml)
{
    Str type, id, name;
    bool inside, is_default = is_on(xml, "default");
    unsigned depth = xml_reader_depth(xml);
    WordStyleMeaning meaning = {0};
    XmlEvent event;
    if (!xml_reader_attribute(xml, "type", &type) || !str_equal(type, STR("paragraph"))
        || !xml_reader_attribute(xml, "styleId", &id))
        return xml_reader_skip(xml);
    id = arena_str(c->arena, id);
    if (!id.data)
        return arena_error(c->arena);
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            break;
        if (xml_reader_starts(xml, "name") && xml_reader_attribute(xml, "val", &name))
            meaning = word_style_meaning(name);
        if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    }
    if (is_default)
        c->normal = meaning;
    return add_style(c, id, meaning);
}

static int by_id(const void *left, const void *right)
{
    const WordStyle *a = left, *b = right;
    int order = str_compare(a->id, b->id);
    return order ? order : (a->place > b->place) - (a->place < b->place);
}

Error *word_styles_read(Bytes xml_bytes, Arena *arena, WordStyles *ret_styles)
{
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    Collector c = {.arena = arena};
    XmlEvent event;
    TRY(xml_reader_new(xml_bytes, 0, &xml));
    do {
        TRY(xml_reader_next(xml, &event));
        if (xml_reader_starts(xml, "style"))
            TRY(read_style(&c, xml));
        else if (event == XML_EVENT_START && xml_reader_depth(xml) > 0)
            TRY(xml_reader_skip(xml));
    } while (event != XML_EVENT_DONE);
    if (c.count > 1)
        qsort(c.items, c.count, sizeof *c.items, by_id);
    *ret_styles = (WordStyles){c.items, c.count, c.normal};
    return NULL;
}

WordStyleMeaning word_styles_find(const WordStyles *styles, Str id)
{
    size_t low = 0, high = styles->count; /* of the first that is not before `id` */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_compare(styles->items[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < styles->count && str_equal(styles->items[low].id, id);
    return found ? styles->items[low].meaning : styles->normal;
}
