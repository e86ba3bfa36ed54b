#include "jobs/fetch/foresight.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/testing.h"
#include "jobs/fetch/manifest_local.h"
#include "store/test_dir.h"

typedef struct Fixture {
    char dir[TEST_DIR_BYTES];
    Dataset dataset;
    Foresight *foresight;
} Fixture;

static void set_up(Fixture *f)
{
    *f = (Fixture){0};
    test_dir_new(f->dir);
    assert_ok(dataset_init(&f->dataset, str_of(f->dir), STR("id")));
    assert_ok(dataset_open_to_change(&f->dataset));
    f->foresight = foresight_new();
    assert_non_null(f->foresight);
}

static void tear_down(Fixture *f)
{
    foresight_free(f->foresight);
    dataset_done(&f->dataset);
    test_dir_remove(f->dir);
}

#define BEGIN "{\n  \"files\": [\n"
#define ENTRY(name, size) "    {\n      \"name\": \"" name "\",\n      \"size\": " size ",\n      \"hash\": null\n    }"
#define END "\n  ]\n}"

static FileState take(Fixture *f, const char *name, uint64_t size_bytes)
{
    FileState state;
    assert_true(foresight_take(f->foresight, str_of(name), size_bytes, &state));
    return state;
}

static bool is_unforeseen(Fixture *f, const char *name, uint64_t size_bytes)
{
    FileState state;
    return !foresight_take(f->foresight, str_of(name), size_bytes, &state);
}

static void what_lies_there_is_known_before_it_is_asked_for(void **state)
{
    (void)state;
    Fixture f;
    set_up(&f);
    test_dir_write(f.dir, "id/here", "abc");
    test_dir_write(f.dir, "id/longer", "abcdef");
    char dir[TEST_DIR_BYTES + 8];
    snprintf(dir, sizeof dir, "%s/id/dir", f.dir);
    assert_int_equal(mkdir(dir, 0777), 0);
    test_dir_write(f.dir, "id/id.manifest.json",
                   BEGIN ENTRY("dir", "1") ",\n" ENTRY("gone", "0") ",\n" ENTRY("here", "3") ",\n" ENTRY("longer", "3")
                       END);
    foresight_look(f.foresight, &f.dataset);
    assert_int_equal(take(&f, "dir", 1), FILE_IMPOSSIBLE);
    assert_int_equal(take(&f, "gone", 0), FILE_ABSENT);
    assert_int_equal(take(&f, "here", 3), FILE_CURRENT);
    assert_false(foresight_was_whole(f.foresight)); /* one is left */
    assert_int_equal(take(&f, "longer", 3), FILE_DIFFERS);
    assert_true(foresight_was_whole(f.foresight));
    assert_true(is_unforeseen(&f, "more", 3));
    assert_false(foresight_was_whole(f.foresight));
    tear_down(&f);
}

/* The file was looked at for another size. */
static void an_object_of_another_size_is_judged_only_where_that_is_known(void **state)
{
    (void)state;
    Fixture f;
    set_up(&f);
    test_dir_write(f.dir, "id/a", "abc");
    test_dir_write(f.dir, "id/b", "abcdef");
    test_dir_write(f.dir, "id/id.manifest.json", BEGIN ENTRY("a", "3") ",\n" ENTRY("b", "3") ",\n" ENTRY("c", "3") END);
    foresight_look(f.foresight, &f.dataset);
    assert_int_equal(take(&f, "a", 4), FILE_DIFFERS);
    assert_true(is_unforeseen(&f, "b", 6)); /* it is current, in truth */
    assert_int_equal(take(&f, "c", 9), FILE_ABSENT);
    assert_false(foresight_was_whole(f.foresight));
    tear_down(&f);
}

static void new_and_deleted_objects_do_not_end_it(void **state)
{
    (void)state;
    Fixture f;
    set_up(&f);
    test_dir_write(f.dir, "id/id.manifest.json", BEGIN ENTRY("a", "3") ",\n" ENTRY("b", "3") ",\n" ENTRY("c", "3") END);
    foresight_look(f.foresight, &f.dataset);
    assert_true(is_unforeseen(&f, "a-new", 3));
    assert_int_equal(take(&f, "b", 3), FILE_ABSENT); /* "a" was deleted */
    assert_int_equal(take(&f, "c", 3), FILE_ABSENT);
    assert_false(foresight_was_whole(f.foresight));
    tear_down(&f);
}

/* Only what manifest_local_write makes, without escapes, is foreseen; up to where it is so. */
static void other_texts_are_nothing_foreseen(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{}",
        "{\n  \"files\": []\n}",
        "[]",
        BEGIN ENTRY("a", "03") END,
        BEGIN ENTRY("a", "-3") END,
        BEGIN ENTRY("a", "") END,
        BEGIN ENTRY("a", "99999999999999999999") END,
        BEGIN ENTRY("a\\u00e9", "3") END,
        BEGIN ENTRY("a", "3") ",\n",
        BEGIN ENTRY("a", "3") END "\n",
        BEGIN ENTRY("a", "3") "\n  ],\n  \"more\": 1\n}",
        BEGIN "    {\n      \"name\": \"a\",\n      \"size\": 3,\n      \"hash\": \"00\"\n    }" END,
        BEGIN "    {\n      \"size\": 3,\n      \"name\": \"a\",\n      \"hash\": null\n    }" END,
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        Fixture f;
        set_up(&f);
        test_dir_write(f.dir, "id/id.manifest.json", texts[i]);
        foresight_look(f.foresight, &f.dataset);
        assert_true(is_unforeseen(&f, "a", 3));
        assert_false(foresight_was_whole(f.foresight));
        tear_down(&f);
    }
}

static bool next_of_many(void *context, size_t index, LocalEntry *ret_entry)
{
    static char name[16];
    snprintf(name, sizeof name, "f%06zu", index);
    *ret_entry = (LocalEntry){.name = str_of(name), .size_bytes = index};
    return index < *(const size_t *)context;
}

static void what_a_run_wrote_is_understood(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 1023, 1024, 1025, 5000}; /* around a block */
    for (size_t k = 0; k < ARRAY_COUNT(counts); k++) {
        Fixture f;
        size_t count = counts[k];
        LocalEntry entry;
        LocalEntries entries = {next_of_many, &count};
        set_up(&f);
        assert_ok(manifest_local_write((const char *)f.dataset.manifest.data, &entries));
        foresight_look(f.foresight, &f.dataset);
        for (size_t i = 0; next_of_many(&count, i, &entry); i++)
            assert_int_equal(take(&f, entry.name.data, i), FILE_ABSENT);
        assert_true(foresight_was_whole(f.foresight));
        tear_down(&f);
    }
}

static void ending_leaves_the_rest(void **state)
{
    (void)state;
    Fixture f;
    set_up(&f);
    test_dir_write(f.dir, "id/id.manifest.json", BEGIN ENTRY("a", "3") END);
    foresight_end(f.foresight);
    foresight_look(f.foresight, &f.dataset);
    assert_true(is_unforeseen(&f, "a", 3));
    assert_false(foresight_was_whole(f.foresight));
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_there_is_known_before_it_is_asked_for),
        cmocka_unit_test(an_object_of_another_size_is_judged_only_where_that_is_known),
        cmocka_unit_test(new_and_deleted_objects_do_not_end_it),
        cmocka_unit_test(other_texts_are_nothing_foreseen),
        cmocka_unit_test(what_a_run_wrote_is_understood),
        cmocka_unit_test(ending_leaves_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
