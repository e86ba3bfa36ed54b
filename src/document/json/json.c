/* JSON and NDJSON: elements that somebody wrote come out as they went in, anything else as its own text. Source: spec/unstructured.md 3.11.
 * Two things differ on purpose: other JSON is printed with its characters as they are, where the originals escape all but ASCII; and what a
 * damaged NDJSON file holds before the bad line is kept. Keys that come twice and numbers of more than 64 bits are refused, as everywhere here. */
#include "base/json.h"

#include <stddef.h>
#include <stdlib.h>

#include "document/builder.h"
#include "document/text/charset.h"

enum { NESTING_MAX = JSON_DEPTH_MAX - 4 };
#define TEXT_BYTES_MAX (128 * MIB) /* the tree is many times as large, and on the heap */

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

static bool is_element(const json_t *value)
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

static bool is_object(const json_t *value)
{
    return json_is_object(value);
}

static int by_bytes(const void *a, const void *b)
{
    return str_compare(*(const Str *)a, *(const Str *)b);
}

/* The keys of `object` in order; it is not changed meanwhile. */
MUST_USE static Error *sorted_keys(json_t *object, Arena *arena, Str **ret_keys)
{
    Str *keys = ARENA_ARRAY(arena, Str, json_object_size(object));
    const char *key;
    json_t *value;
    size_t count = 0;
    if (!keys)
        return arena_error(arena);
    json_object_foreach(object, key, value) keys[count++] = str_of(key);
    qsort(keys, count, sizeof *keys, by_bytes);
    *ret_keys = keys;
    return NULL;
}

static void put_scalar(JsonWriter *w, const json_t *value)
{
    if (json_is_string(value))
        json_put_str(w, str_of_json(value));
    else if (json_is_integer(value))
        json_put_int(w, json_integer_value(value));
    else if (json_is_real(value))
        json_put_double(w, json_real_value(value));
    else if (json_is_boolean(value))
        json_put_bool(w, json_is_true(value));
    else
        json_put_null(w);
}

/* `value` with its keys sorted. Recursion as deep as NESTING_MAX. Errors: LIMIT (depth, arena), NO_MEMORY; those of `w` wait in it. */
MUST_USE static Error *put_value(JsonWriter *w, json_t *value, Arena *arena)
{
    if (w->depth >= NESTING_MAX)
        return FAIL(LIMIT, "values are nested more than %d deep", NESTING_MAX);
    if (json_is_array(value)) {
        json_open_array(w);
        for (size_t i = 0; i < json_array_size(value); i++)
            TRY(put_value(w, json_array_get(value, i), arena));
        json_close_array(w);
    } else if (json_is_object(value)) {
        Str *keys;
        TRY(sorted_keys(value, arena, &keys));
        json_open_object(w);
        for (size_t i = 0; i < json_object_size(value); i++) {
            json_put_key(w, keys[i]);
            TRY(put_value(w, json_object_get(value, keys[i].data), arena));
        }
        json_close_object(w);
    } else {
        put_scalar(w, value);
    }
    return NULL;
}

/* Appends `value` as JSON; `indent` as json_begin's. */
MUST_USE static Error *print_value(json_t *value, int indent, Arena *arena, Buffer *out)
{
    JsonWriter w;
    json_begin(&w, out, indent);
    Error *error = put_value(&w, value, arena);
    if (!error)
        return json_finish(&w);
    error_free(w.error); /* the first that happened is the news */
    return error;
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

/* Fields of Element that hold a text, a list, or one of two lists of the same length. */
typedef struct Field {
    const char *key;
    const char *other; /* the list beside it; NULL: none */
    size_t offset;
} Field;

static const Field text_fields[] = {
    {"image_base64", NULL, offsetof(Element, image_base64)},
    {"image_mime_type", NULL, offsetof(Element, image_mime_type)},
    {"image_url", NULL, offsetof(Element, image_url)},
    {"page_name", NULL, offsetof(Element, page_name)},
    {"text_as_html", NULL, offsetof(Element, text_as_html)},
};
static const Field list_fields[] = {
    {"emphasized_text_contents", "emphasized_text_tags", offsetof(Element, emphasized_contents)},
    {"emphasized_text_tags", "emphasized_text_contents", offsetof(Element, emphasized_tags)},
    {"languages", NULL, offsetof(Element, languages)},
    {"link_texts", "link_urls", offsetof(Element, link_texts)},
    {"link_urls", "link_texts", offsetof(Element, link_urls)},
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
static bool read_box(const json_t *value, Element *element)
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
    element->box = box;
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

static bool read_other(const char *key, const json_t *value, Element *element)
{
    if (strcmp(key, "header_footer_type") == 0)
        return read_header_footer(value, element);
    if (strcmp(key, "coordinates") == 0)
        return read_box(value, element);
    return read_number(key, value, element);
}

/* Puts `value` into the field of the element that `key` names; `*ret_read` stays false when there is none, or it holds something else. */
MUST_USE static Error *read_field(Arena *arena, const char *key, const json_t *metadata, const json_t *value,
                                  Element *element, bool *ret_read)
{
    const Field *field = find_field(text_fields, ARRAY_COUNT(text_fields), key);
    if (field && json_is_string(value)) {
        *ret_read = true;
        return keep_text(arena, str_of_json(value), (Str *)(void *)((char *)element + field->offset));
    }
    field = find_field(list_fields, ARRAY_COUNT(list_fields), key);
    if (field && all_are(value, is_string)) {
        const json_t *other = field->other ? json_object_get(metadata, field->other) : value;
        if (json_array_size(other) != json_array_size(value) || !all_are(other, is_string))
            return NULL;
        *ret_read = true;
        return read_list(arena, value, (StrList *)(void *)((char *)element + field->offset));
    }
    *ret_read = read_other(key, value, element);
    return NULL;
}

MUST_USE static Error *keep_extra(Arena *arena, const char *key, json_t *value, Element *element)
{
    CLEANUP(buffer_done) Buffer json = {0};
    TRY(print_value(value, 0, arena, &json));
    TRY(keep_text(arena, str_of(key), &element->extra_keys.items[element->extra_keys.count]));
    TRY(keep_text(arena, buffer_str(&json), &element->extra_values.items[element->extra_values.count]));
    element->extra_keys.count++;
    element->extra_values.count++;
    return NULL;
}

MUST_USE static Error *read_metadata(Arena *arena, json_t *metadata, Element *element)
{
    const char *key;
    json_t *value;
    element->extra_keys.items = ARENA_ARRAY(arena, Str, json_object_size(metadata));
    element->extra_values.items = ARENA_ARRAY(arena, Str, json_object_size(metadata));
    if (!element->extra_keys.items || !element->extra_values.items)
        return arena_error(arena);
    json_object_foreach(metadata, key, value)
    {
        bool read = is_dropped(key, value);
        if (!read)
            TRY(read_field(arena, key, metadata, value, element, &read));
        if (!read)
            TRY_CTX(keep_extra(arena, key, value, element), "metadata '%s'", key);
    }
    return NULL;
}

MUST_USE static Error *rehydrate(Builder *builder, json_t *value)
{
    ElementType type;
    Element *element;
    bool known = type_from_name(json_get_str(value, "type", STR_EMPTY), &type);
    ASSERT(known);
    TRY(builder_add(builder, type, json_get_str(value, "text", STR_EMPTY), &element));
    element->checked = json_is_true(json_object_get(value, "checked"));
    return read_metadata(builder->elements->arena, json_object_get(value, "metadata"), element);
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

MUST_USE static Error *rehydrate_all(Builder *builder, json_t *values)
{
    size_t first = builder->elements->count;
    for (size_t i = 0; i < json_array_size(values); i++)
        TRY_CTX(rehydrate(builder, json_array_get(values, i)), "element %zu", i);
    return set_parents(values, first, builder->elements);
}

MUST_USE static Error *add_as_text(Builder *builder, json_t *value)
{
    Element *element;
    CLEANUP(buffer_done) Buffer text = {.limit = builder->text_left + 1};
    TRY(print_value(value, 2, builder->elements->arena, &text));
    return builder_add(builder, ELEMENT_UNCATEGORIZED_TEXT, buffer_str(&text), &element);
}

MUST_USE static Error *add_each_as_text(Builder *builder, json_t *values)
{
    for (size_t i = 0; i < json_array_size(values); i++)
        TRY(add_as_text(builder, json_array_get(values, i)));
    return NULL;
}

MUST_USE static Error *add_json(Builder *builder, Str text)
{
    CLEANUP(cleanup_json) json_t *root = NULL;
    TRY(json_read(str_bytes(text), &root));
    if (json_is_array(root) && json_array_size(root) == 0)
        return NULL;
    if (json_is_array(root) && all_are(root, is_element))
        return rehydrate_all(builder, root);
    if (json_is_array(root) && all_are(root, is_object))
        return add_each_as_text(builder, root);
    return add_as_text(builder, root);
}

/* The values of all lines up to the first that is none, which is the error. */
MUST_USE static Error *read_lines(Str text, json_t *values)
{
    Str line;
    for (size_t number = 1; str_next_piece(&text, '\n', &line); number++) {
        json_t *value;
        line = str_trim(line);
        if (line.len == 0)
            continue;
        TRY_CTX(json_read(str_bytes(line), &value), "line %zu", number);
        if (json_array_append_new(values, value) != 0)
            return FAIL(NO_MEMORY, "no memory for line %zu", number);
    }
    return NULL;
}

MUST_USE static Error *add_lines(Builder *builder, Str text)
{
    CLEANUP(cleanup_json) json_t *values = json_array();
    if (!values)
        return FAIL(NO_MEMORY, "no memory for the lines");
    Error *read_error = read_lines(text, values);
    bool elements = all_are(values, is_element);
    Error *error = elements ? rehydrate_all(builder, values) : add_each_as_text(builder, values);
    if (!read_error)
        return error;
    error_free(error); /* the line that could not be read is the news */
    return read_error;
}

Error *partition_json(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                      Elements *elements)
{
    Str text;
    Builder builder;
    bool lines = str_equal(filetype, STR("application/x-ndjson"));
    builder_init(&builder, options, watch, elements);
    TRY(charset_decode(input, options->encoding, elements->arena, &text));
    text = str_trim(text);
    if (text.len == 0)
        return NULL;
    if (text.len > TEXT_BYTES_MAX)
        return FAIL(LIMIT, "json: %zu bytes are more than the %zu that are read", text.len, (size_t)TEXT_BYTES_MAX);
    TRY_CTX(lines ? add_lines(&builder, text) : add_json(&builder, text), lines ? "ndjson" : "json");
    return NULL;
}
