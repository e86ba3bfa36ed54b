/* html.h - HTML to elements; Markdown goes through here too. Source: spec/unstructured.md 3.4. */
#ifndef DOCUMENT_HTML_HTML_H
#define DOCUMENT_HTML_HTML_H

#include "document/builder.h"

/* Adds the elements of `html`, UTF-8. Errors: LIMIT (depth: what came before stays; text; arena), NO_MEMORY. */
MUST_USE Error *html_add_elements(Builder *builder, Str html, const PartitionOptions *options);

#endif
