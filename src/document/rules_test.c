#include "document/rules.h"

#include "base/testing.h"

typedef struct TextCase {
    const char *text;
    bool expected;
} TextCase;

static void assert_rule(const char *name, bool rule(Str), const TextCase *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rule(str_of(cases[i].text)) != cases[i].expected)
            print_error("%s('%s') is not %d\n", name, cases[i].text, cases[i].expected);
        assert_int_equal(rule(str_of(cases[i].text)), cases[i].expected);
    }
}
#define ASSERT_RULE(rule, cases) assert_rule(#rule, rule, cases, ARRAY_COUNT(cases))

static void bullets(void **state)
{
    (void)state;
    static const TextCase cases[] = {
        {"- item", true},         {"  • item", true}, {"•item", true},  {"*", true},          {"\xC2\xB7 x", true},
        {"\xEF\x82\xB7 x", true}, {"-- no", false},   {"•• no", false}, {"text - no", false}, {"", false},
        {"   ", false},           {"\xFF", false},
    };
    ASSERT_RULE(text_is_bulleted, cases);
    assert_str(text_without_bullet(STR("  •  item ")), "item");
    assert_str(text_without_bullet(STR(" -- x")), " -- x");
    assert_str(text_without_bullet(STR("-")), "");
}

static void numbered_items(void **state)
{
    (void)state;
    static const TextCase cases[] = {
        {"1. one", true}, {" 12) twelve", true}, {"\xD9\xA3. x", true}, {"1.", false}, {"1. ", false},
        {"1.5 m", false}, {"a. x", false},       {"1 x", false},        {"", false},
    };
    ASSERT_RULE(text_is_numbered, cases);
}

static void addresses(void **state)
{
    (void)state;
    static const TextCase mail[] = {
        {"ann@example.org", true},
        {" a.b+c_d-e@x.y.co and more", true},
        {"Ann@example.org", false},
        {"a@b", false},
        {"a@.b", false},
        {"a@b.", false},
        {"@b.c", false},
        {"a b@c.d", false},
        {"", false},
    };
    static const TextCase zip[] = {
        {"Doylestown, PA 18901", true},
        {"DOYLESTOWN, PENNSYLVANIA, 18901-1234", true},
        {"new york, NY 10001 etc", true},
        {"new york, NY10001 etc", false},
        {"Doylestown, PA 18901one", false},
        {"Doylestown, PA 18901_", false},
        {"Doylestown, PA 18901\xc2\xb2", false}, /* a superscript two */
        {"Doylestown, PA 189012", false},
        {"Doylestown, PA 18901.", true},
        {"Doylestown, PA 18901-1234x", true},
        {"Doylestown, PA\xc2\xa0"
         "18901",
         true},
        {"Doylestown, PA,\t18901", false},
        {"Cheyenne, WY}82001", true},
        {"Cheyenne, WY82001", false},
        {"Doylestown, PA\xc3\xa9"
         "18901",
         false},
        {"St. Louis,MO 63101", true},
        {"San Luis Obispo County Seat, CA 93401", true},
        {"One Two Three Four Five Six, CA 93401", false},
        {"Mobile, AL 36601", false},
        {"Mobile, {AL 36601", true},
        {"Doylestown, PA 1890", false},
        {"Doylestown PA 18901", false},
        {"1st, PA 18901", false},
        {", PA 18901", false},
        {"", false},
        {"Paris,", false},
        {"A, PA 18901", false},
    };
    ASSERT_RULE(text_is_email_address, mail);
    ASSERT_RULE(text_is_us_city_state_zip, zip);
}

static void narrative(void **state)
{
    (void)state;
    static const TextCase cases[] = {
        {"The dog runs through the wood.", true},
        {"He said it was cold. Nobody there had asked him.", true},
        {"A wooden table of great age", false},
        {"THIS IS SHOUTED AND IS SHORT", false},
        {"Some Words Are Titles Here", false},
        {"12345", false},
        {"", false},
        {"$ 1,234 (5,678) it is", false},
    };
    ASSERT_RULE(text_is_possible_narrative, cases);
}

static void titles(void **state)
{
    (void)state;
    static const TextCase cases[] = {
        {"A Wooden Table", true},
        {"ITEM 1. BUSINESS", true},
        {"LOUD!", false},
        {"quiet!", true},
        {"ends with a comma,", false},
        {"one two three four five six seven eight nine ten eleven twelve", true},
        {"one two three four five six seven eight nine ten eleven twelve thirteen", false},
        {"2026", false},
        {"", false},
        {"--- 1 --- a", false},
        {"This one sentence is long. This other sentence is too.", false},
    };
    ASSERT_RULE(text_is_possible_title, cases);
}

static void verbs(void **state)
{
    (void)state;
    static const TextCase cases[] = {
        {"The dog runs.", true},
        {"RUN AWAY FROM THE FIRE, SHE SAID", true},
        {"a table of the house", false},
        {"", false},
        {"I can't", false},
        {"We cannot go", true},
        {"The city of London", false},
    };
    ASSERT_RULE(text_contains_verb, cases);
}

static void whole_texts_get_their_type(void **state)
{
    (void)state;
    static const struct {
        const char *text, *type, *rest;
    } cases[] = {
        {"• A bullet", "ListItem", "A bullet"},
        {"ann@example.org wrote", "EmailAddress", "ann@example.org wrote"},
        {"Doylestown, PA 18901", "Address", "Doylestown, PA 18901"},
        {"1. First of all", "ListItem", "1. First of all"},
        {"This is how it was done in the old days.", "NarrativeText", "This is how it was done in the old days."},
        {"Table of Contents", "Title", "Table of Contents"},
        {"$ 12,000 (1.5)", "UncategorizedText", "$ 12,000 (1.5)"},
        {"", "UncategorizedText", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        Str rest;
        assert_str(element_type_name(text_classify(str_of(cases[i].text), &rest)), cases[i].type);
        assert_str(rest, cases[i].rest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bullets),
        cmocka_unit_test(numbered_items),
        cmocka_unit_test(addresses),
        cmocka_unit_test(narrative),
        cmocka_unit_test(titles),
        cmocka_unit_test(verbs),
        cmocka_unit_test(whole_texts_get_their_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
