#include "jobs/fetch/fnmatch.h"

#include <stdlib.h>

enum { PATTERN_MAX = 65536 };

typedef enum TokenKind { TOKEN_LITERAL, TOKEN_ONE, TOKEN_RUN, TOKEN_SET } TokenKind;

typedef struct Token {
    TokenKind kind;
    uint32_t literal;
    bool negated;
    uint32_t first_range, range_count; /* of a set */
} Token;

typedef struct Range {
    uint32_t low, high; /* both inside; low > high: empty */
} Range;

struct Fnmatch {
    bool everything; /* nothing but runs */
    uint32_t token_count, range_count;
    Token *tokens; /* as the next, behind the struct in one allocation */
    Range *ranges;
};

/* Where the set that begins behind `[` at `at` ends: the index of its `]`, or SIZE_MAX. The first character is a member even
 * when it is `]`. */
static size_t set_end(Str pattern, size_t at)
{
    if (at < pattern.len && pattern.data[at] == '!')
        at++;
    if (at < pattern.len && pattern.data[at] == ']')
        at++;
    while (at < pattern.len && pattern.data[at] != ']')
        at++;
    return at < pattern.len ? at : SIZE_MAX;
}

/* A `-` makes a range unless it is the first or last character, or right behind a range. */
static void read_set(Fnmatch *out, Str set, Token *token)
{
    size_t at = 0;
    if (set.data[0] == '!') {
        token->negated = true;
        at = 1;
    }
    token->first_range = out->range_count;
    while (at < set.len) {
        Range range;
        range.low = range.high = str_next_code_point(set, &at);
        if (at + 1 < set.len && set.data[at] == '-') {
            at++;
            range.high = str_next_code_point(set, &at);
        }
        out->ranges[out->range_count++] = range;
    }
    token->range_count = out->range_count - token->first_range;
}

static void compile(Fnmatch *out, Str pattern)
{
    for (size_t at = 0; at < pattern.len;) {
        Token token = {.kind = TOKEN_LITERAL};
        char c = pattern.data[at];
        size_t end = c == '[' ? set_end(pattern, at + 1) : SIZE_MAX;
        if (end != SIZE_MAX) {
            token.kind = TOKEN_SET;
            read_set(out, str_slice(pattern, at + 1, end), &token);
            at = end + 1;
        } else if (c == '*' || c == '?') {
            token.kind = c == '*' ? TOKEN_RUN : TOKEN_ONE;
            at++;
        } else {
            token.literal = str_next_code_point(pattern, &at);
        }
        out->everything = out->everything && token.kind == TOKEN_RUN;
        bool repeated =
            token.kind == TOKEN_RUN && out->token_count && out->tokens[out->token_count - 1].kind == TOKEN_RUN;
        if (!repeated)
            out->tokens[out->token_count++] = token;
    }
}

Error *fnmatch_new(Str pattern, Fnmatch **ret_pattern)
{
    if (pattern.len > PATTERN_MAX)
        return FAIL(LIMIT, "a pattern of %zu bytes is too long, the most is %d", pattern.len, PATTERN_MAX);
    /* No more tokens and ranges than bytes. */
    Fnmatch *out = calloc(1, sizeof *out + pattern.len * (sizeof(Token) + sizeof(Range)));
    if (!out)
        return FAIL(NO_MEMORY, "out of memory");
    out->tokens = (Token *)(out + 1);
    out->ranges = (Range *)(out->tokens + pattern.len);
    out->everything = pattern.len > 0;
    compile(out, pattern);
    *ret_pattern = out;
    return NULL;
}

void fnmatch_free(Fnmatch *pattern)
{
    free(pattern);
}

static bool set_has(const Fnmatch *pattern, const Token *token, uint32_t c)
{
    for (uint32_t i = 0; i < token->range_count; i++) {
        const Range *range = &pattern->ranges[token->first_range + i];
        if (c >= range->low && c <= range->high)
            return !token->negated;
    }
    return token->negated;
}

static bool token_takes(const Fnmatch *pattern, const Token *token, uint32_t c)
{
    if (token->kind == TOKEN_LITERAL)
        return c == token->literal;
    return token->kind != TOKEN_SET || set_has(pattern, token, c);
}

/* Only the last run needs to be tried again: what an earlier one took was enough for all between them. */
bool fnmatch_matches(const Fnmatch *pattern, Str text)
{
    uint32_t token = 0, run = UINT32_MAX;
    size_t at = 0, run_end = 0;
    if (pattern->everything)
        return true;
    while (at < text.len) {
        if (token < pattern->token_count && pattern->tokens[token].kind == TOKEN_RUN) {
            run = token++;
            run_end = at;
            continue;
        }
        size_t next = at;
        uint32_t c = str_next_code_point(text, &next);
        if (token < pattern->token_count && token_takes(pattern, &pattern->tokens[token], c)) {
            token++;
            at = next;
        } else if (run != UINT32_MAX) {
            str_next_code_point(text, &run_end);
            token = run + 1;
            at = run_end;
        } else {
            return false;
        }
    }
    while (token < pattern->token_count && pattern->tokens[token].kind == TOKEN_RUN)
        token++;
    return token == pattern->token_count;
}
