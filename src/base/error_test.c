#include "base/error.h"

#include <errno.h>
#include <stdio.h>

#include "base/testing.h"

static void the_table_of_codes_is_whole(void **state)
{
    (void)state;
    static const struct {
        ErrorCode code;
        const char *name;
        int exit_status;
        bool retryable;
    } rows[] = {
        /* spec/commands.md 0.3 */
        {ERR_OK, "ok", 0, false},
        {ERR_INVALID, "invalid", 2, false},
        {ERR_UNSUPPORTED, "unsupported", 2, false},
        {ERR_UNAVAILABLE, "unavailable", 3, true},
        {ERR_TIMEOUT, "timeout", 3, true},
        {ERR_DENIED, "denied", 4, false},
        {ERR_NOT_FOUND, "not_found", 6, false},
        {ERR_CHECK, "check", 7, false},
        {ERR_NO_SPACE, "no_space", 8, false},
        {ERR_NO_MEMORY, "no_memory", 8, false},
        {ERR_NO_WORK, "no_work", 9, false},
        {ERR_STATE, "state", 10, false},
        {ERR_LOCKED, "locked", 11, true},
        {ERR_CORRUPT, "corrupt", 1, false},
        {ERR_LIMIT, "limit", 1, false},
        {ERR_EXISTS, "exists", 1, false},
        {ERR_CHANGED, "changed", 1, true},
        {ERR_INTERNAL, "internal", 70, false},
        {ERR_CANCELLED, "cancelled", 130, false},
        {ERR_ARCHIVED, "archived", 1, false},
    };
    assert_int_equal(ARRAY_COUNT(rows), ERR_CODES);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_int_equal(rows[i].code, i);
        assert_string_equal(error_code_name(rows[i].code), rows[i].name);
        assert_int_equal(error_code_exit_status(rows[i].code), rows[i].exit_status);
        assert_int_equal(error_code_retryable(rows[i].code), rows[i].retryable);
    }
    assert_string_equal(error_code_name(ERR_CODES), "unknown");
    assert_int_equal(error_code_exit_status(ERR_CODES), 70);
    assert_false(error_code_retryable(ERR_CODES));
}

static void success_is_null(void **state)
{
    (void)state;
    assert_int_equal(error_code(NULL), ERR_OK);
    assert_string_equal(error_message_view(NULL), "");
    assert_true(error_offset(NULL) == ERROR_NO_OFFSET);
    assert_string_equal(error_file_view(NULL), "");
    assert_int_equal(error_line(NULL), 0);
    assert_null(error_wrap(NULL, "read '%s'", "a"));
    assert_null(error_at(NULL, 7));
    error_free(NULL);
}

static void an_error_says_what_and_where(void **state)
{
    (void)state;
    CLEANUP(error_freep) Error *error = FAIL(CORRUPT, "page at byte %d", 88120);
    int line = __LINE__ - 1;
    assert_int_equal(error_code(error), ERR_CORRUPT);
    assert_string_equal(error_message_view(error), "page at byte 88120");
    assert_int_equal(error_line(error), line);
    assert_non_null(strstr(error_file_view(error), "error_test.c"));
    assert_true(error_offset(error) == ERROR_NO_OFFSET);
    error = error_wrap(error, "row group %d", 3);
    error = error_wrap(error, "read 's3://corpus/%s'", "100%.parquet");
    error = error_at(error, 88120);
    assert_string_equal(error_message_view(error), "read 's3://corpus/100%.parquet': row group 3: page at byte 88120");
    assert_int_equal(error_line(error), line);
    assert_int_equal(error_offset(error), 88120);
}

static void a_copy_is_equal_and_its_own(void **state)
{
    (void)state;
    Error *error = error_at(FAIL(LIMIT, "100%% of '%s'", "x"), 5);
    CLEANUP(error_freep) Error *copy = error_copy(error);
    int line = error_line(error);
    error_free(error);
    copy = error_wrap(copy, "copy");
    assert_int_equal(error_code(copy), ERR_LIMIT);
    assert_string_equal(error_message_view(copy), "copy: 100% of 'x'");
    assert_int_equal(error_offset(copy), 5);
    assert_int_equal(error_line(copy), line);
}

static void errno_becomes_a_code(void **state)
{
    (void)state;
    static const struct {
        int number;
        ErrorCode code;
    } rows[] = {{ENOENT, ERR_NOT_FOUND},  {ENOTDIR, ERR_NOT_FOUND},    {EACCES, ERR_DENIED},
                {EPERM, ERR_DENIED},      {EROFS, ERR_DENIED},         {ENOSPC, ERR_NO_SPACE},
                {EDQUOT, ERR_NO_SPACE},   {EFBIG, ERR_NO_SPACE},       {ENOMEM, ERR_NO_MEMORY},
                {EEXIST, ERR_EXISTS},     {ETIMEDOUT, ERR_TIMEOUT},    {EINVAL, ERR_INVALID},
                {EISDIR, ERR_INVALID},    {ENAMETOOLONG, ERR_INVALID}, {ECONNREFUSED, ERR_UNAVAILABLE},
                {EPIPE, ERR_UNAVAILABLE}, {EIO, ERR_UNAVAILABLE},      {999, ERR_UNAVAILABLE}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char expected[200];
        errno = rows[i].number;
        CLEANUP(error_freep) Error *error = FAIL_ERRNO("open '%s'", "a/b");
        snprintf(expected, sizeof expected, "open 'a/b': %s", strerror(rows[i].number));
        assert_int_equal(error_code(error), rows[i].code);
        assert_string_equal(error_message_view(error), expected);
    }
}

static Error *passes_on(Error *take_error, int *reached)
{
    TRY(take_error);
    ++*reached;
    return NULL;
}

static Error *adds_context(Error *take_error, int *reached)
{
    TRY_CTX(take_error, "item %d", 7);
    ++*reached;
    return NULL;
}

static void try_returns_the_first_failure(void **state)
{
    (void)state;
    int reached = 0;
    assert_ok(passes_on(NULL, &reached));
    assert_ok(adds_context(NULL, &reached));
    assert_int_equal(reached, 2);
    assert_fails_saying(passes_on(FAIL(STATE, "broken"), &reached), ERR_STATE, "broken");
    assert_fails_saying(adds_context(FAIL(STATE, "broken"), &reached), ERR_STATE, "item 7: broken");
    assert_int_equal(reached, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_of_codes_is_whole),  cmocka_unit_test(success_is_null),
        cmocka_unit_test(an_error_says_what_and_where), cmocka_unit_test(a_copy_is_equal_and_its_own),
        cmocka_unit_test(errno_becomes_a_code),         cmocka_unit_test(try_returns_the_first_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
