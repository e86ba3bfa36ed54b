#include "document/markup/page.h"

void page_done(Page *page)
{
    buffer_done(&page->html);
    buffer_done(&page->notes);
}

static Str escaped(char c)
{
    switch (c) {
    case '&': return STR("&amp;");
    case '<': return STR("&lt;");
    case '>': return STR("&gt;");
    case '"': return STR("&quot;");
    default: return STR_EMPTY;
    }
}

Error *page_append_text(Buffer *out, Str text)
{
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        Str escape = escaped(text.data[i]);
        if (escape.len == 0)
            continue;
        TRY(buffer_append_str(out, str_slice(text, from, i)));
        TRY(buffer_append_str(out, escape));
        from = i + 1;
    }
    return buffer_append_str(out, str_slice(text, from, text.len));
}

Error *page_open_link(Buffer *out, Str url)
{
    TRY(buffer_append_str(out, STR("<a href=\"")));
    TRY(page_append_text(out, url));
    return buffer_append_str(out, STR("\">"));
}

Error *page_append_note_mark(const Page *page, Buffer *out)
{
    return buffer_append_format(out, "<a href=\"#fn%zu\"><sup>%zu</sup></a>", page->note_count + 1,
                                page->note_count + 1);
}

/* The way back stands at the end of the note's last paragraph, or behind a note that ends in something else. */
Error *page_add_note(Page *page, Str html)
{
    static const Str paragraph_end = {"</p>\n", 5};
    Str end = str_ends_with(html, paragraph_end) ? paragraph_end : STR_EMPTY;
    TRY(buffer_append_str(&page->notes, STR("<li>")));
    TRY(buffer_append_str(&page->notes, str_slice(html, 0, html.len - end.len)));
    TRY(buffer_append_format(&page->notes, "<a href=\"#fnref%zu\">\xE2\x86\xA9\xEF\xB8\x8E</a>", ++page->note_count));
    TRY(buffer_append_str(&page->notes, end));
    return buffer_append_str(&page->notes, STR("</li>\n"));
}

Error *page_finish(Page *page)
{
    if (page->note_count == 0)
        return NULL;
    TRY(buffer_append_str(&page->html, STR("<section>\n<hr />\n<ol>\n")));
    TRY(buffer_append_str(&page->html, buffer_str(&page->notes)));
    return buffer_append_str(&page->html, STR("</ol>\n</section>\n"));
}
