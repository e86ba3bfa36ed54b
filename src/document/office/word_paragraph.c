#include "document/office/word_paragraph.h"

void word_paragraph_done(WordParagraph *p)
{
    paragraph_done(&p->content);
    buffer_done(&p->style);
    buffer_done(&p->shapes);
}

MUST_USE static Error *append_shapes(WordParagraph *p)
{
    TRY(paragraph_append_shape(&p->content, buffer_str(&p->shapes)));
    buffer_clear(&p->shapes);
    return NULL;
}

/* --- runs --- */

bool word_is_on(const XmlReader *xml)
{
    Str value;
    return !xml_reader_attribute(xml, "val", &value)
           || !(str_equal(value, STR("0")) || str_equal(value, STR("false")) || str_equal(value, STR("off")));
}

/* The properties of a run. */
MUST_USE static Error *read_look(XmlReader *xml, Look *ret_look)
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
        if (xml_reader_starts(xml, "b"))
            ret_look->bold = word_is_on(xml);
        else if (xml_reader_starts(xml, "i"))
            ret_look->italic = word_is_on(xml);
        TRY(xml_reader_skip(xml));
    }
}

/* The text directly in the element that has begun, to the drawings' or the paragraph's. */
MUST_USE static Error *read_text(WordParagraph *p, XmlReader *xml, bool in_drawing)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (event == XML_EVENT_TEXT)
            TRY(in_drawing ? buffer_append_str(&p->shapes, xml_reader_text(xml))
                           : paragraph_append(&p->content, xml_reader_text(xml)));
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
            TRY(read_text(p, xml, true));
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
MUST_USE static Error *break_page(WordParagraph *p, size_t *start, Look look)
{
    p->breaks_seen = true;
    if (!p->on_break)
        return NULL;
    TRY(append_shapes(p));
    TRY(paragraph_emphasize(&p->content, *start, look));
    TRY(p->on_break(p->word));
    *start = 0;
    return NULL;
}

/* One element in a run. */
MUST_USE static Error *read_run_content(WordParagraph *p, XmlReader *xml, size_t *start, Look *look)
{
    if (xml_reader_starts(xml, "rPr"))
        return read_look(xml, look);
    if (xml_reader_starts(xml, "t"))
        return read_text(p, xml, false);
    if (xml_reader_starts(xml, "lastRenderedPageBreak")) {
        TRY(xml_reader_skip(xml));
        return break_page(p, start, *look);
    }
    if (xml_reader_starts(xml, "drawing") || xml_reader_starts(xml, "AlternateContent"))
        return read_shapes(p, xml, xml_reader_starts(xml, "drawing"));
    TRY(paragraph_append(&p->content, character_of(xml)));
    return xml_reader_skip(xml);
}

MUST_USE static Error *read_run(WordParagraph *p, XmlReader *xml)
{
    unsigned depth = xml_reader_depth(xml);
    size_t start = p->content.text.len;
    Look look = {0};
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
    return paragraph_emphasize(&p->content, start, look);
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
            TRY(read_text(p, xml, false));
            continue;
        }
        *break_seen |= xml_reader_starts(xml, "lastRenderedPageBreak");
        TRY(paragraph_append(&p->content, character_of(xml)));
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
    char *url = arena_format(p->content.arena, STR_FMT "#" STR_FMT, STR_ARG(*ret_url), STR_ARG(anchor));
    if (!url)
        return arena_error(p->content.arena);
    *ret_url = str_of(url);
    return NULL;
}

MUST_USE static Error *read_link(WordParagraph *p, XmlReader *xml)
{
    unsigned depth = xml_reader_depth(xml);
    size_t start = p->content.text.len;
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
    TRY(paragraph_add_link(&p->content, url, start));
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
        p->content.numbered = true;
        if (own && xml_reader_starts(xml, "ilvl") && xml_reader_attribute(xml, "val", &value)
            && str_to_i64(value, &level) && level >= 0 && level <= INT32_MAX)
            p->content.level = (int32_t)level;
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
    paragraph_clear(&p->content);
    buffer_clear(&p->style);
    buffer_clear(&p->shapes);
    p->shapes.limit = p->content.text_max_bytes;
    p->ends_section = false;
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
