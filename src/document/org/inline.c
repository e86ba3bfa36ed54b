/* The markup inside a paragraph: emphasis, code, links, notes, sub- and superscripts, entities. */
#include "document/org/org.h"

enum {
    MARKUP_MAX_BYTES =
        2048, /* between a mark and its other half: keeps unpaired marks from being looked for again and again */
    LINK_MAX_BYTES = 8192,
    NESTING_MAX = 16
};

static const Str emphasis_marks = {"*/_+=~", 6};
enum { EMPHASIS_MARKS = 6 };

/* Where the reader is. `plain_from` to `at` is text not yet written. */
typedef struct Inline {
    Org *org;
    Buffer *out;
    Str text;
    size_t at, plain_from;
    unsigned depth;
    bool in_link;
    /* Found once for all marks before them; 0: not yet looked for. */
    size_t next_ends[EMPHASIS_MARKS]; /* where each mark can next end what it began */
    size_t next_line, line_after_next;
    size_t next_brackets; /* the end of a link */
} Inline;

MUST_USE static Error *append_nested(const Inline *in, Str text, bool in_link);

MUST_USE static Error *flush(Inline *in)
{
    TRY(page_append_text(in->out, str_slice(in->text, in->plain_from, in->at)));
    in->plain_from = in->at;
    return NULL;
}

/* What is before `to` has been dealt with. */
static void move_to(Inline *in, size_t to)
{
    in->at = in->plain_from = to;
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c);
}

static bool starts_at(const Inline *in, size_t at, Str what)
{
    return str_starts_with(str_slice(in->text, at, in->text.len), what);
}

/* The first `what` from `from` on that is near enough to belong to the mark at `at`; SIZE_MAX: none. */
static size_t find_near(const Inline *in, size_t from, Str what, size_t max_bytes)
{
    Str near = str_slice(in->text, from, from + max_bytes);
    size_t found = str_find(near, what);
    return found == SIZE_MAX ? SIZE_MAX : from + found;
}

static bool may_begin_emphasis(const Inline *in)
{
    if (in->at > 0 && !is_one_of(in->text.data[in->at - 1], " \t\n-({'\"*/_+"))
        return false;
    return in->at + 1 < in->text.len && !is_one_of(in->text.data[in->at + 1], " \t\n");
}

static bool may_end_emphasis(const Inline *in, size_t at)
{
    if (is_one_of(in->text.data[at - 1], " \t\n"))
        return false;
    return at + 1 == in->text.len || is_one_of(in->text.data[at + 1], " \t\n-.,;:!?)}'\"*/_+[\\");
}

/* The first line feed from `from` on; the text's length when there is none. */
static size_t line_end(const Inline *in, size_t from)
{
    size_t found = str_find_char(str_slice(in->text, from, in->text.len), '\n');
    return found == SIZE_MAX ? in->text.len : from + found;
}

/* The first place behind `at` where its mark can end something; SIZE_MAX: none. */
static size_t next_end(Inline *in, char mark)
{
    size_t *known = &in->next_ends[str_find_char(emphasis_marks, mark)];
    if (*known > in->at + 1)
        return *known;
    for (size_t i = in->at + 2; i < in->text.len; i++) {
        size_t next = str_find_char(str_slice(in->text, i, in->text.len), mark);
        if (next == SIZE_MAX)
            break;
        i += next;
        if (may_end_emphasis(in, i))
            return *known = i;
    }
    *known = SIZE_MAX;
    return SIZE_MAX;
}

/* The other half of the mark at `at`, on this line or the next. */
static size_t find_emphasis_end(Inline *in)
{
    size_t end = next_end(in, in->text.data[in->at]);
    if (in->at >= in->next_line) {
        in->next_line = line_end(in, in->at);
        in->line_after_next = line_end(in, MIN(in->next_line + 1, in->text.len));
    }
    return end < in->line_after_next ? end : SIZE_MAX;
}

static const char *tag_of_mark(char mark)
{
    switch (mark) {
    case '*': return "b";
    case '/': return "i";
    case '_': return "u";
    case '+': return "del";
    default: return "code";
    }
}

MUST_USE static Error *append_emphasis(Inline *in, bool *ret_taken)
{
    char mark = in->text.data[in->at];
    size_t end = may_begin_emphasis(in) ? find_emphasis_end(in) : SIZE_MAX;
    if (end == SIZE_MAX)
        return NULL;
    Str content = str_slice(in->text, in->at + 1, end);
    TRY(flush(in));
    TRY(buffer_append_format(in->out, "<%s>", tag_of_mark(mark)));
    TRY(mark == '=' || mark == '~' ? page_append_text(in->out, content) : append_nested(in, content, in->in_link));
    TRY(buffer_append_format(in->out, "</%s>", tag_of_mark(mark)));
    move_to(in, end + 1);
    *ret_taken = true;
    return NULL;
}

static bool is_image(Str target)
{
    static const char *const endings[] = {".jpeg", ".jpg", ".png", ".gif", ".svg", ".tiff", ".bmp", ".webp"};
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        Str ending = str_of(endings[i]);
        if (target.len > ending.len && str_equal_nocase(str_slice(target, target.len - ending.len, target.len), ending))
            return true;
    }
    return false;
}

/* Without `file:`, which is what any other target is too. */
static Str link_target(Str target)
{
    return str_starts_with(target, STR("file:")) ? str_slice(target, 5, target.len) : target;
}

/* A word alone is the name of a place in the document, which pandoc has no link for: it sets it in italics. */
static bool leads_somewhere(Str target)
{
    return str_find_char(target, ':') != SIZE_MAX || is_one_of(target.data[0], "#./~")
           || str_find_char(target, '/') != SIZE_MAX;
}

MUST_USE static Error *append_image(Inline *in, Str target)
{
    TRY(buffer_append_str(in->out, STR("<img src=\"")));
    TRY(page_append_text(in->out, target));
    return buffer_append_str(in->out, STR("\" />"));
}

/* `[[target]]` or `[[target][description]]`. */
MUST_USE static Error *append_bracket_link(Inline *in, bool *ret_taken)
{
    if (in->next_brackets <= in->at + 1)
        in->next_brackets = find_near(in, in->at + 2, STR("]]"), in->text.len);
    size_t end = in->next_brackets;
    if (end == SIZE_MAX || end - in->at > LINK_MAX_BYTES)
        return NULL;
    Str inside = str_slice(in->text, in->at + 2, end);
    size_t middle = str_find(inside, STR("]["));
    Str target = str_slice(inside, 0, middle), shown = target;
    bool described = middle != SIZE_MAX;
    if (described)
        shown = str_slice(inside, middle + 2, inside.len);
    if (target.len == 0)
        return NULL;
    TRY(flush(in));
    bool is_link = (leads_somewhere(target) || str_starts_with(target, STR("file:"))) && !in->in_link;
    target = link_target(target);
    if (!described && is_image(target)) {
        TRY(append_image(in, target));
    } else {
        TRY(is_link ? page_open_link(in->out, target) : buffer_append_str(in->out, STR("<i>")));
        TRY(described ? append_nested(in, shown, true) : page_append_text(in->out, shown));
        TRY(buffer_append_str(in->out, is_link ? STR("</a>") : STR("</i>")));
    }
    move_to(in, end + 2);
    *ret_taken = true;
    return NULL;
}

static bool is_label_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* `[fn:label]`, `[fn:label:text]`, `[fn::text]`. A note that nobody wrote is nothing. */
MUST_USE static Error *append_note(Inline *in, bool *ret_taken)
{
    size_t label_from = in->at + 4, at = label_from;
    while (at < in->text.len && is_label_char(in->text.data[at]))
        at++;
    Str label = str_slice(in->text, label_from, at);
    if (at >= in->text.len || (in->text.data[at] != ']' && in->text.data[at] != ':'))
        return NULL;
    if (in->text.data[at] == ']' && label.len == 0)
        return NULL;
    if (in->text.data[at] == ']') {
        bool found;
        TRY(flush(in));
        TRY(org_append_note(in->org, label, in->out, &found));
        move_to(in, at + 1);
        *ret_taken = true;
        return NULL;
    }
    size_t end = find_near(in, at, STR("]"), MARKUP_MAX_BYTES);
    if (end == SIZE_MAX)
        return NULL;
    TRY(flush(in));
    TRY(org_append_inline_note(in->org, str_slice(in->text, at + 1, end), in->out));
    move_to(in, end + 1);
    *ret_taken = true;
    return NULL;
}

static bool is_url_end(char c)
{
    return is_one_of(c, " \t\n<>[]");
}

/* An address that stands in the text as it is, `http://...`; `<http://...>` without its brackets. */
MUST_USE static Error *append_address(Inline *in, bool *ret_taken)
{
    static const char *const schemes[] = {"https://", "http://", "ftp://", "mailto:", "file:", "news:", "doi:"};
    bool bracketed = in->text.data[in->at] == '<';
    size_t from = in->at + bracketed, end = from, scheme_bytes = 0;
    for (size_t i = 0; i < ARRAY_COUNT(schemes) && scheme_bytes == 0; i++)
        scheme_bytes = starts_at(in, from, str_of(schemes[i])) ? strlen(schemes[i]) : 0;
    bool inside_word = in->at > 0 && is_label_char(in->text.data[in->at - 1]);
    if (scheme_bytes == 0 || (inside_word && !bracketed) || in->in_link)
        return NULL;
    while (end < in->text.len && end - from < LINK_MAX_BYTES && !is_url_end(in->text.data[end]))
        end++;
    if (bracketed && (end == in->text.len || in->text.data[end] != '>'))
        return NULL;
    while (!bracketed && end > from && is_one_of(in->text.data[end - 1], ".,;:!?)'\""))
        end--;
    if (end - from <= scheme_bytes)
        return NULL;
    Str url = str_slice(in->text, from, end);
    TRY(flush(in));
    TRY(page_open_link(in->out, url));
    TRY(page_append_text(in->out, url));
    TRY(buffer_append_str(in->out, STR("</a>")));
    move_to(in, end + bracketed);
    *ret_taken = true;
    return NULL;
}

/* `_{text}`, `^{text}`, and a word behind either: the mark is no text. */
MUST_USE static Error *append_script(Inline *in, bool *ret_taken)
{
    size_t from = in->at + 1, end = from;
    if (in->at == 0 || is_one_of(in->text.data[in->at - 1], " \t\n") || from >= in->text.len)
        return NULL;
    bool braced = in->text.data[from] == '{';
    if (braced)
        end = find_near(in, from, STR("}"), MARKUP_MAX_BYTES);
    else
        while (end < in->text.len && is_label_char(in->text.data[end]) && in->text.data[end] != '_')
            end++;
    if (end == SIZE_MAX || end == from)
        return NULL;
    TRY(flush(in));
    TRY(append_nested(in, str_slice(in->text, from + braced, end), in->in_link));
    move_to(in, end + braced);
    *ret_taken = true;
    return NULL;
}

/* The named characters that are met outside mathematics. */
static Str entity_of(Str name)
{
    static const struct {
        const char *name, *text;
    } entities[] = {
        {"Alpha", "Α"},      {"Delta", "Δ"}, {"Gamma", "Γ"},   {"Omega", "Ω"}, {"Sigma", "Σ"},       {"alpha", "α"},
        {"amp", "&"},        {"beta", "β"},  {"cdot", "⋅"},    {"copy", "©"},  {"dagger", "†"},      {"deg", "°"},
        {"delta", "δ"},      {"dots", "…"},  {"epsilon", "ε"}, {"eta", "η"},   {"euro", "€"},        {"gamma", "γ"},
        {"ge", "≥"},         {"gt", ">"},    {"hellip", "…"},  {"infin", "∞"}, {"lambda", "λ"},      {"larr", "←"},
        {"le", "≤"},         {"lt", "<"},    {"mdash", "—"},   {"mu", "μ"},    {"nbsp", "\xC2\xA0"}, {"ndash", "–"},
        {"ne", "≠"},         {"omega", "ω"}, {"para", "¶"},    {"phi", "φ"},   {"pi", "π"},          {"plusmn", "±"},
        {"pound", "£"},      {"psi", "ψ"},   {"rarr", "→"},    {"reg", "®"},   {"rho", "ρ"},         {"sect", "§"},
        {"shy", "\xC2\xAD"}, {"sigma", "σ"}, {"tau", "τ"},     {"theta", "θ"}, {"times", "×"},       {"to", "→"},
        {"trade", "™"},      {"xi", "ξ"},    {"zeta", "ζ"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(entities); i++) {
        if (str_equal(name, str_of(entities[i].name)))
            return str_of(entities[i].text);
    }
    return STR_EMPTY;
}

/* `\\` ends a line, `\name` is a character, `\name{text}` a command whose text stays; formulas stand as they are, without their marks. */
MUST_USE static Error *append_backslash(Inline *in, bool *ret_taken)
{
    size_t at = in->at + 1, end = at;
    if (at >= in->text.len)
        return NULL;
    *ret_taken = true;
    TRY(flush(in));
    if (in->text.data[at] == '\\') {
        move_to(in, at + 1);
        return buffer_append_str(in->out, STR("<br />\n"));
    }
    if (is_one_of(in->text.data[at], "()[]")) {
        move_to(in, at + 1);
        return NULL;
    }
    while (end < in->text.len && is_label_char(in->text.data[end]) && in->text.data[end] != '_')
        end++;
    Str text = entity_of(str_slice(in->text, at, end));
    if (text.len == 0 && end > at) { /* \LaTeX and the like */
        move_to(in, end);
        return NULL;
    }
    *ret_taken = text.len > 0;
    if (text.len > 0)
        move_to(in, end + (starts_at(in, end, STR("{}")) ? 2 : 0));
    return page_append_text(in->out, text);
}

/* `$a$`: a formula, when no white space stands inside its marks. */
MUST_USE static Error *append_formula(Inline *in, bool *ret_taken)
{
    Str mark = starts_at(in, in->at, STR("$$")) ? STR("$$") : STR("$");
    size_t from = in->at + mark.len, end = find_near(in, from, mark, MARKUP_MAX_BYTES);
    if (end == SIZE_MAX || end == from || is_one_of(in->text.data[from], " \t\n,.;")
        || is_one_of(in->text.data[end - 1], " \t\n,."))
        return NULL;
    if (mark.len == 1 && end + 1 < in->text.len && is_label_char(in->text.data[end + 1]))
        return NULL;
    TRY(flush(in));
    TRY(page_append_text(in->out, str_slice(in->text, from, end)));
    move_to(in, end + mark.len);
    *ret_taken = true;
    return NULL;
}

/* `@@html:...@@` is HTML, `@@latex:...@@` nothing. */
MUST_USE static Error *append_export(Inline *in, bool *ret_taken)
{
    size_t end = find_near(in, in->at + 2, STR("@@"), MARKUP_MAX_BYTES);
    Str inside = str_slice(in->text, in->at + 2, end), backend;
    if (end == SIZE_MAX || !str_next_piece(&inside, ':', &backend) || !inside.data)
        return NULL;
    TRY(flush(in));
    if (str_equal(backend, STR("html")))
        TRY(buffer_append_str(in->out, inside));
    move_to(in, end + 2);
    *ret_taken = true;
    return NULL;
}

/* `<<target>>` is a place, not text. */
MUST_USE static Error *append_angle(Inline *in, bool *ret_taken)
{
    size_t end = starts_at(in, in->at, STR("<<")) ? find_near(in, in->at, STR(">>"), MARKUP_MAX_BYTES) : SIZE_MAX;
    if (end == SIZE_MAX)
        return append_address(in, ret_taken);
    TRY(flush(in));
    move_to(in, end + (starts_at(in, end, STR(">>>")) ? 3 : 2));
    *ret_taken = true;
    return NULL;
}

/* Dashes and dots become the characters that they stand for. */
MUST_USE static Error *append_special(Inline *in, bool *ret_taken)
{
    static const struct {
        const char *written, *meant;
    } strings[] = {{"---", "—"}, {"--", "–"}, {"...", "…"}};
    for (size_t i = 0; i < ARRAY_COUNT(strings); i++) {
        if (!starts_at(in, in->at, str_of(strings[i].written)))
            continue;
        TRY(flush(in));
        move_to(in, in->at + strlen(strings[i].written));
        *ret_taken = true;
        return buffer_append_str(in->out, str_of(strings[i].meant));
    }
    return NULL;
}

/* What the mark at `at` begins is appended, unless it is text after all. */
MUST_USE static Error *append_mark(Inline *in, bool *ret_taken)
{
    switch (in->text.data[in->at]) {
    case '_': TRY(append_emphasis(in, ret_taken)); return *ret_taken ? NULL : append_script(in, ret_taken);
    case '*':
    case '/':
    case '+':
    case '=':
    case '~': return append_emphasis(in, ret_taken);
    case '^': return append_script(in, ret_taken);
    case '[':
        if (starts_at(in, in->at, STR("[[")))
            return append_bracket_link(in, ret_taken);
        return starts_at(in, in->at, STR("[fn:")) ? append_note(in, ret_taken) : NULL;
    case '<': return append_angle(in, ret_taken);
    case 'd':
    case 'f':
    case 'h':
    case 'm':
    case 'n': return append_address(in, ret_taken);
    case '\\': return append_backslash(in, ret_taken);
    case '$': return append_formula(in, ret_taken);
    case '@': return starts_at(in, in->at, STR("@@")) ? append_export(in, ret_taken) : NULL;
    case '-':
    case '.': return append_special(in, ret_taken);
    default: return NULL;
    }
}

Error *append_nested(const Inline *outer, Str text, bool in_link)
{
    Inline in = {.org = outer->org, .out = outer->out, .text = text, .depth = outer->depth + 1, .in_link = in_link};
    if (in.depth > NESTING_MAX)
        return page_append_text(in.out, text);
    while (in.at < text.len) {
        bool taken = false;
        TRY(append_mark(&in, &taken));
        if (!taken)
            in.at++;
    }
    return flush(&in);
}

Error *org_append_inline(Org *org, Str text, Buffer *out)
{
    return append_nested(&(Inline){.org = org, .out = out}, text, false);
}
