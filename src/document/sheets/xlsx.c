/* XLSX: the worksheets of a workbook, hidden ones too, in its order. Formulas count as the values that were stored with them.
 * Sources: ECMA-376-1 18.3 (worksheets), 18.4 (shared strings), 18.8 (styles); spec/unstructured.md 3.10. */
#include "base/time_text.h"
#include "document/opc.h"
#include "document/sheets/dates.h"
#include "document/sheets/grid.h"
#include "document/sheets/strings.h"
#include "document/xml_reader.h"

typedef struct Workbook {
    const PartitionOptions *options;
    ZipReader *zip;
    Builder builder;
    Arena *arena;
    bool epoch_1904;
    NumberStyles styles;
    SharedStrings strings;
    Grid grid;
    Buffer part; /* the XML at hand */
    Buffer text; /* of the cell or string at hand */
    uint32_t sheets_read;
} Workbook;

static void workbook_done(Workbook *book)
{
    zip_reader_free(book->zip);
    buffer_done(&book->part);
    buffer_done(&book->text);
}

/* What a cell's `t` says of its value. */
typedef enum CellType { CELL_NUMBER, CELL_SHARED, CELL_TRUTH, CELL_ERROR, CELL_DATE, CELL_TEXT } CellType;

/* A cell as it is read. */
typedef struct RawCell {
    uint32_t row, column; /* from 0 */
    uint64_t style;
    CellType type;
} RawCell;

/* A part of the workbook is read into `book->part`, and `*ret_xml` reads it. */
MUST_USE static Error *open_part(Workbook *book, Str name, XmlReader **ret_xml)
{
    buffer_clear(&book->part);
    TRY(zip_reader_read_name(book->zip, name, &book->part));
    return xml_reader_new(buffer_bytes(&book->part), book->options->depth_max, ret_xml);
}

static bool is_start(XmlEvent event, const XmlReader *xml, const char *name)
{
    return event == XML_EVENT_START && str_equal(xml_reader_name(xml), str_of(name));
}

static bool is_end(XmlEvent event, const XmlReader *xml, const char *name)
{
    return event == XML_EVENT_END && str_equal(xml_reader_name(xml), str_of(name));
}

/* Appends the text of the element that has begun to `book->text`. */
MUST_USE static Error *read_text(Workbook *book, XmlReader *xml)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    for (;;) {
        TRY(xml_reader_next(xml, &event));
        if (event == XML_EVENT_DONE || (event == XML_EVENT_END && xml_reader_depth(xml) == depth))
            return NULL;
        if (event == XML_EVENT_TEXT)
            TRY(buffer_append_str(&book->text, xml_reader_text(xml)));
    }
}

/* The text of the string item that has begun, `si` or `is`: plain, or runs of rich text; how it is pronounced is left out. */
MUST_USE static Error *read_string_item(Workbook *book, XmlReader *xml)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    buffer_clear(&book->text);
    for (;;) {
        TRY(xml_reader_next(xml, &event));
        if (event == XML_EVENT_DONE || (event == XML_EVENT_END && xml_reader_depth(xml) == depth))
            return NULL;
        if (is_start(event, xml, "rPh"))
            TRY(xml_reader_skip(xml));
        else if (is_start(event, xml, "t"))
            TRY(read_text(book, xml));
    }
}

/* What the originals leave out of shared strings: "_x005F_" stands for "_" where what follows would be an escape itself. */
static void drop_escapes(Buffer *text)
{
    Str escape = STR("x005F_"), rest = buffer_str(text);
    size_t kept = 0;
    for (size_t at; (at = str_find(rest, escape)) != SIZE_MAX; rest = str_slice(rest, at + escape.len, rest.len)) {
        memmove(text->data + kept, rest.data, at);
        kept += at;
    }
    if (rest.len < text->len) {
        memmove(text->data + kept, rest.data, rest.len);
        text->len = kept + rest.len;
    }
}

MUST_USE static Error *read_strings(Workbook *book, Str part)
{
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    XmlEvent event;
    TRY(open_part(book, part, &xml));
    for (;;) {
        TRY(xml_reader_next(xml, &event));
        if (event == XML_EVENT_DONE)
            return NULL;
        if (is_start(event, xml, "si")) {
            TRY(read_string_item(book, xml));
            drop_escapes(&book->text);
            TRY(shared_strings_add(&book->strings, buffer_str(&book->text)));
        }
    }
}

static uint64_t number_attribute(const XmlReader *xml, const char *name)
{
    Str text;
    uint64_t number = 0;
    return xml_reader_attribute(xml, name, &text) && str_to_u64(text, &number) ? number : 0;
}

/* Formats stand before the styles that name them. */
MUST_USE static Error *read_styles(Workbook *book, Str part)
{
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    XmlEvent event;
    bool in_cell_styles = false;
    Str code;
    TRY(open_part(book, part, &xml));
    for (;;) {
        TRY(xml_reader_next(xml, &event));
        if (event == XML_EVENT_DONE)
            return NULL;
        if (is_start(event, xml, "cellXfs"))
            in_cell_styles = true;
        else if (is_end(event, xml, "cellXfs"))
            in_cell_styles = false;
        else if (is_start(event, xml, "numFmt") && xml_reader_attribute(xml, "formatCode", &code))
            number_styles_define(&book->styles, number_attribute(xml, "numFmtId"), code);
        else if (in_cell_styles && is_start(event, xml, "xf"))
            TRY(number_styles_add(&book->styles, number_attribute(xml, "numFmtId")));
    }
}

/* "AB12"; only the column counts, the row says which it is. */
static bool parse_column(Str reference, uint32_t *ret_column)
{
    uint32_t column = 0;
    size_t at = 0;
    for (; at < reference.len && column <= GRID_COLUMNS_MAX; at++) {
        char c = reference.data[at];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (c < 'A' || c > 'Z')
            break;
        column = column * 26 + (uint32_t)(c - 'A' + 1);
    }
    if (column == 0 || column > GRID_COLUMNS_MAX)
        return false;
    *ret_column = column - 1;
    return true;
}

static CellType cell_type(const XmlReader *xml)
{
    static const struct {
        const char *name;
        CellType type;
    } types[] = {{"n", CELL_NUMBER},       {"s", CELL_SHARED}, {"b", CELL_TRUTH}, {"e", CELL_ERROR},
                 {"inlineStr", CELL_TEXT}, {"str", CELL_TEXT}, {"d", CELL_DATE}};
    Str name;
    if (!xml_reader_attribute(xml, "t", &name))
        return CELL_NUMBER;
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (str_equal(name, str_of(types[i].name)))
            return types[i].type;
    }
    return CELL_TEXT;
}

MUST_USE static Error *own_text(Workbook *book, Str text, Value *ret_value)
{
    *ret_value = (Value){.kind = VALUE_TEXT, .text = arena_str(book->arena, text)};
    return ret_value->text.data ? NULL : arena_error(book->arena);
}

/* A value that is stored as `text`; `*ret_filled` is false for an error and a date that is none. What cannot be read as what it claims to be
 * is text. */
MUST_USE static Error *cell_value(Workbook *book, const RawCell *cell, Str text, Value *ret_value, bool *ret_filled)
{
    uint64_t index;
    int64_t time_us;
    double real;
    *ret_filled = true;
    if (cell->type == CELL_NUMBER && str_to_double(str_trim(text), &real)) {
        *ret_filled =
            value_of_number(real, number_styles_kind(&book->styles, cell->style), book->epoch_1904, ret_value);
    } else if (cell->type == CELL_SHARED) {
        if (!str_to_u64(str_trim(text), &index))
            return FAIL(CORRUPT, "row %u: '" STR_FMT "' is no number of a shared string", cell->row + 1,
                        STR_ARG(str_slice(text, 0, 20)));
        *ret_value = (Value){.kind = VALUE_TEXT};
        TRY_CTX(shared_strings_find(&book->strings, index, &ret_value->text), "row %u", cell->row + 1);
    } else if (cell->type == CELL_TRUTH)
        *ret_value = (Value){.kind = VALUE_TRUTH, .truth = !str_equal(str_trim(text), STR("0"))};
    else if (cell->type == CELL_DATE && time_parse_iso8601(text, &time_us))
        *ret_value = (Value){.kind = VALUE_DATE, .time_us = time_us};
    else if (cell->type == CELL_ERROR)
        *ret_filled = false;
    else
        return own_text(book, text, ret_value);
    return NULL;
}

/* The rest of the cell that has begun. */
MUST_USE static Error *read_cell(Workbook *book, XmlReader *xml, const RawCell *cell)
{
    unsigned depth = xml_reader_depth(xml);
    XmlEvent event;
    Value value;
    bool filled;
    buffer_clear(&book->text);
    do {
        TRY(xml_reader_next(xml, &event));
        if (is_start(event, xml, "v"))
            TRY(read_text(book, xml));
        else if (is_start(event, xml, "is"))
            TRY(read_string_item(book, xml));
        else if (event == XML_EVENT_START)
            TRY(xml_reader_skip(xml));
    } while (event != XML_EVENT_DONE && !(event == XML_EVENT_END && xml_reader_depth(xml) == depth));
    if (book->text.len == 0)
        return NULL;
    TRY(cell_value(book, cell, buffer_str(&book->text), &value, &filled));
    return grid_set(&book->grid, cell->row, cell->column, filled ? &value : NULL);
}

/* Where a row or cell without a name stands: behind the one before. `next` is the next row's number from 0. */
MUST_USE static Error *begin_row(const XmlReader *xml, uint32_t *next, RawCell *cell)
{
    Str reference;
    uint64_t number = (uint64_t)*next + 1;
    if (xml_reader_attribute(xml, "r", &reference) && !str_to_u64(reference, &number))
        return FAIL(CORRUPT, "'" STR_FMT "' is no row", STR_ARG(str_slice(reference, 0, 20)));
    if (number == 0 || number > GRID_ROWS_MAX)
        return FAIL(CORRUPT, "row %llu is not in a sheet, which has %d", (unsigned long long)number, GRID_ROWS_MAX);
    *cell = (RawCell){.row = (uint32_t)number - 1, .column = UINT32_MAX};
    *next = (uint32_t)number;
    return NULL;
}

MUST_USE static Error *begin_cell(const XmlReader *xml, RawCell *cell)
{
    Str reference;
    cell->column++;
    if (xml_reader_attribute(xml, "r", &reference) && !parse_column(reference, &cell->column))
        return FAIL(CORRUPT, "'" STR_FMT "' is no cell", STR_ARG(str_slice(reference, 0, 20)));
    if (cell->column >= GRID_COLUMNS_MAX)
        return FAIL(CORRUPT, "row %u has more than %d columns", cell->row + 1, GRID_COLUMNS_MAX);
    cell->style = number_attribute(xml, "s");
    cell->type = cell_type(xml);
    return NULL;
}

MUST_USE static Error *read_cells(Workbook *book, XmlReader *xml)
{
    uint32_t next_row = 0;
    bool in_row = false;
    RawCell cell = {0};
    XmlEvent event;
    for (;;) {
        TRY(xml_reader_next(xml, &event));
        if (event == XML_EVENT_DONE || is_end(event, xml, "sheetData"))
            return NULL;
        if (is_start(event, xml, "row")) {
            TRY(begin_row(xml, &next_row, &cell));
            in_row = true;
        } else if (in_row && is_start(event, xml, "c")) {
            TRY(begin_cell(xml, &cell));
            TRY(read_cell(book, xml, &cell));
        }
    }
}

/* What was read of a sheet that is cut off or too large becomes elements all the same. */
MUST_USE static Error *read_sheet(Workbook *book, Str name, Str part)
{
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    TRY(open_part(book, part, &xml));
    grid_clear(&book->grid);
    Error *error = read_cells(book, xml);
    Error *added = grid_add_elements(&book->grid, &book->builder, name, book->sheets_read);
    if (!error)
        return added;
    error_free(added); /* what went wrong first is the news */
    return error_wrap(error, "sheet '" STR_FMT "'", STR_ARG(name));
}

/* One `sheet` of the workbook. Sheets that are charts have no number, as those that are missing. */
MUST_USE static Error *add_sheet(Workbook *book, const OpcRelations *relations, Str id, Str name)
{
    const OpcRelation *relation = opc_relation(relations, id);
    size_t index;
    if (!relation || relation->external || str_equal(relation->type, STR("chartsheet"))
        || !zip_reader_find(book->zip, relation->target, &index))
        return NULL;
    book->sheets_read++;
    return read_sheet(book, name, relation->target);
}

/* The part of this type, if there is one, is read by `read`. */
MUST_USE static Error *read_related(Workbook *book, const OpcRelations *relations, const char *type,
                                    Error *read(Workbook *book, Str part))
{
    const OpcRelation *relation = opc_relation_of_type(relations, type);
    size_t index;
    if (!relation || !zip_reader_find(book->zip, relation->target, &index))
        return NULL;
    TRY_CTX(read(book, relation->target), "'" STR_FMT "'", STR_ARG(relation->target));
    return NULL;
}

/* `xml` reads the workbook itself. Its properties stand before its sheets. */
MUST_USE static Error *read_workbook(Workbook *book, XmlReader *xml, const OpcRelations *relations)
{
    XmlEvent event;
    Str value, id;
    for (;;) {
        TRY(xml_reader_next(xml, &event));
        if (event == XML_EVENT_DONE)
            return NULL;
        if (is_start(event, xml, "workbookPr") && xml_reader_attribute(xml, "date1904", &value))
            book->epoch_1904 = str_equal(value, STR("1")) || str_equal(value, STR("true"));
        else if (is_start(event, xml, "sheet") && xml_reader_attribute(xml, "name", &value)
                 && xml_reader_attribute(xml, "id", &id))
            TRY(add_sheet(book, relations, id, value));
    }
}

Error *partition_xlsx(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                      Elements *elements)
{
    (void)filetype;
    CLEANUP(workbook_done)
    Workbook book = {.options = options,
                     .arena = elements->arena,
                     .strings = {.arena = elements->arena},
                     .grid = {.arena = elements->arena}};
    CLEANUP(buffer_done) Buffer workbook = {0};
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    OpcRelations relations;
    Str main;
    size_t index;
    builder_init(&book.builder, options, watch, elements);
    TRY(zip_reader_new(input, options->expansion, &book.zip));
    TRY(opc_main_part(book.zip, STR("xl/workbook.xml"), book.arena, &main));
    TRY(opc_relations_read(book.zip, main, book.arena, &relations));
    TRY(number_styles_init(&book.styles, book.arena));
    TRY(read_related(&book, &relations, "sharedStrings", read_strings));
    TRY(read_related(&book, &relations, "styles", read_styles));
    if (!zip_reader_find(book.zip, main, &index))
        return FAIL(CORRUPT, "xlsx: the workbook, '" STR_FMT "', is missing", STR_ARG(main));
    TRY(zip_reader_read(book.zip, index, &workbook));
    TRY(xml_reader_new(buffer_bytes(&workbook), options->depth_max, &xml));
    return read_workbook(&book, xml, &relations);
}
