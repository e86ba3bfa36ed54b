/* tree.h - HTML as a tree of what partitioning needs: tags, text, five attributes. libxml2's HTML parser reads, and tells it event by
 * event, so that its own tree is never built: memory comes from the arena and the depth is ours to bound. */
#ifndef DOCUMENT_HTML_TREE_H
#define DOCUMENT_HTML_TREE_H

#include "base/arena.h"
#include "document/html/tags.h"

typedef struct HtmlNode HtmlNode;
struct HtmlNode {
    HtmlNode *parent, *first_child, *last_child, *next;
    bool is_text;
    Tag tag;
    uint32_t page_number; /* of the nearest data-page-number; 0: none */
    Str text;             /* of a text node */
    Str link;             /* href of an `a`; source of an `img` */
    Str alternative;      /* alt of an `img` */
};

typedef struct HtmlTree {
    HtmlNode *root;        /* NULL: nothing there */
    HtmlNode *main, *body; /* the first of each; NULL: none */
    bool too_deep;         /* what lies behind the first tag deeper than the limit is missing */
} HtmlTree;

/* Reads `text`, UTF-8, into `arena`. Anything is HTML: the parser repairs as browsers do, more or less. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *html_read(Str text, unsigned depth_max, Arena *arena, HtmlTree *ret_tree);

/* Tables of the parser, before threads and locks. */
void html_warm_up(void);

#endif
