#include "base/json.h"

#include "document/element_json.h"
#include "document/testing.h"
#include "document/text/charset.h"

static void other_json_is_text(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"blank", " \n", ""},
        {"an empty array", "[]", ""},
        {"an empty object", "{}", "UncategorizedText {}\n"},
        {"keys are sorted", "{\"b\": [1, 2.50, true], \"a\": {\"ü\": null, \"e\": {}}}",
         "UncategorizedText {\n  \"a\": {\n    \"e\": {},\n    \"ü\": null\n  },\n  \"b\": [\n    1,\n    2.5,\n    true\n  ]\n}\n"},
        {"one for each object", "[{\"a\": 1}, {}]", "UncategorizedText {\n  \"a\": 1\n}\nUncategorizedText {}\n"},
        {"a mixed array is one", "[{}, 1]", "UncategorizedText [\n  {},\n  1\n]\n"},
        {"a string", "\"a\\u00e9\"", "UncategorizedText \"aé\"\n"},
        {"nearly an element", "[{\"type\": \"Title\", \"text\": 1}]",
         "UncategorizedText {\n  \"text\": 1,\n  \"type\": \"Title\"\n}\n"},
        {"metadata that is none", "[{\"type\": \"Title\", \"text\": \"a\", \"metadata\": []}]",
         "UncategorizedText {\n  \"metadata\": [],\n  \"text\": \"a\",\n  \"type\": \"Title\"\n}\n"},
    };
    assert_partitions(partition_json, "application/json", cases, ARRAY_COUNT(cases), (PartitionOptions){0});
    static const PartitionCase lines[] = {
        {"blank lines", "\n{}\n\n[]\r\n", "UncategorizedText {}\nUncategorizedText []\n"},
        {"elements", "{\"type\": \"Title\", \"text\": \"a\"}\n{\"type\": \"ListItem\", \"text\": \"b\"}",
         "Title a\nListItem b\n"},
        {"not all are elements", "{\"type\": \"Title\", \"text\": \"a\"}\n1",
         "UncategorizedText {\n  \"text\": \"a\",\n  \"type\": \"Title\"\n}\nUncategorizedText 1\n"},
    };
    assert_partitions(partition_json, "application/x-ndjson", lines, ARRAY_COUNT(lines), (PartitionOptions){0});
}

static void names_of_other_tools(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"aliases",
         "[{\"type\": \"Section-header\", \"text\": \"a\"}, {\"type\": \"Footnote\", \"text\": \"b\"},"
         "{\"type\": \"CheckBox\", \"checked\": true, \"metadata\": null}]",
         "Title a\nFooter b\nCheckBox \n"}};
    assert_partitions(partition_json, "application/json", cases, 1, (PartitionOptions){0});
}

/* What elements_write_json wrote comes back the same, but for what is said of the file. */
static void assert_metadata(const char *metadata, const char *expected)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(buffer_done) Buffer json = {0};
    CLEANUP(buffer_done) Buffer got = {0};
    Elements elements = {.arena = arena};
    PartitionOptions options = {0};
    assert_ok(buffer_append_format(&json, "[{\"type\": \"Title\", \"text\": \"a\", \"metadata\": %s}]", metadata));
    assert_ok(partition_json(buffer_bytes(&json), STR("application/json"), &options, NULL, &elements));
    DocumentInfo info = {.filename = STR("f.json")};
    assert_ok(elements_finish(&elements, &info));
    assert_ok(element_metadata_json(&elements, 0, &info, NULL, &got));
    print_message("%s\n", metadata);
    assert_str(buffer_str(&got), expected);
}

static void metadata(void **state)
{
    (void)state;
    static const struct {
        const char *input, *expected;
    } cases[] = {
        {"{}", "{\"filename\": \"f.json\"}"},
        {"{\"filename\": \"a.pdf\", \"filetype\": \"x\", \"last_modified\": \"y\", \"url\": null, \"data_source\": {}}",
         "{\"filename\": \"f.json\"}"},
        {"{\"category_depth\": 1, \"page_number\": 2, \"languages\": [\"deu\"], \"page_name\": \"s\"}",
         "{\"category_depth\": 1, \"filename\": \"f.json\", \"page_name\": \"s\", \"page_number\": 2, \"languages\": [\"deu\"]}"},
        {"{\"category_depth\": \"x\", \"page_number\": -1}",
         "{\"filename\": \"f.json\", \"category_depth\": \"x\", \"page_number\": -1}"},
        {"{\"link_texts\": [\"a\"], \"link_urls\": [\"u\"], \"link_start_indexes\": [-1]}",
         "{\"filename\": \"f.json\", \"link_texts\": [\"a\"], \"link_urls\": [\"u\"], \"link_start_indexes\": [-1]}"},
        {"{\"link_texts\": [\"a\", \"b\"], \"link_urls\": [\"u\"]}",
         "{\"filename\": \"f.json\", \"link_texts\": [\"a\", \"b\"], \"link_urls\": [\"u\"]}"},
        {"{\"detection_class_prob\": 0.8759310245513916, \"key_value_pairs\": [{\"b\": 1, \"a\": {}}]}",
         "{\"filename\": \"f.json\", \"detection_class_prob\": 0.8759310245513916, \"key_value_pairs\": [{\"b\": 1, \"a\": {}}]}"},
        {"{\"header_footer_type\": \"even_page\", \"text_as_html\": \"<b>\"}",
         "{\"filename\": \"f.json\", \"text_as_html\": \"<b>\", \"header_footer_type\": \"even_page\"}"},
        {"{\"coordinates\": {\"points\": [[1, 2], [1, 4], [3.5, 4], [3.5, 2]], \"system\": \"PixelSpace\", \"layout_width\": 9, "
         "\"layout_height\": 8}}",
         "{\"coordinates\": {\"points\": [[1.0, 2.0], [1.0, 4.0], [3.5, 4.0], [3.5, 2.0]], \"system\": \"PixelSpace\", "
         "\"layout_width\": 9.0, \"layout_height\": 8.0}, \"filename\": \"f.json\"}"},
        {"{\"coordinates\": {\"points\": [], \"system\": \"PointSpace\"}}",
         "{\"filename\": \"f.json\", \"coordinates\": {\"points\": [], \"system\": \"PointSpace\"}}"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_metadata(cases[i].input, cases[i].expected);
}

static void parents_are_found_by_the_ids_of_the_file(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    PartitionOptions options = {0};
    Str json =
        STR("[{\"type\": \"Title\", \"text\": \"a\", \"element_id\": \"x\"}, {\"type\": \"Title\", \"text\": \"b\"},"
            "{\"type\": \"Table\", \"text\": \"c\", \"metadata\": {\"parent_id\": \"x\"}},"
            "{\"type\": \"Table\", \"text\": \"d\", \"metadata\": {\"parent_id\": \"unknown\"}}]");
    assert_ok(partition_json(str_bytes(json), STR("application/json"), &options, NULL, &elements));
    assert_ok(elements_finish(&elements, &(DocumentInfo){0}));
    assert_int_equal(elements.items[2].parent, 1);
    assert_int_equal(elements.items[3].parent, 2); /* the nearest title, as of any element */
}

static void bad_input(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer deep = {0};
    for (int i = 0; i < 100; i++)
        assert_ok(buffer_append_byte(&deep, '['));
    for (int i = 0; i < 100; i++)
        assert_ok(buffer_append_byte(&deep, ']'));
    const struct {
        Str input;
        const char *filetype;
        ErrorCode code;
        size_t elements;
        const char *message;
    } cases[] = {
        {STR("{\"a\": NaN}"), "application/json", ERR_CORRUPT, 0, "json: not valid JSON: line 1"},
        {STR("[{}"), "application/json", ERR_CORRUPT, 0, "json: not valid JSON"},
        {STR("{\"a\": 1}\n{\"b\"\n"), "application/x-ndjson", ERR_CORRUPT, 1, "ndjson: line 2: not valid JSON"},
        {buffer_str(&deep), "application/json", ERR_LIMIT, 0, "json: values are nested more than 60 deep"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        PartitionOptions options = {0};
        assert_fails_saying(
            partition_json(str_bytes(cases[i].input), str_of(cases[i].filetype), &options, NULL, &elements),
            cases[i].code, cases[i].message);
        assert_int_equal(elements.count, cases[i].elements);
    }
}

static int set_up(void **state)
{
    (void)state;
    assert_ok(charset_warm_up());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_json_is_text), cmocka_unit_test(names_of_other_tools),
        cmocka_unit_test(metadata),           cmocka_unit_test(parents_are_found_by_the_ids_of_the_file),
        cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
