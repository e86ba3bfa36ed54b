#include "document/element.h"

#include <assert.h>
#include <stdio.h>

#include "base/hash.h"

enum { ELEMENTS_MAX = 1000 * 1000, ELEMENTS_FIRST_CAPACITY = 64, ID_DIGITS = 32 };

static const Str type_names[] = {
    [ELEMENT_UNCATEGORIZED_TEXT] = {"UncategorizedText", 17},
    [ELEMENT_TITLE] = {"Title", 5},
    [ELEMENT_NARRATIVE_TEXT] = {"NarrativeText", 13},
    [ELEMENT_LIST_ITEM] = {"ListItem", 8},
    [ELEMENT_ADDRESS] = {"Address", 7},
    [ELEMENT_EMAIL_ADDRESS] = {"EmailAddress", 12},
    [ELEMENT_TABLE] = {"Table", 5},
    [ELEMENT_IMAGE] = {"Image", 5},
    [ELEMENT_HEADER] = {"Header", 6},
    [ELEMENT_FOOTER] = {"Footer", 6},
    [ELEMENT_CODE_SNIPPET] = {"CodeSnippet", 11},
    [ELEMENT_FORMULA] = {"Formula", 7},
    [ELEMENT_FIGURE_CAPTION] = {"FigureCaption", 13},
    [ELEMENT_CHECK_BOX] = {"CheckBox", 8},
    [ELEMENT_PAGE_BREAK] = {"PageBreak", 9},
    [ELEMENT_PAGE_NUMBER] = {"PageNumber", 10},
    [ELEMENT_COMPOSITE] = {"CompositeElement", 16},
    [ELEMENT_TABLE_CHUNK] = {"TableChunk", 10},
};
static_assert(ARRAY_COUNT(type_names) == ELEMENT_TYPES, "every type has a name");

Str element_type_name(ElementType type)
{
    ASSERT(type < ELEMENT_TYPES);
    return type_names[type];
}

bool element_type_from_name(Str name, ElementType *ret_type)
{
    for (unsigned i = 0; i < ELEMENT_TYPES; i++) {
        if (str_equal(name, type_names[i])) {
            *ret_type = (ElementType)i;
            return true;
        }
    }
    return false;
}

MUST_USE static Error *elements_grow(Elements *elements)
{
    size_t capacity = elements->capacity ? elements->capacity * 2 : ELEMENTS_FIRST_CAPACITY;
    size_t size_bytes, old_bytes = elements->capacity * sizeof(Element);
    Element *items = __builtin_mul_overflow(capacity, sizeof *items, &size_bytes)
                         ? NULL
                         : arena_grow(elements->arena, elements->items, old_bytes, size_bytes);
    if (!items)
        return arena_error(elements->arena);
    elements->items = items;
    elements->capacity = capacity;
    return NULL;
}

Error *elements_add(Elements *elements, ElementType type, Str text, Element **ret_element)
{
    size_t count_max = elements->count_max ? elements->count_max : ELEMENTS_MAX;
    if (elements->count >= count_max)
        return FAIL(LIMIT, "more than %zu elements", count_max);
    if (elements->count == elements->capacity)
        TRY(elements_grow(elements));
    Str copy = arena_str(elements->arena, text);
    if (!copy.data)
        return arena_error(elements->arena);
    Element *element = &elements->items[elements->count++];
    *element = (Element){.type = type, .text = copy, .category_depth = -1};
    *ret_element = element;
    return NULL;
}

const ElementRare *element_rare(const Element *element)
{
    static const ElementRare none = {0};
    return element->rare ? element->rare : &none;
}

Error *element_add_rare(Element *element, Arena *arena, ElementRare **ret_rare)
{
    if (!element->rare)
        element->rare = ARENA_NEW(arena, ElementRare);
    if (!element->rare)
        return arena_error(arena);
    *ret_rare = element->rare;
    return NULL;
}

Error *element_set_box(Element *element, Arena *arena, ElementBox box)
{
    if (box.layout_width <= 0)
        return NULL;
    ElementBox *copy = ARENA_NEW(arena, ElementBox);
    if (!copy)
        return arena_error(arena);
    *copy = box;
    element->box = copy;
    return NULL;
}

/* SHA-256 of filename, text, page number, index on the page, without separators; its first half in hex. */
static void element_set_id(Element *element, Sha256 *hash, Str filename, uint64_t index_on_page)
{
    char page[16] = "None", index[24], hex[SHA256_HEX_BYTES + 1];
    uint8_t digest[SHA256_BYTES];
    if (element->page_number)
        snprintf(page, sizeof page, "%u", element->page_number);
    snprintf(index, sizeof index, "%llu", (unsigned long long)index_on_page);
    sha256_update(hash, str_bytes(filename.len ? filename : STR("None")));
    sha256_update(hash, str_bytes(element->text));
    sha256_update(hash, str_bytes(str_of(page)));
    sha256_update(hash, str_bytes(str_of(index)));
    sha256_end(hash, digest);
    hex_encode(digest, SHA256_BYTES, hex);
    memcpy(element->id, hex, ID_DIGITS);
    element->id[ID_DIGITS] = '\0';
}

/* Elements seen so far on each page of each part: open addressing, the key is the part's index and the page number. */
typedef struct PageCount {
    uint64_t count; /* 0: the slot is free */
    uint64_t page;
} PageCount;

static size_t page_runs(const Elements *elements)
{
    size_t runs = 0;
    for (size_t i = 0; i < elements->count; i++) {
        const Element *element = &elements->items[i];
        runs += i == 0 || element->page_number != element[-1].page_number || element->part != element[-1].part;
    }
    return runs;
}

static PageCount *page_slot(PageCount *slots, size_t slot_count, uint32_t part_index, uint32_t page_number)
{
    uint64_t page = (uint64_t)part_index << 32 | page_number;
    size_t at = (page * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (slot_count - 1);
    while (slots[at].count > 0 && slots[at].page != page)
        at = (at + 1) & (slot_count - 1);
    slots[at].page = page;
    return &slots[at];
}

Str element_filename(const Element *element, const DocumentInfo *info)
{
    const ElementPart *part = element->part;
    bool own = part && (part->filename.len > 0 || part->attached_to_filename.len > 0);
    return own ? part->filename : info->filename;
}

MUST_USE static Error *elements_set_ids(Elements *elements, const DocumentInfo *info)
{
    size_t slot_count = 2;
    for (size_t runs = page_runs(elements); slot_count < 2 * runs;)
        slot_count *= 2;
    PageCount *slots = ARENA_ARRAY(elements->arena, PageCount, slot_count);
    if (!slots)
        return arena_error(elements->arena);
    CLEANUP(sha256_freep) Sha256 *hash = sha256_new();
    if (!hash)
        return FAIL(NO_MEMORY, "compute element ids: no memory for a digest");
    uint32_t part_index = 0;
    for (size_t i = 0; i < elements->count; i++) {
        Element *element = &elements->items[i];
        part_index += i > 0 && element->part != element[-1].part;
        PageCount *page = page_slot(slots, slot_count, part_index, element->page_number);
        element_set_id(element, hash, element_filename(element, info), page->count++);
    }
    return NULL;
}

/* What a Title or a Header may have below it, besides its own kind of greater depth. */
static bool type_is_below(ElementType child, ElementType parent)
{
    static const bool below_title[ELEMENT_TYPES] = {
        [ELEMENT_UNCATEGORIZED_TEXT] = true, [ELEMENT_NARRATIVE_TEXT] = true,
        [ELEMENT_LIST_ITEM] = true,          [ELEMENT_TABLE] = true,
        [ELEMENT_FIGURE_CAPTION] = true,     [ELEMENT_CHECK_BOX] = true,
    };
    if (parent == ELEMENT_TITLE)
        return below_title[child];
    return parent == ELEMENT_HEADER && (below_title[child] || child == ELEMENT_TITLE);
}

static bool element_is_parent(const Element *parent, const Element *child)
{
    if (parent->type == child->type)
        return MAX(parent->category_depth, 0) < MAX(child->category_depth, 0);
    return type_is_below(child->type, parent->type);
}

MUST_USE static Error *elements_set_parents(Elements *elements)
{
    uint32_t *stack = ARENA_ARRAY(elements->arena, uint32_t, elements->count);
    if (!stack)
        return arena_error(elements->arena);
    size_t depth = 0;
    for (size_t i = 0; i < elements->count; i++) {
        Element *element = &elements->items[i];
        if (i > 0 && element->part != element[-1].part)
            depth = 0;
        if (element->parent > 0 && element->parent <= elements->count)
            continue; /* said by the document; such an element is nobody's parent by its place */
        while (depth > 0 && !element_is_parent(&elements->items[stack[depth - 1]], element))
            depth--;
        element->parent = depth > 0 ? stack[depth - 1] + 1 : 0;
        stack[depth++] = (uint32_t)i;
    }
    return NULL;
}

Error *elements_finish(Elements *elements, const DocumentInfo *info)
{
    ASSERT(elements->count < UINT32_MAX);
    TRY(elements_set_ids(elements, info));
    return elements_set_parents(elements);
}

static void name_by_text(Element *element, Sha256 *hash)
{
    char hex[SHA256_HEX_BYTES + 1];
    uint8_t digest[SHA256_BYTES];
    sha256_update(hash, str_bytes(element->text));
    sha256_end(hash, digest);
    hex_encode(digest, SHA256_BYTES, hex);
    memcpy(element->id, hex, ID_DIGITS);
    element->id[ID_DIGITS] = '\0';
}

/* RFC 9562, version 4. */
static void name_by_chance(Element *element, Random *random)
{
    char hex[ID_DIGITS + 1];
    random_hex(random, hex, ID_DIGITS);
    hex[12] = '4';
    hex[16] = "89ab"[random_below(random, 4)];
    snprintf(element->id, sizeof element->id, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

Error *elements_rename(Elements *elements, ElementIds ids, Random *random)
{
    CLEANUP(sha256_freep) Sha256 *hash = sha256_new();
    if (!hash)
        return FAIL(NO_MEMORY, "compute element ids: no memory for a digest");
    for (size_t i = 0; i < elements->count && ids != ELEMENT_IDS_POSITION_HASH; i++) {
        if (ids == ELEMENT_IDS_TEXT_HASH)
            name_by_text(&elements->items[i], hash);
        else
            name_by_chance(&elements->items[i], random);
    }
    return NULL;
}

Error *elements_set_aside(Elements *elements, uint32_t types)
{
    size_t count = elements->count, kept = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        kept += !(types >> elements->items[i].type & 1);
    if (kept == count)
        return NULL;
    Element *old = ARENA_ARRAY(elements->arena, Element, count);
    uint32_t *place = ARENA_ARRAY(elements->arena, uint32_t, count);
    if (!old || !place)
        return arena_error(elements->arena);
    memcpy(old, elements->items, count * sizeof *old);
    for (size_t i = 0; i < count; i++) {
        bool aside = types >> old[i].type & 1;
        place[i] = (uint32_t)(aside ? kept + i - at : at);
        at += !aside;
    }
    for (size_t i = 0; i < count; i++) {
        Element *element = &elements->items[place[i]];
        *element = old[i];
        element->parent = element->parent > 0 ? place[element->parent - 1] + 1 : 0;
    }
    elements->count = kept;
    return NULL;
}
