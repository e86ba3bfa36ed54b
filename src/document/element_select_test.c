#include "document/element_select.h"

#include "base/testing.h"

static Str one_field[] = {{"text", 4}}, page_number[] = {{"page_number", 11}};
static Str excluded[] = {
    {"filename", 8}, {"metadata.data_source.url", 24}, {"data_source.nothing.here", 24}, {"absent", 6}};

static const char element[] =
    "{\"type\": \"UncategorizedText\", \"element_id\": \"ab\", \"text\": \"x\", \"metadata\": {\"page_number\": 2, "
    "\"filename\": \"a.txt\", \"score\": 0.5, \"languages\": [\"eng\"], \"data_source\": {\"url\": \"s3://b/k\", "
    "\"record_locator\": {\"protocol\": \"s3\"}}}}";

static const struct {
    const char *name;
    ElementSelection selection;
    const char *expected;
} cases[] = {
    {"one field", {.fields = {one_field, 1}}, "{\"text\":\"x\"}"},
    {"the first version's form",
     {.seed = true},
     "{\"text\":\"x\",\"type\":\"Uncategorized\",\"metadata\":{\"page_number\":2}}"},
    {"metadata to have",
     {.metadata_include = {page_number, 1}},
     "{\"type\":\"UncategorizedText\",\"element_id\":\"ab\",\"text\":\"x\",\"metadata\":{\"page_number\":2}}"},
    {"metadata not to have, some deeper down, some not there",
     {.metadata_exclude = {excluded, 4}},
     "{\"type\":\"UncategorizedText\",\"element_id\":\"ab\",\"text\":\"x\",\"metadata\":{\"page_number\":2,\"score\":0.5,"
     "\"languages\":[\"eng\"],\"data_source\":{\"record_locator\":{\"protocol\":\"s3\"}}}}"},
    {"flat",
     {.flatten = true, .metadata_exclude = {excluded, 1}},
     "{\"type\":\"UncategorizedText\",\"element_id\":\"ab\",\"text\":\"x\",\"page_number\":2,\"score\":0.5,\"languages\":["
     "\"eng\"],\"data_source_url\":\"s3://b/k\",\"data_source_record_locator\":{\"protocol\":\"s3\"}}"},
};

static void what_is_selected_is_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(cleanup_json) json_t *root = NULL;
        CLEANUP(buffer_done) Buffer out = {0};
        JsonWriter w;
        assert_true(element_selection_is_wanted(&cases[i].selection));
        assert_ok(json_read(str_bytes(str_of(element)), &root));
        json_begin(&w, &out, -1);
        element_put_selected(&w, root, &cases[i].selection);
        assert_ok(json_finish(&w));
        if (!str_equal(buffer_str(&out), str_of(cases[i].expected)))
            print_error("%s: got " STR_FMT "\n", cases[i].name, STR_ARG(buffer_str(&out)));
        assert_true(str_equal(buffer_str(&out), str_of(cases[i].expected)));
    }
}

static void nothing_selected_is_everything(void **state)
{
    (void)state;
    assert_false(element_selection_is_wanted(NULL));
    assert_false(element_selection_is_wanted(&(ElementSelection){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_selected_is_written),
        cmocka_unit_test(nothing_selected_is_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
