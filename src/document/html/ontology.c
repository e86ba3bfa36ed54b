#include "document/html/ontology.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "document/chars.h"
#include "document/html/ontology_class.h"
#include "document/html/ontology_html.h"
#include "document/html/tree.h"

/* Items beside one another that become one element. */
typedef struct Run {
    ElementType type; /* of its first */
    size_t items;
    Buffer text, html;
} Run;

typedef struct OntologyWalker {
    Builder *builder;
    Arena *arena;
    Run run;
} OntologyWalker;

/* The layout that is being walked. */
typedef struct Layout {
    unsigned level; /* of its children; the root is on the first */
    int32_t depth;  /* of its children */
    uint32_t page;
    uint32_t parent; /* its element's index and 1; 0: it has none */
} Layout;

static void walker_done(OntologyWalker *w)
{
    buffer_done(&w->run.text);
    buffer_done(&w->run.html);
}

/* Children of divs that say nothing stand in their place. */
static void unwrap_divs(HtmlNode *node)
{
    HtmlNode *child = node->first_child, **link = &node->first_child;
    node->last_child = NULL;
    while (child) {
        HtmlNode *next = child->next;
        if (!child->is_text)
            unwrap_divs(child);
        bool plain = child->tag.name == NAME_DIV && child->attribute_count == 0;
        HtmlNode *first = plain ? child->first_child : child, *last = plain ? child->last_child : child;
        if (first) {
            for (HtmlNode *n = first; n != last; n = n->next)
                n->parent = node;
            last->parent = node;
            *link = first;
            link = &last->next;
            node->last_child = last;
        }
        child = next;
    }
    *link = NULL;
}

/* A paragraph, heading, span or div with neither attributes nor content. */
static bool is_empty(const HtmlNode *node)
{
    bool may_be = node->tag.kind == TAG_HEADING || node->tag.name == NAME_P || node->tag.name == NAME_SPAN
                  || node->tag.name == NAME_DIV;
    if (node->is_text || !may_be || node->attribute_count > 0)
        return false;
    for (const HtmlNode *child = node->first_child; child; child = child->next) {
        if (!child->is_text || chars_trim(child->text).len > 0)
            return false;
    }
    return true;
}

static void drop_empty(HtmlNode *node)
{
    HtmlNode **link = &node->first_child;
    node->last_child = NULL;
    while (*link) {
        HtmlNode *child = *link;
        if (is_empty(child)) {
            *link = child->next;
            continue;
        }
        drop_empty(child);
        node->last_child = child;
        link = &child->next;
    }
}

static int by_name(const void *a, const void *b)
{
    return str_compare(((const HtmlAttribute *)a)->name, ((const HtmlAttribute *)b)->name);
}

typedef enum Spaces { SPACES_SINGLE, SPACES_KEPT } Spaces;

/* As Beautiful Soup gives it: attributes by name, and of white space between tags one character, where it is not preformatted. */
static void tidy(HtmlNode *node, Spaces spaces)
{
    if (node->attribute_count > 1)
        qsort(node->attributes, node->attribute_count, sizeof *node->attributes, by_name);
    if (node->is_text && spaces == SPACES_SINGLE && str_trim(node->text).len == 0)
        node->text = str_find_char(node->text, '\n') == SIZE_MAX ? STR(" ") : STR("\n");
    if (node->tag.kind == TAG_PREFORMATTED)
        spaces = SPACES_KEPT;
    for (HtmlNode *child = node->first_child; child; child = child->next)
        tidy(child, spaces);
}

/* Where the document begins; NULL: nowhere. */
static const HtmlNode *find_top(const HtmlNode *root)
{
    const HtmlNode *page = NULL;
    for (const HtmlNode *n = root; n; n = html_next_inside(n, root)) {
        if (n->tag.name == NAME_BODY && ontology_has_class(n, STR("Document")))
            return n;
        if (!page && n->tag.name == NAME_DIV && ontology_has_class(n, STR("Page")))
            page = n;
    }
    return page;
}

MUST_USE static Error *write_item_text(const HtmlNode *node, const OntologyItem *item, unsigned level, Buffer *out);

/* The texts of the children, with a space between them even where one has none. */
MUST_USE static Error *write_children_text(const HtmlNode *node, unsigned level, Buffer *out)
{
    CLEANUP(buffer_done) Buffer text = {.limit = out->limit};
    bool first = true;
    for (const HtmlNode *child = node->first_child; child;) {
        bool is_item = !child->is_text;
        buffer_clear(&text);
        if (is_item) {
            OntologyItem item = ontology_item(child, level);
            TRY(write_item_text(child, &item, level, &text));
            child = child->next;
        } else
            TRY(ontology_take_text(&child, &text));
        Str trimmed = chars_trim(buffer_str(&text));
        if (trimmed.len == 0 && !is_item)
            continue;
        if (!first)
            TRY(buffer_append_byte(out, ' '));
        first = false;
        TRY(buffer_append_str(out, trimmed));
    }
    return NULL;
}

MUST_USE static Error *write_all_text(const HtmlNode *top, Buffer *out)
{
    for (const HtmlNode *n = top; n; n = html_next_inside(n, top)) {
        if (n->is_text)
            TRY(buffer_append_str(out, n->text));
    }
    return NULL;
}

/* The text of a node whose children are no items: a line for each text and each tag in it. */
MUST_USE static Error *write_lines(const HtmlNode *node, Buffer *out)
{
    CLEANUP(buffer_done) Buffer text = {.limit = out->limit};
    for (const HtmlNode *child = node->first_child; child;) {
        if (child != node->first_child)
            TRY(buffer_append_byte(out, '\n'));
        if (!child->is_text) {
            TRY(write_all_text(child, out));
            child = child->next;
            continue;
        }
        buffer_clear(&text);
        TRY(ontology_take_text(&child, &text));
        TRY(buffer_append_str(out, chars_trim(buffer_str(&text))));
    }
    return NULL;
}

MUST_USE static Error *append_word(Buffer *out, Str word)
{
    if (word.len == 0)
        return NULL;
    if (out->len > 0)
        TRY(buffer_append_byte(out, ' '));
    return buffer_append_str(out, word);
}

/* The text of an item whose children are none, and what an image shows. */
MUST_USE static Error *write_own_text(const HtmlNode *node, const OntologyItem *item, Buffer *out)
{
    CLEANUP(buffer_done) Buffer lines = {.limit = out->limit};
    TRY(write_lines(node, &lines));
    TRY(buffer_append_str(out, chars_trim(buffer_str(&lines))));
    return str_equal(item->tag, STR("img")) ? append_word(out, html_attribute(node, STR("alt"))) : NULL;
}

/* Appends the text of an item; that of one with children may begin with the space behind an empty one. `out` is empty before. */
Error *write_item_text(const HtmlNode *node, const OntologyItem *item, unsigned level, Buffer *out)
{
    if (item->unnamed)
        return NULL;
    if (item->unwrapped)
        TRY(write_children_text(node, level + 1, out));
    else
        TRY(write_own_text(node, item, out));
    if (str_equal(item->class->name, STR("FormFieldValue")))
        TRY(append_word(out, html_attribute(node, STR("value"))));
    return NULL;
}

MUST_USE static Error *add_element(OntologyWalker *w, const Layout *layout, ElementType type, Str text, Str html)
{
    Element *element;
    Str kept = arena_str(w->arena, html);
    if (!kept.data)
        return arena_error(w->arena);
    TRY(builder_add(w->builder, type, text, &element));
    element->text_as_html = kept;
    element->category_depth = layout->depth;
    element->page_number = layout->page;
    element->parent = layout->parent;
    return NULL;
}

MUST_USE static Error *end_run(OntologyWalker *w, const Layout *layout)
{
    Run *run = &w->run;
    if (run->items == 0)
        return NULL;
    TRY(add_element(w, layout, run->type, buffer_str(&run->text), buffer_str(&run->html)));
    buffer_clear(&run->text);
    buffer_clear(&run->html);
    run->items = 0;
    return NULL;
}

/* Adds what is not layout: to the run before it, when both are of the kind that joins. `node` NULL: `text` between tags. */
MUST_USE static Error *add_content(OntologyWalker *w, const Layout *layout, const HtmlNode *node,
                                   const OntologyItem *item, Str between)
{
    CLEANUP(buffer_done) Buffer text = {.limit = w->run.text.limit};
    Run *run = &w->run;
    bool joins = (item->class->flags & ONTOLOGY_INLINE) && !item->unwrapped;
    if (!joins)
        TRY(end_run(w, layout));
    if (run->items == 0)
        run->type = item->class->type;
    else
        TRY(buffer_append_byte(&run->text, ' '));
    run->items++;
    if (node) {
        TRY(write_item_text(node, item, layout->level, &text));
        TRY(ontology_write_html(node, item, layout->level, &run->html));
        between = buffer_str(&text);
    } else
        TRY(ontology_write_text(between, &run->html));
    TRY(buffer_append_str(&run->text, between));
    return joins ? NULL : end_run(w, layout);
}

static uint32_t page_of(const HtmlNode *node, const OntologyItem *item, uint32_t outer)
{
    uint64_t page;
    bool says = outer == 0 && str_equal(item->class->name, STR("Page"))
                && str_to_u64(str_trim(html_attribute(node, STR("data-page-number"))), &page) && page <= UINT32_MAX;
    return says ? (uint32_t)page : outer;
}

MUST_USE static Error *walk_layout(OntologyWalker *w, const Layout *outer, const HtmlNode *node,
                                   const OntologyItem *item);

MUST_USE static Error *walk_children(OntologyWalker *w, const Layout *layout, const HtmlNode *node)
{
    CLEANUP(buffer_done) Buffer text = {.limit = w->run.text.limit};
    OntologyItem paragraph = ontology_text_item();
    for (const HtmlNode *child = node->first_child; child;) {
        if (child->is_text) {
            buffer_clear(&text);
            TRY(ontology_take_text(&child, &text));
            Str between = chars_trim(buffer_str(&text));
            if (between.len > 0)
                TRY(add_content(w, layout, NULL, &paragraph, between));
            continue;
        }
        OntologyItem item = ontology_item(child, layout->level);
        if ((item.class->flags & ONTOLOGY_LAYOUT) && item.unwrapped) {
            TRY(end_run(w, layout));
            TRY(walk_layout(w, layout, child, &item));
        } else
            TRY(add_content(w, layout, child, &item, STR_EMPTY));
        child = child->next;
    }
    return end_run(w, layout);
}

/* A layout is an element without text, the parent of those in it; only the document itself is none. */
Error *walk_layout(OntologyWalker *w, const Layout *outer, const HtmlNode *node, const OntologyItem *item)
{
    Layout inner = {.level = outer->level + 1, .page = page_of(node, item, outer->page)};
    if (!(item->class->flags & ONTOLOGY_DOCUMENT)) {
        CLEANUP(buffer_done) Buffer html = {0};
        Layout here = *outer;
        here.page = inner.page;
        TRY(ontology_write_tag(node, item, &html));
        TRY(add_element(w, &here, ELEMENT_UNCATEGORIZED_TEXT, STR_EMPTY, buffer_str(&html)));
        inner.parent = (uint32_t)w->builder->elements->count;
        inner.depth = outer->depth + 1;
    }
    return walk_children(w, &inner, node);
}

Error *html_add_ontology(Builder *builder, Str html, const PartitionOptions *options)
{
    HtmlTree tree;
    Arena *arena = builder->elements->arena;
    TRY_CTX(html_read(html, HTML_READ_WHOLE, options->depth_max, arena, &tree), "html");
    if (tree.root) {
        unwrap_divs(tree.root);
        drop_empty(tree.root);
        tidy(tree.root, SPACES_SINGLE);
    }
    const HtmlNode *top = tree.root ? find_top(tree.root) : NULL;
    if (!top)
        return FAIL(UNSUPPORTED,
                    "html: neither a body of class 'Document' nor a div of class 'Page', where the ontology "
                    "parser begins");
    CLEANUP(walker_done)
    OntologyWalker walker = {.builder = builder,
                             .arena = arena,
                             .run.text.limit = builder->text_left + KIB,
                             .run.html.limit = 8 * builder->text_left + KIB};
    OntologyItem item = ontology_item(top, 1);
    TRY(walk_layout(&walker, &(Layout){.level = 1}, top, &item));
    return html_tree_limit(&tree);
}
