#include "document/legacy/doc_file.h"

#include <stdlib.h>

#include "base/reader.h"

enum {
    MARK_WORD = 0xA5EC,
    VERSION_WORD_97 = 193,
    FLAG_ENCRYPTED = 0x0100,
    FLAG_TABLE_1 = 0x0200,
    FIB_COUNTS = 64,  /* where the lengths of the texts begin */
    FIB_TABLES = 154, /* where pairs of offset and size begin */
    TABLE_STYLES = 1,
    TABLE_SECTIONS = 6,
    TABLE_HEADERS = 11,
    TABLE_RUNS = 12,
    TABLE_PARAGRAPHS = 13,
    TABLE_DOCUMENT = 31,
    TABLE_PIECES = 33,
    PAGE_BYTES = 512,
    PAGE_ENTRY_BYTES = 13,
    SECTION_BYTES = 12,
    STYLES_MAX = 4096,
    STYLE_FIXED_BYTES = 10
};

/* Property modifiers that matter here. */
enum {
    SPRM_LIST_LEVEL = 0x260A,
    SPRM_LIST = 0x460B,
    SPRM_IN_TABLE = 0x2416,
    SPRM_ENDS_ROW = 0x2417,
    SPRM_DEPTH = 0x6649,
    SPRM_ROW = 0xD608,
    SPRM_TABS = 0xC615,
    SPRM_TITLE_PAGE = 0x300A,
    SPRM_BOLD = 0x0835,
    SPRM_ITALIC = 0x0836
};

static uint32_t u32_at(Bytes bytes, size_t at)
{
    Reader in = reader_of(bytes);
    uint32_t value = 0;
    if (reader_skip(&in, at))
        reader_u32le(&in, &value);
    return value;
}

/* A table that the header names by number; empty when it is not there. Errors: CORRUPT. */
MUST_USE static Error *find_table(const DocFile *file, unsigned number, const char *name, Bytes *ret_table)
{
    size_t offset = u32_at(file->main, FIB_TABLES + number * 8), size = u32_at(file->main, FIB_TABLES + number * 8 + 4);
    Reader in = reader_of(file->table);
    *ret_table = BYTES_EMPTY;
    if (size > 0 && (!reader_skip(&in, offset) || !reader_take(&in, size, ret_table)))
        return FAIL(CORRUPT, "doc: the table of %s, %zu bytes at %zu, is not in its stream of %zu", name, size, offset,
                    file->table.len);
    return NULL;
}

MUST_USE static Error *open_streams(OleReader *ole, DocFile *file)
{
    uint16_t mark, version, flags;
    TRY(ole_reader_stream_at(ole, OLE_ROOT, STR("WordDocument"), &file->main));
    Reader in = reader_of(file->main);
    if (!reader_u16le(&in, &mark) || !reader_u16le(&in, &version) || !reader_skip(&in, 6) || !reader_u16le(&in, &flags))
        return FAIL(CORRUPT, "doc: %zu bytes are too few for a header", file->main.len);
    if (flags & FLAG_ENCRYPTED)
        return FAIL(UNSUPPORTED, "encrypted: the document opens only with its password; save it without one");
    if (mark != MARK_WORD || version < VERSION_WORD_97)
        return FAIL(UNSUPPORTED, "unsupported type: a document of a Word before 97 (mark %04x, version %u)", mark,
                    version);
    return ole_reader_stream_at(ole, OLE_ROOT, flags & FLAG_TABLE_1 ? STR("1Table") : STR("0Table"), &file->table);
}

/* --- pieces --- */

/* The table of pieces stands behind property lists, which say how pieces were changed; those are passed over. */
MUST_USE static Error *find_pieces(Bytes table, Bytes *ret_pieces)
{
    Reader in = reader_of(table);
    uint8_t kind;
    uint16_t list_bytes;
    uint32_t size;
    while (reader_u8(&in, &kind)) {
        if (kind == 1 && reader_u16le(&in, &list_bytes) && reader_skip(&in, list_bytes))
            continue;
        if (kind == 2 && reader_u32le(&in, &size) && reader_take(&in, size, ret_pieces))
            return NULL;
        break;
    }
    return FAIL(CORRUPT, "doc: the table of pieces is malformed at byte %zu", reader_offset(&in));
}

/* `positions` has the ends, `descriptions` what is in between. */
MUST_USE static Error *read_piece(DocFile *file, Reader *positions, Reader *descriptions, uint32_t end_before)
{
    enum { IS_NARROW = 1 << 30, OFFSET_MASK = IS_NARROW - 1 };
    DocPiece *piece = &file->pieces[file->piece_count];
    uint32_t place;
    bool ok = reader_u32le(positions, &piece->end) && reader_skip(descriptions, 2) && reader_u32le(descriptions, &place)
              && reader_skip(descriptions, 2);
    ASSERT(ok); /* counted before */
    piece->first = end_before;
    piece->is_wide = !(place & IS_NARROW);
    piece->offset = (place & OFFSET_MASK) / (piece->is_wide ? 1 : 2);
    uint64_t bytes = ((uint64_t)piece->end - piece->first) * (piece->is_wide ? 2 : 1);
    if (piece->end < piece->first || piece->offset > file->main.len || bytes > file->main.len - piece->offset)
        return FAIL(CORRUPT, "doc: piece %zu, characters %u to %u at byte %u, is not in its stream of %zu",
                    file->piece_count, piece->first, piece->end, piece->offset, file->main.len);
    file->piece_count++;
    return NULL;
}

MUST_USE static Error *read_pieces(DocFile *file)
{
    Bytes table, pieces;
    TRY(find_table(file, TABLE_PIECES, "pieces", &table));
    TRY(find_pieces(table, &pieces));
    size_t count = pieces.len < 4 ? 0 : (pieces.len - 4) / (4 + 8);
    Reader positions = reader_of(pieces), descriptions = reader_of(pieces);
    uint32_t end;
    file->pieces = ARENA_ARRAY(file->arena, DocPiece, count);
    if (!file->pieces)
        return arena_error(file->arena);
    if (count == 0 || !reader_u32le(&positions, &end) || !reader_skip(&descriptions, (count + 1) * 4))
        return FAIL(CORRUPT, "doc: there are no pieces of text");
    for (size_t i = 0; i < count; i++) {
        TRY(read_piece(file, &positions, &descriptions, end));
        end = file->pieces[i].end;
    }
    file->body_chars = MIN(u32_at(file->main, FIB_COUNTS + 12), end);
    uint64_t first = (uint64_t)u32_at(file->main, FIB_COUNTS + 12) + u32_at(file->main, FIB_COUNTS + 16);
    file->header_first = (uint32_t)MIN(first, (uint64_t)end);
    file->header_chars = MIN(u32_at(file->main, FIB_COUNTS + 20), end - file->header_first);
    return NULL;
}

/* --- properties --- */

/* Cuts the next modifier off a list of them: its number and its operand. False at the end, or where the list is damaged. */
static bool next_modifier(Reader *in, uint16_t *ret_sprm, Bytes *ret_operand)
{
    static const uint8_t sizes[8] = {1, 1, 2, 4, 2, 2, 0, 3};
    uint8_t short_size;
    uint16_t long_size;
    if (!reader_u16le(in, ret_sprm))
        return false;
    size_t size = sizes[*ret_sprm >> 13];
    if (*ret_sprm == SPRM_ROW) {
        if (!reader_u16le(in, &long_size))
            return false;
        size = long_size > 0 ? long_size - (size_t)1 : 0;
    } else if (size == 0) {
        if (!reader_u8(in, &short_size) || (*ret_sprm == SPRM_TABS && short_size == 255))
            return false; /* too many tabs to say how many bytes they take: nothing that matters comes behind them */
        size = short_size;
    }
    return reader_take(in, size, ret_operand);
}

static void apply_modifier(DocParagraph *paragraph, uint16_t sprm, Bytes operand)
{
    uint8_t byte = operand.len > 0 ? operand.data[0] : 0;
    switch (sprm) {
    case SPRM_LIST_LEVEL: paragraph->level = MIN(byte, (uint8_t)8); break;
    case SPRM_LIST: paragraph->numbered = byte != 0 || operand.data[1] != 0; break;
    case SPRM_IN_TABLE: paragraph->in_table = byte != 0; break;
    case SPRM_DEPTH: paragraph->in_table = u32_at(operand, 0) > 0; break;
    case SPRM_ENDS_ROW: paragraph->ends_row = byte != 0; break;
    case SPRM_ROW: paragraph->row = operand; break;
    default: break;
    }
}

/* A style's number and modifiers, as they stand at `at` of a page. What does not fit is as if it were not there. */
static DocParagraph read_properties(Bytes page, size_t at)
{
    DocParagraph paragraph = {0};
    Reader in = reader_of(page);
    uint8_t words;
    uint16_t sprm;
    Bytes list, operand;
    if (at == 0 || !reader_skip(&in, at) || !reader_u8(&in, &words))
        return paragraph;
    size_t size = words * (size_t)2 - 1;
    if (words == 0) {
        if (!reader_u8(&in, &words))
            return paragraph;
        size = words * (size_t)2;
    }
    if (!reader_take(&in, MIN(size, reader_left(&in)), &list))
        return paragraph;
    Reader modifiers = reader_of(list);
    if (!reader_u16le(&modifiers, &paragraph.style))
        return paragraph;
    while (next_modifier(&modifiers, &sprm, &operand))
        apply_modifier(&paragraph, sprm, operand);
    return paragraph;
}

/* The paragraphs of one page of properties: their ends as bytes of the stream, then one byte for each where its properties are. */
static void read_page(DocFile *file, Bytes page)
{
    size_t count = page.data[PAGE_BYTES - 1];
    if ((count + 1) * 4 + count * PAGE_ENTRY_BYTES > PAGE_BYTES - 1)
        return;
    for (size_t i = 0; i < count; i++) {
        size_t at = page.data[(count + 1) * 4 + i * PAGE_ENTRY_BYTES] * (size_t)2;
        file->ranges[file->range_count++] = (DocRange){
            .first_byte = u32_at(page, i * 4),
            .end_byte = u32_at(page, i * 4 + 4),
            .paragraph = read_properties(page, at),
        };
    }
}

static int compare_ranges(const void *a, const void *b)
{
    uint32_t first = ((const DocRange *)a)->first_byte, second = ((const DocRange *)b)->first_byte;
    return (first > second) - (first < second);
}

/* A table of pages of properties. Errors: CORRUPT. */
MUST_USE static Error *find_pages(const DocFile *file, unsigned number, const char *name, Bytes *ret_table,
                                  size_t *ret_count)
{
    TRY(find_table(file, number, name, ret_table));
    *ret_count = ret_table->len < 4 ? 0 : (ret_table->len - 4) / (4 + 4);
    if (*ret_count > file->main.len / PAGE_BYTES)
        return FAIL(CORRUPT, "doc: %zu pages of properties of %s cannot stand in a stream of %zu bytes", *ret_count,
                    name, file->main.len);
    return NULL;
}

/* Page `index` of `count`; false when it is not in the stream. */
static bool take_page(const DocFile *file, Bytes table, size_t count, size_t index, Bytes *ret_page)
{
    enum { PAGE_MASK = (1 << 22) - 1 };
    Reader in = reader_of(file->main);
    size_t number = u32_at(table, (count + 1) * 4 + index * 4) & PAGE_MASK;
    return reader_skip(&in, number * PAGE_BYTES) && reader_take(&in, PAGE_BYTES, ret_page);
}

MUST_USE static Error *read_ranges(DocFile *file)
{
    enum { PER_PAGE_MAX = (PAGE_BYTES - 1 - 4) / (4 + PAGE_ENTRY_BYTES) };
    Bytes table, page;
    size_t count;
    TRY(find_pages(file, TABLE_PARAGRAPHS, "paragraphs", &table, &count));
    file->ranges = ARENA_ARRAY(file->arena, DocRange, count * PER_PAGE_MAX);
    if (!file->ranges)
        return arena_error(file->arena);
    for (size_t i = 0; i < count; i++) {
        if (take_page(file, table, count, i, &page))
            read_page(file, page);
    }
    if (file->range_count > 0)
        qsort(file->ranges, file->range_count, sizeof *file->ranges, compare_ranges);
    return NULL;
}

DocParagraph doc_paragraph_at(const DocFile *file, uint32_t byte)
{
    size_t low = 0, high = file->range_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (file->ranges[middle].first_byte <= byte)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low > 0 && byte < file->ranges[low - 1].end_byte;
    return found ? file->ranges[low - 1].paragraph : (DocParagraph){0};
}

/* --- characters' properties --- */

/* The modifiers of a run, as they stand at `at` of a page. */
static DocRun read_run(Bytes page, size_t at)
{
    enum { ON = 1, OTHER_THAN_THE_STYLE = 0x81 };
    DocRun run = {0};
    Reader in = reader_of(page);
    uint8_t size;
    uint16_t sprm;
    Bytes list, operand;
    if (at == 0 || !reader_skip(&in, at) || !reader_u8(&in, &size) || !reader_take(&in, size, &list))
        return run;
    Reader modifiers = reader_of(list);
    while (next_modifier(&modifiers, &sprm, &operand)) {
        bool on = operand.len > 0 && (operand.data[0] == ON || operand.data[0] == OTHER_THAN_THE_STYLE);
        if (sprm == SPRM_BOLD)
            run.look.bold = on;
        else if (sprm == SPRM_ITALIC)
            run.look.italic = on;
    }
    return run;
}

/* As a page of paragraphs, with one byte for each run. */
static void read_run_page(DocFile *file, Bytes page)
{
    size_t count = page.data[PAGE_BYTES - 1];
    if ((count + 1) * 4 + count > PAGE_BYTES - 1)
        return;
    for (size_t i = 0; i < count; i++) {
        DocRun run = read_run(page, page.data[(count + 1) * 4 + i] * (size_t)2);
        run.first_byte = u32_at(page, i * 4);
        run.end_byte = u32_at(page, i * 4 + 4);
        if (run.look.bold || run.look.italic)
            file->runs[file->run_count++] = run;
    }
}

static int compare_runs(const void *a, const void *b)
{
    uint32_t first = ((const DocRun *)a)->first_byte, second = ((const DocRun *)b)->first_byte;
    return (first > second) - (first < second);
}

MUST_USE static Error *read_runs(DocFile *file)
{
    enum { PER_PAGE_MAX = (PAGE_BYTES - 1 - 4) / (4 + 1) };
    Bytes table, page;
    size_t count;
    TRY(find_pages(file, TABLE_RUNS, "characters", &table, &count));
    file->runs = ARENA_ARRAY(file->arena, DocRun, count * PER_PAGE_MAX);
    if (!file->runs)
        return arena_error(file->arena);
    for (size_t i = 0; i < count; i++) {
        if (take_page(file, table, count, i, &page))
            read_run_page(file, page);
    }
    if (file->run_count > 0)
        qsort(file->runs, file->run_count, sizeof *file->runs, compare_runs);
    return NULL;
}

DocRun doc_run_at(const DocFile *file, uint32_t byte)
{
    size_t low = 0, high = file->run_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (file->runs[middle].first_byte <= byte)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0 && byte < file->runs[low - 1].end_byte)
        return file->runs[low - 1];
    return (DocRun){.first_byte = byte, .end_byte = low < file->run_count ? file->runs[low].first_byte : UINT32_MAX};
}

/* --- styles --- */

/* Names of the styles that Word brings along, by their numbers: files have them in the language of the Word that wrote them. */
static const char *built_in_name(unsigned number)
{
    static const char *const headings[] = {"Heading 1", "Heading 2", "Heading 3", "Heading 4", "Heading 5",
                                           "Heading 6", "Heading 7", "Heading 8", "Heading 9"};
    static const struct {
        unsigned number;
        const char *name;
    } names[] = {{34, "Caption"},       {45, "Macro Text"},      {47, "List"},
                 {48, "List Bullet"},   {49, "List Number"},     {50, "List 2"},
                 {51, "List 3"},        {54, "List Bullet 2"},   {55, "List Bullet 3"},
                 {58, "List Number 2"}, {59, "List Number 3"},   {62, "Title"},
                 {68, "List Continue"}, {69, "List Continue 2"}, {70, "List Continue 3"},
                 {74, "Subtitle"},      {157, "No Spacing"},     {179, "List Paragraph"},
                 {180, "Quote"},        {181, "Intense Quote"}};
    if (number >= 1 && number <= ARRAY_COUNT(headings))
        return headings[number - 1];
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (names[i].number == number)
            return names[i].name;
    }
    return NULL;
}

/* The name behind a style's fixed part: a count, then UTF-16. Only names of ASCII mean anything. */
static Str style_name(Bytes style, size_t fixed_bytes, char *room, size_t room_bytes)
{
    Reader in = reader_of(style);
    uint16_t count, unit;
    size_t len = 0;
    if (!reader_skip(&in, fixed_bytes) || !reader_u16le(&in, &count))
        return STR_EMPTY;
    while (len < count && len < room_bytes && reader_u16le(&in, &unit) && unit < 0x80)
        room[len++] = (char)unit;
    return len == count ? str_from(room, len) : STR_EMPTY;
}

static WordStyleMeaning style_meaning(Bytes style, size_t fixed_bytes)
{
    enum { NUMBER_MASK = 0x0FFF, NUMBER_OF_USER = 0x0FFE };
    char room[64];
    Reader in = reader_of(style);
    uint16_t number = NUMBER_OF_USER;
    reader_u16le(&in, &number);
    const char *name = built_in_name(number & NUMBER_MASK);
    return word_style_meaning(name ? str_of(name) : style_name(style, fixed_bytes, room, sizeof room));
}

MUST_USE static Error *read_styles(DocFile *file)
{
    Bytes table, header, style;
    uint16_t header_bytes, count, fixed_bytes, style_bytes;
    TRY(find_table(file, TABLE_STYLES, "styles", &table));
    Reader in = reader_of(table);
    if (!reader_u16le(&in, &header_bytes) || !reader_take(&in, header_bytes, &header))
        return NULL; /* all paragraphs are normal */
    Reader about = reader_of(header);
    if (!reader_u16le(&about, &count) || !reader_u16le(&about, &fixed_bytes) || count > STYLES_MAX)
        return FAIL(CORRUPT, "doc: the table of styles has a header of %u bytes that is malformed", header_bytes);
    file->styles = ARENA_ARRAY(file->arena, WordStyleMeaning, count);
    if (!file->styles)
        return arena_error(file->arena);
    while (file->style_count < count && reader_u16le(&in, &style_bytes) && reader_take(&in, style_bytes, &style)) {
        file->styles[file->style_count++] = style_meaning(style, MAX(fixed_bytes, (uint16_t)STYLE_FIXED_BYTES));
        reader_skip(&in, style_bytes % 2); /* each begins at an even place */
    }
    return NULL;
}

/* --- sections --- */

size_t doc_section_count(const DocFile *file)
{
    return file->sections.len < 4 ? 0 : (file->sections.len - 4) / (4 + SECTION_BYTES);
}

uint32_t doc_section_end(const DocFile *file, size_t section)
{
    return u32_at(file->sections, (section + 1) * 4);
}

bool doc_section_first_page_differs(const DocFile *file, size_t section)
{
    size_t offset = u32_at(file->sections, (doc_section_count(file) + 1) * 4 + section * SECTION_BYTES + 2);
    Reader in = reader_of(file->main);
    uint16_t size, sprm;
    Bytes list, operand;
    bool differs = false;
    if (!reader_skip(&in, offset) || !reader_u16le(&in, &size) || !reader_take(&in, size, &list))
        return false;
    Reader modifiers = reader_of(list);
    while (next_modifier(&modifiers, &sprm, &operand)) {
        if (sprm == SPRM_TITLE_PAGE)
            differs = operand.data[0] != 0;
    }
    return differs;
}

bool doc_row_layout(Bytes row, DocRowLayout *ret_layout)
{
    enum { CELL_BYTES = 20, CONTINUED = 1, MERGE_SHIFT = 5, MERGE_MASK = 3 };
    Reader in = reader_of(row);
    uint8_t count;
    if (!reader_u8(&in, &count) || count == 0 || count >= ARRAY_COUNT(ret_layout->edges))
        return false;
    ret_layout->count = count;
    for (size_t i = 0; i <= count; i++) {
        uint16_t edge;
        if (!reader_u16le(&in, &edge))
            return false;
        ret_layout->edges[i] = (int16_t)edge;
    }
    for (size_t i = 0; i < count; i++) { /* cells that are left out are plain */
        uint16_t flags = 0;
        if (reader_u16le(&in, &flags))
            reader_skip(&in, CELL_BYTES - 2);
        ret_layout->continued[i] = (flags >> MERGE_SHIFT & MERGE_MASK) == CONTINUED;
    }
    return true;
}

Error *doc_file_open(OleReader *ole, Arena *arena, DocFile *ret_file)
{
    DocFile file = {.arena = arena};
    Bytes document;
    TRY(open_streams(ole, &file));
    TRY(read_pieces(&file));
    TRY(read_ranges(&file));
    TRY(read_runs(&file));
    TRY(read_styles(&file));
    TRY(find_table(&file, TABLE_HEADERS, "headers", &file.header_stories));
    TRY(find_table(&file, TABLE_SECTIONS, "sections", &file.sections));
    TRY(find_table(&file, TABLE_DOCUMENT, "document properties", &document));
    file.even_pages_differ = document.len > 0 && (document.data[0] & 1);
    *ret_file = file;
    return NULL;
}

/* --- characters --- */

DocCursor doc_cursor(const DocFile *file, uint32_t first, uint32_t end)
{
    size_t low = 0, high = file->piece_count; /* the first piece that ends behind `first` */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (file->pieces[middle].end > first)
            high = middle;
        else
            low = middle + 1;
    }
    bool inside = low < file->piece_count && file->pieces[low].first <= first;
    return (DocCursor){.file = file, .piece = low, .at = first, .end = inside ? end : first};
}

/* Windows-1252, in which a few places are free. */
static uint16_t unit_of_byte(uint8_t byte)
{
    static const uint16_t units[32] = {0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                       0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,   0x017D, 0x8F,
                                       0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                       0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
    return (uint16_t)(byte >= 0x80 && byte < 0xA0 ? units[byte - 0x80] : byte);
}

bool doc_next(DocCursor *cursor, uint16_t *ret_unit, uint32_t *ret_byte)
{
    const DocFile *file = cursor->file;
    while (cursor->piece < file->piece_count && cursor->at >= file->pieces[cursor->piece].end)
        cursor->piece++;
    if (cursor->at >= cursor->end || cursor->piece == file->piece_count)
        return false;
    const DocPiece *piece = &file->pieces[cursor->piece];
    uint32_t index = cursor->at++ - piece->first;
    *ret_byte = piece->offset + index * (piece->is_wide ? 2 : 1);
    const uint8_t *at = file->main.data + *ret_byte; /* the whole piece is in the stream */
    *ret_unit = piece->is_wide ? (uint16_t)(at[0] | (unsigned)at[1] << 8) : unit_of_byte(at[0]);
    return true;
}
