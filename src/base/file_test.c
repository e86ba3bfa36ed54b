#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/testing.h"

static void all_of_a_file_up_to_a_limit(void **state)
{
    (void)state;
    static const struct {
        size_t bytes, max_bytes;
        ErrorCode expected;
    } cases[] = {{0, 0, ERR_OK},           {1, 0, ERR_LIMIT},           {3, 3, ERR_OK},           {4, 3, ERR_LIMIT},
                 {200000, 200000, ERR_OK}, {200001, 200000, ERR_LIMIT}, {65536, SIZE_MAX, ERR_OK}};
    char path[] = "/tmp/quern-file-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        assert_int_equal(ftruncate(fd, (off_t)cases[i].bytes), 0);
        assert_ok(buffer_append_str(&out, STR("before")));
        Error *error = file_read(path, cases[i].max_bytes, &out);
        assert_int_equal(error_code(error), cases[i].expected);
        assert_true(!error || strstr(error_message_view(error), "more than"));
        error_free(error);
        assert_true(cases[i].expected != ERR_OK || out.len == cases[i].bytes + 6);
        assert_memory_equal(out.data, "before", 6);
    }
    close(fd);
    unlink(path);
    Buffer none = {0};
    assert_fails_saying(file_read(path, 1, &none), ERR_NOT_FOUND, path);
    CLEANUP(error_freep) Error *closed = file_read_rest(-1, 1, &none);
    assert_non_null(closed);
    buffer_done(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_of_a_file_up_to_a_limit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
