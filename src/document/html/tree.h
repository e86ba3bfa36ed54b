/* tree.h - HTML as a tree of what partitioning needs: tags, text, five attributes, or all of them. libxml2's HTML parser reads, and tells it
 * event by event, so that its own tree is never built: memory comes from the arena and the depth is ours to bound. */
#ifndef DOCUMENT_HTML_TREE_H
#define DOCUMENT_HTML_TREE_H

#include "base/arena.h"
#include "document/html/tags.h"

typedef struct HtmlAttribute {
    Str name, value; /* in lower case; entities decoded, "" for an attribute without value */
} HtmlAttribute;

typedef struct HtmlNode HtmlNode;
struct HtmlNode {
    HtmlNode *parent, *first_child, *last_child, *next;
    bool is_text;
    Tag tag;
    uint32_t order, last_order; /* its place in the document from 0, and that of the last node in it */
    uint32_t columns, rows;     /* of a cell: its colspan and rowspan as they are said; 0: not */
    uint32_t page_number;       /* of the nearest data-page-number; 0: none */
    Str text;                   /* of a text node */
    Str link;                   /* href of an `a`; source of an `img` */
    Str alternative;            /* alt of an `img` */
    /* Of a tree that was read whole: */
    Str name; /* of the tag, in lower case */
    HtmlAttribute *attributes;
    size_t attribute_count;
};

typedef struct HtmlTree {
    HtmlNode *root;        /* NULL: nothing there */
    HtmlNode *main, *body; /* the first of each; NULL: none */
    unsigned depth_max;    /* that it was read with */
    bool too_deep;         /* what lies behind the first tag deeper than the limit is missing */
    size_t
        crowded_at; /* where the first tag with too many attributes begins, from which on all is missing; SIZE_MAX: there is none */
} HtmlTree;

/* What is kept: of a tree that is read whole, names, all attributes, and everything but script and style. */
typedef enum HtmlReading { HTML_READ_BLOCKS, HTML_READ_WHOLE } HtmlReading;

/* Reads `text`, UTF-8, into `arena`. Anything is HTML: the parser repairs as browsers do, more or less. `depth_max` 0: 256.
 * Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *html_read(Str text, HtmlReading reading, unsigned depth_max, Arena *arena, HtmlTree *ret_tree);

/* What could not be read of the tree, once all that could has been used: LIMIT, or NULL. */
MUST_USE Error *html_tree_limit(const HtmlTree *tree);

/* The value of an attribute of a tree that was read whole; "" when it has none. */
Str html_attribute(const HtmlNode *node, Str name);

/* The node behind `node` in document order that is not outside `top`; NULL at the end. */
const HtmlNode *html_next_inside(const HtmlNode *node, const HtmlNode *top);

/* Tables of the parser, before threads and locks. */
void html_warm_up(void);

#endif
