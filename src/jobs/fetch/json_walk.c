#include "jobs/fetch/json_walk.h"

#include <stdlib.h>

enum { END_OF_TEXT = -1 };

JsonWalk *json_walk_new(JsonReadFn *read, void *context)
{
    JsonWalk *walk = malloc(sizeof *walk);
    if (!walk)
        return NULL;
    walk->read = read;
    walk->context = context;
    walk->text = (Buffer){.limit = JSON_WALK_TEXT_MAX};
    walk->depth = 0;
    walk->objects = 0;
    walk->want = WANT_VALUE;
    walk->place = (JsonPlace){.line = 1};
    walk->ended = false;
    walk->at = walk->len = 0;
    return walk;
}

void json_walk_free(JsonWalk *walk)
{
    if (!walk)
        return;
    buffer_done(&walk->text);
    free(walk);
}

Str json_walk_text(const JsonWalk *walk)
{
    return buffer_str(&walk->text);
}

/* ---- characters ---- */

/* The next byte without passing it, or END_OF_TEXT. */
static Error *peek(JsonWalk *walk, int *ret_byte)
{
    if (walk->at == walk->len && !walk->ended) {
        walk->at = walk->len = 0;
        TRY(walk->read(walk->context, walk->piece, sizeof walk->piece, &walk->len));
        walk->ended = walk->len == 0;
    }
    *ret_byte = walk->at < walk->len ? walk->piece[walk->at] : END_OF_TEXT;
    return NULL;
}

static void pass(JsonWalk *walk)
{
    uint8_t byte = walk->piece[walk->at++];
    walk->place.chars += (byte & 0xc0) != 0x80;
    if (byte == '\n') {
        walk->place.line++;
        walk->place.line_began = walk->place.chars;
    }
}

static Error *wrong_at(const JsonPlace *place, const char *what)
{
    return FAIL(CORRUPT, "%s: line %llu column %llu (char %llu)", what, (unsigned long long)place->line,
                (unsigned long long)(place->chars - place->line_began + 1), (unsigned long long)place->chars);
}

static Error *wrong_here(const JsonWalk *walk, const char *what)
{
    return wrong_at(&walk->place, what);
}

static Error *pass_space(JsonWalk *walk, int *ret_byte)
{
    for (;;) {
        TRY(peek(walk, ret_byte));
        if (*ret_byte != ' ' && *ret_byte != '\n' && *ret_byte != '\t' && *ret_byte != '\r')
            return NULL;
        pass(walk);
    }
}

/* ---- texts ---- */

static Error *read_hex4(JsonWalk *walk, const JsonPlace *began, uint32_t *ret_value)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int c;
        TRY(peek(walk, &c));
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return wrong_at(began, "Invalid \\uXXXX escape");
        value = value << 4 | (uint32_t)digit;
        pass(walk);
    }
    *ret_value = value;
    return NULL;
}

/* The other half of the pair whose first is `*high`, if any, does not come. */
static Error *end_half(Buffer *text, uint32_t *high)
{
    char utf8[4];
    if (!*high)
        return NULL;
    *high = 0;
    return buffer_append(text, utf8, utf8_encode(0xfffd, utf8));
}

/* An escape for half a pair waits in `*high` for its other half. */
static Error *append_code_point(Buffer *text, uint32_t c, uint32_t *high)
{
    char utf8[4];
    bool second = c >= 0xdc00 && c <= 0xdfff;
    if (*high && second) {
        c = 0x10000 + ((*high - 0xd800) << 10) + (c - 0xdc00);
        *high = 0;
        return buffer_append(text, utf8, utf8_encode(c, utf8));
    }
    TRY(end_half(text, high));
    if (c >= 0xd800 && c <= 0xdbff) {
        *high = c;
        return NULL;
    }
    if (c >= 0xdc80 && c <= 0xdcff)
        return buffer_append_byte(text, (uint8_t)(c - 0xdc00));
    return buffer_append(text, utf8, utf8_encode(second ? 0xfffd : c, utf8));
}

static Error *read_escape(JsonWalk *walk, uint32_t *high)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    JsonPlace began = walk->place;
    uint32_t c;
    int byte;
    pass(walk);
    TRY(peek(walk, &byte));
    if (byte == 'u') {
        pass(walk);
        TRY(read_hex4(walk, &began, &c));
        return append_code_point(&walk->text, c, high);
    }
    const char *known = byte > 0 ? strchr(from, byte) : NULL;
    if (!known)
        return wrong_at(&began, "Invalid \\escape");
    pass(walk);
    return append_code_point(&walk->text, (uint8_t)to[known - from], high);
}

/* As many plain characters as the piece in hand has. */
static Error *read_plain(JsonWalk *walk)
{
    size_t began = walk->at;
    while (walk->at < walk->len) {
        uint8_t byte = walk->piece[walk->at];
        if (byte == '"' || byte == '\\' || byte < 0x20)
            break;
        walk->place.chars += (byte & 0xc0) != 0x80;
        walk->at++;
    }
    return buffer_append(&walk->text, walk->piece + began, walk->at - began);
}

/* From its first quote to behind its last. */
static Error *read_string(JsonWalk *walk)
{
    JsonPlace began = walk->place;
    uint32_t high = 0;
    int byte;
    bool escaped = false;
    buffer_clear(&walk->text);
    pass(walk);
    for (;;) {
        TRY(peek(walk, &byte));
        if (byte == END_OF_TEXT)
            return wrong_at(&began, "Unterminated string starting at");
        if (byte == '\\') {
            escaped = true;
            TRY(read_escape(walk, &high));
            continue;
        }
        TRY(end_half(&walk->text, &high));
        if (byte == '"')
            break;
        if (byte < 0x20)
            return wrong_here(walk, "Invalid control character at");
        TRY(read_plain(walk));
    }
    pass(walk);
    if (!escaped && !str_is_utf8(buffer_str(&walk->text)))
        return wrong_at(&began, "Invalid UTF-8 in the string starting at");
    return NULL;
}

/* ---- other values ---- */

static bool is_number(Str text)
{
    size_t at = 0, digits = 0;
    if (at < text.len && text.data[at] == '-')
        at++;
    if (str_equal(str_slice(text, at, text.len), STR("Infinity")) || str_equal(text, STR("NaN")))
        return true;
    size_t first = at;
    for (; at < text.len && text.data[at] >= '0' && text.data[at] <= '9'; at++)
        digits++;
    if (digits == 0 || (digits > 1 && text.data[first] == '0'))
        return false;
    double value;
    return at == text.len || str_to_double(text, &value);
}

/* A run of letters, digits and signs: a number or a word. */
static Error *read_bare(JsonWalk *walk, JsonToken *ret_token)
{
    static const char members[] = "+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    JsonPlace began = walk->place;
    int byte;
    buffer_clear(&walk->text);
    for (;;) {
        TRY(peek(walk, &byte));
        if (byte <= 0 || !strchr(members, byte))
            break;
        TRY(buffer_append_byte(&walk->text, (uint8_t)byte));
        pass(walk);
    }
    Str text = buffer_str(&walk->text);
    if (str_equal(text, STR("true")) || str_equal(text, STR("false")) || str_equal(text, STR("null")))
        *ret_token = TOKEN_WORD;
    else if (is_number(text))
        *ret_token = TOKEN_NUMBER;
    else
        return wrong_at(&began, "Expecting value");
    return NULL;
}

/* ---- tokens ---- */

static void after_value(JsonWalk *walk)
{
    walk->want = walk->depth ? WANT_COMMA_OR_END : WANT_NOTHING;
}

static bool in_object(const JsonWalk *walk)
{
    return walk->depth && (walk->objects >> (walk->depth - 1) & 1);
}

static Error *open_level(JsonWalk *walk, bool object)
{
    if (walk->depth == JSON_WALK_DEPTH_MAX)
        return FAIL(LIMIT, "nested more than %d deep", JSON_WALK_DEPTH_MAX);
    uint64_t bit = UINT64_C(1) << walk->depth++;
    walk->objects = object ? walk->objects | bit : walk->objects & ~bit;
    walk->want = object ? WANT_KEY_OR_END : WANT_VALUE_OR_END;
    pass(walk);
    return NULL;
}

static JsonToken close_level(JsonWalk *walk)
{
    JsonToken token = in_object(walk) ? TOKEN_OBJECT_END : TOKEN_ARRAY_END;
    walk->depth--;
    pass(walk);
    after_value(walk);
    return token;
}

static Error *next_value(JsonWalk *walk, int byte, JsonToken *ret_token)
{
    if (byte == '{' || byte == '[') {
        *ret_token = byte == '{' ? TOKEN_OBJECT : TOKEN_ARRAY;
        return open_level(walk, byte == '{');
    }
    *ret_token = TOKEN_STRING;
    TRY(byte == '"' ? read_string(walk) : read_bare(walk, ret_token));
    after_value(walk);
    return NULL;
}

static Error *next_key(JsonWalk *walk, int byte)
{
    if (byte != '"')
        return wrong_here(walk, "Expecting property name enclosed in double quotes");
    TRY(read_string(walk));
    TRY(pass_space(walk, &byte));
    if (byte != ':')
        return wrong_here(walk, "Expecting ':' delimiter");
    pass(walk);
    walk->want = WANT_VALUE;
    return NULL;
}

Error *json_walk_next(JsonWalk *walk, JsonToken *ret_token)
{
    int byte;
    TRY(pass_space(walk, &byte));
    if (walk->want == WANT_NOTHING) {
        *ret_token = TOKEN_END;
        return byte == END_OF_TEXT ? NULL : wrong_here(walk, "Extra data");
    }
    bool may_end = walk->want == WANT_COMMA_OR_END || walk->want == WANT_KEY_OR_END || walk->want == WANT_VALUE_OR_END;
    if (may_end && byte == (in_object(walk) ? '}' : ']')) {
        *ret_token = close_level(walk);
        return NULL;
    }
    if (walk->want == WANT_COMMA_OR_END) {
        if (byte != ',')
            return wrong_here(walk, "Expecting ',' delimiter");
        pass(walk);
        TRY(pass_space(walk, &byte));
        walk->want = in_object(walk) ? WANT_KEY : WANT_VALUE;
    }
    if (walk->want == WANT_KEY || walk->want == WANT_KEY_OR_END) {
        *ret_token = TOKEN_KEY;
        return next_key(walk, byte);
    }
    return next_value(walk, byte, ret_token);
}

Error *json_walk_skip(JsonWalk *walk, JsonToken begun)
{
    if (begun != TOKEN_OBJECT && begun != TOKEN_ARRAY)
        return NULL;
    unsigned outside = walk->depth - 1;
    while (walk->depth > outside) {
        JsonToken token;
        TRY(json_walk_next(walk, &token));
    }
    return NULL;
}
