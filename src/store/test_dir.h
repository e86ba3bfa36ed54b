/* test_dir.h - a directory for one test, and what tests do in it. Tests only; every failure ends the test. */
#ifndef STORE_TEST_DIR_H
#define STORE_TEST_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum { TEST_DIR_BYTES = 40 };

/* Makes an empty directory below /tmp and writes its path. */
void test_dir_new(char ret_path[TEST_DIR_BYTES]);
/* Removes a directory with all that is in it; links are not followed. */
void test_dir_remove(const char *path);

/* How many names are in `name` of `dir` ("" is itself). */
size_t test_dir_count(const char *dir, const char *name);
/* What lstat says; false when there is nothing. */
bool test_dir_stat(const char *dir, const char *name, struct stat *ret_st);
void test_dir_write(const char *dir, const char *name, const char *text);

#endif
