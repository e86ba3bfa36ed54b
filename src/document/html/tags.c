#include "document/html/tags.h"

typedef struct TagEntry {
    const char *name;
    Tag tag;
} TagEntry;

/* In byte order, for the binary search. */
static const TagEntry tags[] = {
    {"a", {TAG_LINK, 0, 0}},
    {"abbr", {TAG_INLINE, 0, 0}},
    {"address", {TAG_FLOW, 0, 0}},
    {"article", {TAG_FLOW, NAME_ARTICLE, 0}},
    {"aside", {TAG_FLOW, 0, 0}},
    {"b", {TAG_BOLD, NAME_B, 0}},
    {"bdi", {TAG_INLINE, 0, 0}},
    {"bdo", {TAG_INLINE, 0, 0}},
    {"big", {TAG_INLINE, 0, 0}},
    {"blockquote", {TAG_FLOW, 0, 0}},
    {"body", {TAG_FLOW, NAME_BODY, 0}},
    {"br", {TAG_LINE_BREAK, 0, 0}},
    {"center", {TAG_FLOW, 0, 0}},
    {"cite", {TAG_INLINE, 0, 0}},
    {"code", {TAG_INLINE, 0, 0}},
    {"data", {TAG_INLINE, 0, 0}},
    {"dd", {TAG_DROPPED_BLOCK, NAME_DD, 0}},
    {"del", {TAG_STRIPPED, 0, 0}},
    {"details", {TAG_DROPPED_BLOCK, 0, 0}},
    {"dfn", {TAG_INLINE, 0, 0}},
    {"div", {TAG_FLOW, NAME_DIV, 0}},
    {"dl", {TAG_DROPPED_BLOCK, NAME_DL, 0}},
    {"dt", {TAG_DROPPED_BLOCK, 0, 0}},
    {"em", {TAG_ITALIC, NAME_EM, 0}},
    {"figure", {TAG_DROPPED_BLOCK, 0, 0}},
    {"font", {TAG_UNKNOWN, NAME_FONT, 0}},
    {"footer", {TAG_FLOW, 0, 0}},
    {"form", {TAG_DROPPED_BLOCK, 0, 0}},
    {"h1", {TAG_HEADING, 0, 1}},
    {"h2", {TAG_HEADING, 0, 2}},
    {"h3", {TAG_HEADING, 0, 3}},
    {"h4", {TAG_HEADING, 0, 4}},
    {"h5", {TAG_HEADING, 0, 5}},
    {"h6", {TAG_HEADING, 0, 6}},
    {"header", {TAG_FLOW, 0, 0}},
    {"hgroup", {TAG_FLOW, 0, 0}},
    {"hr", {TAG_DROPPED_BLOCK, NAME_HR, 0}},
    {"i", {TAG_ITALIC, NAME_I, 0}},
    {"img", {TAG_IMAGE, 0, 0}},
    {"input", {TAG_DROPPED_BLOCK, 0, 0}},
    {"kbd", {TAG_INLINE, 0, 0}},
    {"li", {TAG_LIST_ITEM, 0, 0}},
    {"link", {TAG_STRIPPED, 0, 0}},
    {"main", {TAG_FLOW, NAME_MAIN, 0}},
    {"mark", {TAG_INLINE, 0, 0}},
    {"meta", {TAG_STRIPPED, 0, 0}},
    {"meter", {TAG_INLINE, 0, 0}},
    {"nav", {TAG_DROPPED_BLOCK, 0, 0}},
    {"noscript", {TAG_STRIPPED, 0, 0}},
    {"ol", {TAG_LIST, 0, 0}},
    {"p", {TAG_FLOW, NAME_P, 0}},
    {"pre", {TAG_PREFORMATTED, 0, 0}},
    {"q", {TAG_INLINE, 0, 0}},
    {"s", {TAG_INLINE, 0, 0}},
    {"samp", {TAG_INLINE, 0, 0}},
    {"script", {TAG_STRIPPED, NAME_SCRIPT, 0}},
    {"section", {TAG_FLOW, 0, 0}},
    {"small", {TAG_INLINE, 0, 0}},
    {"span", {TAG_INLINE, NAME_SPAN, 0}},
    {"strike", {TAG_INLINE, 0, 0}},
    {"strong", {TAG_BOLD, NAME_STRONG, 0}},
    {"style", {TAG_STRIPPED, NAME_STYLE, 0}},
    {"sub", {TAG_INLINE, 0, 0}},
    {"summary", {TAG_DROPPED_BLOCK, 0, 0}},
    {"sup", {TAG_INLINE, 0, 0}},
    {"table", {TAG_TABLE, 0, 0}},
    {"tbody", {TAG_UNKNOWN, NAME_TBODY, 0}},
    {"td", {TAG_UNKNOWN, NAME_TD, 0}},
    {"template", {TAG_DROPPED_BLOCK, 0, 0}},
    {"tfoot", {TAG_UNKNOWN, NAME_TFOOT, 0}},
    {"th", {TAG_UNKNOWN, NAME_TH, 0}},
    {"thead", {TAG_UNKNOWN, NAME_THEAD, 0}},
    {"time", {TAG_INLINE, 0, 0}},
    {"tr", {TAG_UNKNOWN, NAME_TR, 0}},
    {"tt", {TAG_INLINE, 0, 0}},
    {"u", {TAG_INLINE, 0, 0}},
    {"ul", {TAG_LIST, 0, 0}},
    {"var", {TAG_INLINE, 0, 0}},
    {"wbr", {TAG_INLINE, 0, 0}},
};

Tag tag_find(Str name)
{
    size_t low = 0, high = ARRAY_COUNT(tags);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(name, str_of(tags[middle].name));
        if (order == 0)
            return tags[middle].tag;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return (Tag){.kind = TAG_UNKNOWN};
}
