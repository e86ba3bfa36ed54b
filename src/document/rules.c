#include "document/rules.h"

#include "document/bullets.h"
#include "document/chars.h"
#include "document/tagger.h"
#include "document/words.h"

/* The defaults of the originals; shares are of letters among the characters that are no white space, of words with a capital. */
static const double non_alpha_min = 0.5, capitals_max = 0.5;
enum { TITLE_WORDS_MAX = 12, TITLE_SENTENCE_WORDS_MIN = 5, SENTENCE_WORDS_MIN = 3 };

bool text_is_bulleted(Str text)
{
    size_t next;
    return text_begins_with_bullet(chars_trim(text), BULLETS_AND_HYPHENS, &next);
}

Str text_without_bullet(Str text)
{
    size_t next;
    Str trimmed = chars_trim(text);
    if (!text_begins_with_bullet(trimmed, BULLETS_AND_HYPHENS, &next))
        return text;
    return chars_trim(str_slice(trimmed, next, trimmed.len));
}

static size_t skip_class(Str text, size_t at, unsigned class)
{
    while (at < text.len) {
        size_t next = at;
        unsigned classes;
        chars_next(text, &next, &classes);
        if (!(classes & class))
            break;
        at = next;
    }
    return at;
}

bool text_is_numbered(Str text)
{
    unsigned classes;
    text = chars_trim(text);
    size_t at = skip_class(text, 0, CHAR_DIGIT);
    if (at == 0 || at >= text.len || (text.data[at] != '.' && text.data[at] != ')'))
        return false;
    if (++at >= text.len)
        return false;
    chars_next(text, &at, &classes);
    return (classes & CHAR_SPACE) && at < text.len && text.data[at] != '\n';
}

static bool is_mail_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr(".-+_", c));
}

/* name@host.tld at the start: the host is a run of mail characters with a `.` and a letter behind some of them. */
bool text_is_email_address(Str text)
{
    text = chars_trim(text);
    size_t at = 0;
    while (at < text.len && is_mail_char(text.data[at]))
        at++;
    if (at == 0 || at >= text.len || text.data[at] != '@')
        return false;
    for (size_t host = ++at; at < text.len && is_mail_char(text.data[at]); at++) {
        bool letter_follows = at + 1 < text.len && text.data[at + 1] >= 'a' && text.data[at + 1] <= 'z';
        if (text.data[at] == '.' && at > host && letter_follows)
            return true;
    }
    return false;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum { CITY_WORDS_MAX = 5, CITY_WORD_BYTES_MAX = 17 };

/* `text` can be cut into one to five pieces of a letter, 1-15 of letters, `.`, `-`, and perhaps a space. */
static bool is_city(Str text)
{
    bool reached[CITY_WORDS_MAX * CITY_WORD_BYTES_MAX + 1] = {true};
    if (text.len == 0 || text.len >= sizeof reached)
        return false;
    for (int word = 0; word < CITY_WORDS_MAX; word++) {
        bool next[sizeof reached] = {false};
        for (size_t from = 0; from < text.len; from++) {
            if (!reached[from] || !is_letter(text.data[from]))
                continue;
            for (size_t to = from + 1; to < text.len && to - from <= 15; to++) {
                char c = text.data[to];
                if (!is_letter(c) && c != '.' && c != '-')
                    break;
                next[to + 1] = true;
                if (to + 1 < text.len && text.data[to + 1] == ' ')
                    next[to + 2] = true;
            }
        }
        memcpy(reached, next, sizeof reached);
        if (reached[text.len])
            return true;
    }
    return false;
}

/* \w of Python: letters, numbers of any kind, the underscore. */
static bool is_word_at(Str text, size_t at)
{
    unsigned classes = 0;
    if (at >= text.len)
        return false;
    chars_next(text, &at, &classes);
    return text.data[at - 1] == '_' || (classes & (CHAR_LETTER | CHAR_NUMERIC));
}

/* What follows the state: perhaps ", " or a white space, then five digits that are a word's beginning, and its end but for "-1234". Of the
 * states only those with a stray brace end where a word can begin. */
static bool is_zip(Str text, bool behind_brace)
{
    size_t at = 0, behind_space = 0;
    unsigned classes = 0;
    if (text.len > 0)
        chars_next(text, &behind_space, &classes);
    if (str_starts_with(text, STR(", ")))
        at = 2;
    else if (classes & CHAR_SPACE)
        at = behind_space;
    if (at == 0 && !behind_brace)
        return false;
    for (size_t end = at + 5; at < end; at++)
        if (at >= text.len || !is_digit(text.data[at]))
            return false;
    return !is_word_at(text, at);
}

static bool is_state_and_zip(Str text)
{
    /* The braces are the originals' slip: only with them do these four match. */
    static const char *const states[] = {
        "{Alabama",
        "Alaska",
        "Arizona",
        "Arkansas",
        "California",
        "Colorado",
        "Connecticut",
        "Delaware",
        "Florida",
        "Georgia",
        "Hawaii",
        "Idaho",
        "Illinois",
        "Indiana",
        "Iowa",
        "Kansas",
        "Kentucky",
        "Louisiana",
        "Maine",
        "Maryland",
        "Massachusetts",
        "Michigan",
        "Minnesota",
        "Mississippi",
        "Missouri",
        "Montana",
        "Nebraska",
        "Nevada",
        "New Hampshire",
        "New Jersey",
        "New Mexico",
        "New York",
        "North Carolina",
        "North Dakota",
        "Ohio",
        "Oklahoma",
        "Oregon",
        "Pennsylvania",
        "Rhode Island",
        "South Carolina",
        "South Dakota",
        "Tennessee",
        "Texas",
        "Utah",
        "Vermont",
        "Virginia",
        "Washington",
        "West Virginia",
        "Wisconsin",
        "Wyoming}",
        "{AL",
        "AK",
        "AS",
        "AZ",
        "AR",
        "CA",
        "CO",
        "CT",
        "DC",
        "DE",
        "FL",
        "FM",
        "GA",
        "GU",
        "HI",
        "IA",
        "ID",
        "IL",
        "IN",
        "KS",
        "KY",
        "LA",
        "MA",
        "MD",
        "ME",
        "MH",
        "MI",
        "MN",
        "MO",
        "MP",
        "MS",
        "MT",
        "NC",
        "ND",
        "NE",
        "NH",
        "NJ",
        "NM",
        "NV",
        "NY",
        "OH",
        "OK",
        "OR",
        "PA",
        "PR",
        "PW",
        "RI",
        "SC",
        "SD",
        "TN",
        "TX",
        "UT",
        "VA",
        "VI",
        "VT",
        "WA",
        "WI",
        "WV",
        "WY}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(states); i++) {
        Str state = str_of(states[i]);
        if (text.len > state.len && str_equal_nocase(str_slice(text, 0, state.len), state)
            && is_zip(str_slice(text, state.len, text.len), str_ends_with(state, STR("}"))))
            return true;
    }
    return false;
}

bool text_is_us_city_state_zip(Str text)
{
    unsigned classes;
    text = chars_trim(text);
    size_t comma = str_find_char(str_slice(text, 0, CITY_WORDS_MAX * CITY_WORD_BYTES_MAX + 1), ',');
    if (comma == SIZE_MAX || !is_city(str_slice(text, 0, comma)))
        return false;
    size_t at = comma + 1, after_space = at;
    if (is_state_and_zip(str_slice(text, at, text.len)))
        return true;
    if (at >= text.len)
        return false;
    chars_next(text, &after_space, &classes);
    return (classes & CHAR_SPACE) && is_state_and_zip(str_slice(text, after_space, text.len));
}

static bool too_few_letters(Str text)
{
    size_t letters = 0, others = 0;
    unsigned classes;
    for (size_t at = 0; at < text.len;) {
        chars_next(text, &at, &classes);
        letters += (classes & CHAR_LETTER) != 0;
        others += !(classes & (CHAR_LETTER | CHAR_SPACE));
    }
    return letters + others > 0 && (double)letters < non_alpha_min * (double)(letters + others);
}

/* A word while it is read, without the punctuation in it: the start of it, to know the few that count as two. */
typedef struct CountedWord {
    char start[8];
    size_t len; /* all of it; 0: none is being read */
} CountedWord;

static size_t counted_word_end(CountedWord *word)
{
    size_t len = word->len;
    word->len = 0;
    if (len == 0)
        return 0;
    return len <= sizeof word->start && word_contraction((Str){word->start, len}) ? 2 : 1;
}

/* Words of a sentence whose punctuation is thought away, up to `enough`. */
static size_t count_words(Str sentence, size_t enough)
{
    size_t count = 0;
    unsigned classes;
    CountedWord word = {.len = 0};
    for (size_t at = 0; at < sentence.len && count < enough;) {
        uint32_t c = chars_next(sentence, &at, &classes);
        if (classes & CHAR_PUNCTUATION)
            continue;
        bool alone = c == '$' || c == '<' || c == '>';
        if (alone || (classes & CHAR_SPACE)) {
            count += counted_word_end(&word) + alone;
            continue;
        }
        if (word.len < sizeof word.start)
            word.start[word.len] = c < 128 ? (char)c : '?';
        word.len++;
    }
    return count + counted_word_end(&word);
}

/* Sentences of at least `words_min` words, up to `enough`. */
static size_t count_sentences(Str text, size_t words_min, size_t enough)
{
    size_t count = 0;
    Str sentence;
    while (count < enough && words_next_sentence(&text, &sentence))
        count += count_words(sentence, words_min) >= words_min;
    return count;
}

static bool too_many_capitals(Str text)
{
    if (count_sentences(text, SENTENCE_WORDS_MIN, 2) > 1)
        return false;
    if (chars_are_upper(text))
        return true;
    size_t words = 0, capitals = 0;
    Str sentence, word;
    while (words_next_sentence(&text, &sentence)) {
        WordWalk walk = word_walk(sentence);
        while (word_walk_next(&walk, &word)) {
            if (!chars_are_letters(word))
                continue;
            words++;
            capitals += chars_are_title(word) || chars_are_upper(word);
        }
    }
    return words == 0 || (double)capitals > capitals_max * (double)words;
}

bool text_is_possible_narrative(Str text)
{
    if (text.len == 0 || chars_are_numeric(text) || too_many_capitals(text) || too_few_letters(text))
        return false;
    return count_sentences(text, SENTENCE_WORDS_MIN, 2) >= 2 || text_contains_verb(text);
}

/* Ends in a character that is neither a word character nor white space. */
static bool ends_in_mark(Str text)
{
    size_t start;
    uint32_t c = chars_before(text, text.len, &start);
    return c != '_' && !(char_classes(c) & (CHAR_LETTER | CHAR_NUMERIC | CHAR_SPACE));
}

/* Pieces between single spaces, up to `enough`. */
static size_t count_pieces(Str text, size_t enough)
{
    size_t count = 1;
    for (size_t at = 0; at < text.len && count < enough; at++)
        count += text.data[at] == ' ';
    return count;
}

bool text_is_possible_title(Str text)
{
    if (text.len == 0 || (chars_are_upper(text) && ends_in_mark(text)))
        return false;
    if (count_pieces(text, TITLE_WORDS_MAX + 1) > TITLE_WORDS_MAX || too_few_letters(text))
        return false;
    if (text.data[text.len - 1] == ',' || chars_are_numeric(text))
        return false;
    return count_sentences(text, TITLE_SENTENCE_WORDS_MIN, 2) <= 1;
}

bool text_contains_verb(Str text)
{
    return tagger_finds_verb(text, chars_are_upper(text) ? TAGGER_LOWER_CASE : TAGGER_AS_IT_STANDS);
}

ElementType text_classify(Str text, Str *ret_text)
{
    *ret_text = text;
    if (text_is_bulleted(text)) {
        *ret_text = text_without_bullet(text);
        return ELEMENT_LIST_ITEM;
    }
    if (text_is_email_address(text))
        return ELEMENT_EMAIL_ADDRESS;
    if (text_is_us_city_state_zip(text))
        return ELEMENT_ADDRESS;
    if (text_is_numbered(text))
        return ELEMENT_LIST_ITEM;
    if (text_is_possible_narrative(text))
        return ELEMENT_NARRATIVE_TEXT;
    return text_is_possible_title(text) ? ELEMENT_TITLE : ELEMENT_UNCATEGORIZED_TEXT;
}
