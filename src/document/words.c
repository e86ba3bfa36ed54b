#include "document/words.h"

#include "document/chars.h"

/* A full stop behind one of these ends no sentence. "e.g.", "i.e.", "etc." and "No." are not among them to the original either. */
static bool is_abbreviation(Str word)
{
    static const char *const abbreviations[] = {
        "a.c",  "a.m", "approx", "apr", "aug",  "ave", "bros", "capt", "cf",  "co",  "col", "corp",  "d.c",  "dec",
        "dept", "dr",  "est",    "feb", "ft",   "gen", "gov",  "h.m",  "hon", "ill", "inc", "jan",   "jr",   "jul",
        "jun",  "l.a", "lt",     "ltd", "mar",  "mr",  "mrs",  "ms",   "nov", "oct", "ok",  "p.m",   "ph.d", "prof",
        "rep",  "rev", "sen",    "sep", "sept", "sgt", "sr",   "st",   "u.k", "u.n", "u.s", "u.s.a", "vol",  "vs",
    };
    for (size_t i = 0; i < ARRAY_COUNT(abbreviations); i++) {
        if (str_equal_nocase(word, str_of(abbreviations[i])))
            return true;
    }
    return false;
}

static bool is_one_of(char c, Str set)
{
    return str_find_char(set, c) != SIZE_MAX;
}

static bool is_single_letter(Str word)
{
    if (word.len == 0 || word.len > 4)
        return false;
    size_t at = 0;
    return (char_classes(str_next_code_point(word, &at)) & CHAR_LETTER) && at == word.len;
}

/* Digits, with stops and commas between them; a hyphen has cut off what was before it. */
static bool is_number(Str word)
{
    for (size_t i = 0; i < word.len; i++) {
        if (!is_one_of(word.data[i], STR("0123456789.,")))
            return false;
    }
    return word.len > 0 && word.data[word.len - 1] != '.';
}

/* What stands between the full stop at `at` and the last white space, hyphen, opening bracket or quote. */
static Str word_before(Str text, size_t at)
{
    size_t from = at;
    while (from > 0 && at - from < 8 && !is_one_of(text.data[from - 1], STR(" \t\n\r\f\v-([{\"'")))
        from--;
    return str_slice(text, from, at);
}

static size_t skip_spaces(Str text, size_t at)
{
    for (size_t next = at; next < text.len; at = next) {
        unsigned classes;
        chars_next(text, &next, &classes);
        if (!(classes & CHAR_SPACE))
            break;
    }
    return at;
}

static unsigned classes_at(Str text, size_t at)
{
    unsigned classes = 0;
    if (at < text.len)
        chars_next(text, &at, &classes);
    return classes;
}

/* "a. The standing trustee", "B. ANNUAL REPORT": at the start of a text those of the first letters that are no usual abbreviation end a sentence
 * when the next word is not in their own case, as a name's would be. */
static bool is_item_letter(Str text, Str letter, size_t next)
{
    if (letter.data != text.data || letter.len != 1 || !is_one_of(letter.data[0], STR("abijoABIJO")))
        return false;
    if (!(classes_at(text, next) & CHAR_UPPER))
        return false;
    return (classes_at(text, 0) & CHAR_LOWER) || (classes_at(text, next + 1) & CHAR_UPPER);
}

static bool full_stop_ends(Str text, size_t mark)
{
    Str word = word_before(text, mark);
    size_t next = skip_spaces(text, mark + 1);
    if (is_single_letter(word))
        return is_item_letter(text, word, next);
    if (is_number(word) || str_ends_with(word, STR("..")))
        return !(classes_at(text, next) & CHAR_LOWER);
    return !is_abbreviation(word);
}

static bool is_mark(uint32_t c)
{
    return c == '.' || c == '?' || c == '!';
}

/* White space, a bracket or a quote: a mark inside of anything else is a part of the word. */
static bool may_end_before(Str text, size_t at)
{
    if (at == text.len)
        return false;
    return (classes_at(text, at) & CHAR_SPACE) || is_one_of(text.data[at], STR(")\";}]*:@'({[!?"));
}

/* Walks on to the next white space; the last mark on the way behind which a sentence may end, SIZE_MAX: none. */
static size_t last_mark(Str text, size_t *at)
{
    size_t mark = SIZE_MAX;
    for (size_t next = *at; next < text.len; *at = next) {
        unsigned classes;
        uint32_t c = chars_next(text, &next, &classes);
        if (classes & CHAR_SPACE)
            break;
        if (is_mark(c) && may_end_before(text, next))
            mark = *at;
    }
    return mark;
}

/* Closing quotes and brackets with white space or nothing behind them belong to the sentence they close. */
static size_t skip_closers(Str text, size_t at)
{
    size_t end = skip_spaces(text, at);
    while (end < text.len && is_one_of(text.data[end], STR("\"')]}")))
        end++;
    return end == text.len || (classes_at(text, end) & CHAR_SPACE) ? end : at;
}

/* Where the sentence that begins at 0 ends. */
static size_t sentence_end(Str text)
{
    for (size_t at = 0; at < text.len; at = skip_spaces(text, at)) {
        size_t mark = last_mark(text, &at);
        if (mark != SIZE_MAX && (text.data[mark] != '.' || full_stop_ends(text, mark)))
            return skip_closers(text, mark + 1);
    }
    return text.len;
}

bool words_next_sentence(Str *rest, Str *ret_sentence)
{
    *rest = chars_trim(*rest);
    if (rest->len == 0)
        return false;
    size_t end = sentence_end(*rest);
    *ret_sentence = str_slice(*rest, 0, end);
    *rest = str_slice(*rest, end, rest->len);
    return true;
}

/* Kinds of characters to the word cutter. */
typedef enum WordChar {
    WORD_PART,
    WORD_SPACE,
    WORD_ALONE,
    WORD_BACKTICK,
    WORD_QUOTE,
    WORD_STOP,
    WORD_COMMA,
    WORD_DASH
} WordChar;

/* Steps over a character of \w; false at any other and at the end. */
static bool skip_letter(Str text, size_t *at)
{
    unsigned classes;
    if (*at >= text.len)
        return false;
    uint32_t c = chars_next(text, at, &classes);
    return c == '_' || classes & (CHAR_LETTER | CHAR_DIGIT);
}

/* The apostrophe before `at` opens a quotation of one letter, 'r', and is no ending such as 's. */
static bool quotes_one_letter(Str text, size_t at)
{
    return at < text.len && !strchr("mtsdnMTSDN", text.data[at]) && skip_letter(text, &at) && !skip_letter(text, &at);
}

static WordChar word_char(Str text, size_t at, size_t *ret_next)
{
    unsigned classes;
    size_t next = at;
    uint32_t c = chars_next(text, &next, &classes);
    *ret_next = next;
    if (classes & CHAR_SPACE)
        return WORD_SPACE;
    switch (c) {
    case ';':
    case '@':
    case '#':
    case '$':
    case '%':
    case '&':
    case '?':
    case '!':
    case '*':
    case '[':
    case ']':
    case '(':
    case ')':
    case '{':
    case '}':
    case '<':
    case '>':
    case 0xAB:
    case 0xBB:
    case 0x2018:
    case 0x2019:
    case 0x201C:
    case 0x201D:
    case 0x201E: return WORD_ALONE;
    case '`': return WORD_BACKTICK;
    case '"': return WORD_QUOTE;
    case '\'':
        if (next < text.len && text.data[next] == '\'')
            return WORD_QUOTE;
        return quotes_one_letter(text, next) ? WORD_ALONE : WORD_PART;
    case '.': return WORD_STOP;
    case ',':
    case ':': return WORD_COMMA;
    case '-': return next < text.len && text.data[next] == '-' ? WORD_DASH : WORD_PART;
    default: return WORD_PART;
    }
}

static bool is_closer(uint32_t c)
{
    return c == '"' || c == '\'' || c == ')' || c == ']' || c == '}' || c == '>' || c == 0x201D || c == 0x2019
           || c == 0xBB;
}

/* Only closing brackets and quotes follow the full stop before `at`. */
static bool closers_to_end(Str text, size_t at)
{
    while (at < text.len) {
        size_t next = at;
        unsigned classes;
        uint32_t c = chars_next(text, &next, &classes);
        if (!is_closer(c) && !(classes & CHAR_SPACE))
            return false;
        at = next;
    }
    return true;
}

/* A full stop is a word of its own in a row of them and at the very end; elsewhere it is part of "U.S." or "3.5". */
static bool stop_is_alone(Str text, size_t at)
{
    if (at > 0 && text.data[at - 1] == '.')
        return true;
    if (at + 1 < text.len && text.data[at + 1] == '.')
        return true;
    return at > 0 && closers_to_end(text, at + 1);
}

static bool comma_is_alone(Str text, size_t next)
{
    unsigned classes = 0;
    if (next < text.len)
        chars_next(text, &next, &classes);
    return !(classes & CHAR_DIGIT);
}

static bool continues_word(Str text, size_t at, size_t *ret_next)
{
    switch (word_char(text, at, ret_next)) {
    case WORD_PART: return true;
    case WORD_STOP: return !stop_is_alone(text, at);
    case WORD_COMMA: return !comma_is_alone(text, *ret_next);
    case WORD_SPACE:
    case WORD_ALONE:
    case WORD_BACKTICK:
    case WORD_QUOTE:
    case WORD_DASH: break;
    }
    return false;
}

static size_t run_end(Str text, size_t at, char c)
{
    while (at < text.len && text.data[at] == c)
        at++;
    return at;
}

/* The length of what is split off the end of `word`: 's 'm 'd 'll 're 've n't, or a lone apostrophe. 0: nothing. */
static size_t ending_bytes(Str word)
{
    static const char *const endings[] = {"'s", "'m", "'d", "'ll", "'re", "'ve", "n't", "'"};
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        Str ending = str_of(endings[i]);
        if (word.len <= ending.len || word.data[word.len - ending.len - 1] == '\'')
            continue;
        if (str_equal_nocase(str_slice(word, word.len - ending.len, word.len), ending))
            return ending.len;
    }
    return 0;
}

size_t word_contraction(Str word)
{
    static const struct {
        const char *word;
        size_t split;
    } contractions[] = {{"cannot", 3}, {"gonna", 3}, {"gotta", 3}, {"gimme", 3}, {"lemme", 3},
                        {"wanna", 3},  {"d'ye", 1},  {"'tis", 2},  {"'twas", 2}, {"more'n", 4}};
    if (word.len < 4 || word.len > 6)
        return 0;
    for (size_t i = 0; i < ARRAY_COUNT(contractions); i++) {
        if (str_equal_nocase(word, str_of(contractions[i].word)))
            return contractions[i].split;
    }
    return 0;
}

static Str split_word(WordWalk *walk, Str word)
{
    size_t split = word_contraction(word);
    if (!split) {
        size_t ending = ending_bytes(word);
        if (!ending)
            return word;
        split = word.len - ending;
    }
    walk->waiting = str_slice(word, split, word.len);
    return str_slice(word, 0, split);
}

/* An opening quote stands at the start, after white space or after an opening bracket. */
static Str quote_word(Str text, size_t at)
{
    bool opens = at == 0 || strchr(" \t\n\r\f\v([{<", text.data[at - 1]);
    return opens ? STR("``") : STR("''");
}

bool word_walk_next(WordWalk *walk, Str *ret_word)
{
    if (walk->waiting.data) {
        *ret_word = walk->waiting;
        walk->waiting = (Str){0};
        return true;
    }
    Str text = walk->sentence;
    size_t start = walk->at, next = start;
    WordChar kind = WORD_SPACE;
    while (start < text.len && (kind = word_char(text, start, &next)) == WORD_SPACE)
        start = next;
    if (start >= text.len)
        return false;
    walk->at = next;
    if (kind == WORD_QUOTE) {
        walk->at = text.data[start] == '\'' ? start + 2 : start + 1;
        *ret_word = quote_word(text, start);
        return true;
    }
    if (kind == WORD_BACKTICK)
        walk->at = run_end(text, start, '`');
    else if (kind == WORD_DASH)
        walk->at = start + 2;
    else if (kind == WORD_STOP && stop_is_alone(text, start))
        walk->at = run_end(text, start, '.');
    else if (continues_word(text, start, &next)) {
        while (walk->at < text.len && continues_word(text, walk->at, &next))
            walk->at = next;
        *ret_word = split_word(walk, str_slice(text, start, walk->at));
        return true;
    }
    *ret_word = str_slice(text, start, walk->at);
    return true;
}
