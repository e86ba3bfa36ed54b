#include "document/element_read.h"

#include <stddef.h>
#include <stdlib.h>

/* The names of other tools and of layout models, and what they are here. */
static const struct {
    const char *name;
    ElementType type;
} aliases[] = {
    {"Abstract", ELEMENT_NARRATIVE_TEXT},
    {"BulletedText", ELEMENT_LIST_ITEM},
    {"Caption", ELEMENT_FIGURE_CAPTION},
    {"DocumentData", ELEMENT_UNCATEGORIZED_TEXT},
    {"Field-Name", ELEMENT_TITLE},
    {"Figure", ELEMENT_IMAGE},
    {"Footnote", ELEMENT_FOOTER},
    {"Form", ELEMENT_UNCATEGORIZED_TEXT},
    {"FormKeysValues", ELEMENT_UNCATEGORIZED_TEXT},
    {"Headline", ELEMENT_TITLE},
    {"Link", ELEMENT_NARRATIVE_TEXT},
    {"List-item", ELEMENT_LIST_ITEM},
    {"Page-footer", ELEMENT_FOOTER},
    {"Page-header", ELEMENT_HEADER},
    {"Paragraph", ELEMENT_NARRATIVE_TEXT},
    {"Picture", ELEMENT_IMAGE},
    {"Section-header", ELEMENT_TITLE},
    {"Subheadline", ELEMENT_TITLE},
    {"Text", ELEMENT_NARRATIVE_TEXT},
    {"Threading", ELEMENT_NARRATIVE_TEXT},
    {"Uncategorized", ELEMENT_UNCATEGORIZED_TEXT},
    {"Value", ELEMENT_NARRATIVE_TEXT},
};

static bool type_from_name(Str name, ElementType *ret_type)
{
    for (size_t i = 0; i < ARRAY_COUNT(aliases); i++) {
        if (str_equal(name, str_of(aliases[i].name))) {
            *ret_type = aliases[i].type;
            return true;
        }
    }
    return element_type_from_name(name, ret_type);
}

static Str str_of_json(const json_t *string)
{
    return (Str){json_string_value(string), json_string_length(string)};
}

bool json_is_element(const json_t *value)
{
    ElementType type;
    const json_t *metadata = json_object_get(value, "metadata");
    if (!json_is_object(value) || !type_from_name(json_get_str(value, "type", STR_EMPTY), &type))
        return false;
    if (metadata && !json_is_null(metadata) && !json_is_object(metadata))
        return false;
    if (type == ELEMENT_CHECK_BOX)
        return json_is_boolean(json_object_get(value, "checked"));
    return json_is_string(json_object_get(value, "text"));
}

static bool all_are(const json_t *array, bool (*test)(const json_t *value))
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (!test(json_array_get(array, i)))
            return false;
    }
    return json_array_size(array) > 0;
}

static bool is_string(const json_t *value)
{
    return json_is_string(value);
}

MUST_USE static Error *keep_text(Arena *arena, Str text, Str *ret_text)
{
    *ret_text = text.len > 0 ? arena_str(arena, text) : STR_EMPTY;
    return ret_text->data ? NULL : arena_error(arena);
}

MUST_USE static Error *read_list(Arena *arena, const json_t *array, StrList *ret_list)
{
    size_t count = json_array_size(array);
    Str *items = ARENA_ARRAY(arena, Str, count);
    if (!items)
        return arena_error(arena);
    for (size_t i = 0; i < count; i++)
        TRY(keep_text(arena, str_of_json(json_array_get(array, i)), &items[i]));
    *ret_list = (StrList){items, count};
    return NULL;
}

/* Fields of Element and ElementRare that hold a text, a list, or one of two lists of the same length. */
typedef struct Field {
    const char *key;
    const char *other; /* the list beside it; NULL: none */
    bool rare;
    size_t offset;
} Field;

static const Field text_fields[] = {
    {"image_base64", NULL, true, offsetof(ElementRare, image_base64)},
    {"image_mime_type", NULL, true, offsetof(ElementRare, image_mime_type)},
    {"image_url", NULL, true, offsetof(ElementRare, image_url)},
    {"page_name", NULL, true, offsetof(ElementRare, page_name)},
    {"text_as_html", NULL, false, offsetof(Element, text_as_html)},
};
static const Field list_fields[] = {
    {"emphasized_text_contents", "emphasized_text_tags", true, offsetof(ElementRare, emphasized_contents)},
    {"emphasized_text_tags", "emphasized_text_contents", true, offsetof(ElementRare, emphasized_tags)},
    {"languages", NULL, false, offsetof(Element, languages)},
    {"link_texts", "link_urls", true, offsetof(ElementRare, link_texts)},
    {"link_urls", "link_texts", true, offsetof(ElementRare, link_urls)},
};

static const Field *find_field(const Field *fields, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].key, key) == 0)
            return &fields[i];
    }
    return NULL;
}

/* What is said of the file is that of the file at hand, what is computed is computed again; parents are looked up later. */
static bool is_dropped(const char *key, const json_t *value)
{
    static const char *const names[] = {"data_source",   "file_directory", "filename", "filetype",
                                        "last_modified", "parent_id",      "url"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strcmp(key, names[i]) == 0)
            return true;
    }
    return json_is_null(value);
}

static bool read_number(const char *key, const json_t *value, Element *element)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value))
        return false;
    if (strcmp(key, "category_depth") == 0 && number >= 0 && number <= INT32_MAX) {
        element->category_depth = (int32_t)number;
        return true;
    }
    if (strcmp(key, "page_number") == 0 && number > 0 && number <= UINT32_MAX) {
        element->page_number = (uint32_t)number;
        return true;
    }
    return false;
}

static bool read_point(const json_t *points, size_t index, double *ret_x, double *ret_y)
{
    const json_t *point = json_array_get(points, index);
    const json_t *x = json_array_get(point, 0), *y = json_array_get(point, 1);
    if (!json_is_number(x) || !json_is_number(y))
        return false;
    *ret_x = json_number_value(x);
    *ret_y = json_number_value(y);
    return true;
}

/* Only what is written as it was read: an upright box in pixels. */
static bool read_box(const json_t *value, ElementBox *ret_box)
{
    ElementBox box;
    double x[4], y[4];
    const json_t *points = json_object_get(value, "points");
    if (!str_equal(json_get_str(value, "system", STR_EMPTY), STR("PixelSpace")) || json_array_size(points) != 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        if (!read_point(points, i, &x[i], &y[i]))
            return false;
    }
    box.layout_width = json_number_value(json_object_get(value, "layout_width"));
    box.layout_height = json_number_value(json_object_get(value, "layout_height"));
    box.left = x[0];
    box.top = y[0];
    box.right = x[2];
    box.bottom = y[2];
    bool upright = x[1] == x[0] && y[1] == y[2] && x[3] == x[2] && y[3] == y[0];
    if (!upright || box.layout_width <= 0 || box.layout_height <= 0)
        return false;
    *ret_box = box;
    return true;
}

static bool read_header_footer(const json_t *value, Element *element)
{
    static const Str names[HEADER_FOOTER_TYPES] = {{"", 0}, {"primary", 7}, {"first_page", 10}, {"even_page", 9}};
    for (unsigned i = HEADER_FOOTER_PRIMARY; i < HEADER_FOOTER_TYPES; i++) {
        if (json_is_string(value) && str_equal(str_of_json(value), names[i])) {
            element->header_footer = (HeaderFooterType)i;
            return true;
        }
    }
    return false;
}

static void *field_of(Element *element, const Field *field)
{
    return (char *)(field->rare ? (void *)element->rare : element) + field->offset;
}

/* Puts `value` into the field of the element that `key` names; `*ret_read` stays false when there is none, or it holds something else. */
MUST_USE static Error *read_field(Arena *arena, const char *key, const json_t *metadata, const json_t *value,
                                  Element *element, bool *ret_read)
{
    const Field *field = find_field(text_fields, ARRAY_COUNT(text_fields), key);
    if (field && json_is_string(value)) {
        *ret_read = true;
        return keep_text(arena, str_of_json(value), field_of(element, field));
    }
    field = find_field(list_fields, ARRAY_COUNT(list_fields), key);
    if (field && all_are(value, is_string)) {
        const json_t *other = field->other ? json_object_get(metadata, field->other) : value;
        if (json_array_size(other) != json_array_size(value) || !all_are(other, is_string))
            return NULL;
        *ret_read = true;
        return read_list(arena, value, field_of(element, field));
    }
    if (strcmp(key, "coordinates") == 0) {
        ElementBox box;
        *ret_read = read_box(value, &box);
        return *ret_read ? element_set_box(element, arena, box) : NULL;
    }
    *ret_read =
        strcmp(key, "header_footer_type") == 0 ? read_header_footer(value, element) : read_number(key, value, element);
    return NULL;
}

MUST_USE static Error *keep_extra(Arena *arena, const char *key, json_t *value, ElementRare *rare)
{
    char *json = json_dumps(value, JSON_ENCODE_ANY);
    if (!json)
        return FAIL(NO_MEMORY, "out of memory");
    Error *error = keep_text(arena, str_of(key), &rare->extra_keys.items[rare->extra_keys.count]);
    if (!error)
        error = keep_text(arena, str_of(json), &rare->extra_values.items[rare->extra_values.count]);
    free(json);
    TRY(error);
    rare->extra_keys.count++;
    rare->extra_values.count++;
    return NULL;
}

MUST_USE static Error *read_metadata(Arena *arena, json_t *metadata, Element *element)
{
    const char *key;
    json_t *value;
    ElementRare *rare;
    TRY(element_add_rare(element, arena, &rare));
    rare->extra_keys.items = ARENA_ARRAY(arena, Str, json_object_size(metadata));
    rare->extra_values.items = ARENA_ARRAY(arena, Str, json_object_size(metadata));
    if (!rare->extra_keys.items || !rare->extra_values.items)
        return arena_error(arena);
    json_object_foreach(metadata, key, value)
    {
        bool read = is_dropped(key, value);
        if (!read)
            TRY(read_field(arena, key, metadata, value, element, &read));
        if (!read)
            TRY_CTX(keep_extra(arena, key, value, rare), "metadata '%s'", key);
    }
    return NULL;
}

/* The id that stood in the file, until another one is computed. */
static void keep_id(const json_t *value, Element *element)
{
    Str id = json_get_str(value, "element_id", STR_EMPTY);
    if (id.len >= sizeof element->id)
        return;
    memcpy(element->id, id.data, id.len);
    element->id[id.len] = '\0';
}

MUST_USE static Error *read_element(json_t *value, size_t *text_left, Elements *elements)
{
    ElementType type;
    Element *element;
    bool known = type_from_name(json_get_str(value, "type", STR_EMPTY), &type);
    Str text = json_get_str(value, "text", STR_EMPTY);
    ASSERT(known);
    if (text.len > *text_left)
        return FAIL(LIMIT, "the elements' text is larger than the limit on it (text_max_bytes)");
    TRY(elements_add(elements, type, text, &element));
    *text_left -= text.len;
    element->checked = json_is_true(json_object_get(value, "checked"));
    keep_id(value, element);
    return read_metadata(elements->arena, json_object_get(value, "metadata"), element);
}

/* Ids are computed anew from what is read: parents are found by the ids that stood in the file. Of two equal ones the last counts. */
MUST_USE static Error *set_parents(json_t *values, size_t first, Elements *elements)
{
    CLEANUP(cleanup_json) json_t *by_id = json_object();
    if (!by_id)
        return FAIL(NO_MEMORY, "no memory for the ids of elements");
    for (size_t i = 0; i < json_array_size(values); i++) {
        const json_t *id = json_object_get(json_array_get(values, i), "element_id");
        if (json_is_string(id) && json_object_set_new(by_id, json_string_value(id), json_integer((json_int_t)i)) != 0)
            return FAIL(NO_MEMORY, "no memory for the ids of elements");
    }
    for (size_t i = 0; i < json_array_size(values); i++) {
        const json_t *metadata = json_object_get(json_array_get(values, i), "metadata");
        const json_t *parent_id = json_object_get(metadata, "parent_id");
        const json_t *parent = json_is_string(parent_id) ? json_object_get(by_id, json_string_value(parent_id)) : NULL;
        if (parent)
            elements->items[first + i].parent = (uint32_t)(first + (size_t)json_integer_value(parent) + 1);
    }
    return NULL;
}

Error *elements_read_json(json_t *values, size_t text_max_bytes, Elements *append_to)
{
    size_t first = append_to->count;
    for (size_t i = 0; i < json_array_size(values); i++)
        TRY_CTX(read_element(json_array_get(values, i), &text_max_bytes, append_to), "element %zu", i);
    return set_parents(values, first, append_to);
}

Error *document_read_json(const json_t *element, Arena *arena, DocumentInfo *ret_info)
{
    const json_t *metadata = json_object_get(element, "metadata");
    *ret_info = (DocumentInfo){0};
    TRY(keep_text(arena, json_get_str(metadata, "filename", STR_EMPTY), &ret_info->filename));
    TRY(keep_text(arena, json_get_str(metadata, "filetype", STR_EMPTY), &ret_info->filetype));
    TRY(keep_text(arena, json_get_str(metadata, "file_directory", STR_EMPTY), &ret_info->file_directory));
    return keep_text(arena, json_get_str(metadata, "last_modified", STR_EMPTY), &ret_info->last_modified);
}
