/* lines.h - text as its lines, for readers whose blocks are told by lines and indentation. A line is a Str without its line end; what was
 * indented is given on as shorter slices of the same text. */
#ifndef DOCUMENT_MARKUP_LINES_H
#define DOCUMENT_MARKUP_LINES_H

#include "base/arena.h"

enum { TAB_COLUMNS = 8 };

/* `text` in lines, tabs made spaces, without trailing white space and without control characters; in `arena`. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *lines_split(Str text, Arena *arena, StrList *ret_lines);

bool line_is_blank(Str line);
size_t line_indent(Str line); /* spaces at its start */
/* Without as many spaces at its start as there are, at most `columns`. */
Str line_dedent(Str line, size_t columns);

/* Lines `from` to `to` without the indentation that they have in common, in `arena`. */
MUST_USE Error *lines_dedent(StrList lines, size_t from, size_t to, Arena *arena, StrList *ret_lines);
/* The same lines, not copied. */
StrList lines_slice(StrList lines, size_t from, size_t to);
/* The first line from `at` on that is not blank; the count when there is none. */
size_t lines_skip_blank(StrList lines, size_t at);
/* Lines with `separator` between, in `arena`. */
MUST_USE Error *lines_join(StrList lines, char separator, Arena *arena, Str *ret_text);

#endif
