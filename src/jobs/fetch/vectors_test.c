/* The original's answers, as data: tests/mleko/. Called with that directory. */
#include "base/buffer.h"
#include "base/json.h"
#include "base/testing.h"
#include "jobs/fetch/fingerprint.h"
#include "jobs/fetch/fnmatch.h"
#include "jobs/fetch/python_text.h"

static const char *directory;

/* The list in a file; the test fails without it. */
static json_t *read_cases(const char *name, size_t at_least)
{
    CLEANUP(buffer_done) Buffer path = {0};
    assert_ok(buffer_append_format(&path, "%s/%s", directory, name));
    /* jansson's own reader: a pattern of the vectors holds a NUL. */
    json_t *cases = json_load_file(buffer_cstr(&path), JSON_ALLOW_NUL, NULL);
    assert_true(json_is_array(cases));
    assert_true(json_array_size(cases) >= at_least);
    return cases;
}

static Str text_of(const json_t *value)
{
    return str_from(json_string_value(value), json_string_length(value));
}

static void patterns(void **state)
{
    (void)state;
    CLEANUP(cleanup_json) json_t *cases = read_cases("fnmatch-cases.json", 78);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *row = json_array_get(cases, i);
        Str pattern = text_of(json_object_get(row, "pattern")), name = text_of(json_object_get(row, "name"));
        bool expected = json_is_true(json_object_get(row, "match"));
        CLEANUP(fnmatch_freep) Fnmatch *compiled = NULL;
        assert_ok(fnmatch_new(pattern, &compiled));
        if (fnmatch_matches(compiled, name) != expected)
            fail_msg("'" STR_FMT "' on '" STR_FMT "' should be %d", STR_ARG(pattern), STR_ARG(name), expected);
    }
}

static void fingerprints(void **state)
{
    (void)state;
    CLEANUP(cleanup_json) json_t *cases = read_cases("fingerprint-cases.json", 7);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *row = json_array_get(cases, i);
        char out[FINGERPRINT_BYTES];
        FingerprintOf of = {text_of(json_object_get(row, "bucket")), text_of(json_object_get(row, "prefix")),
                            text_of(json_object_get(row, "region"))};
        assert_ok(fingerprint(&of, out));
        assert_str(text_of(json_object_get(row, "fingerprint")), out);
    }
}

static void lists_as_text(void **state)
{
    (void)state;
    CLEANUP(cleanup_json) json_t *cases = read_cases("pattern-list-text-cases.json", 13);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *row = json_array_get(cases, i), *texts = json_object_get(row, "patterns");
        CLEANUP(buffer_done) Buffer out = {0};
        Str items[8];
        size_t count = json_array_size(texts);
        assert_true(count <= ARRAY_COUNT(items));
        for (size_t k = 0; k < count; k++)
            items[k] = text_of(json_array_get(texts, k));
        assert_ok(python_append_list(&out, (StrList){items, count}));
        assert_str(buffer_str(&out), json_string_value(json_object_get(row, "text")));
    }
}

static void more_lists(void **state)
{
    (void)state;
    const struct {
        Str text;
        const char *shown;
    } rows[] = {
        {STR("\xc2\xa0"), "['\\xa0']"},                    /* a space that is none */
        {STR("\xf0\x9f\x98\x80"), "['\xf0\x9f\x98\x80']"}, /* beyond the first plane */
        {STR("\xf3\xa0\x80\x81"), "['\\U000e0001']"},
        {STR("a\xff"), "['a\\udcff']"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        Str text = rows[i].text;
        assert_ok(python_append_list(&out, (StrList){&text, 1}));
        assert_str(buffer_str(&out), rows[i].shown);
    }
}

/* Many runs against a text that nearly matches: the time is that of the product of the lengths. */
static void a_pattern_of_many_runs(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer pattern = {0}, text = {0};
    CLEANUP(fnmatch_freep) Fnmatch *compiled = NULL;
    for (int i = 0; i < 100; i++)
        assert_ok(buffer_append_str(&pattern, STR("*a")));
    assert_ok(buffer_append_byte(&pattern, 'b'));
    for (int i = 0; i < 1000; i++)
        assert_ok(buffer_append_byte(&text, 'a'));
    assert_ok(fnmatch_new(buffer_str(&pattern), &compiled));
    assert_false(fnmatch_matches(compiled, buffer_str(&text)));
    assert_ok(buffer_append_byte(&text, 'b'));
    assert_true(fnmatch_matches(compiled, buffer_str(&text)));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),   cmocka_unit_test(fingerprints),           cmocka_unit_test(lists_as_text),
        cmocka_unit_test(more_lists), cmocka_unit_test(a_pattern_of_many_runs),
    };
    if (argc != 2)
        return 2;
    directory = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
