/* Word 97-2003 documents to elements, by the rules of DOCX: LibreOffice made them DOCX for the originals. Sources: [MS-DOC] 2.3, 2.4;
 * spec/unstructured.md 3.8. */
#include "base/reader.h"
#include "document/builder.h"
#include "document/chars.h"
#include "document/legacy/doc_file.h"
#include "document/legacy/doc_table.h"
#include "document/legacy/doc_text.h"

/* A document while it becomes elements. */
typedef struct Doc {
    DocFile file;
    Builder builder;
    const PartitionOptions *options;
    DocText text; /* of the paragraph that is being read */
    DocTable table;
    Emphasis table_emphasis; /* of the table that is being read */
} Doc;

static void doc_done(Doc *doc)
{
    doc_text_done(&doc->text);
    doc_table_done(&doc->table);
}

/* --- paragraphs --- */

static WordStyleMeaning style_of(const Doc *doc, const DocParagraph *paragraph)
{
    return paragraph->style < doc->file.style_count ? doc->file.styles[paragraph->style] : (WordStyleMeaning){0};
}

MUST_USE static Error *add_paragraph(Doc *doc, const DocParagraph *properties)
{
    Paragraph *paragraph = &doc->text.paragraph;
    WordStyleMeaning style = style_of(doc, properties);
    bool heading = style.typed && style.type == ELEMENT_TITLE; /* the numbers of headings are no list */
    paragraph->numbered = properties->numbered && !heading;
    paragraph->level = paragraph->numbered ? properties->level : -1;
    return paragraph_add_element(paragraph, style, doc->options->titles_from_text, 0, &doc->builder);
}

/* --- tables --- */

MUST_USE static Error *end_table(Doc *doc)
{
    Element *element;
    Str text, html;
    if (doc_table_is_empty(&doc->table))
        return NULL;
    TRY(doc_table_finish(&doc->table, &text, &html));
    TRY(builder_add(&doc->builder, ELEMENT_TABLE, text, &element));
    element->text_as_html = arena_str(doc->file.arena, html);
    TRY(emphasis_give(&doc->table_emphasis, doc->file.arena, element));
    doc->table_emphasis = (Emphasis){0};
    doc_table_clear(&doc->table);
    return element->text_as_html.data ? NULL : arena_error(doc->file.arena);
}

/* The paragraph that was read is one of a cell's. */
MUST_USE static Error *add_to_cell(Doc *doc)
{
    TRY(emphasis_append(&doc->table_emphasis, doc->file.arena, &doc->text.paragraph.emphasis));
    return doc_table_add_paragraph(&doc->table, doc_text_view(&doc->text));
}

/* The paragraph that has ended with `mark`, in the table or beside it. */
MUST_USE static Error *end_paragraph(Doc *doc, uint16_t mark, uint32_t byte)
{
    DocParagraph paragraph = doc_paragraph_at(&doc->file, byte);
    bool in_table = paragraph.in_table || mark == DOC_CELL_MARK;
    TRY(doc_text_finish(&doc->text));
    if (!in_table) {
        TRY(end_table(doc));
        TRY(add_paragraph(doc, &paragraph));
    } else if (mark == DOC_CELL_MARK && paragraph.ends_row) {
        TRY(doc_table_end_row(&doc->table, paragraph.row));
    } else {
        TRY(add_to_cell(doc));
        if (mark == DOC_CELL_MARK)
            TRY(doc_table_end_cell(&doc->table));
    }
    doc_text_clear(&doc->text);
    return NULL;
}

/* The text between two positions; what stands behind the last mark is a paragraph too. */
MUST_USE static Error *read_range(Doc *doc, uint32_t first, uint32_t end)
{
    DocCursor cursor = doc_cursor(&doc->file, first, end);
    uint16_t unit;
    uint32_t byte = 0;
    bool open = false;
    while (doc_next(&cursor, &unit, &byte)) {
        TRY(doc_text_move(&doc->text, &doc->file, byte));
        open = !doc_ends_paragraph(unit) && (unit != DOC_PAGE_MARK || cursor.at < cursor.end);
        if (open)
            TRY(doc_text_add(&doc->text, unit));
        else
            TRY(end_paragraph(doc, unit, byte));
    }
    if (open)
        TRY(end_paragraph(doc, DOC_PARAGRAPH_MARK, byte));
    return end_table(doc);
}

/* --- headers and footers --- */

/* The lines of one story, the empty ones left out; in the text of the paragraph. */
MUST_USE static Error *read_story(Doc *doc, uint32_t first, uint32_t end, Buffer *lines)
{
    DocCursor cursor = doc_cursor(&doc->file, first, end);
    uint16_t unit = 0;
    uint32_t byte;
    while (doc_next(&cursor, &unit, &byte)) {
        if (!doc_ends_paragraph(unit)) {
            TRY(doc_text_add(&doc->text, unit));
            continue;
        }
        Str line = chars_trim(doc_text_view(&doc->text));
        if (line.len > 0 && lines->len > 0)
            TRY(buffer_append_byte(lines, '\n'));
        TRY(buffer_append_str(lines, line));
        doc_text_clear(&doc->text);
    }
    doc_text_clear(&doc->text);
    return NULL;
}

/* Stories of a section stand in this order, behind six that are of notes. */
enum {
    STORY_EVEN_HEADER,
    STORY_HEADER,
    STORY_EVEN_FOOTER,
    STORY_FOOTER,
    STORY_FIRST_HEADER,
    STORY_FIRST_FOOTER,
    STORIES,
    STORIES_OF_NOTES = 6
};

MUST_USE static Error *add_story(Doc *doc, size_t section, unsigned story, ElementType type, HeaderFooterType kind)
{
    Reader in = reader_of(doc->file.header_stories);
    CLEANUP(buffer_done) Buffer lines = {.limit = doc->builder.text_left + 1};
    uint32_t first, end;
    Element *element;
    size_t index = STORIES_OF_NOTES + section * STORIES + story;
    if (!reader_skip(&in, index * 4) || !reader_u32le(&in, &first) || !reader_u32le(&in, &end) || end <= first
        || end > doc->file.header_chars)
        return NULL; /* the section has none of its own */
    TRY(read_story(doc, doc->file.header_first + first, doc->file.header_first + end, &lines));
    if (lines.len == 0)
        return NULL;
    TRY(builder_add(&doc->builder, type, buffer_str(&lines), &element));
    element->header_footer = kind;
    element->category_depth = 0;
    return NULL;
}

MUST_USE static Error *add_headers(Doc *doc, size_t section, ElementType type)
{
    bool header = type == ELEMENT_HEADER;
    TRY(add_story(doc, section, header ? STORY_HEADER : STORY_FOOTER, type, HEADER_FOOTER_PRIMARY));
    if (doc_section_first_page_differs(&doc->file, section))
        TRY(add_story(doc, section, header ? STORY_FIRST_HEADER : STORY_FIRST_FOOTER, type, HEADER_FOOTER_FIRST_PAGE));
    if (!doc->file.even_pages_differ)
        return NULL;
    return add_story(doc, section, header ? STORY_EVEN_HEADER : STORY_EVEN_FOOTER, type, HEADER_FOOTER_EVEN_PAGE);
}

/* Sections in order; text that no section has comes last. */
MUST_USE static Error *read_body(Doc *doc)
{
    uint32_t first = 0;
    size_t count = doc_section_count(&doc->file);
    for (size_t i = 0; i < count; i++) {
        uint32_t end = MIN(doc_section_end(&doc->file, i), doc->file.body_chars);
        if (i == count - 1)
            end = doc->file.body_chars;
        TRY(add_headers(doc, i, ELEMENT_HEADER));
        if (end > first)
            TRY(read_range(doc, first, end));
        TRY(add_headers(doc, i, ELEMENT_FOOTER));
        first = MAX(first, end);
    }
    return count == 0 ? read_range(doc, 0, doc->file.body_chars) : NULL;
}

Error *partition_doc(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                     Elements *elements)
{
    (void)filetype;
    CLEANUP(ole_reader_freep) OleReader *ole = NULL;
    CLEANUP(doc_done) Doc doc = {.options = options};
    TRY(ole_reader_new(input, &ole));
    TRY(doc_file_open(ole, elements->arena, &doc.file));
    builder_init(&doc.builder, options, watch, elements);
    doc_text_init(&doc.text, elements->arena, doc.builder.text_left);
    TRY(doc_table_init(&doc.table, doc.builder.text_left));
    return read_body(&doc);
}
