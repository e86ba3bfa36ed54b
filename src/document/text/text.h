/* text.h - plain text cut into paragraphs. Source: spec/unstructured.md 3.3. */
#ifndef DOCUMENT_TEXT_TEXT_H
#define DOCUMENT_TEXT_TEXT_H

#include "document/builder.h"

/* Adds the paragraphs of `text` (UTF-8, any line ends) with the types that their words give them. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *text_add_paragraphs(Builder *builder, Str text);
/* The same with every line a paragraph. */
MUST_USE Error *text_add_lines(Builder *builder, Str text);

#endif
