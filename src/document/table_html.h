/* table_html.h - a table's compact HTML, `text_as_html`. Source: spec/unstructured.md 3.4. */
#ifndef DOCUMENT_TABLE_HTML_H
#define DOCUMENT_TABLE_HTML_H

#include "base/buffer.h"

/* HTML tables have quotes escaped too, tables of other formats only what could be taken for a tag. */
typedef enum TableEscape { TABLE_ESCAPE_TAGS, TABLE_ESCAPE_QUOTES } TableEscape;

/* Appends `<td>text</td>` to `html`, escaped, line feeds as `<br/>`; `<td/>` for an empty cell. Errors: LIMIT, NO_MEMORY (of `html`). */
MUST_USE Error *table_append_cell(Buffer *html, Str text, TableEscape escape);

#endif
