#include "base/testing.h"
#include "jobs/provider/provider_key.h"

static ProviderMap *default_map(void)
{
    ProviderMap *map = NULL;
    assert_ok(provider_map_new_default(&map));
    return map;
}

static void test_default_table(void **state)
{
    CLEANUP(provider_map_freep) ProviderMap *map = default_map();
    (void)state;
    assert_str(provider_of_alias(map, STR("GDL")), "LeTemps");
    assert_str(provider_of_alias(map, STR("actionfem")), "BNL");
    assert_str(provider_of_alias(map, STR("NZZ")), "NZZ");
    assert_str(provider_of_alias(map, STR("gdl")), "");
    assert_str(provider_of_alias(map, STR("ANP")), "");
    assert_str(provider_of_alias(map, STR("")), "");
    assert_true(provider_is_known(map, STR("SWISSINFO")));
    assert_false(provider_is_known(map, STR("KB")));
    assert_true(provider_alias_is_disabled(map, STR("ANJO")));
    assert_false(provider_alias_is_disabled(map, STR("GDL")));
}

static void test_own_table(void **state)
{
    static const struct {
        const char *json, *problem; /* NULL: fine */
    } cases[] = {
        {"{\"providers\":[]}", NULL},
        {"{\"providers\":[{\"provider\":\"P\",\"aliases\":[\"b\",\"a\"]},{\"provider\":\"Q\"}]}", NULL},
        {"{\"providers\":[{\"provider\":\"P\",\"aliases\":[\"a\"]},{\"provider\":\"Q\",\"disabled_aliases\":[\"a\"]}]}",
         NULL},
        {"{\"providers\":[{\"provider\":\"P\",\"aliases\":[\"a\"]},{\"provider\":\"Q\",\"aliases\":[\"a\"]}]}",
         "the alias 'a' belongs to"},
        {"{}", "there is no list \"providers\""},
        {"[]", "there is no list \"providers\""},
        {"{\"providers\":[{\"aliases\":[\"a\"]}]}", "a \"provider\" is not a name"},
        {"{\"providers\":[{\"provider\":\"P\",\"aliases\":[1]}]}", "provider 'P': an alias is not a name"},
        {"{\"providers\":[{\"provider\":\"P\",\"aliases\":\"a\"}]}", "the aliases of 'P' are not a list"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(provider_map_freep) ProviderMap *map = NULL;
        Error *error = provider_map_new(str_bytes(str_of(cases[i].json)), &map);
        if (cases[i].problem)
            assert_fails_saying(error, ERR_INVALID, cases[i].problem);
        else
            assert_ok(error);
    }
}

static void test_kinds(void **state)
{
    static const struct {
        const char *key;
        KeyKind kind;
    } cases[] = {
        {"p/v1/", KEY_PARTITION},
        {"p/v1", KEY_PARTITION},
        {"p/v1/GDL/", KEY_FOLDER},
        {"p/v1/GDL/GDL-1950.jsonl.bz2", KEY_DATA},
        {"p/v1/GDL/GDL-1950.jsonl.bz2.log.gz", KEY_DATA},
        {"p/v1/GDL/readme.txt", KEY_DATA},
        {"p/v1/GDL/GDL-1950.jsonl.gz", KEY_OTHER},
        {"p/v1/langident_v0-0-1.json", KEY_OTHER},
        {"p/v1/GDL/topic_description.jsonl.bz2", KEY_OTHER},
        {"p/v1/topic_descriptions/GDL.txt", KEY_OTHER},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_int_equal(key_kind(str_of(cases[i].key), STR("p/v1")), cases[i].kind);
}

/* The original's answers (corpus/impresso/alias-path-cases.json has more of the kind). */
static void test_titles_and_keys(void **state)
{
    static const struct {
        const char *key, *partition, *alias, *provider, *wanted; /* alias NULL: an error, which `wanted` is part of */
        bool in_path;
    } cases[] = {
        {"actionfem/actionfem-1928.jsonl.bz2", "", "actionfem", "BNL", "BNL/actionfem/actionfem-1928.jsonl.bz2", false},
        {"l/v/CL/CL-1883.jsonl.bz2", "l/v", "CL", "BCUL", "l/v/BCUL/CL/CL-1883.jsonl.bz2", false},
        {"l/v/BCUL/CL/CL-1883.jsonl.bz2", "l/v", "CL", "BCUL", "l/v/BCUL/CL/CL-1883.jsonl.bz2", true},
        {"NZZ/NZZ-1900.jsonl.bz2", "", "NZZ", "NZZ", "NZZ/NZZ/NZZ-1900.jsonl.bz2", false},
        {"NZZ/NZZ/NZZ-1900.jsonl.bz2", "", "NZZ", "NZZ", "NZZ/NZZ/NZZ-1900.jsonl.bz2", true},
        {"passim/indeplux/passim/x.jsonl.bz2", "passim", "indeplux", "BNL", "passim/BNL/indeplux/passim/x.jsonl.bz2",
         false},
        {"GDL/JDG/x.txt", "", NULL, NULL, "The source path GDL/JDG/x.txt does not contain the media alias", false},
        {"SNL/CL/x.txt", "", NULL, NULL, "does not contain the media alias", false},
        {"letemps/GDL/x.txt", "", NULL, NULL, "does not contain the media alias", false},
        {"BL/ANJO/ANJO-1880.jsonl.bz2", "", NULL, NULL, "does not contain the media alias", false},
        {"ANJO/ANJO-1880.jsonl.bz2", "", NULL, NULL, "known, but disabled", false},
        {"ACI", "", NULL, NULL, "does not contain the media alias", false},
    };
    CLEANUP(provider_map_freep) ProviderMap *map = default_map();
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(buffer_done) Buffer scratch = {0}, out = {0};
        Str key = str_of(cases[i].key), partition = str_of(cases[i].partition);
        MediaTitle title;
        if (!cases[i].alias) {
            assert_fails_saying(key_media_title(map, key, partition, &scratch, &title), ERR_INVALID, cases[i].wanted);
            continue;
        }
        assert_ok(key_media_title(map, key, partition, &scratch, &title));
        assert_str(title.alias, cases[i].alias);
        assert_str(title.provider, cases[i].provider);
        assert_int_equal(title.in_path, cases[i].in_path);
        assert_ok(key_with_provider(key, partition, partition, &title, &out));
        assert_str(buffer_str(&out), cases[i].wanted);
    }
}

static void test_other_partition(void **state)
{
    CLEANUP(buffer_done) Buffer out = {0};
    const MediaTitle title = {.alias = STR("CL"), .provider = STR("BCUL")};
    (void)state;
    assert_ok(key_with_provider(STR("a/CL/x.txt"), STR("a"), STR("b/c"), &title, &out));
    assert_str(buffer_str(&out), "b/c/BCUL/CL/x.txt");
    buffer_clear(&out);
    assert_ok(key_with_provider(STR("a/CL/x.txt"), STR("a"), STR_EMPTY, &title, &out));
    assert_str(buffer_str(&out), "BCUL/CL/x.txt");
    assert_str(key_partition(STR("a/b//")), "a/b");
    assert_str(key_partition(STR("/")), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_table),   cmocka_unit_test(test_own_table),       cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_titles_and_keys), cmocka_unit_test(test_other_partition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
