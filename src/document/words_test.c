#include "document/words.h"

#include "base/buffer.h"
#include "base/testing.h"
#include "document/tagger.h"

typedef struct SplitCase {
    const char *text, *expected; /* pieces with | between */
} SplitCase;

static void append_piece(Buffer *out, Str piece)
{
    if (out->len > 0)
        assert_ok(buffer_append_byte(out, '|'));
    assert_ok(buffer_append_str(out, piece));
}

static void sentences(void **state)
{
    (void)state;
    static const SplitCase cases[] = {
        {"One. Two? Three! Four", "One.|Two?|Three!|Four"},
        {"He said \"yes.\" Then he left.", "He said \"yes.\"|Then he left."},
        {"Mr. Smith met J. R. Jones in the U.S. in Feb. 1999.", "Mr. Smith met J. R. Jones in the U.S. in Feb. 1999."},
        {"Version 3.5 is out. It works.", "Version 3.5 is out.|It works."},
        {"Wait... what? (Yes...) Good... Bye.", "Wait... what?|(Yes...)|Good...|Bye."},
        {"Used of e.g. soap, oil etc. as well", "Used of e.g.|soap, oil etc.|as well"},
        {"See Fig. 3 of No. 5 by Lee et al. (2019)", "See Fig.|3 of No.|5 by Lee et al.|(2019)"},
        {"Items: 1. one 2.5. two-3. three", "Items: 1. one 2.5. two-3. three"},
        {"It was 1994. The end. Room 1.) b", "It was 1994.|The end.|Room 1.)|b"},
        {"a. The trustee", "a.|The trustee"},
        {"c. The trustee b. The other", "c. The trustee b. The other"},
        {"B. ANNUAL REPORT", "B.|ANNUAL REPORT"},
        {"A. Milne", "A. Milne"},
        {"By G.-B. Shaw", "By G.-B. Shaw"},
        {"Forty games.[55] The end.[8][9]", "Forty games.|[55] The end.|[8][9]"},
        {"\"Can you tell?\".", "\"Can you tell?|\"."},
        {"Read words.c and x.!y? ) No", "Read words.c and x.!y? )|No"},
        {"Called “rockers.” Like so", "Called “rockers.” Like so"},
        {"a.\u00a0The end. \"", "a.|The end. \""},
        {"", ""},
        {" \n ", ""},
        {".", "."},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        Str rest = str_of(cases[i].text), sentence;
        while (words_next_sentence(&rest, &sentence))
            append_piece(&out, sentence);
        assert_str(buffer_str(&out), cases[i].expected);
    }
}

static void words(void **state)
{
    (void)state;
    static const SplitCase cases[] = {
        {"The dog, it seems, can't run.", "The|dog|,|it|seems|,|ca|n't|run|."},
        {"\"Hello,\" she said -- 'no'.", "``|Hello|,|''|she|said|--|'no|'|."},
        {"It costs $1,234.50 (50%) at 10:30.", "It|costs|$|1,234.50|(|50|%|)|at|10:30|."},
        {"I'll cannot we've John's dogs' U.S.", "I|'ll|can|not|we|'ve|John|'s|dogs|'|U.S|."},
        {"a...b e.g. x; y: z", "a|...|b|e.g.|x|;|y|:|z"},
        {"“quoted” ‘single’ don’t", "“|quoted|”|‘|single|’|don|’|t"},
        {"a@b.c #1 x&y", "a|@|b.c|#|1|x|&|y"},
        {"", ""},
        {"  ", ""},
        {"--- -", "--|-|-"},
        {"'r' li'l 'r5 'r_ 's I'm", "'|r|'|li|'|l|'r5|'r_|'s|I|'m"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        WordWalk walk = word_walk(str_of(cases[i].text));
        for (Str word; word_walk_next(&walk, &word);)
            append_piece(&out, word);
        if (!str_equal(buffer_str(&out), str_of(cases[i].expected)))
            print_error("'%s'\n", cases[i].text);
        assert_str(buffer_str(&out), cases[i].expected);
    }
}

static bool append_tag(void *context, Str word, Str label)
{
    append_piece(context, word);
    append_piece(context, label);
    return true;
}

static void tags(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer out = {0};
    tagger_tag(STR("Virtue is its own punishment."), TAGGER_AS_IT_STANDS, append_tag, &out);
    assert_str(buffer_str(&out), "Virtue|NNP|is|VBZ|its|PRP$|own|JJ|punishment|NN|.|.");
    buffer_clear(&out);
    tagger_tag(STR(""), TAGGER_AS_IT_STANDS, append_tag, &out);
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sentences), cmocka_unit_test(words), cmocka_unit_test(tags)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
