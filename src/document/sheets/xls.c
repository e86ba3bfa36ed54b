/* XLS: the worksheets of a BIFF8 or BIFF5 workbook (Excel 5 to 2003), hidden ones too, in its order. Formulas count as the values that were
 * stored with them. Sources: [MS-XLS] 2.1, 2.4; spec/unstructured.md 3.10. */
#include <stdio.h>

#include "document/ole_reader.h"
#include "document/sheets/biff.h"
#include "document/sheets/dates.h"
#include "document/sheets/grid.h"
#include "document/sheets/strings.h"
#include "document/text/charset.h"

enum { BIFF_8 = 0x0600, BIFF_5 = 0x0500, KIND_GLOBALS = 0x0005, KIND_WORKSHEET = 0x0010 };

typedef struct SheetPlace {
    Str name;
    uint32_t offset; /* of its records in the stream */
    struct SheetPlace *next;
} SheetPlace;

typedef struct Workbook {
    Builder builder;
    Arena *arena;
    bool old; /* BIFF5: texts are in a code page */
    bool epoch_1904;
    uint16_t code_page;
    NumberStyles styles;
    SharedStrings strings;
    SheetPlace *sheets, **last_sheet;
    Grid grid;
    Buffer text;       /* the one at hand */
    size_t bytes_left; /* of the stream, that sheets may still take: they do not overlap */
} Workbook;

typedef struct Place {
    uint16_t row, column, style;
} Place;

/* --- texts --- */

/* The charset of a code page; what is not known is taken for Western European. */
static Str charset_name(uint16_t code_page, char name[32])
{
    snprintf(name, 32, "windows-%u", code_page);
    if (code_page == 10000)
        return STR("macintosh");
    if (code_page == 932)
        return STR("shift_jis");
    if (code_page == 936)
        return STR("gb18030");
    if (code_page == 949)
        return STR("euc-kr");
    if (code_page == 950)
        return STR("big5");
    return charset_is_known(str_of(name)) ? str_of(name) : STR("windows-1252");
}

/* A text of `length` characters to `book->text`: in BIFF8 flags, which say what follows the characters, stand before them. */
MUST_USE static Error *read_text(Workbook *book, Biff *biff, size_t length)
{
    char name[32];
    uint8_t flags;
    Bytes bytes;
    Str text;
    buffer_clear(&book->text);
    if (!book->old) {
        if (!reader_u8(&biff->body, &flags))
            return length == 0 ? NULL : FAIL(CORRUPT, "record at byte %zu: a text is cut off", biff->at);
        return biff_append_characters(biff, length, flags & 1, &book->text);
    }
    if (!reader_take(&biff->body, length, &bytes))
        return FAIL(CORRUPT, "record at byte %zu: a text is cut off", biff->at);
    if (bytes.len == 0)
        return NULL;
    TRY(charset_decode(bytes, charset_name(book->code_page, name), book->arena, &text));
    return buffer_append_str(&book->text, text);
}

/* A text behind its length, of one or two bytes. */
MUST_USE static Error *read_counted_text(Workbook *book, Biff *biff, bool short_count)
{
    uint8_t small = 0;
    uint16_t count = 0;
    if (short_count ? !reader_u8(&biff->body, &small) : !reader_u16le(&biff->body, &count))
        return FAIL(CORRUPT, "record at byte %zu: a text is cut off", biff->at);
    return read_text(book, biff, short_count ? small : count);
}

/* One shared string: what is said of its look and pronunciation is behind it. */
MUST_USE static Error *read_shared_string(Workbook *book, Biff *biff, bool *ret_whole)
{
    enum { WIDE = 1, EXTENDED = 4, RICH = 8, RUN_BYTES = 4 };
    uint16_t count, runs = 0;
    uint32_t extension = 0;
    uint8_t flags;
    *ret_whole = reader_u16le(&biff->body, &count) && reader_u8(&biff->body, &flags)
                 && (!(flags & RICH) || reader_u16le(&biff->body, &runs))
                 && (!(flags & EXTENDED) || reader_u32le(&biff->body, &extension));
    if (!*ret_whole)
        return NULL;
    buffer_clear(&book->text);
    TRY(biff_append_characters(biff, count, flags & WIDE, &book->text));
    *ret_whole = biff_skip(biff, (uint64_t)runs * RUN_BYTES + extension);
    return shared_strings_add(&book->strings, buffer_str(&book->text));
}

/* Strings end where the records do, however many are claimed; cells that name one of those that are missing are what is corrupt. */
MUST_USE static Error *read_shared_strings(Workbook *book, Biff *biff)
{
    uint32_t uses, count;
    if (!reader_u32le(&biff->body, &uses) || !reader_u32le(&biff->body, &count))
        return FAIL(CORRUPT, "the table of shared strings is cut off");
    bool whole = true;
    for (uint32_t i = 0; i < count && whole && biff_continue(biff); i++)
        TRY(read_shared_string(book, biff, &whole));
    return NULL;
}

/* --- what holds for the workbook --- */

MUST_USE static Error *read_bound_sheet(Workbook *book, Biff *biff)
{
    uint32_t offset;
    uint8_t state, kind;
    if (!reader_u32le(&biff->body, &offset) || !reader_u8(&biff->body, &state) || !reader_u8(&biff->body, &kind))
        return FAIL(CORRUPT, "a sheet's entry at byte %zu is cut off", biff->at);
    TRY(read_counted_text(book, biff, true));
    if (kind != 0) /* charts, macros */
        return NULL;
    SheetPlace *sheet = ARENA_NEW(book->arena, SheetPlace);
    Str name = arena_str(book->arena, buffer_str(&book->text));
    if (!sheet || !name.data)
        return arena_error(book->arena);
    *sheet = (SheetPlace){.name = name, .offset = offset};
    *book->last_sheet = sheet;
    book->last_sheet = &sheet->next;
    return NULL;
}

MUST_USE static Error *read_format(Workbook *book, Biff *biff)
{
    uint16_t id;
    if (!reader_u16le(&biff->body, &id))
        return FAIL(CORRUPT, "a number format at byte %zu is cut off", biff->at);
    TRY(read_counted_text(book, biff, book->old));
    number_styles_define(&book->styles, id, buffer_str(&book->text));
    return NULL;
}

MUST_USE static Error *read_style(Workbook *book, Biff *biff)
{
    uint16_t font, format;
    if (!reader_u16le(&biff->body, &font) || !reader_u16le(&biff->body, &format))
        return FAIL(CORRUPT, "a style at byte %zu is cut off", biff->at);
    return number_styles_add(&book->styles, format);
}

MUST_USE static Error *read_global(Workbook *book, Biff *biff)
{
    uint16_t value = 0;
    switch (biff->type) {
    case BIFF_FILE_PASS: return FAIL(UNSUPPORTED, "encrypted: the workbook is protected by a password");
    case BIFF_CODE_PAGE:
        if (reader_u16le(&biff->body, &value))
            book->code_page = value;
        return NULL;
    case BIFF_DATE_MODE: book->epoch_1904 = reader_u16le(&biff->body, &value) && value == 1; return NULL;
    case BIFF_FORMAT: return read_format(book, biff);
    case BIFF_XF: return read_style(book, biff);
    case BIFF_BOUND_SHEET: return read_bound_sheet(book, biff);
    case BIFF_SST: return read_shared_strings(book, biff);
    default: return NULL;
    }
}

/* The record that begins a part of the stream. */
MUST_USE static Error *read_begin(Biff *biff, uint16_t *ret_version, uint16_t *ret_kind)
{
    size_t at = biff->next;
    if (!biff_next(biff) || biff->type != BIFF_BOF || !reader_u16le(&biff->body, ret_version)
        || !reader_u16le(&biff->body, ret_kind))
        return FAIL(CORRUPT, "there are no records of a workbook or sheet at byte %zu", at);
    return NULL;
}

MUST_USE static Error *read_globals(Workbook *book, Biff *biff)
{
    enum { OLD_BOF_2 = 0x0009, OLD_BOF_3 = 0x0209, OLD_BOF_4 = 0x0409 };
    uint16_t version, kind;
    Biff first = *biff;
    if (biff_next(&first) && (first.type == OLD_BOF_2 || first.type == OLD_BOF_3 || first.type == OLD_BOF_4))
        return FAIL(UNSUPPORTED, "unsupported: a workbook of Excel 4 or older");
    TRY(read_begin(biff, &version, &kind));
    if (version != BIFF_8 && version != BIFF_5)
        return FAIL(UNSUPPORTED, "unsupported: a workbook of the version 0x%04x", version);
    if (kind != KIND_GLOBALS)
        return FAIL(CORRUPT, "the stream begins with records of the kind 0x%04x instead of a workbook's", kind);
    book->old = version == BIFF_5;
    while (biff_next(biff) && biff->type != BIFF_EOF)
        TRY(read_global(book, biff));
    return NULL;
}

/* --- cells --- */

MUST_USE static Error *set_cell(Workbook *book, Place place, const Value *value)
{
    return grid_set(&book->grid, place.row, place.column, value);
}

MUST_USE static Error *set_number(Workbook *book, Place place, double real)
{
    Value value;
    FormatKind kind = number_styles_kind(&book->styles, place.style);
    if (kind == FORMAT_DURATION) /* which are dates in the originals, for XLS */
        kind = FORMAT_DATE;
    bool filled = value_of_number(real, kind, book->epoch_1904, &value);
    return set_cell(book, place, filled ? &value : NULL);
}

/* `book->text` goes to the cell. */
MUST_USE static Error *set_text(Workbook *book, Place place)
{
    Value value = {.kind = VALUE_TEXT, .text = arena_str(book->arena, buffer_str(&book->text))};
    return value.text.data ? set_cell(book, place, &value) : arena_error(book->arena);
}

static bool read_place(Biff *biff, Place *place)
{
    return reader_u16le(&biff->body, &place->row) && reader_u16le(&biff->body, &place->column)
           && reader_u16le(&biff->body, &place->style) && place->column < GRID_COLUMNS_MAX;
}

MUST_USE static Error *cut_off(const Biff *biff)
{
    return FAIL(CORRUPT, "a cell at byte %zu is cut off or outside the sheet", biff->at);
}

MUST_USE static Error *read_number(Workbook *book, Biff *biff)
{
    Place place;
    uint64_t bits = 0;
    uint32_t rk = 0;
    bool whole = read_place(biff, &place);
    if (biff->type == BIFF_RK)
        whole = whole && reader_u32le(&biff->body, &rk);
    else
        whole = whole && reader_u64le(&biff->body, &bits);
    if (!whole)
        return cut_off(biff);
    return set_number(book, place, biff->type == BIFF_RK ? biff_rk(rk) : biff_double(bits));
}

/* Numbers side by side, each with its style; the last column stands behind them. */
MUST_USE static Error *read_numbers(Workbook *book, Biff *biff)
{
    enum { EACH_BYTES = 6, END_BYTES = 2 };
    Place place;
    uint32_t rk;
    if (!reader_u16le(&biff->body, &place.row) || !reader_u16le(&biff->body, &place.column))
        return cut_off(biff);
    for (; reader_left(&biff->body) >= EACH_BYTES; place.column++) {
        if (!reader_u16le(&biff->body, &place.style) || !reader_u32le(&biff->body, &rk)
            || place.column >= GRID_COLUMNS_MAX)
            return cut_off(biff);
        TRY(set_number(book, place, biff_rk(rk)));
    }
    return NULL;
}

MUST_USE static Error *read_label(Workbook *book, Biff *biff)
{
    Place place;
    uint32_t index;
    Value value = {.kind = VALUE_TEXT};
    if (!read_place(biff, &place))
        return cut_off(biff);
    if (biff->type == BIFF_LABEL_SST) {
        if (!reader_u32le(&biff->body, &index))
            return cut_off(biff);
        TRY_CTX(shared_strings_find(&book->strings, index, &value.text), "cell at byte %zu", biff->at);
        return set_cell(book, place, &value);
    }
    TRY(read_counted_text(book, biff, false));
    return set_text(book, place);
}

MUST_USE static Error *set_truth(Workbook *book, Place place, bool truth)
{
    return set_cell(book, place, &(Value){.kind = VALUE_TRUTH, .truth = truth});
}

MUST_USE static Error *read_truth_or_error(Workbook *book, Biff *biff)
{
    Place place;
    uint8_t value, is_error;
    if (!read_place(biff, &place) || !reader_u8(&biff->body, &value) || !reader_u8(&biff->body, &is_error))
        return cut_off(biff);
    return is_error ? set_cell(book, place, NULL) : set_truth(book, place, value != 0);
}

/* What a formula gave when it was last computed; a text stands in a record of its own, which `*text_place` waits for. */
MUST_USE static Error *read_formula(Workbook *book, Biff *biff, Place *text_place, bool *awaits_text)
{
    enum { NO_NUMBER = 0xFFFF, RESULT_TEXT = 0, RESULT_TRUTH = 1 };
    Place place;
    uint64_t bits;
    if (!read_place(biff, &place) || !reader_u64le(&biff->body, &bits))
        return cut_off(biff);
    *awaits_text = bits >> 48 == NO_NUMBER && (bits & 0xFF) == RESULT_TEXT;
    *text_place = place;
    if (bits >> 48 != NO_NUMBER)
        return set_number(book, place, biff_double(bits));
    if (*awaits_text)
        return NULL;
    return (bits & 0xFF) == RESULT_TRUTH ? set_truth(book, place, (bits >> 16 & 0xFF) != 0)
                                         : set_cell(book, place, NULL);
}

/* The cells of the sheet that begins at `biff->next`. Charts in it have a part of their own, from BOF to EOF. */
MUST_USE static Error *read_cells(Workbook *book, Biff *biff)
{
    unsigned charts = 0;
    bool awaits_text = false;
    Place text_place = {0};
    uint16_t version, kind;
    TRY(read_begin(biff, &version, &kind));
    if (kind != KIND_WORKSHEET)
        return NULL; /* a macro sheet that claims to be none */
    while (biff_next(biff)) {
        if (biff->type == BIFF_BOF)
            charts++;
        else if (biff->type == BIFF_EOF && charts-- == 0)
            return NULL;
        if (charts > 0)
            continue;
        switch (biff->type) {
        case BIFF_NUMBER:
        case BIFF_RK: TRY(read_number(book, biff)); break;
        case BIFF_MUL_RK: TRY(read_numbers(book, biff)); break;
        case BIFF_LABEL:
        case BIFF_RSTRING:
        case BIFF_LABEL_SST: TRY(read_label(book, biff)); break;
        case BIFF_BOOL_ERR: TRY(read_truth_or_error(book, biff)); break;
        case BIFF_FORMULA: TRY(read_formula(book, biff, &text_place, &awaits_text)); break;
        case BIFF_STRING:
            if (!awaits_text)
                break;
            awaits_text = false;
            TRY(read_counted_text(book, biff, false));
            TRY(set_text(book, text_place));
            break;
        default: break;
        }
    }
    return FAIL(CORRUPT, "the records are cut off at byte %zu", biff->next);
}

/* What was read of a sheet that is cut off or too large becomes elements all the same. */
MUST_USE static Error *read_sheet(Workbook *book, const Biff *globals, const SheetPlace *sheet, uint32_t number)
{
    Biff biff = {.stream = globals->stream, .next = sheet->offset};
    grid_clear(&book->grid);
    Error *error = read_cells(book, &biff);
    Error *added = grid_add_elements(&book->grid, &book->builder, sheet->name, number);
    size_t taken = biff.next - MIN((size_t)sheet->offset, biff.next);
    if (!error && taken > book->bytes_left)
        error = FAIL(CORRUPT, "it overlaps with other sheets");
    book->bytes_left -= MIN(taken, book->bytes_left);
    if (!error)
        return added;
    error_free(added); /* what went wrong first is the news */
    return error_wrap(error, "sheet '" STR_FMT "'", STR_ARG(sheet->name));
}

static void workbook_done(Workbook *book)
{
    buffer_done(&book->text);
}

MUST_USE static Error *read_stream(Workbook *book, Bytes stream)
{
    Biff biff = {.stream = stream};
    uint32_t number = 0;
    TRY(read_globals(book, &biff));
    for (const SheetPlace *sheet = book->sheets; sheet; sheet = sheet->next)
        TRY(read_sheet(book, &biff, sheet, ++number));
    return NULL;
}

Error *partition_xls(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                     Elements *elements)
{
    (void)filetype;
    Arena *arena = elements->arena;
    CLEANUP(ole_reader_freep) OleReader *ole = NULL;
    CLEANUP(workbook_done)
    Workbook book = {.arena = arena, .code_page = 1252, .strings = {.arena = arena}, .grid = {.arena = arena}};
    uint32_t entry;
    Bytes stream;
    builder_init(&book.builder, options, watch, elements);
    book.last_sheet = &book.sheets;
    TRY(ole_reader_new(input, &ole));
    if (!ole_reader_find(ole, OLE_ROOT, STR("Workbook"), &entry)
        && !ole_reader_find(ole, OLE_ROOT, STR("Book"), &entry))
        return FAIL(CORRUPT, "xls: there is no workbook in the file");
    TRY(ole_reader_stream(ole, entry, &stream));
    TRY(number_styles_init(&book.styles, arena));
    book.bytes_left = stream.len;
    TRY_CTX(read_stream(&book, stream), "xls");
    return NULL;
}
