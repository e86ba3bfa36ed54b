#include "document/markdown/tree.h"

#include "document/chars.h"

enum { TAB_COLUMNS = 4, FENCE_MIN = 3, TAG_BYTES_MAX = 4096 };

MUST_USE static Error *stash_add(Markdown *md, Str html, Buffer *out)
{
    MdStash *stash = &md->stash;
    if (stash->count == stash->capacity) {
        size_t capacity = MAX(2 * stash->capacity, (size_t)16);
        Str *items = ARENA_ARRAY(md->arena, Str, capacity);
        if (!items)
            return arena_error(md->arena);
        if (stash->count > 0)
            memcpy(items, stash->items, stash->count * sizeof *items);
        stash->items = items;
        stash->capacity = capacity;
    }
    Str copy = arena_str(md->arena, html);
    if (!copy.data)
        return arena_error(md->arena);
    stash->items[stash->count] = copy;
    return buffer_append_format(out, "\n%c%zu%c\n\n", MD_STX, stash->count++, MD_ETX);
}

bool md_take_placeholder(const Markdown *md, Str text, size_t *at, size_t *ret_index)
{
    size_t end = str_find_char(str_slice(text, *at, *at + 24), MD_ETX);
    uint64_t index;
    if (*at >= text.len || text.data[*at] != MD_STX || end == SIZE_MAX)
        return false;
    if (!str_to_u64(str_slice(text, *at + 1, *at + end), &index) || index >= md->stash.count)
        return false;
    *at += end + 1;
    *ret_index = (size_t)index;
    return true;
}

Error *md_append_escaped(Str text, Buffer *html)
{
    size_t from = 0;
    for (size_t at = 0; at < text.len; at++) {
        char c = text.data[at];
        if (c != '&' && c != '<' && c != '>')
            continue;
        TRY(buffer_append_str(html, str_slice(text, from, at)));
        TRY(buffer_append_str(html, c == '&' ? STR("&amp;") : c == '<' ? STR("&lt;") : STR("&gt;")));
        from = at + 1;
    }
    return buffer_append_str(html, str_slice(text, from, text.len));
}

/* One line with tabs as spaces and without the characters that mark placeholders; nothing at all when it is blank. */
MUST_USE static Error *append_line(Str line, Buffer *out)
{
    size_t start = out->len, column = 0;
    bool blank = true;
    for (size_t i = 0; i < line.len; i++) {
        char c = line.data[i];
        if (c == MD_STX || c == MD_ETX)
            continue;
        if (c == '\t') {
            size_t spaces = TAB_COLUMNS - column % TAB_COLUMNS;
            TRY(buffer_append(out, "    ", spaces));
            column += spaces;
            continue;
        }
        blank = blank && c == ' ';
        column += ((uint8_t)c & 0xC0) != 0x80;
        TRY(buffer_append_byte(out, (uint8_t)c));
    }
    if (blank)
        out->len = start;
    return buffer_append_byte(out, '\n');
}

MUST_USE static Error *normalize(Str text, Buffer *out)
{
    for (size_t at = 0; at < text.len;) {
        size_t end = at;
        while (end < text.len && text.data[end] != '\n' && text.data[end] != '\r')
            end++;
        TRY(append_line(str_slice(text, at, end), out));
        at = end + (end + 1 < text.len && text.data[end] == '\r' && text.data[end + 1] == '\n' ? 2 : 1);
    }
    return NULL;
}

static Str line_at(Str text, size_t at)
{
    Str rest = str_slice(text, at, text.len);
    size_t end = str_find_char(rest, '\n');
    return str_slice(rest, 0, end == SIZE_MAX ? rest.len : end);
}

static size_t fence_bytes(Str line)
{
    size_t n = 0;
    if (line.len == 0 || (line.data[0] != '`' && line.data[0] != '~'))
        return 0;
    while (n < line.len && line.data[n] == line.data[0])
        n++;
    return n >= FENCE_MIN ? n : 0;
}

/* What may stand behind an opening fence: a word that names a language, or something in braces. */
static bool is_fence_info(Str info)
{
    info = str_trim(info);
    if (info.len > 1 && info.data[0] == '{')
        return info.data[info.len - 1] == '}';
    for (size_t i = 0; i < info.len; i++) {
        char c = info.data[i];
        bool word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (uint8_t)c >= 128;
        if (!word && !strchr("_#.+-", c))
            return false;
    }
    return true;
}

/* Where the line with the closing fence begins; SIZE_MAX: it never comes. */
static size_t find_closing_fence(Str text, size_t at, Str fence)
{
    while (at < text.len) {
        Str line = line_at(text, at);
        if (str_starts_with(line, fence) && str_trim(str_slice(line, fence.len, line.len)).len == 0)
            return at;
        at += line.len + 1;
    }
    return SIZE_MAX;
}

MUST_USE static Error *stash_code(Markdown *md, Str code, Buffer *out)
{
    CLEANUP(buffer_done) Buffer html = {.limit = 8 * code.len + KIB};
    TRY(buffer_append_str(&html, STR("<pre><code>")));
    TRY(md_append_escaped(code, &html));
    TRY(buffer_append_str(&html, STR("</code></pre>")));
    return stash_add(md, buffer_str(&html), out);
}

/* What was searched to the end of the text in vain, so that it is not searched again at every line. */
typedef struct Searched {
    uint32_t backticks, tildes; /* bit n: no line closes a fence of n; bit 31: of more */
    bool comments;
} Searched;

/* At a line that opens fenced code: stashes it, and `*at` is behind it. */
MUST_USE static Error *take_fenced(Markdown *md, Str text, size_t *at, Searched *searched, bool *ret_taken, Buffer *out)
{
    Str line = line_at(text, *at);
    size_t fence = fence_bytes(line), code = *at + line.len + 1;
    *ret_taken = false;
    if (!fence || code >= text.len || !is_fence_info(str_slice(line, fence, line.len)))
        return NULL;
    uint32_t *unclosed = line.data[0] == '~' ? &searched->tildes : &searched->backticks;
    uint32_t bit = 1U << MIN(fence, (size_t)31);
    size_t end = *unclosed & bit ? SIZE_MAX : find_closing_fence(text, code, str_slice(line, 0, fence));
    if (end == SIZE_MAX) {
        *unclosed |= bit;
        return NULL;
    }
    TRY(stash_code(md, str_slice(text, code, end), out));
    *at = end + line_at(text, end).len + 1;
    *ret_taken = true;
    return NULL;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* The name of the tag that begins `text`; "" when none does. */
static Str tag_name(Str text)
{
    size_t from = text.len > 1 && text.data[1] == '/' ? 2 : 1, end = from;
    if (text.len < 2 || text.data[0] != '<')
        return STR_EMPTY;
    while (end < text.len && is_name_char(text.data[end]))
        end++;
    return str_slice(text, from, end);
}

static bool is_block_name(Str name)
{
    static const char *const names[] = {
        "address", "article",  "aside",    "blockquote", "body",     "canvas",     "center",   "details",
        "dd",      "div",      "dl",       "dt",         "fieldset", "figcaption", "figure",   "footer",
        "form",    "h1",       "h2",       "h3",         "h4",       "h5",         "h6",       "head",
        "header",  "hgroup",   "hr",       "html",       "iframe",   "li",         "link",     "main",
        "menu",    "meta",     "nav",      "noscript",   "object",   "ol",         "output",   "p",
        "pre",     "progress", "script",   "section",    "style",    "summary",    "table",    "tbody",
        "td",      "template", "textarea", "tfoot",      "th",       "thead",      "title",    "tr",
        "ul",      "video",    "math",     "map",        "legend",   "group",      "colgroup", "col",
    };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_equal_nocase(name, str_of(names[i])))
            return true;
    }
    return false;
}

static bool is_void_name(Str name)
{
    return str_equal_nocase(name, STR("hr")) || str_equal_nocase(name, STR("link"))
           || str_equal_nocase(name, STR("meta")) || str_equal_nocase(name, STR("col"));
}

/* Behind the closing tag of the element that begins at `at`; the end of the text when it is never closed. */
static size_t element_end(Str text, size_t at, Str name)
{
    size_t depth = 0;
    while (at < text.len) {
        const char *open = memchr(text.data + at, '<', text.len - at);
        if (!open)
            return text.len;
        size_t tag = (size_t)(open - text.data);
        Str rest = str_slice(text, tag, text.len);
        size_t close = str_find_char(rest, '>');
        if (close == SIZE_MAX)
            return text.len;
        at = tag + close + 1;
        if (!str_equal_nocase(tag_name(rest), name))
            continue;
        if (rest.data[1] != '/' && rest.data[close - 1] != '/')
            depth++;
        else if (rest.data[1] == '/' && depth > 0)
            depth--;
        if (depth == 0)
            return at;
    }
    return text.len;
}

/* Where the block of HTML that begins at `at` ends; `at` itself when none begins there. */
static size_t html_block_end(Str text, size_t at, Searched *searched)
{
    size_t tag = at;
    while (tag < text.len && tag < at + 3 && text.data[tag] == ' ')
        tag++;
    Str rest = str_slice(text, tag, text.len);
    if (str_starts_with(rest, STR("<!--"))) {
        size_t end = searched->comments ? SIZE_MAX : str_find(rest, STR("-->"));
        searched->comments = end == SIZE_MAX;
        return end == SIZE_MAX ? at : tag + end + 3;
    }
    Str name = tag_name(rest);
    if (name.len == 0 || !is_block_name(name))
        return at;
    if (is_void_name(name) || rest.data[1] == '/') {
        size_t end = str_find_char(str_slice(rest, 0, TAG_BYTES_MAX), '>');
        return end == SIZE_MAX ? at : tag + end + 1;
    }
    return element_end(text, tag, name);
}

MUST_USE static Error *stash_blocks(Markdown *md, Str text, Buffer *out)
{
    Searched searched = {0};
    for (size_t at = 0; at < text.len;) {
        bool taken;
        TRY(take_fenced(md, text, &at, &searched, &taken, out));
        if (taken)
            continue;
        size_t end = html_block_end(text, at, &searched);
        if (end > at) {
            TRY(stash_add(md, str_slice(text, at, end), out));
            at = end;
            continue;
        }
        Str line = line_at(text, at);
        TRY(buffer_append_str(out, line));
        TRY(buffer_append_byte(out, '\n'));
        at += line.len + 1;
    }
    return NULL;
}

Error *md_prepare(Markdown *md, Str text, Str *ret_text)
{
    CLEANUP(buffer_done) Buffer normal = {.limit = 5 * text.len + KIB};
    CLEANUP(buffer_done) Buffer out = {.limit = 6 * text.len + KIB};
    TRY_CTX(normalize(text, &normal), "markdown");
    TRY_CTX(stash_blocks(md, buffer_str(&normal), &out), "markdown");
    *ret_text = arena_str(md->arena, buffer_str(&out));
    return ret_text->data ? NULL : arena_error(md->arena);
}
