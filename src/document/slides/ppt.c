/* PPT: the slides of a presentation of PowerPoint 97 to 2003, hidden ones too, in its order, by the rules of PPTX. Titles and bodies may stand
 * apart from their shapes, in the outline of the document, and a slide's shapes anywhere in the stream, where the tables of its edits say.
 * Sources: [MS-PPT] 2.1.2, 2.3 (stream, edits), 2.4.14 (outline), 2.5 (slides), 2.7 (drawings); [MS-ODRAW] 2.2; spec/unstructured.md 3.5, 3.9. */
#include <stdlib.h>

#include "document/ole_reader.h"
#include "document/slides/ppt_text.h"

enum { GROUPS_MAX = 64, MASTERS_MAX = 1000, TABLE_CELLS_MAX = 1000 * 1000, PERSIST_IDS = 1 << 20 };

typedef struct Master {
    uint32_t id;
    uint32_t follows; /* the master of a title master; 0: none */
    PptStyles styles;
} Master;

/* The texts of one slide in the outline. */
typedef struct Outline {
    PptText *texts;
    bool *used; /* each has one shape */
    size_t count;
} Outline;

typedef struct Presentation {
    Builder builder;
    Arena *arena;
    Bytes stream;
    uint32_t *places; /* [place_count]: offset of an object plus 1, by its id; 0: there is none */
    size_t place_count;
    size_t bytes_left; /* of the stream, that slides and tables may still take: they do not overlap */
    Master *masters;
    size_t master_count;
    PptStyles plain; /* of slides without a master */
    Slide slide;
    SlideTable table;
    Buffer text;
    uint32_t number; /* of the slide at hand */
    const PptStyles *styles;
    Outline outline;
} Presentation;

typedef struct Rectangle {
    int32_t left, top, right, bottom;
} Rectangle;

/* How the coordinates of a group become those of the slide. */
typedef struct Frame {
    double left, top;      /* on the slide, of the group's corner */
    double from_x, from_y; /* the same in the group */
    double scale_x, scale_y;
} Frame;

/* What is read of one shape. */
typedef struct RawShape {
    bool deleted, is_line, is_table, has_place;
    Rectangle place; /* in its group */
    Rectangle group; /* of a group: its own coordinates */
    Bytes text_box;
} RawShape;

static void presentation_done(Presentation *show)
{
    slide_table_done(&show->table);
    buffer_done(&show->text);
}

MUST_USE static Error *take_bytes(Presentation *show, size_t bytes)
{
    if (bytes > show->bytes_left)
        return FAIL(CORRUPT, "parts of the presentation overlap");
    show->bytes_left -= bytes;
    return NULL;
}

/* --- where things are --- */

static bool record_at(const Presentation *show, uint32_t offset, PptRecord *ret_record)
{
    Reader in = {show->stream, MIN((size_t)offset, show->stream.len)};
    return ppt_next(&in, ret_record);
}

/* The object `id`, one of the stream's top records. */
static bool find_object(const Presentation *show, uint32_t id, PptRecord *ret_record)
{
    return id < show->place_count && show->places[id] > 0 && record_at(show, show->places[id] - 1, ret_record);
}

/* Ids in rows, each with the number of its offsets. What a later edit said stays. */
MUST_USE static Error *read_directory(Presentation *show, Bytes directory)
{
    Reader in = reader_of(directory);
    uint32_t row, offset;
    TRY(take_bytes(show, directory.len));
    while (reader_u32le(&in, &row)) {
        uint32_t id = row & 0xFFFFF;
        for (uint32_t left = row >> 20; left > 0 && reader_u32le(&in, &offset); left--, id++) {
            if (id < show->place_count && show->places[id] == 0 && offset < UINT32_MAX)
                show->places[id] = offset + 1;
        }
    }
    return NULL;
}

/* The tables of all edits, from the last, at `offset`, to the first. */
MUST_USE static Error *read_edits(Presentation *show, uint32_t offset, uint32_t *ret_document)
{
    enum { ENCRYPTED_EDIT_BYTES = 32 };
    *ret_document = 0;
    for (uint32_t before; offset > 0; offset = before) {
        PptRecord edit, directory;
        uint32_t slide, version, directory_offset, document;
        if (!record_at(show, offset, &edit) || edit.type != PPT_USER_EDIT_ATOM)
            return FAIL(CORRUPT, "there is no edit at byte %u", offset);
        Reader in = reader_of(edit.body);
        bool whole = reader_u32le(&in, &slide) && reader_u32le(&in, &version) && reader_u32le(&in, &before)
                     && reader_u32le(&in, &directory_offset) && reader_u32le(&in, &document);
        if (!whole || !record_at(show, directory_offset, &directory) || directory.type != PPT_PERSIST_DIRECTORY_ATOM)
            return FAIL(CORRUPT, "the edit at byte %u has no table", offset);
        if (edit.body.len >= ENCRYPTED_EDIT_BYTES)
            return FAIL(UNSUPPORTED, "encrypted: the presentation is protected by a password");
        TRY(read_directory(show, directory.body));
        *ret_document = *ret_document ? *ret_document : document;
        if (before >= offset)
            break;
    }
    return NULL;
}

/* Where the last edit is. */
MUST_USE static Error *read_current_user(OleReader *ole, uint32_t *ret_offset)
{
    static const uint32_t token_encrypted = 0xF3D1C4DF;
    Bytes stream;
    PptRecord record;
    uint32_t size, token;
    TRY(ole_reader_stream_at(ole, OLE_ROOT, STR("Current User"), &stream));
    bool whole = ppt_find_in(stream, PPT_CURRENT_USER_ATOM, &record);
    Reader in = reader_of(whole ? record.body : BYTES_EMPTY);
    if (!reader_u32le(&in, &size) || !reader_u32le(&in, &token) || !reader_u32le(&in, ret_offset))
        return FAIL(CORRUPT, "the stream 'Current User' is cut off");
    if (token == token_encrypted)
        return FAIL(UNSUPPORTED, "encrypted: the presentation is protected by a password");
    return NULL;
}

/* --- masters --- */

static void read_styles(PptStyles *styles, Bytes records)
{
    Reader in = reader_of(records);
    PptRecord atom;
    while (ppt_find(&in, PPT_TEXT_MASTER_STYLE_ATOM, &atom))
        ppt_styles_read(styles, &atom);
}

/* The master or title master that a SlideAtom names; 0: none. */
static uint32_t master_of(Bytes slide)
{
    PptRecord atom;
    uint32_t master = 0;
    if (!ppt_find_in(slide, PPT_SLIDE_ATOM, &atom))
        return 0;
    Reader in = reader_of(atom.body);
    return reader_skip(&in, 12) && reader_u32le(&in, &master) ? master : 0;
}

/* Its object and its id; false when the atom is cut off. */
static bool read_persist(const PptRecord *atom, uint32_t *ret_object, uint32_t *ret_id)
{
    Reader in = reader_of(atom->body);
    return reader_u32le(&in, ret_object) && reader_skip(&in, 8) && reader_u32le(&in, ret_id);
}

MUST_USE static Error *read_masters(Presentation *show, Bytes list)
{
    Reader in = reader_of(list);
    PptRecord atom, object;
    uint32_t object_id, id;
    show->masters = ARENA_ARRAY(show->arena, Master, MASTERS_MAX);
    if (!show->masters)
        return arena_error(show->arena);
    while (show->master_count < MASTERS_MAX && ppt_find(&in, PPT_SLIDE_PERSIST_ATOM, &atom)) {
        if (!read_persist(&atom, &object_id, &id) || !find_object(show, object_id, &object))
            continue;
        TRY(take_bytes(show, object.body.len));
        Master *master = &show->masters[show->master_count++];
        *master = (Master){.id = id, .styles = show->plain};
        if (object.type == PPT_MAIN_MASTER)
            read_styles(&master->styles, object.body);
        else
            master->follows = master_of(object.body);
    }
    return NULL;
}

static const Master *find_master(const Presentation *show, uint32_t id)
{
    for (size_t i = 0; i < show->master_count; i++) {
        if (show->masters[i].id == id)
            return &show->masters[i];
    }
    return NULL;
}

static const PptStyles *styles_of(const Presentation *show, Bytes slide)
{
    const Master *master = find_master(show, master_of(slide));
    if (master && master->follows)
        master = find_master(show, master->follows);
    return master ? &master->styles : &show->plain;
}

/* --- shapes --- */

static bool read_rectangle(Bytes body, Rectangle *ret)
{
    Reader in = reader_of(body);
    uint32_t left, top, right, bottom;
    if (!reader_u32le(&in, &left) || !reader_u32le(&in, &top) || !reader_u32le(&in, &right)
        || !reader_u32le(&in, &bottom))
        return false;
    *ret = (Rectangle){(int32_t)left, (int32_t)top, (int32_t)right, (int32_t)bottom};
    return true;
}

/* On the slide itself the top stands first, in two bytes or in four. */
static bool read_client_anchor(Bytes body, Rectangle *ret)
{
    Reader in = reader_of(body);
    uint16_t top, left, right, bottom;
    Rectangle wide;
    if (body.len < sizeof(uint32_t) * 4) {
        if (!reader_u16le(&in, &top) || !reader_u16le(&in, &left) || !reader_u16le(&in, &right)
            || !reader_u16le(&in, &bottom))
            return false;
        *ret = (Rectangle){(int16_t)left, (int16_t)top, (int16_t)right, (int16_t)bottom};
        return true;
    }
    if (!read_rectangle(body, &wide))
        return false;
    *ret = (Rectangle){wide.top, wide.left, wide.right, wide.bottom};
    return true;
}

/* Whether the properties say that the group is a table. */
static bool is_table(const PptRecord *properties)
{
    enum { TABLE_PROPERTIES = 0x039F };
    Reader in = reader_of(properties->body);
    uint16_t id;
    uint32_t value;
    for (uint16_t i = 0; i < properties->instance && reader_u16le(&in, &id) && reader_u32le(&in, &value); i++) {
        if (id == TABLE_PROPERTIES)
            return value & 1;
    }
    return false;
}

static RawShape read_raw_shape(Bytes body)
{
    enum { DELETED = 8, LINE = 20 };
    RawShape shape = {.text_box = BYTES_EMPTY};
    Reader in = reader_of(body);
    PptRecord record;
    while (ppt_next(&in, &record)) {
        Reader atom = reader_of(record.body);
        uint32_t id, flags;
        switch (record.type) {
        case PPT_OFFICE_ART_FSP:
            shape.is_line = record.instance == LINE;
            shape.deleted = reader_u32le(&atom, &id) && reader_u32le(&atom, &flags) && (flags & DELETED);
            break;
        case PPT_OFFICE_ART_FSPGR: (void)!read_rectangle(record.body, &shape.group); break;
        case PPT_OFFICE_ART_FOPT:
        case PPT_OFFICE_ART_TERTIARY_FOPT: shape.is_table |= is_table(&record); break;
        case PPT_OFFICE_ART_CLIENT_ANCHOR: shape.has_place = read_client_anchor(record.body, &shape.place); break;
        case PPT_OFFICE_ART_CHILD_ANCHOR: shape.has_place = read_rectangle(record.body, &shape.place); break;
        case PPT_OFFICE_ART_CLIENT_TEXTBOX: shape.text_box = record.body; break;
        default: break;
        }
    }
    return shape;
}

/* The text of the shape, its own or one of the outline that no other shape has; false when it has none. */
static bool find_text(Presentation *show, const RawShape *raw, PptText *ret_text)
{
    Reader in = reader_of(raw->text_box);
    PptRecord reference;
    uint32_t index;
    if (!ppt_find_in(raw->text_box, PPT_OUTLINE_TEXT_REF_ATOM, &reference))
        return ppt_next_text(&in, ret_text);
    Reader atom = reader_of(reference.body);
    if (!reader_u32le(&atom, &index) || index >= show->outline.count || show->outline.used[index])
        return false;
    show->outline.used[index] = true;
    *ret_text = show->outline.texts[index];
    return true;
}

/* 0 for what no slide is as large as. */
static int64_t coordinate(double value)
{
    return value > -1e15 && value < 1e15 ? (int64_t)value : 0;
}

static void place(SlideShape *shape, const Rectangle *rectangle, const Frame *frame)
{
    shape->left = coordinate(frame->left + (rectangle->left - frame->from_x) * frame->scale_x);
    shape->top = coordinate(frame->top + (rectangle->top - frame->from_y) * frame->scale_y);
}

MUST_USE static Error *add_shape(Presentation *show, const RawShape *raw, const Frame *frame, bool *title_seen)
{
    SlideShape *shape;
    PptText text;
    if (raw->deleted || !find_text(show, raw, &text))
        return NULL;
    TRY(slide_add_shape(&show->slide, &shape));
    if (raw->has_place)
        place(shape, &raw->place, frame);
    shape->is_title = !*title_seen && (text.type == PPT_TEXT_TITLE || text.type == PPT_TEXT_CENTER_TITLE);
    *title_seen |= shape->is_title;
    return ppt_text_add(&text, show->styles, show->number, &show->text, &show->slide, shape);
}

/* --- tables --- */

/* A cell of a table: a shape in its group. */
typedef struct Cell {
    int32_t left, top;
    RawShape raw;
} Cell;

static int by_row(const void *a, const void *b)
{
    const Cell *left = a, *right = b;
    if (left->top != right->top)
        return left->top < right->top ? -1 : 1;
    return left->left < right->left ? -1 : left->left > right->left;
}

static int by_number(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    return left < right ? -1 : left > right;
}

/* Sorted, each once; the number that is left. */
static size_t sort_unique(int32_t *numbers, size_t count)
{
    size_t kept = 0;
    if (count > 1)
        qsort(numbers, count, sizeof *numbers, by_number);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || numbers[kept - 1] != numbers[i])
            numbers[kept++] = numbers[i];
    }
    return kept;
}

/* The cells of the group, and what begins a column. */
MUST_USE static Error *read_cells(const Presentation *show, Bytes group, Cell **ret_cells, size_t *ret_count,
                                  int32_t **ret_lefts)
{
    Reader in = reader_of(group);
    PptRecord record;
    size_t count = 0, capacity = 0;
    while (ppt_find(&in, PPT_OFFICE_ART_SP, &record))
        capacity++;
    Cell *cells = ARENA_ARRAY(show->arena, Cell, capacity);
    int32_t *lefts = ARENA_ARRAY(show->arena, int32_t, capacity);
    if (!cells || !lefts)
        return arena_error(show->arena);
    in = reader_of(group);
    bool is_group_itself = true;
    while (ppt_find(&in, PPT_OFFICE_ART_SP, &record)) {
        RawShape raw = read_raw_shape(record.body);
        if (!is_group_itself && !raw.deleted && !raw.is_line && raw.has_place) {
            lefts[count] = raw.place.left;
            cells[count++] = (Cell){raw.place.left, raw.place.top, raw};
        }
        is_group_itself = false;
    }
    if (count > 1)
        qsort(cells, count, sizeof *cells, by_row);
    *ret_cells = cells;
    *ret_count = count;
    *ret_lefts = lefts;
    return NULL;
}

/* The cell's paragraphs as lines in `show->text`; `cell` may be NULL. */
MUST_USE static Error *add_cell(Presentation *show, const Cell *cell)
{
    SlideShape lines = {0};
    PptText text;
    if (cell && find_text(show, &cell->raw, &text))
        TRY(ppt_text_add(&text, show->styles, show->number, &show->text, &show->slide, &lines));
    buffer_clear(&show->text);
    for (const SlideParagraph *line = lines.first; line; line = line->next) {
        TRY(buffer_append_str(&show->text, line->text));
        if (line->next)
            TRY(buffer_append_byte(&show->text, '\n'));
    }
    return slide_table_add_cell(&show->table, &show->text);
}

/* A column begins where a cell does: what a merged cell covers besides is empty. */
MUST_USE static Error *add_table(Presentation *show, Bytes group, const RawShape *own, const Frame *frame)
{
    Cell *cells;
    int32_t *lefts;
    size_t count, rows = 0;
    SlideShape *shape;
    TRY(read_cells(show, group, &cells, &count, &lefts));
    size_t columns = sort_unique(lefts, count);
    for (size_t i = 0; i < count; i++)
        rows += i == 0 || cells[i].top != cells[i - 1].top;
    if (columns > 0 && rows > TABLE_CELLS_MAX / columns)
        return FAIL(LIMIT, "a table of %zu rows and %zu columns has more than %d cells", rows, columns,
                    TABLE_CELLS_MAX);
    for (size_t i = 0; i < count;) {
        int32_t top = cells[i].top;
        TRY(slide_table_begin_row(&show->table));
        for (size_t c = 0; c < columns; c++) {
            bool filled = i < count && cells[i].top == top && cells[i].left == lefts[c];
            TRY(add_cell(show, filled ? &cells[i] : NULL));
            while (i < count && cells[i].top == top && cells[i].left == lefts[c])
                i++;
        }
        TRY(slide_table_end_row(&show->table));
    }
    TRY(slide_add_shape(&show->slide, &shape));
    place(shape, &own->place, frame);
    return slide_table_end(&show->table, &show->slide, shape);
}

/* --- slides --- */

static double scale(int64_t outer, int64_t inner)
{
    return inner == 0 ? 1 : (double)outer / (double)inner;
}

/* The frame of a group's members. */
static Frame frame_of(const RawShape *own, const Frame *outer)
{
    const Rectangle *place = &own->place, *group = &own->group;
    if (!own->has_place)
        return *outer;
    return (Frame){
        .left = outer->left + (place->left - outer->from_x) * outer->scale_x,
        .top = outer->top + (place->top - outer->from_y) * outer->scale_y,
        .from_x = group->left,
        .from_y = group->top,
        .scale_x = outer->scale_x * scale((int64_t)place->right - place->left, (int64_t)group->right - group->left),
        .scale_y = outer->scale_y * scale((int64_t)place->bottom - place->top, (int64_t)group->bottom - group->top),
    };
}

/* A group, whose first shape is itself. The outermost is the slide. */
MUST_USE static Error *read_group(Presentation *show, Bytes group, const Frame *outer, unsigned depth, bool *title_seen)
{
    Reader in = reader_of(group);
    PptRecord record;
    if (depth == GROUPS_MAX)
        return FAIL(LIMIT, "groups are more than %d deep", GROUPS_MAX);
    if (!ppt_find(&in, PPT_OFFICE_ART_SP, &record))
        return NULL;
    RawShape own = read_raw_shape(record.body);
    Frame frame = depth == 0 ? *outer : frame_of(&own, outer);
    if (own.is_table)
        return add_table(show, group, &own, outer);
    while (ppt_next(&in, &record)) {
        if (record.type == PPT_OFFICE_ART_SPGR)
            TRY(read_group(show, record.body, &frame, depth + 1, title_seen));
        else if (record.type == PPT_OFFICE_ART_SP) {
            RawShape raw = read_raw_shape(record.body);
            TRY(add_shape(show, &raw, &frame, title_seen));
        }
    }
    return NULL;
}

/* The texts in the outline up to the next slide's. */
MUST_USE static Error *read_outline(Presentation *show, Reader *in)
{
    Reader ahead = *in, texts;
    PptRecord record;
    PptText text;
    size_t start = reader_offset(in), count = 0;
    while (ppt_next(&ahead, &record) && record.type != PPT_SLIDE_PERSIST_ATOM)
        *in = ahead;
    Bytes records = bytes_from(in->input.data + start, reader_offset(in) - start);
    for (texts = reader_of(records); ppt_next_text(&texts, &text);)
        count++;
    show->outline = (Outline){ARENA_ARRAY(show->arena, PptText, count), ARENA_ARRAY(show->arena, bool, count), 0};
    if (!show->outline.texts || !show->outline.used)
        return arena_error(show->arena);
    for (texts = reader_of(records); show->outline.count < count && ppt_next_text(&texts, &text);)
        show->outline.texts[show->outline.count++] = text;
    return NULL;
}

MUST_USE static Error *read_shapes(Presentation *show, Bytes slide)
{
    static const Frame page = {.scale_x = 1, .scale_y = 1};
    PptRecord drawing, page_drawing, group;
    bool title_seen = false;
    show->styles = styles_of(show, slide);
    if (!ppt_find_in(slide, PPT_DRAWING, &drawing) || !ppt_find_in(drawing.body, PPT_OFFICE_ART_DG, &page_drawing)
        || !ppt_find_in(page_drawing.body, PPT_OFFICE_ART_SPGR, &group))
        return NULL;
    return read_group(show, group.body, &page, 0, &title_seen);
}

/* What was read of a slide that is not whole becomes elements all the same. A slide that is missing keeps its number. */
MUST_USE static Error *read_slide(Presentation *show, const PptRecord *atom, Reader *outline)
{
    PptRecord object;
    uint32_t object_id, id;
    TRY(read_outline(show, outline));
    if (!read_persist(atom, &object_id, &id) || !find_object(show, object_id, &object) || object.type != PPT_SLIDE)
        return NULL;
    TRY(take_bytes(show, object.body.len));
    Error *error = read_shapes(show, object.body);
    Error *added = slide_add_elements(&show->slide, &show->builder, show->number);
    if (!error)
        return added;
    error_free(added); /* what went wrong first is the news */
    return error;
}

MUST_USE static Error *read_slides(Presentation *show, Bytes list)
{
    Reader in = reader_of(list);
    PptRecord atom;
    while (ppt_find(&in, PPT_SLIDE_PERSIST_ATOM, &atom)) {
        show->number++;
        TRY_CTX(read_slide(show, &atom, &in), "slide %u", show->number);
    }
    return NULL;
}

/* The list of slides, masters or notes, as `instance` says. */
static bool find_list(Bytes document, uint16_t instance, PptRecord *ret_list)
{
    Reader in = reader_of(document);
    while (ppt_find(&in, PPT_SLIDE_LIST_WITH_TEXT, ret_list)) {
        if (ret_list->instance == instance)
            return true;
    }
    return false;
}

/* The styles of texts that are no placeholders stand with the document's. */
static void read_plain_styles(Presentation *show, Bytes document)
{
    PptRecord environment, info;
    if (!ppt_find_in(document, PPT_ENVIRONMENT, &environment))
        return;
    read_styles(&show->plain, environment.body);
    if (ppt_find_in(environment.body, PPT_TEXT_INFO, &info))
        read_styles(&show->plain, info.body);
}

MUST_USE static Error *read_document(Presentation *show, uint32_t document_id)
{
    enum { SLIDES = 0, MASTERS = 1 };
    PptRecord document, list;
    if (!find_object(show, document_id, &document) || document.type != PPT_DOCUMENT)
        return FAIL(CORRUPT, "there is no document in the stream");
    read_plain_styles(show, document.body);
    if (find_list(document.body, MASTERS, &list))
        TRY(read_masters(show, list.body));
    return find_list(document.body, SLIDES, &list) ? read_slides(show, list.body) : NULL;
}

MUST_USE static Error *read_presentation(Presentation *show, OleReader *ole)
{
    uint32_t last_edit, document_id;
    TRY(read_current_user(ole, &last_edit));
    TRY(ole_reader_stream_at(ole, OLE_ROOT, STR("PowerPoint Document"), &show->stream));
    show->bytes_left = show->stream.len;
    show->place_count = MIN(show->stream.len / sizeof(uint32_t) + 1, (size_t)PERSIST_IDS);
    show->places = ARENA_ARRAY(show->arena, uint32_t, show->place_count);
    if (!show->places)
        return arena_error(show->arena);
    TRY(read_edits(show, last_edit, &document_id));
    return read_document(show, document_id);
}

Error *partition_ppt(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                     Elements *elements)
{
    (void)filetype;
    CLEANUP(ole_reader_freep) OleReader *ole = NULL;
    CLEANUP(presentation_done)
    Presentation show = {.arena = elements->arena, .slide = {.arena = elements->arena}};
    builder_init(&show.builder, options, watch, elements);
    show.text.limit = show.table.text.limit = show.builder.text_left + KIB;
    show.table.html.limit = 8 * show.builder.text_left + 32 * (size_t)TABLE_CELLS_MAX;
    TRY(ole_reader_new(input, &ole));
    TRY_CTX(read_presentation(&show, ole), "ppt");
    return NULL;
}
