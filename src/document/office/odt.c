/* ODT: headings, paragraphs, lists, tables. As in the originals, where pandoc makes DOCX of it first: fields, notes, comments, text boxes,
 * indexes, deleted text, headers and footers give nothing, and a text looks bold or italic only by its own style. Tables in cells and in lists,
 * which pandoc drops, are read here.
 * Sources: ODF 1.2 part 1, chapters 5 (paragraphs), 9 (tables), 16 (styles); spec/unstructured.md 3.5, 3.8. */
#include <stdlib.h>

#include "document/chars.h"
#include "document/office/odt_table.h"
#include "document/office/paragraph.h"
#include "document/xml_reader.h"
#include "document/zip_reader.h"

/* A style of characters that says something about them. */
typedef struct OdtStyle {
    Str name;
    size_t place; /* of equal names the last one read counts: the document's own before the common ones */
    Look look;
} OdtStyle;

typedef struct Odt {
    const PartitionOptions *options;
    Builder builder;
    Arena *arena;
    OdtStyle *styles; /* by name once the body begins */
    size_t style_count, style_capacity;
    Paragraph paragraph;
    OdtTable table;
    size_t piece_start; /* of the paragraph's text: all from here on has the same look */
    Look piece_look;
    bool after_space; /* a space stands before, and another one is not wanted */
} Odt;

static void odt_done(Odt *odt)
{
    paragraph_done(&odt->paragraph);
    odt_table_done(&odt->table);
}

/* --- styles --- */

MUST_USE static Error *add_style(Odt *odt, Str name, Look look)
{
    enum { FIRST_STYLES = 32 };
    if (odt->style_count == odt->style_capacity) {
        size_t capacity = MAX(2 * odt->style_capacity, (size_t)FIRST_STYLES);
        OdtStyle *styles =
            arena_grow(odt->arena, odt->styles, odt->style_capacity * sizeof *styles, capacity * sizeof *styles);
        if (!styles)
            return arena_error(odt->arena);
        odt->styles = styles;
        odt->style_capacity = capacity;
    }
    odt->styles[odt->style_count] = (OdtStyle){name, odt->style_count, look};
    odt->style_count++;
    return NULL;
}

/* What text properties say; an underline counts as italic, as it does for pandoc. */
static Look look_of(const XmlReader *xml)
{
    Str weight, slant, underline;
    uint64_t number;
    Look look = {0};
    if (xml_reader_attribute(xml, "font-weight", &weight))
        look.bold = str_equal(weight, STR("bold")) || (str_to_u64(weight, &number) && number >= 600);
    if (xml_reader_attribute(xml, "font-style", &slant))
        look.italic = str_equal(slant, STR("italic")) || str_equal(slant, STR("oblique"));
    if (xml_reader_attribute(xml, "text-underline-style", &underline))
        look.italic |= !str_equal(underline, STR("none"));
    return look;
}

/* The style that has begun. */
MUST_USE static Error *read_style(Odt *odt, XmlReader *xml)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    Str name, family;
    Look look = {0};
    if (!xml_reader_attribute(xml, "family", &family) || !str_equal(family, STR("text"))
        || !xml_reader_attribute(xml, "name", &name))
        return xml_reader_skip(xml);
    name = arena_str(odt->arena, name);
    if (!name.data)
        return arena_error(odt->arena);
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return add_style(odt, name, look);
        if (xml_reader_starts(xml, "text-properties"))
            look = look_of(xml);
        if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    }
}

/* The styles in the element that has begun. */
MUST_USE static Error *read_styles(Odt *odt, XmlReader *xml)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (xml_reader_starts(xml, "style"))
            TRY(read_style(odt, xml));
        else if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    }
}

/* The common styles, in a part of their own. */
MUST_USE static Error *read_common_styles(Odt *odt, ZipReader *zip)
{
    CLEANUP(buffer_done) Buffer part = {0};
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    XmlEvent event;
    size_t index;
    if (!zip_reader_find(zip, STR("styles.xml"), &index))
        return NULL;
    TRY(zip_reader_read(zip, index, &part));
    TRY(xml_reader_new(buffer_bytes(&part), odt->options->depth_max, &xml));
    do {
        TRY(xml_reader_next(xml, &event));
        if (xml_reader_starts(xml, "styles"))
            TRY(read_styles(odt, xml));
        else if (event == XML_EVENT_START && xml_reader_depth(xml) > 0)
            TRY(xml_reader_skip(xml));
    } while (event != XML_EVENT_DONE);
    return NULL;
}

static int by_name(const void *left, const void *right)
{
    const OdtStyle *a = left, *b = right;
    int order = str_compare(a->name, b->name);
    return order ? order : (a->place > b->place) - (a->place < b->place);
}

static Look find_look(const Odt *odt, const XmlReader *xml)
{
    Str name;
    size_t low = 0, high = odt->style_count; /* of the first that is behind `name` */
    if (!xml_reader_attribute(xml, "style-name", &name))
        return (Look){0};
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_compare(odt->styles[middle].name, name) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && str_equal(odt->styles[low - 1].name, name) ? odt->styles[low - 1].look : (Look){0};
}

/* --- text --- */

/* What follows has another look, or the piece ends for another reason. */
MUST_USE static Error *begin_piece(Odt *odt, Look look)
{
    TRY(paragraph_emphasize(&odt->paragraph, odt->piece_start, odt->piece_look));
    odt->piece_start = odt->paragraph.text.len;
    odt->piece_look = look;
    return NULL;
}

/* What follows looks so; in a link it does not matter. */
MUST_USE static Error *set_look(Odt *odt, Look look, bool in_link)
{
    bool same = look.bold == odt->piece_look.bold && look.italic == odt->piece_look.italic;
    return same || in_link ? NULL : begin_piece(odt, look);
}

MUST_USE static Error *append_space(Odt *odt)
{
    if (odt->after_space)
        return NULL;
    odt->after_space = true;
    return paragraph_append(&odt->paragraph, STR(" "));
}

/* Runs of white space are one space. */
MUST_USE static Error *append_text(Odt *odt, Str text)
{
    for (size_t at = 0, end; at < text.len; at = end) {
        for (end = at; end < text.len && (uint8_t)text.data[end] > ' ';)
            end++;
        if (end > at) {
            TRY(paragraph_append(&odt->paragraph, str_slice(text, at, end)));
            odt->after_space = false;
        }
        if (end == text.len)
            return NULL;
        TRY(append_space(odt));
        for (; end < text.len && (uint8_t)text.data[end] <= ' ';)
            end++;
    }
    return NULL;
}

/* `text:s`, which stands for several spaces. */
MUST_USE static Error *append_spaces(Odt *odt, const XmlReader *xml)
{
    enum { SPACES_MAX = 10 * 1000 };
    Str count_text;
    uint64_t count;
    bool several = xml_reader_attribute(xml, "c", &count_text) && str_to_u64(count_text, &count) && count > 1;
    if (!several)
        return append_space(odt);
    odt->after_space = false;
    for (uint64_t i = 0; i < MIN(count, (uint64_t)SPACES_MAX); i++)
        TRY(paragraph_append(&odt->paragraph, STR(" ")));
    return NULL;
}

/* Pieces end at line breaks. */
MUST_USE static Error *append_line_break(Odt *odt)
{
    TRY(begin_piece(odt, odt->piece_look));
    odt->after_space = false;
    TRY(paragraph_append(&odt->paragraph, STR("\n")));
    odt->piece_start = odt->paragraph.text.len;
    return NULL;
}

MUST_USE static Error *read_inline(Odt *odt, XmlReader *xml, Look look, bool in_link);

MUST_USE static Error *read_span(Odt *odt, XmlReader *xml, Look outer, bool in_link)
{
    Look own = find_look(odt, xml);
    Look look = {outer.bold || own.bold, outer.italic || own.italic};
    bool changes = look.bold != outer.bold || look.italic != outer.italic;
    if (!changes)
        return read_inline(odt, xml, outer, in_link);
    odt->after_space = false;
    TRY(read_inline(odt, xml, look, in_link));
    odt->after_space = false;
    return NULL;
}

/* Links into the document itself are text; how a link looks does not count. */
MUST_USE static Error *read_link(Odt *odt, XmlReader *xml, Look look)
{
    Str url;
    bool outside = xml_reader_attribute(xml, "href", &url) && url.len > 0 && url.data[0] != '#';
    if (outside && str_starts_with(url, STR("../"))) /* out of the package, to what stands beside it */
        url = str_slice(url, 3, url.len);
    url = outside ? arena_str(odt->arena, url) : STR_EMPTY;
    if (!url.data)
        return arena_error(odt->arena);
    TRY(begin_piece(odt, (Look){0}));
    size_t start = odt->paragraph.text.len;
    odt->after_space = false;
    TRY(read_inline(odt, xml, look, true));
    TRY(paragraph_add_link(&odt->paragraph, url, start));
    odt->after_space = false;
    odt->piece_start = odt->paragraph.text.len;
    return NULL;
}

MUST_USE static Error *read_inline_element(Odt *odt, XmlReader *xml, Look look, bool in_link)
{
    if (xml_reader_starts(xml, "span"))
        return read_span(odt, xml, look, in_link);
    if (xml_reader_starts(xml, "a"))
        return in_link ? read_inline(odt, xml, look, true) : read_link(odt, xml, look);
    if (xml_reader_starts(xml, "sequence") || xml_reader_starts(xml, "bookmark-ref")
        || xml_reader_starts(xml, "reference-ref"))
        return read_inline(odt, xml, look, in_link);
    TRY(set_look(odt, look, in_link));
    if (xml_reader_starts(xml, "s"))
        TRY(append_spaces(odt, xml));
    else if (xml_reader_starts(xml, "tab"))
        TRY(append_space(odt));
    else if (xml_reader_starts(xml, "line-break"))
        TRY(append_line_break(odt));
    return xml_reader_skip(xml);
}

/* What stands in the element that has begun, all of this look. */
MUST_USE static Error *read_inline(Odt *odt, XmlReader *xml, Look look, bool in_link)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (event == XML_EVENT_TEXT) {
            TRY(set_look(odt, look, in_link));
            TRY(append_text(odt, xml_reader_text(xml)));
        } else if (event == XML_EVENT_START)
            TRY(read_inline_element(odt, xml, look, in_link));
    }
}

/* Reads the paragraph or heading that has begun. */
MUST_USE static Error *read_paragraph_text(Odt *odt, XmlReader *xml)
{
    paragraph_clear(&odt->paragraph);
    odt->piece_start = 0;
    odt->piece_look = (Look){0};
    odt->after_space = false;
    TRY(read_inline(odt, xml, (Look){0}, false));
    return begin_piece(odt, (Look){0});
}

/* --- blocks --- */

/* The outline level of a heading, from 1. */
static uint64_t outline_level(const XmlReader *xml)
{
    Str value;
    uint64_t level;
    return xml_reader_attribute(xml, "outline-level", &value) && str_to_u64(value, &level) && level > 0 ? level : 1;
}

/* A paragraph or heading, at this depth of lists: 0 is in none. What is deeper than nine levels is no heading. */
MUST_USE static Error *add_paragraph(Odt *odt, XmlReader *xml, unsigned list_depth)
{
    enum { HEADINGS = 9 };
    WordStyleMeaning meaning = {0};
    if (xml_reader_starts(xml, "h")) {
        uint64_t level = outline_level(xml);
        if (level <= HEADINGS)
            meaning = (WordStyleMeaning){.typed = true, .type = ELEMENT_TITLE, .depth = (int32_t)level - 1};
    }
    TRY(read_paragraph_text(odt, xml));
    odt->paragraph.numbered = list_depth > 0;
    odt->paragraph.level = (int32_t)list_depth - 1;
    return paragraph_add_element(&odt->paragraph, meaning, odt->options->titles_from_text, 0, &odt->builder);
}

MUST_USE static Error *read_rows(Odt *odt, XmlReader *xml, bool nested);

/* What stands in a cell, however it is put there. */
MUST_USE static Error *read_cell_content(Odt *odt, XmlReader *xml)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (xml_reader_starts(xml, "p") || xml_reader_starts(xml, "h")) {
            TRY(read_paragraph_text(odt, xml));
            TRY(odt_table_add_text(&odt->table, &odt->paragraph));
        } else if (xml_reader_starts(xml, "list") || xml_reader_starts(xml, "list-item")
                   || xml_reader_starts(xml, "list-header") || xml_reader_starts(xml, "section"))
            TRY(read_cell_content(odt, xml));
        else if (xml_reader_starts(xml, "table"))
            TRY(read_rows(odt, xml, true));
        else if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    }
}

static size_t span_of(const XmlReader *xml, const char *attribute)
{
    Str value;
    uint64_t span;
    bool ok = xml_reader_attribute(xml, attribute, &value) && str_to_u64(value, &span) && span > 0;
    return ok ? (size_t)MIN(span, (uint64_t)SIZE_MAX) : 1;
}

/* The row that has begun. Cells of a nested table are text of the one that it is in. */
MUST_USE static Error *read_row(Odt *odt, XmlReader *xml, bool nested)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    if (!nested)
        TRY(odt_table_begin_row(&odt->table));
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (xml_reader_starts(xml, "table-cell")) {
            if (!nested)
                TRY(odt_table_begin_cell(&odt->table, span_of(xml, "number-columns-spanned"),
                                         span_of(xml, "number-rows-spanned")));
            TRY(read_cell_content(odt, xml));
            if (!nested)
                TRY(odt_table_end_cell(&odt->table));
        } else if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    }
}

/* The rows in what has begun: a table, or a group of rows. */
MUST_USE static Error *read_rows(Odt *odt, XmlReader *xml, bool nested)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (xml_reader_starts(xml, "table-row"))
            TRY(read_row(odt, xml, nested));
        else if (xml_reader_starts(xml, "table-header-rows") || xml_reader_starts(xml, "table-rows")
                 || xml_reader_starts(xml, "table-row-group"))
            TRY(read_rows(odt, xml, nested));
        else if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    }
}

MUST_USE static Error *add_table(Odt *odt, XmlReader *xml)
{
    odt_table_begin(&odt->table);
    TRY_CTX(read_rows(odt, xml, false), "table");
    return odt_table_add_element(&odt->table, &odt->builder);
}

/* The blocks in what has begun: the text, a section, a list and its items. */
MUST_USE static Error *read_blocks(Odt *odt, XmlReader *xml, unsigned list_depth)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (xml_reader_starts(xml, "p") || xml_reader_starts(xml, "h"))
            TRY(add_paragraph(odt, xml, list_depth));
        else if (xml_reader_starts(xml, "list"))
            TRY(read_blocks(odt, xml, list_depth + 1));
        else if (xml_reader_starts(xml, "list-item") || xml_reader_starts(xml, "list-header")
                 || xml_reader_starts(xml, "section"))
            TRY(read_blocks(odt, xml, list_depth));
        else if (xml_reader_starts(xml, "table"))
            TRY(add_table(odt, xml));
        else if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    }
}

MUST_USE static Error *read_body(Odt *odt, XmlReader *xml)
{
    if (odt->style_count > 1)
        qsort(odt->styles, odt->style_count, sizeof *odt->styles, by_name);
    return read_blocks(odt, xml, 0);
}

/* The document's own styles come first, then its body with the text. */
MUST_USE static Error *read_content(Odt *odt, Bytes content)
{
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    bool found = false;
    XmlEvent event;
    TRY(xml_reader_new(content, odt->options->depth_max, &xml));
    for (;;) {
        TRY(xml_reader_next(xml, &event));
        if (event == XML_EVENT_DONE)
            return found ? NULL : FAIL(CORRUPT, "no text in the body");
        if (event != XML_EVENT_START || xml_reader_depth(xml) == 0)
            continue;
        if (xml_reader_depth(xml) == 1 && xml_reader_starts(xml, "automatic-styles") && !found)
            TRY(read_styles(odt, xml));
        else if (xml_reader_depth(xml) == 2 && xml_reader_starts(xml, "text") && !found) {
            found = true;
            TRY(read_body(odt, xml));
        } else if (xml_reader_depth(xml) != 1 || !xml_reader_starts(xml, "body"))
            TRY(xml_reader_skip(xml));
    }
}

/* Whether the manifest says that the parts are encrypted. */
MUST_USE static Error *check_manifest(ZipReader *zip)
{
    CLEANUP(buffer_done) Buffer manifest = {0};
    size_t index;
    if (!zip_reader_find(zip, STR("META-INF/manifest.xml"), &index))
        return NULL;
    TRY(zip_reader_read(zip, index, &manifest));
    return str_find(buffer_str(&manifest), STR("encryption-data")) == SIZE_MAX
               ? NULL
               : FAIL(UNSUPPORTED, "encrypted: the file opens only with its password; save it without one");
}

MUST_USE static Error *read_package(Odt *odt, Bytes input)
{
    CLEANUP(zip_reader_freep) ZipReader *zip = NULL;
    CLEANUP(buffer_done) Buffer content = {0};
    TRY(zip_reader_new(input, odt->options->expansion, &zip));
    TRY(check_manifest(zip));
    TRY(odt_table_init(&odt->table, &odt->paragraph));
    TRY_CTX(read_common_styles(odt, zip), "'styles.xml'");
    TRY(zip_reader_read_name(zip, STR("content.xml"), &content));
    TRY_CTX(read_content(odt, buffer_bytes(&content)), "'content.xml'");
    return NULL;
}

Error *partition_odt(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                     Elements *elements)
{
    (void)filetype;
    CLEANUP(odt_done) Odt odt = {.options = options, .arena = elements->arena};
    builder_init(&odt.builder, options, watch, elements);
    odt.paragraph.arena = elements->arena;
    odt.paragraph.text_max_bytes = odt.builder.text_left;
    return read_package(&odt, input);
}
