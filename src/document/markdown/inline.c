#include "document/markdown/tree.h"

#include "document/chars.h"

enum {
    NESTING_MAX = 16,               /* of emphasis and links */
    LABEL_BYTES_MAX = 1000,         /* of [...] */
    BRACKETS_MAX = 8,               /* open at once in a label */
    URL_BYTES_MAX = 4 * 1024 * 1024 /* images may be data URLs */
};

/* One run of text being rendered. What was searched to the end of the text in vain is not searched for again. */
typedef struct InlineReader {
    const Markdown *md;
    Buffer *html;
    Str text;
    size_t at;
    unsigned nesting;
    bool inside_link;
    uint32_t no_closer; /* bit set: no further closer of this kind */
} InlineReader;

typedef enum Closer {
    CLOSER_STAR = 0,
    CLOSER_STARS = 1,
    CLOSER_LINE = 2,
    CLOSER_LINES = 3,
    CLOSER_COMMENT = 4,
    CLOSER_CODE = 5 /* + run, to 16 */
} Closer;

MUST_USE static Error *render(const Markdown *md, Str text, unsigned nesting, bool inside_link, Buffer *html);

static char char_at(Str text, size_t at)
{
    return at < text.len ? text.data[at] : '\0';
}

static size_t run_at(Str text, size_t at, char c)
{
    size_t n = 0;
    while (at + n < text.len && text.data[at + n] == c)
        n++;
    return n;
}

MUST_USE static Error *put_wrapped(InlineReader *r, const char *tag, Str inner)
{
    TRY(buffer_append_format(r->html, "<%s>", tag));
    TRY(render(r->md, inner, r->nesting + 1, r->inside_link, r->html));
    return buffer_append_format(r->html, "</%s>", tag);
}

MUST_USE static Error *put_literal(InlineReader *r, size_t count)
{
    Str piece = str_slice(r->text, r->at, r->at + count);
    r->at += count;
    return md_append_escaped(piece, r->html);
}

/* `text` as the value of an attribute. */
MUST_USE static Error *put_attribute(InlineReader *r, Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '"')
            TRY(buffer_append_str(r->html, STR("&quot;")));
        else
            TRY(md_append_escaped(str_slice(text, i, i + 1), r->html));
    }
    return NULL;
}

static size_t find_run(Str text, size_t at, char c, size_t length)
{
    while (at < text.len) {
        const char *next = memchr(text.data + at, c, text.len - at);
        if (!next)
            return SIZE_MAX;
        at = (size_t)(next - text.data);
        size_t run = run_at(text, at, c);
        if (run == length)
            return at;
        at += run;
    }
    return SIZE_MAX;
}

MUST_USE static Error *read_code(InlineReader *r)
{
    size_t run = run_at(r->text, r->at, '`');
    uint32_t bit = 1U << (CLOSER_CODE + MIN(run, (size_t)16));
    size_t from = r->at + run;
    size_t end = r->no_closer & bit ? SIZE_MAX : find_run(r->text, from, '`', run);
    if (end == SIZE_MAX) {
        if (run < 16)
            r->no_closer |= bit;
        return put_literal(r, run);
    }
    TRY(buffer_append_str(r->html, STR("<code>")));
    TRY(md_append_escaped(str_trim(str_slice(r->text, from, end)), r->html));
    r->at = end + run;
    return buffer_append_str(r->html, STR("</code>"));
}

static bool is_word_at(Str text, size_t at)
{
    if (at >= text.len)
        return false;
    unsigned classes;
    uint32_t c = chars_next(text, &at, &classes);
    return c == '_' || (classes & (CHAR_LETTER | CHAR_NUMERIC));
}

static bool is_word_before(Str text, size_t at)
{
    size_t start;
    if (at == 0)
        return false;
    uint32_t c = chars_before(text, at, &start);
    return c == '_' || (char_classes(c) & (CHAR_LETTER | CHAR_NUMERIC));
}

static bool is_space_or_edge(Str text, size_t at)
{
    return at >= text.len || text.data[at] == ' ' || text.data[at] == '\n';
}

/* Where the closing run of `length` marks begins, with something before it; SIZE_MAX: nowhere. A single `*` must not pass another one, `_` must
 * close at the end of a word. */
static size_t find_closer(InlineReader *r, size_t from, char mark, size_t length)
{
    Closer kind = mark == '*' ? (length == 1 ? CLOSER_STAR : CLOSER_STARS) : (length == 1 ? CLOSER_LINE : CLOSER_LINES);
    if (r->no_closer & (1U << kind))
        return SIZE_MAX;
    for (size_t at = from + 1; at < r->text.len;) {
        const char *next = memchr(r->text.data + at, mark, r->text.len - at);
        if (!next)
            break;
        at = (size_t)(next - r->text.data);
        size_t run = run_at(r->text, at, mark);
        if (r->text.data[at - 1] == '\\')
            at++;
        else if (mark == '_' ? run >= length && !is_word_at(r->text, at + length) : run >= length)
            return at + (run > length && length > 1 ? run - length : 0);
        else
            at += run;
    }
    r->no_closer |= 1U << kind;
    return SIZE_MAX;
}

MUST_USE static Error *put_emphasis(InlineReader *r, size_t length, size_t end)
{
    Str inner = str_slice(r->text, r->at + length, end);
    r->at = end + length;
    if (length == 1)
        return put_wrapped(r, "em", inner);
    if (length == 2)
        return put_wrapped(r, "strong", inner);
    TRY(buffer_append_str(r->html, STR("<strong>")));
    TRY(put_wrapped(r, "em", inner));
    return buffer_append_str(r->html, STR("</strong>"));
}

MUST_USE static Error *read_emphasis(InlineReader *r)
{
    char mark = r->text.data[r->at];
    size_t run = run_at(r->text, r->at, mark);
    bool alone = (r->at == 0 || is_space_or_edge(r->text, r->at - 1)) && is_space_or_edge(r->text, r->at + run);
    bool in_word = mark == '_' && is_word_before(r->text, r->at);
    if (alone || in_word || run > 3 || r->nesting >= NESTING_MAX)
        return put_literal(r, run);
    for (size_t length = run; length > 0; length--) {
        size_t end = find_closer(r, r->at + length, mark, length);
        if (end != SIZE_MAX)
            return put_emphasis(r, length, end);
    }
    return put_literal(r, run);
}

/* Behind the `]` that closes the `[` before `at`; SIZE_MAX: none in sight. */
static size_t label_end(Str text, size_t at)
{
    unsigned open = 1;
    for (size_t end = MIN(text.len, at + LABEL_BYTES_MAX); at < end; at++) {
        if (text.data[at] == '\\')
            at++;
        else if (text.data[at] == '[' && ++open > BRACKETS_MAX)
            return SIZE_MAX;
        else if (text.data[at] == ']' && --open == 0)
            return at + 1;
    }
    return SIZE_MAX;
}

/* `(url "title")` at `at`: the url, and what is behind the bracket. */
static bool take_target(Str text, size_t at, Str *ret_url, size_t *ret_end)
{
    if (char_at(text, at) != '(')
        return false;
    unsigned open = 1, brackets = 0;
    char quote = '\0';
    size_t from = ++at;
    for (size_t end = MIN(text.len, at + URL_BYTES_MAX); at < end && open > 0; at++) {
        char c = text.data[at];
        brackets += c == '[';
        if (brackets > BRACKETS_MAX)
            return false;
        if (quote)
            quote = c == quote && (char_at(text, at + 1) == ')' || char_at(text, at + 1) == ' ') ? '\0' : quote;
        else if ((c == '"' || c == '\'') && at > from && text.data[at - 1] == ' ')
            quote = c;
        else if (c == '(')
            open++;
        else if (c == ')')
            open--;
    }
    if (open > 0)
        return false;
    Str inside = str_trim(str_slice(text, from, at - 1));
    if (inside.len > 0 && inside.data[0] == '<' && str_find_char(inside, '>') != SIZE_MAX)
        *ret_url = str_slice(inside, 1, str_find_char(inside, '>'));
    else
        *ret_url = str_slice(inside, 0, MIN(inside.len, str_find_char(inside, ' ')));
    *ret_end = at;
    return true;
}

/* Names match in any case of ASCII letters, and across a line end. */
static char name_char(char c)
{
    return c == '\n' ? ' ' : (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static bool same_name(Str a, Str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (name_char(a.data[i]) != name_char(b.data[i]))
            return false;
    }
    return true;
}

static size_t reference_chain(Str name)
{
    uint32_t hash = 2166136261;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (uint8_t)name_char(name.data[i])) * 16777619;
    return (hash ^ hash >> 16) % MD_REFERENCE_CHAINS;
}

Error *md_add_reference(Markdown *md, Str name, Str url)
{
    MdReference *reference = ARENA_NEW(md->arena, MdReference);
    if (!reference)
        return arena_error(md->arena);
    MdReference **chain = &md->references[reference_chain(name)];
    *reference = (MdReference){*chain, name, url};
    *chain = reference;
    return NULL;
}

/* A name with code in it is no name to Python-Markdown, which has taken the code out before. */
static bool find_reference(const Markdown *md, Str name, Str *ret_url)
{
    if (str_find_char(name, '`') != SIZE_MAX)
        return false;
    for (const MdReference *r = md->references[reference_chain(name)]; r; r = r->next) {
        if (same_name(r->name, name)) {
            *ret_url = r->url;
            return true;
        }
    }
    return false;
}

/* What a label at [from, to) points to: `(url)`, `[name]`, or itself as a name. */
static bool find_target(InlineReader *r, size_t from, size_t to, Str *ret_url, size_t *ret_end)
{
    Str label = str_slice(r->text, from, to - 1);
    if (take_target(r->text, to, ret_url, ret_end))
        return true;
    size_t at = to + (char_at(r->text, to) == ' ');
    if (char_at(r->text, at) == '[') {
        size_t end = label_end(r->text, at + 1);
        if (end == SIZE_MAX)
            return false;
        Str name = str_slice(r->text, at + 1, end - 1);
        *ret_end = end;
        return find_reference(r->md, name.len > 0 ? name : label, ret_url);
    }
    *ret_end = to;
    return find_reference(r->md, label, ret_url);
}

MUST_USE static Error *put_image(InlineReader *r, Str alternative, Str url)
{
    TRY(buffer_append_str(r->html, STR("<img alt=\"")));
    TRY(put_attribute(r, alternative));
    TRY(buffer_append_str(r->html, STR("\" src=\"")));
    TRY(put_attribute(r, url));
    return buffer_append_str(r->html, STR("\" />"));
}

MUST_USE static Error *put_link(InlineReader *r, Str label, Str url)
{
    TRY(buffer_append_str(r->html, STR("<a href=\"")));
    TRY(put_attribute(r, url));
    TRY(buffer_append_str(r->html, STR("\">")));
    TRY(render(r->md, label, r->nesting + 1, true, r->html));
    return buffer_append_str(r->html, STR("</a>"));
}

/* `[label](url)` or `![alt](url)`; `mark` is 1 for a link, 2 for an image. */
MUST_USE static Error *read_link(InlineReader *r, size_t mark)
{
    size_t from = r->at + mark, to = label_end(r->text, from), end;
    Str url;
    bool allowed = r->nesting < NESTING_MAX && (mark == 2 || !r->inside_link);
    if (to == SIZE_MAX || !allowed || !find_target(r, from, to, &url, &end))
        return put_literal(r, mark);
    Str label = str_slice(r->text, from, to - 1);
    r->at = end;
    return mark == 2 ? put_image(r, label, url) : put_link(r, label, url);
}

static bool is_address(Str text)
{
    size_t at = str_find_char(text, '@');
    return at != SIZE_MAX && at > 0 && at + 1 < text.len && str_rfind_char(text, '@') == at
           && str_find_char(text, ' ') == SIZE_MAX && str_find_char(text, '!') == SIZE_MAX;
}

static bool is_url(Str text)
{
    return (str_starts_with(text, STR("http://")) || str_starts_with(text, STR("https://"))
            || str_starts_with(text, STR("ftp://")) || str_starts_with(text, STR("ftps://")))
           && str_find_char(text, ' ') == SIZE_MAX;
}

static bool is_tag(Str inside)
{
    char c = char_at(inside, inside.len > 0 && inside.data[0] == '/');
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter && str_find_char(inside, '@') == SIZE_MAX;
}

/* The next `<` or `>` behind `at`; the length of the text when there is none. */
static size_t find_angle(Str text, size_t at)
{
    while (at < text.len && text.data[at] != '<' && text.data[at] != '>')
        at++;
    return at;
}

MUST_USE static Error *put_autolink(InlineReader *r, Str target)
{
    TRY(buffer_append_str(r->html, is_url(target) ? STR("<a href=\"") : STR("<a href=\"mailto:")));
    TRY(put_attribute(r, target));
    TRY(buffer_append_str(r->html, STR("\">")));
    TRY(md_append_escaped(target, r->html));
    return buffer_append_str(r->html, STR("</a>"));
}

MUST_USE static Error *read_comment(InlineReader *r)
{
    uint32_t bit = 1U << CLOSER_COMMENT;
    size_t end = r->no_closer & bit ? SIZE_MAX : str_find(str_slice(r->text, r->at, r->text.len), STR("-->"));
    if (end == SIZE_MAX) {
        r->no_closer |= bit;
        return put_literal(r, 1);
    }
    r->at += end + 3;
    return NULL;
}

/* `<url>`, `<address>`, a tag, a comment; else just an angle. */
MUST_USE static Error *read_angle(InlineReader *r)
{
    if (str_starts_with(str_slice(r->text, r->at, r->text.len), STR("<!--")))
        return read_comment(r);
    size_t end = find_angle(r->text, r->at + 1);
    Str inside = str_slice(r->text, r->at + 1, end);
    bool link = is_url(inside) || is_address(inside);
    if (char_at(r->text, end) != '>' || !(link || is_tag(inside)))
        return put_literal(r, 1);
    Str all = str_slice(r->text, r->at, end + 1);
    r->at = end + 1;
    return link ? put_autolink(r, inside) : buffer_append_str(r->html, all);
}

/* `&name;` and `&#1;` stay as they are. */
MUST_USE static Error *read_entity(InlineReader *r)
{
    size_t end = r->at + 1 + (char_at(r->text, r->at + 1) == '#');
    while (end < r->text.len && end - r->at < 32 && is_word_at(r->text, end))
        end++;
    if (char_at(r->text, end) != ';' || end < r->at + 2)
        return put_literal(r, 1);
    TRY(buffer_append_str(r->html, str_slice(r->text, r->at, end + 1)));
    r->at = end + 1;
    return NULL;
}

MUST_USE static Error *read_placeholder(InlineReader *r)
{
    size_t index;
    if (!md_take_placeholder(r->md, r->text, &r->at, &index))
        return put_literal(r, 1);
    return buffer_append_str(r->html, r->md->stash.items[index]);
}

/* Two spaces at the end of a line break it. */
static bool breaks_line(Str text, size_t at)
{
    return at >= 2 && text.data[at - 1] == ' ' && text.data[at - 2] == ' ';
}

MUST_USE static Error *read_special(InlineReader *r)
{
    char c = r->text.data[r->at];
    switch (c) {
    case '\\':
        if (char_at(r->text, r->at + 1) && strchr("\\`*_{}[]()>#+-.!", r->text.data[r->at + 1]))
            r->at++;
        return put_literal(r, 1);
    case '`': return read_code(r);
    case '*':
    case '_': return read_emphasis(r);
    case '[': return read_link(r, 1);
    case '!': return char_at(r->text, r->at + 1) == '[' ? read_link(r, 2) : put_literal(r, 1);
    case '<': return read_angle(r);
    case '&': return read_entity(r);
    case MD_STX: return read_placeholder(r);
    default: break;
    }
    if (breaks_line(r->text, r->at))
        TRY(buffer_append_str(r->html, STR("<br />")));
    return put_literal(r, 1);
}

Error *render(const Markdown *md, Str text, unsigned nesting, bool inside_link, Buffer *html)
{
    InlineReader r = {.md = md, .html = html, .text = text, .nesting = nesting, .inside_link = inside_link};
    while (r.at < text.len) {
        size_t plain = 0;
        while (r.at + plain < text.len && !strchr("\\`*_[!<&\n\002", text.data[r.at + plain]))
            plain++;
        TRY(put_literal(&r, plain));
        if (r.at < text.len)
            TRY(read_special(&r));
    }
    return NULL;
}

Error *md_append_inline(const Markdown *md, Str text, Buffer *html)
{
    return render(md, text, 0, false, html);
}
