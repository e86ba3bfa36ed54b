#include "jobs/glob.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "base/buffer.h"

enum { MATCH_LIMIT = 1000000 };

struct Glob {
    pcre2_code *code;
    pcre2_match_context *context;
};

/* Appends `c` so that PCRE2 takes it literally. */
static Error *append_literal(Buffer *out, char c)
{
    bool word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || (c & 0x80);
    if (c == 0)
        return buffer_append_str(out, STR("\\x00"));
    if (!word)
        TRY(buffer_append_byte(out, '\\'));
    return buffer_append_byte(out, (uint8_t)c);
}

/* Takes a bracket expression at `*at`, which is its "[". Without an end it is a literal "[" in fnmatch, an error in rclone. */
static Error *append_class(Str pattern, GlobDialect dialect, size_t *at, Buffer *out)
{
    size_t i = *at + 1;
    bool negated = i < pattern.len && (pattern.data[i] == '!' || (dialect == GLOB_RCLONE && pattern.data[i] == '^'));
    size_t first = i + negated, end = first;
    if (end < pattern.len && pattern.data[end] == ']')
        end++; /* a "]" in the first place is a member */
    while (end < pattern.len && pattern.data[end] != ']')
        end += dialect == GLOB_RCLONE && pattern.data[end] == '\\' ? 2 : 1;
    if (end >= pattern.len) {
        if (dialect == GLOB_RCLONE)
            return error_at(FAIL(INVALID, "pattern '" STR_FMT "': '[' at %zu has no ']'", STR_ARG(pattern), *at + 1),
                            *at);
        ++*at;
        return append_literal(out, '[');
    }
    TRY(buffer_append_str(out, negated ? STR("[^") : STR("[")));
    for (i = first; i < end; i++) {
        char c = pattern.data[i];
        if (c == '-' && i > first && i + 1 < end)
            TRY(buffer_append_byte(out, '-'));
        else if (c == '\\' && dialect == GLOB_RCLONE && i + 1 < end)
            TRY(append_literal(out, pattern.data[++i]));
        else
            TRY(append_literal(out, c));
    }
    *at = end + 1;
    return buffer_append_byte(out, ']');
}

/* `{{regex}}` at `*at`. */
static Error *append_regex(Str pattern, size_t *at, Buffer *out)
{
    Str rest = str_slice(pattern, *at + 2, pattern.len);
    size_t end = str_find(rest, STR("}}"));
    if (end == SIZE_MAX)
        return error_at(FAIL(INVALID, "pattern '" STR_FMT "': '{{' at %zu has no '}}'", STR_ARG(pattern), *at + 1),
                        *at);
    TRY(buffer_append_format(out, "(?:" STR_FMT ")", STR_ARG(str_slice(rest, 0, end))));
    *at += end + 4;
    return NULL;
}

static Error *append_rclone_special(Str pattern, size_t *at, unsigned *depth, Buffer *out)
{
    size_t i = *at;
    Str rest = str_slice(pattern, i, pattern.len);
    char c = pattern.data[i];
    if (str_starts_with(rest, STR("**"))) {
        *at += 2;
        return buffer_append_str(out, STR(".*"));
    }
    if (str_starts_with(rest, STR("{{")))
        return append_regex(pattern, at, out);
    ++*at;
    switch (c) {
    case '*': return buffer_append_str(out, STR("[^/]*"));
    case '?': return buffer_append_str(out, STR("[^/]"));
    case '{': ++*depth; return buffer_append_str(out, STR("(?:"));
    case '}':
        if (*depth == 0)
            return error_at(FAIL(INVALID, "pattern '" STR_FMT "': '}' at %zu has no '{'", STR_ARG(pattern), i + 1), i);
        --*depth;
        return buffer_append_byte(out, ')');
    case ',': return *depth ? buffer_append_byte(out, '|') : append_literal(out, c);
    case '\\':
        if (*at >= pattern.len)
            return error_at(FAIL(INVALID, "pattern '" STR_FMT "' ends in a '\\'", STR_ARG(pattern)), i);
        return append_literal(out, pattern.data[(*at)++]);
    default: return append_literal(out, c);
    }
}

static Error *translate(Str pattern, GlobDialect dialect, Buffer *out)
{
    bool anchored = dialect == GLOB_FNMATCH || (pattern.len && pattern.data[0] == '/');
    size_t at = dialect == GLOB_RCLONE && anchored;
    unsigned depth = 0;
    TRY(buffer_append_str(out, anchored ? STR("\\A") : STR("(?:\\A|/)")));
    while (at < pattern.len) {
        char c = pattern.data[at];
        if (c == '[') {
            TRY(append_class(pattern, dialect, &at, out));
        } else if (dialect == GLOB_RCLONE) {
            TRY(append_rclone_special(pattern, &at, &depth, out));
        } else {
            at++;
            if (c == '*')
                TRY(buffer_append_str(out, STR(".*")));
            else if (c == '?')
                TRY(buffer_append_byte(out, '.'));
            else
                TRY(append_literal(out, c));
        }
    }
    if (depth)
        return FAIL(INVALID, "pattern '" STR_FMT "': a '{' has no '}'", STR_ARG(pattern));
    if (dialect == GLOB_RCLONE && str_ends_with(pattern, STR("/")))
        TRY(buffer_append_str(out, STR(".*")));
    return buffer_append_str(out, STR("\\z"));
}

Error *glob_new(Str pattern, GlobDialect dialect, Glob **ret_glob)
{
    CLEANUP(buffer_done) Buffer regex = {.limit = 64 * KIB};
    TRY(translate(pattern, dialect, &regex));
    CLEANUP(glob_freep) Glob *glob = calloc(1, sizeof *glob);
    if (!glob)
        return FAIL(NO_MEMORY, "out of memory");
    int number;
    PCRE2_SIZE offset;
    glob->code = pcre2_compile(regex.data, regex.len,
                               PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C, &number,
                               &offset, NULL);
    if (!glob->code) {
        PCRE2_UCHAR message[120];
        pcre2_get_error_message(number, message, sizeof message);
        return FAIL(INVALID, "pattern '" STR_FMT "': %s", STR_ARG(pattern), (const char *)message);
    }
    glob->context = pcre2_match_context_create(NULL);
    if (!glob->context)
        return FAIL(NO_MEMORY, "out of memory");
    pcre2_set_match_limit(glob->context, MATCH_LIMIT);
    *ret_glob = glob;
    glob = NULL;
    return NULL;
}

void glob_free(Glob *glob)
{
    if (!glob)
        return;
    pcre2_match_context_free(glob->context);
    pcre2_code_free(glob->code);
    free(glob);
}

bool glob_matches(const Glob *glob, Str key)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (!data)
        return false;
    int found = pcre2_match(glob->code, (PCRE2_SPTR)key.data, key.len, 0, 0, data, glob->context);
    pcre2_match_data_free(data);
    return found >= 0;
}
