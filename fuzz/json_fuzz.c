/* Reading JSON never trips, the scanner of objects takes every object that the reader takes, and any bytes written as a JSON string are
 * read back as a string. */
#include "base/json.h"
#include "base/json_scan.h"

static void try_reading(Bytes text)
{
    CLEANUP(cleanup_json) json_t *root = NULL;
    JsonMembers members = {.text = bytes_str(text)};
    JsonRaw name, value;
    error_free(json_read(text, &root)); /* a refusal is a fine answer */
    while (json_members_next(&members, &name, &value))
        (void)json_raw_is_falsy(&value);
    ASSERT(!json_is_object(root) || !members.problem);
}

static void try_writing(Bytes text)
{
    CLEANUP(buffer_done) Buffer out = {.limit = 64 << 20};
    CLEANUP(cleanup_json) json_t *root = NULL;
    JsonWriter w;

    json_begin(&w, &out, -1);
    json_open_array(&w);
    json_put_str(&w, bytes_str(text));
    json_close_array(&w);
    Error *error = json_finish(&w);
    if (!error)
        error = json_read(buffer_bytes(&out), &root);
    ASSERT(!error);
    ASSERT(json_is_string(json_array_get(root, 0)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Bytes text = {data, size};

    try_reading(text);
    try_writing(text);
    return 0;
}
