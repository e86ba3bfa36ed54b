#include "base/json.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPEN_OBJECT = 1, OPEN_ARRAY = 2, OPEN_KIND = 3, HAS_MEMBERS = 4, KEY_WAITS = 8 };

/* jansson calls some of malloc's failures a mistake of the text: errno tells them. */
static Error *read_error(const json_error_t *where)
{
    enum json_error_code code = json_error_code(where);
    if (code == json_error_out_of_memory || errno == ENOMEM)
        return FAIL(NO_MEMORY, "out of memory");
    if (code == json_error_stack_overflow)
        return FAIL(LIMIT, "JSON: line %d, column %d: nested more than %d deep", where->line, where->column,
                    JSON_PARSER_MAX_DEPTH);
    return FAIL(CORRUPT, "not valid JSON: line %d, column %d: %s", where->line, where->column, where->text);
}

Error *json_read(Bytes text, json_t **ret_root)
{
    json_error_t where = {0};
    if (!text.data)
        text = BYTES_EMPTY;
    size_t zero = str_find_char(bytes_str(text), '\0');
    if (zero != SIZE_MAX) /* which jansson passes over behind a number */
        return error_at(FAIL(CORRUPT, "not valid JSON: byte %zu is zero", zero), zero);
    errno = 0;
    json_t *root = json_loadb((const char *)text.data, text.len,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &where);
    if (!root)
        return error_at(read_error(&where), where.position > 0 ? (size_t)where.position : 0);
    *ret_root = root;
    return NULL;
}

void cleanup_json(json_t **value)
{
    json_decref(*value);
}

Str json_get_str(const json_t *object, const char *key, Str missing)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) ? (Str){json_string_value(value), json_string_length(value)} : missing;
}

int64_t json_get_int(const json_t *object, const char *key, int64_t missing)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : missing;
}

/* Keeps the first error. */
static void keep(JsonWriter *w, Error *error)
{
    if (!w->error)
        w->error = error;
    else
        error_free(error);
}

static void put(JsonWriter *w, const void *data, size_t len)
{
    if (!w->error)
        keep(w, buffer_append(w->out, data, len));
}

static uint8_t *top(JsonWriter *w)
{
    return &w->state[w->depth];
}

static void new_line(JsonWriter *w)
{
    static const char spaces[] = "                                ";
    put(w, "\n", 1);
    for (size_t left = (size_t)w->indent * w->depth; left > 0;) {
        size_t step = MIN(left, sizeof spaces - 1);
        put(w, spaces, step);
        left -= step;
    }
}

/* Comma and line break before a member of what is open. */
static void separate(JsonWriter *w)
{
    if (*top(w) & HAS_MEMBERS)
        put(w, ", ", w->indent == 0 ? 2 : 1);
    if (w->indent > 0)
        new_line(w);
    *top(w) |= HAS_MEMBERS;
}

static void before_value(JsonWriter *w)
{
    if (*top(w) & KEY_WAITS) {
        *top(w) &= (uint8_t)~KEY_WAITS;
        return;
    }
    ASSERT((*top(w) & OPEN_KIND) != OPEN_OBJECT);
    if ((*top(w) & OPEN_KIND) == OPEN_ARRAY) {
        separate(w);
    } else {
        ASSERT(!(*top(w) & HAS_MEMBERS)); /* one value at the top */
        *top(w) |= HAS_MEMBERS;
    }
}

void json_begin(JsonWriter *w, Buffer *out, int indent)
{
    *w = (JsonWriter){.out = out, .indent = indent};
}

static void open_value(JsonWriter *w, uint8_t kind)
{
    before_value(w);
    put(w, kind == OPEN_OBJECT ? "{" : "[", 1);
    ASSERT(w->depth + 1 < JSON_DEPTH_MAX);
    w->depth++;
    *top(w) = kind;
}

static void close_value(JsonWriter *w, uint8_t kind)
{
    ASSERT((*top(w) & OPEN_KIND) == kind && !(*top(w) & KEY_WAITS));
    bool members = *top(w) & HAS_MEMBERS;
    w->depth--;
    if (members && w->indent > 0)
        new_line(w);
    put(w, kind == OPEN_OBJECT ? "}" : "]", 1);
}

void json_open_object(JsonWriter *w)
{
    open_value(w, OPEN_OBJECT);
}

void json_close_object(JsonWriter *w)
{
    close_value(w, OPEN_OBJECT);
}

void json_open_array(JsonWriter *w)
{
    open_value(w, OPEN_ARRAY);
}

void json_close_array(JsonWriter *w)
{
    close_value(w, OPEN_ARRAY);
}

void json_put_key(JsonWriter *w, Str key)
{
    ASSERT((*top(w) & OPEN_KIND) == OPEN_OBJECT && !(*top(w) & KEY_WAITS));
    separate(w);
    if (!w->error)
        keep(w, json_append_string(w->out, key));
    put(w, ": ", w->indent < 0 ? 1 : 2);
    *top(w) |= KEY_WAITS;
}

void json_put_str(JsonWriter *w, Str value)
{
    before_value(w);
    if (!w->error)
        keep(w, json_append_string(w->out, value));
}

void json_put_int(JsonWriter *w, int64_t value)
{
    char text[24];
    before_value(w);
    put(w, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)value));
}

void json_put_uint(JsonWriter *w, uint64_t value)
{
    char text[24];
    before_value(w);
    put(w, text, (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)value));
}

void json_put_double(JsonWriter *w, double value)
{
    char text[40];
    int len = 0;
    if (!isfinite(value)) {
        json_put_null(w);
        return;
    }
    before_value(w);
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        len = snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    put(w, text, (size_t)len);
    if (!strpbrk(text, ".e")) /* stays a real number for readers that tell them apart, as Python's does */
        put(w, ".0", 2);
}

void json_put_bool(JsonWriter *w, bool value)
{
    before_value(w);
    put(w, value ? "true" : "false", value ? 4 : 5);
}

void json_put_null(JsonWriter *w)
{
    before_value(w);
    put(w, "null", 4);
}

void json_put_raw(JsonWriter *w, Str json)
{
    before_value(w);
    put(w, json.data, json.len);
}

Error *json_finish(JsonWriter *w)
{
    ASSERT(w->depth == 0);
    Error *error = w->error;
    w->error = NULL;
    return error;
}

/* The letter behind the backslash, or 0 when the byte has none of its own. */
static char short_escape(char c)
{
    switch (c) {
    case '\b': return 'b';
    case '\t': return 't';
    case '\n': return 'n';
    case '\f': return 'f';
    case '\r': return 'r';
    case '"':
    case '\\': return c;
    default: return 0;
    }
}

/* Where the run from `at` ends that needs no escape and is UTF-8. */
static size_t plain_end(Str text, size_t at)
{
    while (at < text.len) {
        uint8_t c = (uint8_t)text.data[at];
        if (c < 0x20 || c == '"' || c == '\\')
            break;
        size_t next = at + 1;
        if (c >= 0x80) {
            next = at;
            if (str_next_code_point(text, &next) == 0xfffd
                && next == at + 1) /* an invalid byte; U+FFFD itself has three */
                break;
        }
        at = next;
    }
    return at;
}

Error *json_append_string(Buffer *out, Str text)
{
    TRY(buffer_reserve(out, text.len + 2));
    TRY(buffer_append_byte(out, '"'));
    for (size_t at = 0; at < text.len;) {
        size_t end = plain_end(text, at);
        TRY(buffer_append(out, text.data + at, end - at));
        at = end;
        if (at == text.len)
            break;
        uint8_t c = (uint8_t)text.data[at];
        char letter = short_escape((char)c);
        if (c >= 0x80)
            TRY(buffer_append_str(out, STR("\xef\xbf\xbd")));
        else if (letter)
            TRY(buffer_append(out, (char[]){'\\', letter}, 2));
        else
            TRY(buffer_append_format(out, "\\u%04x", (unsigned)c));
        at++;
    }
    return buffer_append_byte(out, '"');
}
