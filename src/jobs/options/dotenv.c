#include "jobs/options/dotenv.h"

typedef struct Dotenv {
    Str text;
    size_t at;
    unsigned line;
} Dotenv;

static bool at_end(const Dotenv *in)
{
    return in->at == in->text.len;
}

static char peek(const Dotenv *in)
{
    return at_end(in) ? '\0' : in->text.data[in->at];
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(Dotenv *in)
{
    while (!at_end(in) && is_blank(peek(in)))
        in->at++;
}

static void skip_line(Dotenv *in)
{
    while (!at_end(in) && peek(in) != '\n')
        in->at++;
    if (!at_end(in)) {
        in->at++;
        in->line++;
    }
}

static bool is_name_byte(char c, bool first)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return letter || (!first && ((c >= '0' && c <= '9') || c == '.' || c == '-'));
}

static Str take_name(Dotenv *in)
{
    size_t start = in->at;
    while (!at_end(in) && is_name_byte(peek(in), in->at == start))
        in->at++;
    return str_slice(in->text, start, in->at);
}

static Error *read_plain(Dotenv *in, Buffer *value)
{
    size_t start = in->at, end = in->at;
    while (!at_end(in) && peek(in) != '\n') {
        bool comment = peek(in) == '#' && (in->at == start || is_blank(in->text.data[in->at - 1]));
        if (comment)
            break;
        in->at++;
        end = in->at;
    }
    skip_line(in);
    return buffer_append_str(value, str_trim(str_slice(in->text, start, end)));
}

/* The byte that `\c` stands for, or 0: then both bytes stay. */
static char unescaped(char c)
{
    switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case '"':
    case '\\':
    case '$': return c;
    default: return '\0';
    }
}

static Error *read_quoted(Dotenv *in, Buffer *value)
{
    char quote = peek(in);
    unsigned first_line = in->line;
    in->at++;
    while (!at_end(in) && peek(in) != quote) {
        char c = peek(in);
        in->line += c == '\n';
        in->at++;
        if (c == '\\' && quote == '"' && unescaped(peek(in)) != '\0') {
            c = unescaped(peek(in));
            in->at++;
        }
        TRY(buffer_append_byte(value, (uint8_t)c));
    }
    if (at_end(in))
        return FAIL(INVALID, "line %u: a quoted value has no closing %c", first_line, quote);
    in->at++;
    skip_blanks(in);
    if (!at_end(in) && peek(in) != '\n' && peek(in) != '#')
        return FAIL(INVALID, "line %u: there is text behind the closing %c of a value", in->line, quote);
    skip_line(in);
    return NULL;
}

/* NAME=value at the beginning of a line that is neither blank nor a comment. */
static Error *read_setting(Dotenv *in, Buffer *value, DotenvFn *each, void *context)
{
    unsigned line = in->line;
    Str name = take_name(in);
    bool exported = str_equal(name, STR("export")) && is_blank(peek(in));
    skip_blanks(in);
    if (exported && peek(in) != '=') {
        name = take_name(in);
        skip_blanks(in);
    }
    if (name.len > 0 && (at_end(in) || peek(in) == '\n' || peek(in) == '#')) {
        skip_line(in);
        return NULL;
    }
    if (name.len == 0 || peek(in) != '=')
        return FAIL(INVALID, "line %u: this is not NAME=value", line);
    in->at++;
    skip_blanks(in);
    buffer_clear(value);
    if (peek(in) == '"' || peek(in) == '\'')
        TRY(read_quoted(in, value));
    else
        TRY(read_plain(in, value));
    if (memchr(value->data ? (const char *)value->data : "", '\0', value->len))
        return FAIL(INVALID, "line %u: the value of '" STR_FMT "' holds a NUL", line, STR_ARG(name));
    return each(context, name, buffer_str(value), line);
}

Error *dotenv_read(Str text, DotenvFn *each, void *context)
{
    CLEANUP(buffer_done) Buffer value = {0};
    Dotenv in = {.text = text, .line = 1};
    if (str_starts_with(text, STR("\xEF\xBB\xBF")))
        in.at = 3;
    while (!at_end(&in)) {
        skip_blanks(&in);
        if (at_end(&in))
            break;
        if (peek(&in) == '\n' || peek(&in) == '#')
            skip_line(&in);
        else
            TRY(read_setting(&in, &value, each, context));
    }
    return NULL;
}
