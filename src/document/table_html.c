#include "document/table_html.h"

MUST_USE static Error *append_escaped(Buffer *html, Str text, TableEscape escape)
{
    bool quotes = escape == TABLE_ESCAPE_QUOTES;
    for (size_t from = 0, at = 0; at <= text.len; at++) {
        const char *escaped = NULL;
        if (at < text.len) {
            switch (text.data[at]) {
            case '&': escaped = "&amp;"; break;
            case '<': escaped = "&lt;"; break;
            case '>': escaped = "&gt;"; break;
            case '"': escaped = quotes ? "&quot;" : "\""; break;
            case '\'': escaped = quotes ? "&#x27;" : "'"; break;
            case '\n': escaped = "<br/>"; break;
            default: continue;
            }
        }
        TRY(buffer_append_str(html, str_slice(text, from, at)));
        TRY(buffer_append_str(html, str_of(escaped)));
        from = at + 1;
    }
    return NULL;
}

Error *table_append_cell(Buffer *html, Str text, TableEscape escape)
{
    if (text.len == 0)
        return buffer_append_str(html, STR("<td/>"));
    TRY(buffer_append_str(html, STR("<td>")));
    TRY(append_escaped(html, text, escape));
    return buffer_append_str(html, STR("</td>"));
}
