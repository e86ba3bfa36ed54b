/* older.h - HTML as it was read up to 0.14: node by node, every text with the text behind its tag. Source: spec/unstructured.md 3.4, "tree
 * parser". */
#ifndef DOCUMENT_HTML_OLDER_H
#define DOCUMENT_HTML_OLDER_H

#include "document/builder.h"

/* Adds the elements of `html`, UTF-8, by the rules of `options->html_parser`, HTML_PARSER_TREE or HTML_PARSER_SEED. Errors: as
 * html_add_elements. */
MUST_USE Error *html_add_by_older_rules(Builder *builder, Str html, const PartitionOptions *options);

#endif
