#include "jobs/fetch/dataset.h"

#include <stdio.h>
#include <unistd.h>

#include "base/testing.h"
#include "store/test_dir.h"

static void joined_paths(void **state)
{
    (void)state;
    static const struct {
        const char *directory, *path, *joined;
    } rows[] = {
        {"data/s3-ingester", "id", "data/s3-ingester/id"},
        {"./data//x/", "a/./b", "data/x/a/b"},
        {"data", "", "data"},
        {"data", "/abs/id", "/abs/id"},
        {".", "id", "id"},
        {".", "", "."},
        {"/", "x", "/x"},
        {"a", "../b", "a/../b"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        assert_ok(path_join(str_of(rows[i].directory), str_of(rows[i].path), &out));
        assert_str(buffer_str(&out), rows[i].joined);
    }
}

static void manifest_paths(void **state)
{
    (void)state;
    static const struct {
        const char *id, *directory, *manifest;
    } rows[] = {
        {"abc", "D/abc", "D/abc/abc.manifest.json"},
        {"p/q", "D/p/q", "D/p/q/p/q.manifest.json"},
        {"", "D", "D/.manifest.json"},
        {"/x/y", "/x/y", "/x/y.manifest.json"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Dataset dataset;
        assert_ok(dataset_init(&dataset, STR("D"), str_of(rows[i].id)));
        assert_str(buffer_str(&dataset.directory), rows[i].directory);
        assert_str(buffer_str(&dataset.manifest), rows[i].manifest);
        dataset_done(&dataset);
    }
}

static void looking_and_deleting(void **state)
{
    (void)state;
    char dir[TEST_DIR_BYTES];
    Dataset dataset;
    FileState file;
    struct stat st;
    test_dir_new(dir);
    assert_ok(dataset_init(&dataset, str_of(dir), STR("id")));
    assert_ok(dataset_open_to_look(&dataset));
    assert_ok(dataset_look(&dataset, STR("a"), 0, &file));
    assert_int_equal(file, FILE_ABSENT);
    dataset_done(&dataset);
    assert_int_equal(test_dir_count(dir, ""), 0); /* looking makes nothing */

    assert_ok(dataset_init(&dataset, str_of(dir), STR("id")));
    assert_ok(dataset_open_to_change(&dataset));
    assert_true(test_dir_stat(dir, ".id.lock", &st));
    test_dir_write(dir, "id/a", "abc");
    test_dir_write(dir, "outside", "abc");
    assert_ok(dataset_look(&dataset, STR("a"), 3, &file));
    assert_int_equal(file, FILE_CURRENT);
    assert_ok(dataset_look(&dataset, STR("a"), 4, &file));
    assert_int_equal(file, FILE_DIFFERS);
    assert_ok(dataset_look(&dataset, STR("none/b"), 4, &file));
    assert_int_equal(file, FILE_ABSENT);
    char planted[TEST_DIR_BYTES + 16];
    snprintf(planted, sizeof planted, "%s/id/link", dir);
    assert_int_equal(symlink("..", planted), 0);
    assert_fails(dataset_delete(&dataset, STR("link/outside")), ERR_DENIED); /* not over a planted link */
    snprintf(planted, sizeof planted, "%s/id/directory", dir);
    assert_int_equal(mkdir(planted, 0777), 0);
    assert_ok(dataset_look(&dataset, STR("directory"), 3, &file));
    assert_int_equal(file, FILE_IMPOSSIBLE);
    assert_ok(dataset_look(&dataset, STR("a/b"), 3, &file));
    assert_int_equal(file, FILE_IMPOSSIBLE); /* a file is no directory */
    assert_ok(dataset_look(&dataset, STR("link"), 3, &file));
    assert_int_equal(file, FILE_DIFFERS); /* a rename replaces a link, wherever it leads */
    assert_true(test_dir_stat(dir, "outside", &st));
    assert_ok(dataset_delete(&dataset, STR("a")));
    assert_ok(dataset_delete(&dataset, STR("a")));
    assert_false(test_dir_stat(dir, "id/a", &st));
    dataset_done(&dataset);
    assert_false(test_dir_stat(dir, ".id.lock", &st));
    test_dir_remove(dir);
}

static void waiting_files(void **state)
{
    (void)state;
    char dir[TEST_DIR_BYTES], path[TEST_DIR_BYTES + 300], long_name[256];
    Dataset dataset;
    struct stat st;
    CLEANUP(buffer_done) Buffer name = {0}, other = {0}, of_long = {0};
    bool parts;
    test_dir_new(dir);
    assert_ok(dataset_init(&dataset, str_of(dir), STR("")));
    assert_ok(dataset_open_to_change(&dataset));
    assert_ok(dataset_name_waiting(STR("a"), STR("p/a"), STR("e1"), 3, &name));
    assert_ok(dataset_name_waiting(STR("a"), STR("p/a"), STR("e2"), 3, &other));
    assert_false(str_equal(buffer_str(&name), buffer_str(&other)));
    assert_true(dataset_is_waiting(buffer_str(&name)));
    assert_false(dataset_is_waiting(STR("a.fetched")));
    assert_false(dataset_is_waiting(STR(".a.0123456789abcdeg.fetched")));
    memset(long_name, 'x', 255);
    long_name[255] = 0;
    assert_ok(dataset_name_waiting(str_of(long_name), STR("p"), STR("e"), 3, &of_long));
    assert_true(of_long.len <= NAME_MAX && dataset_is_waiting(buffer_str(&of_long)));
    test_dir_write(dir, "a", "old");
    test_dir_write(dir, buffer_cstr(&name), "new");
    test_dir_write(dir, buffer_cstr(&other), "newer");
    assert_ok(dataset_publish(&dataset, buffer_str(&name), STR("a")));
    snprintf(path, sizeof path, "%s/a", dir);
    FILE *file = fopen(path, "re");
    char text[8] = "";
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "new");
    assert_ok(dataset_drop_waiting(&dataset, STR(""), &parts));
    assert_false(test_dir_stat(dir, buffer_cstr(&other), &st));
    assert_int_equal(test_dir_count(dir, ""), 1);
    assert_false(parts);
    snprintf(path, sizeof path, "%s/n", dir);
    assert_int_equal(mkdir(path, 0777), 0);
    snprintf(path, sizeof path, "n/%s", buffer_cstr(&other));
    test_dir_write(dir, path, "newer");
    test_dir_write(dir, "n/.a.01234567.part", "half");
    assert_ok(dataset_drop_waiting(&dataset, STR("n"), &parts));
    assert_true(parts);
    assert_int_equal(test_dir_count(dir, "n"), 1);
    assert_ok(dataset_drop_waiting(&dataset, STR("none"), &parts));
    assert_false(parts);
    dataset_done(&dataset);
    test_dir_remove(dir);
}

/* Of a directory that is there, and of one that is to be made; what unfinished runs left in it, whatever else is. */
static void room(void **state)
{
    (void)state;
    char dir[TEST_DIR_BYTES], path[TEST_DIR_BYTES + 16];
    Dataset dataset;
    uint64_t of_parent, of_own, bytes = 0;
    test_dir_new(dir);
    snprintf(path, sizeof path, "%s/a/b", dir);
    assert_ok(dataset_init(&dataset, str_of(path), STR("id")));
    assert_ok(dataset_open_to_look(&dataset));
    assert_true(dataset_free_bytes(&dataset, &of_parent));
    assert_ok(dataset_add_unfinished(&dataset, STR(""), &bytes));
    assert_ok(dataset_add_unfinished(&dataset, STR("n"), &bytes));
    assert_int_equal(bytes, 0);
    dataset_done(&dataset);

    assert_ok(dataset_init(&dataset, str_of(dir), STR("")));
    assert_ok(dataset_open_to_change(&dataset));
    assert_true(dataset_free_bytes(&dataset, &of_own));
    assert_true(of_own > 0 && of_parent > 0);
    test_dir_write(dir, "whole", "not counted");
    test_dir_write(dir, ".hidden", "not counted");
    assert_ok(dataset_add_unfinished(&dataset, STR(""), &bytes));
    assert_int_equal(bytes, 0);
    test_dir_write(dir, ".a.01234567.part", "half");
    test_dir_write(dir, ".a.0123456789abcdef.fetched", "waits");
    assert_ok(dataset_add_unfinished(&dataset, STR(""), &bytes));
    assert_true(bytes >= 2 * 512 && bytes % 512 == 0);
    dataset_done(&dataset);
    test_dir_remove(dir);
}

static void one_at_a_time(void **state)
{
    (void)state;
    char dir[TEST_DIR_BYTES], part[64];
    Dataset ours, theirs;
    test_dir_new(dir);
    snprintf(part, sizeof part, "process %d is working", (int)getpid());
    assert_ok(dataset_init(&ours, str_of(dir), STR("id")));
    assert_ok(dataset_open_to_change(&ours));
    assert_ok(dataset_init(&theirs, str_of(dir), STR("id")));
    assert_fails_saying(dataset_open_to_change(&theirs), ERR_LOCKED, part);
    dataset_done(&theirs);
    dataset_done(&ours);
    assert_ok(dataset_init(&theirs, str_of(dir), STR("id")));
    assert_ok(dataset_open_to_change(&theirs));
    dataset_done(&theirs);
    test_dir_remove(dir);
}

static void a_file_in_the_way(void **state)
{
    (void)state;
    char dir[TEST_DIR_BYTES];
    Dataset dataset;
    test_dir_new(dir);
    test_dir_write(dir, "file", "x");
    assert_ok(dataset_init(&dataset, str_of(dir), STR("file/id")));
    assert_fails_saying(dataset_open_to_change(&dataset), ERR_INVALID, "there is a file in its way");
    dataset_done(&dataset);
    test_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joined_paths),      cmocka_unit_test(manifest_paths), cmocka_unit_test(looking_and_deleting),
        cmocka_unit_test(waiting_files),     cmocka_unit_test(room),           cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(a_file_in_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
