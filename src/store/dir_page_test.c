#include "store/dir_page.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "base/testing.h"
#include "store/test_dir.h"

enum { NAMES = 500 };

static int compare_names(const void *left, const void *right)
{
    const char *const *a = left, *const *b = right;
    return strcmp(*a, *b);
}

/* Every name once and in order, whatever the page holds, and never more memory than it was given. */
static void check_pages(int dir_fd, char *const *names, size_t count, size_t bytes_max)
{
    CLEANUP(dir_page_done) DirPage page = {.bytes_max = bytes_max};
    size_t at = 0;
    do {
        assert_ok(dir_page_fill(&page, NULL, dir_fd));
        assert_true(page.count <= 2 || page.text.len + page.count * sizeof(DirEntry) <= bytes_max);
        for (size_t i = 0; i < page.count; i++, at++) {
            assert_true(at < count);
            assert_str(dir_page_part_view(&page, i), names[at]);
        }
    } while (page.more);
    assert_int_equal(at, count);
}

static void test_pages(void **state)
{
    (void)state;
    char dir[TEST_DIR_BYTES];
    char *names[NAMES];
    Random random;
    random_init_seed(&random, 5);
    test_dir_new(dir);
    CLEANUP(cleanup_close) int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < NAMES; i++) {
        char name[64];
        bool is_dir = random_below(&random, 10) == 0;
        snprintf(name, sizeof(name), "%.*s%zu%s", (int)random_below(&random, 20), "aaaaaaaaaaaaaaaaaaaa", i,
                 is_dir ? "/" : "");
        names[i] = strdup(name);
        if (is_dir)
            assert_int_equal(mkdirat(dir_fd, name, 0700), 0);
        else
            close(openat(dir_fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
    qsort(names, NAMES, sizeof(names[0]), compare_names);
    static const size_t sizes[] = {1, 100, 333, 1000, 5000, 1000000};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++)
        check_pages(dir_fd, names, NAMES, sizes[i]);
    for (size_t i = 0; i < NAMES; i++)
        free(names[i]);
    test_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
