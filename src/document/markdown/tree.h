/* tree.h - the blocks of a Markdown text, as Python-Markdown finds them, and the text in them, still to be read for emphasis and links.
 * Source: spec/unstructured.md 3.5; the behaviour of Python-Markdown 3 with its extensions `tables` and `fenced_code`. */
#ifndef DOCUMENT_MARKDOWN_TREE_H
#define DOCUMENT_MARKDOWN_TREE_H

#include "base/arena.h"
#include "base/buffer.h"

typedef enum MdTag {
    MD_ROOT,
    MD_PARAGRAPH,
    MD_HEADING,
    MD_CODE,
    MD_CODE_PART,
    MD_RULE,
    MD_BULLETS,
    MD_NUMBERS,
    MD_ITEM,
    MD_QUOTE,
    MD_TABLE,
    MD_ROW,
    MD_HEADER_ROW,
    MD_CELL
} MdTag;

typedef struct MdNode MdNode;
struct MdNode {
    MdTag tag;
    unsigned level; /* of a heading, from 1; of a further part of code: line ends before it */
    Str text;       /* before the first child */
    Str tail;       /* behind this node, in its parent */
    MdNode *first_child, *last_child, *next;
};

/* `[name]: url`, found anywhere. */
typedef struct MdReference MdReference;
struct MdReference {
    MdReference *next;
    Str name, url;
};

/* Pieces that are HTML already (blocks of HTML, fenced code): in the text stands STX, the index, ETX. */
typedef struct MdStash {
    Str *items;
    size_t count, capacity;
} MdStash;

enum { MD_REFERENCE_CHAINS = 1024 };

typedef struct Markdown {
    Arena *arena;
    MdNode *root;
    MdReference *references[MD_REFERENCE_CHAINS]; /* chained by the hash of the name */
    MdStash stash;
} Markdown;

enum { MD_STX = 2, MD_ETX = 3 };

/* Cuts `text`, which md_prepare has seen, into blocks below `md->root`. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *md_read_blocks(Markdown *md, Str text);

/* Line ends, tabs, blank lines; fenced code and blocks of HTML into the stash. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *md_prepare(Markdown *md, Str text, Str *ret_text);

/* Appends the text of a block as HTML. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *md_append_inline(const Markdown *md, Str text, Buffer *html);

/* Names match in any case; the last reference of a name is the one that counts. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *md_add_reference(Markdown *md, Str name, Str url);

/* `text` with & < > escaped. */
MUST_USE Error *md_append_escaped(Str text, Buffer *html);

/* The index in a placeholder that begins at `at`, which moves behind it; false when there is none. */
bool md_take_placeholder(const Markdown *md, Str text, size_t *at, size_t *ret_index);

#endif
