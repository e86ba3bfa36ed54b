/* table.h - the text and the compact HTML of a table. Source: spec/unstructured.md 3.4. */
#ifndef DOCUMENT_HTML_TABLE_H
#define DOCUMENT_HTML_TABLE_H

#include "base/buffer.h"
#include "document/builder.h"
#include "document/html/tree.h"

/* HTML tables have quotes escaped too, tables of other formats only what could be taken for a tag. */
typedef enum TableEscape { TABLE_ESCAPE_TAGS, TABLE_ESCAPE_QUOTES } TableEscape;

/* Appends `<td>text</td>` to `html`, escaped, line feeds as `<br/>`; `<td/>` for an empty cell. Errors: LIMIT, NO_MEMORY (of `html`). */
MUST_USE Error *table_append_cell(Buffer *html, Str text, TableEscape escape);

/* Adds a Table element for `table`, or nothing when it has no text. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *table_add_element(Builder *builder, const HtmlNode *table);

#endif
