#include "document/html/ontology_html.h"

#include "document/chars.h"
#include "document/html/sanitize.h"

/* How HTML is written: as the ontology does, in a table as Beautiful Soup does, or as it does what becomes text. */
typedef enum HtmlForm { FORM_ONTOLOGY, FORM_TABLE, FORM_MARKUP } HtmlForm;

static const char *const VOID_TAGS[] = {"area",  "base", "br",   "col",   "embed",  "hr",    "img",
                                        "input", "link", "meta", "param", "source", "track", "wbr"};

static bool is_void(Str tag)
{
    for (size_t i = 0; i < ARRAY_COUNT(VOID_TAGS); i++) {
        if (str_equal(tag, str_of(VOID_TAGS[i])))
            return true;
    }
    return false;
}

/* The entity for `c`, or NULL. Quotes are escaped in the first form alone. */
static const char *entity_of(char c, HtmlForm form)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return form == FORM_ONTOLOGY ? "&quot;" : NULL;
    case '\'': return form == FORM_ONTOLOGY ? "&#x27;" : NULL;
    default: return NULL;
    }
}

MUST_USE static Error *escape(Str text, HtmlForm form, Buffer *out)
{
    size_t from = 0;
    for (size_t at = 0; at < text.len; at++) {
        const char *entity = entity_of(text.data[at], form);
        if (!entity)
            continue;
        TRY(buffer_append_str(out, str_slice(text, from, at)));
        TRY(buffer_append_str(out, str_of(entity)));
        from = at + 1;
    }
    return buffer_append_str(out, str_slice(text, from, text.len));
}

/* The value in the quotes that it does not hold. */
MUST_USE static Error *write_quoted(Str value, HtmlForm form, Buffer *out)
{
    bool single = form != FORM_ONTOLOGY && str_find_char(value, '"') != SIZE_MAX;
    if (single && str_find_char(value, '\'') != SIZE_MAX) {
        single = false;
        form = FORM_ONTOLOGY;
    }
    TRY(buffer_append_byte(out, single ? '\'' : '"'));
    TRY(escape(value, form, out));
    return buffer_append_byte(out, single ? '\'' : '"');
}

MUST_USE static Error *write_attribute(Str name, Str value, HtmlForm form, Buffer *out)
{
    TRY(buffer_append_byte(out, ' '));
    TRY(buffer_append_str(out, name));
    if (value.len == 0 && form == FORM_ONTOLOGY)
        return NULL;
    TRY(buffer_append_byte(out, '='));
    return write_quoted(value, form, out);
}

MUST_USE static Error *write_style(Str value, HtmlForm form, Buffer *out)
{
    CLEANUP(buffer_done) Buffer style = {0};
    TRY(sanitize_style(value, &style));
    return style.len > 0 ? write_attribute(STR("style"), buffer_str(&style), form, out) : NULL;
}

static bool has_word(Str words, Str word)
{
    Str piece;
    while (str_next_piece(&words, ' ', &piece)) {
        if (str_equal_nocase(piece, word))
            return true;
    }
    return false;
}

/* A link into a new window must not hand it this one. */
MUST_USE static Error *write_relation(Str old, HtmlForm form, Buffer *out)
{
    CLEANUP(buffer_done) Buffer words = {0};
    static const Str needed[] = {{"noopener", 8}, {"noreferrer", 10}};
    TRY(buffer_append_str(&words, old));
    for (size_t i = 0; i < ARRAY_COUNT(needed); i++) {
        if (has_word(old, needed[i]))
            continue;
        if (words.len > 0)
            TRY(buffer_append_byte(&words, ' '));
        TRY(buffer_append_str(&words, needed[i]));
    }
    return write_attribute(STR("rel"), buffer_str(&words), form, out);
}

MUST_USE static Error *write_safe_attribute(const HtmlAttribute *attribute, bool new_window, HtmlForm form, Buffer *out)
{
    if (str_equal(attribute->name, STR("style")))
        return write_style(attribute->value, form, out);
    if (new_window && str_equal(attribute->name, STR("rel")))
        return write_relation(attribute->value, form, out);
    return write_attribute(attribute->name, attribute->value, form, out);
}

/* `class` "": none. It stands first, but in a table in byte order as the others. */
MUST_USE static Error *write_attributes(const HtmlNode *node, Str tag, Str class, HtmlForm form, Buffer *out)
{
    static const Str class_name = {"class", 5};
    bool new_window = str_equal(tag, STR("a")) && str_equal_nocase(html_attribute(node, STR("target")), STR("_blank"));
    bool related = false;
    for (size_t i = 0; i < node->attribute_count; i++) {
        const HtmlAttribute *attribute = &node->attributes[i];
        if (!sanitize_keeps(tag, attribute))
            continue;
        if (class.len > 0 && (form != FORM_TABLE || str_compare(attribute->name, class_name) > 0)) {
            TRY(write_attribute(class_name, class, form, out));
            class = STR_EMPTY;
        }
        related |= str_equal(attribute->name, STR("rel"));
        TRY(write_safe_attribute(attribute, new_window, form, out));
    }
    if (class.len > 0)
        TRY(write_attribute(class_name, class, form, out));
    return new_window && !related ? write_relation(STR_EMPTY, form, out) : NULL;
}

/* Tables tell no classes but their own and those of images and fields. */
static bool shows_class(const OntologyItem *item, HtmlForm form)
{
    if (item->unnamed)
        return false;
    return form == FORM_ONTOLOGY || str_equal(item->tag, STR("table")) || str_equal(item->tag, STR("img"))
           || str_equal(item->tag, STR("input"));
}

/* `<tag class="Name" ...`; a tag without attributes keeps the space in which they would stand. */
MUST_USE static Error *open_tag(const HtmlNode *node, const OntologyItem *item, HtmlForm form, Buffer *out)
{
    static const HtmlNode nothing = {0};
    TRY(buffer_append_byte(out, '<'));
    TRY(buffer_append_str(out, item->tag));
    size_t before = out->len;
    Str class = shows_class(item, form) ? item->class->name : STR_EMPTY;
    TRY(write_attributes(node ? node : &nothing, item->tag, class, form, out));
    return form == FORM_ONTOLOGY && out->len == before ? buffer_append_byte(out, ' ') : NULL;
}

MUST_USE static Error *close_tag(Str tag, Buffer *out)
{
    TRY(buffer_append_str(out, STR("</")));
    TRY(buffer_append_str(out, tag));
    return buffer_append_byte(out, '>');
}

/* A whole element around `inside`, which is HTML. */
MUST_USE static Error *write_around(const HtmlNode *node, const OntologyItem *item, HtmlForm form, Str inside,
                                    Buffer *out)
{
    TRY(open_tag(node, item, form, out));
    bool empty = form == FORM_TABLE ? is_void(item->tag) : inside.len == 0;
    if (empty) {
        TRY(buffer_append_str(out, form == FORM_TABLE ? STR("/>") : STR(" />")));
        return buffer_append_str(out, inside);
    }
    TRY(buffer_append_byte(out, '>'));
    TRY(buffer_append_str(out, inside));
    return close_tag(item->tag, out);
}

Error *ontology_take_text(const HtmlNode **node, Buffer *out)
{
    for (; *node && (*node)->is_text; *node = (*node)->next)
        TRY(buffer_append_str(out, (*node)->text));
    return NULL;
}

/* The element as it stood in the document. */
MUST_USE static Error *write_markup(const HtmlNode *node, Buffer *out)
{
    if (node->is_text)
        return escape(node->text, FORM_MARKUP, out);
    TRY(buffer_append_byte(out, '<'));
    TRY(buffer_append_str(out, node->name));
    for (size_t i = 0; i < node->attribute_count; i++)
        TRY(write_attribute(node->attributes[i].name, node->attributes[i].value, FORM_MARKUP, out));
    if (is_void(node->name))
        return buffer_append_str(out, STR("/>"));
    TRY(buffer_append_byte(out, '>'));
    for (const HtmlNode *child = node->first_child; child; child = child->next)
        TRY(write_markup(child, out));
    return close_tag(node->name, out);
}

/* All that is in a node, as one text: a line for each text and each tag in it. */
MUST_USE static Error *write_contents(const HtmlNode *node, Buffer *out)
{
    CLEANUP(buffer_done) Buffer text = {.limit = out->limit};
    for (const HtmlNode *child = node->first_child; child;) {
        if (child != node->first_child)
            TRY(buffer_append_byte(out, '\n'));
        if (!child->is_text) {
            TRY(write_markup(child, out));
            child = child->next;
            continue;
        }
        buffer_clear(&text);
        TRY(ontology_take_text(&child, &text));
        TRY(buffer_append_str(out, chars_trim(buffer_str(&text))));
    }
    return NULL;
}

MUST_USE static Error *write_item(const HtmlNode *node, const OntologyItem *item, unsigned level, HtmlForm form,
                                  Buffer *out);

MUST_USE static Error *write_text(Str text, HtmlForm form, Buffer *out)
{
    CLEANUP(buffer_done) Buffer escaped = {.limit = out->limit};
    OntologyItem item = ontology_text_item();
    text = chars_trim(text);
    if (text.len == 0)
        return NULL;
    TRY(escape(text, form, &escaped));
    return write_around(NULL, &item, form, buffer_str(&escaped), out);
}

MUST_USE static Error *write_children(const HtmlNode *node, unsigned level, HtmlForm form, Buffer *out)
{
    CLEANUP(buffer_done) Buffer text = {.limit = out->limit};
    for (const HtmlNode *child = node->first_child; child;) {
        if (!child->is_text) {
            OntologyItem item = ontology_item(child, level);
            TRY(write_item(child, &item, level, form, out));
            child = child->next;
            continue;
        }
        buffer_clear(&text);
        TRY(ontology_take_text(&child, &text));
        TRY(write_text(buffer_str(&text), form, out));
    }
    return NULL;
}

MUST_USE static Error *write_inside(const HtmlNode *node, const OntologyItem *item, unsigned level, HtmlForm form,
                                    Buffer *out)
{
    CLEANUP(buffer_done) Buffer text = {.limit = out->limit};
    if (item->unnamed)
        return NULL;
    if (item->unwrapped)
        return write_children(node, level + 1, form, out);
    TRY(write_contents(node, &text));
    return escape(chars_trim(buffer_str(&text)), form, out);
}

Error *write_item(const HtmlNode *node, const OntologyItem *item, unsigned level, HtmlForm form, Buffer *out)
{
    if (item->class->flags & ONTOLOGY_TABLE)
        form = FORM_TABLE;
    CLEANUP(buffer_done) Buffer inside = {.limit = out->limit};
    TRY(write_inside(node, item, level, form, &inside));
    return write_around(node, item, form, buffer_str(&inside), out);
}

Error *ontology_write_html(const HtmlNode *node, const OntologyItem *item, unsigned level, Buffer *out)
{
    return write_item(node, item, level, FORM_ONTOLOGY, out);
}

Error *ontology_write_tag(const HtmlNode *node, const OntologyItem *item, Buffer *out)
{
    return write_around(node, item, FORM_ONTOLOGY, STR_EMPTY, out);
}

Error *ontology_write_text(Str text, Buffer *out)
{
    return write_text(text, FORM_ONTOLOGY, out);
}
