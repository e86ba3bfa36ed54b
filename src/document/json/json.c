/* JSON and NDJSON: elements that somebody wrote come out as they went in, anything else as its own text. Source: spec/unstructured.md 3.11.
 * Two things differ on purpose: other JSON is printed with its characters as they are, where the originals escape all but ASCII; and what a
 * damaged NDJSON file holds before the bad line is kept. Keys that come twice and numbers of more than 64 bits are refused, as everywhere here. */
#include "base/json.h"

#include <stdlib.h>

#include "document/builder.h"
#include "document/element_read.h"
#include "document/text/charset.h"

enum { NESTING_MAX = JSON_DEPTH_MAX - 4 };
#define TEXT_BYTES_MAX (128 * MIB) /* the tree is many times as large, and on the heap */

static Str str_of_json(const json_t *string)
{
    return (Str){json_string_value(string), json_string_length(string)};
}

static bool all_are(const json_t *array, bool (*test)(const json_t *value))
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (!test(json_array_get(array, i)))
            return false;
    }
    return json_array_size(array) > 0;
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

MUST_USE static Error *rehydrate_all(Builder *builder, json_t *values)
{
    Elements *elements = builder->elements;
    size_t first = elements->count;
    Error *error = elements_read_json(values, builder->text_left, elements);
    for (size_t i = first; i < elements->count; i++)
        builder->text_left -= elements->items[i].text.len;
    return error;
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
    if (json_is_array(root) && all_are(root, json_is_element))
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
    bool elements = all_are(values, json_is_element);
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
