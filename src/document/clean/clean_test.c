#include "document/clean/clean.h"

#include <stdio.h>

#include "base/json.h"
#include "base/testing.h"
#include "document/clean/extract.h"
#include "document/clean/pattern.h"

/* ---- against the original: golden.json, made by scripts/make-clean-golden ---- */

static json_t *read_golden(void)
{
    CLEANUP(buffer_done) Buffer text = {0};
    json_t *golden = NULL;
    FILE *file = fopen(QUERN_CLEAN_GOLDEN, "re");
    assert_non_null(file);
    for (size_t got = 1; got > 0; buffer_grown(&text, got)) {
        assert_ok(buffer_reserve(&text, 64 * KIB));
        got = fread(text.data + text.len, 1, 64 * KIB, file);
    }
    fclose(file);
    assert_ok(json_read(buffer_bytes(&text), &golden));
    return golden;
}

static Str str_of_json(const json_t *value)
{
    assert_true(json_is_string(value));
    return str_from(json_string_value(value), json_string_length(value));
}

static bool same(const char *name, Str input, Str actual, Str expected)
{
    if (!str_equal(actual, expected))
        print_error("%s '" STR_FMT "': '" STR_FMT "' is not '" STR_FMT "'\n", name, STR_ARG(input), STR_ARG(actual),
                    STR_ARG(expected));
    return str_equal(actual, expected);
}

static size_t count_wrong_cleaned(const char *name, const json_t *cases)
{
    CLEANUP(cleaners_freep) Cleaners *cleaners = NULL;
    CLEANUP(buffer_done) Buffer out = {0};
    size_t wrong = 0, i;
    const json_t *row;
    Str item = str_of(name);
    assert_ok(cleaners_new((StrList){&item, 1}, &cleaners));
    json_array_foreach(cases, i, row)
    {
        Str input = str_of_json(json_array_get(row, 0));
        assert_ok(cleaners_apply(cleaners, input, &out));
        wrong += !same(name, input, buffer_str(&out), str_of_json(json_array_get(row, 1)));
    }
    return wrong;
}

static void every_cleaner_does_as_the_original(void **state)
{
    (void)state;
    CLEANUP(cleanup_json) json_t *golden = read_golden();
    const char *name;
    json_t *cases;
    size_t wrong = 0, count = 0;
    json_object_foreach(json_object_get(golden, "cleaners"), name, cases)
    {
        wrong += count_wrong_cleaned(name, cases);
        count++;
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(count, 24);
}

static bool extracts(const char *what, Str input, const json_t *expected)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    StrList found;
    assert_ok(extract(str_of(what), input, arena, &found));
    bool right = found.count == json_array_size(expected);
    if (!right)
        print_error("%s '" STR_FMT "': %zu found, not %zu\n", what, STR_ARG(input), found.count,
                    json_array_size(expected));
    for (size_t i = 0; right && i < found.count; i++)
        right = same(what, input, found.items[i], str_of_json(json_array_get(expected, i)));
    return right;
}

static void every_extractor_does_as_the_original(void **state)
{
    (void)state;
    CLEANUP(cleanup_json) json_t *golden = read_golden();
    const char *what;
    json_t *cases, *row;
    size_t wrong = 0, count = 0, i;
    json_object_foreach(json_object_get(golden, "extractors"), what, cases)
    {
        json_array_foreach(cases, i, row) wrong +=
            !extracts(what, str_of_json(json_array_get(row, 0)), json_array_get(row, 1));
        count++;
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(count, 8);
}

/* A row: text, index of the match, the text before it trimmed at its end, the text behind it trimmed at its start. */
static size_t count_wrong_matches(const char *expression, const json_t *cases)
{
    CLEANUP(pattern_freep) Pattern *pattern = NULL;
    size_t wrong = 0, i;
    const json_t *row;
    assert_ok(pattern_new(str_of(expression), PATTERN_ANYWHERE, &pattern));
    json_array_foreach(cases, i, row)
    {
        PatternAround around;
        uint64_t index;
        Str text = str_of_json(json_array_get(row, 0));
        assert_true(str_to_u64(str_of_json(json_array_get(row, 1)), &index));
        assert_ok(pattern_around(pattern, text, index, &around));
        assert_true(around.found);
        wrong += !same(expression, text, around.before, str_of_json(json_array_get(row, 2)))
                 || !same(expression, text, around.after, str_of_json(json_array_get(row, 3)));
    }
    return wrong;
}

static void text_around_a_match_is_the_original_s(void **state)
{
    (void)state;
    CLEANUP(cleanup_json) json_t *golden = read_golden();
    const char *expression;
    json_t *cases;
    size_t wrong = 0, count = 0;
    json_object_foreach(json_object_get(golden, "around"), expression, cases)
    {
        wrong += count_wrong_matches(expression, cases);
        count++;
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(count, 5);
}

/* ---- what the golden file has not ---- */

typedef struct CleanCase {
    const char *list, *text, *expected;
} CleanCase;

static void clean_with(const char *list, Str text, Buffer *out)
{
    CLEANUP(cleaners_freep) Cleaners *cleaners = NULL;
    Str items[8], rest = str_of(list);
    size_t count = 0;
    while (*list && count < ARRAY_COUNT(items) && str_next_piece(&rest, ',', &items[count]))
        count++;
    assert_ok(cleaners_new((StrList){items, count}, &cleaners));
    assert_ok(cleaners_apply(cleaners, text, out));
}

static void cleaners_in_a_row(void **state)
{
    (void)state;
    static const CleanCase cases[] = {
        {"", " as it is ", " as it is "},
        {"bullets,lowercase", "\u2022 ONE", "one"},
        {"lowercase,trailing-punctuation,dashes,extra-whitespace,bullets", " \u25CF  An-Excellent  Point!:. ",
         "an excellent point!"},
        {"prefix=a,prefix=b", "abc", "c"},
        {"prefix=b,prefix=a", "abc", "bc"},
        {"prefix=a|b", "ba", "a"}, /* where the original takes both, its `^` binding the first alone */
        {"postfix=a|b", "acb", "ac"},
        {"prefix=(?i)\u00E9", "\u00C9a", "a"},
        {"prefix=\\x2c", ",a", "a"},
        {"sentence-punctuation=", "a.b", "ab"},
        {"sentence-punctuation=\\x2c\u2026", "a,b.\u2026", "a,b\u2026"},
        {"prefix=x,bullets", "", ""},
        {"non-ascii-chars", "\u00FC", ""},
        {"mime-encodings", "=E9t=E9", "=E9t=E9"}, /* no UTF-8: stays */
        {"bytes-string", "\u20AC", "\u20AC"},
        {"bullets", "-1.5", "-1.5"},
        {"extra-whitespace", "a\xFF \xFF", "a\xFF \xFF"}, /* no UTF-8 at all */
        {"lowercase,punctuation,dashes,unicode-quotes,ligatures", "A\xC3.\xE2\x80", "a\xC3\xE2\x80"},
        {"prefix=\\w", "\xC3(", "\xC3("},
    };
    CLEANUP(buffer_done) Buffer out = {0};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        clean_with(cases[i].list, str_of(cases[i].text), &out);
        assert_true(same(cases[i].list, str_of(cases[i].text), buffer_str(&out), str_of(cases[i].expected)));
    }
}

typedef struct BadCase {
    const char *item, *part;
} BadCase;

static void what_is_no_cleaner_is_said(void **state)
{
    (void)state;
    static const BadCase cases[] = {
        {"", "no cleaner has this name"},
        {"bullet", "'bullet': no cleaner has this name; there are auto-paragraphs, blank-lines,"},
        {"bullets=x", "bullets takes no argument"},
        {"prefix", "'prefix' needs an argument: prefix=PATTERN"},
        {"postfix=(a", "pattern '(a': missing closing parenthesis, at byte 2"},
        {"prefix=a)|(b", "unmatched closing parenthesis"},
        {"prefix=\\C", "\\C is disabled"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        Cleaners *cleaners = NULL;
        Str item = str_of(cases[i].item);
        assert_fails_saying(cleaners_new((StrList){&item, 1}, &cleaners), ERR_INVALID, cases[i].part);
        assert_null(cleaners);
    }
}

static void limits_hold(void **state)
{
    (void)state;
    static char large[PATTERN_BYTES_MAX + 1];
    Str many[CLEANERS_MAX + 1];
    Cleaners *cleaners = NULL;
    Pattern *pattern = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(many); i++)
        many[i] = STR("bullets");
    memset(large, 'a', sizeof large);
    assert_fails_saying(cleaners_new((StrList){many, ARRAY_COUNT(many)}, &cleaners), ERR_INVALID, "too many");
    assert_fails_saying(pattern_new(str_from(large, sizeof large), PATTERN_ANYWHERE, &pattern), ERR_INVALID,
                        "too long");
    assert_null(cleaners);

    CLEANUP(cleaners_freep) Cleaners *slow = NULL;
    CLEANUP(buffer_done) Buffer out = {0};
    Str item = STR("postfix=(a+)+[bc]");
    assert_ok(cleaners_new((StrList){&item, 1}, &slow));
    assert_fails_saying(cleaners_apply(slow, str_from(large, sizeof large), &out), ERR_LIMIT,
                        "postfix: the pattern cannot be matched");
}

static void only_texts_of_elements_change(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(cleaners_freep) Cleaners *cleaners = NULL;
    Elements elements = {.arena = arena};
    Element *element;
    Str item = STR("bullets");
    DocumentInfo info = {.filename = STR("a.txt")};
    assert_ok(elements_add(&elements, ELEMENT_LIST_ITEM, STR("\u2022 one"), &element));
    assert_ok(elements_add(&elements, ELEMENT_TITLE, STR("\u2022"), &element));
    assert_ok(elements_add(&elements, ELEMENT_PAGE_BREAK, STR(""), &element));
    assert_ok(elements_finish(&elements, &info));
    char id[ELEMENT_ID_BYTES];
    memcpy(id, elements.items[0].id, sizeof id);
    assert_ok(cleaners_new((StrList){&item, 1}, &cleaners));
    assert_ok(cleaners_apply_to_elements(cleaners, &elements));
    assert_int_equal(elements.count, 3);
    assert_str(elements.items[0].text, "one");
    assert_string_equal(elements.items[0].id, id);
    assert_int_equal(elements.items[0].type, ELEMENT_LIST_ITEM);
    assert_str(elements.items[1].text, "");
    assert_str(elements.items[2].text, "");
}

static void what_cannot_be_found_is_said(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(pattern_freep) Pattern *pattern = NULL;
    StrList found;
    PatternAround around;
    assert_fails_saying(extract(STR("email"), STR("a"), arena, &found), ERR_INVALID,
                        "'email': nothing of this name can be found in a text; there are email-address,");
    assert_ok(pattern_new(STR("b"), PATTERN_ANYWHERE, &pattern));
    assert_ok(pattern_around(pattern, STR("abab"), 2, &around));
    assert_false(around.found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cleaner_does_as_the_original),
        cmocka_unit_test(every_extractor_does_as_the_original),
        cmocka_unit_test(text_around_a_match_is_the_original_s),
        cmocka_unit_test(cleaners_in_a_row),
        cmocka_unit_test(what_is_no_cleaner_is_said),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(only_texts_of_elements_change),
        cmocka_unit_test(what_cannot_be_found_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
