#include "jobs/fetch/selection.h"

#include <stdio.h>

#include "base/testing.h"

static void relative_names(void **state)
{
    (void)state;
    static const struct {
        const char *key, *prefix, *name;
    } rows[] = {
        {"test-prefix/a.csv", "test-prefix", "a.csv"},
        {"test-prefix/a.csv", "test-prefix/", "a.csv"},
        {"test-prefix-2/b.csv", "test-prefix", "-2/b.csv"},
        {"data/x/data.csv", "data", ".csv"}, /* cut at every occurrence */
        {"test-prefix/test-prefix/z.csv", "test-prefix", "z.csv"},
        {"p//a/b", "p", "a/b"},
        {"aaa", "aa", "a"},
        {"a.csv", "", "a.csv"},
        {"//a.csv", "", "a.csv"},
        {"s3://other/test-prefix/c.csv", "test-prefix", "c.csv"},
        {"s3://other/c.csv", "", "s3://other/c.csv"}, /* a key may look like this */
        {"web/http://site/page.html", "", "web/http://site/page.html"},
        {"p", "p", ""},
    };
    static const struct {
        const char *url, *prefix, *name;
    } urls[] = {
        {"s3://other/test-prefix/c.csv", "test-prefix", "c.csv"},
        {"s3://other/c.csv", "", "c.csv"},
        {"s3://other//n/c.csv", "", "n/c.csv"},
        {"s3://other", "", ""},
        {"web/http://site/page.html", "", "web/http://site/page.html"},
        {"c.csv", "", "c.csv"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_str(relative_name(str_of(rows[i].key), str_of(rows[i].prefix)), rows[i].name);
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++)
        assert_str(relative_name_of_url(str_of(urls[i].url), str_of(urls[i].prefix)), urls[i].name);
}

static size_t add(Selection *selection, const char *key, const char *etag)
{
    CLEANUP(buffer_done) Buffer escaped = {0};
    size_t index = SIZE_MAX;
    SelectionName name;
    SelectionItem item = {.key = str_of(key),
                          .relative = relative_name(str_of(key), selection->prefix),
                          .etag = str_of(etag),
                          .size_bytes = strlen(key),
                          .modified_us = 77};
    selection_name(selection, &item, &escaped, &name);
    assert_ok(selection_add(selection, &item, &name, &index));
    return index;
}

static void what_is_kept_of_a_key(void **state)
{
    (void)state;
    Selection selection = {.prefix = STR("dir/fi"), .keep_etags = true, .keep_times = true};
    size_t first = add(&selection, "dir/file.csv", "e1"), second = add(&selection, "dir/fi/n/x", "");
    size_t itself = add(&selection, "dir/fi", "e3");
    assert_str(selection_key_view(&selection, first), "le.csv");
    assert_str(selection_name_view(&selection, first), "file.csv"); /* reaches into the prefix */
    assert_str(selection_relative_view(&selection, first), "le.csv");
    assert_str(selection_etag_view(&selection, first), "e1");
    assert_int_equal(selection_time(&selection, first), 77);
    assert_str(selection_name_view(&selection, second), "x");
    assert_str(selection_relative_view(&selection, second), "n/x");
    assert_str(selection_name_view(&selection, itself), "fi");
    assert_str(selection_etag_view(&selection, itself), "e3");
    selection_done(&selection);
}

static void impossible_names(void **state)
{
    (void)state;
    char long_name[300] = "p/", short_name[256] = "", wide_name[300] = "p/";
    memset(long_name + 2, 'x', 256);
    memset(short_name, 'x', 160);
    memcpy(short_name + 160, "%~85e62acd750c4eb56b7b6a1d66dca5bf", 35);
    for (size_t i = 2; i < 290; i += 2)
        memcpy(wide_name + i, "\xc3\xa4", 3);
    const struct {
        const char *key;
        bool possible, escaped;
        const char *name; /* escaped */
    } rows[] = {
        {"p/a.csv", true, true, "a.csv"},     {"p/..", false, true, "%2E%2E"},
        {"p/.", false, true, "%2E"},          {"p/a\nb", true, true, "a%0Ab"},
        {long_name, false, true, short_name}, {wide_name, false, true, NULL},
        {"p/100%", true, true, "100%25"},     {"p/.x.0123456789abcdef.fetched", false, false, NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Selection plain = {.prefix = STR("p/")}, escaping = {.prefix = STR("p/"), .escape = true};
        size_t a = add(&plain, rows[i].key, ""), b = add(&escaping, rows[i].key, "");
        assert_int_equal(!(plain.objects[a].flags & SELECTED_IMPOSSIBLE), rows[i].possible);
        assert_int_equal(!(escaping.objects[b].flags & SELECTED_IMPOSSIBLE), rows[i].escaped);
        if (!rows[i].possible)
            assert_fails(selection_name_error(&plain, a), ERR_INVALID);
        if (rows[i].name)
            assert_str(selection_name_view(&escaping, b), rows[i].name);
        selection_done(&plain);
        selection_done(&escaping);
    }
}

static void collisions(void **state)
{
    (void)state;
    static const struct {
        const char *keys[4];
        CollisionRule rule;
        CaseRule case_rule;
        const char *names; /* what is left, or NULL: CHECK */
    } rows[] = {
        {{"p/a", "p/n/a"}, COLLISION_ERROR, CASE_ERROR, NULL},
        {{"p/a", "p/b"}, COLLISION_ERROR, CASE_ERROR, "a,b,"},
        {{"p/a", "p/b", "p/n/a"}, COLLISION_FIRST, CASE_ERROR, "a,b,"},
        {{"p/a", "p/b", "p/n/a", "p/o/a"}, COLLISION_LAST, CASE_ERROR, "b,a,"},
        {{"p/a", "p/n/a"}, COLLISION_NESTED, CASE_ERROR, "a,n/a,"},
        {{"p/a", "p/a/b"}, COLLISION_NESTED, CASE_ERROR, NULL},
        {{"p/a/b", "p/a"}, COLLISION_NESTED, CASE_ERROR, NULL},
        {{"p/a", "p/p/a"}, COLLISION_NESTED, CASE_ERROR, NULL}, /* one relative name */
        {{"p/N/a", "p/n/a"}, COLLISION_NESTED, CASE_ERROR, NULL},
        {{"p/N/a", "p/n/a"}, COLLISION_NESTED, CASE_IGNORE, "N/a,n/a,"},
        {{"p/N/a", "p/n/a"}, COLLISION_NESTED, CASE_WARN, "N/a,n/a,"},
        {{"p/N/a", "p/n/a"}, COLLISION_NESTED, CASE_SKIP, "N/a,"},
        {{"p/A", "p/a"}, COLLISION_ERROR, CASE_ERROR, "A,a,"}, /* as the original has them */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Selection selection = {.prefix = STR("p"), .nested = rows[i].rule == COLLISION_NESTED};
        CLEANUP(buffer_done) Buffer names = {0};
        for (size_t k = 0; k < 4 && rows[i].keys[k]; k++)
            add(&selection, rows[i].keys[k], "");
        if (!rows[i].names) {
            assert_fails(selection_settle_collisions(&selection, rows[i].rule, rows[i].case_rule, NULL), ERR_CHECK);
        } else {
            assert_ok(selection_settle_collisions(&selection, rows[i].rule, rows[i].case_rule, NULL));
            for (size_t k = 0; k < selection.count; k++) {
                size_t cursor = 0;
                Str name = selection_name_view(&selection, k);
                assert_int_equal(selection_find(&selection, name, &cursor), k);
                assert_ok(buffer_append_format(&names, STR_FMT ",", STR_ARG(name)));
            }
            assert_str(buffer_str(&names), rows[i].names);
        }
        selection_done(&selection);
    }
}

static void many(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    Selection selection = {.prefix = STR("p/"), .keep_etags = true};
    char key[32];
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, "p/%d/x", i % 100);
        add(&selection, key, "etag");
    }
    assert_ok(selection_index_relative(&selection));
    size_t cursor = 0, found = 0;
    while (selection_find(&selection, STR("7/x"), &cursor) != SIZE_MAX)
        found++;
    assert_int_equal(found, COUNT / 100);
    for (size_t i = 0; i < selection.count; i++)
        if (i % 3)
            selection.objects[i].flags |= SELECTED_DROPPED;
    selection_compact(&selection);
    assert_int_equal(selection.count, (COUNT + 2) / 3);
    assert_str(selection_key_view(&selection, 1), "3/x");
    Str hash;
    assert_ok(selection_set_hash(&selection, 1, STR("h1")));
    assert_true(selection_hash_view(&selection, 1, &hash));
    assert_str(hash, "h1");
    assert_false(selection_hash_view(&selection, 2, &hash));
    selection_clear_hash(&selection, 1);
    assert_false(selection_hash_view(&selection, 1, &hash));
    selection_done(&selection);
}

/* In one folder names ascend with the keys, and need no table. */
static void names_are_found_with_and_without_a_table(void **state)
{
    (void)state;
    static const char *const keys[][5] = {
        {"p/a", "p/ab", "p/b", "p/c", "p/e"},
        {"p/1/c", "p/2/b", "p/3/a", "p/4/e", "p/5/ab"},
    };
    for (size_t k = 0; k < ARRAY_COUNT(keys); k++) {
        Selection selection = {.prefix = STR("p/")};
        for (size_t i = 0; i < ARRAY_COUNT(keys[k]); i++)
            add(&selection, keys[k][i], "");
        assert_ok(selection_settle_collisions(&selection, COLLISION_ERROR, CASE_IGNORE, NULL));
        assert_int_equal(selection.names_ascend, k == 0);
        for (size_t i = 0; i < selection.count; i++) {
            size_t cursor = 0;
            assert_int_equal(selection_find(&selection, selection_name_view(&selection, i), &cursor), i);
            assert_int_equal(selection_find(&selection, selection_name_view(&selection, i), &cursor), SIZE_MAX);
        }
        size_t cursor = 0;
        assert_int_equal(selection_find(&selection, STR("d"), &cursor), SIZE_MAX);
        selection_done(&selection);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relative_names),
        cmocka_unit_test(what_is_kept_of_a_key),
        cmocka_unit_test(impossible_names),
        cmocka_unit_test(collisions),
        cmocka_unit_test(many),
        cmocka_unit_test(names_are_found_with_and_without_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
