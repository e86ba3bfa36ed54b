#include "document/element_select.h"

#include "base/buffer.h"

bool element_selection_is_wanted(const ElementSelection *selection)
{
    return selection
           && (selection->seed || selection->flatten || selection->fields.count > 0
               || selection->metadata_include.count > 0 || selection->metadata_exclude.count > 0);
}

static bool list_has(const StrList *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_equal(list->items[i], str_of(name)))
            return true;
    }
    return false;
}

/* "data_source.url" below `object`: away with it. What is not there is no mistake: not every element has everything. */
static void leave_out(json_t *object, Str path)
{
    Str name;
    while (str_next_piece(&path, '.', &name) && path.len > 0) {
        object = json_object_getn(object, name.data, name.len);
        if (!json_is_object(object))
            return;
    }
    json_object_deln(object, name.data, name.len);
}

static void select_metadata(json_t *metadata, const ElementSelection *selection)
{
    const char *key;
    json_t *value;
    void *next;
    for (size_t i = 0; i < selection->metadata_exclude.count; i++) {
        Str path = selection->metadata_exclude.items[i], inside = STR("metadata.");
        leave_out(metadata, str_starts_with(path, inside) ? str_slice(path, inside.len, path.len) : path);
    }
    if (selection->metadata_include.count == 0)
        return;
    json_object_foreach_safe(metadata, next, key, value)
    {
        if (!list_has(&selection->metadata_include, key))
            json_object_del(metadata, key);
    }
}

static void put_tree(JsonWriter *w, const json_t *value);

static void put_object(JsonWriter *w, json_t *object)
{
    const char *key;
    json_t *value;
    json_open_object(w);
    json_object_foreach(object, key, value)
    {
        json_put_key(w, str_of(key));
        put_tree(w, value);
    }
    json_close_object(w);
}

static void put_array(JsonWriter *w, const json_t *array)
{
    json_open_array(w);
    for (size_t i = 0; i < json_array_size(array); i++)
        put_tree(w, json_array_get(array, i));
    json_close_array(w);
}

static void put_tree(JsonWriter *w, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: put_object(w, (json_t *)(uintptr_t)value); break;
    case JSON_ARRAY: put_array(w, value); break;
    case JSON_STRING: json_put_str(w, str_from(json_string_value(value), json_string_length(value))); break;
    case JSON_INTEGER: json_put_int(w, json_integer_value(value)); break;
    case JSON_REAL: json_put_double(w, json_real_value(value)); break;
    case JSON_TRUE: json_put_bool(w, true); break;
    case JSON_FALSE: json_put_bool(w, false); break;
    case JSON_NULL: json_put_null(w); break;
    }
}

/* The members of `object`, those of objects in it as `name_member`. The record locator stays whole, as in the original. */
MUST_USE static Error *put_flat(JsonWriter *w, json_t *object, Buffer *name)
{
    const char *key;
    json_t *value;
    size_t len = name->len;
    json_object_foreach(object, key, value)
    {
        name->len = len;
        TRY(buffer_append_str(name, str_of(key)));
        bool whole = str_equal(buffer_str(name), STR("data_source_record_locator"));
        if (json_is_object(value) && !whole) {
            TRY(buffer_append_byte(name, '_'));
            TRY(put_flat(w, value, name));
            continue;
        }
        json_put_key(w, buffer_str(name));
        put_tree(w, value);
    }
    name->len = len;
    return NULL;
}

/* Into the open object. A failure sticks to the writer, which then writes no more but is still to be closed. */
static void put_flat_members(JsonWriter *w, json_t *metadata)
{
    CLEANUP(buffer_done) Buffer name = {0};
    Error *error = put_flat(w, metadata, &name);
    if (w->error)
        error_free(error);
    else
        w->error = error;
}

static bool wants_field(const ElementSelection *selection, const char *name)
{
    return selection->fields.count == 0 || list_has(&selection->fields, name);
}

/* {"text", "type", "metadata"}: page_number and url are all that metadata were. */
static void put_seed(JsonWriter *w, const json_t *element)
{
    static const char *const known[] = {"page_number", "url"};
    const json_t *metadata = json_object_get(element, "metadata");
    const char *type = json_string_value(json_object_get(element, "type"));
    json_open_object(w);
    json_put_key(w, STR("text"));
    put_tree(w, json_object_get(element, "text"));
    bool uncategorized = str_equal(str_of(type), STR("UncategorizedText")); /* has got its longer name since */
    json_member(w, "type", str, uncategorized ? STR("Uncategorized") : str_of(type));
    json_put_key(w, STR("metadata"));
    json_open_object(w);
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        const json_t *value = json_object_get(metadata, known[i]);
        if (value) {
            json_put_key(w, str_of(known[i]));
            put_tree(w, value);
        }
    }
    json_close_object(w);
    json_close_object(w);
}

void element_put_selected(JsonWriter *w, json_t *element, const ElementSelection *selection)
{
    const char *key;
    json_t *value;
    if (selection->seed) {
        put_seed(w, element);
        return;
    }
    json_open_object(w);
    json_object_foreach(element, key, value)
    {
        bool metadata = strcmp(key, "metadata") == 0;
        if (!wants_field(selection, key))
            continue;
        if (metadata)
            select_metadata(value, selection);
        if (metadata && selection->flatten) {
            put_flat_members(w, value);
            continue;
        }
        json_put_key(w, str_of(key));
        put_tree(w, value);
    }
    json_close_object(w);
}

void metadata_put_selected(JsonWriter *w, json_t *metadata, const ElementSelection *selection)
{
    select_metadata(metadata, selection);
    if (!selection->flatten) {
        put_tree(w, metadata);
        return;
    }
    json_open_object(w);
    put_flat_members(w, metadata);
    json_close_object(w);
}
