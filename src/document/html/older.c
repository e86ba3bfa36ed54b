#include "document/html/older.h"

#include "base/buffer.h"
#include "document/chars.h"
#include "document/html/table.h"
#include "document/html/text_list.h"
#include "document/html/tree.h"
#include "document/quotes.h"
#include "document/rules.h"

enum {
    SEED_CHILDREN_MAX = 5, /* a node with more is no text, but what texts stand in */
    CHILDREN_MAX = 15,
    BULLET_HEAD_BYTES = 16 /* as much of a text as tells whether it is bulleted */
};

typedef struct OlderWalker {
    Builder *builder;
    Arena *arena;
    bool seed; /* 0.4.10; else 0.14.10 */
    Buffer text, repaired;
    uint32_t skip_from, skip_to; /* nodes whose text has been used: those from one order to before the other */
    uint32_t page;               /* of the seed, from 1; 0: none */
    size_t page_first;           /* the first element of the page */
} OlderWalker;

static void walker_done(OlderWalker *w)
{
    buffer_done(&w->text);
    buffer_done(&w->repaired);
}

static void skip_descendants(OlderWalker *w, const HtmlNode *node)
{
    w->skip_from = node->order + 1;
    w->skip_to = node->last_order + 1;
}

/* The text before the first child. */
static Str own_text(const HtmlNode *node)
{
    return node->first_child && node->first_child->is_text ? node->first_child->text : STR_EMPTY;
}

/* The text behind the tag. */
static Str tail(const HtmlNode *node)
{
    return node->next && node->next->is_text ? node->next->text : STR_EMPTY;
}

static bool is_blank(Str text)
{
    return chars_trim(text).len == 0;
}

static const HtmlNode *next_element(const HtmlNode *node)
{
    do
        node = node->next;
    while (node && node->is_text);
    return node;
}

static const HtmlNode *first_element(const HtmlNode *node)
{
    const HtmlNode *child = node->first_child;
    return child && child->is_text ? next_element(child) : child;
}

/* What was appended to `w->text`, repaired and trimmed; valid until it changes. */
MUST_USE static Error *gathered(OlderWalker *w, Str *ret_text)
{
    buffer_clear(&w->repaired);
    TRY(quotes_repair(buffer_str(&w->text), &w->repaired));
    *ret_text = chars_trim(buffer_str(&w->repaired));
    return NULL;
}

typedef enum Tail { WITHOUT_TAIL, WITH_TAIL } Tail;

/* All text of the node, and behind it; valid until the next call, as is that of the next two. */
MUST_USE static Error *node_text(OlderWalker *w, const HtmlNode *node, Tail with_tail, Str *ret_text)
{
    buffer_clear(&w->text);
    for (const HtmlNode *n = node; n; n = html_next_inside(n, node)) {
        if (n->is_text)
            TRY(buffer_append_str(&w->text, n->text));
    }
    if (with_tail == WITH_TAIL)
        TRY(buffer_append_str(&w->text, tail(node)));
    return gathered(w, ret_text);
}

/* As much of the text as tells whether it is bulleted, or is there at all. */
MUST_USE static Error *node_head(OlderWalker *w, const HtmlNode *node, Str *ret_text)
{
    buffer_clear(&w->text);
    for (const HtmlNode *n = node; n && w->text.len < BULLET_HEAD_BYTES; n = html_next_inside(n, node)) {
        if (n->is_text && (w->text.len > 0 || !is_blank(n->text)))
            TRY(buffer_append_str(&w->text, w->text.len > 0 ? n->text : chars_trim(n->text)));
    }
    if (w->text.len < BULLET_HEAD_BYTES)
        TRY(buffer_append_str(&w->text, tail(node)));
    return gathered(w, ret_text);
}

MUST_USE static Error *piece_text(OlderWalker *w, Str piece, Str *ret_text)
{
    buffer_clear(&w->text);
    TRY(buffer_append_str(&w->text, piece));
    return gathered(w, ret_text);
}

/* The type of `text`, whose bullet goes. False: it makes no element. */
static bool classify(const OlderWalker *w, Tag tag, Str *text, ElementType *ret_type)
{
    bool heading = tag.kind == TAG_HEADING;
    if (text_is_bulleted(*text)) {
        if (chars_trim(*text).data == text->data) /* behind white space a bullet stays, as it always did */
            *text = text_without_bullet(*text);
        *ret_type = ELEMENT_LIST_ITEM;
        return text->len > 0;
    }
    size_t one = 0;
    if (text->len > 0)
        str_next_code_point(*text, &one);
    if (text_is_us_city_state_zip(*text))
        *ret_type = ELEMENT_ADDRESS;
    else if (!w->seed && text_is_email_address(*text))
        *ret_type = ELEMENT_EMAIL_ADDRESS;
    else if (one == text->len)
        return false;
    else if (!heading && text_is_possible_narrative(*text))
        *ret_type = ELEMENT_NARRATIVE_TEXT;
    else if ((heading && !w->seed) || text_is_possible_title(*text))
        *ret_type = ELEMENT_TITLE;
    else
        *ret_type = ELEMENT_UNCATEGORIZED_TEXT;
    return true;
}

static bool is_list(const HtmlNode *node)
{
    return node->tag.kind == TAG_LIST || node->tag.name == NAME_DL;
}

static bool is_item(const HtmlNode *node)
{
    return node->tag.kind == TAG_LIST_ITEM || node->tag.name == NAME_DD;
}

static int32_t list_depth(const HtmlNode *node)
{
    int32_t depth = 0;
    for (node = node->parent; node; node = node->parent)
        depth += is_list(node) || is_item(node);
    return depth;
}

MUST_USE static Error *add_element(OlderWalker *w, ElementType type, Str text, int32_t depth, Element **ret_element)
{
    TRY(builder_add(w->builder, type, text, ret_element));
    (*ret_element)->page_number = w->page;
    if (!w->seed && (type == ELEMENT_TITLE || type == ELEMENT_LIST_ITEM))
        (*ret_element)->category_depth = depth;
    return NULL;
}

/* The element of `text`, of a `tag`; NULL when it makes none. */
MUST_USE static Error *add_classified(OlderWalker *w, Tag tag, Str text, Element **ret_element)
{
    ElementType type;
    *ret_element = NULL;
    if (!classify(w, tag, &text, &type))
        return NULL;
    return add_element(w, type, text, tag.kind == TAG_HEADING ? tag.level - 1 : 0, ret_element);
}

/* The name with which text is said to be emphasised; NULL: it is not. */
static const char *emphasis_of(const HtmlNode *node)
{
    if (node->is_text)
        return NULL;
    switch (node->tag.name) {
    case NAME_STRONG: return "strong";
    case NAME_EM: return "em";
    case NAME_SPAN: return "span";
    case NAME_B: return "b";
    case NAME_I: return "i";
    default: return NULL;
    }
}

MUST_USE static Error *set_emphasis(OlderWalker *w, const HtmlNode *node, Element *element)
{
    TextList contents = {0}, tags = {0};
    for (const HtmlNode *n = node; n; n = html_next_inside(n, node)) {
        const char *name = emphasis_of(n);
        if (!name)
            continue;
        Str text;
        TRY(node_text(w, n, WITHOUT_TAIL, &text));
        if (text.len == 0)
            continue;
        text = arena_str(w->arena, text);
        if (!text.data)
            return arena_error(w->arena);
        TRY(text_list_add(w->arena, &contents, text));
        TRY(text_list_add(w->arena, &tags, str_of(name)));
    }
    return text_lists_give_emphasis(&contents, &tags, w->arena, element);
}

/* A link's own text is all that is in it; of links inside a text it is what stands before their first tag. */
MUST_USE static Error *set_links(OlderWalker *w, const HtmlNode *node, Element *element)
{
    TextList texts = {0}, urls = {0};
    bool itself = html_attribute(node, STR("href")).len > 0;
    for (const HtmlNode *n = node; n; n = itself ? NULL : html_next_inside(n, node)) {
        Str url = html_attribute(n, STR("href")), text = own_text(n);
        if (url.len == 0)
            continue;
        if (itself) {
            TRY(node_text(w, n, WITHOUT_TAIL, &text));
            text = arena_str(w->arena, text);
            if (!text.data)
                return arena_error(w->arena);
        }
        TRY(text_list_add(w->arena, &texts, text));
        TRY(text_list_add(w->arena, &urls, url));
    }
    return text_lists_give_links(&texts, &urls, w->arena, element);
}

MUST_USE static Error *set_details(OlderWalker *w, const HtmlNode *node, Element *element)
{
    if (w->seed || !element)
        return NULL;
    TRY(set_emphasis(w, node, element));
    return set_links(w, node, element);
}

/* `*ret_added` may be NULL. */
MUST_USE static Error *add_node(OlderWalker *w, const HtmlNode *node, Tail with_tail, bool *ret_added)
{
    Str text;
    Element *element;
    TRY(node_text(w, node, with_tail, &text));
    TRY(add_classified(w, node->tag, text, &element));
    *ret_added = element != NULL;
    return set_details(w, node, element);
}

/* The text before the first child, as an element of its own. */
MUST_USE static Error *add_own_text(OlderWalker *w, const HtmlNode *node)
{
    Str text;
    Element *element;
    TRY(piece_text(w, own_text(node), &text));
    TRY(add_classified(w, node->tag, text, &element));
    const char *name = element ? emphasis_of(node) : NULL;
    if (!name)
        return NULL;
    TextList contents = {0}, tags = {0};
    TRY(text_list_add(w->arena, &contents, chars_trim(own_text(node))));
    TRY(text_list_add(w->arena, &tags, str_of(name)));
    return text_lists_give_emphasis(&contents, &tags, w->arena, element);
}

static bool has_break(const HtmlNode *node)
{
    for (const HtmlNode *n = html_next_inside(node, node); n; n = html_next_inside(n, node)) {
        if (n->tag.kind == TAG_LINE_BREAK)
            return true;
    }
    return false;
}

/* An element for each text between tags. A child with a break in it gives its first text twice, as it always did, and loses what stands behind it. */
MUST_USE static Error *add_broken(OlderWalker *w, const HtmlNode *node, Tail with_tail)
{
    bool added;
    TRY(add_own_text(w, node));
    for (const HtmlNode *child = first_element(node); child; child = next_element(child)) {
        if (!has_break(child)) {
            TRY(add_node(w, child, with_tail, &added));
            continue;
        }
        TRY(add_own_text(w, child));
        TRY(add_broken(w, child, with_tail));
    }
    return NULL;
}

MUST_USE static Error *add_text_node(OlderWalker *w, const HtmlNode *node, Tail with_tail)
{
    bool added = true;
    if (!w->seed && has_break(node))
        TRY(add_broken(w, node, with_tail));
    else
        TRY(add_node(w, node, with_tail, &added));
    if (added || !w->seed)
        skip_descendants(w, node);
    return NULL;
}

/* `div`, and what became its like later. */
static bool is_section(const OlderWalker *w, const HtmlNode *node)
{
    return node->tag.name == NAME_DIV || (!w->seed && node->tag.kind == TAG_PREFORMATTED);
}

static bool is_section_or_body(const OlderWalker *w, const HtmlNode *node)
{
    return is_section(w, node) || (!w->seed && node->tag.name == NAME_BODY);
}

/* More children than a text has; empty ones do not count since they are known. */
static bool has_many_children(const OlderWalker *w, const HtmlNode *node)
{
    size_t count = 0, count_max = w->seed ? SEED_CHILDREN_MAX : CHILDREN_MAX;
    for (const HtmlNode *child = first_element(node); child && count <= count_max; child = next_element(child))
        count += w->seed || !(child->tag.kind == TAG_LINE_BREAK || child->tag.name == NAME_HR);
    return count > count_max;
}

static bool is_list_of_spans(const OlderWalker *w, const HtmlNode *node)
{
    const HtmlNode *first = first_element(node);
    if (!is_section(w, node) || !first || !text_is_bulleted(own_text(first)))
        return false;
    for (const HtmlNode *child = first; child; child = next_element(child)) {
        if (child->tag.name != NAME_SPAN)
            return false;
    }
    return true;
}

static bool is_text(const OlderWalker *w, const HtmlNode *node)
{
    if (has_many_children(w, node))
        return false;
    if (node->tag.kind == TAG_HEADING || node->tag.kind == TAG_LINK)
        return true;
    switch (node->tag.name) {
    case NAME_P:
    case NAME_TD:
    case NAME_SPAN:
    case NAME_FONT: return true;
    default: break;
    }
    if (!w->seed && (node->tag.name == NAME_B || node->tag.kind == TAG_LINE_BREAK))
        return true;
    return (is_section_or_body(w, node) && !first_element(node)) || is_list_of_spans(w, node);
}

static bool is_container_with_text(const OlderWalker *w, const HtmlNode *node)
{
    return is_section_or_body(w, node) && first_element(node)
           && (!is_blank(own_text(node)) || (!w->seed && !is_blank(tail(node))));
}

/* A container's own text keeps its white space. */
MUST_USE static Error *add_container(OlderWalker *w, const HtmlNode *node)
{
    Element *element;
    if (w->seed || is_blank(tail(node))) {
        TRY(add_classified(w, node->tag, own_text(node), &element));
        return set_details(w, node, element);
    }
    TRY(add_text_node(w, node, WITHOUT_TAIL));
    return add_classified(w, node->tag, tail(node), &element);
}

/* Every row that has text is bulleted, and, but for the seed, there is one. */
MUST_USE static Error *is_bulleted_table(OlderWalker *w, const HtmlNode *node, bool *ret_is)
{
    bool any = w->seed;
    *ret_is = false;
    if (node->tag.kind != TAG_TABLE)
        return NULL;
    for (const HtmlNode *n = node; n; n = html_next_inside(n, node)) {
        Str head;
        if (n->tag.name != NAME_TR)
            continue;
        TRY(node_head(w, n, &head));
        any |= head.len > 0;
        if (head.len > 0 && !text_is_bulleted(head))
            return NULL;
    }
    *ret_is = any;
    return NULL;
}

MUST_USE static Error *add_bulleted_rows(OlderWalker *w, const HtmlNode *table)
{
    for (const HtmlNode *n = table; n; n = html_next_inside(n, table)) {
        Str text;
        Element *element;
        if (n->tag.name != NAME_TR)
            continue;
        TRY(node_text(w, n, WITH_TAIL, &text));
        if (text_is_bulleted(text))
            TRY(add_element(w, ELEMENT_LIST_ITEM, text_without_bullet(text), -1, &element));
    }
    skip_descendants(w, table);
    return NULL;
}

MUST_USE static Error *add_item(OlderWalker *w, const HtmlNode *node)
{
    Str text;
    Element *element;
    TRY(node_text(w, node, WITH_TAIL, &text));
    TRY(add_element(w, ELEMENT_LIST_ITEM, text, list_depth(node), &element));
    skip_descendants(w, node);
    return set_details(w, node, element);
}

/* A section that begins with a bullet says that what follows it is an item. */
MUST_USE static Error *add_item_behind(OlderWalker *w, const HtmlNode *section)
{
    Str text;
    Element *element;
    const HtmlNode *next = next_element(section);
    if (!next || has_many_children(w, section))
        return NULL;
    TRY(node_text(w, next, WITH_TAIL, &text));
    if (text.len == 0)
        return NULL;
    TRY(add_element(w, ELEMENT_LIST_ITEM, text, -1, &element));
    skip_descendants(w, next);
    return NULL;
}

MUST_USE static Error *is_bulleted_section(OlderWalker *w, const HtmlNode *node, bool *ret_is)
{
    Str head;
    *ret_is = false;
    if (!is_section(w, node))
        return NULL;
    TRY(node_head(w, node, &head));
    *ret_is = text_is_bulleted(head);
    return NULL;
}

static void end_page(OlderWalker *w)
{
    if (!w->seed || w->builder->elements->count == w->page_first)
        return;
    w->page++;
    w->page_first = w->builder->elements->count;
}

MUST_USE static Error *visit(OlderWalker *w, const HtmlNode *node)
{
    bool bulleted;
    if (is_text(w, node))
        return add_text_node(w, node, WITH_TAIL);
    if (is_container_with_text(w, node))
        return add_container(w, node);
    TRY(is_bulleted_table(w, node, &bulleted));
    if (bulleted)
        return add_bulleted_rows(w, node);
    if (is_item(node))
        return add_item(w, node);
    TRY(is_bulleted_section(w, node, &bulleted));
    if (bulleted)
        return add_item_behind(w, node);
    if (!w->seed && node->tag.kind == TAG_TABLE) {
        skip_descendants(w, node);
        return table_add_element(w->builder, node, TABLE_OLDER);
    }
    if (node->tag.name == NAME_HR)
        end_page(w);
    return NULL;
}

MUST_USE static Error *walk(OlderWalker *w, const HtmlNode *top)
{
    w->skip_from = w->skip_to = 0;
    for (const HtmlNode *node = top; node; node = html_next_inside(node, top)) {
        if (!node->is_text && (node->order < w->skip_from || node->order >= w->skip_to))
            TRY(visit(w, node));
    }
    end_page(w);
    return NULL;
}

static bool is_article(const HtmlNode *node, bool by_property)
{
    if (!by_property)
        return node->tag.name == NAME_ARTICLE;
    return node->tag.name == NAME_DIV && str_equal(html_attribute(node, STR("itemprop")), STR("articleBody"));
}

/* Each article is a page of its own; one that is inside another is read with it. */
MUST_USE static Error *walk_articles(OlderWalker *w, const HtmlNode *top, bool by_property, bool *ret_any)
{
    uint32_t behind = 0;
    *ret_any = false;
    for (const HtmlNode *node = html_next_inside(top, top); node; node = html_next_inside(node, top)) {
        if (node->order < behind || !is_article(node, by_property))
            continue;
        *ret_any = true;
        behind = node->last_order + 1;
        TRY(walk(w, node));
    }
    return NULL;
}

MUST_USE static Error *walk_all(OlderWalker *w, const HtmlNode *top)
{
    bool any = false;
    if (w->seed)
        TRY(walk_articles(w, top, false, &any));
    if (w->seed && !any)
        TRY(walk_articles(w, top, true, &any));
    return any ? NULL : walk(w, top);
}

Error *html_add_by_older_rules(Builder *builder, Str html, const PartitionOptions *options)
{
    HtmlTree tree;
    bool seed = options->html_parser == HTML_PARSER_SEED;
    Arena *arena = builder->elements->arena;
    TRY_CTX(html_read(html, HTML_READ_WHOLE, options->depth_max, arena, &tree), "html");
    CLEANUP(walker_done)
    OlderWalker walker = {.builder = builder,
                          .arena = arena,
                          .seed = seed,
                          .page = seed,
                          .page_first = builder->elements->count,
                          .text.limit = 2 * (builder->text_left + KIB),
                          .repaired.limit = 3 * (builder->text_left + KIB)};
    if (tree.root)
        TRY(walk_all(&walker, tree.main ? tree.main : tree.root));
    return html_tree_limit(&tree);
}
