#include "document/legacy/doc_text.h"

enum {
    INSTRUCTION_MAX_BYTES = 4 * 1024,
    LINE_BREAK = 0x0B,
    COLUMN_BREAK = 0x0E,
    FIELD_BEGIN = 0x13,
    FIELD_SEPARATOR = 0x14,
    FIELD_END = 0x15,
    HYPHEN_KEPT = 0x1E
};

void doc_text_init(DocText *text, Arena *arena, size_t text_max_bytes)
{
    *text = (DocText){.paragraph = {.arena = arena, .text_max_bytes = text_max_bytes}, .link_url = STR_EMPTY};
    doc_text_clear(text);
}

void doc_text_done(DocText *text)
{
    paragraph_done(&text->paragraph);
    buffer_done(&text->instruction);
}

void doc_text_clear(DocText *text)
{
    paragraph_clear(&text->paragraph);
    text->high_surrogate = 0;
    text->link_start = text->run_start = 0;
}

Error *doc_text_finish(DocText *text)
{
    size_t start = text->run_start;
    text->run_start = text->paragraph.text.len;
    return paragraph_emphasize(&text->paragraph, start, text->run.look);
}

Error *doc_text_move(DocText *text, const DocFile *file, uint32_t byte)
{
    if (byte >= text->run.first_byte && byte < text->run.end_byte)
        return NULL;
    DocRun next = doc_run_at(file, byte);
    if (next.look.bold != text->run.look.bold || next.look.italic != text->run.look.italic)
        TRY(doc_text_finish(text));
    text->run = next;
    return NULL;
}

/* `HYPERLINK "url" ...`: the url in the arena; "" for other fields, and for links into the document. */
MUST_USE static Error *url_of(Str instruction, Arena *arena, Str *ret_url)
{
    Str rest = str_trim(instruction), word = STR("HYPERLINK");
    *ret_url = STR_EMPTY;
    if (!str_equal_nocase(str_slice(rest, 0, word.len), word))
        return NULL;
    rest = str_trim(str_slice(rest, word.len, rest.len));
    if (rest.len == 0 || rest.data[0] != '"')
        return NULL;
    rest = str_slice(rest, 1, rest.len);
    Str url = str_slice(rest, 0, MIN(str_find_char(rest, '"'), rest.len));
    if (url.len == 0)
        return NULL;
    *ret_url = arena_str(arena, url);
    return ret_url->data ? NULL : arena_error(arena);
}

MUST_USE static Error *end_link(DocText *text)
{
    Str url = text->link_url;
    text->link_url = STR_EMPTY;
    return paragraph_add_link(&text->paragraph, url, text->link_start);
}

MUST_USE static Error *take_field_mark(DocText *text, uint16_t mark)
{
    if (mark == FIELD_BEGIN) {
        if (text->fields == 0)
            buffer_clear(&text->instruction);
        if (text->fields < DOC_FIELDS_MAX)
            text->instructions |= UINT64_C(1) << text->fields;
        text->fields++;
    } else if (text->fields == 0) {
        return NULL; /* ends what did not begin */
    } else if (mark == FIELD_SEPARATOR && text->fields <= DOC_FIELDS_MAX) {
        text->instructions &= ~(UINT64_C(1) << (text->fields - 1));
        if (text->fields == 1) {
            TRY(url_of(buffer_str(&text->instruction), text->paragraph.arena, &text->link_url));
            text->link_start = text->paragraph.text.len;
        }
    } else if (mark == FIELD_END) {
        text->fields--;
        if (text->fields < DOC_FIELDS_MAX)
            text->instructions &= ~(UINT64_C(1) << text->fields);
        return text->fields == 0 ? end_link(text) : NULL;
    }
    return NULL;
}

MUST_USE static Error *add_code_point(DocText *text, uint32_t code_point)
{
    char utf8[4];
    size_t len = utf8_encode(code_point, utf8);
    if (text->instructions != 0 || text->fields > DOC_FIELDS_MAX) {
        bool kept = text->fields == 1 && text->instruction.len + len <= INSTRUCTION_MAX_BYTES;
        return kept ? buffer_append(&text->instruction, utf8, len) : NULL;
    }
    return paragraph_append(&text->paragraph, str_from(utf8, len));
}

Error *doc_text_add(DocText *text, uint16_t unit)
{
    uint16_t high = text->high_surrogate;
    text->high_surrogate = 0;
    if (high != 0 && unit >= 0xDC00 && unit < 0xE000)
        return add_code_point(text, 0x10000 + ((uint32_t)(high - 0xD800) << 10) + (unit - 0xDC00u));
    if (high != 0)
        TRY(add_code_point(text, 0xFFFD));
    if (unit >= 0xD800 && unit < 0xDC00) {
        text->high_surrogate = unit;
        return NULL;
    }
    if (unit >= 0xDC00 && unit < 0xE000)
        return add_code_point(text, 0xFFFD);
    switch (unit) {
    case FIELD_BEGIN:
    case FIELD_SEPARATOR:
    case FIELD_END: return take_field_mark(text, unit);
    case LINE_BREAK:
    case COLUMN_BREAK: return add_code_point(text, '\n');
    case HYPHEN_KEPT: return add_code_point(text, '-');
    case '\t': return add_code_point(text, unit);
    default: /* pictures, notes and their like are below the space */
        return unit < ' ' ? NULL : add_code_point(text, unit);
    }
}
