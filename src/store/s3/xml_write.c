#include "store/s3/xml_write.h"

static bool is_character(uint32_t c)
{
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0xfffe && c != 0xffff);
}

bool xml_can_hold(Str text)
{
    if (!str_is_utf8(text))
        return false;
    for (size_t at = 0; at < text.len;) {
        if (!is_character(str_next_code_point(text, &at)))
            return false;
    }
    return true;
}

/* What stands for a byte; NULL: itself. Line ends and tabs would be normalised. */
static const char *reference(char c)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&apos;";
    case '\t': return "&#x9;";
    case '\n': return "&#xA;";
    case '\r': return "&#xD;";
    default: return NULL;
    }
}

Error *xml_append_text(Buffer *out, Str text)
{
    size_t plain = 0; /* where the bytes that need nothing begin */
    for (size_t i = 0; i < text.len; i++) {
        const char *instead = reference(text.data[i]);
        if (!instead)
            continue;
        TRY(buffer_append(out, text.data + plain, i - plain));
        TRY(buffer_append_str(out, str_of(instead)));
        plain = i + 1;
    }
    return buffer_append(out, text.data + plain, text.len - plain);
}
