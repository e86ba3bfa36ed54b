#include "jobs/manifest/data_manifest.h"

#include "base/testing.h"

#define ARENA_BYTES ((size_t)1 * MIB)
#define HEAD "\"mft_version\": \"v4.5.0\", \"mft_generation_date\": \"2024-04-05 18:53:20\", "
#define TITLE(name, date) "{\"media_title\": \"" name "\", \"last_modification_date\": \"" date "\"}"
#define MANIFEST(titles) "{" HEAD "\"media_list\": [" titles "]}"

static const char whole[] =
    "{"
    "\"mft_version\": \"v4.5.0\","
    "\"mft_generation_date\": \"2026-04-23T10:00:00Z\","
    "\"mft_s3_path\": \"s3://12-canonical-final/canonical_v4-5-0.json\","
    "\"previous_mft_s3_path\": null,"
    "\"model_id\": \"\", \"notes\": \"caf\\u00e9\","
    "\"media_list\": [{"
    "  \"media_title\": \"BDC\", \"data_provider\": \"BNL\", \"source_type\": \"newspaper\","
    "  \"last_modification_date\": \"2024-01-24 23:06:54\","
    "  \"update_type\": null, \"update_level\": \"title\", \"updated_years\": [],"
    "  \"media_statistics\": [{\"element\": \"BDC\", \"nps_stats\": {\"issues\": 23}}]},"
    " " TITLE("GDL", "2024-03-13 21:27:00") "],"
                                            "\"overall_statistics\": [{\"media_title\": \"not one\"}]}";

static void test_whole(void **state)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(ARENA_BYTES);
    DataManifest manifest;
    char version[MANIFEST_VERSION_BYTES];
    (void)state;
    assert_ok(data_manifest_parse(str_of(whole), arena, &manifest));
    assert_str(manifest_version_text(&manifest.version, version), "v4.5.0");
    assert_int_equal(manifest.generated_us, 1776938400000000);
    assert_str(manifest.s3_path, "s3://12-canonical-final/canonical_v4-5-0.json");
    assert_str(manifest.previous_s3_path, "");
    assert_int_equal(manifest.title_count, 2);
    const ManifestTitle *titles = manifest.titles;
    assert_str(titles[0].media_title, "BDC");
    assert_str(titles[0].data_provider, "BNL");
    assert_str(titles[0].update_type, "");
    assert_str(titles[0].update_level, "title");
    assert_int_equal(titles[0].modified_us, 1706137614000000);
    assert_str(titles[1].media_title, "GDL");
    assert_str(titles[1].data_provider, "");
}

/* Every cut of a manifest is refused, and what is read does not depend on what there was before. */
static void test_cut_short(void **state)
{
    (void)state;
    for (size_t len = 0; len + 1 < sizeof whole - 1; len++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(ARENA_BYTES);
        DataManifest manifest;
        assert_fails(data_manifest_parse(str_from(whole, len), arena, &manifest), ERR_CORRUPT);
    }
}

static void test_bad(void **state)
{
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"", "Expecting value"},
        {"[]", "it is no object"},
        {"{}", "there is no member 'mft_version'"},
        {"{\"entries\": []}", "there is no member 'mft_version'"},
        {"{\"mft_version\": \"v1.0.0\", \"media_list\": []}", "there is no member 'mft_generation_date'"},
        {"{" HEAD "\"x\": 1}", "there is no member 'media_list'"},
        {"{" HEAD "\"media_list\": {}}", "'media_list' is no list"},
        {"{" HEAD "\"media_list\": null}", "'media_list' is no list"},
        {MANIFEST("1"), "title 1 of 'media_list' is no object"},
        {MANIFEST(TITLE("A", "2024-01-01 00:00:00") ", {}"),
         "title 2 of 'media_list' (''): there is no member 'media_title'"},
        {MANIFEST(TITLE("", "2024-01-01 00:00:00")), "'media_title' is empty"},
        {MANIFEST("{\"media_title\": null, \"last_modification_date\": \"2024-01-01 00:00:00\"}"),
         "'media_title' is empty"},
        {MANIFEST("{\"media_title\": 5}"), "'media_title': it is no text"},
        {MANIFEST("{\"media_title\": \"a\\u0000b\"}"), "'media_title': it is no text"},
        {MANIFEST("{\"media_title\": \"\\udc80\"}"), "'media_title': it is no text"},
        {MANIFEST("{\"media_title\": \"A\"}"), "('A'): there is no member 'last_modification_date'"},
        {MANIFEST("{\"media_title\": \"A\", \"last_modification_date\": null}"),
         "title 1 of 'media_list' ('A'): 'last_modification_date': it is no text"},
        {MANIFEST(TITLE("A", "2024-13-01 00:00:00")), "'2024-13-01 00:00:00' has none of the forms of a date"},
        {MANIFEST(TITLE("A", "")), "'' has none of the forms of a date"},
        {"{\"mft_version\": \"4.5\", \"mft_generation_date\": \"2024-04-05 18:53:20\", \"media_list\": []}",
         "'mft_version' is '4.5', which is not like 'v1.2.3'"},
        {"{\"mft_version\": \"v1.0.0\", \"mft_generation_date\": \"yesterday\", \"media_list\": []}",
         "'mft_generation_date': 'yesterday' has none of the forms of a date"},
        {MANIFEST("") " x", "Extra data"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(ARENA_BYTES);
        DataManifest manifest;
        assert_fails_saying(data_manifest_parse(str_of(cases[i].json), arena, &manifest), ERR_CORRUPT, cases[i].says);
    }
}

static void test_repeated_members(void **state)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(ARENA_BYTES);
    DataManifest manifest;
    (void)state;
    assert_ok(
        data_manifest_parse(str_of("{" HEAD "\"media_list\": [" TITLE(
                                "A", "2024-01-01 00:00:00") "], "
                                                            "\"media_list\": [" TITLE("B", "2024-01-02 00:00:00") "]}"),
                            arena, &manifest));
    assert_int_equal(manifest.title_count, 1);
    assert_str(manifest.titles[0].media_title, "B");
}

static void test_limit(void **state)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(64);
    DataManifest manifest;
    (void)state;
    assert_fails(data_manifest_parse(str_of(whole), arena, &manifest), ERR_LIMIT);
}

static void test_changes(void **state)
{
    static const struct {
        const char *name, *now, *before, *changed;
    } cases[] = {
        {"nothing at all", MANIFEST(""), MANIFEST(""), ""},
        {"all are new", MANIFEST(TITLE("B", "2024-01-01 00:00:00") "," TITLE("A", "2024-01-01 00:00:00")), MANIFEST(""),
         "B A "},
        {"equal, in both forms", MANIFEST(TITLE("A", "2024-01-01T00:00:00Z")),
         MANIFEST(TITLE("A", "2024-01-01 00:00:00")), ""},
        {"later, in both forms", MANIFEST(TITLE("A", "2024-01-01T00:00:01Z")),
         MANIFEST(TITLE("A", "2024-01-01 00:00:00")), "A "},
        {"earlier", MANIFEST(TITLE("A", "2023-01-01 00:00:00")), MANIFEST(TITLE("A", "2024-01-01 00:00:00")), ""},
        {"gone", MANIFEST(""), MANIFEST(TITLE("A", "2024-01-01 00:00:00")), ""},
        {"names are whole", MANIFEST(TITLE("A", "2024-01-01 00:00:00")),
         MANIFEST(TITLE("AB", "2024-01-01 00:00:00") "," TITLE("a", "2024-01-01 00:00:00")), "A "},
        {"twice before: the last counts", MANIFEST(TITLE("A", "2024-01-02 00:00:00")),
         MANIFEST(TITLE("A", "2024-01-03 00:00:00") "," TITLE("B", "2024-01-01 00:00:00") "," TITLE(
             "A", "2024-01-01 00:00:00")),
         "A "},
        {"twice now: each counts",
         MANIFEST(TITLE("A", "2024-01-02 00:00:00") "," TITLE("A", "2024-01-01 00:00:00") "," TITLE(
             "C", "2024-01-01 00:00:00")),
         MANIFEST(TITLE("A", "2024-01-01 00:00:00")), "A C "},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(ARENA_BYTES);
        CLEANUP(buffer_done) Buffer names = {0};
        DataManifest now, before;
        const ManifestTitle **changed;
        size_t count;
        assert_ok(data_manifest_parse(str_of(cases[i].now), arena, &now));
        assert_ok(data_manifest_parse(str_of(cases[i].before), arena, &before));
        assert_ok(data_manifest_changes(&now, &before, arena, &changed, &count));
        for (size_t t = 0; t < count; t++)
            assert_ok(buffer_append_format(&names, STR_FMT " ", STR_ARG(changed[t]->media_title)));
        if (!str_equal(buffer_str(&names), str_of(cases[i].changed)))
            print_error("%s\n", cases[i].name);
        assert_str(buffer_str(&names), cases[i].changed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_cut_short),
                                       cmocka_unit_test(test_bad),   cmocka_unit_test(test_repeated_members),
                                       cmocka_unit_test(test_limit), cmocka_unit_test(test_changes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
