#include "store/test_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/testing.h"

enum { OPEN_MAX_FOR_WALK = 32 };

void test_dir_new(char ret_path[TEST_DIR_BYTES])
{
    snprintf(ret_path, TEST_DIR_BYTES, "/tmp/quern-store-XXXXXX");
    assert_non_null(mkdtemp(ret_path));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

void test_dir_remove(const char *path)
{
    assert_int_equal(nftw(path, remove_one, OPEN_MAX_FOR_WALK, FTW_DEPTH | FTW_PHYS), 0);
}

static void join(char out[PATH_MAX], const char *dir, const char *name)
{
    int len = snprintf(out, PATH_MAX, "%s/%s", dir, name);
    assert_true(len > 0 && len < PATH_MAX);
}

size_t test_dir_count(const char *dir, const char *name)
{
    char path[PATH_MAX];
    size_t count = 0;
    join(path, dir, name);
    DIR *open_dir = opendir(path);
    assert_non_null(open_dir);
    while (readdir(open_dir))
        count++;
    assert_int_equal(closedir(open_dir), 0);
    return count - 2; /* "." and ".." */
}

bool test_dir_stat(const char *dir, const char *name, struct stat *ret_st)
{
    char path[PATH_MAX];
    join(path, dir, name);
    return lstat(path, ret_st) == 0;
}

void test_dir_write(const char *dir, const char *name, const char *text)
{
    char path[PATH_MAX];
    join(path, dir, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}
