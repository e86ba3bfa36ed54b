#include "store/s3/xml.h"

#define XML_ERROR(xml, ...) error_at(FAIL(CORRUPT, __VA_ARGS__), (xml)->at)

static const char cut_short[] = "xml: the document ends early";

void xml_init(Xml *xml, Str document)
{
    *xml = (Xml){.input = document};
    if (str_starts_with(document, STR("\xef\xbb\xbf")))
        xml->at = 3;
}

static Str rest_of(const Xml *xml)
{
    return str_from(xml->input.data + xml->at, xml->input.len - xml->at);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What ends a name in a tag. */
static const bool ends_name[256] = {
    [' '] = true, ['\t'] = true, ['\r'] = true, ['\n'] = true, ['>'] = true,
    ['/'] = true, ['='] = true,  ['<'] = true,  ['"'] = true,  ['\''] = true,
};

static void skip_space(Xml *xml)
{
    while (xml->at < xml->input.len && is_space(xml->input.data[xml->at]))
        xml->at++;
}

/* Moves behind `end`. */
MUST_USE static Error *skip_past(Xml *xml, Str end)
{
    size_t found = str_find(rest_of(xml), end);
    if (found == SIZE_MAX)
        return XML_ERROR(xml, "%s", cut_short);
    xml->at += found + end.len;
    return NULL;
}

/* The name at the reader, with its prefix. */
MUST_USE static Error *take_name(Xml *xml, Str *ret_name)
{
    size_t start = xml->at, end = start;
    while (end < xml->input.len && !ends_name[(uint8_t)xml->input.data[end]])
        end++;
    if (end == start)
        return XML_ERROR(xml, "xml: a tag has no name");
    xml->at = end;
    *ret_name = str_from(xml->input.data + start, end - start);
    return NULL;
}

static Str without_prefix(Str name)
{
    const char *colon = memchr(name.data, ':', name.len);
    return colon ? str_slice(name, (size_t)(colon - name.data) + 1, name.len) : name;
}

/* From behind a tag's name to behind its '>': attributes are passed over, quotes are respected. */
MUST_USE static Error *finish_open_tag(Xml *xml)
{
    while (xml->at < xml->input.len) {
        char c = xml->input.data[xml->at++];
        if (c == '>')
            return NULL;
        if (c == '<')
            return XML_ERROR(xml, "xml: '<' inside a tag");
        if (c == '/') {
            if (xml->at >= xml->input.len)
                break;
            if (xml->input.data[xml->at++] != '>')
                return XML_ERROR(xml, "xml: '/' inside a tag");
            xml->closed = true;
            return NULL;
        }
        if (c == '"' || c == '\'')
            TRY(skip_past(xml, str_from(&c, 1)));
    }
    return XML_ERROR(xml, "%s", cut_short);
}

/* At '<' of an opening tag. */
MUST_USE static Error *open_element(Xml *xml, Str *ret_name)
{
    if (xml->depth == XML_DEPTH_MAX)
        return error_at(FAIL(LIMIT, "xml: elements are nested deeper than %d", XML_DEPTH_MAX), xml->at);
    Str name;
    xml->at++;
    TRY(take_name(xml, &name));
    if (xml->at < xml->input.len && xml->input.data[xml->at] == '>')
        xml->at++;
    else
        TRY(finish_open_tag(xml));
    xml->open[xml->depth++] = name;
    *ret_name = without_prefix(name);
    if (ret_name->len == 0)
        return XML_ERROR(xml, "xml: a tag has no name behind its prefix");
    return NULL;
}

/* At "</". */
MUST_USE static Error *close_element(Xml *xml)
{
    Str name = xml->open[xml->depth - 1], rest = rest_of(xml);
    if (rest.len < name.len + 2 || memcmp(rest.data + 2, name.data, name.len) != 0)
        return XML_ERROR(xml, "xml: the end of '<" STR_FMT ">' is missing", STR_ARG(name));
    xml->at += 2 + name.len;
    skip_space(xml);
    if (xml->at >= xml->input.len)
        return XML_ERROR(xml, "%s", cut_short);
    if (xml->input.data[xml->at] != '>')
        return XML_ERROR(xml, "xml: the end of '<" STR_FMT ">' is malformed", STR_ARG(name));
    xml->at++;
    xml->depth--;
    return NULL;
}

typedef enum Markup { MARKUP_OPEN, MARKUP_CLOSE, MARKUP_CDATA, MARKUP_END } Markup;

/* What begins at '<'; comments and the like are passed over, which `*ret_passed` says. */
MUST_USE static Error *look_at_markup(Xml *xml, Markup *ret_markup, bool *ret_passed)
{
    Str rest = rest_of(xml);
    char second = rest.len > 1 ? rest.data[1] : '\0';

    *ret_passed = false;
    *ret_markup = second == '/' ? MARKUP_CLOSE : MARKUP_OPEN;
    if (second != '!' && second != '?')
        return NULL;
    if (str_starts_with(rest, STR("<![CDATA["))) {
        *ret_markup = MARKUP_CDATA;
        return NULL;
    }
    *ret_passed = true;
    if (second == '?')
        return skip_past(xml, STR("?>"));
    if (!str_starts_with(rest, STR("<!--")))
        return XML_ERROR(xml, "xml: document type declarations are refused");
    xml->at += 4;
    return skip_past(xml, STR("-->"));
}

/* Goes to the next markup; outside of the document's element there may be no text on the way. */
MUST_USE static Error *skip_to_markup(Xml *xml, Markup *ret_markup, bool text_between)
{
    bool passed = true;
    while (passed) {
        if (text_between) {
            const char *found = memchr(xml->input.data + xml->at, '<', xml->input.len - xml->at);
            xml->at = found ? (size_t)(found - xml->input.data) : xml->input.len;
        } else {
            skip_space(xml);
        }
        if (xml->at >= xml->input.len) {
            *ret_markup = MARKUP_END;
            return NULL;
        }
        if (xml->input.data[xml->at] != '<')
            return XML_ERROR(xml, "xml: text outside of the document's element");
        TRY(look_at_markup(xml, ret_markup, &passed));
    }
    return NULL;
}

Error *xml_root(Xml *xml, Str *ret_name)
{
    Markup markup;
    TRY(skip_to_markup(xml, &markup, false));
    if (markup == MARKUP_END)
        return XML_ERROR(xml, "%s", cut_short);
    if (markup != MARKUP_OPEN)
        return XML_ERROR(xml, "xml: the document has no element");
    return open_element(xml, ret_name);
}

Error *xml_child(Xml *xml, Str *ret_name)
{
    Markup markup;
    ASSERT(xml->depth > 0);
    if (xml->closed) {
        xml->closed = false;
        xml->depth--;
        *ret_name = STR_EMPTY;
        return NULL;
    }
    for (;;) {
        TRY(skip_to_markup(xml, &markup, true));
        if (markup == MARKUP_OPEN)
            return open_element(xml, ret_name);
        if (markup == MARKUP_CLOSE) {
            *ret_name = STR_EMPTY;
            return close_element(xml);
        }
        if (markup == MARKUP_END)
            return XML_ERROR(xml, "%s", cut_short);
        TRY(skip_past(xml, STR("]]>")));
    }
}

/* ---- text ---- */

/* The code point of "#123" or "#x1F", 0 when it is none that XML 1.0 has. */
static uint32_t numeric_reference(Str digits)
{
    uint32_t value = 0;
    bool hexadecimal = digits.len > 0 && digits.data[0] == 'x';
    size_t i = hexadecimal ? 1 : 0;
    if (i == digits.len)
        return 0;
    for (; i < digits.len; i++) {
        char c = digits.data[i];
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (hexadecimal && (c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (uint32_t)((c | 0x20) - 'a') + 10;
        else
            return 0;
        value = value * (hexadecimal ? 16 : 10) + digit;
        if (value >= 0x110000)
            return 0;
    }
    return value >= 0xd800 && value < 0xe000 ? 0 : value;
}

/* The code point of the reference between '&' and ';', 0 when it is unknown. */
static uint32_t reference(Str name)
{
    static const struct {
        const char *name;
        uint32_t value;
    } named[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};

    if (name.len > 1 && name.data[0] == '#')
        return numeric_reference(str_slice(name, 1, name.len));
    for (size_t i = 0; i < ARRAY_COUNT(named); i++) {
        if (str_equal(name, str_of(named[i].name)))
            return named[i].value;
    }
    return 0;
}

enum { REFERENCE_MAX_BYTES = 12 };

/* Writes `raw` with its references replaced, which never makes it longer. */
MUST_USE static Error *replace_references(const Xml *xml, Str raw, char *out, size_t *ret_len)
{
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.data[i] != '&') {
            out[len++] = raw.data[i];
            continue;
        }
        Str ahead = str_slice(raw, i + 1, i + 1 + REFERENCE_MAX_BYTES);
        size_t end = str_find_char(ahead, ';');
        uint32_t code_point = end == SIZE_MAX ? 0 : reference(str_slice(ahead, 0, end));
        if (code_point == 0)
            return XML_ERROR(xml, "xml: '&' begins no reference that is known");
        len += utf8_encode(code_point, out + len);
        i += end + 1;
    }
    *ret_len = len;
    return NULL;
}

/* One run of character data, up to the next '<'. */
MUST_USE static Error *take_run(Xml *xml, Arena *arena, Str *ret_run)
{
    Str rest = rest_of(xml);
    const char *end = rest.len > 0 ? memchr(rest.data, '<', rest.len) : NULL;
    if (!end)
        return XML_ERROR(xml, "%s", cut_short);
    Str raw = str_from(rest.data, (size_t)(end - rest.data));
    if (raw.len > 0 && memchr(raw.data, '&', raw.len)) {
        char *out = arena_alloc(arena, raw.len);
        size_t len = 0;
        if (!out)
            return arena_error(arena);
        TRY(replace_references(xml, raw, out, &len));
        xml->at += raw.len;
        *ret_run = str_from(out, len);
        return NULL;
    }
    xml->at += raw.len;
    *ret_run = raw;
    return NULL;
}

MUST_USE static Error *take_cdata(Xml *xml, Str *ret_run)
{
    xml->at += strlen("<![CDATA[");
    size_t start = xml->at;
    TRY(skip_past(xml, STR("]]>")));
    *ret_run = str_slice(xml->input, start, xml->at - 3);
    return NULL;
}

MUST_USE static Error *join(Arena *arena, Str more, Str *text)
{
    if (text->len == 0 || more.len == 0) {
        *text = text->len == 0 ? more : *text;
        return NULL;
    }
    char *joined = arena_alloc(arena, text->len + more.len);
    if (!joined)
        return arena_error(arena);
    memcpy(joined, text->data, text->len);
    memcpy(joined + text->len, more.data, more.len);
    *text = str_from(joined, text->len + more.len);
    return NULL;
}

Error *xml_text(Xml *xml, Arena *arena, Str *ret_text)
{
    Str text = STR_EMPTY, run = STR_EMPTY;
    Markup markup;

    ASSERT(xml->depth > 0);
    if (xml->closed) {
        xml->closed = false;
        xml->depth--;
        *ret_text = text;
        return NULL;
    }
    for (;;) {
        bool passed;
        TRY(take_run(xml, arena, &run));
        TRY(join(arena, run, &text));
        TRY(look_at_markup(xml, &markup, &passed));
        if (passed)
            continue;
        if (markup == MARKUP_OPEN)
            return XML_ERROR(xml, "xml: an element where there is to be text");
        if (markup == MARKUP_CLOSE) {
            *ret_text = text;
            return close_element(xml);
        }
        TRY(take_cdata(xml, &run));
        TRY(join(arena, run, &text));
    }
}

Error *xml_skip(Xml *xml)
{
    unsigned depth = xml->depth;
    Str name;
    while (xml->depth >= depth)
        TRY(xml_child(xml, &name));
    return NULL;
}

Error *xml_end(Xml *xml)
{
    Markup markup;
    ASSERT(xml->depth == 0);
    TRY(skip_to_markup(xml, &markup, false));
    return markup == MARKUP_END ? NULL : XML_ERROR(xml, "xml: something follows the document's element");
}

/* ---- flat documents ---- */

/* The open element is none of `fields`, or is now read. */
MUST_USE static Error *read_field(Xml *xml, Str name, Arena *arena, XmlField *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Str text;
        if (!str_equal(name, fields[i].name) || fields[i].text.len > 0)
            continue;
        TRY(xml_text(xml, arena, &text));
        fields[i].text = arena_str(arena, str_trim(text));
        return fields[i].text.data ? NULL : arena_error(arena);
    }
    return xml_skip(xml);
}

/* moto names some answers "...Response" that are "...Result" elsewhere. */
static bool is_root(Str name, Str wanted)
{
    Str result = STR("Result"), response = STR("Response");
    if (!str_ends_with(wanted, result) || !str_ends_with(name, response))
        return str_equal(name, wanted);
    return str_equal(str_slice(name, 0, name.len - response.len), str_slice(wanted, 0, wanted.len - result.len));
}

Error *xml_read_fields(Str document, Str root, Arena *arena, XmlField *fields, size_t count)
{
    Xml xml;
    Str name;

    for (size_t i = 0; i < count; i++)
        fields[i].text = STR_EMPTY;
    xml_init(&xml, document);
    TRY(xml_root(&xml, &name));
    if (!is_root(name, root))
        return FAIL(CORRUPT, "the answer is <" STR_FMT "> and not <" STR_FMT ">", STR_ARG(name), STR_ARG(root));
    for (;;) {
        TRY(xml_child(&xml, &name));
        if (name.len == 0)
            return xml_end(&xml);
        TRY(read_field(&xml, name, arena, fields, count));
    }
}
