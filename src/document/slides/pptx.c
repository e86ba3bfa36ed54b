/* PPTX: the slides of a presentation, hidden ones too, in its order. Pictures, charts, diagrams and notes give nothing.
 * Sources: ECMA-376-1 19.3 (presentation, slides, placeholders), 21.1.2 (text), 21.1.3 (tables); spec/unstructured.md 3.9. */
#include "document/opc.h"
#include "document/slides/shape.h"
#include "document/xml_reader.h"

enum { PLACEHOLDERS_MAX = 1000 }; /* of a layout or master; more are not looked at */

typedef struct Position {
    bool known;
    int64_t top, left;
} Position;

/* A place of a layout or master that a slide's shape may take. */
typedef struct Placeholder {
    uint64_t index;
    Str type;
    Position position;
} Placeholder;

/* The placeholders of one layout with those of its master. */
typedef struct Layout {
    Str part;
    Placeholder *own, *master; /* in the arena */
    size_t own_count, master_count;
    struct Layout *next;
} Layout;

typedef struct Presentation {
    const PartitionOptions *options;
    ZipReader *zip;
    Builder builder;
    Arena *arena;
    Layout *layouts; /* those read so far */
    Slide slide;
    Buffer text; /* of the paragraph or cell at hand */
    SlideTable table;
    uint32_t slides_read;
} Presentation;

static void presentation_done(Presentation *show)
{
    zip_reader_free(show->zip);
    buffer_done(&show->text);
    slide_table_done(&show->table);
}

static bool is_start(XmlEvent event, const XmlReader *xml, const char *name)
{
    return event == XML_EVENT_START && str_equal(xml_reader_name(xml), str_of(name));
}

/* The next event within the element that began at `depth`; false behind it. */
MUST_USE static Error *next_inside(XmlReader *xml, unsigned depth, XmlEvent *ret_event, bool *ret_inside)
{
    TRY(xml_reader_next(xml, ret_event));
    *ret_inside = *ret_event != XML_EVENT_DONE && !(*ret_event == XML_EVENT_END && xml_reader_depth(xml) == depth);
    return NULL;
}

static int64_t number_attribute(const XmlReader *xml, const char *name)
{
    Str text;
    int64_t number;
    return xml_reader_attribute(xml, name, &text) && str_to_i64(text, &number) ? number : 0;
}

/* --- text --- */

/* The text of a run or field that has begun. */
MUST_USE static Error *read_run(Presentation *show, XmlReader *xml)
{
    unsigned depth = xml_reader_depth(xml);
    bool inside, in_text = false;
    XmlEvent event;
    for (;;) {
        TRY(next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (event == XML_EVENT_TEXT && in_text)
            TRY(buffer_append_str(&show->text, xml_reader_text(xml)));
        else if (is_start(event, xml, "t"))
            in_text = true;
        else if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
        else if (event == XML_EVENT_END)
            in_text = false;
    }
}

/* Whether a bullet is asked for in the properties that have begun. */
MUST_USE static Error *read_properties(XmlReader *xml, SlideParagraph *paragraph)
{
    unsigned depth = xml_reader_depth(xml);
    bool inside;
    XmlEvent event;
    paragraph->level = (uint32_t)MIN(MAX(number_attribute(xml, "lvl"), 0), 8);
    for (;;) {
        TRY(next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        paragraph->bulleted |= is_start(event, xml, "buChar");
        if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    }
}

/* Appends the text of the paragraph that has begun to `show->text`; the rest goes to `*paragraph`. */
MUST_USE static Error *read_paragraph(Presentation *show, XmlReader *xml, SlideParagraph *paragraph)
{
    unsigned depth = xml_reader_depth(xml);
    bool inside;
    XmlEvent event;
    *paragraph = (SlideParagraph){0};
    for (;;) {
        TRY(next_inside(xml, depth, &event, &inside));
        if (!inside)
            return NULL;
        if (is_start(event, xml, "pPr"))
            TRY(read_properties(xml, paragraph));
        else if (is_start(event, xml, "r") || is_start(event, xml, "fld"))
            TRY(read_run(show, xml));
        else if (event == XML_EVENT_START) {
            if (is_start(event, xml, "br"))
                TRY(buffer_append_byte(&show->text, '\v'));
            TRY(xml_reader_skip(xml));
        }
    }
}

/* --- tables --- */

/* The cell that has begun: its paragraphs are lines. */
MUST_USE static Error *read_cell(Presentation *show, XmlReader *xml)
{
    unsigned depth = xml_reader_depth(xml);
    bool inside, first = true;
    XmlEvent event;
    SlideParagraph paragraph;
    buffer_clear(&show->text);
    for (;;) {
        TRY(next_inside(xml, depth, &event, &inside));
        if (!inside)
            break;
        if (is_start(event, xml, "p")) {
            if (!first)
                TRY(buffer_append_byte(&show->text, '\n'));
            first = false;
            TRY(read_paragraph(show, xml, &paragraph));
        } else if (event == XML_EVENT_START && !is_start(event, xml, "txBody"))
            TRY(xml_reader_skip(xml));
    }
    return slide_table_add_cell(&show->table, &show->text);
}

/* The table that has begun, to the shape. */
MUST_USE static Error *read_table(Presentation *show, XmlReader *xml, SlideShape *shape)
{
    unsigned depth = xml_reader_depth(xml);
    bool inside;
    XmlEvent event;
    for (;;) {
        TRY(next_inside(xml, depth, &event, &inside));
        if (!inside)
            return slide_table_end(&show->table, &show->slide, shape);
        if (is_start(event, xml, "tc"))
            TRY(read_cell(show, xml));
        else if (is_start(event, xml, "tr"))
            TRY(slide_table_begin_row(&show->table));
        else if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
        else if (event == XML_EVENT_END)
            TRY(slide_table_end_row(&show->table));
    }
}

/* --- layouts --- */

static Position read_position(const XmlReader *xml)
{
    return (Position){true, number_attribute(xml, "y"), number_attribute(xml, "x")};
}

MUST_USE static Error *read_placeholder(Presentation *show, const XmlReader *xml, Placeholder *ret_placeholder)
{
    Str type;
    uint64_t index = (uint64_t)number_attribute(xml, "idx");
    if (!xml_reader_attribute(xml, "type", &type))
        type = STR("obj");
    *ret_placeholder = (Placeholder){.index = index, .type = arena_str(show->arena, type)};
    return ret_placeholder->type.data ? NULL : arena_error(show->arena);
}

/* The placeholders among the shapes of a layout or master. */
MUST_USE static Error *read_placeholders(Presentation *show, XmlReader *xml, Placeholder **ret_list, size_t *ret_count)
{
    size_t capacity = 0;
    bool in_shape = false; /* one that is a placeholder */
    XmlEvent event;
    *ret_list = NULL;
    *ret_count = 0;
    for (;;) {
        TRY(xml_reader_next(xml, &event));
        if (event == XML_EVENT_DONE)
            return NULL;
        if (is_start(event, xml, "sp"))
            in_shape = false;
        else if (is_start(event, xml, "ph") && *ret_count < PLACEHOLDERS_MAX) {
            if (*ret_count == capacity) {
                size_t grown = MAX(2 * capacity, (size_t)8);
                Placeholder *list = arena_grow(show->arena, *ret_list, capacity * sizeof *list, grown * sizeof *list);
                if (!list)
                    return arena_error(show->arena);
                *ret_list = list;
                capacity = grown;
            }
            TRY(read_placeholder(show, xml, &(*ret_list)[*ret_count]));
            ++*ret_count;
            in_shape = true;
        } else if (in_shape && is_start(event, xml, "off") && !(*ret_list)[*ret_count - 1].position.known)
            (*ret_list)[*ret_count - 1].position = read_position(xml);
    }
}

/* Of the part that `relations` call `type`, whose own relations go to `*ret_relations`; none when there is no such part. */
MUST_USE static Error *read_related_placeholders(Presentation *show, Str part, Placeholder **ret_list,
                                                 size_t *ret_count)
{
    CLEANUP(buffer_done) Buffer bytes = {0};
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    size_t index;
    if (!zip_reader_find(show->zip, part, &index))
        return NULL;
    TRY(zip_reader_read(show->zip, index, &bytes));
    TRY(xml_reader_new(buffer_bytes(&bytes), show->options->depth_max, &xml));
    TRY_CTX(read_placeholders(show, xml, ret_list, ret_count), "'" STR_FMT "'", STR_ARG(part));
    return NULL;
}

MUST_USE static Error *read_layout(Presentation *show, Str part, Layout *layout)
{
    OpcRelations relations;
    TRY(read_related_placeholders(show, part, &layout->own, &layout->own_count));
    TRY(opc_relations_read(show->zip, part, show->arena, &relations));
    const OpcRelation *master = opc_relation_of_type(&relations, "slideMaster");
    if (!master)
        return NULL;
    return read_related_placeholders(show, master->target, &layout->master, &layout->master_count);
}

/* The layout of the slide `part`; NULL when it has none. */
MUST_USE static Error *find_layout(Presentation *show, Str part, const Layout **ret_layout)
{
    OpcRelations relations;
    TRY(opc_relations_read(show->zip, part, show->arena, &relations));
    const OpcRelation *relation = opc_relation_of_type(&relations, "slideLayout");
    *ret_layout = NULL;
    if (!relation)
        return NULL;
    for (const Layout *layout = show->layouts; layout; layout = layout->next) {
        if (str_equal(layout->part, relation->target)) {
            *ret_layout = layout;
            return NULL;
        }
    }
    Layout *layout = ARENA_NEW(show->arena, Layout);
    if (!layout)
        return arena_error(show->arena);
    *layout = (Layout){.part = relation->target, .next = show->layouts};
    TRY(read_layout(show, relation->target, layout));
    show->layouts = layout;
    *ret_layout = layout;
    return NULL;
}

/* What a layout's placeholder of this type is on the master. */
static Str master_type(Str type)
{
    static const char *const same[] = {"dt", "ftr", "sldNum", "title"};
    if (str_equal(type, STR("ctrTitle")))
        return STR("title");
    for (size_t i = 0; i < ARRAY_COUNT(same); i++) {
        if (str_equal(type, str_of(same[i])))
            return type;
    }
    return STR("body");
}

/* Where the layout, or else the master, puts the placeholder `index`. */
static Position inherited_position(const Layout *layout, uint64_t index)
{
    const Placeholder *own = NULL;
    for (size_t i = 0; layout && i < layout->own_count && !own; i++) {
        if (layout->own[i].index == index)
            own = &layout->own[i];
    }
    if (!own)
        return (Position){0};
    Str type = master_type(own->type);
    for (size_t i = 0; i < layout->master_count && !own->position.known; i++) {
        if (str_equal(layout->master[i].type, type))
            return layout->master[i].position;
    }
    return own->position;
}

/* --- slides --- */

static void place(SlideShape *shape, Position position)
{
    shape->top = position.top;
    shape->left = position.left;
}

/* The text shape that has begun. `layout` is NULL within a group, where nothing is inherited. */
MUST_USE static Error *read_shape(Presentation *show, XmlReader *xml, const Layout *layout, bool *title_seen)
{
    unsigned depth = xml_reader_depth(xml);
    bool inside, is_placeholder = false;
    uint64_t index = 0;
    Position position = {0};
    XmlEvent event;
    SlideShape *shape;
    SlideParagraph paragraph;
    TRY(slide_add_shape(&show->slide, &shape));
    for (;;) {
        TRY(next_inside(xml, depth, &event, &inside));
        if (!inside)
            break;
        if (is_start(event, xml, "ph")) {
            is_placeholder = true;
            index = (uint64_t)number_attribute(xml, "idx");
        } else if (is_start(event, xml, "off") && !position.known)
            position = read_position(xml);
        else if (is_start(event, xml, "lstStyle") || is_start(event, xml, "style"))
            TRY(xml_reader_skip(xml));
        else if (is_start(event, xml, "p")) {
            buffer_clear(&show->text);
            TRY(read_paragraph(show, xml, &paragraph));
            paragraph.text = buffer_str(&show->text);
            TRY(slide_add_paragraph(&show->slide, shape, paragraph));
        }
    }
    shape->is_title = layout && is_placeholder && index == 0 && !*title_seen;
    *title_seen |= shape->is_title;
    place(shape, is_placeholder && !position.known ? inherited_position(layout, index) : position);
    return NULL;
}

/* The frame that has begun: a table, or something else, which is left out. */
MUST_USE static Error *read_frame(Presentation *show, XmlReader *xml)
{
    unsigned depth = xml_reader_depth(xml);
    bool inside;
    Position position = {0};
    XmlEvent event;
    SlideShape *shape;
    TRY(slide_add_shape(&show->slide, &shape));
    for (;;) {
        TRY(next_inside(xml, depth, &event, &inside));
        if (!inside)
            break;
        if (is_start(event, xml, "off") && !position.known)
            position = read_position(xml);
        else if (is_start(event, xml, "tbl"))
            TRY(read_table(show, xml, shape));
        else if (event == XML_EVENT_START && !is_start(event, xml, "xfrm") && !is_start(event, xml, "graphic")
                 && !is_start(event, xml, "graphicData"))
            TRY(xml_reader_skip(xml));
    }
    place(shape, position);
    return NULL;
}

/* The shapes of the slide, those in groups too. */
MUST_USE static Error *read_shapes(Presentation *show, XmlReader *xml, const Layout *layout)
{
    static const Layout no_layout;
    unsigned groups = 0; /* the tree itself is one */
    bool title_seen = false;
    XmlEvent event;
    for (;;) {
        TRY(xml_reader_next(xml, &event));
        if (event == XML_EVENT_DONE)
            return NULL;
        bool is_group = str_equal(xml_reader_name(xml), STR("grpSp")) || str_equal(xml_reader_name(xml), STR("spTree"));
        if (is_group && event != XML_EVENT_TEXT)
            groups = event == XML_EVENT_START ? groups + 1 : groups - 1;
        else if (groups == 0)
            continue;
        else if (is_start(event, xml, "sp"))
            TRY(read_shape(show, xml, groups > 1 ? NULL : layout ? layout : &no_layout, &title_seen));
        else if (is_start(event, xml, "graphicFrame"))
            TRY(read_frame(show, xml));
        else if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    }
}

/* What was read of a slide that is cut off becomes elements all the same. */
MUST_USE static Error *read_slide(Presentation *show, Str part, uint32_t number)
{
    CLEANUP(buffer_done) Buffer bytes = {0};
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    const Layout *layout;
    TRY(find_layout(show, part, &layout));
    TRY(zip_reader_read_name(show->zip, part, &bytes));
    TRY(xml_reader_new(buffer_bytes(&bytes), show->options->depth_max, &xml));
    Error *error = read_shapes(show, xml, layout);
    Error *added = slide_add_elements(&show->slide, &show->builder, number);
    if (!error)
        return added;
    error_free(added); /* what went wrong first is the news */
    return error;
}

/* `r:id`, which stands beside an `id`; its namespace has a transitional and a strict name. */
static bool relation_id(const XmlReader *xml, Str *ret_id)
{
    return xml_reader_attribute_of(xml, "id", "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
                                   ret_id)
           || xml_reader_attribute_of(xml, "id", "http://purl.oclc.org/ooxml/officeDocument/relationships", ret_id);
}

/* `xml` reads the presentation itself; a slide that is missing keeps its number. */
MUST_USE static Error *read_presentation(Presentation *show, XmlReader *xml, const OpcRelations *relations)
{
    XmlEvent event;
    Str id;
    size_t index;
    for (;;) {
        TRY(xml_reader_next(xml, &event));
        if (event == XML_EVENT_DONE)
            return NULL;
        if (!is_start(event, xml, "sldId") || !relation_id(xml, &id))
            continue;
        const OpcRelation *slide = opc_relation(relations, id);
        uint32_t number = ++show->slides_read;
        if (slide && !slide->external && zip_reader_find(show->zip, slide->target, &index))
            TRY_CTX(read_slide(show, slide->target, number), "slide %u", number);
    }
}

Error *partition_pptx(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                      Elements *elements)
{
    (void)filetype;
    CLEANUP(presentation_done)
    Presentation show = {.options = options, .arena = elements->arena, .slide = {.arena = elements->arena}};
    CLEANUP(buffer_done) Buffer bytes = {0};
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    OpcRelations relations;
    Str main;
    size_t index;
    builder_init(&show.builder, options, watch, elements);
    show.text.limit = show.table.text.limit = show.builder.text_left + KIB;
    show.table.html.limit = 8 * show.builder.text_left + MIB;
    TRY(zip_reader_new(input, options->expansion, &show.zip));
    TRY(opc_main_part(show.zip, STR("ppt/presentation.xml"), show.arena, &main));
    TRY(opc_relations_read(show.zip, main, show.arena, &relations));
    if (!zip_reader_find(show.zip, main, &index))
        return FAIL(CORRUPT, "pptx: the presentation, '" STR_FMT "', is missing", STR_ARG(main));
    TRY(zip_reader_read(show.zip, index, &bytes));
    TRY(xml_reader_new(buffer_bytes(&bytes), options->depth_max, &xml));
    return read_presentation(&show, xml, &relations);
}
