/* Any JSON as elements that somebody wrote: what is read can be written, and is the same when it is read again. */
#include "document/element_json.h"
#include "document/element_read.h"

enum { ELEMENTS_MAX = 10000 };

/* False when `json` is no array of elements. Written again in `out`. */
static bool read_and_write(Bytes json, Buffer *out)
{
    CLEANUP(cleanup_json) json_t *values = NULL;
    CLEANUP(arena_freep) Arena *arena = arena_new(32 * MIB);
    ASSERT(arena);
    Elements elements = {.arena = arena, .count_max = ELEMENTS_MAX};
    DocumentInfo info = {.filename = STR("f"), .filetype = STR("application/json")};
    Error *error = json_read(json, &values);
    bool known = !error && json_is_array(values) && json_array_size(values) > 0;
    for (size_t i = 0; known && i < json_array_size(values); i++)
        known = json_is_element(json_array_get(values, i));
    if (known)
        error = elements_read_json(values, MIB, &elements);
    if (known && !error)
        error = document_read_json(json_array_get(values, 0), arena, &info);
    for (size_t i = 0; i < elements.count; i++)
        ASSERT(str_is_utf8(elements.items[i].text) && elements.items[i].type < ELEMENT_TYPES);
    if (known && !error)
        error = elements_finish(&elements, &info);
    if (known && !error)
        error = elements_write_json(&elements, &info, (ElementJsonOptions){ELEMENT_JSON_ARRAY}, out);
    known = known && !error;
    error_free(error);
    return known;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buffer_done) Buffer once = {.limit = 32 * MIB}, twice = {.limit = 32 * MIB};
    if (!read_and_write(bytes_from(data, size), &once))
        return 0;
    bool again = read_and_write(buffer_bytes(&once), &twice);
    ASSERT(again && str_equal(buffer_str(&once), buffer_str(&twice)));
    return 0;
}
