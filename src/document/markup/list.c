#include "document/markup/list.h"

enum { PLAIN_BEGIN = 1, PLAIN_END = 2, OFF_BEGIN = 3, OFF_END = 4 };

Error *list_begin_paragraph(Buffer *out, Setting setting)
{
    if (setting == SET_OFF)
        return buffer_append_str(out, STR("<p>"));
    return buffer_append_byte(out, setting == SET_ITEM_PLAIN ? PLAIN_BEGIN : OFF_BEGIN);
}

Error *list_end_paragraph(Buffer *out, Setting setting)
{
    if (setting == SET_OFF)
        return buffer_append_str(out, STR("</p>\n"));
    return buffer_append_byte(out, setting == SET_ITEM_PLAIN ? PLAIN_END : OFF_END);
}

/* None is set off when none would be, but perhaps the very last. */
static bool is_loose(Str items)
{
    size_t off = 0;
    for (size_t i = 0; i < items.len; i++)
        off += items.data[i] == OFF_BEGIN;
    return off > 1 || (off == 1 && !str_ends_with(items, STR("\4</li>\n")));
}

static Str mark_html(char mark, bool loose)
{
    if (!loose)
        return STR_EMPTY;
    return mark == PLAIN_BEGIN || mark == OFF_BEGIN ? STR("<p>") : STR("</p>\n");
}

Error *list_end(Buffer *out, size_t from, const char *tag)
{
    CLEANUP(buffer_done) Buffer resolved = {.limit = out->limit};
    Str items = str_slice(buffer_str(out), from, out->len);
    bool loose = is_loose(items);
    size_t start = 0;
    for (size_t i = 0; i < items.len; i++) {
        if (items.data[i] < PLAIN_BEGIN || items.data[i] > OFF_END)
            continue;
        TRY(buffer_append_str(&resolved, str_slice(items, start, i)));
        TRY(buffer_append_str(&resolved, mark_html(items.data[i], loose)));
        start = i + 1;
    }
    TRY(buffer_append_str(&resolved, str_slice(items, start, items.len)));
    out->len = from;
    TRY(buffer_append_str(out, buffer_str(&resolved)));
    return buffer_append_format(out, "</%s>\n", tag);
}
