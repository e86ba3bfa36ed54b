#include "base/testing.h"
#include "jobs/manifest/manifest_name.h"

static void test_names(void **state)
{
    static const struct {
        const char *key, *partition, *stage, *version; /* `stage` NULL: it is no data manifest */
    } cases[] = {
        {"canonical_v4-5-0.json", "", "canonical", "v4.5.0"},
        {"langident/langident_v1-4-4/langident_v0-0-1.json", "langident/langident_v1-4-4", "langident", "v0.0.1"},
        {"solr-text-ingestion_v12-0-103.json", "", "solr-text-ingestion", "v12.0.103"},
        {"canonical-consolidated_v999999-0-0.json", "", "canonical-consolidated", "v999999.0.0"},
        {"a//rebuilt_v0-0-01.json", "a/", "rebuilt", "v0.0.1"},
        {"/passim_v0-0-1.json", "", "passim", "v0.0.1"},
        {"langident_v1-4-4__AGGREGATED.jsonl.gz", NULL, NULL, NULL},
        {"langident/langident_v1-4-4/ACI/ACI-1832.jsonl.bz2", NULL, NULL, NULL},
        {"langident_v0-0-1.jsonl", NULL, NULL, NULL},
        {"langident_v0-0-1.json.bz2", NULL, NULL, NULL},
        {"langident_v0-0-1.JSON", NULL, NULL, NULL},
        {"langident_v0.0.1.json", NULL, NULL, NULL},
        {"langident_v0-0.json", NULL, NULL, NULL},
        {"langident_v0-0-1-2.json", NULL, NULL, NULL},
        {"langident_v0-0-.json", NULL, NULL, NULL},
        {"langident_v-0-0-1.json", NULL, NULL, NULL},
        {"langident_0-0-1.json", NULL, NULL, NULL},
        {"langident_v0-0-1234567.json", NULL, NULL, NULL},
        {"config_v0-0-1.json", NULL, NULL, NULL},
        {"Rebuilt_v0-0-1.json", NULL, NULL, NULL},
        {"_v0-0-1.json", NULL, NULL, NULL},
        {"langident_v0-0-1.json/", NULL, NULL, NULL},
        {".json", NULL, NULL, NULL},
        {"", NULL, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        ManifestName name;
        char version[MANIFEST_VERSION_BYTES];
        bool is_manifest = manifest_name_parse(str_of(cases[i].key), &name);
        if (is_manifest != (cases[i].stage != NULL))
            print_error("'%s'\n", cases[i].key);
        assert_int_equal(is_manifest, cases[i].stage != NULL);
        if (!is_manifest)
            continue;
        assert_str(name.partition, cases[i].partition);
        assert_str(name.stage, cases[i].stage);
        assert_str(manifest_version_text(&name.version, version), cases[i].version);
    }
}

static void test_versions(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {{"v0.0.1", true}, {"v0-0-1", true},  {"v10.20.30", true}, {"v0.0-1", false}, {"v0-0.1", false},
                 {"0.0.1", false}, {"V0.0.1", false}, {"v0.0", false},     {"v0.0.", false},  {"v0.0.1 ", false},
                 {"v", false},     {"", false},       {"v1.+2.3", false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        ManifestVersion version;
        if (manifest_version_parse(str_of(cases[i].text), &version) != cases[i].valid)
            fail_msg("'%s'", cases[i].text);
    }
}

/* In ascending order. */
static void test_order(void **state)
{
    static const char *const texts[] = {"v0.0.1",
                                        "v0.0.2",
                                        "v0.0.10",
                                        "v0.0.99",
                                        "v0.1.0",
                                        "v0.1.1",
                                        "v0.10.0",
                                        "v0.99.0",
                                        "v1.0.0",
                                        "v4.5.0",
                                        "v999999.999999.999999"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        for (size_t j = 0; j < ARRAY_COUNT(texts); j++) {
            ManifestVersion a, b;
            assert_true(manifest_version_parse(str_of(texts[i]), &a) && manifest_version_parse(str_of(texts[j]), &b));
            int order = manifest_version_compare(&a, &b);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
    ManifestVersion patched = {{0, 0, 100}}, minor = {{0, 1, 0}};
    assert_int_equal(manifest_version_compare(&patched, &minor), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_versions),
                                       cmocka_unit_test(test_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
