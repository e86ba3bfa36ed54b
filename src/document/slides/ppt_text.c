#include "document/slides/ppt_text.h"

enum { FIELDS_MAX = 64 }; /* of one text; more are not looked at */

/* --- styles --- */

/* Skips the fields of the paragraph properties that the mask announces; `*ret_bullet` is whether there is a bullet, -1 when they do not say. */
static bool read_paragraph_properties(Reader *in, int *ret_bullet)
{
    static const struct {
        uint32_t mask;
        uint8_t bytes;
    } before_tabs[] = {{1 << 7, 2},  {1 << 4, 2},  {1 << 6, 2}, {1 << 5, 4},  {1 << 11, 2}, {1 << 12, 2},
                       {1 << 13, 2}, {1 << 14, 2}, {1 << 8, 2}, {1 << 10, 2}, {1 << 15, 2}};
    enum {
        HAS_BULLET = 1,
        BULLET_FLAGS = 15,
        TABS = 1 << 20,
        FONT_ALIGN = 1 << 16,
        WRAP = 7 << 17,
        DIRECTION = 1 << 21
    };
    uint32_t mask;
    uint16_t flags = 0, tabs;
    if (!reader_u32le(in, &mask) || ((mask & BULLET_FLAGS) && !reader_u16le(in, &flags)))
        return false;
    *ret_bullet = mask & HAS_BULLET ? flags & 1 : -1;
    for (size_t i = 0; i < ARRAY_COUNT(before_tabs); i++) {
        if ((mask & before_tabs[i].mask) && !reader_skip(in, before_tabs[i].bytes))
            return false;
    }
    if ((mask & TABS) && (!reader_u16le(in, &tabs) || !reader_skip(in, (size_t)tabs * 4)))
        return false;
    size_t after_tabs = (mask & FONT_ALIGN ? 2U : 0U) + (mask & WRAP ? 2U : 0U) + (mask & DIRECTION ? 2U : 0U);
    return reader_skip(in, after_tabs);
}

static bool skip_character_properties(Reader *in)
{
    enum { STYLE = 0x3EB7, FONT = 1 << 16, OLD_ASIAN = 1 << 21, ANSI = 1 << 22, SYMBOL = 1 << 23, SIZE = 1 << 17 };
    enum { COLOR = 1 << 18, POSITION = 1 << 19 };
    static const uint32_t of_two_bytes[] = {STYLE, FONT, OLD_ASIAN, ANSI, SYMBOL, SIZE, POSITION};
    uint32_t mask;
    if (!reader_u32le(in, &mask))
        return false;
    size_t bytes = mask & COLOR ? 4 : 0;
    for (size_t i = 0; i < ARRAY_COUNT(of_two_bytes); i++)
        bytes += mask & of_two_bytes[i] ? 2 : 0;
    return reader_skip(in, bytes);
}

/* Levels that say nothing are as the one above them; the special kinds of body and title begin as these. */
void ppt_styles_read(PptStyles *styles, const PptRecord *atom)
{
    enum { FIRST_DERIVED = 5 };
    Reader in = reader_of(atom->body);
    uint16_t levels, level;
    if (atom->instance >= PPT_TEXT_TYPES || !reader_u16le(&in, &levels))
        return;
    bool *bulleted = styles->bulleted[atom->instance];
    if (atom->instance >= FIRST_DERIVED)
        memcpy(bulleted, styles->bulleted[atom->instance == PPT_TEXT_CENTER_TITLE ? PPT_TEXT_TITLE : PPT_TEXT_BODY],
               sizeof styles->bulleted[0]);
    for (uint16_t i = 0; i < levels && i < PPT_LEVELS; i++) {
        int bullet;
        if ((atom->instance >= FIRST_DERIVED && !reader_u16le(&in, &level)) || !read_paragraph_properties(&in, &bullet)
            || !skip_character_properties(&in))
            return;
        if (bullet >= 0)
            bulleted[i] = bullet;
        else if (i > 0 && atom->instance < FIRST_DERIVED)
            bulleted[i] = bulleted[i - 1];
    }
}

/* --- texts --- */

bool ppt_next_text(Reader *in, PptText *ret_text)
{
    PptRecord header, record;
    uint32_t type;
    if (!ppt_find(in, PPT_TEXT_HEADER_ATOM, &header))
        return false;
    Reader type_in = reader_of(header.body);
    if (!reader_u32le(&type_in, &type) || type >= PPT_TEXT_TYPES)
        type = PPT_TEXT_OTHER;
    size_t start = reader_offset(in);
    Reader ahead = *in;
    while (ppt_next(&ahead, &record) && record.type != PPT_TEXT_HEADER_ATOM)
        *in = ahead;
    *ret_text = (PptText){type, bytes_from(in->input.data + start, reader_offset(in) - start)};
    return true;
}

/* A place in a text where something else is shown. */
typedef struct Field {
    uint32_t position;
    bool is_slide_number; /* or a date, header, footer, which are left out */
} Field;

/* What the records of one text say. */
typedef struct TextParts {
    Bytes characters;
    bool wide;
    Reader styles; /* runs of paragraphs */
    Field fields[FIELDS_MAX];
    size_t field_count;
} TextParts;

static void add_field(TextParts *parts, const PptRecord *record)
{
    Reader in = reader_of(record->body);
    Field field = {.is_slide_number = record->type == PPT_SLIDE_NUMBER_MC_ATOM};
    if (parts->field_count < FIELDS_MAX && reader_u32le(&in, &field.position))
        parts->fields[parts->field_count++] = field;
}

static void read_parts(Bytes records, TextParts *parts)
{
    Reader in = reader_of(records);
    PptRecord record;
    *parts = (TextParts){.characters = BYTES_EMPTY, .styles = reader_of(BYTES_EMPTY)};
    while (ppt_next(&in, &record)) {
        switch (record.type) {
        case PPT_TEXT_CHARS_ATOM:
        case PPT_TEXT_BYTES_ATOM:
            parts->characters = record.body;
            parts->wide = record.type == PPT_TEXT_CHARS_ATOM;
            break;
        case PPT_STYLE_TEXT_PROP_ATOM: parts->styles = reader_of(record.body); break;
        case PPT_SLIDE_NUMBER_MC_ATOM:
        case PPT_DATE_TIME_MC_ATOM:
        case PPT_GENERIC_DATE_MC_ATOM:
        case PPT_HEADER_MC_ATOM:
        case PPT_FOOTER_MC_ATOM:
        case PPT_RTF_DATE_TIME_MC_ATOM: add_field(parts, &record); break;
        default: break;
        }
    }
}

/* The run of paragraphs with one style that is at hand. */
typedef struct StyleRun {
    uint64_t end; /* in characters */
    uint16_t level;
    int bullet; /* -1: as the master has it */
} StyleRun;

/* The run that character `at` is in; behind the last the style is the plainest. */
static void style_at(Reader *styles, uint64_t at, StyleRun *run)
{
    while (run->end <= at) {
        uint32_t count;
        StyleRun next = {.bullet = -1};
        if (!reader_u32le(styles, &count) || !reader_u16le(styles, &next.level)
            || !read_paragraph_properties(styles, &next.bullet)) {
            *run = (StyleRun){.end = UINT64_MAX, .bullet = -1};
            return;
        }
        next.end = run->end + MAX(count, 1U);
        *run = next;
    }
}

static const Field *field_at(const TextParts *parts, uint64_t position)
{
    for (size_t i = 0; i < parts->field_count; i++) {
        if (parts->fields[i].position == position)
            return &parts->fields[i];
    }
    return NULL;
}

/* Where the text is being read. */
typedef struct TextWalk {
    Reader in;
    uint64_t position; /* in UTF-16 units */
    bool wide;
} TextWalk;

static bool next_unit(TextWalk *walk, uint32_t *ret_unit)
{
    uint8_t narrow = 0;
    uint16_t unit = 0;
    if (walk->wide ? !reader_u16le(&walk->in, &unit) : !reader_u8(&walk->in, &narrow))
        return false;
    walk->position++;
    *ret_unit = walk->wide ? unit : narrow;
    return true;
}

/* The second half of a pair, when it is there. */
static uint32_t code_point_of(TextWalk *walk, uint32_t unit)
{
    uint32_t second;
    TextWalk ahead = *walk;
    if (unit < 0xD800 || unit > 0xDFFF)
        return unit;
    if (unit > 0xDBFF || !next_unit(&ahead, &second) || second < 0xDC00 || second > 0xDFFF)
        return 0xFFFD;
    *walk = ahead;
    return 0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00);
}

/* Appends the next paragraph to `out`; false behind the last. */
MUST_USE static Error *read_paragraph(const TextParts *parts, TextWalk *walk, uint32_t slide_number, Buffer *out,
                                      bool *ret_more)
{
    enum { PARAGRAPH_END = '\r', FIELD_CHARACTER = '*' };
    uint32_t unit;
    *ret_more = false;
    while (next_unit(walk, &unit)) {
        char utf8[4];
        *ret_more = true;
        if (unit == PARAGRAPH_END)
            return NULL;
        const Field *field = unit == FIELD_CHARACTER ? field_at(parts, walk->position - 1) : NULL;
        if (field && field->is_slide_number)
            TRY(buffer_append_format(out, "%u", slide_number));
        else if (!field)
            TRY(buffer_append(out, utf8, utf8_encode(code_point_of(walk, unit), utf8)));
    }
    return NULL;
}

Error *ppt_text_add(const PptText *text, const PptStyles *styles, uint32_t slide_number, Buffer *scratch,
                    const Slide *slide, SlideShape *shape)
{
    TextParts parts;
    StyleRun run = {.bullet = -1};
    read_parts(text->records, &parts);
    TextWalk walk = {.in = reader_of(parts.characters), .wide = parts.wide};
    for (;;) {
        bool more;
        buffer_clear(scratch);
        style_at(&parts.styles, walk.position, &run);
        TRY(read_paragraph(&parts, &walk, slide_number, scratch, &more));
        if (!more)
            return NULL;
        uint32_t level = MIN(run.level, (uint32_t)PPT_LEVELS - 1);
        bool bulleted = run.bullet >= 0 ? run.bullet : styles->bulleted[text->type][level];
        TRY(slide_add_paragraph(slide, shape,
                                (SlideParagraph){.text = buffer_str(scratch), .level = level, .bulleted = bulleted}));
    }
}
