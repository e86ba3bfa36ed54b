#include "sink/match.h"

#include "base/testing.h"

static void what_people_type_becomes_a_query(void **state)
{
    (void)state;
    static const struct {
        const char *text, *query;
    } rows[] = {
        {"", ""},
        {"  \t ", ""},
        {"...", ""},
        {"red", "(\"red\")"},
        {"red shoes", "(\"red\") AND (\"shoes\")"},
        {"\"red shoes\" sale", "(\"red shoes\") AND (\"sale\")"},
        {"red OR blue shoes", "(\"red\" OR \"blue\") AND (\"shoes\")"},
        {"OR red", "(\"red\")"},
        {"red OR", "(\"red\")"},
        {"red -blue", "(\"red\") NOT \"blue\""},
        {"red -\"dark blue\"", "(\"red\") NOT \"dark blue\""},
        {"a - b", "(\"a\") AND (\"b\")"},
        {"say \"hi", "(\"say\") AND (\"\"\"hi\")"},
        {"NEAR(a b) col:x*", "(\"NEAR(a\") AND (\"b)\") AND (\"col:x*\")"},
        {"stra\xc3\x9f"
         "e",
         "(\"stra\xc3\x9f"
         "e\")"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(buffer_done) Buffer query = {0};
        assert_ok(match_from_text(str_of(rows[i].text), MATCH_ALL, &query));
        assert_str(buffer_str(&query), rows[i].query);
    }
}

static void any_of_the_words_is_enough_when_asked(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer query = {0};
    assert_ok(match_from_text(STR("red shoes OR boots -blue"), MATCH_ANY, &query));
    assert_str(buffer_str(&query), "(\"red\" OR \"shoes\" OR \"boots\") NOT \"blue\"");
}

static void a_query_that_only_excludes_is_refused(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer query = {0};
    assert_fails_saying(match_from_text(STR("-red"), MATCH_ALL, &query), ERR_INVALID, "only excludes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_people_type_becomes_a_query),
        cmocka_unit_test(any_of_the_words_is_enough_when_asked),
        cmocka_unit_test(a_query_that_only_excludes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
