#include "tokenizer/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/random.h"
#include "base/testing.h"
#include "base/thread.h"
#include "tokenizer/merge.h"
#include "tokenizer/word.h"

/* ---- a tokenizer made of parts ---- */

/* spec/kl3m.md 8: 13 special tokens, then the byte symbols in the order of their code points. */
static const char *const specials[] = {"<|start|>", "<|end|>",         "<|pad|>",         "<|unk|>",     "<|sep|>",
                                       "<|cls|>",   "<|mask|>",        "<|system|>",      "</|system|>", "<|user|>",
                                       "</|user|>", "<|instruction|>", "</|instruction|>"};

static bool shown(unsigned byte)
{
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
}

static void append_symbol(Buffer *json, uint32_t code_point, unsigned *id)
{
    char symbol[4];
    size_t length = utf8_encode(code_point, symbol);
    bool escaped = code_point == '"' || code_point == '\\';
    assert_ok(buffer_append_format(json, ", \"%s%.*s\": %u", escaped ? "\\" : "", (int)length, symbol, (*id)++));
}

/* `more_vocab`, `merges`, `added` and `rest` are JSON, put into the places that they name. */
typedef struct Mini {
    const char *more_vocab, *merges, *added, *rest;
} Mini;

static void mini_json(Mini mini, Buffer *json)
{
    unsigned id = 0;
    assert_ok(buffer_append_format(json, "{\"added_tokens\": [%s", mini.added ? mini.added : ""));
    for (unsigned i = 0; i < ARRAY_COUNT(specials); i++)
        assert_ok(buffer_append_format(json,
                                       "%s{\"id\": %u, \"content\": \"%s\", \"normalized\": false, \"special\": true}",
                                       i > 0 || mini.added ? ", " : "", i, specials[i]));
    assert_ok(buffer_append_format(
        json, "], %s, \"model\": {\"type\": \"BPE\", \"vocab\": {",
        mini.rest ? mini.rest : "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false}"));
    for (; id < ARRAY_COUNT(specials); id++)
        assert_ok(buffer_append_format(json, "%s\"%s\": %u", id > 0 ? ", " : "", specials[id], id));
    for (unsigned byte = 0; byte < 256; byte++) {
        if (shown(byte))
            append_symbol(json, byte, &id);
    }
    for (unsigned byte = 0, hidden = 0; byte < 256; byte++) {
        if (!shown(byte))
            append_symbol(json, 0x100 + hidden++, &id);
    }
    assert_ok(buffer_append_format(json, "%s}, \"merges\": [%s]}}", mini.more_vocab ? mini.more_vocab : "",
                                   mini.merges ? mini.merges : ""));
}

static Error *mini_read(Mini mini, Tokenizer **ret_tokenizer)
{
    CLEANUP(buffer_done) Buffer json = {0};
    mini_json(mini, &json);
    return tokenizer_read(buffer_bytes(&json), ret_tokenizer);
}

/* The ids as text, "77 233 78". */
static void assert_ids(Tokenizer *tokenizer, Str text, const char *expected)
{
    CLEANUP(buffer_done) Buffer shown_ids = {0};
    TokenIds ids = {0};
    size_t count;
    assert_ok(tokenizer_encode(tokenizer, text, &ids));
    assert_ok(tokenizer_count(tokenizer, text, &count));
    assert_int_equal(count, ids.count);
    for (size_t i = 0; i < ids.count; i++)
        assert_ok(buffer_append_format(&shown_ids, "%s%u", i > 0 ? " " : "", ids.items[i]));
    token_ids_done(&ids);
    assert_str(buffer_str(&shown_ids), expected);
}

/* ---- tests ---- */

static void bytes_have_the_ids_of_the_specification(void **state)
{
    (void)state;
    CLEANUP(tokenizer_freep) Tokenizer *tokenizer = NULL;
    assert_ok(mini_read((Mini){0}, &tokenizer));
    assert_ids(tokenizer, STR(""), "");
    assert_ids(tokenizer, STR("a b\n"), "77 233 78 211");
    assert_ids(tokenizer, STR("\0"), "201");
    assert_ids(tokenizer, STR("\xC3\xBF"), "140 136");
    assert_ids(tokenizer, STR("<|start|>a<|end|"),
               "0 77 40 104 81 90 80 104"); /* tokens in the raw text, whole ones only */
}

#define GPT2 "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": "

static void merges_go_by_rank(void **state)
{
    (void)state;
    static const struct {
        const char *text, *ids;
    } cases[] = {
        {"abc", "269 79"},                                          /* "ab" comes before "bc" */
        {"bc", "270"},       {"xbc", "100 270"}, {"aaa", "271 77"}, /* leftmost */
        {"aaaa", "271 271"}, {"a b", "77 272"},                     /* a space belongs to its word */
        {"abab", "269 269"},
    };
    const char *more = ", \"ab\": 269, \"bc\": 270, \"aa\": 271, \"\u0120b\": 272";
    const char *forms[] = {"\"a b\", \"b c\", \"a a\", \"\u0120 b\"",
                           "[\"a\", \"b\"], [\"b\", \"c\"], [\"a\", \"a\"], [\"\u0120\", \"b\"]"};
    for (size_t form = 0; form < ARRAY_COUNT(forms); form++) {
        CLEANUP(tokenizer_freep) Tokenizer *tokenizer = NULL;
        assert_ok(mini_read((Mini){.more_vocab = more, .merges = forms[form]}, &tokenizer));
        for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
            assert_ids(tokenizer, str_of(cases[i].text), cases[i].ids);
            assert_ids(tokenizer, str_of(cases[i].text), cases[i].ids); /* from the cache */
        }
    }
}

static void prefix_space_and_whole_texts(void **state)
{
    (void)state;
    CLEANUP(tokenizer_freep) Tokenizer *prefixing = NULL;
    CLEANUP(tokenizer_freep) Tokenizer *whole = NULL;
    const char *more = ", \"b\u0120\": 269";
    assert_ok(mini_read((Mini){.rest = GPT2 "true}"}, &prefixing));
    assert_ids(prefixing, STR("a"), "233 77");
    assert_ids(prefixing, STR(" a"), "233 77");
    assert_ids(prefixing, STR("a<|sep|>a"), "233 77 4 233 77");
    assert_ok(mini_read(
        (Mini){.rest = GPT2 "false, \"use_regex\": false}", .more_vocab = more, .merges = "\"b \u0120\""}, &whole));
    assert_ids(whole, STR("b a"), "269 77");
}

static void added_tokens_are_leftmost_and_longest(void **state)
{
    (void)state;
    CLEANUP(tokenizer_freep) Tokenizer *tokenizer = NULL;
    const char *added =
        "{\"id\": 300, \"content\": \"bc\"}, {\"id\": 301, \"content\": \"bcde\"}, {\"id\": 302, \"content\": \"cdef\"},"
        "{\"id\": 303, \"content\": \"\\n\\n\"}, {\"id\": 304, \"content\": \"fi\\u0301\"}, {\"id\": 305, \"content\": \"bcde\"}";
    const char *rest =
        "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFKC\"}]}," GPT2 "false}";
    assert_ok(mini_read((Mini){.added = added, .rest = rest}, &tokenizer));
    assert_ids(tokenizer, STR("abcx"), "77 300 100");
    assert_ids(tokenizer, STR("bcdef"), "301 82");
    assert_ids(tokenizer, STR("bcdx"), "300 80 100");
    assert_ids(tokenizer, STR("cdef"), "302");
    assert_ids(tokenizer, STR("cde"), "79 80 81");
    assert_ids(tokenizer, STR("b"), "78");
    assert_ids(tokenizer, STR("\n\n\n"), "303 211");
    assert_ids(tokenizer, STR("xbc"), "100 300");
    assert_ids(tokenizer, STR("\uFB01\u0301"), "304"); /* the ligature and an accent become what the token became */
    assert_ids(tokenizer, STR("\uFF1C|sep|>"),
               "40 104 95 81 92 104 42"); /* a special token is not found in what was normalized */
}

static void words_end_where_the_expression_says(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words; /* joined by '|' */
    } cases[] = {
        {"Hello world", "Hello| world"},
        {"don't you'LL we've", "don|'t| you|'|LL| we|'ve"},
        {"it's 's ''s", "it|'s| '|s| ''|s"},
        {"a1b22", "a|1|b|22"},
        {"x  y   z", "x| | y|  | z"},
        {"a\n\nb\n", "a|\n|\n|b|\n"},
        {"a \n", "a| \n"},
        {"\tb c", "\t|b| c"},
        {"$5.00, (ok)", "$|5|.|00|,| (|ok|)"},
        {"\u00e9t\u00e9 \u0663\u00bd\u2167", "\u00e9t\u00e9| \u0663\u00bd\u2167"},
        {"a\u00a0\u00a0b", "a|\u00a0|\u00a0|b"},
        {"a\xC2\x85"
         "b\u200bc",
         "a|\xC2\x85|b|\u200b|c"},
        {"e\u0301x", "e|\u0301|x"},
        {" ", " "},
        {"'", "'"},
        {"'r", "'|r"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(buffer_done) Buffer words = {0};
        Str text = str_of(cases[i].text);
        for (size_t at = 0, end; at < text.len; at = end) {
            end = word_end(text, at);
            assert_true(end > at && end <= text.len);
            assert_ok(buffer_append_format(&words, "%s" STR_FMT, at > 0 ? "|" : "", STR_ARG(str_slice(text, at, end))));
        }
        assert_str(buffer_str(&words), cases[i].words);
    }
}

/* The definition, without any cleverness. */
static void merge_plainly(const MergeTable *table, uint32_t *symbols, size_t *count)
{
    for (;;) {
        const Merge *best = NULL;
        size_t at = 0;
        for (size_t i = 0; i + 1 < *count; i++) {
            const Merge *merge = merge_table_find(table, symbols[i], symbols[i + 1]);
            if (merge && (!best || merge->rank < best->rank)) {
                best = merge;
                at = i;
            }
        }
        if (!best)
            return;
        symbols[at] = best->id;
        memmove(symbols + at + 1, symbols + at + 2, (*count - at - 2) * sizeof *symbols);
        --*count;
    }
}

static void both_ways_of_merging_agree_with_the_definition(void **state)
{
    (void)state;
    enum { LETTERS = 4, MERGES = 60, WORDS = 400, LONGEST = 120 };
    Random random;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    MergeTable table;
    MergeScratch scratch = {0};
    random_init_seed(&random, 7);
    assert_ok(merge_table_init(&table, MERGES, arena));
    for (uint32_t i = 0; i < MERGES; i++) { /* each of letters or of what earlier ones made */
        uint32_t known = LETTERS + i;
        Merge merge = {(uint32_t)random_below(&random, known), (uint32_t)random_below(&random, known), i, LETTERS + i};
        if (!merge_table_find(&table, merge.left, merge.right))
            merge_table_add(&table, merge);
    }
    for (size_t word = 0; word < WORDS; word++) {
        uint32_t symbols[LONGEST], expected[LONGEST];
        size_t count = 1 + (size_t)random_below(&random, LONGEST), expected_count = count;
        for (size_t i = 0; i < count; i++)
            symbols[i] = expected[i] = (uint32_t)random_below(&random, LETTERS);
        merge_plainly(&table, expected, &expected_count);
        assert_ok(merge_word(&table, &scratch, symbols, &count));
        assert_int_equal(count, expected_count);
        assert_memory_equal(symbols, expected, count * sizeof *symbols);
    }
    merge_scratch_done(&scratch);
}

static void what_is_not_known_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        Mini mini;
        ErrorCode code;
        const char *says;
    } cases[] = {
        {{.rest = "\"normalizer\": {\"type\": \"Lowercase\"}, " GPT2 "false}"},
         ERR_UNSUPPORTED,
         "normalizer 'Lowercase'"},
        {{.rest = "\"pre_tokenizer\": {\"type\": \"Metaspace\"}"}, ERR_UNSUPPORTED, "pre_tokenizer 'Metaspace'"},
        {{.rest = "\"pre_tokenizer\": null"}, ERR_UNSUPPORTED, "pre_tokenizer 'null'"},
        {{.rest = "\"post_processor\": {\"type\": \"BertProcessing\"}, " GPT2 "false}"},
         ERR_UNSUPPORTED,
         "'BertProcessing'"},
        {{.rest = "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {}}]}, " GPT2
                  "false}"},
         ERR_UNSUPPORTED,
         "with special tokens"},
        {{.merges = "\"a\""}, ERR_CORRUPT, "merge 0 is neither"},
        {{.merges = "[\"a\", 1]"}, ERR_CORRUPT, "merge 0 is neither"},
        {{.merges = "\"a b\""}, ERR_CORRUPT, "merge 0, 'a' and 'b'"},
        {{.more_vocab = ", \"ab\": -1"}, ERR_CORRUPT, "the id of token 'ab'"},
        {{.more_vocab = ", \"ab\": 4294967295"}, ERR_CORRUPT, "the id of token 'ab'"},
        {{.more_vocab = "}, \"ignore_merges\": true, \"x\": {"}, ERR_UNSUPPORTED, "'ignore_merges'"},
        {{.more_vocab = "}, \"dropout\": 0.5, \"x\": {"}, ERR_UNSUPPORTED, "'dropout'"},
        {{.added = "{\"id\": 5, \"content\": \"a\"}"}, ERR_CORRUPT, "added token 'a' has the id 5"},
        {{.added = "{\"id\": 5}"}, ERR_CORRUPT, "added token 0 has no 'content'"},
        {{.added = "{\"id\": 300, \"content\": \"<m>\", \"lstrip\": true}"}, ERR_UNSUPPORTED, "'<m>' with 'lstrip'"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        Tokenizer *tokenizer = NULL;
        assert_fails_saying(mini_read(cases[i].mini, &tokenizer), cases[i].code, cases[i].says);
        assert_null(tokenizer);
    }
}

static void what_is_no_tokenizer_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *says;
        ErrorCode code;
    } cases[] = {
        {"", "not valid JSON", ERR_CORRUPT},
        {"{\"a\": 1}", "no member 'model'", ERR_CORRUPT},
        {"{\"model\": []}", "no member 'model'", ERR_CORRUPT},
        {"{\"model\": {}}", "'vocab' is no object", ERR_CORRUPT},
        {"{\"model\": {\"type\": \"WordPiece\", \"vocab\": {}}}", "model 'WordPiece' is not known", ERR_UNSUPPORTED},
        {"{\"model\": {\"vocab\": {}}}", "'merges' is no array", ERR_CORRUPT},
        {"{\"model\": {\"unk_token\": \"u\", \"vocab\": {}}}", "'unk_token'", ERR_UNSUPPORTED},
        {"{\"model\": {\"vocab\": {\"\\ud800\": 1}}}", "half a surrogate pair", ERR_CORRUPT},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        Tokenizer *tokenizer = NULL;
        assert_fails_saying(tokenizer_read(str_bytes(str_of(cases[i].json)), &tokenizer), cases[i].code, cases[i].says);
    }
}

static void bytes_without_a_token_are_left_out(void **state)
{
    (void)state;
    CLEANUP(tokenizer_freep) Tokenizer *tokenizer = NULL;
    Str json = STR(
        "{\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false}, \"model\": {\"vocab\": {\"a\": 5, \"b\": 6,"
        " \"ab\": 7}, \"merges\": [\"a b\"]}}");
    assert_ok(tokenizer_read(str_bytes(json), &tokenizer));
    assert_ids(tokenizer, STR("x"), "");
    assert_ids(tokenizer, STR("b xaxb"), "6 7");
}

static void texts_that_cannot_be_encoded(void **state)
{
    (void)state;
    CLEANUP(tokenizer_freep) Tokenizer *tokenizer = NULL;
    size_t count, length = (size_t)TOKENIZER_WORD_BYTES_MAX + 1;
    char *word = malloc(length);
    assert_non_null(word);
    memset(word, 'a', length);
    assert_ok(
        mini_read((Mini){.more_vocab = ", \"aa\": 269, \"aaaa\": 270", .merges = "\"a a\", \"aa aa\""}, &tokenizer));
    assert_fails(tokenizer_count(tokenizer, STR("a\xFF"), &count), ERR_INVALID);
    assert_fails(tokenizer_count(tokenizer, str_from(word, length), &count), ERR_LIMIT);
    assert_ok(tokenizer_count(tokenizer, str_from(word, 100001), &count));
    assert_int_equal(count, 25001);
    free(word);
}

typedef struct Counting {
    Tokenizer *tokenizer;
    unsigned mistakes;
} Counting;

static void count_often(void *context)
{
    Counting *counting = context;
    for (unsigned i = 0; i < 2000; i++) {
        char text[64];
        size_t count = 0, expected = 7U + (i > 9) + (i > 99) + (i > 999);
        int length = snprintf(text, sizeof text, "abab %u bc", i);
        Error *error = tokenizer_count(counting->tokenizer, str_from(text, (size_t)length), &count);
        counting->mistakes += error || count != expected;
        error_free(error);
    }
}

static void threads_share_one(void **state)
{
    (void)state;
    CLEANUP(tokenizer_freep) Tokenizer *tokenizer = NULL;
    Thread threads[4];
    Counting counting[ARRAY_COUNT(threads)];
    assert_ok(mini_read((Mini){.more_vocab = ", \"ab\": 269", .merges = "\"a b\""}, &tokenizer));
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) {
        counting[i] = (Counting){.tokenizer = tokenizer};
        assert_ok(thread_start(&threads[i], "count", count_often, &counting[i]));
    }
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        thread_join(&threads[i]);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        assert_int_equal(counting[i].mistakes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_have_the_ids_of_the_specification),
        cmocka_unit_test(merges_go_by_rank),
        cmocka_unit_test(prefix_space_and_whole_texts),
        cmocka_unit_test(added_tokens_are_leftmost_and_longest),
        cmocka_unit_test(words_end_where_the_expression_says),
        cmocka_unit_test(both_ways_of_merging_agree_with_the_definition),
        cmocka_unit_test(what_is_not_known_is_refused_by_name),
        cmocka_unit_test(what_is_no_tokenizer_is_refused),
        cmocka_unit_test(bytes_without_a_token_are_left_out),
        cmocka_unit_test(texts_that_cannot_be_encoded),
        cmocka_unit_test(threads_share_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
