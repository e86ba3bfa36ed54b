/* Org to HTML to elements. Source: spec/unstructured.md 3.5. Two things differ from pandoc on purpose: the text of an item with a box to tick is
 * kept, where pandoc's HTML loses it to the rules, and formulas stand as they were written. */
#include "document/org/org.h"

#include "document/html/html.h"
#include "document/text/charset.h"

enum { HEADING_LEVELS = 3, SEARCHES_A_LINE = 16 };

static void org_done(Org *org)
{
    page_done(&org->page);
}

/* `#+OPTIONS: H:2` says how deep headings are headings. */
static unsigned heading_levels(StrList lines)
{
    for (size_t i = 0; i < lines.count; i++) {
        Str option, rest = lines.items[i];
        uint64_t levels;
        if (!str_equal_nocase(str_slice(rest, 0, 10), STR("#+OPTIONS:")))
            continue;
        while (str_next_piece(&rest, ' ', &option)) {
            if (str_starts_with(option, STR("H:")) && str_to_u64(str_slice(option, 2, option.len), &levels)
                && levels > 0)
                return (unsigned)MIN(levels, (uint64_t)100);
        }
    }
    return HEADING_LEVELS;
}

Error *partition_org(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                     Elements *elements)
{
    (void)filetype;
    Str text;
    StrList lines;
    Builder builder;
    builder_init(&builder, options, watch, elements);
    TRY(charset_decode(input, options->encoding, elements->arena, &text));
    TRY(lines_split(text, elements->arena, &lines));
    CLEANUP(org_done)
    Org org = {.arena = elements->arena,
               .heading_levels = heading_levels(lines),
               .search_left = SEARCHES_A_LINE * lines.count + KIB};
    org.page.html.limit = org.page.notes.limit = 16 * text.len + 64 * KIB;
    TRY(org_find_notes(&org, lines));
    TRY_CTX(org_append_blocks(&org, lines, false, &org.page.html), "org");
    TRY(page_finish(&org.page));
    return html_add_elements(&builder, buffer_str(&org.page.html), options);
}
