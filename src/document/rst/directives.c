/* Directives: what pandoc makes of those it knows; of others the argument and the body as text. */
#include "document/rst/rst.h"

/* The lines of a directive: its argument may go on for several, then options, then the body. */
typedef struct Directive {
    Str name, argument;
    StrList more_argument, options, body;
} Directive;

typedef enum DirectiveKind {
    DIRECTIVE_ADMONITION, /* a box whose title is the name */
    DIRECTIVE_BODY,       /* the body, as if it stood there */
    DIRECTIVE_CODE,
    DIRECTIVE_CSV,
    DIRECTIVE_FIGURE,
    DIRECTIVE_IMAGE,
    DIRECTIVE_LIST_TABLE,
    DIRECTIVE_MATH,
    DIRECTIVE_NOTHING,
    DIRECTIVE_QUOTE,
    DIRECTIVE_RAW,
    DIRECTIVE_TITLED, /* the argument in bold, then the body */
    DIRECTIVE_UNKNOWN
} DirectiveKind;

static DirectiveKind kind_of(Str name)
{
    static const struct {
        const char *name;
        DirectiveKind kind;
    } kinds[] = {
        {"attention", DIRECTIVE_ADMONITION},
        {"caution", DIRECTIVE_ADMONITION},
        {"class", DIRECTIVE_BODY},
        {"code", DIRECTIVE_CODE},
        {"code-block", DIRECTIVE_CODE},
        {"compound", DIRECTIVE_BODY},
        {"container", DIRECTIVE_BODY},
        {"csv-table", DIRECTIVE_CSV},
        {"danger", DIRECTIVE_ADMONITION},
        {"default-role", DIRECTIVE_NOTHING},
        {"epigraph", DIRECTIVE_QUOTE},
        {"error", DIRECTIVE_ADMONITION},
        {"figure", DIRECTIVE_FIGURE},
        {"highlight", DIRECTIVE_NOTHING},
        {"highlights", DIRECTIVE_QUOTE},
        {"hint", DIRECTIVE_ADMONITION},
        {"image", DIRECTIVE_IMAGE},
        {"important", DIRECTIVE_ADMONITION},
        {"include", DIRECTIVE_NOTHING},
        {"list-table", DIRECTIVE_LIST_TABLE},
        {"math", DIRECTIVE_MATH},
        {"note", DIRECTIVE_ADMONITION},
        {"pull-quote", DIRECTIVE_QUOTE},
        {"raw", DIRECTIVE_RAW},
        {"role", DIRECTIVE_NOTHING},
        {"rubric", DIRECTIVE_TITLED},
        {"sidebar", DIRECTIVE_TITLED},
        {"sourcecode", DIRECTIVE_CODE},
        {"table", DIRECTIVE_BODY},
        {"tip", DIRECTIVE_ADMONITION},
        {"topic", DIRECTIVE_TITLED},
        {"warning", DIRECTIVE_ADMONITION},
    };
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (str_equal_nocase(name, str_of(kinds[i].name)))
            return kinds[i].kind;
    }
    return DIRECTIVE_UNKNOWN;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || (c != '\0' && strchr("-_.+:", c));
}

bool rst_read_directive(Str first, Str *ret_name, Str *ret_argument)
{
    size_t end = str_find(first, STR("::"));
    if (end == SIZE_MAX || end == 0)
        return false;
    for (size_t i = 0; i < end; i++) {
        if (!is_name_char(first.data[i]))
            return false;
    }
    *ret_name = str_slice(first, 0, end);
    *ret_argument = str_trim(str_slice(first, end + 2, first.len));
    return end + 2 == first.len || first.data[end + 2] == ' ';
}

static bool is_option(Str line)
{
    return line.len > 2 && line.data[0] == ':' && str_find_char(str_slice(line, 1, line.len), ':') != SIZE_MAX;
}

static Directive read_directive(Str first, StrList body)
{
    Directive d = {0};
    bool known = rst_read_directive(first, &d.name, &d.argument);
    ASSERT(known);
    size_t options = 0, rest;
    while (options < body.count && !line_is_blank(body.items[options]) && !is_option(body.items[options]))
        options++;
    for (rest = options; rest < body.count && !line_is_blank(body.items[rest]);)
        rest++;
    d.more_argument = lines_slice(body, 0, options);
    d.options = lines_slice(body, options, rest);
    d.body = lines_slice(body, lines_skip_blank(body, rest), body.count);
    return d;
}

static Str option_of(const Directive *d, Str key)
{
    for (size_t i = 0; i < d->options.count; i++) {
        Str option = str_slice(d->options.items[i], 1, d->options.items[i].len), name;
        if (str_next_piece(&option, ':', &name) && option.data && str_equal(name, key))
            return str_trim(option);
    }
    return STR_EMPTY;
}

/* The argument and the lines that it goes on for. */
MUST_USE static Error *whole_argument(Rst *rst, const Directive *d, Str *ret_text)
{
    Str more;
    TRY(lines_join(d->more_argument, ' ', rst->arena, &more));
    char *text = arena_format(rst->arena, STR_FMT "\n" STR_FMT, STR_ARG(d->argument), STR_ARG(more));
    *ret_text = str_trim(str_of(text));
    return text ? NULL : arena_error(rst->arena);
}

/* `tag` may be NULL: the paragraph is as it is. */
MUST_USE static Error *append_argument(Rst *rst, const Directive *d, const char *tag, Buffer *out)
{
    Str text;
    TRY(whole_argument(rst, d, &text));
    if (text.len == 0)
        return NULL;
    TRY(tag ? buffer_append_format(out, "<p><%s>", tag) : buffer_append_str(out, STR("<p>")));
    TRY(rst_append_inline(rst, text, out));
    return tag ? buffer_append_format(out, "</%s></p>\n", tag) : buffer_append_str(out, STR("</p>\n"));
}

MUST_USE static Error *append_container(Rst *rst, const Directive *d, const char *tag, Buffer *out)
{
    TRY(buffer_append_format(out, "<%s>\n", tag));
    TRY(append_argument(rst, d, NULL, out));
    TRY(rst_append_blocks(rst, d->body, false, out));
    return buffer_append_format(out, "</%s>\n", tag);
}

MUST_USE static Error *append_admonition(Rst *rst, const Directive *d, Buffer *out)
{
    char initial = d->name.data[0];
    if (initial >= 'a' && initial <= 'z')
        initial = (char)(initial - 32);
    TRY(buffer_append_format(out, "<div><p>%c" STR_FMT "</p></div>\n", initial,
                             STR_ARG(str_slice(d->name, 1, d->name.len))));
    return append_container(rst, d, "div", out);
}

MUST_USE static Error *append_image(const Directive *d, Buffer *out)
{
    Str alternative = option_of(d, STR("alt"));
    TRY(buffer_append_str(out, STR("<p><img src=\"")));
    TRY(page_append_text(out, d->argument));
    TRY(buffer_append_str(out, STR("\" alt=\"")));
    TRY(page_append_text(out, alternative.len > 0 ? alternative : STR("image")));
    return buffer_append_str(out, STR("\" /></p>\n"));
}

MUST_USE static Error *append_figure(Rst *rst, const Directive *d, Buffer *out)
{
    TRY(buffer_append_str(out, STR("<figure>\n")));
    TRY(append_image(d, out));
    TRY(buffer_append_str(out, STR("<figcaption>")));
    TRY(rst_append_blocks(rst, d->body, false, out));
    return buffer_append_str(out, STR("</figcaption>\n</figure>\n"));
}

/* Formulas stand as they were written. */
MUST_USE static Error *append_math(Rst *rst, const Directive *d, Buffer *out)
{
    Str formula, body;
    TRY(whole_argument(rst, d, &formula));
    TRY(lines_join(d->body, ' ', rst->arena, &body));
    TRY(buffer_append_str(out, STR("<p>")));
    TRY(page_append_text(out, formula));
    TRY(buffer_append_byte(out, '\n'));
    TRY(page_append_text(out, body));
    return buffer_append_str(out, STR("</p>\n"));
}

MUST_USE static Error *append_raw(const Directive *d, Buffer *out)
{
    if (!str_starts_with(d->argument, STR("html")))
        return NULL;
    for (size_t i = 0; i < d->body.count; i++) {
        TRY(buffer_append_str(out, d->body.items[i]));
        TRY(buffer_append_byte(out, '\n'));
    }
    return NULL;
}

/* One field of a line of comma-separated values; quotes around it may hold commas. */
static Str next_value(Str *rest)
{
    Str text = str_trim(*rest);
    bool quoted = text.len > 0 && text.data[0] == '"';
    text = str_slice(text, quoted, text.len);
    size_t end = str_find(text, quoted ? STR("\"") : STR(","));
    Str value = str_slice(text, 0, end);
    Str behind = end == SIZE_MAX ? STR_EMPTY : str_slice(text, end, text.len);
    size_t comma = str_find_char(behind, ',');
    *rest = comma == SIZE_MAX ? (Str){NULL, 0} : str_slice(behind, comma + 1, behind.len);
    return str_trim(value);
}

MUST_USE static Error *append_values(Rst *rst, Str line, Buffer *out)
{
    TRY(buffer_append_str(out, STR("<tr>")));
    while (line.data) {
        TRY(buffer_append_str(out, STR("<td>")));
        TRY(rst_append_inline(rst, next_value(&line), out));
        TRY(buffer_append_str(out, STR("</td>")));
    }
    return buffer_append_str(out, STR("</tr>\n"));
}

MUST_USE static Error *append_csv(Rst *rst, const Directive *d, Buffer *out)
{
    Str header = option_of(d, STR("header"));
    TRY(buffer_append_str(out, STR("<table>\n")));
    if (header.len > 0)
        TRY(append_values(rst, header, out));
    for (size_t i = 0; i < d->body.count; i++) {
        if (!line_is_blank(d->body.items[i]))
            TRY(append_values(rst, d->body.items[i], out));
    }
    return buffer_append_str(out, STR("</table>\n"));
}

/* A list of lists: items are rows, theirs are cells. `* - ` begins a row, `  - ` a cell. */
MUST_USE static Error *append_list_table(Rst *rst, const Directive *d, Buffer *out)
{
    bool open = false;
    TRY(buffer_append_str(out, STR("<table>\n")));
    for (size_t i = 0; i < d->body.count;) {
        Str line = d->body.items[i];
        bool row = str_starts_with(line, STR("* - ")) || str_equal(line, STR("* -"));
        bool cell = row || str_starts_with(line, STR("  - ")) || str_equal(line, STR("  -"));
        if (!cell) {
            i++;
            continue;
        }
        if (row)
            TRY(buffer_append_str(out, open ? STR("</tr>\n<tr>") : STR("<tr>")));
        open = open || row;
        StrList lines;
        size_t end = i + 1;
        while (end < d->body.count && (line_is_blank(d->body.items[end]) || line_indent(d->body.items[end]) >= 4))
            end++;
        TRY(lines_dedent(d->body, i, end, rst->arena, &lines));
        lines.items[0] = str_trim(str_slice(line, 3, line.len));
        for (size_t j = 1; j < lines.count; j++)
            lines.items[j] = line_dedent(d->body.items[i + j], 4);
        TRY(buffer_append_str(out, STR("<td>")));
        TRY(rst_append_blocks(rst, lines, false, out));
        TRY(buffer_append_str(out, STR("</td>")));
        i = end;
    }
    return buffer_append_str(out, open ? STR("</tr>\n</table>\n") : STR("</table>\n"));
}

Error *rst_append_directive(Rst *rst, Str first, StrList body, Buffer *out)
{
    Directive d = read_directive(first, body);
    switch (kind_of(d.name)) {
    case DIRECTIVE_ADMONITION: return append_admonition(rst, &d, out);
    case DIRECTIVE_BODY: return rst_append_blocks(rst, d.body, false, out);
    case DIRECTIVE_CODE: return rst_append_code(d.body, out);
    case DIRECTIVE_CSV: return append_csv(rst, &d, out);
    case DIRECTIVE_FIGURE: return append_figure(rst, &d, out);
    case DIRECTIVE_IMAGE: return append_image(&d, out);
    case DIRECTIVE_LIST_TABLE: return append_list_table(rst, &d, out);
    case DIRECTIVE_MATH: return append_math(rst, &d, out);
    case DIRECTIVE_NOTHING: return NULL;
    case DIRECTIVE_QUOTE: return append_container(rst, &d, "blockquote", out);
    case DIRECTIVE_RAW: return append_raw(&d, out);
    case DIRECTIVE_TITLED: TRY(append_argument(rst, &d, "b", out)); return rst_append_blocks(rst, d.body, false, out);
    case DIRECTIVE_UNKNOWN: break;
    }
    return append_container(rst, &d, "div", out);
}
