/* reStructuredText to HTML to elements. Source: spec/unstructured.md 3.5. Formulas stand as they were written; nothing is included. */
#include "document/rst/rst.h"

#include "document/html/html.h"
#include "document/text/charset.h"

enum { SEARCHES_A_LINE = 16 };

static void rst_done(Rst *rst)
{
    page_done(&rst->page);
}

/* What citations say stands behind the text. */
MUST_USE static Error *append_citations(Rst *rst)
{
    for (size_t i = 0; i < rst->reference_count; i++) {
        const RstReference *citation = &rst->references[i];
        if (citation->kind != RST_CITATION)
            continue;
        TRY(buffer_append_str(&rst->page.html, STR("<dl><dt>")));
        TRY(page_append_text(&rst->page.html, citation->name));
        TRY(buffer_append_str(&rst->page.html, STR("</dt>\n<dd>")));
        TRY(rst_append_blocks(rst, citation->lines, false, &rst->page.html));
        TRY(buffer_append_str(&rst->page.html, STR("</dd></dl>\n")));
    }
    return NULL;
}

Error *partition_rst(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                     Elements *elements)
{
    (void)filetype;
    Str text;
    StrList lines;
    Builder builder;
    builder_init(&builder, options, watch, elements);
    TRY(charset_decode(input, options->encoding, elements->arena, &text));
    TRY(lines_split(text, elements->arena, &lines));
    CLEANUP(rst_done)
    Rst rst = {.arena = elements->arena, .search_left = SEARCHES_A_LINE * lines.count + KIB};
    rst.page.html.limit = rst.page.notes.limit = 16 * text.len + 64 * KIB;
    TRY(rst_find_references(&rst, lines));
    TRY_CTX(rst_append_blocks(&rst, lines, false, &rst.page.html), "rst");
    TRY_CTX(append_citations(&rst), "rst");
    TRY(page_finish(&rst.page));
    return html_add_elements(&builder, buffer_str(&rst.page.html), options);
}
