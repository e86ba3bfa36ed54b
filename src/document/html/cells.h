/* cells.h - a table as a list of its cells, metadata.table_as_cells: `{"x": column, "y": row, "w": columns, "h": rows, "content": text}`, counted
 * from 0. Source: the form of unstructured (metrics/table/table_formats.py); places as in HTML Living Standard, 4.9.12. */
#ifndef DOCUMENT_HTML_CELLS_H
#define DOCUMENT_HTML_CELLS_H

#include "base/buffer.h"
#include "document/element.h"
#include "document/html/tree.h"

/* Gives `element` the cells of `table`. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *cells_set(const HtmlNode *table, Arena *arena, Element *element);

/* Gives them to every table from element `first` on that has text_as_html and no cells yet. Errors: as above. */
MUST_USE Error *cells_set_all(Elements *elements, size_t first);

/* Appends all text nodes below the cell to `out`, trimmed, joined with a space. Errors: LIMIT, NO_MEMORY (of `out`). */
MUST_USE Error *cell_append_text(const HtmlNode *cell, Buffer *out);

/* The next row of `table` behind `row`, or its first for NULL; NULL at the end. Rows of tables inside its cells are not its own. */
const HtmlNode *table_next_row(const HtmlNode *table, const HtmlNode *row);

#endif
