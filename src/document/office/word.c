/* DOCX: sections with their headers and footers, paragraphs, tables. What stands in content controls, tracked insertions and floating text
 * boxes gives nothing, as in the originals.
 * Sources: ECMA-376-1 17; spec/unstructured.md 3.8. */
#include "document/chars.h"
#include "document/office/word_table.h"

enum { SECTIONS_MAX = 100 * 1000 };

typedef enum SectionStart { START_ANY, START_EVEN_PAGE, START_ODD_PAGE } SectionStart;

/* A section's properties, which stand at its end. Relations by kind: NULL is as in the section before. */
typedef struct Section {
    SectionStart start;
    bool first_page_differs;
    const OpcRelation *headers[HEADER_FOOTER_TYPES], *footers[HEADER_FOOTER_TYPES];
} Section;

typedef struct Word {
    const PartitionOptions *options;
    ZipReader *zip;
    Builder builder;
    Arena *arena;
    OpcRelations relations;
    WordStyles styles;
    bool even_pages_differ;
    Section *sections;
    size_t section_count, section_capacity, section_at;
    Str *part_texts; /* of headers and footers, a place for each relation; no data: not read yet */
    WordParagraph paragraph;
    WordTable table;
    uint32_t page;
} Word;

static void word_done(Word *word)
{
    zip_reader_free(word->zip);
    word_table_done(&word->table);
    word_paragraph_done(&word->paragraph);
}

/* --- sections --- */

static HeaderFooterType kind_of(Str type)
{
    if (str_equal(type, STR("first")))
        return HEADER_FOOTER_FIRST_PAGE;
    return str_equal(type, STR("even")) ? HEADER_FOOTER_EVEN_PAGE : HEADER_FOOTER_PRIMARY;
}

static void read_section_property(const Word *word, const XmlReader *xml, Section *section)
{
    Str value;
    bool header = xml_reader_starts(xml, "headerReference");
    if (header || xml_reader_starts(xml, "footerReference")) {
        const OpcRelation *relation =
            xml_reader_attribute(xml, "id", &value) ? opc_relation(&word->relations, value) : NULL;
        HeaderFooterType kind = xml_reader_attribute(xml, "type", &value) ? kind_of(value) : HEADER_FOOTER_PRIMARY;
        if (relation && !relation->external)
            (header ? section->headers : section->footers)[kind] = relation;
    } else if (xml_reader_starts(xml, "type") && xml_reader_attribute(xml, "val", &value)) {
        section->start = str_equal(value, STR("evenPage"))  ? START_EVEN_PAGE
                         : str_equal(value, STR("oddPage")) ? START_ODD_PAGE
                                                            : START_ANY;
    } else if (xml_reader_starts(xml, "titlePg"))
        section->first_page_differs = word_is_on(xml);
}

MUST_USE static Error *read_section(Word *word, XmlReader *xml)
{
    enum { FIRST_SECTIONS = 16 };
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    if (word->section_count > SECTIONS_MAX)
        return xml_reader_skip(xml); /* refused when the text gets there */
    if (word->section_count == word->section_capacity) {
        size_t capacity = MAX(2 * word->section_capacity, (size_t)FIRST_SECTIONS);
        Section *sections = arena_grow(word->arena, word->sections, word->section_capacity * sizeof *sections,
                                       capacity * sizeof *sections);
        if (!sections)
            return arena_error(word->arena);
        word->sections = sections;
        word->section_capacity = capacity;
    }
    Section *section = &word->sections[word->section_count++];
    *section = (Section){0};
    for (;;) {
        TRY(xml_reader_next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (event != XML_EVENT_START)
            continue;
        read_section_property(word, xml, section);
        TRY(xml_reader_skip(xml));
    }
}

/* The sections that end in the properties of the paragraph that has begun. */
MUST_USE static Error *find_section_of_paragraph(Word *word, XmlReader *xml)
{
    unsigned paragraph = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    for (;;) {
        TRY(xml_reader_next_inside(xml, paragraph, &event, &inside));
        if (!inside)
            return NULL;
        if (event == XML_EVENT_START && xml_reader_depth(xml) == paragraph + 2 && xml_reader_starts(xml, "sectPr"))
            TRY(read_section(word, xml));
        else if (event == XML_EVENT_START && (xml_reader_depth(xml) > paragraph + 1 || !xml_reader_starts(xml, "pPr")))
            TRY(xml_reader_skip(xml));
    }
}

/* Past the START of the body; `*ret_found` is false when there is none. */
MUST_USE static Error *enter_body(XmlReader *xml, bool *ret_found)
{
    XmlEvent event;
    *ret_found = false;
    for (;;) {
        TRY(xml_reader_next(xml, &event));
        if (event == XML_EVENT_DONE)
            return NULL;
        if (xml_reader_depth(xml) == 1 && xml_reader_starts(xml, "body")) {
            *ret_found = true;
            return NULL;
        }
        if (event == XML_EVENT_START && xml_reader_depth(xml) > 0)
            TRY(xml_reader_skip(xml));
    }
}

/* All sections, before the body is read: a section's headers stand before what they belong to, its properties behind. */
MUST_USE static Error *find_sections(Word *word, Bytes document)
{
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    XmlEvent event;
    bool inside;
    TRY(xml_reader_new(document, word->options->depth_max, &xml));
    TRY(enter_body(xml, &inside));
    unsigned body = inside ? xml_reader_depth(xml) : 0;
    while (inside) {
        TRY(xml_reader_next_inside(xml, body, &event, &inside));
        if (!inside)
            break;
        if (xml_reader_starts(xml, "p"))
            TRY(find_section_of_paragraph(word, xml));
        else if (xml_reader_starts(xml, "sectPr"))
            TRY(read_section(word, xml));
        else if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    }
    return NULL;
}

/* --- pages --- */

MUST_USE static Error *next_page(Word *word)
{
    Element *element;
    if (word->page < UINT32_MAX)
        word->page++;
    return builder_add(&word->builder, ELEMENT_PAGE_BREAK, STR_EMPTY, &element);
}

/* A section that begins on an even page after an even one leaves a page out, and one for odd pages likewise. */
MUST_USE static Error *add_section_page(Word *word, const Section *section)
{
    bool odd = word->page % 2 == 1, first = word->section_at == 0;
    bool left_out = (section->start == START_EVEN_PAGE && !odd) || (section->start == START_ODD_PAGE && odd && !first);
    return left_out ? next_page(word) : NULL;
}

/* --- headers and footers --- */

MUST_USE static Error *append_line(Buffer *out, Str text)
{
    if (text.len == 0)
        return NULL;
    if (out->len > 0)
        TRY(buffer_append_byte(out, '\n'));
    return buffer_append_str(out, text);
}

/* The texts of the paragraphs and tables directly below the root, a line each. */
MUST_USE static Error *read_lines(Word *word, XmlReader *xml, Buffer *out)
{
    XmlEvent event;
    do {
        TRY(xml_reader_next(xml, &event));
        if (event != XML_EVENT_START || xml_reader_depth(xml) == 0)
            continue;
        if (xml_reader_starts(xml, "p")) {
            TRY(word_paragraph_read(&word->paragraph, xml));
            TRY(append_line(out, chars_trim(buffer_str(&word->paragraph.content.text))));
        } else if (xml_reader_starts(xml, "tbl")) {
            TRY(word_table_read(&word->table, xml));
            TRY(append_line(out, buffer_str(&word->table.text)));
        } else
            TRY(xml_reader_skip(xml));
    } while (event != XML_EVENT_DONE);
    return NULL;
}

MUST_USE static Error *read_part_text(Word *word, Str part, Buffer *out)
{
    CLEANUP(buffer_done) Buffer content = {0};
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    bool breaks_seen = word->paragraph.breaks_seen;
    size_t index;
    if (!zip_reader_find(word->zip, part, &index))
        return NULL;
    TRY(zip_reader_read(word->zip, index, &content));
    TRY(xml_reader_new(buffer_bytes(&content), word->options->depth_max, &xml));
    word->paragraph.on_break = NULL;
    TRY(read_lines(word, xml, out));
    word->paragraph.breaks_seen = breaks_seen;
    return NULL;
}

/* The text of a header or footer, which sections may share; the part is read once. */
MUST_USE static Error *part_text(Word *word, const OpcRelation *relation, Str *ret_text)
{
    CLEANUP(buffer_done) Buffer text = {.limit = word->paragraph.content.text_max_bytes};
    Str *known = &word->part_texts[relation - word->relations.items];
    if (!known->data) {
        TRY_CTX(read_part_text(word, relation->target, &text), "'" STR_FMT "'", STR_ARG(relation->target));
        *known = arena_str(word->arena, buffer_str(&text));
    }
    *ret_text = *known;
    return known->data ? NULL : arena_error(word->arena);
}

MUST_USE static Error *add_header(Word *word, ElementType type, const OpcRelation *relation, HeaderFooterType kind)
{
    Str text;
    Element *element;
    if (!relation)
        return NULL;
    TRY(part_text(word, relation, &text));
    if (text.len == 0)
        return NULL;
    TRY(builder_add(&word->builder, type, text, &element));
    element->header_footer = kind;
    element->category_depth = 0;
    return NULL;
}

/* The section's headers, or its footers. */
MUST_USE static Error *add_headers(Word *word, const Section *section, ElementType type)
{
    const OpcRelation *const *relations = type == ELEMENT_HEADER ? section->headers : section->footers;
    TRY(add_header(word, type, relations[HEADER_FOOTER_PRIMARY], HEADER_FOOTER_PRIMARY));
    if (section->first_page_differs)
        TRY(add_header(word, type, relations[HEADER_FOOTER_FIRST_PAGE], HEADER_FOOTER_FIRST_PAGE));
    return word->even_pages_differ ? add_header(word, type, relations[HEADER_FOOTER_EVEN_PAGE], HEADER_FOOTER_EVEN_PAGE)
                                   : NULL;
}

MUST_USE static Error *begin_section(Word *word)
{
    if (word->section_at >= word->section_count)
        return NULL;
    const Section *section = &word->sections[word->section_at];
    TRY(add_section_page(word, section));
    return add_headers(word, section, ELEMENT_HEADER);
}

MUST_USE static Error *end_section(Word *word)
{
    if (word->section_at >= word->section_count)
        return NULL;
    if (word->section_at == SECTIONS_MAX)
        return FAIL(LIMIT, "more than %d sections", SECTIONS_MAX);
    TRY(add_headers(word, &word->sections[word->section_at], ELEMENT_FOOTER));
    word->section_at++;
    return NULL;
}

/* --- paragraphs --- */

/* The paragraph, or the piece of it that stands on one page, as an element. */
MUST_USE static Error *add_paragraph(Word *word)
{
    const WordParagraph *p = &word->paragraph;
    return paragraph_add_element(&p->content, word_styles_find(&word->styles, buffer_str(&p->style)),
                                 word->options->titles_from_text, word->page, &word->builder);
}

static Error *on_break(void *context)
{
    Word *word = context;
    TRY(add_paragraph(word));
    paragraph_clear_piece(&word->paragraph.content);
    return next_page(word);
}

MUST_USE static Error *read_paragraph(Word *word, XmlReader *xml)
{
    word->paragraph.on_break = on_break;
    TRY(word_paragraph_read(&word->paragraph, xml));
    TRY(add_paragraph(word));
    if (!word->paragraph.ends_section)
        return NULL;
    TRY(end_section(word));
    return begin_section(word);
}

MUST_USE static Error *read_table(Word *word, XmlReader *xml)
{
    Element *element;
    WordTable *table = &word->table;
    word->paragraph.on_break = NULL;
    TRY(word_table_read(table, xml));
    TRY(builder_add(&word->builder, ELEMENT_TABLE, buffer_str(&table->text), &element));
    element->text_as_html = arena_str(word->arena, buffer_str(&table->html));
    element->page_number = word->page;
    if (!element->text_as_html.data)
        return arena_error(word->arena);
    return emphasis_give(&table->emphasis, word->arena, element);
}

/* --- the document --- */

MUST_USE static Error *read_body(Word *word, XmlReader *xml)
{
    unsigned body = xml_reader_depth(xml);
    XmlEvent event;
    bool inside;
    TRY(begin_section(word));
    for (;;) {
        TRY(xml_reader_next_inside(xml, body, &event, &inside));
        if (!inside)
            return end_section(word);
        if (xml_reader_starts(xml, "p"))
            TRY(read_paragraph(word, xml));
        else if (xml_reader_starts(xml, "tbl"))
            TRY(read_table(word, xml));
        else if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    }
}

MUST_USE static Error *read_document(Word *word, Bytes document)
{
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    bool found;
    Error *error = find_sections(word, document);
    if (error_code(error) != ERR_CORRUPT && error_code(error) != ERR_LIMIT)
        TRY(error);
    else
        error_free(error); /* the second reading meets it too, behind the elements that stand before it */
    TRY(xml_reader_new(document, word->options->depth_max, &xml));
    TRY(enter_body(xml, &found));
    if (!found)
        return FAIL(CORRUPT, "no body");
    word->paragraph.namespace_uri = xml_reader_namespace(xml);
    return read_body(word, xml);
}

/* A part that the document can do without: the relation's target, or nothing. */
MUST_USE static Error *read_part_of_type(Word *word, const char *type, Buffer *out)
{
    const OpcRelation *relation = opc_relation_of_type(&word->relations, type);
    size_t index;
    return relation && zip_reader_find(word->zip, relation->target, &index) ? zip_reader_read(word->zip, index, out)
                                                                            : NULL;
}

MUST_USE static Error *read_styles(Word *word)
{
    CLEANUP(buffer_done) Buffer xml = {0};
    TRY(read_part_of_type(word, "styles", &xml));
    if (xml.len > 0)
        TRY_CTX(word_styles_read(buffer_bytes(&xml), word->arena, &word->styles), "styles");
    return NULL;
}

/* Whether even pages have headers of their own. The template that settings may name is not looked at. */
MUST_USE static Error *read_settings(Word *word)
{
    CLEANUP(buffer_done) Buffer part = {0};
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    XmlEvent event = XML_EVENT_START;
    TRY(read_part_of_type(word, "settings", &part));
    if (part.len == 0)
        return NULL;
    TRY_CTX(xml_reader_new(buffer_bytes(&part), 0, &xml), "settings");
    while (event != XML_EVENT_DONE) {
        TRY_CTX(xml_reader_next(xml, &event), "settings");
        if (event != XML_EVENT_START || xml_reader_depth(xml) == 0)
            continue;
        if (xml_reader_starts(xml, "evenAndOddHeaders"))
            word->even_pages_differ = word_is_on(xml);
        TRY_CTX(xml_reader_skip(xml), "settings");
    }
    return NULL;
}

MUST_USE static Error *read_package(Word *word, Bytes input)
{
    CLEANUP(buffer_done) Buffer document = {0};
    Str part;
    TRY(zip_reader_new(input, word->options->expansion, &word->zip));
    TRY(opc_main_part(word->zip, STR("word/document.xml"), word->arena, &part));
    TRY(opc_relations_read(word->zip, part, word->arena, &word->relations));
    word->paragraph.relations = &word->relations;
    word->part_texts = ARENA_ARRAY(word->arena, Str, word->relations.count);
    if (!word->part_texts)
        return arena_error(word->arena);
    TRY(word_table_init(&word->table, &word->paragraph));
    TRY(read_styles(word));
    TRY(read_settings(word));
    TRY(zip_reader_read_name(word->zip, part, &document));
    TRY_CTX(read_document(word, buffer_bytes(&document)), "'" STR_FMT "'", STR_ARG(part));
    return NULL;
}

Error *partition_docx(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                      Elements *elements)
{
    (void)filetype;
    size_t first = elements->count;
    CLEANUP(word_done) Word word = {.options = options, .arena = elements->arena, .page = 1};
    builder_init(&word.builder, options, watch, elements);
    word.paragraph.content.arena = elements->arena;
    word.paragraph.content.text_max_bytes = word.builder.text_left;
    word.paragraph.word = &word;
    Error *error = read_package(&word, input);
    /* Without a rendered page break nothing is known of pages. */
    for (size_t i = first; i < elements->count && !word.paragraph.breaks_seen; i++)
        elements->items[i].page_number = 0;
    return error;
}
