/* styles.h - what a paragraph's style says of its type and depth. Source: spec/unstructured.md 3.8; ECMA-376-1 17.7. */
#ifndef DOCUMENT_OFFICE_STYLES_H
#define DOCUMENT_OFFICE_STYLES_H

#include "document/element.h"

/* What the name of a style means. */
typedef struct WordStyleMeaning {
    bool typed; /* or the text decides */
    ElementType type;
    int32_t depth;
} WordStyleMeaning;

typedef struct WordStyle {
    Str id;
    size_t place; /* in the file: of equal ids the first counts */
    WordStyleMeaning meaning;
} WordStyle;

/* The paragraph styles of a document, in an arena. Zeroed: none, all paragraphs are normal. */
typedef struct WordStyles {
    WordStyle *items; /* by id */
    size_t count;
    WordStyleMeaning normal; /* of paragraphs without a style, or with one that does not exist */
} WordStyles;

WordStyleMeaning word_style_meaning(Str name);

/* Reads the styles part. Errors: CORRUPT, LIMIT, NO_MEMORY; `ret_styles` is then as it was. */
MUST_USE Error *word_styles_read(Bytes xml, Arena *arena, WordStyles *ret_styles);

WordStyleMeaning word_styles_find(const WordStyles *styles, Str id);

#endif
