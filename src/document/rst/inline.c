/* The markup inside a paragraph: emphasis, literals, roles, references, notes, substitutions. */
#include "document/rst/rst.h"

enum { MARKUP_MAX_BYTES = 2048, LINK_MAX_BYTES = 8192, NESTING_MAX = 8 };

typedef enum Mark { MARK_STAR, MARK_STARS, MARK_QUOTE, MARK_BAR, MARKS } Mark;
static const Str marks[MARKS] = {{"*", 1}, {"**", 2}, {"`", 1}, {"|", 1}};

/* Where the reader is. `plain_from` to `at` is text not yet written. */
typedef struct Inline {
    Rst *rst;
    Buffer *out;
    Str text;
    size_t at, plain_from;
    unsigned depth; /* of substitutions in substitutions */
    /* Where each mark can next end what it began; found once for all beginnings before it. 0: not yet looked for. */
    size_t next_ends[MARKS];
} Inline;

MUST_USE static Error *append_nested(Rst *rst, Str text, unsigned depth, Buffer *out);

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c);
}

static bool is_word_char(char c)
{
    return (uint8_t)c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

MUST_USE static Error *flush(Inline *in)
{
    TRY(page_append_text(in->out, str_slice(in->text, in->plain_from, in->at)));
    in->plain_from = in->at;
    return NULL;
}

static void move_to(Inline *in, size_t to)
{
    in->at = in->plain_from = to;
}

static Str rest_of(const Inline *in)
{
    return str_slice(in->text, in->at, in->text.len);
}

/* Markup begins where white space or opening punctuation is before it, */
static bool may_begin(const Inline *in, size_t mark_bytes)
{
    bool before = in->at == 0 || is_one_of(in->text.data[in->at - 1], " \n'\"([{<-/:\\");
    size_t next = in->at + mark_bytes;
    return before && next < in->text.len && !is_one_of(in->text.data[next], " \n");
}

/* and ends where white space or closing punctuation is behind it. */
static bool may_end(const Inline *in, size_t at)
{
    return at >= in->text.len || is_one_of(in->text.data[at], " \n'\")]}>-/:.,;!?\\_")
           || (uint8_t)in->text.data[at] >= 0x80;
}

static bool can_end_at(const Inline *in, size_t at, Str mark)
{
    return at > 0 && !is_one_of(in->text.data[at - 1], " \n\\")
           && str_starts_with(str_slice(in->text, at, in->text.len), mark) && may_end(in, at + mark.len);
}

/* The first place behind `from` where `mark` can end what it began; SIZE_MAX: none. `from` only grows. */
static size_t find_end(Inline *in, size_t from, Mark mark)
{
    size_t at = in->next_ends[mark];
    if (at > from)
        return at;
    for (at = from + 1; at < in->text.len; at++) {
        size_t next = str_find_char(str_slice(in->text, at, in->text.len), marks[mark].data[0]);
        if (next == SIZE_MAX)
            break;
        at += next;
        if (can_end_at(in, at, marks[mark]))
            return in->next_ends[mark] = at;
    }
    in->next_ends[mark] = SIZE_MAX;
    return SIZE_MAX;
}

/* Backslashes and white space are what they are in a literal. */
static size_t find_literal_end(const Inline *in, size_t from)
{
    Str near = str_slice(in->text, from, from + MARKUP_MAX_BYTES);
    size_t found = str_find(near, STR("``"));
    while (found != SIZE_MAX && found + 2 < near.len && near.data[found + 2] == '`')
        found++;
    return found == SIZE_MAX || found == 0 || !may_end(in, from + found + 2) ? SIZE_MAX : from + found;
}

/* Text whose backslashes escape what follows them. */
MUST_USE static Error *append_unescaped(Str text, Buffer *out)
{
    for (size_t at; (at = str_find_char(text, '\\')) != SIZE_MAX;) {
        TRY(page_append_text(out, str_slice(text, 0, at)));
        bool vanishes = at + 1 >= text.len || is_one_of(text.data[at + 1], " \n");
        if (!vanishes)
            TRY(page_append_text(out, str_slice(text, at + 1, at + 2)));
        text = str_slice(text, at + 2, text.len);
    }
    return page_append_text(out, text);
}

MUST_USE static Error *append_tagged(Inline *in, const char *tag, Str text)
{
    TRY(buffer_append_format(in->out, "<%s>", tag));
    TRY(append_unescaped(text, in->out));
    return buffer_append_format(in->out, "</%s>", tag);
}

/* A link, or only its text when nobody knows the address. */
MUST_USE static Error *append_link(Inline *in, Str text, Str address)
{
    if (address.len == 0 || address.len > LINK_MAX_BYTES)
        return append_unescaped(text, in->out);
    TRY(page_open_link(in->out, address));
    TRY(append_unescaped(text, in->out));
    return buffer_append_str(in->out, STR("</a>"));
}

static Str next_anonymous(Rst *rst)
{
    return rst->anonymous_used < rst->anonymous_count ? rst->anonymous[rst->anonymous_used++] : STR_EMPTY;
}

/* The address that `name` stands for; one hop, when that is another name. */
static Str address_of(Rst *rst, Str name)
{
    const RstReference *target = rst_find_reference(rst, RST_TARGET, name);
    if (target && target->value.len > 1 && target->value.data[target->value.len - 1] == '_'
        && str_find_char(target->value, ':') == SIZE_MAX)
        target = rst_find_reference(rst, RST_TARGET, str_slice(target->value, 0, target->value.len - 1));
    return target ? target->value : STR_EMPTY;
}

/* `text <address>`_ or `name`_; with two underscores the address is the next anonymous one. */
MUST_USE static Error *append_phrase_reference(Inline *in, Str text, bool anonymous)
{
    size_t open = str_rfind_char(text, '<');
    if (open != SIZE_MAX && text.data[text.len - 1] == '>') {
        Str address = str_trim(str_slice(text, open + 1, text.len - 1)), shown = str_trim(str_slice(text, 0, open));
        if (address.len > 1 && address.data[address.len - 1] == '_')
            address = address_of(in->rst, str_slice(address, 0, address.len - 1));
        return append_link(in, shown.len > 0 ? shown : address, address);
    }
    return append_link(in, text, anonymous ? next_anonymous(in->rst) : address_of(in->rst, text));
}

static const char *tag_of_role(Str role)
{
    static const struct {
        const char *role, *tag;
    } roles[] = {{"emphasis", "i"}, {"strong", "b"},        {"sub", "sub"},    {"subscript", "sub"},
                 {"sup", "sup"},    {"superscript", "sup"}, {"title", "span"}, {"title-reference", "span"},
                 {"t", "span"},     {"math", "span"}};
    for (size_t i = 0; i < ARRAY_COUNT(roles); i++) {
        if (str_equal(role, str_of(roles[i].role)))
            return roles[i].tag;
    }
    return "code";
}

/* The name in `:name:` at `at`, behind which something else is wanted; "" when there is none. */
static Str role_at(Str text, size_t at)
{
    size_t end = at + 1;
    if (at >= text.len || text.data[at] != ':')
        return STR_EMPTY;
    while (end < text.len && (is_word_char(text.data[end]) || is_one_of(text.data[end], "-_.+")))
        end++;
    if (end < text.len && text.data[end] == ':' && end + 1 < text.len && is_word_char(text.data[end + 1]) == false
        && text.data[end + 1] == ':')
        return STR_EMPTY;
    /* roles of Sphinx have a domain: `:py:func:` */
    if (end + 1 < text.len && text.data[end] == ':' && is_word_char(text.data[end + 1])) {
        size_t more = end + 1;
        while (more < text.len && (is_word_char(text.data[more]) || text.data[more] == '-'))
            more++;
        end = more < text.len && text.data[more] == ':' ? more : end;
    }
    return end < text.len && text.data[end] == ':' ? str_slice(text, at + 1, end) : STR_EMPTY;
}

/* Between backquotes: a literal, a reference, interpreted text. `role` stood before it, or is "". */
MUST_USE static Error *append_quoted(Inline *in, Str role, bool *ret_taken)
{
    size_t from = in->at + (role.len > 0 ? role.len + 2 : 0);
    bool literal = role.len == 0 && str_starts_with(rest_of(in), STR("``"));
    Str mark = literal ? STR("``") : STR("`");
    size_t end = literal ? find_literal_end(in, from + 2) : find_end(in, from + 1, MARK_QUOTE);
    if (end == SIZE_MAX || (!literal && is_one_of(in->text.data[from + 1], " \n")))
        return NULL;
    Str text = str_slice(in->text, from + mark.len, end);
    size_t next = end + mark.len;
    *ret_taken = true;
    TRY(flush(in));
    if (literal) {
        move_to(in, next);
        TRY(buffer_append_str(in->out, STR("<code>")));
        TRY(page_append_text(in->out, text));
        return buffer_append_str(in->out, STR("</code>"));
    }
    bool reference = role.len == 0 && next < in->text.len && in->text.data[next] == '_';
    if (reference) {
        bool anonymous = next + 1 < in->text.len && in->text.data[next + 1] == '_';
        move_to(in, next + 1 + anonymous);
        return append_phrase_reference(in, text, anonymous);
    }
    Str role_behind = role.len > 0 ? STR_EMPTY : role_at(in->text, next);
    move_to(in, next + (role_behind.len > 0 ? role_behind.len + 2 : 0));
    role = role.len > 0 ? role : role_behind;
    return append_tagged(in, role.len > 0 ? tag_of_role(role) : "span", text);
}

MUST_USE static Error *append_emphasis(Inline *in, bool *ret_taken)
{
    Mark mark = str_starts_with(rest_of(in), marks[MARK_STARS]) ? MARK_STARS : MARK_STAR;
    size_t len = marks[mark].len, end = may_begin(in, len) ? find_end(in, in->at + len, mark) : SIZE_MAX;
    if (end == SIZE_MAX)
        return NULL;
    Str text = str_slice(in->text, in->at + len, end);
    TRY(flush(in));
    move_to(in, end + len);
    *ret_taken = true;
    return append_tagged(in, mark == MARK_STARS ? "b" : "i", text);
}

MUST_USE static Error *append_note_reference(Inline *in, const RstReference *note)
{
    Rst *rst = in->rst;
    CLEANUP(buffer_done) Buffer html = {.limit = in->out->limit};
    while (in->out->len > 0 && is_one_of((char)in->out->data[in->out->len - 1], " \n"))
        in->out->len--; /* a space before the mark is for the source only */
    TRY(page_append_note_mark(&rst->page, in->out));
    rst->in_note = true;
    Error *error = rst_append_blocks(rst, note->lines, false, &html);
    rst->in_note = false;
    TRY(error);
    return page_add_note(&rst->page, buffer_str(&html));
}

/* `[1]_`, `[#]_`, `[#name]_`, `[*]_`: a note; `[name]_`: a citation. */
MUST_USE static Error *append_bracket(Inline *in, bool *ret_taken)
{
    size_t end = str_find(str_slice(in->text, in->at, in->at + 256), STR("]_"));
    if (end == SIZE_MAX || end < 2 || in->rst->in_note)
        return NULL;
    Str label = str_slice(in->text, in->at + 1, in->at + end), name = label;
    for (size_t i = 0; i < label.len; i++) {
        if (!is_word_char(label.data[i]) && !is_one_of(label.data[i], "#*-_.:+"))
            return NULL;
    }
    if (str_equal(label, STR("#")) || str_equal(label, STR("*"))) {
        name = str_of(arena_format(in->rst->arena, STR_FMT "%zu", STR_ARG(label), in->rst->auto_notes_used++));
        if (name.len == 0)
            return arena_error(in->rst->arena);
    }
    const RstReference *note = rst_find_reference(in->rst, RST_NOTE, name);
    const RstReference *citation = rst_find_reference(in->rst, RST_CITATION, name);
    if ((!note && !citation) || (note && !rst_spend(in->rst, note->lines.count + 1)))
        return NULL;
    TRY(flush(in));
    move_to(in, in->at + end + 2);
    *ret_taken = true;
    if (note)
        return append_note_reference(in, note);
    return buffer_append_format(in->out, "<a href=\"#" STR_FMT "\">[" STR_FMT "]</a>", STR_ARG(label), STR_ARG(label));
}

/* `|name|` */
MUST_USE static Error *append_substitution(Inline *in, bool *ret_taken)
{
    size_t end = may_begin(in, 1) ? find_end(in, in->at + 1, MARK_BAR) : SIZE_MAX;
    if (end == SIZE_MAX)
        return NULL;
    const RstReference *known = rst_find_reference(in->rst, RST_SUBSTITUTION, str_slice(in->text, in->at + 1, end));
    if (!known || in->depth >= NESTING_MAX || !rst_spend(in->rst, known->value.len / 16 + 1))
        return NULL;
    TRY(flush(in));
    size_t next = end + 1;
    while (next < in->text.len && in->text.data[next] == '_')
        next++;
    move_to(in, next);
    *ret_taken = true;
    return append_nested(in->rst, known->value, in->depth + 1, in->out);
}

/* `word_` and `word__`: what is behind the word has been found to be an underscore. */
MUST_USE static Error *append_word_reference(Inline *in, bool *ret_taken)
{
    size_t from = in->at, end = in->at + 1;
    if (in->at == 0 || !is_word_char(in->text.data[in->at - 1]))
        return NULL;
    bool anonymous = end < in->text.len && in->text.data[end] == '_';
    end += anonymous;
    if (!may_end(in, end) || (end < in->text.len && in->text.data[end] == '_'))
        return NULL;
    while (from > in->plain_from
           && (is_word_char(in->text.data[from - 1]) || is_one_of(in->text.data[from - 1], "-.+")))
        from--;
    Str word = str_slice(in->text, from, in->at);
    Str address = anonymous ? next_anonymous(in->rst) : address_of(in->rst, word);
    if (address.len == 0 && !anonymous)
        return NULL;
    in->at = from;
    TRY(flush(in));
    move_to(in, end);
    *ret_taken = true;
    return append_link(in, word, address);
}

/* An address that stands in the text as it is. */
MUST_USE static Error *append_address(Inline *in, bool *ret_taken)
{
    static const char *const schemes[] = {"https://", "http://", "ftp://", "mailto:"};
    size_t end = in->at, scheme_bytes = 0;
    for (size_t i = 0; i < ARRAY_COUNT(schemes) && scheme_bytes == 0; i++)
        scheme_bytes = str_starts_with(rest_of(in), str_of(schemes[i])) ? strlen(schemes[i]) : 0;
    if (scheme_bytes == 0
        || (in->at > 0 && (is_word_char(in->text.data[in->at - 1]) || in->text.data[in->at - 1] == '<')))
        return NULL;
    while (end < in->text.len && end - in->at < LINK_MAX_BYTES && !is_one_of(in->text.data[end], " \n<>\"`|\\"))
        end++;
    while (end > in->at && is_one_of(in->text.data[end - 1], ".,;:!?)'*]"))
        end--;
    if (end - in->at <= scheme_bytes)
        return NULL;
    Str url = str_slice(in->text, in->at, end);
    TRY(flush(in));
    move_to(in, end);
    *ret_taken = true;
    TRY(page_open_link(in->out, url));
    TRY(page_append_text(in->out, url));
    return buffer_append_str(in->out, STR("</a>"));
}

MUST_USE static Error *append_backslash(Inline *in)
{
    TRY(flush(in));
    bool vanishes = in->at + 1 >= in->text.len || is_one_of(in->text.data[in->at + 1], " \n");
    move_to(in, MIN(in->at + 2, in->text.len));
    return vanishes ? NULL : page_append_text(in->out, str_slice(in->text, in->at - 1, in->at));
}

/* _`text`: the text of a target in a paragraph. */
MUST_USE static Error *append_underscore(Inline *in, bool *ret_taken)
{
    if (!str_starts_with(rest_of(in), STR("_`")))
        return append_word_reference(in, ret_taken);
    size_t end = find_end(in, in->at + 2, MARK_QUOTE);
    if (end == SIZE_MAX)
        return NULL;
    Str text = str_slice(in->text, in->at + 2, end);
    TRY(flush(in));
    move_to(in, end + 1);
    *ret_taken = true;
    return append_unescaped(text, in->out);
}

MUST_USE static Error *append_role(Inline *in, bool *ret_taken)
{
    Str role = may_begin(in, 1) ? role_at(in->text, in->at) : STR_EMPTY;
    size_t next = in->at + role.len + 2;
    if (role.len == 0 || next >= in->text.len || in->text.data[next] != '`')
        return NULL;
    return append_quoted(in, role, ret_taken);
}

MUST_USE static Error *append_mark(Inline *in, bool *ret_taken)
{
    switch (in->text.data[in->at]) {
    case '\\': *ret_taken = true; return append_backslash(in);
    case '*': return append_emphasis(in, ret_taken);
    case '`': return may_begin(in, 1) ? append_quoted(in, STR_EMPTY, ret_taken) : NULL;
    case ':': return append_role(in, ret_taken);
    case '|': return append_substitution(in, ret_taken);
    case '[': return append_bracket(in, ret_taken);
    case '_': return append_underscore(in, ret_taken);
    case 'f':
    case 'h':
    case 'm': return append_address(in, ret_taken);
    default: return NULL;
    }
}

Error *append_nested(Rst *rst, Str text, unsigned depth, Buffer *out)
{
    Inline in = {.rst = rst, .out = out, .text = text, .depth = depth};
    while (in.at < text.len) {
        bool taken = false;
        TRY(append_mark(&in, &taken));
        if (!taken)
            in.at++;
    }
    return flush(&in);
}

Error *rst_append_inline(Rst *rst, Str text, Buffer *out)
{
    return append_nested(rst, text, 0, out);
}
