#include "parse/poppler_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/testing.h"

static char root[] = "/tmp/quern-poppler-files-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void assert_reads(FILE *file, const char *text)
{
    char got[64] = "";
    assert_non_null(file);
    size_t len = fread(got, 1, sizeof got - 1, file);
    fclose(file);
    assert_str(str_from(got, len), text);
}

static void assert_no_file(FILE *file, int reason)
{
    int error = errno;
    assert_null(file);
    assert_int_equal(error, reason);
}

/* One test, because the door closes once a process. */
static void test_door(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(root));
    assert_int_equal(mkdir(path_of("cMap"), 0700), 0);
    assert_int_equal(mkdir(path_of("cMap/Adobe-Japan1"), 0700), 0);
    write_file("cMap/Adobe-Japan1/H", "begincmap");
    write_file("zero", "");
    write_file("readme", "hello");
    assert_int_equal(symlink("/etc/passwd", path_of("link")), 0);
    assert_reads(fopen(path_of("readme"), "r"), "hello"); /* still libc's */
    assert_no_file(fopen(path_of("nothing"), "r"), ENOENT);

    assert_ok(poppler_files_map(path_of("cMap")));
    assert_ok(poppler_files_map(path_of("nowhere")));
    assert_ok(poppler_files_map_one(path_of("readme")));
    assert_ok(poppler_files_map_one(path_of("zero")));
    CLEANUP(error_freep) Error *link = poppler_files_map_one(path_of("link"));
    assert_non_null(link);
    assert_reads(fopen(path_of("readme"), "r"), "hello"); /* not closed yet */
    poppler_files_close();
    unlink(path_of("readme")); /* in memory now */
    for (unsigned twice = 0; twice < 2; twice++) {
        assert_reads(fopen(path_of("cMap/Adobe-Japan1/H"), "rb"), "begincmap");
        assert_reads(fopen64(path_of("readme"), "re"), "hello");
    }
    static const char *const absent[] = {"nothing", "cMap", "cMap/Adobe-Japan1", "cMap/Adobe-Japan1/h", "zero",
                                         "link",    ""};
    for (size_t i = 0; i < ARRAY_COUNT(absent); i++)
        assert_no_file(fopen(path_of(absent[i]), "r"), ENOENT);
    assert_no_file(fopen("/etc/passwd", "r"), ENOENT);
    assert_no_file(fopen(path_of("new"), "w"), ENOENT);
    assert_no_file(fopen(path_of("readme"), "w"), EACCES);
    assert_no_file(fopen(path_of("readme"), "r+"), EACCES);
    assert_int_equal(access(path_of("new"), F_OK), -1);

    static const char *const made[] = {"cMap/Adobe-Japan1/H", "zero", "link"};
    for (size_t i = 0; i < ARRAY_COUNT(made); i++)
        unlink(path_of(made[i]));
    rmdir(path_of("cMap/Adobe-Japan1"));
    rmdir(path_of("cMap"));
    assert_int_equal(rmdir(root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_door)};
    return cmocka_run_group_tests_name("poppler_files", tests, NULL, NULL);
}
