#include "sink/match.h"

/* One word or phrase of the query. */
typedef struct Term {
    Str text;
    bool excluded, phrase;
} Term;

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool next_term(Str *rest, Term *ret_term)
{
    *rest = str_trim(*rest);
    if (rest->len == 0)
        return false;
    Term term = {.excluded = rest->data[0] == '-' && rest->len > 1 && !is_space(rest->data[1])};
    Str at = str_slice(*rest, term.excluded, rest->len);
    size_t close = at.data[0] == '"' ? str_find_char(str_slice(at, 1, at.len), '"') : SIZE_MAX;
    if (close != SIZE_MAX) {
        term.phrase = true;
        term.text = str_slice(at, 1, 1 + close);
        *rest = str_slice(at, close + 2, at.len);
    } else {
        size_t end = 0;
        while (end < at.len && !is_space(at.data[end]))
            end++;
        term.text = str_slice(at, 0, end);
        *rest = str_slice(at, end, at.len);
    }
    *ret_term = term;
    return true;
}

/* Has it anything the tokenizer makes a token of? Letters, digits, and whatever is not ASCII. */
static bool has_word(Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c & 0x80))
            return true;
    }
    return false;
}

/* An FTS5 string: quotes doubled, so that nothing in it is syntax. */
static Error *append_string(Buffer *out, Str text)
{
    TRY(buffer_append_byte(out, '"'));
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == 0)
            continue;
        if (text.data[i] == '"')
            TRY(buffer_append_byte(out, '"'));
        TRY(buffer_append_byte(out, (uint8_t)text.data[i]));
    }
    return buffer_append_byte(out, '"');
}

Error *match_from_text(Str text, MatchWords words, Buffer *out)
{
    CLEANUP(buffer_done) Buffer excluded = {0};
    bool any = false, alternative = false, open = false;
    Term term;
    while (next_term(&text, &term)) {
        if (!term.phrase && !term.excluded && str_equal(term.text, STR("OR"))) {
            alternative = any;
            continue;
        }
        if (!has_word(term.text))
            continue;
        if (term.excluded) {
            TRY(buffer_append_str(&excluded, STR(" NOT ")));
            TRY(append_string(&excluded, term.text));
            continue;
        }
        /* a OR b c is (a OR b) AND c: alternatives bind tighter, as in web search. */
        if (alternative || (open && words == MATCH_ANY))
            TRY(buffer_append_str(out, STR(" OR ")));
        else
            TRY(buffer_append_str(out, open ? STR(") AND (") : STR("(")));
        TRY(append_string(out, term.text));
        open = any = true;
        alternative = false;
    }
    if (open)
        TRY(buffer_append_byte(out, ')'));
    else if (excluded.len)
        return FAIL(INVALID, "the query only excludes: give a word that hits must have");
    return buffer_append_str(out, buffer_str(&excluded));
}
