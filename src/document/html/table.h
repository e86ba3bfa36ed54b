/* table.h - the text and the compact HTML of a table. Source: spec/unstructured.md 3.4. */
#ifndef DOCUMENT_HTML_TABLE_H
#define DOCUMENT_HTML_TABLE_H

#include "base/buffer.h"
#include "document/builder.h"
#include "document/html/tree.h"
#include "document/table_html.h"

/* How cells are written: as since 0.16.1, or with all their white space and `<td></td>` for an empty one. */
typedef enum TableForm { TABLE_MODERN, TABLE_OLDER } TableForm;

/* Adds a Table element for `table`, or nothing when it has no text. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *table_add_element(Builder *builder, const HtmlNode *table, TableForm form);

#endif
