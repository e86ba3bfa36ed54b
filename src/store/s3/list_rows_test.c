#include "store/s3/list_rows.h"

#include "base/testing.h"

static const ListEntry entries[] = {
    {.key = {"a", 1}, .etag = {"", 0}, .storage_class = {"", 0}},
    {.key = {"a/\xff\x00z", 5},
     .etag = {"00112233445566778899aabbccddeeff", 32},
     .size_bytes = UINT64_MAX,
     .storage_class = {"GLACIER", 7}},
    {.key = {"a/b", 3}, .etag = {"00112233445566778899aabbccddeeff-12", 35}, .modified_us = -1},
    {.key = {"b", 1}, .etag = {"00112233445566778899AABBCCDDEEFF", 32}, .modified_us = INT64_MAX},
    {.key = {"ba", 2}, .etag = {"00112233445566778899aabbccddeeg0", 32}, .modified_us = INT64_MIN, .size_bytes = 127},
    {.key = {"bab", 3}, .etag = {"short", 5}, .size_bytes = 128},
};

static Error *compare(void *context, const ListEntry *entry)
{
    const ListEntry **next = context, *expected = (*next)++;
    assert_true(str_equal(entry->key, expected->key));
    assert_true(str_equal(entry->etag, expected->etag));
    assert_true(str_equal(entry->storage_class, expected->storage_class));
    assert_true(entry->size_bytes == expected->size_bytes && entry->modified_us == expected->modified_us);
    return NULL;
}

/* What is kept comes back as it was, block by block. */
static void test_identity(void **state)
{
    (void)state;
    CLEANUP(list_rows_done) ListRows rows = {0};
    CLEANUP(buffer_done) Buffer scratch = {0};
    const ListEntry *next = entries;
    uint64_t bytes = 0;
    assert_true(list_rows_empty(&rows));
    assert_ok(list_rows_append(&rows, entries, 4, &scratch, &bytes));
    assert_ok(list_rows_append(&rows, entries + 4, 0, &scratch, &bytes));
    assert_ok(list_rows_append(&rows, entries + 4, 2, &scratch, &bytes));
    assert_true(bytes > 0);
    assert_ok(list_rows_show_block(&rows, compare, &next, &bytes));
    assert_ptr_equal(next, entries + 4);
    assert_ok(list_rows_show_block(&rows, compare, &next, &bytes));
    assert_ptr_equal(next, entries + 6);
    assert_true(bytes == 0 && list_rows_empty(&rows));
}

static Error *refuse(void *context, const ListEntry *entry)
{
    (void)context;
    (void)entry;
    return FAIL(NO_WORK, "enough");
}

static void test_an_error_ends_it(void **state)
{
    (void)state;
    CLEANUP(list_rows_done) ListRows rows = {0};
    CLEANUP(buffer_done) Buffer scratch = {0};
    uint64_t bytes = 0;
    assert_ok(list_rows_append(&rows, entries, 2, &scratch, &bytes));
    assert_ok(list_rows_append(&rows, entries, 2, &scratch, &bytes)); /* left to list_rows_done */
    assert_fails(list_rows_show_block(&rows, refuse, NULL, &bytes), ERR_NO_WORK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_identity), cmocka_unit_test(test_an_error_ends_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
