#include "jobs/fetch/manifest_local.h"

#include <stdio.h>
#include <unistd.h>

#include "base/testing.h"
#include "store/test_dir.h"

typedef struct Fixture {
    char dir[TEST_DIR_BYTES], path[TEST_DIR_BYTES + 32];
} Fixture;

static Fixture begin(void)
{
    Fixture f;
    test_dir_new(f.dir);
    snprintf(f.path, sizeof f.path, "%s/id.manifest.json", f.dir);
    return f;
}

static Error *note(void *context, const LocalEntry *entry)
{
    return buffer_append_format(context, STR_FMT ":%llu:" STR_FMT "%s;", STR_ARG(entry->name),
                                (unsigned long long)entry->size_bytes, STR_ARG(entry->hash),
                                entry->has_hash ? "" : "null");
}

static void reading(void **state)
{
    (void)state;
    static const struct {
        const char *text, *entries;
    } good[] = {
        {"{\n  \"files\": [\n    {\n      \"name\": \"a.csv\",\n      \"size\": 3,\n      \"hash\": null\n    }\n  ]\n}",
         "a.csv:3:null;"},
        {"{\"files\":[{\"name\":\"a\",\"size\":3},{\"size\":2,\"name\":\"b\"}]}",
         "a:3:null;b:2:null;"}, /* of older versions */
        {"{\"files\":[{\"name\":\"a\",\"size\":3,\"hash\":\"x\"}],\"more\":{\"a\":[1]}}", "a:3:x;"},
        {"{\"files\":[{\"name\":\"a\",\"size\":3,\"hash\":7}]}", "a:3:null;"},
        {"{\"other\":[]}", ""},
        {"{\"files\":[]}", ""},
        {"{\"files\":[{\"name\":\"\\u00e9 \\ud83d\\ude00\",\"size\":1}]}", "\xc3\xa9 \xf0\x9f\x98\x80:1:null;"},
    };
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"{oops", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"},
        {"[]", "no object"},
        {"{\"files\":{}}", "no list"},
        {"{\"files\":[7]}", "no object"},
        {"{\"files\":[{\"name\":\"a\"}]}", "missing 1 required positional argument: 'size'"},
        {"{\"files\":[{\"size\":1}]}", "missing 1 required positional argument: 'name'"},
        {"{\"files\":[{\"name\":1,\"size\":1}]}", "no text"},
        {"{\"files\":[{\"name\":\"a\",\"size\":3,\"etag\":\"x\"}]}",
         "LocalFileEntry.__init__() got an unexpected keyword argument 'etag'"},
        {"{\"files\":[{\"name\":\"a\",\"size\":3}]} x", "Extra data"},
        {"", "Expecting value"},
    };
    Fixture f = begin();
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        test_dir_write(f.dir, "id.manifest.json", good[i].text);
        assert_ok(manifest_local_read(f.path, note, &out));
        assert_str(buffer_str(&out), good[i].entries);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        test_dir_write(f.dir, "id.manifest.json", bad[i].text);
        assert_fails_saying(manifest_local_read(f.path, note, &out), ERR_CORRUPT, bad[i].message);
        assert_int_equal(out.len, 0); /* nothing of it was believed */
    }
    unlink(f.path);
    CLEANUP(buffer_done) Buffer out = {0};
    assert_ok(manifest_local_read(f.path, note, &out));
    assert_int_equal(out.len, 0);
    test_dir_remove(f.dir);
}

typedef struct Rows {
    const LocalEntry *rows;
    size_t count;
} Rows;

static bool next_row(void *context, size_t index, LocalEntry *ret_entry)
{
    const Rows *rows = context;
    if (index == rows->count)
        return false;
    *ret_entry = rows->rows[index];
    return true;
}

static void check_text(const Fixture *f, const char *expected)
{
    char text[1024] = "";
    FILE *file = fopen(f->path, "re");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    assert_str(str_from(text, len), expected);
}

static void writing(void **state)
{
    (void)state;
    const LocalEntry rows[] = {
        {STR("a.csv"), 3, {0}, false},
        {STR("\xc3\xa9 \xf0\x9f\x98\x80\"\\\n\x7f\x01\xff"), 0, STR("d41d8"), true},
    };
    Fixture f = begin();
    Rows all = {rows, 2}, one = {rows, 1}, none = {rows, 0};
    LocalEntries entries = {next_row, &all};
    bool same = true;
    assert_ok(manifest_local_is(f.path, &entries, &same));
    assert_false(same); /* not there */
    assert_ok(manifest_local_write(f.path, &entries));
    check_text(
        &f, "{\n  \"files\": [\n    {\n      \"name\": \"a.csv\",\n      \"size\": 3,\n      \"hash\": null\n    },\n"
            "    {\n      \"name\": \"\\u00e9 \\ud83d\\ude00\\\"\\\\\\n\\u007f\\u0001\\udcff\",\n      \"size\": 0,\n"
            "      \"hash\": \"d41d8\"\n    }\n  ]\n}");
    assert_ok(manifest_local_is(f.path, &entries, &same));
    assert_true(same);
    CLEANUP(buffer_done) Buffer back = {0};
    assert_ok(manifest_local_read(f.path, note, &back));
    assert_str(buffer_str(&back), "a.csv:3:null;\xc3\xa9 \xf0\x9f\x98\x80\"\\\n\x7f\x01\xff:0:d41d8;");
    entries.context = &one;
    assert_ok(manifest_local_is(f.path, &entries, &same));
    assert_false(same);
    entries.context = &none;
    assert_ok(manifest_local_write(f.path, &entries));
    check_text(&f, "{\n  \"files\": []\n}");
    assert_int_equal(test_dir_count(f.dir, ""), 1); /* nothing temporary stays */
    test_dir_remove(f.dir);
}

static void safe_names(void **state)
{
    (void)state;
    const struct {
        Str name;
        bool flat, nested;
    } rows[] = {
        {STR("a.csv"), true, true},  {STR("a/b"), false, true},     {STR("../x"), false, false},
        {STR(".."), false, false},   {STR("."), false, false},      {STR(""), false, false},
        {STR("/x"), false, false},   {STR("a/../b"), false, false}, {STR("a/"), false, false},
        {STR("a\0b"), false, false}, {STR("..a"), true, true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_int_equal(manifest_local_name_is_safe(rows[i].name, false), rows[i].flat);
        assert_int_equal(manifest_local_name_is_safe(rows[i].name, true), rows[i].nested);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading),
        cmocka_unit_test(writing),
        cmocka_unit_test(safe_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
