/* ontology_html.h - items of an ontology as HTML again, `text_as_html`: clean, each with its class. Source: unstructured 0.27.32. */
#ifndef DOCUMENT_HTML_ONTOLOGY_HTML_H
#define DOCUMENT_HTML_ONTOLOGY_HTML_H

#include "base/buffer.h"
#include "document/html/ontology_class.h"

/* Appends the item and all that is in it; its level is that of its children less one. Attributes are expected in byte order. Errors: LIMIT,
 * NO_MEMORY (of `out`). */
MUST_USE Error *ontology_write_html(const HtmlNode *node, const OntologyItem *item, unsigned level, Buffer *out);

/* The item alone, as if it were empty. */
MUST_USE Error *ontology_write_tag(const HtmlNode *node, const OntologyItem *item, Buffer *out);

/* Text between tags, trimmed: a Paragraph. */
MUST_USE Error *ontology_write_text(Str text, Buffer *out);

/* Appends the text of all text nodes from `*node` on that stand side by side, and moves `*node` behind them. */
MUST_USE Error *ontology_take_text(const HtmlNode **node, Buffer *out);

#endif
