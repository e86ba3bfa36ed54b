/* Markdown to HTML to elements. Source: spec/unstructured.md 3.5. */
#include "document/html/html.h"
#include "document/markdown/tree.h"
#include "document/text/charset.h"

static const char *tag_of(const MdNode *node)
{
    static const char *const headings[] = {"h1", "h2", "h3", "h4", "h5", "h6"};
    switch (node->tag) {
    case MD_PARAGRAPH: return "p";
    case MD_HEADING: return headings[node->level - 1];
    case MD_BULLETS: return "ul";
    case MD_NUMBERS: return "ol";
    case MD_ITEM: return "li";
    case MD_QUOTE: return "blockquote";
    case MD_TABLE: return "table";
    case MD_ROW:
    case MD_HEADER_ROW: return "tr";
    case MD_CELL: return "td";
    case MD_ROOT:
    case MD_CODE:
    case MD_CODE_PART:
    case MD_RULE: break;
    }
    return "div";
}

MUST_USE static Error *append_code(const MdNode *node, Buffer *html)
{
    TRY(buffer_append_str(html, STR("<pre><code>")));
    TRY(md_append_escaped(node->text, html));
    for (const MdNode *part = node->first_child; part; part = part->next) {
        for (unsigned i = 0; i < part->level; i++)
            TRY(buffer_append_byte(html, '\n'));
        TRY(md_append_escaped(part->text, html));
    }
    return buffer_append_str(html, STR("\n</code></pre>\n"));
}

/* A paragraph that is nothing but a stashed block is that block. */
static bool is_stashed_block(const Markdown *md, const MdNode *node, size_t *ret_index)
{
    size_t at = 0;
    Str text = str_trim(node->text);
    return node->tag == MD_PARAGRAPH && md_take_placeholder(md, text, &at, ret_index) && at == text.len;
}

/* Recursion as deep as blocks nest, which md_read_blocks bounds. */
MUST_USE static Error *append_node(const Markdown *md, const MdNode *node, Buffer *html)
{
    size_t stashed;
    if (node->tag == MD_CODE)
        TRY(append_code(node, html));
    else if (node->tag == MD_RULE)
        TRY(buffer_append_str(html, STR("<hr />\n")));
    else if (is_stashed_block(md, node, &stashed)) {
        TRY(buffer_append_str(html, md->stash.items[stashed]));
        TRY(buffer_append_byte(html, '\n'));
    } else {
        TRY(buffer_append_format(html, "<%s>", tag_of(node)));
        TRY(md_append_inline(md, node->text, html));
        for (const MdNode *child = node->first_child; child; child = child->next)
            TRY(append_node(md, child, html));
        TRY(buffer_append_format(html, "</%s>\n", tag_of(node)));
    }
    return md_append_inline(md, node->tail, html);
}

MUST_USE static Error *markdown_to_html(Arena *arena, Str text, Buffer *html)
{
    Markdown md = {.arena = arena};
    TRY(md_prepare(&md, text, &text));
    TRY(md_read_blocks(&md, text));
    for (const MdNode *node = md.root->first_child; node; node = node->next)
        TRY_CTX(append_node(&md, node, html), "markdown");
    return NULL;
}

Error *partition_markdown(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                          Elements *elements)
{
    (void)filetype;
    Str text;
    Builder builder;
    builder_init(&builder, options, watch, elements);
    TRY(charset_decode(input, options->encoding, elements->arena, &text));
    CLEANUP(buffer_done) Buffer html = {.limit = 16 * text.len + 64 * KIB};
    TRY(markdown_to_html(elements->arena, text, &html));
    return html_add_elements(&builder, buffer_str(&html), options);
}
