#include "document/office/paragraph.h"

#include "document/chars.h"

void word_paragraph_done(WordParagraph *p)
{
    buffer_done(&p->text);
    buffer_done(&p->full);
    buffer_done(&p->style);
    buffer_done(&p->shapes);
}

Str word_paragraph_full_text(const WordParagraph *p)
{
    return buffer_str(p->has_shapes ? &p->full : &p->text);
}

void word_paragraph_next_piece(WordParagraph *p)
{
    buffer_clear(&p->text);
    buffer_clear(&p->full);
    p->has_shapes = false;
    p->emphasis = (WordEmphasis){0};
    p->links = (WordLinks){0};
    p->counted_bytes = p->counted_chars = 0;
}

/* --- text, emphasis, links --- */

MUST_USE static Error *append(WordParagraph *p, Str text)
{
    if (p->has_shapes)
        TRY(buffer_append_str(&p->full, text));
    return buffer_append_str(&p->text, text);
}

MUST_USE static Error *append_shapes(WordParagraph *p)
{
    if (p->shapes.len == 0)
        return NULL;
    if (!p->has_shapes)
        TRY(buffer_append_str(&p->full, buffer_str(&p->text)));
    p->has_shapes = true;
    TRY(buffer_append_str(&p->full, buffer_str(&p->shapes)));
    buffer_clear(&p->shapes);
    return NULL;
}

Error *word_emphasis_add(WordEmphasis *e, Arena *arena, Str content, Str tag)
{
    size_t count = e->contents.count;
    if (count == e->capacity) {
        size_t capacity = MAX(2 * e->capacity, (size_t)2), old_bytes = e->capacity * sizeof(Str);
        Str *contents = arena_grow(arena, e->contents.items, old_bytes, capacity * sizeof(Str));
        Str *tags = arena_grow(arena, e->tags.items, old_bytes, capacity * sizeof(Str));
        if (!contents || !tags)
            return arena_error(arena);
        e->contents.items = contents;
        e->tags.items = tags;
        e->capacity = capacity;
    }
    e->contents.items[count] = content;
    e->tags.items[count] = tag;
    e->contents.count = e->tags.count = count + 1;
    return NULL;
}

/* How a run looks. */
typedef struct RunLook {
    bool bold, italic;
} RunLook;

/* What stands in `text` from `start` on has this look. */
MUST_USE static Error *emphasize(WordParagraph *p, size_t start, RunLook look)
{
    if (!look.bold && !look.italic)
        return NULL;
    Str content = chars_trim(str_slice(buffer_str(&p->text), start, p->text.len));
    if (content.len == 0)
        return NULL;
    content = arena_str(p->arena, content);
    if (!content.data)
        return arena_error(p->arena);
    if (look.bold)
        TRY(word_emphasis_add(&p->emphasis, p->arena, content, STR("b")));
    return look.italic ? word_emphasis_add(&p->emphasis, p->arena, content, STR("i")) : NULL;
}

/* Characters of `text` before `bytes`, which never falls back within a piece. */
static size_t count_chars(WordParagraph *p, size_t bytes)
{
    for (size_t i = p->counted_bytes; i < bytes; i++)
        p->counted_chars += (p->text.data[i] & 0xC0) != 0x80;
    p->counted_bytes = bytes;
    return p->counted_chars;
}

/* A link to `url` on what stands in `text` from `start` on. */
MUST_USE static Error *add_link(WordParagraph *p, Str url, size_t start)
{
    WordLinks *links = &p->links;
    Str text = str_slice(buffer_str(&p->text), start, p->text.len);
    if (text.len == 0 || url.len == 0)
        return NULL;
    if (links->count == links->capacity) {
        size_t capacity = MAX(2 * links->capacity, (size_t)2);
        ElementLink *items =
            arena_grow(p->arena, links->items, links->capacity * sizeof *items, capacity * sizeof *items);
        if (!items)
            return arena_error(p->arena);
        links->items = items;
        links->capacity = capacity;
    }
    text = arena_str(p->arena, text);
    if (!text.data)
        return arena_error(p->arena);
    links->items[links->count++] = (ElementLink){text, url, (int64_t)count_chars(p, start)};
    return NULL;
}

/* --- runs --- */

static bool is_off(Str value)
{
    return str_equal(value, STR("0")) || str_equal(value, STR("false")) || str_equal(value, STR("off"));
}

/* The properties of a run. */
MUST_USE static Error *read_look(XmlReader *xml, RunLook *ret_look)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    Str value;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (event != XML_EVENT_START)
            continue;
        bool on = !xml_reader_attribute(xml, "val", &value) || !is_off(value);
        if (xml_reader_starts(xml, "b"))
            ret_look->bold = on;
        else if (xml_reader_starts(xml, "i"))
            ret_look->italic = on;
        TRY(xml_reader_skip(xml));
    }
}

/* The text directly in the element that has begun, to `out` when it is wanted. */
MUST_USE static Error *read_text(XmlReader *xml, Buffer *out)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (event == XML_EVENT_TEXT)
            TRY(buffer_append_str(out, xml_reader_text(xml)));
        else if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    }
}

/* The character that the empty element of a run stands for; "": none. */
static Str character_of(const XmlReader *xml)
{
    Str name = xml_reader_name(xml), type;
    if (str_equal(name, STR("tab")) || str_equal(name, STR("ptab")))
        return STR("\t");
    if (str_equal(name, STR("br")))
        return !xml_reader_attribute(xml, "type", &type) || str_equal(type, STR("textWrapping")) ? STR("\n") : STR("");
    if (str_equal(name, STR("cr")))
        return STR("\n");
    return str_equal(name, STR("noBreakHyphen")) ? STR("-") : STR("");
}

/* The runs in the drawing that has begun, however deep. */
MUST_USE static Error *read_drawn_runs(WordParagraph *p, XmlReader *xml, bool in_run)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (event != XML_EVENT_START)
            continue;
        bool own = str_equal(xml_reader_namespace(xml), p->namespace_uri);
        if (in_run && own && xml_reader_starts(xml, "t")) {
            TRY(read_text(xml, &p->shapes));
            continue;
        }
        if (in_run && own)
            TRY(buffer_append_str(&p->shapes, character_of(xml)));
        TRY(read_drawn_runs(p, xml, own && xml_reader_starts(xml, "r")));
    }
}

/* Looks in what has begun for the first drawing that stands in the line. */
MUST_USE static Error *read_shapes(WordParagraph *p, XmlReader *xml, bool in_drawing)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (event != XML_EVENT_START)
            continue;
        if (p->inline_read)
            TRY(xml_reader_skip(xml));
        else if (in_drawing && xml_reader_starts(xml, "inline")) {
            p->inline_read = true;
            TRY(read_drawn_runs(p, xml, false));
        } else
            TRY(read_shapes(p, xml, in_drawing || xml_reader_starts(xml, "drawing")));
    }
}

/* A page begins in the run that began at `*start` of the text. */
MUST_USE static Error *break_page(WordParagraph *p, size_t *start, RunLook look)
{
    p->breaks_seen = true;
    if (!p->on_break)
        return NULL;
    TRY(append_shapes(p));
    TRY(emphasize(p, *start, look));
    TRY(p->on_break(p->word));
    *start = 0;
    return NULL;
}

/* One element in a run. */
MUST_USE static Error *read_run_content(WordParagraph *p, XmlReader *xml, size_t *start, RunLook *look)
{
    if (xml_reader_starts(xml, "rPr"))
        return read_look(xml, look);
    if (xml_reader_starts(xml, "t")) {
        size_t before = p->text.len;
        TRY(read_text(xml, &p->text));
        return p->has_shapes ? buffer_append_str(&p->full, str_slice(buffer_str(&p->text), before, p->text.len)) : NULL;
    }
    if (xml_reader_starts(xml, "lastRenderedPageBreak")) {
        TRY(xml_reader_skip(xml));
        return break_page(p, start, *look);
    }
    if (xml_reader_starts(xml, "drawing") || xml_reader_starts(xml, "AlternateContent"))
        return read_shapes(p, xml, xml_reader_starts(xml, "drawing"));
    TRY(append(p, character_of(xml)));
    return xml_reader_skip(xml);
}

MUST_USE static Error *read_run(WordParagraph *p, XmlReader *xml)
{
    unsigned depth = xml_reader_depth(xml);
    size_t start = p->text.len;
    RunLook look = {0};
    XmlEvent event;
    bool inside;
    p->inline_read = false;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            break;
        if (event == XML_EVENT_START)
            TRY(read_run_content(p, xml, &start, &look));
    }
    TRY(append_shapes(p));
    return emphasize(p, start, look);
}

/* A run of a link: neither its look nor its drawings count, and a page break in it comes behind the link. */
MUST_USE static Error *read_link_run(WordParagraph *p, XmlReader *xml, bool *break_seen)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (event != XML_EVENT_START)
            continue;
        if (xml_reader_starts(xml, "t")) {
            size_t before = p->text.len;
            TRY(read_text(xml, &p->text));
            if (p->has_shapes)
                TRY(buffer_append_str(&p->full, str_slice(buffer_str(&p->text), before, p->text.len)));
            continue;
        }
        *break_seen |= xml_reader_starts(xml, "lastRenderedPageBreak");
        TRY(append(p, character_of(xml)));
        TRY(xml_reader_skip(xml));
    }
}

/* Where the link that has begun leads; "": to a place in the document. */
MUST_USE static Error *link_url(const WordParagraph *p, const XmlReader *xml, Str *ret_url)
{
    Str id, anchor = STR_EMPTY;
    const OpcRelation *relation = xml_reader_attribute(xml, "id", &id) ? opc_relation(p->relations, id) : NULL;
    *ret_url = relation ? relation->target : STR_EMPTY;
    xml_reader_attribute(xml, "anchor", &anchor);
    if (ret_url->len == 0 || anchor.len == 0)
        return NULL;
    char *url = arena_format(p->arena, STR_FMT "#" STR_FMT, STR_ARG(*ret_url), STR_ARG(anchor));
    if (!url)
        return arena_error(p->arena);
    *ret_url = str_of(url);
    return NULL;
}

MUST_USE static Error *read_link(WordParagraph *p, XmlReader *xml)
{
    unsigned depth = xml_reader_depth(xml);
    size_t start = p->text.len;
    bool inside, break_seen = false;
    XmlEvent event;
    Str url;
    TRY(link_url(p, xml, &url));
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            break;
        if (xml_reader_starts(xml, "r"))
            TRY(read_link_run(p, xml, &break_seen));
        else if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    }
    TRY(add_link(p, url, start));
    p->breaks_seen |= break_seen;
    return break_seen && p->on_break ? p->on_break(p->word) : NULL;
}

/* --- properties --- */

/* The numbering that has begun: one that is empty takes a style's numbering away. */
MUST_USE static Error *read_numbering(WordParagraph *p, XmlReader *xml, bool own)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    for (;;) {
        Str value;
        int64_t level;
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (event != XML_EVENT_START)
            continue;
        p->numbered = true;
        if (own && xml_reader_starts(xml, "ilvl") && xml_reader_attribute(xml, "val", &value)
            && str_to_i64(value, &level) && level >= 0 && level <= INT32_MAX)
            p->level = (int32_t)level;
        TRY(xml_reader_skip(xml));
    }
}

/* The properties that have begun; `own` or those that a tracked change has replaced, whose numbering counts as one all the same. */
MUST_USE static Error *read_properties(WordParagraph *p, XmlReader *xml, bool own)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    Str value;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (event != XML_EVENT_START)
            continue;
        if (xml_reader_starts(xml, "numPr")) {
            TRY(read_numbering(p, xml, own));
            continue;
        }
        if (xml_reader_starts(xml, "pPrChange") || (!own && xml_reader_starts(xml, "pPr"))) {
            TRY(read_properties(p, xml, false));
            continue;
        }
        if (own && xml_reader_starts(xml, "pStyle") && xml_reader_attribute(xml, "val", &value)) {
            buffer_clear(&p->style);
            TRY(buffer_append_str(&p->style, value));
        }
        p->ends_section |= own && xml_reader_starts(xml, "sectPr");
        TRY(xml_reader_skip(xml));
    }
}

Error *word_paragraph_read(WordParagraph *p, XmlReader *xml)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    word_paragraph_next_piece(p);
    buffer_clear(&p->style);
    buffer_clear(&p->shapes);
    p->text.limit = p->full.limit = p->shapes.limit = p->text_max_bytes;
    p->numbered = p->ends_section = false;
    p->level = -1;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (xml_reader_starts(xml, "r"))
            TRY(read_run(p, xml));
        else if (xml_reader_starts(xml, "hyperlink"))
            TRY(read_link(p, xml));
        else if (xml_reader_starts(xml, "pPr"))
            TRY(read_properties(p, xml, true));
        else if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    }
}
