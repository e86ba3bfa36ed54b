#include "document/xml_reader.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "document/text/charset.h"

enum {
    DEPTH_DEFAULT = 256,
    ATTRIBUTES_MAX = 1000,
    NAMESPACES_MAX = 1000, /* that are in force at one place: each name may have to look through them */
    DECLARATION_MAX_BYTES = 1024
};
#define TEXT_MAX_BYTES (32 * MIB) /* that is put together; one that stands as it is takes no memory */

/* A name as it stands, cut at its colon. */
typedef struct Name {
    Str prefix, local;
} Name;

typedef struct Attribute {
    Name name;
    Str value;
    bool special; /* the value stands for something else until it is normalized */
} Attribute;

typedef struct Binding {
    Str prefix, uri;
} Binding;

typedef struct OpenElement {
    Str whole_name; /* for its end tag */
    Name name;
    size_t bindings_before;
} OpenElement;

struct XmlReader {
    Arena *arena; /* the input's text when it had to be converted */
    Str in;
    size_t at;
    bool root_seen;
    bool pop_pending;   /* the last event was an END: its element is still on the stack */
    bool empty_pending; /* the last START was of an empty element */
    bool failed;
    XmlEvent event;
    Str text;
    Buffer pieces; /* a text with references, CDATA or comments in it */
    Buffer values; /* attribute values with references in them */
    OpenElement *open;
    unsigned depth, depth_max; /* open elements */
    Attribute *attributes;
    size_t attribute_count, attribute_capacity;
    Binding *bindings;
    size_t binding_count, binding_capacity;
};

/* --- characters --- */

enum { NAME_END = 1, SPACE = 2, TEXT_END = 4, VALUE_SPECIAL = 8 };

/* What ends a name; white space; what a plain text, a plain value cannot hold. */
static const uint8_t classes[256] = {
    ['\t'] = NAME_END | SPACE | VALUE_SPECIAL,
    ['\n'] = NAME_END | SPACE | VALUE_SPECIAL,
    ['\r'] = NAME_END | SPACE | TEXT_END | VALUE_SPECIAL,
    [' '] = NAME_END | SPACE,
    ['/'] = NAME_END,
    ['>'] = NAME_END,
    ['='] = NAME_END,
    ['"'] = NAME_END,
    ['\''] = NAME_END,
    ['<'] = NAME_END | TEXT_END | VALUE_SPECIAL,
    ['&'] = NAME_END | TEXT_END | VALUE_SPECIAL,
};

static bool is(char c, unsigned wanted)
{
    return classes[(uint8_t)c] & wanted;
}

/* --- errors --- */

static size_t line_at(const XmlReader *r, size_t at)
{
    size_t line = 1;
    for (size_t i = 0; i < at; i++)
        line += r->in.data[i] == '\n';
    return line;
}

MUST_USE static Error *corrupt(XmlReader *r, const char *what)
{
    return error_at(FAIL(CORRUPT, "xml: line %zu: %s", line_at(r, r->at), what), r->at);
}

MUST_USE static Error *over_limit(XmlReader *r, const char *what, size_t limit)
{
    return error_at(FAIL(LIMIT, "xml: line %zu: more than %zu %s", line_at(r, r->at), limit, what), r->at);
}

/* --- opening --- */

/* The value of `encoding` in an XML declaration of one byte a character; "" when there is none. */
static Str declared_encoding(Bytes input)
{
    Str head = {(const char *)input.data, MIN(input.len, (size_t)DECLARATION_MAX_BYTES)};
    if (!str_starts_with(head, STR("<?xml")))
        return STR_EMPTY;
    head = str_slice(head, 0, str_find(head, STR("?>")));
    size_t at = str_find(head, STR("encoding"));
    if (at == SIZE_MAX)
        return STR_EMPTY;
    Str rest = str_trim(str_slice(head, at + 8, head.len));
    if (!str_starts_with(rest, STR("=")))
        return STR_EMPTY;
    rest = str_trim(str_slice(rest, 1, rest.len));
    if (rest.len == 0 || (rest.data[0] != '"' && rest.data[0] != '\''))
        return STR_EMPTY;
    Str value = str_slice(rest, 1, rest.len);
    value = str_slice(value, 0, str_find_char(value, rest.data[0]));
    /* Who could read this far knows that the characters are of one byte. */
    return str_equal_nocase(str_slice(value, 0, 4), STR("utf-"))
                   || str_equal_nocase(str_slice(value, 0, 4), STR("ucs-"))
               ? STR("utf-8")
               : value;
}

MUST_USE static Error *open_reader(XmlReader *r, Bytes input)
{
    if (input.len > SIZE_MAX / 8)
        return FAIL(LIMIT, "xml: %zu bytes are too many", input.len);
    r->open = calloc(r->depth_max, sizeof *r->open);
    r->arena = arena_new(4 * input.len + 4 * KIB);
    if (!r->open || !r->arena)
        return FAIL(NO_MEMORY, "xml: no memory for a reader");
    r->pieces.limit = TEXT_MAX_BYTES;
    return charset_decode(input, declared_encoding(input), r->arena, &r->in);
}

Error *xml_reader_new(Bytes input, unsigned depth_max, XmlReader **ret_reader)
{
    CLEANUP(xml_reader_freep) XmlReader *r = calloc(1, sizeof *r);
    if (!r)
        return FAIL(NO_MEMORY, "xml: no memory for a reader");
    r->depth_max = depth_max ? depth_max : DEPTH_DEFAULT;
    r->event = XML_EVENT_DONE;
    TRY_CTX(open_reader(r, input), "xml");
    *ret_reader = r;
    r = NULL;
    return NULL;
}

void xml_reader_free(XmlReader *reader)
{
    if (!reader)
        return;
    buffer_done(&reader->pieces);
    buffer_done(&reader->values);
    free(reader->open);
    free(reader->attributes);
    free(reader->bindings);
    arena_free(reader->arena);
    free(reader);
}

/* --- references --- */

static bool digit_value(char c, unsigned base, uint32_t *ret_value)
{
    if (c >= '0' && c <= '9')
        *ret_value = (uint32_t)(c - '0');
    else if (base == 16 && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
        *ret_value = (uint32_t)((c | 32) - 'a') + 10;
    else
        return false;
    return true;
}

/* `&#65;` and `&#x41;` without `&#` and `;`: U+FFFD for what is no character. */
static bool character_reference(Str digits, uint32_t *ret_code_point)
{
    unsigned base = 10;
    uint32_t code_point = 0, value;
    if (digits.len > 0 && digits.data[0] == 'x') {
        base = 16;
        digits = str_slice(digits, 1, digits.len);
    }
    for (size_t i = 0; i < digits.len; i++) {
        if (!digit_value(digits.data[i], base, &value))
            return false;
        code_point = MIN(code_point * base + value, 0x110000u);
    }
    bool fine = code_point != 0 && code_point < 0x110000 && (code_point < 0xD800 || code_point > 0xDFFF);
    *ret_code_point = fine ? code_point : 0xFFFD;
    return digits.len > 0;
}

/* What the reference that begins at `in.data[*at]` stands for, written to `out`, and past it; the entities that a document declares stand
 * for nothing. A lone `&` stands for itself. Never longer than the reference. */
static size_t take_reference(Str in, size_t *at, char out[4])
{
    static const struct {
        char name[5], c;
    } predefined[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    enum { NAME_MAX_BYTES = 256 };
    uint32_t code_point;
    size_t end = *at + 1, last = MIN(in.len, *at + NAME_MAX_BYTES);
    while (end < last && !is(in.data[end], NAME_END) && in.data[end] != ';')
        end++;
    Str name = str_slice(in, *at + 1, end);
    if (end == in.len || in.data[end] != ';' || name.len == 0) {
        out[0] = in.data[(*at)++];
        return 1;
    }
    *at = end + 1;
    if (name.data[0] == '#')
        return character_reference(str_slice(name, 1, name.len), &code_point) ? utf8_encode(code_point, out) : 0;
    for (size_t i = 0; i < ARRAY_COUNT(predefined); i++) {
        if (str_equal(name, str_of(predefined[i].name))) {
            out[0] = predefined[i].c;
            return 1;
        }
    }
    return 0;
}

/* --- what is passed over --- */

static bool looking_at(const XmlReader *r, Str mark)
{
    return r->in.len - r->at >= mark.len && memcmp(r->in.data + r->at, mark.data, mark.len) == 0;
}

/* Past `mark` at or after `from` bytes from here. */
MUST_USE static Error *pass(XmlReader *r, size_t from, Str mark, const char *what)
{
    Str rest = str_slice(r->in, r->at + from, r->in.len);
    size_t found = str_find(rest, mark);
    if (found == SIZE_MAX)
        return corrupt(r, what);
    r->at += from + found + mark.len;
    return NULL;
}

/* A comment or an instruction at `<!--` or `<?`. */
MUST_USE static Error *pass_comment(XmlReader *r)
{
    return r->in.data[r->at + 1] == '?' ? pass(r, 2, STR("?>"), "an instruction has no end")
                                        : pass(r, 4, STR("-->"), "a comment has no end");
}

static bool at_comment(const XmlReader *r)
{
    return looking_at(r, STR("<!--")) || looking_at(r, STR("<?"));
}

/* `<!DOCTYPE ... [...]>` with all declarations in it. */
MUST_USE static Error *pass_document_type(XmlReader *r)
{
    bool inside = false; /* the brackets */
    r->at += 2;
    while (r->at < r->in.len) {
        char c = r->in.data[r->at];
        if (c == '"' || c == '\'') {
            TRY(pass(r, 1, (Str){&c, 1}, "a quote in the document type has no end"));
            continue;
        }
        if (c == '<' && at_comment(r)) {
            TRY(pass_comment(r));
            continue;
        }
        r->at++;
        if (c == '>' && !inside)
            return NULL;
        if (c == '[' || c == ']')
            inside = c == '[';
    }
    return corrupt(r, "the document type has no end");
}

static void pass_space(XmlReader *r)
{
    while (r->at < r->in.len && is(r->in.data[r->at], SPACE))
        r->at++;
}

/* --- text --- */

/* The run of characters from here on that stand for themselves. */
static Str plain_text(XmlReader *r)
{
    size_t from = r->at;
    while (r->at < r->in.len && !is(r->in.data[r->at], TEXT_END))
        r->at++;
    return str_slice(r->in, from, r->at);
}

/* CR LF and a lone CR are LF. Source: XML 1.0, 2.11. */
MUST_USE static Error *append_lines(Buffer *out, Str text)
{
    while (text.len > 0) {
        size_t cr = MIN(str_find_char(text, '\r'), text.len);
        TRY(buffer_append_str(out, str_slice(text, 0, cr)));
        if (cr == text.len)
            return NULL;
        TRY(buffer_append_byte(out, '\n'));
        bool pair = cr + 1 < text.len && text.data[cr + 1] == '\n';
        text = str_slice(text, cr + (pair ? 2 : 1), text.len);
    }
    return NULL;
}

MUST_USE static Error *append_cdata(XmlReader *r)
{
    enum { MARK_BYTES = 9 };
    size_t from = r->at + MARK_BYTES;
    TRY(pass(r, MARK_BYTES, STR("]]>"), "a CDATA section has no end"));
    return append_lines(&r->pieces, str_slice(r->in, from, r->at - 3));
}

/* What stands here is text that is not plain: adds it to the pieces. `*ret_more` is false at a tag and at the end. */
MUST_USE static Error *append_special(XmlReader *r, bool *ret_more)
{
    char out[4];
    *ret_more = r->at < r->in.len;
    if (!*ret_more)
        return NULL;
    if (r->in.data[r->at] == '\r') {
        r->at += looking_at(r, STR("\r\n")) ? 2 : 1;
        return buffer_append_byte(&r->pieces, '\n');
    }
    if (r->in.data[r->at] == '&') {
        size_t len = take_reference(r->in, &r->at, out);
        return buffer_append(&r->pieces, out, len);
    }
    if (looking_at(r, STR("<![CDATA[")))
        return append_cdata(r);
    if (at_comment(r))
        return pass_comment(r);
    *ret_more = false;
    return NULL;
}

/* From here up to the next tag. */
MUST_USE static Error *read_text(XmlReader *r)
{
    bool more = true;
    r->text = plain_text(r);
    if (r->at == r->in.len || (r->in.data[r->at] == '<' && !looking_at(r, STR("<!")) && !looking_at(r, STR("<?"))))
        return NULL; /* as nearly all are */
    buffer_clear(&r->pieces);
    TRY(buffer_append_str(&r->pieces, r->text));
    while (more) {
        TRY(append_special(r, &more));
        if (more)
            TRY(buffer_append_str(&r->pieces, plain_text(r)));
    }
    r->text = buffer_str(&r->pieces);
    return NULL;
}

/* --- tags --- */

static Name name_of(Str whole)
{
    size_t colon = str_find_char(whole, ':');
    return colon == SIZE_MAX ? (Name){STR_EMPTY, whole}
                             : (Name){str_slice(whole, 0, colon), str_slice(whole, colon + 1, whole.len)};
}

static Str take_name(XmlReader *r)
{
    size_t from = r->at;
    while (r->at < r->in.len && !is(r->in.data[r->at], NAME_END))
        r->at++;
    return str_slice(r->in, from, r->at);
}

/* `="value"` behind an attribute's name, as it stands, and whether all of it stands for itself. */
MUST_USE static Error *take_value(XmlReader *r, Attribute *attribute)
{
    pass_space(r);
    if (r->at == r->in.len || r->in.data[r->at] != '=')
        return corrupt(r, "an attribute has no value");
    r->at++;
    pass_space(r);
    if (r->at == r->in.len || (r->in.data[r->at] != '"' && r->in.data[r->at] != '\''))
        return corrupt(r, "an attribute's value has no quotes");
    char quote = r->in.data[r->at++];
    size_t from = r->at;
    unsigned seen = 0;
    while (r->at < r->in.len && r->in.data[r->at] != quote && r->in.data[r->at] != '<')
        seen |= classes[(uint8_t)r->in.data[r->at++]];
    if (r->at == r->in.len || r->in.data[r->at] != quote)
        return corrupt(r, "an attribute's value has no end");
    attribute->value = str_slice(r->in, from, r->at++);
    attribute->special = seen & VALUE_SPECIAL;
    return NULL;
}

/* Room for one more in a growing array. */
MUST_USE static Error *reserve_one(void **array, size_t *capacity, size_t count, size_t item_bytes)
{
    enum { FIRST_ITEMS = 16 };
    if (count < *capacity)
        return NULL;
    size_t grown_capacity = MAX(2 * *capacity, (size_t)FIRST_ITEMS);
    void *grown = reallocarray(*array, grown_capacity, item_bytes);
    if (!grown)
        return FAIL(NO_MEMORY, "xml: no memory");
    *array = grown;
    *capacity = grown_capacity;
    return NULL;
}

MUST_USE static Error *add_binding(XmlReader *r, Str prefix, Str uri)
{
    if (r->binding_count == NAMESPACES_MAX)
        return over_limit(r, "namespaces in force at one place", NAMESPACES_MAX);
    void *array = r->bindings;
    Error *error = reserve_one(&array, &r->binding_capacity, r->binding_count, sizeof *r->bindings);
    r->bindings = array;
    if (!error)
        r->bindings[r->binding_count++] = (Binding){prefix, uri};
    return error;
}

MUST_USE static Error *add_attribute(XmlReader *r, Attribute attribute)
{
    if (r->attribute_count == ATTRIBUTES_MAX)
        return over_limit(r, "attributes of one element", ATTRIBUTES_MAX);
    void *array = r->attributes;
    Error *error = reserve_one(&array, &r->attribute_capacity, r->attribute_count, sizeof *r->attributes);
    r->attributes = array;
    if (!error)
        r->attributes[r->attribute_count++] = attribute;
    return error;
}

/* What stands between the element's name and `>` or `/>`, and past these. */
MUST_USE static Error *read_attributes(XmlReader *r)
{
    for (;;) {
        Attribute attribute;
        pass_space(r);
        r->empty_pending = looking_at(r, STR("/>"));
        if (r->empty_pending || looking_at(r, STR(">"))) {
            r->at += r->empty_pending ? 2 : 1;
            return NULL;
        }
        Str whole = take_name(r);
        if (whole.len == 0)
            return corrupt(r, r->at == r->in.len ? "a tag has no end" : "a tag is malformed");
        attribute.name = name_of(whole);
        TRY(take_value(r, &attribute));
        if (str_equal(whole, STR("xmlns")))
            TRY(add_binding(r, STR_EMPTY, attribute.value));
        else if (str_equal(attribute.name.prefix, STR("xmlns")))
            TRY(add_binding(r, attribute.name.local, attribute.value));
        else
            TRY(add_attribute(r, attribute));
    }
}

/* References and white space of a value, into `values`, which has room. Source: XML 1.0, 3.3.3. */
static Str normalized_value(Buffer *values, Str raw)
{
    char *out = (char *)values->data + values->len;
    size_t len = 0;
    for (size_t at = 0; at < raw.len;) {
        if (raw.data[at] == '&') {
            len += take_reference(raw, &at, out + len);
            continue;
        }
        if (raw.data[at] == '\r' && at + 1 < raw.len && raw.data[at + 1] == '\n')
            at++;
        out[len++] = is(raw.data[at], SPACE) ? ' ' : raw.data[at];
        at++;
    }
    buffer_grown(values, len);
    return (Str){out, len};
}

MUST_USE static Error *normalize_values(XmlReader *r)
{
    size_t bytes = 0;
    for (size_t i = 0; i < r->attribute_count; i++)
        bytes += r->attributes[i].special ? r->attributes[i].value.len : 0;
    if (bytes == 0)
        return NULL;
    buffer_clear(&r->values);
    TRY_CTX(buffer_reserve(&r->values, bytes), "xml: attributes");
    for (size_t i = 0; i < r->attribute_count; i++) {
        Attribute *attribute = &r->attributes[i];
        if (attribute->special)
            attribute->value = normalized_value(&r->values, attribute->value);
    }
    return NULL;
}

MUST_USE static Error *read_start(XmlReader *r)
{
    r->at++;
    Str whole = take_name(r);
    if (whole.len == 0 || whole.data[0] == '!')
        return corrupt(r, "a tag is malformed");
    if (r->depth == r->depth_max)
        return over_limit(r, "elements in one another", r->depth_max);
    r->open[r->depth++] = (OpenElement){whole, name_of(whole), r->binding_count};
    r->root_seen = true;
    r->event = XML_EVENT_START;
    r->attribute_count = 0;
    TRY(read_attributes(r));
    return normalize_values(r);
}

MUST_USE static Error *read_end(XmlReader *r)
{
    enum { SHOWN_BYTES = 64 };
    Str open = r->open[r->depth - 1].whole_name;
    r->at += 2;
    Str name = take_name(r);
    if (!str_equal(name, open))
        return error_at(FAIL(CORRUPT, "xml: line %zu: the end of '" STR_FMT "' stands where '" STR_FMT "' is open",
                             line_at(r, r->at), STR_ARG(str_slice(name, 0, SHOWN_BYTES)),
                             STR_ARG(str_slice(open, 0, SHOWN_BYTES))),
                        r->at);
    pass_space(r);
    if (!looking_at(r, STR(">")))
        return corrupt(r, "an end tag is malformed");
    r->at++;
    r->event = XML_EVENT_END;
    r->pop_pending = true;
    return NULL;
}

/* --- events --- */

/* Outside of the root: comments and a document type; then the root begins, or all is done. */
MUST_USE static Error *read_outside(XmlReader *r)
{
    for (;;) {
        pass_space(r);
        if (r->at == r->in.len)
            break;
        if (at_comment(r))
            TRY(pass_comment(r));
        else if (!r->root_seen && looking_at(r, STR("<!DOCTYPE")))
            TRY(pass_document_type(r));
        else if (r->in.data[r->at] != '<')
            return corrupt(r, "text stands outside of the root element");
        else
            return r->root_seen ? corrupt(r, "a second root element begins") : read_start(r);
    }
    r->event = XML_EVENT_DONE;
    return r->root_seen ? NULL : corrupt(r, "there is no element");
}

MUST_USE static Error *read_inside(XmlReader *r)
{
    TRY(read_text(r));
    if (r->text.len > 0) {
        r->event = XML_EVENT_TEXT;
        return NULL;
    }
    if (r->at == r->in.len)
        return corrupt(r, "the file ends inside of an element");
    return looking_at(r, STR("</")) ? read_end(r) : read_start(r);
}

static void pop(XmlReader *r)
{
    r->depth--;
    r->binding_count = r->open[r->depth].bindings_before;
    r->pop_pending = false;
}

Error *xml_reader_next(XmlReader *reader, XmlEvent *ret_event)
{
    ASSERT(!reader->failed);
    Error *error = NULL;
    if (reader->pop_pending)
        pop(reader);
    if (reader->empty_pending) {
        reader->empty_pending = false;
        reader->pop_pending = true;
        reader->event = XML_EVENT_END;
    } else
        error = reader->depth == 0 ? read_outside(reader) : read_inside(reader);
    reader->failed = error != NULL;
    if (!error)
        *ret_event = reader->event;
    return error;
}

Error *xml_reader_next_inside(XmlReader *reader, unsigned depth, XmlEvent *ret_event, bool *ret_inside)
{
    TRY(xml_reader_next(reader, ret_event));
    *ret_inside = *ret_event != XML_EVENT_DONE && (*ret_event != XML_EVENT_END || xml_reader_depth(reader) > depth);
    return NULL;
}

/* Past the tag that begins here: `*ret_empty` when it ends in `/>`. */
MUST_USE static Error *pass_tag(XmlReader *r, bool *ret_empty)
{
    r->at++;
    for (char quote = 0; r->at < r->in.len; r->at++) {
        char c = r->in.data[r->at];
        if (quote) {
            quote = c == quote ? 0 : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '>') {
            *ret_empty = r->in.data[r->at - 1] == '/';
            r->at++;
            return NULL;
        }
    }
    return corrupt(r, "a tag has no end");
}

/* Past the next tag, comment or CDATA section of an element that is skipped: `*depth` levels are open in it. */
MUST_USE static Error *pass_next(XmlReader *r, unsigned *depth)
{
    bool empty;
    const char *next = memchr(r->in.data + r->at, '<', r->in.len - r->at);
    if (!next)
        return corrupt(r, "the file ends inside of an element");
    r->at = (size_t)(next - r->in.data);
    if (at_comment(r))
        return pass_comment(r);
    if (looking_at(r, STR("<![CDATA[")))
        return pass(r, 9, STR("]]>"), "a CDATA section has no end");
    if (looking_at(r, STR("</"))) {
        --*depth;
        return *depth > 0 ? pass_tag(r, &empty) : NULL;
    }
    TRY(pass_tag(r, &empty));
    *depth += !empty;
    return r->depth + *depth <= r->depth_max + 1 ? NULL : over_limit(r, "elements in one another", r->depth_max);
}

MUST_USE static Error *skip(XmlReader *r)
{
    unsigned depth = 1;
    if (r->empty_pending) {
        r->empty_pending = false;
        r->pop_pending = true;
        r->event = XML_EVENT_END;
        return NULL;
    }
    while (depth > 0)
        TRY(pass_next(r, &depth));
    return read_end(r);
}

Error *xml_reader_skip(XmlReader *reader)
{
    ASSERT(!reader->failed && reader->event == XML_EVENT_START);
    Error *error = skip(reader);
    reader->failed = error != NULL;
    return error;
}

/* --- the last event --- */

static Str uri_of(const XmlReader *r, Str prefix)
{
    for (size_t i = r->binding_count; i-- > 0;) {
        if (str_equal(r->bindings[i].prefix, prefix))
            return r->bindings[i].uri;
    }
    return str_equal(prefix, STR("xml")) ? STR("http://www.w3.org/XML/1998/namespace") : STR_EMPTY;
}

static bool is_tag(const XmlReader *r)
{
    return r->event == XML_EVENT_START || r->event == XML_EVENT_END;
}

Str xml_reader_name(const XmlReader *reader)
{
    return is_tag(reader) ? reader->open[reader->depth - 1].name.local : STR_EMPTY;
}

Str xml_reader_start_name(const XmlReader *reader)
{
    return reader->event == XML_EVENT_START ? reader->open[reader->depth - 1].name.local : STR_EMPTY;
}

Str xml_reader_namespace(const XmlReader *reader)
{
    return is_tag(reader) ? uri_of(reader, reader->open[reader->depth - 1].name.prefix) : STR_EMPTY;
}

Str xml_reader_text(const XmlReader *reader)
{
    return reader->event == XML_EVENT_TEXT ? reader->text : STR_EMPTY;
}

bool xml_reader_attribute(const XmlReader *reader, const char *name, Str *ret_value)
{
    Str wanted = str_of(name);
    for (size_t i = 0; reader->event == XML_EVENT_START && i < reader->attribute_count; i++) {
        if (str_equal(reader->attributes[i].name.local, wanted)) {
            *ret_value = reader->attributes[i].value;
            return true;
        }
    }
    return false;
}

bool xml_reader_attribute_of(const XmlReader *reader, const char *name, const char *namespace_uri, Str *ret_value)
{
    Str wanted = str_of(name), uri = str_of(namespace_uri);
    for (size_t i = 0; reader->event == XML_EVENT_START && i < reader->attribute_count; i++) {
        const Attribute *attribute = &reader->attributes[i];
        if (str_equal(attribute->name.local, wanted) && attribute->name.prefix.len > 0
            && str_equal(uri_of(reader, attribute->name.prefix), uri)) {
            *ret_value = attribute->value;
            return true;
        }
    }
    return false;
}

unsigned xml_reader_depth(const XmlReader *reader)
{
    return is_tag(reader) ? reader->depth - 1 : reader->depth;
}
