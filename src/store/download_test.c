/* Downloads out of a directory; what a server can do to them is in tests/test_transfer.py. */
#include "store/download.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/testing.h"
#include "store/options.h"
#include "store/test_dir.h"

typedef struct Fixture {
    char from[TEST_DIR_BYTES], to[TEST_DIR_BYTES];
    Store *store;
    Downloads *downloads;
} Fixture;

static void fixture_done(Fixture *f)
{
    downloads_free(f->downloads);
    store_free(f->store);
    test_dir_remove(f->from);
    test_dir_remove(f->to);
}

static void fixture_open(Fixture *f, DownloadOptions options)
{
    test_dir_new(f->from);
    test_dir_new(f->to);
    assert_ok(store_open(str_of(f->from), &(StoreOptions){.sync = STORE_SYNC_NONE}, &f->store));
    assert_ok(downloads_new(f->store, str_of(f->to), &options, &f->downloads));
}

static uint8_t byte_at(uint64_t size, uint64_t i)
{
    return (uint8_t)((i * 31 + size) >> 3);
}

static void put(const Fixture *f, const char *key, size_t size)
{
    CLEANUP(cleanup_free) uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(size, i);
    assert_ok(store_put_bytes(f->store, NULL, str_of(key), bytes_from(bytes, size), NULL));
}

static void assert_file(const Fixture *f, const char *name, size_t size)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", f->to, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t i = 0;
    for (int c; (c = fgetc(file)) != EOF; i++)
        assert_int_equal(c, byte_at(size, i));
    assert_int_equal(i, size);
    (void)fclose(file);
}

/* Sizes around every border: in memory, as a stream, in ranges. */
static void test_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,       1,       4096,    262143,  262144,  262145,      1048575,
                                   1048576, 1048577, 2097151, 2097152, 2097153, 3 * 1048576, 3 * 1048576 + 1};
    for (unsigned sync = 0; sync < 2; sync++) {
        CLEANUP(fixture_done) Fixture f = {0};
        fixture_open(&f, (DownloadOptions){.part_bytes = 1 << 20, .multipart_bytes = 2 << 20, .sync = sync == 1});
        Download downloads[ARRAY_COUNT(sizes)] = {0}, *list[ARRAY_COUNT(sizes)];
        char names[ARRAY_COUNT(sizes)][16];
        size_t count = 0;
        for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
            snprintf(names[i], sizeof(names[i]), "d%zu/%zu", i % 3, i);
            put(&f, names[i], sizes[i]);
            downloads[i] = (Download){.key = str_of(names[i]), .path = str_of(names[i]), .modified_us = 1500000};
            downloads_start(f.downloads, &downloads[i]);
        }
        for (Download *download; (download = downloads_next(f.downloads)) != NULL;) {
            assert_ok(download->error);
            list[count++] = download;
        }
        assert_int_equal(count, ARRAY_COUNT(sizes));
        downloads_publish(f.downloads, list, count);
        for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
            struct stat st;
            assert_null(downloads[i].error);
            assert_int_equal(downloads[i].size_bytes, sizes[i]);
            assert_file(&f, names[i], sizes[i]);
            assert_true(test_dir_stat(f.to, names[i], &st));
            assert_true(st.st_mtim.tv_sec == 1 && st.st_mtim.tv_nsec == 500000000);
        }
        assert_int_equal(test_dir_count(f.to, "d0"), 5);
    }
}

static void test_failures(void **state)
{
    (void)state;
    static const struct {
        const char *key, *etag, *path;
        uint64_t size;
        ErrorCode code;
    } cases[] = {
        {"missing", "", "x", 0, ERR_NOT_FOUND},        {"missing", "e", "x", 100, ERR_NOT_FOUND},
        {"missing", "e", "x", 5 << 20, ERR_NOT_FOUND}, {"there", "other", "x", 100, ERR_CHANGED},
        {"there", "", "../x", 0, ERR_INVALID},         {"there", "", "", 0, ERR_INVALID},
        {"there", "e", "directory/", 7, ERR_INVALID},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(fixture_done) Fixture f = {0};
        fixture_open(&f, (DownloadOptions){.part_bytes = 1 << 20, .multipart_bytes = 2 << 20});
        put(&f, "there", 100);
        Download download = {.key = str_of(cases[i].key),
                             .etag = str_of(cases[i].etag),
                             .path = str_of(cases[i].path),
                             .size_bytes = cases[i].size};
        downloads_start(f.downloads, &download);
        assert_ptr_equal(downloads_next(f.downloads), &download);
        if (error_code(download.error) != cases[i].code)
            print_error("case %zu: %s\n", i, error_message_view(download.error));
        assert_int_equal(error_code(download.error), cases[i].code);
        error_free(download.error);
        download_discard(f.downloads, &download);
        assert_null(downloads_next(f.downloads));
        struct stat st;
        assert_false(test_dir_stat(f.to, "x", &st));
    }
}

/* What was kept is continued by another run, in ranges or as one stream, and what was let go is gone. */
static void test_keep_and_discard(void **state)
{
    (void)state;
    static const struct {
        uint64_t size, multipart_bytes;
        bool keep, continued;
    } cases[] = {
        {3 << 20, 2 << 20, true, true},    {3 << 20, 2 << 20, false, false},
        {3 << 20, 512 << 20, true, false}, /* too small a stream for a record */
        {64 << 20, 512 << 20, true, true}, {64 << 20, 512 << 20, false, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(fixture_done) Fixture f = {0};
        fixture_open(&f, (DownloadOptions){.part_bytes = 1 << 20, .multipart_bytes = cases[i].multipart_bytes});
        put(&f, "o", cases[i].size);
        for (unsigned run = 0; run < 2; run++) {
            Download download = {.key = STR("o"), .path = STR("o")};
            downloads_start(f.downloads, &download);
            assert_ptr_equal(downloads_next(f.downloads), &download);
            assert_ok(download.error);
            assert_int_equal(download.resumed_bytes, run == 1 && cases[i].continued ? cases[i].size : 0);
            if (run == 1)
                assert_ok(download_publish(f.downloads, &download));
            else if (cases[i].keep)
                download_keep(f.downloads, &download);
            else
                download_discard(f.downloads, &download);
            assert_int_equal(test_dir_count(f.to, ""), run == 1 ? 1 : cases[i].continued ? 2 : 0);
        }
        assert_file(&f, "o", cases[i].size);
    }
}

/* Freed with one not started, one ended and one published: nothing leaks, and no small temporary file stays. */
static void test_abandoned(void **state)
{
    (void)state;
    CLEANUP(fixture_done) Fixture f = {0};
    fixture_open(&f, (DownloadOptions){0});
    put(&f, "a", 10);
    put(&f, "b", 20);
    Download downloads[2] = {{.key = STR("a"), .path = STR("a")}, {.key = STR("b"), .path = STR("b")}};
    downloads_start(f.downloads, &downloads[0]);
    assert_ptr_equal(downloads_next(f.downloads), &downloads[0]);
    downloads_start(f.downloads, &downloads[1]);
    downloads_free(f.downloads);
    f.downloads = NULL;
    assert_int_equal(test_dir_count(f.to, ""), 0);
}

static void test_clean(void **state)
{
    (void)state;
    CLEANUP(fixture_done) Fixture f = {0};
    fixture_open(&f, (DownloadOptions){0});
    static const char *const names[] = {".x.0123abcd.part", ".x.0123abcd.state", ".x.0123abcd.other", "x.part",
                                        ".hidden"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        test_dir_write(f.to, names[i], "text");
    uint64_t removed;
    assert_ok(downloads_clean(f.downloads, INT64_C(3600000000), &removed));
    assert_int_equal(removed, 0); /* too young */
    assert_ok(downloads_clean(f.downloads, -1000000, &removed));
    assert_int_equal(removed, 2);
    assert_int_equal(test_dir_count(f.to, ""), 3);
}

/* Each directory that is named, and none else; what is unfinished here stays. */
static void test_clean_directory(void **state)
{
    (void)state;
    CLEANUP(fixture_done) Fixture f = {0};
    fixture_open(&f, (DownloadOptions){.part_bytes = 1 << 20, .multipart_bytes = 2 << 20});
    put(&f, "a/b/o", 3 << 20);
    put(&f, "a/o", 10);
    Download downloads[] = {{.key = STR("a/b/o"), .path = STR("a/b/o")}, {.key = STR("a/o"), .path = STR("a/o")}};
    for (size_t i = 0; i < ARRAY_COUNT(downloads); i++) {
        downloads_start(f.downloads, &downloads[i]);
        assert_ptr_equal(downloads_next(f.downloads), &downloads[i]);
        assert_ok(downloads[i].error);
    }
    assert_ok(download_publish(f.downloads, &downloads[1]));
    static const char *const names[] = {".x.0123abcd.part", "a/.x.0123abcd.part", "a/b/.x.0123abcd.part",
                                        "a/b/.x.0123abcd.state"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        test_dir_write(f.to, names[i], "text");
    static const struct {
        const char *directory;
        uint64_t removed;
        ErrorCode code;
    } cases[] = {{"a/b", 2, ERR_OK},  {"a/b", 0, ERR_OK},      {"a", 1, ERR_OK},         {"", 1, ERR_OK},
                 {"none", 0, ERR_OK}, {"a/none/b", 0, ERR_OK}, {"../x", 0, ERR_INVALID}, {"/etc", 0, ERR_INVALID}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint64_t removed;
        Error *err = downloads_clean_directory(f.downloads, str_of(cases[i].directory), 0, &removed);
        assert_int_equal(error_code(err), cases[i].code);
        assert_int_equal(removed, cases[i].removed);
        error_free(err);
    }
    assert_int_equal(test_dir_count(f.to, "a/b"), 2);
    download_keep(f.downloads, &downloads[0]);
    uint64_t removed;
    assert_ok(downloads_clean_directory(f.downloads, STR("a/b"), 0, &removed));
    assert_int_equal(removed, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),     cmocka_unit_test(test_failures), cmocka_unit_test(test_keep_and_discard),
        cmocka_unit_test(test_abandoned), cmocka_unit_test(test_clean),    cmocka_unit_test(test_clean_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
