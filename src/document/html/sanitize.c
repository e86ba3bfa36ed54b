#include "document/html/sanitize.h"

#include "document/chars.h"

enum { SCHEME_BYTES_MAX = 64 }; /* of an address, as much as tells its scheme and, of "data:", its type */

#define LIST_HAS(list, text) list_has(list, ARRAY_COUNT(list), text)

static bool list_has(const char *const *list, size_t count, Str text)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(text, str_of(list[i])))
            return true;
    }
    return false;
}

typedef struct TagAttributes {
    const char *tag, *names[6];
} TagAttributes;

static const char *const ANYWHERE[] = {"align", "dir", "lang", "name", "role", "style", "title"};
static const TagAttributes BY_TAG[] = {
    {"a", {"href", "rel", "target"}},
    {"audio", {"controls", "src"}},
    {"img", {"alt", "height", "src", "width"}},
    {"input", {"checked", "placeholder", "type", "value"}},
    {"label", {"for"}},
    {"meta", {"charset", "content"}},
    {"ol", {"start", "type"}},
    {"svg", {"alt", "height", "src", "width", "xlink:href"}},
    {"td", {"colspan", "headers", "rowspan", "scope"}},
    {"th", {"colspan", "headers", "rowspan", "scope"}},
    {"time", {"datetime"}},
    {"video", {"controls", "height", "poster", "src", "width"}},
};
static const char *const ADDRESSES[] = {"data-src", "href", "poster", "src", "xlink:href"};
static const char *const SCHEMES[] = {"http", "https", "mailto", "tel"};
static const char *const PICTURES[] = {"image/avif", "image/bmp", "image/gif",  "image/jpeg",
                                       "image/jpg",  "image/png", "image/webp", "image/x-icon"};
static const char *const PROPERTIES[] = {
    "background-color", "border",       "border-bottom",   "border-collapse", "border-color", "border-left",
    "border-right",     "border-style", "border-top",      "border-width",    "color",        "font-style",
    "font-weight",      "text-align",   "text-decoration", "vertical-align",  "white-space",
};
/* In lower case, `(` without the white space that may stand before it. */
static const char *const UNSAFE_VALUES[] = {
    "@import", "expression(", "url(", "javascript:", "vbscript:", "data:", "-moz-binding", "behavior:"};

static bool is_name(Str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
        bool digit = (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (!letter && !(digit && i > 0))
            return false;
    }
    return name.len > 0;
}

static bool belongs_to(Str name, Str tag)
{
    if (str_starts_with(name, STR("data-")) || str_starts_with(name, STR("aria-")) || LIST_HAS(ANYWHERE, name))
        return true;
    for (size_t i = 0; i < ARRAY_COUNT(BY_TAG); i++) {
        if (!str_equal(tag, str_of(BY_TAG[i].tag)))
            continue;
        for (size_t k = 0; k < ARRAY_COUNT(BY_TAG[i].names) && BY_TAG[i].names[k]; k++) {
            if (str_equal(name, str_of(BY_TAG[i].names[k])))
                return true;
        }
    }
    return false;
}

/* The beginning of an address as a browser takes it: without white space and controls, in lower case. */
static Str address_head(Str address, char head[SCHEME_BYTES_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < address.len && len < SCHEME_BYTES_MAX; i++) {
        char c = address.data[i];
        if ((unsigned char)c > ' ')
            head[len++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return (Str){head, len};
}

/* The scheme of an address; "": it has none and is relative. */
static Str scheme_of(Str head)
{
    for (size_t i = 0; i < head.len; i++) {
        char c = head.data[i];
        bool letter = c >= 'a' && c <= 'z';
        if (c == ':')
            return str_slice(head, 0, i);
        if (!letter && !(i > 0 && ((c >= '0' && c <= '9') || c == '+' || c == '.' || c == '-')))
            return STR_EMPTY;
    }
    return head.len == SCHEME_BYTES_MAX ? head : STR_EMPTY; /* longer than any we know */
}

static bool is_picture(Str head)
{
    Str type = str_slice(head, STR("data:").len, head.len);
    size_t comma = str_find_char(type, ',');
    if (comma == SIZE_MAX)
        return false;
    type = str_slice(type, 0, comma);
    size_t semicolon = str_find_char(type, ';');
    return LIST_HAS(PICTURES, str_slice(type, 0, semicolon));
}

static bool is_safe_address(Str tag, const HtmlAttribute *attribute)
{
    char bytes[SCHEME_BYTES_MAX];
    Str head = address_head(attribute->value, bytes), scheme = scheme_of(head);
    if (str_equal(scheme, STR("data")))
        return str_equal(tag, STR("img")) && str_equal(attribute->name, STR("src")) && is_picture(head);
    return scheme.len == 0 || LIST_HAS(SCHEMES, scheme);
}

bool sanitize_keeps(Str tag, const HtmlAttribute *attribute)
{
    Str name = attribute->name;
    if (str_starts_with(name, STR("on")) || !is_name(name) || !belongs_to(name, tag))
        return false;
    return !LIST_HAS(ADDRESSES, name) || is_safe_address(tag, attribute);
}

/* Lower case of ASCII letters. */
static void lower(Buffer *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] >= 'A' && text->data[i] <= 'Z')
            text->data[i] = (uint8_t)(text->data[i] - 'A' + 'a');
    }
}

/* Appends `text` without its comments; one that does not end is none. */
MUST_USE static Error *append_without_comments(Str text, Buffer *out)
{
    for (;;) {
        size_t from = str_find(text, STR("/*"));
        size_t to = from == SIZE_MAX ? SIZE_MAX : str_find(str_slice(text, from + 2, text.len), STR("*/"));
        if (to == SIZE_MAX)
            return buffer_append_str(out, text);
        TRY(buffer_append_str(out, str_slice(text, 0, from)));
        text = str_slice(text, from + 2 + to + 2, text.len);
    }
}

/* `words` is a value, spaces single; the check takes no heed of space or case. */
MUST_USE static Error *is_safe_value(Str words, bool *ret_safe)
{
    CLEANUP(buffer_done) Buffer bare = {0};
    for (size_t i = 0; i < words.len; i++) {
        if (words.data[i] != ' ')
            TRY(buffer_append_byte(&bare, (uint8_t)words.data[i]));
    }
    lower(&bare);
    *ret_safe = words.len > 0;
    for (size_t i = 0; i < ARRAY_COUNT(UNSAFE_VALUES); i++)
        *ret_safe &= str_find(buffer_str(&bare), str_of(UNSAFE_VALUES[i])) == SIZE_MAX;
    return NULL;
}

MUST_USE static Error *append_words(Str text, Buffer *out)
{
    bool space = false;
    text = str_trim(text);
    for (size_t i = 0; i < text.len; i++) {
        bool blank = text.data[i] == ' ' || (text.data[i] >= '\t' && text.data[i] <= '\r');
        if (!blank && space)
            TRY(buffer_append_byte(out, ' '));
        if (!blank)
            TRY(buffer_append_byte(out, (uint8_t)text.data[i]));
        space = blank;
    }
    return NULL;
}

MUST_USE static Error *add_declaration(Str property, Str value, Buffer *out)
{
    CLEANUP(buffer_done) Buffer name = {0};
    CLEANUP(buffer_done) Buffer words = {0};
    bool safe;
    TRY(append_words(property, &name));
    lower(&name);
    TRY(append_words(value, &words));
    TRY(is_safe_value(buffer_str(&words), &safe));
    if (!safe || !LIST_HAS(PROPERTIES, buffer_str(&name)))
        return NULL;
    if (out->len > 0)
        TRY(buffer_append_str(out, STR("; ")));
    TRY(buffer_append_str(out, buffer_str(&name)));
    TRY(buffer_append_str(out, STR(": ")));
    return buffer_append_str(out, buffer_str(&words));
}

Error *sanitize_style(Str style, Buffer *out)
{
    CLEANUP(buffer_done) Buffer bare = {0};
    Str rest, declaration;
    TRY(append_without_comments(style, &bare));
    rest = buffer_str(&bare);
    while (str_next_piece(&rest, ';', &declaration)) {
        size_t colon = str_find_char(declaration, ':');
        if (colon != SIZE_MAX)
            TRY(add_declaration(str_slice(declaration, 0, colon), str_slice(declaration, colon + 1, declaration.len),
                                out));
    }
    return NULL;
}
