#include "document/html/html.h"

#include "base/buffer.h"
#include "document/chars.h"
#include "document/html/older.h"
#include "document/html/ontology.h"
#include "document/html/table.h"
#include "document/html/text_list.h"
#include "document/html/tree.h"
#include "document/rules.h"
#include "document/text/charset.h"

enum { BOLD = 1, ITALIC = 2, META_LOOKED_AT_BYTES = 1024 };

/* The paragraph being put together. Only one is open at a time: a block inside another first ends what came before it. */
typedef struct Paragraph {
    Buffer text; /* as it stands, white space and all */
    TextList emphasized_contents, emphasized_tags, link_texts, link_urls;
} Paragraph;

typedef struct HtmlWalker {
    Builder *builder;
    Arena *arena;
    bool titles_from_text;
    Paragraph paragraph;
    Str pending_link; /* of an `a` around blocks: the next element gets it; "": none */
} HtmlWalker;

/* A block whose paragraphs are being read; lives on the stack of the walk. */
typedef struct Flow {
    const HtmlNode *node;
    bool first; /* its first paragraph, which has the block's own type, is still to end */
} Flow;

static void walker_done(HtmlWalker *w)
{
    buffer_done(&w->paragraph.text);
}

static bool is_in_list(const HtmlNode *node)
{
    return node->tag.kind == TAG_LIST || node->tag.name == NAME_DL;
}

static int32_t list_depth(const HtmlNode *node)
{
    int32_t depth = 0;
    for (node = node->parent; node; node = node->parent)
        depth += is_in_list(node);
    return depth;
}

/* One line feed directly behind `<pre>` and one before its end are not text. */
static Str preformatted_text(Str text)
{
    if (text.len > 0 && text.data[0] == '\n')
        text = str_slice(text, 1, text.len);
    if (text.len > 0 && text.data[text.len - 1] == '\n')
        text = str_slice(text, 0, text.len - 1);
    return text;
}

/* The type of a paragraph that is no heading, item or code. False: too short to be kept. */
static bool classify(const HtmlWalker *w, Str *text, ElementType *ret_type)
{
    if (text_is_bulleted(*text)) {
        *text = text_without_bullet(*text);
        *ret_type = ELEMENT_LIST_ITEM;
        return text->len > 0;
    }
    size_t one = 0;
    str_next_code_point(*text, &one);
    if (text_is_us_city_state_zip(*text))
        *ret_type = ELEMENT_ADDRESS;
    else if (text_is_email_address(*text))
        *ret_type = ELEMENT_EMAIL_ADDRESS;
    else if (one == text->len)
        return false;
    else if (text_is_possible_narrative(*text))
        *ret_type = ELEMENT_NARRATIVE_TEXT;
    else if (w->titles_from_text && text_is_possible_title(*text))
        *ret_type = ELEMENT_TITLE;
    else
        *ret_type = ELEMENT_UNCATEGORIZED_TEXT;
    return true;
}

static bool own_type(const HtmlNode *node, ElementType *ret_type)
{
    switch (node->tag.kind) {
    case TAG_HEADING: *ret_type = ELEMENT_TITLE; return true;
    case TAG_LIST_ITEM: *ret_type = ELEMENT_LIST_ITEM; return true;
    case TAG_PREFORMATTED: *ret_type = ELEMENT_CODE_SNIPPET; return true;
    default: return false;
    }
}

MUST_USE static Error *set_link(HtmlWalker *w, Element *element)
{
    TextList texts = {0}, urls = {0};
    if (w->pending_link.len == 0 || element->text.len == 0)
        return NULL;
    const ElementRare *rare = element_rare(element);
    for (size_t i = 0; i < rare->link_texts.count; i++) {
        TRY(text_list_add(w->arena, &texts, rare->link_texts.items[i]));
        TRY(text_list_add(w->arena, &urls, rare->link_urls.items[i]));
    }
    TRY(text_list_add(w->arena, &texts, element->text));
    TRY(text_list_add(w->arena, &urls, w->pending_link));
    w->pending_link = STR_EMPTY;
    return text_lists_give_links(&texts, &urls, w->arena, element);
}

MUST_USE static Error *add_paragraph(HtmlWalker *w, const HtmlNode *node, bool first, Str text)
{
    ElementType type;
    Element *element;
    if (!(first && own_type(node, &type)) && !classify(w, &text, &type))
        return NULL;
    TRY(builder_add(w->builder, type, text, &element));
    element->page_number = node->page_number;
    if (type == ELEMENT_TITLE)
        element->category_depth = node->tag.kind == TAG_HEADING ? node->tag.level - 1 : 0;
    if (type == ELEMENT_LIST_ITEM)
        element->category_depth = list_depth(node);
    Paragraph *p = &w->paragraph;
    TRY(text_lists_give_emphasis(&p->emphasized_contents, &p->emphasized_tags, w->arena, element));
    TRY(text_lists_give_links(&p->link_texts, &p->link_urls, w->arena, element));
    return set_link(w, element);
}

/* Ends the open paragraph of `flow`: makes it an element, or forgets it when it is blank. */
MUST_USE static Error *flow_flush(HtmlWalker *w, Flow *flow)
{
    Paragraph *p = &w->paragraph;
    Str raw = buffer_str(&p->text), text;
    bool first = flow->first;
    flow->first = false;
    Error *error = NULL;
    if (chars_trim(raw).len > 0) {
        if (first && flow->node->tag.kind == TAG_PREFORMATTED)
            text = preformatted_text(raw);
        else
            error = arena_collapse_space(w->arena, raw, &text);
        if (!error)
            error = add_paragraph(w, flow->node, first, text);
    }
    buffer_clear(&p->text);
    p->emphasized_contents = p->emphasized_tags = p->link_texts = p->link_urls = (TextList){0};
    return error;
}

MUST_USE static Error *add_text(HtmlWalker *w, Str text, unsigned emphasis)
{
    static const Str tags[] = {{"", 0}, {"b", 1}, {"i", 1}, {"bi", 2}};
    TRY(buffer_append_str(&w->paragraph.text, text));
    if (!emphasis)
        return NULL;
    Str content;
    TRY(arena_collapse_space(w->arena, text, &content));
    if (content.len == 0)
        return NULL;
    TRY(text_list_add(w->arena, &w->paragraph.emphasized_contents, content));
    return text_list_add(w->arena, &w->paragraph.emphasized_tags, tags[emphasis]);
}

MUST_USE static Error *walk_block(HtmlWalker *w, const HtmlNode *node);
MUST_USE static Error *walk_inline(HtmlWalker *w, Flow *flow, const HtmlNode *node, unsigned emphasis);

/* The children of an inline element or a block. The depth of these calls is that of the tree, which html_read bounds. */
MUST_USE static Error *walk_children(HtmlWalker *w, Flow *flow, const HtmlNode *node, unsigned emphasis)
{
    for (const HtmlNode *child = node->first_child; child; child = child->next) {
        if (child->is_text)
            TRY(add_text(w, child->text, emphasis));
        else if (!tag_is_block(child->tag))
            TRY(walk_inline(w, flow, child, emphasis));
        else {
            TRY(flow_flush(w, flow));
            TRY(walk_block(w, child));
        }
    }
    return NULL;
}

/* The link gets the text of the paragraph from `from` on, or waits for the first block in it. */
MUST_USE static Error *end_link(HtmlWalker *w, Str url, size_t from, size_t elements_before)
{
    Paragraph *p = &w->paragraph;
    Str text;
    if (w->builder->elements->count > elements_before) { /* a block in it took the link */
        w->pending_link = STR_EMPTY;
        return NULL;
    }
    w->pending_link = STR_EMPTY;
    TRY(arena_collapse_space(w->arena, str_slice(buffer_str(&p->text), from, p->text.len), &text));
    if (text.len == 0)
        return NULL;
    TRY(text_list_add(w->arena, &p->link_texts, text));
    return text_list_add(w->arena, &p->link_urls, url);
}

static bool has_block(const HtmlNode *node)
{
    for (const HtmlNode *child = node->first_child; child; child = child->next) {
        if (!child->is_text && tag_is_block(child->tag))
            return true;
    }
    return false;
}

MUST_USE static Error *walk_link(HtmlWalker *w, Flow *flow, const HtmlNode *node, unsigned emphasis)
{
    if (node->link.len == 0)
        return walk_children(w, flow, node, emphasis);
    size_t from = w->paragraph.text.len, elements_before = w->builder->elements->count;
    if (has_block(node)) {
        TRY(flow_flush(w, flow));
        from = 0;
        elements_before = w->builder->elements->count;
        w->pending_link = node->link;
    }
    TRY(walk_children(w, flow, node, emphasis));
    return end_link(w, node->link, MIN(from, w->paragraph.text.len), elements_before);
}

Error *walk_inline(HtmlWalker *w, Flow *flow, const HtmlNode *node, unsigned emphasis)
{
    switch ((TagKind)node->tag.kind) {
    case TAG_LINE_BREAK: return add_text(w, STR("\n"), 0);
    case TAG_BOLD: return walk_children(w, flow, node, emphasis | BOLD);
    case TAG_ITALIC: return walk_children(w, flow, node, emphasis | ITALIC);
    case TAG_INLINE: return walk_children(w, flow, node, emphasis);
    case TAG_LINK: return walk_link(w, flow, node, emphasis);
    case TAG_UNKNOWN:
    case TAG_STRIPPED:
    case TAG_FLOW:
    case TAG_HEADING:
    case TAG_PREFORMATTED:
    case TAG_LIST:
    case TAG_LIST_ITEM:
    case TAG_IMAGE:
    case TAG_TABLE:
    case TAG_DROPPED_BLOCK: break;
    }
    return NULL;
}

MUST_USE static Error *add_image(HtmlWalker *w, const HtmlNode *node)
{
    Element *element;
    Str text;
    if (node->link.len == 0)
        return NULL;
    TRY(arena_collapse_space(w->arena, node->alternative, &text));
    TRY(builder_add(w->builder, ELEMENT_IMAGE, text, &element));
    element->page_number = node->page_number;
    if (!str_starts_with(node->link, STR("data:"))) {
        ElementRare *rare;
        TRY(element_add_rare(element, w->arena, &rare));
        rare->image_url = node->link;
    }
    return set_link(w, element);
}

MUST_USE static Error *walk_flow(HtmlWalker *w, const HtmlNode *node)
{
    Flow flow = {.node = node, .first = true};
    TRY(walk_children(w, &flow, node, 0));
    return flow_flush(w, &flow);
}

Error *walk_block(HtmlWalker *w, const HtmlNode *node)
{
    if (node->tag.kind == TAG_TABLE)
        return table_add_element(w->builder, node, TABLE_MODERN);
    if (node->tag.kind == TAG_IMAGE)
        return add_image(w, node);
    if (node->tag.kind == TAG_DROPPED_BLOCK)
        return NULL;
    return walk_flow(w, node);
}

Error *html_add_elements(Builder *builder, Str html, const PartitionOptions *options)
{
    if (options->html_parser == HTML_PARSER_TREE || options->html_parser == HTML_PARSER_SEED)
        return html_add_by_older_rules(builder, html, options);
    HtmlTree tree;
    Arena *arena = builder->elements->arena;
    TRY_CTX(html_read(html, HTML_READ_BLOCKS, options->depth_max, arena, &tree), "html");
    const HtmlNode *top = tree.main ? tree.main : tree.body ? tree.body : tree.root;
    CLEANUP(walker_done)
    HtmlWalker walker = {.builder = builder,
                         .arena = arena,
                         .pending_link = STR_EMPTY,
                         .titles_from_text = options->titles_from_text,
                         .paragraph.text.limit = builder->text_left + KIB};
    if (top)
        TRY(walk_flow(&walker, top));
    return html_tree_limit(&tree);
}

/* `charset=name` near the start, which counts only for bytes that are not UTF-8; "" when there is none, an unknown one, or UTF-8, which is wrong then. */
static Str declared_charset(Bytes input)
{
    Str head = str_slice(bytes_str(input), 0, META_LOOKED_AT_BYTES), key = STR("charset=");
    for (size_t at = 0; at + key.len < head.len; at++) {
        if (!str_equal_nocase(str_slice(head, at, at + key.len), key))
            continue;
        size_t from = at + key.len;
        from += head.data[from] == '"' || head.data[from] == '\'';
        size_t to = from;
        while (to < head.len && !strchr("\"' />;", head.data[to]))
            to++;
        Str name = str_slice(head, from, to);
        bool helps =
            charset_is_known(name) && !str_equal_nocase(name, STR("utf-8")) && !str_equal_nocase(name, STR("utf8"));
        return helps && !str_is_utf8(bytes_str(input)) ? name : STR_EMPTY;
    }
    return STR_EMPTY;
}

Error *partition_html(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                      Elements *elements)
{
    (void)filetype;
    Str text;
    Builder builder;
    builder_init(&builder, options, watch, elements);
    Str declared = options->encoding.len > 0 ? options->encoding : declared_charset(input);
    TRY(charset_decode(input, declared, elements->arena, &text));
    if (options->html_parser == HTML_PARSER_ONTOLOGY)
        return html_add_ontology(&builder, text, options);
    return html_add_elements(&builder, text, options);
}
