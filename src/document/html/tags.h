/* tags.h - what each HTML tag does to the text in it. Source: spec/unstructured.md 3.4. */
#ifndef DOCUMENT_HTML_TAGS_H
#define DOCUMENT_HTML_TAGS_H

#include "base/str.h"

typedef enum TagKind {
    TAG_UNKNOWN,  /* inline, its content is dropped; first, so that it is what a missing entry means */
    TAG_STRIPPED, /* removed with its content before anything else looks: script, style ... */
    TAG_FLOW,     /* a container of blocks, a paragraph too */
    TAG_HEADING,
    TAG_PREFORMATTED,
    TAG_LIST,
    TAG_LIST_ITEM,
    TAG_IMAGE,
    TAG_TABLE,
    TAG_DROPPED_BLOCK, /* ends a paragraph, its content is dropped */
    TAG_LINK,
    TAG_BOLD,
    TAG_ITALIC,
    TAG_INLINE,
    TAG_LINE_BREAK
} TagKind;

/* The tags that matter beyond their kind. */
typedef enum TagName {
    NAME_OTHER,
    NAME_ARTICLE,
    NAME_B,
    NAME_BODY,
    NAME_DD,
    NAME_DIV,
    NAME_DL,
    NAME_EM,
    NAME_FONT,
    NAME_HR,
    NAME_I,
    NAME_MAIN,
    NAME_P,
    NAME_SCRIPT,
    NAME_SPAN,
    NAME_STRONG,
    NAME_STYLE,
    NAME_TBODY,
    NAME_TD,
    NAME_TFOOT,
    NAME_TH,
    NAME_THEAD,
    NAME_TR
} TagName;

typedef struct Tag {
    uint8_t kind;  /* TagKind */
    uint8_t name;  /* TagName */
    uint8_t level; /* of a heading, from 1 */
} Tag;

/* `name` in lower case. */
Tag tag_find(Str name);

/* A block ends the paragraph in which it stands; everything else is part of one. */
static inline bool tag_is_block(Tag tag)
{
    return tag.kind >= TAG_FLOW && tag.kind <= TAG_DROPPED_BLOCK;
}

static inline bool tag_is_cell(Tag tag)
{
    return tag.name == NAME_TD || tag.name == NAME_TH;
}

static inline bool tag_is_row_group(Tag tag)
{
    return tag.name == NAME_THEAD || tag.name == NAME_TBODY || tag.name == NAME_TFOOT;
}

#endif
