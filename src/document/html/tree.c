#include "document/html/tree.h"

#include "document/html/crowded.h"

#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>

/* Text arrives in pieces: they are gathered here and become one node when a tag comes. */
enum { PIECES_FIRST_BYTES = 4096, DEPTH_MAX = 256, ATTRIBUTES_MAX = 256 };

typedef struct TreeBuilder {
    Arena *arena;
    htmlParserCtxtPtr parser;
    HtmlTree *tree;
    HtmlNode *open; /* the innermost element; NULL before the root */
    HtmlReading reading;
    unsigned depth, depth_max;
    uint32_t nodes;
    unsigned skipping; /* open elements from the stripped one on; 0: none */
    char *pieces;      /* the text since the last tag */
    size_t pieces_len, pieces_capacity;
    bool no_memory; /* of the arena, or its limit */
} TreeBuilder;

static void stop(TreeBuilder *b)
{
    xmlStopParser(b->parser);
}

static HtmlNode *new_node(TreeBuilder *b)
{
    HtmlNode *node = ARENA_NEW(b->arena, HtmlNode);
    if (!node) {
        b->no_memory = true;
        stop(b);
        return NULL;
    }
    HtmlNode *parent = b->open;
    node->parent = parent;
    node->order = node->last_order = b->nodes++;
    if (!parent)
        return node;
    node->page_number = parent->page_number;
    if (parent->last_child)
        parent->last_child->next = node;
    else
        parent->first_child = node;
    parent->last_child = node;
    return node;
}

static Str keep(TreeBuilder *b, Str text)
{
    Str copy = text.len > 0 ? arena_str(b->arena, text) : STR_EMPTY;
    if (!copy.data) {
        b->no_memory = true;
        stop(b);
        return STR_EMPTY;
    }
    return copy;
}

static void flush_text(TreeBuilder *b)
{
    Str text = {b->pieces, b->pieces_len};
    b->pieces_len = 0;
    if (text.len == 0 || !b->open || b->no_memory)
        return;
    HtmlNode *node = new_node(b);
    if (!node)
        return;
    node->is_text = true;
    node->text = text;
    b->pieces += text.len; /* what lies there is the node's from now on */
    b->pieces_capacity -= text.len;
}

static bool grow_pieces(TreeBuilder *b, size_t more)
{
    if (more <= b->pieces_capacity - b->pieces_len)
        return true;
    size_t capacity = MAX(2 * b->pieces_capacity, MAX(b->pieces_len + more, (size_t)PIECES_FIRST_BYTES));
    char *pieces = arena_alloc(b->arena, capacity);
    if (!pieces) {
        b->no_memory = true;
        stop(b);
        return false;
    }
    if (b->pieces_len > 0)
        memcpy(pieces, b->pieces, b->pieces_len);
    b->pieces = pieces;
    b->pieces_capacity = capacity;
    return true;
}

static void on_text(void *context, const xmlChar *text, int len)
{
    TreeBuilder *b = context;
    if (len <= 0 || b->skipping || b->no_memory || !grow_pieces(b, (size_t)len))
        return;
    memcpy(b->pieces + b->pieces_len, text, (size_t)len);
    b->pieces_len += (size_t)len;
}

static Str xml_str(const xmlChar *text)
{
    return str_of((const char *)text);
}

/* Leaves the number as it was when the text is none, or too large a one. */
static void read_number(Str text, uint32_t *number)
{
    uint64_t read;
    if (str_to_u64(str_trim(text), &read) && read <= UINT32_MAX)
        *number = (uint32_t)read;
}

static void read_attributes(TreeBuilder *b, HtmlNode *node, const xmlChar **attributes)
{
    bool from_data = false;
    for (; attributes && attributes[0]; attributes += 2) {
        Str name = xml_str(attributes[0]), value = xml_str(attributes[1]);
        bool image = node->tag.kind == TAG_IMAGE;
        if (str_equal(name, STR("data-page-number")))
            read_number(value, &node->page_number);
        else if (tag_is_cell(node->tag) && str_equal(name, STR("colspan")))
            read_number(value, &node->columns);
        else if (tag_is_cell(node->tag) && str_equal(name, STR("rowspan")))
            read_number(value, &node->rows);
        else if (node->tag.kind == TAG_LINK && str_equal(name, STR("href")))
            node->link = keep(b, value);
        else if (image && str_equal(name, STR("alt")))
            node->alternative = keep(b, value);
        else if (image && str_equal(name, STR("data-src"))) {
            node->link = keep(b, value);
            from_data = value.len > 0;
        } else if (image && !from_data && str_equal(name, STR("src")))
            node->link = keep(b, value);
    }
}

static void keep_attributes(TreeBuilder *b, HtmlNode *node, const xmlChar **attributes)
{
    size_t count = 0;
    while (attributes && attributes[2 * count])
        count++;
    node->attributes = ARENA_ARRAY(b->arena, HtmlAttribute, count);
    if (!node->attributes) {
        b->no_memory = true;
        stop(b);
        return;
    }
    for (size_t i = 0; i < count; i++)
        node->attributes[i] =
            (HtmlAttribute){keep(b, xml_str(attributes[2 * i])), keep(b, xml_str(attributes[2 * i + 1]))};
    node->attribute_count = count;
}

static void note_place(HtmlTree *tree, HtmlNode *node)
{
    if (!tree->root)
        tree->root = node;
    if (node->tag.name == NAME_MAIN && !tree->main)
        tree->main = node;
    if (node->tag.name == NAME_BODY && !tree->body)
        tree->body = node;
}

static bool is_stripped(const TreeBuilder *b, Tag tag)
{
    if (b->reading == HTML_READ_WHOLE)
        return tag.name == NAME_SCRIPT || tag.name == NAME_STYLE;
    return tag.kind == TAG_STRIPPED;
}

static void on_start(void *context, const xmlChar *name, const xmlChar **attributes)
{
    TreeBuilder *b = context;
    if (b->no_memory)
        return;
    if (++b->depth > b->depth_max) {
        b->tree->too_deep = true;
        stop(b);
        return;
    }
    Tag tag = tag_find(xml_str(name));
    if (b->skipping || is_stripped(b, tag)) {
        b->skipping++;
        return;
    }
    flush_text(b);
    HtmlNode *node = new_node(b);
    if (!node)
        return;
    node->tag = tag;
    node->link = node->alternative = STR_EMPTY;
    read_attributes(b, node, attributes);
    if (b->reading == HTML_READ_WHOLE) {
        node->name = keep(b, xml_str(name));
        keep_attributes(b, node, attributes);
    }
    note_place(b->tree, node);
    b->open = node;
}

static void on_end(void *context, const xmlChar *name)
{
    (void)name;
    TreeBuilder *b = context;
    if (b->no_memory || b->depth == 0)
        return;
    b->depth--;
    if (b->skipping) {
        b->skipping--;
        return;
    }
    flush_text(b);
    if (b->open && b->open->parent) {
        b->open->last_order = b->nodes - 1;
        b->open = b->open->parent;
    }
}

/* libxml2 takes a zero byte for the end of the input. */
MUST_USE static Error *without_zero_bytes(Str text, Arena *arena, Str *ret_text)
{
    *ret_text = text;
    if (str_find_char(text, '\0') == SIZE_MAX)
        return NULL;
    char *bytes = arena_alloc(arena, text.len);
    if (!bytes)
        return arena_error(arena);
    for (size_t i = 0; i < text.len; i++)
        bytes[i] = text.data[i] ? text.data[i] : ' ';
    *ret_text = (Str){bytes, text.len};
    return NULL;
}

static void run_parser(TreeBuilder *b)
{
    static const int options = HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET
                               | HTML_PARSE_IGNORE_ENC | HTML_PARSE_COMPACT;
    htmlSAXHandler events = {
        .startElement = on_start,
        .endElement = on_end,
        .characters = on_text,
        .ignorableWhitespace = on_text,
    };
    htmlCtxtUseOptions(b->parser, options);
    *b->parser->sax = events;
    b->parser->userData = b;
    xmlSwitchEncoding(b->parser, XML_CHAR_ENCODING_UTF8);
    htmlParseDocument(b->parser);
}

/* The elements that are still open end here. */
static void end_all(TreeBuilder *b)
{
    flush_text(b);
    for (HtmlNode *node = b->open; node; node = node->parent)
        node->last_order = b->nodes - 1;
}

Error *html_read(Str text, HtmlReading reading, unsigned depth_max, Arena *arena, HtmlTree *ret_tree)
{
    *ret_tree = (HtmlTree){.depth_max = depth_max ? depth_max : DEPTH_MAX};
    TRY(without_zero_bytes(text, arena, &text));
    ret_tree->crowded_at = html_find_crowded_tag(text, ATTRIBUTES_MAX);
    text = str_slice(text, 0, ret_tree->crowded_at);
    if (text.len > INT32_MAX)
        return FAIL(LIMIT, "html: %zu bytes are more than the 2 GiB that can be read", text.len);
    if (text.len == 0)
        return NULL;
    TreeBuilder builder = {.arena = arena, .tree = ret_tree, .reading = reading, .depth_max = ret_tree->depth_max};
    builder.parser = htmlCreateMemoryParserCtxt(text.data, (int)text.len);
    if (!builder.parser)
        return FAIL(NO_MEMORY, "html: no memory for a parser");
    run_parser(&builder);
    end_all(&builder);
    bool parser_failed = builder.parser->errNo == XML_ERR_NO_MEMORY;
    htmlFreeParserCtxt(builder.parser);
    if (builder.no_memory)
        return arena_error(arena);
    return parser_failed ? FAIL(NO_MEMORY, "html: the parser had no memory") : NULL;
}

Error *html_tree_limit(const HtmlTree *tree)
{
    if (tree->too_deep)
        return FAIL(LIMIT, "html: tags are nested more than %u deep (depth_max); what follows is left out",
                    tree->depth_max);
    if (tree->crowded_at != SIZE_MAX)
        return FAIL(LIMIT, "html: the tag at byte %zu has more than %d attributes; what follows is left out",
                    tree->crowded_at, ATTRIBUTES_MAX);
    return NULL;
}

Str html_attribute(const HtmlNode *node, Str name)
{
    for (size_t i = 0; i < node->attribute_count; i++) {
        if (str_equal(node->attributes[i].name, name))
            return node->attributes[i].value;
    }
    return STR_EMPTY;
}

const HtmlNode *html_next_inside(const HtmlNode *node, const HtmlNode *top)
{
    if (node->first_child)
        return node->first_child;
    while (node != top && !node->next)
        node = node->parent;
    return node == top ? NULL : node->next;
}

void html_warm_up(void)
{
    xmlInitParser();
    htmlInitAutoClose();
}
