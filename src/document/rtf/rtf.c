/* RTF to HTML to elements, with the structure that pandoc finds: outline levels are headings, \trowd begins a row, list items are paragraphs,
 * footnotes stand at the end. Sources: Rich Text Format Specification 1.9.1; spec/unstructured.md 3.5. On purpose: bytes are read in the
 * charset of their font, where pandoc looks at \ansicpg alone; text behind \page does not touch the text before it. */
#include "document/html/html.h"
#include "document/markup/page.h"
#include "document/rtf/scan.h"
#include "document/text/charset.h"

enum { GROUPS_MAX = 256, NUMBERS_MAX = 65536, NO_LEVEL = 0, URL_MAX_BYTES = 8192 };

typedef enum Destination { DEST_BODY, DEST_SKIPPED, DEST_FONTS, DEST_STYLES, DEST_FIELD_CODE } Destination;

typedef struct Look {
    bool bold, italic, struck;
    Str link; /* "": none */
} Look;

/* What a group inherits and may change. */
typedef struct Group {
    uint8_t destination; /* Destination */
    bool is_note, is_hidden;
    bool in_table;
    uint8_t level;         /* outline level plus 1; NO_LEVEL: no heading */
    uint16_t unicode_skip; /* characters behind \u that stand for it */
    uint16_t font, style;
    Look look;
} Group;

/* Where text goes: the document, or a footnote in it. */
typedef struct Flow {
    Buffer *html;     /* blocks that are complete */
    Buffer paragraph; /* the open one */
    Buffer cell;      /* blocks of the open cell */
    Look look;        /* the tags open in `paragraph` */
    bool table_open, row_open;
    bool has_light_text; /* not all of the paragraph is bold */
} Flow;

typedef struct Rtf {
    Reader in;
    Arena *arena;
    Page page;
    Buffer note; /* the HTML of the open footnote */
    Flow flows[2];
    Group groups[GROUPS_MAX];
    size_t depth; /* of the innermost group, which is groups[depth] */
    Str document_charset;
    uint8_t *font_charsets; /* \fcharset by number of the font */
    uint8_t *style_levels;  /* by number of the style */
    Buffer pending;         /* bytes not yet decoded, in the charset of the group */
    Buffer field_code;
    unsigned skip;           /* characters to be skipped */
    uint32_t high_surrogate; /* 0: none */
} Rtf;

static void rtf_done(Rtf *r)
{
    page_done(&r->page);
    buffer_done(&r->note);
    buffer_done(&r->pending);
    buffer_done(&r->field_code);
    for (size_t i = 0; i < ARRAY_COUNT(r->flows); i++) {
        buffer_done(&r->flows[i].paragraph);
        buffer_done(&r->flows[i].cell);
    }
}

static Group *group_of(Rtf *r)
{
    return &r->groups[r->depth];
}

static Flow *flow_of(Rtf *r)
{
    return &r->flows[group_of(r)->is_note];
}

MUST_USE static Error *close_look(Flow *flow, bool link_too)
{
    Look *open = &flow->look;
    TRY(buffer_append_str(&flow->paragraph, open->italic ? STR("</i>") : STR_EMPTY));
    TRY(buffer_append_str(&flow->paragraph, open->bold ? STR("</b>") : STR_EMPTY));
    TRY(buffer_append_str(&flow->paragraph, open->struck ? STR("</del>") : STR_EMPTY));
    open->italic = open->bold = open->struck = false;
    if (!link_too || open->link.len == 0)
        return NULL;
    open->link = STR_EMPTY;
    return buffer_append_str(&flow->paragraph, STR("</a>"));
}

/* Closes and opens tags until the text that follows looks as wanted. */
MUST_USE static Error *set_look(Flow *flow, const Look *wanted)
{
    Look *open = &flow->look;
    bool same_link = str_equal(open->link, wanted->link);
    if (same_link && open->bold == wanted->bold && open->italic == wanted->italic && open->struck == wanted->struck)
        return NULL;
    TRY(close_look(flow, !same_link));
    if (!same_link && wanted->link.len > 0)
        TRY(page_open_link(&flow->paragraph, wanted->link));
    *open = *wanted;
    TRY(buffer_append_str(&flow->paragraph, wanted->struck ? STR("<del>") : STR_EMPTY));
    TRY(buffer_append_str(&flow->paragraph, wanted->bold ? STR("<b>") : STR_EMPTY));
    return buffer_append_str(&flow->paragraph, wanted->italic ? STR("<i>") : STR_EMPTY);
}

/* UTF-8 text of the group. */
MUST_USE static Error *put_text(Rtf *r, Str text)
{
    Group *group = group_of(r);
    Flow *flow = flow_of(r);
    if (group->destination == DEST_FIELD_CODE)
        return buffer_append_str(&r->field_code, text);
    if (group->destination != DEST_BODY || group->is_hidden || text.len == 0)
        return NULL;
    TRY(set_look(flow, &group->look));
    flow->has_light_text = flow->has_light_text || (!group->look.bold && str_trim(text).len > 0);
    return page_append_text(&flow->paragraph, text);
}

static const char *charset_of_font(uint8_t charset)
{
    static const struct {
        uint8_t number;
        const char *name;
    } charsets[] = {
        {77, "macintosh"},     {128, "shift_jis"},    {129, "euc-kr"},       {130, "johab"},
        {134, "gbk"},          {136, "big5"},         {161, "windows-1253"}, {162, "windows-1254"},
        {163, "windows-1258"}, {177, "windows-1255"}, {178, "windows-1256"}, {186, "windows-1257"},
        {204, "windows-1251"}, {222, "windows-874"},  {238, "windows-1250"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(charsets); i++) {
        if (charsets[i].number == charset)
            return charsets[i].name;
    }
    return NULL;
}

static Str charset_of_code_page(int32_t number)
{
    static const struct {
        int32_t number;
        const char *name;
    } pages[] = {
        {852, "cp852"},         {855, "cp855"},         {866, "cp866"},         {874, "windows-874"},
        {932, "shift_jis"},     {936, "gbk"},           {949, "euc-kr"},        {950, "big5"},
        {1250, "windows-1250"}, {1251, "windows-1251"}, {1253, "windows-1253"}, {1254, "windows-1254"},
        {1255, "windows-1255"}, {1256, "windows-1256"}, {1257, "windows-1257"}, {1258, "windows-1258"},
        {1361, "johab"},        {10000, "macintosh"},   {65001, "utf-8"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(pages); i++) {
        if (pages[i].number == number && charset_is_known(str_of(pages[i].name)))
            return str_of(pages[i].name);
    }
    return STR("windows-1252");
}

static bool is_ascii(Bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] >= 0x80)
            return false;
    }
    return true;
}

/* Bytes gathered so far become text. A space before them keeps the first from being taken for a byte order mark. */
MUST_USE static Error *flush_bytes(Rtf *r)
{
    Str text;
    if (r->pending.len <= 1)
        return NULL;
    Group *group = group_of(r);
    const char *name = charset_of_font(r->font_charsets[group->font]);
    Str charset = name && charset_is_known(str_of(name)) ? str_of(name) : r->document_charset;
    Error *error = NULL;
    text = buffer_str(&r->pending);
    if (!is_ascii(str_bytes(text)))
        error = charset_decode(str_bytes(text), charset, r->arena, &text);
    if (!error)
        error = put_text(r, str_slice(text, 1, text.len));
    r->pending.len = 1;
    return error;
}

MUST_USE static Error *put_bytes(Rtf *r, Str bytes)
{
    size_t skipped = MIN((size_t)r->skip, bytes.len);
    r->skip -= (unsigned)skipped;
    if (skipped < bytes.len)
        r->high_surrogate = 0;
    return buffer_append_str(&r->pending, str_slice(bytes, skipped, bytes.len));
}

MUST_USE static Error *put_code_point(Rtf *r, uint32_t code_point)
{
    char utf8[4];
    return put_text(r, (Str){utf8, utf8_encode(code_point, utf8)});
}

/* \u: half of a pair waits for the other. */
MUST_USE static Error *put_unicode(Rtf *r, int32_t number)
{
    uint32_t unit = (uint32_t)number & 0xFFFF, high = r->high_surrogate;
    r->skip = group_of(r)->unicode_skip;
    r->high_surrogate = 0;
    if (unit >= 0xD800 && unit < 0xDC00) {
        r->high_surrogate = unit;
        return NULL;
    }
    if (unit >= 0xDC00 && unit < 0xE000)
        return put_code_point(r, high ? 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00) : 0xFFFD);
    return put_code_point(r, unit);
}

/* Where complete blocks go now. */
static Buffer *blocks_of(Flow *flow)
{
    return flow->table_open ? &flow->cell : flow->html;
}

/* A heading is bold as a whole because it is one. Text is escaped: what looks like a tag is a tag. */
MUST_USE static Error *append_without_bold(Buffer *out, Str html)
{
    for (size_t at; (at = str_find(html, STR("b>"))) != SIZE_MAX; html = str_slice(html, at + 2, html.len)) {
        size_t end = at;
        if (at >= 1 && html.data[at - 1] == '<')
            end = at - 1;
        else if (at >= 2 && html.data[at - 1] == '/' && html.data[at - 2] == '<')
            end = at - 2;
        TRY(buffer_append_str(out, str_slice(html, 0, end == at ? at + 2 : end)));
    }
    return buffer_append_str(out, html);
}

/* The open paragraph becomes a block, unless it is empty. */
MUST_USE static Error *end_paragraph(Flow *flow, unsigned level)
{
    TRY(close_look(flow, true));
    if (flow->paragraph.len == 0)
        return NULL;
    Buffer *out = blocks_of(flow);
    char tag[3] = "p";
    if (level >= 1 && level <= 6)
        memcpy(tag, (char[3]){'h', (char)('0' + level), '\0'}, 3);
    TRY(buffer_append_format(out, "<%s>", tag));
    bool is_bold = level != NO_LEVEL && !flow->has_light_text;
    Str text = buffer_str(&flow->paragraph);
    TRY(is_bold ? append_without_bold(out, text) : buffer_append_str(out, text));
    buffer_clear(&flow->paragraph);
    flow->has_light_text = false;
    return buffer_append_format(out, "</%s>\n", tag);
}

MUST_USE static Error *end_row(Flow *flow)
{
    bool open = flow->row_open;
    flow->row_open = false;
    return open ? buffer_append_str(flow->html, STR("</tr>\n")) : NULL;
}

MUST_USE static Error *begin_row(Flow *flow)
{
    TRY(end_row(flow));
    TRY(buffer_append_str(flow->html, flow->table_open ? STR_EMPTY : STR("<table>\n")));
    flow->table_open = flow->row_open = true;
    return buffer_append_str(flow->html, STR("<tr>"));
}

MUST_USE static Error *end_cell(Flow *flow)
{
    if (!flow->row_open)
        TRY(begin_row(flow));
    TRY(end_paragraph(flow, NO_LEVEL));
    TRY(buffer_append_str(flow->html, STR("<td>")));
    TRY(buffer_append_str(flow->html, buffer_str(&flow->cell)));
    buffer_clear(&flow->cell);
    return buffer_append_str(flow->html, STR("</td>"));
}

/* What was begun in a cell that never ended stands behind the table. */
MUST_USE static Error *end_table(Flow *flow)
{
    if (!flow->table_open)
        return NULL;
    TRY(end_row(flow));
    flow->table_open = false;
    TRY(buffer_append_str(flow->html, STR("</table>\n")));
    TRY(buffer_append_str(flow->html, buffer_str(&flow->cell)));
    buffer_clear(&flow->cell);
    return NULL;
}

MUST_USE static Error *on_paragraph(Rtf *r)
{
    Group *group = group_of(r);
    Flow *flow = flow_of(r);
    if (group->destination != DEST_BODY)
        return NULL;
    if (!group->in_table)
        TRY(end_table(flow));
    return end_paragraph(flow, group->level);
}

MUST_USE static Error *end_flow(Flow *flow, unsigned level)
{
    TRY(end_table(flow));
    return end_paragraph(flow, level);
}

/* The argument at the start of `text`, its quotes removed. */
static Str argument_of(Str text)
{
    text = str_trim(text);
    bool quoted = text.len > 0 && text.data[0] == '"';
    text = str_slice(text, quoted, text.len);
    return str_slice(text, 0, str_find_char(text, quoted ? '"' : ' '));
}

/* The field's result: it is a link when the code is `HYPERLINK "address"`, or `HYPERLINK \l "mark"` for a place in the document. */
MUST_USE static Error *begin_field_result(Rtf *r)
{
    static const Str keyword = {"HYPERLINK", 9};
    Str code = str_trim(buffer_str(&r->field_code)), url = STR_EMPTY;
    bool is_mark = false;
    if (str_equal_nocase(str_slice(code, 0, keyword.len), keyword)) {
        url = argument_of(str_slice(code, keyword.len, code.len));
        size_t mark = str_find(code, STR("\\l "));
        is_mark = mark != SIZE_MAX && str_starts_with(url, STR("\\"));
        if (is_mark)
            url = argument_of(str_slice(code, mark + 3, code.len));
    }
    group_of(r)->destination = r->depth > 0 ? r->groups[r->depth - 1].destination : DEST_BODY;
    buffer_clear(&r->field_code); /* `url` is still there to be copied */
    if (url.len == 0 || url.len > URL_MAX_BYTES)
        return NULL;
    char *link = arena_format(r->arena, "%s" STR_FMT, is_mark ? "#" : "", STR_ARG(url));
    group_of(r)->look.link = str_of(link);
    return link ? NULL : arena_error(r->arena);
}

/* A note in a note is text of it. */
MUST_USE static Error *begin_note(Rtf *r)
{
    Group *group = group_of(r);
    if (group->destination != DEST_BODY || group->is_note)
        return NULL;
    TRY(set_look(flow_of(r), &group->look));
    TRY(page_append_note_mark(&r->page, &flow_of(r)->paragraph));
    group->is_note = true;
    group->in_table = false;
    group->look = (Look){.link = STR_EMPTY};
    group->level = NO_LEVEL;
    return NULL;
}

MUST_USE static Error *end_note(Rtf *r)
{
    TRY(end_flow(&r->flows[1], NO_LEVEL));
    TRY(page_add_note(&r->page, buffer_str(&r->note)));
    buffer_clear(&r->note);
    return NULL;
}

typedef enum WordKind {
    WORD_BOLD,
    WORD_BULLET, /* a word that is a character: its code point is in the table */
    WORD_CELL,
    WORD_CODE_PAGE,
    WORD_DESTINATION, /* its group is skipped, or read in a way of its own: the Destination is in the table */
    WORD_FIELD_RESULT,
    WORD_FONT,
    WORD_FONT_CHARSET,
    WORD_HIDDEN,
    WORD_IN_TABLE,
    WORD_ITALIC,
    WORD_LEVEL,
    WORD_LINE,
    WORD_MAC,
    WORD_NOTE,
    WORD_PARAGRAPH,
    WORD_PARAGRAPH_DEFAULTS,
    WORD_PLAIN,
    WORD_ROW,
    WORD_SHOWN, /* behind \*, and yet its group is text */
    WORD_STRUCK,
    WORD_STYLE,
    WORD_UNICODE,
    WORD_UNICODE_SKIP
} WordKind;

typedef struct Word {
    const char *name;
    uint8_t kind; /* WordKind */
    uint16_t value;
} Word;

/* Sorted by name, for the search. */
static const Word words[] = {
    {"ansicpg", WORD_CODE_PAGE, 0},
    {"atnid", WORD_DESTINATION, DEST_SKIPPED},
    {"atnref", WORD_DESTINATION, DEST_SKIPPED},
    {"b", WORD_BOLD, 0},
    {"bullet", WORD_BULLET, 0x2022},
    {"cell", WORD_CELL, 0},
    {"colortbl", WORD_DESTINATION, DEST_SKIPPED},
    {"deleted", WORD_STRUCK, 0},
    {"emdash", WORD_BULLET, 0x2014},
    {"emspace", WORD_BULLET, 0x2003},
    {"endash", WORD_BULLET, 0x2013},
    {"enspace", WORD_BULLET, 0x2002},
    {"f", WORD_FONT, 0},
    {"fcharset", WORD_FONT_CHARSET, 0},
    {"filetbl", WORD_DESTINATION, DEST_SKIPPED},
    {"fldinst", WORD_DESTINATION, DEST_FIELD_CODE},
    {"fldrslt", WORD_FIELD_RESULT, 0},
    {"fonttbl", WORD_DESTINATION, DEST_FONTS},
    {"footer", WORD_DESTINATION, DEST_SKIPPED},
    {"footerf", WORD_DESTINATION, DEST_SKIPPED},
    {"footerl", WORD_DESTINATION, DEST_SKIPPED},
    {"footerr", WORD_DESTINATION, DEST_SKIPPED},
    {"footnote", WORD_NOTE, 0},
    {"header", WORD_DESTINATION, DEST_SKIPPED},
    {"headerf", WORD_DESTINATION, DEST_SKIPPED},
    {"headerl", WORD_DESTINATION, DEST_SKIPPED},
    {"headerr", WORD_DESTINATION, DEST_SKIPPED},
    {"i", WORD_ITALIC, 0},
    {"info", WORD_DESTINATION, DEST_SKIPPED},
    {"intbl", WORD_IN_TABLE, 0},
    {"ldblquote", WORD_BULLET, 0x201C},
    {"line", WORD_LINE, 0},
    {"listoverridetable", WORD_DESTINATION, DEST_SKIPPED},
    {"listtable", WORD_DESTINATION, DEST_SKIPPED},
    {"listtext", WORD_DESTINATION, DEST_SKIPPED},
    {"lquote", WORD_BULLET, 0x2018},
    {"mac", WORD_MAC, 0},
    {"nestcell", WORD_BULLET, ' '},
    {"nonesttables", WORD_DESTINATION, DEST_SKIPPED},
    {"nonshppict", WORD_DESTINATION, DEST_SKIPPED},
    {"objdata", WORD_DESTINATION, DEST_SKIPPED},
    {"outlinelevel", WORD_LEVEL, 0},
    {"page", WORD_BULLET, ' '},
    {"par", WORD_PARAGRAPH, 0},
    {"pard", WORD_PARAGRAPH_DEFAULTS, 0},
    {"pict", WORD_DESTINATION, DEST_SKIPPED},
    {"plain", WORD_PLAIN, 0},
    {"private", WORD_DESTINATION, DEST_SKIPPED},
    {"rdblquote", WORD_BULLET, 0x201D},
    {"revtbl", WORD_DESTINATION, DEST_SKIPPED},
    {"rquote", WORD_BULLET, 0x2019},
    {"s", WORD_STYLE, 0},
    {"sect", WORD_PARAGRAPH, 0},
    {"shpinst", WORD_SHOWN, 0},
    {"shptxt", WORD_SHOWN, 0},
    {"sp", WORD_DESTINATION, DEST_SKIPPED},
    {"strike", WORD_STRUCK, 0},
    {"striked", WORD_STRUCK, 0},
    {"stylesheet", WORD_DESTINATION, DEST_STYLES},
    {"tab", WORD_BULLET, ' '},
    {"tc", WORD_DESTINATION, DEST_SKIPPED},
    {"template", WORD_DESTINATION, DEST_SKIPPED},
    {"trowd", WORD_ROW, 0},
    {"u", WORD_UNICODE, 0},
    {"uc", WORD_UNICODE_SKIP, 0},
    {"v", WORD_HIDDEN, 0},
    {"xe", WORD_DESTINATION, DEST_SKIPPED},
};

static const Word *find_word(Str name)
{
    size_t low = 0, high = ARRAY_COUNT(words);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(str_of(words[middle].name), name);
        if (order == 0)
            return &words[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool is_on(const RtfToken *token)
{
    return !token->has_number || token->number != 0;
}

static uint16_t table_index(int32_t number)
{
    return number >= 0 && number < NUMBERS_MAX ? (uint16_t)number : 0;
}

static void set_level(Rtf *r, int32_t number)
{
    Group *group = group_of(r);
    uint8_t level = number >= 0 && number < 100 ? (uint8_t)(number + 1) : NO_LEVEL;
    if (group->destination == DEST_STYLES)
        r->style_levels[group->style] = level;
    else
        group->level = level;
}

static void set_style(Rtf *r, int32_t number)
{
    Group *group = group_of(r);
    group->style = table_index(number);
    if (group->destination == DEST_BODY)
        group->level = r->style_levels[group->style];
}

static void set_plain(Group *group)
{
    Str link = group->look.link;
    group->look = (Look){.link = link};
    group->is_hidden = false;
}

static void set_destination(Group *group, Destination destination)
{
    if (group->destination != DEST_SKIPPED)
        group->destination = (uint8_t)destination;
}

/* Words that change the group and write nothing. */
static void change_group(Rtf *r, WordKind kind, const RtfToken *token)
{
    Group *group = group_of(r);
    switch (kind) {
    case WORD_BOLD: group->look.bold = is_on(token); break;
    case WORD_ITALIC: group->look.italic = is_on(token); break;
    case WORD_STRUCK: group->look.struck = is_on(token); break;
    case WORD_HIDDEN: group->is_hidden = is_on(token); break;
    case WORD_PLAIN: set_plain(group); break;
    case WORD_PARAGRAPH_DEFAULTS:
        set_plain(group);
        group->level = NO_LEVEL;
        group->in_table = false;
        break;
    case WORD_IN_TABLE: group->in_table = true; break;
    case WORD_LEVEL: set_level(r, token->number); break;
    case WORD_STYLE: set_style(r, token->number); break;
    case WORD_FONT: group->font = table_index(token->number); break;
    case WORD_FONT_CHARSET:
        if (group->destination == DEST_FONTS)
            r->font_charsets[group->font] = (uint8_t)token->number;
        break;
    case WORD_CODE_PAGE: r->document_charset = charset_of_code_page(token->number); break;
    case WORD_MAC: r->document_charset = charset_of_code_page(10000); break;
    case WORD_UNICODE_SKIP: group->unicode_skip = (uint16_t)MIN(MAX(token->number, 0), 16); break;
    case WORD_BULLET:
    case WORD_CELL:
    case WORD_DESTINATION:
    case WORD_FIELD_RESULT:
    case WORD_LINE:
    case WORD_NOTE:
    case WORD_PARAGRAPH:
    case WORD_ROW:
    case WORD_SHOWN:
    case WORD_UNICODE: break;
    }
}

MUST_USE static Error *on_line(Rtf *r)
{
    Group *group = group_of(r);
    if (group->destination != DEST_BODY || group->is_hidden)
        return NULL;
    return buffer_append_str(&flow_of(r)->paragraph, STR("<br />\n"));
}

MUST_USE static Error *on_word(Rtf *r, const RtfToken *token)
{
    const Word *word = find_word(token->text);
    bool is_body = group_of(r)->destination == DEST_BODY;
    if (!word)
        return NULL;
    switch ((WordKind)word->kind) {
    case WORD_UNICODE: return put_unicode(r, token->number);
    case WORD_BULLET:
        if (r->skip > 0 && word->value != ' ') {
            r->skip--;
            return NULL;
        }
        return put_code_point(r, word->value);
    case WORD_LINE: return on_line(r);
    case WORD_PARAGRAPH: return on_paragraph(r);
    case WORD_CELL: return is_body ? end_cell(flow_of(r)) : NULL;
    case WORD_ROW: return is_body ? begin_row(flow_of(r)) : NULL;
    case WORD_NOTE: return begin_note(r);
    case WORD_FIELD_RESULT: return begin_field_result(r);
    case WORD_DESTINATION:
        set_destination(group_of(r), (Destination)word->value);
        if (word->value == DEST_FIELD_CODE)
            buffer_clear(&r->field_code);
        return NULL;
    case WORD_BOLD:
    case WORD_CODE_PAGE:
    case WORD_FONT:
    case WORD_FONT_CHARSET:
    case WORD_HIDDEN:
    case WORD_IN_TABLE:
    case WORD_ITALIC:
    case WORD_LEVEL:
    case WORD_MAC:
    case WORD_PARAGRAPH_DEFAULTS:
    case WORD_PLAIN:
    case WORD_SHOWN:
    case WORD_STRUCK:
    case WORD_STYLE:
    case WORD_UNICODE_SKIP: change_group(r, (WordKind)word->kind, token); break;
    }
    return NULL;
}

/* \*: who does not know the word that follows skips the group. */
static void on_ignorable(Rtf *r)
{
    Reader ahead = r->in;
    RtfToken next = rtf_scan(&ahead);
    const Word *word = next.kind == RTF_WORD ? find_word(next.text) : NULL;
    bool known =
        word && (word->kind == WORD_DESTINATION || word->kind == WORD_SHOWN || word->kind == WORD_FIELD_RESULT);
    bool style = group_of(r)->destination == DEST_STYLES;
    if (!known && !style)
        set_destination(group_of(r), DEST_SKIPPED);
}

MUST_USE static Error *on_symbol(Rtf *r, char symbol)
{
    switch (symbol) {
    case '~': return put_code_point(r, 0xA0);
    case '_': return put_code_point(r, 0x2011);
    case '-': return put_code_point(r, 0xAD);
    case '*': on_ignorable(r); return NULL;
    case '\r':
    case '\n': return on_paragraph(r);
    default: return NULL;
    }
}

MUST_USE static Error *open_group(Rtf *r)
{
    if (r->depth + 1 >= GROUPS_MAX)
        return FAIL(LIMIT, "groups are nested more than %d deep; what follows is left out", GROUPS_MAX - 1);
    r->groups[r->depth + 1] = r->groups[r->depth];
    r->depth++;
    r->skip = 0;
    return NULL;
}

MUST_USE static Error *close_group(Rtf *r)
{
    r->skip = 0;
    if (r->depth == 0)
        return NULL;
    bool was_note = group_of(r)->is_note;
    r->depth--;
    return was_note && !group_of(r)->is_note ? end_note(r) : NULL;
}

MUST_USE static Error *on_token(Rtf *r, const RtfToken *token)
{
    if (token->kind == RTF_TEXT)
        return put_bytes(r, token->text);
    if (token->kind == RTF_BYTE)
        return put_bytes(r, (Str){(const char[]){(char)token->number}, 1});
    TRY(flush_bytes(r));
    switch (token->kind) {
    case RTF_OPEN: return open_group(r);
    case RTF_CLOSE: return close_group(r);
    case RTF_WORD: return on_word(r, token);
    case RTF_SYMBOL: return on_symbol(r, token->text.len > 0 ? token->text.data[0] : '\0');
    case RTF_TEXT:
    case RTF_BYTE:
    case RTF_END: break;
    }
    return NULL;
}

/* Everything up to the end of the outermost group. */
MUST_USE static Error *read_groups(Rtf *r)
{
    bool is_one_group = str_starts_with(str_trim(bytes_str(r->in.input)), STR("{\\rtf"));
    for (;;) {
        RtfToken token = rtf_scan(&r->in);
        if (token.kind == RTF_END)
            return r->depth == 0 ? NULL
                                 : FAIL(CORRUPT, "the file is cut off: %zu groups are open at its end", r->depth);
        TRY(on_token(r, &token));
        if (is_one_group && r->depth == 0 && token.kind == RTF_CLOSE)
            return NULL; /* what is behind it is no part of the document */
    }
}

MUST_USE static Error *rtf_init(Rtf *r, Bytes input, Arena *arena, size_t text_left)
{
    size_t html_max = 16 * input.len + 64 * KIB;
    r->in = reader_of(input);
    r->arena = arena;
    r->page.html.limit = r->page.notes.limit = r->note.limit = html_max;
    r->flows[0].html = &r->page.html;
    r->flows[1].html = &r->note;
    r->flows[0].look.link = r->flows[1].look.link = STR_EMPTY;
    r->pending.limit = r->field_code.limit = MIN(input.len, text_left) + KIB;
    r->groups[0] = (Group){.unicode_skip = 1, .look.link = STR_EMPTY};
    r->document_charset = STR("windows-1252");
    r->font_charsets = arena_alloc(arena, NUMBERS_MAX);
    r->style_levels = arena_alloc(arena, NUMBERS_MAX);
    if (!r->font_charsets || !r->style_levels)
        return arena_error(arena);
    return buffer_append_byte(&r->pending, ' ');
}

/* What was read before an error is shown too. */
MUST_USE static Error *end_document(Rtf *r)
{
    TRY(flush_bytes(r));
    if (group_of(r)->is_note)
        TRY(end_note(r));
    TRY(end_flow(&r->flows[0], r->groups[0].level));
    return page_finish(&r->page);
}

Error *partition_rtf(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                     Elements *elements)
{
    (void)filetype;
    Builder builder;
    builder_init(&builder, options, watch, elements);
    CLEANUP(rtf_done) Rtf r = {0};
    TRY(rtf_init(&r, input, elements->arena, builder.text_left));
    Error *read_error = read_groups(&r);
    ErrorCode code = error_code(read_error);
    Error *error = code == ERR_OK || code == ERR_CORRUPT || code == ERR_LIMIT ? end_document(&r) : NULL;
    if (!error && code != ERR_NO_MEMORY)
        error = html_add_elements(&builder, buffer_str(&r.page.html), options);
    if (!read_error)
        return error;
    error_free(error); /* what went wrong first is the news */
    return error_wrap(read_error, "rtf");
}
