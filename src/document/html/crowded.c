#include "document/html/crowded.h"

enum { NAME_BYTES_MAX = 100 }; /* libxml2 cuts names there, and goes on with the next */

/* A walk over the bytes; every step stays within them. */
typedef struct Scan {
    Str in;
    size_t at;
} Scan;

static char peek(const Scan *s, size_t ahead)
{
    return ahead < s->in.len - s->at ? s->in.data[s->at + ahead] : '\0';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool begins_name(char c)
{
    return is_letter(c) || c == '_' || c == ':' || c == '.';
}

static bool is_in_name(char c)
{
    return begins_name(c) || (c >= '0' && c <= '9') || c == '-';
}

static void skip_blanks(Scan *s)
{
    while (is_blank(peek(s, 0)))
        s->at++;
}

/* Behind the next `c`, or at the end. */
static void skip_past(Scan *s, char c)
{
    const char *found = s->at < s->in.len ? memchr(s->in.data + s->at, c, s->in.len - s->at) : NULL;
    s->at = found ? (size_t)(found - s->in.data) + 1 : s->in.len;
}

static Str take_name(Scan *s)
{
    size_t from = s->at;
    if (begins_name(peek(s, 0)))
        while (s->at - from < NAME_BYTES_MAX && is_in_name(peek(s, 0)))
            s->at++;
    return str_slice(s->in, from, s->at);
}

static bool tag_ends(const Scan *s)
{
    return s->at >= s->in.len || peek(s, 0) == '>' || (peek(s, 0) == '/' && peek(s, 1) == '>');
}

static void skip_value(Scan *s)
{
    char quote = peek(s, 0);
    if (quote == '"' || quote == '\'') {
        s->at++;
        skip_past(s, quote);
        return;
    }
    while (s->at < s->in.len && !is_blank(peek(s, 0)) && peek(s, 0) != '>')
        s->at++;
}

static void skip_attribute(Scan *s)
{
    if (take_name(s).len == 0) {
        while (!tag_ends(s) && !is_blank(peek(s, 0)))
            s->at++;
        return;
    }
    skip_blanks(s);
    if (peek(s, 0) != '=')
        return;
    s->at++;
    skip_blanks(s);
    skip_value(s);
}

/* From behind the name to the tag's end; how many attributes it has, and no more than one more than `max`. */
static size_t count_attributes(Scan *s, size_t max)
{
    size_t count = 0;
    skip_blanks(s);
    while (!tag_ends(s) && count <= max) {
        count += begins_name(peek(s, 0));
        skip_attribute(s);
        skip_blanks(s);
    }
    return count;
}

static void skip_comment(Scan *s)
{
    while (s->at < s->in.len) {
        skip_past(s, '-');
        if (peek(s, 0) == '-' && (peek(s, 1) == '>' || (peek(s, 1) == '!' && peek(s, 2) == '>')))
            break;
    }
    skip_past(s, '>');
}

/* To behind the end tag of a script or style, whose content is no markup. */
static void skip_raw(Scan *s, Str name)
{
    while (s->at < s->in.len) {
        skip_past(s, '<');
        if (peek(s, 0) != '/')
            continue;
        s->at++;
        bool ends = str_equal_nocase(take_name(s), name);
        if (ends) {
            skip_past(s, '>');
            return;
        }
    }
}

static bool is_raw(Str name)
{
    return str_equal_nocase(name, STR("script")) || str_equal_nocase(name, STR("style"));
}

/* Behind the `<` of a start tag. False: it is crowded. */
static bool skip_start_tag(Scan *s, size_t attributes_max)
{
    Str name = take_name(s);
    if (count_attributes(s, attributes_max) > attributes_max)
        return false;
    bool empty = peek(s, 0) == '/';
    skip_past(s, '>');
    if (!empty && is_raw(name))
        skip_raw(s, name);
    return true;
}

size_t html_find_crowded_tag(Str html, size_t attributes_max)
{
    Scan s = {.in = html};
    for (;;) {
        skip_past(&s, '<');
        if (s.at >= html.len)
            return SIZE_MAX;
        size_t from = s.at - 1;
        char c = peek(&s, 0);
        if (c == '!' && peek(&s, 1) == '-' && peek(&s, 2) == '-') {
            s.at += 3;
            skip_comment(&s);
        } else if (c == '!' || c == '?' || c == '/') {
            skip_past(&s, '>');
        } else if ((is_letter(c) || c == '_' || c == ':') && !skip_start_tag(&s, attributes_max)) {
            return from;
        }
    }
}
