#include "jobs/fetch/python_text.h"

#include <utf8proc.h>

/* str.isprintable: not controls, formats, surrogates, private or unassigned ones, separators; but the space. */
static bool is_printable(uint32_t c)
{
    static const utf8proc_category_t hidden[] = {UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CF, UTF8PROC_CATEGORY_CS,
                                                 UTF8PROC_CATEGORY_CO, UTF8PROC_CATEGORY_CN, UTF8PROC_CATEGORY_ZL,
                                                 UTF8PROC_CATEGORY_ZP, UTF8PROC_CATEGORY_ZS};
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    for (size_t i = 0; i < ARRAY_COUNT(hidden); i++)
        if (category == hidden[i])
            return c == ' ';
    return true;
}

static Error *append_escape(Buffer *out, uint32_t c)
{
    switch (c) {
    case '\n': return buffer_append_str(out, STR("\\n"));
    case '\t': return buffer_append_str(out, STR("\\t"));
    case '\r': return buffer_append_str(out, STR("\\r"));
    default: break;
    }
    if (c < 0x100)
        return buffer_append_format(out, "\\x%02x", c);
    return c < 0x10000 ? buffer_append_format(out, "\\u%04x", c) : buffer_append_format(out, "\\U%08x", c);
}

static Error *append_text(Buffer *out, Str text)
{
    bool single = str_find_char(text, '\'') != SIZE_MAX, twice = str_find_char(text, '"') != SIZE_MAX;
    char quote = single && !twice ? '"' : '\'';
    TRY(buffer_append_byte(out, (uint8_t)quote));
    for (size_t at = 0; at < text.len;) {
        size_t start = at;
        uint32_t c = str_next_code_point(text, &at);
        bool broken = c == 0xfffd && at == start + 1;
        if (broken)
            TRY(append_escape(out, 0xdc00 + (uint8_t)text.data[start]));
        else if (c == '\\' || c == (uint32_t)quote)
            TRY(buffer_append_format(out, "\\%c", (int)c));
        else if (!is_printable(c))
            TRY(append_escape(out, c));
        else
            TRY(buffer_append(out, text.data + start, at - start));
    }
    return buffer_append_byte(out, (uint8_t)quote);
}

Error *python_append_list(Buffer *out, StrList texts)
{
    TRY(buffer_append_byte(out, '['));
    for (size_t i = 0; i < texts.count; i++) {
        if (i > 0)
            TRY(buffer_append_str(out, STR(", ")));
        TRY(append_text(out, texts.items[i]));
    }
    return buffer_append_byte(out, ']');
}
