#include "document/xml_reader.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "document/text/charset.h"

enum {
    DEPTH_DEFAULT = 256,
    ATTRIBUTES_MAX = 1000,   /* of an element, its declarations of namespaces among them */
    ATTRIBUTE_MIN_BYTES = 5, /* ` a=""` */
    NAMESPACES_MAX = 1000,   /* that are in force at one place: each name may have to look through them */
    DECLARATION_MAX_BYTES = 1024,
    CHUNK_BYTES = 8 * 1024,
    CHUNK_MAX_BYTES = 1 << 30 /* libxml2 counts in int */
};
#define TEXT_MAX_BYTES (32 * MIB)

typedef struct Attribute {
    const char *name, *uri; /* as long as the parser lives; no namespace: NULL */
    Str value;
} Attribute;

/* What the parser told, until it is asked for. */
typedef struct Event {
    XmlEvent kind;
    unsigned depth;
    Str name, uri; /* as long as the parser lives */
    Str text;      /* of a TEXT */
    Attribute *attributes;
    size_t attribute_count;
} Event;

struct XmlReader {
    Arena *arena; /* the text when it had to be converted */
    Str in;       /* the root element and what follows; UTF-8, its lines end in LF */
    size_t at;    /* up to here the parser has it */
    size_t tags_checked;
    size_t lines_before; /* the root element: the parser does not see these */
    xmlParserCtxtPtr parser;
    bool ended;   /* the parser has all */
    bool failed;  /* and the caller was told */
    Error *error; /* that ended the parser: it comes when the events before it are gone */

    Arena *events_arena; /* values and texts of the events in the queue */
    Event *queue;
    size_t head, count, capacity;
    Event event; /* the last that came */

    unsigned depth, depth_max; /* open elements, as the parser sees it */
    uint32_t *declared;        /* namespaces by each of them */
    size_t namespaces;         /* in force */
    Buffer pieces;             /* the text since the last tag */
    bool root_seen, skipping;  /* skipping: until the end of the element at skip_depth nothing is told */
    unsigned skip_depth;
    xmlEntity nothing; /* what every entity stands for that is not predefined */
};

/* --- errors --- */

MUST_USE static Error *no_memory(void)
{
    return FAIL(NO_MEMORY, "xml: no memory for a reader");
}

static size_t count_lines(Str text)
{
    size_t lines = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n';
    return lines;
}

MUST_USE static Error *corrupt_at(const XmlReader *r, size_t at, const char *what)
{
    return error_at(
        FAIL(CORRUPT, "xml: line %zu: %s", 1 + r->lines_before + count_lines(str_slice(r->in, 0, at)), what), at);
}

MUST_USE static Error *over_limit(const XmlReader *r, const char *what, size_t limit)
{
    size_t line = r->lines_before + (size_t)MAX(xmlSAX2GetLineNumber(r->parser), 1);
    return FAIL(LIMIT, "xml: line %zu: more than %zu %s", line, limit, what);
}

/* Ends the parser; the first error counts. */
static void stop(XmlReader *r, Error *take_error)
{
    if (r->error)
        error_free(take_error);
    else
        r->error = take_error;
    xmlStopParser(r->parser);
}

/* The parser's message without its line end, and not all of a long name in it. */
static Str message_view(const xmlError *error)
{
    enum { SHOWN_BYTES = 160 };
    Str text = str_trim(str_of(error->message ? error->message : "not well-formed"));
    size_t end = MIN(str_find_char(text, '\n'), MIN(text.len, (size_t)SHOWN_BYTES));
    while (end > 0 && end < text.len && ((uint8_t)text.data[end] & 0xC0) == 0x80)
        end--;
    return str_slice(text, 0, end);
}

static void on_error(void *context, xmlErrorPtr error)
{
    XmlReader *r = context;
    if (r->error || error->level < XML_ERR_FATAL)
        return;
    size_t line = r->lines_before + (size_t)MAX(error->line, 1);
    Str message = message_view(error);
    if (error->code == XML_ERR_DOCUMENT_END) /* the parser's words are the same for both */
        message = r->depth > 0 || !r->root_seen
                      ? STR("the file ends inside of an element")
                      : STR("text or a second root element stands outside of the root element");
    r->error = error->code == XML_ERR_NO_MEMORY ? no_memory()
                                                : FAIL(CORRUPT, "xml: line %zu: " STR_FMT, line, STR_ARG(message));
}

/* --- what the parser tells --- */

static Str view_of(const xmlChar *text)
{
    return text ? str_of((const char *)text) : STR_EMPTY;
}

/* NULL: no memory, and the parser is ended. */
static Event *push(XmlReader *r, XmlEvent kind, unsigned depth)
{
    enum { FIRST_EVENTS = 64 };
    if (r->count == r->capacity) {
        size_t capacity = MAX(2 * r->capacity, (size_t)FIRST_EVENTS);
        Event *grown = reallocarray(r->queue, capacity, sizeof *grown);
        if (!grown) {
            stop(r, no_memory());
            return NULL;
        }
        r->queue = grown;
        r->capacity = capacity;
    }
    Event *event = &r->queue[r->count++];
    *event = (Event){.kind = kind, .depth = depth};
    return event;
}

static void flush_text(XmlReader *r)
{
    if (r->pieces.len == 0)
        return;
    Str text = arena_str(r->events_arena, buffer_str(&r->pieces));
    Event *event = text.data ? push(r, XML_EVENT_TEXT, r->depth) : NULL;
    if (!text.data)
        stop(r, arena_error(r->events_arena));
    if (event)
        event->text = text;
    buffer_clear(&r->pieces);
}

static void on_text(void *context, const xmlChar *text, int len)
{
    XmlReader *r = context;
    if (r->error || r->skipping || len <= 0)
        return;
    Error *error = buffer_append(&r->pieces, text, (size_t)len);
    if (error)
        stop(r, error_wrap(error, "xml: a text"));
}

/* Five pointers each: name, prefix, URI, value and its end. */
static void keep_attributes(XmlReader *r, Event *event, size_t count, const xmlChar **from)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += (size_t)(from[5 * i + 4] - from[5 * i + 3]);
    Attribute *attributes = ARENA_ARRAY(r->events_arena, Attribute, count);
    char *values = arena_alloc(r->events_arena, bytes);
    if (!attributes || !values) {
        stop(r, arena_error(r->events_arena));
        return;
    }
    for (size_t i = 0; i < count; i++, from += 5) {
        size_t len = (size_t)(from[4] - from[3]);
        attributes[i] = (Attribute){(const char *)from[0], (const char *)from[2], {memcpy(values, from[3], len), len}};
        values += len;
    }
    event->attributes = attributes;
    event->attribute_count = count;
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int declared,
                     const xmlChar **declarations, int attribute_count, int defaulted, const xmlChar **attributes)
{
    (void)prefix, (void)declarations, (void)defaulted;
    XmlReader *r = context;
    if (r->error)
        return;
    r->root_seen = true;
    if (r->depth == r->depth_max) {
        stop(r, over_limit(r, "elements in one another", r->depth_max));
        return;
    }
    r->namespaces += (size_t)declared;
    if (r->namespaces > NAMESPACES_MAX) {
        stop(r, over_limit(r, "namespaces in force at one place", NAMESPACES_MAX));
        return;
    }
    r->declared[r->depth] = (uint32_t)declared;
    if (!r->skipping) {
        flush_text(r);
        Event *event = push(r, XML_EVENT_START, r->depth);
        if (!event)
            return;
        event->name = view_of(name);
        event->uri = view_of(uri);
        if (attribute_count > 0)
            keep_attributes(r, event, (size_t)attribute_count, attributes);
    }
    r->depth++;
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    (void)prefix;
    XmlReader *r = context;
    if (r->error || r->depth == 0)
        return;
    if (!r->skipping)
        flush_text(r);
    r->depth--;
    r->namespaces -= r->declared[r->depth];
    if (r->skipping && r->depth > r->skip_depth)
        return;
    r->skipping = false;
    Event *event = push(r, XML_EVENT_END, r->depth);
    if (!event)
        return;
    event->name = view_of(name);
    event->uri = view_of(uri);
}

static xmlEntityPtr on_entity(void *context, const xmlChar *name)
{
    (void)name;
    XmlReader *r = context;
    return &r->nothing;
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

/* CR LF and a lone CR become LF, before all else. Source: XML 1.0, 2.11. */
MUST_USE static Error *normalize_lines(XmlReader *r)
{
    Str rest = r->in;
    size_t cr = str_find_char(rest, '\r'), len = 0;
    if (cr == SIZE_MAX)
        return NULL;
    char *out = arena_alloc(r->arena, rest.len);
    if (!out)
        return arena_error(r->arena);
    for (; cr != SIZE_MAX; cr = str_find_char(rest, '\r')) {
        memcpy(out + len, rest.data, cr);
        len += cr;
        out[len++] = '\n';
        bool pair = cr + 1 < rest.len && rest.data[cr + 1] == '\n';
        rest = str_slice(rest, cr + (pair ? 2 : 1), rest.len);
    }
    memcpy(out + len, rest.data, rest.len);
    r->in = (Str){out, len + rest.len};
    return NULL;
}

MUST_USE static Error *new_parser(XmlReader *r)
{
    static xmlChar nothing[] = "nothing", empty[] = "";
    /* Nothing of a DTD is here, nor anything that could load one. NOENT: references to `nothing` are replaced by it, and `&amp;` in a
     * value by `&`. HUGE: the limits are ours. */
    static const int options = XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_HUGE | XML_PARSE_IGNORE_ENC;
    xmlSAXHandler events = {
        .initialized = XML_SAX2_MAGIC,
        .startElementNs = on_start,
        .endElementNs = on_end,
        .characters = on_text,
        .ignorableWhitespace = on_text,
        .cdataBlock = on_text,
        .getEntity = on_entity,
        .serror = on_error,
    };
    r->nothing = (xmlEntity){
        .type = XML_ENTITY_DECL,
        .name = nothing,
        .content = empty,
        .orig = empty,
        .etype = XML_INTERNAL_GENERAL_ENTITY,
    };
    r->parser = xmlCreatePushParserCtxt(&events, r, NULL, 0, NULL);
    if (!r->parser || xmlCtxtUseOptions(r->parser, options) != 0)
        return no_memory();
    xmlSwitchEncoding(r->parser, XML_CHAR_ENCODING_UTF8);
    return NULL;
}

/* --- before the root element --- */

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
        return corrupt_at(r, r->at, what);
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
    return corrupt_at(r, r->at, "the document type has no end");
}

/* To the root element. The parser begins there: what a document type declares, entities, default attributes, other files, it never sees. */
MUST_USE static Error *pass_prolog(XmlReader *r)
{
    for (bool type_seen = false;;) {
        while (r->at < r->in.len && memchr(" \t\r\n", r->in.data[r->at], 4))
            r->at++;
        if (r->at == r->in.len)
            return corrupt_at(r, r->at, "there is no element");
        if (at_comment(r))
            TRY(pass_comment(r));
        else if (!type_seen && looking_at(r, STR("<!DOCTYPE"))) {
            type_seen = true;
            TRY(pass_document_type(r));
        } else if (r->in.data[r->at] == '<')
            break;
        else
            return corrupt_at(r, r->at, "text stands outside of the root element");
    }
    r->lines_before = count_lines(str_slice(r->in, 0, r->at));
    return NULL;
}

MUST_USE static Error *open_reader(XmlReader *r, Bytes input)
{
    enum { VALUE_FACTOR = 16 }; /* of what a short attribute takes in the queue */
    if (input.len > SIZE_MAX / (4 * VALUE_FACTOR))
        return FAIL(LIMIT, "%zu bytes are too many", input.len);
    r->declared = calloc(r->depth_max, sizeof *r->declared);
    r->arena = arena_new(8 * input.len + 4 * KIB);
    r->events_arena = arena_new(4 * VALUE_FACTOR * input.len + 4 * KIB);
    r->pieces.limit = TEXT_MAX_BYTES;
    if (!r->declared || !r->arena || !r->events_arena)
        return no_memory();
    TRY(charset_decode(input, declared_encoding(input), r->arena, &r->in));
    r->error = pass_prolog(r); /* the first event's */
    r->in = str_slice(r->in, r->at, r->in.len);
    r->at = 0;
    TRY(normalize_lines(r));
    return new_parser(r);
}

Error *xml_reader_new(Bytes input, unsigned depth_max, XmlReader **ret_reader)
{
    CLEANUP(xml_reader_freep) XmlReader *r = calloc(1, sizeof *r);
    if (!r)
        return no_memory();
    r->depth_max = depth_max ? depth_max : DEPTH_DEFAULT;
    r->event.kind = XML_EVENT_DONE;
    TRY_CTX(open_reader(r, input), "xml");
    *ret_reader = r;
    r = NULL;
    return NULL;
}

void xml_reader_free(XmlReader *reader)
{
    if (!reader)
        return;
    if (reader->parser && reader->parser->myDoc)
        xmlFreeDoc(
            reader->parser
                ->myDoc); /* libxml2 makes one for an entity that is declared, and leaves it to the push parser's owner */
    xmlFreeParserCtxt(reader->parser);
    buffer_done(&reader->pieces);
    error_free(reader->error);
    free(reader->queue);
    free(reader->declared);
    arena_free(reader->events_arena);
    arena_free(reader->arena);
    free(reader);
}

/* --- feeding --- */

/* Attributes of the tag that begins here, at most: `=` outside of quotes. */
static size_t count_attributes(Str tag)
{
    size_t count = 0;
    for (size_t i = 0; i < tag.len && tag.data[i] != '>'; i++) {
        char c = tag.data[i];
        count += c == '=';
        if (c == '"' || c == '\'')
            i += 1 + MIN(str_find_char(str_slice(tag, i + 1, tag.len), c), tag.len - i - 1);
    }
    return count;
}

/* Before the parser compares each attribute with all others: none of the tags that begin before `end` has too many. A tag has no `<` in it,
 * so that short ones need no look. */
MUST_USE static Error *check_tags(XmlReader *r, size_t end)
{
    while (r->tags_checked < end) {
        size_t from = r->tags_checked;
        const char *next = memchr(r->in.data + from + 1, '<', r->in.len - from - 1);
        r->tags_checked = next ? (size_t)(next - r->in.data) : r->in.len;
        Str tag = str_slice(r->in, from, r->tags_checked);
        if (tag.len <= (size_t)ATTRIBUTES_MAX * ATTRIBUTE_MIN_BYTES || str_starts_with(tag, STR("<!"))
            || str_starts_with(tag, STR("<?")))
            continue;
        if (count_attributes(tag) > ATTRIBUTES_MAX)
            return error_at(FAIL(LIMIT, "xml: line %zu: more than %d attributes and namespaces of one element",
                                 1 + r->lines_before + count_lines(str_slice(r->in, 0, from)), ATTRIBUTES_MAX),
                            from);
    }
    return NULL;
}

/* More to the parser: as much again as it could not use yet, so that a long tag is looked at a few times only. Whole characters. */
static void feed(XmlReader *r)
{
    size_t unused = (size_t)(r->parser->input->end - r->parser->input->cur);
    size_t end = r->at + MIN(r->in.len - r->at, MIN(MAX(unused, (size_t)CHUNK_BYTES), (size_t)CHUNK_MAX_BYTES));
    while (end < r->in.len && end > r->at + 1 && ((uint8_t)r->in.data[end] & 0xC0) == 0x80)
        end--;
    Error *error = check_tags(r, end);
    if (error) {
        stop(r, error);
        return;
    }
    xmlParseChunk(r->parser, r->in.data + r->at, (int)(end - r->at), 0);
    r->at = end;
    if (end == r->in.len && !r->error) {
        r->ended = true;
        xmlParseChunk(r->parser, NULL, 0, 1);
    }
    if (!r->parser->wellFormed && !r->error)
        r->error = corrupt_at(r, r->at, "not well-formed");
}

/* The next events: none at the end and at an error. */
static void fill_queue(XmlReader *r)
{
    arena_reset(r->events_arena);
    r->head = r->count = 0;
    while (r->count == 0 && !r->ended && !r->error)
        feed(r);
}

/* --- events --- */

Error *xml_reader_next(XmlReader *reader, XmlEvent *ret_event)
{
    ASSERT(!reader->failed);
    if (reader->head == reader->count)
        fill_queue(reader);
    if (reader->head < reader->count)
        reader->event = reader->queue[reader->head++];
    else if (reader->error) {
        Error *error = reader->error;
        reader->error = NULL;
        reader->failed = true;
        return error;
    } else
        reader->event = (Event){.kind = XML_EVENT_DONE};
    *ret_event = reader->event.kind;
    return NULL;
}

Error *xml_reader_next_inside(XmlReader *reader, unsigned depth, XmlEvent *ret_event, bool *ret_inside)
{
    TRY(xml_reader_next(reader, ret_event));
    *ret_inside = *ret_event != XML_EVENT_DONE && (*ret_event != XML_EVENT_END || xml_reader_depth(reader) > depth);
    return NULL;
}

Error *xml_reader_skip(XmlReader *reader)
{
    ASSERT(!reader->failed && reader->event.kind == XML_EVENT_START);
    unsigned depth = reader->event.depth;
    while (reader->head < reader->count) {
        reader->event = reader->queue[reader->head++];
        if (reader->event.kind == XML_EVENT_END && reader->event.depth == depth)
            return NULL;
    }
    buffer_clear(&reader->pieces);
    reader->skipping = true;
    reader->skip_depth = depth;
    XmlEvent end;
    return xml_reader_next(reader, &end); /* the element's: nothing else is told before */
}

/* --- the last event --- */

Str xml_reader_name(const XmlReader *reader)
{
    return reader->event.name;
}

Str xml_reader_start_name(const XmlReader *reader)
{
    return reader->event.kind == XML_EVENT_START ? reader->event.name : STR_EMPTY;
}

Str xml_reader_namespace(const XmlReader *reader)
{
    return reader->event.uri;
}

Str xml_reader_text(const XmlReader *reader)
{
    return reader->event.text;
}

bool xml_reader_attribute(const XmlReader *reader, const char *name, Str *ret_value)
{
    for (size_t i = 0; i < reader->event.attribute_count; i++) {
        const Attribute *attribute = &reader->event.attributes[i];
        if (strcmp(attribute->name, name) == 0) {
            *ret_value = attribute->value;
            return true;
        }
    }
    return false;
}

bool xml_reader_attribute_of(const XmlReader *reader, const char *name, const char *namespace_uri, Str *ret_value)
{
    for (size_t i = 0; i < reader->event.attribute_count; i++) {
        const Attribute *attribute = &reader->event.attributes[i];
        if (attribute->uri && strcmp(attribute->name, name) == 0 && strcmp(attribute->uri, namespace_uri) == 0) {
            *ret_value = attribute->value;
            return true;
        }
    }
    return false;
}

unsigned xml_reader_depth(const XmlReader *reader)
{
    return reader->event.depth;
}
